"""The benchmark's work is the work that it names, and the same for the same seed.

Goal: figures of two runs may be compared.
Method: count what a prepared stream holds; drive it through fresh engines, whole and in batches.
"""

from collections import Counter

import pytest

from quantumcore.app.bench.measure import Figure, machine, repeat
from quantumcore.app.bench.mix import RESTING, Stream, prepare
from quantumcore.contracts.wire import (
    CancelOrder,
    CommandRefused,
    ReplaceOrder,
    SubmitOrder,
    decode_command,
    decode_events,
)
from quantumcore.core._native import Engine

COMMANDS = 20_000


@pytest.fixture(scope="module")
def stream() -> Stream:
    return prepare(COMMANDS, 1)


def test_the_mix_has_the_shares_that_it_names(stream: Stream) -> None:
    kinds: Counter[str] = Counter()
    for offset in stream.offsets:
        match decode_command(stream.commands, offset):
            case SubmitOrder(time_in_force=3):
                kinds["ioc"] += 1
            case SubmitOrder():
                kinds["new"] += 1
            case CancelOrder():
                kinds["cancel"] += 1
            case ReplaceOrder():
                kinds["move"] += 1
    shares = {name: count / COMMANDS for name, count in kinds.items()}
    assert shares["move"] == pytest.approx(0.82, abs=0.01)
    assert shares["ioc"] == pytest.approx(0.03, abs=0.01)
    assert shares["new"] + shares["cancel"] == pytest.approx(0.15, abs=0.01)
    assert shares["new"] > shares["cancel"]


def test_a_fresh_engine_accepts_all_of_it_and_keeps_about_a_thousand_orders(stream: Stream) -> None:
    engine = Engine(max_orders=1 << 16)
    engine.step(stream.setup, 0)
    refused = 0
    for batch in stream.batches(500):
        refused += sum(isinstance(event, CommandRefused) for event in decode_events(engine.step(batch, 0)))
        assert RESTING * 0.8 < engine.open_orders() < RESTING * 1.2
    assert refused == 0
    engine.check()


def test_the_same_seed_is_the_same_work_in_any_batches(stream: Stream) -> None:
    assert prepare(COMMANDS, 1) == stream
    assert prepare(1000, 2).commands != stream.commands[: len(prepare(1000, 2).commands)]
    hashes = set()
    for size in (1, 7, 1000):
        engine = Engine(max_orders=1 << 16)
        engine.step(stream.setup, 0)
        for batch in stream.batches(size):
            engine.step(batch, 0)
        hashes.add(engine.state_hash())
    assert len(hashes) == 1


def test_a_figure_is_a_median_and_knows_whether_its_promise_is_met() -> None:
    assert Figure("x", "ns", [3, 1, 2], 2).median == 2
    assert Figure("x", "ns", [3, 1, 2], 2).met is True
    assert Figure("x", "orders/s", [3, 1, 2], 3, higher_is_better=True).met is False
    assert Figure("x", "ns", [1]).met is None
    calls = iter(range(100))
    assert repeat(lambda: float(next(calls)), 5) == [1, 2, 3, 4, 5]
    assert "cores" in machine()
