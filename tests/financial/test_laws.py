"""The laws of a market, on both engines.

Goal: whatever is traded, nobody loses a unit, jumps a queue, or pays what was not held.
Method: a seeded market (tests/support/streams.py) is run, and every event is followed by an independent book-keeper
that knows only events; fees and notionals are recomputed with `Fraction` from the definitions alone.
"""

import itertools
import random
from collections import defaultdict
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest

from quantumcore.contracts import wire
from tests.support.desk import (
    ALICE,
    BOB,
    BTC,
    BUY,
    CAROL,
    COIN,
    GTC,
    IOC,
    NONE,
    SELL,
    USD,
    XYZ,
    Desk,
    coin,
    instrument,
    of,
)
from tests.support.engines import both_engines, check, step
from tests.support.fuzz_engine import seeded, started
from tests.support.naive import NaiveMatcher
from tests.support.streams import ACCOUNTS, CURRENCIES, DEFINITIONS, INSTRUMENTS, START_NS, Market, setup
from tests.support.streams_actions import ActionMarket
from tests.support.streams_busted import BustedMarket
from tests.support.streams_margin import MarginMarket

pytestmark = both_engines
SEEDS = (101, 102, 103)
COMMANDS = 2_500
RATE_ONE = 10**8
BORROW_FEE = 10  # an action
FOLLOWS, LINKED = 4, 8  # why an order was replaced, and cancelled

Name = tuple[int, int]  # sequence and slot of an order


def market(new_engine: Any, seed: int, commands: int = COMMANDS):
    """Yield (engine, events) of each command of the market of `seed`."""
    engine = started(new_engine())
    for stream, command in seeded(commands, seed):
        raw = step(engine, command.raw, command.time_ns)
        stream.hear(raw)
        yield engine, wire.decode_events(raw)


# ------------------------------------------------------------------------------------------ the book


@pytest.mark.parametrize("seed", SEEDS)
def test_the_book_is_never_crossed_and_shows_exactly_its_orders(new_engine, seed):
    """Never crossed while it trades continuously: in a call it may be, and the uncross ends that."""
    phases, icebergs, whole = dict.fromkeys(INSTRUMENTS, 1), set[Name](), 0
    for engine, events in market(new_engine, seed):
        phases |= {event.instrument: event.status for event in of(wire.InstrumentStatusChanged, events)}
        icebergs |= {(e.order_sequence, e.order_slot) for e in of(wire.TermsAccepted, events) if e.display}
        for number in INSTRUMENTS:
            sides = {side: engine.orders(number, side) for side in (BUY, SELL)}
            if sides[BUY] and sides[SELL] and phases[number] == 1:
                assert sides[BUY][0][3] < sides[SELL][0][3], f"seed {seed}"
            for side, rows in sides.items():
                prices = [row[3] for row in rows]
                assert prices == sorted(prices, reverse=side == BUY), f"seed {seed}"
                levels: dict[int, list[int]] = defaultdict(lambda: [0, 0])
                for row in rows:
                    levels[row[3]][0] += row[4]
                    levels[row[3]][1] += 1
                depth = engine.depth(number, side, 10**6)
                assert [(p, n) for p, _, n in depth] == [(p, n) for p, (_, n) in levels.items()]
                # Of an iceberg a part is shown; exactly which, tests/financial/test_shown_laws.py follows.
                partly = {row[3] for row in rows if row[:2] in icebergs}
                assert all(n <= lots <= levels[p][0] for p, lots, n in depth)
                assert all(lots == levels[p][0] for p, lots, _ in depth if p not in partly)
                whole += len(depth) - len(partly)
    assert whole > 1_000


