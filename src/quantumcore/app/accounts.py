"""`quantumcore account ...`: what an operator reads of one account, of a venue that runs or of its directory."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from quantumcore.app.offline import Ask, asking
from quantumcore.app.settings import Settings
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.ledger import GetBalances
from quantumcore.contracts.ledger_reports import GetStatement, StatementPage
from quantumcore.contracts.matching import GetEngineStatus
from quantumcore.services.ledger.forms import Head, form_of

PAGE = 500  # postings; their text fits into a line of the operator's door
TABLE_LINES = 200
UNFINISHED = ".part"


async def balances(settings: Settings, account: int) -> dict[str, Any]:
    """Return all balances of an account.

    Raises:
        QuantumCoreError: `account.not_found`, or what keeps the venue from answering.
    """
    async with asking(settings) as ask:
        return await ask(GetBalances(account=account, at_least=await _now(ask)))


async def statement(settings: Settings, query: GetStatement, form: str, out: Path | None, console: Console) -> int:
    """Write a statement in `form` to `out`, or to standard output; return how many lines it has.

    A file has its name only when it is whole; until then, and after a failure, it is called `<name>.part`.

    Raises:
        InvalidCommand: As GetStatement and form_of say; `statement.file`: it cannot be written.
        QuantumCoreError: What keeps the venue from answering.
    """
    writer = form_of(form)
    if out is None and form == "parquet":
        raise InvalidCommand("statement.file", "Parquet is no text: give it a file with --out", field="out")
    lines = 0
    async with asking(settings) as ask:
        pages = _pages(ask, msgspec.structs.replace(query, at_least=await _now(ask)))
        page = await anext(pages)
        with _written(out, form) as file, _progress(console, page) as bar:
            file.write(writer.head(_head(page)))
            while True:
                file.write(writer.lines(page.lines))
                lines += len(page.lines)
                bar(page)
                if page.next_cursor is None:
                    break
                page = await anext(pages)
            file.write(writer.end(page.closing))
    return lines


async def show_statement(settings: Settings, query: GetStatement, console: Console) -> None:
    """Print the first TABLE_LINES lines of a statement as a table, and say so if there are more."""
    async with asking(settings) as ask:
        first = msgspec.structs.replace(query, limit=TABLE_LINES, at_least=await _now(ask))
        page = await anext(_pages(ask, first))
    table = Table(title=f"account {page.account_id}, sequences {page.begin} to {page.end - 1}")
    for column in ("time", "what", "reference", "counterparty", "currency"):
        table.add_column(column, overflow="fold")
    for column in ("debit", "credit", "balance"):  # a number that is cut is another number
        table.add_column(column, justify="right", no_wrap=True, overflow="fold")
    for one in page.opening:
        table.add_row("", "opening", "", "", one.currency, "", "", one.balance)
    for line in page.lines:
        table.add_row(
            line.time,
            line.code,
            line.reference,
            line.counterparty,
            line.currency,
            line.debit,
            line.credit,
            line.balance,
        )
    for one in page.closing:
        table.add_row(
            "", "closing" if page.next_cursor is None else "so far", "", "", one.currency, "", "", one.balance
        )
    console.print(table)
    if page.next_cursor is not None:
        console.print(f"There is more: {TABLE_LINES} postings are shown; --format csv --out FILE writes them all.")


def show_balances(told: dict[str, Any], console: Console) -> None:
    """Print balances as a table."""
    table = Table(title=f"account {told['account_id']} at sequence {told['sequence']}")
    table.add_column("currency")
    for column in ("total", "held", "available"):
        table.add_column(column, justify="right")
    for one in told["balances"]:
        table.add_row(one["currency"], one["total"], one["held"], one["available"])
    console.print(table)


async def _now(ask: Ask) -> int:
    """Return where the engine stands: what was done before somebody asks is in what he reads."""
    sequence: int = (await ask(GetEngineStatus()))["sequence"]
    return sequence


async def _pages(ask: Ask, query: GetStatement) -> AsyncIterator[StatementPage]:
    """Yield the pages of a statement, all as known when the first was read."""
    while True:
        page = msgspec.convert(await ask(query), StatementPage)
        yield page
        if page.next_cursor is None:
            return
        query = msgspec.structs.replace(
            query,
            cursor=page.next_cursor,
            opening=page.closing,
            begin=str(page.begin),
            end=str(page.end),
            as_known=page.as_known,
        )


def _head(page: StatementPage) -> Head:
    return Head(
        subject=("account_id", page.account_id),
        begin=page.begin,
        end=page.end,
        as_known=page.as_known,
        opening=page.opening,
    )


@contextmanager
def _written(out: Path | None, form: str) -> Iterator[BinaryIO]:
    """Give a file that gets its name when all went well, or standard output."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.write(b"" if form == "csv" else b"\n")
        sys.stdout.buffer.flush()
        return
    scratch = out.with_name(out.name + UNFINISHED)
    try:
        with scratch.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(out)
    except OSError as error:
        raise InvalidCommand("statement.file", f"{out} cannot be written: {error}", field="out") from error


@contextmanager
def _progress(console: Console, first: StatementPage) -> Iterator[Any]:
    """Give what is told of each page, and shows on standard error how far the statement is."""
    bar = (TextColumn("statement"), BarColumn(), TextColumn("{task.fields[lines]:,} lines"))
    with Progress(*bar, console=console, transient=True) if console.is_terminal else nullcontext() as progress:
        task = progress.add_task("statement", total=first.end - first.begin, lines=0) if progress else None
        lines = 0

        def told(page: StatementPage) -> None:
            nonlocal lines
            lines += len(page.lines)
            if progress is not None and task is not None and page.lines:
                progress.update(task, completed=page.lines[-1].sequence - first.begin, lines=lines)

        yield told
