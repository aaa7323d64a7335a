"""A task that dies is seen, and lives again.

Goal: no background task ends in silence, none is restarted without end at full speed.
Method: a room whose tasks die on command; the clock is turned by hand.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from quantumcore.app.supervise import BACKOFF_CAP_S, Supervisor
from quantumcore.contracts.errors import Corrupted
from tests.support.clocks import ManualClock


class Room:
    """One task, which ends as its script says, then runs."""

    name = "room"

    def __init__(self, *script: Exception | None) -> None:
        self.script = list(script)
        self.starts = 0
        self.own: list[str] = []

    def attach(self) -> None: ...

    async def start(self) -> None: ...

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        return [("work", self.work)]

    def not_ready(self) -> list[str]:
        return self.own

    async def stop(self) -> None: ...

    async def work(self) -> None:
        self.starts += 1
        if self.script:
            how = self.script.pop(0)
            if how is not None:
                raise how
            return
        await asyncio.Event().wait()


@pytest.fixture
async def keep(clock: ManualClock) -> AsyncIterator[Callable[[Room], Supervisor]]:
    kept: list[Supervisor] = []

    def keep(room: Room) -> Supervisor:
        kept.append(Supervisor(room, clock))
        kept[-1].start()
        return kept[-1]

    yield keep
    for supervisor in kept:
        await supervisor.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.mark.hazard("C3")
async def test_a_dead_task_is_a_reason_at_once_and_runs_again_after_a_pause(
    keep: Callable[[Room], Supervisor], clock: ManualClock
) -> None:
    room = Room(RuntimeError("the disk is gone"))
    supervisor = keep(room)
    await clock.advance(0.01)
    assert supervisor.reasons() == ["task room.work died: the disk is gone"]
    await clock.advance(0.2)
    assert room.starts == 2
    assert supervisor.reasons() != []
    await clock.advance(1.0)
    assert supervisor.reasons() == []


async def test_a_task_that_just_ends_is_a_reason_too(keep: Callable[[Room], Supervisor], clock: ManualClock) -> None:
    supervisor = keep(Room(None))
    await clock.advance(0.01)
    assert supervisor.reasons() == ["task room.work ended"]


async def test_restarts_grow_rare_and_the_stack_is_logged_once(
    keep: Callable[[Room], Supervisor], clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(*[RuntimeError("always the same") for _ in range(1_000)])
    supervisor = keep(room)
    await clock.advance(60)
    assert 60 / BACKOFF_CAP_S <= room.starts <= 60 / BACKOFF_CAP_S + 8
    assert supervisor.reasons() == ["task room.work died: always the same"]
    assert caplog.text.count("Traceback") == 1


async def test_corrupted_data_is_not_tried_again(keep: Callable[[Room], Supervisor], clock: ManualClock) -> None:
    room = Room(Corrupted("corrupted", "gap after 7"))
    supervisor = keep(room)
    await clock.advance(600)
    assert room.starts == 1
    assert supervisor.reasons() == ["task room.work died: corrupted: gap after 7"]


async def test_the_rooms_own_reasons_are_told_too(keep: Callable[[Room], Supervisor], clock: ManualClock) -> None:
    room = Room()
    room.own = ["catching up"]
    assert keep(room).reasons() == ["catching up"]


async def test_stop_ends_all_tasks(clock: ManualClock) -> None:
    before = asyncio.all_tasks()
    supervisor = Supervisor(Room(), clock)
    supervisor.start()
    await clock.advance(1)
    await supervisor.stop()
    assert asyncio.all_tasks() == before
