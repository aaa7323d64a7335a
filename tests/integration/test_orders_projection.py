"""The tables are the event log and nothing else, however it is delivered.

Goal: shuffled, repeated, cut and interrupted deliveries leave the same bytes in the tables as one clean pass.
Method: seeded streams through the readable engine; digests over every row; orders folded anew against the tables.
"""

import random

import pytest
from sqlalchemy import Connection, select

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.order_queries import GetOrder, OrdersChanged, RebuildOrder
from quantumcore.contracts.values import OrderId
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.orders import store
from quantumcore.services.orders.projection import LIVE_ORDERS, LiveOrders
from quantumcore.services.orders.service import OrdersService
from quantumcore.services.orders.terms import Terms
from tests.support.orders_room import Room, digest, orders_room
from tests.support.places import may_say, working_orders
from tests.support.small_venue import SmallVenue, small_venue, until
from tests.support.streams import AuctionMarket, Market, setup
from tests.support.streams_linked import LinkedMarket


def run_market(venue: SmallVenue, rng: random.Random, commands: int) -> None:
    """Send random commands, hostile ones included."""
    run(venue, Market(rng), commands)


def run(venue: SmallVenue, market: Market, commands: int) -> None:
    """Send the next commands of `market`."""
    for _ in range(commands):
        raw, _ = market.next()
        events = venue.do(raw)
        market.hear(b"".join(event.encode() for event in events))


def random_market() -> list[bytes]:
    return list(setup())


async def projected(venue: SmallVenue, name: str, batches: list[EventBatch], size: int = 7, live: int = LIVE_ORDERS):
    """Return (database, service) of a room that was given `batches`, some at a time."""
    (venue.directory / name).mkdir()
    venue.directory, home = venue.directory / name, venue.directory
    try:
        database = await venue.database("orders")
    finally:
        venue.directory = home
    service = OrdersService(venue.bus, venue.log, database, venue.clock)
    await service.start()
    service.history.projection.live = LiveOrders(live)
    for start in range(0, len(batches), size):
        await service.history.projection.apply(batches[start : start + size])
    return database, service


async def test_shuffled_and_repeated_deliveries_leave_the_same_tables(tmp_path, rng: random.Random):
    """Each batch one to five times, in a shuffled order, in runs of random length."""
    async with small_venue(tmp_path, random_market()) as venue:
        run_market(venue, rng, 600)
        whole = venue.log.read(0, 1 << 30)
        clean, _ = await projected(venue, "clean", whole, size=50)
        for attempt in range(3):
            delivered = [batch for batch in whole for _ in range(rng.randrange(1, 6))]
            rng.shuffle(delivered)
            shuffled, _ = await projected(venue, f"shuffled-{attempt}", delivered, size=rng.randrange(1, 90))
            assert await digest(shuffled) == await digest(clean)


async def test_a_projection_that_forgets_its_orders_reads_them_again(tmp_path, rng: random.Random):
    """Three live orders in memory instead of thousands: the tables are the same."""
    async with small_venue(tmp_path, random_market()) as venue:
        run_market(venue, rng, 500)
        whole = venue.log.read(0, 1 << 30)
        much, _ = await projected(venue, "much", whole)
        little, service = await projected(venue, "little", whole, live=3)
        assert await digest(little) == await digest(much)
        assert len(service.history.projection.live) <= 3


async def test_a_restart_goes_on_from_the_cursor(tmp_path, rng: random.Random):
    """Half, a new room on the same tables, the rest: as one pass; what was told goes on where it stopped."""
    async with small_venue(tmp_path, random_market()) as venue:
        run_market(venue, rng, 300)
        first = venue.log.read(0, 1 << 30)
        database, _ = await projected(venue, "halves", first)
        run_market(venue, random.Random(rng.random()), 300)
        whole = venue.log.read(0, 1 << 30)
        second = OrdersService(venue.bus, venue.log, database, venue.clock)
        await second.start()
        assert second.history.follower.cursor == first[-1].last
        heard: list[OrdersChanged] = []

        async def listen(notices):
            heard.extend(notices)

        venue.bus.subscribe(OrdersChanged, listen)
        await second.history.projection.apply(venue.log.read(second.history.follower.cursor, 1 << 30))
        await until(lambda: bool(heard) and heard[-1].sequence == venue.log.last, "the last notice")
        assert heard[0].prev_sequence == first[-1].last
        assert [n.prev_sequence for n in heard[1:]] == [n.sequence for n in heard[:-1]]
        once, _ = await projected(venue, "once", whole)
        assert await digest(database) == await digest(once)


