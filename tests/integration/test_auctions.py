"""Calls, crosses, bands: both engines are one, and an uncross keeps the laws of an auction.

Goal: no stream makes the engines differ, a restart or another batching changes nothing, and whatever a call gathered trades at
one price, as much as can trade, nobody worse than his limit, the best first and then the oldest, with no money made or lost.
Method: a seeded market that lives in calls, limit states and crosses; and random calls whose uncross is read event by event
against what stood in the book before it.
"""

import random
from collections import defaultdict
from typing import Any, NamedTuple

import pytest

from quantumcore.contracts import wire
from tests.support.desk import ALICE, BOB, BUY, CAROL, COIN, NONE, SELL, SHARE, USD, XYZ, Desk, coin, of
from tests.support.engines import NativeEngine, TwinEngine, both_engines, check, step
from tests.support.fuzz_engine import assert_cuts_change_nothing, run_equality, run_restored, seeded, started
from tests.support.streams import AuctionMarket

COMMANDS = 4_000
CALLS = 60
INDICATIVE_CALLS = 40
CONTINUOUS, OPENING_CALL, INTRADAY_CALL, CLOSING_CALL = 1, 5, 6, 8


@pytest.mark.parametrize("seed", [101, 102, 103])
def test_a_market_that_lives_in_calls_is_equal_event_by_event(seed):
    told = run_equality(COMMANDS, seed, market=AuctionMarket)
    assert told["AuctionUncrossed"] > 50, f"seed {seed}: a market without auctions proves nothing"
    assert told["IndicativeChanged"] > 80
    assert told["OrderEntered"] > 100
    assert told["LimitStateChanged"] > 2
    assert told["InstrumentStatusChanged.1"] >= 2, "the band led into no call"
    assert told["InstrumentStatusChanged.2"] >= 2, "velocity led into no call"
    assert told["InstrumentStatusChanged.3"] >= 2, "no call ended by its time"


def test_without_accounting_they_are_equal_too():
    assert run_equality(2_000, 104, market=AuctionMarket, accounting=False)["AuctionUncrossed"] > 20


@pytest.mark.parametrize("seed", [111, 112])
def test_a_restart_in_any_phase_changes_nothing(seed):
    """Rules, references, prints, waiting orders and their places: all of it comes back."""
    run_restored(3_000, seed, market=AuctionMarket, every=40)


def test_cutting_the_stream_into_steps_differently_changes_nothing():
    rng = random.Random(121)
    twin, stream = started(TwinEngine()), []
    for market, command in seeded(1_500, 121, AuctionMarket(random.Random(121))):
        market.hear(step(twin, command.raw, command.time_ns))
        stream.append(command)
    assert_cuts_change_nothing(NativeEngine, stream, rng)


class Standing(NamedTuple):
    """An order as it stood before the uncross."""

    name: tuple[int, int]
    account: int
    side: int
    price: int
    leaves: int


def a_call(new_engine: Any, rng: random.Random) -> tuple[Desk, list[Standing], int | None]:
    """Return a desk in a call with a random book, what stands in it, and the static reference."""
    desk = Desk(new_engine).rich()
    reference = rng.choice([None, rng.randrange(90, 111)])
    if reference is not None:
        desk.do(wire.SetReference(instrument=SHARE, price=reference))
    desk.do(wire.SetInstrumentStatus(instrument=SHARE, status=OPENING_CALL))
    standing: dict[tuple[int, int], Standing] = {}
    for _ in range(rng.randrange(2, 25)):
        account, side = rng.choice((ALICE, BOB, CAROL)), rng.choice((BUY, SELL))
        price, lots = rng.randrange(95, 106), rng.choice([1, 2, 5, rng.randrange(1, 40)])
        accepted = desk.submit(account, side, str(lots), f"{price / 100:.2f}", self_trade_prevention=NONE)[0]
        name = (accepted.sequence, accepted.order_slot)
        standing[name] = Standing(name, account, side, price, lots)
    # in the order in which each side trades: the price first, then the time
    rows = [(sequence, slot) for side in (BUY, SELL) for sequence, slot, *_ in desk.engine.orders(SHARE, side)]
    return desk, [standing[name] for name in rows], reference


