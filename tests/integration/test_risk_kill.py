"""The kill switch of every level: what is named is stopped and nothing else, and everybody can see what is engaged.

Goal: all refuses and cancels what is under the switch, reduce_only keeps what closes a position; the answer counts what went; an account hears
of a switch above it, and the room lists every one that is engaged.
Method: a small venue over the readable engine, with the kill desk and the risk room in it.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Forbidden, InvalidCommand, NotFound
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.risk import GetRiskUpdates
from quantumcore.contracts.risk_kill import (
    EngagedSwitches,
    EngageKillSwitch,
    GetKillSwitches,
    KillSwitch,
    LiftByTwo,
    LiftKillSwitch,
)
from quantumcore.contracts.risk_limits import GetLimits
from quantumcore.services.risk.desks import switches as desk
from quantumcore.services.risk.desks.kill import KillDesk
from tests.support.position_rooms import order
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.small_venue import ALICE, BOB, CAROL, COIN, SHARE

FIRM, SESSION = 7, 4_000_000_000
LEVELS: list[tuple[dict[str, Any], Scope, dict[str, Any]]] = [
    ({}, Scope.VENUE, {"scope": "venue"}),
    ({"account": ALICE}, Scope.ACCOUNT, {"scope": "account", "account_id": "1"}),
    ({"firm": FIRM}, Scope.FIRM, {"scope": "firm", "firm": FIRM}),
    ({"session": SESSION}, Scope.SESSION, {"scope": "session", "session": SESSION}),
    ({"symbol": "AAPL"}, Scope.INSTRUMENT, {"scope": "instrument", "symbol": "AAPL"}),
]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[RiskRoom]:
    async with risk_room(tmp_path) as opened:
        KillDesk(opened.venue.bus).attach()
        opened.venue.do(wire.SetFirm(account=ALICE, firm=FIRM))
        yield opened


def bid(room: RiskRoom, account: int = ALICE, *, lots: int = 1, price: int = 100, **changes: Any) -> wire.Event:
    """Let an account try to buy (below 0 lots: sell) shares by the session of the tests; return what came last."""
    placed = {"instrument": SHARE, "session": SESSION, **changes}
    sent = order(placed.pop("instrument"), account, 1 if lots > 0 else 2, abs(lots), price, **placed)
    return room.venue.do(sent)[-1]


def scope_of_refusal(event: wire.Event) -> tuple[Reason, Scope] | None:
    return (Reason(event.reason), Scope(event.scope)) if isinstance(event, wire.OrderRejected) else None


async def engaged(room: RiskRoom) -> EngagedSwitches:
    return await room.ask(GetKillSwitches(at_least=room.venue.engine.sequence))


def shown(switch: Any, expected: dict[str, Any]) -> bool:
    fields = ("scope", "account_id", "firm", "session", "symbol")
    return {name: getattr(switch, name) for name in fields} == dict.fromkeys(fields) | expected


@pytest.mark.parametrize("level, scope, named", LEVELS)
async def test_all_cancels_what_is_under_the_switch_and_refuses_what_comes(
    room: RiskRoom, level: dict[str, Any], scope: Scope, named: dict[str, Any]
) -> None:
    """Alice trades shares for the firm, by the session; Bob trades coins by no session, which is under the venue's switch alone."""
    for _ in range(3):
        assert scope_of_refusal(bid(room)) is None
    elsewhere = {"account": BOB, "instrument": COIN, "session": 0}
    bid(room, **elsewhere)
    done = await room.ask(EngageKillSwitch(**level))
    of_all = scope is Scope.VENUE
    assert shown(done, named)
    assert (done.mode, done.engaged, done.cancelled) == ("all", True, 4 if of_all else 3)
    assert done.accounts == ([ALICE, BOB] if of_all else [ALICE])
    assert done.sequence == room.venue.engine.sequence
    assert scope_of_refusal(bid(room)) == (Reason.KILLED, scope)
    assert (scope_of_refusal(bid(room, **elsewhere)) is None) != of_all
    (listed,) = (await engaged(room)).items
    assert shown(listed, named)
    assert (listed.mode, listed.sequence) == ("all", done.sequence)
    lifted = await room.ask(LiftKillSwitch(**level))
    assert (lifted.mode, lifted.engaged, lifted.cancelled, lifted.scope) == ("off", False, 0, named["scope"])
    assert scope_of_refusal(bid(room)) is None
    assert (await engaged(room)).items == []


@pytest.mark.parametrize("level, scope, named", LEVELS)
async def test_reduce_only_keeps_what_closes_a_position(
    room: RiskRoom, level: dict[str, Any], scope: Scope, named: dict[str, Any]
) -> None:
    room.trade(10, 1_000)
    bid(room)
    for _ in range(2):
        bid(room, lots=-6, price=2_000)
    done = await room.ask(EngageKillSwitch(**level, mode="reduce_only"))
    assert (done.mode, done.engaged, done.cancelled) == ("reduce_only", True, 2), (
        "the bid, and the second sale: 12 of 10"
    )
    assert scope_of_refusal(bid(room)) == (Reason.KILLED, scope)
    assert scope_of_refusal(bid(room, lots=-5, price=2_000)) == (Reason.KILLED, scope)
    assert scope_of_refusal(bid(room, lots=-4, price=2_000)) is None
    (listed,) = (await engaged(room)).items
    assert (listed.mode, listed.scope) == ("reduce_only", named["scope"])


