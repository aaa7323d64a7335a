"""A book is the sum of its events, and a book that cannot be is never shown.

Goal: joining, trading, replacing and cancelling keep price-time priority and level sums; impossible events are Corrupted.
Method: events by hand; random books against a plain list sorted on each look.
"""

import random

import msgspec
import pytest

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.values import NO_SLOT
from quantumcore.contracts.wire import (
    AuctionUncrossed,
    Event,
    InstrumentStatusChanged,
    OrderAccepted,
    OrderCancelled,
    OrderEntered,
    OrderRefilled,
    OrderReplaced,
    OrdersLinked,
    OrderTriggered,
    OrderWaits,
    TermsAccepted,
    TradePrinted,
)
from quantumcore.services.market.book import BUY, SELL, Book, Resting

MARKET, LIMIT = 1, 2


def join(
    sequence: int, side: int, price: int, lots: int, *, kind: int = LIMIT, tif: int = 1, last: int = 1
) -> OrderAccepted:
    return OrderAccepted(last, 0, sequence, 0, 1, 1, price, lots, 0, 0, side, kind, tif, 0, 0, 1, "x", 0)


def trade(
    sequence: int,
    maker: int,
    lots: int,
    maker_leaves: int,
    taker_leaves: int,
    price: int = 100,
    last: int = 1,
    taker: int = 0,
) -> TradePrinted:
    return TradePrinted(
        last, 1, sequence, 0, 1, 1, 2, maker, taker or sequence, 0, 0, price, lots, maker_leaves, taker_leaves, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2
    )  # fmt: skip


def cancel(sequence: int, order: int, lots: int) -> OrderCancelled:
    return OrderCancelled(1, 2, sequence, 0, 1, 1, order, lots, 0, 0, 1, 1)


def replace(sequence: int, order: int, price: int, leaves: int, *, kept: int, reason: int = 0) -> OrderReplaced:
    return OrderReplaced(1, 0, sequence, 0, 1, 1, price, leaves, leaves, 0, order, 0, reason, kept, 1)


def book(*events) -> Book:
    made = Book()
    for event in events:
        made.apply(event)
    return made


def names(made: Book, side: int) -> list[int]:
    return [order.sequence for order in made.side(side).orders()]


def test_the_best_price_comes_first_and_the_oldest_first_within_it():
    made = book(
        join(1, BUY, 99, 5), join(2, BUY, 100, 5), join(3, BUY, 100, 7), join(4, SELL, 102, 1), join(5, SELL, 101, 1)
    )
    assert names(made, BUY) == [2, 3, 1]
    assert names(made, SELL) == [5, 4]
    assert made.bids.levels(10) == [(100, 12, 2), (99, 5, 1)]
    assert made.asks.levels(1) == [(101, 1, 1)]


def test_a_trade_takes_from_the_maker_and_the_rest_of_the_taker_stands():
    made = book(join(1, SELL, 100, 5), join(2, BUY, 100, 8, last=0), trade(2, 1, 5, 0, 3))
    assert made.asks.levels(9) == []
    assert made.bids.levels(9) == [(100, 3, 1)]


@pytest.mark.parametrize("kind, tif", [(MARKET, 3), (LIMIT, 3), (LIMIT, 4)], ids=["market", "ioc", "fok"])
def test_an_order_that_never_rests_never_joins(kind, tif):
    made = book(join(1, SELL, 100, 5), join(2, BUY, 100, 8, kind=kind, tif=tif, last=0))
    assert made.bids.levels(9) == []
    made.apply(trade(2, 1, 5, 0, 3, last=0))
    made.apply(cancel(2, 2, 3))
    assert len(made) == 0


def test_an_order_that_never_rests_and_is_still_there_at_the_end_is_corrupted():
    with pytest.raises(Corrupted, match="still here"):
        book(join(1, BUY, 100, 8, tif=3))


def test_fewer_lots_keep_the_place_and_another_price_loses_it():
    made = book(join(1, BUY, 100, 5), join(2, BUY, 100, 5), replace(3, 1, 100, 3, kept=1))
    assert names(made, BUY) == [1, 2]
    made.apply(replace(4, 1, 100, 9, kept=0))
    assert names(made, BUY) == [2, 1]
    made.apply(replace(5, 1, 101, 9, kept=0))
    assert made.bids.levels(9) == [(101, 9, 1), (100, 5, 1)]


