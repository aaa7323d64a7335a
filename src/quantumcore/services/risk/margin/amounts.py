"""A requirement as money: rounded up once, and never beyond what an account can hold. Pure; integers only."""

from decimal import Decimal
from fractions import Fraction

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.values import I64_MAX

RATE = 10**8
"""Rates, haircuts and volatilities of margin are integers of 10^-8: 1 bp is 10,000."""


def ceiling(numerator: int, denominator: int) -> int:
    """Return numerator / denominator, up to the next integer; denominator > 0."""
    return -(-numerator // denominator)


def money(amount: int) -> int:
    """Return `amount` in minor units, if an account can hold it.

    Raises:
        InvalidCommand: `order.amount.overflow`: it needs more than 63 bits.
    """
    if not -I64_MAX <= amount <= I64_MAX:
        detail = f"{amount} minor units are beyond {I64_MAX}"
        raise InvalidCommand("order.amount.overflow", detail, field="amount", limit=str(I64_MAX), actual=str(amount))
    return amount


def equity(cash: int, unrealised: Fraction, options: Fraction, fees: Fraction) -> int:
    """Return cash + unrealised P&L at the mark + value of premium-paid options - accrued fees, in minor units, rounded down.

    Raises:
        InvalidCommand: `order.amount.overflow`.
    """
    exact = cash + unrealised + options - fees
    return money(exact.numerator // exact.denominator)


def worst_lots(position: int, buys: int, sells: int) -> int:
    """Return the larger of what a position becomes when all its buys fill, or all its sells; signed, in lots.

    Args:
        buys, sells: Lots of working orders, both >= 0. Of two equal sizes the position with its buys counts.
    """
    bought, sold = position + buys, position - sells
    return bought if abs(bought) >= abs(sold) else sold


def mantissa(value: Decimal, places: int, field: str) -> int:
    """Return `value` as an integer at 10^-places.

    Raises:
        InvalidCommand: `risk.not_finite`, or `request.invalid.places`: it has more places.
    """
    if not value.is_finite():
        raise InvalidCommand("risk.not_finite", f"{field} is no finite number", field=field, actual=str(value))
    numerator, denominator = value.as_integer_ratio()
    scale: int = 10**places
    whole, rest = divmod(numerator * scale, denominator)
    if rest:
        detail = f"{field} has more than {places} places"
        raise InvalidCommand("request.invalid.places", detail, field=field, limit=str(places), actual=str(value))
    return whole


def decimal(amount: int, places: int) -> Decimal:
    """Return amount × 10^-places, exactly, however long it is."""
    return Decimal((amount < 0, tuple(map(int, str(abs(amount)))), -places))
