"""What the risk room says of margin of the engine as clients read it: times as text."""

import msgspec

from quantumcore.contracts.risk_margin import LiquidationOrder, LiquidationStep, LiquidationTaking, MarginView
from quantumcore.services.gateway.codec import rfc3339


class MarginStandingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How an account stands in a currency, by the engine; money in that currency.

    Attributes:
        equity, initial, maintenance: Null while a mark or an array is too old (`stale`), or a number too large.
        use: initial / equity. rung: none, warn, cancel, partial, full or fund.
        day_opening, day_deposits, day_result, day_peak: Null without an open day; `loss`, `drawdown`: its limits that are reached.
        assessed: When it was last assessed; null: never.
    """

    currency: str
    profile: str
    equity: str | None
    initial: str | None
    maintenance: str | None
    use: str | None
    rung: str
    day_opening: str | None
    day_deposits: str | None
    day_result: str | None
    day_peak: str | None
    stale: bool
    too_large: bool
    loss: bool
    drawdown: bool
    sequence: int
    assessed: str | None


class LiquidationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a liquidation, and the numbers that caused it, in minor units.

    Attributes:
        episode: The sequence of the assessment that began it. attempt: Of this step, from 1. assessed: What caused it.
        rung: partial, full, fund or deleverage; a lower one ends it.
        fund, floor: What the insurance fund was worth, and what it may not come below; null: it was not asked.
        taken: What was to go to the fund or the other side. paid: What the fund was to pay for debts alone; null: nothing.
        status: asked, done, or dropped: its orders never reached the engine. filled: Lots; null: nobody has told.
    """

    number: int
    account_id: str
    currency: str
    episode: int
    attempt: int
    rung: str
    assessed: int
    equity: int
    initial: int
    maintenance: int
    failed: int
    fund: int | None
    floor: int | None
    orders: list[LiquidationOrder]
    taken: list[LiquidationTaking]
    paid: str | None
    status: str
    filled: int | None
    time: str
    sequence: int | None


class LiquidationsAnswer(msgspec.Struct, frozen=True):
    """A page of steps, newest first."""

    items: list[LiquidationAnswer]
    next_cursor: str | None


def standing(one: MarginView) -> MarginStandingAnswer:
    """Return how an account stands in a currency."""
    fields = msgspec.structs.asdict(one)
    assessed = fields.pop("assessed_ns")
    return MarginStandingAnswer(**fields, assessed=rfc3339(assessed) if assessed else None)


def liquidation(one: LiquidationStep) -> LiquidationAnswer:
    """Return a step of a liquidation."""
    fields = msgspec.structs.asdict(one)
    status, time_ns, sequence = (fields.pop(name) for name in ("state", "time_ns", "sequence"))
    return LiquidationAnswer(**fields, status=status, time=rfc3339(time_ns), sequence=sequence or None)
