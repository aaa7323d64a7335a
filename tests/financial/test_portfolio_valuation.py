"""What an account is worth, against the definition in exact rationals.

Goal: nothing is counted twice, nothing left out, nothing rounded before the end; the examples of the behaviour page come out.
Method: worked examples; random accounts in four currencies with deposits, several instruments of one asset, margined and
fully paid contracts, valued again from the definition with `Fraction` (20,000 accounts, a million under `make fuzz`).
"""

import os
import random
import threading
from fractions import Fraction

import msgspec
import pytest

from quantumcore.contracts.errors import Internal, Unavailable
from quantumcore.contracts.portfolio import Line, Portfolio
from quantumcore.contracts.positions import PositionView
from quantumcore.contracts.reference import Currency
from quantumcore.services.portfolio.domain import Inputs, value
from quantumcore.services.portfolio.prices import Listed, Price
from tests.support.portfolios import (
    AAPL,
    BTC,
    CURRENCIES,
    ETH,
    EUR,
    GBP,
    JPY,
    LISTED,
    MARGINED,
    RATES,
    USD,
    balance,
    inputs,
    instrument,
    opinion,
    random_inputs,
    snapshot,
    text,
    view,
)

CASES = 125_000 if os.environ.get("QC_TEST_PROFILE") == "fuzz" else 2_500
TENTH = Listed([*LISTED.symbols.values(), instrument("TINY-USD", AAPL, USD, 9, tick_scale=4)], CURRENCIES)


def line(shown: Portfolio, symbol: str) -> Line:
    return next(one for one in shown.lines if one.symbol == symbol)


def law(shown: Portfolio) -> Fraction:
    """Return what cash, lines and holdings add up to."""
    parts = [shown.cash, *(one.value or "0" for one in shown.lines), *(one.value or "0" for one in shown.holdings)]
    return sum((Fraction(part) for part in parts), Fraction(0))


# ------------------------------------------------------------------------------------------------- examples


def test_two_buys_at_100_and_200_average_150() -> None:
    shown = value(inputs(balances=[balance("AAPL", "200")], positions=[view("AAPL", "200", "30000", "200.00")]))
    one = line(shown, "AAPL")
    assert (one.average_cost, one.current_price, one.market_value) == ("150.00000000", "200.00", "40000.00")
    assert (one.unrealised, one.percent) == ("10000.00000000", "33.33333333")


def test_a_short_of_100_at_150_has_made_5_000_at_100() -> None:
    shown = value(inputs(balances=[balance("AAPL", "-100")], positions=[view("AAPL", "-100", "-15000", "100.00")]))
    one = line(shown, "AAPL")
    assert (one.market_value, one.gross_value) == ("-10000.00", "10000.00")
    assert (one.unrealised, one.percent) == ("5000.00000000", "33.33333333")
    assert shown.total == "-10000.00"


def test_10_000_of_cash_and_15_000_of_shares_are_25_000() -> None:
    given = [balance("USD", "10000.00"), balance("AAPL", "100")]
    shown = value(inputs(balances=given, positions=[view("AAPL", "100", "14000", "150.00")]))
    assert (shown.cash, shown.assets, shown.total) == ("10000.00", "15000.00", "25000.00")


def test_a_million_at_a_hundredth_of_a_cent_is_a_hundred() -> None:
    given = inputs(
        balances=[balance("AAPL", "1000000")], positions=[view("TINY-USD", "1000000", "50", "0.0001")], listed=TENTH
    )
    shown = value(given)
    assert (shown.total, line(shown, "TINY-USD").market_value) == ("100.00", "100.00")


def test_cash_may_be_negative() -> None:
    assert value(inputs(balances=[balance("USD", "-250.75")])).total == "-250.75"


def test_a_flat_symbol_stays_with_nothing() -> None:
    """Also without a price: nothing of anything is worth nothing."""
    flat = [view("AAPL", "0", "0", "150.00"), view("BTC-USD", "0", "0", None)]
    shown = value(inputs(positions=flat))
    for symbol in ("AAPL", "BTC-USD"):
        one = line(shown, symbol)
        assert (one.quantity, one.market_value, one.unrealised, one.percent) == (
            "0",
            "0.00",
            "0.00000000",
            "0.00000000",
        )
        assert (one.average_cost, one.value) == (None, "0.00")
    assert (shown.total, shown.complete) == ("0.00", True)


