"""The whole engine inside a program: no sockets, no files, no threads.

    with Venue() as venue:
        alice = venue.open_account()
        venue.deposit(alice, "USD", "10000.00")
        order = venue.submit(alice, "BTC-USD", "buy", "0.1", "20000.00")
        venue.book("BTC-USD")

It is the same native engine behind the same layouts as the served venue, without its journal.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from quantumcore.app.definitions import load_definitions
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.orders import CANCEL_REASONS, SELF_TRADE_PREVENTION, SIDES, TIMES_IN_FORCE, TYPES
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.values import Scaled
from quantumcore.contracts.wire import (
    CancelOrder,
    Command,
    CommandRefused,
    Event,
    OpenAccount,
    OrderAccepted,
    OrderCancelled,
    OrderRejected,
    TradePrinted,
    Transfer,
    decode_events,
)
from quantumcore.core._native import Engine

FIRST_ACCOUNT = 1001
_DEPOSIT = 1
_POST_ONLY = 1


class Placed(NamedTuple):
    """What became of a submitted order.

    Attributes:
        order: (sequence, slot) of the order, for cancel; None when it was rejected.
        reason: Dotted code when rejected or cancelled at once, else "".
        trades: The trades that it caused as taker.
    """

    order: tuple[int, int] | None
    status: str
    filled: str
    reason: str
    trades: list[TradePrinted]


class Venue:
    """An engine with instruments. Time stands still unless `time_ns` is set: whoever simulates owns the clock.

    Attributes:
        engine: The native engine, for anything that this face does not offer.
        time_ns: UTC nanoseconds that the next command carries.
        events: Every event of the last command.
    """

    def __init__(
        self, instruments: Sequence[str] | None = None, *, file: Path | None = None, max_orders: int = 1 << 20
    ) -> None:
        """Open a venue with the instruments of `file` (the packaged one by default), or with those named in `instruments`."""
        self.engine = Engine(max_orders=max_orders)
        self.time_ns = 0
        self.events: list[Event] = []
        self._next_account = FIRST_ACCOUNT
        self._next_id = 0
        self.catalogue = Catalogue()
        for definition in load_definitions(file, instruments):
            for event in self.step(definition):
                if isinstance(event, CommandRefused):
                    raise InvalidCommand("definition.invalid", f"refused: {Reason(event.reason).name}")
                self.catalogue.apply(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.events = []

    def step(self, command: bytes | Command) -> list[Event]:
        """Apply one command and return its events."""
        raw = command.encode() if isinstance(command, Command) else command
        self.events = decode_events(self.engine.step(raw, self.time_ns))
        return self.events

    def open_account(self) -> int:
        """Open an account and return its number."""
        account = self._next_account
        self._next_account += 1
        self.step(OpenAccount(account=account, owner=account))
        return account

    def deposit(self, account: int, currency: str, amount: str) -> None:
        """Put money or assets into an account.

        Raises:
            InvalidCommand: The engine refuses it; the code says why.
        """
        unit = self.catalogue.currency(currency)
        value = Scaled.parse(amount, "amount")
        if value.scale > unit.scale:
            raise InvalidCommand(
                "transfer.amount.bad", f"{currency} has {unit.scale} places", field="amount", actual=amount
            )
        minor = value.mantissa * 10 ** (unit.scale - value.scale)
        command = Transfer(
            account=account, amount=minor, currency=unit.number, transfer_kind=_DEPOSIT, transfer_id=self._client_id()
        )
        for event in self.step(command):
            if isinstance(event, CommandRefused):
                raise InvalidCommand(CODES[Reason(event.reason)], "deposit refused")

    def submit(
        self,
        account: int,
        symbol: str,
        side: str,
        quantity: str,
        price: str | None = None,
        *,
        time_in_force: str = "gtc",
        post_only: bool = False,
        self_trade_prevention: str = "cancel_newest",
        client_order_id: str = "",
    ) -> Placed:
        """Submit a limit order, or a market order when there is no price."""
        instrument = self.catalogue.symbol(symbol)
        amount = Scaled.parse(quantity, "quantity")
        limit = Scaled.parse(price, "price") if price is not None else Scaled(0, 0)
        self.events = decode_events(
            self.engine.submit(
                instrument=instrument.number,
                account=account,
                side=SIDES[side],
                order_type=TYPES["limit" if price is not None else "market"],
                time_in_force=TIMES_IN_FORCE[time_in_force],
                price=limit.mantissa,
                price_scale=limit.scale,
                quantity=amount.mantissa,
                quantity_scale=amount.scale,
                client_id=client_order_id or self._client_id(),
                self_trade_prevention=SELF_TRADE_PREVENTION[self_trade_prevention],
                flags=_POST_ONLY if post_only else 0,
                time_ns=self.time_ns,
            )
        )
        return self._placed(self.events, instrument)

    def cancel(self, account: int, order: tuple[int, int]) -> bool:
        """Cancel a working order; False when there was nothing to cancel."""
        events = self.step(CancelOrder(account=account, order_sequence=order[0], order_slot=order[1]))
        return any(isinstance(event, OrderCancelled) for event in events)

    def book(self, symbol: str, depth: int = 10) -> dict[str, list[tuple[str, str, int]]]:
        """Return {"bids": [(price, quantity, orders)], "asks": ...}, best first."""
        instrument = self.catalogue.symbol(symbol)
        return {
            name: [
                (instrument.price(ticks), instrument.quantity(lots), orders)
                for ticks, lots, orders in self.engine.depth(instrument.number, SIDES[side], depth)
            ]
            for name, side in (("bids", "buy"), ("asks", "sell"))
        }

    def balances(self, account: int) -> dict[str, tuple[str, str]]:
        """Return {currency: (total, held)} as decimals."""
        currencies = self.catalogue.currencies
        return {
            currencies[number].code: (currencies[number].show(total), currencies[number].show(held))
            for number, total, held in self.engine.balances(account)
        }

    def _client_id(self) -> str:
        self._next_id += 1
        return f"v{self._next_id}"

    def _placed(self, events: list[Event], instrument: Instrument) -> Placed:
        order: tuple[int, int] | None = None
        status, reason = "rejected", ""
        trades: list[TradePrinted] = []
        for event in events:
            match event:
                case OrderAccepted():
                    order, status = (event.sequence, event.order_slot), "new"
                case OrderRejected() | CommandRefused():
                    reason = CODES[Reason(event.reason)]
                case TradePrinted():
                    trades.append(event)
                    status = "filled" if event.taker_leaves == 0 else "partially_filled"
                case OrderCancelled() if order == (event.order_sequence, event.order_slot):
                    status, reason = "cancelled", CANCEL_REASONS[event.reason]
                case _:
                    pass
        filled = sum(trade.quantity for trade in trades)
        return Placed(order, status, instrument.quantity(filled), reason, trades)
