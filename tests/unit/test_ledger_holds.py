"""What a hold does, step by step.

Goal: placed = captured + released + open, and each of them means what it says.
Method: one hold through amendments, captures and its end; then what it refuses.
"""

import pytest

from quantumcore.contracts.errors import Corrupted
from quantumcore.services.ledger.domain import Hold

HOLD = Hold(order=7, slot=0, account=1, currency=1, placed=100)


def test_an_amendment_moves_only_the_difference() -> None:
    less = HOLD.amend(60)
    assert (less.placed, less.captured, less.released, less.open) == (100, 0, 40, 60)
    more = less.amend(90)
    assert (more.placed, more.captured, more.released, more.open) == (130, 0, 40, 90)


def test_a_capture_releases_what_is_no_longer_needed() -> None:
    part = HOLD.capture(30, 60, done=False)
    assert (part.captured, part.released, part.open, part.done) == (30, 10, 60, False)
    end = part.capture(55, 0, done=True)
    assert (end.captured, end.released, end.open, end.done) == (85, 15, 0, True)


def test_the_end_releases_all_that_is_open() -> None:
    end = HOLD.capture(30, 70, done=False).release(70)
    assert (end.captured, end.released, end.open, end.done) == (30, 70, 0, True)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: HOLD.capture(101, 0, done=True),
        lambda: HOLD.capture(50, 51, done=False),
        lambda: HOLD.capture(50, 1, done=True),
        lambda: HOLD.capture(-1, 0, done=False),
        lambda: HOLD.amend(-1),
        lambda: HOLD.release(99),
        lambda: HOLD.release(100).release(0),
        lambda: HOLD.release(100).amend(5),
        lambda: HOLD.release(100).capture(0, 0, done=True),
    ],
)
def test_what_no_engine_does_is_corrupted(wrong: object) -> None:
    with pytest.raises(Corrupted):
        wrong()  # type: ignore[operator]