def test_the_percentage_of_something_that_cost_nothing_is_nothing() -> None:
    shown = value(inputs(balances=[balance("AAPL", "10")], positions=[view("AAPL", "10", "0", "5.00")]))
    assert (line(shown, "AAPL").unrealised, line(shown, "AAPL").percent) == ("50.00000000", "0.00000000")


def test_a_percentage_that_rounds_to_nothing_has_no_sign() -> None:
    tiny = msgspec.structs.replace(view("AAPL", "10", "10000000000", "5.00"), unrealised="-0.00000001")
    shown = value(inputs(balances=[balance("AAPL", "10")], positions=[tiny]))
    assert line(shown, "AAPL").percent == "0.00000000"


def test_a_line_is_shown_at_the_scales_of_its_currencies() -> None:
    """A flat line and one at a rate of 1, where both currencies have the same number: cents here, whole units there."""
    positions = [view("AAPL", "3", "3", "1.00"), view("BTC-USD", "0", "0", "5.00")]
    given = inputs(balances=[balance("AAPL", "3")], positions=positions, reporting=JPY, fx=snapshot(USD_JPY="1"))
    shown = value(given)
    assert [(one.market_value, one.value) for one in shown.lines] == [("3.00", "3"), ("0.00", "0")]


def test_lines_stand_in_the_order_of_the_positions_whatever_their_currencies_and_prices() -> None:
    positions = [
        view("ETH-BTC", "1.00000000", "0.1", "0.05000", currency="BTC"),
        view("AAPL", "1", "1", None),
        view("BTC-EUR", "1.00000000", "18000", "20000.00", currency="EUR"),
        view("BTC-USD", "1.00000000", "18000", "21000.00"),
    ]
    shown = value(inputs(positions=positions, fx=snapshot(EUR_USD="1.10")))
    assert [one.symbol for one in shown.lines] == ["ETH-BTC", "AAPL", "BTC-EUR", "BTC-USD"]
    assert [one.value is None for one in shown.lines] == [False, True, False, False]


def test_halves_are_rounded_to_even_once_at_the_end() -> None:
    """0.5 + 0.5 cents make a cent; each by itself would make none."""
    half = Listed([instrument("A", BTC, USD, tick_scale=3), instrument("B", ETH, USD, 2, tick_scale=3)], CURRENCIES)
    both = [balance("BTC", "1.00000000"), balance("ETH", "1.00000000")]
    positions = [view("A", "1.00000000", "0", "0.005"), view("B", "1.00000000", "0", "0.005")]
    shown = value(inputs(balances=both, positions=positions, listed=half))
    assert [one.market_value for one in shown.lines] == ["0.00", "0.00"]
    assert shown.total == "0.01"


# --------------------------------------------------------------------------------- nothing counts twice


def test_a_spot_position_explains_its_balance_and_adds_nothing_to_it() -> None:
    held = inputs(
        balances=[balance("BTC", "2.00000000")], positions=[view("BTC-USD", "2.00000000", "30000", "20000.00")]
    )
    shown = value(held)
    assert (shown.total, shown.holdings) == ("40000.00", [])


def test_a_deposit_beyond_the_position_is_a_holding_of_unknown_cost() -> None:
    held = inputs(
        balances=[balance("BTC", "3.00000000")], positions=[view("BTC-USD", "2.00000000", "30000", "20000.00")]
    )
    shown = value(held)
    (beyond,) = shown.holdings
    assert (beyond.currency, beyond.symbol, beyond.quantity, beyond.value) == (
        "BTC",
        "BTC-USD",
        "1.00000000",
        "20000.00",
    )
    assert shown.total == "60000.00"


