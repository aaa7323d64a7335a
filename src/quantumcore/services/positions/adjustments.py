"""What an action does to a position (money.md 5.3): it is split, paid for, carried into another one, or closes like a fill. Pure.

After each: realised + unrealised = cash + quantity × value at mark, where the cash of an action is what a part of a lot was
worth, or the cost that was carried along. Dividends, funding and fees have lines of their own and are no result.
"""

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.contracts.values import half_even
from quantumcore.services.positions.domain import (
    CLOSING,
    Cause,
    Change,
    Fill,
    Kind,
    Position,
    Terms,
    filled,
)
from quantumcore.services.positions.lots import Loss, Lot, Method, Rescaled, in_order, join, rescale, rescaled_price
from quantumcore.services.positions.pnl import Contract, bounded, toward_zero

RATE_ONE = 10**8
NOTHING_LEFT = (0, 1)
RATIOS = (Cause.SPLIT, Cause.STOCK_DIVIDEND, Cause.CONVERSION, Cause.ADJUSTMENT)
INCOME = (Cause.CASH_DIVIDEND, Cause.FUNDING, Cause.BORROW_FEE)
ACTION_FILL = 2**31
"""Lots that an action opens are named by its sequence and this plus the index of its event: no trade has so many fills."""


class Action(Struct, frozen=True, kw_only=True, gc=False):
    """What an action is to one position.

    Attributes:
        ratio: Lots got for a lot held; of a spin-off, for the parent, the part of its cost that goes along.
        price: Ticks of what is got. income: 10^-18, of a dividend, funding or fee.
        leg: 0: the instrument that the action names, 1: its target.
    """

    cause: Cause
    ratio: tuple[int, int] = (1, 1)
    price: int = 0
    income: int = 0
    sequence: int = 0
    index: int = 0
    leg: int = 0
    time_ns: int = 0


class Carried(Struct, frozen=True, gc=False):
    """What goes from one position into another.

    Attributes:
        lots: In lots and ticks of where they go.
        value: 10^-18 that was paid for it: its cost, less what a part of a lot was paid in cash.
        relieved: The cost of that part.
        method, wash_sales: Of where they come from: how a flat position goes on.
    """

    lots: tuple[Lot, ...]
    value: int
    relieved: int
    method: Method
    wash_sales: bool


def after_ratio(was: Position, action: Action, contract: Contract) -> tuple[Position, Change]:
    """Return the position after a split: other lots at the same cost, less what a part of a lot was sold for.

    Raises:
        InvalidCommand: `position.overflow`.
    """
    over, under = action.ratio
    made = rescale(was.open_lots, action.ratio, (under, over))
    value = _paid_for_rest(was, made, under, action.price, contract)
    realised = contract.gain * (-value - made.relieved)
    size = sum(lot.quantity for lot in made.lots)
    after = replace(
        was,
        quantity=size,
        cost=made.cost,
        realised=bounded(was.realised + realised),
        cycles=was.cycles + (size == 0),
        opened_price=rescaled_price(was.opened_price, (under, over)),
        lots=() if was.method is Method.AVERAGE else made.lots,
        losses=_scaled(was.losses, action.ratio),
    )
    return _noted(was, after, action, value=value, realised=realised, relieved=made.relieved)


def _paid_for_rest(was: Position, made: Rescaled, under: int, price: int, contract: Contract) -> int:
    """Return what was paid, so of a long < 0, for what is less than a lot."""
    rest = -made.rest if was.quantity > 0 else made.rest
    return bounded(contract.part_worth(rest, under, price))


def _scaled(losses: tuple[Loss, ...], ratio: tuple[int, int]) -> tuple[Loss, ...]:
    scaled = [replace(loss, quantity=toward_zero(loss.quantity * ratio[0], ratio[1])) for loss in losses]
    return tuple(loss for loss in scaled if loss.quantity)


def after_income(was: Position, action: Action) -> tuple[Position, Change]:
    """Return the position after a dividend, funding or fee: on a line of its own."""
    if action.cause is Cause.CASH_DIVIDEND:
        after = replace(was, dividends=bounded(was.dividends + action.income))
    else:
        after = replace(was, funding=bounded(was.funding + action.income))
    return _noted(was, after, action)


def after_closing(
    was: Position, action: Action, quantity: int, contract: Contract, terms: Terms
) -> tuple[Position, list[Change]]:
    """Return the position after `quantity` lots more at the action's price, like a fill: a settlement, or an exercise.

    Raises:
        InvalidCommand: `position.overflow`.
    """
    fill = Fill(
        quantity=quantity,
        price=action.price,
        sequence=action.sequence,
        index=action.index,
        leg=action.leg,
        fill=ACTION_FILL + action.index,
        time_ns=action.time_ns,
    )
    value = bounded(contract.part_worth(quantity, 1, action.price))
    return filled(was, fill, value, contract, terms, action.cause)


# ---------------------------------------------------------------------------------------- from one into another


def carry_all(was: Position, action: Action, contract: Contract, target: Contract) -> tuple[Position, Change, Carried]:
    """Return the position after all of it has gone into another, at its cost; and what has."""
    return *give_all(was, action), _carried(was, was.open_lots, action, contract, target)


