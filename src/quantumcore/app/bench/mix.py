"""The exchange-core mix: 9 % new, 3 % immediate-or-cancel, 6 % cancel, 82 % move, around a steady number of resting orders.

Deterministic by seed. The stream is made by driving an engine once, because moves and cancels name orders by the ids
that the engine gave; driven again, a fresh engine gives the same ids.
"""

import itertools
from random import Random
from typing import NamedTuple

from quantumcore.app.definitions import load_definitions
from quantumcore.contracts.wire import (
    CancelOrder,
    Event,
    OpenAccount,
    OrderAccepted,
    OrderCancelled,
    ReplaceOrder,
    SetLimits,
    SubmitOrder,
    TradePrinted,
    Transfer,
    decode_events,
)
from quantumcore.core._native import Engine

ACCOUNTS = 64
RESTING = 1000
MIDDLE = 6_400_000
BAND = 2_000
_SYMBOL = "BTC-USD"
_GTC, _IOC, _LIMIT, _NO_PREVENTION, _DEPOSIT, _PRICE_GIVEN = 1, 3, 2, 5, 1, 1
_TICK_SCALE, _LOT_SCALE = 2, 5


class Stream(NamedTuple):
    """A prepared stream.

    Attributes:
        setup: Commands that make the venue and its resting orders.
        commands: The measured commands, one after the other.
        offsets: Where each command begins.
    """

    setup: bytes
    commands: bytes
    offsets: list[int]

    def batches(self, size: int) -> list[bytes]:
        """Cut the commands into batches of `size`."""
        cuts = [*self.offsets[::size], len(self.commands)]
        return [self.commands[a:b] for a, b in itertools.pairwise(cuts)]


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.engine = Engine(max_orders=1 << 16)
        self.resting: list[tuple[int, int, int, int]] = []  # sequence, slot, account, side
        self.places: dict[int, int] = {}
        self.serial = 0

    def step(self, command: bytes) -> list[Event]:
        events = decode_events(self.engine.step(command, 0))
        for event in events:
            match event:
                case OrderAccepted(time_in_force=1):
                    self.places[event.sequence] = len(self.resting)
                    self.resting.append((event.sequence, event.order_slot, event.account, event.side))
                case TradePrinted():
                    if event.maker_leaves == 0:
                        self.gone(event.maker_order_sequence)
                    if event.taker_leaves == 0:
                        self.gone(event.taker_order_sequence)
                case OrderCancelled():
                    self.gone(event.order_sequence)
                case _:
                    pass
        return events

    def gone(self, sequence: int) -> None:
        place = self.places.pop(sequence, None)
        if place is None:
            return
        last = self.resting.pop()
        if last[0] != sequence:
            self.resting[place] = last
            self.places[last[0]] = place

    def new(self, time_in_force: int) -> bytes:
        self.serial += 1
        side = self.random.choice((1, 2))
        away = self.random.randint(1, BAND) if time_in_force == _GTC else -self.random.randint(0, BAND // 4)
        return SubmitOrder(
            instrument=1,
            account=self.random.randint(1, ACCOUNTS),
            price=MIDDLE - away if side == 1 else MIDDLE + away,
            price_scale=_TICK_SCALE,
            quantity=self.random.randint(1, 1000),
            quantity_scale=_LOT_SCALE,
            side=side,
            order_type=_LIMIT,
            time_in_force=time_in_force,
            self_trade_prevention=_NO_PREVENTION,
            client_id=f"b{self.serial}",
        ).encode()

    def move(self) -> bytes:
        sequence, slot, account, side = self.random.choice(self.resting)
        away = self.random.randint(1, BAND)
        return ReplaceOrder(
            account=account,
            order_sequence=sequence,
            order_slot=slot,
            price=MIDDLE - away if side == 1 else MIDDLE + away,
            price_scale=_TICK_SCALE,
            fields=_PRICE_GIVEN,
        ).encode()

    def cancel(self) -> bytes:
        sequence, slot, account, _ = self.random.choice(self.resting)
        return CancelOrder(account=account, order_sequence=sequence, order_slot=slot).encode()


def prepare(commands: int, seed: int) -> Stream:
    """Return a stream of `commands` commands."""
    maker = _Maker(seed)
    setup: list[bytes] = [*load_definitions(None, [_SYMBOL])]
    for account in range(1, ACCOUNTS + 1):
        setup.append(OpenAccount(account=account, owner=account).encode())
        setup.append(SetLimits(account=account, max_open_orders=1_000_000).encode())
        for currency in (1, 4):
            transfer = Transfer(
                account=account, amount=10**16, currency=currency, transfer_kind=_DEPOSIT, transfer_id=f"d{currency}"
            )
            setup.append(transfer.encode())
    for command in setup:
        maker.step(command)
    while len(maker.resting) < RESTING:
        setup.append(maker.new(_GTC))
        maker.step(setup[-1])
    measured: list[bytes] = []
    offsets: list[int] = []
    at = 0
    for _ in range(commands):
        command = _next(maker)
        maker.step(command)
        measured.append(command)
        offsets.append(at)
        at += len(command)
    return Stream(b"".join(setup), b"".join(measured), offsets)


def _next(maker: _Maker) -> bytes:
    """Draw the next command; the share of new and cancel leans so that about RESTING orders stay."""
    roll = maker.random.random()
    if roll < 0.82:
        return maker.move()
    if roll < 0.85:
        return maker.new(_IOC)
    fuller = len(maker.resting) > RESTING
    return maker.cancel() if (roll < 0.91) != fuller and len(maker.resting) > RESTING // 2 else maker.new(_GTC)
