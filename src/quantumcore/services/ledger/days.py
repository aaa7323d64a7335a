"""Days as the engine counts them, since 1970-01-01, and as people write them. Pure."""

from calendar import monthrange
from datetime import date

from quantumcore.contracts.errors import invalid

DAY_NS = 86_400 * 10**9
EPOCH = date(1970, 1, 1).toordinal()
_DAY, _MONTH = len("YYYY-MM-DD"), len("YYYY-MM")


def day_of(text: str, field: str) -> int:
    """Return the number of a day, YYYY-MM-DD.

    Raises:
        InvalidCommand: It is none.
    """
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise invalid("time", f"{field} is YYYY-MM-DD", field=field, actual=text[:64]) from error
    if len(text) != _DAY:
        raise invalid("time", f"{field} is YYYY-MM-DD", field=field, actual=text[:64])
    return found.toordinal() - EPOCH


def last_day_of(month: str, field: str) -> int:
    """Return the number of the last day of a month, YYYY-MM.

    Raises:
        InvalidCommand: It is none.
    """
    if len(month) != _MONTH:
        raise invalid("time", f"{field} is YYYY-MM", field=field, actual=month[:64])
    first = date.fromordinal(EPOCH + day_of(f"{month}-01", field))
    return first.replace(day=monthrange(first.year, first.month)[1]).toordinal() - EPOCH


def shown_day(day: int) -> str:
    """Return a day as it is written."""
    return date.fromordinal(EPOCH + day).isoformat()
