"""From the engine's events to positions: what stands, as loaded, and what a batch changes of it.

Order is by the event's position, never by arrival or clock; a gap is an error, and what was seen changes nothing.
"""

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from quantumcore.contracts.errors import Corrupted, QuantumCoreError
from quantumcore.contracts.marks import Mark, after_mark, after_trade
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.wire import (
    EVENTS,
    LAST,
    ActionApplied,
    Event,
    MarkChanged,
    PositionAdjusted,
    PositionTaken,
    TradeBusted,
    TradePrinted,
)
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.positions.actions import Before, changes_of
from quantumcore.services.positions.corrections import Bust, after_bust
from quantumcore.services.positions.domain import (
    DEFAULT_TERMS,
    FLAT,
    Cause,
    Change,
    Fill,
    Kind,
    Position,
    Terms,
    after_fill,
    filled,
)
from quantumcore.services.positions.pnl import PLACES, Contract, contract_of, settlement

BUY = 1
UNDONE = 1  # TradeBusted action
EVERYBODY = 0  # the account under which a mark is kept: once, however many hold the instrument
_WANTED = (TradePrinted, TradeBusted, PositionTaken, MarkChanged, PositionAdjusted, ActionApplied)
WANTED = {kind.KIND: EVENTS[kind.KIND] for kind in _WANTED}
_HEAD = struct.Struct("<HBBIQq")

Key = tuple[int, int]
"""(account, instrument)."""


class New(NamedTuple):
    """What of some batches is new.

    Attributes:
        events: Those that concern positions, in order.
        upto, time_ns: The last sequence, and the time of its events; those of the cursor when nothing is new.
    """

    events: list[Event]
    upto: int
    time_ns: int


def new_events(batches: Iterable[EventBatch], cursor: int) -> New:
    """Return what follows `cursor`: whole sequences without gap. Events that concern no position are not decoded.

    Raises:
        Corrupted: `position.gap`, naming the event that is missing; or bytes that are no event.
    """
    found: list[Event] = []
    sequence, index, upto, time_ns = cursor + 1, 0, cursor, 0
    for batch in batches:
        raw, offset, end = batch.raw, 0, len(batch.raw)
        while offset < end:
            size, kind, flags, at_index, at_sequence, at_ns = (
                _HEAD.unpack_from(raw, offset) if end - offset >= 40 else _NONE
            )
            if size < 40:
                raise Corrupted("corrupted", f"no event at byte {offset} of the batch from {batch.first}")
            if at_sequence > cursor:
                if at_sequence != sequence or at_index != index:
                    raise _gap(sequence, index, f"{at_sequence}.{at_index} came instead")
                known = WANTED.get(kind)
                if known is not None:
                    found.append(_decoded(known, raw, offset, size, end))
                if flags & LAST:
                    upto, time_ns = sequence, at_ns
                    sequence, index = sequence + 1, 0
                else:
                    index += 1
            offset += size
    if index:
        raise _gap(sequence, index, "its sequence has no end")
    return New(found, upto, time_ns)


_NONE = (0, 0, 0, 0, 0, 0)


def _decoded(kind: type[Event], raw: bytes, offset: int, size: int, end: int) -> Event:
    if kind.LAYOUT.size != size or end - offset < size:
        raise Corrupted("corrupted", f"no event of size {size} at byte {offset}")
    return kind(*kind.LAYOUT.unpack_body(raw, offset))


def _gap(sequence: int, index: int, why: str) -> Corrupted:
    return Corrupted("position.gap", f"event {sequence}.{index} is missing: {why}")


def keys_of(events: Iterable[Event]) -> tuple[set[int], set[int]]:
    """Return the (accounts, instruments) that `events` concern."""
    accounts: set[int] = set()
    instruments: set[int] = set()
    for event in events:
        instruments.add(event.instrument)
        match event:
            case TradePrinted():
                accounts.add(event.account)
                accounts.add(event.maker_account)
            case TradeBusted():
                accounts |= {event.buyer, event.seller}
            case PositionTaken():
                accounts |= {event.account, event.taker}
            case PositionAdjusted():
                accounts.add(event.account)
            case _:
                pass
    return accounts, instruments


