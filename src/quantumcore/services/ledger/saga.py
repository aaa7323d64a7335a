"""A withdrawal through a payout rail, as a saga: what comes next, and what after each answer. Pure: no clock, no I/O, no await.

running:       hold ──▶ hand_over ──▶ await_word ──▶ capture ──▶ done
                 │          │             │             └ refused, or tried too often: the money has left ──▶ needs_human
                 └──────────┴─────────────┴ refused, lost too often, or too late
compensating:  what may have been done, the last first: recall, then release ──▶ failed, where it began
                 │              └ refused, or tried too often ──▶ needs_human
                 └ paid meanwhile: it goes forward again, to capture

A step that is lost may have happened, so it is among what is taken back; each compensation is safe when there is nothing to undo.
"""

from enum import Enum, IntEnum
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.contracts.errors import Corrupted

TRIES_MAX = 10
FIRST_WAIT_NS, LONGEST_WAIT_NS = 100_000_000, 10_000_000_000
POLL_NS = 60_000_000_000  # how often a rail is asked that has not said its word
HOLD_SLACK_NS = (
    7 * 86_400 * 10**9
)  # a hold outlives the rail's deadline by so much, and ends by itself if all else is lost


class Step(IntEnum):
    """What is done, in this order."""

    HOLD = 1
    HAND_OVER = 2
    AWAIT_WORD = 3
    CAPTURE = 4


class Status(IntEnum):
    """How it goes."""

    RUNNING = 1
    COMPENSATING = 2
    DONE = 3
    FAILED = 4


class Outcome(Enum):
    """What became of one step, or of its compensation.

    LOST: nobody knows; it may have happened. PAID: it is too late to recall.
    """

    DONE = "done"
    WAITS = "waits"
    REFUSED = "refused"
    LOST = "lost"
    PAID = "paid"


UNDOABLE = (Step.HOLD, Step.HAND_OVER)  # the others leave nothing behind, or nothing that could be taken back
FINAL = (Status.DONE, Status.FAILED)


def saga_id_of(account: int, transfer_id: str) -> str:
    """Return the id of a withdrawal: the same whoever computes it, so that no key is ever used for another one."""
    return (
        f"w-{sha256(f'{account}:{transfer_id}'.encode()).hexdigest()[:28]}"  # 112 bits: with a suffix it is an id still
    )


