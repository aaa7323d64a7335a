"""The native step, the border to Python, the journal and a recovery."""

import os
import tempfile
import time
from pathlib import Path

from quantumcore.app.bench.feed import feed
from quantumcore.app.bench.measure import Figure, repeat
from quantumcore.app.bench.mix import MIDDLE, Stream, prepare
from quantumcore.app.bench.steps import batches, snapshot, steps
from quantumcore.core._native import Engine
from quantumcore.core.journal import Journal
from quantumcore.core.shard import Shard

COMMANDS = 200_000
BATCH = 1000
RECOVERED = 1_000_000


def core(seed: int, scale: float = 1.0) -> list[Figure]:
    """Measure the step by itself, with a feed and from Python, a snapshot, and what an order weighs."""
    stream = prepare(max(10_000, int(COMMANDS * scale)), seed)
    return [
        *steps(seed, scale),
        *feed(seed, scale),
        Figure(
            f"mix from Python in batches of {BATCH:,}, events copied out, wall per command",
            "ns",
            repeat(lambda: _batches(stream, BATCH) * 1e9),
        ),
        Figure("one Engine.submit from Python", "us", repeat(lambda: _submits(stream) * 1e6), 1),
        Figure(
            "one Engine.step call from Python, mix, per command",
            "us",
            repeat(lambda: _batches(stream, 1) * 1e6),
        ),
        batches(seed, scale, accounting=False),
        batches(seed, scale, accounting=True),
        *snapshot(seed, scale),
    ]


def journal(seed: int, scale: float = 1.0) -> list[Figure]:
    """Measure group commit, with the disk's own fdatasync beside it."""
    stream = prepare(max(10_000, int(COMMANDS * scale)), seed)
    count = len(stream.offsets)
    with tempfile.TemporaryDirectory(prefix="quantumcore-bench-") as directory:
        root = Path(directory)
        return [
            Figure("raw write + fdatasync of 4 KiB", "us", repeat(lambda: _raw_sync(root))),
            Figure("append + sync of one command", "us", repeat(lambda: _single_commits(root, stream))),
            *(
                Figure(
                    f"group commit of {size:,}, journal alone",
                    "commands/s",
                    repeat(lambda size=size: count / _commits(root, stream, size)),  # type: ignore[misc]  # bound now on purpose
                    100_000,
                    higher_is_better=True,
                )
                for size in (100, 1000, 16_384)
            ),
            *(
                Figure(
                    f"step + journal, group commit of {size:,}",
                    "commands/s",
                    repeat(lambda size=size: count / _shard_commits(root, stream, size)),  # type: ignore[misc]  # bound now on purpose
                    bound,
                    higher_is_better=True,
                )
                for size, bound in ((1000, 100_000), (16_384, 2_000_000))
            ),
            Figure("raw write + fdatasync of 1 MiB", "MB/s", repeat(lambda: _raw_rate(root)), higher_is_better=True),
        ]


def recovery(seed: int, scale: float = 1.0) -> list[Figure]:
    """Measure how long a shard with many commands takes to come back."""
    wanted = int(RECOVERED * scale)
    with tempfile.TemporaryDirectory(prefix="quantumcore-bench-") as directory:
        root = Path(directory)
        stream = prepare(wanted, seed)
        shard = Shard(root, 0)
        shard.step([stream.setup], 0)
        for number, batch in enumerate(stream.batches(BATCH)):
            shard.step([batch], 0)
            if number * BATCH == wanted // 2 // BATCH * BATCH:
                shard.sync()
                shard.take_snapshot()
        shard.sync()
        expected, last = shard.engine.state_hash(), shard.engine.sequence
        shard.close()
        tail = Figure(
            f"recovery of {wanted:,} commands, snapshot + tail of half",
            "s",
            repeat(lambda: _recover(root, last, expected)),
            5,
        )
        for snapshot in (root / "snapshots").iterdir():
            snapshot.unlink()
        full = Figure(
            f"open and full replay of a journal of {wanted:,} commands",
            "commands/s",
            repeat(lambda: wanted / _recover(root, last, expected)),
            3_000_000,
            higher_is_better=True,
        )
    return [tail, full]


