"""Ledger (8008): accounts, transfers, balances, holds; a double-entry projection that must equal the engine."""

import msgspec

from quantumcore.contracts.messages import Notice, Request

TRANSFER_KINDS = {"deposit": 1, "withdrawal": 2, "transfer": 3}


class AccountView(msgspec.Struct, frozen=True):
    """One account."""

    account_id: str
    owner: str
    sequence: int


class OpenAccount(Request[AccountView], frozen=True, kw_only=True):
    """Open account number `account` for the user `owner` (UUID text); the same again answers the same."""

    account: int
    owner: str


class TransferView(msgspec.Struct, frozen=True):
    """A posted transfer."""

    transfer_id: str
    kind: str
    account_id: str
    to_account_id: str | None
    currency: str
    amount: str
    status: str
    sequence: int
    time_ns: int


class MakeTransfer(Request[TransferView], frozen=True, kw_only=True):
    """kind: deposit, withdrawal or transfer. The same transfer_id with the same body answers the same.

    Raises:
        Conflict: `transfer.insufficient` (limit, actual), `transfer.id_already_failed`, `idempotency.mismatch`.
        NotFound: `account.not_found`, `currency.not_found`.
        InvalidCommand: amount with more places than the currency, zero or negative.
    """

    transfer_id: str
    kind: str
    account: int
    to_account: int = 0
    currency: str
    amount: str


class GetTransfer(Request[TransferView], frozen=True, kw_only=True):
    """By (account, transfer_id); unknown: NotFound `transfer.not_found`."""

    account: int
    transfer_id: str
    at_least: int = 0


class Balance(msgspec.Struct, frozen=True):
    """available = total - held + credit; collateral is put aside and no part of total."""

    currency: str
    total: str
    held: str
    available: str
    credit: str = "0"
    collateral: str = "0"


class Balances(msgspec.Struct, frozen=True):
    """All balances of an account at one sequence."""

    account_id: str
    sequence: int
    balances: list[Balance]


class GetBalances(Request[Balances], frozen=True, kw_only=True):
    """Unknown account: NotFound `account.not_found`."""

    account: int
    at_least: int = 0


class HoldView(msgspec.Struct, frozen=True):
    """What one working order reserves."""

    order_id: str
    currency: str
    open: str
    placed: str
    captured: str
    released: str


class Holds(msgspec.Struct, frozen=True):
    """All open holds of an account at one sequence."""

    account_id: str
    sequence: int
    holds: list[HoldView]


class GetHolds(Request[Holds], frozen=True, kw_only=True):
    """Open holds, oldest first."""

    account: int
    at_least: int = 0


class Entry(msgspec.Struct, frozen=True):
    """One leg of a posting: debit -> credit, minor units shown as decimal."""

    sequence: int
    index: int
    leg: int
    code: str
    debit: str
    credit: str
    currency: str
    amount: str
    reference: str
    time_ns: int


class EntryPage(msgspec.Struct, frozen=True):
    """Newest first unless asked."""

    items: list[Entry]
    next_cursor: str | None
    sequence: int


class GetEntries(Request[EntryPage], frozen=True, kw_only=True):
    """An account's ledger entries."""

    account: int
    currency: str = ""
    limit: int = 100
    cursor: str = ""
    ascending: bool = False
    at_least: int = 0


class TrialLine(msgspec.Struct, frozen=True):
    """One ledger account code's sums in one currency."""

    code: str
    name: str
    currency: str
    debits: str
    credits: str
    balance: str


class TrialBalance(msgspec.Struct, frozen=True):
    """Debits equal credits per currency, at `sequence`."""

    sequence: int
    lines: list[TrialLine]
    balanced: bool


class GetTrialBalance(Request[TrialBalance], frozen=True, kw_only=True):
    """The whole house."""

    at_least: int = 0


class Difference(msgspec.Struct, frozen=True):
    """Where ledger and engine part: minor units."""

    account_id: str
    currency: str
    what: str
    ledger: str
    engine: str


class Reconciliation(msgspec.Struct, frozen=True):
    """differences is empty when the ledger equals the engine at `sequence`."""

    sequence: int
    accounts: int
    differences: list[Difference]


class Reconcile(Request[Reconciliation], frozen=True, kw_only=True):
    """Compare every balance and hold with the engine's at one sequence."""


class LedgerMoved(Notice, frozen=True, kw_only=True):
    """Told after the commit of a batch: whose balances changed."""

    accounts: list[int]
    sequence: int
