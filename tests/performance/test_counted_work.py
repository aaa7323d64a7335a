"""Work that is counted, not timed: statements, tasks, calls, syncs, decodings, interpreter steps.

Goal: what one order sets in motion is a number that somebody wrote down, and nothing grows with history or with depth.
Method: counters beside the real code: SQLAlchemy's events, SQLite's own instruction counter, the loop's task factory, the
interpreter's profile hook. None of them knows how busy the machine is.
"""

import asyncio
import gc
import os
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import Connection, event

from quantumcore.adapters import event_log
from quantumcore.adapters.cache import EmbeddedCache
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts.market import TradeTick
from quantumcore.contracts.order_queries import GetAccountOrders, GetFills, GetOrder
from quantumcore.ports import event_log as log_port
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.progress import parts, without_holes
from quantumcore.services.market import store as market_store
from quantumcore.services.market.book import BUY, Book
from quantumcore.services.market.store import TradeRow
from quantumcore.services.orders.service import OrdersService
from tests.performance.test_order_path_cost import Walk, path  # noqa: F401  # a fixture
from tests.performance.test_orders_cost import LIFE_SEQUENCES, accepted, life
from tests.support.clocks import ManualClock
from tests.support.contracts.bus import Echo, Say
from tests.support.shards import Hall, hall, order
from tests.support.small_venue import ALICE, COIN, SmallVenue, small_venue

pytestmark = pytest.mark.counted
TASKS_PER_ORDER = 1.0
CALLS_PER_ORDER = 99  # measured 94 to 97
FOLLOWERS = ("EmbeddedSubscription.", "SessionDesk.")
"""Tasks beside the way: notices are listened to, and a token is verified once a second."""
STATEMENTS_PER_COMMIT = 7
STEPS_GROWTH = 1.1


@contextmanager
def python_calls() -> Iterator[Counter[str]]:
    """Count every call of a Python function in this thread."""
    counted: Counter[str] = Counter()

    def profile(frame: FrameType, what: str, _: Any) -> None:
        if what == "call":
            counted[f"{frame.f_code.co_filename.rpartition('/quantumcore/')[2]}:{frame.f_code.co_qualname}"] += 1

    sys.setprofile(profile)
    try:
        yield counted
    finally:
        sys.setprofile(None)


def calls_of(work: Callable[[], Any]) -> int:
    with python_calls() as counted:
        work()
    return counted.total()


# ------------------------------------------------------------------------------------------------------ the order path


async def test_an_order_makes_few_tasks(path: Walk) -> None:  # noqa: F811
    """The sequencer's pump, shared by the orders of a batch; orders and matching answer by futures. (The caller's is his own.)"""
    made: Counter[str] = Counter()

    def factory(loop: asyncio.AbstractEventLoop, body: Any, **more: Any) -> asyncio.Task[Any]:
        made[getattr(body, "__qualname__", "?")] += 1
        return asyncio.Task(body, loop=loop, **more)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    try:
        for number in range(1, 101):
            await path.submit(number)
    finally:
        loop.set_task_factory(None)
    on_the_way = {name: n for name, n in made.items() if not name.startswith(FOLLOWERS)}
    print(made.most_common(8))
    assert sum(on_the_way.values()) <= TASKS_PER_ORDER * 100, made


def _on_the_way(counted: Counter[str]) -> int:
    """Calls of the gateway, the bus, the codec, orders' commands and matching: what a client waits for."""
    rooms = ("services/gateway/", "services/matching/", "adapters/embedded_bus", "adapters/codec")
    files = ("commands", "translate", "answers", "views")
    rooms += tuple(f"services/orders/{name}.py" for name in files)
    followers = ("services/gateway/feeds", "services/gateway/stream", "services/gateway/service")
    return sum(n for name, n in counted.items() if name.startswith(rooms) and not name.startswith(followers))


async def test_an_order_costs_a_bounded_number_of_calls(path: Walk) -> None:  # noqa: F811
    """Our own functions called from the request to the durable answer, in the round that took the fewest."""
    await path.submit(1)
    rounds: list[float] = []
    for first in range(2, 252, 50):
        with python_calls() as counted:
            for number in range(first, first + 50):
                await path.submit(number)
        rounds.append(_on_the_way(counted) / 50)
    print(f"{rounds} calls")
    assert 20 <= min(rounds) <= CALLS_PER_ORDER


