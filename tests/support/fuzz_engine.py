"""Both engines side by side over a long seeded stream: `python -m tests.support.fuzz_engine --commands N --seed S`."""

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reasons import Reason
from tests.support.engines import NativeEngine, TwinEngine, check, step
from tests.support.streams import CURRENCIES, INSTRUMENTS, START_NS, AuctionMarket, Market, Timed, setup
from tests.support.streams_actions import ActionMarket
from tests.support.streams_busted import BustedMarket
from tests.support.streams_guarded import GuardedMarket
from tests.support.streams_limits import LimitMarket
from tests.support.streams_margin import MarginMarket

CHECK_EVERY = 500


def state_of(engine: Any) -> dict[str, Any]:
    """Return everything that can be asked of an engine."""
    books = {(number, side): engine.orders(number, side) for number in (*INSTRUMENTS, 20, 21, 22) for side in (1, 2)}
    return {
        "sequence": engine.sequence,
        "time_ns": engine.time_ns,
        "hash": engine.state_hash(),
        "orders": books,
        "depth": {key: engine.depth(*key, 5) for key in books},
        "order": [engine.order(row[0], row[1]) for book in books.values() for row in book],
        "accounts": engine.accounts(),
        "balances": {account: engine.balances(account) for account in engine.accounts()},
        "positions": {account: engine.positions(account) for account in engine.accounts()},
        "totals": {number: engine.totals(number) for number, _, _ in CURRENCIES},
        "house": {number: engine.house(number) for number, _, _ in CURRENCIES},
        "collateral": {account: engine.collateral(account) for account in engine.accounts()},
        "credits": {account: engine.credits(account) for account in engine.accounts()},
        "holds": (engine.hold_count(), engine.holds(), engine.holds(7, 20)),
        "deadline": engine.next_deadline(),
        "states": {account: engine.account_state(account) for account in engine.accounts()},
        "open_orders": engine.open_orders(),
        "working": {(a, i): engine.working(a, i) for a in engine.accounts() for i in INSTRUMENTS},
        "margin": {
            (a, number): tuple(engine.margin(a, number)) for a in engine.accounts() for number, _, _ in CURRENCIES
        },
        "drawn": {(firm, number): engine.drawn(firm, number) for firm in (0, 1, 2) for number, _, _ in CURRENCIES},
    }


def started(engine: Any) -> Any:
    """Return `engine` after the market's setup."""
    step(engine, b"".join(setup()), START_NS)
    return engine


def seeded(commands: int, seed: int, market: Market | None = None) -> Iterator[tuple[Market, Timed]]:
    """Yield `commands` commands of the market of `seed`."""
    market = market or Market(random.Random(seed))
    for _ in range(commands):
        yield market, market.next()


def run_equality(
    commands: int,
    seed: int,
    *,
    market: type[Market] = Market,
    progress: bool = False,
    accounting: bool = True,
    **bounds: int,
) -> Counter[str]:
    """Run both engines within `bounds` over the `market` of `seed`; return what was told, by kind and reason.

    Raises:
        AssertionError: They differ, or one breaks an invariant; the message has the seed and the command.
    """
    twin, native = (
        started(TwinEngine(accounting=accounting, **bounds)),
        started(NativeEngine(accounting=accounting, **bounds)),
    )
    told: Counter[str] = Counter()
    began = time.monotonic()
    for done, (live, command) in enumerate(seeded(commands, seed, market(random.Random(seed))), start=1):
        expected = step(twin, command.raw, command.time_ns)
        got = step(native, command.raw, command.time_ns)
        if got != expected:
            raise AssertionError(difference(seed, done, command, expected, got))
        live.hear(expected)
        _count(told, expected)
        if done % CHECK_EVERY == 0 or done == commands:
            check(twin)
            check(native)
            ours, theirs = state_of(twin), state_of(native)
            for name in live.heard():  # waiting and dark orders too
                ours[f"order {name}"] = (twin.order(*name), twin.queue(*name))
                theirs[f"order {name}"] = (native.order(*name), native.queue(*name))
            for name, value in ours.items():
                assert theirs[name] == value, f"seed {seed}, after {done}: {name}: twin {value}, native {theirs[name]}"
        if progress and done % 50_000 == 0:
            print(f"seed {seed}: {done:,} equal, {done / (time.monotonic() - began):,.0f}/s", flush=True)
    return told


