"""Linked orders, reduce-only orders and busts through the orders room: one answer for each, and a history that says why.

Goal: what a client asked as one act is answered, listed, repeated and folded anew as the orders that it made.
Method: a small venue over the readable engine; the room's tables against its folding of the event log.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, InvalidCommand, NotFound
from quantumcore.contracts.matching import GetSessionEnd, SessionEnd
from quantumcore.contracts.order_queries import GetAccountOrders, GetFills, GetOrder, GetOrderEvents, RebuildOrder
from quantumcore.contracts.orders import AmendOrder, BustTrade, CancelOrder, OrderView, SubmitBatch, SubmitLinked
from quantumcore.contracts.terms import OrderTerms
from quantumcore.services.orders import queries
from tests.support.orders_room import Room, limit, order, orders_room
from tests.support.small_venue import ALICE, BOB


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with orders_room(tmp_path) as opened:
        yield opened


async def submit(room: Room, link: str, *orders: Any) -> list[OrderView]:
    items: list[OrderView] = (await room.ask(SubmitLinked(link=link, orders=list(orders)))).items
    return items


async def now(room: Room, view: OrderView) -> OrderView:
    found: OrderView = await room.ask(
        GetOrder(account=int(view.account_id), order_id=view.order_id, at_least=room.venue.log.last)
    )
    return found


def bracket(quantity: str = "1") -> list[Any]:
    stop = OrderTerms(stop_price="63000")
    return [
        limit("buy", quantity, "64000"),
        limit("sell", quantity, "65000"),
        order(side="sell", quantity=quantity, type="stop_limit", price="62000", terms=stop),
    ]


async def test_when_one_of_a_pair_trades_the_other_goes(room: Room) -> None:
    first, second = await submit(room, "oco", limit("buy", "1", "64000"), limit("sell", "1", "65000"))
    assert (first.status, second.status, first.link.kind if first.link else "") == ("new", "new", "oco")
    assert first.link is not None
    assert first.link.order_ids == [first.order_id, second.order_id]
    await room.ask(limit("sell", "0.25", "64000", account=BOB))
    first, second = await now(room, first), await now(room, second)
    assert (first.status, first.filled) == ("partially_filled", "0.25000")
    assert (second.status, second.reason) == ("cancelled", "order.cancel.linked")


async def test_one_refusal_refuses_all_and_each_is_found_by_its_id(room: Room) -> None:
    views = await submit(room, "oco", limit("buy", "1", "64000"), limit("sell", "1", "65000.001"))
    assert [view.status for view in views] == ["rejected", "rejected"]
    assert [view.reason for view in views] == ["order.linked", "order.price.off_tick"]
    assert len({view.order_id for view in views}) == 2
    for view in views:
        assert (await now(room, view)).client_order_id == view.client_order_id
        assert (await room.ask(GetOrder(account=ALICE, client_order_id=view.client_order_id))).order_id == view.order_id


async def test_the_same_act_again_gets_the_first_answers(room: Room) -> None:
    pair = [limit("buy", "1", "64000"), limit("sell", "1", "65000")]
    first = await submit(room, "oco", *pair)
    await room.ask(CancelOrder(account=ALICE, order_id=first[0].order_id))
    again = await submit(room, "oco", *pair)
    assert [view.order_id for view in again] == [view.order_id for view in first]
    assert [view.status for view in again] == ["new", "new"], "the answer of then, not what stands now"
    with pytest.raises(Conflict) as refused:
        await submit(room, "oco", pair[0], limit("sell", "2", "65000"))
    assert refused.value.code == "idempotency.mismatch"


async def test_the_child_of_an_oto_waits_for_its_parent(room: Room) -> None:
    parent, child = await submit(room, "oto", limit("buy", "1", "64000"), limit("sell", "1", "65000"))
    assert (parent.waiting, child.waiting, child.status) == (None, "parent", "new")
    await room.ask(limit("sell", "1", "64000", account=BOB))
    child = await now(room, child)
    assert (child.status, child.waiting) == ("new", None)
    history = await room.ask(GetOrderEvents(account=ALICE, order_id=child.order_id, at_least=room.venue.log.last))
    kinds = [(one.kind, one.cause) for one in history.items]
    assert ("triggered", "parent") in kinds
    assert all(one.order.order_id == child.order_id for one in history.items)


async def test_a_history_is_as_long_as_its_own_changes(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever became of its pair: an answer that is cut counts the order's changes alone."""
    monkeypatch.setattr(queries, "MAX_HISTORY", 3)
    busy, quiet = await submit(room, "oco", limit("buy", "1", "64000"), limit("sell", "1", "65000"))
    for at in range(1, 10):
        await room.ask(AmendOrder(account=ALICE, order_id=busy.order_id, price=str(64_000 - at)))
    await room.ask(AmendOrder(account=ALICE, order_id=quiet.order_id, price="65001"))
    last = await room.caught_up()
    history = await room.ask(GetOrderEvents(account=ALICE, order_id=quiet.order_id))
    assert [one.kind for one in history.items] == ["accepted", "linked", "replaced"]
    assert history.reached == last
    cut = await room.ask(GetOrderEvents(account=ALICE, order_id=busy.order_id))
    assert [one.kind for one in cut.items] == ["accepted", "linked", "replaced"]
    assert cut.reached == cut.items[-1].sequence


