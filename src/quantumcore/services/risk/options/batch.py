"""Many options at once, each answered by itself: text in, text out. Pure."""

from decimal import Decimal
from fractions import Fraction

from quantumcore.contracts.errors import QuantumCoreError, invalid
from quantumcore.contracts.greeks import Expired, MissingMarketData, NegativeTimeToExpiry
from quantumcore.contracts.risk import GetGreeks, OptionAnswer, OptionAnswers, OptionError, OptionInput
from quantumcore.contracts.values import Scaled, parse_time
from quantumcore.services.risk.options.greeks import MIN_DAYS, greeks_of, implied_volatility
from quantumcore.services.risk.options.terms import YEAR_NS, OptionTerms

TYPES = {"call": True, "put": False}
STYLES = {"american": True, "european": False}


def answers(asked: GetGreeks) -> OptionAnswers:
    """Return an answer, or an error, for each option."""
    return OptionAnswers([_answer(one, asked.now_ns, asked.days_per_year) for one in asked.contracts])


def _answer(given: OptionInput, now_ns: int, days_per_year: int) -> OptionAnswer:
    try:
        return _greeks(given, now_ns, days_per_year)
    except QuantumCoreError as error:
        told = OptionError(error.code, error.detail, error.field, error.limit, error.actual)
        return OptionAnswer(error=told)


def _greeks(given: OptionInput, now_ns: int, days_per_year: int) -> OptionAnswer:
    terms = OptionTerms(
        call=_choice(given.type, "type", TYPES),
        american=_choice(given.style, "style", STYLES),
        spot=_decimal(given.underlying_price, "underlying_price"),
        strike=_decimal(given.strike, "strike"),
        years=_years(given, now_ns),
        rate=_decimal(given.rate, "rate"),
        dividend_yield=_decimal(given.dividend_yield, "dividend_yield"),
    )
    volatility, implied = None, None
    if given.volatility is not None:
        volatility = _decimal(given.volatility, "volatility")
    elif given.option_price is not None and Fraction(terms.years) * 365 >= Fraction(MIN_DAYS):
        implied = implied_volatility(terms, _decimal(given.option_price, "option_price")).volatility
    elif given.option_price is None:
        raise MissingMarketData("volatility")
    found = greeks_of(terms, implied if volatility is None else volatility, days_per_year=days_per_year)
    return OptionAnswer(
        price=f"{found.price:f}",
        delta=f"{found.delta:f}",
        gamma=f"{found.gamma:f}",
        theta_per_day=f"{found.theta_per_day:f}",
        vega_per_1pct=f"{found.vega_per_1pct:f}",
        rho_per_1pct=f"{found.rho_per_1pct:f}",
        implied_volatility=None if implied is None else f"{implied:f}",
    )


def _years(given: OptionInput, now_ns: int) -> Decimal | Fraction:
    """Return the time to expiry, in years of 365 days.

    Raises:
        Expired, NegativeTimeToExpiry: There is none.
        InvalidCommand: Neither expiry nor years is given, or both.
    """
    if (given.expiry is None) == (given.years is None):
        raise invalid("range", "give expiry, or years", field="expiry")
    if given.years is not None:
        years = _decimal(given.years, "years")
        if years < 0:
            raise NegativeTimeToExpiry(f"{years * 365:f}")
        return years
    left = parse_time(given.expiry or "", "expiry") - now_ns
    if left <= 0:
        raise Expired
    return Fraction(left, YEAR_NS)


def _decimal(text: str, field: str) -> Decimal:
    given = Scaled.parse(text, field)
    return Decimal(given.mantissa).scaleb(-given.scale)


def _choice(text: str, field: str, choices: dict[str, bool]) -> bool:
    if text not in choices:
        raise invalid("range", f"{field} is one of {', '.join(choices)}", field=field, actual=text[:64])
    return choices[text]
