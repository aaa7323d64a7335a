"""The gateway's small parts: what each promises, by example.

Method: each part alone, on a clock turned by hand.
"""

import random
import zlib
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge

from quantumcore.contracts import orders as contract
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.market import Book, BookChanged, BookLevel, BookOrder
from quantumcore.contracts.values import Scaled, show_time
from quantumcore.contracts.wire import CommandRefused
from quantumcore.services.gateway import bodies
from quantumcore.services.gateway.answer_cache import ANY, AnswerCache
from quantumcore.services.gateway.books import FollowedBook, checksum, difference, order_checksum, order_difference
from quantumcore.services.gateway.codec import Decoder, convert, parse_query, rfc3339
from quantumcore.services.gateway.outbox import Outbox
from quantumcore.services.gateway.own_writes import OwnWrites
from quantumcore.services.gateway.routes import all_routes
from quantumcore.services.gateway.routing import OTHER_METHOD, UNKNOWN, Router
from quantumcore.services.gateway.sequencing import refusal
from quantumcore.services.gateway.units import minor_units, multiple, rate
from tests.support.clocks import ManualClock


def level(price: str, quantity: str) -> BookLevel:
    return BookLevel(price, quantity, 1)


# -- words


def test_the_words_that_clients_may_say_are_those_the_rooms_know():
    def words(kind: object) -> set[str]:
        return set(kind.__args__)

    assert words(bodies.Side) == set(contract.SIDES)
    assert words(bodies.OrderType) == set(contract.TYPES)
    assert words(bodies.TimeInForce) == set(contract.TIMES_IN_FORCE)
    assert words(bodies.SelfTradePrevention) == set(contract.SELF_TRADE_PREVENTION)


def test_every_operation_is_found_by_its_own_method_and_path():
    routes = all_routes()
    router = Router(routes)
    for route in routes:
        path = route.template.replace("{id}", "42").replace("{symbol}", "BTC-USD")
        found, _ = router.find(route.method, path)
        assert found is route
        assert router.find("BREW", path)[0] is OTHER_METHOD
    assert len({(route.method, route.template) for route in routes}) == len(routes)


def test_parts_of_a_path_keep_their_names():
    router = Router(all_routes())
    assert router.find("GET", "/v1/orders/client:a-1")[1] == {"id": "client:a-1"}
    assert router.find("GET", "/v1/orders/a/b/c")[0] is UNKNOWN
    assert router.find("GET", "")[0] is UNKNOWN


# -- values


@given(st.integers(0, 2**62))
def test_times_are_shown_as_the_language_shows_them(ns):
    assert rfc3339(ns) == show_time(ns)


@pytest.mark.parametrize(
    "text,unit,count",
    [("0.05", "0.01", 5), ("1", "0.25", 4), ("64000.00", "0.01", 6_400_000), ("10", "10", 1), ("0", "0.01", 0)],
)
def test_outside_decimals_count_whole_units(text, unit, count):
    assert multiple(text, Scaled.parse(unit, "unit"), "x") == count


@pytest.mark.parametrize("text,unit", [("0.055", "0.01"), ("0.3", "0.25"), ("9" * 18, "0." + "0" * 16 + "1")])
def test_what_is_no_whole_unit_is_refused_and_never_rounded(text, unit):
    with pytest.raises(InvalidCommand) as refused:
        multiple(text, Scaled.parse(unit, "unit"), "max_price")
    assert refused.value.field == "max_price"


def test_money_and_rates_keep_their_places():
    assert minor_units("1.05", 2, "x") == 105
    assert rate("0.001", "x") == 100_000
    assert rate("-0.00005", "x") == -5_000
    with pytest.raises(InvalidCommand):
        minor_units("1.005", 2, "x")


@pytest.mark.parametrize(
    "reason,status,code",
    [(2, 404, "instrument.not_found"), (3, 404, "account.not_found"), (28, 404, "currency.not_found"), (29, 409, "definition.exists_with_different"),
     (32, 400, "definition.invalid"), (25, 503, "engine.capacity"), (1, 400, "request.invalid")],
)  # fmt: skip
def test_a_refusal_of_the_engine_keeps_its_code(reason, status, code):
    event = CommandRefused(1, 0, 5, 0, 0, 0, 8, 0, reason, 2, 12345, 0, 0, 0, "")
    error = refusal(event)
    assert (error.status, error.code) == (status, code)
    assert status == 404 or error.limit == "123.45"


# -- bodies


class Pair(bodies.Body, frozen=True, kw_only=True):
    """For tests."""

    number: int
    text: str = ""


@pytest.mark.parametrize(
    "body,field,rule",
    [(b'{"number":1,"x":2}', "x", "unknown_field"), (b"{}", "number", "missing"), (b'{"number":"1"}', "number", "type"), (b"{", "", "malformed"),
     (b'{"number":1.5}', "number", "type"), (b'{"number":1e400}', "number", "type"), (b'{"number":1,"text":null}', "text", "type")],
)  # fmt: skip
def test_a_bad_body_names_field_and_rule(body, field, rule):
    with pytest.raises(InvalidCommand) as refused:
        Decoder(Pair).decode(body)
    assert refused.value.field == field
    assert refused.value.code == f"request.invalid.{rule}"


