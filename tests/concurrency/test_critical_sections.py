"""An error inside a critical section leaves it open for the next, who finds the old state.

Goal: no lock stays held, no half of a change stays behind.
Method: the error is injected at each step of the section in turn; the next caller has a deadline.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.adapters.event_log import FileEventLog
from quantumcore.contracts import wire
from quantumcore.contracts.errors import QuantumCoreError, Unavailable
from quantumcore.contracts.ledger import Reconcile
from quantumcore.contracts.risk_parameters import SetVolatility
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger.service import LedgerService
from tests.support.ledgers import open_ledger
from tests.support.risk_room import risk_room
from tests.support.small_venue import SmallVenue, small_venue
from tests.support.waiting import eventually

DEADLINE_S = 5.0


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as venue:
        yield venue


class Steps:
    """Counts the awaits of a section and makes the n-th of them fail or hang, once."""

    def __init__(self, service: LedgerService) -> None:
        self.at = 0
        self.fail_at = 0
        self.hang = False
        bus, database = service._watch._reconciler._bus, service._watch._reconciler._database
        service._watch._reconciler._bus = Watched(bus, "request", self)  # type: ignore[assignment]  # the fault that is injected
        service._watch._reconciler._database = Watched(database, "read", self)  # type: ignore[assignment]  # likewise

    async def step(self) -> None:
        self.at += 1
        if self.at == self.fail_at:
            if self.hang:
                await asyncio.Event().wait()
            raise Unavailable("unavailable", f"step {self.at} fails")


class Watched:
    """Another's one method, with a step before it."""

    def __init__(self, other: Any, method: str, steps: Steps) -> None:
        async def call(*arguments: Any) -> Any:
            await steps.step()
            return await getattr(other, method)(*arguments)

        setattr(self, method, call)


@pytest.mark.hazard("B5")
async def test_a_comparison_that_fails_at_any_step_does_not_keep_the_next_one_out(venue: SmallVenue) -> None:
    """Each of its steps fails, or its caller goes away there: the next comparison enters at once and is the same."""
    service = await open_ledger(venue)
    await eventually(lambda: service._follower.cursor == venue.engine.sequence)
    steps = Steps(service)
    before = await service._watch.reconcile(Reconcile())
    count = steps.at
    assert count > 5
    for fail_at in range(1, count + 1):
        for hang in (False, True):
            steps.at, steps.fail_at, steps.hang = 0, fail_at, hang
            first = asyncio.ensure_future(service._watch.reconcile(Reconcile()))
            if hang:
                await eventually(lambda: steps.at == fail_at)  # noqa: B023  # called before the next turn
                first.cancel()
            outcome = (await asyncio.gather(first, return_exceptions=True))[0]
            assert isinstance(outcome, QuantumCoreError | asyncio.CancelledError)
            steps.fail_at = 0
            async with asyncio.timeout(DEADLINE_S):
                assert await service._watch.reconcile(Reconcile()) == before


@pytest.mark.hazard("B5")
async def test_a_setting_that_fails_at_any_step_does_not_keep_the_next_one_out(tmp_path: Path) -> None:
    """The room's own tables do not take it, or its caller goes away: the next finds what was in force, and is version 1."""
    async with risk_room(tmp_path) as room:
        desk, own = room.service._parameters, room.service._parameters._own
        command = SetVolatility(symbol="AAPL", volatility="0.03", who="ruth", reason="test")
        for hang in (False, True):

            class Faulty:
                async def write(self, _work: Any, hang: bool = hang) -> Any:
                    if hang:
                        await asyncio.Event().wait()
                    raise Unavailable("unavailable", "the disk is full")

            desk._own = Faulty()  # type: ignore[assignment]  # the fault that is injected
            first = asyncio.ensure_future(desk.set_volatility(command))
            if hang:
                await eventually(lambda: desk._one.locked())
                first.cancel()
            outcome = (await asyncio.gather(first, return_exceptions=True))[0]
            assert isinstance(outcome, Unavailable | asyncio.CancelledError)
            desk._own = own
            assert desk.current.version == 0
            assert room.service._valuer.parameters.version == 0
        async with asyncio.timeout(DEADLINE_S):
            assert (await desk.set_volatility(command)).version == 1
        assert room.service._valuer.parameters.volatilities == {"AAPL": 3_000_000}


@pytest.mark.hazard("B5")
async def test_an_append_that_fails_leaves_the_log_open_and_as_it_was(tmp_path: Path) -> None:
    """A batch out of order is refused inside the log's lock: readers and the next append find it as before."""
    async with small_venue(tmp_path) as venue:
        venue.hold = True
        venue.do(wire.AdvanceTime())
        venue.do(wire.AdvanceTime())
        first, second = venue._held
        log: FileEventLog = venue.log
        last = log.last
        for _ in range(100):
            with pytest.raises((QuantumCoreError, ValueError)):
                log.append(EventBatch(second.first + 7, second.last + 7, second.raw))
            async with asyncio.timeout(DEADLINE_S):
                assert await asyncio.to_thread(lambda: log.last) == last
        log.append(first)
        log.append(second)
        assert log.last == last + 2