async def test_an_order_in_a_full_book_costs_no_more_calls_than_in_an_empty_one(path: Walk) -> None:  # noqa: F811
    async def cost(first: int) -> float:
        with python_calls() as counted:
            for number in range(first, first + 50):
                await path.submit(number)
        return _on_the_way(counted) / 50

    early = await cost(1)
    for number in range(51, 500):
        await path.submit(number)
    assert await cost(500) <= early * 1.05


async def test_threads_and_open_files_do_not_grow_with_orders(path: Walk) -> None:  # noqa: F811
    for number in range(1, 51):
        await path.submit(number)
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for number in range(51, 301):
        await path.submit(number)
    assert threading.active_count() <= threads + 1
    assert len(os.listdir("/proc/self/fd")) <= files + 1


async def test_an_answer_to_an_order_is_short(path: Walk) -> None:  # noqa: F811
    body = {"client_order_id": "x", "symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "0.001"}
    answer = await path.client.post("/v1/orders", json=body | {"price": "100.00"})
    print(len(answer.content), "bytes,", sum(len(k) + len(v) + 4 for k, v in answer.headers.raw), "of headers")
    assert len(answer.content) <= 640
    assert sum(len(k) + len(v) + 4 for k, v in answer.headers.raw) <= 240


async def test_looking_at_the_metrics_asks_no_database_and_no_engine(path: Walk) -> None:  # noqa: F811
    jobs = 0
    matching: Any = path.house.services[0]
    run = matching._thread.run

    def counted(*arguments: Any) -> Any:
        nonlocal jobs
        jobs += 1
        return run(*arguments)

    matching._thread.run = counted
    before = path.database.total()
    for service in path.house.services:
        for part in (service, *path.house.measured.get(service.name, [])):
            if hasattr(part, "collect"):
                list(part.collect())
    matching._thread.run = run
    assert (jobs, path.database.total() - before) == (0, 0)


async def test_a_batch_is_one_visit_to_the_engine_and_one_write_to_the_event_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hall(tmp_path) as opened:
        visits, writes = _counted_hall(opened, monkeypatch)
        await asyncio.gather(*(opened.submit(order(1 + n % 16)) for n in range(500)))
        assert (visits(), writes()) == (1, 1)


async def test_orders_one_after_the_other_are_one_visit_and_one_write_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hall(tmp_path) as opened:
        visits, writes = _counted_hall(opened, monkeypatch)
        for n in range(50):
            await opened.submit(order(1 + n % 16))
        assert (visits(), writes()) == (50, 50)


def _counted_hall(opened: Hall, monkeypatch: pytest.MonkeyPatch) -> tuple[Callable[[], int], Callable[[], int]]:
    run, pwrite, counts = opened.thread.run, os.pwrite, Counter[str]()

    def visit(work: Any) -> Any:
        counts["visits"] += 1
        return run(work)

    def write(*arguments: Any) -> int:
        counts["writes"] += 1
        return pwrite(*arguments)

    monkeypatch.setattr(opened.thread, "run", visit)
    monkeypatch.setattr(event_log.os, "pwrite", write)
    return (lambda: counts["visits"]), (lambda: counts["writes"])


async def test_the_sequencer_keeps_nothing_of_a_command_that_was_answered(tmp_path: Path) -> None:
    """Python memory after 2,000 more commands is what it was; the event log's tail is bounded by itself."""
    async with hall(tmp_path) as opened:
        opened.log._tail._limit = 4096

        async def work(count: int) -> None:
            for _ in range(count):
                await opened.submit(order(1))

        await work(500)
        kept = await _kept(lambda: work(2_000))
        print(f"{kept} bytes kept of 2,000 commands")
        assert kept < 2_000 * 16


async def test_the_bus_keeps_nothing_of_a_request_that_was_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's clock stands still: all deadlines share one tick, of which an empty set stays, however slow the machine is."""
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now)
    bus = EmbeddedBus()

    async def say(request: Say) -> Echo:
        return Echo(request.text)

    bus.handle(Say, say)

    async def work(count: int) -> None:
        for _ in range(count):
            await bus.request(Say(text="x"))

    await work(500)
    kept = await _kept(lambda: work(5_000))
    print(f"{kept} bytes kept of 5,000 requests")
    assert kept < 5_000
    assert bus.in_flight == 0
    await bus.close()


