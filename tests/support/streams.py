"""Streams of commands in a narrow market: orders meet often, and everything that can be wrong with a command is.

A `Market` is driven by any source of random choices: a seeded `random.Random` for long runs, or hypothesis for
streams that shrink. It may hear the events of its commands; then it also names orders by their engine ids.
"""

import random
import struct
from collections import deque
from functools import partial
from typing import Any, NamedTuple

from hypothesis import strategies as st

from quantumcore.contracts import wire
from tests.support import (
    stream_actions,
    stream_batches,
    stream_holds,
    stream_limits,
    stream_links,
    stream_postings,
    stream_triggers,
)
from tests.support.shown_orders import I64_MAX, TERMS, ShownOrders, advanced
from tests.support.stream_phases import PhaseMakers

HOUR_NS = 3600 * 10**9
START_NS = 1_700_000_000 * 10**9
CURRENCIES = ((1, "USD", 2), (2, "BTC", 8), (3, "XYZ", 0), (4, "JPY", 0), (5, "BIG", 0), (6, "HUGE", 0), (7, "NANO", 9))
ACCOUNTS = (1, 2, 3, 4, 5)
POOR = 5
INSTRUMENTS = tuple(range(1, 8))


def _terms(number: int, base: int, quote: int, **changes: Any) -> wire.DefineInstrument:
    terms: dict[str, Any] = {
        "instrument_kind": 1,
        "status": 1,
        "tick_scale": 2,
        "lot_scale": 0,
        "tick": 1,
        "lot": 1,
        "multiplier": 1,
        "min_price": 1,
        "max_price": 1_000_000,
        "min_quantity": 1,
        "max_quantity": 100_000,
        "min_notional": 0,
        "max_notional": I64_MAX,
        "taker_fee": 0,
        "maker_fee": 0,
        "minimum_fee": 0,
        "collar": 5_000_000,
        "symbol": f"M-{number}",
    }
    return wire.DefineInstrument(instrument=number, base=base, quote=quote, **{**terms, **changes})


DEFINITIONS = (
    # exact, a coarse tick of 0.05 and board lots of 10, plain fees
    _terms(1, 3, 1, tick=5, lot=10, taker_fee=100_000, maker_fee=50_000, max_quantity=60, min_notional=5_000),
    # fractional: one tick of one lot is three tenths of a cent; a rebate for the maker
    _terms(2, 2, 1, tick=3, tick_scale=3, taker_fee=100_003, maker_fee=-20_001, min_price=60, max_price=140),
    # fractional in a currency without decimals, with a minimum fee that a lot at a low price cannot pay
    _terms(3, 2, 4, tick=3, tick_scale=1, lot=7, lot_scale=1, taker_fee=30_000, maker_fee=10_000, minimum_fee=2),
    # a future with a multiplier and bounds of the notional
    _terms(4, 3, 1, instrument_kind=2, tick=25, multiplier=50, taker_fee=7, max_notional=40_000_000, collar=300_000),
    # as large as anything may be: products beyond 64 bits, levels near 2^63 lots
    _terms(5, 5, 6, tick_scale=0, max_price=I64_MAX, max_quantity=I64_MAX, taker_fee=10_000_000),
    # as small as a unit may be: 10^-18 of a minor unit and prices of any size
    _terms(6, 5, 6, tick_scale=18, max_price=I64_MAX, max_quantity=I64_MAX, taker_fee=10_000_000, maker_fee=-9_999_999),
    # a base of nine decimals
    _terms(
        7,
        7,
        1,
        tick=1,
        lot=1,
        lot_scale=9,
        taker_fee=99,
        min_quantity=5,
        min_price=1,
        max_price=10**12,
        max_quantity=10**15,
    ),
)
MIDDLES = {1: 100, 2: 100, 3: 40, 4: 500, 5: 100, 6: 100, 7: 10**9}


class Timed(NamedTuple):
    """One command's bytes and the time it brings."""

    raw: bytes
    time_ns: int


