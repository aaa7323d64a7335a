"""Which ids are remembered, so that a command sent twice happens once.

A client id names one submission of an account while its order works and for two days; a transfer id one transfer for ever.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from quantumcore.contracts.wire import ApplyAction, PostGroup, SubmitOrder
from quantumcore.core.twin.terms import as_sent

REMEMBERED_NS = 48 * 3600 * 10**9


class Fate(Enum):
    """What became of a submission."""

    WORKING = auto()
    FILLED = auto()
    CANCELLED = auto()
    REJECTED = auto()


Body = tuple[int, ...]


def body_of(command: SubmitOrder) -> Body:
    """Return what must be equal for a repeat to be the same submission; the session is no part of it."""
    return (
        command.instrument,
        command.price,
        command.quantity,
        command.price_scale,
        command.quantity_scale,
        command.side,
        command.order_type,
        command.time_in_force,
        command.self_trade_prevention,
        command.flags,
        *as_sent(command),
    )


@dataclass(slots=True)
class Submission:
    """One remembered submission; sequence and slot name its order (a rejected one has no slot)."""

    account: int
    client_id: str
    body: Body
    sequence: int
    slot: int
    fate: Fate


class Submissions:
    """The memory: by account and client id, and by sequence; compared in full, never by a hash alone."""

    def __init__(self) -> None:
        self._by_client_id: dict[tuple[int, str], Submission] = {}
        self._by_order: dict[tuple[int, int], Submission] = {}
        self._ages: deque[tuple[int, Submission]] = deque()  # oldest first

    def __len__(self) -> int:
        return len(self._ages)

    def remember(self, submission: Submission, time_ns: int) -> None:
        """Remember `submission` as the youngest."""
        self._by_client_id[submission.account, submission.client_id] = submission
        self._by_order[submission.sequence, submission.slot] = submission
        self._ages.append((time_ns, submission))

    def named(self, account: int, client_id: str) -> Submission | None:
        """Return what `account` submitted as `client_id`, if it is still remembered."""
        return self._by_client_id.get((account, client_id))

    def at(self, account: int, sequence: int, slot: int) -> Submission | None:
        """Return the submission of `account` named (sequence, slot), if it is still remembered."""
        found = self._by_order.get((sequence, slot))
        return found if found is not None and found.account == account else None

    def settle(self, sequence: int, slot: int, fate: Fate) -> None:
        """Note how the order (sequence, slot) ended."""
        self._by_order[sequence, slot].fate = fate

    def forget(self, time_ns: int) -> None:
        """Forget what is final and older than two days; what still works becomes the youngest."""
        while self._ages and time_ns - self._ages[0][0] > REMEMBERED_NS:
            _, submission = self._ages.popleft()
            if submission.fate is Fate.WORKING:
                self._ages.append((time_ns, submission))
            else:
                del self._by_client_id[submission.account, submission.client_id]
                self._by_order.pop((submission.sequence, submission.slot), None)  # refused ones may share a name


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """A transfer id that was used: by which sequence, for what, and whether it failed for want of money."""

    sequence: int
    body: tuple[int, int, int, int]
    failed: bool


@dataclass(slots=True)
class GroupRecord:
    """A group id that was used: by which command, and whether that failed because of how the accounts stood.

    Attributes:
        reversed_by: The sequence of the group that took it back; 0: none has.
    """

    sequence: int
    command: PostGroup
    failed: bool
    reversed_by: int = 0


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """An action id that was used: by which sequence, for what. One that was refused is not remembered."""

    sequence: int
    command: ApplyAction
