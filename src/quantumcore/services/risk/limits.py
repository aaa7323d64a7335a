"""How much of what it may do an account uses. Pure; exact."""

from fractions import Fraction

from quantumcore.contracts.reference import Currency
from quantumcore.contracts.risk import LimitUse
from quantumcore.services.risk.folding import EVERYBODY, MAX_OPEN_ORDERS, Limit
from quantumcore.services.risk.store import Account
from quantumcore.services.risk.valuing import Valued, shown

DEFAULT_OPEN_ORDERS = 10_000
"""What the engine starts with (docs/reference/limits.md)."""
USE_PLACES = 4
OWN, COMMON = "account", "venue"


def open_orders(account: Account) -> LimitUse:
    """Return how many orders work, of how many may."""
    standing = account.limits.get((MAX_OPEN_ORDERS, 0), Limit(DEFAULT_OPEN_ORDERS, 0, EVERYBODY))
    scope = COMMON if standing.account == EVERYBODY else OWN
    return _used(MAX_OPEN_ORDERS, scope, Fraction(standing.value), Fraction(len(account.orders)), 0)


def of_money(valued: Valued, initial: Fraction, reporting: Currency, daily_loss: int) -> list[LimitUse]:
    """Return what of the equity margin takes, and what of what may be lost on a day is lost.

    Args:
        initial: The requirement, as it is shown.
        daily_loss: Percent of the opening equity and what flowed since.
    """
    lost = max(Fraction(0), -valued.profit)
    may = (valued.opening + valued.flow) * Fraction(daily_loss, 100)
    return [
        _used("margin", OWN, valued.equity, initial, reporting.scale),
        _used("daily_loss", COMMON, may, lost, reporting.scale),
    ]


def over(limit: LimitUse, line: int) -> int:
    """Return 1 where more than `line` percent of a limit is used, -1 where less is, 0 where it is just that.

    A margin that stands against no equity at all is over every line.
    """
    most, used = Fraction(limit.limit), Fraction(limit.used)
    if most <= 0:
        return 1 if limit.name == "margin" and used > 0 else -1
    share = used * 100 - most * line
    return (share > 0) - (share < 0)


def name_of(limit: LimitUse) -> str:
    """Return the name under which a limit is remembered."""
    return f"{limit.name} {limit.symbol}" if limit.symbol else limit.name


def _used(name: str, scope: str, limit: Fraction, used: Fraction, places: int, symbol: str | None = None) -> LimitUse:
    share = shown(Fraction(used, limit), USE_PLACES) if limit > 0 else None
    return LimitUse(name, scope, symbol, shown(limit, places), shown(used, places), share)
