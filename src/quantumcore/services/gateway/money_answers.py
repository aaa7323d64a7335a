"""Transfers and ledger entries as clients read them."""

import msgspec

from quantumcore.contracts.ledger import Entry, TransferView
from quantumcore.services.gateway.codec import rfc3339


class TransferAnswer(msgspec.Struct, frozen=True):
    """A posted transfer."""

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
