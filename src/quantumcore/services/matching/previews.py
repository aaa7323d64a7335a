"""What the engine says a submission would do, as the contract has it. Pure."""

from typing import Protocol

from quantumcore.contracts.matching import SubmissionPreview
from quantumcore.contracts.values import show


class Previewing(Protocol):
    """What is asked of an engine for a preview."""

    @property
    def sequence(self) -> int: ...
    def preview(
        self, command: bytes, time_ns: int
    ) -> tuple[
        tuple[int, int, int, int, int],
        tuple[int, int],
        tuple[int, int, int, int, int, int, int],
        list[tuple[int, int]],
        tuple[int, int, int],
    ]: ...


def submission_preview(engine: Previewing, command: bytes, now_ns: int) -> SubmissionPreview:
    """Return what `command` would do at `now_ns`, or at the engine's time if that is later."""
    why, first, order, trades, cost = engine.preview(command, now_ns)
    reason, scope, decimals, limit, actual = why
    price, quantity, hold, hold_currency, waits, left, cancelled = order
    amount, fee, complete = cost
    return SubmissionPreview(
        sequence=engine.sequence,
        reason=reason,
        scope=scope,
        limit=show(limit, decimals),
        actual=show(actual, decimals),
        first_sequence=first[0],
        first_slot=first[1],
        price=price,
        quantity=quantity,
        hold=hold,
        hold_currency=hold_currency,
        waits=bool(waits),
        left=left,
        cancelled=cancelled,
        trades=trades,
        amount=amount,
        fee=fee,
        complete=bool(complete),
    )
