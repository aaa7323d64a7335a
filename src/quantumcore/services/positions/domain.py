"""A position, and what a fill does to it. Pure: no clock, no I/O, no await.

flat ──opened──▶ open ──increased | decreased──▶ open ──closed──▶ flat        crossing zero: closed, then opened, one version

Total cost is stored, an average never (money.md 5.1). A partial close relieves half-even(cost × closed / quantity); the
remainder stays. After every change: realised + unrealised = cash + quantity × value at mark, exactly, where cash is what was
received less what was paid (of an inverse contract both right-hand signs are turned).
"""

from collections.abc import Sequence
from enum import IntEnum

from msgspec import Struct

from quantumcore.contracts.values import half_even
from quantumcore.services.positions.lots import (
    FillId,
    Loss,
    Lot,
    Method,
    Taken,
    join,
    relieve,
    wash_closing,
    wash_opening,
)
from quantumcore.services.positions.pnl import Contract, bounded, toward_zero

CLOSING, OPENING = 0, 1
"""The part of a change: a fill that crosses zero has both."""


class Kind(IntEnum):
    """What happened to a position; the number is stored, the name is shown."""

    OPENED = 1
    INCREASED = 2
    DECREASED = 3
    CLOSED = 4
    PRICE_UPDATED = 5
    ADJUSTED = 6

    @property
    def text(self) -> str:
        """The name as it is shown."""
        return self.name.lower()


class Cause(IntEnum):
    """Why a position changed; 0 for what a fill did, 3 for what was taken over. Of an action it is 10 and the action's number."""

    NONE = 0
    UNDONE = 1
    REPRICED = 2
    TAKEN = 3
    SPLIT = 11
    STOCK_DIVIDEND = 12
    CASH_DIVIDEND = 13
    CONVERSION = 14
    SPIN_OFF = 15
    ADJUSTMENT = 16
    SETTLEMENT = 17
    EXERCISE = 18
    FUNDING = 19
    BORROW_FEE = 20


class Terms(Struct, frozen=True, array_like=True, gc=False):
    """What its owner chose for a position.

    Attributes:
        method: Takes effect when a flat position opens.
        wash_sales: Whether losses are washed (tax lots only; an average has none).
        chosen: Opening fills whose lots go first, in this order, if the method is `specific`.
    """

    method: Method = Method.AVERAGE
    wash_sales: bool = False
    chosen: tuple[FillId, ...] = ()


DEFAULT_TERMS = Terms()


class Fill(Struct, frozen=True, kw_only=True, gc=False):
    """One side of a trade.

    Attributes:
        quantity: Signed lots: bought > 0.
        price: Ticks.
        fee: Paid less rebates, in minor units of the settlement currency.
        sequence, index, leg: The event that told it, and which side of it (0 the maker's, 1 the taker's).
        fill: Its number within the sequence.
    """

    quantity: int
    price: int
    fee: int = 0
    sequence: int = 0
    index: int = 0
    leg: int = 0
    fill: int = 0
    time_ns: int = 0


class Change(Struct, frozen=True, array_like=True, gc=False):
    """One event of a position, whole: what was done, and what stood afterwards.

    Attributes:
        quantity: Signed lots; price in ticks; value = what they were worth, 10^-18, signed as what was paid.
        realised, fee: What this change added to both; fee in minor units.
        stands_*: Afterwards.
        sequence, index, part: Its id: the engine's event, and which side and part of it.
        trade, fill: The trade it comes from, or corrects.
        cause, method, wash_sales, chosen: What decided it besides.
        ratio: Of an action: lots got for a lot held, or the part of the cost that went along.
        income: What was received less paid that is no result, 10^-18: a dividend, funding, a fee.
        relieved: Cost of a part of a lot that was paid in cash.
        carried: Lots that came from another position.
    """

    kind: int
    quantity: int
    price: int
    value: int
    realised: int
    fee: int
    stands_quantity: int
    stands_cost: int
    stands_realised: int
    cycles: int
    version: int
    time_ns: int
    sequence: int
    index: int
    part: int
    trade: int
    fill: int
    cause: int
    method: int
    wash_sales: bool
    chosen: tuple[FillId, ...]
    ratio: tuple[int, int] = (1, 1)
    income: int = 0
    relieved: int = 0
    carried: tuple[Lot, ...] = ()


