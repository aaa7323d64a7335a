"""Drive a venue with a tape: every change of the tape's book becomes a command, every checkpoint a comparison.

The reconstruction is ahead by one event of the tape: once an event is closed, each order that it touched is brought from
what the venue has to what the tape says. With `execute`, a trade of the tape is first sent as an IOC order against our book;
makers that our engine filled as the tape did then need no further command, the others are counted and mended.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from quantumcore.app.replay.opening import Auction, Opening, opening_of
from quantumcore.app.replay.reconstruction import Reconstruction, Resting
from quantumcore.app.replay.records import OTHER_SIDE, PRICE_PLACES, Record, Tape
from quantumcore.app.venue import Venue
from quantumcore.contracts.values import Scaled
from quantumcore.contracts.wire import (
    AuctionUncrossed,
    CancelOrder,
    CommandRefused,
    DefineCurrency,
    DefineInstrument,
    Event,
    IndicativeChanged,
    OrderAccepted,
    OrderRejected,
    ReplaceOrder,
    SetInstrumentStatus,
    SetLimits,
    SubmitOrder,
    TradePrinted,
    Transfer,
)

PARTICIPANTS = 16
"""Resting orders are spread over this many accounts; one more sends the aggressive ones."""
MAX_OPEN_ORDERS = 4_000_000
_CASH = 4 * 10**17
_ASSETS = 2 * 10**16
_LIMIT, _GTC, _IOC, _NO_PREVENTION, _FUTURE, _DEPOSIT = 2, 1, 3, 5, 2, 1
_PRICE_GIVEN, _QUANTITY_GIVEN = 1, 2
_CONTINUOUS, _OPENING_CALL = 1, 5
_SIDE = {"B": 1, "A": 2}


class Live(NamedTuple):
    """An order of the tape as it works in the venue: its engine id, its account, its total (for amends) and what it has filled."""

    sequence: int
    slot: int
    account: int
    total: int
    filled: int
    price: int
    side: str


@dataclass
class Tally:
    """What a replay did and found."""

    actions: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    trades: int = 0
    checkpoints: int = 0
    differences: int = 0
    tape_trades: int = 0
    tape_fills: int = 0
    reproduced: int = 0
    unexplained: Counter[str] = field(default_factory=Counter)


class Replay:
    """One instrument of a tape against one venue.

    Attributes:
        book: The tape's book, rebuilt independently.
        tally: Counts so far.
    """

    def __init__(self, venue: Venue, tape: Tape, instrument: int, *, execute: bool = False) -> None:
        self.venue = venue
        self.book = Reconstruction()
        self.tally = Tally()
        self._execute = execute
        self._instrument = instrument
        self._live: dict[int, Live] = {}
        self._by_engine: dict[tuple[int, int], int] = {}
        self._indicative = Auction()
        self._doubtful: set[tuple[str, int]] = set()
        self._serial = 0
        self._number = _define(venue, tape, instrument)
        self._tick = tape.tick(instrument)
        self._accounts = [self._fund() for _ in range(PARTICIPANTS)]
        self._taker = self._fund()

    def skip(self, event: list[Record]) -> None:
        """Let the tape's book move without the venue (before the start)."""
        for record in event:
            self.book.apply(record)

    def load(self) -> None:
        """Bring the whole book of this moment into the venue as resting orders, in their priority."""
        for side in ("B", "A"):
            for order in self.book.side(side):
                self._bring(order.order_id)

    def call(self) -> None:
        """Let the venue gather orders until `open`: as before the open of the tape, its book may cross."""
        self.venue.step(SetInstrumentStatus(instrument=self._number, status=_OPENING_CALL))

    def open(self, event: list[Record]) -> Opening:
        """Uncross the call where the tape did, in `event`; then follow the tape."""
        self._meet(event)
        opening = opening_of(event, self.book)
        opening.shown = self._indicative
        for order in opening.unseen:
            self._submit(order)
        filled: Counter[int] = Counter()
        for told in self.venue.step(SetInstrumentStatus(instrument=self._number, status=_CONTINUOUS)):
            if isinstance(told, AuctionUncrossed):
                opening.ours = Auction.told(told, self._tick)
            elif isinstance(told, TradePrinted):
                for name in _names(told):
                    filled[self._by_engine.get(name, 0)] += told.quantity
                self._filled(told)
        opening.compare(filled)
        for order_id in [order.order_id for order in opening.unseen if order.order_id in self._live]:
            self._cancel(order_id, self._live[order_id])
        for order_id in opening.different & set(self.book.orders):
            order = self.book.orders[order_id]
            self._doubtful.add((order.side, order.price))
        self._follow(event)
        return opening

    def play(self, event: list[Record]) -> None:
        """Apply one event of the tape."""
        self._meet(event)
        if self._execute:
            self._execute_trades(event)
        self._follow(event)

    def _meet(self, event: list[Record]) -> None:
        self.venue.time_ns = max(self.venue.time_ns, event[0].time_ns)
        self.tally.actions.update(record.action for record in event)

    def _follow(self, event: list[Record]) -> None:
        """Bring the venue to what the tape's book says after `event`."""
        cleared = list(self._live) if any(record.action == "R" for record in event) else []
        touched: dict[int, bool] = {}  # order -> whether it joined a level anew
        for record in event:
            before = self.book.place(record.order_id)
            self.book.apply(record)
            if record.action in "ACM":
                anew = self.book.place(record.order_id) != before
                if anew:
                    touched.pop(record.order_id, None)  # it stands behind those that joined before it
                touched[record.order_id] = anew or touched.get(record.order_id, False)
        for order_id in [*cleared, *touched]:
            if order_id not in self.book.orders:
                self._bring(order_id)  # what leaves, leaves first: nothing may cross on the way
        for order_id, anew in touched.items():
            if order_id in self.book.orders:
                self._bring(order_id, anew=anew)
        for side, price in self._doubtful:
            self._restore_level(side, price)
        self._doubtful.clear()

    def compare(self) -> int:
        """Compare both books order by order, in priority; return how many places differ."""
        self.tally.checkpoints += 1
        differences = 0
        for side in ("B", "A"):
            ours = [
                (self._by_engine.get((sequence, slot), 0), price * self._tick, leaves)
                for sequence, slot, _, price, leaves in self.venue.engine.orders(self._number, _SIDE[side])
            ]
            theirs = [(order.order_id, order.price, order.size) for order in self.book.side(side)]
            differences += sum(a != b for a, b in zip(ours, theirs, strict=False)) + abs(len(ours) - len(theirs))
        self.tally.differences += differences
        return differences

    # ------------------------------------------------------------------------------------ one order

    def _bring(self, order_id: int, *, anew: bool = False) -> None:
        """Bring one order of the venue to what the tape's book says now.

        An iceberg that refilled shows no more than before but has lost its place (`anew`): an amend of ours would keep it.
        """
        wanted, live = self.book.orders.get(order_id), self._live.get(order_id)
        if wanted is None:
            if live is not None:
                self._cancel(order_id, live)
        elif live is None:
            self._submit(wanted)
        elif anew and wanted.price == live.price and wanted.size <= live.total - live.filled:
            self._cancel(order_id, live)
            self._submit(wanted)
        elif wanted.price != live.price or wanted.size != live.total - live.filled:
            self._amend(wanted, live)

    def _submit(self, order: Resting) -> None:
        account = self._accounts[order.order_id % PARTICIPANTS]
        command = self._order(account, order.side, order.price, order.size, _GTC)
        for event in self._step(command):
            match event:
                case OrderAccepted():
                    live = Live(event.sequence, event.order_slot, account, order.size, 0, order.price, order.side)
                    self._live[order.order_id] = live
                    self._by_engine[(live.sequence, live.slot)] = order.order_id
                case TradePrinted():
                    self._filled(event)
                case _:
                    pass

    def _amend(self, order: Resting, live: Live) -> None:
        price = Scaled.parse(_decimal(order.price), "price")
        quantity = Scaled.parse(str(live.filled + order.size), "quantity")
        command = ReplaceOrder(
            account=live.account,
            order_sequence=live.sequence,
            order_slot=live.slot,
            price=price.mantissa,
            price_scale=price.scale,
            quantity=quantity.mantissa,
            quantity_scale=quantity.scale,
            fields=_PRICE_GIVEN | _QUANTITY_GIVEN,
        )
        self._live[order.order_id] = live._replace(total=live.filled + order.size, price=order.price)
        for event in self._step(command):
            if isinstance(event, TradePrinted):
                self._filled(event)

    def _cancel(self, order_id: int, live: Live) -> None:
        self._step(CancelOrder(account=live.account, order_sequence=live.sequence, order_slot=live.slot))
        self._forget(order_id, live)

    def _forget(self, order_id: int, live: Live) -> None:
        del self._live[order_id]
        del self._by_engine[(live.sequence, live.slot)]

    def _filled(self, trade: TradePrinted) -> None:
        """Note a trade of ours on the orders of the tape that it filled."""
        self.tally.trades += 1
        for engine_id in _names(trade):
            order_id = self._by_engine.get(engine_id)
            if order_id is None:
                continue
            live = self._live[order_id]
            live = live._replace(filled=live.filled + trade.quantity)
            self._live[order_id] = live
            if live.filled == live.total:
                self._forget(order_id, live)

    # ---------------------------------------------------------------------------------- executions

    def _execute_trades(self, event: list[Record]) -> None:
        """Send each trade of the event as an IOC order.

        The venue's packet tells of trades first and of the book afterwards, whatever came first in its engine: an order that
        leaves in this event without a fill had left before the trade, so it goes first here too.
        """
        if all(record.action != "T" for record in event):
            return
        filled = {record.order_id for record in event if record.action == "F"}
        for record in event:
            if record.action == "C" and record.order_id not in filled and record.order_id in self._live:
                self._cancel(record.order_id, self._live[record.order_id])
        trade: Record | None = None
        fills: list[Record] = []
        for each in [*event, None]:
            if each is None or each.action == "T":
                if trade is not None:
                    self._trade(trade, fills)
                trade, fills = each, []
            elif each.action == "F":
                fills.append(each)

    def _trade(self, trade: Record, fills: list[Record]) -> None:
        """Compare whom our engine fills with whom the tape says it filled."""
        self.tally.tape_trades += 1
        if trade.side not in _SIDE:
            self.tally.tape_fills += len(fills)
            self.tally.unexplained["the tape names no aggressor (auction or implied)"] += len(fills)
            return
        fills = [
            fill for fill in fills if fill.side != trade.side
        ]  # the rest is the aggressor's own: an amend that crossed
        self.tally.tape_fills += len(fills)
        wanted = sum(fill.size for fill in fills)
        if wanted == 0:
            self.tally.unexplained["trade without a resting order (implied or hidden liquidity)"] += 1
            return
        ours: Counter[int] = Counter()
        for event in self._step(self._order(self._taker, trade.side, trade.price, wanted, _IOC)):
            if isinstance(event, TradePrinted):
                ours[self._by_engine.get((event.maker_order_sequence, event.maker_slot), 0)] += event.quantity
                self._filled(event)
        theirs: Counter[int] = Counter()
        for fill in fills:
            theirs[fill.order_id] += fill.size
        for fill in fills:
            if ours[fill.order_id] == theirs[fill.order_id]:
                self.tally.reproduced += 1
            else:
                self.tally.unexplained[self._why(fill, ours[fill.order_id])] += 1
        if ours != theirs:
            self._doubtful.add((OTHER_SIDE[trade.side], trade.price))

    def _restore_level(self, side: str, price: int) -> None:
        """Bring a level on which we filled others than the tape back to the tape's orders and priority."""
        for order_id, live in list(self._live.items()):
            if live.side == side and live.price == price:
                self._cancel(order_id, live)
        for order_id in self.book.level(side, price):
            self._submit(self.book.orders[order_id])

    def _why(self, fill: Record, filled: int) -> str:
        shown = self.book.orders.get(fill.order_id)
        if shown is None:
            return "the tape fills an order that is not in its book"
        if fill.size > shown.size:
            return "the tape fills more than the order shows (iceberg)"
        if filled == 0:
            return "other orders stand before it in our priority"
        return "filled in part: the rest of the trade went to other orders in our priority"

    # -------------------------------------------------------------------------------------- engine

    def _order(self, account: int, side: str, price: int, size: int, time_in_force: int) -> SubmitOrder:
        self._serial += 1
        limit = Scaled.parse(_decimal(price), "price")
        quantity = Scaled.parse(str(size), "quantity")
        return SubmitOrder(
            instrument=self._number,
            account=account,
            price=limit.mantissa,
            price_scale=limit.scale,
            quantity=quantity.mantissa,
            quantity_scale=quantity.scale,
            side=_SIDE[side],
            order_type=_LIMIT,
            time_in_force=time_in_force,
            self_trade_prevention=_NO_PREVENTION,
            client_id=f"r{self._serial}",
        )

    def _step(self, command: SubmitOrder | ReplaceOrder | CancelOrder) -> list[Event]:
        self.tally.commands += 1
        events = self.venue.step(command)
        for event in events:
            if isinstance(event, OrderRejected | CommandRefused):
                self.tally.refused[event.reason] += 1
            elif isinstance(event, IndicativeChanged):
                self._indicative = Auction.told(event, self._tick)
        return events

    def _fund(self) -> int:
        account = self.venue.open_account()
        self.venue.step(SetLimits(account=account, max_open_orders=MAX_OPEN_ORDERS))
        instrument = self.venue.catalogue.instruments[self._number]
        for currency, amount in ((instrument.quote.number, _CASH), (instrument.base.number, _ASSETS)):
            self._serial += 1
            self.venue.step(
                Transfer(
                    account=account,
                    amount=amount,
                    currency=currency,
                    transfer_kind=_DEPOSIT,
                    transfer_id=f"r{self._serial}",
                )
            )
        return account


