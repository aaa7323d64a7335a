"""Positions (8005): what each account holds of each instrument, what it cost and what it made; exact.

Amounts are decimal text in the settlement currency with 8 places, rounded half-even once, when shown (money.md 5.1).
"""

import msgspec

from quantumcore.contracts.messages import Notice, Request


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """One account's position in one instrument, as its last event left it.

    Attributes:
        quantity: Signed, in the instrument's unit.
        average: cost / quantity / multiplier, null when flat; of an inverse contract the harmonic mean.
        cost: What the open quantity cost; negative for a short.
        currency: The settlement currency: quote of a linear contract, base of an inverse one.
        mark, mark_source, mark_sequence, stale: The price it is valued at (null: none was ever told), "mark" or "trade",
            the sequence that told it, and whether it is older than it may be.
        value: quantity × value at mark, null without a mark; unrealised = value - cost (of an inverse contract the
            other way round).
        realised: Over the whole life, gross of fees. fees: paid less rebates.
        funding, dividends: Received less paid, of funding and borrow fees, and of dividends; no part of realised.
        cycles: How often it has become flat. version: Fills so far, and adjustments.
        sequence: Of the last event that changed it.
    """

    account_id: str
    symbol: str
    contract: str  # linear | inverse | option
    method: str  # average | fifo | lifo | hifo | specific
    quantity: str
    average: str | None
    cost: str
    currency: str
    multiplier: str
    mark: str | None
    mark_source: str | None
    mark_sequence: int
    stale: bool
    value: str | None
    realised: str
    unrealised: str | None
    fees: str
    funding: str
    cycles: int
    version: int
    sequence: int
    dividends: str = "0.00000000"


class Positions(msgspec.Struct, frozen=True):
    """All positions of an account, flat ones too, by symbol, at exactly one sequence."""

    account_id: str
    sequence: int
    positions: list[PositionView]


class GetPositions(Request[Positions], frozen=True, kw_only=True):
    """Unknown account: no positions. `at_least`: wait, at most a second, until that sequence is applied."""

    account: int
    at_least: int = 0


class PositionsMoved(Notice, frozen=True, kw_only=True):
    """Told after the commit of a batch: whose positions changed, up to which sequence."""

    accounts: list[int]
    sequence: int


# ------------------------------------------------------------------------------------------------ one position


class OnePosition(msgspec.Struct, frozen=True):
    """A position at one sequence; None when the account never traded the instrument."""

    account_id: str
    symbol: str
    sequence: int
    position: PositionView | None


class GetPosition(Request[OnePosition], frozen=True, kw_only=True):
    """Of one account in one instrument.

    Raises:
        NotFound: `instrument.not_found`.
        Conflict: `version.mismatch`: `expected_version` is given (not -1) and the position has another (0: never traded).
    """

    account: int
    symbol: str
    at_least: int = 0
    expected_version: int = -1


# ------------------------------------------------------------------------------------------------------ events


class PositionEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all events of a position have.

    Attributes:
        sequence, index: The engine's event. part: Which part of it: a trade that crosses zero closes, then opens.
        version: Of the position afterwards; both parts of a crossing have the same.
        price: Of the trade, the correction or the mark.
    """

    sequence: int
    index: int
    part: int
    version: int
    time_ns: int
    price: str


class Traded(PositionEvent, frozen=True, kw_only=True):
    """What all events that move a quantity have.

    Attributes:
        quantity: Signed, what was added or taken away. fee: Paid less rebates.
        realised: By this event alone.
        trade_id: Of the trade that did it; empty: none did.
        cause: Empty: a trade. Else what corrected one (undone, repriced), taken: it was taken over by another account or from
            one, or which action it was (contracts.actions).
        income: Of an action: what it brought that is no result, a dividend, funding or a fee; else empty.
        ratio: Of an action: "3:2", lots got for lots held; else empty.
        quantity_after, cost_after, realised_after: What stands afterwards.
    """

    quantity: str
    fee: str
    realised: str
    trade_id: str
    quantity_after: str
    cost_after: str
    realised_after: str
    cause: str = ""
    income: str = ""
    ratio: str = ""


class Opened(Traded, frozen=True, kw_only=True, tag="opened"):
    """A flat position has become one. realised is 0, or a loss that a wash sale has disallowed."""


class Increased(Traded, frozen=True, kw_only=True, tag="increased"):
    """More of the same side."""


class Decreased(Traded, frozen=True, kw_only=True, tag="decreased"):
    """Less, and the same side is left."""


class Closed(Traded, frozen=True, kw_only=True, tag="closed"):
    """Flat."""


class Adjusted(Traded, frozen=True, kw_only=True, tag="adjusted"):
    """A trade was corrected: cause `undone` took it back, `repriced` moved its money alone, and trade_id is that trade's. Or an action."""


