"""The machine of a withdrawal: what comes next after each answer, and that it always ends done, where it began, or with a person.

Goal: done steps are taken back in reverse order; a lost step is taken back too; money that has left is never given back; every
way through ends.
Method: the pure machine by hand, and by walks over all answers that a world can give, a model of which remembers what happened.
"""

import random

import pytest

from quantumcore.contracts.errors import Corrupted
from quantumcore.services.ledger.saga import (
    HOLD_SLACK_NS,
    LONGEST_WAIT_NS,
    POLL_NS,
    TRIES_MAX,
    Outcome,
    Saga,
    Status,
    Step,
    saga_id_of,
)

NOW, DAY = 1_700_000_000 * 10**9, 86_400 * 10**9


def saga(**changes: object) -> Saga:
    begun = Saga(
        saga_id=saga_id_of(7, "t-1"),
        account=7,
        transfer_id="t-1",
        currency=1,
        amount=50_000,
        fee=1_000,
        started_ns=NOW,
        deadline_ns=NOW + DAY,
        due_ns=NOW,
    )
    for name, value in changes.items():
        begun = type(begun)(**{**{f: getattr(begun, f) for f in begun.__struct_fields__}, name: value})
    return begun


def after(one: Saga, *outcomes: Outcome, now_ns: int = NOW) -> Saga:
    for outcome in outcomes:
        one = one.after(outcome, now_ns, "why")
    return one


DONE, WAITS, REFUSED, LOST, PAID = Outcome


def test_step_by_step_to_the_end() -> None:
    one = saga()
    for step in Step:
        assert (one.status, one.step, one.is_due(NOW)) == (Status.RUNNING, step, True)
        one = one.after(DONE, NOW)
    assert (one.status, one.is_final, one.is_due(NOW), one.reason) == (Status.DONE, True, False, "")


@pytest.mark.hazard("G5")
@pytest.mark.parametrize(
    ("answers", "undone"),
    [
        ((REFUSED,), []),
        ((DONE, REFUSED), [Step.HOLD]),
        ((DONE, DONE, REFUSED), [Step.HAND_OVER, Step.HOLD]),
        ((*[LOST] * TRIES_MAX,), [Step.HOLD]),
        ((DONE, *[LOST] * TRIES_MAX), [Step.HAND_OVER, Step.HOLD]),
    ],
)
def test_what_may_have_been_done_is_taken_back_the_last_first(answers: tuple[Outcome, ...], undone: list[Step]) -> None:
    """The hold goes last: while the rail may still pay, the money is held."""
    one, seen = after(saga(), *answers), []
    while not one.is_final:
        assert one.status is Status.COMPENSATING
        seen.append(one.step)
        one = one.after(DONE, NOW)
    assert (one.status, seen, one.reason) == (Status.FAILED, undone, "why")


def test_the_rail_has_until_the_deadline() -> None:
    waiting = after(saga(), DONE, DONE, WAITS)
    assert (waiting.step, waiting.due_ns) == (Step.AWAIT_WORD, NOW + POLL_NS)
    assert waiting.is_due(NOW + POLL_NS)
    assert not waiting.is_due(NOW + POLL_NS - 1)
    late = waiting.after(WAITS, NOW + DAY - 1)
    assert late.due_ns == NOW + DAY
    for answer in (WAITS, LOST):
        over = late.after(answer, NOW + DAY)
        assert (over.status, over.step, over.reason) == (Status.COMPENSATING, Step.HAND_OVER, "payout.timeout")
    silent = waiting
    for _ in range(3 * TRIES_MAX):
        silent = silent.after(LOST, NOW, "unavailable")
    assert (silent.status, silent.reason) == (Status.RUNNING, "unavailable")
    assert silent.after(DONE, NOW).step is Step.CAPTURE


def test_what_is_paid_when_it_is_recalled_goes_forward() -> None:
    recalling = after(saga(), DONE, DONE, REFUSED)
    one = recalling.after(PAID, NOW)
    assert (one.status, one.step, one.undo) == (Status.RUNNING, Step.CAPTURE, (Step.HOLD, Step.HAND_OVER))
    assert one.after(DONE, NOW).status is Status.DONE


def test_money_that_has_left_is_never_given_back() -> None:
    """A capture that is refused, or lost too often, needs a person; refused, it goes on under another id."""
    paid = after(saga(), DONE, DONE, DONE)
    refused = paid.after(REFUSED, NOW, "account.frozen")
    assert (refused.stuck, refused.status, refused.reason) == (True, Status.RUNNING, "account.frozen")
    assert not refused.is_due(NOW + DAY)
    again = refused.go_on(NOW + DAY)
    assert (again.step, again.is_due(NOW + DAY), again.tries) == (Step.CAPTURE, True, 0)
    assert again.capture_id != paid.capture_id
    lost = after(paid, *[LOST] * TRIES_MAX)
    assert (lost.stuck, lost.step) == (True, Step.CAPTURE)
    assert lost.go_on(NOW).capture_id == paid.capture_id
    assert lost.close().status is Status.DONE


