"""Atomic batches through the orders room: all accepted or all rejected, each with an answer of its own.

Goal: what a client sends as one act is one command: no reader ever sees a part of it, whatever is wrong with one of its orders.
Method: a small venue over the readable engine; the log's last sequence says whether anything was sent.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quantumcore.contracts.errors import Conflict, InvalidCommand
from quantumcore.contracts.order_queries import GetAccountOrders, GetOrder, RebuildOrder
from quantumcore.contracts.orders import CancelOrder, ErrorView, OrderView, SubmitBatch
from quantumcore.contracts.terms import OrderTerms
from tests.support.orders_room import Room, limit, market, order, orders_room
from tests.support.small_venue import ALICE, BOB


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with orders_room(tmp_path) as opened:
        yield opened


async def submit(room: Room, *orders: Any) -> list[OrderView]:
    items = (await room.ask(SubmitBatch(orders=list(orders), atomic=True))).items
    assert all(isinstance(item, OrderView) for item in items)
    return items


async def test_all_are_one_command_and_each_has_its_answer(room: Room) -> None:
    await room.ask(limit("sell", "0.5", "64000", account=BOB))
    before = room.venue.log.last
    taken, rests, other, stop = await submit(
        room,
        limit("buy", "0.5", "64000"),
        limit("buy", "1", "63000"),
        limit("sell", "3", "200", symbol="AAPL"),
        order(type="stop", price=None, terms=OrderTerms(stop_price="66000")),
    )
    assert room.venue.log.last == before + 1
    assert [view.status for view in (taken, rests, other, stop)] == ["filled", "new", "new", "new"]
    assert (taken.filled, other.symbol, stop.waiting) == ("0.50000", "AAPL", "trigger")
    assert len({view.order_id for view in (taken, rests, other, stop)}) == 4
    assert {view.sequence for view in (taken, rests, other, stop)} == {before + 1}


async def test_one_refusal_refuses_all_and_each_is_found_by_its_id(room: Room) -> None:
    views = await submit(
        room, limit("buy", "1", "64000"), limit("buy", "1", "64000.001"), limit("buy", "1", "1", symbol="GONE")
    )
    assert [view.status for view in views] == ["rejected"] * 3
    assert [view.reason for view in views] == ["order.linked", "order.linked", "order.unknown_symbol"]
    assert [view.symbol for view in views] == ["BTC-USD", "BTC-USD", "GONE"]
    await room.caught_up()
    for view in views:
        found = await room.ask(GetOrder(account=ALICE, client_order_id=view.client_order_id))
        assert (found.order_id, found.reason) == (view.order_id, view.reason)
        rebuilt = await room.ask(RebuildOrder(account=ALICE, order_id=view.order_id))
        assert rebuilt.client_order_id == view.client_order_id
    working = await room.ask(GetAccountOrders(account=ALICE, status="open", at_least=room.venue.log.last))
    assert working.items == []


async def test_the_same_batch_again_gets_the_first_answers_in_the_order_asked(room: Room) -> None:
    one, two, three = (limit("buy", "1", price) for price in ("61000", "62000", "63000"))
    first = await submit(room, one, two, three)
    await room.ask(CancelOrder(account=ALICE, order_id=first[0].order_id))
    assert await submit(room, one, two, three) == first, "the answers of then, not what stands now"
    assert await submit(room, three, one) == [first[2], first[0]]
    assert await room.ask(two) == first[1], "one of them sent alone is a repeat too"
    with pytest.raises(Conflict) as refused:
        await submit(room, one, msgspec.structs.replace(two, quantity="2"))
    assert refused.value.code == "idempotency.mismatch"
    with pytest.raises(Conflict):
        await submit(room, one, limit("buy", "1", "60000"))


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"price": "1e5"}, "orders[1].price", "request.invalid.decimal"),
        ({"quantity": ""}, "orders[1].quantity", "request.invalid.decimal"),
        ({"side": "hold"}, "orders[1].side", "request.invalid.type"),
        ({"type": "stop", "price": None}, "orders[1].stop_price", "request.invalid.missing"),
        ({"account": BOB}, "orders[1].account_id", "request.invalid.range"),
        ({"client_order_id": "first"}, "orders[1].client_order_id", "request.invalid.range"),
    ],
)
async def test_a_wrong_shape_of_one_is_named_and_nothing_is_sent(
    room: Room, change: dict[str, Any], field: str, code: str
) -> None:
    before = room.venue.log.last
    orders = [limit("buy", "1", "64000", client_order_id="first"), order(**change)]
    with pytest.raises(InvalidCommand) as refused:
        await submit(room, *orders)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert room.venue.log.last == before


async def test_a_batch_that_is_not_atomic_stays_one_by_one(room: Room) -> None:
    good, bad = limit("buy", "1", "64000"), limit("buy", "1", "64000.001")
    items = (await room.ask(SubmitBatch(orders=[good, bad, limit("buy", "x", "1")]))).items
    assert [getattr(item, "status", None) for item in items[:2]] == ["new", "rejected"]
    assert isinstance(items[2], ErrorView)


async def test_a_hundred_orders_page_and_fold_like_any_other(room: Room) -> None:
    """They share one sequence, so a page's cut falls inside it."""
    views = await submit(room, *(limit("buy", "0.001", str(60000 + at)) for at in range(100)))
    await room.caught_up()
    cursor, seen = "", []
    while True:
        page = await room.ask(GetAccountOrders(account=ALICE, status="open", limit=7, cursor=cursor, ascending=True))
        seen += [item.order_id for item in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert sorted(seen) == sorted(view.order_id for view in views)
    assert len(set(seen)) == 100
    rebuilt = await room.ask(RebuildOrder(account=ALICE, order_id=views[57].order_id))
    assert rebuilt.client_order_id == views[57].client_order_id


async def test_a_hundred_rejected_orders_have_a_hundred_ids(room: Room) -> None:
    orders = [limit("buy", "0.001", "60000") for _ in range(99)]
    views = await submit(room, *orders, market("buy", "0.0000001"))
    assert {view.status for view in views} == {"rejected"}
    assert len({view.order_id for view in views}) == 100
    await room.caught_up()
    for view in (views[0], views[50], views[99]):
        assert (await room.ask(GetOrder(account=ALICE, order_id=view.order_id))).client_order_id == view.client_order_id
    with pytest.raises(Conflict) as final:
        await room.ask(CancelOrder(account=ALICE, order_id=views[50].order_id))
    assert final.value.code == "order.already_final"
