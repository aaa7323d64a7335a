"""Which legs of a package are margined together: of all ways to group them, the cheapest. Pure.

A package has at most four legs, so there are at most 15 ways, and all of them are tried.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.margin.amounts import ceiling, decimal, mantissa, money
from quantumcore.services.risk.margin.strategies import (
    PERCENT,
    PLACES,
    Cost,
    Leg,
    Right,
    Rules,
    Sized,
    least_payoff,
    requirement,
    sized,
)

MAX_LEGS = 4
RULES = Rules()


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageMargin:
    """What a package needs, at the currency's scale, each rounded up once.

    Attributes:
        required: Before premiums. maintenance: The same, with stock at its maintenance percentage.
        call: required + premiums paid - premiums received: the money that must be there. Stock is no premium: its
            `required` is the part of its price that is not borrowed.
        groups: Indices of the legs that are margined together. naked: Short contracts that none of them covers; without
            any, and without stock, `call` is at least `worst_loss`.
        worst_loss: Of the options, premiums included, over every strike, 0 and infinity; negative is a gain; null without
            a bound, and with stock.
    """

    required: Decimal
    maintenance: Decimal
    call: Decimal
    groups: tuple[tuple[int, ...], ...]
    naked: int
    worst_loss: Decimal | None


def margin(legs: Sequence[Leg], underlying: Decimal, *, places: int = 2, rules: Rules = RULES) -> PackageMargin:
    """Return the margin of a package of one to four legs on one underlying.

    Args:
        underlying: Its price, > 0. places: Of the currency.

    Raises:
        InvalidCommand: `risk.package.bad`: no legs, more than four, or a leg that cannot be; `risk.not_finite`,
            `request.invalid.places`; `order.amount.overflow`.
    """
    if not 1 <= len(legs) <= MAX_LEGS:
        detail = f"a package has 1 to {MAX_LEGS} legs"
        raise InvalidCommand("risk.package.bad", detail, field="legs", limit=str(MAX_LEGS), actual=str(len(legs)))
    if mantissa(underlying, PLACES, "underlying") <= 0:
        raise InvalidCommand("risk.package.bad", "underlying", field="underlying", actual=str(underlying))
    exact = [sized(leg, underlying, rules, at) for at, leg in enumerate(legs)]
    cost, groups = cheapest(exact, rules)
    paid = sum(leg.price * leg.units for leg in exact if leg.right is not Right.STOCK) * PERCENT
    payoff = None
    if all(leg.right is not Right.STOCK for leg in exact):
        payoff = least_payoff(exact, [leg.quantity for leg in exact])
    return PackageMargin(
        required=_shown(cost.initial, places),
        maintenance=_shown(cost.maintenance, places),
        call=_shown(cost.initial + paid, places),
        groups=groups,
        naked=cost.naked,
        worst_loss=None if payoff is None else _shown(paid - payoff, places),
    )


def cheapest(legs: Sequence[Sized], rules: Rules) -> tuple[Cost, tuple[tuple[int, ...], ...]]:
    """Return what the grouping with the least initial requirement needs, and its groups.

    Of equally cheap ones that counts in which the first leg has more of the next ones with it, then the second, and so on.
    """
    best: tuple[Cost, tuple[tuple[int, ...], ...]] | None = None
    for groups in partitions(len(legs)):
        costs = [requirement([legs[at] for at in group], rules) for group in groups]
        known = [cost for cost in costs if cost is not None]
        if len(known) < len(groups):
            continue
        total = Cost(*map(sum, zip(*known, strict=True)))
        if best is None or total.initial < best[0].initial:
            best = total, groups
    assert best is not None  # every leg may stand alone
    return best


def partitions(count: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield every way to group `count` legs, by leg index: all of them together first, each alone last."""
    yield from _extend((), 0, count)


def _extend(groups: tuple[tuple[int, ...], ...], at: int, count: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    if at == count:
        yield groups
        return
    for chosen in range(len(groups)):
        joined = (*groups[:chosen], (*groups[chosen], at), *groups[chosen + 1 :])
        yield from _extend(joined, at + 1, count)
    yield from _extend((*groups, (at,)), at + 1, count)


def _shown(amount: int, places: int) -> Decimal:
    units = ceiling(amount * 10**places, 10**PLACES * PERCENT)
    return decimal(money(units), places)