@pytest.mark.parametrize("outcome", [REFUSED, LOST])
def test_what_cannot_be_taken_back_needs_a_person(outcome: Outcome) -> None:
    for failed in (after(saga(), DONE, REFUSED), after(saga(), DONE, DONE, REFUSED)):
        one = after(failed, *[outcome] * (TRIES_MAX if outcome is LOST else 1))
        assert (one.stuck, one.step, one.status) == (True, failed.step, Status.COMPENSATING)
        assert one.go_on(NOW).after(DONE, NOW).status in (Status.FAILED, Status.COMPENSATING)


def test_waits_grow_to_a_bound_and_end() -> None:
    one, waits = saga(), []
    for _ in range(TRIES_MAX - 1):
        one = one.after(LOST, NOW)
        waits.append(one.due_ns - NOW)
    assert waits == [min(10**8 << n, LONGEST_WAIT_NS) for n in range(TRIES_MAX - 1)]
    assert one.after(DONE, NOW).tries == 0


def test_what_no_world_answers_is_corrupted() -> None:
    ended = after(saga(), REFUSED)
    stuck = after(saga(), DONE, DONE, DONE, REFUSED)
    undoing = after(saga(), DONE, REFUSED)
    for one, outcome in (
        (ended, DONE),
        (stuck, DONE),
        (saga(), PAID),
        (saga(), WAITS),
        (undoing, WAITS),
        (undoing, PAID),
    ):
        with pytest.raises(Corrupted):
            one.after(outcome, NOW)


def test_ids_are_ids_of_the_engine_and_of_nobody_else() -> None:
    ids = {saga_id_of(account, f"t-{n}") for account in range(1, 50) for n in range(50)}
    assert len(ids) == 49 * 50
    assert saga_id_of(1, "23:4") != saga_id_of(12, "3:4")
    assert max(len(saga(attempt=9_999).capture_id), len(saga().saga_id)) <= 36
    assert saga().hold_expires_ns == NOW + DAY + HOLD_SLACK_NS


class World:
    """What really happened, whatever was answered."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.loses = rng.choice((0.1, 0.4, 0.85))
        self.held = self.handed = self.captured = self.recalled = False
        self.word = "pending"

    def answer(self, one: Saga) -> Outcome:
        """Do the step, or do not, and answer so, or lose the answer."""
        outcome = self._undo(one.step) if one.status is Status.COMPENSATING else self._do(one.step)
        return Outcome.LOST if self.rng.random() < self.loses else outcome

    def _do(self, step: Step) -> Outcome:
        if self.rng.random() < 0.1 and step in (Step.HOLD, Step.HAND_OVER):
            return Outcome.LOST
        match step:
            case Step.HOLD:
                if not self.held and self.rng.random() < 0.2:
                    return Outcome.REFUSED
                self.held = True
            case Step.HAND_OVER:
                if self.recalled or (not self.handed and self.rng.random() < 0.2):
                    return Outcome.REFUSED
                self.handed = True
            case Step.AWAIT_WORD:
                if self.word == "pending":
                    self.word = self.rng.choice(("pending", "paid", "failed"))
                return {"pending": Outcome.WAITS, "paid": Outcome.DONE, "failed": Outcome.REFUSED}[self.word]
            case Step.CAPTURE:
                assert self.held, "captured from nothing"
                self.captured = True
        return Outcome.DONE

    def _undo(self, step: Step) -> Outcome:
        if step is Step.HAND_OVER:
            if self.handed and self.word == "pending" and self.rng.random() < 0.3:
                self.word = "paid"
            self.recalled = self.word != "paid"
            return Outcome.DONE if self.recalled else Outcome.PAID
        assert self.recalled or not self.handed, "released while the rail may pay"
        assert self.word != "paid", "released and paid"
        self.held = False
        return Outcome.DONE


@pytest.mark.hazard("G5")
def test_every_way_ends_done_or_where_it_began_or_with_a_person(rng: random.Random) -> None:
    """3,000 worlds that refuse, wait, and lose answers: paid is captured, not paid is not held."""
    ends = {Status.DONE: 0, Status.FAILED: 0}
    stuck = 0
    for _ in range(3_000):
        world, one, now, steps = World(rng), saga(), NOW, 0
        while not one.is_final and steps < 1_000:
            if one.stuck:
                stuck += 1
                one = one.go_on(now)
            now = max(now, one.due_ns)
            one = one.after(world.answer(one), now, "why")
            steps += 1
        assert one.is_final
        if one.status is Status.DONE:
            assert world.captured
            assert world.word == "paid"
        else:
            assert not world.held
            assert not world.captured
            assert world.word != "paid"
        ends[one.status] += 1
    assert min(*ends.values()) > 300
    assert stuck > 100
