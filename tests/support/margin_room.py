"""The risk room with an account on margin in it: 1,000.00 and a credit line, 100 AAPL bought at 100.00, 8 % initial and 4 % maintenance."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.matching import SequenceBatch
from quantumcore.contracts.risk_margin import AccountMargin, MarginChange, MarginSetting, MarginTerms, SetMargin
from tests.support.risk_room import RiskRoom, risk_room, risk_service
from tests.support.small_venue import ALICE, BOB, RICH, SHARE, SHARES, USD, define, until

SIGNED: dict[str, Any] = {"who": "ruth", "reason": "on margin from today"}
DESKS = ("margin", "models", "marks", "assessments", "rungs", "liquidations")
TERMS = MarginTerms(symbol="AAPL", initial="0.08", maintenance="0.04")


def market(**changes: Any) -> list[wire.Command]:
    """Return the commands of a market without fees, in which Alice has 1,000.00 and a credit line, and Bob is rich."""
    commands: list[wire.Command] = [
        wire.DefineCurrency(currency=USD, code="USD", scale=2),
        wire.DefineCurrency(currency=SHARES, code="AAPL", scale=0),
        define(SHARE, "AAPL", SHARES, lot_scale=0, **{"taker_fee": 0, "maker_fee": 0, **changes}),
    ]
    for account, cash, shares in ((ALICE, 100_000, 0), (BOB, RICH, RICH)):
        commands.append(wire.OpenAccount(account=account, owner=account))
        for currency, amount in ((USD, cash), (SHARES, shares)):
            if amount:
                name = f"first-{currency}"
                commands.append(
                    wire.Transfer(account=account, amount=amount, currency=currency, transfer_kind=1, transfer_id=name)
                )
    commands.append(wire.SetCredit(account=ALICE, currency=USD, limit=10**8))
    return commands


async def put(room: RiskRoom, what: MarginSetting, **signed: Any) -> MarginChange:
    """Set something of margin."""
    return await room.ask(SetMargin(what=what, **{**SIGNED, **signed}))


async def caught_up(room: RiskRoom) -> None:
    """Wait until the room has every event, and has handed it on."""
    await until(lambda: room.service._follower.cursor == room.venue.engine.sequence, "the projection")


async def turned(room: RiskRoom, rounds: int = 1) -> None:
    """Let a second pass, then let each desk look once at what has happened, as often as is said."""
    margin = room.service.margin
    for _ in range(rounds):
        room.venue.clock.turn(1)
        await caught_up(room)
        await margin.assessor.round()
        await caught_up(room)
        await margin.liquidation.round()
        await margin.teller.round()
        await caught_up(room)


async def looked(room: RiskRoom) -> None:
    """Let the watch look once, a second later."""
    room.venue.clock.turn(1)
    await room.service.margin.assessor.round()


async def heard(room: RiskRoom) -> None:
    """Give a room whose tasks are halted what the log has for it."""
    await room.service.apply(list(room.venue.log.read(room.service.projection.stand.sequence, 1 << 24)))


class Crash(BaseException):
    """The process is gone."""


async def dies_in_a_step(room: RiskRoom, *, answered: bool) -> None:
    """Let the liquidation desk die when it has sent a step: before the engine had it, or after."""
    desk, bus = room.service.margin.liquidation, room.venue.bus

    class Dying:
        async def request(self, message: Any) -> Any:
            if isinstance(message, SequenceBatch):
                if answered:
                    await bus.request(message)
                raise Crash
            return await bus.request(message)

    desk._bus = Dying()  # type: ignore[assignment]  # the fault that is injected
    with pytest.raises(Crash):
        await desk.round()


async def begins_again(room: RiskRoom, **settings: Any) -> None:
    """Let the next process have the room, over the same tables."""
    await room.venue.halt()
    await room.service.stop()
    service = risk_service(room.venue, room.database, room.own, **settings)
    room.service = await room.venue.run(service, attach=False)


def assessed(room: RiskRoom, kind: type[wire.Event] = wire.MarginAssessed) -> list[Any]:
    """Return the events of a kind that the log has, the oldest first."""
    return [one for batch in room.venue.log.read(0, 1 << 26) for one in batch.events if isinstance(one, kind)]


async def alone(room: RiskRoom) -> RiskRoom:
    """Let only the projection run, and the desks of margin look when a test lets them; what waits is assessed."""
    await caught_up(room)
    await room.venue.halt()
    for name, body in room.service.tasks():
        if name not in DESKS:
            room.venue.spawn(name, body)
    room.venue.clock.turn(1)
    await caught_up(room)
    await room.service.margin.assessor.round()
    await caught_up(room)
    return room


@asynccontextmanager
async def margined(directory: Path, **settings: Any) -> AsyncIterator[RiskRoom]:
    """Run the room with Alice on margin, her 100 shares bought at a mark of 100.00; its desks of margin look when a test lets them."""
    async with risk_room(directory, commands=market(), **settings) as room:
        await put(room, TERMS)
        await put(room, AccountMargin(account=ALICE, currency="USD", profile="volatility"))
        room.mark(10_000)
        room.trade(100, 10_000)
        yield room


def rungs(room: RiskRoom) -> int:
    """Return the rung on which the engine finds Alice."""
    return room.venue.engine.margin(ALICE, USD)[7 + 1]
