"""The orders room answers what the engine decided, once, and to nobody else.

Goal: every command and query of contracts.orders, with each of its refusals.
Method: the room over a real bus, event log and SQLite file; matching is the readable engine. Nothing is mocked.
"""

import asyncio
from decimal import Decimal

import msgspec
import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, Corrupted, InvalidCommand, NotFound, OutcomeUnknown, Unavailable
from quantumcore.contracts.order_queries import (
    GetAccountOrders,
    GetAccountUpdates,
    GetFills,
    GetOrder,
    GetOrderEvents,
    OrdersChanged,
    RebuildOrder,
)
from quantumcore.contracts.orders import AmendOrder, CancelOrder, ErrorView, MassCancel, SubmitBatch
from quantumcore.contracts.values import OrderId
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.orders import rebuild as rebuilding
from quantumcore.services.orders.service import OrdersService
from tests.support.orders_room import Room, limit, market, orders_room
from tests.support.small_venue import ALICE, BOB, BTC, CAROL, COIN, define, until


@pytest.fixture
async def room(tmp_path):
    async with orders_room(tmp_path) as opened:
        yield opened


async def refused(room: Room, message, kind):
    with pytest.raises(kind) as error:
        await room.ask(message)
    return error.value


# ------------------------------------------------------------------------------------------------ submit


async def test_a_limit_order_rests(room: Room):
    view = await room.ask(limit("buy", "0.5", "64000.00", client_order_id="mine"))
    assert (view.status, view.filled, view.leaves, view.average_price) == ("new", "0.00000", "0.50000", None)
    assert (view.client_order_id, view.symbol, view.side, view.type, view.price) == (
        "mine", "BTC-USD", "buy", "limit", "64000.00",
    )  # fmt: skip
    assert view.sequence == room.venue.engine.sequence
    assert OrderId.parse(view.order_id).sequence == view.sequence


async def test_a_taker_is_answered_with_its_fills_at_the_makers_price(room: Room):
    await room.ask(limit("sell", "0.2", "64000", account=BOB))
    view = await room.ask(limit("buy", "0.5", "64100"))
    assert (view.status, view.filled, view.leaves, view.average_price) == (
        "partially_filled", "0.20000", "0.30000", "64000.00",
    )  # fmt: skip
    (fill,) = view.fills
    assert (fill.price, fill.quantity, fill.liquidity, fill.fee, fill.fee_currency) == (
        "64000.00", "0.20000", "taker", "12.80", "USD",
    )  # fmt: skip


@pytest.mark.parametrize(
    "price, fee",
    [("149990.00", "0.15"), ("99990.00", "0.10"), ("100000000.00", "100.00")],
    ids=["149.99", "99.99", "100,000"],
)
async def test_a_fee_of_a_tenth_of_a_percent_is_rounded_up_to_the_cent(room: Room, price, fee):
    """Golden examples of behaviour 4: 149.99 costs 0.15, 99.99 costs 0.10, 100,000 costs 100.00."""
    await room.ask(limit("sell", "0.001", price, account=BOB))
    view = await room.ask(limit("buy", "0.001", price))
    assert Decimal(view.filled_value) == Decimal(price) / 1000
    assert (view.fees, view.fills[0].fee) == (fee, fee)


async def test_a_market_order_that_finds_nobody_is_a_fact_with_a_reason(room: Room):
    view = await room.ask(market("buy", "1"))
    assert (view.status, view.reason, view.price) == ("rejected", "risk.stale_reference", None)


async def test_what_an_immediate_order_does_not_get_is_cancelled(room: Room):
    await room.ask(limit("sell", "0.2", "64000", account=BOB))
    view = await room.ask(limit("buy", "0.5", "64000", time_in_force="ioc"))
    assert (view.status, view.filled, view.leaves, view.reason) == (
        "cancelled", "0.20000", "0.00000", "order.cancel.immediate_or_cancel",
    )  # fmt: skip


