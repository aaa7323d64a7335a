"""One inbox, one sequence, one engine: whoever comes from wherever, at whatever moment.

Goal: no command is lost, stepped twice, stepped beside another or answered before it is durable; the loop never waits.
Method: many tasks and threads against a real shard, with a step or a sync made slow where waiting would show; each test
has a deadline of its own, so that a freeze is a failure.
"""

import asyncio
import itertools
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from quantumcore.contracts.errors import InvalidCommand, OutcomeUnknown, QuantumCoreError, Unavailable
from quantumcore.contracts.matching import Sequence as SequenceRequest
from quantumcore.contracts.matching import Sequenced
from quantumcore.contracts.wire import CommandRefused, OrderCancelled, SubmitAdvancedOrder, SubmitOrderBatch
from quantumcore.core.engine_thread import MAX_JOBS, EngineThread
from quantumcore.services.matching.sequencer import CANCEL_INBOX, INBOX
from quantumcore.services.matching.service import MatchingService
from tests.support.shards import INSTRUMENTS, Hall, accepted, cancel, events_of, hall, market, open_shard, order

DEADLINE_S = 10.0
LAG_S = 0.05


async def _largest_lag(until: Awaitable[Any]) -> float:
    """Return the longest time between two turns of the loop while `until` is awaited."""
    worst, waited = 0.0, asyncio.ensure_future(until)
    while not waited.done():
        began = time.monotonic()
        await asyncio.sleep(0.001)
        worst = max(worst, time.monotonic() - began - 0.001)
    await waited
    return worst


def _from_threads(
    loop: asyncio.AbstractEventLoop, threads: int, work: Callable[[int], list[Awaitable[Any]]]
) -> list[Future[Any]]:
    """Start `work(n)` from `threads` threads at the same moment; return what they handed to the loop."""
    futures: list[Future[Any]] = []
    gate, guard = threading.Barrier(threads), threading.Lock()

    def run(number: int) -> None:
        gate.wait()
        for awaitable in work(number):
            future = asyncio.run_coroutine_threadsafe(_await(awaitable), loop)
            with guard:
                futures.append(future)

    crowd = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return futures


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


class _Service:
    """The matching room itself on a temporary shard, without the timers."""

    def __init__(self, hall: Hall) -> None:
        from quantumcore.adapters.embedded_bus import EmbeddedBus

        self.room = MatchingService(EmbeddedBus(), hall.log, hall.clock, lambda _: hall.shard, [])
        self.room._thread.close()
        self.room._thread, self.room._shard, self.room._sequencer = hall.thread, hall.shard, hall.sequencer

    async def sequence(self, command: bytes, *, cancel: bool = False) -> Sequenced:
        return await self.room.sequence(SequenceRequest(command=command, cancel=cancel))


@pytest.mark.hazard("B1")
async def test_submits_and_cancels_at_the_same_moment_never_freeze(tmp_path: Path) -> None:
    """100 submits against 100 cancels of the same accounts, 4 symbols, 16 threads, 10 rounds: all answered in 10 s."""
    async with hall(tmp_path) as opened:
        room, loop = _Service(opened), asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE_S):
            for round_number in range(10):
                names = [f"r{round_number}-{n}" for n in range(100)]
                resting = [
                    order(1 + n % 16, price=100 + n % 7, instrument=INSTRUMENTS[n % 4], client_id=name)
                    for n, name in enumerate(names)
                ]
                await opened.submit(*resting)

                def pairs(thread: int, names: list[str] = names, number: int = round_number) -> list[Awaitable[Any]]:
                    made: list[Awaitable[Any]] = []
                    for n in range(thread, 100, 16):
                        account = 1 + n % 16
                        fresh = order(
                            account, price=90, instrument=INSTRUMENTS[(n + 1) % 4], client_id=f"s{number}-{n}"
                        )
                        made += [room.sequence(fresh), room.sequence(cancel(account, names[n]), cancel=True)]
                    return made

                futures = await asyncio.to_thread(_from_threads, loop, 16, pairs)
                outcomes = await asyncio.gather(*(asyncio.wrap_future(future) for future in futures))
                kinds = [type(events_of(outcome)[0]).__name__ for outcome in outcomes]
                assert kinds.count("OrderAccepted") == 100
                assert kinds.count("OrderCancelled") == 100


