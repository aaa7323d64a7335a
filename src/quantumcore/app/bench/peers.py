"""Our engine beside other Python engines: the same messages, in the same run, in turn.

Every row is the CPU time of its thread per message, so a neighbour on a shared machine is not in it. An engine that is
not installed is named with the way to get it; one that ends with other trades or another book says so.
"""

import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol

from quantumcore.app.bench.measure import REPEATS, Figure
from quantumcore.app.bench.messages import Outcome, Play, dump, messages, work_for_peers
from quantumcore.app.bench.steps import COMMANDS, PER_STEP, Work
from quantumcore.core import _native

PEER_COMMANDS = 100_000
SHAPES = ("mix", "simple")
BATCH = 1000
NOT_DUMPED = "fresh_ids"  # differs from `simple` in client ids, which messages do not have


class Player(Protocol):
    """One engine with the setup played; it is played once."""

    def __init__(self, play: Play) -> None: ...
    def run(self) -> None:
        """Play the measured messages; this is what is timed."""
        ...

    def outcome(self) -> Outcome:
        """Return where the engine stands."""
        ...


class Peer(NamedTuple):
    """Where the Player of an engine is, and how to get the engine."""

    title: str
    module: str
    package: str


PEERS = (
    Peer("sortedcontainers, a plain book", "quantumcore.app.bench.sorted_book", "sortedcontainers"),
    Peer("nautilus_trader, its matching engine", "quantumcore.app.bench.nautilus", "nautilus_trader==1.221.*"),
)


def peers(seed: int, scale: float = 1.0) -> list[Figure]:
    """Measure ours natively and from Python, and every peer that is installed, in us per message."""
    return [figure for shape in SHAPES for figure in _peers(shape, seed, scale)]


def dump_all(folder: Path, seed: int, scale: float) -> list[Path]:
    """Write every workload as a file of messages (see messages.dump) and return the files.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for shape in _native.WORKLOADS:
        if shape == NOT_DUMPED:
            continue
        files.append(folder / f"{shape}.messages")
        dump(files[-1], messages(work_for_peers(shape, max(10_000, int(COMMANDS * scale)), seed)))
    return files


def _peers(shape: str, seed: int, scale: float) -> list[Figure]:
    count = max(10_000, int(PEER_COMMANDS * scale))
    work = work_for_peers(shape, count, seed)
    bare = work_for_peers(shape, count, seed, accounting=False)
    play = messages(work)
    rows: dict[str, Callable[[], float]] = {
        f"ours, natively, a book only, steps of {PER_STEP}": lambda: _natively(bare, PER_STEP),
        f"ours, natively, steps of {PER_STEP}": lambda: _natively(work, PER_STEP),
        "ours, natively, one command a step": lambda: _natively(work, 1),
        f"ours from Python, steps of {BATCH:,}": lambda: _ours(work, BATCH, len(play.measured)),
        "ours from Python, one command a step": lambda: _ours(work, 1, len(play.measured)),
    }
    notes: dict[str, str] = {}
    absent = []
    for peer in PEERS:
        try:
            module = import_module(peer.module)
        except ImportError:
            absent.append(
                Figure(f"{shape}: {peer.title}", "us", [], note=f"not installed: pip install '{peer.package}'")
            )
            continue
        rows[module.NAME] = lambda name=module.NAME, make=module.Player: _peer(make, play, name, notes)  # type: ignore[misc]  # bound now on purpose
    samples: dict[str, list[float]] = {name: [] for name in rows}
    for number in range(REPEATS + 1):
        for name, once in rows.items():
            us = once()
            if number:  # the first does not count
                samples[name].append(us)
    return [*(Figure(f"{shape}: {name}", "us", us, note=notes.get(name, "")) for name, us in samples.items()), *absent]


def _natively(work: Work, per_step: int) -> float:
    engine = work.engine()
    cpu_ns = _native.pace(engine, work.commands, per_step)[1]
    _must_equal(engine, work)
    return cpu_ns / 1e3


def _ours(work: Work, per_step: int, count: int) -> float:
    engine = work.engine()
    parts = work.cut(per_step)
    step = engine.step
    began = time.thread_time_ns()
    for part in parts:
        step(part, 1)
    us = (time.thread_time_ns() - began) / 1e3 / count
    _must_equal(engine, work)
    return us


def _must_equal(engine: _native.Engine, work: Work) -> None:
    if engine.state_hash() != work.state_hash:
        raise AssertionError("our engine did not end where the workload ended")


def _peer(make: Callable[[Play], Player], play: Play, name: str, notes: dict[str, str]) -> float:
    player = make(play)
    began = time.thread_time_ns()
    player.run()
    us = (time.thread_time_ns() - began) / 1e3 / len(play.measured)
    ended = player.outcome()
    if ended != play.outcome:
        notes[name] = f"ends elsewhere: {_differences(ended, play.outcome)}"
    return us


def _differences(theirs: Outcome, ours: Outcome) -> str:
    pairs = zip(Outcome._fields, theirs, ours, strict=True)
    return ", ".join(f"{name} {a:,}, ours {b:,}" for name, a, b in pairs if a != b)
