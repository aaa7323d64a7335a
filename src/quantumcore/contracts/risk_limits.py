"""Risk (8004), what accounts may do: limits that people set, and what the engine enforces."""

import msgspec

from quantumcore.contracts.messages import Done, Request
from quantumcore.contracts.risk import LimitUse


class LimitRecord(msgspec.Struct, frozen=True):
    """One number of a record of the engine that applies to an account (docs/reference/engine.md, Limits).

    Attributes:
        name: open_orders, open_each, order_quantity, long, short, interest_share, volume_share, order_value, open_value, credit; and
            what shares are of, of an instrument: open_interest, daily_volume.
        scope: venue, firm, group, account or instrument; symbol: of which instrument, null: of every one. currency: Of a value.
        value: A quantity of the symbol, lots where there is none; a count; a share; money. sequence: Since when.
    """

    name: str
    scope: str
    symbol: str | None
    currency: str | None
    value: str
    sequence: int


class Limits(msgspec.Struct, frozen=True):
    """What the engine enforces of an account, and how much of it is used; of its firm's and its group's the records alone (GetLevelLimits has their use)."""

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


class LevelLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What stands of one level, whoever it applies to.

    Attributes:
        scope: venue, firm, group or instrument. firm, group, symbol: Which one; null: the scope has none.
        accounts: How many are of the firm or the group; null: of another scope.
        limits: How much they use of it together: of a group by instrument, where something is used; of a firm what works
            (`open_value`) and what it has drawn (`credit`), by currency. Null: of another scope, whose limits are of each account
            by itself; or there are more than 10,000 accounts or 100,000 working orders.
    """

    scope: str
    firm: int | None = None
    group: int | None = None
    symbol: str | None = None
    sequence: int
    records: list[LimitRecord]
    accounts: int | None = None
    limits: list[LimitUse] | None = None


class GetLevelLimits(Request[LevelLimits], frozen=True, kw_only=True):
    """Of a firm, a group or an instrument; nothing is named: of the venue.

    Raises:
        NotFound: `instrument.not_found`.
        InvalidCommand: A number of more than 32 bits, or more than one that is named.
    """

    firm: int = 0
    group: int = 0
    symbol: str = ""


class LimitChange(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody set, and what became of it; kept for ever.

    Attributes:
        scope: venue, firm, group, account or instrument. account_id, firm, group, symbol: Which one; a symbol with an account: there.
        state: asked: written down, and on its way; standing; replaced by a later one; reverted at its expiry; refused: code says why.
        given, before: The numbers as they were set, and as they stood.
        expires_ns: When what stood before comes back; 0: never.
        sequence: Of the command that set it; 0: not yet.
    """

    number: int
    scope: str
    account_id: str | None = None
    firm: int | None = None
    group: int | None = None
    symbol: str | None = None
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


class SetLimits(Request[LimitChange], frozen=True, kw_only=True):
    """Replace the records of one level; what is None is not set there any more. Nothing is named: of the venue.

    Attributes:
        account: max_open_orders, max_open_each, shares, and values in `currency`, if that is given. With a symbol: as symbol, of the account there.
        firm: Of all its accounts together: values in `currency`, which begins the count of `credit` anew.
        group: Of all its accounts together, in each instrument: max_open_each, shares, quantities in lots.
        symbol: Of each account there: all but max_open_orders and credit, values in its quote.
        currency: Of values; of the venue and an account "" leaves them as they are.
        max_order_quantity, max_long, max_short: Decimals of the symbol; without one whole lots. max_order_value, max_open_value, credit:
            Decimals of money. The venue has all but credit.
        max_interest_share, max_volume_share: Of the open interest and the daily volume of what is traded, how much a position may
            come to: over 0, at most 1,000, 6 places.
        expires_ns: When what stands now comes back by itself; 0: never.

    Raises:
        Forbidden: `approval.required`: the venue asks for a second person (setting `four_eyes`): propose it.
        NotFound: `account.not_found`, `instrument.not_found`, `currency.not_found`.
        InvalidCommand: A limit that the level does not have, a bound, an expiry in the past, reason, who.
        Unavailable, OutcomeUnknown: It is written down, and is done as soon as it can be; the same again replaces it.
    """

    account: int = 0
    firm: int = 0
    group: int = 0
    symbol: str = ""
    currency: str = ""
    max_open_orders: int | None = None
    max_open_each: int | None = None
    max_order_quantity: str | None = None
    max_long: str | None = None
    max_short: str | None = None
    max_interest_share: str | None = None
    max_volume_share: str | None = None
    max_order_value: str | None = None
    max_open_value: str | None = None
    credit: str | None = None
    who: str
    reason: str
    expires_ns: int = 0


class SetLimitsByTwo(Request[LimitChange], frozen=True, kw_only=True):
    """The same, which two persons have decided: asked by the room that keeps proposals, and by nobody else."""

    asked: SetLimits


class CheckLimits(Request[Done], frozen=True, kw_only=True):
    """Say what is wrong with what somebody wants to propose; nothing else happens. Raises as SetLimits."""

    asked: SetLimits


class LimitChanges(msgspec.Struct, frozen=True):
    """Newest first."""

    items: list[LimitChange]
    next_cursor: str | None


class GetLimitChanges(Request[LimitChanges], frozen=True, kw_only=True):
    """Of every level, or of one account (0: all).

    Raises:
        InvalidCommand: limit or cursor.
    """

    account: int = 0
    limit: int = 100
    cursor: str = ""
