"""Reports in their forms, part by part, and what the ledger refuses to report.

Goal: each form says the same, to the last field, and shows whether it is whole; a report on its way has limits, and ends with
its first failure; nonsense is refused by name.
Method: a ledger that has followed a random market; parts of a few lines, so that every report has many.
"""

import csv
import io
import json
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts.errors import InvalidCommand, NotFound, QuantumCoreError, Unavailable
from quantumcore.contracts.ledger import GetTrialBalance
from quantumcore.contracts.ledger_reports import (
    CloseExport,
    GetClientMoney,
    GetGeneralLedger,
    GetIncome,
    GetStatement,
    LedgerLine,
    OpenExport,
    ReadExport,
    StatementBalance,
)
from quantumcore.contracts.values import show_time
from quantumcore.services.ledger import exports, forms, statements
from quantumcore.services.ledger.domain import FEE_INCOME, NAMES
from quantumcore.services.ledger.forms import COLUMNS
from quantumcore.services.ledger.service import LedgerService
from tests.support.ledgers import random_market
from tests.support.reports import all_entries, balance, followed, pages, sums_at
from tests.support.small_venue import SmallVenue

COMMANDS = 500
Read = tuple[SmallVenue, LedgerService, list[int]]


@pytest.fixture
async def market(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Read]:
    monkeypatch.setattr(exports, "PART_LINES", 7)
    monkeypatch.setattr(statements, "SCANNED", 50)
    monkeypatch.setattr(forms, "PARQUET_ROWS", 20)
    engine, batches = random_market(seed, COMMANDS)
    async with followed(tmp_path, batches) as (venue, service):
        yield venue, service, engine.accounts()


async def whole(venue: SmallVenue, **query: Any) -> tuple[bytes, int]:
    """Return a report read to its end, and how many parts it had."""
    opened = await venue.bus.request(OpenExport(**query))
    body, parts = b"", 0
    while True:
        part = await venue.bus.request(ReadExport(export=opened.export))
        body += part.body
        parts += 1
        if part.last:
            return body, parts


def from_json(body: bytes) -> tuple[list[StatementBalance], list[LedgerLine], list[StatementBalance]]:
    told = json.loads(body)
    assert told["complete"] is True
    assert list(told)[-1] == "complete"
    return (
        [StatementBalance(**one) for one in told["opening"]],
        [LedgerLine(**one) for one in told["lines"]],
        [StatementBalance(**one) for one in told["closing"]],
    )


def from_csv(body: bytes) -> tuple[list[StatementBalance], list[LedgerLine], list[StatementBalance]]:
    assert body.endswith(b"\r\n")
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline=""), strict=True))
    assert tuple(rows[0]) == COLUMNS
    return from_rows(rows)


def from_rows(rows: list[dict[str, Any]]) -> tuple[list[StatementBalance], list[LedgerLine], list[StatementBalance]]:
    kinds = [row["kind"] for row in rows]
    assert kinds == sorted(kinds, key=("opening", "line", "closing").index)
    assert kinds[-1:] in (["closing"], []), "of nothing a Parquet file has no rows, a CSV one"
    ends: dict[str, list[StatementBalance]] = {"opening": [], "closing": []}
    lines = []
    for row in rows:
        kind = row.pop("kind")
        if kind == "line":
            numbers = {name: int(row[name]) for name in ("sequence", "index", "leg")}
            lines.append(LedgerLine(**{**row, **numbers}))
        elif row["currency"]:
            ends[kind].append(StatementBalance(row["currency"], row["balance"]))
    return ends["opening"], lines, ends["closing"]


def from_parquet(body: bytes) -> tuple[list[StatementBalance], list[LedgerLine], list[StatementBalance]]:
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(io.BytesIO(body))
    assert tuple(table.column_names) == COLUMNS
    times = table["time"].cast("int64")  # Python's own times have no nanoseconds
    columns = table.set_column(table.column_names.index("time"), "time", times).to_pydict()
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for row in rows:
        row["time"] = "" if row["time"] is None else show_time(row["time"])
        row |= {name: "" for name, value in row.items() if value is None}
    return from_rows(rows) if rows else ([], [], [])  # nothing is a file without rows


