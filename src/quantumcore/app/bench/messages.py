"""A workload as any engine could play it: an order number, a side, a price in ticks, lots, and what to do.

The messages are told by our engine: it plays the workload while they are written, so that a cancel and a move carry
what was left of the order, for engines that must be told. Accounts are left out, and so self-trade prevention must be
off: two orders of one account trade like any others.
"""

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from quantumcore.app.bench.steps import Work, make
from quantumcore.contracts.wire import (
    CancelOrder,
    Command,
    ReplaceOrder,
    SubmitOrder,
    TradePrinted,
    decode_command,
    decode_events,
)

NEW, CANCEL, MOVE, IOC = 1, 2, 3, 4
MAGIC = b"QCMSG\0\0\1"
HEAD = struct.Struct("<8s3Q3Q2Q2q")
RECORD = struct.Struct("<QqqBB6x")

_NO_PREVENTION = 5
_IMMEDIATE_OR_CANCEL = 3
_SELL = 2
_INSTRUMENT = 2
_PER_STEP = 10_000
_SUM = (1 << 64) - 1


class Message(NamedTuple):
    """What one command of the workload asks for.

    Attributes:
        kind: NEW, CANCEL, MOVE or IOC.
        order: 1 for the first order of the workload, 2 for the second; a cancel and a move name an earlier one.
        price: In ticks; of a MOVE the new one, of a CANCEL the order's.
        lots: Of a CANCEL and a MOVE what is left of the order; a MOVE leaves it as it is.
    """

    kind: int
    order: int
    sell: bool
    price: int
    lots: int


class Outcome(NamedTuple):
    """Where playing the messages ends: equal outcomes are, but for collisions, the same trades and the same book.

    Attributes:
        trade_sum: (maker's number + taker's number) * lots, of all trades, modulo 2**64: who traded, in any order.
        resting: Orders in the book.
        best_bid: In ticks; 0 when there is none.
        best_ask: In ticks; 0 when there is none.
    """

    trades: int
    lots: int
    trade_sum: int
    resting: int
    resting_lots: int
    best_bid: int
    best_ask: int


class Take(NamedTuple):
    """One trade: `lots` of the resting order `maker`."""

    maker: int
    lots: int


@dataclass(slots=True)
class Open:
    """A resting order; lots are what is left of it."""

    sell: bool
    price: int
    lots: int


@dataclass(slots=True)
class Tally:
    """Counts trades; see Outcome."""

    trades: int = 0
    lots: int = 0
    trade_sum: int = 0

    def trade(self, maker: int, taker: int, lots: int) -> None:
        """Count one trade between two order numbers."""
        self.trades += 1
        self.lots += lots
        self.trade_sum = (self.trade_sum + (maker + taker) * lots) & _SUM

    def outcome(self, book: dict[int, Open]) -> Outcome:
        """Return the trades so far beside what rests now, by order number."""
        bids = [order.price for order in book.values() if not order.sell]
        asks = [order.price for order in book.values() if order.sell]
        return Outcome(
            self.trades,
            self.lots,
            self.trade_sum,
            len(book),
            sum(order.lots for order in book.values()),
            max(bids, default=0),
            min(asks, default=0),
        )


class Play(NamedTuple):
    """A workload in messages, and where our engine ended with it.

    Attributes:
        setup: What makes the book that the measured messages find.
        takes: By order number, what an order took when it came, in the order in which it did.
    """

    setup: list[Message]
    measured: list[Message]
    takes: dict[int, list[Take]]
    outcome: Outcome


