"""From the engine's events to what accounts have and want: balances, positions, working orders, prices, limits. Pure.

Order is by the event's position, never by arrival or clock. What an account has is what the engine says it has; a test compares the two.
A bust at another price moves money and no lots; what a position cost is only of use where it never had a price, and counts at what was paid.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from quantumcore.contracts import wire
from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.marks import Mark, after_mark, after_trade
from quantumcore.contracts.reasons import CODES, Reason, Scope
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.values import NO_SLOT, half_even
from quantumcore.contracts.wire import Event
from quantumcore.contracts.wire.limit_commands import NOT_SET
from quantumcore.services.risk.levels import (
    MAX_OPEN_ORDERS,
    VENUE,
    Engaged,
    Level,
    Limit,
    Record,
    level_of,
    level_of_record,
    numbers_of,
)
from quantumcore.services.risk.state import (
    BUY,
    ENTRY,
    ONE,
    PAIR,
    WAITS,
    Balance,
    Holding,
    Pair,
    Print,
    State,
    Working,
)

UNDONE = 1  # TradeBusted action
PEGGED = 10  # of order types
ASKED_FOR = 0  # why an order was replaced
_TIES = {1: (PAIR, PAIR), 2: (0, WAITS), 3: (ENTRY, PAIR, PAIR)}
"""By the link of OrdersLinked: OCO, OTO, bracket."""
PASSED = "passed"


class Touched(NamedTuple):
    """What events may change.

    Attributes:
        orders: By their names. marked: Instruments.
        joined: Accounts that go to a firm or a group. firms: Those to which some go, or whose lines are set.
    """

    accounts: set[int]
    orders: set[Pair]
    marked: set[int]
    joined: set[int]
    firms: set[int]


def touched(events: Iterable[Event]) -> Touched:
    """Return what `events` may change."""
    found = Touched(set(), set(), set(), set(), set())
    for event in events:
        match event:
            case wire.TradePrinted():
                found.accounts.update((event.account, event.maker_account))
                found.orders.add((event.maker_order_sequence, event.maker_slot))
                found.orders.add((event.taker_order_sequence, event.taker_slot))
                found.marked.add(event.instrument)
            case wire.MarkChanged():
                found.marked.add(event.instrument)
            case wire.TransferPosted():
                found.accounts.update((event.account, event.to_account))
            case wire.TransferMade():
                found.accounts.update((event.debit_account, event.credit_account))
            case wire.TradeBusted():
                found.accounts.update((event.buyer, event.seller))
            case wire.PositionTaken():
                found.accounts.update((event.account, event.taker))
            case wire.PositionAdjusted():
                found.accounts.add(event.account)
            case wire.OrderReplaced() | wire.OrderCancelled() | wire.OrderTriggered() | wire.StopMoved():
                found.orders.add((event.order_sequence, event.order_slot))
            case wire.FirmChanged():
                found.joined.add(event.account)
                found.firms.add(event.firm)
            case wire.GroupChanged():
                found.joined.add(event.account)
            case wire.MoneyLimitsChanged(scope=Scope.FIRM):
                found.firms.add(event.firm)
            case _:
                pass
    return found


class Folding:
    """Enters events into a state.

    Attributes:
        moved: Accounts of which anything changed. priced: Instruments whose price did.
        sized: Instruments of which it is told how large their market is.
        prints: The last trade of each instrument that traded. busted: Trades that were busted, by (sequence, fill).
        checks: Orders that the engine judged, by the code of the refusal, or PASSED.
    """

    def __init__(self, state: State, instruments: Mapping[int, Instrument]) -> None:
        self.state = state
        self._instruments = instruments
        self.moved: set[int] = set()
        self.priced: set[int] = set()
        self.sized: set[int] = set()
        self.prints: dict[int, Print] = {}
        self.busted: set[tuple[int, int]] = set()
        self.checks: Counter[str] = Counter()

    def enter(self, events: Sequence[Event]) -> None:
        """Enter `events` in their order.

        Raises:
            Corrupted: What cannot follow from what stands, with its position.
        """
        for event in events:
            entered = _ENTER.get(type(event))
            if entered is not None:
                entered(self, event)

    # -------------------------------------------------------------------------------------------- money

    def _money(self, event: Event, account: int, currency: int, amount: int, *, flow: bool = False) -> None:
        if not account or not amount:
            return
        key = account, currency
        before = self.state.balances.get(key, Balance())
        self.state.balances[key] = before.moved(amount, event.time_ns // DAY_NS, flow=flow)
        self.moved.add(account)

    def _transfer(self, event: wire.TransferPosted) -> None:
        comes = event.amount if event.transfer_kind == 1 else -event.amount
        self._money(event, event.account, event.currency, comes, flow=True)
        self._money(event, event.to_account, event.currency, event.amount, flow=True)

    def _made(self, event: wire.TransferMade) -> None:
        if not event.debit_code:  # of a customer: what is not collateral
            self._money(event, event.debit_account, event.currency, -event.amount, flow=True)
        if not event.credit_code:
            self._money(event, event.credit_account, event.currency, event.amount, flow=True)

    def _trade(self, event: wire.TradePrinted) -> None:
        taker, maker = event.account, event.maker_account
        buys = event.taker_side == BUY
        buyer, seller = (taker, maker) if buys else (maker, taker)
        self._money(event, buyer, event.base, event.asset)
        self._money(event, seller, event.base, -event.asset)
        self._money(event, buyer, event.quote, -event.paid)
        self._money(event, seller, event.quote, event.received)
        self._money(event, taker, event.quote, -event.taker_fee)
        self._money(event, maker, event.quote, -event.maker_fee)
        self._fill(event, buyer, event.quantity)
        self._fill(event, seller, -event.quantity)
        self._filled(event, (event.maker_order_sequence, event.maker_slot), event.maker_leaves)
        self._filled(event, (event.taker_order_sequence, event.taker_slot), event.taker_leaves)
        self.prints[event.instrument] = Print(event.price, event.sequence, event.fill, event.time_ns)
        before = self.state.marks.get(event.instrument)
        self._mark(event, after_trade(before, event.price, event.sequence, event.time_ns))

    def _fill(self, event: wire.TradePrinted, account: int, lots: int) -> None:
        key = account, event.instrument
        self.state.positions[key] = self.state.positions.get(key, Holding()).traded(lots, event.price)
        self.moved.add(account)

    def _busted(self, event: wire.TradeBusted) -> None:
        self.busted.add((event.trade_sequence, event.fill))
        self._money(event, event.buyer, event.quote, event.paid_back + event.buyer_fee_back)
        self._money(event, event.seller, event.quote, event.seller_fee_back - event.received_back)
        if event.action == UNDONE:
            defined = self._instruments[event.instrument]
            asset = event.quantity * defined.lot * 10**defined.base.scale // 10**defined.lot_scale
            for account, sign in ((event.buyer, -1), (event.seller, 1)):
                self._money(event, account, event.base, sign * asset)
                key = account, event.instrument
                before = self.state.positions.get(key, Holding())
                self.state.positions[key] = before.traded(sign * event.quantity, event.price)
                self.moved.add(account)

    def _taken(self, event: wire.PositionTaken) -> None:
        """Move both sides as fills of a whole value, which no price was printed for: a mark stays."""
        unit, per = self._instruments[event.instrument].unit.as_integer_ratio()
        for account, sign in ((event.account, -1), (event.taker, 1)):
            self._money(event, account, event.base, sign * event.asset)
            self._money(event, account, event.quote, -sign * event.money)
            key = account, event.instrument
            cost = half_even(sign * event.money * per * ONE, unit)
            self.state.positions[key] = self.state.positions.get(key, Holding()).moved(sign * event.lots, cost)
            self.moved.add(account)

    def _adjusted(self, event: wire.PositionAdjusted) -> None:
        self._money(event, event.account, event.base, event.asset)
        self._money(event, event.account, event.target_base, event.target_asset)
        self._money(event, event.account, event.quote, event.money)
        self._adjust(event, event.instrument, event.quantity, keeps=not event.target)
        if event.target:
            self._adjust(event, event.target, event.target_quantity, keeps=False)

    def _adjust(self, event: wire.PositionAdjusted, instrument: int, lots: int, *, keeps: bool) -> None:
        """Set the lots of a position; a cost that goes with all of them stays, of any other nobody knows."""
        key = event.account, instrument
        before = self.state.positions.get(key, Holding())
        if before.lots != lots:
            cost = 0 if lots == 0 else before.cost if keeps and before.lots else None
            self.state.positions[key] = Holding(lots, cost)
        self.moved.add(event.account)

    # ------------------------------------------------------------------------------------------- orders

    def _accepted(self, event: wire.OrderAccepted) -> None:
        name = event.sequence, event.order_slot
        pegged = event.order_type == PEGGED
        made = Working(event.account, event.instrument, event.side, event.price, event.quantity, pegged=pegged)
        self.state.orders[name] = made
        self.moved.add(event.account)
        self.checks[PASSED] += 1

    def _rejected(self, event: wire.OrderRejected) -> None:
        self.checks[CODES[Reason(event.reason)]] += 1

    def _linked(self, event: wire.OrdersLinked) -> None:
        for slot, tie in zip((event.first, event.second, event.third), _TIES[event.link], strict=False):
            if slot != NO_SLOT and tie:
                name = event.sequence, slot
                self._put(event, name, self._order(event, name)._replace(link=event.sequence, tie=tie))

    def _replaced(self, event: wire.OrderReplaced) -> None:
        name = event.order_sequence, event.order_slot
        before = self._order(event, name)
        # What is told of a peg is where it stands; another cap it has only by a client, who moves it, or changes it while it waits.
        moved = event.reason == ASKED_FOR and (not event.priority_kept or before.tie == WAITS)
        price = before.price if before.pegged and not moved else event.price
        self._put(event, name, before._replace(price=price, leaves=event.leaves))

    def _triggered(self, event: wire.OrderTriggered) -> None:
        name = event.order_sequence, event.order_slot
        before = self._order(event, name)
        tie = 0 if before.tie == WAITS else before.tie
        self._put(event, name, before._replace(price=event.limit or before.price, tie=tie))

    def _stop_moved(self, event: wire.StopMoved) -> None:
        name = event.order_sequence, event.order_slot
        self._put(event, name, self._order(event, name)._replace(price=event.price))

    def _cancelled(self, event: wire.OrderCancelled) -> None:
        self._put(event, (event.order_sequence, event.order_slot), None)

    def _filled(self, event: wire.TradePrinted, name: Pair, leaves: int) -> None:
        """Enter a fill of an order, and let its firm draw on its line what the fill was worth (engine.md section 14)."""
        before = self._order(event, name)
        filled, notional = before.filled + event.quantity, before.notional + event.price * event.quantity
        self._put(event, name, before._replace(leaves=leaves, filled=filled, notional=notional) if leaves else None)
        line = self.state.members.get((before.account, Scope.FIRM)) or 0, event.quote
        drawn = self.state.drawn.get(line)
        if drawn is not None:
            unit, per = self._instruments[event.instrument].unit.as_integer_ratio()
            worth = -(-notional * unit // per) + (-before.notional * unit // per)
            self.state.drawn[line] = drawn + worth

    def _order(self, event: Event, name: Pair) -> Working:
        found = self.state.orders.get(name)
        if found is None:
            where = f"{type(event).__name__} at {event.sequence}.{event.index}"
            raise Corrupted("risk.gap", f"{where}: no order {name[0]} works")
        return found

    def _put(self, event: Event, name: Pair, order: Working | None) -> None:
        self.moved.add(self._order(event, name).account)
        self.state.orders[name] = order

    # ------------------------------------------------------------------------------------------- prices

    def _marked(self, event: wire.MarkChanged) -> None:
        before = self.state.marks.get(event.instrument)
        self._mark(event, after_mark(before, event.price, event.sequence, event.time_ns))

    def _mark(self, event: Event, mark: Mark | None) -> None:
        if mark is None or mark is self.state.marks.get(event.instrument):
            return
        self.state.marks[event.instrument] = mark
        self.state.closes[event.instrument, event.time_ns // DAY_NS] = mark.price
        self.priced.add(event.instrument)

    # ------------------------------------------------------------------------------------ what is allowed

    def _opened(self, event: wire.AccountOpened) -> None:
        self.state.accounts[event.account] = event.sequence
        self.moved.add(event.account)

    def _limited(self, event: wire.LimitsChanged) -> None:
        level = Level(Scope.ACCOUNT, event.account) if event.account else VENUE
        self._limit(event, level, {MAX_OPEN_ORDERS: event.max_open_orders})

    def _recorded(self, event: Record) -> None:
        self._limit(event, level_of_record(event), numbers_of(event))
        if isinstance(event, wire.MoneyLimitsChanged) and event.scope == Scope.FIRM:
            self.state.drawn[event.firm, event.currency] = None if event.credit == NOT_SET else 0

    def _sized(self, event: wire.MarketSizeChanged) -> None:
        self._keep(event, Level(Scope.INSTRUMENT, 0, event.instrument), numbers_of(event))
        self.sized.add(event.instrument)

    def _limit(self, event: Event, level: Level, numbers: Mapping[str, int]) -> None:
        """Replace limits of a record."""
        self._keep(event, level, numbers)
        self.moved.add(event.account)  # EVERYBODY, of a level that is no account

    def _keep(self, event: Event, level: Level, numbers: Mapping[str, int]) -> None:
        """Keep numbers of a level; what is not set is not there any more."""
        for name, value in numbers.items():
            self.state.limits[*level, name] = None if value == NOT_SET else Limit(value, event.sequence)

    def _joined(self, event: wire.FirmChanged | wire.GroupChanged) -> None:
        scope, number = (Scope.FIRM, event.firm) if isinstance(event, wire.FirmChanged) else (Scope.GROUP, event.group)
        self.state.members[event.account, scope] = number or None
        self.moved.add(event.account)

    def _switched(self, event: wire.KillSwitchChanged) -> None:
        level = Level(Scope.ACCOUNT, event.account) if event.account else VENUE
        self._switch(event, level, int(event.engaged))

    def _killed(self, event: wire.KillChanged) -> None:
        level = level_of(event.scope, account=event.account, instrument=event.instrument, other=event.subject)
        self._switch(event, level, event.mode)

    def _switch(self, event: Event, level: Level, mode: int) -> None:
        self.state.switches[level] = Engaged(mode, event.sequence, event.time_ns) if mode else None
        self.moved.add(event.account)  # EVERYBODY, of a level that is no account


_ENTER: dict[type[Event], Callable[[Folding, Any], None]] = {
    wire.TransferPosted: Folding._transfer,  # noqa: SLF001  # the table of contents of this class
    wire.TransferMade: Folding._made,  # noqa: SLF001
    wire.TradePrinted: Folding._trade,  # noqa: SLF001
    wire.TradeBusted: Folding._busted,  # noqa: SLF001
    wire.PositionTaken: Folding._taken,  # noqa: SLF001
    wire.PositionAdjusted: Folding._adjusted,  # noqa: SLF001
    wire.OrderAccepted: Folding._accepted,  # noqa: SLF001
    wire.OrderRejected: Folding._rejected,  # noqa: SLF001
    wire.OrdersLinked: Folding._linked,  # noqa: SLF001
    wire.OrderReplaced: Folding._replaced,  # noqa: SLF001
    wire.OrderTriggered: Folding._triggered,  # noqa: SLF001
    wire.StopMoved: Folding._stop_moved,  # noqa: SLF001
    wire.OrderCancelled: Folding._cancelled,  # noqa: SLF001
    wire.MarkChanged: Folding._marked,  # noqa: SLF001
    wire.AccountOpened: Folding._opened,  # noqa: SLF001
    wire.LimitsChanged: Folding._limited,  # noqa: SLF001
    wire.QuantityLimitsChanged: Folding._recorded,  # noqa: SLF001
    wire.MoneyLimitsChanged: Folding._recorded,  # noqa: SLF001
    wire.MarketSharesChanged: Folding._recorded,  # noqa: SLF001
    wire.MarketSizeChanged: Folding._sized,  # noqa: SLF001
    wire.FirmChanged: Folding._joined,  # noqa: SLF001
    wire.GroupChanged: Folding._joined,  # noqa: SLF001
    wire.KillSwitchChanged: Folding._switched,  # noqa: SLF001
    wire.KillChanged: Folding._killed,  # noqa: SLF001
}
