"""Withdrawals through a payout rail: held, handed over, captured when paid, and taken back in reverse order when not.

Goal: whatever refuses, is lost, or is killed, at any step and any compensation: paid is captured once, not paid is where it began,
with no open hold; what cannot be taken back waits for a person, and says so.
Method: the ledger beside the readable engine, real tables and a real outbox; everything that reaches outside is counted, and cut off
before or after, point by point; then a new process goes on.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import (
    Conflict,
    InvalidCommand,
    NotFound,
    OutcomeUnknown,
    QuantumCoreError,
    Unavailable,
)
from quantumcore.contracts.ledger import GetEntries, GetTransfer, MakeTransfer, Reconcile, SetAccountState
from quantumcore.contracts.ledger_payouts import GetPayouts, RetryPayout, SettlePayout
from quantumcore.contracts.matching import Sequence
from quantumcore.ports.payout import PayoutState
from quantumcore.services.ledger import saga_store
from quantumcore.services.ledger.engine import Engine
from quantumcore.services.ledger.payouts import Paying, PayoutDesk
from quantumcore.services.ledger.saga import TRIES_MAX, Status, saga_id_of
from tests.support.payout_rooms import DAY_S, OWNER, START, Cut, Killed, PayoutRoom, open_payouts
from tests.support.small_venue import SmallVenue, small_venue

WORDS = ("paid", "failed", "late")
COST = 51_000  # 500.00 and a fee of 10.00


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as opened:
        yield opened


@pytest.fixture
async def room(venue: SmallVenue) -> PayoutRoom:
    return await open_payouts(venue)


async def refused(room: PayoutRoom, request: Any, kind: type[QuantumCoreError], code: str) -> QuantumCoreError:
    with pytest.raises(kind) as error:
        await room.venue.bus.request(request)
    assert error.value.code == code
    return error.value


async def test_a_withdrawal_is_pending_until_the_rail_has_paid(room: PayoutRoom) -> None:
    begun = await room.withdraw("t-1")
    assert (begun.status, begun.kind, begun.amount) == ("pending", "withdrawal", "500.00")
    assert room.money() == (START, COST)
    payout_id = saga_id_of(OWNER, "t-1")
    (listed,) = (await room.venue.bus.request(GetPayouts())).items
    assert (listed.payout_id, listed.status, listed.step, listed.fee) == (payout_id, "running", "await_word", "10.00")
    assert await room.withdraw("t-1") == begun
    done = await room.venue.bus.request(SettlePayout(payout_id=payout_id, paid=True))
    assert (done.status, done.reason) == ("done", "")
    assert room.money() == (START - COST, 0)
    shown = await room.venue.bus.request(GetTransfer(account=OWNER, transfer_id="t-1"))
    assert (shown.status, shown.sequence) == ("posted", room.venue.engine.sequence)
    assert await room.withdraw("t-1") == shown
    assert (await room.venue.bus.request(GetPayouts())).items == []
    entries = await room.venue.bus.request(GetEntries(account=OWNER, at_least=shown.sequence))
    assert [(e.credit, e.amount) for e in entries.items[:2]] == [("300", "10.00"), ("100", "500.00")]
    assert (await room.venue.bus.request(Reconcile())).differences == []
    assert [(n.step, n.outcome, n.status) for n in room.heard] == [
        ("hold", "done", "running"),
        ("hand_over", "done", "running"),
        ("await_word", "done", "running"),
        ("capture", "done", "done"),
    ]
    assert room.driver.steps == {"done": 4, "waits": 1}


@pytest.mark.hazard("G5")
@pytest.mark.parametrize("word", ["failed", "late"])
async def test_a_failure_ends_where_it_began(room: PayoutRoom, word: str) -> None:
    """10,000.00, hold 500.00, fee 10.00, failure: 10,000.00 and no open hold; the rail lets go before the hold does."""
    await room.withdraw("t-1")
    saga = await room.finish("t-1", word)
    assert (saga.status, room.money(), room.venue.engine.holds()) == (Status.FAILED, (START, 0), [])
    assert (await room.venue.bus.request(GetTransfer(account=OWNER, transfer_id="t-1"))).status == "failed"
    undone = [(n.step, n.status) for n in room.heard if n.compensated]
    assert undone == [("hand_over", "compensating"), ("hold", "failed")]
    assert room.heard[-1].reason == ""
    assert saga.reason == {"failed": "payout.failed", "late": "payout.timeout"}[word]
    assert room.driver.steps["compensated"] == 2
    assert room.rail.states[saga.saga_id] in (PayoutState.FAILED, PayoutState.RECALLED)


async def play(room: PayoutRoom, name: str, word: str, cut: Cut) -> None:
    """Withdraw and let the rail say its word, until the process is killed."""
    room.restart(cut)
    try:
        await room.withdraw(name)
        await room.finish(name, word)
    except Killed:
        pass


def assert_fits(room: PayoutRoom, status: Status, word: PayoutState | None, name: str) -> None:
    total, held = room.money()
    assert (held, room.venue.engine.holds()) == (0, []), name
    if status is Status.DONE:
        assert (total, word) == (START - COST, PayoutState.CONFIRMED), name
    else:
        assert (status, total) == (Status.FAILED, START), name
        assert word is not PayoutState.CONFIRMED, name


@pytest.mark.hazard("G5")
@pytest.mark.parametrize("word", WORDS)
async def test_killed_at_any_point_it_goes_on_and_ends(room: PayoutRoom, word: str) -> None:
    """Before and after every call of engine, rail and table, of steps and compensations alike; a new process goes on."""
    counted = Cut()
    await play(room, "whole", word, counted)
    assert counted.count > 15
    for at in range(counted.count):
        room.set_money()
        name = f"{word}-{at}"
        await play(room, name, word, Cut(at))
        await room.restart().drive()
        await room.withdraw(name)  # the client heard nothing and asks again
        saga = await room.finish(name, word)
        assert_fits(room, saga.status, room.rail.states.get(saga.saga_id), name)
        assert saga.status is (Status.DONE if word == "paid" else Status.FAILED), name
        assert await room.sagas.read(saga_store.untold) == []
        told = {(n.step, n.compensated) for n in room.heard if n.transfer_id == name and n.outcome == "done"}
        steps = ("hold", "hand_over", "await_word", "capture") if word == "paid" else ("hold", "hand_over")
        assert {(step, False) for step in steps} <= told, name
        assert word == "paid" or {("hold", True), ("hand_over", True)} <= told, name


@pytest.mark.hazard("G5")
@pytest.mark.parametrize(
    "error", [lambda: Unavailable("unavailable", "away"), lambda: OutcomeUnknown("outcome.unknown", "late")]
)
@pytest.mark.parametrize("word", WORDS)
async def test_an_error_at_any_point_is_tried_again(room: PayoutRoom, word: str, error: Any) -> None:
    """Once each: an answer that is lost after the act, too, changes nothing."""
    counted = Cut()
    await play(room, "whole", word, counted)
    for at in range(counted.count):
        room.set_money()
        name = f"{word}-{at}"
        room.restart(Cut(at, error))
        for _ in range(3):
            try:
                await room.withdraw(name)
                saga = await room.finish(name, word)
                break
            except QuantumCoreError:
                continue
        assert_fits(room, saga.status, room.rail.states.get(saga.saga_id), name)


@pytest.mark.hazard("G5")
async def test_an_engine_that_is_away_for_long_leaves_no_hold(room: PayoutRoom) -> None:
    """Nobody knows whether the hold was placed: it is asked for again until that is known, and released."""
    room.venue.down = True
    begun = await room.withdraw("t-1")
    assert begun.status == "pending"
    for _ in range(TRIES_MAX - 1):
        room.venue.clock.turn(11)
        await room.driver.drive()
    assert (await room.saga("t-1")).status is Status.COMPENSATING
    room.venue.down = False
    saga = await room.finish("t-1", "paid")
    assert (saga.status, room.money(), room.venue.engine.holds()) == (Status.FAILED, (START, 0), [])
    assert saga.saga_id not in room.rail.states


@pytest.mark.hazard("G5")
async def test_what_cannot_be_taken_back_waits_for_a_person_and_says_so(
    room: PayoutRoom, caplog: pytest.LogCaptureFixture
) -> None:
    """The rail failed and the engine is away too long to release: an alarm, /ready, a metric; then a person lets it go on."""
    await room.withdraw("t-1")
    saga = await room.saga("t-1")
    await room.rail.settle(saga.saga_id, paid=False)
    room.venue.down = True
    stuck = await room.finish("t-1", "never")
    assert (stuck.stuck, stuck.step.name, stuck.reason) == (True, "HOLD", "unavailable")
    assert room.money() == (START, COST), "held until somebody has seen to it"
    assert room.service.not_ready() == ["ledger: 1 withdrawals need a person"]
    assert room.heard[-1].status == "needs_human"
    assert room.driver.steps["needs_human"] == 1
    assert "needs a person" in caplog.text
    assert str(OWNER) not in [record.args[0] for record in caplog.records if record.args]  # type: ignore[index]
    families = {family.name: family for family in room.service.collect()}
    assert families["qc_ledger_sagas_needing_humans"].samples[0].value == 1
    assert families["qc_ledger_sagas"].samples[0].value == 1
    assert (await room.venue.bus.request(GetPayouts())).items[0].status == "needs_human"
    room.restart()
    await room.driver.drive()
    assert room.service.not_ready() == ["ledger: 1 withdrawals need a person"], "a new process says so too"
    room.venue.down = False
    done = await room.venue.bus.request(RetryPayout(payout_id=saga.saga_id))
    assert (done.status, room.money()) == ("failed", (START, 0))
    await room.driver.drive()
    assert room.service.not_ready() == []
    error = await refused(room, RetryPayout(payout_id=saga.saga_id), Conflict, "payout.not_stuck")
    assert error.actual == "failed"


@pytest.mark.hazard("G5")
async def test_money_that_has_left_is_captured_later_or_by_hand(room: PayoutRoom) -> None:
    """The account is frozen when the rail has paid: nothing is given back; open again, a person lets it go on."""
    for name in ("t-1", "t-2"):
        await room.withdraw(name)
    await room.venue.bus.request(SetAccountState(account=OWNER, state="frozen"))
    first, second = saga_id_of(OWNER, "t-1"), saga_id_of(OWNER, "t-2")
    for payout_id in (first, second):
        stuck = await room.venue.bus.request(SettlePayout(payout_id=payout_id, paid=True))
        assert (stuck.status, stuck.step, stuck.reason) == ("needs_human", "capture", "account.frozen")
    assert room.money() == (START, 2 * COST)
    assert (await room.venue.bus.request(GetTransfer(account=OWNER, transfer_id="t-1"))).status == "pending"
    again = await room.venue.bus.request(RetryPayout(payout_id=first))
    assert (again.status, again.reason) == ("needs_human", "account.frozen")
    await room.venue.bus.request(SetAccountState(account=OWNER, state="open"))
    assert (await room.venue.bus.request(RetryPayout(payout_id=first))).status == "done"
    assert room.money() == (START - COST, COST)
    by_hand = await room.venue.bus.request(RetryPayout(payout_id=second, by_hand=True))
    assert (by_hand.status, by_hand.reason) == ("done", "by_hand")
    assert room.money() == (START - COST, COST), "whoever says so has to see to the money"


async def test_paid_after_the_deadline_is_captured_not_given_back(room: PayoutRoom) -> None:
    """The word came before the recall: it goes forward."""
    await room.withdraw("t-1")
    saga = await room.saga("t-1")
    room.venue.clock.turn(DAY_S + 1)
    room.driver._rail = LatePaid(room, saga.saga_id)  # type: ignore[assignment]
    await room.driver.drive()
    assert ((await room.saga("t-1")).status, room.money()) == (Status.DONE, (START - COST, 0))
    assert ("hand_over", "paid") in [(n.step, n.outcome) for n in room.heard]


class LatePaid:
    """A rail that is paid between the last look and the recall."""

    def __init__(self, room: PayoutRoom, key: str) -> None:
        self._room = room
        self._key = key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._room.rail, name)

    async def recall(self, key: str) -> PayoutState:
        await self._room.rail.settle(self._key, paid=True)
        return await self._room.rail.recall(key)


async def test_what_is_refused_is_refused_as_a_transfer_is(room: PayoutRoom) -> None:
    ask = {"transfer_id": "t-1", "kind": "withdrawal", "account": OWNER, "currency": "USD", "amount": "9990.01"}
    error = await refused(room, MakeTransfer(**ask), Conflict, "transfer.insufficient")
    assert room.money() == (START, 0)
    assert (error.limit, error.actual) == ("10000.00", "10000.01")
    await refused(room, MakeTransfer(**ask), Conflict, "transfer.id_already_failed")
    await refused(room, MakeTransfer(**{**ask, "amount": "1.00"}), Conflict, "idempotency.mismatch")
    await refused(
        room, MakeTransfer(**{**ask, "transfer_id": "t-2", "amount": "0"}), InvalidCommand, "transfer.amount.bad"
    )
    await refused(room, MakeTransfer(**{**ask, "transfer_id": "t-2", "account": 71}), NotFound, "account.not_found")
    assert (await room.withdraw("t-3", "9990.00")).status == "pending"
    assert room.money() == (START, START)
    assert room.rail.states.keys() == {saga_id_of(OWNER, "t-3")}
    for request in (SettlePayout(payout_id="w-none", paid=True), RetryPayout(payout_id="w-none")):
        await refused(room, request, NotFound, "payout.not_found")


async def test_an_id_names_one_movement_whichever_way_it_takes(room: PayoutRoom) -> None:
    deposit = {"kind": "deposit", "account": OWNER, "currency": "USD", "amount": "1.00"}
    await room.venue.bus.request(MakeTransfer(transfer_id="d-1", **deposit))
    with pytest.raises(Conflict, match=r"idempotency\.mismatch"):
        await room.withdraw("d-1")
    await room.withdraw("t-1")
    await refused(room, MakeTransfer(transfer_id="t-1", **deposit), Conflict, "idempotency.mismatch")
    assert room.money() == (START + 100, COST)


async def test_a_word_is_said_once(room: PayoutRoom) -> None:
    await room.withdraw("t-1")
    payout_id = saga_id_of(OWNER, "t-1")
    first = await room.venue.bus.request(SettlePayout(payout_id=payout_id, paid=False))
    assert first.status == "failed"
    assert await room.venue.bus.request(SettlePayout(payout_id=payout_id, paid=False)) == first
    error = await refused(room, SettlePayout(payout_id=payout_id, paid=True), Conflict, "payout.settled")
    assert error.actual == "failed"


async def test_without_its_rail_what_is_left_is_told(room: PayoutRoom, venue: SmallVenue) -> None:
    await room.withdraw("t-1")
    desk = PayoutDesk(
        venue.bus,
        Engine(venue.bus, venue.log),
        venue.log,
        room.service._database,
        venue.clock,
        room.service._teller,
        room.service._follower,
        Paying(room.sagas, None),
    )
    await desk.start()
    assert desk.not_ready() == ["ledger: 1 withdrawals are under way, and there is no payout rail"]
    assert not desk.takes_withdrawals
    assert len((await desk.payouts(GetPayouts())).items) == 1


async def test_assets_leave_custody(room: PayoutRoom, venue: SmallVenue) -> None:
    """A currency that is only traded is not at a bank."""
    venue.do(wire.Transfer(account=OWNER, transfer_id="in", transfer_kind=1, amount=10**8, currency=2))
    request = MakeTransfer(transfer_id="t-1", kind="withdrawal", account=OWNER, currency="BTC", amount="0.5")
    begun = await venue.bus.request(request)
    await room.service._follower.reached(venue.engine.sequence)
    await venue.bus.request(SettlePayout(payout_id=saga_id_of(OWNER, "t-1"), paid=True))
    entries = await venue.bus.request(GetEntries(account=OWNER, limit=1, at_least=venue.engine.sequence))
    assert (entries.items[0].credit, entries.items[0].amount) == ("110", "0.50000000")
    assert begun.amount == "0.50000000"
    assert room.money() == (START, 0)
    lines = (venue.directory / "payouts.jsonl").read_text().splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["pending", "confirmed"]


class Slow:
    """A bus on which the first TRIES_MAX commands of one kind get no answer, and are done later."""

    def __init__(self, room: PayoutRoom, kind: int) -> None:
        self._room = room
        self._kind = kind
        self.late: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._room.venue.bus, name)

    async def request(self, message: Any, **named: Any) -> Any:
        if isinstance(message, Sequence) and message.command[2] == self._kind and len(self.late) < TRIES_MAX:
            self.late.append(message.command)
            raise OutcomeUnknown("outcome.unknown", "no answer in time")
        return await self._room.venue.bus.request(message, **named)


@pytest.mark.hazard("G5")
async def test_a_hold_that_comes_late_is_not_left_open(room: PayoutRoom) -> None:
    """Ten requests to hold are on their way when it is taken back: what arrives afterwards finds its id used up."""
    slow = Slow(room, wire.PlaceHold.KIND)
    room.driver._engine = Engine(slow, room.venue.log)  # type: ignore[arg-type]
    await room.withdraw("t-1")
    while (await room.saga("t-1")).status is Status.RUNNING:
        room.venue.clock.turn(11)
        await room.driver.drive()
    saga = await room.finish("t-1", "never")
    assert (saga.status, len(slow.late)) == (Status.FAILED, TRIES_MAX)
    for command in slow.late:
        room.venue.do(command)
    assert (room.money(), room.venue.engine.holds()) == ((START, 0), [])


@pytest.mark.hazard("G5")
async def test_a_capture_that_comes_late_is_the_same_capture(room: PayoutRoom) -> None:
    """Its answers are lost until it needs a person; what arrives then, and what the person lets go on, is one capture."""
    slow = Slow(room, wire.PostGroup.KIND)
    await room.withdraw("t-1")
    room.driver._engine = Engine(slow, room.venue.log)  # type: ignore[arg-type]
    stuck = await room.finish("t-1", "paid")
    assert (stuck.stuck, len(slow.late)) == (True, TRIES_MAX)
    for command in slow.late:
        room.venue.do(command)
    assert room.money() == (START - COST, 0)
    done = await room.venue.bus.request(RetryPayout(payout_id=stuck.saga_id))
    assert (done.status, room.money()) == ("done", (START - COST, 0))