def test_what_was_deposited_and_sold_is_a_short_and_a_holding_that_cancel() -> None:
    """One coin came in and was sold at 20,000: cash is all there is, whatever the coin costs now."""
    given = [balance("USD", "20000.00"), balance("BTC", "0.00000000")]
    for mark in ("1.00", "20000.00", "90000.00"):
        shown = value(inputs(balances=given, positions=[view("BTC-USD", "-1.00000000", "-20000", mark)]))
        assert shown.total == "20000.00"
        assert Fraction(line(shown, "BTC-USD").value or "") + Fraction(shown.holdings[0].value or "") == 0


def test_a_position_whose_balance_is_not_named_any_more_is_explained_all_the_same() -> None:
    shown = value(
        inputs(balances=[balance("USD", "20000.00")], positions=[view("BTC-USD", "-1.00000000", "-20000", "5.00")])
    )
    assert (shown.total, law(shown)) == ("20000.00", 20_000)


def test_a_fully_paid_future_counts_by_its_balance_and_a_margined_one_by_what_is_unrealised() -> None:
    """Ten points of a contract of 50: 500, and once, however the contract is paid."""
    position = view("ESH7", "1", "250000", "5010.00", multiplier="50")
    paid = value(inputs(balances=[balance("USD", "50000.00"), balance("ESH7", "1")], positions=[position]))
    assert (paid.total, paid.assets, paid.unsettled) == ("300500.00", "250500.00", "0.00")
    margined = value(inputs(balances=[balance("USD", "300000.00")], positions=[position], listed=MARGINED))
    assert (margined.total, margined.assets, margined.unsettled) == ("300500.00", "0.00", "500.00")


def test_an_inverse_contract_counts_with_what_is_unrealised_in_its_coin() -> None:
    """1,000 at 5,000, now 6,250: 0.2 - 0.16 coins, each worth 6,250."""
    one = view("BTC-USD", "1000.00000000", "0.20000000", "6250.00", contract="inverse", currency="BTC")
    one = msgspec.structs.replace(one, value="0.16000000", unrealised="0.04000000")
    shown = value(inputs(balances=[balance("BTC", "1.00000000")], positions=[one]))
    assert (shown.assets, shown.unsettled, shown.total) == ("6250.00", "250.00", "6500.00")
    assert shown.holdings[0].quantity == "1.00000000"


def test_in_the_currency_that_it_trades_a_position_adds_nothing_to_the_balance() -> None:
    """A coin is worth a coin; what the market pays for it in dollars does not change that."""
    given = inputs(
        balances=[balance("BTC", "2.00000000"), balance("USD", "1000.00")],
        positions=[view("BTC-USD", "2.00000000", "30000", "20000.00")],
        reporting=BTC,
        fx=snapshot(BTC_USD="25000"),
    )
    shown = value(given)
    assert (shown.total, line(shown, "BTC-USD").value) == ("2.04000000", "0.00000000")


def test_two_instruments_of_one_coin_leave_it_one_price() -> None:
    """The balance counts at the price in the reporting currency; the other line shows its own market."""
    given = inputs(
        balances=[balance("BTC", "2.00000000")],
        positions=[
            view("BTC-EUR", "1.00000000", "18000", "20000.00", currency="EUR"),
            view("BTC-USD", "1.00000000", "18000", "21000.00"),
        ],
        fx=snapshot(EUR_USD="1.10"),
    )
    shown = value(given)
    assert (shown.total, line(shown, "BTC-EUR").market_value, line(shown, "BTC-EUR").value) == (
        "42000.00",
        "20000.00",
        "21000.00",
    )


def test_a_coin_priced_in_a_coin_is_worth_what_that_one_is_worth() -> None:
    given = inputs(
        balances=[balance("ETH", "10.00000000"), balance("BTC", "1.00000000")],
        positions=[view("ETH-BTC", "10.00000000", "0.4", "0.05000", currency="BTC")],
        last={"BTC-USD": Price("20000.00", "trade", 3, False)},
    )
    shown = value(given)
    assert shown.total == "30000.00"
    assert line(shown, "ETH-BTC").value == "10000.00"


