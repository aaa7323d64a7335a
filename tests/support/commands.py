"""Raw commands and events for tests that drive an engine by bytes: docs/reference/engine.md sections 2 and 3.

Written with `struct` alone, so that they share no code with the codec or the engine they test.
"""

import struct
from decimal import Decimal
from typing import Any

BUY, SELL = 1, 2
MARKET, LIMIT = 1, 2
GTC, IOC, FOK = 1, 3, 4
NEWEST, OLDEST, BOTH, DECREMENT, NONE = 1, 2, 3, 4, 5
DEPOSIT, WITHDRAWAL, BETWEEN = 1, 2, 3
NO_SLOT = 0xFFFFFFFF
USD, EUR, BTC, ACME, TINY = 1, 2, 3, 4, 5


def header(size: int, kind: int, instrument: int = 0, account: int = 0) -> bytes:
    return struct.pack("<HBBIQ", size, kind, 0, instrument, account)


def decimal(text: str | int | None) -> tuple[int, int]:
    """Mantissa and scale of a decimal text, trailing zeros removed."""
    value = Decimal(text or 0)
    sign, digits, exponent = value.as_tuple()
    mantissa = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
    scale = -int(exponent)
    while scale > 0 and mantissa % 10 == 0:
        mantissa, scale = mantissa // 10, scale - 1
    return mantissa * 10 ** max(0, -scale), max(0, scale)


def submit(
    account: int,
    client_id: str,
    side: int,
    price: str | int | None,
    quantity: str | int,
    *,
    instrument: int = 1,
    type: int = LIMIT,
    tif: int = GTC,
    stp: int = 0,
    flags: int = 0,
    session: int = 7,
) -> bytes:
    (p, ps), (q, qs) = decimal(price), decimal(quantity)
    return header(80, 1, instrument, account) + struct.pack(
        "<qqBBBBBBHI36s", p, q, ps, qs, side, type, tif, stp, flags, session, client_id.encode()
    )


def replace(
    account: int,
    *,
    sequence: int = 0,
    slot: int = 0,
    client_id: str = "",
    price: str | int | None = None,
    quantity: str | int | None = None,
    session: int = 7,
) -> bytes:
    fields = (price is not None) | (quantity is not None) << 1
    (p, ps), (q, qs) = decimal(price), decimal(quantity)
    return header(88, 2, 0, account) + struct.pack(
        "<qqQIBBHI36s", p, q, sequence, slot, ps, qs, fields, session, client_id.encode()
    )


def cancel(account: int, *, sequence: int = 0, slot: int = 0, client_id: str = "") -> bytes:
    return header(72, 3, 0, account) + struct.pack("<QII36sI", sequence, slot, 7, client_id.encode(), 0)


def mass_cancel(account: int, *, instrument: int = 0, side: int = 0) -> bytes:
    return header(24, 4, instrument, account) + struct.pack("<B7x", side)


def transfer(account: int, transfer_id: str, kind: int, currency: int, amount: int, to_account: int = 0) -> bytes:
    return header(72, 5, 0, account) + struct.pack(
        "<qQHBB36s", amount, to_account, currency, kind, 0, transfer_id.encode()
    )


def open_account(account: int, owner: bytes = b"owner") -> bytes:
    return header(32, 6, 0, account) + struct.pack("<16s", owner)


def define_currency(currency: int, scale: int, code: str) -> bytes:
    return header(32, 7) + struct.pack("<HBB12s", currency, scale, 0, code.encode())


TERMS = {
    "kind": 1, "status": 1, "base": BTC, "quote": USD, "tick": "0.01", "lot": "0.00001", "multiplier": 1,
    "min_price": 1, "max_price": 10**12, "min_quantity": 1, "max_quantity": 10**12, "min_notional": 0,
    "max_notional": 10**15, "taker_fee": 100_000, "maker_fee": 50_000, "minimum_fee": 0, "collar": 5_000_000, "symbol": "BTC-USD",
}  # fmt: skip


def define_instrument(instrument: int = 1, **changes: Any) -> bytes:
    t: dict[str, Any] = TERMS | changes
    tick, tick_scale = t["tick"] if isinstance(t["tick"], tuple) else decimal(t["tick"])
    lot, lot_scale = t["lot"] if isinstance(t["lot"], tuple) else decimal(t["lot"])
    return header(152, 8, instrument) + struct.pack(
        "<BBHHBB13q24s", t["kind"], t["status"], t["base"], t["quote"], tick_scale, lot_scale,
        tick, lot, t["multiplier"], t["min_price"], t["max_price"], t["min_quantity"], t["max_quantity"],
        t["min_notional"], t["max_notional"], t["taker_fee"], t["maker_fee"], t["minimum_fee"], t["collar"],
        t["symbol"].encode(),
    )  # fmt: skip


def set_status(instrument: int, status: int) -> bytes:
    return header(24, 9, instrument) + struct.pack("<B7x", status)


def kill(account: int, engaged: int) -> bytes:
    return header(24, 10, 0, account) + struct.pack("<B7x", engaged)


