"""Cost and results at the rates of their days.

Goal: whatever is bought, sold, turned round, at whatever rates: what a position has made in the reporting currency is what
its cash flows at the rates of their days and its value at the rate of today say; and nothing counts twice.
Method: worked examples; random lives of a position whose every flow is also added up in exact rationals.
"""

import random
from fractions import Fraction

from quantumcore.contracts.positions import PositionView
from quantumcore.services.portfolio.carried import SCALE, Carried, begin, carry, income
from quantumcore.services.portfolio.domain import value
from tests.support.portfolios import EUR, balance, inputs, snapshot, text, view

ONE = 10**SCALE


def at(quantity: int, cost: Fraction, realised: Fraction, sequence: int, fees: Fraction = Fraction(0)) -> PositionView:
    return view(
        "AAPL", str(quantity), text(cost, 8), "1.00", realised=text(realised, 8), fees=text(fees, 8), sequence=sequence
    )


def flat() -> Carried:
    return begin(at(0, Fraction(0), Fraction(0), 0), Fraction(1))


def test_what_a_position_has_brought_is_funding_and_dividends_to_the_last_digit() -> None:
    """Also of amounts of 128 bits, which have more digits than a decimal has unless it is told; both at the rate of the day."""
    most = "170141183460469231731.68730371"
    for funding, dividends, both in (
        ("-0.00000003", "0.00000000", "-0.00000003"),
        ("-0.00000003", "0.00000001", "-0.00000002"),
        (most, "0.00000001", "170141183460469231731.68730372"),
    ):
        paid = view("AAPL", "1", "10", "1.00", funding=funding, dividends=dividends, sequence=2)
        assert income(paid) == both
        known = carry(flat(), paid, Fraction(1, 2))
        assert known.funding == Fraction(both) * ONE
        assert known.base_funding == Fraction(both) * ONE / 2


def test_a_dollar_that_falls_takes_from_the_cost_and_that_is_no_result_of_the_price() -> None:
    """100 shares for 10,000 dollars at 0.90; they are worth 11,000 when a dollar is 0.80."""
    bought = carry(flat(), at(100, Fraction(10_000), Fraction(0), 1), Fraction(9, 10))
    assert (bought.base_cost, bought.fx_realised) == (9_000 * ONE, 0)
    position = view("AAPL", "100", "10000", "110.00")
    given = inputs(
        balances=[balance("AAPL", "100")],
        positions=[position],
        reporting=EUR,
        fx=snapshot(USD_EUR="0.80"),
        carried={"AAPL": bought},
    )
    shown = value(given)
    assert shown.total == "8800.00"
    assert (shown.pnl.unrealised, shown.pnl.fx_unrealised) == ("800.00000000", "-1000.00000000")
    assert (shown.pnl.total, shown.lines[0].fx_result) == ("-200.00000000", "-1000.00000000")


def test_what_is_sold_realises_its_price_at_the_days_rate_and_its_rates_on_the_cost() -> None:
    """Half of it is sold for 6,000 at 0.80: 1,000 x 0.80 by the price, 5,000 x (0.80 - 0.90) by the rates."""
    bought = carry(flat(), at(100, Fraction(10_000), Fraction(0), 1), Fraction(9, 10))
    sold = carry(bought, at(50, Fraction(5_000), Fraction(1_000), 2), Fraction(8, 10))
    assert (sold.base_realised, sold.fx_realised, sold.base_cost) == (800 * ONE, -500 * ONE, 4_500 * ONE)


def test_crossing_zero_realises_all_and_begins_at_the_days_rate() -> None:
    bought = carry(flat(), at(100, Fraction(10_000), Fraction(0), 1), Fraction(9, 10))
    turned = carry(bought, at(-50, Fraction(-6_000), Fraction(2_000), 2), Fraction(8, 10))
    assert (turned.base_realised, turned.fx_realised, turned.base_cost) == (1_600 * ONE, -1_000 * ONE, -4_800 * ONE)


def test_fees_count_at_the_rate_of_their_day() -> None:
    first = carry(flat(), at(1, Fraction(10), Fraction(0), 1, Fraction(2)), Fraction(9, 10))
    second = carry(first, at(2, Fraction(20), Fraction(0), 2, Fraction(5)), Fraction(1, 2))
    assert second.base_fees == (2 * ONE * 9) // 10 + (3 * ONE) // 2


def test_what_was_seen_before_changes_nothing() -> None:
    one = at(100, Fraction(10_000), Fraction(7), 5)
    bought = carry(flat(), one, Fraction(9, 10))
    assert carry(bought, one, Fraction(1, 2)) is bought
    assert carry(bought, at(50, Fraction(5_000), Fraction(0), 4), Fraction(1, 2)) is bought


def test_a_random_life_makes_what_its_flows_and_its_value_say(rng: random.Random) -> None:
    """realised + FX realised + what is open, at the rates of their days, is the sum of all flows at theirs."""
    for _ in range(400):
        carried, quantity, cost, realised, flows = flat(), 0, Fraction(0), Fraction(0), Fraction(0)
        steps = rng.randrange(1, 30)
        for step in range(steps):
            rate = Fraction(rng.randrange(5_000, 15_000), 10_000)
            change, price = rng.choice((-1, 1)) * rng.randrange(1, 500), Fraction(rng.randrange(1, 10_000), 100)
            flows -= change * price * rate
            closes = min(abs(change), abs(quantity)) if change * quantity < 0 else 0
            if closes:
                relieved = Fraction(round(cost * closes / abs(quantity) * 10**8), 10**8)
                realised += (closes * price if quantity > 0 else -closes * price) - relieved
                cost -= relieved
            opens = abs(change) - closes
            cost += (opens if change > 0 else -opens) * price
            quantity += change
            carried = carry(carried, at(quantity, cost, realised, step + 1), rate)
            assert (carried.base_cost == 0) == (quantity == 0)
        made = Fraction(carried.base_realised + carried.fx_realised - carried.base_cost, ONE)
        assert abs(made - flows) <= Fraction(8 * steps, 10**8)