class Choices:
    """What owners chose, and from which sequence on: the room's own truth, a part of every fold."""

    def __init__(self, rows: Iterable[tuple[Key, int, Terms]] = ()) -> None:
        self._known: dict[Key, list[tuple[int, Terms]]] = {}
        self.count = 0
        for key, since, terms in rows:
            self.add(key, since, terms)

    def add(self, key: Key, since: int, terms: Terms) -> None:
        """Remember a choice that counts from the sequence `since` on; of two from the same the later said."""
        known = self._known.setdefault(key, [])
        if known and known[-1][0] == since:
            known.pop()
            self.count -= 1
        known.append((since, terms))
        self.count += 1

    def at(self, key: Key, sequence: int) -> Terms:
        """Return what counts at `sequence`."""
        known = self._known.get(key)
        if known is None:
            return DEFAULT_TERMS
        place = bisect_right(known, sequence, key=lambda one: one[0])
        return known[place - 1][1] if place else DEFAULT_TERMS


NO_CHOICES = Choices()


class Told(NamedTuple):
    """A change and whose it is; account EVERYBODY for a mark."""

    account: int
    instrument: int
    change: Change


class Folding:
    """Positions and marks at work.

    Attributes:
        positions, marks: What stands.
        touched, moved_marks: What has changed since it was made.
        told: What happened, in order.
        applied: Actions that were done.
    """

    def __init__(
        self,
        positions: dict[Key, Position],
        marks: dict[int, Mark],
        instruments: Mapping[int, Instrument],
        choices: Choices = NO_CHOICES,
    ) -> None:
        self.positions = positions
        self.marks = marks
        self.touched: set[Key] = set()
        self.moved_marks: set[int] = set()
        self.told: list[Told] = []
        self.applied: list[ActionApplied] = []
        self._instruments = instruments
        self._choices = choices
        self._contracts: dict[int, tuple[Contract, int]] = {}

    def enter(self, events: Sequence[Event]) -> None:
        """Fold `events` in order.

        Raises:
            Corrupted, InvalidCommand: What cannot follow from what stands; it is named by its position.
        """
        for event in events:
            try:
                _ENTER[type(event)](self, event)
            except QuantumCoreError as error:
                place = f"at {event.sequence}.{event.index}: {error.detail}"
                raise type(error)(error.code, place, limit=error.limit, actual=error.actual) from error

    def contract(self, instrument: int) -> tuple[Contract, int]:
        """Return the contract of an instrument, and 10^-18 in a minor unit of its settlement currency.

        Raises:
            Corrupted: It was never defined.
        """
        known = self._contracts.get(instrument)
        if known is None:
            defined = self._instruments.get(instrument)
            if defined is None:
                raise Corrupted("position.impossible", f"instrument {instrument} was never defined")
            known = contract_of(defined), 10 ** (PLACES - settlement(defined).scale)
            self._contracts[instrument] = known
        return known

    def _trade(self, trade: TradePrinted) -> None:
        instrument, lots = trade.instrument, trade.quantity
        contract, _ = self.contract(instrument)
        taken = lots if trade.taker_side == BUY else -lots
        self._fill(trade, contract, trade.maker_account, -taken, trade.maker_fee, 0)
        self._fill(trade, contract, trade.account, taken, trade.taker_fee, 1)
        was = self.marks.get(instrument)
        now = after_trade(was, trade.price, trade.sequence, trade.time_ns)
        if now is not was:
            self.marks[instrument] = now
            self.moved_marks.add(instrument)

    def _fill(self, trade: TradePrinted, contract: Contract, account: int, lots: int, fee: int, leg: int) -> None:
        key = account, trade.instrument
        fill = Fill(
            quantity=lots,
            price=trade.price,
            fee=fee,
            sequence=trade.sequence,
            index=trade.index,
            leg=leg,
            fill=trade.fill,
            time_ns=trade.time_ns,
        )
        terms = self._choices.at(key, trade.sequence)
        after, changes = after_fill(self.positions.get(key, FLAT), fill, contract, terms)
        self.positions[key] = after
        self.touched.add(key)
        for change in changes:
            self.told.append(Told(account, trade.instrument, change))

    def _busted(self, event: TradeBusted) -> None:
        contract, unit = self.contract(event.instrument)
        undone = event.action == UNDONE
        sides = (
            (event.buyer, -event.quantity, event.paid_back, event.buyer_fee_back, 0),
            (event.seller, event.quantity, -event.received_back, event.seller_fee_back, 1),
        )
        for account, lots, back, fee, leg in sides:
            key = account, event.instrument
            paid = -back * unit
            # The engine gives whole minor units back; the trade was worth what its price says, if that is these numbers.
            worth = contract.worth(lots, event.price) if undone and event.price > 0 else paid
            bust = Bust(
                quantity=lots if undone else 0,
                price=event.price,
                value=worth if abs(worth - paid) < unit else paid,
                fee=fee,
                trade=(event.trade_sequence, event.fill),
                bought=leg == 0,
                sequence=event.sequence,
                index=event.index,
                leg=leg,
                time_ns=event.time_ns,
            )
            self.positions[key], change = after_bust(self.positions.get(key, FLAT), bust, contract)
            self.touched.add(key)
            self.told.append(Told(account, event.instrument, change))

    def _taken(self, event: PositionTaken) -> None:
        """Fold both sides as fills of a whole value, which no price was printed for: a mark stays."""
        contract, unit = self.contract(event.instrument)
        sides = ((event.account, -1, event.position), (event.taker, 1, event.taker_position))
        for leg, (account, sign, stands) in enumerate(sides):
            key, lots, value = (account, event.instrument), sign * event.lots, sign * event.money * unit
            fill = Fill(
                quantity=lots,
                price=contract.price(lots, value),
                sequence=event.sequence,
                index=event.index,
                leg=leg,
                time_ns=event.time_ns,
            )
            terms = self._choices.at(key, event.sequence)
            after, changes = filled(self.positions.get(key, FLAT), fill, value, contract, terms, Cause.TAKEN)
            if after.quantity != stands:
                raise Corrupted("position.mismatch", f"the engine has {stands} lots, the position {after.quantity}")
            self.positions[key] = after
            self.touched.add(key)
            self.told += [Told(account, event.instrument, change) for change in changes]

    def _adjusted(self, event: PositionAdjusted) -> None:
        keys = (event.account, event.instrument), (event.account, event.target)
        both = [
            Before(
                self.positions.get(key, FLAT),
                *self.contract(key[1] or event.instrument),
                self._choices.at(key, event.sequence),
            )
            for key in keys
        ]
        for leg, after, changes in changes_of(event, *both):
            self.positions[keys[leg]] = after
            self.touched.add(keys[leg])
            self.told += [Told(event.account, keys[leg][1], change) for change in changes]

    def _applied(self, event: ActionApplied) -> None:
        self.applied.append(event)

    def _marked(self, event: MarkChanged) -> None:
        was = self.marks.get(event.instrument)
        now = after_mark(was, event.price, event.sequence, event.time_ns)
        if now is not None and now is not was:
            self.marks[event.instrument] = now
            self.moved_marks.add(event.instrument)
        self.told.append(Told(EVERYBODY, event.instrument, _price_updated(event)))


def _price_updated(event: MarkChanged) -> Change:
    nothing = (0, 0, 0, 0, 0, 0, 0, 0)  # value to version: no position changes
    return Change(
        Kind.PRICE_UPDATED,
        0,
        event.price,
        *nothing,
        event.time_ns,
        event.sequence,
        event.index,
        0,
        0,
        0,
        0,
        0,
        False,
        (),
    )


_ENTER: dict[type[Event], Callable[[Folding, Any], None]] = {
    TradePrinted: Folding._trade,  # noqa: SLF001  # the table of contents of this class
    TradeBusted: Folding._busted,  # noqa: SLF001
    PositionTaken: Folding._taken,  # noqa: SLF001
    PositionAdjusted: Folding._adjusted,  # noqa: SLF001
    ActionApplied: Folding._applied,  # noqa: SLF001
    MarkChanged: Folding._marked,  # noqa: SLF001
}