async def test_a_link_that_cannot_be_is_named(room: Room) -> None:
    with pytest.raises(InvalidCommand) as short:
        await submit(room, "bracket", limit("buy", "1", "64000"), limit("sell", "1", "65000"))
    assert (short.value.field, short.value.limit, short.value.actual) == ("orders", "3", "2")
    twin = limit("buy", "1", "64000")
    with pytest.raises(InvalidCommand) as same:
        await submit(room, "oco", twin, twin)
    assert (same.value.code, same.value.field) == ("order.link.bad", "link")


async def test_orders_of_one_sequence_page_and_fold_like_any_other(room: Room) -> None:
    """Three pairs, pages of one and of two: nothing is left out or there twice at a cut inside a sequence."""
    made = [
        view
        for _ in range(3)
        for view in await submit(room, "oco", limit("buy", "1", "64000"), limit("sell", "1", "65000"))
    ]
    await room.ask(limit("sell", "2", "64000", account=BOB))
    for ascending in (True, False):
        for size in (1, 2, 5):
            found, cursor = [], ""
            while cursor is not None:
                page = await room.ask(
                    GetAccountOrders(
                        account=ALICE, limit=size, cursor=cursor, ascending=ascending, at_least=room.venue.log.last
                    )
                )
                found += [view.order_id for view in page.items]
                cursor = page.next_cursor
            wanted = [view.order_id for view in made]
            assert found == (wanted if ascending else wanted[::-1])
    for view in made:
        stored, folded = await now(room, view), await room.ask(RebuildOrder(account=ALICE, order_id=view.order_id))
        assert folded == stored


async def test_a_reduce_only_order_is_cut_to_the_position(room: Room) -> None:
    refused = await room.ask(limit("sell", "1", "65000", terms=OrderTerms(reduce_only=True)))
    assert (refused.status, refused.reason, refused.limit) == ("rejected", "risk.reduce_only", "0.00000")
    await room.trade("0.5", "64000")
    cut = await room.ask(limit("sell", "1", "65000", terms=OrderTerms(reduce_only=True)))
    assert (cut.status, cut.quantity) == ("new", "0.50000")
    await room.ask(limit("buy", "0.5", "64000", account=BOB))
    await room.ask(limit("sell", "0.5", "64000"))
    gone = await now(room, cut)
    assert (gone.status, gone.reason) == ("cancelled", "order.cancel.reduce_only")


# -------------------------------------------------------------------------------------------------------------- busts