def setup() -> list[bytes]:
    """Return the commands that make the market: currencies, instruments, accounts, deposits."""
    commands: list[wire.Command] = [wire.DefineCurrency(currency=n, code=code, scale=s) for n, code, s in CURRENCIES]
    commands += DEFINITIONS
    commands += [wire.OpenAccount(account=number, owner=number) for number in ACCOUNTS]
    for account in ACCOUNTS:
        for currency, _, scale in CURRENCIES:
            amount = 50 if account == POOR else 1_000_000 * 10**scale
            if currency in (5, 6):
                amount = 50 if account == POOR else 2**61 + 12_345 * account if account < 4 else 10**6
            if currency == 7:
                amount = 10**15
            commands.append(_transfer(account, f"setup-{currency}", 1, amount, currency))
    return [command.encode() for command in commands]


def _transfer(account: int, name: str, kind: int, amount: int, currency: int, to: int = 0) -> wire.Transfer:
    return wire.Transfer(
        account=account, transfer_id=name, transfer_kind=kind, amount=amount, currency=currency, to_account=to
    )


_FURTHER = (
    *stream_triggers.MAKERS,
    *stream_links.MAKERS,
    *stream_batches.MAKERS,
    *stream_postings.MAKERS,
    *stream_holds.MAKERS,
    *stream_actions.MAKERS,
    *stream_limits.MAKERS,
)


