"""Limits that people set: in force at once, with who and why, until their time is over; none is lost and none stays too long.

Goal: what was set is what the engine enforces; an expiry brings back what stood; a kill between writing and commanding loses nothing.
Method: a small venue over the readable engine, whose refusals are looked at; a clock that is turned.
"""

from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Forbidden, InvalidCommand, NotFound, Unavailable
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.risk import LimitUse
from quantumcore.contracts.risk_limits import (
    CheckLimits,
    GetLimitChanges,
    GetLimits,
    LimitChange,
    SetLimits,
    SetLimitsByTwo,
)
from tests.support.portfolios import NO_CURRENCY
from tests.support.position_rooms import order
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.small_venue import ALICE, BOB, SHARE, USD

SIGNED: dict[str, Any] = {"who": "ruth", "reason": "new client"}


async def limited(room: RiskRoom, **given: Any) -> LimitChange:
    return await room.ask(SetLimits(**{"account": ALICE, **SIGNED, **given}))


def refused(room: RiskRoom, lots: int, price: int, *, account: int = ALICE) -> tuple[Reason, int, Scope] | None:
    """Let an account try to buy; return (reason, limit, scope) of the refusal, None when it works."""
    last = room.venue.do(order(SHARE, account, 1, lots, price))[-1]
    if not isinstance(last, wire.OrderRejected):
        return None
    return Reason(last.reason), last.limit, Scope(last.scope)


async def uses(room: RiskRoom, account: int = ALICE) -> dict[tuple[str, str | None], LimitUse]:
    at = room.venue.engine.sequence
    found = await room.ask(GetLimits(account=account, at_least=at))
    return {(one.name, one.symbol): one for one in found.limits}


