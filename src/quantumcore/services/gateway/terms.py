"""What a client asks beyond a plain order, from the body's shape to the orders room's words."""

import re
from operator import attrgetter
from typing import Any

from quantumcore.contracts.errors import invalid
from quantumcore.contracts.terms import OrderTerms
from quantumcore.contracts.values import I64_MAX, Scaled, parse_time
from quantumcore.services.gateway.bodies import OrderBody, TrailBody
from quantumcore.services.gateway.errors import require

_FURTHER = (
    "stop_price",
    "trigger",
    "trail",
    "limit_offset",
    "display",
    "display_range",
    "seed",
    "min_quantity",
    "hidden",
    "all_or_none",
    "reduce_only",
    "peg",
    "budget",
    "expires_at",
    "cancel_on_disconnect",
    "short_exempt",
)
_further = attrgetter(*_FURTHER)
_NOTHING = (None,) * 8 + (False,) * 3 + (None,) * 3 + (False,) * 2
DECIMALS = ("stop_price", "limit_offset", "display", "display_range", "min_quantity", "budget")
SLIDE = "slide"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)


def terms_of(body: OrderBody, *, ends_with_socket: bool) -> OrderTerms | None:
    """Return the further terms of `body`, or None for a plain order.

    Args:
        ends_with_socket: The socket it came by asked that its orders go with it (gtc orders stay, so they need no mark).

    Raises:
        InvalidCommand: A term has a wrong shape; the field is named.
    """
    marked = body.cancel_on_disconnect or (ends_with_socket and body.time_in_force not in (None, "gtc", "ioc", "fok"))
    if _further(body) == _NOTHING and body.post_only != SLIDE and not marked:
        return None
    for name in DECIMALS:
        text = getattr(body, name)
        if text is not None:
            Scaled.parse(text, name)
    expires_ns, expires_on = _expiry(body)
    trail: dict[str, Any] = {} if body.trail is None else _trail(body.trail)
    if body.peg is not None:
        Scaled.parse(body.peg.offset, "peg.offset")
    return OrderTerms(
        stop_price=body.stop_price,
        trigger=body.trigger or "last",
        limit_offset=body.limit_offset,
        display=body.display,
        display_range=body.display_range,
        seed=body.seed or 0,
        min_quantity=body.min_quantity,
        hidden=body.hidden,
        all_or_none=body.all_or_none,
        slide=body.post_only == SLIDE,
        reduce_only=body.reduce_only,
        cancel_on_disconnect=marked,
        short_exempt=body.short_exempt,
        peg=None if body.peg is None else body.peg.reference,
        peg_offset=None if body.peg is None else body.peg.offset,
        budget=body.budget,
        expires_ns=expires_ns,
        expires_on=expires_on,
        **trail,
    )


def _trail(body: TrailBody) -> dict[str, str]:
    ticks = None if body.ticks is None else str(body.ticks)
    given = {"amount": body.amount, "percent": body.percent, "ticks": ticks}
    units = [unit for unit, text in given.items() if text is not None]
    if len(units) != 1:
        raise invalid(
            "range", "a trail is an amount, a percentage or ticks", field="trail", limit="1", actual=str(len(units))
        )
    text = given[units[0]]
    assert text is not None, "this one was given"
    Scaled.parse(text, f"trail.{units[0]}")
    return {"trail": text, "trail_unit": units[0]}


def _expiry(body: OrderBody) -> tuple[int | None, str]:
    """Return (UTC nanoseconds, date), one of them given at most."""
    text = body.expires_at
    if text is None:
        return None, ""
    if body.time_in_force == "gtd" and _DATE.match(text) is not None:
        return None, text
    expires_ns = parse_time(text, "expires_at")
    require(0 < expires_ns <= I64_MAX, "expires_at", "expires_at must lie between 1970 and 2262", actual=text)
    return expires_ns, ""
