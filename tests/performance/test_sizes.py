"""What is written and sent, in bytes: each number stands here because somebody pays for it on every order.

Goal: layouts, messages, frames and rows are as large as was decided, and a change of one is a decision again.
Method: encode and measure; files and databases are measured before and after a known number of orders.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from quantumcore.adapters.codec import encode
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.adapters.event_segments import frame_bytes
from quantumcore.contracts import wire
from quantumcore.contracts.matching import Sequence, Sequenced
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.orders.service import OrdersService
from tests.performance.test_orders_cost import LIFE_SEQUENCES, accepted, life
from tests.support import faulty_disk
from tests.support.orders_room import limit
from tests.support.shards import hall, order
from tests.support.small_venue import ALICE, small_venue

pytestmark = pytest.mark.counted
ID = "x" * 36  # the longest client order id
COMMANDS: dict[str, tuple[wire.Command, int]] = {
    "submit": (
        wire.SubmitOrder(instrument=1, account=1, quantity=1, side=1, order_type=2, time_in_force=1, client_id=ID),
        80,
    ),
    "cancel": (wire.CancelOrder(account=1, client_id=ID), 72),
    "open account": (wire.OpenAccount(account=1, owner=1), 32),
    "transfer": (wire.Transfer(account=1, amount=1, currency=1, transfer_kind=1, transfer_id=ID), 72),
    "time": (wire.AdvanceTime(), 16),
}
FRAME = 24
REQUEST, SEQUENCE_OVER, SEQUENCED_OVER = 152, 19, 42
ORDER_LOG_BYTES = 152  # an accepted order of 128 bytes and a frame
LIFE_ROW_BYTES = 456  # measured 441: an order is named by two numbers
SYNCS = 20


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_its_size(name: str) -> None:
    command, size = COMMANDS[name]
    assert len(command.encode()) == size


def test_an_accepted_order_and_a_trade_have_their_sizes() -> None:
    sizes = {len(accepted(1, ALICE, 1).encode())}
    trades = [event for event in life(1)[0].events if isinstance(event, wire.TradePrinted)]
    assert (sizes, {len(trade.encode()) for trade in trades}) == ({128}, {176})


@pytest.mark.parametrize("size", [64, 1_000, 100_000])
def test_a_frame_of_the_event_log_adds_its_header_whatever_is_inside(size: int) -> None:
    assert len(frame_bytes(EventBatch(1, 1, b"x" * size))) - size == FRAME


def test_an_order_on_the_bus_is_small() -> None:
    message = limit("buy", "0.5", "64000.00")
    assert len(encode(message)) <= REQUEST


def test_the_bus_adds_little_to_a_command_and_to_its_events() -> None:
    command, events = b"c" * 120, b"e" * 400
    assert len(encode(Sequence(command=command))) - 120 <= SEQUENCE_OVER
    assert len(encode(Sequenced(10**9, 1_700_000_000 * 10**9, events))) - 400 <= SEQUENCED_OVER


async def test_the_event_log_grows_by_the_events_of_an_order_and_one_frame(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        before = _size(tmp_path / "events")
        for n in range(100):
            await opened.submit(order(1 + n % 16))
        grown = (_size(tmp_path / "events") - before) / 100
        print(grown)
        assert grown <= ORDER_LOG_BYTES


def test_a_long_log_is_as_large_as_its_frames(tmp_path: Path) -> None:
    """Nothing is written twice, and sealing adds nothing."""
    log = FileEventLog(tmp_path, segment_bytes=64 << 10)
    written = 0
    for n in range(1, 2_001):
        raw = accepted(n, ALICE, 1).encode()
        written += len(raw) + FRAME
        log.append(EventBatch(n, n, raw))
    log.close()
    assert len(list(tmp_path.iterdir())) > 3
    assert _size(tmp_path) == written


async def test_an_order_with_its_history_takes_bounded_room_in_the_database(tmp_path: Path) -> None:
    """Rows, indexes and the room left in pages, of 6,000 orders with their fills and updates."""
    async with small_venue(tmp_path) as venue:
        database = await venue.database("orders")
        service = OrdersService(venue.bus, venue.log, database, venue.clock)
        await service.start()
        await service.history.projection.apply(venue.log.read(0, 1 << 30))
        before, first = await _pages(database), venue.log.last + 1
        for n in range(6):
            await service.history.projection.apply(life(first + n * LIFE_SEQUENCES))
        grown = (await _pages(database) - before) / 6_000
        print(f"{grown:.0f} bytes per order")
        assert grown <= LIFE_ROW_BYTES


def _size(directory: Path) -> int:
    return sum(os.stat(file).st_size for file in directory.iterdir())


async def _pages(database: Any) -> int:
    return await database.read(
        lambda c: c.exec_driver_sql("PRAGMA page_count").scalar() * c.exec_driver_sql("PRAGMA page_size").scalar()
    )


@pytest.mark.parametrize("batch", [1, 100])
def test_a_batch_is_one_sync_whatever_is_in_it(tmp_path: Path, batch: int) -> None:
    """Counted where the library calls the kernel."""
    script = f"""
    journal = Journal(directory)
    def commit():
        journal.append_batch(command() * {batch}, journal.last_sequence + 1, 0)
        journal.sync()
    commit()
    before = disk.calls(FDATASYNC)
    for _ in range({SYNCS}):
        commit()
    print(disk.calls(FDATASYNC) - before)
    """
    done = faulty_disk.run(faulty_disk.build(tmp_path), tmp_path / "j", script)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == SYNCS
