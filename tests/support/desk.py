"""A desk in front of an engine: commands in words, decoded events out. What a test does not say stands at a plain default."""

from itertools import count
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.values import Scaled
from tests.support.engines import NewEngine, step

BUY, SELL = 1, 2
MARKET, LIMIT = 1, 2
GTC, IOC, FOK = 1, 3, 4
NEWEST, OLDEST, BOTH, DECREMENT, NONE = 1, 2, 3, 4, 5
DEPOSIT, WITHDRAWAL, BETWEEN = 1, 2, 3
TRADING, HALTED, CLOSED = 1, 2, 3
POST_ONLY = 1
HOUR = 3600 * 10**9
START = 1_700_000_000 * 10**9

USD, BTC, XYZ, JPY = 1, 2, 3, 4
ALICE, BOB, CAROL = 1, 2, 3
SHARE, COIN = 1, 2


def instrument(number: int = SHARE, **changes: Any) -> wire.DefineInstrument:
    """Return a definition: by default a share with tick 0.01 and lot 1 in dollars, without fees."""
    terms: dict[str, Any] = {
        "instrument_kind": 1,
        "status": TRADING,
        "base": XYZ,
        "quote": USD,
        "tick_scale": 2,
        "lot_scale": 0,
        "tick": 1,
        "lot": 1,
        "multiplier": 1,
        "min_price": 1,
        "max_price": 10**9,
        "min_quantity": 1,
        "max_quantity": 10**9,
        "min_notional": 0,
        "max_notional": 2**63 - 1,
        "taker_fee": 0,
        "maker_fee": 0,
        "minimum_fee": 0,
        "collar": 5_000_000,
        "symbol": f"SYM{number}",
    }
    return wire.DefineInstrument(instrument=number, **{**terms, **changes})


def coin(number: int = COIN, **changes: Any) -> wire.DefineInstrument:
    """Return a definition: a coin with tick 0.01 and lot 0.00001 in dollars; one tick of one lot is no whole cent."""
    return instrument(number, **{"base": BTC, "lot": 1, "lot_scale": 5, **changes})


class Desk:
    """One engine, its clock, and the events of the last command."""

    def __init__(self, new_engine: NewEngine, *definitions: wire.DefineInstrument, **bounds: int) -> None:
        self.engine = new_engine(**bounds)
        self.time_ns = START
        self._ids = count(1)
        for number, code, scale in ((USD, "USD", 2), (BTC, "BTC", 8), (XYZ, "XYZ", 0), (JPY, "JPY", 0)):
            self.do(wire.DefineCurrency(currency=number, code=code, scale=scale))
        for definition in definitions or (instrument(),):
            event = self.do(definition)
            assert isinstance(event, wire.InstrumentDefined), event
        for account in (ALICE, BOB, CAROL):
            self.do(wire.OpenAccount(account=account, owner=1000 + account))

    def all(self, command: wire.Command | bytes) -> list[wire.Event]:
        """Send one command; return its events."""
        raw = command if isinstance(command, bytes) else command.encode()
        return wire.decode_events(step(self.engine, raw, self.time_ns))

    def do(self, command: wire.Command | bytes) -> Any:
        """Send one command that has one event; return it."""
        (event,) = self.all(command)
        return event

    def new_id(self) -> str:
        """Return an id that was not used before."""
        return f"id-{next(self._ids)}"

    def fund(self, account: int, currency: int, amount: int) -> wire.TransferPosted:
        """Deposit `amount` minor units."""
        event = self.do(
            wire.Transfer(
                account=account, amount=amount, currency=currency, transfer_kind=DEPOSIT, transfer_id=self.new_id()
            )
        )
        assert isinstance(event, wire.TransferPosted), event
        return event

    def rich(self) -> "Desk":
        """Give everyone plenty of everything."""
        for account in (ALICE, BOB, CAROL):
            for currency in (USD, BTC, XYZ, JPY):
                self.fund(account, currency, 10**15)
        return self

    def order(
        self, account: int, side: int, quantity: str, price: str | None = None, **changes: Any
    ) -> wire.SubmitOrder:
        """Return a submission: a limit order until cancelled, or a market order when no price is given."""
        amount, limit = Scaled.parse(quantity, "quantity"), Scaled.parse(price or "0", "price")
        body: dict[str, Any] = {
            "instrument": SHARE,
            "account": account,
            "side": side,
            "quantity": amount.mantissa,
            "quantity_scale": amount.scale,
            "price": limit.mantissa,
            "price_scale": limit.scale,
            "order_type": MARKET if price is None else LIMIT,
            "time_in_force": IOC if price is None else GTC,
            "client_id": changes.pop("client_id", None) or self.new_id(),
        }
        return wire.SubmitOrder(**{**body, **changes})

    def submit(self, *order: Any, **changes: Any) -> list[wire.Event]:
        """Submit; return all events."""
        return self.all(self.order(*order, **changes))

    def rest(self, *order: Any, **changes: Any) -> wire.OrderAccepted:
        """Submit an order that is accepted and trades nothing; return its acceptance."""
        (event,) = self.submit(*order, **changes)
        assert isinstance(event, wire.OrderAccepted), event
        return event

    def refused(self, *order: Any, **changes: Any) -> wire.OrderRejected:
        """Submit an order that is rejected; return the rejection."""
        (event,) = self.submit(*order, **changes)
        assert isinstance(event, wire.OrderRejected), event
        return event

    def replace(self, order: wire.OrderAccepted, **given: str) -> list[wire.Event]:
        """Replace price or quantity of an order; return all events."""
        return self.all(self.replacement(order, **given))

    def replacement(self, order: wire.OrderAccepted, **given: str) -> wire.ReplaceOrder:
        """Return the command that replaces price or quantity of an order."""
        body: dict[str, int] = {"fields": 0}
        for bit, name in ((1, "price"), (2, "quantity")):
            if name in given:
                value = Scaled.parse(given[name], name)
                body |= {name: value.mantissa, f"{name}_scale": value.scale, "fields": body["fields"] | bit}
        return wire.ReplaceOrder(
            account=order.account, order_sequence=order.sequence, order_slot=order.order_slot, **body
        )

    def cancel(self, order: wire.OrderAccepted, account: int | None = None) -> Any:
        """Cancel an order by its engine id; return the one event."""
        return self.do(
            wire.CancelOrder(
                account=order.account if account is None else account,
                order_sequence=order.sequence,
                order_slot=order.order_slot,
            )
        )

    def balance(self, account: int, currency: int) -> tuple[int, int]:
        """Return (total, held) in minor units."""
        return {number: (total, held) for number, total, held in self.engine.balances(account)}.get(currency, (0, 0))

    def state(self) -> list[Any]:
        """Return everything that can be asked, the hash and the sequence apart: what a refusal must not change."""
        engine = self.engine
        books = [engine.orders(number, side) for number in range(1, 10) for side in (BUY, SELL)]
        depth = [engine.depth(number, side, 1000) for number in range(1, 10) for side in (BUY, SELL)]
        money = [(account, engine.balances(account)) for account in engine.accounts()]
        orders = [engine.order(row[0], row[1]) for book in books for row in book]
        return [books, depth, money, orders, [engine.totals(currency) for currency in (USD, BTC, XYZ, JPY)]]


def of(kind: type[wire.Event], events: list[wire.Event]) -> list[Any]:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]
