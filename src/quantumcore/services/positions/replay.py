"""A snapshot and the events after it lead to what stands: by the records alone, bit for bit. Pure.

A recorded change is done once more, and compared with what it says stood afterwards.
"""

from collections.abc import Iterable, Mapping

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.marks import Mark, after_mark, after_trade
from quantumcore.contracts.reference import Instrument
from quantumcore.services.positions import adjustments
from quantumcore.services.positions.adjustments import Action, Carried
from quantumcore.services.positions.corrections import Bust, after_bust
from quantumcore.services.positions.domain import (
    CLOSING,
    FLAT,
    OPENING,
    Cause,
    Change,
    Fill,
    Kind,
    Position,
    Step,
    Terms,
)
from quantumcore.services.positions.folding import Folding, Key, Told
from quantumcore.services.positions.lots import Method
from quantumcore.services.positions.pnl import Contract


def replay(
    positions: Mapping[Key, Position],
    marks: Mapping[int, Mark],
    told: Iterable[Told],
    instruments: Mapping[int, Instrument],
) -> tuple[dict[Key, Position], dict[int, Mark]]:
    """Return positions and marks after the events `told`, which are in order; those already in change nothing.

    Raises:
        Corrupted: `position.gap`: a version is missing; `position.mismatch`: a record does not lead where it says.
    """
    folding = Folding(dict(positions), dict(marks), instruments)
    for account, instrument, change in told:
        if change.kind == Kind.PRICE_UPDATED:
            _move(folding.marks, instrument, after_mark(folding.marks.get(instrument), *_when(change)))
            continue
        key = account, instrument
        contract, _ = folding.contract(instrument)
        try:
            folding.positions[key] = after_change(folding.positions.get(key, FLAT), change, contract)
        except Corrupted as error:
            raise Corrupted(error.code, f"account {account}, instrument {instrument}: {error.detail}") from error
        if change.cause == Cause.NONE:
            _move(folding.marks, instrument, after_trade(folding.marks.get(instrument), *_when(change)))
    return folding.positions, folding.marks


def _when(change: Change) -> tuple[int, int, int]:
    return change.price, change.sequence, change.time_ns


def _move(marks: dict[int, Mark], instrument: int, mark: Mark | None) -> None:
    """Set a mark; what is older than the one that stands was seen before."""
    stood = marks.get(instrument)
    if mark is not None and (stood is None or mark.sequence >= stood.sequence):
        marks[instrument] = mark


# ------------------------------------------------------------------------------------------------- one position


def after_change(position: Position, change: Change, contract: Contract) -> Position:
    """Return the position after a change that was recorded; one that it has seen changes nothing.

    Raises:
        Corrupted: `position.gap`: a version is missing; `position.mismatch`: it does not lead where the record says.
    """
    stood = position.sequence, position.index, position.part
    comes = change.sequence, change.index, change.part
    if position.version and comes <= stood:
        return position
    second = comes[:2] == stood[:2] and change.part == position.part + 1 and change.part & 1 == OPENING
    expected = position.version if second else position.version + 1
    if change.version != expected:
        raise Corrupted(
            "position.gap",
            f"version {expected} is missing: {change.version} came instead, at {change.sequence}.{change.index}",
        )
    before = change.stands_quantity - change.quantity
    if before != position.quantity:  # the other part of a fill that crosses zero has the same version
        raise Corrupted(
            "position.gap",
            f"the change at {change.sequence}.{change.index} goes on from {before} lots, and {position.quantity} stand",
        )
    after, made = _again(position, change, contract)
    if made != change:
        raise Corrupted(
            "position.mismatch", f"the change at {change.sequence}.{change.index} does not lead where its record says"
        )
    return after


def _again(position: Position, change: Change, contract: Contract) -> tuple[Position, Change]:
    where = {"sequence": change.sequence, "index": change.index, "leg": change.part // 2, "time_ns": change.time_ns}
    if change.kind == Kind.ADJUSTED and change.cause not in (Cause.UNDONE, Cause.REPRICED):
        return _adjusted_again(position, change, contract)
    if change.kind == Kind.ADJUSTED:
        bust = Bust(
            quantity=change.quantity,
            price=change.price,
            value=change.value,
            fee=-change.fee,
            trade=(change.trade, change.fill),
            bought=change.part == CLOSING,  # the buyer's side is told first
            **where,
        )
        return after_bust(position, bust, contract)
    fill = Fill(quantity=change.quantity, price=change.price, fee=change.fee, fill=change.fill, **where)
    terms = Terms(Method(change.method), change.wash_sales, change.chosen)
    step = Step(fill, contract, terms, change.version, Cause(change.cause))
    if change.kind in (Kind.OPENED, Kind.INCREASED):
        return step.open(position, change.quantity, change.value, change.fee)
    return step.close(position, change.quantity, change.value, change.fee)


def _adjusted_again(position: Position, change: Change, contract: Contract) -> tuple[Position, Change]:
    action = Action(
        cause=Cause(change.cause),
        ratio=change.ratio,
        price=change.price,
        income=change.income,
        sequence=change.sequence,
        index=change.index,
        leg=change.part // 2,
        time_ns=change.time_ns,
    )
    if action.cause in adjustments.INCOME:
        return adjustments.after_income(position, action)
    if action.leg:
        carried = Carried(change.carried, change.value, change.relieved, Method(change.method), change.wash_sales)
        return adjustments.after_carried(position, action, carried, contract)
    if action.ratio == adjustments.NOTHING_LEFT:
        return adjustments.give_all(position, action)
    if action.cause is Cause.SPIN_OFF:
        after, made, _ = adjustments.give_cost(position, action)
        return after, made
    return adjustments.after_ratio(position, action, contract)
