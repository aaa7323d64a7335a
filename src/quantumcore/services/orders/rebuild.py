"""One order folded anew from the event log: the answer that needs no table."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping

import msgspec

from quantumcore.contracts.errors import Corrupted, OutcomeUnknown
from quantumcore.contracts.orders import Fill
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.wire import Event, TradeBusted, TradePrinted
from quantumcore.ports.event_log import EventLog
from quantumcore.services.orders.domain import Name, Order, named
from quantumcore.services.orders.folding import after
from quantumcore.services.orders.views import BUST_ACTIONS, fill_view

READ_BYTES = 256 << 10  # the loop is free again after each
FILLS_SHOWN = 1_000
APPEND_S = 1.0  # seconds
BUSTED = TradeBusted.beginning()
LOOK_UP_S = 1.2  # seconds: the tables have one to come up; the rest of the asker's deadline is for the event log


async def rebuild(
    log: EventLog, name: Name, catalogue: Catalogue, *, busts: bool = False
) -> tuple[Order | None, list[Fill]]:
    """Return the order of that name as the log leaves it, with its first FILLS_SHOWN fills.

    Folds by position, never by time; ends early when the order is final, unless busts of its trades are wanted too, which
    may come at any time. None: no event names it.

    Raises:
        Corrupted: `order.gap`: a hole in the log, or a change of an order that never began; the detail names the position.
    """
    order: Order | None = None
    fills: list[Fill] = []
    trades: dict[tuple[int, int], int] = {}
    async for event in _naming(log, name, trades):
        if isinstance(event, TradeBusted):
            at = trades[event.trade_sequence, event.fill]
            fills[at] = msgspec.structs.replace(fills[at], busted=BUST_ACTIONS[event.action])
            order = order and order.touched(event)
            continue
        order = after(order, event, name)
        if isinstance(event, TradePrinted) and len(fills) < FILLS_SHOWN:
            if busts:
                trades[event.sequence, event.fill] = len(fills)
            fills.append(fill_view(order, event, catalogue))
        if order.is_final and not busts:
            break
    return order, fills


async def events_at(log: EventLog, sequence: int) -> list[Event]:
    """Return the events of one sequence that the engine has answered, but may not have published yet.

    Raises:
        OutcomeUnknown: It is not in the log within APPEND_S.
        Corrupted: `order.gap`: the log begins after it.
    """
    await appended(log, sequence)
    batch = log.read(sequence - 1, max_bytes=1)[0]
    if batch.first != sequence:
        raise Corrupted("order.gap", f"the log goes on at {batch.first}, {sequence} is missing")
    return [event for event in batch.events if event.sequence == sequence]


async def appended(log: EventLog, sequence: int) -> None:
    """Return once `sequence` is in the log.

    Raises:
        OutcomeUnknown: Not within APPEND_S.
    """
    if log.last >= sequence:
        return
    try:
        async with asyncio.timeout(APPEND_S):
            await log.wait(sequence - 1)
    except TimeoutError as error:
        raise OutcomeUnknown(
            "outcome.unknown", f"sequence {sequence} is not published yet", retry_after=1
        ) from error  # seconds


async def _naming(log: EventLog, name: Name, trades: Mapping[tuple[int, int], int]) -> AsyncIterator[Event]:
    """Yield the events from its acceptance on that name this order or bust one of `trades`, as far as the log goes now.

    A batch whose bytes hold neither the number nor a bust is not decoded: an order that rests for a day is found in what memory
    can scan, not in what Python can decode.
    """
    number = struct.pack("<Q", name[0])
    at, end = name[0] - 1, log.last
    while at < end:
        for batch in log.read(at, max_bytes=READ_BYTES):
            if batch.first != at + 1:
                raise Corrupted("order.gap", f"the log goes from {at} to {batch.first}")
            at = batch.last
            if number in batch.raw or (trades and BUSTED in batch.raw):
                for event in batch.events:
                    if name in named(event) or (
                        isinstance(event, TradeBusted) and (event.trade_sequence, event.fill) in trades
                    ):
                        yield event
        await asyncio.sleep(0)
