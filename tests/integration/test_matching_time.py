"""Time passes for the engine when something is due, and for nothing else.

Goal: expiries, dead-man switches and the ends of calls are met when they are due; phases begin by the calendar; an idle venue
wakes once a minute.
Method: the matching room over a real shard, with a clock that the test turns; the engine's own word for what is due is played.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, time
from pathlib import Path
from typing import Any

import pytest

from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.contracts.errors import InvalidCommand, NotFound, Unavailable
from quantumcore.contracts.matching import GetSessionEnd, Sequence
from quantumcore.contracts.reference import GetReference
from quantumcore.contracts.wire import AdvanceTime, SetInstrumentStatus, decode_command
from quantumcore.core.journal import read_records
from quantumcore.services.matching.calendar import Calendar
from quantumcore.services.matching.service import MatchingService
from tests.support.clocks import START_NS, ManualClock
from tests.support.shards import market, open_shard

NOON_NS = START_NS - START_NS % (86_400 * 10**9) + 12 * 3_600 * 10**9
SECOND_NS = 10**9
CONTINUOUS, HALTED, CLOSED = 1, 2, 3
DAY = Calendar(zone=UTC, days=frozenset(range(7)), phases=((time(9), CONTINUOUS), (time(17), CLOSED)))


class Played:
    """The engine, which says what the test wants to be due next."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.deadline_ns = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def next_deadline(self) -> int:
        return self.deadline_ns


class CountingClock(ManualClock):
    """How often somebody went to sleep."""

    sleeps = 0

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        await super().sleep(seconds)


class House:
    """The matching room alone.

    Attributes:
        engine: Says what is due.
        begun: The sequence at which the test began.
    """

    def __init__(self, directory: Path, now_ns: int, calendars: dict[str, Calendar]) -> None:
        self.directory = directory
        self.clock = CountingClock(now_ns)
        self.log = FileEventLog(directory / "events")
        self.bus = EmbeddedBus()
        self.service = MatchingService(
            self.bus, self.log, self.clock, lambda told: self._open(told), market(), calendars
        )

    def _open(self, told: int) -> Any:
        shard = open_shard(self.directory, told)
        self.engine = Played(shard.engine)
        shard.engine = self.engine  # type: ignore[assignment]  # as good as one
        return shard

    def told(self) -> list[str]:
        """What the engine was told by the timer since the test began, by kind."""
        found = []
        for record in read_records(self.directory / "journal"):
            if record.sequence > self.begun:
                command = decode_command(record.command)
                if isinstance(command, SetInstrumentStatus):
                    found.append(f"{command.instrument}:{command.status}")
                elif isinstance(command, AdvanceTime):
                    found.append("time")
        return found

    async def status(self, symbol: str) -> int:
        reference = await self.bus.request(GetReference())
        return next(one.status for one in reference.instruments if one.symbol == symbol)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in steps, so that the engine's thread can answer in between."""
        await self.clock.advance(seconds)
        await self.service._ready().drain()
        await self.clock.advance(0)


@asynccontextmanager
async def house(
    directory: Path, now_ns: int = NOON_NS, calendars: dict[str, Calendar] | None = None
) -> AsyncIterator[House]:
    import asyncio

    opened = House(directory, now_ns, calendars or {})
    opened.service.attach()
    await opened.service.start()
    opened.begun = opened.service._owned().engine.sequence
    task = asyncio.ensure_future(opened.service._keep_time())
    await opened.clock.advance(0)
    try:
        yield opened
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await opened.service.stop()
        await opened.bus.close()
        opened.log.close()


async def test_an_idle_venue_wakes_once_a_minute(tmp_path: Path) -> None:
    async with house(tmp_path) as venue:
        venue.clock.sleeps = 0
        for _ in range(30):
            await venue.pass_time(60)
        assert venue.told() == ["time"] * 30
        assert venue.clock.sleeps <= 30


async def test_what_is_due_is_met_when_it_is_due_and_not_before(tmp_path: Path) -> None:
    async with house(tmp_path) as venue:
        venue.engine.deadline_ns = venue.clock.now() + 5 * SECOND_NS
        await venue.bus.request(Sequence(command=AdvanceTime().encode()))  # whatever command made it so
        assert venue.told() == ["time"]
        await venue.pass_time(4.9)
        assert venue.told() == ["time"]
        venue.engine.deadline_ns = 0
        await venue.pass_time(0.2)
        assert venue.told() == ["time", "time"]
        await venue.pass_time(30)
        assert len(venue.told()) == 2


