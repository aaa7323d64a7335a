"""Holds by clients at their edges: limits, snapshots, restarts, and the law that their parts add up.

Goal: a refused command leaves no byte behind but, where the rules say so, its id; what is restored or copied goes on as the original
would have; a hold never loses or makes a unit, whatever is done to it.
Method: both engines by hand and by random walks beside a naive book of holds, the native one by the bytes of its snapshots too.
"""

import random
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import I64_MAX
from tests.support.desk import ALICE, BOB, BUY, CAROL, USD, Desk
from tests.support.engines import NativeEngine, both_engines, check
from tests.unit.test_postings import SCALARS_END, group, leg, refused, rich

SECOND = 10**9


def place(name: str, amount: int, account: int = ALICE, **fields: int) -> wire.PlaceHold:
    return wire.PlaceHold(account=account, hold_id=name, amount=amount, currency=USD, **fields)


def release(name: str, amount: int = 0, account: int = ALICE) -> wire.ReleaseHold:
    return wire.ReleaseHold(account=account, hold_id=name, amount=amount)


def amend(name: str, amount: int, account: int = ALICE) -> wire.AmendHold:
    return wire.AmendHold(account=account, hold_id=name, amount=amount)


def placed(desk: Desk, command: wire.PlaceHold) -> int:
    """Place a hold; return the name by which legs know it."""
    (event,) = desk.all(command)
    assert isinstance(event, wire.HoldChanged), event
    return event.hold_sequence


REFUSALS = {
    "no amount": (place("x", 0), Reason.BAD_AMOUNT),
    "unknown currency": (wire.PlaceHold(account=ALICE, hold_id="x", amount=1, currency=99), Reason.UNKNOWN_CURRENCY),
    "over already": (place("x", 1, expires_ns=1), Reason.BAD_EXPIRY),
    "no hold": (amend("x", 5), Reason.HOLD_NOT_FOUND),
    "more than is open": (release("first", 6), Reason.HOLD_EXCEEDED),
    "less than was taken": (amend("taken", 1), Reason.HOLD_EXCEEDED),
    "nothing open": (release("closed"), Reason.HOLD_CLOSED),
    "more than there is": (amend("first", I64_MAX), Reason.INSUFFICIENT),
    "a leg of no hold": (group("x", leg(ALICE, BOB, 1, hold=1)), Reason.HOLD_NOT_FOUND),
}


@pytest.mark.parametrize("why", REFUSALS)
def test_a_refusal_of_shape_leaves_the_snapshot_as_it_was(why: str) -> None:
    """Every byte but sequence, time and hash, and the id is free."""
    desk = rich(NativeEngine)
    desk.all(place("first", 5))
    taken = placed(desk, place("taken", 5))
    desk.all(group("g", leg(ALICE, BOB, 2, hold=taken)))
    desk.all(place("closed", 5))
    desk.all(release("closed"))
    before = desk.engine.snapshot()[SCALARS_END:]
    command, reason = REFUSALS[why]
    assert refused(desk, command)[0] is reason
    assert desk.engine.snapshot()[SCALARS_END:] == before


@both_engines
def test_what_fails_after_a_capture_moves_nothing(new_engine: Any) -> None:
    """99 legs that capture before one that cannot: no balance, no hold, no held part has changed."""
    desk = rich(new_engine)
    hold = placed(desk, place("h", 100))
    before = [(desk.engine.balances(who), desk.engine.holds()) for who in (ALICE, BOB, CAROL)]
    legs = [leg(ALICE, CAROL, 1, hold=hold) for _ in range(99)]
    assert refused(desk, group("x", *legs, leg(ALICE, BOB, 2, hold=hold))) == (Reason.HOLD_EXCEEDED, 99)
    assert [(desk.engine.balances(who), desk.engine.holds()) for who in (ALICE, BOB, CAROL)] == before
    *told, last = desk.all(group("y", *legs, leg(ALICE, BOB, 1, hold=hold)))
    assert (len(told), last.count) == (200, 100)
    assert desk.engine.holds() == []
    check(desk.engine)


@both_engines
def test_the_ids_of_holds_have_a_limit(new_engine: Any) -> None:
    """Those that failed count too; at the limit nothing more is remembered and what is known goes on."""
    desk = rich(new_engine, max_holds=3)
    first = placed(desk, place("a", 10))
    assert refused(desk, place("b", I64_MAX))[0] is Reason.INSUFFICIENT
    desk.all(place("c", 10))
    assert refused(desk, place("d", 1))[0] is Reason.CAPACITY
    assert refused(desk, place("e", I64_MAX))[0] is Reason.INSUFFICIENT
    assert refused(desk, place("e", 1))[0] is Reason.CAPACITY  # there was no room to remember that it failed
    assert refused(desk, place("b", 1))[0] is Reason.ID_ALREADY_FAILED
    assert isinstance(desk.all(place("a", 10))[0], wire.CommandDone)
    assert isinstance(desk.all(group("g", leg(ALICE, BOB, 10, hold=first)))[-1], wire.GroupPosted)
    check(desk.engine)


