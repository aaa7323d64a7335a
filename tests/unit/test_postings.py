"""Groups of transfers, credit and account states: what no line of a case can show.

Goal: a refused group leaves nothing behind but, where the rules say so, its id; ids are compared in full; snapshots, copies and
replays know groups; a hundred legs are as good as one.
Method: both engines by hand, the native one by the bytes of its snapshots too.
"""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.values import I64_MAX, NO_SLOT
from tests.support.desk import ALICE, BOB, BUY, CAROL, USD, Desk
from tests.support.engines import NativeEngine, both_engines, check

SCALARS_END = (
    32 + 10 * 4 + 3 * 8 + 20 * 4
)  # header and scalars of a snapshot: sequence, time and hash move with every command


def leg(debit: int, credit: int, amount: int, **codes: int) -> wire.Leg:
    return wire.Leg(debit_account=debit, credit_account=credit, amount=amount, currency=USD, **codes)


def group(name: str, *legs: wire.Leg, account: int = 0, **fields: Any) -> wire.PostGroup:
    raw = b"".join(one.encode() for one in legs)
    return wire.PostGroup(account=account, group_id=name, count=len(legs), legs=raw, **fields)


def rich(new_engine: Any, **bounds: int) -> Desk:
    return Desk(new_engine, **bounds).rich()


def refused(desk: Desk, command: wire.Command) -> tuple[Reason, int]:
    """Return (why, which leg) of a refusal."""
    event = desk.all(command)[-1]
    assert isinstance(event, wire.CommandRefused), event
    return Reason(event.reason), event.order_slot


REFUSALS = {
    "bad leg": (group("x", leg(ALICE, ALICE, 1)), Reason.BAD_COMMAND, 0),
    "unknown currency": (group("x", wire.Leg(debit_account=1, credit_account=2, currency=99, amount=1)), Reason.UNKNOWN_CURRENCY, 0),
    "not found": (group("x", leg(ALICE, BOB, 1), reverses="never"), Reason.GROUP_NOT_FOUND, NO_SLOT),
    "overflow": (group("x", leg(BOB, ALICE, 1), leg(0, ALICE, I64_MAX, debit_code=900)), Reason.AMOUNT_OVERFLOW, 1),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSALS)
def test_a_refusal_of_shape_leaves_the_snapshot_as_it_was(why: str) -> None:
    """Every byte but sequence, time and hash, and the id is free."""
    desk = rich(NativeEngine)
    desk.all(group("first", leg(ALICE, BOB, 5)))
    before = desk.engine.snapshot()[SCALARS_END:]
    command, reason, at = REFUSALS[why]
    assert refused(desk, command) == (reason, at)
    assert desk.engine.snapshot()[SCALARS_END:] == before


@pytest.mark.hazard("F2")
@both_engines
def test_what_fails_in_the_middle_moves_nothing(new_engine: Any) -> None:
    """99 good legs before one that is not: no balance, no hold, no row of a new balance."""
    desk = rich(new_engine)
    before = [(desk.engine.balances(who), desk.engine.collateral(who)) for who in (ALICE, BOB, CAROL)]
    legs = [leg(ALICE, CAROL, 1, credit_code=220) for _ in range(99)]
    assert refused(desk, group("x", *legs, leg(CAROL, BOB, I64_MAX))) == (Reason.INSUFFICIENT, 99)
    assert [(desk.engine.balances(who), desk.engine.collateral(who)) for who in (ALICE, BOB, CAROL)] == before
    assert refused(desk, group("x", leg(ALICE, BOB, 1))) == (Reason.ID_ALREADY_FAILED, NO_SLOT)
    check(desk.engine)


@both_engines
def test_a_hundred_legs_are_one_act_and_a_hundred_and_one_are_none(new_engine: Any) -> None:
    desk = rich(new_engine)
    *made, posted = desk.all(group("x", *(leg(ALICE, BOB, n) for n in range(100))))
    assert [event.leg for event in made] == list(range(100))
    assert (posted.count, posted.is_last) == (100, True)
    assert refused(desk, group("y", *(leg(ALICE, BOB, 1) for _ in range(101))))[0] is Reason.BAD_COMMAND


