"""What is tried again and again in the background.

Goal: a failure is told once for each reason, is known while it lasts, and only errors of ours are met so.
Method: attempts that fail as they are told.
"""

import logging

import pytest

from quantumcore.contracts.errors import QuantumCoreError, Unavailable
from quantumcore.services.ledger.attempts import Attempts


def test_a_reason_is_told_once_and_forgotten_when_it_is_well(caplog: pytest.LogCaptureFixture) -> None:
    attempts = Attempts(logging.getLogger("desk"), "the day does not end")

    def fail(error: QuantumCoreError | None) -> str:
        with attempts.attempt():
            if error is not None:
                raise error
        return attempts.failure

    slow, gone = Unavailable("x", "too slow"), Unavailable("x", "gone")
    told = [fail(error) for error in (None, slow, slow, gone, None, gone)]
    assert told == ["", "too slow", "too slow", "gone", "", "gone"]
    assert [record.getMessage() for record in caplog.records] == [
        f"the day does not end: {detail}" for detail in ("too slow", "gone", "gone")
    ]


def test_a_defect_of_ours_passes() -> None:
    attempts = Attempts(logging.getLogger("desk"), "the day does not end")
    with pytest.raises(ZeroDivisionError), attempts.attempt():
        raise ZeroDivisionError
    assert attempts.failure == ""