async def test_a_refused_order_has_an_id_a_reason_and_its_numbers(room: Room):
    view = await room.ask(limit("buy", "1", "64000.005"))
    assert (view.status, view.reason, view.scope) == ("rejected", "order.price.off_tick", "instrument")
    assert (Decimal(view.limit), Decimal(view.actual)) == (Decimal("0.01"), Decimal("64000.005"))
    assert OrderId.parse(view.order_id) is not None
    await room.caught_up()
    assert (await room.ask(GetOrder(account=ALICE, order_id=view.order_id))) == view


async def test_an_unknown_symbol_is_a_rejected_order_and_comes_before_an_unknown_account(room: Room):
    view = await room.ask(limit("buy", "1", "1", symbol="NOPE", account=999))
    assert (view.status, view.reason, view.symbol) == ("rejected", "order.unknown_symbol", "NOPE")


async def test_an_instrument_defined_a_moment_ago_can_be_traded_at_once(tmp_path):
    """The catalogue lags behind the engine: the room asks once more before it calls a symbol unknown."""
    async with orders_room(tmp_path) as room:
        room.venue.hold = True  # no event tells the room
        room.venue.do(define(9, "ETH-USD", BTC, lot_scale=5))
        asked = room.venue.references
        view = await room.ask(limit("buy", "1", "2000", symbol="ETH-USD"))
        assert (view.status, view.symbol) == ("new", "ETH-USD")
        assert room.venue.references == asked + 1
        await room.ask(limit("buy", "1", "2000", symbol="ETH-USD"))
        assert room.venue.references == asked + 1


async def test_a_bad_shape_reaches_nobody(room: Room):
    before = room.venue.requests
    error = await refused(room, limit("buy", "1e3", "1"), InvalidCommand)
    assert (error.field, room.venue.requests) == ("quantity", before)


async def test_submitting_costs_one_request(room: Room):
    before = room.venue.requests
    await room.ask(limit("buy", "1", "64000"))
    assert room.venue.requests == before + 1


async def test_submitting_needs_no_database(room: Room):
    await room.database.close()
    view = await room.ask(limit("buy", "1", "64000"))
    assert view.status == "new"
    await refused(room, GetOrder(account=ALICE, order_id=view.order_id), Unavailable)


async def test_matching_that_is_away_is_unavailable_and_nothing_happened(room: Room):
    room.venue.down = True
    error = await refused(room, limit("buy", "1", "64000"), Unavailable)
    assert error.retryable


# ------------------------------------------------------------------------------------------- idempotency


async def test_the_same_order_again_gets_the_first_answer(room: Room):
    """Also after it has traded since, and when written otherwise: 0.50 is 0.5."""
    first = await room.ask(limit("buy", "0.5", "64000.00", client_order_id="once"))
    await room.ask(limit("sell", "0.5", "64000", account=BOB))
    again = await room.ask(limit("buy", "0.50", "64000", client_order_id="once"))
    assert again == first
    assert room.service.desk.commands.counts["repeat", ""] == 1


async def test_the_first_answer_of_a_taker_comes_back_with_its_fills(room: Room):
    await room.ask(limit("sell", "0.2", "64000", account=BOB))
    order = limit("buy", "0.5", "64000")
    first = await room.ask(order)
    await room.ask(limit("sell", "0.1", "64000", account=BOB))
    assert len(first.fills) == 1
    assert await room.ask(order) == first


async def test_a_rejected_order_again_is_the_same_rejection(room: Room):
    order = limit("buy", "1", "64000.005")
    assert await room.ask(order) == await room.ask(order)


async def test_a_repeat_waits_for_a_log_that_is_late(room: Room):
    """The engine has answered, the log has not got it yet: the repeat waits instead of failing."""
    order = limit("buy", "1", "64000")
    room.venue.hold = True
    first = await room.ask(order)
    again = asyncio.ensure_future(room.ask(order))
    await until(lambda: room.service.desk.commands.counts["repeat", ""] == 1, "the repeat to be known as one")
    assert not again.done()
    room.venue.release()
    assert await again == first


