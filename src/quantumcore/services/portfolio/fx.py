"""Exchange rates of one moment: exact rationals that agree with each other, or nothing. Pure.

A pair is given in one direction and holds in both. A rate that was not given is that over one currency in between, the
first by code that has both; publishing has made sure that any other would give the same within the tolerance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from quantumcore.contracts.errors import Unavailable, check_count, invalid, naming
from quantumcore.contracts.portfolio import MAX_RATES, FxRate, GivenRate
from quantumcore.contracts.rates import both_ways, check_triangles
from quantumcore.contracts.values import is_symbol
from quantumcore.services.portfolio.exact import RATE_SHOWN, is_decimal, number, rounded

U64_MAX = 2**64 - 1
DIGITS_MAX = 20  # of a u64


class Rate(NamedTuple):
    """One `base` costs `value` of `quote`; numerator and denominator are u64, in lowest terms."""

    base: str
    quote: str
    value: Fraction

    def shown(self) -> FxRate:
        """Return it as others see it."""
        parts = str(self.value.numerator), str(self.value.denominator)
        return FxRate(self.base, self.quote, *parts, rounded(self.value, RATE_SHOWN))


@dataclass(frozen=True)
class Snapshot:
    """Rates that belong together; frozen, so that whoever holds it has one snapshot whatever is published meanwhile."""

    snapshot_id: str
    source: str
    time_ns: int
    rates: tuple[Rate, ...]

    def between(self, base: str, quote: str) -> Fraction | None:
        """Return what one `base` costs in `quote`; None when nothing leads there."""
        if base == quote:
            return Fraction(1)
        direct = self._from.get(base, {})
        if quote in direct:
            return direct[quote]
        onward = self._from.get(quote, {})
        for middle in sorted(direct.keys() & onward.keys()):
            return Fraction(direct[middle], onward[middle])
        return None

    def needed(self, base: str, quote: str) -> Fraction:
        """Return what one `base` costs in `quote`.

        Raises:
            Unavailable: `fx.rate_missing`; the pair is named.
        """
        found = self.between(base, quote)
        if found is None:
            raise missing(base, quote, self.snapshot_id)
        return found

    @cached_property
    def _from(self) -> Mapping[str, Mapping[str, Fraction]]:
        return both_ways(self.rates)


def missing(base: str, quote: str, snapshot_id: str) -> Unavailable:
    """Return the error that names a pair without rate."""
    where = f"snapshot {snapshot_id}" if snapshot_id else "no snapshot was ever published, so it"
    pair = f"{base}/{quote}"
    detail = f"{where} has no rate {pair}"
    return Unavailable("fx.rate_missing", detail, field="fx", actual=pair, retry_after=1, context={"symbol": pair})


def check_rates(given: Sequence[GivenRate], tolerance_bp: int) -> tuple[Rate, ...]:
    """Return the rates that were given, exact, if they are rates and agree with each other.

    Raises:
        InvalidCommand: The first that is wrong, by its field; `fx.triangle` names the pair that has two values.
    """
    check_count(len(given), MAX_RATES, "rates")
    rates: list[Rate] = []
    pairs: set[frozenset[str]] = set()
    for at, one in enumerate(given):
        with naming(f"rates[{at}]"):
            rate = _rate(one)
        pair = frozenset((rate.base, rate.quote))
        if pair in pairs:
            detail = f"the pair {rate.base}/{rate.quote} is given twice, perhaps the other way round"
            raise invalid("range", detail, field=f"rates[{at}]", actual=f"{rate.base}/{rate.quote}")
        pairs.add(pair)
        rates.append(rate)
    check_triangles(rates, tolerance_bp)
    return tuple(rates)


def _rate(given: GivenRate) -> Rate:
    for field, code in (("base", given.base), ("quote", given.quote)):
        if not is_symbol(code):
            raise invalid("id", f"{field} is no currency", field=field, actual=code[:24])
    if given.base == given.quote:
        raise invalid("range", "base and quote are the same", field="quote", actual=given.quote)
    return Rate(given.base, given.quote, _value(given))


def _value(given: GivenRate) -> Fraction:
    whole = given.numerator, given.denominator
    if (given.rate is None) == (whole == (None, None)):
        raise invalid("range", "give rate, or numerator and denominator", field="rate")
    if given.rate is not None:
        if not is_decimal(given.rate):
            raise invalid(
                "decimal", 'rate must be a decimal string such as "1.0825"', field="rate", actual=given.rate[:64]
            )
        mantissa, places = number(given.rate)
        value = Fraction(mantissa, 10**places)
    else:
        value = Fraction(_count(whole[0], "numerator"), _count(whole[1], "denominator"))
    if value <= 0:
        raise invalid("range", "a rate is over 0", field="rate", limit="0", actual=(given.rate or "0")[:64])
    if value.numerator > U64_MAX or value.denominator > U64_MAX:
        detail = "in lowest terms a rate is two integers of 64 bits"
        raise invalid("overflow", detail, field="rate", limit=str(U64_MAX), actual=str(value)[:64])
    return value


def _count(text: str | None, field: str) -> int:
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > DIGITS_MAX or int(text) == 0:
        raise invalid("range", f"{field} must be an integer over 0, as text", field=field, actual=(text or "")[:64])
    return int(text)


class Converted(NamedTuple):
    """What a customer receives, in minor units, and what was rounded off: 0 <= residue < 1 unit."""

    minor: int
    residue: Fraction


def convert(minor: int, scale: int, rate: Fraction, to_scale: int) -> Converted:
    """Return what `minor` units of a currency of `scale` give in one of `to_scale`: the customer receives the floor (money.md 1.5)."""
    exact = Fraction(minor) * rate * Fraction(10**to_scale, 10**scale)
    floor = exact.numerator // exact.denominator
    return Converted(floor, exact - floor)
