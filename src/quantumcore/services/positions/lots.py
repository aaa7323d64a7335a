"""Tax lots (money.md 2.6): what each opening fill brought, and which of it a closing fill takes. Pure.

Laws: the quantities of the lots sum to the position's, their costs to its cost. FIFO, LIFO and HIFO take what beancount's
booking takes: HIFO the dearest price first, on either side of the market, the older of two equal ones. A chosen lot is taken
before all others, which follow first in, first out.

A wash sale: lots closed at a loss, while the same instrument was bought (of a short: sold) within 30 days before or after.
The loss is then no loss yet: it is added to the cost of the replacement, whose holding period begins as much earlier as the
closed lot was held. The closed lot's own rest replaces nothing, and nothing replaces twice.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.values import I64_MAX, half_even

WASH_DAYS = 30
MAX_LOTS = 10_000
"""Of one position; a fill beyond it joins the youngest lot, whose cost and quantity then say both."""
MAX_LOSSES = 1_000
"""Losses that wait for a replacement; the oldest is let go as a plain loss."""

FillId = tuple[int, int]
"""(sequence, fill) of a trade."""


class Method(IntEnum):
    """Which lots a closing fill takes; the number is stored, the name is shown."""

    AVERAGE = 1
    FIFO = 2
    LIFO = 3
    HIFO = 4
    SPECIFIC = 5

    @property
    def text(self) -> str:
        """The name as it is shown."""
        return self.name.lower()


METHODS = {method.text: method for method in Method}


class Lot(Struct, frozen=True, array_like=True, gc=False):
    """What is left of one opening fill.

    Attributes:
        number: Names it within its position; first in, first out is by opening fill, then by number.
        quantity: Signed lots; never 0.
        cost: 10^-18 of the settlement currency, signed as the quantity is at a price over zero.
        price: Of the opening fill, in ticks.
        sequence, fill: The opening fill.
        traded_ns: Its trade date.
        held_ns: Start of the holding period.
        method: Under which method it was opened.
        washed: A disallowed loss is in its cost.
    """

    number: int
    quantity: int
    cost: int
    price: int
    sequence: int
    fill: int
    traded_ns: int
    held_ns: int
    method: int
    washed: bool = False


class Loss(Struct, frozen=True, array_like=True, gc=False):
    """A loss that a purchase within 30 days would wash.

    Attributes:
        quantity: Signed lots that were closed and have no replacement yet.
        amount: The loss on them, > 0.
        closed_ns: When.
        held_ns: How long they were held.
    """

    quantity: int
    amount: int
    closed_ns: int
    held_ns: int


class Taken(NamedTuple):
    """What a closing fill took of one lot."""

    lot: Lot
    quantity: int
    cost: int


class Relief(NamedTuple):
    """What closing leaves: the lots that stay, in order, and what was taken."""

    lots: tuple[Lot, ...]
    taken: list[Taken]
    cost: int


def relieve(lots: tuple[Lot, ...], quantity: int, method: Method, chosen: Sequence[FillId] = ()) -> Relief:
    """Take `quantity` lots (> 0) out of `lots`, all of one sign, in the order that `method` says.

    A part of a lot relieves half-even(cost × part / quantity); the remainder of its cost stays with it.

    Raises:
        Corrupted: There are not so many.
    """
    taken: list[Taken] = []
    left: dict[int, Lot | None] = {}
    total, missing = 0, quantity
    for lot in _order(lots, method, chosen):
        size = abs(lot.quantity)
        part = min(size, missing)
        signed = part if lot.quantity > 0 else -part
        cost = lot.cost if part == size else half_even(lot.cost * part, size)
        taken.append(Taken(lot, signed, cost))
        left[lot.number] = None if part == size else replace(lot, quantity=lot.quantity - signed, cost=lot.cost - cost)
        total += cost
        missing -= part
        if not missing:
            break
    if missing:
        raise Corrupted("position.impossible", f"the lots are {missing} fewer than what is closed")
    kept = [left.get(lot.number, lot) for lot in lots]
    return Relief(tuple(lot for lot in kept if lot is not None), taken, total)


def _order(lots: tuple[Lot, ...], method: Method, chosen: Sequence[FillId]) -> Sequence[Lot]:
    match method:
        case Method.LIFO:
            return lots[::-1]
        case Method.HIFO:
            return sorted(lots, key=lambda lot: -lot.price)
        case _ if chosen:
            wanted = {fill: at for at, fill in enumerate(chosen)}
            last = len(wanted)
            return sorted(lots, key=lambda lot: wanted.get((lot.sequence, lot.fill), last))
        case _:
            return lots


def join(lots: tuple[Lot, ...], lot: Lot) -> tuple[Lot, ...]:
    """Return `lots` with one more, or at MAX_LOTS with the youngest grown by it."""
    if len(lots) < MAX_LOTS:
        return (*lots, lot)
    youngest = lots[-1]
    return (*lots[:-1], replace(youngest, quantity=youngest.quantity + lot.quantity, cost=youngest.cost + lot.cost))


class Rescaled(NamedTuple):
    """What a ratio makes of lots.

    Attributes:
        lots: Those that are left, in order, with all of the cost but what was relieved.
        rest: What is less than a lot, in so many-th parts of one as the ratio's denominator says; > 0 also of a short.
        relieved: The cost of that.
    """

    lots: tuple[Lot, ...]
    rest: int
    relieved: int

    @property
    def cost(self) -> int:
        """Of the lots that are left."""
        return sum(lot.cost for lot in self.lots)


def rescale(lots: Sequence[Lot], ratio: tuple[int, int], prices: tuple[int, int]) -> Rescaled:
    """Multiply the quantities of `lots`, all of one sign, by `ratio`, and their prices by `prices`; costs stay.

    The quantities are those of the running sum, cut: so they sum to the position's. A lot that has become nothing joins the
    next younger one. What is over of the whole is less than a lot, and a part of the youngest, whose cost is relieved in proportion.
    """
    over, under = ratio
    found: list[Lot] = []
    passed = taken = joining = 0
    for lot in lots:
        passed += abs(lot.quantity) * over
        size = passed // under - taken
        joining += lot.cost
        if size:
            price = rescaled_price(lot.price, prices)
            found.append(replace(lot, quantity=size if lot.quantity > 0 else -size, cost=joining, price=price))
            taken, joining = taken + size, 0
    rest = passed - taken * under
    if not found:
        return Rescaled((), rest, joining)
    youngest = found[-1]
    cost = youngest.cost + joining
    relieved = half_even(cost * rest, abs(youngest.quantity) * under + rest)
    found[-1] = replace(youngest, cost=cost - relieved)
    return Rescaled(tuple(found), rest, relieved)


def rescaled_price(price: int, by: tuple[int, int]) -> int:
    """Return a price in ticks times a fraction, half-even; what no instrument's price could be stays at 63 bits.

    It orders lots and is shown; costs do not depend on it.
    """
    scaled = half_even(price * by[0], by[1])
    return max(-I64_MAX, min(scaled, I64_MAX))


def in_order(lots: Sequence[Lot]) -> tuple[Lot, ...]:
    """Return `lots` first in, first out, as they are read from the table."""
    return tuple(sorted(lots, key=lambda lot: (lot.sequence, lot.fill, lot.number)))


# --------------------------------------------------------------------------------------------- wash sales


class Washed(NamedTuple):
    """What a wash leaves: the lots, the losses that still wait, the loss that is disallowed, the next lot's number."""

    lots: tuple[Lot, ...]
    losses: tuple[Loss, ...]
    disallowed: int
    number: int