@dataclass(slots=True)
class _Writer:
    numbers: dict[int, int] = field(default_factory=dict)  # by the sequence that names an order in our engine
    book: dict[int, Open] = field(default_factory=dict)
    takes: dict[int, list[Take]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    def message(self, command: Command, sequence: int) -> Message | None:
        match command:
            case SubmitOrder():
                number = self.numbers[sequence] = len(self.numbers) + 1
                order = Open(command.side == _SELL, command.price, command.quantity)
                self.book[number] = order
                kind = IOC if command.time_in_force == _IMMEDIATE_OR_CANCEL else NEW
            case CancelOrder():
                number = self.numbers[command.order_sequence]
                order = self.book.pop(number)
                kind = CANCEL
            case ReplaceOrder():
                number = self.numbers[command.order_sequence]
                order = self.book[number]
                order.price = command.price
                kind = MOVE
            case _:
                return None
        return Message(kind, number, order.sell, order.price, order.lots)

    def trade(self, event: TradePrinted) -> None:
        maker, taker = self.numbers[event.maker_order_sequence], self.numbers[event.taker_order_sequence]
        self.tally.trade(maker, taker, event.quantity)
        self.takes.setdefault(taker, []).append(Take(maker, event.quantity))
        for number, leaves in ((maker, event.maker_leaves), (taker, event.taker_leaves)):
            self.book[number].lots = leaves
            if leaves == 0:
                del self.book[number]


def work_for_peers(shape: str, commands: int, seed: int, *, accounting: bool = True) -> Work:
    """Return the workload `shape` without self-trade prevention, so that a plain book can follow it."""
    return make(shape, commands, seed, accounting=accounting, self_trade_prevention=_NO_PREVENTION)


def messages(work: Work) -> Play:
    """Return `work` in messages.

    Raises:
        AssertionError: The messages do not end in our engine's book: `work` was made with self-trade prevention.
    """
    engine = work.empty()
    writer = _Writer()
    parts: tuple[list[Message], list[Message]] = [], []
    sequence = 0
    for part, commands in zip(parts, (work.setup, work.commands), strict=True):
        for step in _steps(commands):
            trades = deque(_trades(engine.step(b"".join(step), 1)))
            for raw in step:
                sequence += 1
                message = writer.message(decode_command(raw), sequence)
                while trades and trades[0].sequence == sequence:
                    writer.trade(trades.popleft())
                if message is None:
                    continue
                part.append(message)
                if message.kind == IOC:
                    writer.book.pop(message.order, None)
    rest = {writer.numbers[row[0]]: row[4] for side in (1, 2) for row in engine.orders(_INSTRUMENT, side)}
    if rest != {number: order.lots for number, order in writer.book.items()}:
        raise AssertionError("the messages do not end in the engine's book")
    return Play(*parts, writer.takes, writer.tally.outcome(writer.book))


def dump(path: Path, play: Play) -> None:
    """Write `play` to a file, little-endian: HEAD, then RECORD for each message, setup first.

    HEAD: MAGIC; messages of the setup, measured messages, highest order number; the Outcome. RECORD: order, price,
    lots, kind, 1 for a sell.
    """
    every = (*play.setup, *play.measured)
    orders = max((message.order for message in every), default=0)
    with path.open("wb") as file:
        file.write(HEAD.pack(MAGIC, len(play.setup), len(play.measured), orders, *play.outcome))
        file.writelines(RECORD.pack(m.order, m.price, m.lots, m.kind, m.sell) for m in every)


def _steps(commands: bytes) -> Iterator[list[bytes]]:
    """Cut `commands` into steps of at most _PER_STEP, each a list of commands."""
    step: list[bytes] = []
    at = 0
    while at < len(commands):
        size = int.from_bytes(commands[at : at + 2], "little")
        step.append(commands[at : at + size])
        at += size
        if len(step) == _PER_STEP:
            yield step
            step = []
    if step:
        yield step


def _trades(events: bytes) -> Iterator[TradePrinted]:
    at = 0
    while at < len(events):
        end = at + int.from_bytes(events[at : at + 2], "little")
        if events[at + 2] == TradePrinted.KIND:  # the others are many, and decoding them is slow
            yield from (event for event in decode_events(events[at:end]) if isinstance(event, TradePrinted))
        at = end