class Position(Struct, frozen=True, gc=False):
    """One account's position in one instrument, as its last change left it.

    Attributes:
        quantity: Signed lots. cost: 10^-18, 0 when flat. realised: 10^-18, over the whole life, gross of fees.
        fees: Minor units, paid less rebates. funding, dividends: 10^-18, received less paid.
        cycles: How often it has become flat. version: Fills so far, and corrections.
        sequence, index, part: Its last change.
        opened, opened_ns, opened_price: The first fill of this cycle.
        decreased: Sequence of the last change that took something away.
        lots: What is open, by opening fill; none by average, whose one lot is the position.
        losses: What a purchase would wash.
        numbers: Lots made so far.
        born: Sequence of the very first change.
    """

    quantity: int = 0
    cost: int = 0
    realised: int = 0
    fees: int = 0
    funding: int = 0
    cycles: int = 0
    version: int = 0
    sequence: int = 0
    index: int = 0
    part: int = 0
    method: Method = Method.AVERAGE
    wash_sales: bool = False
    opened: FillId = (0, 0)
    opened_ns: int = 0
    opened_price: int = 0
    decreased: int = 0
    lots: tuple[Lot, ...] = ()
    losses: tuple[Loss, ...] = ()
    numbers: int = 0
    born: int = 0
    dividends: int = 0

    def unrealised(self, contract: Contract, mark: int) -> int:
        """Return what closing at `mark` ticks would make, 10^-18.

        Raises:
            InvalidCommand: `position.price`.
        """
        return contract.gain * (contract.worth(self.quantity, mark) - self.cost)

    @property
    def open_lots(self) -> tuple[Lot, ...]:
        """The lots of the open quantity; by average one that is all of it."""
        if self.lots or not self.quantity:
            return self.lots
        sequence, fill = self.opened
        at = self.opened_ns
        return (Lot(0, self.quantity, self.cost, self.opened_price, sequence, fill, at, at, self.method),)


FLAT = Position()


def after_fill(
    position: Position, fill: Fill, contract: Contract, terms: Terms = DEFAULT_TERMS
) -> tuple[Position, list[Change]]:
    """Return the position after a fill, and what happened: one change, or two when it crosses zero.

    Raises:
        InvalidCommand: `position.overflow`, `position.price`; the position stays as it was.
    """
    return filled(position, fill, contract.value(fill.quantity, fill.price), contract, terms)


def filled(
    position: Position, fill: Fill, value: int, contract: Contract, terms: Terms, cause: Cause = Cause.NONE
) -> tuple[Position, list[Change]]:
    """Return the same for a fill whose whole value is known, or for what an action or a taking over closes or opens like one."""
    stands, quantity = position.quantity, fill.quantity
    step = Step(fill, contract, terms, position.version + 1, cause)
    if stands == 0 or (stands > 0) == (quantity > 0):
        after, change = step.open(position, quantity, value, fill.fee)
        return after, [change]
    if abs(quantity) <= abs(stands):
        after, change = step.close(position, quantity, value, fill.fee)
        return after, [change]
    closing = half_even(value * abs(stands), abs(quantity))
    fee = toward_zero(fill.fee * abs(stands), abs(quantity))
    flat, closed = step.close(position, -stands, closing, fee)
    after, opened = step.open(flat, quantity + stands, value - closing, fill.fee - fee)
    return after, [closed, opened]


