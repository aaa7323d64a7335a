"""Holds by clients (room ledger, 8008): money is set aside, captured many times, amended, released, or over at its time."""

import msgspec

from quantumcore.contracts.ledger import ClientHoldView, TransactionView
from quantumcore.contracts.messages import Request


class PlaceHold(Request[ClientHoldView], frozen=True, kw_only=True):
    """Set an amount aside; the same id with the same body answers as the first time, for ever.

    Attributes:
        hold_id: In the name space of the account.
        expires_ns: UTC nanoseconds; 0: never.

    Raises:
        Conflict: `transfer.insufficient` (limit, actual), `account.frozen`, `account.closed`, `transfer.id_already_failed`,
            `idempotency.mismatch` (the detail names the first field that differs: account, amount, expires_at).
        NotFound: `account.not_found`, `currency.not_found`.
        InvalidCommand: A bad field; `hold.expires_at.bad`: it is not in the future.
    """

    account: int
    hold_id: str
    currency: str
    amount: str
    expires_ns: int = 0


class AmendHold(Request[ClientHoldView], frozen=True, kw_only=True):
    """Let `amount` have been placed in all, what was captured and released of it included: only the difference moves.

    Raises:
        NotFound: `hold.not_found`.
        Conflict: `hold.closed`, `hold.exceeded` (limit: what is open); of an increase as PlaceHold.
        InvalidCommand: amount.
    """

    account: int
    hold_id: str
    amount: str


class ReleaseHold(Request[ClientHoldView], frozen=True, kw_only=True):
    """Give a part of what is open back; without an amount all of it. Sent twice, a part is released twice.

    Raises:
        NotFound: `hold.not_found`.
        Conflict: `hold.closed`, `hold.exceeded` (limit: what is open).
        InvalidCommand: amount.
    """

    account: int
    hold_id: str
    amount: str = ""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Where a part of what is captured goes.

    Attributes:
        account: A customer's number, or 0: the house.
        code: Of the house's chart; of a customer 0, its balance, or 220, its collateral.
    """

    account: int = 0
    code: int = 0
    amount: str


class CapturedHold(msgspec.Struct, frozen=True):
    """The transaction that captured, and the hold afterwards."""

    transaction: TransactionView
    hold: ClientHoldView

    @property
    def sequence(self) -> int:
        """Where both stand in the journal."""
        return self.transaction.sequence


class CaptureHold(Request[CapturedHold], frozen=True, kw_only=True):
    """Take amounts out of a hold, all or none, as one transaction of the house's own ids.

    The same id with the same body answers as the first time, for ever.

    Raises:
        NotFound: `hold.not_found`, `account.not_found` (named).
        Conflict: `hold.closed`, `hold.exceeded` (limit: what is open), `account.frozen`, `account.closed`,
            `transfer.id_already_failed`, `idempotency.mismatch` (the detail names the first field that differs).
        InvalidCommand: A bad field.
    """

    account: int
    hold_id: str
    transaction_id: str
    parts: list[Taken]
    code: int = 1
    effective_date: str = ""
    user_data: str = ""
    text: str = ""
