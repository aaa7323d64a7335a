"""The market room shows the engine's books, to the order, and says what moved without a gap.

Goal: books, trades and tickers equal the engine's after every sequence, after restarts and after bad deliveries.
Method: random markets through the readable engine, which answers depth() and orders(); SQLite file, real bus and log.
"""

import random

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Corrupted, InvalidCommand, NotFound, Unavailable
from quantumcore.contracts.market import GetBook, GetBook3, GetTicker, GetTickers, GetTrades, MarketMoved
from quantumcore.contracts.values import OrderId
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.market.projection import whole_sequences
from quantumcore.services.market.service import MarketService
from tests.support.small_venue import ALICE, BOB, COIN, SmallVenue, small_venue, until
from tests.support.streams import INSTRUMENTS, AuctionMarket, Market, setup
from tests.support.streams_linked import LinkedMarket

BUY, SELL = 1, 2


@pytest.fixture
async def venue(tmp_path):
    async with small_venue(tmp_path) as opened:
        yield opened


async def open_market(venue: SmallVenue) -> MarketService:
    return await venue.run(MarketService(venue.bus, venue.log, await venue.database("market"), venue.clock))


def send(venue: SmallVenue, side: int, lots: int, price: int, account: int = ALICE, **changes):
    """Submit an order in lots and cents; return its events."""
    body = {
        "instrument": COIN, "account": account, "price": price, "price_scale": 2, "quantity": lots, "quantity_scale": 5,
        "side": side, "order_type": 2, "time_in_force": 1, "client_id": f"m-{venue.engine.sequence}",
    }  # fmt: skip
    body |= changes
    for name in ("price", "quantity"):
        while body[f"{name}_scale"] and body[name] % 10 == 0:
            body[name], body[f"{name}_scale"] = body[name] // 10, body[f"{name}_scale"] - 1
    return venue.do(wire.SubmitOrder(**body))


async def caught_up(venue: SmallVenue, service: MarketService) -> int:
    last = venue.log.last
    assert await service._follower.reached(last, 20.0) == last, service.not_ready()
    return last


def run_market(venue: SmallVenue, rng: random.Random, commands: int, kind: type[Market] = Market):
    market = kind(rng)
    for _ in range(commands):
        events = venue.do(market.next().raw)
        market.hear(b"".join(event.encode() for event in events))
        yield events


def books(service: MarketService) -> dict:
    markets = service._markets
    return {
        (number, side): [(o.sequence, o.slot, o.price, o.leaves) for o in markets.of(number).book.side(side).orders()]
        for number in INSTRUMENTS
        for side in (BUY, SELL)
    }


def engine_books(venue: SmallVenue) -> dict:
    return {
        (number, side): [(s, slot, price, leaves) for s, slot, _, price, leaves in venue.engine.orders(number, side)]
        for number in INSTRUMENTS
        for side in (BUY, SELL)
    }


@pytest.mark.parametrize("kind", [Market, LinkedMarket, AuctionMarket])
async def test_after_every_sequence_the_books_are_the_engines(tmp_path, rng: random.Random, kind: type[Market]):
    """1,500 random commands and on until a hundred trades, hostile ones included: every order in its place, every level with its sum."""
    async with small_venue(tmp_path, list(setup())) as venue:
        service = MarketService(venue.bus, venue.log, await venue.database("market"), venue.clock)
        await service.start()
        markets = service._markets
        markets.apply([event for batch in venue.log.read(0, 1 << 30) for event in batch.events])
        trades = 0
        for done, events in enumerate(run_market(venue, rng, 6_000, kind)):
            if done >= 1_500 and trades > 100:
                break
            trades += len(markets.apply(events))
            assert markets.sequence == venue.engine.sequence
            for number in {event.instrument for event in events if event.instrument in INSTRUMENTS}:
                for side in (BUY, SELL):
                    shown = markets.of(number).book.side(side)
                    assert shown.levels(500) == venue.engine.depth(number, side, 500)
                    resting = [(o.sequence, o.slot, o.price, o.leaves) for o in shown.orders()]
                    assert resting == [(s, slot, p, left) for s, slot, _, p, left in venue.engine.orders(number, side)]
        assert trades > 100


