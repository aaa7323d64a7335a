"""Transfers and ledger entries as clients read them."""

import msgspec

from quantumcore.contracts.ledger import ClientHoldView, Entry, Holds, HoldView, TransferView
from quantumcore.contracts.ledger_reports import (
    GeneralLedger,
    GeneralLine,
    Income,
    IncomeLine,
    LedgerLine,
    ReconciliationView,
    StatementBalance,
)
from quantumcore.services.gateway.codec import rfc3339

_RANGE = {"begin": "from", "end": "to"}


class TransferAnswer(msgspec.Struct, frozen=True):
    """A transfer; of a withdrawal through a payout rail the status is pending until it is posted, or failed."""

    transfer_id: str
    status: str
    sequence: int
    kind: str
    account_id: str
    to_account_id: str | None
    currency: str
    amount: str
    time: str


class EntryAnswer(msgspec.Struct, frozen=True):
    """One leg of a posting."""

    sequence: int
    index: int
    leg: int
    code: str
    debit: str
    credit: str
    currency: str
    amount: str
    reference: str
    time: str


class EntryPageAnswer(msgspec.Struct, frozen=True):
    """A page of ledger entries."""

    items: list[EntryAnswer]
    next_cursor: str | None
    sequence: int


class ClientHoldAnswer(msgspec.Struct, frozen=True):
    """What a client has set aside: placed = captured + released + open."""

    hold_id: str
    account_id: str
    status: str
    sequence: int
    currency: str
    open: str
    placed: str
    captured: str
    released: str
    expires_at: str | None


class HoldsAnswer(msgspec.Struct, frozen=True):
    """All open holds of an account, oldest first: of its working orders, and of what clients have set aside."""

    account_id: str
    sequence: int
    holds: list[HoldView]
    client_holds: list[ClientHoldAnswer]


def client_hold(one: ClientHoldView) -> ClientHoldAnswer:
    """Return a client's hold."""
    return ClientHoldAnswer(
        one.hold_id,
        one.account_id,
        one.status,
        one.sequence,
        one.currency,
        one.open,
        one.placed,
        one.captured,
        one.released,
        rfc3339(one.expires_ns) if one.expires_ns else None,
    )


def holds(found: Holds) -> HoldsAnswer:
    """Return the open holds of an account."""
    return HoldsAnswer(found.account_id, found.sequence, found.holds, [client_hold(one) for one in found.client_holds])


def transfer(one: TransferView) -> TransferAnswer:
    """Return a transfer."""
    return TransferAnswer(
        one.transfer_id,
        one.status,
        one.sequence,
        one.kind,
        one.account_id,
        one.to_account_id,
        one.currency,
        one.amount,
        rfc3339(one.time_ns),
    )


def entry(one: Entry) -> EntryAnswer:
    """Return a ledger entry."""
    return EntryAnswer(
        one.sequence,
        one.index,
        one.leg,
        one.code,
        one.debit,
        one.credit,
        one.currency,
        one.amount,
        one.reference,
        rfc3339(one.time_ns),
    )


class StatementAnswer(msgspec.Struct, frozen=True, kw_only=True, rename=_RANGE):
    """A whole report: opening + lines = closing in every currency; sequences from (inclusive) to (exclusive).

    Attributes:
        account_id, code: What it is about, one of them.
        complete: True, and the last thing in it.
    """

    account_id: str | msgspec.UnsetType = msgspec.UNSET
    code: str | msgspec.UnsetType = msgspec.UNSET
    begin: int
    end: int
    as_known: int
    opening: list[StatementBalance]
    lines: list[LedgerLine]
    closing: list[StatementBalance]
    complete: bool


class GeneralAnswer(msgspec.Struct, frozen=True, rename=_RANGE):
    """Every account code by currency; sequences from (inclusive) to (exclusive)."""

    begin: int
    end: int
    as_known: int
    lines: list[GeneralLine]


class IncomeAnswer(msgspec.Struct, frozen=True, rename=_RANGE):
    """Income by currency; sequences from (inclusive) to (exclusive)."""

    begin: int
    end: int
    as_known: int
    lines: list[IncomeLine]


class BreakAnswer(msgspec.Struct, frozen=True):
    """Where two records of one fact part."""

    account_id: str
    currency: str
    what: str
    ledger: str
    other: str
    against: str
    since: str
    age_s: int


class ReconciliationAnswer(msgspec.Struct, frozen=True):
    """The last round of comparisons; no breaks: everything agrees to the last unit."""

    sequence: int
    at: str | None
    rounds: int
    skipped: int
    accounts: int
    trades: int
    positions: str
    breaks: list[BreakAnswer]


def general(one: GeneralLedger) -> GeneralAnswer:
    """Return a general ledger."""
    return GeneralAnswer(one.begin, one.end, one.as_known, one.lines)


def income(one: Income) -> IncomeAnswer:
    """Return an income."""
    return IncomeAnswer(one.begin, one.end, one.as_known, one.lines)


def reconciliation(one: ReconciliationView) -> ReconciliationAnswer:
    """Return what the last round has found."""
    breaks = [
        BreakAnswer(
            found.account_id,
            found.currency,
            found.what,
            found.ledger,
            found.other,
            found.against,
            rfc3339(found.since_ns),
            found.age_s,
        )
        for found in one.breaks
    ]
    at = rfc3339(one.at_ns) if one.at_ns else None
    return ReconciliationAnswer(
        one.sequence, at, one.rounds, one.skipped, one.accounts, one.trades, one.positions, breaks
    )
