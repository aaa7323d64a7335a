"""Positions, links, shares and busts under any stream: what a trader relies on, seen from the events alone.

Goal: a reduce-only order never opens or flips a position, fill-or-kill is all or nothing, a pair trades once, positions are the
sums of fills, holds are the sums of orders; and the native engine is its twin there too, snapshots in the middle included.
Method: a dense seeded market; what each law says is worked out from the events, never from the engine's own state.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from quantumcore.contracts import wire
from tests.support.engines import both_engines, check, step
from tests.support.fuzz_engine import run_restored, seeded, started
from tests.support.streams import ACCOUNTS, Timed
from tests.support.streams_linked import LinkedMarket

REDUCE_ONLY, FOK, SELL = 4, 4, 2
FILL_OR_KILL, SELF_TRADE, LINKED = 5, 6, 8
COMMANDS = 2_500


def dense(seed: int, commands: int = COMMANDS) -> Iterator[tuple[LinkedMarket, Timed]]:
    """Yield the commands of the dense market of `seed`; who plays them lets the market hear the answers."""
    for market, command in seeded(commands, seed, LinkedMarket(random.Random(seed))):
        assert isinstance(market, LinkedMarket)
        yield market, command


def told(engine, seed: int, commands: int = COMMANDS) -> Iterator[list[wire.Event]]:
    """Yield the events of each command of the dense market of `seed`."""
    for market, command in dense(seed, commands):
        raw = step(engine, command.raw, command.time_ns)
        market.hear(raw)
        yield wire.decode_events(raw)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_native_and_twin_are_equal_and_a_restored_engine_goes_on(seed):
    run_restored(COMMANDS, seed, market=LinkedMarket, every=60)


@both_engines
def test_a_reduce_only_order_never_opens_or_flips_a_position(new_engine):
    """Each of its fills brings the position nearer to zero, and none past it."""
    reducing: set[tuple[int, int]] = set()
    positions: dict[tuple[int, int], int] = defaultdict(int)
    seen = 0
    for events in told(started(new_engine()), 11):
        for event in events:
            match event:
                case wire.OrderAccepted() if event.flags2 & REDUCE_ONLY:
                    reducing.add((event.sequence, event.order_slot))
                case wire.TradePrinted():
                    for account, name, lots in sides_of(event):
                        before = positions[account, event.instrument]
                        if name in reducing:
                            seen += 1
                            assert before * lots < 0, f"{name} trades {lots} with a position of {before}"
                            # In a trade with itself an account's position does not move at all.
                            assert abs(before) >= abs(lots), f"{name} trades {lots} with a position of {before}"
                    for account, _, lots in sides_of(event):
                        positions[account, event.instrument] += lots
                case wire.TradeBusted() if event.action == 1:
                    positions[event.buyer, event.instrument] -= event.quantity
                    positions[event.seller, event.instrument] += event.quantity
    assert seen > 100, f"{seen} fills of reduce-only orders prove nothing"


@both_engines
def test_positions_are_the_sums_of_fills_and_holds_the_sums_of_orders(new_engine):
    engine = started(new_engine())
    positions: dict[int, Counter[int]] = defaultdict(Counter)
    for events in told(engine, 12):
        for event in events:
            match event:
                case wire.TradePrinted():
                    for account, _, lots in sides_of(event):
                        positions[account][event.instrument] += lots
                case wire.TradeBusted() if event.action == 1:
                    positions[event.buyer][event.instrument] -= event.quantity
                    positions[event.seller][event.instrument] += event.quantity
    for account in ACCOUNTS:
        rows = [(number, lots) for number, lots in sorted(positions[account].items()) if lots]
        assert engine.positions(account) == rows
    assert sum(map(len, positions.values())) > 5
    check(engine)


@both_engines
def test_what_events_say_of_holds_is_what_balances_say(new_engine):
    """Who adds up the holds that each event tells of its order has the held part of every balance, pairs included."""
    engine = started(new_engine())
    holds: dict[tuple[int, int], tuple[int, int, int]] = {}  # by order: account, currency, minor units
    seen = 0
    for done, events in enumerate(told(engine, 13)):
        for event in events:
            seen += isinstance(event, wire.OrdersLinked)
            hear_holds(event, holds)
        if done % 50 == 0:
            held: Counter[tuple[int, int]] = Counter()
            for account, currency, amount in holds.values():
                held[account, currency] += amount
            for account in ACCOUNTS:
                for currency, _, amount in engine.balances(account):
                    assert amount == held[account, currency], f"after {done}: account {account}, currency {currency}"
    assert seen > 100


@both_engines
def test_fill_or_kill_is_all_or_nothing_whatever_its_fills_take_away(new_engine):
    wanted: dict[tuple[int, int], int] = {}
    fates: Counter[str] = Counter()
    for events in told(started(new_engine()), 14, 3 * COMMANDS):  # few are filled
        got: Counter[tuple[int, int]] = Counter()
        for event in events:
            match event:
                case wire.OrderAccepted() if event.time_in_force == FOK:
                    wanted[event.sequence, event.order_slot] = event.quantity
                case wire.TradePrinted():
                    got[event.taker_order_sequence, event.taker_slot] += event.quantity
                case wire.OrderCancelled() if (event.order_sequence, event.order_slot) in wanted:
                    name = event.order_sequence, event.order_slot
                    fates["killed"] += 1
                    # Self-trade prevention may end it between two fills: the one way to a part.
                    assert event.reason == SELF_TRADE or not got[name], f"{name} has traded {got[name]} and is killed"
                    del wanted[name]
        for name, lots in got.items():
            if name in wanted:
                fates["filled"] += 1
                assert lots == wanted.pop(name)
    assert min(fates["killed"], fates["filled"]) > 20, fates


@both_engines
def test_of_a_pair_only_one_ever_trades(new_engine):
    pairs: dict[tuple[int, int], tuple[int, int]] = {}
    traded: set[tuple[int, int]] = set()
    for events in told(started(new_engine()), 15):
        for event in events:
            match event:
                case wire.OrdersLinked(link=1):
                    one, other = (event.sequence, event.first), (event.sequence, event.second)
                    pairs |= {one: other, other: one}
                case wire.TradePrinted():
                    for _, name, _ in sides_of(event):
                        if name in pairs:
                            traded.add(name)
                            assert pairs[name] not in traded, f"both {name} and {pairs[name]} have traded"
    assert len(traded) > 50


def sides_of(trade: wire.TradePrinted) -> list[tuple[int, tuple[int, int], int]]:
    """Return (account, order, signed lots) of maker and taker."""
    sign = -1 if trade.taker_side == SELL else 1
    return [
        (trade.maker_account, (trade.maker_order_sequence, trade.maker_slot), -sign * trade.quantity),
        (trade.account, (trade.taker_order_sequence, trade.taker_slot), sign * trade.quantity),
    ]


def hear_holds(event: wire.Event, holds: dict[tuple[int, int], tuple[int, int, int]]) -> None:
    """Keep what `event` says that its orders hold."""
    match event:
        case wire.OrderAccepted():
            holds[event.sequence, event.order_slot] = (event.account, event.hold_currency, event.hold)
        case wire.OrderReplaced() | wire.StopMoved():
            holds[event.order_sequence, event.order_slot] = (event.account, event.hold_currency, event.hold)
        case wire.OrderCancelled():
            _, _, amount = holds.pop((event.order_sequence, event.order_slot))
            assert amount == event.released
        case wire.TradePrinted():
            buy, sell = event.quote, event.base
            maker, taker = (sell, buy) if event.taker_side != SELL else (buy, sell)
            holds[event.maker_order_sequence, event.maker_slot] = (event.maker_account, maker, event.maker_hold)
            holds[event.taker_order_sequence, event.taker_slot] = (event.account, taker, event.taker_hold)