OPENING_CALL, INTRADAY_CALL, CLOSING_CALL = 5, 6, 8
AT_OPEN, AT_CLOSE, GOOD_FOR_AUCTION, CLOSING_CROSS = 2, 7, 9, 10
BRACKET = 3


@pytest.mark.parametrize("status", [OPENING_CALL, INTRADAY_CALL, CLOSING_CALL])
@pytest.mark.parametrize("time_in_force", [AT_OPEN, AT_CLOSE, GOOD_FOR_AUCTION, CLOSING_CROSS])
async def test_exits_freed_in_a_call_stand_where_the_engine_has_them(
    venue: SmallVenue, status: int, time_in_force: int
):
    """An entry with a part filled is cancelled in a call: the take-profit stands in the book if the call is its own."""
    service = MarketService(venue.bus, venue.log, await venue.database("market"), venue.clock)
    await service.start()
    members = [
        linked(BUY, 20_000, 64_000, client_id="entry"),
        linked(SELL, 20_000, 65_000, client_id="profit", time_in_force=time_in_force),
        linked(SELL, 20_000, 62_000, client_id="stop", order_type=4, stop_price=63_000),
    ]
    first, second, third = (member.encode() for member in members)
    venue.do(
        wire.SubmitLinkedOrders(
            instrument=COIN, account=ALICE, link=BRACKET, count=3, first=first, second=second, third=third
        )
    )
    send(venue, SELL, 10_000, 6_400_000, BOB)
    venue.do(wire.SetInstrumentStatus(instrument=COIN, status=status))
    told = venue.do(wire.CancelOrder(account=ALICE, client_id="entry"))
    assert sum(isinstance(event, wire.OrderTriggered) for event in told) == 2, told
    await service._projection.apply(venue.log.read(0, 1 << 30))
    mine = service._markets.of(COIN).book.side(SELL).levels(5)
    assert mine == venue.engine.depth(COIN, SELL, 5)
    standing = {AT_OPEN: [OPENING_CALL], AT_CLOSE: [CLOSING_CALL], GOOD_FOR_AUCTION: [status]}.get(time_in_force, [])
    assert len(mine) == (status in standing)


async def test_an_order_of_a_batch_stands_behind_what_was_refilled_before_its_turn(venue: SmallVenue):
    service = MarketService(venue.bus, venue.log, await venue.database("market"), venue.clock)
    await service.start()
    iceberg = linked(SELL, 100_000, 64_000, client_id="iceberg", account=BOB, display=2, display_scale=1)
    venue.do(iceberg)
    batch = [
        linked(BUY, 20_000, 64_000, client_id="takes", self_trade_prevention=5),
        linked(SELL, 50_000, 64_000, client_id="rests"),
    ]
    raw = b"".join(each.encode() for each in batch)
    venue.do(wire.SubmitOrderBatch(account=ALICE, count=2, orders=raw))
    await service._projection.apply(venue.log.read(0, 1 << 30))
    shown = service._markets.of(COIN).book.side(SELL).orders()
    assert [(o.sequence, o.leaves) for o in shown] == [
        (s, left) for s, _, _, _, left in venue.engine.orders(COIN, SELL)
    ]
    assert len(venue.engine.orders(COIN, SELL)) == 2


def linked(side: int, lots: int, price: int, **changes) -> wire.SubmitAdvancedOrder:
    """Return an order of Alice's for an act of several; lots, and prices in whole dollars."""
    body = {
        "instrument": COIN, "account": ALICE, "price": price, "price_scale": 0, "quantity": lots // 10_000, "quantity_scale": 1,
        "side": side, "order_type": 2, "time_in_force": 1,
    }  # fmt: skip
    return wire.SubmitAdvancedOrder(**{**body, **changes})