@both_engines
def test_all_that_63_bits_hold_can_be_held_and_captured(new_engine: Any) -> None:
    desk = Desk(new_engine)
    desk.all(group("x", leg(0, ALICE, I64_MAX, debit_code=900)))
    hold = placed(desk, place("h", I64_MAX))
    assert refused(desk, place("i", 1))[0] is Reason.INSUFFICIENT
    desk.all(amend("h", 1))
    desk.all(amend("h", I64_MAX))
    assert desk.engine.balances(ALICE) == [(USD, I64_MAX, I64_MAX)]
    desk.all(group("y", leg(ALICE, BOB, I64_MAX - 1, hold=hold)))
    assert desk.engine.holds() == [(hold, ALICE, USD, I64_MAX, I64_MAX - 1, 0, 0)]
    desk.all(group("z", leg(ALICE, BOB, 1, hold=hold)))
    assert desk.engine.balances(BOB) == [(USD, I64_MAX, 0)]
    check(desk.engine)


def test_a_restored_engine_knows_every_hold_and_when_it_ends() -> None:
    """Open, captured, amended, closed and failed ones, by both names, and the clock."""
    desk = rich(NativeEngine)
    ends = desk.time_ns + 60 * SECOND
    kept = placed(desk, place("kept", 100, expires_ns=ends + 1))
    over = placed(desk, place("over", 70, account=BOB, expires_ns=ends))
    desk.all(place("closed", 5, expires_ns=ends))
    desk.all(release("closed"))
    desk.all(amend("kept", 90))
    desk.all(group("g", leg(ALICE, BOB, 40, hold=kept)))
    assert refused(desk, place("failed", I64_MAX))[0] is Reason.INSUFFICIENT
    snapshot = desk.engine.snapshot()
    copy = desk.engine.copy()
    copy.prepare()
    desk.engine.take(copy)
    assert copy.write() == snapshot
    restored = NativeEngine.restore(snapshot)
    check(restored)
    assert restored.snapshot() == snapshot
    assert restored.holds() == [(kept, ALICE, USD, 90, 40, 0, ends + 1), (over, BOB, USD, 70, 0, 0, ends)]
    assert restored.holds(1, 1) == restored.holds(1, 3) == restored.holds()[1:]
    assert (restored.hold_count(), restored.holds(2), restored.holds(4)) == (4, [], [])
    assert restored.next_deadline() == ends
    desk.engine = restored
    assert desk.all(place("kept", 100, expires_ns=ends + 1))[0].order_sequence == kept
    assert refused(desk, place("failed", 1))[0] is Reason.ID_ALREADY_FAILED
    assert refused(desk, group("g2", leg(ALICE, BOB, 51, hold=kept))) == (Reason.HOLD_EXCEEDED, 0)
    desk.time_ns = ends
    expired, _ = desk.all(wire.AdvanceTime())
    assert (expired.hold_sequence, expired.cause, expired.amount) == (over, 5, 70)
    assert restored.next_deadline() == ends + 1


@pytest.mark.parametrize("at", [24, 32, 40, 48, 56, 58])
def test_a_snapshot_whose_holds_contradict_it_is_found_out(at: int) -> None:
    """A part, an owner, a currency or a mark of a hold is damaged and the checksum made right again: no such engine goes on."""
    desk = rich(NativeEngine)
    desk.all(place("only-one", 100, expires_ns=desk.time_ns + SECOND))
    snapshot = bytearray(desk.engine.snapshot())
    row = snapshot.index(b"only-one") - 60
    snapshot[row + at] ^= 0x80
    with pytest.raises(RuntimeError):
        NativeEngine.restore(_sealed(snapshot)).check()


def _sealed(snapshot: bytearray) -> bytes:
    """Return `snapshot` with the checksum of its bytes: engine.md section 8's mum in four lanes."""
    keys = (0x9E3779B97F4A7C15, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3)
    body, most = bytes(snapshot[32:]), 2**64 - 1

    def mum(a: int, b: int) -> int:
        product = a * b
        return (product & most) ^ (product >> 64)

    lanes, at = list(keys), 0
    while at + 32 <= len(body):
        for k in range(4):
            word = int.from_bytes(body[at + 8 * k : at + 8 * k + 8], "little")
            lanes[k] = mum(lanes[k] ^ word, keys[1] + 2 * k)
        at += 32
    total = len(body)
    for byte in body[at:]:
        total = mum(total ^ byte ^ keys[2], keys[3])
    for lane in lanes:
        total = mum(total ^ lane, keys[1])
    snapshot[24:32] = total.to_bytes(8, "little")
    return bytes(snapshot)