async def test_a_commit_whose_answer_was_lost_is_not_done_twice(tmp_path, rng: random.Random):
    """The database commits, then says it did not: the batches come again, the tables are as after once."""
    async with small_venue(tmp_path, random_market()) as venue:
        run_market(venue, rng, 300)
        whole = venue.log.read(0, 1 << 30)
        clean, _ = await projected(venue, "clean", whole)
        database, service = await projected(venue, "unlucky", [])
        write, calls = database.write, 0

        async def unlucky(work):
            nonlocal calls
            calls += 1
            done = await write(work)
            if calls % 3 == 0:
                raise Unavailable("unavailable", "the answer was lost")
            return done

        database.write = unlucky
        for start in range(0, len(whole), 20):
            for _ in range(4):
                try:
                    await service.history.projection.apply(whole[start : start + 20])
                except Unavailable:
                    continue
                break
        assert calls > len(whole) // 20
        assert await digest(database) == await digest(clean)


async def test_a_failed_batch_leaves_neither_rows_nor_cursor(tmp_path, rng: random.Random):
    """The fold meets an impossible event in the middle of a batch: nothing of the batch is kept."""
    async with small_venue(tmp_path, random_market()) as venue:
        run_market(venue, rng, 100)
        whole = venue.log.read(0, 1 << 30)
        database, service = await projected(venue, "room", whole)
        before = await digest(database)
        at = venue.log.last
        good = venue.do(wire.OpenAccount(account=77, owner=77))
        impossible = wire.OrderCancelled(1, 0, at + 2, 1, 1, 1, 10**9, 1, 0, 0, 1, 1)
        batches = [venue.log.read(at)[0], EventBatch(at + 2, at + 2, impossible.encode())]
        assert good
        with pytest.raises(Exception, match="no order 1000000000 was accepted"):
            await service.history.projection.apply(batches)
        assert await digest(database) == before
        assert service.history.projection.cursor == at


async def test_every_order_folded_anew_equals_its_row(tmp_path, rng: random.Random):
    """Rebuild equals projection, for each order of a random market; ended and working, filled and rejected."""
    async with small_venue(tmp_path, random_market()) as venue:
        database = await venue.database("orders")
        service = await venue.run(OrdersService(venue.bus, venue.log, database, venue.clock))
        run_market(venue, rng, 700)
        room = Room(venue, service, database)
        await room.caught_up()

        def names(connection: Connection) -> list[tuple[int, int, int]]:
            rows = connection.execute(select(store.orders.c.account, store.orders.c.sequence, store.orders.c.slot))
            return [tuple(row) for row in rows]

        found = await database.read(names)
        found = [row for row in found if 0 < row[0] < 2**63]  # nobody can ask for what only hostile commands name
        assert len(found) > 100
        statuses = set()
        for account, sequence, slot in found:
            order_id = OrderId(0, sequence, slot).text()
            shown = await room.service.history.get(GetOrder(account=account, order_id=order_id))
            assert await room.service.history.rebuild(RebuildOrder(account=account, order_id=order_id)) == shown
            statuses.add(shown.status)
        assert {"new", "filled", "cancelled", "rejected"} <= statuses


@pytest.mark.parametrize("kind", [Market, LinkedMarket, AuctionMarket])
async def test_what_works_in_the_tables_works_in_the_engine(tmp_path, rng: random.Random, kind: type[Market]):
    """Along a random market: the open orders of the tables are the engine's, price, quantity, leaves and what they wait for."""

    def working(connection: Connection):
        rows = connection.execute(select(store.orders).where(store.orders.c.status <= 2)).mappings()
        return {order.name: order for order in map(store.order_of, rows)}

    async with orders_room(tmp_path, random_market()) as room:
        market, compared = kind(rng), 0
        for _ in range(35):
            run(room.venue, market, 20)
            await room.caught_up()
            orders = await room.database.read(working)
            engines = {order.name: order for order in working_orders(room.venue.engine)}
            assert orders.keys() == engines.keys()
            compared += len(orders)
            for name, order in orders.items():
                real, terms = engines[name], order.terms or Terms()
                assert (
                    order.account,
                    order.instrument,
                    order.side,
                    terms.working_price or order.price,  # a peg's own price is its cap
                    order.quantity,
                    order.leaves,
                ) == (real.account, real.instrument, real.side, real.price, real.quantity, real.leaves)
                assert terms.waiting in may_say(real), (order, real)
        assert compared > 100
