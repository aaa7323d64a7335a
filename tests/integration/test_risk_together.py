"""How much the accounts of a firm, or of a group, use of its limits together: the numbers by which the engine refuses the next order.

Goal: what is shown beside a limit is what the engine judges by; what cannot be summed is null, and no wrong number.
Method: a small venue over the readable engine, whose refusals say its own numbers.
"""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.risk_limits import GetLevelLimits, GetLimits, LevelLimits, SetLimits
from quantumcore.services.risk import store
from tests.support.position_rooms import order
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.shown_orders import advanced
from tests.support.small_venue import ALICE, BOB, CAROL, COIN, SHARE

SIGNED: dict[str, Any] = {"who": "ruth", "reason": "new client"}
FIRM, GROUP = 7, 9
BUY, SELL = 1, 2
OCO, OTO, BRACKET = 1, 2, 3
STOP, PEGGED = 3, 10
PRICE, QUANTITY = 1, 2  # what a replacement gives


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[RiskRoom]:
    """Alice and Bob are of one firm and one group, Carol of none."""
    async with risk_room(tmp_path) as opened:
        for account in (ALICE, BOB):
            opened.venue.do(wire.SetFirm(account=account, firm=FIRM))
            opened.venue.do(wire.SetGroup(account=account, group=GROUP))
        yield opened


async def level(room: RiskRoom, **named: Any) -> LevelLimits:
    return await room.ask(GetLevelLimits(**named))


async def use(room: RiskRoom, **named: Any) -> dict[tuple[str, str | None], tuple[str, str, str | None]]:
    """Return (limit, used, use) by name and symbol, or currency."""
    found = (await level(room, **named)).limits
    assert found is not None
    assert {one.scope for one in found} <= set(named)
    return {(one.name, one.symbol or one.currency): (one.limit, one.used, one.use) for one in found}


def refusal(room: RiskRoom, command: wire.Command) -> tuple[Reason, int, int]:
    """Send an order that is refused; return (reason, limit, actual)."""
    last = room.venue.do(command)[-1]
    assert isinstance(last, wire.OrderRejected), last
    return Reason(last.reason), last.limit, last.actual


def linked(room: RiskRoom, link: int, *members: wire.SubmitOrder) -> list[wire.Event]:
    """Send orders that are tied together, of Alice."""
    raw = [(one if isinstance(one, wire.SubmitAdvancedOrder) else advanced(one)).encode() for one in members]
    first, second, third = [*raw, bytes(160)][:3]
    events = room.venue.do(
        wire.SubmitLinkedOrders(
            instrument=SHARE, account=ALICE, link=link, count=len(members), first=first, second=second, third=third
        )
    )
    assert isinstance(events[0], wire.OrderAccepted), events
    return events


async def test_a_firm_shows_what_works_and_what_it_has_drawn_as_the_engine_judges(room: RiskRoom) -> None:
    await room.ask(SetLimits(**SIGNED, firm=FIRM, currency="USD", credit="1000.00", max_open_value="800.00"))
    assert await use(room, firm=FIRM) == {
        ("credit", "USD"): ("1000.00", "0.00", "0.0000"),
        ("open_value", "USD"): ("800.00", "0.00", "0.0000"),
    }
    room.work(3, 10_000)
    room.work(-2, 15_000, account=BOB)
    room.work(50, 10_000, account=CAROL)
    assert await use(room, firm=FIRM) == {
        ("credit", "USD"): ("1000.00", "600.00", "0.6000"),
        ("open_value", "USD"): ("800.00", "600.00", "0.7500"),
    }
    room.trade(-1, 10_000, account=CAROL, other=BOB)  # with Alice, who was first: 100.00 filled, 500.00 work
    assert (await use(room, firm=FIRM))["credit", "USD"][1] == "700.00"  # and Bob's own 100.00
    room.venue.do(wire.MassCancel(account=BOB))
    room.trade(2, 9_000, account=BOB, other=CAROL)  # with Alice again; Bob's rest
    found = await use(room, firm=FIRM)
    working, drawn = found["open_value", "USD"][1], found["credit", "USD"][1]
    assert (working, drawn) == ("180.00", "480.00")
    assert refusal(room, order(SHARE, BOB, BUY, 63, 1_000)) == (Reason.MAX_OPEN, 800_00, 810_00)
    assert refusal(room, order(SHARE, BOB, BUY, 53, 1_000)) == (Reason.CREDIT, 1000_00, 1010_00)


