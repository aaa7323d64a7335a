"""What an order is beyond a plain one: its further terms, as they were sent and as it has them (docs/reference/orders.md)."""

from dataclasses import dataclass

from quantumcore.contracts import wire
from quantumcore.core.twin import codes

FIELDS = (
    "stop_price",
    "trail",
    "offset",
    "display",
    "display_range",
    "min_quantity",
    "budget",
    "expires_ns",
    "seed",
    "stop_scale",
    "trail_scale",
    "offset_scale",
    "display_scale",
    "min_quantity_scale",
    "budget_scale",
    "trigger",
    "trail_unit",
    "peg",
)
NOTHING = (0,) * len(FIELDS)


@dataclass(slots=True, kw_only=True)
class Terms:
    """The further terms of a working order, in ticks, lots, minor units and nanoseconds; 0 where it has none.

    Attributes:
        stop_price: Where it triggers; a trailing stop's moves.
        trail: How far a trailing stop stays behind: ticks, or 10^-8 of the price when `trail_unit` is 2.
        offset: Ticks from a peg's reference, or from a trailing stop to its limit.
        extreme: The best watched price that a trailing stop has seen, in ticks.
    """

    stop_price: int = 0
    trail: int = 0
    offset: int = 0
    display: int = 0
    display_range: int = 0
    min_quantity: int = 0
    budget: int = 0
    expires_ns: int = 0
    seed: int = 0
    trigger: int = 0
    trail_unit: int = 0
    peg: int = 0
    extreme: int = 0


def as_sent(command: wire.SubmitOrder) -> tuple[int, ...]:
    """Return the further terms as the client sent them; all zero for a plain submission."""
    if isinstance(command, wire.SubmitAdvancedOrder):
        return tuple(getattr(command, name) for name in FIELDS)
    return NOTHING


def asks_for_dark(command: wire.SubmitOrder) -> bool:
    """Tell whether the order that `command` submits would never be shown."""
    return bool(command.flags & (codes.HIDDEN | codes.ALL_OR_NONE)) or bool(getattr(command, "min_quantity", 0))
