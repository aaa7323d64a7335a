"""Two projections of positions side by side: readers have the new one when it says the same, and not before.

Goal: a room changes its shape while it is read: nobody waits, nobody sees a difference, and a new shape that is wrong is never read.
Method: a room whose second projection begins with empty tables, or with a row that is wrong.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import update

from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.positions import PositionsMoved
from quantumcore.services.positions.service import PositionsService
from quantumcore.services.positions.settings import PositionsSettings
from quantumcore.services.positions.tables import positions
from tests.support.position_rooms import MIGRATIONS, PositionsRoom, digest, positions_room
from tests.support.small_venue import until

BESIDE = PositionsSettings(side_by_side=True)


@asynccontextmanager
async def two_sides(directory: Path) -> AsyncIterator[tuple[PositionsRoom, PositionsService, list[SqliteDatabase]]]:
    """Run a room that has traded alone, and then one on its tables with a second projection beside."""
    async with positions_room(directory) as room:
        for number in range(40):
            room.trade(3 if number % 2 else -5, 15_000 + number)
        await room.position()
        await room.venue.halt()
        opened: list[SqliteDatabase] = []

        async def beside() -> SqliteDatabase:
            opened.append(await open_database(directory / "beside.db", MIGRATIONS))
            return opened[-1]

        venue = room.venue
        service = PositionsService(venue.bus, venue.log, room.database, venue.clock, settings=BESIDE, beside=beside)
        room.service = service
        try:
            yield room, service, opened
        finally:
            await venue.halt()
            await service.stop()


async def test_readers_have_the_new_side_once_it_agrees(tmp_path: Path) -> None:
    async with two_sides(tmp_path) as (room, service, opened):
        heard: list[PositionsMoved] = []

        async def listen(notices: Sequence[PositionsMoved]) -> None:
            heard.extend(notices)

        room.venue.bus.subscribe(PositionsMoved, listen)
        await room.venue.run(service, attach=False)
        sides = service._sides
        assert sides.database is room.database
        await until(lambda: sides.state == "agreed", "the two to agree")
        assert sides.database is opened[0]
        at = room.trade(7, 15_500)
        assert await service._following.reached(at) >= at
        assert (sides.old.cursor, sides.reading.cursor) == (at, at)
        assert await digest(room.database) == await digest(opened[0])
        await until(lambda: bool(heard) and heard[-1].sequence == at, "the notice")
        assert len([notice for notice in heard if notice.sequence == at]) == 1


async def test_a_new_side_that_is_wrong_is_never_read(tmp_path: Path) -> None:
    async with two_sides(tmp_path) as (room, service, _):
        await room.database.write(lambda connection: connection.execute(update(positions).values(realised="1")))
        await room.venue.run(service, attach=False)
        sides = service._sides
        await until(lambda: sides.state != "following", "the comparison")
        assert sides.state == "different"
        assert sides.database is room.database
        at = room.trade(7, 15_500)
        assert await service._following.reached(at) >= at
        assert sides.old.tells


async def test_a_new_side_that_fails_is_left_and_nobody_waits(tmp_path: Path) -> None:
    async with two_sides(tmp_path) as (room, service, opened):
        await room.venue.run(service, attach=False)
        sides = service._sides
        await until(lambda: sides.state == "agreed", "the two to agree")
        await opened[0].close()  # as a lost disk would
        at = room.trade(7, 15_500)
        assert await service._following.reached(at) >= at
        assert (sides.state, sides.database) == ("failed", room.database)
        assert sides.old.tells


async def test_without_the_setting_there_is_one_side(tmp_path: Path) -> None:
    async with positions_room(tmp_path) as room:

        async def never() -> SqliteDatabase:
            raise Unavailable("unavailable", "nobody asked")

        venue = room.venue
        service = PositionsService(venue.bus, venue.log, room.database, venue.clock, beside=never)
        await service.start()
        assert service._sides.state == "alone"
