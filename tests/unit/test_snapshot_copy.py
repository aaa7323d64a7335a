"""A snapshot may be written from a copy while the engine goes on.

Goal: the copy's bytes are those that the engine would have given at the moment of the copy, whatever comes after.
Method: workloads with every kind of order event; compare bytes; let the engine go on, and restore.
"""

import pytest

from quantumcore.app.bench.steps import make
from quantumcore.core import _native
from quantumcore.core._native import Engine

COMMANDS = 20_000
SHAPES = ("mix", "swing_40", "crash", "cold")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("prepared", [True, False])
def test_a_copy_writes_what_the_engine_was_when_it_was_taken(shape: str, prepared: bool) -> None:
    work = make(shape, COMMANDS, 3)
    half = len(work.commands) // 2 // 8 * 8
    at = 0
    while at < half:
        at += int.from_bytes(work.commands[at : at + 2], "little")
    engine = work.engine()
    copy = engine.copy()  # before most of it is there: it must grow
    if prepared:
        copy.prepare()
    engine.step(work.commands[:at], 1)
    engine.take(copy)
    then = engine.snapshot()
    engine.step(work.commands[at:], 1)
    assert copy.write() == then
    assert engine.snapshot() != then
    again = Engine.restore(copy.write())
    again.check()
    again.step(work.commands[at:], 1)
    assert again.state_hash() == engine.state_hash() == work.state_hash
    engine.take(copy)  # a second time
    assert copy.write() == engine.snapshot()


def test_a_copy_that_was_not_taken_cannot_be_written() -> None:
    engine = make("mix", 100, 1).engine()
    with pytest.raises(_native.InvariantViolation):
        engine.copy().write()


def test_memory_that_is_taken_before_changes_nothing() -> None:
    work = make("simple", COMMANDS, 5)
    plain, reserved, in_between = work.engine(reserve=False), work.engine(), work.engine(reserve=False)
    reserved.reserve(2**32 - 1, 100_000)  # beyond the bounds: up to them
    plain.step(work.commands, 1)
    reserved.step(work.commands, 1)
    at = 0
    for _ in range(COMMANDS // 2):
        at += int.from_bytes(work.commands[at : at + 2], "little")
    in_between.step(work.commands[:at], 1)
    in_between.reserve(work.resting, work.submissions * 4)
    in_between.step(work.commands[at:], 1)
    assert plain.snapshot() == reserved.snapshot() == in_between.snapshot()
    assert plain.state_hash() == work.state_hash
    for engine in (plain, reserved, in_between):
        engine.check()