async def test_an_engine_that_always_has_something_due_makes_no_busy_loop(tmp_path: Path) -> None:
    """A hundred turns a second at most, whatever it says."""
    async with house(tmp_path) as venue:
        venue.engine.deadline_ns = 1
        await venue.bus.request(Sequence(command=AdvanceTime().encode()))
        venue.clock.sleeps = 0
        for _ in range(10):
            await venue.pass_time(0.01)
        assert 5 <= venue.clock.sleeps <= 25
        assert 5 <= len(venue.told()) <= 13


async def test_a_deadline_of_another_life_is_met_after_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path):
        pass
    due = NOON_NS + 3 * SECOND_NS
    monkeypatch.setattr(Played, "next_deadline", lambda _self: due if _self._engine.time_ns < due else 0)
    async with house(tmp_path) as venue:
        await venue.pass_time(2.9)
        assert venue.told() == []
        await venue.pass_time(0.2)
        assert venue.told() == ["time"]


async def test_phases_begin_by_the_calendar_and_only_of_those_that_have_one(tmp_path: Path) -> None:
    async with house(tmp_path, calendars={"AAPL": DAY}) as venue:
        assert await venue.status("AAPL") == CONTINUOUS
        for _ in range(5 * 60):
            await venue.pass_time(60)
        assert (await venue.status("AAPL"), await venue.status("MSFT")) == (CLOSED, CONTINUOUS)
        assert [one for one in venue.told() if one != "time"] == ["6:3"]
        for _ in range(16 * 60):
            await venue.pass_time(60)
        assert await venue.status("AAPL") == CONTINUOUS


async def test_a_start_opens_in_the_phase_of_now(tmp_path: Path) -> None:
    night = NOON_NS + 10 * 3_600 * SECOND_NS
    async with house(tmp_path, night, {"AAPL": DAY}) as venue:
        assert await venue.status("AAPL") == CLOSED
    async with house(tmp_path, night + 14 * 3_600 * SECOND_NS, {"AAPL": DAY}) as venue:
        assert await venue.status("AAPL") == CONTINUOUS


async def test_what_an_operator_halted_no_calendar_opens(tmp_path: Path) -> None:
    async with house(tmp_path, calendars={"AAPL": DAY}) as venue:
        await venue.bus.request(Sequence(command=SetInstrumentStatus(instrument=6, status=HALTED).encode()))
        for _ in range(24 * 60):
            await venue.pass_time(60)
        assert await venue.status("AAPL") == HALTED


async def test_a_change_of_phase_that_was_refused_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, NOON_NS + 5 * 3_600 * SECOND_NS - 30 * SECOND_NS, {"AAPL": DAY}) as venue:
        submit, refused = venue.service._submit, []

        async def full(commands: Any) -> Any:
            refused.append(commands)
            raise Unavailable("journal.full", "the disk is full")

        monkeypatch.setattr(venue.service, "_submit", full)
        await venue.pass_time(33)
        assert 1 <= len(refused) <= 5
        monkeypatch.setattr(venue.service, "_submit", submit)
        await venue.pass_time(2)
        assert await venue.status("AAPL") == CLOSED


@pytest.mark.parametrize(
    "symbol, date, hour",
    [("AAPL", "2026-12-24", 17), ("MSFT", "2026-12-24", 24)],
)
async def test_the_session_of_a_date_ends_by_the_calendar_or_with_the_date(tmp_path, symbol, date, hour) -> None:
    async with house(tmp_path, calendars={"AAPL": DAY}) as venue:
        end = (await venue.bus.request(GetSessionEnd(symbol=symbol, date=date))).time_ns
        assert end == (1_798_070_400 + hour * 3_600) * SECOND_NS


@pytest.mark.parametrize(
    "symbol, date, error",
    [
        ("AAPL", "2026-12-32", InvalidCommand),
        ("AAPL", "", InvalidCommand),
        ("MSFT", "9999-12-31", InvalidCommand),
        ("MSFT", "0001-01-01", InvalidCommand),
        ("NOPE", "2026-12-24", NotFound),
    ],
)
async def test_a_date_without_a_session_is_refused(tmp_path: Path, symbol: str, date: str, error: Callable) -> None:
    async with house(tmp_path, calendars={"AAPL": DAY}) as venue:
        with pytest.raises(error):
            await venue.bus.request(GetSessionEnd(symbol=symbol, date=date))