async def test_a_repeat_whose_log_never_comes_says_so(room: Room, monkeypatch):
    monkeypatch.setattr(rebuilding, "APPEND_S", 0.05)
    order = limit("buy", "1", "64000")
    room.venue.hold = True
    await room.ask(order)
    await refused(room, order, OutcomeUnknown)


async def test_the_same_id_with_another_body_is_a_conflict_that_names_the_first(room: Room):
    first = await room.ask(limit("buy", "0.5", "64000", client_order_id="once"))
    error = await refused(room, limit("buy", "0.6", "64000", client_order_id="once"), Conflict)
    assert (error.code, error.status) == ("idempotency.mismatch", 409)
    assert first.order_id in error.detail


async def test_the_same_id_of_another_account_is_independent(room: Room):
    first = await room.ask(limit("buy", "0.5", "64000", client_order_id="once"))
    other = await room.ask(limit("buy", "0.6", "64000", client_order_id="once", account=BOB))
    assert first.order_id != other.order_id


# ------------------------------------------------------------------------------------------ cancel, amend


async def test_a_cancelled_order_is_shown_as_it_ended(room: Room):
    view = await room.ask(limit("buy", "0.5", "64000"))
    await room.ask(limit("sell", "0.2", "64000", account=BOB))
    ended = await room.ask(CancelOrder(account=ALICE, order_id=view.order_id))
    assert (ended.status, ended.filled, ended.leaves, ended.reason) == (
        "cancelled", "0.20000", "0.00000", "order.cancel.requested",
    )  # fmt: skip
    assert len(ended.fills) == 1


async def test_cancelling_again_succeeds_without_a_second_event(room: Room):
    view = await room.ask(limit("buy", "0.5", "64000", client_order_id="x"))
    first = await room.ask(CancelOrder(account=ALICE, order_id=view.order_id))
    again = await room.ask(CancelOrder(account=ALICE, client_order_id="x"))
    assert again == first
    history = await room.ask(GetOrderEvents(account=ALICE, order_id=view.order_id, at_least=room.venue.log.last))
    assert [update.kind for update in history.items] == ["accepted", "cancelled"]


async def test_what_is_over_cannot_be_cancelled_or_amended(room: Room):
    _, taker = await room.trade("0.1", "64000")
    rejected = await room.ask(limit("buy", "1", "64000.005"))
    for view, code in ((taker, "order.already_filled"), (rejected, "order.already_final")):
        for command in (
            CancelOrder(account=ALICE, order_id=view.order_id),
            AmendOrder(account=ALICE, order_id=view.order_id, quantity="9"),
        ):
            assert (await refused(room, command, Conflict)).code == code


@pytest.mark.parametrize("account", [BOB, 999], ids=["another's", "nobody's"])
async def test_an_order_is_unknown_to_all_but_its_account(room: Room, account):
    """One answer, no hint: for an order of another account, for an unknown account, for an id nobody has."""
    view = await room.ask(limit("buy", "0.5", "64000", client_order_id="secret"))
    await room.caught_up()
    by_id, by_client_id = (
        {"account": account, "order_id": view.order_id},
        {"account": account, "client_order_id": "secret"},
    )
    messages = [kind(**names) for kind in (CancelOrder, GetOrder) for names in (by_id, by_client_id)]
    messages += [AmendOrder(**by_id, quantity="1"), GetOrderEvents(**by_id), RebuildOrder(**by_id)]
    errors = [await refused(room, message, NotFound) for message in messages]
    errors.append(await refused(room, GetOrder(account=ALICE, order_id=OrderId(0, 9_999, 0).text()), NotFound))
    assert {(error.code, error.detail) for error in errors} == {("order.not_found", "order not found")}


async def test_an_amendment_is_one_act_and_shows_the_order_after_it(room: Room):
    view = await room.ask(limit("buy", "0.5", "64000"))
    amended = await room.ask(AmendOrder(account=ALICE, order_id=view.order_id, quantity="0.4", price="63000"))
    assert (amended.quantity, amended.price, amended.status, amended.order_id) == (
        "0.40000",
        "63000.00",
        "new",
        view.order_id,
    )
    assert amended.sequence == view.sequence + 1


