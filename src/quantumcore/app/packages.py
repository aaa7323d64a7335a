"""A package of options as somebody writes it down: what it pays at expiry and the margin that it needs, as text and as a table."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from quantumcore.app.plot_options import payoff
from quantumcore.contracts.errors import invalid
from quantumcore.contracts.values import Scaled
from quantumcore.services.risk.margin.pairing import PackageMargin, margin
from quantumcore.services.risk.margin.strategies import Leg, Right

SAME_DAY = 1
"""The expiry of options that do not say any: all of them expire together."""
_RIGHTS = ", ".join(Right)


class Package(NamedTuple):
    """A package, its margin, and its results at expiry where they bend, by the underlying's price."""

    underlying: Decimal
    legs: list[Leg]
    margin: PackageMargin
    payoff: list[tuple[Decimal, Decimal]]


def package(underlying: str, legs: Sequence[str], multiplier: int) -> Package:
    """Return a package and what it needs and pays.

    Raises:
        InvalidCommand: A leg or a number that cannot be read, by its field; as `margin` says.
    """
    price = decimal_of(underlying, "underlying")
    read = [leg_of(text, f"legs[{at}]", multiplier) for at, text in enumerate(legs)]
    return Package(price, read, margin(read, price), payoff(read, price))


def leg_of(text: str, field: str, multiplier: int) -> Leg:
    """Read `call,QUANTITY,STRIKE,PREMIUM[,EXPIRY]`, `put,...` or `stock,QUANTITY,PRICE`.

    Raises:
        InvalidCommand: It is none of these, naming the field.
    """
    right, *rest = text.split(",")
    if right not in set(Right):
        raise invalid("type", f"a leg begins with one of {_RIGHTS}", field=field, actual=right[:64])
    stock = right == Right.STOCK
    if len(rest) not in ((2,) if stock else (3, 4)):
        form = "stock,QUANTITY,PRICE" if stock else f"{right},QUANTITY,STRIKE,PREMIUM[,EXPIRY-DATE]"
        raise invalid("malformed", f"a leg is {form}", field=field, actual=text[:64])
    quantity = Scaled.parse(rest[0], f"{field}.quantity")
    if quantity.scale:
        raise invalid("places", "a quantity is a whole number", field=f"{field}.quantity", actual=rest[0][:64])
    return Leg(
        right=Right(right),
        quantity=quantity.mantissa,
        price=decimal_of(rest[-1] if stock else rest[2], f"{field}.price"),
        strike=Decimal(0) if stock else decimal_of(rest[1], f"{field}.strike"),
        expiry=0 if stock else _expiry(rest[3], f"{field}.expiry") if len(rest) > 3 else SAME_DAY,
        multiplier=1 if stock else multiplier,
    )


def decimal_of(text: str, field: str) -> Decimal:
    """Return decimal text as a number; raise InvalidCommand where it is none."""
    given = Scaled.parse(text, field)
    return Decimal(given.mantissa).scaleb(-given.scale)


def told(found: Package) -> dict[str, Any]:
    """Return a package as JSON has it: amounts as text, null without a bound."""
    needs = found.margin
    return {
        "underlying": _plain(found.underlying),
        "required": f"{needs.required:f}",
        "maintenance": f"{needs.maintenance:f}",
        "call": f"{needs.call:f}",
        "worst_loss": None if needs.worst_loss is None else f"{needs.worst_loss:f}",
        "naked": needs.naked,
        "groups": [list(group) for group in needs.groups],
        "payoff": [{"underlying": _plain(spot), "result": _plain(result)} for spot, result in found.payoff],
    }


def show_package(found: Package, currency: str, console: Console) -> None:
    """Print what a package needs and what it pays."""
    shown = told(found)
    needs = Table("margin by strategy", currency, title=f"{len(found.legs)} legs, underlying at {found.underlying}")
    for name in ("required", "maintenance", "call", "worst_loss"):
        needs.add_row(name.replace("_", " "), shown[name] or "-")
    needs.add_row("naked contracts", str(found.margin.naked))
    console.print(needs)
    pays = Table("underlying", f"result in {currency}", title="At expiry, premiums included; straight between")
    for one in shown["payoff"]:
        pays.add_row(one["underlying"], one["result"])
    console.print(pays)


def _plain(value: Decimal) -> str:
    """Return all digits that say something."""
    return f"{value.normalize():f}"


def _expiry(text: str, field: str) -> int:
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError as error:
        raise invalid("time", "an expiry is a date, 2026-12-18", field=field, actual=text[:64]) from error
