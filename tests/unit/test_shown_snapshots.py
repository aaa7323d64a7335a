"""Snapshots of orders that are not plain: what is dark, what waits, and what stands in reserve comes back as it was.

Goal: a restored engine answers every later command as the one that was never stopped.
Method: one book with an iceberg in the middle of its display, a dark order and two pegs; a copy for writing beside the step.
"""

import pytest

from tests.support.desk import ALICE, BOB, BUY, CAROL, SELL, Desk
from tests.support.engines import NativeEngine, check
from tests.support.shown_orders import advanced

HIDDEN, ALL_OR_NONE, PEGGED = 8, 16, 10


def submit(desk, *order, **terms):
    """Submit an order with further terms."""
    return desk.all(advanced(desk.order(*order), **terms))


@pytest.mark.parametrize("flags", [HIDDEN, ALL_OR_NONE])
def test_a_snapshot_keeps_what_is_dark_waits_and_stands_in_reserve(flags):
    desk = Desk(NativeEngine).rich()
    submit(desk, ALICE, BUY, "50", "1.00", display=7, display_range=3, seed=5)
    desk.submit(BOB, SELL, "9", "1.00")
    submit(desk, CAROL, BUY, "50", "1.00", flags=flags)
    submit(desk, CAROL, SELL, "50", "1.00", order_type=PEGGED, peg=1)
    submit(desk, CAROL, BUY, "50", "2.00", order_type=PEGGED, peg=1, display=5)
    snapshot = desk.engine.snapshot()
    other = Desk(NativeEngine)
    other.engine, other.time_ns = NativeEngine.restore(snapshot), desk.time_ns
    assert other.engine.snapshot() == snapshot
    check(other.engine)
    for command in (
        desk.order(BOB, SELL, "33", "1.00"),
        desk.order(BOB, SELL, "70", "0.90"),
        desk.order(ALICE, SELL, "1", "3.00"),
    ):
        assert other.all(command) == desk.all(command)
    copy = desk.engine.copy()
    copy.prepare()
    desk.engine.take(copy)
    assert copy.write() == desk.engine.snapshot()
