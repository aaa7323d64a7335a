"""Orders and fills as clients read them: times as RFC 3339 text, decimals and ids as strings."""

from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from quantumcore.contracts.order_queries import OrderUpdate
from quantumcore.contracts.orders import Fill, OrderView
from quantumcore.contracts.terms import TermsView
from quantumcore.services.gateway.codec import rfc3339
from quantumcore.services.gateway.errors import Problem


class FillAnswer(msgspec.Struct, frozen=True):
    """One fill inside its order; busted: `cancel` or `price` if an operator undid or corrected it."""

    trade_id: str
    price: str
    quantity: str
    liquidity: str
    fee: str
    fee_currency: str
    sequence: int
    time: str
    busted: str | UnsetType = UNSET


class TrailAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the three."""

    amount: str | None = None
    percent: str | None = None
    ticks: int | None = None


class PegAnswer(msgspec.Struct, frozen=True):
    """What a pegged order follows, and where it stands now (null while it waits)."""

    reference: str
    offset: str
    working_price: str | None


class LinkAnswer(msgspec.Struct, frozen=True):
    """Whose fate the order shares; role: first, second, entry, take_profit or stop_loss."""

    kind: str
    role: str
    order_ids: list[str]


class OrderAnswer(msgspec.Struct, frozen=True):
    """An order. scope, limit, actual and a sentence (text) stand beside the reason when it was rejected.

    What only orders of further types and times have stands behind, and is not there otherwise. waiting: trigger, auction,
    reference or parent.
    """

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
    waiting: str | UnsetType | None = UNSET
    triggered_at: str | UnsetType = UNSET
    stop_price: str | UnsetType = UNSET
    trigger: str | UnsetType = UNSET
    trail: TrailAnswer | UnsetType = UNSET
    limit_offset: str | UnsetType = UNSET
    display: str | UnsetType = UNSET
    display_range: str | UnsetType = UNSET
    refills: int | UnsetType = UNSET
    min_quantity: str | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    all_or_none: bool | UnsetType = UNSET
    reduce_only: bool | UnsetType = UNSET
    slide: bool | UnsetType = UNSET
    cancel_on_disconnect: bool | UnsetType = UNSET
    short_exempt: bool | UnsetType = UNSET
    peg: PegAnswer | UnsetType = UNSET
    budget: str | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET
    link: LinkAnswer | UnsetType = UNSET


class LinkedAnswer(msgspec.Struct, frozen=True):
    """Per member, in order: its order."""

    items: list[OrderAnswer]


class CancelTimerAnswer(msgspec.Struct, frozen=True):
    """When the account's working orders go unless it is asked again; null: the timer is not armed."""

    account_id: str
    deadline: str | None
    sequence: int


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
    cause: str | UnsetType = UNSET


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
    busted: str | UnsetType = UNSET


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
        **({} if view.terms is None else _terms(view, view.terms)),
    )


def _terms(view: OrderView, terms: TermsView) -> dict[str, Any]:
    """Return what an order has beyond a plain one; what it has not is not said."""
    texts = ("stop_price", "trigger", "limit_offset", "display", "display_range", "min_quantity", "budget")
    flags = ("hidden", "all_or_none", "reduce_only", "slide", "cancel_on_disconnect", "short_exempt")
    found = {name: getattr(terms, name) for name in (*texts, *flags) if getattr(terms, name)}
    found["waiting"] = view.waiting
    if view.triggered_ns:
        found["triggered_at"] = rfc3339(view.triggered_ns)
    if terms.trail is not None:
        found["trail"] = _trail(terms.trail, terms.trail_unit)
    if terms.display is not None:
        found["refills"] = terms.refills
    if terms.peg is not None:
        found["peg"] = PegAnswer(terms.peg, terms.peg_offset or "0", terms.working_price)
    if terms.expires_ns:
        found["expires_at"] = rfc3339(terms.expires_ns)
    if view.link is not None:
        found["link"] = LinkAnswer(view.link.kind, view.link.role, view.link.order_ids)
    return found


def _trail(text: str, unit: str | None) -> TrailAnswer:
    if unit == "ticks":
        return TrailAnswer(ticks=int(text))
    return TrailAnswer(percent=text) if unit == "percent" else TrailAnswer(amount=text)


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
        one.busted or UNSET,
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
        one.busted or UNSET,
    )


def update(one: OrderUpdate) -> UpdateAnswer:
    """Return a change of an order."""
    return UpdateAnswer(
        one.kind,
        one.sequence,
        one.index,
        rfc3339(one.time_ns),
        order(one.order),
        fill(one.fill) if one.fill else None,
        one.cause or UNSET,
    )