@pytest.mark.parametrize("seed", SEEDS)
def test_price_then_time_as_a_naive_matcher_has_it(new_engine, seed):
    """3,000 orders and cancels of three accounts without self-trade prevention, against a search through a list."""
    rng = random.Random(seed)
    desk, naive = Desk(new_engine).rich(), NaiveMatcher()
    live: dict[int, wire.OrderAccepted] = {}
    for _ in range(3_000):
        if live and rng.randrange(4) == 0:
            order = live.pop(rng.choice(list(live)))
            cancelled = isinstance(desk.cancel(order), wire.OrderCancelled)
            assert cancelled == any(resting.name == order.sequence for resting in naive.resting)
            naive.remove(order.sequence)
            continue
        side, tif = rng.choice((BUY, SELL)), rng.choice((GTC, GTC, GTC, IOC))
        accepted, *rest = desk.submit(
            rng.choice((ALICE, BOB, CAROL)),
            side,
            str(rng.randrange(1, 20)),
            f"1.{rng.randrange(20):02d}",
            time_in_force=tif,
            self_trade_prevention=NONE,
        )
        expected = naive.enter(accepted.sequence, side, accepted.price, accepted.quantity, rests=tif == GTC)
        trades = of(wire.TradePrinted, rest)
        assert [(t.maker_order_sequence, t.price, t.quantity) for t in trades] == expected, f"seed {seed}"
        live[accepted.sequence] = accepted
    for side in (BUY, SELL):
        ours = sorted((row[0], row[3], row[4]) for row in desk.engine.orders(1, side))
        assert ours == sorted((r.name, r.price, r.leaves) for r in naive.resting if r.side == side)


# -------------------------------------------------------------------------------- lots, holds and money


