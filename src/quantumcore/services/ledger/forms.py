"""A report as JSON, CSV or Parquet, made part by part: what is in memory at once does not depend on its length.

Every form shows by itself whether it is whole: the JSON document ends with "complete": true and its last brace, the CSV with
rows of kind `closing` (one with empty balances if there is nothing), the Parquet file with its footer.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.ledger_reports import FORMS, LedgerLine, StatementBalance

PARQUET_ROWS = 16_384  # lines of one row group; so many wait in memory
COLUMNS = ("kind", *LedgerLine.__struct_fields__)
_NUMBERS = ("sequence", "index", "leg")
_encode = msgspec.json.Encoder().encode
_BLANK = {name: None if name in (*_NUMBERS, "time") else "" for name in COLUMNS}
"""What a row says that is no line; CSV writes both as nothing."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What stands above the lines.

    Attributes:
        subject: Name of what is reported ("account_id", "code") and its value.
        begin, end: Sequences, half open.
    """

    subject: tuple[str, str]
    begin: int
    end: int
    as_known: int
    opening: Sequence[StatementBalance]


class Form(Protocol):
    """Makes the bytes of one report. Order of calls: head, lines (any number of times), end."""

    media_type: str

    def head(self, head: Head) -> bytes:
        """Return what comes first."""

    def lines(self, lines: Sequence[LedgerLine]) -> bytes:
        """Return what `lines` add; perhaps nothing yet."""

    def end(self, closing: Sequence[StatementBalance]) -> bytes:
        """Return the rest; with it the report is whole."""


def form_of(name: str) -> Form:
    """Return what writes the form `name`.

    Raises:
        InvalidCommand: `statement.format.unknown`; `statement.format.missing`: a package is not installed.
    """
    match name:
        case "json":
            return JsonForm()
        case "csv":
            return CsvForm()
        case "parquet":
            return ParquetForm()
        case _:
            known = ", ".join(FORMS)
            raise InvalidCommand(
                "statement.format.unknown",
                f"format must be one of {known}",
                field="format",
                limit=known,
                actual=name[:64],
            )


class JsonForm:
    """One JSON object."""

    media_type = "application/json"
    _separator = b""

    def head(self, head: Head) -> bytes:
        """Return the object up to its lines."""
        name, value = head.subject
        above = {name: value, "from": head.begin, "to": head.end, "as_known": head.as_known, "opening": head.opening}
        return _encode(above)[:-1] + b',"lines":['

    def lines(self, lines: Sequence[LedgerLine]) -> bytes:
        """Return the lines as objects."""
        if not lines:
            return b""
        before, self._separator = self._separator, b","
        return before + _encode(lines)[1:-1]

    def end(self, closing: Sequence[StatementBalance]) -> bytes:
        """Return the closing balances and the end of the object."""
        return b'],"closing":' + _encode(closing) + b',"complete":true}'


class CsvForm:
    """RFC 4180: a header, CRLF, quotes where they are needed; rows of kind opening, line and closing."""

    media_type = "text/csv; charset=utf-8; header=present"

    def head(self, head: Head) -> bytes:
        """Return the header and the opening balances."""
        return csv_bytes([COLUMNS, *_balances("opening", head.opening)])

    def lines(self, lines: Sequence[LedgerLine]) -> bytes:
        """Return a row for each."""
        return csv_bytes(_rows(lines))

    def end(self, closing: Sequence[StatementBalance]) -> bytes:
        """Return the closing balances, or one empty row."""
        return csv_bytes(_balances("closing", closing) or [_row(kind="closing")])


class ParquetForm:
    """The CSV's columns with types: whole numbers, a time in UTC with nanoseconds, and text; amounts are text, for they are exact."""

    media_type = "application/vnd.apache.parquet"

    def __init__(self) -> None:
        """Begin.

        Raises:
            InvalidCommand: `statement.format.missing`: pyarrow is not installed.
        """
        self._arrow = pa = arrow()
        kinds = {**dict.fromkeys(_NUMBERS, pa.int64()), "time": pa.timestamp("ns", "UTC")}
        self._schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
        self._out = io.BytesIO()
        self._taken = _Drained(self._out)
        self._writer: Any = None
        self._waiting: list[tuple[Any, ...]] = []

    def head(self, head: Head) -> bytes:
        """Return the first bytes."""
        name, value = head.subject
        known = {name: value, "from": str(head.begin), "to": str(head.end), "as_known": str(head.as_known)}
        self._writer = self._arrow.parquet.ParquetWriter(self._taken, self._schema.with_metadata(known))
        self._waiting += _balances("opening", head.opening)
        return self._taken.drain()

    def lines(self, lines: Sequence[LedgerLine]) -> bytes:
        """Return a row group when there are enough lines."""
        self._waiting += _rows(lines)
        if len(self._waiting) >= PARQUET_ROWS:
            self._write()
        return self._taken.drain()

    def end(self, closing: Sequence[StatementBalance]) -> bytes:
        """Return the rest and the footer."""
        self._waiting += _balances("closing", closing)
        self._write()
        self._writer.close()
        return self._taken.drain()

    def _write(self) -> None:
        columns = list(zip(*self._waiting, strict=True)) or [()] * len(COLUMNS)
        self._waiting = []
        arrays = []
        for field, values in zip(self._schema, columns, strict=True):
            if field.name == "time":  # Arrow reads RFC 3339 itself
                arrays.append(self._arrow.array(values, self._arrow.string()).cast(field.type))
            else:
                arrays.append(self._arrow.array(values, field.type))
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._writer.schema))


def arrow() -> Any:
    """Return pyarrow, with its Parquet.

    Raises:
        InvalidCommand: `statement.format.missing`: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet  # makes pa.parquet
    except ImportError as error:
        raise InvalidCommand(
            "statement.format.missing",
            "Parquet needs pyarrow: pip install 'quantumcore[parquet]'; json and csv need nothing",
            field="format",
            limit="json, csv",
            actual="parquet",
        ) from error
    return pa


class _Drained(io.RawIOBase):
    """A file that is written on and on, and emptied between."""

    def __init__(self, out: io.BytesIO) -> None:
        self._out = out
        self._gone = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._out.write(data)

    def tell(self) -> int:
        return self._gone + self._out.tell()

    def drain(self) -> bytes:
        """Return what was written since the last call."""
        found = self._out.getvalue()
        self._gone += len(found)
        self._out.seek(0)
        self._out.truncate()
        return found


def _rows(lines: Iterable[LedgerLine]) -> list[tuple[Any, ...]]:
    return [("line", *msgspec.structs.astuple(line)) for line in lines]


def _balances(kind: str, balances: Iterable[StatementBalance]) -> list[tuple[Any, ...]]:
    return [_row(kind=kind, currency=one.currency, balance=one.balance) for one in balances]


def _row(**known: str) -> tuple[Any, ...]:
    return tuple({**_BLANK, **known}.values())


def csv_bytes(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return rows as RFC 4180."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
