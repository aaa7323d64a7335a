"""Many at once get what one after the other would have got.

Goal: no second cancel, no second order, no lost submission, and no slow reader that others pay for.
Method: requests gathered on one loop over the real bus, with the log held back or the reader asleep; each with a deadline.
"""

import asyncio

import pytest

from quantumcore.adapters.embedded_bus import QUEUE_BATCHES
from quantumcore.contracts import wire
from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.market import GetBook, MarketMoved
from quantumcore.contracts.order_queries import GetAccountOrders, GetOrder, GetOrderEvents, OrdersChanged
from quantumcore.contracts.orders import CancelOrder
from quantumcore.services.market.service import MarketService
from tests.support.orders_room import Room, limit, orders_room
from tests.support.small_venue import ALICE, BOB, COIN, small_venue, until

DEADLINE_S = 20.0


@pytest.fixture
async def room(tmp_path):
    async with orders_room(tmp_path) as opened, asyncio.timeout(DEADLINE_S):
        yield opened


async def test_ten_cancels_at_once_are_one_event_and_ten_successes(room: Room):
    view = await room.ask(limit("buy", "0.5", "64000"))
    answers = await asyncio.gather(*(room.ask(CancelOrder(account=ALICE, order_id=view.order_id)) for _ in range(10)))
    assert {answer.status for answer in answers} == {"cancelled"}
    assert len({answer.sequence for answer in answers}) == 1
    events = [event for batch in room.venue.log.read(0, 1 << 30) for event in batch.events]
    assert sum(isinstance(event, wire.OrderCancelled) for event in events) == 1
    history = await room.ask(GetOrderEvents(account=ALICE, order_id=view.order_id, at_least=room.venue.log.last))
    assert [update.kind for update in history.items] == ["accepted", "cancelled"]


async def test_ten_equal_submissions_at_once_are_one_order(room: Room):
    order = limit("buy", "0.5", "64000")
    answers = await asyncio.gather(*(room.ask(order) for _ in range(10)))
    assert len({answer.order_id for answer in answers}) == 1
    assert all(answer == answers[0] for answer in answers)
    page = await room.ask(GetAccountOrders(account=ALICE, at_least=room.venue.log.last))
    assert len(page.items) == 1


@pytest.mark.parametrize("count", [10, 100])
async def test_submissions_at_once_are_all_listed(room: Room, count):
    answers = await asyncio.gather(*(room.ask(limit("buy", "0.1", "60000")) for _ in range(count)))
    page = await room.ask(GetAccountOrders(account=ALICE, limit=1000, at_least=room.venue.log.last))
    assert {view.order_id for view in page.items} == {view.order_id for view in answers}
    assert len(page.items) == count


async def test_cancel_and_fill_at_once_end_in_one_of_two_ways(room: Room):
    """Whoever comes first wins; the other is told the truth; never both, never neither."""
    for _ in range(20):
        view = await room.ask(limit("buy", "0.1", "64000"))
        cancelled, taker = await asyncio.gather(
            room.ask(CancelOrder(account=ALICE, order_id=view.order_id)),
            room.ask(limit("sell", "0.1", "64000", account=BOB, time_in_force="ioc")),
            return_exceptions=True,
        )
        shown = await room.ask(GetOrder(account=ALICE, order_id=view.order_id, at_least=room.venue.log.last))
        if isinstance(cancelled, QuantumCoreError):
            assert cancelled.code == "order.already_filled"
            assert (shown.status, taker.status) == ("filled", "filled")
        else:
            assert (shown.status, taker.status, taker.filled) == ("cancelled", "cancelled", "0.00000")