class Books:
    """What events alone say: lots and holds per order, totals and holds per account, what the house took."""

    def __init__(self) -> None:
        self.quantity: dict[Name, int] = {}
        self.traded: dict[Name, int] = defaultdict(int)
        self.ended: dict[Name, int] = {}
        self.hold: dict[Name, int] = {}
        self.place: dict[Name, tuple[int, int]] = {}  # account, currency of the hold
        self.side: dict[Name, int] = {}
        self.pair: dict[Name, Name] = {}  # orders of one side that may hold for each other
        self.total: dict[tuple[int, int], int] = defaultdict(int)
        self.house: dict[int, int] = defaultdict(int)
        self.deposited: dict[int, int] = defaultdict(int)
        self.posted: dict[tuple[int, int, int], int] = defaultdict(int)  # by account, currency, code; credits - debits
        self.placed: dict[int, wire.HoldChanged] = {}  # by name: holds of clients as they stand
        self.lent: set[tuple[int, int]] = set()  # balances that may be below what is held

    def hear(self, event: wire.Event) -> None:
        """Post one event."""
        name = (getattr(event, "order_sequence", event.sequence), getattr(event, "order_slot", 0))
        match event:
            case wire.OrderAccepted():
                self.quantity[name] = event.quantity
                self.side[name] = event.side
                self.place[name] = (event.account, event.hold_currency)
                self.hold[name] = event.hold
            case wire.OrderReplaced():
                self.quantity[name] = event.quantity
                if event.reason == FOLLOWS:
                    self._pass_on(name, self.hold[name] - event.hold)
                self.hold[name] = event.hold
                assert event.leaves == event.quantity - self.traded[name]
            case wire.StopMoved():
                assert event.hold <= self.hold[name], "a hold grew by itself"
                self.hold[name] = event.hold
            case wire.OrderCancelled():
                assert event.released == self.hold.pop(name)
                if event.reason == LINKED:
                    self._pass_on(name, event.released)
                self.ended[name] = event.quantity
            case wire.OrdersLinked():
                *_, one, other = [(event.sequence, slot) for slot in (event.first, event.second, event.third)][
                    : event.count
                ]
                if self.side[one] == self.side[other]:
                    self.pair |= {one: other, other: one}
            case wire.TransferPosted():
                self._transfer(event)
            case wire.TransferMade():
                self._made(event)
            case wire.HoldChanged():
                self._hold(event)
            case wire.CreditChanged():
                self.lent.add((event.account, event.currency))
            case wire.TradePrinted():
                self._trade(event)
            case wire.TradeBusted():
                self._bust(event)
            case wire.PositionTaken():
                self._taken(event)
            case wire.PositionAdjusted():
                self._adjust(event)
            case wire.ActionApplied():
                source = 330 if event.action == BORROW_FEE else 430
                self.posted[0, event.quote, source] -= event.clearing
                self.posted[0, event.quote, 410] += event.rounding

    def _pass_on(self, name: Name, amount: int) -> None:
        """One of a pair makes way for the other, which is about to trade: what it held is now held by that one."""
        other = self.pair.get(name)
        if other in self.hold and amount > 0:
            self.hold[other] += amount

    def _bust(self, event: wire.TradeBusted) -> None:
        terms = DEFINITIONS[event.instrument - 1]
        scale = next(scale for number, _, scale in CURRENCIES if number == event.base)
        asset = event.quantity * terms.lot * 10**scale // 10**terms.lot_scale if event.action == 1 else 0
        self.total[event.buyer, event.quote] += event.paid_back + event.buyer_fee_back
        self.total[event.buyer, event.base] -= asset
        self.total[event.seller, event.quote] += event.seller_fee_back - event.received_back
        self.total[event.seller, event.base] += asset
        self.house[event.quote] -= event.buyer_fee_back + event.seller_fee_back
        self.posted[0, event.quote, 900] -= event.paid_back - event.received_back

    def _taken(self, event: wire.PositionTaken) -> None:
        terms = DEFINITIONS[event.instrument - 1]
        scale = next(scale for number, _, scale in CURRENCIES if number == event.base)
        assert event.asset == Fraction(event.lots * terms.lot, 10**terms.lot_scale) * 10**scale
        for account, sign in ((event.account, -1), (event.taker, 1)):
            self.total[account, event.base] += sign * event.asset
            self.total[account, event.quote] -= sign * event.money

    def _adjust(self, event: wire.PositionAdjusted) -> None:
        account = event.account
        for currency, own, aside in (
            (event.base, event.asset, event.collateral),
            (event.target_base, event.target_asset, event.target_collateral),
        ):
            self.total[account, currency] += own
            self.posted[account, currency, 220] += aside
            self.posted[0, currency, 100] -= own + aside
            self.lent.add((account, currency))
        self.total[account, event.quote] += event.money
        self.lent.add((account, event.quote))

    def _transfer(self, event: wire.TransferPosted) -> None:
        if event.transfer_kind == 1:
            self.total[event.account, event.currency] += event.amount
            self.deposited[event.currency] += event.amount
        else:
            self.total[event.account, event.currency] -= event.amount
            if event.transfer_kind == 2:
                self.deposited[event.currency] -= event.amount
            else:
                self.total[event.to_account, event.currency] += event.amount
        assert event.total == self.total[event.account, event.currency]

    def _made(self, event: wire.TransferMade) -> None:
        assert event.amount >= 0
        for account, code, sign in (
            (event.debit_account, event.debit_code, -1),
            (event.credit_account, event.credit_code, 1),
        ):
            if account and not code:
                self.total[account, event.currency] += sign * event.amount
            else:
                self.posted[account, event.currency, 100 if code == 110 else code] += sign * event.amount
        if event.flags2 and event.debit_account:
            self.lent.add((event.debit_account, event.currency))

    def _hold(self, event: wire.HoldChanged) -> None:
        """captured + released + open = placed, and an act moves nothing but its own part."""
        before = self.placed.get(event.hold_sequence)
        parts = [0] * 4 if before is None else [before.placed, before.captured, before.released, before.open]
        parts[{1: 0, 2: 0, 3: 1, 4: 2, 5: 2, 6: 2}[event.cause]] += event.amount
        parts[3] = parts[0] - parts[1] - parts[2]
        assert parts == [event.placed, event.captured, event.released, event.open]
        assert min(parts) >= 0
        assert (before is None) == (event.cause == 1)
        self.placed[event.hold_sequence] = event

    def house_of(self, currency: int) -> dict[int, int]:
        """Return what every account of the house has by the events, 220 as the sum over all customers."""
        found: dict[int, int] = defaultdict(int)
        for (_, place, code), moved in self.posted.items():
            if place == currency:
                found[code] += -moved if code in (100, 310) else moved
        found[100] += self.deposited[currency]
        return found

    def _trade(self, event: wire.TradePrinted) -> None:
        maker = (event.maker_order_sequence, event.maker_slot)
        taker = (event.taker_order_sequence, event.taker_slot)
        assert self.side[maker] != self.side[taker] == event.taker_side
        buyer, seller = (
            (event.account, event.maker_account) if event.taker_side == BUY else (event.maker_account, event.account)
        )
        self.total[buyer, event.quote] -= event.paid
        self.total[seller, event.quote] += event.received
        self.total[seller, event.base] -= event.asset
        self.total[buyer, event.base] += event.asset
        self.house[event.quote] += event.paid - event.received
        for order, account, fee, leaves, hold in (
            (maker, event.maker_account, event.maker_fee, event.maker_leaves, event.maker_hold),
            (taker, event.account, event.taker_fee, event.taker_leaves, event.taker_hold),
        ):
            self.traded[order] += event.quantity
            self.total[account, event.quote] -= fee
            self.house[event.quote] += fee
            assert leaves == self.quantity[order] - self.traded[order] >= 0
            # captured + released + open = placed: a fill only ever takes from the hold
            captured = {BUY: event.paid + fee, SELL: event.asset}[self.side[order]]
            assert hold <= self.hold[order], "a hold grew by a fill"
            if self.side[order] == SELL and order not in self.pair:
                assert self.hold[order] - hold == captured
            else:
                assert self.hold[order] - hold >= captured, "the hold did not suffice"
            self.hold[order] = hold
            if leaves == 0:
                assert self.hold.pop(order) == 0
                self.ended[order] = 0


