"""Many clients, one position: every fill counts once, and nobody sees half of one.

Goal: 10 clients with 100 fills of 1 each make exactly +1,000, though deliveries come 1 to 5 times, shuffled, and the room is killed in
between; who reads meanwhile sees a position before or after a fill.
Method: the room in a small venue; clients as tasks that let each other go first at random.
"""

import asyncio
import random
from pathlib import Path

import pytest

from quantumcore.contracts.positions import GetPosition, GetPositions
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.positions.service import PositionsService
from tests.support.position_rooms import PositionsRoom, order, positions_room
from tests.support.small_venue import ALICE, BOB, SHARE

CLIENTS, FILLS = 10, 100
PRICE = 15_000


async def client(room: PositionsRoom, rng: random.Random) -> None:
    for _ in range(FILLS):
        room.venue.do(order(SHARE, ALICE, 1, 1, PRICE))
        if rng.random() < 0.2:
            await asyncio.sleep(0)


async def test_ten_clients_with_a_hundred_fills_make_a_thousand(tmp_path: Path, rng: random.Random) -> None:
    async with positions_room(tmp_path) as room:
        room.venue.do(order(SHARE, BOB, 2, CLIENTS * FILLS, PRICE))
        done = asyncio.Event()
        seen: set[int] = set()

        async def reader() -> None:
            while not done.is_set():
                found = (await room.ask(GetPosition(account=ALICE, symbol="AAPL"))).position
                if found is not None:
                    assert found.version == int(found.quantity)
                    assert found.cost == f"{int(found.quantity) * 150}.00000000"
                    seen.add(int(found.quantity))

        reading = [asyncio.create_task(reader()) for _ in range(3)]
        await asyncio.gather(*(client(room, rng) for _ in range(CLIENTS)))
        mine = await room.position()
        theirs = await room.position(account=BOB)
        done.set()
        await asyncio.gather(*reading)
        assert seen - {CLIENTS * FILLS}, "nobody read a position while it grew"
        assert mine is not None
        assert theirs is not None
        assert (mine.quantity, mine.version) == ("1000", 1_000)
        assert (theirs.quantity, theirs.version) == ("-1000", 1_000)


@pytest.mark.hazard("G1")
async def test_repeated_shuffled_and_killed_it_is_still_a_thousand(tmp_path: Path, rng: random.Random) -> None:
    """Every batch 1 to 5 times in any order, in deliveries of any size; the room is dropped 5 times and goes on where it stood."""
    async with positions_room(tmp_path) as room:
        room.venue.do(order(SHARE, BOB, 2, CLIENTS * FILLS, PRICE))
        await asyncio.gather(*(client(room, rng) for _ in range(CLIENTS)))
        await room.position()
        await room.venue.halt()
        whole = room.venue.log.read(0, 1 << 30)
        sent: list[EventBatch] = [batch for batch in whole for _ in range(rng.randrange(1, 6))]
        rng.shuffle(sent)
        home = room.venue.directory
        room.venue.directory = home / "again"
        room.venue.directory.mkdir()
        database = await room.venue.database("positions")
        at, told, counted = 0, 0, []
        for kill in range(6):
            service = PositionsService(room.venue.bus, room.venue.log, database, room.venue.clock)
            await service.start()
            until = len(sent) if kill == 5 else at + rng.randrange(1, len(sent) // 6)
            while at < until:
                size = rng.randrange(1, 40)
                await service.apply(sent[at : at + size])
                told += sum(batch.last - batch.first + 1 for batch in sent[at : at + size])
                at += size
            counted.append((service.projection.gaps, service.projection.duplicates))
        view = await service.positions(GetPositions(account=ALICE))
        assert view.sequence == room.venue.engine.sequence
        assert [(one.quantity, one.version) for one in view.positions] == [("1000", 1_000)]
        assert sum(gaps for gaps, _ in counted) > 0
        assert sum(duplicates for _, duplicates in counted) > told - 3 * len(whole)
