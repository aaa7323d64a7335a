"""However the events are delivered, every projection ends where one clean pass ends.

Goal: repeats, disorder and batches that come late or never leave the same tables and books; a hole is fetched from the
log or waited for, never jumped.
Method: seeded markets through the readable engine; digests of the orders', the ledger's and the market's state.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import QuantumCoreError, Unavailable
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.progress import without_holes
from quantumcore.services.ledger import store as ledger_store
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.market.service import MarketService
from quantumcore.services.orders.service import OrdersService
from quantumcore.services.positions.service import PositionsService
from tests.support import ledgers, orders_room, position_rooms
from tests.support.risk_room import TRUTH as RISK_TRUTH
from tests.support.risk_room import risk_service
from tests.support.small_venue import SmallVenue, small_venue
from tests.support.streams import Market, setup

COMMANDS = 300


class Projected(NamedTuple):
    """One projection: where deliveries go in, and what can be told of its state."""

    apply: Callable[[Sequence[EventBatch]], Awaitable[None]]
    digest: Callable[[], Awaitable[Any]]


async def orders(venue: SmallVenue) -> Projected:
    database = await venue.database("orders")
    service = OrdersService(venue.bus, venue.log, database, venue.clock)
    await service.start()
    return Projected(service.history.projection.apply, lambda: orders_room.digest(database))


async def ledger(venue: SmallVenue) -> Projected:
    database = await venue.database("ledger")
    service = LedgerService(venue.bus, venue.log, database, venue.clock)
    await service.start()

    async def apply(batches: Sequence[EventBatch]) -> None:
        await service.apply(batches)
        service._follower.cursor = await database.read(ledger_store.read_cursor)

    return Projected(apply, lambda: ledgers.digest(database))


async def market(venue: SmallVenue) -> Projected:
    database = await venue.database("market")
    service = MarketService(venue.bus, venue.log, database, venue.clock)
    await service.start()

    async def digest() -> Any:
        stored = service._markets.snapshot()  # but for where the last notice ended, which is as the deliveries were cut
        books = {number: (market.orders, market.ticker) for number, market in stored.items()}
        return service._markets.sequence, books, await orders_room.digest(database, ("trades",))

    return Projected(service._projection.apply, digest)


async def positions(venue: SmallVenue) -> Projected:
    database = await venue.database("positions")
    service = PositionsService(venue.bus, venue.log, database, venue.clock)
    await service.start()
    return Projected(service.apply, lambda: position_rooms.digest(database))


async def risk(venue: SmallVenue) -> Projected:
    database = await venue.database("risk")
    service = risk_service(venue, database)
    await service.start()
    return Projected(service.apply, lambda: orders_room.digest(database, RISK_TRUTH))


ROOMS = [orders, ledger, market, positions, risk]


async def room_in(venue: SmallVenue, name: str, make: Callable[[SmallVenue], Awaitable[Projected]]) -> Projected:
    """Open a room whose tables stand in a folder of their own."""
    home: Path = venue.directory
    venue.directory = home / name
    venue.directory.mkdir()
    try:
        return await make(venue)
    finally:
        venue.directory = home


async def deliver(room: Projected, batches: list[EventBatch], size: int) -> None:
    """Hand `batches` over some at a time; what the projection says no to fails the test, as a wrong row does."""
    for start in range(0, len(batches), size):
        try:
            await room.apply(batches[start : start + size])
        except QuantumCoreError as error:
            raise AssertionError(f"a delivery was refused: {error}") from error


def play(venue: SmallVenue, rng: random.Random) -> list[EventBatch]:
    """Send random commands, hostile ones included; return the whole log."""
    stream = Market(rng)
    for _ in range(COMMANDS):
        events = venue.do(stream.next().raw)
        stream.hear(b"".join(event.encode() for event in events))
    return venue.log.read(0, 1 << 30)


@pytest.mark.hazard("G1")
@pytest.mark.parametrize("make", ROOMS)
async def test_repeated_shuffled_and_held_back_deliveries_end_as_in_order(tmp_path, rng: random.Random, make):
    """Each batch one to five times, shuffled, one held back to the very end, one never sent: the digest is the same."""
    async with small_venue(tmp_path, list(setup())) as venue:
        whole = play(venue, rng)
        clean = await room_in(venue, "clean", make)
        await deliver(clean, whole, 40)
        expected = await clean.digest()
        for attempt in range(3):
            late, never = rng.sample(whole[:-1], 2)
            sent = [batch for batch in whole if batch is not never for _ in range(rng.randrange(1, 6))]
            rng.shuffle(sent)
            sent = [batch for batch in sent if batch is not late] + [late]
            disturbed = await room_in(venue, f"disturbed-{attempt}", make)
            await deliver(disturbed, sent, rng.choice((1, 7, 60)))
            assert await disturbed.digest() == expected


@pytest.mark.hazard("G1")
@pytest.mark.parametrize("make", ROOMS)
async def test_a_hole_that_the_log_cannot_fill_is_waited_for(tmp_path, rng: random.Random, make):
    """What comes behind a missing batch is refused whole, and is taken once the log has the missing one."""
    async with small_venue(tmp_path, list(setup())) as venue:
        whole = play(venue, rng)
        room = await room_in(venue, "room", make)
        await deliver(room, whole, 40)
        before = await room.digest()
        venue.hold = True
        for _ in range(3):
            venue.do(wire.AdvanceTime())
        last = venue._held[-1]
        refused = ""
        try:
            await room.apply([last])
        except Unavailable as error:
            refused = error.code
        except QuantumCoreError as error:
            raise AssertionError(f"an event was let through: {error}") from error
        assert refused == "order.gap"
        assert await room.digest() == before
        venue.release()
        await deliver(room, [last], 1)
        clean = await room_in(venue, "clean", make)
        await deliver(clean, venue.log.read(0, 1 << 30), 40)
        assert await room.digest() == await clean.digest()


@pytest.mark.hazard("G1")
async def test_what_goes_on_is_whole_and_in_order(tmp_path, rng: random.Random):
    """Of any delivery, exactly the sequences after the cursor come out, each once, rising by one."""
    async with small_venue(tmp_path, list(setup())) as venue:
        whole = play(venue, rng)
        for _ in range(200):
            cursor = rng.randrange(venue.log.last)
            sent = rng.choices(whole, k=rng.randrange(1, 20))
            came = without_holes(sent, cursor, venue.log)
            upto = max(cursor, max(batch.last for batch in sent))
            covered = [n for batch in came for n in range(batch.first, batch.last + 1) if n > cursor]
            assert covered[: upto - cursor] == list(range(cursor + 1, upto + 1))