async def test_a_line_that_is_set_anew_begins_at_nothing_filled_and_who_leaves_leaves_what_he_drew(
    room: RiskRoom,
) -> None:
    line = partial(SetLimits, **SIGNED, firm=FIRM, currency="USD")
    await room.ask(line(credit="1000.00"))
    room.trade(3, 10_000, other=CAROL)
    room.work(1, 5_000)
    assert (await use(room, firm=FIRM))["credit", "USD"] == ("1000.00", "350.00", "0.3500")
    room.venue.do(wire.SetFirm(account=ALICE, firm=0))
    assert (await use(room, firm=FIRM))["credit", "USD"][1] == "300.00"
    room.trade(1, 10_000, other=CAROL)  # of no firm
    room.trade(1, 10_000, other=CAROL, account=BOB)
    assert (await use(room, firm=FIRM))["credit", "USD"][1] == "400.00"
    await room.ask(line(credit="2000.00"))
    assert (await use(room, firm=FIRM))["credit", "USD"] == ("2000.00", "0.00", "0.0000")
    await room.ask(line(max_open_value="5.00"))
    room.trade(1, 10_000, other=CAROL, account=BOB)
    assert await use(room, firm=FIRM) == {("open_value", "USD"): ("5.00", "0.00", "0.0000")}
    await room.ask(line(credit="100.00"))  # what filled while there was no line is not of it
    assert (await use(room, firm=FIRM))["credit", "USD"][1] == "0.00"


async def test_a_group_shows_its_worst_case_in_each_instrument_as_the_engine_judges(room: RiskRoom) -> None:
    await room.ask(SetLimits(**SIGNED, group=GROUP, max_long="50", max_short="40", max_open_each=3))
    assert await use(room, group=GROUP) == {}
    room.trade(10, 10_000, other=CAROL)
    room.trade(-25, 10_000, account=BOB, other=CAROL)
    room.work(30, 9_000)
    room.work(-3, 11_000, account=BOB)
    room.work(7, 100, instrument=COIN)
    assert await use(room, group=GROUP) == {
        ("long", "AAPL"): ("50", "15", "0.3000"),  # 10 - 25 + 30
        ("short", "AAPL"): ("40", "18", "0.4500"),  # 3 + 25 - 10
        ("open_each", "AAPL"): ("3", "2", "0.6667"),
        ("long", "BTC-USD"): ("0.00050", "0.00007", "0.1400"),
        ("open_each", "BTC-USD"): ("3", "1", "0.3333"),
    }
    assert refusal(room, order(SHARE, ALICE, BUY, 36, 9_000)) == (Reason.POS_LIMIT, 50, 51)
    assert refusal(room, order(SHARE, BOB, SELL, 23, 11_000)) == (Reason.POS_LIMIT, 40, 41)
    room.work(1, 9_000, account=BOB)
    assert refusal(room, order(SHARE, ALICE, BUY, 1, 9_000)) == (Reason.MAX_OPEN, 3, 4)
    found = await level(room, group=GROUP)
    assert (found.accounts, found.sequence) == (2, room.venue.engine.sequence)


async def test_two_of_a_pair_count_once_and_exits_no_more_than_their_entry_has_filled(room: RiskRoom) -> None:
    await room.ask(SetLimits(**SIGNED, group=GROUP, max_long="500", max_short="500"))
    await room.ask(SetLimits(**SIGNED, firm=FIRM, currency="USD", max_open_value="90000.00"))
    linked(room, OCO, order(SHARE, ALICE, BUY, 5, 9_000), order(SHARE, ALICE, BUY, 4, 12_000))
    assert (await use(room, group=GROUP))["long", "AAPL"][1] == "5"
    assert (await use(room, firm=FIRM))["open_value", "USD"][1] == "480.00"
    room.venue.do(wire.MassCancel(account=ALICE))
    stop = advanced(order(SHARE, ALICE, SELL, 6, 0), order_type=STOP, price_scale=0, stop_price=8_000, stop_scale=2)
    linked(room, BRACKET, order(SHARE, ALICE, BUY, 6, 9_000), order(SHARE, ALICE, SELL, 6, 11_000), stop)
    assert set(await use(room, group=GROUP)) == {("long", "AAPL")}
    room.venue.do(order(SHARE, CAROL, SELL, 2, 9_000))
    found = await use(room, group=GROUP)
    assert found["long", "AAPL"][1] == "6"  # 2 held, 4 work
    assert ("short", "AAPL") not in found  # 2 may be sold, 2 are held
    room.venue.do(order(SHARE, CAROL, SELL, 4, 9_000))
    linked(room, OTO, order(SHARE, ALICE, SELL, 1, 12_000), order(SHARE, ALICE, SELL, 3, 12_500))
    found = await use(room, group=GROUP)
    assert found["short", "AAPL"][1] == "4"  # 6 of the exits and 1 + 3, less the 6 that are held