class Step:
    """One fill at work: the parts of it share their price, id and version."""

    __slots__ = ("_cause", "_contract", "_fill", "_terms", "_version")

    def __init__(self, fill: Fill, contract: Contract, terms: Terms, version: int, cause: Cause = Cause.NONE) -> None:
        self._cause = cause
        self._fill = fill
        self._contract = contract
        self._terms = terms
        self._version = version

    def open(self, was: Position, quantity: int, value: int, fee: int) -> tuple[Position, Change]:
        """Add `quantity` for `value`."""
        fill, fresh = self._fill, was.quantity == 0
        method = self._terms.method if fresh else was.method
        washes = self._terms.wash_sales if fresh else was.wash_sales
        lots, losses, numbers, disallowed = was.lots, was.losses, was.numbers, 0
        if method is not Method.AVERAGE:
            at = fill.time_ns
            lot = Lot(numbers, quantity, value, fill.price, fill.sequence, fill.fill, at, at, method)
            numbers += 1
            if washes and losses:
                made, losses, disallowed, numbers = wash_opening(lot, losses, gain=self._contract.gain, number=numbers)
                for each in made:
                    lots = join(lots, each)
            else:
                lots = join(lots, lot)
        part = 2 * fill.leg + OPENING
        after = Position(
            was.quantity + quantity,
            bounded(was.cost + value + self._contract.gain * disallowed),
            bounded(was.realised + disallowed),
            was.fees + fee,
            was.funding,
            was.cycles,
            self._version,
            fill.sequence,
            fill.index,
            part,
            method,
            washes,
            (fill.sequence, fill.fill) if fresh else was.opened,
            fill.time_ns if fresh else was.opened_ns,
            fill.price if fresh else was.opened_price,
            was.decreased,
            lots,
            losses,
            numbers,
            was.born or fill.sequence,
            was.dividends,
        )
        kind = Kind.OPENED if fresh else Kind.INCREASED
        return after, self._change(kind, after, quantity, value, disallowed, fee, ())

    def close(self, was: Position, quantity: int, value: int, fee: int) -> tuple[Position, Change]:
        """Take `quantity`, which is no more than there is, for `value`."""
        fill = self._fill
        after, realised, chosen = _closed(
            was,
            quantity,
            value,
            contract=self._contract,
            chosen=self._terms.chosen,
            at_ns=fill.time_ns,
        )
        stands = Position(
            after.quantity,
            after.cost,
            after.realised,
            was.fees + fee,
            was.funding,
            after.cycles,
            self._version,
            fill.sequence,
            fill.index,
            2 * fill.leg + CLOSING,
            was.method,
            was.wash_sales,
            was.opened,
            was.opened_ns,
            was.opened_price,
            fill.sequence,
            after.lots,
            after.losses,
            after.numbers,
            was.born,
            was.dividends,
        )
        kind = Kind.DECREASED if stands.quantity else Kind.CLOSED
        return stands, self._change(kind, stands, quantity, value, realised, fee, chosen)

    def _change(
        self,
        kind: Kind,
        after: Position,
        quantity: int,
        value: int,
        realised: int,
        fee: int,
        chosen: tuple[FillId, ...],
    ) -> Change:
        fill = self._fill
        return Change(
            kind,
            quantity,
            fill.price,
            value,
            realised,
            fee,
            after.quantity,
            after.cost,
            after.realised,
            after.cycles,
            after.version,
            fill.time_ns,
            fill.sequence,
            fill.index,
            after.part,
            fill.sequence,
            fill.fill,
            self._cause,
            after.method,
            after.wash_sales,
            chosen,
        )


class _Closed(Struct, frozen=True, gc=False):
    quantity: int
    cost: int
    realised: int
    cycles: int
    lots: tuple[Lot, ...]
    losses: tuple[Loss, ...]
    numbers: int


def _closed(
    was: Position, quantity: int, value: int, *, contract: Contract, chosen: Sequence[FillId], at_ns: int
) -> tuple[_Closed, int, tuple[FillId, ...]]:
    """Return what a close of `quantity` for `value` leaves, what it realised, and the choice that decided it."""
    part, size = abs(quantity), abs(was.quantity)
    lots, losses, numbers, disallowed = was.lots, was.losses, was.numbers, 0
    used: tuple[FillId, ...] = ()
    if was.method is Method.AVERAGE:
        relieved = was.cost if part == size else half_even(was.cost * part, size)
    else:
        used = tuple(chosen) if was.method is Method.SPECIFIC else ()
        lots, taken, relieved = relieve(lots, part, was.method, used)
        if was.wash_sales:
            results = _results(taken, -value, part, contract.gain)
            lots, losses, disallowed, numbers = wash_closing(
                lots, losses, results, at_ns=at_ns, gain=contract.gain, number=numbers
            )
    realised = contract.gain * (-value - relieved) + disallowed
    after = _Closed(
        was.quantity + quantity,
        was.cost - relieved + contract.gain * disallowed,
        bounded(was.realised + realised),
        was.cycles + (part == size),
        lots,
        losses,
        numbers,
    )
    return after, realised, used


def _results(taken: Sequence[Taken], value: int, quantity: int, gain: int) -> list[tuple[Taken, int]]:
    """Share the value of a close out over the lots it took; the last has the remainder."""
    found: list[tuple[Taken, int]] = []
    left = value
    for one in taken:
        part = left if one is taken[-1] else half_even(value * abs(one.quantity), quantity)
        left -= part
        found.append((one, gain * (part - one.cost)))
    return found
