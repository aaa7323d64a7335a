"""Position events and lots as clients read them."""

import msgspec

from quantumcore.contracts.positions import AnyPositionEvent, LotView, PriceUpdated
from quantumcore.services.gateway.codec import rfc3339


class PositionEventAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One event: type is opened, increased, decreased, closed, adjusted or price_updated; of the last only the price is told."""

    type: str
    sequence: int
    index: int
    part: int
    version: int
    time: str
    price: str
    quantity: str | None
    fee: str | None
    realised: str | None
    trade_id: str | None
    income: str | None
    ratio: str | None
    quantity_after: str | None
    cost_after: str | None
    realised_after: str | None
    cause: str | None


class PositionEventsAnswer(msgspec.Struct, frozen=True):
    """A page of what happened to a position."""

    items: list[PositionEventAnswer]
    next_cursor: str | None
    sequence: int


class LotAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of one opening trade."""

    opened_by: str
    quantity: str
    cost: str
    price: str
    traded: str
    held_since: str
    tags: list[str]


class LotsAnswer(msgspec.Struct, frozen=True):
    """The open lots of a position, in the order in which they came."""

    account_id: str
    symbol: str
    sequence: int
    lots: list[LotAnswer]


def event(one: AnyPositionEvent) -> PositionEventAnswer:
    """Return a position event."""
    moves = None if isinstance(one, PriceUpdated) else one
    return PositionEventAnswer(
        type=str(one.__struct_config__.tag),
        sequence=one.sequence,
        index=one.index,
        part=one.part,
        version=one.version,
        time=rfc3339(one.time_ns),
        price=one.price,
        quantity=moves.quantity if moves else None,
        fee=moves.fee if moves else None,
        realised=moves.realised if moves else None,
        trade_id=(moves.trade_id or None) if moves else None,
        income=(moves.income or None) if moves else None,
        ratio=(moves.ratio or None) if moves else None,
        quantity_after=moves.quantity_after if moves else None,
        cost_after=moves.cost_after if moves else None,
        realised_after=moves.realised_after if moves else None,
        cause=(moves.cause or None) if moves else None,
    )


def lot(one: LotView) -> LotAnswer:
    """Return a lot."""
    return LotAnswer(
        opened_by=one.opened_by,
        quantity=one.quantity,
        cost=one.cost,
        price=one.price,
        traded=rfc3339(one.traded_ns),
        held_since=rfc3339(one.held_ns),
        tags=one.tags,
    )
