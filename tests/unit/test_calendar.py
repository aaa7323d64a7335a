"""Sessions by calendar: which phase when, also over weekends, holidays, missed days and changes of the clock.

Goal: an instrument is in the phase that its calendar says, whoever slept meanwhile; nobody wakes for nothing.
Method: instants by hand in UTC and in a zone with summer time made here; the agenda asked before, at and after each.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

import pytest

from quantumcore.contracts.reference import STATUS_NUMBERS
from quantumcore.contracts.wire import AdvanceTime, SetInstrumentStatus, decode_command
from quantumcore.services.matching.agenda import HOUSEKEEPING_NS, Agenda
from quantumcore.services.matching.calendar import Calendar, Change, ns_of

WEEKDAYS = frozenset(range(5))
PRE_OPEN, CONTINUOUS, HALTED, CLOSED = (STATUS_NUMBERS[one] for one in ("pre_open", "continuous", "halted", "closed"))
POST_CLOSE, CLOSING_CALL = STATUS_NUMBERS["post_close"], STATUS_NUMBERS["closing_call"]
MINUTE_NS = 60 * 10**9


class Summer(tzinfo):
    """An hour behind UTC; from April on its clock is UTC's: at 01:00 on 2 April it skips an hour."""

    CHANGE = datetime.fromisoformat("2026-04-02 01:00")

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return -timedelta(hours=1) + self.dst(moment)

    def dst(self, moment: datetime | None) -> timedelta:
        assert moment is not None
        return timedelta(hours=1 if moment.replace(tzinfo=None) >= self.CHANGE else 0)

    def tzname(self, moment: datetime | None) -> str:
        return "summer"


def calendar(**changes: object) -> Calendar:
    terms: dict[str, object] = {
        "zone": UTC,
        "days": WEEKDAYS,
        "phases": (
            (time(8), PRE_OPEN),
            (time(9), CONTINUOUS),
            (time(16, 55), CLOSING_CALL),
            (time(17), POST_CLOSE),
            (time(20), CLOSED),
        ),
        "holidays": frozenset({date(2026, 12, 25)}),
    }
    return Calendar(**{**terms, **changes})  # type: ignore[arg-type]  # a test says only what matters


def at(text: str) -> int:
    """2026-12-24 09:00 in UTC nanoseconds."""
    return ns_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "moment, phase",
    [
        ("2026-12-24 07:59", CLOSED),
        ("2026-12-24 08:00", PRE_OPEN),
        ("2026-12-24 08:59:59", PRE_OPEN),
        ("2026-12-24 09:00", CONTINUOUS),
        ("2026-12-24 17:30", POST_CLOSE),
        ("2026-12-25 10:00", CLOSED),  # a holiday
        ("2026-12-26 10:00", CLOSED),  # a Saturday
        ("2026-12-28 10:00", CONTINUOUS),
    ],
)
def test_the_phase_of_an_instant(moment: str, phase: int) -> None:
    assert calendar().phase_at(at(moment)) == phase


def test_the_next_change_is_after_the_instant_and_over_days_without_a_session() -> None:
    assert calendar().next_change(at("2026-12-24 09:00")) == Change(at("2026-12-24 16:55"), CLOSING_CALL)
    assert calendar().next_change(at("2026-12-24 20:00")) == Change(at("2026-12-28 08:00"), PRE_OPEN)


def test_a_calendar_that_never_trades_again_has_no_next_change() -> None:
    none = calendar(holidays=frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(1_000)))
    assert none.next_change(at("2026-12-24 09:00")) is None
    assert none.phase_at(at("2026-12-24 09:00")) == CLOSED


def test_a_session_opens_at_the_hour_of_the_wall_in_summer_and_winter() -> None:
    both = calendar(zone=Summer(), days=frozenset(range(7)))
    assert both.next_change(at("2026-04-01 00:00")) == Change(at("2026-04-01 09:00"), PRE_OPEN)
    assert both.next_change(at("2026-04-02 03:00")) == Change(at("2026-04-02 08:00"), PRE_OPEN)


