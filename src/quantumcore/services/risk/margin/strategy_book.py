"""Profile B of a whole account: all that it has and wants on one underlying, in one number before and after its orders. Pure; exact rationals.

Inside, amounts are integers at one scale of the account's own, so that nothing is rounded here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from quantumcore.services.risk.margin.partition import least_cost
from quantumcore.services.risk.margin.strategies import PERCENT, Cost, Right, Rules, Sized, sized_at


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionLine:
    """A position in one option, with its working orders.

    Attributes:
        lots: Signed. buys, sells: Working, >= 0. number: Tells it from others alike.
        premium: The mark of one unit of the underlying, >= 0. strike: > 0. multiplier: Units in a lot, > 0.
        expiry: A day.
    """

    right: Right
    lots: int
    premium: Fraction
    strike: Fraction
    expiry: int
    multiplier: Fraction
    buys: int = 0
    sells: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLine:
    """The underlying itself: lots, what works, and `units` of one lot, > 0."""

    lots: int
    units: Fraction
    buys: int = 0
    sells: int = 0


def account_requirement(
    options: Sequence[OptionLine], shares: ShareLine | None, spot: Fraction, rules: Rules
) -> tuple[Fraction, Fraction]:
    """Return (initial, maintenance) of all on one underlying, premiums apart, in units of the currency.

    Maintenance is of positions. Initial takes shares as the dearer of (position + all buys) and (position - all sells), and what works to sell
    beyond the lots that are held as naked options alone; options to buy need nothing beside their premium.

    Args:
        spot: The price of the underlying, > 0.
    """
    prices = lcm(spot.denominator, *(one.premium.denominator * one.strike.denominator for one in options))
    amounts = lcm(*(one.multiplier.denominator for one in options), shares.units.denominator if shares else 1)

    def sized(one: OptionLine, quantity: int) -> Sized:
        return sized_at(
            one.right,
            quantity,
            int(one.multiplier * amounts),
            int(one.premium * prices),
            int(one.strike * prices),
            one.expiry,
            int(spot * prices),
            rules,
        )

    ordered = sorted(options, key=lambda one: (one.expiry, one.strike, one.right, one.number))
    legs = [sized(one, one.lots) for one in ordered if one.lots]
    naked = sum(sized(one, -1).naked * max(0, one.sells - max(0, one.lots)) for one in ordered)

    def cost(lots: int) -> Cost:
        if not (shares and lots):
            return least_cost(legs, rules)
        stock = sized_at(
            Right.STOCK, lots * int(shares.units * amounts), 1, int(spot * prices), 0, 0, int(spot * prices), rules
        )
        return least_cost([stock, *legs], rules)

    held, bought, sold = (shares.lots, shares.buys, shares.sells) if shares else (0, 0, 0)
    costs = {lots: cost(lots) for lots in {held, held + bought, held - sold}}
    initial = max(costs[held + bought].initial, costs[held - sold].initial) + naked
    scale = prices * amounts * PERCENT
    return Fraction(initial, scale), Fraction(costs[held].maintenance, scale)