@given(st.binary(max_size=200))
def test_no_bytes_are_a_defect(body):
    for msgpack in (False, True):
        with pytest.raises(InvalidCommand) as refused:
            Decoder(bodies.OrderBody).decode(body, msgpack=msgpack)
        assert refused.value.code.startswith("request.invalid.")


def test_both_formats_mean_the_same():
    value = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "1", "price": "2"}
    decoder = Decoder(bodies.OrderBody)
    assert decoder.decode(msgspec.json.encode(value)) == decoder.decode(msgspec.msgpack.encode(value), msgpack=True)


def test_a_query_becomes_numbers_where_numbers_are_due():
    assert convert({"level": "1", "depth": "10"}, bodies.BookQuery, "query") == bodies.BookQuery(level=1, depth=10)


@pytest.mark.parametrize("query", [b"a=1&a=2", b"%ff=1&x=%fe", b"&".join(b"a%d=1" % n for n in range(60))])
def test_a_bad_query_is_refused(query):
    with pytest.raises(InvalidCommand):
        parse_query(query)


# -- what is remembered


def test_own_writes_only_rise_and_are_bounded():
    writes = OwnWrites(3)
    writes.wrote(1, 10, "A")
    writes.wrote(1, 5, "A")
    assert (writes.at_least(1), writes.at_least_symbol("A")) == (10, 10)
    for account in (2, 3, 4):
        writes.wrote(account, 1)
    assert writes.at_least(1) == 0


def test_a_market_answer_ends_with_the_next_event_or_after_a_second():
    clock = ManualClock()
    cache = AnswerCache(clock, 1.0, 2)
    cache.put("A", "/a", b"", False, cache.version("A"), b"one")
    assert cache.get("A", "/a", b"", False) == b"one"
    assert cache.get("A", "/a", b"", True) is None
    cache.moved("A")
    assert cache.get("A", "/a", b"", False) is None
    cache.put("A", "/a", b"", False, cache.version("A"), b"two")
    clock.turn(1.0)
    assert cache.get("A", "/a", b"", False) is None


def test_an_answer_asked_before_an_event_is_not_kept_after_it():
    cache = AnswerCache(ManualClock(), 1.0, 2)
    version = cache.version("A")
    cache.moved("A")
    cache.put("A", "/a", b"", False, version, b"old")
    assert len(cache) == 0


def test_market_answers_are_bounded_and_all_symbols_end_together():
    cache = AnswerCache(ManualClock(), 1.0, 2)
    for path in ("/a", "/b", "/c"):
        cache.put(ANY, path, b"", False, cache.version(ANY), b"x")
    assert len(cache) == 2
    cache.moved("A")
    assert cache.get(ANY, "/c", b"", False) is None


def test_market_answers_are_bounded_in_bytes():
    """A thousand trades are 200 kB, and every cursor is another question: counting answers alone is no bound."""
    clock = ManualClock()
    cache = AnswerCache(clock, 1.0, 1_000, max_bytes=250)
    for at in range(5):
        cache.put("A", f"/{at}", b"", False, cache.version("A"), b"x" * 100)
    assert [cache.get("A", f"/{at}", b"", False) is not None for at in range(5)] == [False, False, False, True, True]
    cache.put("A", "/4", b"", False, cache.version("A"), b"x" * 150)
    assert cache.get("A", "/3", b"", False) is not None, "what was replaced no longer counts"
    cache.put("A", "/huge", b"", False, cache.version("A"), b"x" * 251)
    assert len(cache) == 0
    cache.put("A", "/6", b"", False, cache.version("A"), b"x" * 250)
    clock.turn(1.0)
    assert cache.get("A", "/6", b"", False) is None
    cache.put("A", "/7", b"", False, cache.version("A"), b"x" * 250)
    assert cache.get("A", "/7", b"", False) is not None, "what has expired no longer counts"


# -- what waits


def outbox(frames: int = 3, size: int = 100) -> tuple[Outbox, Gauge]:
    gauge = Gauge("waiting", "x", registry=CollectorRegistry())
    return Outbox(frames, size, gauge), gauge


async def test_an_outbox_is_bounded_in_frames_and_bytes_and_gives_its_gauge_back():
    box, gauge = outbox()
    assert [box.offer("x" * 10) for _ in range(4)] == [True, True, True, False]
    assert gauge._value.get() == 30
    assert await box.take() == "x" * 10
    assert box.offer("y" * 90) is False
    box.close()
    assert gauge._value.get() == 0
    assert box.offer("z") is False


async def test_an_empty_outbox_takes_one_frame_of_any_size():
    box, _ = outbox()
    assert box.offer("x" * 1_000) is True
    assert box.offer("y") is False


# -- books


def test_the_checksum_is_over_ten_levels_of_both_sides_in_turn():
    bids, asks = [level("2.00", "1"), level("1.00", "5")], [level("3.00", "7")]
    assert checksum(bids, asks) == zlib.crc32(b"2.00:1:3.00:7:1.00:5")
    assert checksum([], []) == 0


