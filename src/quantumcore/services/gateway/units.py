"""Definitions in outside decimals, counted as the engine counts them. Nothing is rounded: what does not fit is refused."""

from quantumcore.contracts.errors import InvalidCommand, invalid
from quantumcore.contracts.reference import RATE_PLACES
from quantumcore.contracts.values import I64_MAX, Scaled, show


def multiple(text: str, unit: Scaled, field: str) -> int:
    """Return how many times `unit` the decimal `text` is.

    Raises:
        InvalidCommand: It is no whole multiple, or beyond 63 bits.
    """
    value = Scaled.parse(text, field)
    scale = max(value.scale, unit.scale)
    count, rest = divmod(value.mantissa * 10 ** (scale - value.scale), unit.mantissa * 10 ** (scale - unit.scale))
    if rest:
        raise _bad(field, "must be a whole multiple of its unit", unit.text(), text)
    return _fits(count, field, text)


def minor_units(text: str, places: int, field: str) -> int:
    """Return the decimal `text` in units of 10^-`places`.

    Raises:
        InvalidCommand: It has more places, or is beyond 63 bits.
    """
    value = Scaled.parse(text, field)
    if value.scale > places:
        raise _bad(field, f"has more than {places} places", show(1, places), text)
    return _fits(value.mantissa * 10 ** (places - value.scale), field, text)


def rate(text: str, field: str) -> int:
    """Return a fraction such as "0.001" in units of 10^-8."""
    return minor_units(text, RATE_PLACES, field)


def _fits(count: int, field: str, text: str) -> int:
    if not -I64_MAX <= count <= I64_MAX:
        raise _bad(field, "needs more than 63 bits", str(I64_MAX), text)
    return count


def _bad(field: str, what: str, limit: str, actual: str) -> InvalidCommand:
    return invalid("range", f"{field} {what}", field=field, limit=limit, actual=actual[:64])
