"""Who comes near a limit is warned, once until he has been below again, and no warning is lost.

Goal: 80 % is the line; above it one warning, below it one relief, on it nothing; a restart and a reader who was away change none of that.
Method: a small venue; the limit on open orders, which moves in whole steps, and the margin, which a price moves.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand, Unavailable
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.risk import GetRiskUpdates, RiskUpdate, RiskWarning
from quantumcore.contracts.risk_parameters import SetMarginProfile, SetVolatility
from tests.support.clocks import settle
from tests.support.margin_room import caught_up
from tests.support.option_room import FIRST, array, listed, margins, options_market, profile, symbol
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.small_venue import ALICE, BOB, SHARE, SHARES, USD, define, until


@asynccontextmanager
async def watched(directory: Path, **given: Any) -> AsyncIterator[RiskRoom]:
    """The risk room; its own task and a test look one after the other, so that a look that has begun is waited for."""
    async with risk_room(directory, **given) as room:
        alone, watch = asyncio.Lock(), room.service._watch
        look = watch.round

        async def after_the_other() -> None:
            async with alone:
                await look()

        watch.round = after_the_other  # type: ignore[method-assign]
        yield room


async def said(room: RiskRoom, account: int = ALICE) -> list[RiskUpdate]:
    """Let the room look at whoever moved; return all that it has told of an account."""
    await room.metrics(account)
    await room.service._watch.round()
    while room.service._watch._dirty or room.service._watch._priced:
        await room.service._watch.round()
    return (await room.ask(GetRiskUpdates(account=account, after=0))).items


def kinds(updates: list[RiskUpdate]) -> list[tuple[str, str]]:
    return [(one.kind, one.limit.name if one.limit else "") for one in updates]


async def test_passing_the_line_is_told_once_and_again_only_after_it_was_below(tmp_path: Path) -> None:
    async with watched(tmp_path) as room:
        room.venue.do(wire.SetLimits(account=ALICE, max_open_orders=10))
        for _ in range(8):
            room.work(1, 100)
        assert await said(room) == []  # 80 % is not over 80 %
        room.work(1, 100)
        (warning,) = await said(room)
        assert warning.limit is not None
        assert (warning.kind, warning.limit.name, warning.limit.used, warning.limit.limit) == (
            "warning",
            "open_orders",
            "9",
            "10",
        )
        assert warning.sequence == room.venue.engine.sequence
        room.work(1, 100)
        assert len(await said(room)) == 1
        room.venue.do(wire.MassCancel(account=ALICE, instrument=SHARE, side=0))
        assert kinds(await said(room)) == [("warning", "open_orders"), ("relief", "open_orders")]
        for _ in range(9):
            room.work(1, 100)
        assert kinds(await said(room))[2:] == [("warning", "open_orders")]


async def test_on_the_line_nothing_changes(tmp_path: Path) -> None:
    async with watched(tmp_path) as room:
        room.venue.do(wire.SetLimits(account=ALICE, max_open_orders=10))
        for _ in range(9):
            room.work(1, 100)
        await said(room)
        room.venue.do(wire.SetLimits(account=ALICE, max_open_orders=11))  # 81.8 %
        assert len(await said(room)) == 1
        room.venue.do(wire.CancelOrder(account=ALICE, instrument=SHARE, order_sequence=room.venue.engine.sequence - 1))
        room.venue.do(wire.SetLimits(account=ALICE, max_open_orders=10))
        room.venue.do(wire.MassCancel(account=ALICE, instrument=SHARE, side=0))
        for _ in range(8):
            room.work(1, 100)
        before = len(await said(room))
        room.venue.do(wire.AdvanceTime())
        assert len(await said(room)) == before


async def test_a_market_that_becomes_smaller_brings_a_warning_to_who_holds_some_of_it(tmp_path: Path) -> None:
    """And nobody else's figures are made anew."""
    async with watched(tmp_path) as room:
        room.venue.do(wire.SetMarketShares(scope=Scope.INSTRUMENT, instrument=SHARE, interest=100_000))
        room.venue.do(wire.SetMarketSize(instrument=SHARE, open_interest=500))
        room.trade(40, 100)
        assert await said(room) == []  # 80 % is not over 80 %
        room.venue.do(wire.OpenAccount(account=77, owner=77))
        await said(room, 77)
        other = await room.service._valuer.see(77)
        room.venue.do(wire.SetMarketSize(instrument=SHARE, open_interest=499))
        (warning,) = await said(room)
        assert warning.limit is not None
        assert (warning.limit.name, warning.limit.symbol, warning.limit.limit) == ("interest_share", "AAPL", "49")
        assert await room.service._valuer.see(77) is other
        room.venue.do(wire.SetMarketSize(instrument=SHARE, open_interest=1_000))
        assert kinds(await said(room))[1:] == [("relief", "interest_share")]


async def test_a_price_alone_can_bring_a_warning(tmp_path: Path) -> None:
    """Alice, who does nothing, has 1,000 in cash and 100 shares; at ten times their price margin takes most of her equity."""
    commands: list[wire.Command] = [
        wire.DefineCurrency(currency=USD, code="USD", scale=2),
        wire.DefineCurrency(currency=SHARES, code="AAPL", scale=0),
        define(SHARE, "AAPL", SHARES, lot_scale=0, taker_fee=0, maker_fee=0),
    ]
    for account, cash, shares in ((ALICE, 200_000, 0), (BOB, 0, 100)):
        commands.append(wire.OpenAccount(account=account, owner=account))
        for currency, amount in ((USD, cash), (SHARES, shares)):
            if amount:
                commands.append(
                    wire.Transfer(account=account, amount=amount, currency=currency, transfer_kind=1, transfer_id="t")
                )
    async with watched(tmp_path, commands=commands) as room:
        signed = {"who": "ruth", "reason": "new account"}
        await room.ask(SetMarginProfile(account=ALICE, profile="volatility", **signed))
        await room.ask(SetVolatility(symbol="AAPL", volatility="0.36", **signed))
        room.trade(100, 1_000)
        assert await said(room) == []
        room.mark(10_000)
        (warning,) = await said(room)
        assert warning.limit is not None
        assert (warning.limit.name, warning.limit.used, warning.limit.limit) == ("margin", "9000.00", "11000.00")
        room.mark(1_000)
        assert kinds(await said(room)) == [("warning", "margin"), ("relief", "margin")]