def test_coins_that_price_only_each_other_have_no_price() -> None:
    """Neither order of asking finds one, nor an endless way."""
    round_about = Listed([instrument("BTC-ETH", BTC, ETH), instrument("ETH-BTC", ETH, BTC, 2)], CURRENCIES)
    last = {"BTC-ETH": Price("20", "trade", 1, False), "ETH-BTC": Price("0.05", "trade", 1, False)}
    for given in (["BTC", "ETH"], ["ETH", "BTC"]):
        balances = [balance(code, "1.00000000") for code in given]
        shown = value(inputs(balances=balances, listed=round_about, last=last))
        assert (shown.unpriced, shown.complete, shown.total) == (["BTC", "ETH"], False, "0.00")


def chain(length: int) -> Inputs:
    """Return an account with one of an asset that is priced in the next, and so on, until one that is priced in dollars."""
    coins = [Currency(100 + n, f"C{n}", 8) for n in range(length)]
    quotes = [*coins[1:], USD]
    listed = Listed(
        [instrument(f"{c.code}-{q.code}", c, q, n) for n, (c, q) in enumerate(zip(coins, quotes, strict=True))],
        [USD, *coins],
    )
    last = {symbol: Price("2", "trade", 1, False) for symbol in listed.symbols}
    return inputs(balances=[balance("C0", "1.00000000")], listed=listed, last=last)


def test_what_is_priced_in_what_is_priced_is_worth_the_product_up_to_a_limit() -> None:
    assert [value(chain(length)).total for length in (1, 3, 8)] == ["2.00", "8.00", "256.00"]
    assert value(chain(9)).unpriced == ["C0"]


@pytest.mark.hazard("D7")
def test_a_hundred_thousand_lines_and_assets_priced_in_assets_without_end_need_no_deep_stack() -> None:
    """In a thread of 256 KiB; 2,000 assets each priced in the next end at the limit, not at Python's."""
    outcome: list[object] = []

    def work() -> None:
        try:
            many = inputs(positions=[view("AAPL", "1", "1", "2.00")] * 100_000, balances=[balance("AAPL", "100000")])
            outcome.append(value(many).total)
            outcome.append(value(chain(2_000)).unpriced)
        except RecursionError as error:
            outcome.append(error)

    before = threading.stack_size(256 << 10)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert outcome == ["200000.00", ["C0"]]


# -------------------------------------------------------------------------------------- prices and rates


def test_a_missing_rate_is_an_error_that_names_the_pair_and_never_one() -> None:
    with pytest.raises(Unavailable) as caught:
        value(inputs(balances=[balance("EUR", "1.00")], fx=snapshot(GBP_USD="1.25")))
    assert (caught.value.code, caught.value.actual) == ("fx.rate_missing", "EUR/USD")
    with pytest.raises(Unavailable, match="no snapshot was ever published"):
        value(inputs(balances=[balance("EUR", "1.00")]))


AMOUNTS = ["quantity", "cost", "mark", "realised", "unrealised", "multiplier", "fees", "funding", "dividends"]


@pytest.mark.parametrize("field", AMOUNTS)
def test_what_is_no_number_is_an_error_that_names_the_symbol(field: str) -> None:
    wrong = msgspec.structs.replace(view("BTC-USD", "1", "1", "5.00"), **{field: "1,5"})
    with pytest.raises(Internal) as caught:
        value(inputs(positions=[view("AAPL", "1", "1", "2.00"), wrong, view("ESH7", "1", "1", "2.00")]))
    assert (caught.value.code, caught.value.context["symbol"]) == ("internal", "BTC-USD")


def test_an_amount_of_more_digits_than_are_shown_is_an_error_and_not_another_amount() -> None:
    huge = view("AAPL", "9" * 60, "1", "9" * 30)
    with pytest.raises(Internal):
        value(inputs(balances=[balance("AAPL", "1")], positions=[huge]))


def test_a_currency_of_which_there_is_nothing_needs_no_rate() -> None:
    assert value(inputs(balances=[balance("EUR", "0.00"), balance("USD", "5.00")])).total == "5.00"


