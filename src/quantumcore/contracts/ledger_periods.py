"""Ledger (8008), closed periods: days into which nothing is posted any more (money.md 2.9).

A period ends with a day and begins after the one before it; the first has no beginning. Closing posts a group that moves nothing, whose
sequence is the period's end in the order of events: what is effective inside was posted before it, for ever.
"""

import msgspec

from quantumcore.contracts.messages import Request

MAX_PAGE = 1_000


class PeriodView(msgspec.Struct, frozen=True, kw_only=True):
    """A period that is closed, or about to be: then no posting into it is taken any more, and the engine has not answered.

    Attributes:
        period: Its name: its last day, YYYY-MM-DD.
        begin: Its first day; None: it has no beginning.
        sequence, time_ns: Of the closing; 0 while state is closing.
    """

    period: str
    begin: str | None
    end: str
    state: str
    sequence: int
    time_ns: int


class ClosePeriod(Request[PeriodView], frozen=True, kw_only=True):
    """Close all days up to the end of a month (YYYY-MM), or up to a day (YYYY-MM-DD); one of the two. The same again answers the same.

    Raises:
        InvalidCommand: month or end.
        Conflict: `period.closed`: that day lies in a longer period that is closed; `period.open`: it is not over (UTC).
    """

    month: str = ""
    end: str = ""


class Periods(msgspec.Struct, frozen=True):
    """Newest first."""

    items: list[PeriodView]


class GetPeriods(Request[Periods], frozen=True, kw_only=True):
    """The newest `limit` periods."""

    limit: int = 100
    at_least: int = 0
