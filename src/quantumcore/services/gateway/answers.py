"""Orders and fills as clients read them: times as RFC 3339 text, decimals and ids as strings."""

from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from quantumcore.contracts.orders import Fill, OrderUpdate, OrderView
from quantumcore.services.gateway.codec import rfc3339
from quantumcore.services.gateway.errors import Problem


class FillAnswer(msgspec.Struct, frozen=True):
    """One fill inside its order."""

    trade_id: str
    price: str
    quantity: str
    liquidity: str
    fee: str
    fee_currency: str
    sequence: int
    time: str


class OrderAnswer(msgspec.Struct, frozen=True):
    """An order. scope, limit, actual and a sentence (text) stand beside the reason when it was rejected."""

    order_id: str
    client_order_id: str
    account_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    post_only: bool
    quantity: str
    price: str | None
    status: str
    filled: str
    leaves: str
    average_price: str | None
    filled_value: str
    fees: str
    fills: list[FillAnswer]
    sequence: int
    accepted_at: str
    updated_at: str
    reason: str | None
    scope: str | UnsetType | None = UNSET
    limit: str | UnsetType | None = UNSET
    actual: str | UnsetType | None = UNSET
    text: str | UnsetType | None = UNSET


class OrderPageAnswer(msgspec.Struct, frozen=True):
    """A page of orders; sequence is what it has reached."""

    items: list[OrderAnswer]
    next_cursor: str | None
    sequence: int


class BatchError(msgspec.Struct, frozen=True):
    """Why one order of a batch never became an order."""

    client_order_id: str | None
    error: Problem


class BatchAnswer(msgspec.Struct, frozen=True):
    """Per order, in order: its answer, or its error."""

    items: list[Any]  # OrderAnswer | BatchError: they are told apart by the field `error`, not by a tag


class UpdateAnswer(msgspec.Struct, frozen=True):
    """One change of one order: what happened, and the order afterwards."""

    kind: str
    sequence: int
    index: int
    time: str
    order: OrderAnswer
    fill: FillAnswer | None


class UpdatesAnswer(msgspec.Struct, frozen=True):
    """Every change of an order, oldest first."""

    items: list[UpdateAnswer]
    sequence: int


class AccountFill(msgspec.Struct, frozen=True):
    """One fill by itself."""

    trade_id: str
    order_id: str
    client_order_id: str
    account_id: str
    symbol: str
    side: str
    price: str
    quantity: str
    liquidity: str
    fee: str
    fee_currency: str
    sequence: int
    index: int
    time: str


class FillPageAnswer(msgspec.Struct, frozen=True):
    """A page of fills."""

    items: list[AccountFill]
    next_cursor: str | None
    sequence: int


_alike = attrgetter(*OrderAnswer.__struct_fields__[: OrderAnswer.__struct_fields__.index("fills")])
"""The fields that stand alike in both, read in one step."""


def order(view: OrderView) -> OrderAnswer:
    """Return the order as clients read it."""
    rejected = view.status == "rejected"
    accepted = rfc3339(view.accepted_ns)
    return OrderAnswer(  # type: ignore[call-arg]  # mypy cannot know how many are alike
        *_alike(view),
        [fill(one) for one in view.fills] if view.fills else [],
        view.sequence,
        accepted,
        accepted if view.updated_ns == view.accepted_ns else rfc3339(view.updated_ns),
        view.reason,
        view.scope if rejected else UNSET,
        view.limit if rejected else UNSET,
        view.actual if rejected else UNSET,
        view.text if rejected else UNSET,
    )


def fill(one: Fill) -> FillAnswer:
    """Return a fill as it stands inside its order."""
    return FillAnswer(
        one.trade_id,
        one.price,
        one.quantity,
        one.liquidity,
        one.fee,
        one.fee_currency,
        one.sequence,
        rfc3339(one.time_ns),
    )


def account_fill(one: Fill) -> AccountFill:
    """Return a fill by itself."""
    return AccountFill(
        one.trade_id,
        one.order_id,
        one.client_order_id,
        one.account_id,
        one.symbol,
        one.side,
        one.price,
        one.quantity,
        one.liquidity,
        one.fee,
        one.fee_currency,
        one.sequence,
        one.index,
        rfc3339(one.time_ns),
    )


def update(one: OrderUpdate) -> UpdateAnswer:
    """Return a change of an order."""
    return UpdateAnswer(
        one.kind, one.sequence, one.index, rfc3339(one.time_ns), order(one.order), fill(one.fill) if one.fill else None
    )