@both_engines
def test_a_thousand_holds_end_in_one_tick_in_their_order(new_engine: Any, rng: random.Random) -> None:
    """By their instants, those of one instant as they were placed, each once, and nothing is held afterwards."""
    desk = rich(new_engine)
    names = []
    for number in range(1_000):
        ends = desk.time_ns + rng.randrange(1, 50) * SECOND
        names.append((ends, placed(desk, place(f"h{number}", 1 + number, expires_ns=ends))))
    for number in rng.sample(range(1_000), 300):
        desk.all(release(f"h{number}"))
        names[number] = (0, 0)
    expected = sorted(name for name in names if name[1])
    assert desk.engine.next_deadline() == expected[0][0]
    desk.time_ns += 60 * SECOND
    *told, done = desk.all(wire.AdvanceTime())
    assert [(event.expires_ns, event.hold_sequence) for event in told] == expected
    assert isinstance(done, wire.CommandDone)
    assert (desk.balance(ALICE, USD)[1], desk.engine.next_deadline()) == (0, 0)
    check(desk.engine)


class NaiveHold:
    """A hold as four numbers."""

    def __init__(self, amount: int) -> None:
        self.placed, self.captured, self.released = amount, 0, 0

    @property
    def open(self) -> int:
        return self.placed - self.captured - self.released


@pytest.mark.hazard("F2")
@both_engines
def test_the_parts_of_every_hold_add_up_beside_orders(new_engine: Any, rng: random.Random) -> None:
    """captured + released + open = placed, held = what orders hold and what is open, after each of 1,500 random acts."""
    desk = Desk(new_engine)
    desk.all(wire.Transfer(account=ALICE, transfer_id="in", transfer_kind=1, amount=50_000, currency=USD))
    naive: dict[str, NaiveHold] = {}
    names: dict[str, int] = {}
    seen = {wire.HoldChanged: 0, wire.CommandRefused: 0}
    for number in range(1_500):
        name = rng.choice([*naive, "none"])
        amount = rng.randrange(0, 3_000)
        kind = rng.choice(("place", "place", "amend", "release", "capture", "capture", "order", "cancel"))
        match kind:
            case "place":
                name = f"h{number}"
                command: wire.Command = place(name, amount)
            case "amend":
                command = amend(name, amount)
            case "release":
                command = release(name, amount // 4)
            case "capture":
                command = group(f"g{number}", leg(ALICE, BOB, amount // 4, hold=names.get(name, 0) or 1))
            case "order":
                command = desk.order(ALICE, BUY, str(rng.randrange(1, 9)), "1")
            case _:
                command = wire.MassCancel(account=ALICE)
        for event in desk.all(command):
            seen[type(event)] = seen.get(type(event), 0) + 1
            if isinstance(event, wire.HoldChanged):
                names[name] = event.hold_sequence
                _follow(naive, name, kind, event)
        (_, total, held), *_ = desk.engine.balances(ALICE)
        orders = sum(desk.engine.order(row[0], row[1])[6] for row in desk.engine.orders(1, BUY))
        assert held == orders + sum(hold.open for hold in naive.values())
        assert total == 50_000 - sum(hold.captured for hold in naive.values())
        assert held <= total
    assert min(seen[wire.HoldChanged], seen[wire.CommandRefused]) > 100
    check(desk.engine)


def _follow(naive: dict[str, NaiveHold], name: str, kind: str, event: wire.HoldChanged) -> None:
    if kind == "place":
        naive[name] = NaiveHold(event.amount)
    hold = naive[name]
    if kind == "amend":
        hold.placed += event.amount
    elif kind == "release":
        hold.released += event.amount
    elif kind == "capture":
        hold.captured += event.amount
    assert (event.placed, event.captured, event.released) == (hold.placed, hold.captured, hold.released)
    assert event.open == hold.open >= 0


@both_engines
def test_without_accounting_there_is_nothing_to_hold(new_engine: Any) -> None:
    engine = new_engine(accounting=False)
    for command in (place("h", 1), amend("h", 1), release("h")):
        (event,) = wire.decode_events(engine.step(command.encode(), 1))
        assert (event.reason, event.client_id) == (Reason.BAD_COMMAND, "")


@both_engines
def test_reserved_bytes_must_be_zero(new_engine: Any) -> None:
    desk = rich(new_engine)
    for command, at in ((place("h", 1), 34), (amend("h", 1), 60), (release("h"), 63), (place("h", 1), 3)):
        raw = bytearray(command.encode())
        raw[at] = 1
        (event,) = wire.decode_events(desk.engine.step(bytes(raw), desk.time_ns))
        assert (event.reason, event.order_slot) == (Reason.BAD_COMMAND, 0)
