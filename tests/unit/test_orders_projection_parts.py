"""What a projection is given, how it is cut, and what is told.

Goal: nothing is skipped, nothing is applied twice, nothing grows without a limit.
Method: deliveries in every order over a log in memory; updates of every length cut into notices and put together again.
"""

import random

import msgspec
import pytest

from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.order_queries import OrderUpdate, ToldUpdate
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.progress import parts, without_holes
from quantumcore.services.orders.changes import Change, read_change, stored
from quantumcore.services.orders.domain import Order, opened
from quantumcore.services.orders.folding import Known, fold
from quantumcore.services.orders.projection import UPDATES_PER_NOTICE, Followed, LiveOrders, notices
from quantumcore.services.orders.views import update_view
from tests.unit.test_orders_domain import accepted, cancelled, trade
from tests.unit.test_orders_views import catalogue


class ShortLog:
    """The part of an event log that fills holes."""

    def __init__(self, batches):
        self.batches = batches

    def read(self, after, max_bytes=1 << 20):
        return [batch for batch in self.batches if batch.first > after][:2]


def batch(first: int, last: int) -> EventBatch:
    return EventBatch(first, last, b"")


def test_shuffled_and_repeated_batches_come_out_once_and_in_order(rng: random.Random):
    """Every delivery order of ten batches, each one to five times, gives the ten in order."""
    whole = [batch(at, at + 2) for at in range(1, 30, 3)]
    for _ in range(500):
        delivered = [b for b in whole for _ in range(rng.randrange(1, 6))]
        rng.shuffle(delivered)
        assert without_holes(delivered, 0, ShortLog(whole)) == whole


def test_a_hole_is_filled_from_the_log():
    whole = [batch(at, at + 2) for at in range(1, 30, 3)]
    assert without_holes([whole[9], whole[3]], 0, ShortLog(whole)) == whole


def test_a_hole_that_the_log_cannot_fill_is_never_jumped():
    with pytest.raises(Unavailable) as refused:
        without_holes([batch(5, 6)], 2, ShortLog([]))
    assert refused.value.code == "order.gap"
    assert "3 to 4" in refused.value.detail


def test_what_was_seen_is_dropped_and_what_overlaps_stays():
    kept = without_holes([batch(1, 3), batch(2, 6), batch(4, 6)], 3, ShortLog([]))
    assert [(b.first, b.last) for b in kept] == [(2, 6)]


def test_parts_are_cut_at_the_limit_and_lose_nothing():
    whole = [EventBatch(at, at, b"x" * 100) for at in range(1, 51)]
    found = list(parts(whole, limit=250))
    assert [b for part in found for b in part] == whole
    assert {len(part) for part in found} == {3, 2}


def updates(sequences: list[int]) -> list[ToldUpdate]:
    order = opened(accepted())
    view = update_view(order, "accepted", 0, None, catalogue())
    return [
        ToldUpdate.of(OrderUpdate(1, sequence, at, 0, "accepted", view.order)) for at, sequence in enumerate(sequences)
    ]


def test_notices_chain_without_gap_and_say_how_far_they_reach(rng: random.Random):
    """Random lengths of sequences: parts follow each other, hold everything in order, and never claim a cut sequence."""
    for _ in range(100):
        sequences = sorted(rng.choices(range(11, 40), k=rng.randrange(0, 2_500)))
        told = notices(updates(sequences), 10, 40)
        assert [u.sequence for notice in told for u in notice.updates] == sequences
        assert all(len(notice.updates) <= UPDATES_PER_NOTICE for notice in told)
        assert [n.prev_sequence for n in told] == [10, *(n.sequence for n in told[:-1])]
        assert told[-1].sequence == 40
        seen = 0
        for notice in told:
            seen += len(notice.updates)
            assert all(sequence > notice.sequence for sequence in sequences[seen:])


def test_a_batch_without_orders_is_told_too():
    """So that a listener knows what is projected, and the chain has no gap."""
    (told,) = notices([], 4, 9)
    assert (told.prev_sequence, told.sequence, told.updates) == (4, 9, [])


def change(order: Order) -> Change:
    return Change(order, "accepted", 0, 0)


def test_live_orders_keep_the_last_touched_and_forget_the_ended():
    live = LiveOrders(limit=3)
    orders = [opened(accepted(sequence=at)) for at in range(1, 6)]
    live.put([change(order) for order in orders])
    assert [live.get((at, 3)) is not None for at in range(1, 6)] == [False, False, True, True, True]
    live.put([change(orders[2]), change(orders[0])])
    assert live.get((4, 3)) is None
    live.put([change(orders[2].apply(cancelled(9, 100, order=3)))])
    assert live.get((3, 3)) is None
    assert len(live) == 2


@pytest.mark.parametrize("notional", [0, 2**63 - 1, 2**63, 2**96 - 1])
def test_a_change_is_read_as_it_was_stored(notional: int):
    """Account and client id at their limits, and the sum of ticks x lots, which alone can pass 64 bits."""
    order = msgspec.structs.replace(opened(accepted()), account=2**64 - 1, client_id="x" * 36, notional=notional)
    filled = fold(
        [accepted(sequence=5), trade(9, 40, 60, maker=5, taker=9)],
        Known({(9, 4): opened(accepted(sequence=9, order_slot=4))}),
        catalogue(),
    )[-1]
    for one in (change(order), filled):
        assert read_change(stored(one)) == one


def test_who_asked_longest_ago_is_forgotten_first():
    followed = Followed(limit=2)
    for account in (1, 2, 1, 3):
        followed.add(account)
    assert [account in followed for account in (1, 2, 3)] == [True, False, True]


def test_folding_shows_both_sides_of_a_trade_maker_first():
    events = [
        accepted(sequence=5),
        accepted(sequence=9, quantity=40, order_slot=4),
        trade(9, 40, 60, maker=5, taker=9, taker_leaves=0),
    ]
    changes = fold(events, Known({}), catalogue())
    assert [(c.order.sequence, c.leg, c.kind) for c in changes] == [
        (5, 0, "accepted"), (9, 0, "accepted"), (5, 0, "filled"), (9, 1, "filled"),
    ]  # fmt: skip
    assert changes[2].shown(catalogue()).order.fills == []
    fill = changes[2].shown(catalogue()).fill
    assert fill is not None
    assert fill.liquidity == "maker"
