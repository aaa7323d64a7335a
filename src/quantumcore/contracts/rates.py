"""Exchange rates that belong together must agree, whichever way one goes from currency to currency. Pure; exact rationals."""

from collections.abc import Iterable
from fractions import Fraction

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.values import show

BP = 10_000
_PLACES = 12

GivenPair = tuple[str, str, Fraction]
"""(base, quote, value): one `base` costs `value` of `quote`."""


def both_ways(rates: Iterable[GivenPair]) -> dict[str, dict[str, Fraction]]:
    """Return what one of each currency costs in each other, directly: a pair holds in both directions."""
    found: dict[str, dict[str, Fraction]] = {}
    for base, quote, value in rates:
        found.setdefault(base, {})[quote] = value
        found.setdefault(quote, {})[base] = Fraction(1, value)
    return found


def check_triangles(rates: Iterable[GivenPair], tolerance_bp: int) -> None:
    """See that every pair has one value, directly and over each currency in between, within the tolerance.

    So a rate that was not given does not depend on the way either. Cost: the sum of the squares of each currency's rates.

    Raises:
        InvalidCommand: `fx.triangle` names the pair that has two values.
    """
    ways = both_ways(rates)
    known: dict[tuple[str, str], tuple[Fraction, str]] = {}
    for base, direct in ways.items():
        for quote, value in direct.items():
            known[base, quote] = value, "given"
    for middle in sorted(ways):
        around = sorted(ways[middle])
        for at, base in enumerate(around):
            for quote in around[at + 1 :]:
                value = ways[base][middle] * ways[middle][quote]
                first = known.setdefault((base, quote), (value, f"over {middle}"))
                check_agree((base, quote), first, (value, f"over {middle}"), tolerance_bp)


def check_agree(
    pair: tuple[str, str], one: tuple[Fraction, str], other: tuple[Fraction, str], tolerance_bp: int
) -> None:
    """See that two values of a pair, each with where it comes from, are one within the tolerance.

    Raises:
        InvalidCommand: `fx.triangle`.
    """
    apart = max(Fraction(one[0], other[0]), Fraction(other[0], one[0])) - 1
    if apart * BP <= tolerance_bp:
        return
    name = "/".join(pair)
    values = " and ".join(f"{_shown(value, _PLACES)} {how}" for value, how in (one, other))
    distance = f"{_shown(apart * BP, 2)} bp"
    detail = f"{name} is {values}: {distance} apart"
    actual, limit = f"{name} {distance}", f"{tolerance_bp} bp"
    raise InvalidCommand("fx.triangle", detail, field="rates", limit=limit, actual=actual, context={"symbol": name})


def _shown(value: Fraction, places: int) -> str:
    return show(round(value * 10**places), places)  # a Fraction is rounded half-even, to an exact integer