async def test_the_changes_told_add_up_to_the_book_without_a_gap(tmp_path, rng: random.Random):
    """A listener who only adds up changes has the book, and can tell that he missed none."""
    async with small_venue(tmp_path, list(setup())) as venue:
        service = await open_market(venue)
        heard: list[MarketMoved] = []

        async def listen(notices):
            heard.extend(notices)

        venue.bus.subscribe(MarketMoved, listen)
        for _ in run_market(venue, rng, 500):
            pass
        await caught_up(venue, service)
        last = max(market.changed for market in service._markets._markets.values())
        await until(lambda: bool(heard) and heard[-1].sequence >= last, "the last notice")
        levels: dict = {}
        reached: dict = {}
        for notice in heard:
            for changed in notice.books:
                assert changed.prev_sequence == reached.get(changed.symbol, 0) < changed.sequence
                reached[changed.symbol] = changed.sequence
                for side, rows in (("bids", changed.bids), ("asks", changed.asks)):
                    for price, quantity, orders in ((level.price, level.quantity, level.orders) for level in rows):
                        if quantity == "0":
                            assert levels.pop((changed.symbol, side, price), None) is not None
                        else:
                            levels[changed.symbol, side, price] = (quantity, orders)
        for number in INSTRUMENTS:
            symbol = f"M-{number}"
            book = await venue.bus.request(GetBook(symbol=symbol, depth=500))
            for side in ("bids", "asks"):
                mine = {key[2]: row for key, row in levels.items() if key[:2] == (symbol, side)}
                assert mine == {level.price: (level.quantity, level.orders) for level in getattr(book, side)}
        printed = [trade for notice in heard for trade in notice.trades]
        assert [(t.sequence, t.index) for t in printed] == sorted((t.sequence, t.index) for t in printed)
        assert len(printed) == sum(ticker.trades_24h for ticker in (await venue.bus.request(GetTickers())).items)


async def test_a_restart_needs_only_the_stored_books_and_the_tail(tmp_path, rng: random.Random):
    """Stop stores the books; a kill does not: both come back to the engine's books and the same tickers."""
    async with small_venue(tmp_path, list(setup())) as venue:
        first = await open_market(venue)
        for _ in run_market(venue, rng, 300):
            pass
        stored = await caught_up(venue, first)
        await venue.halt()
        await first.stop()
        for _ in run_market(venue, random.Random(1), 200):
            pass
        second = MarketService(venue.bus, venue.log, first._database, venue.clock)
        await second.start()
        assert second._markets.sequence == stored
        await second._projection.apply(venue.log.read(stored, 1 << 30))
        read: list[int] = []
        inner = venue.log.read
        venue.log.read = lambda after, *rest: (read.append(after), inner(after, *rest))[1]  # type: ignore[method-assign]
        third = MarketService(venue.bus, venue.log, first._database, venue.clock)
        await third.start()
        assert min(read) == stored
        assert books(third) == books(second) == engine_books(venue)
        assert await third.tickers(GetTickers()) == await second.tickers(GetTickers())
        assert third._follower.cursor == venue.log.last


async def test_books_are_stored_along_the_way(tmp_path, rng: random.Random):
    """Every so many events: a kill costs at most that many to read again."""
    async with small_venue(tmp_path, list(setup())) as venue:
        service = MarketService(venue.bus, venue.log, await venue.database("market"), venue.clock)
        await service.start()
        service._projection._snapshot_events = 100
        for _ in run_market(venue, rng, 400):
            pass
        whole = venue.log.read(0, 1 << 30)
        for start in range(0, len(whole), 10):
            await service._projection.apply(whole[start : start + 10])
        again = MarketService(venue.bus, venue.log, service._database, venue.clock)
        read: list[int] = []
        inner = venue.log.read
        venue.log.read = lambda after, *rest: (read.append(after), inner(after, *rest))[1]  # type: ignore[method-assign]
        await again.start()
        assert not read or min(read) > len(whole) // 3
        assert books(again) == engine_books(venue)


async def test_shuffled_and_repeated_deliveries_give_the_same_books_and_trades(tmp_path, rng: random.Random):
    async with small_venue(tmp_path, list(setup())) as venue:
        for _ in run_market(venue, rng, 400):
            pass
        whole = venue.log.read(0, 1 << 30)
        service = MarketService(venue.bus, venue.log, await venue.database("market"), venue.clock)
        await service.start()
        delivered = [batch for batch in whole for _ in range(rng.randrange(1, 6))]
        rng.shuffle(delivered)
        for start in range(0, len(delivered), 30):
            await service._projection.apply(delivered[start : start + 30])
        assert books(service) == engine_books(venue)
        stored = await service._database.read(
            lambda connection: connection.exec_driver_sql(
                "SELECT sequence, event_index FROM trades ORDER BY 1, 2"
            ).all()
        )
        printed = [e for batch in whole for e in batch.events if isinstance(e, wire.TradePrinted)]
        assert [tuple(row) for row in stored] == [(e.sequence, e.index) for e in printed]