async def test_a_kill_switch_is_told_and_its_end(tmp_path: Path) -> None:
    async with watched(tmp_path) as room:
        room.venue.do(wire.SetKillSwitch(account=ALICE, engaged=1))
        await said(room)
        room.venue.do(wire.SetKillSwitch(account=ALICE, engaged=1))
        await said(room)
        room.venue.do(wire.SetKillSwitch(account=ALICE, engaged=0))
        assert kinds(await said(room)) == [("killed", ""), ("lifted", "")]
        assert await said(room, BOB) == []


async def test_warnings_are_notices_with_numbers_that_show_a_gap(tmp_path: Path) -> None:
    async with watched(tmp_path) as room:
        heard: list[RiskWarning] = []

        async def hear(notices: Any) -> None:
            heard.extend(notices)

        room.venue.bus.subscribe(RiskWarning, hear)
        for account in (ALICE, BOB):
            room.venue.do(wire.SetLimits(account=account, max_open_orders=1))
            room.work(1, 100, account=account)
            await said(room, account)
        await settle()
        assert [(one.previous, one.updates[0].number, one.updates[0].account) for one in heard] == [
            (0, 1, ALICE),
            (1, 2, BOB),
        ]


async def test_a_restart_tells_the_last_ones_again_and_no_new_ones(tmp_path: Path) -> None:
    async with watched(tmp_path) as room:
        room.venue.do(wire.SetLimits(account=ALICE, max_open_orders=1))
        room.work(1, 100)
        first = await said(room)
        heard: list[RiskWarning] = []

        async def hear(notices: Any) -> None:
            heard.extend(notices)

        room.venue.bus.subscribe(RiskWarning, hear)
        await room.service._watch.start()
        await settle()
        assert [one.updates for one in heard] == [first]
        room.venue.do(wire.SetMark(instrument=SHARE, price=100))
        assert await said(room) == first


async def test_a_look_that_fails_is_made_again_and_tells_once(tmp_path: Path) -> None:
    """The database does not take the warning: nothing was told; the next look tells it."""
    async with watched(tmp_path) as room:
        watch, own = room.service._watch, room.service._watch._own

        class Full:
            read = own.read

            async def write(self, _work: Any) -> Any:
                raise Unavailable("unavailable", "the disk is full")

        room.venue.do(wire.SetLimits(account=ALICE, max_open_orders=1))
        await room.metrics()
        while watch._dirty:
            await watch.round()
        watch._own = Full()  # type: ignore[assignment]  # the fault that is injected
        room.work(1, 100)
        await until(lambda: room.service._follower.cursor == room.venue.engine.sequence, "the projection")
        watch._dirty[ALICE] = None
        with pytest.raises(Unavailable):
            await watch.round()
        watch._own = own
        assert ALICE in watch._dirty
        assert len(await said(room)) == 1


async def test_updates_are_read_page_by_page(tmp_path: Path) -> None:
    async with watched(tmp_path) as room:
        room.venue.do(wire.SetLimits(account=ALICE, max_open_orders=1))
        for _ in range(3):
            room.work(1, 100)
            await said(room)
            room.venue.do(wire.MassCancel(account=ALICE, instrument=SHARE, side=0))
            await said(room)
        whole = await said(room)
        assert [one.number for one in whole] == [1, 2, 3, 4, 5, 6]
        page = await room.ask(GetRiskUpdates(account=ALICE, after=2, limit=3))
        assert ([one.number for one in page.items], page.reached) == ([3, 4, 5], 5)
        page = await room.ask(GetRiskUpdates(account=ALICE, after=5, limit=3))
        assert ([one.number for one in page.items], page.reached) == ([6], 6)
        assert (await room.ask(GetRiskUpdates(account=BOB, after=0))).reached == 6
        assert (await room.ask(GetRiskUpdates(account=BOB))).reached == 6
        with pytest.raises(InvalidCommand):
            await room.ask(GetRiskUpdates(account=ALICE, after=0, limit=0))


async def test_margin_by_strategies_and_scenarios_warns_when_only_an_underlying_or_an_array_moves(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path, commands=options_market(40_000_00)) as room:
        room.mark(23_000)
        await caught_up(room)
        await listed(room, FIRST, "put", "200")
        room.trade(-10, 120, instrument=FIRST)
        await profile(room, "strategies")
        assert await margins(room) == ("21200.00", "21200.00")  # 1.20 + 20.00, the least; of 40,000.00
        assert await said(room) == []
        room.mark(20_900)  # of what Alice does not hold
        assert kinds(await said(room)) == [("warning", "margin")]
        assert await margins(room) == ("34000.00", "34000.00")
        await array(room, symbol(FIRST), ["-1"] * 16)
        await profile(room, "scenarios")
        room.venue.do(wire.Transfer(account=ALICE, amount=1, currency=USD, transfer_kind=1, transfer_id="she moves"))
        assert kinds(await said(room))[1:] == [("relief", "margin")]
        await array(room, symbol(FIRST), ["-3900"] * 16)
        assert kinds(await said(room))[2:] == [("warning", "margin")]
