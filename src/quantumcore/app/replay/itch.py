"""NASDAQ TotalView-ITCH 5.0 files (u16 big-endian length before each message) as market-by-order records.

An execution (E, C) becomes T, F and the C that takes the shares from the book; a replace (U) becomes C of the old order and
A of the new one: it loses its place. Only messages that touch the book or trade against it are read; the others are skipped by length.
"""

import struct
from pathlib import Path
from typing import NamedTuple

from quantumcore.app.replay.records import OTHER_SIDE, Record, Tape
from quantumcore.contracts.errors import InvalidCommand

_TO_NANO = 10**5
"""ITCH prices have four decimals, records nine."""
_HEADER = struct.Struct(">cHH6s")
_ADD = struct.Struct(">QcI8sI")
_EXECUTED = struct.Struct(">QIQ")
_EXECUTED_AT = struct.Struct(">QIQcI")
_REDUCED = struct.Struct(">QI")
_DELETED = struct.Struct(">Q")
_REPLACED = struct.Struct(">QQII")
_BODY = {
    b"A": _ADD,
    b"F": _ADD,
    b"E": _EXECUTED,
    b"C": _EXECUTED_AT,
    b"X": _REDUCED,
    b"D": _DELETED,
    b"U": _REPLACED,
    b"R": struct.Struct(">8s"),
}


class _Resting(NamedTuple):
    side: str
    price: int
    size: int


class _Reader:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.symbols: dict[int, str] = {}
        self._orders: dict[int, _Resting] = {}

    def message(self, raw: bytes, number: int) -> None:
        kind, locate, _, stamp = _HEADER.unpack_from(raw)
        body = _BODY.get(kind)
        if body is None:
            return
        if len(raw) < _HEADER.size + body.size:
            raise InvalidCommand("replay.file", f"message {number} of type {kind.decode()} is cut short")
        fields = body.unpack_from(raw, _HEADER.size)
        time_ns = int.from_bytes(stamp, "big")
        match kind:
            case b"R":
                self.symbols[locate] = fields[0].decode("ascii").strip()
            case b"A" | b"F":
                ref, side, shares, _, price = fields
                self._add(
                    locate, ref, _Resting("B" if side == b"B" else "A", price * _TO_NANO, shares), time_ns, number
                )
            case b"E":
                self._execute(locate, fields[0], fields[1], None, time_ns, number)
            case b"C":
                self._execute(locate, fields[0], fields[1], fields[4] * _TO_NANO, time_ns, number)
            case b"X":
                self._take(locate, fields[0], fields[1], time_ns, number)
            case b"D":
                self._take(locate, fields[0], self._known(fields[0], number).size, time_ns, number)
            case b"U":
                old, new, shares, price = fields
                side = self._known(old, number).side
                self._take(locate, old, self._orders[old].size, time_ns, number)
                self._add(locate, new, _Resting(side, price * _TO_NANO, shares), time_ns, number)

    def _known(self, ref: int, number: int) -> _Resting:
        order = self._orders.get(ref)
        if order is None:
            raise InvalidCommand("replay.file", f"message {number} names order {ref}, which does not rest")
        return order

    def _add(self, locate: int, ref: int, order: _Resting, time_ns: int, number: int) -> None:
        self._orders[ref] = order
        self.records.append(Record(locate, "A", order.side, order.price, order.size, ref, time_ns, number, last=True))

    def _execute(self, locate: int, ref: int, shares: int, price: int | None, time_ns: int, number: int) -> None:
        order = self._known(ref, number)
        at = order.price if price is None else price
        aggressor = OTHER_SIDE[order.side]
        self.records.append(Record(locate, "T", aggressor, at, shares, 0, time_ns, number, last=False))
        self.records.append(Record(locate, "F", order.side, at, shares, ref, time_ns, number, last=False))
        self._take(locate, ref, shares, time_ns, number)

    def _take(self, locate: int, ref: int, shares: int, time_ns: int, number: int) -> None:
        order = self._known(ref, number)
        self.records.append(Record(locate, "C", order.side, order.price, shares, ref, time_ns, number, last=True))
        if shares >= order.size:
            del self._orders[ref]
        else:
            self._orders[ref] = order._replace(size=order.size - shares)


def read_itch(path: Path) -> Tape:
    """Return the book-changing records of an ITCH 5.0 file; times are nanoseconds since New York midnight.

    Raises:
        InvalidCommand: A message that is cut short, or one that names an order that does not rest; with its number.
    """
    raw = path.read_bytes()
    reader = _Reader()
    offset = number = 0
    while offset + 2 <= len(raw):
        length = int.from_bytes(raw[offset : offset + 2], "big")
        end = offset + 2 + length
        if length < _HEADER.size or end > len(raw):
            raise InvalidCommand("replay.file", f"{path}: message {number} at byte {offset} is cut short")
        reader.message(raw[offset + 2 : end], number)
        offset, number = end, number + 1
    if not reader.symbols and not reader.records:
        raise InvalidCommand("replay.file", f"{path} is neither DBN nor ITCH 5.0")
    return Tape(reader.records, reader.symbols)
