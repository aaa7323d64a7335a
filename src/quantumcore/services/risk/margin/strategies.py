"""Profile B: the rules of Regulation T and of the option exchanges, by strategy. Pure; integers inside, decimals outside.

What one group of legs needs is said here; which legs form a group, in `pairing`. Amounts inside are integers at
10^-(places + 2), so that a percentage of a price is one too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import product
from typing import NamedTuple

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.margin.amounts import mantissa

PLACES = 12
"""Decimals of a price or a strike, at most."""
PERCENT = 100


class Right(StrEnum):
    """What a leg is: shares, or the right to buy or to sell them."""

    STOCK = "stock"
    CALL = "call"
    PUT = "put"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg of a package on one underlying.

    Attributes:
        quantity: Contracts, or shares; signed, never 0.
        price: Premium of one unit, or the price of a share; >= 0.
        strike: > 0; 0 for shares. expiry: Any number that grows with time, equal for equal days; 0 for shares.
        multiplier: Units of a contract; 1 for shares.
    """

    right: Right
    quantity: int
    price: Decimal
    strike: Decimal = Decimal(0)
    expiry: int = 0
    multiplier: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Percentages; those of Regulation T and of broad exchange rules by default.

    Attributes:
        option: Of the underlying's price, less what the option is out of the money. least: Of the underlying's price
            (calls) or the strike (puts).
        initial: Of stock, long and short (over the proceeds). long, short: Of stock, maintenance.
    """

    option: int = 20
    least: int = 10
    initial: int = 50
    long: int = 25
    short: int = 30


@dataclass(frozen=True, slots=True)
class Sized:
    """A leg in integers: prices at 10^-PLACES, `units` = quantity × multiplier, amounts at 10^-PLACES / 100."""

    right: Right
    quantity: int
    multiplier: int
    price: int
    strike: int
    expiry: int
    naked: int
    """Of one short contract, its premium included."""

    @property
    def units(self) -> int:
        """Shares that the leg stands for, signed."""
        return self.quantity * self.multiplier

    @property
    def premium(self) -> int:
        """What one contract costs."""
        return self.price * self.multiplier * PERCENT

    def intrinsic(self, spot: int) -> int:
        """Return what one unit is worth at expiry, at 10^-PLACES."""
        return max(0, spot - self.strike) if self.right is Right.CALL else max(0, self.strike - spot)


def sized(leg: Leg, underlying: Decimal, rules: Rules, at: int) -> Sized:
    """Return leg `at` of a package in integers.

    Raises:
        InvalidCommand: `risk.package.bad` with its field; `risk.not_finite`, `request.invalid.places`.
    """
    field = f"legs[{at}]"
    price, strike = mantissa(leg.price, PLACES, f"{field}.price"), mantissa(leg.strike, PLACES, f"{field}.strike")
    spot = mantissa(underlying, PLACES, "underlying")
    for name, bad in (
        ("quantity", leg.quantity == 0),
        ("price", price < 0),
        ("multiplier", leg.multiplier <= 0),
        ("strike", (strike <= 0) is (leg.right is not Right.STOCK)),
    ):
        if bad:
            actual = str(getattr(leg, name))
            raise InvalidCommand("risk.package.bad", f"{field}.{name}", field=f"{field}.{name}", actual=actual)
    return sized_at(leg.right, leg.quantity, leg.multiplier, price, strike, leg.expiry, spot, rules)


def sized_at(
    right: Right, quantity: int, multiplier: int, price: int, strike: int, expiry: int, spot: int, rules: Rules
) -> Sized:
    """Return a leg whose `price` and `strike` are integers of any one scale, as `spot`, the price of the underlying, is."""
    naked = 0
    if right is not Right.STOCK:
        out = max(0, strike - spot) if right is Right.CALL else max(0, spot - strike)
        base = spot if right is Right.CALL else strike
        naked = (price * PERCENT + max(rules.option * spot - out * PERCENT, rules.least * base)) * multiplier
    return Sized(right, quantity, multiplier, price, strike, expiry, naked)


class Cost(NamedTuple):
    """What legs need, premiums apart; `naked`: short contracts of them that nothing covers."""

    initial: int
    maintenance: int
    naked: int


def requirement(group: Sequence[Sized], rules: Rules) -> Cost | None:
    """Return what legs need that are margined together; None: they do not go together."""
    stock = [leg for leg in group if leg.right is Right.STOCK]
    options = [leg for leg in group if leg.right is not Right.STOCK]
    if stock:
        return _with_stock(stock, options, rules)
    if all(leg.quantity > 0 for leg in options):
        return Cost(0, 0, 0)
    if all(leg.quantity < 0 for leg in options):
        contracts = [-leg.quantity for leg in options]
        needed = naked(options, contracts)
        return Cost(needed, needed, sum(contracts))
    return _package(options)


def naked(legs: Sequence[Sized], contracts: Sequence[int]) -> int:
    """Return what short options need alone: the greater of calls and puts, and the premiums of the other side."""
    sides = []
    for right in (Right.CALL, Right.PUT):
        side = [(leg, count) for leg, count in zip(legs, contracts, strict=True) if leg.right is right]
        sides.append((sum(leg.naked * n for leg, n in side), sum(leg.premium * n for leg, n in side)))
    (calls, of_calls), (puts, of_puts) = sides
    if calls == puts:
        return calls + max(of_calls, of_puts)
    return calls + of_puts if calls > puts else puts + of_calls


def least_payoff(legs: Sequence[Sized], contracts: Sequence[int]) -> int | None:
    """Return the least payoff at expiry over every strike, 0 and infinity, premiums apart; None: it has no bound.

    Args:
        contracts: Signed, of each leg; what is left of it.
    """
    held = list(zip(legs, contracts, strict=True))
    if sum(count * leg.multiplier for leg, count in held if leg.right is Right.CALL) < 0:
        return None
    spots = {0, *(leg.strike for leg in legs)}
    return PERCENT * min(sum(leg.intrinsic(spot) * count * leg.multiplier for leg, count in held) for spot in spots)


def _with_stock(stock: Sequence[Sized], options: Sequence[Sized], rules: Rules) -> Cost | None:
    """Covered calls and protective puts, and their mirror images: the shares need their margin, what they cover nothing."""
    shares = sum(leg.quantity for leg in stock)
    sign = 1 if stock[0].quantity > 0 else -1
    if any(leg.quantity * sign < 0 for leg in stock):
        return None
    writes, protects = (Right.CALL, Right.PUT) if sign > 0 else (Right.PUT, Right.CALL)
    if any(leg.right is not (protects if leg.quantity > 0 else writes) for leg in options):
        return None
    uncovered, contracts, left = 0, 0, abs(shares)
    for leg in sorted((leg for leg in options if leg.quantity < 0), key=lambda leg: -leg.naked // leg.multiplier):
        covered = min(-leg.quantity, left // leg.multiplier)
        left -= covered * leg.multiplier
        contracts += -leg.quantity - covered
        uncovered += leg.naked * (-leg.quantity - covered)
    value = sum(abs(leg.quantity) * leg.price for leg in stock)
    maintenance = value * (rules.long if sign > 0 else rules.short)
    return Cost(value * rules.initial + uncovered, maintenance + uncovered, contracts)


def _package(options: Sequence[Sized]) -> Cost | None:
    """Long and short options together: the worst payoff, and the naked rule for short contracts that nothing long covers.

    A short leg is covered only by what expires with it or later, and short legs of one package expire together.
    """
    short_days = {leg.expiry for leg in options if leg.quantity < 0}
    if len(short_days) > 1 or min(leg.expiry for leg in options if leg.quantity > 0) < max(short_days):
        return None
    least = None
    for counts in _naked_counts(options):
        payoff = least_payoff(options, [leg.quantity + n for leg, n in zip(options, counts, strict=True)])
        if payoff is not None:
            needed = max(0, -payoff) + naked(options, counts)
            cost = Cost(needed, needed, sum(counts))
            least = cost if least is None or cost < least else least
    assert least is not None  # all of them naked has a bound
    return least


def _naked_counts(options: Sequence[Sized]) -> Iterator[tuple[int, ...]]:
    """Yield how many contracts of each leg are margined as naked: none, all, or those over the long ones of its kind."""
    choices = []
    for leg in options:
        long = sum(other.quantity for other in options if other.right is leg.right and other.quantity > 0)
        choices.append(sorted({0, -leg.quantity, max(0, -leg.quantity - long)}) if leg.quantity < 0 else [0])
    return product(*choices)