def run_restored(
    commands: int, seed: int, *, market: type[Market] = Market, every: int = 100, accounting: bool = True
) -> Counter[str]:
    """Run both engines over the `market` of `seed`, the native one restored from its snapshot about once in `every` commands.

    Returns what was told, as run_equality does.

    Raises:
        AssertionError: A restored engine is another one, a copy tells another snapshot, or it answers otherwise than the twin, which never stopped.
    """
    twin, native = started(TwinEngine(accounting=accounting)), started(NativeEngine(accounting=accounting))
    rng, told, copy = random.Random(seed), Counter[str](), native.copy()
    for done, (live, command) in enumerate(seeded(commands, seed, market(random.Random(seed)))):
        if rng.randrange(every) == 0:
            check(twin)
            check(native)
            stands = state_of(twin)
            assert state_of(native) == stands
            snapshot = native.snapshot()
            native.take(copy)
            assert copy.write() == snapshot
            native = NativeEngine.restore(snapshot)
            assert native.snapshot() == snapshot
            check(native)
            assert state_of(native) == stands
        expected, got = step(twin, command.raw, command.time_ns), step(native, command.raw, command.time_ns)
        assert got == expected, difference(seed, done, command, expected, got)
        live.hear(expected)
        _count(told, expected)
    check(native)
    assert state_of(native) == state_of(twin)
    return told


def assert_cuts_change_nothing(new_engine: Callable[[], Any], stream: list[Timed], rng: random.Random) -> None:
    """Step `stream` in batches of random size, beside an engine that gets the same commands one by one."""
    singly, batched, at = started(new_engine()), started(new_engine()), 0
    while at < len(stream):
        batch = stream[at : at + rng.randrange(1, 40)]
        time_ns = batch[0].time_ns
        one_by_one = b"".join(step(singly, command.raw, time_ns) for command in batch)
        assert step(batched, b"".join(command.raw for command in batch), time_ns) == one_by_one
        at += len(batch)
    assert state_of(singly) == state_of(batched)


def difference(seed: int, done: int, command: Timed, expected: bytes, got: bytes) -> str:
    """Return the two answers to one command in words."""
    try:
        spelled: object = wire.decode_command(command.raw)
    except InvalidCommand:
        spelled = command.raw.hex()
    lines = [f"seed {seed}, command {done}: {spelled}", "twin:"]
    lines += [f"  {event}" for event in wire.iter_events(expected)]
    lines.append("native:")
    lines += [f"  {event}" for event in wire.iter_events(got)]
    return "\n".join(lines)


def _count(told: Counter[str], events: bytes) -> None:
    offset = 0
    while offset < len(events):
        size, kind = int.from_bytes(events[offset : offset + 2], "little"), events[offset + 2]
        name = wire.EVENTS[kind].__name__
        if kind == wire.CommandRefused.KIND:
            name += "." + Reason(int.from_bytes(events[offset + 42 : offset + 44], "little")).name
        elif kind == wire.OrderRejected.KIND:
            name += "." + Reason(int.from_bytes(events[offset + 96 : offset + 98], "little")).name
        elif kind == wire.OrderCancelled.KIND:
            name += f".{int.from_bytes(events[offset + 68 : offset + 70], 'little')}"
        elif kind == wire.OrderReplaced.KIND:
            name += f".{events[offset + 84]}.{events[offset + 85]}"
        elif kind == wire.CommandDone.KIND:
            name += f".{events[offset + 40]}.{events[offset + 41]}"
        elif kind == wire.InstrumentStatusChanged.KIND:
            name += f".{events[offset + 41]}"
        elif kind == wire.ActionApplied.KIND:
            name += f".{events[offset + 80]}" + ".one" * any(events[offset + 32 : offset + 40])
        told[name] += 1
        offset += size


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--no-accounting", dest="accounting", action="store_false")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--auctions", dest="market", action="store_const", const=AuctionMarket, help="lives in calls")
    kind.add_argument("--busts", dest="market", action="store_const", const=BustedMarket, help="takes trades back")
    kind.add_argument("--actions", dest="market", action="store_const", const=ActionMarket, help="splits and merges")
    kind.add_argument("--limits", dest="market", action="store_const", const=LimitMarket, help="may do little")
    kind.add_argument("--guards", dest="market", action="store_const", const=GuardedMarket, help="stops and throttles")
    kind.add_argument("--margin", dest="market", action="store_const", const=MarginMarket, help="trades on margin")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    told = run_equality(
        arguments.commands,
        arguments.seed,
        market=arguments.market or Market,
        progress=True,
        accounting=arguments.accounting,
    )
    for name, count in sorted(told.items()):
        print(f"{count:>9,}  {name}")
    print(f"seed {arguments.seed}: {arguments.commands:,} commands equal")


if __name__ == "__main__":
    main()