def _names(trade: TradePrinted) -> tuple[tuple[int, int], tuple[int, int]]:
    return (trade.maker_order_sequence, trade.maker_slot), (trade.taker_order_sequence, trade.taker_slot)


def _define(venue: Venue, tape: Tape, instrument: int) -> int:
    """Define the tape's instrument in the venue, without fees and with bounds as wide as they go."""
    symbol = tape.symbols.get(instrument, f"I{instrument}")
    number = len(venue.catalogue.instruments) + 1
    cash, asset = len(venue.catalogue.currencies) + 1, len(venue.catalogue.currencies) + 2
    tick = Scaled.parse(_decimal(tape.tick(instrument)), "tick")
    highest = max(record.price for record in tape.records if record.instrument == instrument)
    for command in (
        DefineCurrency(currency=cash, scale=2, code=f"CASH{number}"),
        DefineCurrency(currency=asset, scale=0, code=f"ASSET{number}"),
        DefineInstrument(
            instrument=number,
            instrument_kind=_FUTURE,
            status=_CONTINUOUS,
            base=asset,
            quote=cash,
            tick_scale=tick.scale,
            lot_scale=0,
            tick=tick.mantissa,
            lot=1,
            multiplier=1,
            min_price=1,
            max_price=max(10 * highest // tape.tick(instrument), 1),
            min_quantity=1,
            max_quantity=10**9,
            min_notional=0,
            max_notional=2**62,
            taker_fee=0,
            maker_fee=0,
            minimum_fee=0,
            collar=5_000_000,
            symbol=symbol,
        ),
    ):
        for event in venue.step(command):
            venue.catalogue.apply(event)
    return number


def _decimal(price: int) -> str:
    return f"{price // 10**PRICE_PLACES}.{price % 10**PRICE_PLACES:0{PRICE_PLACES}d}"