@pytest.mark.parametrize("day, end", [("2026-12-24", "2026-12-24 17:00"), ("2026-12-25", None), ("2026-12-26", None)])
def test_a_session_ends_when_the_day_is_over(day: str, end: str | None) -> None:
    assert calendar().session_end(date.fromisoformat(day)) == (None if end is None else at(end))


def test_a_session_that_never_closes_ends_with_its_date() -> None:
    around = calendar(phases=((time(0), CONTINUOUS),), days=frozenset(range(7)), holidays=frozenset())
    assert around.session_end(date(2026, 12, 24)) == at("2026-12-25 00:00")


# ------------------------------------------------------------------------------------------------------ the agenda


def said(commands: list[bytes]) -> list[tuple[int, int] | str]:
    """Return (instrument, status) of each change of phase, and `time` for each AdvanceTime."""
    found: list[tuple[int, int] | str] = []
    for raw in commands:
        command = decode_command(raw)
        match command:
            case SetInstrumentStatus(instrument=number, status=status):
                found.append((number, status))
            case AdvanceTime():
                found.append("time")
            case _:
                raise AssertionError(command)
    return found


def test_without_calendars_and_deadlines_the_time_is_told_once_a_minute() -> None:
    agenda = Agenda({}, 0)
    assert agenda.due_ns == HOUSEKEEPING_NS
    assert agenda.commands(HOUSEKEEPING_NS - 1, {}) == []
    assert said(agenda.commands(HOUSEKEEPING_NS, {})) == ["time"]
    agenda.done(HOUSEKEEPING_NS)
    assert agenda.due_ns == 2 * HOUSEKEEPING_NS


def test_a_deadline_is_due_before_the_minute_is_over() -> None:
    agenda = Agenda({}, 0)
    agenda.deadline_ns = 5
    assert agenda.commands(4, {}) == []
    assert said(agenda.commands(5, {})) == ["time"]


def test_a_change_of_phase_is_said_once_and_only_if_it_is_one() -> None:
    opens = at("2026-12-24 09:00")
    agenda = Agenda({1: calendar(), 2: calendar()}, opens - 1)
    assert agenda.due_ns == opens
    statuses = {1: PRE_OPEN, 2: CONTINUOUS}
    assert said(agenda.commands(opens, statuses)) == [(1, CONTINUOUS), "time"]
    agenda.done(opens)
    assert agenda.commands(opens, statuses) == []


def test_what_could_not_be_said_stays_due() -> None:
    opens = at("2026-12-24 09:00")
    agenda = Agenda({1: calendar()}, opens - 1)
    for _ in range(3):
        assert said(agenda.commands(opens + MINUTE_NS, {1: PRE_OPEN})) == [(1, CONTINUOUS), "time"]


def test_what_an_operator_halted_stays_halted_until_the_calendar_goes_on_after_him() -> None:
    opens = at("2026-12-24 09:00")
    agenda = Agenda({1: calendar()}, opens - 1)
    assert said(agenda.commands(opens, {1: HALTED})) == ["time"]
    agenda.done(opens)
    later = at("2026-12-24 16:55")
    assert said(agenda.commands(later, {1: CONTINUOUS})) == [(1, CLOSING_CALL), "time"]


@pytest.mark.parametrize(
    "slept, woke, steps",
    [
        ("2026-12-23 10:00", "2026-12-23 11:00", []),
        ("2026-12-23 10:00", "2026-12-24 10:00", [(1, POST_CLOSE), (1, CONTINUOUS)]),  # day orders end on the way
        ("2026-12-23 10:00", "2026-12-23 18:00", [(1, POST_CLOSE)]),
        ("2026-12-23 10:00", "2026-12-24 08:30", [(1, POST_CLOSE), (1, PRE_OPEN)]),
        ("2026-12-23 10:00", "2029-06-01 10:00", [(1, POST_CLOSE), (1, CONTINUOUS)]),
    ],
)
def test_a_start_brings_an_instrument_to_now_through_the_end_of_the_session_it_missed(slept, woke, steps) -> None:
    agenda = Agenda({1: calendar()}, at(woke))
    assert said(agenda.opening(at(slept), at(woke), {1: CONTINUOUS})) == steps
