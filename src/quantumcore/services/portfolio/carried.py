"""What a position in a foreign currency cost and made at the rates of its days. Pure; integers at 10^-18.

The positions room knows cost and results in the currency of settlement. This follows how they change and puts each change
into the reporting currency at the rate of the moment:

    opened or increased   cost grows by the increase at the rate of now
    decreased             the part that leaves is relieved in proportion; what the rates made of it is realised
    crossing zero         both, one after the other
    realised, fees, funding   their change at the rate of now

Changes are seen as often as the positions room tells them. Several fills of one instrument between two looks count as one
at one rate: how a result splits into price and rates may then differ by a fill's share, their sum never does.
"""

from fractions import Fraction

from msgspec import Struct

from quantumcore.contracts.errors import Internal
from quantumcore.contracts.positions import PositionView
from quantumcore.contracts.values import half_even
from quantumcore.services.portfolio.exact import SHOWN, ZERO, eight, number, shown

SCALE = 18
TO_SCALE = 10 ** (SCALE - SHOWN)


class Carried(Struct, frozen=True, kw_only=True, gc=False):
    """One position as it was last seen, and what of it stands in the reporting currency. All at 10^-18 but `quantity`.

    Attributes:
        quantity: As text, signed.
        cost, realised, fees, funding: In the currency of settlement.
        base_*: The same at the rates of their days, in the reporting currency.
        fx_realised: What rates made of the cost of what was closed.
        sequence: Of the position, so that nothing counts twice.
    """

    quantity: str
    cost: int
    realised: int
    fees: int
    funding: int
    base_cost: int
    base_realised: int
    base_fees: int
    base_funding: int
    fx_realised: int = 0
    sequence: int


class Seen(Struct, frozen=True, gc=False):
    """A position's amounts at 10^-18."""

    quantity: tuple[int, int]
    cost: int
    realised: int
    fees: int
    funding: int


def income(view: PositionView) -> str:
    """Return what holding a position has brought less what it has cost: funding, with borrow fees, and dividends.

    Raises:
        Internal: One of both has not 8 places, or is no decimal; the symbol is named.
    """
    if view.dividends == ZERO:
        return view.funding
    try:
        return shown(eight(view.funding) + eight(view.dividends), SHOWN)
    except Internal as error:
        error.context.setdefault("symbol", view.symbol)
        raise


def seen(view: PositionView) -> Seen:
    """Return the amounts of a view."""
    amounts = (eight(text) * TO_SCALE for text in (view.cost, view.realised, view.fees, income(view)))
    return Seen(number(view.quantity), *amounts)


def begin(view: PositionView, rate: Fraction) -> Carried:
    """Return what is carried of a position seen for the first time: all of it at the rate of now, so that FX begins at nothing."""
    now = seen(view)
    return Carried(
        quantity=view.quantity,
        cost=now.cost,
        realised=now.realised,
        fees=now.fees,
        funding=now.funding,
        base_cost=_at(now.cost, rate),
        base_realised=_at(now.realised, rate),
        base_fees=_at(now.fees, rate),
        base_funding=_at(now.funding, rate),
        sequence=view.sequence,
    )


def carry(before: Carried, view: PositionView, rate: Fraction) -> Carried:
    """Return what is carried after `view`; the same when that was seen before, however often it is told."""
    if view.sequence <= before.sequence:
        return before
    now = seen(view)
    base_cost, fx = _cost(before, now, rate)
    return Carried(
        quantity=view.quantity,
        cost=now.cost,
        realised=now.realised,
        fees=now.fees,
        funding=now.funding,
        base_cost=base_cost,
        base_realised=before.base_realised + _at(now.realised - before.realised, rate),
        base_fees=before.base_fees + _at(now.fees - before.fees, rate),
        base_funding=before.base_funding + _at(now.funding - before.funding, rate),
        fx_realised=before.fx_realised + fx,
        sequence=view.sequence,
    )


def after(before: Carried | None, view: PositionView, rate: Fraction) -> Carried:
    """Return what is carried after `view`, whether or not the position was seen before."""
    return begin(view, rate) if before is None else carry(before, view, rate)


def _cost(before: Carried, now: Seen, rate: Fraction) -> tuple[int, int]:
    """Return (cost in the reporting currency, what rates made of the cost that left)."""
    was, then = _units(number(before.quantity), now.quantity)
    if was * then > 0 and abs(then) >= abs(was):  # nothing left
        return before.base_cost + _at(now.cost - before.cost, rate), 0
    if was * then > 0:  # a part left
        kept = half_even(before.base_cost * abs(then), abs(was))
        left = half_even(before.cost * abs(was - then), abs(was))
        rest = now.cost - (before.cost - left)  # not 0 where more was bought as well, or by a rounding
        return kept + _at(rest, rate), _at(left, rate) - (before.base_cost - kept)
    # All that was there left, if there was anything; what is there now is new.
    return _at(now.cost, rate), _at(before.cost, rate) - before.base_cost


def _units(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """Return two decimals as integers of one scale."""
    places = max(one[1], other[1])
    return one[0] * 10 ** (places - one[1]), other[0] * 10 ** (places - other[1])


def _at(amount: int, rate: Fraction) -> int:
    return half_even(amount * rate.numerator, rate.denominator)