def test_a_book_skips_what_its_snapshot_has_and_follows_the_rest():
    book = FollowedBook("A")
    book.apply(BookChanged("A", 1, 2, [level("1.00", "1")], []))
    book.apply(BookChanged("A", 5, 6, [level("2.00", "1")], []))
    book.start(Book("A", 5, [level("1.00", "9")], []), 500)
    assert (book.sequence, [one.price for one in book.bids.top(9)]) == (6, ["2.00", "1.00"])
    assert book.bids.top(9)[1].quantity == "9"


def test_a_book_that_missed_something_says_so():
    book = FollowedBook("A")
    book.start(Book("A", 5, [], []), 500)
    book.apply(BookChanged("A", 7, 8, [level("1.00", "1")], []))
    assert (book.whole, book.wanted) == (False, 8)


def test_behind_a_cut_side_nothing_is_invented():
    book = FollowedBook("A")
    book.start(Book("A", 5, [level("3.00", "1"), level("2.00", "1")], []), 2)
    book.apply(BookChanged("A", 5, 6, [level("1.00", "1")], []))
    assert [one.price for one in book.bids.top(9)] == ["3.00", "2.00"]
    book.apply(BookChanged("A", 6, 7, [BookLevel("3.00", "0", 0)], []))
    assert book.thin(2)


@given(seed=st.integers(0, 2**32))
def test_differences_turn_any_view_into_the_next(seed):
    rng = random.Random(seed)

    def view() -> list[BookLevel]:
        prices = rng.sample(range(1, 20), rng.randint(0, 10))
        return [level(f"{price}.00", str(rng.randint(1, 3))) for price in sorted(prices)]

    before, after = view(), view()
    copy = {one.price: one for one in before}
    for one in difference(before, after):
        if one.quantity == "0":
            del copy[one.price]
        else:
            assert copy.get(one.price) != one, "nothing is told that did not change"
            copy[one.price] = one
    assert copy == {one.price: one for one in after}


@given(seed=st.integers(0, 2**32))
def test_a_followed_book_equals_one_built_anew(seed):
    rng = random.Random(seed)
    book, truth = FollowedBook("A"), {}
    book.start(Book("A", 1, [], []), 500)
    for sequence in range(1, 60):
        price = f"{rng.randint(1, 15)}.{rng.randint(0, 99):02d}"
        quantity = rng.choice(["0", "1", "2.5"])
        if quantity == "0" and truth and rng.random() < 0.8:
            price = rng.choice(sorted(truth))
        if quantity == "0":
            truth.pop(price, None)
        else:
            truth[price] = quantity
        book.apply(BookChanged("A", sequence, sequence + 1, [], [level(price, quantity)]))
    expected = sorted(truth.items(), key=lambda one: float(one[0]))
    assert [(one.price, one.quantity) for one in book.asks.top(100)] == expected


def taken(queue: list[BookOrder], delta: list[BookOrder]) -> list[BookOrder]:
    """Take a delta as the documentation tells a client to: gone at "0", changed in its place, else the end of its price."""
    prices: dict[str, list[BookOrder]] = {}
    for order in queue:
        prices.setdefault(order.price, []).append(order)
    for order in delta:
        level = prices.setdefault(order.price, [])
        at = next((n for n, one in enumerate(level) if one.order_id == order.order_id), None)
        if order.quantity == "0":
            if at is not None:
                del level[at]
        elif at is None:
            level.append(order)
        else:
            level[at] = order
    return [order for price in sorted(prices, key=Decimal, reverse=True) for order in prices[price]]


def test_deltas_of_orders_add_up_to_the_queue_whatever_happened_between(rng: random.Random):
    """2,000 looks at a random book of bids cut at 20 orders: orders come, shrink, go, and lose their place."""
    book: dict[str, list[list[str]]] = {}
    seen: list[BookOrder] = []
    told: list[BookOrder] = []
    for number in range(2_000):
        for _ in range(rng.randrange(4)):
            price = str(rng.randrange(90, 100))
            level = book.setdefault(price, [])
            match rng.randrange(4):
                case 0 | 1:
                    level.append([f"o{number}-{rng.random()}", str(rng.randrange(1, 9))])
                case 2 if level:
                    level.append(level.pop(rng.randrange(len(level))))
                case 3 if level:
                    one = rng.choice(level)
                    one[1] = str(int(one[1]) // 2)
                    if one[1] == "0":
                        level.remove(one)
        whole = [BookOrder(n, price, q) for price in sorted(book, key=Decimal, reverse=True) for n, q in book[price]]
        now = whole[:20]
        told = taken(told, order_difference(seen, now))
        seen = now
        assert told == now
        assert order_checksum(told, []) == order_checksum(now, [])


def test_the_checksum_of_orders_is_over_ten_of_both_sides_in_turn():
    bids = [BookOrder(f"b{n}", "1", str(n)) for n in range(12)]
    asks = [BookOrder("a", "2", "7")]
    text = ":".join(["b0:0:a:7", *(f"b{n}:{n}" for n in range(1, 10))])
    assert order_checksum(bids, asks) == zlib.crc32(text.encode())
    assert order_checksum([], []) == 0