def _fresh(stream: Stream) -> Engine:
    engine = Engine(max_orders=1 << 16)
    engine.step(stream.setup, 0)
    return engine


def _batches(stream: Stream, size: int) -> float:
    """Return seconds per command once the engine has touched its memory: the first fifth of the stream is not measured."""
    engine = _fresh(stream)
    batches = stream.batches(size)
    step = engine.step
    warm = len(batches) // 5
    for batch in batches[:warm]:
        step(batch, 0)
    began = time.perf_counter()
    for batch in batches[warm:]:
        step(batch, 0)
    return (time.perf_counter() - began) / (len(stream.offsets) - warm * size)


def _submits(stream: Stream, times: int = 50_000) -> float:
    """Return seconds per submit: limit orders of both sides near one price, so that about half of them trade."""
    engine = _fresh(stream)
    submit = engine.submit
    names = [f"s{number}" for number in range(times)]
    began = time.perf_counter()
    for number, name in enumerate(names):
        submit(1, 1 + (number & 31), 1 + (number & 1), 2, 3, MIDDLE, 2, 10, 5, name, 5)
    return (time.perf_counter() - began) / times


def _raw_sync(root: Path, times: int = 200) -> float:
    path = root / "raw"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        os.write(descriptor, bytes(1 << 20))
        os.fsync(descriptor)
        block = os.urandom(4096)
        began = time.perf_counter()
        for number in range(times):
            os.pwrite(descriptor, block, number * 4096)
            os.fdatasync(descriptor)
        return (time.perf_counter() - began) / times * 1e6
    finally:
        os.close(descriptor)
        path.unlink()


def _single_commits(root: Path, stream: Stream, times: int = 500) -> float:
    with tempfile.TemporaryDirectory(dir=root) as directory, Journal(Path(directory)) as journal:
        commands = stream.batches(1)[:times]
        began = time.perf_counter()
        for number, command in enumerate(commands, start=1):
            journal.append(number, 0, command)
            journal.sync()
        return (time.perf_counter() - began) / len(commands) * 1e6


def _commits(root: Path, stream: Stream, size: int) -> float:
    with (
        tempfile.TemporaryDirectory(dir=root) as directory,
        Journal(Path(directory), segment_bytes=64 << 20, buffer_bytes=8 << 20) as journal,
    ):
        batches = stream.batches(size)
        began = time.perf_counter()
        for batch in batches:
            journal.append_batch(batch, journal.last_sequence + 1, 0)
            journal.sync()
        return time.perf_counter() - began


def _raw_rate(root: Path, times: int = 64) -> float:
    """Return what the disk itself takes: blocks of 1 MiB over a file that is there, each made durable."""
    path = root / "raw"
    block = os.urandom(1 << 20)
    path.write_bytes(block * times)
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
        began = time.perf_counter()
        for number in range(times):
            os.pwrite(descriptor, block, number << 20)
            os.fdatasync(descriptor)
        return times * len(block) / 1e6 / (time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()


def _shard_commits(root: Path, stream: Stream, size: int) -> float:
    with tempfile.TemporaryDirectory(dir=root) as directory:
        shard = Shard(Path(directory), 0, segment_bytes=64 << 20)
        shard.step([stream.setup], 0)
        shard.sync()
        parts = stream.batches(size)
        began = time.perf_counter()
        for batch in parts:
            shard.step([batch], 0)
            shard.sync()
        elapsed = time.perf_counter() - began
        shard.close()
        return elapsed


def _recover(root: Path, told: int, expected: int) -> float:
    began = time.perf_counter()
    shard = Shard(root, told)
    for _ in shard.recover():
        pass
    elapsed = time.perf_counter() - began
    if shard.engine.state_hash() != expected:
        raise AssertionError("the recovered state differs")
    shard.close()
    return elapsed