async def test_a_write_that_fails_loses_no_trade_and_tells_none_twice(venue: SmallVenue):
    service = MarketService(venue.bus, venue.log, await venue.database("market"), venue.clock)
    await service.start()
    heard: list = []

    async def listen(notices):
        heard.extend(trade for notice in notices for trade in notice.trades)

    venue.bus.subscribe(MarketMoved, listen)
    write, failing = service._database.write, True

    async def unlucky(work):
        if failing:
            raise Unavailable("unavailable", "the disk is away")
        return await write(work)

    service._database.write = unlucky
    send(venue, SELL, 10_000, 6_400_000, BOB)
    send(venue, BUY, 5_000, 6_400_000)
    batches = venue.log.read(0, 1 << 30)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await service._projection.apply(batches)
    failing = False
    await service._projection.apply(batches)
    await until(lambda: len(heard) == 1, "the trade")
    page = await service.trades(GetTrades(symbol="BTC-USD"))
    assert page.items == heard


async def test_an_impossible_event_stops_the_market_for_good(venue: SmallVenue):
    service = MarketService(venue.bus, venue.log, await venue.database("market"), venue.clock)
    await service.start()
    await service._projection.apply(venue.log.read(0, 1 << 30))
    at = venue.log.last
    impossible = EventBatch(
        at + 1, at + 1, wire.OrderCancelled(1, 0, at + 1, 1, COIN, 1, 12_345, 1, 0, 0, 1, 1).encode()
    )
    for _ in range(3):
        with pytest.raises(Corrupted, match="12345"):
            await service._projection.apply([impossible])
    assert service._projection.cursor == at


async def test_levels_show_price_quantity_and_orders(venue: SmallVenue):
    service = await open_market(venue)
    send(venue, BUY, 50_000, 6_400_000)
    send(venue, BUY, 20_000, 6_400_000, BOB)
    send(venue, SELL, 10_000, 6_400_100)
    last = await caught_up(venue, service)
    book = await venue.bus.request(GetBook(symbol="BTC-USD", depth=1))
    assert book.sequence == last
    assert [(level.price, level.quantity, level.orders) for level in book.bids] == [("64000.00", "0.70000", 2)]
    assert [(level.price, level.quantity, level.orders) for level in book.asks] == [("64001.00", "0.10000", 1)]


