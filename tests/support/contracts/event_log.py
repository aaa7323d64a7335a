"""What every EventLog does. An adapter inherits EventLogContract and gives `log` and `reopen`."""

import asyncio
import random
from collections.abc import Callable

import pytest

from quantumcore.contracts.errors import Corrupted
from quantumcore.ports.event_log import EventLog
from tests.support.events import batch, event, sequences


class EventLogContract:
    """`log` is empty; `reopen(log)` closes it and opens the same again."""

    def test_an_empty_log_has_nothing(self, log: EventLog) -> None:
        assert log.last == 0
        assert log.read(0) == []

    def test_what_was_appended_is_read_as_it_was(self, log: EventLog) -> None:
        log.append(batch(1, 3))
        log.append(batch(4))
        assert log.last == 4
        found = log.read(0)
        assert [(b.first, b.last) for b in found] == [(1, 3), (4, 4)]
        assert [e.encode() for b in found for e in b.events] == [
            event(s, i, last=i == 1).encode() for s in range(1, 5) for i in (0, 1)
        ]

    def test_reading_begins_behind_any_sequence(self, log: EventLog) -> None:
        """Also inside a batch: it is cut there."""
        log.append(batch(1, 5))
        log.append(batch(6, 7))
        for after in range(7):
            found = log.read(after)
            assert found[0].first == after + 1
            assert sequences(found) == list(range(after + 1, 8))
        assert log.read(7) == []
        assert log.read(99) == []

    def test_a_read_is_bounded_but_never_empty(self, log: EventLog) -> None:
        for sequence in range(1, 51):
            log.append(batch(sequence))
        size = len(batch(1).raw)
        assert len(log.read(0, max_bytes=1)) == 1
        assert len(log.read(0, max_bytes=10 * size)) == 10

    @pytest.mark.parametrize("first", [1, 3, 5])
    def test_a_batch_that_does_not_continue_the_log_is_refused(self, log: EventLog, first: int) -> None:
        log.append(batch(1, 3))
        with pytest.raises(Corrupted):
            log.append(batch(first, 6))
        assert log.last == 3
        log.append(batch(4))

    def test_it_is_all_there_after_it_was_opened_again(
        self, log: EventLog, reopen: Callable[[EventLog], EventLog], rng: random.Random
    ) -> None:
        last = 0
        for _ in range(5):
            for _ in range(rng.randrange(1, 30)):
                size = rng.randrange(1, 4)
                log.append(batch(last + 1, last + size))
                last += size
            if rng.random() < 0.5:
                log.sync()
            log = reopen(log)
            assert log.last == last
            assert sequences(_all(log)) == list(range(1, last + 1))

    async def test_who_waits_is_woken(self, log: EventLog) -> None:
        waiting = [asyncio.create_task(log.wait(after)) for after in (0, 0, 1)]
        await asyncio.sleep(0)
        log.append(batch(1))
        await asyncio.wait_for(asyncio.gather(*waiting[:2]), 5)
        assert not waiting[2].done()
        log.append(batch(2))
        await asyncio.wait_for(waiting[2], 5)
        await asyncio.wait_for(log.wait(1), 5)

    async def test_a_wait_that_is_cancelled_leaves_nothing_behind(self, log: EventLog) -> None:
        waiting = asyncio.create_task(log.wait(0))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        log.append(batch(1))
        await asyncio.wait_for(log.wait(0), 5)

    def test_decoded_events_are_shared_by_all_who_keep_up(self, log: EventLog) -> None:
        log.append(batch(1))
        assert log.read(0)[0].events is log.read(0)[0].events


def _all(log: EventLog) -> list:  # type: ignore[type-arg]
    found = []
    after = 0
    while batches := log.read(after, max_bytes=1000):
        found += batches
        after = batches[-1].last
    return found
