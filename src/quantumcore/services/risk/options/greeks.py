"""Price, greeks and implied volatility of one option: Decimals in, Decimals out, rounded half-even to 8 places.

The kernel computes in float64 with a stated bound (docs/reference/options.md); each input is converted once, correctly
rounded, and no float leaves this file. `precise=True` computes the European formulas in 50 digits instead.
"""

from decimal import Decimal

from msgspec import Struct

from quantumcore.contracts.greeks import InvalidTerms, MissingMarketData
from quantumcore.core import _greeks
from quantumcore.services.risk.options.arrays import (
    ENGINES,
    EUROPEAN,
    ITERATIONS,
    METHODS,
    SEARCHES,
    TOLERANCE,
    check_american_search,
    number_of,
)
from quantumcore.services.risk.options.refusals import FOUND, implied_refusal, refusal
from quantumcore.services.risk.options.terms import OptionContract, OptionMarket, OptionTerms, terms_of

__all__ = [
    "ImpliedVolatility",
    "OptionContract",
    "OptionGreeks",
    "OptionMarket",
    "OptionTerms",
    "greeks",
    "greeks_of",
    "implied_volatility",
    "terms_of",
]

MIN_DAYS = Decimal("0.01")
DAYS_PER_YEAR = 365
_NOTHING = "-0.00000000"


class OptionGreeks(Struct, frozen=True, kw_only=True, gc=False):
    """One option of one unit of the underlying; every number rounded half-even to 8 places.

    Attributes:
        price: In the currency of spot and strike.
        theta_per_day: By the calendar that was asked for, 365 or 252 days a year.
        vega_per_1pct, rho_per_1pct: For a volatility, or a rate, that is one hundredth higher.
        volatility: What they are computed with: given, or implied by the option's price. None where it plays no part.
        engine: What has computed them: european, exact, fine, baw, bs93, lattice, certain (no volatility), or intrinsic
            (exercised now, or less time than `min_days`).
        escrowed: The spot was the market's less the present value of dividends.
    """

    price: Decimal
    delta: Decimal
    gamma: Decimal
    theta_per_day: Decimal
    vega_per_1pct: Decimal
    rho_per_1pct: Decimal
    volatility: Decimal | None
    engine: str
    escrowed: bool = False


class ImpliedVolatility(Struct, frozen=True, kw_only=True, gc=False):
    """A volatility, how many steps it took, and what the last bit of the price moves it by."""

    volatility: Decimal
    iterations: int
    bound: Decimal


def greeks(
    contract: OptionContract,
    market: OptionMarket,
    *,
    days_per_year: int = DAYS_PER_YEAR,
    method: str = "exact",
    search: str = "rational",
    min_days: Decimal = MIN_DAYS,
    precise: bool = False,
) -> OptionGreeks:
    """Return price and greeks of a contract by its market.

    Raises:
        GreeksRefused: As of `greeks_of`; or the contract has expired, or the market lacks a value.
    """
    terms = terms_of(contract, market)
    volatility = market.volatility
    if volatility is None and float(terms.years) * 365 >= min_days:
        if market.option_price is None:
            raise MissingMarketData("volatility")
        volatility = implied_volatility(terms, market.option_price, search=search).volatility
    return greeks_of(terms, volatility, days_per_year=days_per_year, method=method, min_days=min_days, precise=precise)


