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
        value: quantity × value at mark, null without a mark; unrealised = value - cost.
        realised: Over the whole life, gross of fees. fees: paid less rebates. funding: received less paid.
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