@pytest.mark.hazard("L2")
async def test_a_long_step_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    """A step of 200 ms beside the loop: no lag of 50 ms, and only one thread ever enters the engine."""
    async with hall(tmp_path) as opened:
        inside: set[int] = set()
        step = opened.shard.step

        def slow(*arguments: Any) -> Any:
            inside.add(threading.get_ident())
            time.sleep(0.2)  # the GIL is free, as in a native step
            return step(*arguments)

        opened.shard.step = slow  # type: ignore[method-assign]  # the fault that is injected
        worst = await _largest_lag(opened.submit(order(1)))
        opened.shard.step = step  # type: ignore[method-assign]
        assert worst < LAG_S
        assert inside == {opened.thread._thread.ident}


def _gate(hall: Hall) -> dict[str, float]:
    """Return the samples of the time of commands in the engine, buckets by their bound."""
    (family,) = (one for one in hall.sequencer.collect() if one.name == "qc_matching_gate_seconds")
    return {sample.labels.get("le", sample.name.rpartition("_")[2]): sample.value for sample in family.samples}


async def test_a_commands_time_in_the_engine_is_its_part_of_the_batch_and_no_disk_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on by 4 ms whenever the shard looks at it: twice for a batch, right before and after the engine."""
    async with hall(tmp_path) as opened:
        before = _gate(opened)
        assert before["count"] == len(market())
        monkeypatch.setattr(
            "quantumcore.core.shard.time", SimpleNamespace(perf_counter=itertools.count(0, 0.004).__next__)
        )
        await opened.submit(order(1), order(2), order(3), cancel(4, "unknown"))
        await opened.submit(order(1))
        after = _gate(opened)
    grown = {bound: after[bound] - before[bound] for bound in after}
    assert grown["count"] == 5, "what is refused was judged too"
    assert grown["sum"] == pytest.approx(0.004 * 2)
    assert (grown["0.0005"], grown["0.01"]) == (0, 5)


@pytest.mark.hazard("B2")
async def test_a_slow_disk_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    """Each sync takes 100 ms; 1,000 submits are answered, the loop turns in every sync, and once in three none takes 50 ms."""
    async with hall(tmp_path) as opened:
        sync, syncs, at_hand, turned = opened.shard.sync, 0, 0, set[int]()

        def slow() -> Any:
            nonlocal syncs, at_hand
            syncs = at_hand = syncs + 1
            time.sleep(0.1)
            try:
                return sync()
            finally:
                at_hand = 0

        async def submitted() -> float:
            """Return the longest turn of the loop while 1,000 submits are answered."""
            worst, waiting = 0.0, asyncio.gather(*(opened.submit(order(1 + n % 16)) for n in range(1000)))
            while not waiting.done():
                began, before = time.monotonic(), at_hand
                await asyncio.sleep(0.001)
                worst = max(worst, time.monotonic() - began - 0.001)
                turned.update({before} if before == at_hand else ())
            assert all(accepted(outcome[0]) for outcome in waiting.result())
            return worst

        opened.shard.sync = slow  # type: ignore[method-assign]  # the fault that is injected
        lags = [await submitted() for _ in range(3)]
        opened.shard.sync = sync  # type: ignore[method-assign]
        assert syncs >= len(lags)
        assert turned >= set(range(1, syncs + 1))
        assert min(lags) < LAG_S


@pytest.mark.hazard("B3")
async def test_commands_of_16_threads_are_stepped_one_at_a_time_in_one_sequence(tmp_path: Path) -> None:
    """16 threads submit 40 orders each: no two steps overlap, each command has its own sequence, lots are conserved."""
    async with hall(tmp_path) as opened:
        step, loop = opened.shard.step, asyncio.get_running_loop()
        inside, overlaps = 0, 0

        def watched(*arguments: Any) -> Any:
            nonlocal inside, overlaps
            inside += 1
            overlaps += inside > 1
            time.sleep(0.0005)
            result = step(*arguments)
            inside -= 1
            return result

        opened.shard.step = watched  # type: ignore[method-assign]  # watched, not changed
        first = opened.shard.engine.sequence + 1

        def work(thread: int) -> list[Awaitable[Any]]:
            return [opened.submit(order(1 + thread, side=1 + n % 2, price=100 + n % 3)) for n in range(40)]

        async with asyncio.timeout(DEADLINE_S):
            futures = await asyncio.to_thread(_from_threads, loop, 16, work)
            wrapped = [asyncio.wrap_future(future) for future in futures]
            answers = await asyncio.gather(*wrapped, return_exceptions=True)
        assert overlaps == 0
        assert [answer for answer in answers if isinstance(answer, BaseException)] == []
        outcomes = [answer[0] for answer in answers if not isinstance(answer, BaseException)]
        assert sorted(outcome.sequence for outcome in outcomes) == list(range(first, first + 640))
        opened.shard.engine.check()
        bids, asks = opened.shard.engine.depth(1, 1, 1), opened.shard.engine.depth(1, 2, 1)
        assert not bids or not asks or bids[0][0] < asks[0][0]


@pytest.mark.hazard("B4")
def test_answers_enter_the_loop_only_through_its_own_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """10,000 jobs of the engine's thread with the loop in debug mode: all answered, no complaint, none later than 100 ms.

    The loop has a thread of its own, for one whose wake-up was lost can be ended by nothing.
    """
    complaints: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)
    late: list[int] = []

    async def ask_all() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        thread = EngineThread()
        for number in range(10_000):
            done_at, answer = await thread.run(lambda number=number: (time.monotonic(), number))
            assert answer == number
            if time.monotonic() - done_at > 0.1:
                late.append(number)
        thread.close()

    loop = threading.Thread(target=lambda: asyncio.run(ask_all(), debug=True), daemon=True)
    loop.start()
    loop.join(2 * DEADLINE_S)
    assert complaints == []
    assert not loop.is_alive(), "an answer was lost"
    assert len(late) < 100  # a shared machine may hold a thread back now and then, never each hundredth time


@pytest.mark.hazard("C3")
async def test_one_bad_command_among_ten_is_refused_alone(tmp_path: Path) -> None:
    """Nine orders and one command of an unknown kind in one batch: nine accepted, one refused, all answered."""
    async with hall(tmp_path) as opened:
        hostile = bytearray(order(1))
        hostile[2] = 99
        commands = [order(1 + n) for n in range(9)]
        commands.insert(4, bytes(hostile))
        outcomes = await asyncio.gather(*(opened.submit(command) for command in commands))
        assert [accepted(outcome[0]) for outcome in outcomes].count(True) == 9
        assert isinstance(events_of(outcomes[4])[0], CommandRefused)


async def test_a_command_with_broken_framing_fails_its_batch_and_nothing_is_recorded(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        before = opened.shard.engine.sequence
        with pytest.raises(InvalidCommand):
            await opened.submit(b"\x07\x00" + bytes(14))
        assert opened.shard.engine.sequence == before
        assert accepted((await opened.submit(order(1)))[0])


async def test_a_full_inbox_is_answered_and_cancels_keep_their_own_places(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        await opened.submit(order(1, client_id="mine"))
        release = threading.Event()
        stuck = asyncio.ensure_future(opened.thread.run(release.wait))
        orders = [asyncio.ensure_future(opened.submit(order(1 + n % 16))) for n in range(INBOX + 2000)]
        await asyncio.sleep(0)
        refused = [task for task in orders if task.done()]
        assert {type(task.exception()) for task in refused} == {Unavailable}
        assert {task.exception().code for task in refused} == {"overloaded"}  # type: ignore[union-attr]  # checked above
        saved = asyncio.ensure_future(opened.submit(cancel(1, "mine"), cancel=True))
        await asyncio.sleep(0)
        assert not saved.done()
        release.set()
        assert isinstance(events_of((await saved)[0])[0], OrderCancelled)
        answered = await asyncio.gather(*orders, return_exceptions=True)
        assert sum(isinstance(answer, list) for answer in answered) == len(orders) - len(refused)
        await stuck


async def test_a_long_command_takes_a_place_for_each_512_bytes(tmp_path: Path) -> None:
    """An inbox of batches of a hundred orders may hold no more bytes than one of single orders."""
    member = SubmitAdvancedOrder(
        instrument=1, account=1, quantity=1, side=1, order_type=2, time_in_force=1, client_id="a"
    )
    long = SubmitOrderBatch(account=1, count=100, orders=member.encode() * 100).encode()
    places = -(-len(long) // 512)
    async with hall(tmp_path) as opened:
        release = threading.Event()
        stuck = asyncio.ensure_future(opened.thread.run(release.wait))
        first = asyncio.ensure_future(opened.submit(order(1)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # it has left the inbox
        fit = INBOX // places
        asked = [asyncio.ensure_future(opened.submit(long)) for _ in range(fit + 1)]
        await asyncio.sleep(0)
        assert [task.done() for task in asked] == [False] * fit + [True]
        assert (opened.sequencer.depth, places) == (fit * places, 32)
        release.set()
        answered = await asyncio.gather(first, stuck, *asked, return_exceptions=True)
        assert isinstance(answered[-1], Unavailable)
        assert opened.sequencer.depth == 0
        assert isinstance(events_of(answered[2][0])[0], CommandRefused), "a hundred orders of one id are no batch"


async def test_when_even_the_places_of_cancels_are_taken_a_cancel_is_answered_overloaded(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        release = threading.Event()
        stuck = asyncio.ensure_future(opened.thread.run(release.wait))
        first = asyncio.ensure_future(opened.submit(order(1)))
        await asyncio.sleep(0)
        full = [
            asyncio.ensure_future(opened.submit(cancel(1, "x"), cancel=True)) for _ in range(INBOX + CANCEL_INBOX + 1)
        ]
        await asyncio.sleep(0)
        assert isinstance(full[-1].exception(), Unavailable)
        release.set()
        await asyncio.gather(first, stuck, *full[:-1], return_exceptions=True)


async def test_a_failed_disk_halts_the_shard_and_says_that_the_outcome_is_unknown(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        sync = opened.shard.sync

        def broken() -> None:
            raise Unavailable("journal.failed", "the disk is gone")

        opened.shard.sync = broken  # type: ignore[method-assign]  # the fault that is injected
        with pytest.raises(OutcomeUnknown):
            await opened.submit(order(1))
        opened.shard.sync = sync  # type: ignore[method-assign]
        with pytest.raises(Unavailable, match="halted"):
            await opened.submit(order(1))
        assert "the disk is gone" in opened.sequencer.halted


async def test_a_full_disk_refuses_and_the_shard_goes_on_when_there_is_space(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        reserve = opened.shard.journal.reserve

        def full(*_: int) -> None:
            raise Unavailable("journal.full", "no space is left")

        opened.shard.journal.reserve = full  # type: ignore[method-assign]  # the fault that is injected
        before = opened.shard.engine.state_hash()
        with pytest.raises(Unavailable, match=r"journal\.full"):
            await opened.submit(order(1))
        assert opened.shard.engine.state_hash() == before
        opened.shard.journal.reserve = reserve  # type: ignore[method-assign]
        assert accepted((await opened.submit(order(1)))[0])


async def test_an_event_log_that_cannot_take_a_batch_loses_nothing(tmp_path: Path) -> None:
    """The batch is durable and answered; the next batch first tells what is missing, or is refused untouched."""
    async with hall(tmp_path) as opened:
        append = opened.log.append

        def full(_: Any) -> None:
            raise Unavailable("event_log.full", "no space is left")

        opened.log.append = full  # type: ignore[method-assign]  # the fault that is injected
        assert accepted((await opened.submit(order(1)))[0])
        before = opened.shard.engine.sequence
        with pytest.raises(Unavailable, match=r"event_log\.full"):
            await opened.submit(order(1))
        assert opened.shard.engine.sequence == before
        opened.log.append = append  # type: ignore[method-assign]
        assert accepted((await opened.submit(order(1)))[0])
        assert opened.log.last == opened.shard.engine.sequence


async def test_a_caller_that_gave_up_does_not_disturb_the_others(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        tasks = [asyncio.ensure_future(opened.submit(order(1 + n))) for n in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(outcome, list) for outcome in outcomes) == 9
        assert isinstance(outcomes[3], asyncio.CancelledError)


async def test_the_batch_of_one_caller_is_never_cut(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        batches = [asyncio.ensure_future(opened.submit(*(order(1 + n) for _ in range(7)))) for n in range(16)]
        for outcomes in await asyncio.gather(*batches):
            sequences = [outcome.sequence for outcome in outcomes]
            assert sequences == list(range(sequences[0], sequences[0] + 7))


async def test_a_closed_thread_refuses_and_a_full_one_says_so() -> None:
    thread = EngineThread()
    release = threading.Event()
    jobs = [asyncio.ensure_future(thread.run(release.wait)) for _ in range(MAX_JOBS + 2)]
    await asyncio.sleep(0)
    done = [job for job in jobs if job.done()]
    assert done
    assert all(isinstance(job.exception(), Unavailable) for job in done)
    release.set()
    await asyncio.gather(*jobs, return_exceptions=True)
    thread.close()
    thread.close()
    with pytest.raises(Unavailable, match="halted"):
        await thread.run(lambda: None)


def test_two_processes_cannot_own_one_shard(tmp_path: Path) -> None:
    shard = open_shard(tmp_path)
    with pytest.raises(QuantumCoreError, match=r"journal\.locked"):
        open_shard(tmp_path)
    shard.step(market(1), 0)
    shard.close()
