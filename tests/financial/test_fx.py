"""A conversion gives the customer the floor, the house its spread, and loses nothing between.

Goal: what is paid, received, spread and left adds up exactly; A -> B -> A never gains; a quote is good once and not late.
Method: the design's golden cases; random rates, scales and amounts in exact rationals.
"""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quantumcore.contracts.errors import Conflict, InvalidCommand
from quantumcore.services.ledger.fx import Quote, Residues, convert, rate

NOW = 1_800_000_000_000_000_000


def quote(customer: Fraction | str, mid: Fraction | str | None = None, **changes: object) -> Quote:
    given_rates = [Fraction(customer), Fraction(customer if mid is None else mid)]
    terms = {
        "quote_id": "q-1",
        "sold": "USD",
        "bought": "EUR",
        "scale_sold": 2,
        "scale_bought": 2,
        "customer": given_rates[0],
        "mid": given_rates[1],
        "source": "test",
        "time_ns": NOW,
        "expires_ns": NOW + 10,
    }
    return Quote(**{**terms, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("paid", "at", "received", "residue"),
    [
        (10_000_000, "0.8500", 8_500_000, Fraction(0)),
        (9_999_999_999_999, "0.85", 8_499_999_999_999, Fraction(15, 100)),
        (1_648_427, "0.5", 824_213, Fraction(1, 2)),
    ],
)
def test_the_golden_cases(paid, at, received, residue):
    done = convert(paid, quote(at))
    assert (done.received, done.spread, done.residue) == (received, 0, residue)


def test_the_spread_is_what_mid_gives_beyond_the_customer():
    done = convert(10_000_001, quote("0.8480", "0.8500"))
    assert (done.received, done.spread, done.residue) == (8_480_000, 20_000, Fraction(85, 100))


def test_scales_differ():
    assert convert(100, quote("150.25", scale_bought=0)).received == 150
    assert convert(1, quote("0.01", scale_sold=0, scale_bought=8)).received == 1_000_000


RATES = st.builds(Fraction, st.integers(1, 10**9), st.integers(1, 10**9))
AMOUNTS = st.integers(1, 10**12)
SCALES = st.integers(0, 6)


@given(paid=AMOUNTS, mid=RATES, margin=st.integers(0, 1000), sold=SCALES, bought=SCALES)
def test_nothing_is_lost_between(paid, mid, margin, sold, bought):
    terms = quote(mid * Fraction(1000 - margin, 1000) or mid, mid, scale_sold=sold, scale_bought=bought)
    if terms.customer == 0 or max(terms.customer.numerator, terms.customer.denominator) >= 2**64:
        return
    exact = paid * mid * Fraction(10**bought, 10**sold)
    if exact >= 2**63:
        return
    done = convert(paid, terms)
    assert done.received + done.spread + done.residue == exact
    assert 0 <= done.residue < 1
    assert done.spread >= 0


@given(paid=AMOUNTS, mid=RATES)
def test_there_and_back_never_gains(paid, mid):
    assume(paid * mid < 2**63)
    there = convert(paid, quote(mid))
    if not there.received:
        return
    back = convert(there.received, quote(1 / mid, sold="EUR", bought="USD"))
    assert back.received <= paid


@given(amounts=st.lists(AMOUNTS, max_size=20), mid=RATES)
def test_whole_units_of_the_residues_leave_the_pool_at_the_end_of_the_day(amounts, mid):
    assume(max(amounts, default=0) * mid < 2**63)
    residues, exact, given_out, moved = Residues(), Fraction(), 0, 0
    for number, paid in enumerate(amounts):
        done = convert(paid, quote(mid))
        residues = residues.after(done)
        exact += paid * mid
        given_out += done.received + done.spread
        if number % 7 == 6:
            residues, whole = residues.end_of_day()
            moved += whole
    residues, whole = residues.end_of_day()
    assert given_out + moved + whole + residues.left == exact
    assert 0 <= residues.left < 1


def test_a_quote_is_used_once_and_not_after_its_expiry():
    offered = quote("0.85")
    used = offered.use("c-1", offered.expires_ns)
    assert used.use("c-1", offered.expires_ns + 10**12) == used, "the same conversion again is a repeat"
    for state, now, code in (
        (used, NOW, "fx.quote.used"),
        (offered, offered.expires_ns + 1, "fx.quote.expired"),
    ):
        with pytest.raises(Conflict) as caught:
            state.use("c-2", now)
        assert caught.value.code == code
        assert caught.value.field == "quote_id"
    assert offered.used_by == ""


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (lambda: convert(0, quote("0.85")), "amount"),
        (lambda: convert(-1, quote("0.85")), "amount"),
        (lambda: convert(2**63, quote("0.85")), "amount"),
        (lambda: convert(2**62, quote("3")), "amount"),
        (lambda: convert(1, quote("0.86", "0.85")), "customer"),
        (lambda: convert(1, quote("0")), "customer"),
        (lambda: convert(1, quote("-1")), "customer"),
        (lambda: convert(1, quote(Fraction(1, 2**64))), "customer"),
        (lambda: convert(1, quote("1", Fraction(2**64))), "mid"),
        (lambda: convert(1, quote("1", sold="EUR")), "bought"),
        (lambda: rate("0", "rate"), "rate"),
        (lambda: rate("-0.5", "rate"), "rate"),
        (lambda: rate("1e3", "rate"), "rate"),
        (lambda: rate("NaN", "rate"), "rate"),
    ],
)
def test_what_is_no_amount_and_no_rate_is_refused_by_name(wrong, field):
    with pytest.raises(InvalidCommand) as caught:
        wrong()
    assert caught.value.field == field


def test_a_rate_is_read_exactly():
    assert rate("0.8500", "rate") == Fraction(17, 20)