async def test_an_amendment_that_trades_shows_its_fills(room: Room):
    await room.ask(limit("sell", "0.2", "64000", account=BOB))
    view = await room.ask(limit("buy", "0.5", "63000"))
    amended = await room.ask(AmendOrder(account=ALICE, order_id=view.order_id, price="64000"))
    assert (amended.status, amended.filled, len(amended.fills)) == ("partially_filled", "0.20000", 1)


async def test_a_refused_amendment_leaves_the_order_as_it_was(room: Room):
    view = await room.ask(limit("buy", "0.5", "64000"))
    await room.ask(limit("sell", "0.2", "64000", account=BOB))
    before = await room.ask(GetOrder(account=ALICE, order_id=view.order_id, at_least=room.venue.log.last))
    error = await refused(room, AmendOrder(account=ALICE, order_id=view.order_id, quantity="0.2"), Conflict)
    assert (error.code, error.limit, error.actual) == ("order.replace.below_filled", "0.20000", "0.20000")
    error = await refused(room, AmendOrder(account=ALICE, order_id=view.order_id, price="1.005"), InvalidCommand)
    assert (error.code, error.field) == ("order.price.off_tick", "price")
    after = await room.ask(GetOrder(account=ALICE, order_id=view.order_id, at_least=room.venue.log.last))
    assert after == before


async def test_a_cancel_is_answered_from_the_log_when_the_tables_are_gone(room: Room):
    view = await room.ask(limit("buy", "0.5", "64000"))
    await room.caught_up()
    await room.database.close()
    ended = await room.ask(CancelOrder(account=ALICE, order_id=view.order_id))
    assert ended.status == "cancelled"


async def test_a_mass_cancel_ends_five_of_five_and_nobody_elses(room: Room):
    mine = [await room.ask(limit("buy", "0.1", f"{6000 + at}0")) for at in range(5)]
    others = await room.ask(limit("buy", "0.1", "60000", account=BOB))
    answer = await room.ask(MassCancel(account=ALICE))
    assert answer.order_ids == [view.order_id for view in mine]
    page = await room.ask(GetAccountOrders(account=ALICE, status="open", at_least=answer.sequence))
    assert page.items == []
    assert (await room.ask(GetOrder(account=BOB, order_id=others.order_id))).status == "new"
    assert room.venue.engine.balances(ALICE)[0][2] == 0  # nothing is held any more


async def test_a_mass_cancel_can_be_narrowed(room: Room):
    bid = await room.ask(limit("buy", "0.1", "60000"))
    ask = await room.ask(limit("sell", "0.1", "70000"))
    share = await room.ask(limit("sell", "1", "100", symbol="AAPL"))
    assert (await room.ask(MassCancel(account=ALICE, symbol="BTC-USD", side="sell"))).order_ids == [ask.order_id]
    assert (await room.ask(MassCancel(account=ALICE, symbol="AAPL"))).order_ids == [share.order_id]
    assert (await room.ask(MassCancel(account=ALICE))).order_ids == [bid.order_id]


async def test_a_mass_cancel_of_nothing_that_exists_is_not_found(room: Room):
    assert (await refused(room, MassCancel(account=ALICE, symbol="NOPE"), NotFound)).code == "instrument.not_found"
    assert (await refused(room, MassCancel(account=999), NotFound)).code == "account.not_found"


# -------------------------------------------------------------------------------------------------- batch


async def test_a_batch_answers_each_order_by_itself_in_one_request(room: Room):
    before = room.venue.requests
    repeated = limit("buy", "0.1", "60000")
    batch = SubmitBatch(
        orders=[
            limit("buy", "0.1", "64000"),
            limit("buy", "bad", "64000"),
            limit("buy", "0.1", "0.001"),
            repeated,
            repeated,
            msgspec.structs.replace(repeated, quantity="0.2"),
        ]
    )
    good, bad, rejected, first, again, other = (await room.ask(batch)).items
    assert (good.status, rejected.status) == ("new", "rejected")
    assert isinstance(bad, ErrorView)
    assert (bad.status, bad.field) == (400, "quantity")
    assert again == first
    assert isinstance(other, ErrorView)
    assert other.code == "idempotency.mismatch"
    assert room.venue.requests == before + 1