@pytest.mark.hazard("F9")
@pytest.mark.parametrize("market", (Market, BustedMarket, ActionMarket, MarginMarket))
@pytest.mark.parametrize("seed", SEEDS)
def test_lots_holds_and_money_add_up_after_every_command(new_engine, seed, market):
    """Quantity, hold and money are conserved to the last unit; every hold suffices and never grows by a fill (F9)."""
    books = Books()
    engine = new_engine()
    for raw in setup():
        for event in wire.decode_events(step(engine, raw, START_NS)):
            books.hear(event)
    for stream, command in seeded(COMMANDS, seed, market(random.Random(seed))):
        raw = step(engine, command.raw, command.time_ns)
        stream.hear(raw)
        for event in wire.decode_events(raw):
            books.hear(event)
        held: dict[tuple[int, int], int] = defaultdict(int)
        for order, amount in books.hold.items():
            held[books.place[order]] += amount
        for hold in books.placed.values():
            held[hold.account, hold.currency] += hold.open
        for account in engine.accounts():
            for currency, total, on_hold in engine.balances(account):
                assert total == books.total[account, currency], f"seed {seed}"
                assert on_hold == held[account, currency], f"seed {seed}"
                assert on_hold >= 0, f"seed {seed}"
                assert on_hold <= total or (account, currency) in books.lent, f"seed {seed}"
        for currency, _, _ in CURRENCIES:
            customers, on_hold, fees, rebates, rounding, deposited = engine.totals(currency)
            posted = books.house_of(currency)
            others = {code: balance for code, balance in engine.house(currency) if code not in (100, 300, 310, 410)}
            assert others == {c: b for c, b in posted.items() if b and c not in (100, 300, 310, 410)}, f"seed {seed}"
            assert deposited == posted[100], f"seed {seed}"
            assert deposited + rebates == customers + fees + rounding + sum(others.values()), f"seed {seed}"
            assert min(on_hold, rounding) >= 0, f"seed {seed}"
            by_legs = posted[300] - posted[310] + posted[410]
            assert fees - rebates + rounding == books.house[currency] + by_legs, f"seed {seed}"
    for order, left in books.ended.items():
        assert books.traded[order] + left == books.quantity[order], f"seed {seed}: order {order}"
    check(engine)


