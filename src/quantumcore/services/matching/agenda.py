"""What the engine must be told because time has passed, and when: deadlines of its own, and changes of phase by calendar.

Pure: the caller brings the time. The engine says itself what is due next (an expiry, a dead-man switch, the end of a call);
the calendars say when a phase begins. Whoever waits until `due` wakes for what is due and for nothing else.
"""

from collections.abc import Iterable, Mapping

from quantumcore.contracts.reference import STATUS_NUMBERS
from quantumcore.contracts.values import I64_MAX
from quantumcore.contracts.wire import AdvanceTime, SetInstrumentStatus
from quantumcore.services.matching.calendar import DAY_IS_OVER, POST_CLOSE, Calendar

HALTED = STATUS_NUMBERS["halted"]
PAUSED = STATUS_NUMBERS["paused"]
BY_HAND = frozenset({HALTED, PAUSED})
"""Phases that only an operator begins, and that a calendar does not end."""
HOUSEKEEPING_NS = 60 * 10**9
"""How often the engine is told the time when nothing is due: it forgets old client ids then."""


class Agenda:
    """What is due, by instrument number and by the engine's next deadline.

    Attributes:
        deadline_ns: When something in the engine is due by itself; 0: nothing is.
    """

    def __init__(self, calendars: Mapping[int, Calendar], now_ns: int) -> None:
        self.deadline_ns = 0
        self._calendars = calendars
        self._told_ns = now_ns
        self._changes = {number: calendar.next_change(now_ns) for number, calendar in calendars.items()}
        self._change_ns = self._next_change_ns()

    @property
    def due_ns(self) -> int:
        """When `commands` has something to say next."""
        return min(self._told_ns + HOUSEKEEPING_NS, self.deadline_ns or I64_MAX, self._change_ns)

    def commands(self, now_ns: int, statuses: Mapping[int, int]) -> list[bytes]:
        """Return what is due at `now_ns`, in order: changes of phase, then the time; nothing when nothing is due.

        Args:
            now_ns: Not before the last call's.
            statuses: The phase in which each instrument is now; one that an operator halted or paused stays so.
        """
        if now_ns < self.due_ns:
            return []
        overdue = [
            number for number, change in self._changes.items() if change is not None and change.time_ns <= now_ns
        ]
        return [*self._phases(overdue, self._told_ns, now_ns, statuses), AdvanceTime().encode()]

    def opening(self, since_ns: int, now_ns: int, statuses: Mapping[int, int]) -> list[bytes]:
        """Return what brings every instrument with a calendar into the phase of now, after a rest that began at `since_ns`."""
        return self._phases(self._calendars, since_ns, now_ns, statuses)

    def done(self, now_ns: int) -> None:
        """What was due at `now_ns` has been done; until this is said it stays due."""
        self._told_ns = now_ns
        for number, change in self._changes.items():
            if change is not None and change.time_ns <= now_ns:
                self._changes[number] = self._calendars[number].next_change(now_ns)
        self._change_ns = self._next_change_ns()

    def _next_change_ns(self) -> int:
        return min((change.time_ns for change in self._changes.values() if change is not None), default=I64_MAX)

    def _phases(self, numbers: Iterable[int], since_ns: int, now_ns: int, statuses: Mapping[int, int]) -> list[bytes]:
        """Return the changes to what each calendar says now; a session that ended meanwhile is ended on the way."""
        found: list[bytes] = []
        for number in sorted(numbers):
            calendar, status = self._calendars[number], statuses.get(number)
            if status is None or status in BY_HAND:
                continue
            wanted = calendar.phase_at(now_ns)
            missed = not DAY_IS_OVER & {status, wanted} and calendar.over_between(since_ns, now_ns)
            steps = [POST_CLOSE, wanted] if missed else [wanted]
            if steps != [status]:
                found += [SetInstrumentStatus(instrument=number, status=step).encode() for step in steps]
        return found