@pytest.mark.parametrize("count", [0, 101])
async def test_a_batch_has_one_to_a_hundred_orders(room: Room, count):
    error = await refused(room, SubmitBatch(orders=[limit("buy", "1", "60000")] * count), InvalidCommand)
    assert (error.field, error.limit, error.actual) == ("orders", "100", str(count))


# ------------------------------------------------------------------------------------------------ queries


async def test_orders_are_paged_by_key_in_both_directions(room: Room):
    ids = [(await room.ask(limit("buy", "0.1", "60000"))).order_id for _ in range(7)]
    await room.caught_up()
    for ascending, expected in ((True, ids), (False, ids[::-1])):
        found, cursor = [], ""
        while cursor is not None:
            page = await room.ask(GetAccountOrders(account=ALICE, limit=3, cursor=cursor, ascending=ascending))
            found += [view.order_id for view in page.items]
            cursor = page.next_cursor
        assert found == expected


async def test_a_page_is_not_shifted_by_orders_that_come_meanwhile(room: Room):
    ids = [(await room.ask(limit("buy", "0.1", "60000"))).order_id for _ in range(4)]
    await room.caught_up()
    first = await room.ask(GetAccountOrders(account=ALICE, limit=2))
    await room.ask(limit("buy", "0.1", "60000"))
    await room.caught_up()
    second = await room.ask(GetAccountOrders(account=ALICE, limit=2, cursor=first.next_cursor))
    assert [view.order_id for view in (*first.items, *second.items)] == ids[::-1]


async def test_orders_can_be_chosen_by_status_and_symbol(room: Room):
    await room.trade("0.1", "64000")
    resting = await room.ask(limit("buy", "0.1", "60000"))
    share = await room.ask(limit("buy", "1", "100", symbol="AAPL"))
    gone = await room.ask(limit("buy", "0.1", "60000"))
    await room.ask(CancelOrder(account=ALICE, order_id=gone.order_id))

    async def ids(**choice):
        return [view.order_id for view in (await room.ask(GetAccountOrders(account=ALICE, **choice))).items]

    assert await ids(status="open") == [share.order_id, resting.order_id]
    assert await ids(status="open", symbol="BTC-USD") == [resting.order_id]
    assert await ids(status="cancelled") == [gone.order_id]
    assert len(await ids(status="filled")) == 1
    assert await ids(symbol="NOPE") == []
    assert len(await ids()) == 4


@pytest.mark.parametrize(
    "query, field",
    [
        (GetAccountOrders(account=ALICE, limit=1001), "limit"),
        (GetAccountOrders(account=ALICE, limit=0), "limit"),
        (GetAccountOrders(account=ALICE, status="gone"), "status"),
        (GetAccountOrders(account=ALICE, cursor="x"), "cursor"),
        (GetAccountOrders(account=ALICE, cursor="1.2.3"), "cursor"),
        (GetAccountOrders(account=ALICE, cursor="99999999999999999999"), "cursor"),
        (GetAccountOrders(account=-1), "account"),
        (GetFills(account=ALICE, cursor="1"), "cursor"),
        (GetFills(account=ALICE, limit=1001), "limit"),
        (GetAccountUpdates(account=ALICE, after_sequence=-1), "after_sequence"),
        (GetAccountUpdates(account=ALICE, after_sequence=0, limit=1001), "limit"),
    ],
)  # fmt: skip
async def test_a_query_of_the_wrong_shape_names_the_field(room: Room, query, field):
    assert (await refused(room, query, InvalidCommand)).field == field


async def test_an_account_without_orders_has_an_empty_page(room: Room):
    page = await room.ask(GetAccountOrders(account=999))
    assert (page.items, page.next_cursor) == ([], None)


