"""From decimals and numbers as people write them to the engine's integers: nothing is rounded, and each bound is named by its field. Pure."""

from quantumcore.contracts.errors import InvalidCommand, invalid
from quantumcore.contracts.values import Scaled, show

MODEL_PLACES = 6
"""Of what a model says of one lot, in the unit of its currency."""


def units(text: str, field: str, places: int, least: int, most: int) -> int:
    """Return a decimal as an integer of 10^-places.

    Raises:
        InvalidCommand: No decimal, more places, or outside of least to most.
    """
    given = Scaled.parse(text, field)
    if given.scale > places:
        raise invalid(
            "places", f"{field} has at most {places} places", field=field, limit=str(places), actual=text[:64]
        )
    found: int = given.mantissa * 10 ** (places - given.scale)
    if not least <= found <= most:
        raise outside(field, show(least, places), show(most, places), text[:64], below=found < least)
    return found


def multiples(text: str, field: str, size: int, scale: int) -> int:
    """Return a decimal as a whole number of units of size × 10^-scale.

    Raises:
        InvalidCommand: No decimal, or no such number.
    """
    given = Scaled.parse(text, field)
    numerator, denominator = given.mantissa * 10**scale, size * 10**given.scale
    if numerator % denominator:
        raise invalid("range", f"{field} is no multiple of the unit", field=field, actual=text[:64])
    return int(numerator // denominator)


def whole(number: int, field: str, least: int, most: int) -> int:
    """Return `number`, from least to most.

    Raises:
        InvalidCommand: It is not.
    """
    if not least <= number <= most:
        raise outside(field, str(least), str(most), str(number)[:64], below=number < least)
    return number


def outside(field: str, least: str, most: str, actual: str, *, below: bool) -> InvalidCommand:
    """Return the refusal of what is not from `least` to `most`, by the bound that it is beyond."""
    return invalid(
        "range", f"{field} is from {least} to {most}", field=field, limit=least if below else most, actual=actual
    )
