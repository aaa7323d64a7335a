"""Ledger (8008): accounts, transfers, balances, holds; a double-entry projection that must equal the engine."""

import msgspec

from quantumcore.contracts.messages import Notice, Request

ACCOUNT_STATES = {"open": 1, "frozen": 2, "closed": 3, "reducing": 4}
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
    """A transfer.

    Attributes:
        status: posted; of a withdrawal through a payout rail pending until it is posted, or failed.
    """

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


class ClientHoldView(msgspec.Struct, frozen=True):
    """What a client has set aside: placed = captured + released + open, at any time, amendments included.

    Attributes:
        status: open, or closed: nothing is open of it any more.
        expires_ns: When what is open is released by itself, UTC nanoseconds; 0: never.
        sequence: Of the command that changed it last.
    """

    hold_id: str
    account_id: str
    status: str
    currency: str
    open: str
    placed: str
    captured: str
    released: str
    expires_ns: int
    sequence: int


class Holds(msgspec.Struct, frozen=True):
    """All open holds of an account at one sequence: of its working orders, and of what clients have set aside."""

    account_id: str
    sequence: int
    holds: list[HoldView]
    client_holds: list[ClientHoldView] = []  # msgspec copies it


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


class SignedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a transaction as it is asked for: a debit is positive, a credit negative.

    Attributes:
        account: A customer's number, or 0: the house.
        code: Of the house's chart; of a customer 0, its balance, or 220, its collateral.
    """

    account: int = 0
    code: int = 0
    currency: str
    amount: str


class TransactionLeg(msgspec.Struct, frozen=True):
    """What moved from debit to credit: the house's accounts as their code, customers' as 12:balance or 12:collateral."""

    debit: str
    credit: str
    currency: str
    amount: str


class TransactionView(msgspec.Struct, frozen=True):
    """A posted transaction.

    Attributes:
        effective_date: YYYY-MM-DD; None: the day on which it was posted.
        user_data: 32 hexadecimal digits.
        reverses: The transaction that it takes back.
        corrects: The closed period that it corrects, YYYY-MM-DD.
    """

    transaction_id: str
    code: int
    effective_date: str | None
    user_data: str
    text: str
    reverses: str | None
    legs: list[TransactionLeg]
    status: str
    sequence: int
    time_ns: int
    corrects: str | None = None


class GetTransaction(Request[TransactionView], frozen=True, kw_only=True):
    """By hand, or of the ledger's own; unknown: NotFound `transaction.not_found`."""

    transaction_id: str
    at_least: int = 0


class RecordTransaction(Request[TransactionView], frozen=True, kw_only=True):
    """Post signed entries as one group: all or none. The same id with the same body answers the same, for ever.

    Debits and credits of each currency are paired greedily in the order given: n entries are at most n - 1 transfers, and
    those at most 100.

    Attributes:
        corrects: The closed period that it corrects, YYYY-MM-DD; it is carried in the user data, so that must be empty.
        two_persons: Whoever asks has the signatures of two, so that a balance may go below its credit.

    Raises:
        InvalidCommand: `ledger.unbalanced`: fewer than two entries, or a currency that does not sum to 0; a bad field.
        NotFound: `account.not_found` (named), `currency.not_found`, `period.not_found`.
        Conflict: `period.closed`: it is effective on a closed day; `transfer.insufficient`, `account.frozen`, `account.closed`, `transfer.id_already_failed`,
            `idempotency.mismatch` (the detail names the first field that differs).
    """

    transaction_id: str
    entries: list[SignedEntry]
    code: int = 1
    effective_date: str = ""
    user_data: str = ""
    text: str = ""
    corrects: str = ""
    two_persons: bool = False


class ReverseTransaction(Request[TransactionView], frozen=True, kw_only=True):
    """Post the mirror of a transaction, as the tables have it; one that is reversed already answers its first reversal.

    It is effective when it is posted. If the original is effective in a closed period, it corrects that one.

    Attributes:
        reversal_id: The id of the new transaction; empty: made from the original's sequence.

    Raises:
        NotFound: `transaction.not_found`.
        Conflict, InvalidCommand: As RecordTransaction.
    """

    transaction_id: str
    reversal_id: str = ""
    code: int = 1
    text: str = ""
    two_persons: bool = False


class AccountState(msgspec.Struct, frozen=True):
    """open, frozen (no debits, no new orders) or closed."""

    account_id: str
    state: str
    sequence: int


class SetAccountState(Request[AccountState], frozen=True, kw_only=True):
    """state: open, frozen or closed.

    Raises:
        NotFound: `account.not_found`.
        Conflict: `account.not_empty`: it has working orders or a balance, so it cannot be closed.
    """

    account: int
    state: str


class CreditLimit(msgspec.Struct, frozen=True):
    """How far below zero a balance may go, and what is available now; below zero: more is used than the limit allows."""

    account_id: str
    currency: str
    limit: str
    available: str
    sequence: int


class SetCreditLimit(Request[CreditLimit], frozen=True, kw_only=True):
    """limit is a decimal of at least 0.

    Raises:
        NotFound: `account.not_found`, `currency.not_found`.
        InvalidCommand: limit; `order.amount.overflow`: deposits and limits of the currency would pass 63 bits.
    """

    account: int
    currency: str
    limit: str


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
    as_of: str | None = None


class GetTrialBalance(Request[TrialBalance], frozen=True, kw_only=True):
    """The whole house, as it stands, or as it stood at sequence `as_known`: asked again, the same answer.

    Attributes:
        as_of: What is effective up to the end of this day, YYYY-MM-DD, alone. In a closed period nothing after the closing counts, so
            without `as_known` too it is the same answer for ever.

    Raises:
        InvalidCommand: `statement.range.future`: that sequence has not been entered yet; as_of.
    """

    as_of: str = ""
    as_known: int = 0
    at_least: int = 0


class Difference(msgspec.Struct, frozen=True):
    """Where ledger and engine part: minor units; of a state its name, and no currency."""

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
    """Compare every balance, hold, credit limit and state with the engine's at one sequence."""


class LedgerMoved(Notice, frozen=True, kw_only=True):
    """Told after the commit of a batch: whose balances changed."""

    accounts: list[int]
    sequence: int