async def test_fills_are_paged_and_carry_side_fee_and_liquidity(room: Room):
    for _ in range(3):
        await room.trade("0.1", "64000")
    await room.caught_up()
    first = await room.ask(GetFills(account=BOB, limit=2))
    rest = await room.ask(GetFills(account=BOB, limit=2, cursor=first.next_cursor))
    fills = [*first.items, *rest.items]
    assert [fill.sequence for fill in fills] == sorted((fill.sequence for fill in fills), reverse=True)
    assert {(fill.side, fill.liquidity, fill.fee) for fill in fills} == {("sell", "maker", "3.20")}
    assert rest.next_cursor is None
    taken = await room.ask(GetFills(account=ALICE, ascending=True, symbol="BTC-USD"))
    assert {fill.trade_id for fill in taken.items} == {fill.trade_id for fill in fills}
    assert (await room.ask(GetFills(account=ALICE, symbol="AAPL"))).items == []


async def test_both_sides_of_a_trade_with_oneself_are_shown(room: Room):
    await room.ask(limit("sell", "0.1", "64000"))
    await room.ask(limit("buy", "0.1", "64000", self_trade_prevention="none"))
    await room.caught_up()
    page = await room.ask(GetFills(account=ALICE, ascending=True))
    assert [(fill.liquidity, fill.side) for fill in page.items] == [("maker", "sell"), ("taker", "buy")]
    one = await room.ask(GetFills(account=ALICE, ascending=True, limit=1))
    two = await room.ask(GetFills(account=ALICE, ascending=True, limit=1, cursor=one.next_cursor))
    assert [*one.items, *two.items] == page.items


async def test_a_query_waits_for_what_its_caller_has_seen(room: Room):
    """Read your own writes: the log is late, the query with at_least waits for it."""
    room.venue.hold = True
    view = await room.ask(limit("buy", "0.1", "64000"))
    asked = asyncio.ensure_future(room.ask(GetOrder(account=ALICE, order_id=view.order_id, at_least=view.sequence)))
    await asyncio.sleep(0)
    room.venue.release()
    assert await asked == view


async def test_updates_resume_after_any_sequence_without_gap_or_duplicate(room: Room):
    """A private stream: pages of three changes, whole sequences only, equal to the whole."""
    for at in range(6):
        await room.ask(limit("sell", "0.1", "64000", account=BOB))
        await room.ask(limit("buy", "0.1" if at % 2 else "0.3", "64000"))
    await room.ask(MassCancel(account=ALICE))
    last = await room.caught_up()
    whole = await room.ask(GetAccountUpdates(account=ALICE, after_sequence=0))
    assert whole.reached == last
    positions = [(update.sequence, update.index) for update in whole.items]
    assert positions == sorted(positions)
    for page in (1, 2, 3, 5):
        found, after = [], 0
        while after < last:
            answer = await room.ask(GetAccountUpdates(account=ALICE, after_sequence=after, limit=page))
            assert answer.reached > after
            found += answer.items
            after = answer.reached
        assert found == whole.items


async def test_the_history_of_an_order_has_every_change_with_its_fill(room: Room):
    view = await room.ask(limit("buy", "0.5", "64000"))
    await room.ask(limit("sell", "0.2", "64000", account=BOB))
    await room.ask(AmendOrder(account=ALICE, order_id=view.order_id, quantity="0.4"))
    await room.ask(CancelOrder(account=ALICE, order_id=view.order_id))
    history = await room.ask(GetOrderEvents(account=ALICE, order_id=view.order_id))
    assert [update.kind for update in history.items] == ["accepted", "filled", "replaced", "cancelled"]
    assert [update.fill is not None for update in history.items] == [False, True, False, False]
    assert [update.order.leaves for update in history.items] == ["0.50000", "0.30000", "0.20000", "0.00000"]