class Saga(Struct, frozen=True, kw_only=True, gc=False):
    """One withdrawal, in minor units and UTC nanoseconds.

    Attributes:
        step: What it does now; while it compensates, what it takes back.
        undo: What may have been done and can be taken back, in the order of doing.
        stuck: It needs a person: nothing is done until it is let go on.
        tries: How often the step was lost.
        due_ns: When the step is to be tried.
        deadline_ns: Until when the rail may say its word.
        hold_sequence: The command that placed the hold; 0: not known.
        sequence: The last command of the engine.
        attempt: How often a capture was refused: its id has failed for ever then.
    """

    saga_id: str
    account: int
    transfer_id: str
    currency: int
    amount: int
    fee: int
    started_ns: int
    deadline_ns: int
    due_ns: int
    status: Status = Status.RUNNING
    step: Step = Step.HOLD
    undo: tuple[Step, ...] = ()
    stuck: bool = False
    tries: int = 0
    hold_sequence: int = 0
    sequence: int = 0
    reason: str = ""
    attempt: int = 0

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def capture_id(self) -> str:
        """The id of the transaction that captures."""
        return f"{self.saga_id}-c{self.attempt}"

    @property
    def hold_expires_ns(self) -> int:
        """When the hold ends by itself."""
        return self.deadline_ns + HOLD_SLACK_NS

    def is_due(self, now_ns: int) -> bool:
        """Whether its step is to be tried now."""
        return not self.is_final and not self.stuck and self.due_ns <= now_ns

    def after(self, outcome: Outcome, now_ns: int, reason: str = "") -> "Saga":
        """Return it after its step, or the compensation of its step, has had an answer.

        Raises:
            Corrupted: It has ended, or there can be no such answer.
        """
        if self.is_final or self.stuck:
            raise Corrupted("corrupted", f"withdrawal {self.saga_id} does nothing and had an answer")
        if self.status is Status.COMPENSATING:
            return self._after_compensation(outcome, now_ns, reason)
        return self._after_step(outcome, now_ns, reason)

    def go_on(self, now_ns: int) -> "Saga":
        """Return it when a person lets it go on where it stood."""
        return replace(self, stuck=False, tries=0, due_ns=now_ns)

    def close(self) -> "Saga":
        """Return it when a person has done by hand what was left."""
        return replace(self, status=Status.DONE, undo=(), stuck=False, reason="by_hand")

    def _after_step(self, outcome: Outcome, now_ns: int, reason: str) -> "Saga":
        undo = (*self.undo, self.step) if self.step in UNDOABLE else self.undo
        match outcome:
            case Outcome.DONE if self.step is Step.CAPTURE:
                return replace(self, status=Status.DONE, undo=(), tries=0, reason="")
            case Outcome.DONE:
                return replace(self, step=Step(self.step + 1), undo=undo, tries=0, due_ns=now_ns, reason="")
            case Outcome.WAITS | Outcome.LOST if self.step is Step.AWAIT_WORD:
                if now_ns >= self.deadline_ns:
                    return self._compensate(self.undo, now_ns, "payout.timeout")
                return replace(self, due_ns=min(now_ns + POLL_NS, self.deadline_ns), reason=reason)
            case Outcome.REFUSED if self.step is Step.CAPTURE:
                return replace(self, stuck=True, reason=reason, attempt=self.attempt + 1)
            case Outcome.REFUSED:
                return self._compensate(self.undo, now_ns, reason)
            case Outcome.LOST if self.tries + 1 < TRIES_MAX:
                return self._again(now_ns, reason)
            case Outcome.LOST if self.step is Step.CAPTURE:
                return replace(self, stuck=True, reason=reason)
            case Outcome.LOST:
                return self._compensate(undo, now_ns, reason)
            case _:
                raise Corrupted(
                    "corrupted", f"withdrawal {self.saga_id}: {outcome.value} is no answer to {self.step.name}"
                )

    def _compensate(self, undo: tuple[Step, ...], now_ns: int, reason: str) -> "Saga":
        """Take back what may have been done, the last first; with nothing left it has failed, where it began."""
        if not undo:
            return replace(self, status=Status.FAILED, undo=(), tries=0, reason=reason)
        return replace(
            self, status=Status.COMPENSATING, step=undo[-1], undo=undo[:-1], tries=0, due_ns=now_ns, reason=reason
        )

    def _after_compensation(self, outcome: Outcome, now_ns: int, reason: str) -> "Saga":
        match outcome:
            case Outcome.DONE:
                return self._compensate(self.undo, now_ns, self.reason)
            case Outcome.PAID if self.step is Step.HAND_OVER:
                done = (*self.undo, self.step)
                return replace(
                    self, status=Status.RUNNING, step=Step.CAPTURE, undo=done, tries=0, due_ns=now_ns, reason=""
                )
            case Outcome.LOST if self.tries + 1 < TRIES_MAX:
                return self._again(now_ns, self.reason)
            case Outcome.LOST | Outcome.REFUSED:
                return replace(self, stuck=True, reason=reason)
            case _:
                raise Corrupted("corrupted", f"withdrawal {self.saga_id}: {outcome.value} takes nothing back")

    def _again(self, now_ns: int, reason: str) -> "Saga":
        wait = min(FIRST_WAIT_NS << self.tries, LONGEST_WAIT_NS)
        return replace(self, tries=self.tries + 1, due_ns=now_ns + wait, reason=reason)
