"""What an order would do if it came now: judged by the gate itself, then walked through the book; nothing changes.

What fills set off is not foreseen: a pause for their speed, orders that they fire, free or trim. Of resting orders that
an earlier fill might take away only those count that a fill-or-kill order would count.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import NO_SLOT
from quantumcore.core.twin import admission, bands, budgets, codes, content, dark, orders, phases, reach, withdrawals
from quantumcore.core.twin.book import BUY, Order, Place, opposite
from quantumcore.core.twin.client_ids import body_of
from quantumcore.core.twin.fees import Tally
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.regime import TIME
from quantumcore.core.twin.venue import Venue

MOST_OFFERS = 10_000  # resting orders that a walk looks at
MOST_LEVELS = 100  # prices that it tells
SINGLE = (wire.SubmitOrder.KIND, wire.SubmitAdvancedOrder.KIND)
_CLIENT_ID = slice(44, 80)
_STAND_IN = b"-".ljust(36, b"\0")

Row = tuple[
    tuple[int, int, int, int, int],
    tuple[int, int],
    tuple[int, int, int, int, int, int, int],
    list[tuple[int, int]],
    tuple[int, int, int],
]
_NO_ORDER = (0, 0, 0, 0, 0, 0, 0)
_NOT_REFUSED = (0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How an accepted order would go.

    Attributes:
        trades: (ticks, lots) by price, in the order in which they would be made.
        left: Lots that would then rest or wait.
        cancelled: Why the others would be cancelled; 0: there are none.
        complete: False when the walk ended at its limits: more may trade.
        tally: The sums of its fills.
    """

    trades: list[tuple[int, int]] = field(default_factory=list)
    left: int = 0
    cancelled: int = 0
    complete: bool = True
    tally: Tally = field(default_factory=Tally)


def preview(venue: Venue, raw: bytes, sequence: int, now_ns: int) -> Row:
    """Return what the command of that sequence and time would do if it were `raw`, as Engine.preview says it.

    Raises:
        InvalidCommand: It is no single submission.
    """
    if len(content.frames(raw)) != 1 or raw[2] not in SINGLE:
        raise InvalidCommand("request.invalid", "only a single submission has a preview")
    named = any(raw[_CLIENT_ID])
    if not named and len(raw) >= _CLIENT_ID.stop:
        raw = raw[: _CLIENT_ID.start] + _STAND_IN + raw[_CLIENT_ID.stop :]
    with _as_of(venue, sequence, now_ns):
        try:
            return _accepted_or_known(venue, raw, now_ns, named=named)
        except Refusal as refusal:
            why = (int(refusal.reason), int(refusal.scope), refusal.decimals, refusal.limit, refusal.actual)
            return why, (refusal.order_sequence, refusal.order_slot), _NO_ORDER, [], (0, 0, 1)


@contextmanager
def _as_of(venue: Venue, sequence: int, now_ns: int) -> Iterator[None]:
    """What is asked of the venue is answered as the command of that sequence and time would find it."""
    before = venue.sequence, venue.now_ns
    venue.sequence, venue.now_ns = sequence, now_ns
    try:
        yield
    finally:
        venue.sequence, venue.now_ns = before


def _accepted_or_known(venue: Venue, raw: bytes, now_ns: int, *, named: bool) -> Row:
    command = content.read(raw, SINGLE)
    if not isinstance(command, wire.SubmitOrder):
        raise Refusal(Reason.BAD_COMMAND)
    instrument = venue.instrument(command.instrument)
    venue.account(command.account)
    accounting = venue.bounds.accounting
    first = venue.submissions.named(command.account, command.client_id) if named and accounting else None
    if first is not None:
        if first.body != body_of(command):
            raise Refusal(Reason.DUPLICATE_ID, order_sequence=first.sequence, order_slot=first.slot)
        return _NOT_REFUSED, (first.sequence, first.slot), _NO_ORDER, [], (0, 0, 1)
    admission.check(venue, command, now_ns)
    asked = orders.judge(venue, instrument, command, now_ns)
    order = orders.order_of(command, instrument, asked, slot=NO_SLOT, sequence=venue.sequence)
    course = course_of(venue, order)
    hold, currency, amount, fee = 0, 0, 0, 0
    if accounting:
        hold, currency = order.own_need(instrument), venue.hold_currency(order)
        tally, unit = course.tally, instrument.unit
        amount = tally.paid(unit) if order.side == BUY else tally.received(unit)
        fee = tally.charged(unit, order.rates.minimum)
    waits = int(_waits(venue, order))
    placed = (order.price, order.quantity, hold, currency, waits, course.left, course.cancelled)
    return _NOT_REFUSED, (0, 0), placed, course.trades, (amount, fee, int(course.complete))


def course_of(venue: Venue, order: Order) -> Course:
    """Return how `order`, which is accepted and nowhere yet, would take and rest by its own act."""
    if _waits(venue, order) or order.post_only or venue.status(order.instrument) != codes.CONTINUOUS:
        return Course(left=order.leaves)
    refused = _all_or_nothing(venue, order)
    if refused is not None:
        return refused
    walk = _Walk(venue, order)
    walk.run()
    left, cancelled = 0, walk.cancelled
    if not cancelled and order.rests:
        left = walk.left
    elif not cancelled and walk.left and not walk.cut:
        cancelled = codes.AT_THE_BAND if walk.banded else codes.IMMEDIATE
    return Course(trades=walk.trades, left=left, cancelled=cancelled, complete=not walk.cut, tally=walk.tally)


def _waits(venue: Venue, order: Order) -> bool:
    """Tell whether it would be in no book at first."""
    pegged_or_stopped = bool(order.cap) or orders.waits_for_price(order)
    return pegged_or_stopped or phases.waits(venue.status(order.instrument), order)


