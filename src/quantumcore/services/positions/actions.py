"""From what an action did to an account to what it does to one or two of its positions. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.wire import PositionAdjusted
from quantumcore.services.positions.adjustments import (
    INCOME,
    Action,
    after_carried,
    after_closing,
    after_income,
    after_ratio,
    carry_all,
    carry_cost,
)
from quantumcore.services.positions.domain import Cause, Change, Position, Terms
from quantumcore.services.positions.pnl import Contract


class Before(NamedTuple):
    """A position before an action: how it stands, its contract, 10^-18 in a minor unit, what its owner chose."""

    position: Position
    contract: Contract
    unit: int
    terms: Terms


Step = tuple[int, Position, list[Change]]
"""(leg: 0 the instrument's position, 1 the target's; how it stands afterwards; what happened)."""


def changes_of(event: PositionAdjusted, own: Before, target: Before) -> Iterator[Step]:
    """Yield what happens to the positions of the instrument and of its target, in this order; what stays as it is is not told.

    Raises:
        Corrupted: `position.mismatch`: the engine has other lots than the position, before or afterwards.
        InvalidCommand: `position.overflow`.
    """
    _check("before", event.before, own.position)
    if event.target:
        _check("before", event.target_before, target.position)
    for leg, after, changes in _changes(event, own, target):
        _check("after", event.target_quantity if leg else event.quantity, after)
        yield leg, after, changes


def _check(when: str, lots: int, position: Position) -> None:
    if position.quantity != lots:
        raise Corrupted(
            "position.mismatch", f"the engine has {lots} lots {when} the action, the position {position.quantity}"
        )


def _changes(event: PositionAdjusted, own: Before, target: Before) -> Iterator[Step]:
    action = Action(
        cause=Cause(10 + event.action),
        ratio=(event.numerator, event.denominator),
        price=event.price,
        sequence=event.sequence,
        index=event.index,
        time_ns=event.time_ns,
    )
    if action.cause in INCOME:
        if event.money:
            paid = replace(action, income=event.money * own.unit)
            yield _one(0, after_income(own.position, paid))
    elif action.cause in (Cause.SETTLEMENT, Cause.EXERCISE):
        yield from _closing(event, action, own, target)
    elif event.before and event.target:
        yield from _carrying(event, action, own, target)
    elif event.before:
        yield _one(0, after_ratio(own.position, action, own.contract))


def _one(leg: int, made: tuple[Position, Change]) -> Step:
    after, change = made
    return leg, after, [change]


def _closing(event: PositionAdjusted, action: Action, own: Before, target: Before) -> Iterator[Step]:
    """A settlement closes at its price; an option that is exercised closes for nothing, and its target trades at the strike."""
    exercised = action.cause is Cause.EXERCISE
    lots = event.quantity - event.before
    if lots:
        at = replace(action, price=0) if exercised else action
        yield 0, *after_closing(own.position, at, lots, own.contract, own.terms)
    got = event.target_quantity - event.target_before
    if exercised and got:
        at_strike = replace(action, leg=1)
        yield 1, *after_closing(target.position, at_strike, got, target.contract, target.terms)


def _carrying(event: PositionAdjusted, action: Action, own: Before, target: Before) -> Iterator[Step]:
    if action.cause is Cause.SPIN_OFF:
        after, change, carried = carry_cost(own.position, action, event.rate, own.contract, target.contract)
    else:
        after, change, carried = carry_all(own.position, action, own.contract, target.contract)
    yield 0, after, [change]
    yield _one(1, after_carried(target.position, replace(action, leg=1), carried, target.contract))