async def test_depth_cuts_both_sides_and_level_three_shows_every_order(venue: SmallVenue):
    service = await open_market(venue)
    events = [send(venue, BUY, 10_000, 6_400_000 - at // 2)[0] for at in range(10)]
    await caught_up(venue, service)
    book = await venue.bus.request(GetBook(symbol="BTC-USD", depth=3))
    assert [level.price for level in book.bids] == ["64000.00", "63999.99", "63999.98"]
    book3 = await venue.bus.request(GetBook3(symbol="BTC-USD", depth=3))
    expected = [OrderId(0, e.sequence, e.order_slot).text() for e in events[:3]]
    assert [order.order_id for order in book3.bids] == expected


@pytest.mark.parametrize("depth", [0, -1, 501])
async def test_a_depth_out_of_range_is_refused(venue: SmallVenue, depth):
    await open_market(venue)
    for query in (GetBook(symbol="BTC-USD", depth=depth), GetBook3(symbol="BTC-USD", depth=depth)):
        with pytest.raises(InvalidCommand) as refused:
            await venue.bus.request(query)
        assert (refused.value.field, refused.value.limit, refused.value.actual) == ("depth", "500", str(depth))


async def test_an_unknown_symbol_is_not_found_and_a_known_one_without_orders_is_empty(venue: SmallVenue):
    service = await open_market(venue)
    await caught_up(venue, service)
    for query in (GetBook(symbol="NOPE"), GetBook3(symbol=""), GetTrades(symbol="NOPE"), GetTicker(symbol="nope")):
        with pytest.raises(NotFound) as refused:
            await venue.bus.request(query)
        assert refused.value.code == "instrument.not_found"
    book = await venue.bus.request(GetBook(symbol="AAPL"))
    assert (book.bids, book.asks) == ([], [])


async def test_trades_are_paged_newest_first(venue: SmallVenue):
    service = await open_market(venue)
    for at in range(5):
        send(venue, SELL, 10_000, 6_400_000 + at, BOB)
        send(venue, BUY, 10_000, 6_400_000 + at)
    await caught_up(venue, service)
    found, cursor = [], ""
    while cursor is not None:
        page = await venue.bus.request(GetTrades(symbol="BTC-USD", limit=2, cursor=cursor))
        found += page.items
        cursor = page.next_cursor
    assert [trade.price for trade in found] == [f"64000.0{at}" for at in (4, 3, 2, 1, 0)]
    assert {trade.side for trade in found} == {"buy"}
    assert (await venue.bus.request(GetTrades(symbol="AAPL"))).items == []


@pytest.mark.parametrize(
    "field, change", [("limit", {"limit": 0}), ("limit", {"limit": 1001}), ("cursor", {"cursor": "x"})]
)
async def test_a_page_of_the_wrong_shape_names_the_field(venue: SmallVenue, field, change):
    await open_market(venue)
    with pytest.raises(InvalidCommand) as refused:
        await venue.bus.request(GetTrades(symbol="BTC-USD", **change))
    assert refused.value.field == field


async def test_a_ticker_has_best_prices_last_trade_and_the_day(venue: SmallVenue):
    service = await open_market(venue)
    empty = await venue.bus.request(GetTicker(symbol="BTC-USD"))
    assert (empty.bid, empty.last, empty.open_24h, empty.volume_24h, empty.trades_24h) == (
        None,
        None,
        None,
        "0.00000",
        0,
    )
    for price in (6_400_000, 6_500_000, 6_300_000):
        send(venue, SELL, 10_000, price, BOB)
        send(venue, BUY, 10_000, price)
    send(venue, BUY, 30_000, 6_200_000)
    await caught_up(venue, service)
    ticker = await venue.bus.request(GetTicker(symbol="BTC-USD"))
    assert (ticker.bid, ticker.bid_quantity, ticker.ask) == ("62000.00", "0.30000", None)
    assert (ticker.last, ticker.open_24h, ticker.high_24h, ticker.low_24h) == (
        "63000.00", "64000.00", "65000.00", "63000.00",
    )  # fmt: skip
    assert (ticker.volume_24h, ticker.trades_24h) == ("0.30000", 3)
    venue.clock.turn(25 * 3600)
    late = await venue.bus.request(GetTicker(symbol="BTC-USD"))
    assert (late.last, late.high_24h, late.volume_24h) == ("63000.00", None, "0.00000")


async def test_tickers_come_by_symbol(venue: SmallVenue):
    service = await open_market(venue)
    await caught_up(venue, service)
    assert [ticker.symbol for ticker in (await venue.bus.request(GetTickers())).items] == ["AAPL", "BTC-USD"]


async def test_a_market_that_cannot_read_its_tables_is_not_ready_and_comes_back(venue: SmallVenue):
    venue.down = True
    service = await open_market(venue)
    assert service.not_ready()
    venue.down = False
    venue.spawn(*service.tasks()[0])
    await until(lambda: service.not_ready() == [], "the room to be ready")


def test_a_book_is_shown_between_sequences_only(rng: random.Random):
    """Runs that the loop may interrupt end where a sequence ends."""
    events = []
    for sequence in range(1, 300):
        count = rng.randrange(1, 30)
        events += [
            wire.OrderCancelled(int(at == count - 1), at, sequence, 0, 1, 1, 1, 1, 0, 0, 1, 1) for at in range(count)
        ]
    for limit in (1, 2, 17, 100, 10_000):
        runs = list(whole_sequences(events, limit))
        assert [event for run in runs for event in run] == events
        assert all(run[-1].is_last for run in runs)
        assert all(len(run) < limit + 30 for run in runs)
