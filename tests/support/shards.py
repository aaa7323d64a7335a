"""A shard in a temporary directory with a market in it, and a sequencer in front."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.app.definitions import load_definitions
from quantumcore.contracts.matching import Sequenced
from quantumcore.contracts.wire import (
    CancelOrder,
    Event,
    OpenAccount,
    OrderAccepted,
    SubmitOrder,
    Transfer,
    decode_events,
)
from quantumcore.core.engine_thread import EngineThread
from quantumcore.core.shard import Shard
from quantumcore.services.matching.sequencer import Sequencer

SEGMENT_BYTES = 1 << 20
MAX_ORDERS = 1 << 16
ACCOUNTS = 16
SYMBOLS = ("BTC-USD", "ETH-USD", "AAPL", "MSFT")
INSTRUMENTS = (1, 3, 6, 7)
"""Their numbers in the packaged file."""
_serial = count(1)


def market(accounts: int = ACCOUNTS) -> list[bytes]:
    """Return the commands of a venue with four instruments and funded accounts 1..n."""
    commands = load_definitions(None, SYMBOLS)
    for account in range(1, accounts + 1):
        commands.append(OpenAccount(account=account, owner=account).encode())
        for currency in range(1, 8):
            transfer = Transfer(
                account=account, amount=10**15, currency=currency, transfer_kind=1, transfer_id=f"fund-{currency}"
            )
            commands.append(transfer.encode())
    return commands


def order(
    account: int, side: int = 1, *, price: int = 100, quantity: int = 1, instrument: int = 1, client_id: str = ""
) -> bytes:
    """Return a limit order; price and quantity in whole units of the outside world."""
    return SubmitOrder(
        instrument=instrument,
        account=account,
        price=price,
        quantity=quantity,
        side=side,
        order_type=2,
        time_in_force=1,
        self_trade_prevention=5,
        client_id=client_id or f"t{next(_serial)}",
    ).encode()


def cancel(account: int, client_id: str) -> bytes:
    """Return a cancel by client id."""
    return CancelOrder(account=account, client_id=client_id).encode()


def events_of(outcome: Sequenced | Sequence[Sequenced]) -> list[Event]:
    """Return the decoded events of outcomes."""
    outcomes = [outcome] if isinstance(outcome, Sequenced) else outcome
    return [event for each in outcomes for event in decode_events(each.events)]


def accepted(outcome: Sequenced) -> bool:
    """Tell whether an order was accepted."""
    return isinstance(events_of(outcome)[0], OrderAccepted)


def open_shard(directory: Path, told: int = 0) -> Shard:
    """Open a small shard."""
    return Shard(directory, told, segment_bytes=SEGMENT_BYTES, max_orders=MAX_ORDERS)


class Hall:
    """A sequencer with everything behind it."""

    def __init__(self, directory: Path) -> None:
        self.clock = SystemClock()
        self.log = FileEventLog(directory / "events")
        self.thread = EngineThread()
        self.shard = open_shard(directory)
        self.sequencer = Sequencer(self.shard, self.thread, self.log, self.clock)

    async def submit(self, *commands: bytes, cancel: bool = False) -> list[Sequenced]:
        """Sequence commands."""
        return await self.sequencer.submit(list(commands), cancel=cancel)


@asynccontextmanager
async def hall(directory: Path) -> AsyncIterator[Hall]:
    """Give a hall with the market of `market()` in it; everything is closed afterwards."""
    opened = Hall(directory)
    await opened.submit(*market())
    try:
        yield opened
    finally:
        await opened.sequencer.drain()
        opened.thread.close()
        opened.shard.close()
        opened.log.close()
