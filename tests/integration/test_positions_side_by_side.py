"""Two projections of positions side by side: readers have the new one when it says the same, and not before.

Goal: a room changes its shape while it is read: nobody waits, nobody sees a difference, and a new shape that is wrong is never read.
Method: a room whose second projection begins with empty tables, or with a row that is wrong.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from quantumcore.adapters.event_log import FileEventLog
from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.contracts.errors import Conflict, Unavailable
from quantumcore.contracts.positions import PositionsMoved, SetLotMethod
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.positions.service import PositionsService
from quantumcore.services.positions.settings import PositionsSettings
from quantumcore.services.positions.sides import Sides
from quantumcore.services.positions.tables import positions
from tests.support.position_rooms import MIGRATIONS, PositionsRoom, digest, order, positions_room
from tests.support.small_venue import ALICE, BOB, SHARE, until

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


@pytest.mark.timeout(30)
async def test_a_log_that_ends_before_the_tables_is_no_endless_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log can be lost while the tables stand: the new side is left, and everything else turns on."""
    monkeypatch.setattr("quantumcore.services.positions.sides.NEAR", 0)
    async with two_sides(tmp_path) as (room, service, _):
        empty = FileEventLog(tmp_path / "empty")
        sides = Sides(empty, service.projection)
        await service.start()
        assert service._sides.new is not None
        sides.beside(service._sides.new)
        running = asyncio.create_task(sides.run())
        await until(lambda: sides.state == "failed", "the new side to be left")
        assert sides.database is room.database
        running.cancel()
        empty.close()


async def test_a_choice_is_judged_at_what_both_sides_have(tmp_path: Path) -> None:
    """While one has folded a fill and the other has not, it waits: or they would count that fill by two methods."""
    async with two_sides(tmp_path) as (room, service, opened):
        await room.venue.run(service, attach=False)
        sides = service._sides
        await until(lambda: sides.state == "agreed", "the two to agree")
        room.trade(40, 15_500)  # flat
        room.venue.do(order(SHARE, BOB, 2, 7, 15_500))
        at = room.venue.engine.sequence
        assert await service._following.reached(at) >= at
        assert sides.new is not None
        apply, came, go_on = sides.new.apply, asyncio.Event(), asyncio.Event()

        async def held(batches: Sequence[EventBatch]) -> None:
            came.set()
            await go_on.wait()
            await apply(batches)

        sides.new.apply = held  # type: ignore[method-assign]
        room.venue.do(order(SHARE, ALICE, 1, 7, 15_500))
        await came.wait()
        choosing = asyncio.create_task(
            service.set_lot_method(SetLotMethod(account=ALICE, symbol="AAPL", method="fifo"))
        )
        await asyncio.wait({choosing}, timeout=0.2)  # time enough to be wrong
        go_on.set()
        with pytest.raises(Conflict, match=r"position\.open"):
            await choosing
        assert sides.state == "agreed"
        assert await digest(room.database) == await digest(opened[0])


async def test_without_the_setting_there_is_one_side(tmp_path: Path) -> None:
    async with positions_room(tmp_path) as room:

        async def never() -> SqliteDatabase:
            raise Unavailable("unavailable", "nobody asked")

        venue = room.venue
        service = PositionsService(venue.bus, venue.log, room.database, venue.clock, beside=never)
        await service.start()
        assert service._sides.state == "alone"