def _all_or_nothing(venue: Venue, order: Order) -> Course | None:
    """Return what becomes of an order that would trade nothing because it cannot have all that it wants at once."""
    if not order.fill_or_kill and not dark.has_minimum(order):
        return None
    walk = _Walk(venue, order, certain_only=True)
    walk.run()
    lots = order.leaves - walk.left
    if walk.cut:
        return None
    if order.fill_or_kill and walk.left and not (walk.spent and lots):
        return Course(cancelled=codes.FILL_OR_KILL)
    if dark.has_minimum(order) and lots < dark.minimum(order):
        return Course(left=order.leaves) if order.rests else Course(cancelled=codes.MINIMUM_NOT_MET)
    return None


class _Walk:
    """From offer to offer as matching goes, without a trade.

    Attributes:
        trades: (ticks, lots) by price.
        left: What of the taker would be left.
        tally: The sums of its fills.
        cancelled: Self-trade prevention would end it; else 0.
        spent: Its budget would not buy one lot more.
        banded: It would stop at the band.
        cut: It ended at its limits.
    """

    def __init__(self, venue: Venue, taker: Order, *, certain_only: bool = False) -> None:
        self.trades: list[tuple[int, int]] = []
        self.left = taker.leaves
        self.tally = taker.tally
        self.cancelled = 0
        self.spent = self.banded = self.cut = False
        self._venue, self._taker = venue, taker
        self._book, self._instrument = venue.books[taker.instrument], venue.instruments[taker.instrument]
        self._rate = self._instrument.taker_rate(taker.rates)
        self._certain_only = certain_only  # as fill-or-kill and minimums are judged: an own order ends it
        by_time = certain_only or taker.fill_or_kill or venue.regimes[taker.instrument].rules.allocation == TIME
        self._shares = not by_time
        self._counted = withdrawals.Counted()
        self._gone: set[tuple[int, int]] = set()
        self._met = self._passed = 0

    def run(self) -> None:
        """Walk until the taker is done, or nobody is left whom it accepts."""
        for price in reach.prices(self._book, self._taker):
            if not self._level(price):
                return

    def _level(self, price: int) -> bool:
        """Walk one price; return whether the walk goes on."""
        side = opposite(self._taker.side)
        shown = self._book.level(side, price)
        if not self._shown_in_turn(shown, price):
            return False
        offers = [(maker, maker.reserve) for maker in shown if maker.reserve]
        offers += [(maker, maker.leaves) for maker in self._book.dark.level(side, price)]
        for maker, lots in offers:
            if maker.place is Place.DARK and self._passed == reach.MOST_PASSED:
                break
            if not self._offer(maker, lots, price):
                return False
        return True

    def _shown_in_turn(self, shown: list[Order], price: int) -> bool:
        """Walk what a level shows, until what is wanted is less than others offer, where that is shared out among them."""
        others = self._offered_by_others(shown) if self._shares else 0
        for maker in () if self.cut else shown:
            if 0 < self._wanted(price) < others:
                if bands.allows(self._venue, self._taker.instrument, price):
                    self._take(price, self._wanted(price))
                else:
                    self.banded = True
                return False
            if not self._offer(maker, maker.shown, price):
                return False
            others -= 0 if self._venue.prevents(self._taker, maker) else maker.shown
        return not self.cut

    def _offered_by_others(self, shown: list[Order]) -> int:
        """Return what is shown at a level by those with whom the taker may trade."""
        self._met += len(shown)
        self.cut = self._met > MOST_OFFERS
        return sum(maker.shown for maker in shown if not self._venue.prevents(self._taker, maker))

    def _offer(self, maker: Order, lots: int, price: int) -> bool:
        if self._met >= MOST_OFFERS:
            self.cut = True
            return False
        self._met += 1
        wanted = self._wanted(price)
        allowed = bands.allows(self._venue, self._taker.instrument, price)
        if wanted == 0 or (self._certain_only and not allowed):
            self.spent = wanted == 0
            return False
        if min(wanted, maker.leaves) < dark.minimum(maker):
            self._passed += 1
            return True
        if not allowed:
            self.banded = True
            return False
        if self._venue.prevents(self._taker, maker):
            return self._goes_on_after_own(maker)
        if not self._counted.is_certain(maker):
            return True
        if not self._take(price, min(wanted, lots)):
            return False
        if lots < wanted:
            return True
        self.spent = self.left > 0  # all that it can pay for: prices only get worse
        return False

    def _wanted(self, price: int) -> int:
        return budgets.affordable(self._instrument, self._taker, self.tally, price, self.left)

    def _goes_on_after_own(self, maker: Order) -> bool:
        """Two orders of one party meet: what the taker's mode does, to the taker."""
        mode = self._taker.mode
        if mode == codes.CANCEL_OLDEST or maker.name in self._gone:
            return True
        if self._certain_only:
            return False
        if mode == codes.DECREMENT and maker.leaves < self.left:
            self.left -= maker.leaves
            self._gone.add(maker.name)
            return True
        self.cancelled = codes.SELF_TRADE
        return False

    def _take(self, price: int, lots: int) -> bool:
        """Count a trade; return whether there was room to tell it."""
        before = self.trades[-1] if self.trades else (0, 0)
        if before[0] == price:
            self.trades[-1] = (price, before[1] + lots)
        elif len(self.trades) == MOST_LEVELS and not self._certain_only:
            self.cut = True
            return False
        else:
            self.trades.append((price, lots))
        self.left -= lots
        self.tally = self.tally.plus(price, lots, self._rate)
        return True