def test_a_cancel_takes_the_last_of_a_level_with_it():
    made = book(join(1, BUY, 100, 5), join(2, BUY, 99, 5), cancel(3, 1, 5))
    assert made.bids.levels(9) == [(99, 5, 1)]
    assert len(made) == 1


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(cancel(9, 77, 5), id="cancel of an unknown order"),
        pytest.param(trade(9, 77, 1, 0, 0), id="fill of an unknown order"),
        pytest.param(replace(9, 77, 100, 1, kept=1), id="replace of an unknown order"),
        pytest.param(cancel(9, 1, 4), id="cancel of less than stands"),
        pytest.param(trade(9, 1, 6, -1, 0), id="fill of more than stands"),
        pytest.param(trade(9, 1, 2, 2, 0), id="fill that does not leave what it says"),
        pytest.param(replace(9, 1, 100, 6, kept=1), id="more lots in the same place"),
        pytest.param(replace(9, 1, 101, 5, kept=1), id="another price in the same place"),
        pytest.param(join(1, BUY, 100, 1), id="the same order twice"),
    ],
)
def test_an_event_no_book_can_have_is_corrupted(event):
    with pytest.raises(Corrupted, match=r"on order"):
        book(join(1, BUY, 100, 5)).apply(event)


def test_what_changed_is_told_once_against_what_stood_before():
    made = book(join(1, BUY, 100, 5), join(2, SELL, 101, 5))
    assert made.settle() == [(BUY, 100, 5, 1), (SELL, 101, 5, 1)]
    assert made.settle() == []
    made.apply(join(3, BUY, 100, 2))
    made.apply(cancel(4, 2, 5))
    assert made.settle() == [(BUY, 100, 7, 2), (SELL, 101, 0, 0)]


def test_what_is_as_before_is_not_told():
    """An order that came and went between two looks, and a taker that passed through."""
    made = book(join(1, BUY, 100, 5))
    made.settle()
    made.apply(join(2, SELL, 105, 5))
    made.apply(cancel(3, 2, 5))
    assert made.settle() == []


def test_a_book_made_from_its_snapshot_is_the_same_book():
    made = book(join(1, BUY, 99, 5), join(2, BUY, 100, 5), join(3, BUY, 100, 7), join(4, SELL, 102, 1))
    again = Book.of(made.snapshot())
    assert again.snapshot() == made.snapshot()
    assert again.bids.levels(9) == made.bids.levels(9)
    again.apply(cancel(9, 2, 5))
    assert names(again, BUY) == [3, 1]


def test_a_random_book_equals_a_sorted_list(rng: random.Random):
    """5,000 joins, fills and cancels: levels and priority as a slow list says; told changes add up to the book."""
    made, plain, told = Book(), {}, {}
    for sequence in range(1, 5_001):
        if plain and rng.random() < 0.45:
            name = rng.choice(list(plain))
            made.apply(cancel(sequence, name, plain.pop(name)[2]))
        else:
            order = (rng.choice((BUY, SELL)), rng.randrange(90, 110), rng.randrange(1, 50))
            made.apply(join(sequence, *order))
            plain[sequence] = order
        if sequence % 7 == 0:
            for side, price, lots, count in made.settle():
                told[side, price] = (lots, count)
    for side, price, lots, count in made.settle():
        told[side, price] = (lots, count)
    for side in (BUY, SELL):
        mine = sorted((-o[1] if side == BUY else o[1], name) for name, o in plain.items() if o[0] == side)
        assert names(made, side) == [name for _, name in mine]
        levels = {}
        for o in plain.values():
            if o[0] == side:
                lots, count = levels.get(o[1], (0, 0))
                levels[o[1]] = (lots + o[2], count + 1)
        assert {p: (lots, n) for p, lots, n in made.side(side).levels(500)} == levels
        assert {p: row for (s, p), row in told.items() if s == side and row[0]} == levels


# ---------------------------------------------------------------------- what is not shown, what waits, what comes back


def terms(order: int, sequence: int = 0, *, waits: int = 0, dark: int = 0, display: int = 0, last: int = 1):
    names = [one for one in TermsAccepted.__struct_fields__ if one not in Event.__struct_fields__]
    values = dict.fromkeys(names, 0) | {"order_sequence": order, "waits": waits, "dark": dark, "display": display}
    return TermsAccepted(last, 1, sequence or order, 0, 1, 1, **values)


