"""The step over prepared workloads, timed natively: what a command costs, alone and in steps, and what an order weighs.

The workloads are those of native/bench/workload.hpp, made from the seed; the engine's memory is taken before it is
measured. CPU time is the stepping thread's own, so what neighbours do on a shared machine is not in it; wall time is shown beside it.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from quantumcore.app.bench.measure import REPEATS, Figure, repeat
from quantumcore.core import _native
from quantumcore.core._native import Engine

COMMANDS = 1_000_000
PER_STEP = 64
BATCH = 1024
SNAPSHOT_ORDERS = 1_000_000
MODES = {False: "book only", True: "with the gate"}
TITLES = {
    "simple": ("50 % new, 40 % cancel, 10 % aggressive around 10,000 orders", 40),
    "still": ("the same, nothing trades", 60),
    "trend": ("the same, the price rises", 60),
    "swing_25": ("the same, the price swings by 25 %", 60),
    "swing_40": ("the same, the price swings by 40 %", 60),
    "crash": ("the same, the bids are emptied and refilled", 60),
    "cold": ("nothing but resting orders, from an empty book", 60),
    "fresh_ids": ("the first, ids of 36 letters", 60),
}


class Work(NamedTuple):
    """A workload; see native/bench/workload.hpp.

    Attributes:
        resting: Orders that rest at most, at any time.
        state_hash: What an engine must answer when it has stepped setup and commands.
    """

    setup: bytes
    commands: bytes
    max_orders: int
    max_client_ids: int
    submissions: int
    resting: int
    trades: int
    refused: int
    state_hash: int
    accounting: bool

    def engine(self, *, reserve: bool = True) -> Engine:
        """Return an engine that has taken its memory and stepped the setup."""
        engine = Engine(
            max_orders=self.max_orders,
            max_client_ids=self.max_client_ids,
            max_accounts=1024,
            max_balances=4096,
            accounting=self.accounting,
        )
        if reserve:
            engine.reserve(self.resting, self.submissions)
        engine.step(self.setup, 1)
        return engine


def make(shape: str, commands: int, seed: int, *, accounting: bool = True) -> Work:
    """Return the workload `shape` of so many commands, for an engine with accounting or for a book only."""
    return Work(*_native.workload(shape, commands, seed, accounting), accounting)


def steps(seed: int, scale: float) -> Iterator[Figure]:
    """Measure each workload in steps of PER_STEP commands."""
    count = max(10_000, int(COMMANDS * scale))
    for accounting, bound in ((False, 50), (True, 70)):
        mix = make("mix", count, seed, accounting=accounting)
        cpu, wall = _paces(mix)
        name = f"step, mix 9/3/6/82 around 1,000 orders, {MODES[accounting]}"
        yield Figure(f"{name}, CPU per command", "ns", cpu, bound)
        yield Figure(f"{name}, wall", "ns", wall)
        yield from _alone(mix)
    for shape, (title, bound) in TITLES.items():
        for accounting in (False, True):
            cpu, wall = _paces(make(shape, count, seed, accounting=accounting))
            # What is promised is a book's; the gate stands beside it.
            yield Figure(f"{shape}: {title}, {MODES[accounting]}, CPU", "ns", cpu, None if accounting else bound)
            yield Figure(f"{shape}, {MODES[accounting]}, wall", "ns", wall)


def batches(seed: int, scale: float, *, accounting: bool) -> Figure:
    """Measure new orders in batches of BATCH from Python, encoded before, events as bytes."""
    work = make("cold", max(BATCH * 20, int(COMMANDS * scale)), seed, accounting=accounting)
    size = int.from_bytes(work.commands[:2], "little") * BATCH

    def once() -> float:
        engine = work.engine()
        parts = [work.commands[at : at + size] for at in range(0, len(work.commands), size)]
        began = time.perf_counter()
        for part in parts:
            engine.step(part, 1)
        return (time.perf_counter() - began) * 1e6 * size / len(work.commands) / BATCH

    name = f"new orders from Python in batches of {BATCH:,}, {MODES[accounting]}, per order"
    return Figure(name, "us", repeat(once), 0.1)


def snapshot(seed: int, scale: float) -> Iterator[Figure]:
    """Measure a snapshot of many resting orders, and print what an order weighs."""
    count = max(10_000, int(SNAPSHOT_ORDERS * scale))
    work = make("cold", count, seed)
    engine = work.engine()
    engine.step(work.commands, 1)
    pauses, prepares, writes = [], [], []
    for _ in range(REPEATS):
        copy = engine.copy()
        times = [time.perf_counter()]
        copy.prepare()
        times.append(time.perf_counter())
        engine.take(copy)
        times.append(time.perf_counter())
        if copy.write() != engine.snapshot():
            raise AssertionError("the copy is not what the engine is")
        began = time.perf_counter()
        copy.write()
        prepares.append((times[1] - times[0]) * 1e3)
        pauses.append((times[2] - times[1]) * 1e3)
        writes.append((time.perf_counter() - began) * 1e3)
    orders = f"{engine.open_orders():,} resting orders"
    yield Figure(f"snapshot of {orders}: pause of the engine", "ms", pauses, 50)
    yield Figure("memory for it, beside the engine", "ms", prepares)
    yield Figure("its bytes, beside the engine", "ms", writes)
    parts = {name: size / engine.open_orders() for name, size in engine.memory().items()}
    matching = parts.pop("of_orders_matching")
    yield Figure("memory per resting order: what matching touches", "bytes", [matching], 32)
    parts["orders"] -= matching
    names = {"orders": "the rest of the order", "leaves": "its level", "client_ids": "its client id, with both indexes"}
    for part, size in parts.items():
        yield Figure(f"memory per resting order: {names.get(part, part)}", "bytes", [size])


def _paces(work: Work) -> tuple[list[float], list[float]]:
    cpu, wall = [], []
    for number in range(REPEATS + 1):
        engine = work.engine()
        _, cpu_ns, wall_ns = _native.pace(engine, work.commands, PER_STEP)
        _must_equal(engine, work)
        if number:  # the first does not count
            cpu.append(cpu_ns)
            wall.append(wall_ns)
    return cpu, wall


def _alone(work: Work) -> Iterator[Figure]:
    runs = []
    for _ in range(REPEATS):
        engine = work.engine()
        runs.append(_native.latencies(engine, work.commands))
        _must_equal(engine, work)
    _, p50, p99, p99_9, p99_99, worst, clock = (list(column) for column in zip(*runs, strict=True))
    yield Figure(f"mix, {MODES[work.accounting]}, a command stepped alone, p50", "ns", p50)
    yield Figure("p99", "ns", p99, 250)
    yield Figure("p99.9", "ns", p99_9, 500)
    yield Figure("p99.99", "ns", p99_99)
    yield Figure("worst", "ns", worst)
    yield Figure("reading the clock, part of each of these", "ns", clock)


def _must_equal(engine: Engine, work: Work) -> None:
    if engine.state_hash() != work.state_hash:
        raise AssertionError("the engine did not end where the workload ended")
