"""A snapshot and the events after it lead to what stands: by the records alone, bit for bit. Pure."""

from collections.abc import Iterable, Mapping

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.reference import Instrument
from quantumcore.services.positions.domain import FLAT, Change, Kind, Position, after_change
from quantumcore.services.positions.folding import Folding, Key, Told
from quantumcore.services.positions.marks import Mark, after_mark, after_trade


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
        if change.kind != Kind.ADJUSTED:
            _move(folding.marks, instrument, after_trade(folding.marks.get(instrument), *_when(change)))
    return folding.positions, folding.marks


def _when(change: Change) -> tuple[int, int, int]:
    return change.price, change.sequence, change.time_ns


def _move(marks: dict[int, Mark], instrument: int, mark: Mark | None) -> None:
    """Set a mark; what is older than the one that stands was seen before."""
    stood = marks.get(instrument)
    if mark is not None and (stood is None or mark.sequence >= stood.sequence):
        marks[instrument] = mark