@pytest.mark.hazard("F2")
@pytest.mark.hazard("A4")
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_refused_changes_nothing(new_engine, seed):
    """No query answers differently after a refusal, and asked twice it is refused alike."""
    engine = started(new_engine())
    seen = 0
    before = answers(engine)
    for stream, command in seeded(1_200, seed):
        raw = step(engine, command.raw, command.time_ns)
        stream.hear(raw)
        after = answers(engine)
        first = wire.decode_events(raw)[0]
        if isinstance(first, (wire.CommandRefused, wire.OrderRejected)):
            assert after == before, f"seed {seed}: {first}"
            seen += 1
        before = after
    assert seen > 300


def answers(engine: Any) -> list[Any]:
    """Return what can be asked of the engine, sequence, time and hash apart."""
    books = [engine.orders(number, side) for number in INSTRUMENTS for side in (BUY, SELL)]
    orders = [engine.order(row[0], row[1]) for book in books for row in book]
    money = [engine.balances(account) for account in ACCOUNTS]
    house = [(engine.totals(number), engine.house(number)) for number, _, _ in CURRENCIES]
    terms = [(engine.collateral(a), engine.credits(a), engine.account_state(a)) for a in ACCOUNTS]
    return [books, orders, money, house, terms, engine.open_orders()]


# ------------------------------------------------------------------------------- fees, against Fraction


def cut(rng: random.Random, lots: int, pieces: int) -> list[int]:
    """Return `lots` in at most `pieces` random parts."""
    at = sorted({0, lots, *(rng.randrange(lots) for _ in range(pieces - 1))})
    return [b - a for a, b in itertools.pairwise(at)]


@pytest.mark.hazard("F3")
@pytest.mark.hazard("F5")
@pytest.mark.parametrize("seed", range(8))
def test_a_fee_is_the_exact_fee_rounded_up_once_however_the_order_is_cut(new_engine, seed):
    """ceil for fees and buyers, floor for rebates and sellers, of the order's exact sums; the excess is under one unit."""
    rng = random.Random(seed)
    taker_rate, maker_rate = rng.randrange(0, 300_000), rng.randrange(-1_000, 100_000)
    taker_rate = max(taker_rate, -maker_rate)
    definition = coin(
        tick=rng.choice((1, 3, 7)),
        tick_scale=rng.choice((1, 2)),
        taker_fee=taker_rate,
        maker_fee=maker_rate,
        min_price=1,
    )
    unit = Fraction(definition.tick, 10**definition.tick_scale) * Fraction(1, 10**5) * 100
    lots, price = rng.randrange(50, 2_000), rng.randrange(10**6, 10**7)
    totals = set()
    for pieces in (1, 2, 7, 40):
        desk = Desk(new_engine, definition).rich()
        seller_order = desk.rest(
            BOB, SELL, decimal(lots, 1, 5), decimal(price, definition.tick, definition.tick_scale), instrument=COIN
        )
        fills = []
        for part in cut(rng, lots, pieces):
            fills += of(
                wire.TradePrinted,
                desk.submit(
                    ALICE,
                    BUY,
                    decimal(part, 1, 5),
                    decimal(price, definition.tick, definition.tick_scale),
                    instrument=COIN,
                ),
            )
        exact = price * lots * unit
        assert sum(f.received for f in fills) == floor(exact)
        maker_fee = sum(f.maker_fee for f in fills)
        rate = Fraction(maker_rate, RATE_ONE)
        assert maker_fee == (ceil(exact * rate) if rate >= 0 else -floor(exact * -rate))
        assert 0 <= maker_fee - exact * rate < 1
        for fill in fills:  # each buy is an order of its own
            value = fill.price * fill.quantity * unit
            assert fill.paid == ceil(value)
            assert fill.taker_fee == ceil(value * Fraction(taker_rate, RATE_ONE))
        totals.add((maker_fee, sum(f.received for f in fills)))
        assert desk.engine.order(seller_order.sequence, seller_order.order_slot) is None
        check(desk.engine)
    assert len(totals) == 1