@pytest.mark.hazard("G4")
@both_engines
def test_one_id_of_two_name_spaces_is_two_groups_and_another_body_is_refused(new_engine: Any) -> None:
    """Also after a restart, and beside a transfer of the same id."""
    desk = rich(new_engine)
    spaces = (0, ALICE, BOB)
    first = [desk.all(group("same", leg(ALICE, BOB, 1 + n), account=n))[-1].sequence for n in spaces]
    deposit = wire.Transfer(account=ALICE, transfer_id="same", transfer_kind=1, amount=7, currency=USD)
    assert isinstance(desk.all(deposit)[0], wire.TransferPosted)
    engines = (
        [desk.engine] if new_engine is not NativeEngine else [desk.engine, NativeEngine.restore(desk.engine.snapshot())]
    )
    for engine in engines:
        desk.engine = engine
        again = [desk.all(group("same", leg(ALICE, BOB, 1 + n), account=n))[0] for n in spaces]
        assert [(event.outcome, event.order_sequence) for event in again] == [(1, sequence) for sequence in first]
        for n in spaces:
            assert refused(desk, group("same", leg(ALICE, BOB, 99), account=n)) == (Reason.DUPLICATE_ID, 0)


@pytest.mark.hazard("A6")
@both_engines
def test_an_account_is_never_both_sides_of_a_leg(new_engine: Any) -> None:
    """Of itself nothing can be taken and given at once; balance and collateral are two accounts."""
    desk = rich(new_engine)
    before = desk.engine.balances(ALICE)
    assert refused(desk, group("x", leg(ALICE, ALICE, 1))) == (Reason.BAD_COMMAND, 0)
    assert refused(desk, group("x", leg(0, 0, 1, debit_code=110, credit_code=100))) == (Reason.BAD_COMMAND, 0)
    desk.all(group("x", leg(ALICE, ALICE, 5, credit_code=220)))
    desk.all(group("y", leg(ALICE, ALICE, 5, debit_code=220)))
    assert desk.engine.balances(ALICE) == before


def test_a_restored_engine_knows_what_was_posted_and_reversed() -> None:
    """Credits, states, collateral, the house, ids, legs, and which group was taken back."""
    desk = rich(NativeEngine)
    desk.all(
        group("a", leg(ALICE, BOB, 5), leg(0, CAROL, 3, debit_code=420, credit_code=220), text=b"why".ljust(128, b"\0"))
    )
    desk.all(group("b", leg(ALICE, BOB, 7)))
    taken_back = desk.all(group("r", leg(BOB, ALICE, 7), reverses="b"))[-1].sequence
    desk.all(wire.SetCredit(account=BOB, currency=USD, limit=50))
    desk.all(wire.SetAccountTerms(account=CAROL, state=2))
    snapshot = desk.engine.snapshot()
    copy = desk.engine.copy()
    copy.prepare()
    desk.engine.take(copy)
    assert copy.write() == snapshot
    restored = NativeEngine.restore(snapshot)
    check(restored)
    assert restored.snapshot() == snapshot
    assert restored.house(USD) == desk.engine.house(USD)
    desk.engine = restored
    assert (restored.collateral(CAROL), restored.credits(BOB)[0][1], restored.account_state(CAROL)) == (
        [(USD, 3)],
        50,
        2,
    )
    assert desk.all(group("r2", leg(BOB, ALICE, 7), reverses="b"))[0].order_sequence == taken_back
    assert refused(desk, group("r3", leg(BOB, ALICE, 6), reverses="a")) == (Reason.REVERSAL_DIFFERS, NO_SLOT)


def test_a_snapshot_of_an_older_layout_is_passed_over() -> None:
    """Its version is another: whoever restores replays the journal instead."""
    snapshot = bytearray(rich(NativeEngine).engine.snapshot())
    snapshot[8] -= 1
    with pytest.raises(RuntimeError, match="another version"):
        NativeEngine.restore(bytes(snapshot))


@both_engines
def test_the_ids_of_groups_and_their_legs_have_limits(new_engine: Any) -> None:
    desk = rich(new_engine, max_groups=3, max_legs=5)
    desk.all(group("a", *(leg(ALICE, BOB, 1) for _ in range(4))))
    assert refused(desk, group("b", leg(ALICE, BOB, 1), leg(ALICE, BOB, 1))) == (Reason.CAPACITY, NO_SLOT)
    desk.all(group("b", leg(ALICE, BOB, 1)))
    assert refused(desk, group("c", leg(CAROL, BOB, I64_MAX)))[0] is Reason.INSUFFICIENT
    assert (
        refused(desk, group("d", leg(CAROL, BOB, I64_MAX)))[0] is Reason.INSUFFICIENT
    )  # no room to remember that it failed
    assert refused(desk, group("d", leg(ALICE, BOB, 1))) == (Reason.CAPACITY, NO_SLOT)
    assert isinstance(desk.all(group("a", *(leg(ALICE, BOB, 1) for _ in range(4))))[0], wire.CommandDone)


