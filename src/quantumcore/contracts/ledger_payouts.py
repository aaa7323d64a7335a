"""Withdrawals through a payout rail (room ledger, 8008): money is held, handed over, and captured when the rail has paid."""

import msgspec

from quantumcore.contracts.messages import Notice, Request


class PayoutView(msgspec.Struct, frozen=True, kw_only=True):
    """A withdrawal on its way.

    Attributes:
        payout_id: The rail's idempotency key, and the hold's id.
        fee: What the house takes beside the amount when it is paid.
        status: running, compensating, done, failed (as if it had never been asked for), or needs_human.
        step: hold, hand_over, await_word or capture: what it does now, or takes back.
        reason: Why it does not go forward; empty while it does.
        deadline_ns: Until when the rail may say its word, UTC nanoseconds.
        sequence: Of the engine's last command about it; 0: there was none.
    """

    payout_id: str
    transfer_id: str
    account_id: str
    currency: str
    amount: str
    fee: str
    status: str
    step: str
    reason: str
    started_ns: int
    deadline_ns: int
    sequence: int


class Payouts(msgspec.Struct, frozen=True):
    """A page of withdrawals."""

    items: list[PayoutView]


class GetPayouts(Request[Payouts], frozen=True, kw_only=True):
    """What is under way or needs a person, the oldest first, at most `limit` (1 to 1,000)."""

    limit: int = 100


class SettlePayout(Request[PayoutView], frozen=True, kw_only=True):
    """Say for a rail that a person operates whether it has paid; the same word again changes nothing.

    Raises:
        NotFound: `payout.not_found`: nothing of this id was handed over.
        Conflict: `payout.settled`: another word was said before, or it was recalled (actual).
    """

    payout_id: str
    paid: bool


class RetryPayout(Request[PayoutView], frozen=True, kw_only=True):
    """Let one that needs a person go on where it stood.

    Attributes:
        by_hand: What was left was done by hand: it ends as done.

    Raises:
        NotFound: `payout.not_found`.
        Conflict: `payout.not_stuck`: it goes on by itself, or has ended.
    """

    payout_id: str
    by_hand: bool = False


class SagaStepDone(Notice, frozen=True, kw_only=True):
    """One step of a withdrawal, or its compensation, has had an answer; told at least once, in the order in which they happened.

    Attributes:
        outcome: done, waits, refused, lost (no answer, it may have happened) or paid (too late to recall).
        compensated: The step was taken back, not done.
        status: Of the withdrawal afterwards.
    """

    payout_id: str
    account: int
    transfer_id: str
    step: str
    outcome: str
    compensated: bool
    status: str
    reason: str
    time_ns: int