async def test_what_is_set_of_a_symbol_is_what_the_engine_enforces(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        made = await limited(room, symbol="AAPL", max_long="500", max_order_quantity="200", max_order_value="3000.00")
        assert (made.state, made.who, made.reason, made.currency) == ("standing", "ruth", "new client", "USD")
        assert made.sequence == room.venue.engine.sequence
        assert made.given == {"order_quantity": 200, "long": 500, "order_value": 300_000}
        assert made.before == {}
        assert refused(room, 201, 100) == (Reason.MAX_QTY, 201 - 1, Scope.ACCOUNT)
        assert refused(room, 200, 1_501) == (Reason.MAX_NOTIONAL, 300_000, Scope.ACCOUNT)
        for lots in (200, 200):
            assert refused(room, lots, 100) is None
        assert refused(room, 101, 100) == (Reason.POS_LIMIT, 500, Scope.ACCOUNT)
        assert refused(room, 100, 100) is None
        assert refused(room, 501, 100, account=BOB) is None


async def test_the_use_of_positions_and_working_orders_is_shown(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        await limited(room, symbol="AAPL", max_long="500", max_short="40", max_open_each=10, max_open_value="100000.00")
        await limited(room, max_open_orders=4, max_open_each=20)
        room.trade(100, 15_000)
        room.work(150, 200)
        room.work(-130, 20_000)
        found = await uses(room)
        long, short = found["long", "AAPL"], found["short", "AAPL"]
        assert (long.scope, long.limit, long.used, long.use) == ("account", "500", "250", "0.5000")
        assert (short.limit, short.used, short.use) == ("40", "30", "0.7500")
        assert (found["open_each", "AAPL"].limit, found["open_each", "AAPL"].used) == ("10", "2")
        assert (found["open_orders", None].limit, found["open_orders", None].used) == ("4", "2")
        value = found["open_value", "AAPL"]
        assert (value.limit, value.used) == ("100000.00", "26300.00")
        records = (await room.ask(GetLimits(account=ALICE))).records
        shown = {(one.name, one.symbol): (one.scope, one.value, one.currency) for one in records}
        assert shown["long", "AAPL"] == ("account", "500", None)
        assert shown["open_value", "AAPL"] == ("account", "100000.00", "USD")
        assert shown["open_orders", None] == ("account", "4", None)


async def test_a_record_is_replaced_whole_and_values_without_a_currency_are_left(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        await limited(room, currency="USD", max_order_value="10.00", max_open_orders=5)
        second = await limited(room, max_open_each=3)
        assert second.before == {"open_orders": 5}
        assert refused(room, 11, 100) == (Reason.MAX_NOTIONAL, 1_000, Scope.ACCOUNT)
        third = await limited(room, currency="USD")
        assert third.before == {"open_each": 3, "order_value": 1_000}
        assert refused(room, 11, 100) is None
        records = (await room.ask(GetLimits(account=ALICE, at_least=room.venue.engine.sequence))).records
        assert [one for one in records if one.scope == "account"] == []


async def test_at_its_expiry_what_stood_before_comes_back_by_itself(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        await limited(room, symbol="AAPL", max_long="500")
        until = room.venue.clock.now() + 60 * 10**9
        raised = await limited(room, symbol="AAPL", max_long="800", expires_ns=until, reason="roll of the month")
        assert raised.before == {"long": 500}
        room.venue.clock.turn(59)
        await room.service._limits.look()
        assert refused(room, 800, 1) is None
        room.venue.do(wire.MassCancel(account=ALICE, instrument=SHARE, side=0))
        room.venue.clock.turn(2)
        await room.service._limits.look()
        assert refused(room, 501, 1) == (Reason.POS_LIMIT, 500, Scope.ACCOUNT)
        changes = (await room.ask(GetLimitChanges(account=ALICE))).items
        assert [(one.number, one.state, one.who, one.given) for one in changes] == [
            (3, "standing", "expiry", {"long": 500}),
            (2, "reverted", "ruth", {"long": 800}),
            (1, "replaced", "ruth", {"long": 500}),
        ]
        assert changes[0].reason == "change 2 was until now"
        await room.service._limits.look()
        assert len((await room.ask(GetLimitChanges())).items) == 3


async def test_a_later_change_takes_the_expiry_of_an_earlier_one_away(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        await limited(room, symbol="AAPL", max_long="800", expires_ns=room.venue.clock.now() + 10**9)
        await limited(room, symbol="AAPL", max_long="300")
        await limited(room, max_open_orders=7)  # another record
        room.venue.clock.turn(5)
        await room.service._limits.look()
        assert refused(room, 301, 1) == (Reason.POS_LIMIT, 300, Scope.ACCOUNT)
        states = [one.state for one in (await room.ask(GetLimitChanges())).items]
        assert states == ["standing", "standing", "replaced"]


async def test_what_is_written_down_is_commanded_however_late(tmp_path: Path) -> None:
    """Matching is away: the caller hears so; the change is done once it is back, and before anything later."""
    async with risk_room(tmp_path) as room:
        room.venue.down = True
        with pytest.raises(Unavailable):
            await limited(room, symbol="AAPL", max_long="5")
        (waiting,) = (await room.ask(GetLimitChanges())).items
        assert (waiting.state, waiting.sequence) == ("asked", 0)
        await room.service._limits.look()
        assert refused(room, 6, 1) is None
        room.venue.down = False
        await room.service._limits.look()
        assert refused(room, 6, 1) == (Reason.POS_LIMIT, 5, Scope.ACCOUNT)
        (done,) = (await room.ask(GetLimitChanges())).items
        assert done.state == "standing"


async def test_changes_are_read_page_by_page(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        for count in range(1, 6):
            await limited(room, max_open_orders=count, account=ALICE if count % 2 else BOB)
        first = await room.ask(GetLimitChanges(limit=2))
        assert ([one.number for one in first.items], first.next_cursor) == ([5, 4], "4")
        rest = await room.ask(GetLimitChanges(limit=5, cursor="4"))
        assert ([one.number for one in rest.items], rest.next_cursor) == ([3, 2, 1], None)
        assert [one.number for one in (await room.ask(GetLimitChanges(account=BOB))).items] == [4, 2]
        for wrong in ({"limit": 0}, {"cursor": "x"}, {"cursor": "0"}):
            with pytest.raises(InvalidCommand):
                await room.ask(GetLimitChanges(**wrong))


@pytest.mark.parametrize(
    "wrong, field",
    [
        ({"max_long": "5"}, "max_long"),
        ({"max_order_value": "5.00"}, "max_order_value"),
        ({"symbol": "AAPL", "max_open_orders": 5}, "max_open_orders"),
        ({"symbol": "AAPL", "max_long": "-1"}, "max_long"),
        ({"symbol": "AAPL", "max_long": "0.5"}, "max_long"),
        ({"symbol": "AAPL", "max_order_value": "0.001"}, "max_order_value"),
        ({"symbol": "AAPL", "max_long": "1e3"}, "max_long"),
        ({"symbol": "AAPL", "currency": "BTC"}, "currency"),
        ({"max_open_orders": -1}, "max_open_orders"),
        ({"reason": ""}, "reason"),
        ({"who": ""}, "who"),
        ({"expires_ns": 1}, "expires"),
    ],
)
async def test_what_cannot_be_set_is_refused_and_nothing_is_written(
    tmp_path: Path, wrong: dict[str, Any], field: str
) -> None:
    async with risk_room(tmp_path) as room:
        for asking in (limited, proposed):
            with pytest.raises(InvalidCommand) as caught:
                await asking(room, **wrong)
            assert caught.value.field == field
        assert (await room.ask(GetLimitChanges())).items == []


async def proposed(room: RiskRoom, **given: Any) -> Any:
    return await room.ask(CheckLimits(asked=SetLimits(**{"account": ALICE, **SIGNED, **given})))


async def test_whose_limits_they_are_must_exist(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        for wrong in ({"account": 999}, {"symbol": "NONE"}, {"currency": NO_CURRENCY}):
            with pytest.raises(NotFound):
                await limited(room, **wrong)


async def test_with_four_eyes_one_person_sets_nothing(tmp_path: Path) -> None:
    async with risk_room(tmp_path, four_eyes=True) as room:
        with pytest.raises(Forbidden, match=r"approval\.required"):
            await limited(room, max_open_orders=5)
        assert (await room.ask(GetLimitChanges())).items == []
        done = await room.ask(SetLimitsByTwo(asked=SetLimits(account=ALICE, max_open_orders=5, **SIGNED)))
        assert done.state == "standing"


async def test_the_venues_profile_counts_for_who_has_none(tmp_path: Path) -> None:
    async with risk_room(tmp_path) as room:
        room.venue.do(
            wire.SetQuantityLimits(scope=Scope.VENUE, max_long=100, max_short=100, max_open_orders=9, max_open_each=5)
        )
        room.venue.do(wire.SetMoneyLimits(scope=Scope.VENUE, currency=USD, max_order_notional=10**9))
        room.venue.do(wire.SetQuantityLimits(scope=Scope.INSTRUMENT, instrument=SHARE, max_long=50))
        room.work(20, 100)
        found = await uses(room)
        assert (found["long", "AAPL"].scope, found["long", "AAPL"].limit) == ("instrument", "50")
        assert (found["open_orders", None].scope, found["open_orders", None].limit) == ("venue", "9")
        assert (found["open_each", "AAPL"].scope, found["open_each", "AAPL"].limit) == ("venue", "5")
        await limited(room, symbol="AAPL", max_long="30")
        assert (await uses(room))["long", "AAPL"].limit == "30"
