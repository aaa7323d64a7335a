"""The feed: what a command costs more when every event goes into the ring, its parts, and the way to another core.

The mix is that of `steps`, each run with a feed and one without in turn. Parts are CPU time of one thread alone. The way
to another core is wall time from before an item is published on one core until a thread that polls on another has it;
no sample is dropped.
"""

from collections.abc import Iterator

from quantumcore.app.bench.measure import REPEATS, Figure
from quantumcore.app.bench.steps import COMMANDS, MODES, PER_STEP, Work, make
from quantumcore.core import _native

SLOTS = 16_384
TIMES = 5_000_000
ITEMS = 100_000
GAPS_NS = (1_000, 10_000)


def feed(seed: int, scale: float) -> Iterator[Figure]:
    """Measure the mix with a feed, the feed's parts, and how long an item takes to another core."""
    for accounting in (False, True):
        work = make("mix", max(10_000, int(COMMANDS * scale)), seed, accounting=accounting)
        without, told, heard = _paces(work)
        name = f"mix, {MODES[accounting]}, CPU per command"
        yield Figure(f"{name}: without a feed", "ns", without)
        yield Figure(f"{name}: every event into a ring of {SLOTS:,}, and the best prices kept", "ns", told)
        yield Figure(f"{name}: the same while another thread reads all of it", "ns", heard)
    names = ("publish an event of 96 bytes", "take it", "write best prices", "read best prices")
    parts = [_native.feed_costs(max(100_000, int(TIMES * scale))) for _ in range(REPEATS)]
    for name, samples in zip(names, zip(*parts, strict=True), strict=True):
        yield Figure(f"feed: {name}, CPU", "ns", list(samples), 100)
    for gap in GAPS_NS:
        yield from _crossing(gap, max(1_000, int(ITEMS * scale)))


def _paces(work: Work) -> tuple[list[float], list[float], list[float]]:
    """Return CPU per command without a feed, with one, and with one that is read, each as many times."""
    found: tuple[list[float], list[float], list[float]] = ([], [], [])
    for number in range(REPEATS + 1):
        for samples, slots, readers in zip(found, (0, SLOTS, SLOTS), (0, 0, 1), strict=True):
            engine = work.engine()
            _, cpu_ns, _ = _native.pace(engine, work.commands, PER_STEP, slots, readers)
            if engine.state_hash() != work.state_hash:
                raise AssertionError("the engine did not end where the workload ended")
            if number:  # the first does not count
                samples.append(cpu_ns)
    return found


def _crossing(gap: int, items: int) -> Iterator[Figure]:
    runs = [_native.crossing(items, gap) for _ in range(REPEATS)]
    name = f"to a polling thread on another core, {gap / 1000:.0f} us apart"
    if not all(run[0] for run in runs):
        yield Figure(name, "ns", [], note="needs two cores")
        return
    read, missed, p50, p99, p99_9, worst, preempted = (list(column) for column in zip(*runs, strict=True))
    yield Figure(f"{name}, p50", "ns", p50)
    # Promised of the whole way to the last of 1,000 subscribers, of which this is the first part.
    yield Figure("p99", "ns", p99, 10_000, note=f"{sum(missed):,} of {sum(read) + sum(missed):,} missed")
    yield Figure("p99.9", "ns", p99_9)
    yield Figure("worst", "ns", worst, note=f"a core was taken away {sum(preempted)} times")
