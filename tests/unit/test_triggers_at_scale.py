"""Thousands of orders that wait for a price.

Goal: a cascade is a loop, however long; a heap of many stops gives what a look at each of them gives; a copy of the state
knows who waits.
Method: one ladder of asks that stops climb by themselves, on a thread whose stack is 256 KiB; random crowds of every kind of
trigger on both engines; snapshots in between.
"""

import random
import subprocess
import sys
import threading

import pytest

from quantumcore.contracts import wire
from tests.support.case_market import CaseMarket
from tests.support.engines import NativeEngine, TwinEngine, check, step
from tests.support.fuzz_engine import difference, seeded, started
from tests.support.streams import Timed

CASCADE = 10_000
STACK_BYTES = 256 * 1024
STOP, STOP_LIMIT, TRAILING, TRAILING_LIMIT, TOUCHED, LIMIT_TOUCHED = 3, 4, 6, 7, 8, 9
MARK = 2


def climb(engine, stops: int) -> list[wire.Event]:
    """One lot for sale at each price, a stop at each price that buys the next; return what the first trade sets off."""
    market = CaseMarket(engine)
    market.play(["funds alice 1000000000 USD"])
    market.play(["limits default 1000000"])
    for price in range(1, stops + 2):
        market.play([f"sell bob b{price} 1 @ {price}"])
    for price in range(stops, 0, -1):  # the youngest fires first: nothing is in order by chance
        market.play([f"buy alice a{price} 1 @ {price + 1} stop {price}"])
    command = wire.SubmitOrder(
        instrument=1, account=3, side=1, order_type=2, time_in_force=1, price=1, quantity=1, client_id="c"
    )
    return wire.decode_events(step(engine, command.encode(), market.now_ns))


def is_a_whole_climb(events: list[wire.Event], stops: int) -> bool:
    """Whether each stop fired the next, one trade each."""
    fired = [event.price for event in events if isinstance(event, wire.OrderTriggered)]
    traded = [event.price for event in events if isinstance(event, wire.TradePrinted)]
    return fired == list(range(1, stops + 1)) and traded == list(range(1, stops + 2))


def climb_on_a_small_stack() -> None:
    """Run as a process of its own: an overflow ends it."""
    whole = []
    engine = NativeEngine(max_accounts=64, max_balances=256)
    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=lambda: whole.append(is_a_whole_climb(climb(engine, CASCADE), CASCADE)))
    thread.start()
    thread.join()
    engine.check()
    sys.exit(0 if whole == [True] else 3)


@pytest.mark.hazard("D7")
def test_a_cascade_of_ten_thousand_stops_runs_on_a_small_stack():
    code = "from tests.unit.test_triggers_at_scale import climb_on_a_small_stack as run; run()"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-2000:]}"


@pytest.mark.hazard("D7")
def test_the_twin_does_not_recurse_either():
    """Longer than Python's own limit of 1,000 calls."""
    assert is_a_whole_climb(climb(TwinEngine(), 1_200), 1_200)


def crowd(rng: random.Random, orders: int) -> list[wire.Command]:
    """Orders of every kind that wait for the mark about 1,000, cancels, moves, and marks that wander."""
    commands: list[wire.Command] = [wire.SetMark(instrument=1, price=1_000)]
    names: list[str] = []
    mark = 1_000
    while len(names) < orders or rng.randrange(40):
        choice = rng.randrange(10)
        if choice < 6 and len(names) < orders:
            names.append(f"w-{len(names)}")
            kind = rng.choice([STOP, STOP_LIMIT, TRAILING, TRAILING_LIMIT, TOUCHED, LIMIT_TOUCHED])
            trails = kind in (TRAILING, TRAILING_LIMIT)
            commands.append(
                wire.SubmitAdvancedOrder(
                    instrument=1,
                    account=rng.randrange(1, 6),
                    side=rng.randrange(1, 3),
                    order_type=kind,
                    time_in_force=1,
                    price=1_000 + rng.randrange(-60, 60) if kind in (STOP_LIMIT, LIMIT_TOUCHED) else 0,
                    quantity=rng.randrange(1, 9),
                    client_id=names[-1],
                    trigger=MARK,
                    stop_price=0 if trails else mark + rng.randrange(-80, 80),
                    trail=rng.randrange(1, 60) if trails else 0,
                    trail_unit=3 if trails else 0,
                    offset=rng.randrange(9) if kind == TRAILING_LIMIT else 0,
                )
            )
        elif choice == 6 and names:
            commands.append(wire.CancelOrder(account=rng.randrange(1, 6), client_id=rng.choice(names)))
        elif choice == 7 and names:
            moved = mark + rng.randrange(-80, 80)
            commands.append(
                wire.ReplaceAdvancedOrder(
                    account=rng.randrange(1, 6), client_id=rng.choice(names), fields=4, stop_price=moved
                )
            )
        elif choice == 8:
            mark += rng.randrange(-6, 7)
            commands.append(wire.SetMark(instrument=1, price=mark))
    return commands


def test_a_crowd_of_triggers_fires_as_looking_at_each_of_them_does(rng):
    """The native heaps against the twin, which looks at every order that waits."""
    twin, native = TwinEngine(), NativeEngine(max_accounts=64, max_balances=256)
    markets = [CaseMarket(twin), CaseMarket(native)]
    for market in markets:
        market.play(["limits default 1000000"])
    fired = moved = 0
    for done, command in enumerate(crowd(rng, 500)):
        raw, now = command.encode(), markets[0].now_ns
        expected, got = step(twin, raw, now), step(native, raw, now)
        assert expected == got, difference(0, done, Timed(raw, now), expected, got)
        events = wire.decode_events(expected)
        fired += sum(isinstance(event, wire.OrderTriggered) for event in events)
        moved += sum(isinstance(event, wire.StopMoved) for event in events)
        if done % 50 == 0:
            check(native)
    check(twin)
    check(native)
    assert fired > 100
    assert moved > 100
    assert native.state_hash() == twin.state_hash()


@pytest.mark.parametrize("seed", [41, 42])
def test_a_copy_of_the_state_knows_who_waits_and_what_will_end(seed):
    """What is written from a copy is the snapshot, and an engine restored from it goes on as the one that never stopped."""
    native = started(NativeEngine())
    again, waiting = None, 0
    for done, (market, command) in enumerate(seeded(1_500, seed)):
        if done % 150 == 149:
            copy = native.copy()
            native.take(copy)
            assert copy.write() == native.snapshot()
            again = NativeEngine.restore(copy.write())
            again.check()
            waiting += native.open_orders() - sum(
                len(native.orders(number, side)) for number in range(1, 8) for side in (1, 2)
            )
        events = step(native, command.raw, command.time_ns)
        if again is not None:
            assert step(again, command.raw, command.time_ns) == events, f"seed {seed}, command {done}"
        market.hear(events)
    assert waiting > 10
