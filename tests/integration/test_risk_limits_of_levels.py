"""Limits of the venue, of firms, groups and instruments: set as an account's are, and enforced for all whom they are of.

Goal: what was set of a level is what the engine enforces, and no other level's record is touched; each level has the limits that its record
has and no others; an expiry brings back what stood; what stands of a level can be read.
Method: a small venue over the readable engine, whose refusals are looked at; a clock that is turned.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Forbidden, InvalidCommand, NotFound
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.risk_limits import (
    CheckLimits,
    GetLevelLimits,
    GetLimitChanges,
    GetLimits,
    LevelLimits,
    LimitChange,
    SetLimits,
    SetLimitsByTwo,
)
from tests.support.position_rooms import order
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.small_venue import ALICE, BOB, CAROL, COIN, SHARE

SIGNED: dict[str, Any] = {"who": "ruth", "reason": "new client"}
FIRM, GROUP = 7, 9
VENUE: dict[str, Any] = {}
LEVELS = [VENUE, {"firm": FIRM}, {"group": GROUP}, {"symbol": "AAPL"}]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[RiskRoom]:
    """Alice and Bob are of one firm and one group."""
    async with risk_room(tmp_path) as opened:
        for account in (ALICE, BOB):
            opened.venue.do(wire.SetFirm(account=account, firm=FIRM))
            opened.venue.do(wire.SetGroup(account=account, group=GROUP))
        yield opened


async def limited(room: RiskRoom, **given: Any) -> LimitChange:
    return await room.ask(SetLimits(**SIGNED, **given))


async def level(room: RiskRoom, **named: Any) -> LevelLimits:
    return await room.ask(GetLevelLimits(**named))


def values(found: LevelLimits) -> dict[str, str]:
    return {one.name: one.value for one in found.records}


def refused(
    room: RiskRoom, lots: int, price: int = 100, *, account: int = ALICE, instrument: int = SHARE
) -> tuple[Reason, int, Scope] | None:
    """Let an account try to buy; return (reason, limit, scope) of the refusal, None when it works."""
    last = room.venue.do(order(instrument, account, 1, lots, price))[-1]
    if not isinstance(last, wire.OrderRejected):
        return None
    return Reason(last.reason), last.limit, Scope(last.scope)


async def test_what_is_set_of_the_venue_is_of_everybody(room: RiskRoom) -> None:
    made = await limited(
        room,
        max_open_orders=3,
        max_open_each=2,
        max_order_quantity="50",
        max_long="70",
        currency="USD",
        max_order_value="40.00",
    )
    assert (made.scope, made.account_id, made.firm, made.group, made.symbol) == ("venue", None, None, None, None)
    assert made.given == {
        "open_orders": 3,
        "open_each": 2,
        "order_quantity": 50,
        "long": 70,
        "order_value": 4_000,
    }
    assert (made.state, made.currency, made.sequence) == ("standing", "USD", room.venue.engine.sequence)
    for account in (ALICE, CAROL):
        assert refused(room, 51, account=account) == (Reason.MAX_QTY, 50, Scope.VENUE)
        assert refused(room, 41, account=account) == (Reason.MAX_NOTIONAL, 4_000, Scope.VENUE)
        assert refused(room, 40, account=account) is None
        assert refused(room, 31, account=account) == (Reason.POS_LIMIT, 70, Scope.VENUE)
        assert refused(room, 1, account=account) is None
        assert refused(room, 1, account=account) == (Reason.MAX_OPEN, 2, Scope.VENUE)
        assert refused(room, 1, account=account, instrument=COIN) is None
        assert refused(room, 1, account=account, instrument=COIN) == (Reason.MAX_OPEN, 3, Scope.ACCOUNT)


async def test_what_is_set_of_an_instrument_is_of_each_account_there(room: RiskRoom) -> None:
    made = await limited(room, symbol="AAPL", max_order_quantity="50", max_open_each=2, max_open_value="60.00")
    assert (made.scope, made.symbol, made.account_id, made.currency) == ("instrument", "AAPL", None, "USD")
    for account in (ALICE, CAROL):
        assert refused(room, 51, account=account) == (Reason.MAX_QTY, 50, Scope.INSTRUMENT)
        assert refused(room, 50, account=account) is None
        assert refused(room, 11, account=account) == (Reason.MAX_OPEN, 6_000, Scope.INSTRUMENT)
        assert refused(room, 1, account=account) is None
        assert refused(room, 1, account=account) == (Reason.MAX_OPEN, 2, Scope.INSTRUMENT)
    assert refused(room, 51, instrument=COIN) is None


async def test_what_is_set_of_a_group_is_of_all_its_accounts_together(room: RiskRoom) -> None:
    made = await limited(room, group=GROUP, max_long="50", max_open_each=2)
    assert (made.scope, made.group, made.firm, made.currency) == ("group", GROUP, None, None)
    assert made.given == {"long": 50, "open_each": 2}
    assert refused(room, 30) is None
    assert refused(room, 21, account=BOB) == (Reason.POS_LIMIT, 50, Scope.GROUP)
    assert refused(room, 20, account=BOB) is None
    assert refused(room, 1, account=BOB) == (Reason.MAX_OPEN, 2, Scope.GROUP)
    assert refused(room, 60, account=CAROL) is None


async def test_what_is_set_of_a_firm_is_of_all_its_accounts_together_and_its_line_begins_anew(room: RiskRoom) -> None:
    made = await limited(
        room, firm=FIRM, currency="USD", max_order_value="50.00", max_open_value="90.00", credit="100.00"
    )
    assert (made.scope, made.firm, made.group, made.currency) == ("firm", FIRM, None, "USD")
    assert made.given == {"order_value": 5_000, "open_value": 9_000, "credit": 10_000}
    assert refused(room, 51) == (Reason.MAX_NOTIONAL, 5_000, Scope.FIRM)
    assert refused(room, 50) is None
    assert refused(room, 41, account=BOB) == (Reason.MAX_OPEN, 9_000, Scope.FIRM)
    room.work(-50, 100, account=CAROL)  # fills: half of the line is drawn for good
    assert refused(room, 50, account=BOB) is None
    assert refused(room, 1) == (Reason.CREDIT, 10_000, Scope.FIRM)
    await limited(room, firm=FIRM, currency="USD", credit="100.00")
    assert refused(room, 50) is None
    assert refused(room, 60, account=CAROL) is None


async def test_a_share_of_the_market_is_a_limit_as_soon_as_the_market_is_known(room: RiskRoom) -> None:
    """Of an account, there, of everybody, of an instrument and of a group; what is used of it is shown in quantities."""
    for named in (
        {"account": ALICE},
        {"account": ALICE, "symbol": "AAPL"},
        VENUE,
        {"symbol": "AAPL"},
        {"group": GROUP},
    ):
        made = await limited(room, **named, max_interest_share="0.1", max_volume_share="2.5")
        assert made.given == {"interest_share": 100_000, "volume_share": 2_500_000}
    assert refused(room, 40) is None
    room.venue.do(wire.SetMarketSize(instrument=SHARE, open_interest=509))
    assert values(await level(room, symbol="AAPL")) == {
        "interest_share": "0.100000",
        "volume_share": "2.500000",
        "open_interest": "509",
    }
    assert refused(room, 11) == (Reason.EXPOSURE, 50, Scope.VENUE)
    assert refused(room, 11, account=BOB) == (Reason.EXPOSURE, 50, Scope.GROUP)
    room.venue.do(wire.SetMarketSize(instrument=SHARE, open_interest=509, daily_volume=16))
    assert refused(room, 1) == (Reason.EXPOSURE, 40, Scope.VENUE)
    at = room.venue.engine.sequence
    found = {one.name: one for one in (await room.ask(GetLimits(account=ALICE, at_least=at))).limits}
    interest, volume = found["interest_share"], found["volume_share"]
    assert (interest.scope, interest.symbol, interest.limit, interest.used, interest.use) == (
        ("venue", "AAPL", "50", "40", "0.8000")
    )
    assert (volume.limit, volume.used, volume.use) == ("40", "40", "1.0000")
    together = {one.name: (one.limit, one.used) for one in (await level(room, group=GROUP)).limits or ()}
    assert together == {"interest_share": ("50", "40"), "volume_share": ("40", "40")}
    await limited(room, account=ALICE, max_interest_share="0.0786")  # 40.0074 lots, rounded down
    at = room.venue.engine.sequence
    found = {one.name: one for one in (await room.ask(GetLimits(account=ALICE, at_least=at))).limits}
    assert (found["interest_share"].scope, found["interest_share"].limit) == ("account", "40")


@pytest.mark.parametrize("named", LEVELS)
async def test_at_its_expiry_what_stood_of_a_level_comes_back_by_itself(room: RiskRoom, named: dict[str, Any]) -> None:
    until = room.venue.clock.now() + 60 * 10**9
    limits = {"max_order_value": "1000.00"} if "firm" in named else {"max_order_quantity": "1000"}
    money = {} if "group" in named or "symbol" in named else {"currency": "USD"}
    (field, most), *_ = limits.items()
    first = await limited(room, **named, **money, **limits)
    raised = await limited(room, **named, **money, **{field: f"2{most[1:]}"}, expires_ns=until)
    assert raised.before == first.given
    await room.service._limits.look()
    assert values(await level(room, **named))[field.removeprefix("max_")] == f"2{most[1:]}"
    room.venue.clock.turn(61)
    await room.service._limits.look()
    assert values(await level(room, **named)) == {field.removeprefix("max_"): most}
    newest, *older = (await room.ask(GetLimitChanges())).items
    assert (newest.who, newest.scope, newest.firm, newest.group) == ("expiry", raised.scope, raised.firm, raised.group)
    assert [one.state for one in older] == ["reverted", "replaced"]


@pytest.mark.parametrize("named", [VENUE, {"group": GROUP}, {"symbol": "AAPL"}, {"account": ALICE}])
async def test_a_share_that_was_raised_for_a_while_is_what_it_was(room: RiskRoom, named: dict[str, Any]) -> None:
    until = room.venue.clock.now() + 60 * 10**9
    await limited(room, **named, max_interest_share="0.1", max_volume_share="1")
    raised = await limited(room, **named, max_interest_share="0.5", expires_ns=until)
    assert raised.before == {"interest_share": 100_000, "volume_share": 1_000_000}
    room.venue.do(wire.SetMarketSize(instrument=SHARE, open_interest=100, daily_volume=8))
    assert refused(room, 11) is None
    room.venue.do(wire.MassCancel(account=ALICE, instrument=SHARE, side=0))
    room.venue.clock.turn(61)
    await room.service._limits.look()
    for lots, most in ((11, 10), (9, 8)):
        reason, limit, _ = refused(room, lots) or (None, None, None)
        assert (reason, limit) == (Reason.EXPOSURE, most)


async def test_one_level_replaces_nothing_of_another(room: RiskRoom) -> None:
    """A firm and a group of one number, two groups, the instrument, an account there: seven records, and an end of one of them that stays."""
    until = room.venue.clock.now() + 60 * 10**9
    every: list[dict[str, Any]] = [
        {"max_order_quantity": "1"},
        {"firm": 3, "currency": "USD", "max_order_value": "2.00"},
        {"group": 3, "max_order_quantity": "3", "expires_ns": until},
        {"group": 4, "max_order_quantity": "3"},
        {"symbol": "AAPL", "max_order_quantity": "4"},
        {"account": ALICE, "symbol": "AAPL", "max_order_quantity": "5"},
        {"account": 3, "max_open_each": 6},
    ]
    for one in every:
        assert (await limited(room, **one)).before == {}
    assert [one.state for one in (await room.ask(GetLimitChanges())).items] == ["standing"] * 7
    assert values(await level(room)) == {"order_quantity": "1"}
    assert values(await level(room, firm=3)) == {"order_value": "2.00"}
    assert values(await level(room, group=3)) == {"order_quantity": "3"}
    assert values(await level(room, symbol="AAPL")) == {"order_quantity": "4"}
    assert (await level(room, symbol="AAPL")).records[0].symbol == "AAPL"
    assert values(await level(room, firm=4)) == {}


async def test_an_account_shows_the_records_of_its_firm_and_its_group(room: RiskRoom) -> None:
    await limited(room, firm=FIRM, currency="USD", credit="100.00")
    await limited(room, group=GROUP, max_long="50")
    await limited(room, max_order_quantity="70")
    at = room.venue.engine.sequence

    async def shown(account: int) -> set[tuple[str, str, str]]:
        return {(o.scope, o.name, o.value) for o in (await room.ask(GetLimits(account=account, at_least=at))).records}

    venue = {("venue", "order_quantity", "70")}
    assert await shown(ALICE) == venue | {("firm", "credit", "100.00"), ("group", "long", "50")}
    assert await shown(CAROL) == venue
    room.venue.do(wire.SetFirm(account=ALICE, firm=0))
    at = room.venue.engine.sequence
    assert await shown(ALICE) == venue | {("group", "long", "50")}


@pytest.mark.parametrize("named", LEVELS)
async def test_with_four_eyes_one_person_sets_nothing_of_any_level(tmp_path: Path, named: dict[str, Any]) -> None:
    limits = {"currency": "USD", "credit": "5.00"} if "firm" in named else {"max_open_each": 5}
    async with risk_room(tmp_path, four_eyes=True) as room:
        with pytest.raises(Forbidden, match=r"approval\.required"):
            await limited(room, **named, **limits)
        assert (await room.ask(GetLimitChanges())).items == []
        done = await room.ask(SetLimitsByTwo(asked=SetLimits(**SIGNED, **named, **limits)))
        assert (done.state, len(values(await level(room, **named)))) == ("standing", 1)


@pytest.mark.parametrize(
    "wrong, field",
    [
        ({"firm": 1, "group": 1, "max_open_each": 1}, "group"),
        ({"firm": 1, "account": ALICE, "currency": "USD", "credit": "1.00"}, "firm"),
        ({"firm": 1, "symbol": "AAPL", "credit": "1.00"}, "symbol"),
        ({"group": 1, "symbol": "AAPL", "max_long": "1"}, "symbol"),
        ({"group": 1 << 32, "max_long": "1"}, "group"),
        ({"firm": 1}, "currency"),
        ({"firm": 1, "credit": "1.00"}, "credit"),
        ({"firm": 1, "currency": "USD", "max_long": "1"}, "max_long"),
        ({"firm": 1, "currency": "USD", "max_open_orders": 1}, "max_open_orders"),
        ({"group": 1, "max_open_orders": 1}, "max_open_orders"),
        ({"group": 1, "max_order_value": "1.00"}, "max_order_value"),
        ({"group": 1, "currency": "USD", "max_long": "1"}, "currency"),
        ({"group": 1, "max_long": "1.5"}, "max_long"),
        ({"symbol": "AAPL", "max_open_orders": 1}, "max_open_orders"),
        ({"symbol": "AAPL", "credit": "1.00"}, "credit"),
        ({"currency": "USD", "credit": "1.00"}, "credit"),
        ({"max_long": "0.1"}, "max_long"),
        ({"firm": 1, "currency": "USD", "max_interest_share": "0.1"}, "max_interest_share"),
        ({"max_interest_share": "0"}, "max_interest_share"),
        ({"max_interest_share": "0.0000001"}, "max_interest_share"),
        ({"symbol": "AAPL", "max_volume_share": "1000.000001"}, "max_volume_share"),
        ({"account": ALICE, "max_volume_share": "-0.1"}, "max_volume_share"),
        ({"max_long": str(1 << 63)}, "max_long"),
        ({"account": ALICE, "currency": "USD", "credit": "1.00"}, "credit"),
    ],
)
async def test_what_a_level_does_not_have_is_refused_and_nothing_is_written(
    room: RiskRoom, wrong: dict[str, Any], field: str
) -> None:
    before = room.venue.engine.sequence
    for request in (SetLimits(**SIGNED, **wrong), CheckLimits(asked=SetLimits(**SIGNED, **wrong))):
        with pytest.raises(InvalidCommand) as caught:
            await room.ask(request)
        assert caught.value.field == field, caught.value.detail
    assert (await room.ask(GetLimitChanges())).items == []
    assert room.venue.engine.sequence == before


async def test_what_is_asked_of_a_level_must_be_one(room: RiskRoom) -> None:
    with pytest.raises(NotFound):
        await level(room, symbol="NONE")
    for wrong in ({"firm": 1, "group": 2}, {"firm": -1}, {"group": 2, "symbol": "AAPL"}):
        with pytest.raises(InvalidCommand):
            await level(room, **wrong)
