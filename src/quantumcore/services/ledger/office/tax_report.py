"""Tax by period and code, as JSON, CSV or Parquet. Sums are of exact parts, and rounded once where they are shown."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection

from quantumcore.contracts.days import day_of, last_day_of, shown_day
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.ledger_reports import FORMS
from quantumcore.contracts.ledger_tax import GetTaxReport, TaxReportLine
from quantumcore.contracts.reference import Catalogue
from quantumcore.services.ledger import queries, ranges
from quantumcore.services.ledger.domain import HOUSE
from quantumcore.services.ledger.forms import arrow, csv_bytes
from quantumcore.services.ledger.office.taxes import Document
from quantumcore.services.ledger.rounding import rounded

COLUMNS = TaxReportLine.__struct_fields__


class Months(NamedTuple):
    """Which days a report is about."""

    first_day: int
    last_day: int


class Known(NamedTuple):
    """What counts at a sequence."""

    as_known: int
    documents: list[Document]


class Form(Protocol):
    """Makes the bytes of a report."""

    media_type: str

    def encode(self, query: GetTaxReport, as_known: int, lines: Sequence[TaxReportLine]) -> bytes:
        """Return the whole report."""


def asked(query: GetTaxReport) -> Months:
    """Return the days of the months that are asked for.

    Raises:
        InvalidCommand: No months, or the last before the first: `statement.range.reversed`.
    """
    last_day_of(query.begin, "from")  # a month, and no day
    first, last = day_of(f"{query.begin}-01", "from"), last_day_of(query.end, "to")
    if last < first:
        detail = "the range ends before it begins"
        raise InvalidCommand("statement.range.reversed", detail, field="from", limit=query.end, actual=query.begin)
    return Months(first, last)


def known(connection: Connection, documents: Sequence[Document], as_known: int) -> Known:
    """Return those documents whose groups are in the books at a sequence; 0: now.

    Raises:
        InvalidCommand: `statement.range.future`.
    """
    upto = ranges.known(connection, as_known)
    posted = queries.posted_ids(connection, HOUSE, [one.document_id for one in documents], upto)
    return Known(upto, [one for one in documents if one.document_id in posted])


def lines_of(documents: Sequence[Document], catalogue: Catalogue) -> list[TaxReportLine]:
    """Return the sums by month, code and currency."""
    counts: dict[tuple[str, str, str], int] = {}
    bases: dict[tuple[str, str, str], Fraction] = {}
    amounts: dict[tuple[str, str, str], int] = {}
    for document in documents:
        for due in document.dues:
            key = shown_day(document.effective_day)[:7], due.code, document.currency
            counts[key] = counts.get(key, 0) + 1
            bases[key] = bases.get(key, Fraction()) + due.base
            amounts[key] = amounts.get(key, 0) + due.amount
    found = []
    for key in sorted(counts):
        show = catalogue.currency(key[2]).show
        found.append(TaxReportLine(*key, counts[key], show(rounded(bases[key])), show(amounts[key])))
    return found


def form_of(name: str) -> Form:
    """Return what writes the form `name`.

    Raises:
        InvalidCommand: `statement.format.unknown`; `statement.format.missing`: a package is not installed.
    """
    match name:
        case "json":
            return _Json()
        case "csv":
            return _Csv()
        case "parquet":
            return _Parquet()
        case _:
            names = ", ".join(FORMS)
            detail = f"format must be one of {names}"
            raise InvalidCommand("statement.format.unknown", detail, field="format", limit=names, actual=name[:64])


class _Json:
    media_type = "application/json"

    def encode(self, query: GetTaxReport, as_known: int, lines: Sequence[TaxReportLine]) -> bytes:
        head = {"from": query.begin, "to": query.end, "as_known": as_known}
        return msgspec.json.encode({**head, "lines": lines, "complete": True})


class _Csv:
    media_type = "text/csv; charset=utf-8; header=present"

    def encode(self, _query: GetTaxReport, _as_known: int, lines: Sequence[TaxReportLine]) -> bytes:
        return csv_bytes([COLUMNS, *map(msgspec.structs.astuple, lines)])


class _Parquet:
    media_type = "application/vnd.apache.parquet"

    def __init__(self) -> None:
        self._arrow: Any = arrow()

    def encode(self, query: GetTaxReport, as_known: int, lines: Sequence[TaxReportLine]) -> bytes:
        pa = self._arrow
        head = {"from": query.begin, "to": query.end, "as_known": str(as_known)}
        kinds = {"documents": pa.int64()}
        schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS], metadata=head)
        columns = list(zip(*map(msgspec.structs.astuple, lines), strict=True)) or [()] * len(COLUMNS)
        arrays = [pa.array(values, field.type) for field, values in zip(schema, columns, strict=True)]
        sink = pa.BufferOutputStream()
        pa.parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), sink)
        found: bytes = sink.getvalue().to_pybytes()
        return found
