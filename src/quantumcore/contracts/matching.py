"""Matching (8003): the sequencer in front of the engine. It owns the journal; all else follows from it."""

import msgspec

from quantumcore.contracts.margin import MarginStanding
from quantumcore.contracts.messages import Done, Request


class Sequenced(msgspec.Struct, frozen=True):
    """One command's outcome, durable.

    Attributes:
        events: The events of this command alone (contracts.wire.decode_events).
    """

    sequence: int
    time_ns: int
    events: bytes


class Sequence(Request[Sequenced], frozen=True, kw_only=True):
    """Put one engine command (contracts.wire bytes) into the journal and the engine.

    Answered when it is durable. Cancels have their own places in the inbox, so that a full house can still be left.

    Raises:
        Unavailable: `overloaded` (inbox full), `halted` (shard stopped), `journal.full`; nothing happened.
        OutcomeUnknown: The deadline passed after it was taken in.
    """

    command: bytes
    cancel: bool = False


class SequencedBatch(msgspec.Struct, frozen=True):
    """The outcomes in the order of the commands."""

    outcomes: list[Sequenced]


class SequenceBatch(Request[SequencedBatch], frozen=True, kw_only=True):
    """Several commands, stepped one after the other with none in between; all taken in or none."""

    commands: list[bytes]


class EngineStatus(msgspec.Struct, frozen=True):
    """Where the shard stands. state_hash is 16 hex digits; journal_sequence is what is durable."""

    shard: int
    epoch: int
    sequence: int
    journal_sequence: int
    state_hash: str
    open_orders: int
    inbox: int
    halted: bool
    reason: str = ""


class GetEngineStatus(Request[EngineStatus], frozen=True, kw_only=True):
    """Sequence, hash and depth of the shard."""


class EngineBalance(msgspec.Struct, frozen=True):
    """Minor units; collateral is no part of total, and limit is how far below zero the balance may go."""

    currency: int
    total: int
    held: int
    collateral: int = 0
    limit: int = 0


class EngineAccount(msgspec.Struct, frozen=True):
    """One account's balances at one sequence; state as in contracts.ledger.ACCOUNT_STATES, 0: there is no such account."""

    account: int
    sequence: int
    balances: list[EngineBalance]
    state: int = 1


class GetEngineAccount(Request[EngineAccount], frozen=True, kw_only=True):
    """The engine's own balances.

    Raises:
        NotFound: `account.not_found`.
    """

    account: int


class EngineAccounts(msgspec.Struct, frozen=True):
    """Accounts at one sequence, in the order in which they were asked for."""

    sequence: int
    accounts: list[EngineAccount]


class GetEngineAccounts(Request[EngineAccounts], frozen=True, kw_only=True):
    """What the engine says of at most MOST_ACCOUNTS accounts (the ledger proves its projection against it).

    Raises:
        InvalidCommand: More are asked for; nothing is answered.
    """

    accounts: list[int]


MOST_ACCOUNTS = 100
"""They are looked up on the engine's thread, between two batches."""


class HouseAccount(msgspec.Struct, frozen=True):
    """One account of the house's chart, minor units in its own nature; 220: what all customers have put aside."""

    code: int
    balance: int


class HouseTotal(msgspec.Struct, frozen=True):
    """Sums over a currency in minor units: customers + fees - rebates + rounding + others = deposited."""

    currency: int
    customers: int
    held: int
    fees: int
    rebates: int
    rounding: int
    deposited: int
    others: list[HouseAccount] = []  # msgspec copies it


class EngineMargin(msgspec.Struct, frozen=True):
    """How an account stands on margin at one sequence, in the order of the currencies that were asked for."""

    sequence: int
    standings: list[MarginStanding]


class GetEngineMargin(Request[EngineMargin], frozen=True, kw_only=True):
    """The engine's own numbers of an account in at most MOST_CURRENCIES currencies; zeros where one of the two is unknown.

    Raises:
        InvalidCommand: More are asked for; nothing is answered.
    """

    account: int
    currencies: list[int]


MOST_CURRENCIES = 100
"""They are looked up on the engine's thread, between two batches."""


class EngineTotals(msgspec.Struct, frozen=True):
    """Every currency's sums at one sequence."""

    sequence: int
    totals: list[HouseTotal]


class GetEngineTotals(Request[EngineTotals], frozen=True, kw_only=True):
    """The sums that must balance."""


class EngineHold(msgspec.Struct, frozen=True):
    """An open hold of a client, minor units; sequence: of the command that placed it."""

    sequence: int
    account: int
    currency: int
    placed: int
    captured: int
    released: int


class EngineHolds(msgspec.Struct, frozen=True):
    """The open ones of a page of holds, in the order of placing.

    Attributes:
        sequence: The engine's.
        following: Where the next page begins; 0: this was the last.
    """

    sequence: int
    holds: list[EngineHold]
    following: int


class GetEngineHolds(Request[EngineHolds], frozen=True, kw_only=True):
    """The engine's own holds of clients, a page of those ever placed, from the `first` (0: the oldest)."""

    first: int = 0


class TakeSnapshot(Request[Done], frozen=True, kw_only=True):
    """Write a snapshot of the engine now."""


class QueueAhead(msgspec.Struct, frozen=True):
    """What trades before one order on its side of the shown book, in orders and lots; orders -1: it is in no book.

    Attributes:
        price: Its own, in ticks.
    """

    sequence: int
    price: int
    orders: int
    quantity: int


class GetQueueAhead(Request[QueueAhead], frozen=True, kw_only=True):
    """Of a working order; one that does not work: NotFound `order.not_found`."""

    order_sequence: int
    order_slot: int


class SessionEnd(msgspec.Struct, frozen=True):
    """The instant at which the session of a date ends, UTC nanoseconds."""

    time_ns: int


class GetSessionEnd(Request[SessionEnd], frozen=True, kw_only=True):
    """Of a symbol on a date (YYYY-MM-DD) by its calendar; what trades around the clock ends a date at midnight UTC.

    Raises:
        InvalidCommand: No date, or no session on it.
        NotFound: `instrument.not_found`.
    """

    symbol: str
    date: str


class SubmissionPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a submission would do, in ticks, lots and minor units (docs/reference/engine.md section 16).

    Attributes:
        sequence: The engine's last one.
        reason, scope: Numbers as in OrderRejected; reason 0: it is not refused.
        limit, actual: Decimals, in the units of the outside world.
        first_sequence, first_slot: The order that has its client id; 0: none has.
        trades: (ticks, lots) by price.
        left, cancelled: Lots that rest or wait afterwards; the reason of OrderCancelled for the others, or 0.
    """

    sequence: int
    reason: int
    scope: int
    limit: str
    actual: str
    first_sequence: int
    first_slot: int
    price: int
    quantity: int
    hold: int
    hold_currency: int
    waits: bool
    left: int
    cancelled: int
    trades: list[tuple[int, int]]
    amount: int
    fee: int
    complete: bool


class PreviewSubmission(Request[SubmissionPreview], frozen=True, kw_only=True):
    """Ask what one SubmitOrder or SubmitAdvancedOrder (contracts.wire bytes) would do as the next command; its id may be empty.

    Raises:
        InvalidCommand: It is no single submission.
    """

    command: bytes
