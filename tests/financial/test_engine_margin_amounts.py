"""What the engine says that positions need is the exact amount, rounded up where the rule says so, or it is too large.

Goal: equity, initial and maintenance equal an independent recalculation in exact rationals, at any width of prices, lots, rates and
losses; no product wraps: never 0, never negative, never less than for one lot less.
Method: both engines; positions and orders of random width, up to what a quantity can be, recalculated with Fraction.
"""

import random
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.margin import MarginStanding
from quantumcore.contracts.reasons import Reason, Scope
from tests.support.desk import ALICE, BOB, BUY, GTC, LIMIT, SELL, SHARE, USD, XYZ, Desk, instrument
from tests.support.engines import both_engines, check

MAX = 2**63 - 1
WIDEST = 2**126  # what is too large is told as this
MOST_TICKS_LOTS = 2**96
VOLATILITY, SCENARIOS = 1, 3
TOO_LARGE = 2
PLENTY = 2**62

pytestmark = [both_engines, pytest.mark.hazard("F7")]


@dataclass(frozen=True)
class Place:
    """What ALICE has of a share: lots, what works, the mark in ticks, and the cents of one tick of one lot."""

    lots: int
    buys: int
    sells: int
    price: int
    unit: Fraction

    @property
    def ends(self) -> tuple[int, int, int]:
        return self.lots, self.lots + self.buys, self.lots - self.sells

    @property
    def worst(self) -> int:
        return max(map(abs, self.ends[1:]))

    def worth(self, lots: int) -> int:
        return ceil(lots * self.price * self.unit)


def market(new_engine: Any, tick_scale: int, profile: int) -> Desk:
    """Return a desk at which ALICE and BOB have plenty of both, and ALICE is on margin."""
    most = {"max_price": MAX, "max_quantity": MAX, "max_notional": MAX}
    desk = Desk(new_engine, instrument(tick_scale=tick_scale, **most))
    desk.fund(ALICE, USD, PLENTY)
    desk.fund(BOB, USD, PLENTY - 1)
    for account in (ALICE, BOB):
        desk.fund(account, XYZ, PLENTY - 1)
    desk.do(wire.SetAccountMargin(account=ALICE, currency=USD, profile=profile))
    return desk


def send(desk: Desk, account: int, side: int, lots: int, tick_scale: int) -> wire.Event:
    """Send an order of `lots` at one tick, or at two for a sell that shall not trade; return its first event."""
    order = wire.SubmitOrder(
        instrument=SHARE,
        account=account,
        side=side,
        price=1 if side == BUY or account == BOB else 2,
        price_scale=tick_scale,
        quantity=lots,
        order_type=LIMIT,
        time_in_force=GTC,
        client_id=desk.new_id(),
    )
    return desk.all(order)[0]


def placed(desk: Desk, rng: random.Random, tick_scale: int) -> Place:
    """Let ALICE buy from BOB and then work on both sides while nothing is judged; then set a mark of any width."""
    profile = desk.engine.margin(ALICE, USD)[7]
    desk.do(wire.SetAccountMargin(account=ALICE, currency=USD, profile=0))
    widest = rng.choice([12, 20, 61])
    lots, buys, sells = (rng.getrandbits(rng.randrange(1, widest)) for _ in range(3))
    for account, side, much in ((BOB, SELL, lots), (ALICE, BUY, lots), (ALICE, BUY, buys), (ALICE, SELL, sells)):
        if much:
            assert isinstance(send(desk, account, side, much, tick_scale), wire.OrderAccepted)
    price = rng.getrandbits(rng.randrange(1, widest + 2)) or 1
    desk.do(wire.SetMark(instrument=SHARE, price=price))
    desk.do(wire.SetAccountMargin(account=ALICE, currency=USD, profile=profile))
    return Place(lots, buys, sells, price, Fraction(100, 10**tick_scale))


def agrees(desk: Desk, place: Place, initial: int, maintenance: int) -> bool:
    """Compare with what the engine says; return whether it is a number that is kept."""
    told = MarginStanding(*desk.engine.margin(ALICE, USD))
    equity = desk.balance(ALICE, USD)[0] + floor(place.lots * place.price * place.unit)
    kept = place.worst <= MAX and place.worst * place.price < MOST_TICKS_LOTS
    kept = kept and max(place.worth(place.worst), abs(equity), initial, maintenance) <= MAX
    if kept:
        assert told[:3] == (equity, initial, maintenance), place
        assert told.margin_flags == 0, place
    else:
        assert told[:3] == (0, 0, 0), place
        assert told.margin_flags == TOO_LARGE, place
    check(desk.engine)
    return kept


@pytest.mark.parametrize("tick_scale", [2, 9, 14, 18])
def test_what_is_needed_by_volatility_is_exact(new_engine, tick_scale, rng: random.Random):
    kept = 0
    for _ in range(40):
        desk = market(new_engine, tick_scale, VOLATILITY)
        initial = rng.choice([10**7, rng.randrange(10**7), 50_000])
        maintenance = rng.randrange(initial + 1)
        slope = rng.choice([0, rng.getrandbits(rng.randrange(1, 40)), 10**12])
        terms = {"initial": initial, "maintenance": maintenance, "slope": slope}
        desk.do(wire.SetMarginTerms(instrument=SHARE, **terms))
        place = placed(desk, rng, tick_scale)

        def needed(lots: int, rate: int, place: Place = place, slope: int = slope) -> int:
            fraction = min(Fraction(10), Fraction(rate, 10**6) + Fraction(slope * lots, 10**12))
            return ceil(place.worth(lots) * fraction)

        kept += agrees(desk, place, needed(place.worst, initial), needed(abs(place.lots), maintenance))
    assert kept > 5


@pytest.mark.parametrize("tick_scale", [2, 9, 14, 18])
def test_what_is_needed_by_scenarios_is_exact(new_engine, tick_scale, rng: random.Random):
    kept = 0
    for _ in range(40):
        desk = market(new_engine, tick_scale, SCENARIOS)
        width = rng.randrange(1, 47)
        losses = tuple(rng.randrange(-(2**width), 2**width + 1) for _ in range(wire.SCENARIOS))
        least = rng.choice([0, rng.getrandbits(width)])
        desk.do(wire.SetRiskArray(instrument=SHARE, losses=losses, short_minimum=least))
        place = placed(desk, rng, tick_scale)

        def needed(ends: tuple[int, ...], losses: tuple[int, ...] = losses, least: int = least) -> int:
            worst = max(max(end * loss for end in ends) for loss in losses)
            short = max(0, *(-end for end in ends)) * least
            return ceil(max(0, worst, short) * Fraction(10**2, 10**6))

        kept += agrees(desk, place, needed(place.ends), needed((place.lots,)))
    assert kept > 5


@pytest.mark.parametrize("lots", [2**62, 2**62 - 1, 2**32, 2**40 + 1])
def test_the_largest_size_at_a_mark_of_a_billion_is_refused(new_engine, lots):
    """2^32 lots at 2^32 ticks would be 0 in 64 bits."""
    desk = market(new_engine, 2, VOLATILITY)
    desk.do(wire.SetMark(instrument=SHARE, price=2**32 if lots == 2**32 else 10**9))
    event = send(desk, ALICE, BUY, lots, 2)
    assert isinstance(event, wire.OrderRejected)
    assert (event.reason, event.scope, event.decimals) == (Reason.AMOUNT_OVERFLOW, Scope.ACCOUNT, 2)
    assert (event.limit, event.actual) == (MAX, WIDEST)