def test_a_stale_snapshot_is_named_with_the_pair_that_wanted_it() -> None:
    old = inputs(balances=[balance("EUR", "1.00")], fx=snapshot(EUR_USD="1.10"), fx_stale="3 days old")
    with pytest.raises(Unavailable, match="EUR/USD of snapshot fx-1 is 3 days old") as caught:
        value(old)
    assert caught.value.code == "fx.rate_stale"
    assert value(msgspec.structs.replace(old, balances=[balance("USD", "1.00")])).total == "1.00"


def test_what_never_had_a_price_is_named_and_not_in_the_total() -> None:
    """Its quantity is shown; a value nobody knows is not made up."""
    shown = value(inputs(balances=[balance("USD", "10.00"), balance("AAPL", "5")]))
    assert (shown.total, shown.unpriced, shown.complete) == ("10.00", ["AAPL"], False)
    assert (shown.holdings[0].quantity, shown.holdings[0].value) == ("5", None)


def test_a_position_that_never_had_a_price_shows_what_it_has_brought() -> None:
    position = view("AAPL", "5", "100", None, funding="-0.25000000", dividends="1.50000000")
    shown = value(inputs(balances=[balance("AAPL", "5")], positions=[position]))
    assert (line(shown, "AAPL").funding, line(shown, "AAPL").value, shown.unpriced) == ("1.25000000", None, ["AAPL"])


def test_a_stale_mark_is_used_and_shown_as_stale() -> None:
    position = view("AAPL", "10", "100", "12.00", stale=True)
    shown = value(inputs(balances=[balance("AAPL", "10")], positions=[position]))
    assert (shown.stale, line(shown, "AAPL").stale, shown.total) == (["AAPL"], True, "120.00")


def test_a_stale_price_of_a_holding_is_shown_as_stale() -> None:
    shown = value(inputs(balances=[balance("AAPL", "10")], last={"AAPL": Price("12.00", "trade", 9, True)}))
    assert (shown.stale, shown.holdings[0].stale, shown.total) == (["AAPL"], True, "120.00")


def test_weights_are_shares_of_the_gross_value() -> None:
    given = inputs(
        balances=[balance("USD", "999.00"), balance("AAPL", "-30"), balance("BTC", "1.00000000")],
        positions=[view("AAPL", "-30", "0", "1.00"), view("BTC-USD", "1.00000000", "0", "10.00")],
    )
    shown = value(given)
    assert [one.weight for one in shown.lines] == ["0.75000000", "0.25000000"]
    assert shown.concentration.gross_value == "40.00"
    assert (shown.concentration.herfindahl, shown.concentration.effective) == ("0.62500000", "1.60000000")
    assert shown.concentration.top == [("AAPL", "0.75000000"), ("BTC-USD", "0.25000000")]
    assert shown.concentration.top_share == "1.00000000"


def test_nothing_at_all_is_worth_nothing_in_every_currency() -> None:
    for reporting, zero in ((USD, "0.00"), (EUR, "0.00"), (GBP, "0.00"), (JPY, "0")):
        shown = value(inputs(reporting=reporting))
        assert (shown.total, shown.concentration.herfindahl, shown.pnl.total) == (zero, "0.00000000", "0.00000000")


# ------------------------------------------------------------------------------------------------ at random


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(8))
def test_a_random_account_is_worth_what_the_definition_says(part: int, seed: int) -> None:
    rng = random.Random(seed)
    for case in range(CASES):
        given = random_inputs(rng)
        shown, expected = value(given), opinion(given)
        places = given.reporting.scale
        told = {"total": shown.total, "cash": shown.cash, "assets": shown.assets, "unsettled": shown.unsettled}
        exact = {name: text(getattr(expected, name), places) for name in told}
        assert told == exact, (seed, case)
        # Each part is rounded once, so that it is off by half a unit at most.
        parts = 1 + len(shown.lines) + len(shown.holdings)
        assert abs(law(shown) - expected.total) <= Fraction(parts, 2 * 10**places), (seed, case)