async def test_a_peg_counts_at_its_cap_wherever_it_stands(room: RiskRoom) -> None:
    def price(of: tuple[int, int]) -> int:
        return room.venue.engine._venue.working[ALICE][of].limit

    async def check(of: tuple[int, int], cap: int) -> None:
        (mine,) = [one for one in (await read()).orders if one.pegged]
        assert (mine.price, price(of)) == (cap, cap)

    async def read() -> store.Account:
        await room.metrics()
        return await room.database.read(partial(store.read_account, account=ALICE))

    def replace(of: tuple[int, int], **given: Any) -> None:
        last = room.venue.do(
            wire.ReplaceOrder(
                account=ALICE,
                order_sequence=of[0],
                order_slot=of[1],
                price_scale=2 * ("price" in given),
                **given,
            )
        )
        assert isinstance(last[0], wire.OrderReplaced), last

    room.work(100, 9_000, account=BOB)
    peg = advanced(order(SHARE, ALICE, BUY, 10, 9_500), order_type=PEGGED, peg=1)
    accepted = room.venue.do(peg)[0]
    assert isinstance(accepted, wire.OrderAccepted)
    name = accepted.sequence, accepted.order_slot
    await check(name, 9_500)
    room.work(1, 9_100, account=BOB)  # it follows
    await check(name, 9_500)
    replace(name, quantity=8, fields=QUANTITY)  # it stays where it stands
    await check(name, 9_500)
    replace(name, price=9_400, fields=PRICE)
    await check(name, 9_400)
    room.venue.do(wire.MassCancel(account=ALICE))
    second = advanced(order(SHARE, ALICE, BUY, 5, 9_600), order_type=PEGGED, peg=1)
    events = linked(room, OTO, order(SHARE, ALICE, BUY, 2, 9_200), second)
    slots = [one.order_slot for one in events if isinstance(one, wire.OrderAccepted)]
    name = events[0].sequence, slots[1]
    await check(name, 9_600)
    replace(name, price=9_550, fields=PRICE)  # while it waits
    await check(name, 9_550)
    room.venue.do(order(SHARE, CAROL, SELL, 2, 9_200))
    await check(name, 9_550)
    replace(name, quantity=4, fields=QUANTITY)
    await check(name, 9_550)


async def test_what_is_too_much_to_sum_is_null_with_the_count_of_accounts(
    room: RiskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.ask(SetLimits(**SIGNED, group=GROUP, max_long="50"))
    room.work(1, 9_000)
    room.work(1, 9_000, account=BOB)
    monkeypatch.setattr("quantumcore.services.risk.together.MOST_ORDERS", 2)
    assert (await use(room, group=GROUP))["long", "AAPL"][1] == "2"
    monkeypatch.setattr("quantumcore.services.risk.together.MOST_ORDERS", 1)
    found = await level(room, group=GROUP)
    assert (found.accounts, found.limits, len(found.records)) == (2, None, 1)
    monkeypatch.setattr("quantumcore.services.risk.together.MOST_ORDERS", 100)
    monkeypatch.setattr("quantumcore.services.risk.together.MOST_ACCOUNTS", 1)
    found = await level(room, group=GROUP)
    assert (found.accounts, found.limits, len(found.records)) == (2, None, 1)
    for named in ({}, {"symbol": "AAPL"}):
        found = await level(room, **named)
        assert (found.accounts, found.limits) == (None, None)
    found = await level(room, firm=FIRM + 1)
    assert (found.accounts, found.limits) == (0, [])


async def test_an_account_counts_its_own_by_the_same_rule(room: RiskRoom) -> None:
    await room.ask(SetLimits(**SIGNED, account=ALICE, symbol="AAPL", max_long="50", max_open_value="2900.00"))
    linked(room, OCO, order(SHARE, ALICE, BUY, 5, 9_000), order(SHARE, ALICE, BUY, 4, 9_500))
    room.venue.do(order(SHARE, CAROL, SELL, 1, 9_500))  # one of the two is gone
    room.trade(1, 9_000, other=CAROL)
    asked = GetLimits(account=ALICE, at_least=room.venue.engine.sequence)
    found = {one.name: one.used for one in (await room.ask(asked)).limits}
    assert (found["long"], found["open_value"]) == ("5", "280.00")  # 2 held; 2 at 95.00 and 1 at 90.00 work
    linked(room, OCO, order(SHARE, ALICE, SELL, 5, 30_000), order(SHARE, ALICE, SELL, 4, 31_000))
    asked = GetLimits(account=ALICE, at_least=room.venue.engine.sequence)
    found = {one.name: one.used for one in (await room.ask(asked)).limits}
    assert found["open_value"] == "1780.00"