async def test_what_changed_is_told_in_order_after_the_commit(room: Room):
    """Every notice goes on from the one before, and what it tells can be read back."""
    heard: list[OrdersChanged] = []

    async def listen(notices):
        for notice in notices:
            stored = await room.database.read(
                lambda connection: connection.exec_driver_sql("SELECT sequence FROM cursor").scalar()
            )
            assert stored >= notice.sequence
            heard.append(notice)

    begin = await room.caught_up()
    await room.ask(GetAccountUpdates(account=ALICE, after_sequence=begin))
    room.venue.bus.subscribe(OrdersChanged, listen)
    await room.trade("0.1", "64000")
    last = await room.caught_up()
    await until(lambda: bool(heard) and heard[-1].sequence == last, "the last notice")
    assert [n.prev_sequence for n in heard] == [begin, *(n.sequence for n in heard[:-1])]
    told = [told.update for notice in heard for told in notice.updates if told.account == ALICE]
    assert told == (await room.ask(GetAccountUpdates(account=ALICE, after_sequence=begin))).items
    others = [told for notice in heard for told in notice.updates if told.account != ALICE]
    assert others, "of an account that nobody has asked for, it is only told that something changed"
    assert not any(told.payload for told in others)


# ------------------------------------------------------------------------------------------------ rebuild


async def test_an_order_folded_anew_is_the_order_in_the_tables(room: Room):
    view = await room.ask(limit("buy", "0.5", "64000"))
    for _ in range(3):
        await room.ask(limit("sell", "0.1", "64000", account=CAROL))
    await room.ask(AmendOrder(account=ALICE, order_id=view.order_id, quantity="0.45"))
    names = {"account": ALICE, "order_id": view.order_id}
    shown = await room.ask(GetOrder(**names, at_least=room.venue.log.last))
    assert await room.ask(RebuildOrder(**names)) == shown
    assert len(shown.fills) == 3


async def test_a_rebuild_that_meets_a_hole_names_the_position(room: Room, monkeypatch):
    """A fold by position: a log that jumps, or begins with a change, is an error and no crash."""
    view = await room.ask(limit("buy", "0.5", "64000"))
    await room.ask(limit("sell", "0.1", "64000", account=BOB))
    read = room.venue.log.read
    monkeypatch.setattr(
        room.venue.log, "read", lambda after, max_bytes=0: [b for b in read(after) if b.first != view.sequence]
    )
    error = await refused(room, RebuildOrder(account=ALICE, order_id=view.order_id), Corrupted)
    assert error.code == "order.gap"
    assert f"{view.sequence - 1} to {view.sequence + 1}" in error.detail

    def beheaded(after, max_bytes=0):
        return [
            EventBatch(b.first, b.last, b"".join(e.encode() for e in b.events if not isinstance(e, wire.OrderAccepted)))
            for b in read(after)
        ]

    monkeypatch.setattr(room.venue.log, "read", beheaded)
    error = await refused(room, RebuildOrder(account=ALICE, order_id=view.order_id), Corrupted)
    assert error.code == "order.gap"
    assert f"{view.sequence + 1}.1" in error.detail


# -------------------------------------------------------------------------------------------------- ready


async def test_the_room_is_ready_once_it_has_caught_up(tmp_path):
    async with orders_room(tmp_path) as room:
        await room.caught_up()
        assert room.service.not_ready() == []


async def test_a_start_without_matching_is_not_ready_and_the_projection_asks_again(tmp_path):
    async with orders_room(tmp_path) as room:
        room.venue.down = True
        late = OrdersService(room.venue.bus, room.venue.log, room.database, room.venue.clock)
        await late.start()
        assert late.not_ready()
        room.venue.down = False
        room.venue.spawn(*late.tasks()[0])
        await until(lambda: late.not_ready() == [], "the room to be ready")


async def test_a_projection_that_cannot_go_on_says_where_it_stands(room: Room):
    await room.caught_up()
    at = room.venue.log.last
    impossible = wire.OrderCancelled(1, 0, at + 1, 1, COIN, ALICE, 12_345, 1, 0, 0, 1, 1)
    room.venue.log.append(EventBatch(at + 1, at + 1, impossible.encode()))
    await until(lambda: bool(room.service.not_ready()), "the projection to stop")
    assert f"after sequence {at}" in room.service.not_ready()[0]
    assert isinstance(await room.ask(GetAccountOrders(account=ALICE)), object)  # what was projected can still be read