def paid(rng: random.Random, position: PositionView) -> PositionView:
    """Return a position that has brought funding, dividends, both or neither."""
    most = rng.choice((1, 10**6, 10**28))
    funding, dividends = (text(Fraction(rng.randrange(-most, most) * rng.randrange(2), 10**8), 8) for _ in range(2))
    return msgspec.structs.replace(position, funding=funding, dividends=dividends)


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(2))
def test_a_random_line_shows_what_exact_rationals_say(part: int, seed: int) -> None:
    """Market value, gross value, percentage and income of every line; the parts of the P&L add up to its total."""
    rng, incomes = random.Random(seed), random.Random(seed + 1)
    for case in range(CASES // 5):
        given = random_inputs(rng)
        given = msgspec.structs.replace(given, positions=[paid(incomes, one) for one in given.positions])
        shown = value(given)
        for one, position in zip(shown.lines, given.positions, strict=True):
            market = Fraction(position.quantity) * Fraction(position.mark or 0) * Fraction(position.multiplier)
            places = next(c.scale for c in CURRENCIES if c.code == position.currency)
            assert one.market_value == text(market, places), (seed, case)
            assert one.gross_value == text(abs(market), places), (seed, case)
            cost, change = Fraction(position.cost), Fraction(position.unrealised or 0)
            assert one.percent == text(change / abs(cost) * 100 if cost else Fraction(0), 8), (seed, case)
            assert one.funding == text(Fraction(position.funding) + Fraction(position.dividends), 8), (seed, case)
        if all(one.currency == given.reporting.code for one in given.positions):
            brought = sum((Fraction(one.funding) for one in shown.lines), Fraction(0))
            assert shown.pnl.funding == text(brought, 8), (seed, case)
        pnl = {name: Fraction(getattr(shown.pnl, name)) for name in shown.pnl.__struct_fields__}
        total = (
            pnl["realised"]
            + pnl["unrealised"]
            + pnl["fx_realised"]
            + pnl["fx_unrealised"]
            - pnl["fees"]
            + pnl["funding"]
        )
        assert abs(pnl["total"] - total) <= Fraction(4, 10**8), (seed, case)


@pytest.mark.fuzz
def test_a_line_at_any_rate_of_64_bits_is_rounded_as_exact_rationals_are(seed: int) -> None:
    """Also where the exact result is a tie, or as near to one as such a rate allows."""
    rng = random.Random(seed)
    near = 0
    for case in range(CASES // 5):
        over, under = rng.randrange(1, 2**64), rng.choice((1, 2, 8, 400, 2**64 - 59, rng.randrange(1, 2**64)))
        quantity = rng.randrange(1, 10 ** rng.randrange(2, 18))
        if rng.random() < 0.5:  # so that quantity × over / under is half a unit, or a hair beside it
            over = max(1, (under * (2 * rng.randrange(10**3) + 1) // 2 + rng.randrange(-1, 2)) // quantity)
        rate = Fraction(over, under)
        held = view("AAPL", str(quantity), "0.00000000", "0.01")
        fx = snapshot(USD_EUR=f"{rate.numerator}/{rate.denominator}")
        shown = value(inputs(balances=[balance("AAPL", str(quantity))], positions=[held], reporting=EUR, fx=fx))
        exact = Fraction(quantity, 100) * rate
        assert line(shown, "AAPL").value == text(exact, 2), (seed, case)
        near += (exact * 200) % 2 == 1
    assert near > CASES // 500  # ties there were


@pytest.mark.fuzz
def test_a_round_trip_through_another_currency_never_gains(seed: int) -> None:
    """What is worth x in A is worth at most x in A again after its value in B was paid out in whole units of B."""
    from quantumcore.services.portfolio.fx import convert

    rng = random.Random(seed)
    fx = snapshot(**RATES)
    for _ in range(CASES):
        a, b = rng.sample([USD, EUR, GBP, JPY], 2)
        minor = rng.randrange(10 ** rng.randrange(1, 16))
        there = convert(minor, a.scale, fx.needed(a.code, b.code), b.scale)
        back = convert(there.minor, b.scale, fx.needed(b.code, a.code), a.scale)
        assert back.minor <= minor
        assert 0 <= there.residue < 1
        assert (there.minor + there.residue) / 10**b.scale == Fraction(minor, 10**a.scale) * fx.needed(a.code, b.code)