async def test_a_busted_trade_gives_back_what_it_took_and_both_fills_say_so(room: Room) -> None:
    before = balances(room)
    _, taker = await room.trade("0.5", "64000")
    (fill,) = taker.fills
    done = await room.ask(BustTrade(trade_id=fill.trade_id, action="cancel"))
    assert (done.buyer, done.seller, done.price, done.quantity, done.paid_back) == (
        str(ALICE),
        str(BOB),
        "64000.00",
        "0.50000",
        "32000.00",
    )
    assert (done.buyer_fee_back, done.repeat) == (fill.fee, False)
    assert balances(room) == before
    again = await room.ask(BustTrade(trade_id=fill.trade_id, action="cancel"))
    assert again.repeat is True
    for account in (ALICE, BOB):
        page = await room.ask(GetFills(account=account, at_least=room.venue.log.last))
        assert [one.busted for one in page.items] == ["cancel"]
    view = await now(room, taker)
    assert (view.status, view.filled, view.fills[0].busted) == ("filled", "0.50000", "cancel")
    assert await room.ask(RebuildOrder(account=ALICE, order_id=view.order_id)) == view
    history = await room.ask(GetOrderEvents(account=ALICE, order_id=view.order_id))
    assert [(one.kind, one.cause) for one in history.items] == [
        ("accepted", None),
        ("filled", None),
        ("busted", "cancel"),
    ]


async def test_a_trade_can_be_moved_to_another_price(room: Room) -> None:
    _, taker = await room.trade("0.5", "64000")
    done = await room.ask(BustTrade(trade_id=taker.fills[0].trade_id, action="price", price="63000"))
    assert (done.price, done.paid_back, done.received_back, done.buyer_fee_back) == (
        "63000.00",
        "500.00",
        "500.00",
        "0.00",
    )
    page = await room.ask(GetFills(account=ALICE, at_least=room.venue.log.last))
    assert [(one.price, one.busted) for one in page.items] == [("64000.00", "price")]


@pytest.mark.parametrize("trade_id", ["", "nonsense", "0" * 36, "00000000-0000-0000-0999-000000000000"])
async def test_a_trade_that_never_was_is_not_found(room: Room, trade_id: str) -> None:
    with pytest.raises(NotFound) as refused:
        await room.ask(BustTrade(trade_id=trade_id, action="cancel"))
    assert refused.value.code == "trade.not_found"


@pytest.mark.parametrize(
    "action, price", [("cancel", "5"), ("price", None), ("undo", None), ("price", "0.001"), ("price", "0")]
)
async def test_a_bust_of_the_wrong_shape_is_refused(room: Room, action: str, price: str | None) -> None:
    _, taker = await room.trade("0.5", "64000")
    with pytest.raises(InvalidCommand) as refused:
        await room.ask(BustTrade(trade_id=taker.fills[0].trade_id, action=action, price=price))
    assert refused.value.code.startswith("request.invalid")


async def test_who_no_longer_has_it_cannot_give_it_back(room: Room) -> None:
    _, taker = await room.trade("0.5", "64000")
    everything = {currency: total for currency, total, _ in room.venue.engine.balances(BOB)}
    quote = room.venue.engine.balances(BOB)[0][0]
    command = wire.Transfer(account=BOB, amount=everything[quote], currency=quote, transfer_kind=2, transfer_id="out")
    assert isinstance(room.venue.do(command)[0], wire.TransferPosted)
    with pytest.raises(Conflict) as refused:
        await room.ask(BustTrade(trade_id=taker.fills[0].trade_id, action="cancel"))
    assert refused.value.code == "transfer.insufficient"


def balances(room: Room) -> dict[int, Any]:
    return {account: room.venue.engine.balances(account) for account in (ALICE, BOB)}


async def test_a_date_is_the_end_of_its_session_however_the_order_comes(room: Room) -> None:
    """By itself, in a batch and in a link; matching says when the session ends, and is asked for a date alone."""
    ends_ns = room.venue.clock.now() + 3_600_000_000_000
    asked: list[GetSessionEnd] = []

    async def session_end(request: GetSessionEnd) -> SessionEnd:
        asked.append(request)
        return SessionEnd(ends_ns)

    room.venue.bus.handle(GetSessionEnd, session_end)

    def dated() -> Any:
        return limit("buy", "1", "60000", time_in_force="gtd", terms=OrderTerms(expires_on="2026-12-24"))

    views = [await room.ask(dated())]
    views += (await room.ask(SubmitBatch(orders=[dated()]))).items
    views += await submit(room, "oto", dated(), dated())
    assert [view.terms.expires_ns for view in views] == [ends_ns] * 4
    assert asked == [GetSessionEnd(symbol="BTC-USD", date="2026-12-24")] * 4
    await room.ask(limit("buy", "1", "60000", time_in_force="gtd", terms=OrderTerms(expires_ns=ends_ns)))
    assert len(asked) == 4