async def test_every_form_says_what_the_pages_say(market: Read, rng: random.Random) -> None:
    venue, _, accounts = market
    middle = str(venue.log.last // 3)
    for account in accounts:
        query = {"account": account, "begin": middle}
        (page,) = await pages(venue, None, **query)
        expected = (page.opening, page.lines, page.closing)
        for form, read in (("json", from_json), ("csv", from_csv), ("parquet", from_parquet)):
            body, parts = await whole(venue, form=form, **query)
            assert read(body) == expected, form
            postings = len({(line.sequence, line.index, line.leg) for line in page.lines})
            assert parts == max(1, -(-postings // 7)), "who trades with himself has two lines of one posting"
        told = json.loads((await whole(venue, **query))[0])
        assert (told["account_id"], told["from"], told["to"], told["as_known"]) == (
            str(account),
            int(middle),
            venue.log.last + 1,
            venue.log.last,
        )


async def test_a_report_of_nothing_is_whole_too(market: Read) -> None:
    venue, _, accounts = market
    for form, read in (("json", from_json), ("csv", from_csv), ("parquet", from_parquet)):
        if form != "parquet":
            assert read((await whole(venue, account=accounts[0], begin="1", end="1", form=form))[0]) == ([], [], [])
    body, _ = await whole(venue, account=accounts[0], begin="1", end="1", form="parquet")
    pq = pytest.importorskip("pyarrow.parquet")
    assert pq.read_table(io.BytesIO(body)).num_rows == 0


async def test_the_postings_of_a_code_run_along_its_balance(market: Read, rng: random.Random) -> None:
    """Customers' codes too, where both sides of one posting may belong to it; the balances are the plain sums."""
    venue, service, _ = market
    rows, catalogue = await all_entries(service._database), service._catalogue
    begin, most = rng.randrange(1, venue.log.last // 2), 0
    for code in NAMES:
        body, parts = await whole(venue, code=code, begin=str(begin), form="csv")
        most = max(most, parts)
        opening, lines, closing = from_csv(body)
        for found, at in ((opening, begin - 1), (closing, venue.log.last)):
            sums = {of: pair for (of, of_code), pair in sums_at(rows, at).items() if of_code == code}
            expected = {
                catalogue.currencies[of].code: catalogue.currencies[of].show(balance(code, pair))
                for of, pair in sums.items()
            }
            moved = {one.currency for one in lines if at > begin} - set(expected)  # by nothing but 0
            nothing = {name: catalogue.currency(name).show(0) for name in moved}
            assert {one.currency: one.balance for one in found} == expected | nothing
        sides = sum((row.debit_code == code) + (row.credit_code == code) for row in rows if row.sequence >= begin)
        assert len(lines) == sides
        last = {line.currency: line.balance for line in lines}
        assert last == {one.currency: one.balance for one in closing if one.currency in last}
        assert all(line.account.endswith(str(code)) for line in lines)
    assert most > 1


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
async def test_what_is_cut_off_shows_it(market: Read, form: str) -> None:
    """Wherever the last part is missing, no reader takes it for whole."""
    venue, _, accounts = market
    read = {"json": from_json, "csv": from_csv, "parquet": from_parquet}[form]
    opened = await venue.bus.request(OpenExport(account=accounts[0], form=form))
    body = b""
    while not (part := await venue.bus.request(ReadExport(export=opened.export))).last:
        body += part.body
        with pytest.raises((AssertionError, ValueError, KeyError, OSError, IndexError)):
            read(body)
    read(body + part.body)


async def test_a_part_is_read_once_and_after_the_last_there_is_none(market: Read) -> None:
    venue, service, accounts = market
    opened = await venue.bus.request(OpenExport(account=accounts[0], end="1"))
    assert (await venue.bus.request(ReadExport(export=opened.export))).last
    for name in (opened.export, "", "0" * 32):
        with pytest.raises(NotFound) as caught:
            await venue.bus.request(ReadExport(export=name))
        assert caught.value.code == "export.not_found"
    assert len(service._reports.exports) == 0


async def test_a_failure_ends_the_export(market: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    venue, service, accounts = market
    opened = await venue.bus.request(OpenExport(account=accounts[0]))
    await venue.bus.request(ReadExport(export=opened.export))

    async def gone(_work: Any) -> Any:
        raise Unavailable("unavailable", "the database is gone")

    monkeypatch.setattr(service._database, "read", gone)
    with pytest.raises(Unavailable):
        await venue.bus.request(ReadExport(export=opened.export))
    monkeypatch.undo()
    with pytest.raises(NotFound):
        await venue.bus.request(ReadExport(export=opened.export))
    assert len(service._reports.exports) == 0


async def test_exports_have_limits_and_are_forgotten(market: Read) -> None:
    venue, service, accounts = market
    opened = [await venue.bus.request(OpenExport(account=accounts[0])) for _ in range(exports.PER_SUBJECT)]
    with pytest.raises(Unavailable) as caught:
        await venue.bus.request(OpenExport(account=accounts[0]))
    assert (caught.value.code, caught.value.limit) == ("overloaded", str(exports.PER_SUBJECT))
    await venue.bus.request(CloseExport(export=opened[0].export))
    await venue.bus.request(CloseExport(export=opened[0].export))
    await venue.bus.request(OpenExport(account=accounts[0]))
    for code in NAMES:
        for _ in range(exports.PER_SUBJECT):
            try:
                await venue.bus.request(OpenExport(code=code))
            except Unavailable:
                assert len(service._reports.exports) == exports.MAX_EXPORTS
    assert len(service._reports.exports) == exports.MAX_EXPORTS
    venue.clock.turn(exports.IDLE_S - 1)
    await venue.bus.request(ReadExport(export=opened[1].export))
    venue.clock.turn(2)
    with pytest.raises(NotFound):
        await venue.bus.request(ReadExport(export=opened[2].export))
    await venue.bus.request(ReadExport(export=opened[1].export))
    assert len(service._reports.exports) == 1


async def test_without_pyarrow_parquet_says_what_to_install(market: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    venue, _, accounts = market
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InvalidCommand) as caught:
        await venue.bus.request(OpenExport(account=accounts[0], form="parquet"))
    assert caught.value.code == "statement.format.missing"
    assert "quantumcore[parquet]" in caught.value.detail
    for form in ("json", "csv"):
        await whole(venue, account=accounts[0], form=form)


TOMORROW = "2999-01-01T00:00:00Z"
YESTERDAY = "2001-01-01T00:00:00Z"
WRONG = [
    ({"begin": TOMORROW}, "statement.range.future", "from"),
    ({"end": TOMORROW}, "statement.range.future", "to"),
    ({"begin": "9000000"}, "statement.range.future", "from"),
    ({"end": "9000000"}, "statement.range.future", "to"),
    ({"as_known": 9_000_000}, "statement.range.future", "as_known"),
    ({"as_known": 10, "end": "12"}, "statement.range.future", "to"),
    ({"begin": "7", "end": "6"}, "statement.range.reversed", "from"),
    ({"begin": "2002-01-01T00:00:00Z", "end": YESTERDAY}, "statement.range.reversed", "from"),
    ({"begin": "7", "end": YESTERDAY}, "statement.range.reversed", "from"),
    ({"begin": "yesterday"}, "request.invalid.time", "from"),
    ({"end": "2026-11-01"}, "request.invalid.time", "to"),
    ({"end": "2026-11-01T00:00:00"}, "request.invalid.time", "to"),
    ({"begin": "0"}, "request.invalid.range", "from"),
    ({"begin": "-1"}, "request.invalid.time", "from"),
    ({"begin": "9" * 20}, "request.invalid.range", "from"),
    ({"begin": "١٢"}, "request.invalid.time", "from"),
    ({"as_known": -1}, "request.invalid.range", "as_known"),
    ({"as_known": 2**63}, "request.invalid.range", "as_known"),
]
OF_ACCOUNTS = [
    ({"currency": "EURO"}, "currency.not_found", "currency"),
    ({"account": 4711}, "account.not_found", "account_id"),
    ({"account": 2**40}, "account.not_found", "account_id"),
]


async def refused(venue: SmallVenue, message: Any) -> QuantumCoreError:
    with pytest.raises(QuantumCoreError) as caught:
        await venue.bus.request(message)
    return caught.value


async def test_nonsense_about_a_statement_is_refused_by_name(market: Read) -> None:
    venue, _, accounts = market
    for wrong, code, field in [*WRONG, *OF_ACCOUNTS]:
        for kind in (GetStatement, OpenExport):
            error = await refused(venue, kind(**{"account": accounts[0], **wrong}))
            assert (error.code, error.field) == (code, field), wrong


async def test_nonsense_about_the_house_is_refused_by_name(market: Read) -> None:
    venue, _, _ = market
    for wrong, code, field in WRONG:
        about: list[Any] = [GetGeneralLedger, GetIncome]
        if set(wrong) == {"as_known"}:
            about += [GetTrialBalance, GetClientMoney]
        for kind in about:
            error = await refused(venue, kind(**wrong))
            assert (error.code, error.field) == (code, field), wrong


OTHER: list[tuple[Any, str, str]] = [
    (OpenExport(account=1, form="pdf"), "statement.format.unknown", "format"),
    (OpenExport(account=1, form=""), "statement.format.unknown", "format"),
    (OpenExport(), "code.not_found", "code"),
    (OpenExport(code=999), "code.not_found", "code"),
    (OpenExport(code=-300), "code.not_found", "code"),
    (OpenExport(code=FEE_INCOME, currency="EURO"), "currency.not_found", "currency"),
    (GetGeneralLedger(code=999), "code.not_found", "code"),
    (GetStatement(account=1, limit=0), "request.invalid.range", "limit"),
    (GetStatement(account=1, limit=5_001), "request.invalid.range", "limit"),
    (GetStatement(account=1, cursor="x"), "request.invalid.range", "cursor"),
    (
        GetStatement(account=1, cursor="1.0.0", opening=[StatementBalance("USD", "1.001")]),
        "request.invalid.places",
        "opening",
    ),
    (
        GetStatement(account=1, cursor="1.0.0", opening=[StatementBalance("USD", "one")]),
        "request.invalid.decimal",
        "opening",
    ),
    (
        GetStatement(account=1, cursor="1.0.0", opening=[StatementBalance("EURO", "1")]),
        "currency.not_found",
        "currency",
    ),
]


async def test_other_nonsense_is_refused_by_name(market: Read) -> None:
    for message, code, field in OTHER:
        error = await refused(market[0], message)
        assert (error.code, error.field) == (code, field), message
