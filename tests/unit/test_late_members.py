"""A member of an act whose turn comes after another has changed the book.

Goal: what was judged when the act was accepted is judged again where it no longer holds; no level ever has more lots than it can.
Method: both engines; the first member sets off a call, which lets a huge order enter the level of the second.
"""

import pytest

from quantumcore.contracts import wire
from quantumcore.core.twin.codes import GOOD_FOR_AUCTION, LINKED, OUT_OF_BOUNDS
from tests.support.acts import member
from tests.support.desk import ALICE, BOB, BUY, CAROL, SELL, Desk, instrument, of
from tests.support.engines import both_engines, check
from tests.support.shown_orders import advanced

pytestmark = both_engines
MOST, BIG = 2**63 - 1, 7
FIRST_PRICE, PRICE = "0.00000000000000005", "0.000000000000000051"


@pytest.fixture
def desk(new_engine):
    desk = Desk(new_engine, accounting=False)
    terms = {"tick_scale": 18, "max_price": MOST, "max_quantity": MOST, "max_notional": MOST}
    desk.do(instrument(BIG, symbol="BIG", **terms))
    desk.do(wire.SetTradingRules(instrument=BIG, dynamic_band=10_000_000, call_ns=10**9))
    desk.rest(BOB, SELL, "1", "0.0000000000000001", instrument=BIG)
    desk.submit(CAROL, BUY, "1", "0.0000000000000001", instrument=BIG)  # the band is measured from here
    desk.rest(CAROL, BUY, "3", FIRST_PRICE, instrument=BIG)
    yield desk
    check(desk.engine)


def waits_for_a_call(desk: Desk, lots: int) -> None:
    desk.all(advanced(desk.order(BOB, SELL, str(lots), PRICE, instrument=BIG), time_in_force=GOOD_FOR_AUCTION))


@pytest.mark.parametrize(("waiting", "ends"), [(MOST - 10, False), (MOST - 9, True)], ids=["fits", "one lot too much"])
@pytest.mark.parametrize("together", ["linked", "batch"])
def test_where_its_level_cannot_take_it_any_more_it_ends(desk, together, waiting, ends):
    waits_for_a_call(desk, waiting)
    members = [member(desk, SELL, "5", FIRST_PRICE, instrument=BIG), member(desk, SELL, "10", PRICE, instrument=BIG)]
    if together == "linked":
        act = wire.SubmitLinkedOrders(
            instrument=BIG, account=ALICE, link=1, count=2, first=members[0].encode(), second=members[1].encode(),
            third=bytes(160),
        )  # fmt: skip
    else:
        act = wire.SubmitOrderBatch(account=ALICE, count=2, orders=b"".join(each.encode() for each in members))
    events = desk.all(act)
    assert [event.status for event in of(wire.InstrumentStatusChanged, events)] == [7]
    first, second = of(wire.OrderAccepted, events)
    with_it = [(first.order_slot, LINKED)] if together == "linked" else []
    cancelled = [(event.order_slot, event.reason) for event in of(wire.OrderCancelled, events)]
    assert cancelled == ([(second.order_slot, OUT_OF_BOUNDS), *with_it] if ends else [])
    there = {price: lots for price, lots, _ in desk.engine.depth(BIG, SELL, 5)}
    assert there[51] == (waiting if ends else MOST)
