"""Who pays money out of the house: a bank, a card scheme, a chain, or a person. It is asked by keys, so asking again is safe."""

from enum import Enum
from typing import NamedTuple, Protocol


class PayoutState(Enum):
    """What a rail knows of a payout. CONFIRMED, FAILED and RECALLED are its last word."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    RECALLED = "recalled"


class Payout(NamedTuple):
    """What is to be paid.

    Attributes:
        key: Names it for ever.
        amount: A decimal of its currency.
    """

    key: str
    account: int
    currency: str
    amount: str


class PayoutRail(Protocol):
    """Takes payouts, and says in its own time what became of them."""

    async def hand_over(self, payout: Payout) -> None:
        """Take a payout, durably; the same again changes nothing.

        Raises:
            Conflict: `payout.recalled`: it was recalled; `idempotency.mismatch`: another one has this key. It will not be paid.
            Unavailable: It was not taken, or nobody knows.
        """

    async def state(self, key: str) -> PayoutState | None:
        """Return what it knows of a payout; None: nothing.

        Raises:
            Unavailable: It does not answer.
        """

    async def recall(self, key: str) -> PayoutState:
        """Take a payout back, or see to it that one of this key is never taken; return its last word.

        Raises:
            Unavailable: It does not answer; it may be recalled.
        """


class OperatedRail(PayoutRail, Protocol):
    """A rail whose word a person says."""

    async def settle(self, key: str, *, paid: bool) -> None:
        """Say the last word; the same again changes nothing.

        Raises:
            NotFound: `payout.not_found`: nothing of this key was handed over.
            Conflict: `payout.settled`: there is another last word.
            Unavailable: It was not written.
        """