def advance_time() -> bytes:
    return header(16, 11)


def set_limits(account: int, max_open_orders: int) -> bytes:
    return header(24, 12, 0, account) + struct.pack("<II", max_open_orders, 0)


# ---- events ----------------------------------------------------------------------------------------

I128 = "16s"
_LAYOUTS: dict[int, tuple[str, str, str]] = {
    1: ("CommandDone", "BBHIQII", "command outcome _ count order_sequence order_slot _"),
    2: ("CommandRefused", "BBHB3s16s16sQI36s", "command scope reason decimals _ limit actual order_sequence order_slot client_id"),
    3: ("OrderAccepted", "qqqIBBBBHH36sI12s",
        "price quantity hold order_slot side type tif stp flags hold_currency client_id session _"),
    4: ("OrderRejected", "qqBBBBBBH16s16sHBBI36sI",
        "price quantity price_scale quantity_scale side type tif stp flags limit actual reason scope decimals order_slot client_id session"),
    5: ("OrderReplaced", "qqqqQIBBHQ", "price quantity leaves hold order_sequence order_slot reason priority_kept hold_currency _"),
    6: ("OrderCancelled", "QqqIHHQ", "order_sequence quantity released order_slot reason hold_currency _"),
    7: ("TradePrinted", "QQQIIqqqqqqqqqqqIBBHH6s",
        ("maker_account maker_order_sequence taker_order_sequence maker_slot taker_slot price quantity maker_leaves "
        "taker_leaves paid received maker_fee taker_fee asset maker_hold taker_hold fill taker_side _ quote base _")),
    8: ("TransferPosted", "qQqqHBB36s", "amount to_account total held currency kind _ transfer_id"),
    9: ("AccountOpened", "16sQ", "owner _"),
    10: ("CurrencyDefined", "HBB12sQ", "currency scale _ code _"),
    11: ("InstrumentDefined", "136s", "terms"),
    12: ("InstrumentStatusChanged", "B7s", "status _"),
    13: ("KillSwitchChanged", "B3sI", "engaged _ count"),
    14: ("LimitsChanged", "II", "max_open_orders _"),
}  # fmt: skip


class Event(dict[str, Any]):
    """One decoded event: its name and fields, by attribute."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def decode(events: bytes) -> list[Event]:
    """Every event of a step; reserved bytes must be zero."""
    decoded = []
    offset = 0
    while offset < len(events):
        size, kind, last, index, sequence, time_ns, instrument, zero, account = struct.unpack_from(
            "<HBBIQqIIQ", events, offset
        )
        name, layout, names = _LAYOUTS[kind]
        layout = "<" + layout
        assert struct.calcsize(layout) == size - 40, (name, struct.calcsize(layout), size)
        event = Event(
            name=name,
            last=last,
            index=index,
            sequence=sequence,
            time_ns=time_ns,
            instrument=instrument,
            account=account,
        )
        for key, value in zip(names.split(), struct.unpack_from(layout, events, offset + 40), strict=True):
            if key == "_":
                assert not any(value) if isinstance(value, bytes) else value == 0
            elif key in ("limit", "actual"):
                event[key] = int.from_bytes(value, "little", signed=True)
            elif key in ("client_id", "transfer_id", "code"):
                event[key] = value.rstrip(b"\0").decode()
            else:
                event[key] = value
        assert zero == 0
        decoded.append(event)
        offset += size
    return decoded


class Desk:
    """An engine with a clock and decoded answers."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.now = 1_000

    def do(self, *commands: bytes) -> list[Event]:
        self.now += 1
        return decode(self.engine.step(b"".join(commands), self.now))

    def one(self, command: bytes) -> Event:
        """The only event of a command."""
        (event,) = self.do(command)
        return event

    def balance(self, account: int, currency: int) -> tuple[int, int]:
        """(total, held)."""
        return {c: (total, held) for c, total, held in self.engine.balances(account)}.get(currency, (0, 0))

    def fund(self, account: int, **amounts: int) -> None:
        """Opens the account if need be and deposits minor units by currency name."""
        self.do(open_account(account))
        for name, amount in amounts.items():
            (event,) = self.do(transfer(account, f"fund-{self.now}", DEPOSIT, globals()[name], amount))
            assert event.name == "TransferPosted"

    def currencies(self) -> None:
        self.do(
            define_currency(USD, 2, "USD"),
            define_currency(EUR, 2, "EUR"),
            define_currency(BTC, 8, "BTC"),
            define_currency(ACME, 0, "ACME"),
            define_currency(TINY, 9, "TINY"),
        )

    def total_is_conserved(self) -> None:
        """Every law that the engine can check of itself, and the sum of money in every currency."""
        self.engine.check()
        for currency in (USD, EUR, BTC, ACME, TINY):
            customers, held, fees, rebates, rounding, deposited = self.engine.totals(currency)
            assert customers + fees - rebates + rounding == deposited
            assert 0 <= held <= customers
