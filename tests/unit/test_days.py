"""A day has one spelling, and a number.

Goal: what is no YYYY-MM-DD is refused by name, whatever else ISO 8601 allows.
Method: spellings by hand, against the calendar of the standard library.
"""

from datetime import date

import pytest

from quantumcore.contracts.days import day_of, effective_day, last_day_of, shown_day
from quantumcore.contracts.errors import InvalidCommand


@pytest.mark.parametrize("text", ["1970-01-02", "2024-02-29", "1969-12-31", "9999-12-31"])
def test_a_day_comes_back_as_it_was_written(text: str) -> None:
    assert day_of(text, "day") == (date.fromisoformat(text) - date(1970, 1, 1)).days
    assert shown_day(day_of(text, "day")) == text


@pytest.mark.parametrize("text", ["", "20261130", "2026-W49-1", "2026-02-29", "2026-11-3", "2026-11-30T00:00", "today"])
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        day_of(text, "end")
    assert (refused.value.code, refused.value.field) == ("request.invalid.time", "end")


@pytest.mark.parametrize(
    ("month", "last"), [("2024-02", "2024-02-29"), ("2026-02", "2026-02-28"), ("2026-12", "2026-12-31")]
)
def test_a_month_ends_with_its_last_day(month: str, last: str) -> None:
    assert shown_day(last_day_of(month, "month")) == last


@pytest.mark.parametrize("month", ["", "2026", "2026-13", "2026-2", "2026-11-30", "2026-W4"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        last_day_of(month, "month")
    assert (refused.value.code, refused.value.field) == ("request.invalid.time", "month")


def test_without_an_effective_date_it_is_the_day_of_the_command() -> None:
    assert effective_day("") == 0
    with pytest.raises(InvalidCommand, match="1970-01-01"):
        effective_day("1970-01-01")