def event(kind, sequence: int, order: int, last: int = 1, **body):
    return kind(last, 2, sequence, 0, 1, 1, **{"order_sequence": order, "order_slot": 0, **body})


def status(sequence: int, phase: int) -> InstrumentStatusChanged:
    return InstrumentStatusChanged(1, 0, sequence, 0, 1, 0, phase)


def iceberg(sequence: int, side: int, price: int, lots: int, display: int, *, last: int = 1):
    return join(sequence, side, price, lots, last=0), terms(sequence, display=display, last=last)


def test_an_iceberg_shows_its_display_and_a_refill_goes_to_the_end_of_its_level():
    made = book(*iceberg(1, SELL, 100, 50, 10), join(2, SELL, 100, 5))
    assert made.asks.levels(9) == [(100, 15, 2)]
    for one in (
        join(3, BUY, 100, 12, last=0),
        trade(3, 1, 10, 40, 2, last=0),
        event(OrderRefilled, 3, 1, last=0, shown=10, leaves=40, refills=1),
        trade(3, 2, 2, 3, 0),
    ):
        made.apply(one)
    assert names(made, SELL) == [2, 1]
    assert made.asks.levels(9) == [(100, 13, 2)]


def test_an_iceberg_that_takes_shows_what_its_display_leaves_of_the_rest():
    made = book(join(1, SELL, 100, 5), *iceberg(2, BUY, 100, 20, 8, last=0), trade(2, 1, 5, 0, 15))
    assert made.bids.levels(9) == [(100, 8, 1)]
    made = book(join(1, SELL, 100, 15), *iceberg(2, BUY, 100, 20, 8, last=0), trade(2, 1, 15, 0, 5))
    assert made.bids.levels(9) == [(100, 5, 1)]


def test_fewer_lots_come_out_of_the_reserve_first():
    made = book(*iceberg(1, SELL, 100, 50, 10), replace(2, 1, 100, 15, kept=1))
    assert made.asks.levels(9) == [(100, 10, 1)]
    made.apply(replace(3, 1, 100, 4, kept=1))
    assert made.asks.levels(9) == [(100, 4, 1)]


def test_another_price_shows_the_display_anew():
    made = book(*iceberg(1, SELL, 100, 50, 10), join(2, BUY, 100, 4, last=0), trade(2, 1, 4, 46, 0))
    assert made.asks.levels(9) == [(100, 6, 1)]
    made.apply(replace(3, 1, 101, 46, kept=0))
    assert made.asks.levels(9) == [(101, 10, 1)]


@pytest.mark.parametrize("hidden", [{"dark": 1}, {"waits": 1}])
def test_what_is_dark_or_waits_is_not_shown_and_trades_and_ends_all_the_same(hidden):
    made = book(join(1, SELL, 100, 10, last=0), terms(1, **hidden))
    assert made.asks.levels(9) == []
    made.apply(join(2, BUY, 100, 4, last=0))
    made.apply(trade(2, 1, 4, 6, 0))
    assert made.asks.levels(9) == made.bids.levels(9) == []
    made.apply(cancel(3, 1, 6))
    assert len(made) == 0


def test_a_stop_limit_joins_when_it_triggers_and_a_stop_passes():
    made = book(
        join(1, BUY, 100, 10, kind=4, last=0),
        terms(1, waits=1),
        join(2, BUY, 105, 10, kind=3, last=0),
        terms(2, waits=1),
        event(OrderTriggered, 3, 1, price=99, limit=100, source=0),
    )
    assert made.bids.levels(9) == [(100, 10, 1)]
    made.apply(event(OrderTriggered, 4, 2, last=0, price=99, limit=105, source=0))
    assert made.bids.levels(9) == [(100, 10, 1)]
    made.apply(cancel(4, 2, 10))
    assert len(made) == 1


