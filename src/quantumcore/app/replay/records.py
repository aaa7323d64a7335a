"""Market-by-order records, whatever file they come from, in the meaning of Databento's DBN.

A adds an order; C takes `size` away from it; M gives it a new price and size; R clears the book. T and F tell of a trade
and of each order that it filled; they never change the book: the C or M that follows does. The record flagged LAST closes
one event of the venue, and only there is the book a book.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from quantumcore.contracts.errors import InvalidCommand

LAST = 128
PRICE_PLACES = 9
OTHER_SIDE = {"B": "A", "A": "B"}
_DBN_MAGIC = b"DBN"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_UNDEFINED = 2**63 - 1


class Record(NamedTuple):
    """One market-by-order record.

    Attributes:
        instrument: The venue's number of the instrument.
        action: A, C, M, R, T or F.
        side: B or A of the order (of the aggressor for T), N unknown.
        price: 10^-9; 0 where there is none.
        time_ns: The venue's event time, UTC.
        last: Whether this record closes its event.
    """

    instrument: int
    action: str
    side: str
    price: int
    size: int
    order_id: int
    time_ns: int
    sequence: int
    last: bool


class Tape(NamedTuple):
    """A file's records and the names of its instruments."""

    records: list[Record]
    symbols: dict[int, str]

    def tick(self, instrument: int) -> int:
        """Return the greatest price step (10^-9) of which every price of the instrument is a multiple."""
        return math.gcd(*(abs(r.price) for r in self.records if r.instrument == instrument and r.price)) or 1


def read_tape(path: Path) -> Tape:
    """Return the records of a DBN file (also zstd-compressed) or an ITCH 5.0 file.

    Raises:
        InvalidCommand: Not such a file, or the reader for DBN is not installed; the text says which extra brings it.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise InvalidCommand("replay.file", f"{path}: {error.strerror}") from error
    if head[:3] == _DBN_MAGIC or head == _ZSTD_MAGIC:
        return _read_dbn(path, compressed=head == _ZSTD_MAGIC)
    from quantumcore.app.replay.itch import read_itch  # the two formats need not know each other

    return read_itch(path)


def events(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Yield the records of each event of the venue, up to its LAST; a cut event at the end is yielded as it is."""
    event: list[Record] = []
    for record in records:
        event.append(record)
        if record.last:
            yield event
            event = []
    if event:
        yield event


def _read_dbn(path: Path, *, compressed: bool) -> Tape:
    try:
        import databento_dbn as dbn  # an extra: only this needs it
    except ImportError as error:
        raise InvalidCommand("replay.extra", "DBN files need the extra: pip install 'quantumcore[replay]'") from error
    decoder = dbn.DBNDecoder(compression=dbn.Compression("zstd" if compressed else "none"))
    try:
        decoder.write(path.read_bytes())
        metadata, *rest = decoder.decode()
    except Exception as error:  # the library names no base for what it raises on a damaged file
        raise InvalidCommand("replay.file", f"{path} is no sound DBN file: {error}") from error
    if not isinstance(metadata, dbn.Metadata):
        raise InvalidCommand("replay.file", f"{path} does not begin with metadata")
    records = [
        Record(
            instrument=message.instrument_id,
            action=str(message.action),
            side=str(message.side),
            price=0 if message.price == _UNDEFINED else message.price,
            size=message.size,
            order_id=message.order_id,
            time_ns=message.ts_event,
            sequence=message.sequence,
            last=bool(int(message.flags) & LAST),
        )
        for message in rest
        if isinstance(message, dbn.MBOMsg)
    ]
    if not records:
        raise InvalidCommand("replay.file", f"{path} holds no market-by-order records")
    symbols = {
        int(interval["symbol"]): name
        for name, intervals in metadata.mappings.items()
        for interval in intervals
        if interval["symbol"]
    }
    return Tape(records, symbols)
