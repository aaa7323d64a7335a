"""What every Database does. An adapter inherits both contracts and gives `database`, opened with MIGRATIONS."""

import asyncio
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from quantumcore.contracts.errors import Unavailable
from tests.support.migrations_sample import notes
from tests.support.waiting import eventually

MIGRATIONS = Path(__file__).parent.parent / "migrations_sample"


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(notes)).scalar_one()


def add(number: int, text: str = "x") -> Any:
    return lambda connection: connection.execute(insert(notes).values(number=number, text=text))


class DatabaseContract:
    """`database` has, beyond the port, `in_use`: connections that somebody works on now."""

    async def test_what_was_written_is_read(self, database: Any) -> None:
        await database.write(add(2**63 - 1, "käse '; DROP TABLE notes"))
        rows = await database.read(lambda c: [tuple(row) for row in c.execute(select(notes.c.number, notes.c.text))])
        assert rows == [(2**63 - 1, "käse '; DROP TABLE notes")]

    async def test_a_write_that_fails_leaves_nothing(self, database: Any) -> None:
        def work(connection: Connection) -> None:
            add(1)(connection)
            raise RuntimeError("in the middle")

        with pytest.raises(RuntimeError, match="in the middle"):
            await database.write(work)
        assert await database.read(count) == 0

    async def test_a_broken_rule_of_a_table_is_the_callers_to_see(self, database: Any) -> None:
        await database.write(add(1))
        with pytest.raises(IntegrityError):
            await database.write(add(1))

    async def test_a_reader_writes_nothing(self, database: Any) -> None:
        with pytest.raises(Exception, match=r".*"):
            await database.read(add(1))
        assert await database.read(count) == 0

    async def test_a_reader_sees_one_instant(self, database: Any) -> None:
        begun, go = threading.Event(), threading.Event()

        def work(connection: Connection) -> tuple[int, int]:
            first = count(connection)
            begun.set()
            assert go.wait(5)
            return first, count(connection)

        reading = asyncio.create_task(database.read(work))
        await eventually(begun.is_set)
        await database.write(add(1))
        go.set()
        assert await reading == (0, 0)
        assert await database.read(count) == 1

    async def test_writes_that_race_lose_nothing(self, database: Any) -> None:
        await database.write(add(1, "0"))

        def increment(connection: Connection) -> None:
            value = connection.execute(select(notes.c.text).where(notes.c.number == 1)).scalar_one()
            connection.execute(update(notes).where(notes.c.number == 1).values(text=str(int(value) + 1)))

        await asyncio.gather(*(database.write(increment) for _ in range(100)))
        assert await database.read(lambda c: c.execute(select(notes.c.text)).scalar_one()) == "100"

    @pytest.mark.hazard("D4")
    async def test_500_requests_a_third_cancelled_a_third_failing_leave_no_connection_in_use(
        self, database: Any, rng: random.Random
    ) -> None:
        """Cancelled at a random moment: before, while and after they hold a connection."""
        most = 0

        def work(fails: bool) -> Any:
            def run(connection: Connection) -> int:
                nonlocal most
                most = max(most, database.in_use)
                if fails:
                    raise RuntimeError("as planned")
                return count(connection)

            return run

        tasks = []
        for number in range(500):
            ask = database.write if number % 10 == 0 else database.read
            tasks.append(asyncio.create_task(ask(work(fails=number % 3 == 1))))
            if rng.random() < 0.3:
                await asyncio.sleep(0)
            if number % 3 == 2:
                rng.choice(tasks[-20:]).cancel()
        for task in rng.sample(tasks, 160):
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        await eventually(lambda: database.in_use == 0)
        assert 0 < most <= 11
        again = await asyncio.gather(*(database.read(count) for _ in range(30)), return_exceptions=True)
        assert again == [0] * 30

    async def test_a_closed_database_is_unavailable(self, database: Any) -> None:
        await database.write(add(1))
        await database.close()
        await database.close()
        for ask in (database.read, database.write):
            with pytest.raises(Unavailable):
                await ask(count)


class DatabaseTimesContract:
    """How long one waits for a connection; an adapter inherits it as `serial`, for a machine that is busy with others is late."""

    @pytest.mark.hazard("L3")
    async def test_200_readers_of_10_connections_get_rows_or_unavailable_and_writes_go_on(self, database: Any) -> None:
        """Ten readers sit on every connection; the others hear `unavailable` in 2.1 s, and 100 writes end meanwhile."""
        go = threading.Event()
        loop = asyncio.get_running_loop()

        def sit(connection: Connection) -> int:
            assert go.wait(15)
            return count(connection)

        async def timed(number: int) -> tuple[object, float]:
            begun = loop.time()
            try:
                return await asyncio.wait_for(database.read(sit if number < 10 else count), 4), loop.time() - begun
            except (Unavailable, TimeoutError) as error:
                return error, loop.time() - begun

        readers = [asyncio.create_task(timed(number)) for number in range(200)]
        await asyncio.sleep(0)
        begun = loop.time()
        await asyncio.gather(*(database.write(add(number)) for number in range(100)))
        assert loop.time() - begun < 5
        late = await asyncio.gather(*readers[10:])
        assert all(isinstance(result, Unavailable) and took < 2.6 for result, took in late), late[0]
        go.set()
        assert all(isinstance(result, int) for result, _ in await asyncio.gather(*readers[:10]))
        await eventually(lambda: database.in_use == 0)
        assert await asyncio.gather(*(database.read(count) for _ in range(10))) == [100] * 10
