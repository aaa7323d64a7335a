"""The largest quantities at the largest prices: the exact amount, or AMOUNT_OVERFLOW with the exact amount.

Goal: no product of price and quantity wraps: never 0, never negative, never less than for one lot less.
Method: both engines; every figure recalculated with Fraction, at products around powers of two and at random.
"""

import random
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from tests.support.desk import ALICE, BOB, BUY, GTC, LIMIT, SELL, SHARE, USD, XYZ, Desk, instrument
from tests.support.engines import both_engines, check

MAX = 2**63 - 1
WIDEST = 2**126  # numbers told end there
MOST_TICKS_LOTS = 2**96

pytestmark = [both_engines, pytest.mark.hazard("F7")]


def market(new_engine, tick_scale: int = 2, multiplier: int = 1, **changes: Any) -> tuple[Desk, Fraction]:
    """Return a desk whose ALICE and BOB own as much as there may be, and the worth of one tick of one lot in cents."""
    bounds = {"max_price": MAX, "max_quantity": MAX, "max_notional": MAX}
    desk = Desk(new_engine, instrument(tick_scale=tick_scale, multiplier=multiplier, **(bounds | changes)))
    desk.fund(ALICE, USD, MAX)
    desk.fund(BOB, XYZ, MAX)
    return desk, Fraction(multiplier * 100, 10**tick_scale)


def send(desk: Desk, side: int, price: int, lots: int, tick_scale: int) -> wire.OrderAccepted | wire.OrderRejected:
    """Send an order of `lots` at `price` ticks; an accepted one is cancelled again."""
    while tick_scale and price % 10 == 0:
        price, tick_scale = price // 10, tick_scale - 1
    event = desk.do(
        wire.SubmitOrder(
            instrument=SHARE,
            account=ALICE if side == BUY else BOB,
            side=side,
            price=price,
            price_scale=tick_scale,
            quantity=lots,
            order_type=LIMIT,
            time_in_force=GTC,
            client_id=desk.new_id(),
        )
    )
    assert isinstance(event, (wire.OrderAccepted, wire.OrderRejected)), event
    if isinstance(event, wire.OrderAccepted):
        desk.cancel(event)
    return event


def agrees(desk: Desk, unit: Fraction, price: int, lots: int, tick_scale: int) -> int:
    """Send it from both sides, compare with the exact worth, and return the amount that was told for the buy."""
    worth = ceil(price * lots * unit)
    told = 0
    for side in (BUY, SELL):
        event = send(desk, side, price, lots, tick_scale)
        what = f"{lots} lots at {price} ticks of 10^-{tick_scale}: {event}"
        if worth > MAX or price * lots >= MOST_TICKS_LOTS:
            assert isinstance(event, wire.OrderRejected), what
            assert event.reason == Reason.AMOUNT_OVERFLOW, what
            most = min(MAX, floor((MOST_TICKS_LOTS - 1) * unit))
            assert (event.limit, event.actual) == (most, min(worth, WIDEST)), what
            assert event.actual > event.limit, what
        else:
            assert isinstance(event, wire.OrderAccepted), what
            assert event.hold == (worth if side == BUY else lots), what
        if side == BUY:
            told = event.hold if isinstance(event, wire.OrderAccepted) else event.actual
    return told


@pytest.mark.parametrize("tick_scale", [0, 2, 9, 14, 18])
@pytest.mark.parametrize("multiplier", [1, 50])
def test_an_enormous_order_is_exact_or_refused_with_its_amount(new_engine, tick_scale, multiplier):
    """2^62 lots at 10^9 ticks, products that are multiples of 2^64, and the widest of all."""
    desk, unit = market(new_engine, tick_scale, multiplier)
    pairs = [
        (10**9, 2**62),
        (2**32, 2**32),
        (2**33, 2**31),
        (4, 2**62),
        (MAX, MAX),
        (1, MAX),
        (2**62, 4),
        (3, 2**62 + 1),
    ]
    for price, lots in pairs:
        told = agrees(desk, unit, price, lots, tick_scale)
        assert told > 0
        assert told >= agrees(desk, unit, price, lots - 1, tick_scale)
    check(desk.engine)


def test_random_products_are_exact(new_engine, rng: random.Random):
    """A thousand orders of random width, bit by bit up to 126."""
    for tick_scale in (0, 3, 12, 18):
        desk, unit = market(new_engine, tick_scale)
        for _ in range(250):
            price, lots = rng.getrandbits(rng.randrange(1, 64)) or 1, rng.getrandbits(rng.randrange(1, 64)) or 1
            agrees(desk, unit, price, lots, tick_scale)
        check(desk.engine)


def test_one_lot_more_never_costs_less(new_engine):
    """Across the place where the product passes 2^63 and 2^64, lot by lot."""
    desk, unit = market(new_engine, tick_scale=2)
    price = 2**32
    for middle in (2**31, 2**32):
        amounts = [agrees(desk, unit, price, lots, 2) for lots in range(middle - 3, middle + 4)]
        assert all(more > less for less, more in pairwise(amounts))


def test_the_asset_of_a_sell_does_not_wrap(new_engine):
    """A lot of 10^8 minor units: the hold of a sell is lots × 10^8, or AMOUNT_OVERFLOW with just that."""
    desk, _ = market(new_engine, base=2, tick_scale=18)  # BTC has eight decimals, the lot is a whole coin
    desk.fund(BOB, 2, MAX)
    for lots in (2**56, 2**57, 2**62, MAX, 92_233_720_368, 92_233_720_369):
        event = send(desk, SELL, 1, lots, 18)
        asset = lots * 10**8
        if asset > MAX:
            assert isinstance(event, wire.OrderRejected), event
            assert (event.reason, event.limit, event.actual) == (Reason.AMOUNT_OVERFLOW, MAX, asset)
        else:
            assert isinstance(event, wire.OrderAccepted), event
            assert event.hold == asset
