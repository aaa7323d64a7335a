"""What an account is exposed to: gross and net, by symbol, sector and currency. Pure; exact decimals."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.figures.basis import WIDE, Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """A position; `value` is signed and in the reporting currency, exactly; `sector` is empty where none is set."""

    symbol: str
    sector: str
    currency: str
    value: Decimal | Fraction


@dataclass(frozen=True, slots=True)
class Sum:
    """Gross: sum of sizes. Net: the size of the sum is that of what is not offset; signed."""

    gross: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """In the reporting currency; each sum is of the exact values and rounded once, half-even.

    Attributes:
        largest: Share of the gross exposure of the largest symbol, by gross; 0 of a flat account.
    """

    basis: Basis
    total: Sum
    by_symbol: dict[str, Sum]
    by_sector: dict[str, Sum]
    by_currency: dict[str, Sum]
    largest: Decimal


def exposure(positions: Sequence[Valued], basis: Basis, *, places: int = 2) -> Exposure:
    """Return the exposure of positions; several of one symbol offset within its net, not within its gross.

    Raises:
        InvalidCommand: `risk.not_finite`.
    """
    exact = [(one, _exact(one)) for one in positions]
    gross = sum((abs(value) for _, value in exact), Fraction(0))
    symbols: defaultdict[str, Fraction] = defaultdict(Fraction)
    for one, value in exact:
        symbols[one.symbol] += abs(value)
    return Exposure(
        basis=basis,
        total=_sum([value for _, value in exact], places),
        by_symbol=_by(exact, lambda one: one.symbol, places),
        by_sector=_by(exact, lambda one: one.sector, places),
        by_currency=_by(exact, lambda one: one.currency, places),
        largest=rounded(Fraction(max(symbols.values()), gross) if gross else Fraction(0), 8),
    )


def rounded(value: Fraction, places: int) -> Decimal:
    """Return `value` with `places` decimals, half-even."""
    return Decimal(round(value * 10**places)).scaleb(-places, context=WIDE)


def _by(exact: Sequence[tuple[Valued, Fraction]], key: Callable[[Valued], str], places: int) -> dict[str, Sum]:
    grouped: defaultdict[str, list[Fraction]] = defaultdict(list)
    for one, value in exact:
        grouped[key(one)].append(value)
    return {name: _sum(values, places) for name, values in sorted(grouped.items())}


def _sum(values: Sequence[Fraction], places: int) -> Sum:
    return Sum(rounded(sum(map(abs, values), Fraction(0)), places), rounded(sum(values, Fraction(0)), places))


def _exact(one: Valued) -> Fraction:
    if isinstance(one.value, Decimal) and not one.value.is_finite():
        raise InvalidCommand(
            "risk.not_finite", f"the value of {one.symbol} is no number", field=one.symbol, actual=str(one.value)
        )
    return Fraction(one.value)
