"""Computations run in other processes, a few at a time, and none of them can hold up whoever asks.

Goal: the loop turns while they compute; a full queue, a late one, a killed one and a killed house each have a stated end.
Method: real processes. What hangs is stopped by a signal; what is late by its deadline, which is short.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from quantumcore.adapters.clock import SystemClock
from quantumcore.app.workers.pool import WorkerPool
from quantumcore.contracts.errors import InvalidCommand, Unavailable
from quantumcore.services.risk.work import MonteCarlo, Position, monte_carlo_tail
from tests.support.waiting import eventually

LONG_S = 60.0
ONE = [Position("AAPL", 100.0, 150.0, 0.02)]


def asked(paths: int = 1_000, **changes: object) -> MonteCarlo:
    terms: dict[str, object] = {
        "positions": ONE,
        "correlations": [],
        "confidence": "0.99",
        "paths": paths,
        "seed": 3,
        "freedom": 0,
        "places": 2,
        "sequence": 1,
    }
    return MonteCarlo(**{**terms, **changes})  # type: ignore[arg-type]  # a test's own words


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(SystemClock(), workers=1, waiting=2)
    yield pool
    await pool.stop()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_another_process_computes_the_same_and_is_used_again(pool: WorkerPool) -> None:
    here = monte_carlo_tail(asked())
    assert await pool.compute(asked(), deadline_s=LONG_S) == here
    (worker,) = pool._idle
    assert worker.process.pid != os.getpid()
    assert await pool.compute(asked(), deadline_s=LONG_S) == here
    assert pool._idle == [worker]
    assert pool.outcomes["done"] == 2


async def test_an_error_comes_back_as_it_is(pool: WorkerPool) -> None:
    with pytest.raises(InvalidCommand) as caught:
        await pool.compute(asked(paths=1), deadline_s=LONG_S)
    assert (caught.value.code, caught.value.actual) == ("risk.paths.bad", "1")
    assert len(pool._idle) == 1


async def test_beyond_the_queue_it_is_overloaded_and_nobody_waits(pool: WorkerPool) -> None:
    await pool.compute(asked(), deadline_s=LONG_S)
    worker = pool._idle[0]
    os.kill(worker.process.pid, signal.SIGSTOP)
    inside = [asyncio.ensure_future(pool.compute(asked(), deadline_s=LONG_S)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="overloaded"):
        await pool.compute(asked(), deadline_s=LONG_S)
    os.kill(worker.process.pid, signal.SIGCONT)
    answers = await asyncio.gather(*inside)
    assert len({answer.value_at_risk for answer in answers}) == 1
    assert pool.outcomes["overloaded"] == 1


async def test_the_loop_turns_while_a_worker_computes(pool: WorkerPool) -> None:
    await pool.compute(asked(), deadline_s=LONG_S)
    work = asyncio.ensure_future(pool.compute(asked(paths=1_000_000), deadline_s=LONG_S))
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1
    await work
    assert turns > 100


async def test_a_late_one_is_ended_and_the_next_has_a_process_of_its_own(pool: WorkerPool) -> None:
    await pool.compute(asked(), deadline_s=LONG_S)
    stuck = pool._idle[0].process
    os.kill(stuck.pid, signal.SIGSTOP)
    with pytest.raises(Unavailable) as caught:
        await pool.compute(asked(), deadline_s=0.2)
    assert caught.value.code == "risk.deadline"
    assert pool.outcomes["late"] == 1
    await eventually(lambda: stuck.poll() is not None)
    await pool.compute(asked(), deadline_s=LONG_S)
    assert pool._idle[0].process.pid != stuck.pid


async def test_who_goes_away_takes_his_computation_with_him(pool: WorkerPool) -> None:
    await pool.compute(asked(), deadline_s=LONG_S)
    process = pool._idle[0].process
    os.kill(process.pid, signal.SIGSTOP)
    work = asyncio.ensure_future(pool.compute(asked(), deadline_s=LONG_S))
    await asyncio.sleep(0.01)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await eventually(lambda: process.poll() is not None)
    await pool.compute(asked(), deadline_s=LONG_S)


async def test_a_killed_worker_is_told_and_replaced(pool: WorkerPool) -> None:
    await pool.compute(asked(), deadline_s=LONG_S)
    process = pool._idle[0].process
    os.kill(process.pid, signal.SIGSTOP)
    work = asyncio.ensure_future(pool.compute(asked(), deadline_s=LONG_S))
    await asyncio.sleep(0.05)
    process.kill()
    with pytest.raises(Unavailable, match=r"risk\.deadline"):
        await work
    assert pool.outcomes["lost"] == 1
    await pool.compute(asked(), deadline_s=LONG_S)
    idle = pool._idle[0].process
    idle.kill()
    await eventually(lambda: pool._idle[0].link.ended.is_set())
    await pool.compute(asked(), deadline_s=LONG_S)
    assert pool._idle[0].process.pid != idle.pid


async def test_nothing_is_left_after_stop(pool: WorkerPool) -> None:
    await pool.compute(asked(), deadline_s=LONG_S)
    pid = pool._idle[0].process.pid
    await pool.stop()
    assert not alive(pid)
    with pytest.raises(Unavailable):
        await pool.compute(asked(), deadline_s=LONG_S)


async def test_a_killed_house_leaves_no_worker() -> None:
    """The process that started workers is killed: they see the end of their sockets and end."""
    program = (
        "import asyncio, sys\n"
        "from tests.chaos.test_workers import WorkerPool, SystemClock, asked\n"
        "async def main():\n"
        "    pool = WorkerPool(SystemClock())\n"
        "    await pool.compute(asked(), deadline_s=60.0)\n"
        "    print(pool._idle[0].process.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as house:  # noqa: ASYNC220  # a test waits
        assert house.stdout is not None
        pid = int(await asyncio.to_thread(house.stdout.readline))
        assert alive(pid)
        house.kill()
    await eventually(lambda: not alive(pid) or _is_zombie(pid), 10.0)


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