def give_all(was: Position, action: Action) -> tuple[Position, Change]:
    """Return the position after all of it has gone, at its cost; its record says so by the ratio NOTHING_LEFT."""
    after = replace(was, quantity=0, cost=0, cycles=was.cycles + 1, lots=(), losses=())
    return _noted(was, after, replace(action, ratio=NOTHING_LEFT), value=-was.cost)


def carry_cost(
    was: Position, action: Action, rate: int, contract: Contract, target: Contract
) -> tuple[Position, Change, Carried]:
    """Return the position after a part of its cost, `rate` of 10^-8, has gone to what was spun off; and what has."""
    after, change, gone = give_cost(was, replace(action, ratio=(rate, RATE_ONE)))
    return after, change, _carried(was, gone, action, contract, target)


def give_cost(was: Position, action: Action) -> tuple[Position, Change, tuple[Lot, ...]]:
    """Return the position after `action.ratio` of the cost of each lot has gone, and the lots at what has; the remainder stays."""
    over, under = action.ratio
    gone = tuple(replace(lot, cost=half_even(lot.cost * over, under)) for lot in was.open_lots)
    kept = tuple(replace(lot, cost=lot.cost - part.cost) for lot, part in zip(was.open_lots, gone, strict=True))
    moved = sum(part.cost for part in gone)
    after = replace(was, cost=was.cost - moved, lots=() if was.method is Method.AVERAGE else kept)
    return *_noted(was, after, action, value=-moved), gone


def _carried(was: Position, lots: tuple[Lot, ...], action: Action, contract: Contract, target: Contract) -> Carried:
    over, under = action.ratio
    prices = (
        contract.numerator * target.denominator * under,
        contract.denominator * target.numerator * over,
    )
    made = rescale(lots, action.ratio, prices)
    cash = _paid_for_rest(was, made, under, action.price, target)
    return Carried(made.lots, made.cost + made.relieved + cash, made.relieved, was.method, was.wash_sales)


def after_carried(was: Position, action: Action, carried: Carried, contract: Contract) -> tuple[Position, Change]:
    """Return the position after lots have come from another one, with their costs and their holding periods.

    A flat position goes on as that one counted. An opposite one is closed at what the lots cost; what is left over of them is
    one lot.

    Raises:
        InvalidCommand: `position.overflow`.
    """
    cost = sum(lot.cost for lot in carried.lots)
    paid_for_rest = carried.value - cost - carried.relieved
    after = _joined(was, action, carried, cost, contract)
    realised = contract.gain * (-paid_for_rest - carried.relieved)
    after = replace(after, realised=bounded(after.realised + realised))
    return _noted(
        was,
        after,
        action,
        value=carried.value,
        realised=after.realised - was.realised,
        relieved=carried.relieved,
        carried=carried.lots,
    )


def _joined(was: Position, action: Action, carried: Carried, cost: int, contract: Contract) -> Position:
    if not carried.lots:
        return was
    quantity = sum(lot.quantity for lot in carried.lots)
    if was.quantity and (was.quantity > 0) != (quantity > 0):
        fill = Fill(
            quantity=quantity,
            price=action.price,
            sequence=action.sequence,
            index=action.index,
            leg=action.leg,
            fill=ACTION_FILL + action.index,
            time_ns=action.time_ns,
        )
        terms = Terms(was.method, wash_sales=False)
        closed, _ = filled(replace(was, wash_sales=False), fill, cost, contract, terms)
        return replace(closed, wash_sales=was.wash_sales)
    first = carried.lots[0]
    fresh = was.quantity == 0
    method = carried.method if fresh else was.method
    lots, numbers = was.lots, was.numbers
    if method is not Method.AVERAGE:
        for lot in carried.lots:
            lots = join(lots, replace(lot, number=numbers))
            numbers += 1
    return replace(
        was,
        quantity=was.quantity + quantity,
        cost=bounded(was.cost + cost),
        method=method,
        wash_sales=carried.wash_sales if fresh else was.wash_sales,
        opened=(first.sequence, first.fill) if fresh else was.opened,
        opened_ns=first.held_ns if fresh else was.opened_ns,
        opened_price=first.price if fresh else was.opened_price,
        lots=in_order(lots),
        numbers=numbers,
    )


def _noted(
    was: Position,
    after: Position,
    action: Action,
    *,
    value: int = 0,
    realised: int = 0,
    relieved: int = 0,
    carried: tuple[Lot, ...] = (),
) -> tuple[Position, Change]:
    """Return the position with the action's name on it, and the record of the change."""
    part = 2 * action.leg + CLOSING
    after = replace(
        after,
        version=was.version + 1,
        sequence=action.sequence,
        index=action.index,
        part=part,
        decreased=was.decreased if action.cause in INCOME else action.sequence,
        born=was.born or action.sequence,
    )
    change = Change(
        Kind.ADJUSTED,
        after.quantity - was.quantity,
        action.price,
        value,
        realised,
        0,
        after.quantity,
        after.cost,
        after.realised,
        after.cycles,
        after.version,
        action.time_ns,
        action.sequence,
        action.index,
        part,
        0,
        0,
        action.cause,
        after.method,
        after.wash_sales,
        (),
        action.ratio,
        action.income,
        relieved,
        carried,
    )
    return after, change