def test_a_peg_enters_moves_to_the_end_and_waits_again():
    made = book(join(1, BUY, 120, 10, kind=10, last=0), terms(1, waits=1))
    assert made.bids.levels(9) == []
    made.apply(event(OrderEntered, 2, 1, price=100, leaves=10, shown=10))
    made.apply(join(3, BUY, 101, 5))
    made.apply(replace(4, 1, 101, 10, kept=0, reason=2))
    assert names(made, BUY) == [3, 1]
    made.apply(event(OrderWaits, 5, 1, cause=1))
    assert made.bids.levels(9) == [(101, 5, 1)]
    made.apply(event(OrderEntered, 6, 1, price=99, leaves=10, shown=10))
    made.apply(replace(7, 1, 130, 12, kept=0))  # another cap: it comes back by itself
    assert made.bids.levels(9) == [(101, 5, 1)]


def test_in_a_call_nothing_passes_and_the_book_may_cross():
    made = book(status(1, 5), join(2, BUY, 105, 10, kind=MARKET), join(3, SELL, 100, 4))
    assert (made.bids.levels(9), made.asks.levels(9)) == ([(105, 10, 1)], [(100, 4, 1)])
    made.apply(AuctionUncrossed(0, 0, 4, 0, 1, 0, 100, 4, 6, 5))
    made.apply(trade(4, 2, 4, 6, 0, last=0, taker=3))
    made.apply(cancel(4, 2, 6))
    assert len(made) == 0


def test_what_a_call_begins_under_stands_in_it():
    """A market order whose trade stopped the market: its rest joins the book of the call."""
    made = book(join(1, SELL, 100, 4), join(2, BUY, 105, 10, kind=MARKET, last=0), trade(2, 1, 4, 0, 6, last=0))
    made.apply(status(2, 7))
    assert made.bids.levels(9) == [(105, 6, 1)]


def test_the_child_of_an_oto_waits_whatever_it_is():
    made = book(
        join(1, BUY, 100, 10, last=0),
        msgspec.structs.replace(join(1, SELL, 110, 10, last=0), order_slot=1),
        OrdersLinked(1, 2, 1, 0, 1, 1, link=2, count=2, first=0, second=1, third=NO_SLOT),
    )
    assert (made.bids.levels(9), made.asks.levels(9)) == ([(100, 10, 1)], [])
    made.apply(event(OrderTriggered, 2, 1, order_slot=1, price=0, limit=110, source=3))
    assert made.asks.levels(9) == [(110, 10, 1)]


@pytest.mark.parametrize("phase", [2, 3, 5, 9, 10, 11])
def test_a_market_order_whose_parent_frees_it_stands_while_nothing_trades(phase):
    """Its parent was filled as a call ended, or ended while the market was halted."""
    made = book(
        status(1, 5),
        join(2, BUY, 100, 10, last=0),
        msgspec.structs.replace(join(2, SELL, 97, 10, kind=MARKET, last=0), order_slot=1),
        OrdersLinked(1, 2, 2, 0, 1, 1, link=2, count=2, first=0, second=1, third=NO_SLOT),
    )
    made.apply(status(3, phase))
    made.apply(event(OrderTriggered, 4, 2, order_slot=1, price=0, limit=97, source=3))
    assert made.asks.levels(9) == [(97, 10, 1)]


def test_a_book_with_all_of_it_is_the_same_after_a_snapshot():
    made = book(
        *iceberg(1, SELL, 100, 50, 10),
        join(2, SELL, 100, 10, last=0),
        terms(2, dark=1),
        join(3, BUY, 90, 10, kind=4, last=0),
        terms(3, waits=1),
    )
    again = Book.of(msgspec.msgpack.decode(msgspec.msgpack.encode(made.snapshot()), type=list[Resting]))
    for one in (made, again):
        one.apply(event(OrderTriggered, 5, 3, price=99, limit=90, source=0))
        one.apply(join(6, BUY, 100, 10, last=0))
        one.apply(trade(6, 1, 10, 40, 0, last=0))
        one.apply(event(OrderRefilled, 6, 1, shown=10, leaves=40, refills=1))
    assert again.snapshot() == made.snapshot()
    assert again.asks.levels(9) == made.asks.levels(9) == [(100, 10, 1)]


def test_a_book_stored_before_orders_had_terms_can_be_read():
    old = msgspec.msgpack.encode([[7, 0, SELL, 100, 5, False]])
    again = Book.of(msgspec.msgpack.decode(old, type=list[Resting]))
    assert again.asks.levels(9) == [(100, 5, 1)]
