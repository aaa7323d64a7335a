"""The workloads of the native benchmarks are what they say, and timing them changes nothing.

Goal: figures of two runs, and of two step sizes, are figures of the same work.
Method: make each twice; drive it through fresh engines in steps of several sizes, timed and not; count what it holds.
"""

from collections import Counter

import pytest

from quantumcore.app.bench.steps import Work, make
from quantumcore.contracts.wire import CancelOrder, ReplaceOrder, SubmitOrder, decode_command
from quantumcore.core import _native

COMMANDS = 20_000
both_modes = pytest.mark.parametrize("accounting", [False, True], ids=["book-only", "accounting"])
SIMPLE = [name for name in _native.WORKLOADS if name not in {"mix", "cold"}]


def kinds(work: Work) -> Counter[str]:
    found: Counter[str] = Counter()
    at = 0
    while at < len(work.commands):
        match decode_command(work.commands, at):
            case SubmitOrder(time_in_force=3):
                found["ioc"] += 1
            case SubmitOrder():
                found["new"] += 1
            case CancelOrder():
                found["cancel"] += 1
            case ReplaceOrder():
                found["move"] += 1
        at += int.from_bytes(work.commands[at : at + 2], "little")
    assert found.total() == COMMANDS
    return found


@both_modes
@pytest.mark.parametrize("shape", _native.WORKLOADS)
def test_a_workload_is_the_same_from_the_same_seed_and_nothing_of_it_is_refused(shape: str, accounting: bool) -> None:
    work = make(shape, COMMANDS, 1, accounting=accounting)
    assert work == make(shape, COMMANDS, 1, accounting=accounting)
    assert work.commands != make(shape, COMMANDS, 2, accounting=accounting).commands
    assert work.refused == 0
    assert 0 < work.resting <= work.max_orders


@both_modes
@pytest.mark.parametrize("shape", _native.WORKLOADS)
def test_timing_in_any_steps_ends_in_the_state_that_the_workload_names(shape: str, accounting: bool) -> None:
    work = make(shape, COMMANDS, 1, accounting=accounting)
    for per_step in (1, 7, 64, COMMANDS):
        engine = work.engine(reserve=per_step != 7)
        commands, cpu_ns, wall_ns = _native.pace(engine, work.commands, per_step)
        assert commands == COMMANDS
        assert cpu_ns > 0
        assert wall_ns > 0
        assert engine.state_hash() == work.state_hash
        engine.check()
    engine = work.engine()
    commands, *percentiles, worst, clock = _native.latencies(engine, work.commands)
    assert commands == COMMANDS
    assert [*percentiles, worst] == sorted([*percentiles, worst])
    assert 0 < clock < percentiles[0]
    assert engine.state_hash() == work.state_hash


def test_a_book_plays_the_market_of_the_gate_without_its_money() -> None:
    book, gate = make("simple", COMMANDS, 1, accounting=False), make("simple", COMMANDS, 1)
    assert kinds(book) == kinds(gate)
    assert (book.trades, book.resting, book.submissions) == (gate.trades, gate.resting, gate.submissions)
    assert book.engine().totals(1) == (0, 0, 0, 0, 0, 0)
    assert gate.engine().totals(1)[0] > 0


def test_the_mix_has_the_shares_that_it_names() -> None:
    work = make("mix", COMMANDS, 1)
    found = kinds(work)
    assert found["move"] / COMMANDS == pytest.approx(0.82, abs=0.02)
    assert found["ioc"] / COMMANDS == pytest.approx(0.03, abs=0.01)
    assert found["new"] + found["cancel"] == pytest.approx(0.15 * COMMANDS, abs=0.02 * COMMANDS)
    assert 900 < work.resting < 1200
    assert work.trades > 0


@pytest.mark.parametrize("shape", SIMPLE)
def test_the_others_add_cancel_and_take_around_ten_thousand_orders(shape: str) -> None:
    work = make(shape, COMMANDS, 1)
    found = kinds(work)
    assert found["new"] / COMMANDS == pytest.approx(0.5, abs=0.2)
    assert found["cancel"] / COMMANDS == pytest.approx(0.4, abs=0.2)
    assert (found["ioc"] == 0) == (shape == "still")
    assert (work.trades == 0) == (shape == "still")
    assert 9_000 < work.resting < 16_000


def test_a_cold_start_leaves_every_order_resting() -> None:
    work = make("cold", COMMANDS, 1)
    assert kinds(work) == {"new": COMMANDS}
    assert work.resting == COMMANDS
    assert work.trades == 0


def test_ids_that_are_never_reused_have_thirty_six_letters() -> None:
    work = make("fresh_ids", COMMANDS, 1)
    ids = set()
    at = 0
    while at < len(work.commands):
        command = decode_command(work.commands, at)
        if isinstance(command, SubmitOrder):
            assert len(command.client_id) == 36
            assert command.client_id not in ids
            ids.add(command.client_id)
        at += int.from_bytes(work.commands[at : at + 2], "little")
    assert ids


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="no workload"):
        _native.workload("none", 1, 1)
    engine = make("mix", 10, 1).engine()
    with pytest.raises(ValueError, match="per_step"):
        _native.pace(engine, b"", 0)
    before = engine.state_hash()
    with pytest.raises(_native.InvalidCommand):
        _native.pace(engine, bytes(16), 1)
    with pytest.raises(_native.InvalidCommand):
        _native.latencies(engine, bytes(16))
    assert engine.state_hash() == before
