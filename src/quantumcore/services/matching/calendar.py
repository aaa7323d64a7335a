"""When an instrument is in which phase: times of day in a zone, on some days of the week, but not on holidays. Pure.

    phases  08:00 pre_open ─ 09:25 opening_call ─ 09:30 continuous ─ 15:55 closing_call ─ 16:00 post_close
    days    mon tue wed thu fri, without holidays: on other days the last phase of the day before goes on

Times are of the zone's clock, so a session opens at the same hour of the wall in summer and winter. An hour that the clock
skips begins when it has skipped it; of an hour that it shows twice the first counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from quantumcore.contracts.reference import STATUS_NUMBERS

CLOSED, POST_CLOSE = STATUS_NUMBERS["closed"], STATUS_NUMBERS["post_close"]
DAY_IS_OVER = frozenset({CLOSED, POST_CLOSE})
LOOK_DAYS = 400
"""How far the next change is looked for: a calendar that is closed for longer has none."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Change(NamedTuple):
    """The instrument enters the phase `status` at `time_ns` (UTC)."""

    time_ns: int
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The sessions of an instrument.

    Attributes:
        zone: Whose clock the times of day are of.
        days: Days of the week with a session, 0 is Monday.
        phases: (time of day, phase) of a session, ascending; at least one.
        holidays: Dates without a session.
    """

    zone: tzinfo
    days: frozenset[int]
    phases: tuple[tuple[time, int], ...]
    holidays: frozenset[date] = frozenset()

    def phase_at(self, now_ns: int) -> int:
        """Return the phase in which the instrument is at `now_ns`; before every session the last phase of one."""
        today = self._date(now_ns)
        for back in range(LOOK_DAYS):
            for change in reversed(self._changes(today - timedelta(days=back))):
                if change.time_ns <= now_ns:
                    return change.status
        return self.phases[-1][1]

    def next_change(self, now_ns: int) -> Change | None:
        """Return the first change after `now_ns`, or None within LOOK_DAYS."""
        return next((change for change in self._from(now_ns) if change.time_ns > now_ns), None)

    def over_between(self, since_ns: int, now_ns: int) -> bool:
        """Tell whether a session ended after `since_ns` and not after `now_ns`; a longer time than LOOK_DAYS has one."""
        for change in self._from(since_ns):
            if change.time_ns > now_ns:
                return False
            if change.time_ns > since_ns and change.status in DAY_IS_OVER:
                return True
        return True

    def session_end(self, day: date) -> int | None:
        """Return when the session of `day` ends, UTC nanoseconds; None on a day without one.

        That is the first phase in which a day is over, behind one in which it is not; without one, the end of the date.
        """
        if not self._trades(day):
            return None
        begun = False
        for change in self._changes(day):
            if begun and change.status in DAY_IS_OVER:
                return change.time_ns
            begun = begun or change.status not in DAY_IS_OVER
        return self._instant(day + timedelta(days=1), time())

    def _from(self, now_ns: int) -> Iterator[Change]:
        today = self._date(now_ns)
        for ahead in range(LOOK_DAYS):
            yield from self._changes(today + timedelta(days=ahead))

    def _changes(self, day: date) -> list[Change]:
        if not self._trades(day):
            return []
        return [Change(self._instant(day, at), status) for at, status in self.phases]

    def _trades(self, day: date) -> bool:
        return day.weekday() in self.days and day not in self.holidays

    def _date(self, now_ns: int) -> date:
        return (_EPOCH + timedelta(microseconds=now_ns // 1_000)).astimezone(self.zone).date()

    def _instant(self, day: date, at: time) -> int:
        return ns_of(datetime.combine(day, at, tzinfo=self.zone))


def ns_of(moment: datetime) -> int:
    """Return a moment with a zone as UTC nanoseconds."""
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000_000 + passed.microseconds * 1_000