class PriceUpdated(PositionEvent, frozen=True, kw_only=True, tag="price_updated"):
    """The instrument's mark was told (price 0: taken back); version is 0, for no position changes by it."""


AnyPositionEvent = Opened | Increased | Decreased | Closed | Adjusted | PriceUpdated


class PositionEventPage(msgspec.Struct, frozen=True):
    """Newest first unless asked."""

    items: list[AnyPositionEvent]
    next_cursor: str | None
    sequence: int


class GetPositionEvents(Request[PositionEventPage], frozen=True, kw_only=True):
    """What happened to one position, with the marks of its instrument since it was first opened.

    Raises:
        InvalidCommand: limit or cursor.
        NotFound: `instrument.not_found`.
        Corrupted: `position.segment`: what was put aside has changed since.
    """

    account: int
    symbol: str
    limit: int = 100
    cursor: str = ""
    ascending: bool = False
    at_least: int = 0


# -------------------------------------------------------------------------------------------------------- lots


class LotView(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of one opening trade.

    Attributes:
        opened_by: The opening trade's id; of a position by average the first trade of its cycle.
        traded_ns, held_ns: Trade date, and where the holding period starts (earlier after a wash sale).
        tags: The method it was opened under; `washed` when a disallowed loss is in its cost.
    """

    opened_by: str
    quantity: str
    cost: str
    price: str
    traded_ns: int
    held_ns: int
    tags: list[str]


class Lots(msgspec.Struct, frozen=True):
    """The open lots of a position, in the order in which they came: their quantities and costs sum to the position's."""

    account_id: str
    symbol: str
    sequence: int
    lots: list[LotView]


class GetLots(Request[Lots], frozen=True, kw_only=True):
    """Unknown account, or flat: none.

    Raises:
        NotFound: `instrument.not_found`.
    """

    account: int
    symbol: str
    at_least: int = 0


class LotMethod(msgspec.Struct, frozen=True):
    """How a position counts from the sequence after `sequence` on."""

    account_id: str
    symbol: str
    method: str
    wash_sales: bool
    chosen: list[str]
    sequence: int


class SetLotMethod(Request[LotMethod], frozen=True, kw_only=True):
    """Choose how a position counts; the room's own truth, durable when answered.

    Attributes:
        method: average | fifo | lifo | hifo | specific. It and wash_sales change only while the position is flat.
        wash_sales: A loss beside a purchase within 30 days goes into the cost of what was bought; not by average.
        chosen: With `specific`: the ids of opening trades whose lots go first, in this order; may change at any time.

    Raises:
        InvalidCommand: A method that is none, chosen without `specific`, more than 100 ids, or an id that is no trade's.
        NotFound: `instrument.not_found`.
        Conflict: `position.open`: it is not flat; `version.mismatch`, as GetPosition says.
        Unavailable: `position.capacity`: the room keeps no more choices.
    """

    account: int
    symbol: str
    method: str
    wash_sales: bool = False
    chosen: list[str] = []
    expected_version: int = -1


# ---------------------------------------------------------------------------------------- snapshot and rebuild


class PositionSnapshot(msgspec.Struct, frozen=True):
    """Every position of every account, flat ones too, by account and symbol, as of exactly `cursor`.

    Attributes:
        cursor: Sequence; 0 and no positions when nothing was applied. It never goes back.
        time_ns: UTC, of the event at the cursor.
        digest: SHA-256 over what stands, in hex; two rooms that stand alike have the same.
    """

    cursor: int
    time_ns: int
    digest: str
    positions: list[PositionView]


class GetPositionSnapshot(Request[PositionSnapshot], frozen=True, kw_only=True):
    """Of the whole room.

    Raises:
        Unavailable: `position.capacity`: more positions than one answer holds.
    """

    at_least: int = 0


class PositionsRebuild(msgspec.Struct, frozen=True):
    """How far a rebuild has come.

    Attributes:
        state: none (nobody asked yet), running, equal, different or failed; failed has its reason in `detail`.
        sequence, target: What has been read of the event log, and where it will be compared with what the room has.
        events: Position events made on the way.
        milliseconds: So far, or in all.
        live, rebuilt: Digests, when it has ended.
    """

    state: str
    sequence: int
    target: int
    events: int
    positions: int
    milliseconds: int
    live: str = ""
    rebuilt: str = ""
    detail: str = ""


class RebuildPositions(Request[PositionsRebuild], frozen=True, kw_only=True):
    """Fold the event log anew, from its first event, beside what stands, and compare at one sequence; nothing is replaced.

    Starts it unless it runs and tells how far it is; ask again to follow it. `start` false only asks.
    """

    start: bool = True