def wash_closing(
    lots: tuple[Lot, ...],
    losses: tuple[Loss, ...],
    taken: Sequence[tuple[Taken, int]],
    *,
    at_ns: int,
    gain: int,
    number: int,
) -> Washed:
    """Wash what was closed at a loss with lots bought up to 30 days before; what finds none waits for 30 days.

    Args:
        taken: What was closed, each with its result (negative: a loss).
        gain: 1, or -1 where cost counts the other way (an inverse contract).
    """
    disallowed = 0
    for one, result in taken:
        if result >= 0:
            continue
        loss = Loss(one.quantity, -result, at_ns, max(0, at_ns - one.lot.held_ns))
        changed: list[Lot] = []
        for lot in lots:
            fits = not lot.washed and (lot.sequence, lot.fill) != (one.lot.sequence, one.lot.fill)
            if loss.quantity and fits and _near(lot.traded_ns, at_ns):
                parts, rest, amount, number = _replace_by(lot, loss, gain, number)
                assert rest is not None
                loss = rest
                disallowed += amount
                changed += parts
            else:
                changed.append(lot)
        lots = tuple(changed)
        if loss.quantity:
            losses = (*losses, loss)[-MAX_LOSSES:]
    return Washed(lots, losses, disallowed, number)


def wash_opening(lot: Lot, losses: tuple[Loss, ...], *, gain: int, number: int) -> Washed:
    """Wash losses of the last 30 days with a new lot."""
    waiting = [loss for loss in losses if _near(loss.closed_ns, lot.traded_ns)]
    washed: list[Lot] = []
    rest: Lot | None = lot
    kept: list[Loss] = []
    disallowed = 0
    for loss in waiting:
        if rest is None or (rest.quantity > 0) != (loss.quantity > 0):
            kept.append(loss)
            continue
        parts, left, amount, number = _replace_by(rest, loss, gain, number)
        disallowed += amount
        washed += [part for part in parts if part.washed]
        rest = next((part for part in parts if not part.washed), None)
        if left.quantity:
            kept.append(left)
    lots = (*washed, rest) if rest is not None else tuple(washed)
    return Washed(lots, tuple(kept), disallowed, number)


def _near(one_ns: int, other_ns: int) -> bool:
    return abs(one_ns // DAY_NS - other_ns // DAY_NS) <= WASH_DAYS


def _replace_by(lot: Lot, loss: Loss, gain: int, number: int) -> tuple[list[Lot], Loss, int, int]:
    """Return (the lot in a washed part and the rest, what is left of the loss, the amount disallowed, the next number)."""
    size, lost = abs(lot.quantity), abs(loss.quantity)
    part = min(size, lost)
    signed = part if lot.quantity > 0 else -part
    amount = loss.amount if part == lost else half_even(loss.amount * part, lost)
    cost = lot.cost if part == size else half_even(lot.cost * part, size)
    first = replace(lot, quantity=signed, cost=cost + gain * amount, held_ns=lot.held_ns - loss.held_ns, washed=True)
    parts = [first]
    if part < size:
        parts.append(replace(lot, number=number, quantity=lot.quantity - signed, cost=lot.cost - cost))
        number += 1
    left = replace(loss, quantity=loss.quantity - signed, amount=loss.amount - amount)
    return parts, left, amount, number
