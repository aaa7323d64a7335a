"""The ledger's reports over the bus: waits for what they must know, reads one view, and answers."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from quantumcore.contracts.days import day_of
from quantumcore.contracts.errors import NotFound, check_count, invalid
from quantumcore.contracts.ledger import GetTrialBalance, TrialBalance
from quantumcore.contracts.ledger_reports import (
    MAX_LINES,
    ClientMoney,
    CloseExport,
    ExportOpened,
    ExportPart,
    GeneralLedger,
    GetClientMoney,
    GetGeneralLedger,
    GetIncome,
    GetStatement,
    Income,
    OpenExport,
    ReadExport,
    StatementBalance,
    StatementPage,
)
from quantumcore.contracts.messages import Done
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.values import Scaled
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.following import Following
from quantumcore.services.ledger import queries, ranges, reports, statements
from quantumcore.services.ledger.domain import NAMES
from quantumcore.services.ledger.exports import Export, Exports
from quantumcore.services.ledger.forms import form_of
from quantumcore.services.ledger.office.closed import ClosedDays
from quantumcore.services.ledger.office.periods import closing
from quantumcore.services.ledger.statements import Balances, Page, Subject
from quantumcore.services.ledger.teller import Teller

T = TypeVar("T")


class ReportDesk:
    """Answers GetStatement, OpenExport, ReadExport, CloseExport, GetGeneralLedger, GetIncome, GetClientMoney, and trial
    balances of the past; writes nothing.
    """

    def __init__(
        self,
        log: EventLog,
        database: Database,
        clock: Clock,
        following: Following,
        teller: Teller,
        catalogue: Catalogue,
        closed: ClosedDays,
    ) -> None:
        self._closed = closed
        self._log = log
        self._database = database
        self._clock = clock
        self._following = following
        self._teller = teller
        self._catalogue = catalogue
        self.exports = Exports(database, clock)

    def attach(self, bus: Bus) -> None:
        """Hand the handlers to the bus."""
        bus.handle(GetStatement, self.statement)
        bus.handle(OpenExport, self.open_export)
        bus.handle(ReadExport, self.read_export)
        bus.handle(CloseExport, self.close_export)
        bus.handle(GetGeneralLedger, self.general_ledger)
        bus.handle(GetIncome, self.income)
        bus.handle(GetClientMoney, self.client_money)

    async def statement(self, query: GetStatement) -> StatementPage:
        """Return a page of an account's statement.

        Raises:
            InvalidCommand, NotFound: As GetStatement says.
        """
        check_count(query.limit, MAX_LINES)
        wanted = ranges.asked(query.begin, query.end, query.as_known)
        after = queries.parse_position(query.cursor) if query.cursor else None
        subject = await self._subject(query.account, 0, query.currency)
        opening = self._carried(query.opening) if after and query.opening else None
        await self._until_known(wanted, query.at_least)
        now_ns = self._clock.now()

        def work(connection: Connection) -> tuple[ranges.Range, Page]:
            within = ranges.resolved(connection, wanted, now_ns)
            _must_be_open(connection, query.account, within)
            return within, statements.page(connection, subject, within, after, opening, query.limit, self._catalogue)

        within, page = await self._database.read(work)
        return StatementPage(
            account_id=str(query.account),
            begin=within.begin,
            end=within.end,
            as_known=within.as_known,
            opening=statements.shown(page.opening, subject, self._catalogue),
            lines=page.lines,
            closing=statements.shown(page.closing, subject, self._catalogue),
            next_cursor=queries.show_position(page.after) if page.after else None,
        )

    async def open_export(self, query: OpenExport) -> ExportOpened:
        """Open a report that is read part by part.

        Raises:
            InvalidCommand, NotFound, Unavailable: As OpenExport says.
        """
        form = await asyncio.to_thread(form_of, query.form)  # Parquet's package takes a second to import
        wanted = ranges.asked(query.begin, query.end, query.as_known)
        subject = await self._subject(query.account, query.code, query.currency)
        await self._until_known(wanted, query.at_least)
        now_ns = self._clock.now()

        def work(connection: Connection) -> ranges.Range:
            within = ranges.resolved(connection, wanted, now_ns)
            if query.account:
                _must_be_open(connection, query.account, within)
            return within

        within = await self._database.read(work)
        name = self.exports.add(Export(subject, within, form, self._catalogue))
        return ExportOpened(name, within.begin, within.end, within.as_known, form.media_type)

    async def read_export(self, query: ReadExport) -> ExportPart:
        """Return the next part.

        Raises:
            NotFound: `export.not_found`.
        """
        return await self.exports.read(query.export)

    async def close_export(self, query: CloseExport) -> Done:
        """Forget an export."""
        self.exports.close(query.export)
        return Done()

    async def trial_balance(self, query: GetTrialBalance) -> TrialBalance:
        """Return the sums of every code as they stood at a sequence.

        Raises:
            InvalidCommand: `statement.range.future`; as_of is no day.
        """
        if not query.as_of:
            work = partial(reports.trial_balance, catalogue=self._catalogue)
            return await self._at(query.as_known, query.at_least, work)
        day = day_of(query.as_of, "as_of")
        period = await self._closed.period_of(day)
        wanted, at_least = query.as_known, max(query.at_least, self._log.last)
        if period is not None:  # nothing after the closing counts
            await self._following.reached(at_least)
            sequence, _ = await self._database.read(lambda connection: closing(connection, period))
            wanted = min(wanted or sequence, sequence) if sequence else wanted
        dated = partial(reports.trial_balance_of, day=day, catalogue=self._catalogue)
        return await self._at(wanted, at_least, dated)

    async def client_money(self, query: GetClientMoney) -> ClientMoney:
        """Return what is owed to customers against what is there.

        Raises:
            InvalidCommand: `statement.range.future`.
        """
        return await self._at(query.as_known, query.at_least, partial(reports.client_money, catalogue=self._catalogue))

    async def general_ledger(self, query: GetGeneralLedger) -> GeneralLedger:
        """Return opening, movements and closing by code.

        Raises:
            InvalidCommand, NotFound: As GetGeneralLedger says.
        """
        _must_be_code(query.code)
        wanted = ranges.asked(query.begin, query.end, query.as_known)
        work = partial(reports.general_ledger, code=query.code, catalogue=self._catalogue)
        return await self._over(wanted, query.at_least, work)

    async def income(self, query: GetIncome) -> Income:
        """Return what the house has earned.

        Raises:
            InvalidCommand: As GetIncome says.
        """
        wanted = ranges.asked(query.begin, query.end, query.as_known)
        return await self._over(wanted, query.at_least, partial(reports.income, catalogue=self._catalogue))

    async def _at(self, as_known: int, at_least: int, work: Callable[[Connection, int], T]) -> T:
        wanted = ranges.asked("", "", as_known)
        await self._until_known(wanted, at_least)
        return await self._database.read(lambda connection: work(connection, ranges.known(connection, as_known)))

    async def _over(self, wanted: ranges.Asked, at_least: int, work: Callable[[Connection, ranges.Range], T]) -> T:
        await self._until_known(wanted, at_least)
        now_ns = self._clock.now()
        return await self._database.read(
            lambda connection: work(connection, ranges.resolved(connection, wanted, now_ns))
        )

    async def _until_known(self, wanted: ranges.Asked, at_least: int) -> None:
        """Wait, at most a second, for what the answer must know: of a time that is everything in the log by now.

        What is not even in the log is not waited for: it is the future.
        """
        last = self._log.last
        await self._following.reached(max(at_least, min(wanted.as_known, last), last if wanted.by_time else 0))

    async def _subject(self, account: int, code: int, currency: str) -> Subject:
        if not account:
            if not code:
                raise _no_code(code)
            _must_be_code(code)
        number = (await self._teller.currency(currency)).number if currency else 0
        return Subject(account, code, number)

    def _carried(self, opening: list[StatementBalance]) -> Balances:
        """Return what a page before has closed with.

        Raises:
            InvalidCommand, NotFound: It is none of ours.
        """
        found: Balances = {}
        for one in opening:
            currency = self._catalogue.currency(one.currency)
            amount = Scaled.parse(one.balance, "opening")
            if amount.scale > currency.scale:
                raise invalid("places", "opening has too many places", field="opening", limit=str(currency.scale))
            found[currency.number] = amount.mantissa * 10 ** (currency.scale - amount.scale)
        return found


def _must_be_open(connection: Connection, account: int, within: ranges.Range) -> None:
    if not 0 < queries.opened_at(connection, account) <= within.as_known:
        raise NotFound("account.not_found", "account not found", field="account_id")


def _must_be_code(code: int) -> None:
    if code and code not in NAMES:
        raise _no_code(code)


def _no_code(code: int) -> NotFound:
    known = ", ".join(map(str, sorted(NAMES)))
    return NotFound(
        "code.not_found", "no account of the house has this code", field="code", limit=known, actual=str(code)
    )