async def test_a_hundred_sellers_fill_a_buy_of_a_thousand_exactly(room: Room):
    """Golden example of behaviour 4: 100 sellers, 10 fills of 1 each."""
    buy = await room.ask(limit("buy", "1000", "100", symbol="AAPL"))
    sells = [limit("sell", "1", "100", symbol="AAPL", account=BOB) for _ in range(1_000)]
    for start in range(0, 1_000, 100):
        await asyncio.gather(*(room.ask(order) for order in sells[start : start + 100]))
    shown = await room.ask(GetOrder(account=ALICE, order_id=buy.order_id, at_least=room.venue.log.last))
    assert (shown.status, shown.filled, shown.leaves, len(shown.fills)) == ("filled", "1000", "0", 1_000)
    late = await room.ask(limit("sell", "1", "100", symbol="AAPL", account=BOB))
    assert late.status == "new"


async def test_unknown_symbols_at_once_share_one_question(room: Room):
    asked = room.venue.references
    answers = await asyncio.gather(*(room.ask(limit("buy", "1", "1", symbol="NOPE")) for _ in range(50)))
    assert {answer.reason for answer in answers} == {"order.unknown_symbol"}
    assert room.venue.references - asked <= 2


async def test_queries_during_a_stream_see_whole_sequences(room: Room):
    """Readers while orders trade: filled plus leaves is always the quantity, and what was seen never goes back."""
    buy = await room.ask(limit("buy", "100", "100", symbol="AAPL"))
    await room.caught_up()
    seen = []

    async def read():
        while not seen or seen[-1].status != "filled":
            seen.append(await room.ask(GetOrder(account=ALICE, order_id=buy.order_id)))

    async def sell():
        for _ in range(100):
            await room.ask(limit("sell", "1", "100", symbol="AAPL", account=BOB))

    await asyncio.gather(read(), read(), sell())
    for view in seen:
        assert int(view.filled) + int(view.leaves) == 100
        assert len(view.fills) == int(view.filled)


async def test_a_listener_that_sleeps_holds_up_no_answer(room: Room):
    """OrdersChanged to a listener that never returns: submissions and projection go on."""
    asleep = asyncio.Event()

    async def sleep(_notices):
        await asleep.wait()

    room.venue.bus.subscribe(OrdersChanged, sleep)
    for _ in range(50):
        await room.trade("0.1", "64000")
    await room.caught_up()
    assert room.service.not_ready() == []
    asleep.set()


@pytest.mark.hazard("B6")
async def test_two_thousand_moves_to_a_sleeping_reader_hold_up_nobody(tmp_path):
    """The market goes on to the end of the log; the reader's queue is bounded; read and lost add up to all that was told."""
    async with small_venue(tmp_path) as venue, asyncio.timeout(DEADLINE_S):
        service = MarketService(venue.bus, venue.log, await venue.database("market"), venue.clock)
        service.attach()
        await service.start()
        asleep, read = asyncio.Event(), 0

        async def sleeper(notices):
            nonlocal read
            await asleep.wait()
            read += len(notices)

        told = 0

        async def counter(notices):
            nonlocal told
            told += len(notices)

        slow = venue.bus.subscribe(MarketMoved, sleeper)
        venue.bus.subscribe(MarketMoved, counter)
        await service._projection.apply(venue.log.read(0, 1 << 30))
        for at in range(2_000):
            venue.do(
                wire.SubmitOrder(
                    instrument=COIN, account=ALICE, price=60_000 + at, quantity=1, side=1, order_type=2, time_in_force=1,
                    client_id=f"q-{at}",
                )
            )  # fmt: skip
            await service._projection.apply(venue.log.read(service._projection.cursor))
            assert slow.waiting <= QUEUE_BATCHES
        assert service._projection.cursor == venue.log.last
        assert len((await venue.bus.request(GetBook(symbol="BTC-USD", depth=500))).bids) == 500
        await until(lambda: told == 2_000, "the other listener")
        asleep.set()
        await until(lambda: slow.waiting == 0 and read + slow.dropped == told, "the sleeper to catch up")
        assert slow.dropped >= 2_000 - QUEUE_BATCHES - 1