def searched(standing: list[Standing], reference: int | None) -> tuple[int, int, int] | None:
    """Return (price, quantity, imbalance) by trying every tick, and the rule's words one after the other."""
    ticks = range(90, 111)
    bought = {p: sum(o.leaves for o in standing if o.side == BUY and o.price >= p) for p in ticks}
    sold = {p: sum(o.leaves for o in standing if o.side == SELL and o.price <= p) for p in ticks}
    most = max(min(bought[p], sold[p]) for p in ticks)
    if not most:
        return None
    left = [p for p in ticks if min(bought[p], sold[p]) == most]
    least = min(abs(bought[p] - sold[p]) for p in left)
    left = [p for p in left if abs(bought[p] - sold[p]) == least]
    if all(bought[p] > sold[p] for p in left):
        price = left[-1]
    elif all(bought[p] < sold[p] for p in left):
        price = left[0]
    elif reference is None:
        price = (left[0] + left[-1]) // 2
    else:
        price = max(left, key=lambda p: (-abs(p - reference), p))
    return price, most, bought[price] - sold[price]


@both_engines
def test_an_uncross_keeps_the_laws_of_an_auction(new_engine, rng):
    """Sixty random calls, each read against its own book."""
    crossed = 0
    for _ in range(CALLS):
        desk, standing, reference = a_call(new_engine, rng)
        before = [desk.engine.totals(currency) for currency in (USD, XYZ)]
        events = desk.all(wire.SetInstrumentStatus(instrument=SHARE, status=CONTINUOUS))
        told = [(e.price, e.quantity, e.imbalance) for e in events if isinstance(e, wire.AuctionUncrossed)]
        expected = searched(standing, reference)
        assert told == [expected or (0, 0, 0)]
        trades = [e for e in events if isinstance(e, wire.TradePrinted)]
        if expected is not None:
            crossed += 1
            _one_price_and_all_of_it(trades, expected)
            _best_first_then_oldest(trades, standing, expected[0])
            _everybody_pays_what_he_gets(trades, standing)
        else:
            assert not trades
        assert [desk.engine.totals(currency)[0] for currency in (USD, XYZ)] == [totals[0] for totals in before]
        check(desk.engine)
        bid, ask = desk.engine.depth(SHARE, BUY, 1), desk.engine.depth(SHARE, SELL, 1)
        assert not bid or not ask or bid[0][0] < ask[0][0], "crossed after the auction"
    assert crossed > CALLS // 2


def _one_price_and_all_of_it(trades: list[Any], expected: tuple[int, int, int]) -> None:
    price, quantity, _ = expected
    assert {trade.price for trade in trades} == {price}
    assert sum(trade.quantity for trade in trades) == quantity


def _best_first_then_oldest(trades: list[Any], standing: list[Standing], price: int) -> None:
    """On each side the filled ones stand before the others, and only the last may be filled in part."""
    filled: dict[tuple[int, int], int] = defaultdict(int)
    for trade in trades:
        maker, taker = (
            (trade.maker_order_sequence, trade.maker_slot),
            (trade.taker_order_sequence, trade.taker_slot),
        )
        assert maker < taker, "the later accepted is the taker"
        filled[maker] += trade.quantity
        filled[taker] += trade.quantity
    for side in (BUY, SELL):
        queue = [order for order in standing if order.side == side]
        lots = [filled[order.name] for order in queue]
        whole = next((at for at, order in enumerate(queue) if lots[at] != order.leaves), len(queue))
        assert not any(lots[whole + 1 :]), "somebody was passed over"
        for order, traded in zip(queue, lots, strict=True):
            assert not traded or (order.price >= price if side == BUY else order.price <= price), "worse than its limit"


def _everybody_pays_what_he_gets(trades: list[Any], standing: list[Standing]) -> None:
    sides = {order.name: order.side for order in standing}
    for trade in trades:
        assert trade.paid == trade.received == trade.price * trade.quantity
        assert sides[trade.maker_order_sequence, trade.maker_slot] != trade.taker_side


