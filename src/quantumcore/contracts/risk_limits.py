"""Risk (8004), what accounts may do: limits that people set, and what the engine enforces."""

import msgspec

from quantumcore.contracts.messages import Done, Request
from quantumcore.contracts.risk import LimitUse


class LimitRecord(msgspec.Struct, frozen=True):
    """One number of a record of the engine that applies to an account (docs/reference/engine.md, Limits).

    Attributes:
        name: open_orders, open_each, order_quantity, long, short, order_value, open_value.
        scope: venue, account or instrument; symbol: of which instrument, null: of every one. currency: Of a value.
        value: A quantity of the symbol, lots where there is none; a count; money. sequence: Since when.
    """

    name: str
    scope: str
    symbol: str | None
    currency: str | None
    value: str
    sequence: int


class Limits(msgspec.Struct, frozen=True):
    """What the engine enforces of an account, and how much of it is used; records of firms and groups are not shown."""

    account_id: str
    sequence: int
    killed: bool
    kill_mode: str | None
    limits: list[LimitUse]
    records: list[LimitRecord]


class GetLimits(Request[Limits], frozen=True, kw_only=True):
    """Of an account; of one symbol, if it is named.

    Raises:
        NotFound: `account.not_found`.
    """

    account: int
    symbol: str = ""
    at_least: int = 0
    request_id: str = ""


class LimitChange(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody set, and what became of it; kept for ever.

    Attributes:
        state: asked: written down, and on its way; standing; replaced by a later one; reverted at its expiry; refused: code says why.
        given, before: The numbers as they were set, and as they stood.
        expires_ns: When what stood before comes back; 0: never.
        sequence: Of the command that set it; 0: not yet.
    """

    number: int
    account_id: str
    symbol: str | None
    currency: str | None
    state: str
    given: dict[str, int]
    before: dict[str, int]
    who: str
    reason: str
    time_ns: int
    expires_ns: int
    sequence: int
    code: str


class SetAccountLimits(Request[LimitChange], frozen=True, kw_only=True):
    """Replace the records of an account, or of an account in a symbol; what is None is not set there any more.

    Attributes:
        symbol: "": of the account, whatever it trades: max_open_orders, max_open_each, and values in `currency`, if that is
            given. With a symbol: all but max_open_orders, values in its quote.
        max_order_quantity, max_long, max_short: Decimals of the symbol. max_order_value, max_open_value: Decimals of money.
        expires_ns: When what stands now comes back by itself; 0: never.

    Raises:
        Forbidden: `approval.required`: the venue asks for a second person (setting `four_eyes`): propose it.
        NotFound: `account.not_found`, `instrument.not_found`, `currency.not_found`.
        InvalidCommand: A bound, an expiry in the past, reason, who.
        Unavailable, OutcomeUnknown: It is written down, and is done as soon as it can be; the same again replaces it.
    """

    account: int
    symbol: str = ""
    currency: str = ""
    max_open_orders: int | None = None
    max_open_each: int | None = None
    max_order_quantity: str | None = None
    max_long: str | None = None
    max_short: str | None = None
    max_order_value: str | None = None
    max_open_value: str | None = None
    who: str
    reason: str
    expires_ns: int = 0


class SetLimitsByTwo(Request[LimitChange], frozen=True, kw_only=True):
    """The same, which two persons have decided: asked by the room that keeps proposals, and by nobody else."""

    asked: SetAccountLimits


class CheckAccountLimits(Request[Done], frozen=True, kw_only=True):
    """Say what is wrong with what somebody wants to propose; nothing else happens. Raises as SetAccountLimits."""

    asked: SetAccountLimits


class LimitChanges(msgspec.Struct, frozen=True):
    """Newest first."""

    items: list[LimitChange]
    next_cursor: str | None


class GetLimitChanges(Request[LimitChanges], frozen=True, kw_only=True):
    """Of all accounts, or of one (0: all).

    Raises:
        InvalidCommand: limit or cursor.
    """

    account: int = 0
    limit: int = 100
    cursor: str = ""