def decimal(count: int, step: int, scale: int) -> str:
    """Return count × step × 10^-scale as text."""
    digits = str(count * step).rjust(scale + 1, "0")
    return f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits


@pytest.mark.hazard("F5")
@pytest.mark.parametrize("seed", range(4))
def test_a_taker_that_sweeps_pays_what_one_fill_would_cost(new_engine, seed):
    """The same notional in 1, 5 and 60 makers: the taker's fee and principal are equal to the unit."""
    rng = random.Random(seed)
    rate, price = rng.randrange(1, 500_000), rng.randrange(100, 10_000)
    sums = set()
    for pieces in (1, 5, 60):
        desk = Desk(new_engine, instrument(taker_fee=rate)).rich()
        for part in cut(rng, 997, pieces):
            desk.rest(BOB, SELL, str(part), decimal(price, 1, 2))
        fills = of(wire.TradePrinted, desk.submit(ALICE, BUY, "997", decimal(price, 1, 2)))
        sums.add((sum(f.taker_fee for f in fills), sum(f.paid for f in fills)))
    assert sums == {(ceil(Fraction(price * 997 * rate, RATE_ONE)), price * 997)}


@pytest.mark.hazard("F9")
@pytest.mark.parametrize("seed", range(3))
def test_the_value_of_random_orders_is_exact(new_engine, seed):
    """The hold of a buy without fees is ceil of price × quantity × multiplier, for 2,000 random orders."""
    rng = random.Random(seed)
    for _ in range(5):
        multiplier, tick, lot = rng.randrange(1, 100), rng.randrange(1, 10), rng.randrange(1, 10)
        definition = instrument(multiplier=multiplier, tick=tick, lot=lot, tick_scale=rng.randrange(6))
        desk = Desk(new_engine, definition).rich()
        for _ in range(400):
            price, lots = rng.randrange(1, 10**6), rng.randrange(1, 1_000)
            value = Fraction(price * tick, 10**definition.tick_scale) * lots * lot * multiplier * 100
            sent = desk.order(ALICE, BUY, str(lots * lot), decimal(price, tick, definition.tick_scale))
            (event,) = desk.all(sent)
            if isinstance(event, wire.OrderAccepted):
                assert event.hold == ceil(value), f"seed {seed}"
                desk.cancel(event)
            else:
                assert value > 10**15, f"seed {seed}: {event}"


@pytest.mark.parametrize("seed", range(3))
def test_cutting_small_wins_nobody_an_asset_for_nothing(new_engine, seed):
    """A hundred fills of a lot worth a fraction of a cent cost the buyer at least their exact worth."""
    rng = random.Random(seed)
    desk = Desk(new_engine, coin()).rich()
    price = rng.randrange(110_000, 3_000_000)
    desk.rest(BOB, SELL, "0.001", decimal(price, 1, 2), instrument=COIN)
    before = desk.balance(ALICE, USD)[0]
    for _ in range(100):
        desk.submit(ALICE, BUY, "0.00001", decimal(price, 1, 2), instrument=COIN)
    paid = before - desk.balance(ALICE, USD)[0]
    exact = Fraction(price * 100, 10**5)
    assert paid >= exact
    assert desk.balance(BOB, USD)[0] - 10**15 == floor(exact)
    assert desk.balance(ALICE, BTC)[0] == 10**15 + 10**5
    assert desk.engine.totals(USD)[4] == paid - floor(exact) >= 0


def test_money_that_is_spent_twice_is_refused_the_second_time(new_engine):
    """Ten orders of a hundred against five hundred: exactly five pass."""
    desk = Desk(new_engine)
    desk.fund(ALICE, USD, 500_00)
    answers_ = [desk.submit(ALICE, BUY, "100", "1.00")[0] for _ in range(10)]
    assert sum(isinstance(answer, wire.OrderAccepted) for answer in answers_) == 5
    assert desk.balance(ALICE, USD) == (500_00, 500_00)
    assert desk.balance(ALICE, XYZ) == (0, 0)
    assert Market(random.Random(0)).next()