@pytest.mark.parametrize(
    "wrong, error, field",
    [
        ({"account": ALICE, "firm": FIRM}, InvalidCommand, "firm"),
        ({"session": SESSION, "symbol": "AAPL"}, InvalidCommand, "symbol"),
        ({"firm": 1 << 32}, InvalidCommand, "firm"),
        ({"session": -1}, InvalidCommand, "session"),
        ({"mode": "off"}, InvalidCommand, "mode"),
        ({"mode": "some"}, InvalidCommand, "mode"),
        ({"symbol": "NONE"}, NotFound, "symbol"),
        ({"symbol": "a b"}, NotFound, "symbol"),
        ({"account": 999}, NotFound, "account_id"),
    ],
)
async def test_what_cannot_be_named_is_refused_and_nothing_is_stopped(
    room: RiskRoom, wrong: dict[str, Any], error: type[InvalidCommand] | type[NotFound], field: str
) -> None:
    bid(room)
    before = room.venue.engine.sequence
    with pytest.raises(error) as caught:
        await room.ask(EngageKillSwitch(**wrong))
    assert caught.value.field == field
    assert room.venue.engine.sequence == before + (wrong == {"account": 999})
    assert (await engaged(room)).items == []


@pytest.mark.parametrize("level, scope, named", LEVELS)
async def test_with_four_eyes_one_person_lifts_nothing(
    tmp_path: Path, level: dict[str, Any], scope: Scope, named: dict[str, Any]
) -> None:
    async with risk_room(tmp_path) as room:
        KillDesk(room.venue.bus, four_eyes=True).attach()
        room.venue.do(wire.SetFirm(account=ALICE, firm=FIRM))
        await room.ask(EngageKillSwitch(**level))
        with pytest.raises(Forbidden, match=r"approval\.required"):
            await room.ask(LiftKillSwitch(**level))
        assert scope_of_refusal(bid(room)) == (Reason.KILLED, scope)
        done: KillSwitch = await room.ask(LiftByTwo(asked=LiftKillSwitch(**level)))
        assert (done.mode, done.scope) == ("off", named["scope"])
        assert scope_of_refusal(bid(room)) is None


async def test_an_account_shows_the_strictest_switch_above_it(room: RiskRoom) -> None:
    async def modes(account: int) -> tuple[bool, str | None]:
        found = await room.metrics(account)
        limits = await room.ask(GetLimits(account=account, at_least=room.venue.engine.sequence))
        assert (limits.killed, limits.kill_mode) == (found.killed, found.kill_mode)
        return found.killed, found.kill_mode

    assert await modes(ALICE) == (False, None)
    await room.ask(EngageKillSwitch(firm=FIRM, mode="reduce_only"))
    assert (await modes(ALICE), await modes(BOB)) == ((True, "reduce_only"), (False, None))
    await room.ask(EngageKillSwitch(account=ALICE))
    assert await modes(ALICE) == (True, "all")
    await room.ask(LiftKillSwitch(account=ALICE))
    assert await modes(ALICE) == (True, "reduce_only")
    room.venue.do(wire.SetFirm(account=BOB, firm=FIRM))
    room.venue.do(wire.SetFirm(account=ALICE, firm=0))
    assert (await modes(ALICE), await modes(BOB)) == ((False, None), (True, "reduce_only"))
    await room.ask(EngageKillSwitch(symbol="AAPL"))
    await room.ask(EngageKillSwitch(session=SESSION))
    assert await modes(CAROL) == (False, None), "what stops an instrument or a connection stops no account"
    await room.ask(EngageKillSwitch(mode="reduce_only"))
    assert await modes(CAROL) == (True, "reduce_only")


async def test_an_account_hears_of_the_switch_above_it_and_of_its_mode(room: RiskRoom) -> None:
    async def said() -> list[tuple[str, str | None]]:
        await room.metrics()
        room.venue.do(wire.SetLimits(account=ALICE, max_open_orders=10))  # it moves
        await room.metrics()
        while room.service._watch._dirty:
            await room.service._watch.round()
        return [(one.kind, one.mode) for one in (await room.ask(GetRiskUpdates(account=ALICE, after=0))).items]

    await room.ask(EngageKillSwitch(firm=FIRM, mode="reduce_only"))
    heard: list[tuple[str, str | None]] = [("killed", "reduce_only")]
    assert await said() == heard
    assert await said() == heard, "once"
    await room.ask(EngageKillSwitch(account=ALICE))
    heard.append(("killed", "all"))
    assert await said() == heard
    await room.ask(LiftKillSwitch(account=ALICE))
    heard.append(("killed", "reduce_only"))
    assert await said() == heard
    await room.ask(LiftKillSwitch(firm=FIRM))
    heard.append(("lifted", None))
    assert await said() == heard
    assert await said() == heard


async def test_a_list_that_is_cut_off_says_so(room: RiskRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "MAX_SWITCHES", 2)
    for session in (3, 1):
        await room.ask(EngageKillSwitch(session=session))
    found = await engaged(room)
    assert ([one.session for one in found.items], found.complete) == ([1, 3], True)
    await room.ask(EngageKillSwitch(session=2))
    found = await engaged(room)
    assert ([one.session for one in found.items], found.complete) == ([1, 2], False)
