"""Run with malloc_counter preloaded: COMMANDS commands, and how many allocations were made inside the steps, as JSON."""

import ctypes
import json
import sys

from quantumcore.contracts import wire
from quantumcore.core import _native
from tests.support.commands import ACME, BUY, SELL, Desk, cancel, define_instrument, replace, submit

ALICE, BOB = 1, 2
ROUNDS_PER_STEP = 1_000
NUMBER = "########"  # stands in the templates where a round has its number
FIRST = int.from_bytes(b"<<first>", "little")  # where it has the sequence of its first command


def template(price: int) -> bytes:
    """Return a round of four commands: Bob rests, Alice takes a third, Bob replaces the rest and cancels it."""
    maker, taker = f"a-resting-order-of-bob-{NUMBER}", f"a-taking-order-of-alice-{NUMBER}"
    return b"".join(
        (
            submit(BOB, maker, SELL, price, 3),
            submit(ALICE, taker, BUY, price, 1),
            replace(BOB, client_id=maker, price=2 * price),
            cancel(BOB, client_id=maker),
        )
    )


def waiting_template(price: int) -> bytes:
    """Return a round of eight commands: what waits for a price or ends by the clock comes, moves, fires and goes."""
    stop = {"instrument": 1, "side": SELL, "time_in_force": 1, "quantity": 1, "trigger": 2}
    return b"".join(
        command.encode()
        for command in (
            wire.SetMark(instrument=1, price=price),
            wire.SubmitAdvancedOrder(
                account=BOB, order_type=3, stop_price=price - 5, client_id=f"a-stop-of-bob-{NUMBER}", **stop
            ),
            wire.SubmitAdvancedOrder(
                account=BOB, order_type=6, trail=3, trail_unit=3, client_id=f"a-trailing-stop-{NUMBER}", **stop
            ),
            wire.SubmitAdvancedOrder(
                instrument=1,
                account=ALICE,
                side=BUY,
                order_type=2,
                time_in_force=8,
                price=price // 2,
                quantity=1,
                expires_ns=2**62,
                client_id=f"an-order-of-alice-{NUMBER}",
            ),
            wire.CancelAllAfter(account=ALICE, timeout_ns=300 * 10**9),
            wire.SetMark(instrument=1, price=price + 1),
            wire.SetMark(instrument=1, price=price - 5),
            wire.MassCancel(account=ALICE),
        )
    )


def linked_template(price: int) -> bytes:
    """Return a round of eight commands: pairs, parents, brackets and reduce-only orders come, trade, are trimmed and go."""
    plain = {"instrument": 1, "order_type": 2, "time_in_force": 1}

    def member(at: int, account: int, side: int, lots: int, limit: int, **changes: int) -> bytes:
        fields = {**plain, "price": limit, "client_id": f"a-member-{at}-{NUMBER}", **changes}
        return wire.SubmitAdvancedOrder(account=account, side=side, quantity=lots, **fields).encode()

    def act(link: int, account: int, *members: bytes) -> bytes:
        whole = [*members, bytes(160)][:3]
        return wire.SubmitLinkedOrders(
            instrument=1,
            account=account,
            link=link,
            count=len(members),
            first=whole[0],
            second=whole[1],
            third=whole[2],
        ).encode()

    stop = {"order_type": 3, "price": 0, "stop_price": price - 9}
    return b"".join(
        (
            act(1, BOB, member(1, BOB, SELL, 4, price), member(2, BOB, SELL, 4, price + 1)),
            act(
                3,
                ALICE,
                member(3, ALICE, BUY, 3, price),
                member(4, ALICE, SELL, 3, price + 5),
                member(5, ALICE, SELL, 3, 0, **stop),
            ),
            member(6, BOB, BUY, 2, price - 1, flags=4),
            act(2, ALICE, member(7, ALICE, BUY, 1, price), member(8, ALICE, SELL, 1, price - 1)),
            submit(BOB, f"a-taking-order-of-bob-{NUMBER}", BUY, price + 5, 2),
            wire.SetTradingRules(instrument=1, allocation=1).encode(),
            wire.MassCancel(account=ALICE).encode(),
            wire.MassCancel(account=BOB).encode(),
        )
    )


def batch_template(price: int) -> bytes:
    """Return a round of four commands: two batches that meet, one that is refused whole, and what is left goes."""
    plain = {"instrument": 1, "order_type": 2, "time_in_force": 1}

    def batch(account: int, first: int, *orders: tuple[int, int, int]) -> bytes:
        members = [
            wire.SubmitAdvancedOrder(
                account=account, side=side, quantity=lots, price=limit, client_id=f"a-member-{at}-{NUMBER}", **plain
            ).encode()
            for at, (side, lots, limit) in enumerate(orders, first)
        ]
        return wire.SubmitOrderBatch(account=account, count=len(members), orders=b"".join(members)).encode()

    return b"".join(
        (
            batch(BOB, 0, *((SELL, 1 + at, price + at) for at in range(40))),
            batch(ALICE, 40, (BUY, 9, price + 3), (BUY, 5, price - 2), (BUY, 2, price - 2)),
            batch(ALICE, 50, (BUY, 1, price), (BUY, 0, price)),
            wire.MassCancel(account=BOB).encode(),
        )
    )