@both_engines
def test_new_balances_of_a_group_are_counted_once_each(new_engine: Any) -> None:
    """Two legs to one new balance take one row; a group that wants one too many takes none."""
    desk = Desk(new_engine, max_balances=3)
    desk.all(wire.Transfer(account=ALICE, transfer_id="t", transfer_kind=1, amount=10, currency=USD))
    two = [leg(ALICE, BOB, 1), leg(ALICE, BOB, 1), leg(ALICE, ALICE, 1, credit_code=220)]
    assert refused(desk, group("x", *two, leg(ALICE, CAROL, 1))) == (Reason.CAPACITY, NO_SLOT)
    assert isinstance(desk.all(group("x", *two))[-1], wire.GroupPosted)
    check(desk.engine)


@pytest.mark.hazard("F2")
@both_engines
def test_no_balance_passes_63_bits_whoever_lends_to_whom(new_engine: Any) -> None:
    """All that customers were given and may owe is one bound: with it full, everything moves to one account and stands."""
    desk = Desk(new_engine)
    desk.all(group("x", leg(0, ALICE, I64_MAX - 1_000, debit_code=900)))
    desk.all(wire.SetCredit(account=BOB, currency=USD, limit=1_000))
    assert refused(desk, wire.SetCredit(account=CAROL, currency=USD, limit=1))[0] is Reason.AMOUNT_OVERFLOW
    assert refused(desk, group("y", leg(0, CAROL, 1, debit_code=900))) == (Reason.AMOUNT_OVERFLOW, 0)
    desk.all(group("z", leg(BOB, ALICE, 1_000)))
    assert desk.engine.balances(ALICE) == [(USD, I64_MAX, 0)]
    assert desk.engine.balances(BOB) == [(USD, -1_000, 0)]
    assert refused(desk, group("s", leg(BOB, ALICE, 1), flags=1)) == (Reason.AMOUNT_OVERFLOW, 0)
    check(desk.engine)


def _walk(rng: random.Random) -> Iterator[wire.Command]:
    """Yield limits, orders, groups and withdrawals of three accounts of which two live on credit."""
    for n in range(400):
        who = rng.choice((ALICE, BOB, CAROL))
        yield rng.choice(
            (
                wire.SetCredit(account=who, currency=USD, limit=rng.randrange(5_000)),
                group(f"g{n}", leg(who, 1 + who % 3, rng.randrange(3_000)), flags=int(rng.random() < 0.2)),
                wire.Transfer(account=who, transfer_id=f"t{n}", transfer_kind=2, amount=rng.randrange(1, 900), currency=USD),
                wire.SubmitOrder(
                    instrument=1, account=who, side=BUY, order_type=2, time_in_force=1, client_id=f"c{n}",
                    price=1, quantity=rng.randrange(1, 9),
                ),
                wire.MassCancel(account=who),
            )
        )  # fmt: skip


@both_engines
def test_available_never_falls_below_what_was_granted(new_engine: Any, rng: random.Random) -> None:
    """total - held + limit stays where it was when it was negative, or rises, unless a limit or two persons move it."""
    desk = Desk(new_engine)
    for number, who in enumerate((ALICE, BOB, CAROL)):
        desk.all(wire.Transfer(account=who, transfer_id="in", transfer_kind=1, amount=1_000 * number + 1, currency=USD))
    limits: dict[int, int] = {}
    spare = {ALICE: 1, BOB: 1_001, CAROL: 2_001}
    for command in _walk(rng):
        event = desk.all(command)[-1]
        check(desk.engine)
        if isinstance(event, wire.CreditChanged):
            limits[event.account] = event.limit
        free = isinstance(event, wire.CreditChanged) or (isinstance(event, wire.GroupPosted) and event.flags2)
        for who, before in spare.items():
            ((_, total, held),) = desk.engine.balances(who) or [(USD, 0, 0)]
            now = total - held + limits.get(who, 0)
            assert free or now >= min(before, 0), command
            spare[who] = now


@both_engines
def test_debts_to_the_house_do_not_make_room_for_more_credit_than_is_kept(new_engine: Any) -> None:
    """Two customers may not each owe 2^63-1: what is owed has its bound whichever way it goes."""
    desk = Desk(new_engine)
    desk.all(wire.SetCredit(account=ALICE, currency=USD, limit=I64_MAX))
    desk.all(group("x", leg(ALICE, 0, I64_MAX, credit_code=900)))
    assert refused(desk, wire.SetCredit(account=BOB, currency=USD, limit=1))[0] is Reason.AMOUNT_OVERFLOW
    assert refused(desk, group("s", leg(BOB, 0, 1, credit_code=900), flags=1)) == (Reason.AMOUNT_OVERFLOW, 0)
    assert desk.engine.totals(USD)[0] == -I64_MAX
    check(desk.engine)