class Market(PhaseMakers, ShownOrders):
    """Commands, one by one; the same source of choices gives the same commands."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._time_ns = START_NS
        self._made = 0
        self._sequence = len(setup())
        self._submitted: deque[wire.SubmitOrder] = deque(maxlen=60)
        self.holds: deque[wire.HoldChanged] = deque(maxlen=30)
        self.groups: deque[wire.PostGroup] = deque(maxlen=40)
        self.actions: deque[wire.ApplyAction] = deque(maxlen=20)
        self.batches: deque[wire.SubmitOrderBatch] = deque(maxlen=20)
        self._transferred: deque[wire.Transfer] = deque(maxlen=20)
        self._orders: deque[tuple[int, int, int, int]] = deque(maxlen=60)  # account, sequence, slot, instrument
        self._trades: deque[wire.TradePrinted] = deque(maxlen=30)
        self._kinds = [
            (self._submit, 56),
            (self._submit_advanced, 6),
            (self._submit_shown, 24),
            (self._replace_display, 2),
            (self._cancel, 12),
            (self._replace, 14),
            (self._repeat, 3),
            (self._transfer, 4),
            (self._mass_cancel, 1),
            (self._status, 1),
            (self._kill, 1),
            (self._redefine, 2),
            (self._limits, 1),
            (self._advance, 2),
            (self._open, 1),
            (self._currency, 1),
            (self._hostile, 6),
            (self._auction_order, 4),
            (self._phase, 1),
            (self._trading_rules, 2),
            (self._reference, 1),
            *((partial(make, self), weight) for make, weight in _FURTHER),
        ]
        self._makers = [maker for maker, _ in self._kinds]
        self._weights = [weight for _, weight in self._kinds]
        self._repairs: list[wire.Command] = []  # what opens the market again after a halt, a kill switch, a limit

    def next(self) -> Timed:
        """Return the next command."""
        self._made += 1
        self._sequence += 1
        self._pass_time()
        made = self._repairs.pop(0) if self._repairs and self._chance(25) else self._pick(self._makers, self._weights)()
        return Timed(made if isinstance(made, bytes) else made.encode(), self._time_ns)

    def hear(self, events: bytes) -> None:
        """Learn the names of orders from the events of the last command."""
        offset = 0
        while offset < len(events):
            size, kind = struct.unpack_from("<HB", events, offset)
            if kind == wire.OrderAccepted.KIND:
                event = wire.OrderAccepted(*wire.OrderAccepted.LAYOUT.unpack(events, offset)[2:])
                self._orders.append((event.account, event.sequence, event.order_slot, event.instrument))
            elif kind == wire.TradePrinted.KIND:
                self._trades.append(wire.TradePrinted(*wire.TradePrinted.LAYOUT.unpack(events, offset)[2:]))
            elif kind == wire.HoldChanged.KIND:
                self.holds.append(wire.HoldChanged(*wire.HoldChanged.LAYOUT.unpack(events, offset)[2:]))
            offset += size

    def heard(self) -> list[tuple[int, int]]:
        """Return (sequence, slot) of the orders accepted last, whatever became of them."""
        return [(sequence, slot) for _, sequence, slot, _ in self._orders]

    # ----------------------------------------------------------------------------------------- choices

    def _definition(self, instrument: int) -> wire.DefineInstrument:
        return DEFINITIONS[(instrument - 1) % len(DEFINITIONS)]

    def _scale_of(self, currency: int) -> int:
        return next(scale for number, _, scale in CURRENCIES if number == currency)

    def _pick(self, items: list[Any], weights: list[int]) -> Any:
        return self._rng.choices(items, weights)[0]

    def _chance(self, percent: int) -> bool:
        return self._rng.randrange(100) < percent

    def _pass_time(self) -> None:
        step = self._pick([0, 1_000, 10**9, HOUR_NS, -(10**9)], [40, 50, 20, 2, 2])
        self._time_ns = max(START_NS - 10, self._time_ns + step)

    def _account(self) -> int:
        return self._pick([1, 2, 3, 4, 5, 9, 0, 2**32 + 1], [30, 30, 20, 10, 8, 1, 1, 1])

    def _instrument(self) -> int:
        return self._pick([*INSTRUMENTS, 99, 0], [30, 25, 15, 8, 8, 12, 4, 1, 1])

    def _decimal(self, count: int, step: int, scale: int) -> tuple[int, int]:
        """Return count × step as a canonical decimal, sometimes off the grid."""
        mantissa = count * step
        if self._chance(2):
            mantissa = mantissa * 10 + self._rng.randrange(10)
            scale += 1
        while scale > 0 and mantissa % 10 == 0:
            mantissa, scale = mantissa // 10, scale - 1
        while scale > 18:
            mantissa, scale = mantissa // 10, scale - 1
            while scale > 0 and mantissa % 10 == 0:
                mantissa, scale = mantissa // 10, scale - 1
        return (mantissa, scale) if abs(mantissa) <= I64_MAX else (I64_MAX, 0)

    def middle(self, instrument: int) -> int:
        """Return the ticks about which the instrument trades."""
        return MIDDLES.get(instrument, 100)

    def _distance(self, instrument: int, ticks: int) -> tuple[int, int]:
        """Return so many ticks as a decimal."""
        terms = DEFINITIONS[(instrument - 1) % len(DEFINITIONS)]
        return self._decimal(ticks, terms.tick, terms.tick_scale)

    def _price(self, instrument: int) -> tuple[int, int]:
        terms = DEFINITIONS[(instrument - 1) % len(DEFINITIONS)]
        ticks = self.middle(instrument) + self._rng.randrange(-6, 7)
        if instrument in (5, 6) and self._chance(30):
            ticks = self._pick(
                [2**62, I64_MAX, 2**32, 10**18, 10**9, 10**17 + self._rng.randrange(3)], [1, 1, 1, 2, 2, 4]
            )
        elif self._chance(2):
            ticks = self._pick([0, -5, 1, terms.max_price, terms.max_price + 1, terms.min_price - 1, I64_MAX], [1] * 7)
        return self._decimal(ticks, terms.tick, terms.tick_scale)

    def _quantity(self, instrument: int) -> tuple[int, int]:
        terms = DEFINITIONS[(instrument - 1) % len(DEFINITIONS)]
        lots = self._rng.randrange(1, 30)
        if instrument in (5, 6) and self._chance(40):
            lots = self._pick([2**61, 2**62, I64_MAX, 2**32 + 1, 10**15, 2**60 - 1], [2, 1, 1, 1, 3, 3])
        elif instrument in (2, 7):
            lots = self._rng.randrange(1, 5_000)
        elif self._chance(2):
            lots = self._pick([0, -1, terms.max_quantity, terms.max_quantity + 1, 2**62], [1] * 5)
        return self._decimal(lots, terms.lot, terms.lot_scale)

    # ------------------------------------------------------------------------------------------ orders

    def _submit(self) -> wire.SubmitOrder:
        instrument = self._instrument()
        order_type = self._pick([2, 1, 0, 3], [90, 10, 1, 1])
        price = self._price(instrument) if order_type != 1 or self._chance(3) else (0, 0)
        quantity = self._quantity(instrument)
        tif = self._pick([1, 3, 4, 0, 2], [75, 12, 10, 1, 1])
        command = wire.SubmitOrder(
            instrument=instrument,
            account=self._account(),
            price=price[0],
            price_scale=price[1],
            quantity=quantity[0],
            quantity_scale=quantity[1],
            side=self._rng.randrange(1, 3),
            order_type=order_type,
            time_in_force=tif,
            self_trade_prevention=self._rng.randrange(6),
            flags=int(self._chance(8)),
            session=self._rng.randrange(3),
            client_id=f"c-{self._made}",
        )
        self._submitted.append(command)
        return command

    def _submit_advanced(self) -> wire.SubmitAdvancedOrder:
        """A submission with at most a few further terms, most of which its type has no use for."""
        plain = self._submit()
        terms = {name: self._rng.randrange(3) for name in TERMS if self._chance(4)}
        command = advanced(plain, **terms)
        self._submitted[-1] = command
        return command

    def _repeat(self) -> wire.Command:
        """The same id again: same body, another session, another body, another account."""
        if self._transferred and self._chance(30):
            first = self._rng.choice(list(self._transferred))
            return self._changed(first, amount=min(first.amount + self._rng.randrange(2), I64_MAX))
        if not self._submitted:
            return wire.AdvanceTime()
        first = self._rng.choice(list(self._submitted))
        change = self._pick(
            [
                {},
                {"session": 9},
                {"quantity": 1, "quantity_scale": 0},
                {"side": 3 - first.side},
                {"account": self._account()},
            ],
            [4, 1, 1, 1, 1],
        )
        return self._changed(first, **change)

    def _name(self) -> dict[str, Any]:
        """Name an order: mostly one of ours, by either name."""
        if self._orders and self._chance(50):
            account, sequence, slot, _ = self._rng.choice(list(self._orders)[-self._pick([8, 60], [3, 1]) :])
            if self._chance(4):
                slot += 1
            if self._chance(4):
                account = self._account()
            return {"account": account, "order_sequence": sequence, "order_slot": slot}
        if self._submitted and self._chance(90):
            first = self._rng.choice(list(self._submitted)[-self._pick([8, 60], [3, 1]) :])
            account = first.account if self._chance(95) else self._account()
            return {"account": account, "client_id": first.client_id}
        return self._pick(
            [
                {"account": 1, "client_id": "never-used"},
                {
                    "account": 1,
                    "order_sequence": self._rng.randrange(1, self._sequence + 2),
                    "order_slot": self._rng.randrange(8),
                },
                {"account": 2, "order_sequence": self._sequence, "order_slot": 0xFFFFFFFF},
                {"account": 2, "order_sequence": self._rng.randrange(1, self._sequence + 2), "order_slot": 0xFFFFFFFF},
                {"account": 1, "order_sequence": 5, "client_id": "both"},
                {"account": 1, "order_slot": 3, "client_id": "slot-too"},
                {"account": 1},
            ],
            [3, 3, 1, 3, 1, 1, 1],
        )

    def _cancel(self) -> wire.Command:
        return wire.CancelOrder(session=self._rng.randrange(3), **self._name())

    def _replace(self) -> wire.Command:
        name = self._name()
        found = [o for o in self._submitted if o.client_id == name.get("client_id")]
        heard = [o[3] for o in self._orders if o[1] == name.get("order_sequence")]
        instrument = found[0].instrument if found else heard[0] if heard else self._instrument()
        fields = self._pick([1, 2, 3, 0, 4], [30, 30, 40, 1, 1])
        price = self._price(instrument) if fields & 1 or self._chance(2) else (0, 0)
        quantity = self._quantity(instrument) if fields & 2 or self._chance(2) else (0, 0)
        return wire.ReplaceOrder(
            price=price[0],
            price_scale=price[1],
            quantity=quantity[0],
            quantity_scale=quantity[1],
            fields=fields,
            instrument=int(self._chance(1)),
            **name,
        )

    def _mass_cancel(self) -> wire.Command:
        instrument = self._pick([0, self._instrument()], [1, 4])
        side = self._pick([0, 1, 2, 3], [3, 4, 4, 1])
        return wire.MassCancel(account=self._account(), instrument=instrument, side=side)

    # ---------------------------------------------------------------------------------- money, controls

    def _transfer(self) -> wire.Command:
        amount = self._pick([1, self._rng.randrange(1, 10**6), 10**9, 2**61, I64_MAX, 0, -5], [5, 40, 10, 2, 2, 1, 1])
        kind = self._pick([1, 2, 3, 0, 4], [30, 20, 30, 1, 1])
        to = self._account() if kind == 3 or self._chance(3) else 0
        currency = self._pick([1, 2, 3, 4, 5, 6, 7, 8, 0], [10, 10, 10, 10, 3, 3, 3, 1, 1])
        command = _transfer(self._account(), f"t-{self._made}", kind, amount, currency, to)
        self._transferred.append(command)
        return command

    def _status(self) -> wire.Command:
        instrument = self._instrument()
        status = self._pick([1, 2, 3, 0, 4], [10, 10, 5, 1, 1])
        if status in (2, 3):
            self._repairs.append(wire.SetInstrumentStatus(instrument=instrument, status=1))
        return wire.SetInstrumentStatus(instrument=instrument, status=status)

    def _kill(self) -> wire.Command:
        account = self._pick([0, self._account()], [1, 4])
        engaged = self._pick([0, 1, 2], [5, 10, 1])
        if engaged == 1:
            self._repairs.append(wire.SetKillSwitch(account=account, engaged=0))
        return wire.SetKillSwitch(account=account, engaged=engaged)

    def _redefine(self) -> wire.Command:
        number = self._rng.choice(INSTRUMENTS)
        terms = DEFINITIONS[number - 1]
        change: dict[str, Any] = self._pick(
            [
                {},
                {"taker_fee": self._rng.randrange(300_000)},
                {"maker_fee": self._rng.randrange(-50_000, 100_000), "taker_fee": 60_000},
                {"minimum_fee": self._rng.randrange(4), "maker_fee": 5},
                {"min_quantity": 3},
                {"max_quantity": 25},
                {"min_price": 96, "max_price": 104},
                {"max_notional": 100_000},
                {"min_notional": 900},
                {"collar": self._rng.randrange(10**8)},
                {"tick": 7},
                {"symbol": "OTHER"},
                {"symbol": "lower"},
                {"instrument": 20 + self._rng.randrange(3)},
                {"instrument": 20, "symbol": "M-20", "base": 77},
                {"instrument": 20, "symbol": "M-20", "base": terms.quote},
                {"instrument": 20, "symbol": "M-20", "lot": 1, "lot_scale": 18},
                {"instrument": 21, "symbol": "M-21", "tick": I64_MAX, "multiplier": 9},
                {"instrument": 22, "symbol": "M-22", "maker_fee": -10_000_001},
                {"instrument": 0},
                {"status": 2},
                {"status": 9},
                {"base": 77},
            ],
            [9, 3, 3, 3, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        )
        if change and number < 5:
            self._repairs.append(terms)
        return self._changed(terms, **change)

    def _limits(self) -> wire.Command:
        most = self._pick([0, 2, 5, 50, 10_000, 2**32 - 1], [1, 1, 2, 4, 8, 1])
        account = self._pick([0, self._account()], [1, 1])
        self._repairs.append(wire.SetLimits(account=account, max_open_orders=50))
        return wire.SetLimits(account=account, max_open_orders=most)

    def _advance(self) -> wire.Command:
        if self._chance(25):
            self._time_ns += self._pick([48 * HOUR_NS, 49 * HOUR_NS, 24 * HOUR_NS], [1, 2, 1])
        return wire.AdvanceTime()

    def _open(self) -> wire.Command:
        account = self._pick([*ACCOUNTS, 6, 7, 0, 2**32], [2, 1, 1, 1, 1, 2, 2, 1, 1])
        return wire.OpenAccount(account=account, owner=account + self._rng.randrange(2))

    def _currency(self) -> wire.Command:
        number = self._pick([1, 2, 8, 9, 0], [2, 2, 1, 1, 1])
        code, scale = {1: ("USD", 2), 2: ("BTC", 8)}.get(number, ("USD", 2) if self._chance(30) else (f"C{number}", 4))
        scale = scale if self._chance(80) else self._rng.randrange(12)
        return wire.DefineCurrency(currency=number, code=code, scale=scale)

    # ----------------------------------------------------------------------------------------- hostile

    def _hostile(self) -> bytes:
        """Good framing, bad content: a byte of a good command changed, another size, or plain noise."""
        makers = [
            *(self._submit, self._cancel, self._replace, self._transfer, self._redefine, self._currency),
            *(self._phase, self._trading_rules, self._reference),
            *(partial(make, self) for make, _ in _FURTHER[len(stream_triggers.MAKERS) :]),
        ]
        return self._damaged(self._rng.choice(makers)())

    def _damaged(self, command: wire.Command) -> bytes:
        raw = bytearray(command.encode())
        how = self._rng.randrange(5)
        if how <= 2:
            at = self._rng.randrange(2, len(raw))
            raw[at] = self._rng.randrange(256)
        elif how == 3:
            size = self._pick([16, 24, len(raw) + 8, 512], [1, 1, 1, 1])
            raw = raw.ljust(size, b"\0")[:size]
            raw[0:2] = size.to_bytes(2, "little")
        else:
            size = 8 * self._rng.randrange(2, 21)
            raw = bytearray(self._rng.randrange(256) for _ in range(size))
            raw[0:2] = size.to_bytes(2, "little")
            if self._chance(50):
                raw[2] = self._rng.randrange(16)
        return bytes(raw)


class AuctionMarket(Market):
    """Two instruments that live in calls, limit states and crosses, and few other troubles."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        kinds = [
            (self._submit, 40),
            (self._auction_order, 25),
            (partial(stream_batches.batch, self), 5),
            (self._cancel, 6),
            (self._replace, 12),
            (self._phase, 4),
            (self._trading_rules, 2),
            (self._reference, 1),
            (self._advance, 3),
            (self._transfer, 1),
            (self._redefine, 1),
            (self._mass_cancel, 1),
        ]
        self._makers = [maker for maker, _ in kinds]
        self._weights = [weight for _, weight in kinds]

    def _instrument(self) -> int:
        return self._pick([1, 2, 5], [10, 10, 1])


@st.composite
def streams(draw: Any, max_commands: int = 60) -> list[Timed]:
    """Return a strategy of streams that shrink; the market's setup stands before them."""
    market = Market(draw(st.randoms(use_true_random=False)))
    return [market.next() for _ in range(draw(st.integers(1, max_commands)))]