def posting_template(price: int) -> bytes:
    """Return a round of six commands: a group, its reversal, one that is refused, a limit, and a frozen account for a moment."""

    def group(name: str, *legs: wire.Leg, reverses: str = "") -> bytes:
        raw = b"".join(leg.encode() for leg in legs)
        name = f"a-group-of-transfers-{name}-{NUMBER}"
        return wire.PostGroup(group_id=name, reverses=reverses, count=len(legs), legs=raw).encode()

    there = [wire.Leg(debit_account=ALICE, credit_account=BOB, currency=1, amount=price + n) for n in range(5)]
    there.append(wire.Leg(debit_account=BOB, credit_code=300, currency=1, amount=3))
    back = [wire.Leg(debit_account=BOB, credit_account=ALICE, currency=1, amount=price + n) for n in range(5)]
    back.append(wire.Leg(debit_code=300, credit_account=BOB, currency=1, amount=3))
    poor = wire.Leg(debit_account=BOB, credit_account=ALICE, currency=1, amount=2**60)
    return b"".join(
        (
            group("out", *there),
            group("back", *back, reverses=f"a-group-of-transfers-out-{NUMBER}"),
            group("never", poor),
            wire.SetCredit(account=BOB, currency=1, limit=10_000 + price).encode(),
            wire.SetAccountTerms(account=ALICE, state=2).encode(),
            wire.SetAccountTerms(account=ALICE, state=1).encode(),
        )
    )


def holding_template(price: int) -> bytes:
    """Return a round of eight commands: holds are placed, amended, captured by two legs, released, refused, and run out."""

    def place(name: str, **fields: int) -> bytes:
        return wire.PlaceHold(account=ALICE, hold_id=f"a-hold-{name}-{NUMBER}", currency=1, **fields).encode()

    name = f"a-hold-kept-{NUMBER}"
    legs = [wire.Leg(debit_account=ALICE, credit_account=BOB, currency=1, amount=price, hold=FIRST) for _ in range(2)]
    captured = b"".join(leg.encode() for leg in legs)
    return b"".join(
        (
            place("kept", amount=3 * price),
            wire.AmendHold(account=ALICE, hold_id=name, amount=4 * price).encode(),
            wire.ReleaseHold(account=ALICE, hold_id=name, amount=price).encode(),
            place("short", amount=price, expires_ns=2**62),
            wire.PostGroup(group_id=f"a-group-that-captures-{NUMBER}", count=2, legs=captured).encode(),
            place("never", amount=2**61),
            wire.ReleaseHold(account=ALICE, hold_id=name).encode(),
            wire.ReleaseHold(account=ALICE, hold_id=f"a-hold-short-{NUMBER}").encode(),
        )
    )


KINDS = {
    "plain": (template, 4),
    "waiting": (waiting_template, 8),
    "linked": (linked_template, 8),
    "batch": (batch_template, 4),
    "posting": (posting_template, 6),
    "holding": (holding_template, 8),
}


def numbered(round_of: bytes, number: int, first: int) -> bytes:
    """Return a template as the round of that number."""
    return round_of.replace(NUMBER.encode(), b"%08d" % number).replace(
        FIRST.to_bytes(8, "little"), first.to_bytes(8, "little")
    )


def main(commands: int, kind: str) -> None:
    """Step the commands, the first tenth uncounted, and print what was counted."""
    make, size = KINDS[kind]
    counter = ctypes.CDLL(None)
    counter.malloc_calls.restype = ctypes.c_ulonglong
    desk = Desk(_native.Engine(max_orders=10_000, max_accounts=10, max_balances=100, max_client_ids=commands))
    desk.currencies()
    desk.do(define_instrument(1, base=ACME, lot="1", symbol="ACME", tick="1"))
    desk.fund(ALICE, USD=10**15)
    desk.fund(BOB, ACME=10**12)
    templates = [make(price) for price in range(100, 150)]
    inside = steps = told = 0
    begun = desk.engine.sequence
    for first in range(0, commands // size, ROUNDS_PER_STEP):
        rounds = range(first, first + ROUNDS_PER_STEP)
        batch = b"".join(numbered(templates[n % 50], n, begun + n * size + 1) for n in rounds)
        before = counter.malloc_calls()
        events = desk.engine.step(batch, desk.now)
        after = counter.malloc_calls()
        told += len(events)
        if first * size * 10 >= commands:
            inside += after - before
            steps += 1
    desk.engine.check()
    done = {"commands": desk.engine.sequence, "event_bytes": told, "steps": steps}
    print(json.dumps(done | {"inside": inside, "all": counter.malloc_calls()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