def greeks_of(
    terms: OptionTerms,
    volatility: Decimal | None,
    *,
    days_per_year: int = DAYS_PER_YEAR,
    method: str = "exact",
    min_days: Decimal = MIN_DAYS,
    precise: bool = False,
) -> OptionGreeks:
    """Return price and greeks of an option by its volatility; with less time than `min_days` no volatility is needed.

    Args:
        method: Of American options: exact, fine, baw (Barone-Adesi and Whaley), bs93 (Bjerksund and Stensland).
        precise: Compute in 50 digits; European options only.

    Raises:
        GreeksRefused: A value is not finite, outside its bounds or missing; nothing was computed.
    """
    chosen = number_of(METHODS, method, "method")
    if precise and terms.american:
        raise InvalidTerms("precise", "american", "european options")
    try:
        years = float(terms.years)
        least = float(min_days) / 365.0
        if volatility is None:
            if years >= least:
                raise MissingMarketData("volatility")
            sigma = 0.0
        else:
            sigma = float(volatility)
        spot, strike = float(terms.spot), float(terms.strike)
        rate, dividend_yield = float(terms.rate), float(terms.dividend_yield)
        if terms.american:
            six, engine = _greeks.american(
                terms.call, spot, strike, years, rate, dividend_yield, sigma, days_per_year, least, chosen
            )
        else:
            six = _greeks.european(terms.call, spot, strike, years, rate, dividend_yield, sigma, days_per_year, least)
            engine = EUROPEAN
    except (ValueError, OverflowError) as error:
        raise refusal(str(error), _given(terms, volatility=volatility, days_per_year=days_per_year)) from None
    if years < least:
        engine = ENGINES.index("intrinsic")
    if precise and years >= least and volatility is not None:
        from quantumcore.services.risk.options.precise import precise_greeks

        rounded = precise_greeks(terms, volatility, days_per_year)
    else:
        rounded = tuple(map(eight_places, six))
    price, delta, gamma, theta, vega, rho = rounded
    return OptionGreeks(
        price=price,
        delta=delta,
        gamma=gamma,
        theta_per_day=theta,
        vega_per_1pct=vega,
        rho_per_1pct=rho,
        volatility=volatility,
        engine=ENGINES[engine],
        escrowed=terms.escrowed,
    )


def implied_volatility(
    terms: OptionTerms,
    option_price: Decimal,
    *,
    search: str = "rational",
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
) -> ImpliedVolatility:
    """Return the volatility that a price implies.

    Args:
        search: rational (default), newton, bisection, brent. An American volatility has one way: Brent's search on the
            exact engine, from the European answer.
        iterations, tolerance: Of the methods of steps; the rational one takes at most three.

    Raises:
        PriceOutOfBounds: No volatility has this price.
        NotRecoverable: Its last bit moves the volatility by more than 1e-5: an answer would be a guess.
        IVConvergenceFailed: A method of steps did not end within its limit.
        GreeksRefused: Any other value is not finite or outside its bounds.
    """
    number = number_of(SEARCHES, search, "method")
    try:
        call, spot, strike, years = terms.call, float(terms.spot), float(terms.strike), float(terms.years)
        rate, dividend_yield, price = float(terms.rate), float(terms.dividend_yield), float(option_price)
        if terms.american:
            check_american_search(search)
            answer = _greeks.american_implied(
                call, spot, strike, years, rate, dividend_yield, price, iterations, tolerance
            )
        else:
            answer = _greeks.implied(
                call, spot, strike, years, rate, dividend_yield, price, number, iterations, tolerance
            )
    except (ValueError, OverflowError) as error:
        raise refusal(str(error), _given(terms, option_price=option_price)) from None
    if answer[0] != FOUND:
        raise implied_refusal(answer, option_price)
    return ImpliedVolatility(
        volatility=Decimal(f"{answer[1]:.12f}"), iterations=answer[2], bound=Decimal(f"{answer[3]:.3e}")
    )


def eight_places(value: float) -> Decimal:
    """Round a float half-even to 8 places, by its exact value; never a negative zero."""
    text = f"{value:.8f}"
    return Decimal(text[1:] if text == _NOTHING else text)


def _given(terms: OptionTerms, **more: object) -> dict[str, object]:
    return {
        "spot": terms.spot,
        "strike": terms.strike,
        "years": terms.years,
        "rate": terms.rate,
        "dividend_yield": terms.dividend_yield,
        **more,
    }