def test_every_book_of_a_call_has_the_searched_price(rng):
    """Thousands of books: after each order of forty calls the native indicative is that of the search over every tick."""
    books = crossed = 0
    for _ in range(INDICATIVE_CALLS):
        desk = Desk(NativeEngine).rich()
        reference = rng.choice([None, rng.randrange(90, 111)])
        if reference is not None:
            desk.do(wire.SetReference(instrument=SHARE, price=reference))
        desk.do(wire.SetInstrumentStatus(instrument=SHARE, status=INTRADAY_CALL))
        middle, width = rng.randrange(95, 106), rng.choice([1, 3, 5])
        standing: list[Standing] = []
        now = (0, 0, 0)
        for _ in range(rng.randrange(20, 120)):
            if standing and rng.randrange(4) == 0:
                gone = standing.pop(rng.randrange(len(standing)))
                name = {"order_sequence": gone.name[0], "order_slot": gone.name[1]}
                events = desk.all(wire.CancelOrder(account=gone.account, **name))
            else:
                side, price = rng.choice((BUY, SELL)), min(max(middle + rng.randrange(-width, width + 1), 90), 110)
                lots = rng.choice([1, 2, 3, 10])
                events = desk.submit(ALICE, side, str(lots), f"{price / 100:.2f}")
                standing.append(Standing((events[0].sequence, events[0].order_slot), ALICE, side, price, lots))
            told = [e for e in events if isinstance(e, wire.IndicativeChanged)]
            now = (told[0].price, told[0].quantity, told[0].imbalance) if told else now
            assert now == (searched(standing, reference) or (0, 0, 0)), standing
            books += 1
            crossed += now != (0, 0, 0)
    assert books > 1_000
    assert crossed > books // 2


@both_engines
def test_an_indicative_price_is_what_the_uncross_then_does(new_engine, rng):
    """Whatever happens in a call: its last indicative price, quantity and imbalance are the auction's."""
    for _ in range(20):
        desk = Desk(new_engine).rich()
        desk.do(wire.SetInstrumentStatus(instrument=SHARE, status=INTRADAY_CALL))
        last, working = (0, 0, 0), []
        for _ in range(rng.randrange(5, 40)):
            if working and rng.randrange(3) == 0:
                order = working.pop(rng.randrange(len(working)))
                change = {"quantity": str(rng.randrange(1, 30))} if rng.randrange(2) else {"price": "1.00"}
                cancel = wire.CancelOrder(
                    account=order.account, order_sequence=order.sequence, order_slot=order.order_slot
                )
                events = desk.all(cancel) if rng.randrange(2) else desk.replace(order, **change)
            else:
                price = f"{rng.randrange(95, 106) / 100:.2f}"
                events = desk.submit(rng.choice((ALICE, BOB)), rng.choice((BUY, SELL)), "7", price)
                working.append(events[0])
            changed = [e for e in events if isinstance(e, wire.IndicativeChanged)]
            assert len(changed) <= 1
            for event in changed:
                now = (event.price, event.quantity, event.imbalance)
                assert now != last, "told without a change"
                last = now
        uncrossed = desk.all(wire.SetInstrumentStatus(instrument=SHARE, status=CONTINUOUS))[0]
        assert (uncrossed.price, uncrossed.quantity, uncrossed.imbalance) == last


@both_engines
def test_a_sell_may_get_far_more_than_its_limit_with_fees_and_fractions(new_engine, rng):
    """Money is kept to the last minor unit when an auction's price is far from both limits, in many small fills."""
    for _ in range(15):
        fee, minimum = rng.choice([(100_003, 0), (7, 1), (10_000_000, 1)])  # a lot must pay its own fee
        desk = Desk(new_engine, coin(lot_scale=3, taker_fee=fee, minimum_fee=minimum)).rich()
        desk.do(wire.SetInstrumentStatus(instrument=COIN, status=CLOSING_CALL))
        for _ in range(12):
            desk.submit(
                ALICE, SELL, f"0.{rng.randrange(1, 999):03d}", f"{rng.randrange(1000, 2000) / 100}", instrument=COIN
            )
            desk.submit(
                BOB, BUY, f"0.{rng.randrange(1, 999):03d}", f"{rng.randrange(5000, 9000) / 100}", instrument=COIN
            )
        uncrossed = desk.all(wire.SetInstrumentStatus(instrument=COIN, status=CONTINUOUS))
        assert len(of(wire.TradePrinted, uncrossed)) >= 12
        customers, _, fees, rebates, rounding, deposited = desk.engine.totals(USD)
        assert customers + fees - rebates + rounding == deposited
        assert rounding >= 0
        check(desk.engine)