async def test_a_request_of_the_bus_is_one_task_and_a_future_none() -> None:
    bus = EmbeddedBus()
    made = 0

    async def say(request: Say) -> Echo:
        return Echo(request.text)

    def factory(loop: asyncio.AbstractEventLoop, body: Any, **more: Any) -> asyncio.Task[Any]:
        nonlocal made
        made += 1
        return asyncio.Task(body, loop=loop, **more)

    bus.handle(Say, say)
    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    for _ in range(100):
        await bus.request(Say(text="x"))
    one = made
    bus = EmbeddedBus()

    def at_once(request: Say) -> Any:
        future = loop.create_future()
        future.set_result(Echo(request.text))
        return future

    bus.handle(Say, at_once)
    for _ in range(100):
        await bus.request(Say(text="x"))
    loop.set_task_factory(None)
    assert (one, made - one) == (100, 0)


async def _kept(work: Callable[[], Any]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        await work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


async def test_a_rate_limit_costs_the_same_with_one_key_and_with_fifty_thousand() -> None:
    cache = EmbeddedCache(ManualClock())

    async def spend(number: int) -> None:
        await cache.spend(f"rate:user:{number}", 1, 10, 1.0)

    async def cost() -> int:
        with python_calls() as counted:
            for number in range(100):
                await spend(number)
        return counted.total()

    few = await cost()
    for number in range(50_000):
        await spend(number)
    assert await cost() == few


# ----------------------------------------------------------------------------------------------------------- followers


async def test_events_are_decoded_once_for_all_who_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with small_venue(tmp_path) as venue:
        decoded = 0
        decode = log_port.decode_events

        def counted(raw: bytes) -> Any:
            nonlocal decoded
            decoded += 1
            return decode(raw)

        monkeypatch.setattr(log_port, "decode_events", counted)
        begin = venue.log.last
        for batch in life(begin + 1):
            venue.log.append(batch)
        for _ in range(3):
            assert sum(len(batch.events) for batch in venue.log.read(begin)) == 1_600
        assert decoded == 1


@pytest.mark.parametrize("batches", [100, 200, 400])
def test_looking_for_holes_costs_a_fixed_number_of_calls_per_batch(batches: int) -> None:
    run = [EventBatch(n, n, b"x" * 64) for n in range(1, batches + 1)]
    assert calls_of(lambda: list(parts(without_holes(run, 0, None)))) <= 3 * batches + 10  # type: ignore[arg-type]


@contextmanager
def statements(database: SqliteDatabase) -> Iterator[list[str]]:
    """Record each statement that is handed to the driver, and COMMIT."""
    told: list[str] = []

    def execute(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    def commit(_: Any) -> None:
        told.append("COMMIT")

    event.listen(database._writing, "before_cursor_execute", execute)
    event.listen(database._writing, "commit", commit)
    try:
        yield told
    finally:
        event.remove(database._writing, "before_cursor_execute", execute)
        event.remove(database._writing, "commit", commit)


async def _orders(venue: SmallVenue) -> tuple[OrdersService, SqliteDatabase]:
    database = await venue.database("orders")
    service = OrdersService(venue.bus, venue.log, database, venue.clock)
    await service.start()
    await service.history.projection.apply(venue.log.read(0, 1 << 30))
    return service, database


async def test_a_commit_of_orders_has_as_many_statements_for_a_thousand_orders_as_for_one(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as venue:
        service, database = await _orders(venue)
        first = venue.log.last + 1
        with statements(database) as few:
            await service.history.projection.apply([EventBatch(first, first, accepted(first, ALICE, 1).encode())])
        raw = b"".join(accepted(n, ALICE, 1).encode() for n in range(first + 1, first + 1001))
        with statements(database) as many:
            await service.history.projection.apply([EventBatch(first + 1, first + 1000, raw)])
        print(len(few), len(many))
        assert len(many) == len(few) <= STATEMENTS_PER_COMMIT
        assert few.count("COMMIT") == many.count("COMMIT") == 1


async def test_a_life_of_orders_is_one_commit_with_few_statements(tmp_path: Path) -> None:
    """Orders, fills, cancels and their history: 1,600 events."""
    async with small_venue(tmp_path) as venue:
        service, database = await _orders(venue)
        with statements(database) as told:
            await service.history.projection.apply(life(venue.log.last + 1))
        print(len(told), "statements")
        assert told.count("COMMIT") == 1
        assert len(told) <= STATEMENTS_PER_COMMIT
        first = venue.log.last + 1 + LIFE_SEQUENCES
        singly = [EventBatch(n, n, accepted(n, ALICE, 1).encode()) for n in range(first, first + 1_000)]
        with statements(database) as told:
            await service.history.projection.apply(singly)
        assert told.count("COMMIT") == 1
        assert len(told) <= STATEMENTS_PER_COMMIT


async def test_trades_of_a_batch_are_written_by_a_fixed_number_of_statements(tmp_path: Path) -> None:
    def rows(first: int, count: int) -> list[TradeRow]:
        return [
            TradeRow(COIN, TradeTick(f"t{n}", "BTC-USD", "1.00", "1", "buy", n, 1, n))
            for n in range(first, first + count)
        ]

    async with small_venue(tmp_path) as venue:
        database = await venue.database("market")
        await database.write(lambda c: market_store.save_trades(c, rows=rows(1, 1), upto=1))
        with statements(database) as few:
            await database.write(lambda c: market_store.save_trades(c, rows=rows(2, 1), upto=2))
        with statements(database) as many:
            await database.write(lambda c: market_store.save_trades(c, rows=rows(3, 1_000), upto=1_002))
        print(few)
        assert len(many) == len(few) <= STATEMENTS_PER_COMMIT
        assert many.count("COMMIT") == 1


# -------------------------------------------------------------------------------------------------- depth and history


def _book(levels: int) -> Book:
    book = Book()
    for n in range(1, levels + 1):
        book.apply(accepted(n, ALICE, BUY, 1_000_000 - n))
    book.settle()
    return book


def test_ten_levels_cost_the_same_from_a_deep_book() -> None:
    small, large = _book(500), _book(4_000)
    assert calls_of(lambda: list(large.bids.levels(10))) <= calls_of(lambda: list(small.bids.levels(10)))


def test_an_order_into_a_deep_book_costs_the_same_calls() -> None:
    def cost(levels: int) -> int:
        book = _book(levels)
        return calls_of(lambda: [book.apply(accepted(9_000 + n, ALICE, BUY, 999_000 - n)) for n in range(100)])

    assert cost(4_000) <= cost(500) * 1.02


def test_telling_what_changed_costs_by_the_changes_not_by_the_book() -> None:
    def cost(levels: int) -> int:
        book = _book(levels)
        book.apply(accepted(9_000, ALICE, BUY, 999_000))
        return calls_of(book.settle)

    assert cost(4_000) <= cost(500)


class Steps:
    """Counts SQLite's virtual machine instructions of every reading connection."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.count = 0
        event.listen(database._reading, "begin", self._watch)

    def _watch(self, connection: Connection) -> None:
        raw: Any = connection.connection.driver_connection
        raw.set_progress_handler(self._tick, 10)

    def _tick(self) -> int:
        self.count += 10
        return 0

    async def of(self, work: Any) -> int:
        before = self.count
        await work
        return self.count - before


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[tuple[OrdersService, Steps, Callable[[], Any]]]:
    async with small_venue(tmp_path) as venue:
        service, database = await _orders(venue)
        steps, first = Steps(database), venue.log.last + 1

        async def live() -> None:
            nonlocal first
            await service.history.projection.apply(life(first))
            first += LIFE_SEQUENCES

        yield service, steps, live


@pytest.mark.parametrize("name", ["orders", "fills", "order"])
async def test_a_query_takes_as_many_steps_in_a_long_history_as_in_a_short_one(history: Any, name: str) -> None:
    service, steps, live = history
    await live()
    await live()
    queries = service.history._queries
    order_id = (await queries.orders(GetAccountOrders(account=ALICE, limit=1))).items[0].order_id
    ask, query = {
        "orders": (queries.orders, GetAccountOrders(account=ALICE, limit=100)),
        "fills": (queries.fills, GetFills(account=ALICE, limit=100)),
        "order": (queries.get, GetOrder(account=ALICE, order_id=order_id)),
    }[name]
    await steps.of(ask(query))
    short = await steps.of(ask(query))
    for _ in range(6):
        await live()
    long = await steps.of(ask(query))
    print(name, short, long)
    assert short > 0
    assert long <= short * STEPS_GROWTH + 100
