"""What makes an order more than a plain one, from the client's words to the engine's bytes.

Judged here is the shape alone: decimals, words, what a type cannot do without. What does not fit together is refused by
the engine with its reason, so that the refusal is a fact with an order id.
"""

from collections.abc import Mapping

from quantumcore.contracts import wire
from quantumcore.contracts.errors import invalid
from quantumcore.contracts.orders import SubmitOrder
from quantumcore.contracts.terms import PEGS, TRAIL_UNITS, TRIGGERS, OrderTerms
from quantumcore.contracts.values import I64_MAX, MAX_PLACES, Scaled, show
from quantumcore.services.orders.terms import (
    ALL_OR_NONE,
    CANCEL_ON_DISCONNECT,
    HIDDEN,
    REDUCE_ONLY,
    SHORT_EXEMPT,
    SLIDE,
)

STOPPED = frozenset({"stop", "stop_limit", "market_if_touched", "limit_if_touched"})
TRAILING = frozenset({"trailing_stop", "trailing_stop_limit"})
DATED = frozenset({"gtd", "gtt"})
NOTHING = Scaled(0, 0)
NO_TERMS = OrderTerms()
MAX_SEED = 2**32 - 1
BY_RATE = "percent"
PERCENT_PLACES = 2


def advanced(order: SubmitOrder, plain: wire.SubmitOrder) -> wire.SubmitAdvancedOrder:
    """Return the command that adds the terms of `order` to its plain part.

    Raises:
        InvalidCommand: A term has a wrong shape, or one is missing without which the type means nothing.
    """
    terms = order.terms or NO_TERMS
    _check_needs(order, terms)
    stop = _decimal(terms.stop_price, "stop_price")
    trail = _trail(terms)
    offset_of = "limit_offset" if order.type in TRAILING else "peg.offset"
    offset = _decimal(terms.peg_offset if terms.peg is not None else terms.limit_offset, offset_of)
    display, display_range = _one_scale(
        _decimal(terms.display, "display"), _decimal(terms.display_range, "display_range"), "display_range"
    )
    minimum, budget = _decimal(terms.min_quantity, "min_quantity"), _decimal(terms.budget, "budget")
    flags = plain.flags
    for given, flag in (
        (terms.slide, SLIDE),
        (terms.reduce_only, REDUCE_ONLY),
        (terms.hidden, HIDDEN),
        (terms.all_or_none, ALL_OR_NONE),
        (terms.cancel_on_disconnect, CANCEL_ON_DISCONNECT),
        (terms.short_exempt, SHORT_EXEMPT),
    ):
        flags |= flag if given else 0
    return wire.SubmitAdvancedOrder(
        **{name: getattr(plain, name) for name in wire.SubmitOrder.__struct_fields__ if name != "flags"},
        flags=flags,
        stop_price=stop.mantissa,
        stop_scale=stop.scale,
        trail=trail.mantissa,
        trail_scale=trail.scale,
        trail_unit=choice(TRAIL_UNITS, terms.trail_unit, "trail") if terms.trail is not None else 0,
        offset=offset.mantissa,
        offset_scale=offset.scale,
        display=display.mantissa,
        display_range=display_range.mantissa,
        display_scale=display.scale,
        seed=_bounded(terms.seed, MAX_SEED, "seed"),
        min_quantity=minimum.mantissa,
        min_quantity_scale=minimum.scale,
        budget=budget.mantissa,
        budget_scale=budget.scale,
        expires_ns=_bounded(terms.expires_ns or 0, I64_MAX, "expires_at"),
        trigger=choice(TRIGGERS, terms.trigger, "trigger"),
        peg=0 if terms.peg is None else choice(PEGS, terms.peg, "peg.reference"),
    )


def wholly_advanced(command: wire.SubmitOrder) -> wire.SubmitAdvancedOrder:
    """Return `command` in the layout that orders of one act have."""
    if isinstance(command, wire.SubmitAdvancedOrder):
        return command
    return wire.SubmitAdvancedOrder(**{name: getattr(command, name) for name in command.__struct_fields__})


def choice(table: Mapping[str, int], value: str | None, field: str) -> int:
    """Return the number of the word `value`; raise InvalidCommand when it is none of `table`'s."""
    number = table.get(value) if isinstance(value, str) else None
    if number is None:
        raise invalid("type", f"{field} must be one of {', '.join(table)}", field=field, actual=str(value)[:64])
    return number


def _check_needs(order: SubmitOrder, terms: OrderTerms) -> None:
    """Raise InvalidCommand when a term is missing that the type or time in force cannot do without."""
    needs = (
        (order.type in STOPPED, terms.stop_price is not None, "stop_price"),
        (order.type in TRAILING, terms.trail is not None, "trail"),
        (order.type == "trailing_stop_limit", terms.limit_offset is not None, "limit_offset"),
        (order.type == "pegged", terms.peg is not None, "peg"),
        (order.time_in_force in DATED, terms.expires_ns is not None, "expires_at"),
        (terms.display_range is not None, terms.display is not None, "display"),
    )
    for wanted, given, field in needs:
        if wanted and not given:
            kind = order.time_in_force if field == "expires_at" else order.type
            raise invalid("missing", f"a {kind.replace('_', ' ')} order needs {field}", field=field)
    if terms.cancel_on_disconnect and not order.session:
        raise invalid(
            "range", "only an order of an open socket can end with it", field="cancel_on_disconnect", actual="true"
        )


def _decimal(text: str | None, field: str) -> Scaled:
    return NOTHING if text is None else Scaled.parse(text, field)


def _trail(terms: OrderTerms) -> Scaled:
    """Return a trail as the engine reads it: a price or ticks as sent, percents as a fraction."""
    value = _decimal(terms.trail, "trail")
    if terms.trail_unit != BY_RATE or not value.mantissa:
        return value
    if value.scale > MAX_PLACES - PERCENT_PLACES:
        limit = str(MAX_PLACES - PERCENT_PLACES)
        raise invalid(
            "places", f"trail has more than {limit} places", field="trail", limit=limit, actual=terms.trail or ""
        )
    return Scaled.parse(show(value.mantissa, value.scale + PERCENT_PLACES), "trail")


def _one_scale(first: Scaled, second: Scaled, field: str) -> tuple[Scaled, Scaled]:
    """Return both with the larger scale of the two, for they share one."""
    scale = max(first.scale, second.scale)
    both = [
        _bounded(one.mantissa * 10 ** (scale - one.scale), I64_MAX, field, least=-I64_MAX) for one in (first, second)
    ]
    return Scaled(both[0], scale), Scaled(both[1], scale)


def _bounded(number: int, most: int, field: str, *, least: int = 0) -> int:
    if not least <= number <= most:
        raise invalid("overflow", f"{field} is out of range", field=field, limit=str(most), actual=str(number)[:64])
    return number
