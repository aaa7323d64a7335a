"""Days as the engine counts them, since 1970-01-01, and as people write them. Pure."""

from calendar import monthrange
from datetime import date

from quantumcore.contracts.errors import invalid

DAY_NS = 86_400 * 10**9
_EPOCH = date(1970, 1, 1).toordinal()
_MONTH = len("YYYY-MM")


def day_of(text: str, field: str) -> int:
    """Return the number of a day, YYYY-MM-DD.

    Raises:
        InvalidCommand: It is none.
    """
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:  # 20261130 and 2026-W49-1 are ISO 8601 too
        raise invalid("time", f"{field} is YYYY-MM-DD", field=field, actual=text[:64])
    return found.toordinal() - _EPOCH


def effective_day(text: str) -> int:
    """Return the number of an effective date; without one 0, the day of the command.

    Raises:
        InvalidCommand: It is none, or the day whose number is 0.
    """
    if not text:
        return 0
    day = day_of(text, "effective_date")
    if day == 0:
        raise invalid("time", "effective_date is not 1970-01-01", field="effective_date", actual=text[:64])
    return day


def last_day_of(month: str, field: str) -> int:
    """Return the number of the last day of a month, YYYY-MM.

    Raises:
        InvalidCommand: It is none.
    """
    if len(month) != _MONTH:
        raise invalid("time", f"{field} is YYYY-MM", field=field, actual=month[:64])
    first = date.fromordinal(_EPOCH + day_of(f"{month}-01", field))
    return first.replace(day=monthrange(first.year, first.month)[1]).toordinal() - _EPOCH


def month_of(day: int) -> tuple[int, int]:
    """Return the year and the month of a day."""
    found = date.fromordinal(_EPOCH + day)
    return found.year, found.month


def shown_day(day: int) -> str:
    """Return a day as it is written."""
    return date.fromordinal(_EPOCH + day).isoformat()
