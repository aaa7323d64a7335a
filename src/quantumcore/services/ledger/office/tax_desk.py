"""Where taxes are set, documents charged, and what is owed remitted.

A document is on disk, with what each tax takes of it, before the engine is asked; so the same document later is posted as it was reckoned.
Documents are charged one at a time: what a cumulative one owes depends on those before it, and an unfinished one is finished first.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import get_args

import msgspec
from msgspec.structs import replace
from prometheus_client.core import Metric

from quantumcore.contracts.days import DAY_NS, day_of, effective_day, shown_day
from quantumcore.contracts.errors import Conflict, NotFound, Refused, check_count, invalid
from quantumcore.contracts.ledger import TransactionView
from quantumcore.contracts.ledger_tax import (
    MAX_CODE,
    MAX_LINES,
    MAX_TAXES,
    ChargeTax,
    GetTaxDocument,
    GetTaxes,
    GetTaxReport,
    RemitTax,
    SetTax,
    TaxDocument,
    TaxDueView,
    Taxes,
    TaxReport,
    TaxView,
)
from quantumcore.contracts.reference import Currency
from quantumcore.contracts.values import I64_MAX, Scaled, is_symbol
from quantumcore.contracts.wire import Leg, PostGroup
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.following import Following
from quantumcore.ports.telemetry import counter
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.conversions import OWN
from quantumcore.services.ledger.domain import BANK, HOUSE, TAX_PAYABLE
from quantumcore.services.ledger.groups import Groups
from quantumcore.services.ledger.office import tax_report, taxes
from quantumcore.services.ledger.office.taxes import Document, Due, Kept, State
from quantumcore.services.ledger.rounding import Mode, rounded
from quantumcore.services.ledger.tax import Line, Periods, Tax, exact_tax, taxes_of
from quantumcore.services.ledger.teller import Teller
from quantumcore.services.ledger.transactions import Bookkeeper, check_free, text_bytes
from quantumcore.services.ledger.transfers import amount_of, check_account

CHARGED, REMITTED = 240, 241  # why, in the ledger's own numbers
RATE_PLACES = 8
RATE_MAX = 10 * 10**RATE_PLACES  # 1,000 %
MODES = get_args(Mode)


class TaxDesk:
    """Answers SetTax, ChargeTax and RemitTax (behind the approvals), GetTaxes, GetTaxDocument, GetTaxReport."""

    def __init__(
        self,
        groups: Groups,
        books: Bookkeeper,
        database: Database,
        office: Database,
        clock: Clock,
        following: Following,
        teller: Teller,
    ) -> None:
        self._groups = groups
        self._books = books
        self._database = database
        self._office = office
        self._clock = clock
        self._following = following
        self._teller = teller
        self._one_at_a_time = asyncio.Lock()
        self.documents: Counter[str] = Counter()

    def attach(self, bus: Bus) -> None:
        """Hand the handlers to the bus, but for those before which the approvals stand."""
        bus.handle(GetTaxes, self.taxes)
        bus.handle(GetTaxDocument, self.document)
        bus.handle(GetTaxReport, self.report)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how it goes."""
        yield counter("qc_ledger_tax_documents", "Documents and remittances by outcome", self.documents, by="outcome")

    # ------------------------------------------------------------------------------------------- records

    async def check_tax(self, command: SetTax) -> Tax:
        """Return the tax that a request describes.

        Raises:
            InvalidCommand: As contracts/ledger_tax says, but for what stands in other records.
        """
        if not (is_symbol(command.code) and len(command.code) <= MAX_CODE):
            detail = f"code is 1 to {MAX_CODE} of A-Z0-9._-"
            raise invalid("id", detail, field="code", limit=str(MAX_CODE), actual=command.code[:64])
        rate = Scaled.parse(command.rate, "rate")
        units = rate.mantissa * 10 ** max(RATE_PLACES - rate.scale, 0)
        if rate.scale > RATE_PLACES or not 0 <= units <= RATE_MAX:
            detail = f"rate is 0 to 10 with at most {RATE_PLACES} places"
            raise invalid("range", detail, field="rate", limit="10", actual=command.rate[:64])
        if command.mode not in MODES:
            names = ", ".join(MODES)
            raise invalid("range", f"mode must be one of {names}", field="mode", actual=command.mode[:64])
        if len(command.upon) > MAX_TAXES:
            bound, count = str(MAX_TAXES), str(len(command.upon))
            raise invalid("range", f"upon names at most {bound} taxes", field="upon", limit=bound, actual=count)
        mode: Mode = next(mode for mode in MODES if mode == command.mode)
        return Tax(code=command.code, rate=units, mode=mode, upon=tuple(dict.fromkeys(command.upon)))

    async def set_tax(self, command: SetTax) -> TaxView:
        """Bring a tax into force.

        Raises:
            InvalidCommand, Unavailable: As contracts/ledger_tax says.
        """
        tax, now = await self.check_tax(command), self._clock.now()
        return _shown(await self._office.write(lambda tx: taxes.keep(tx, tax, now)))

    async def taxes(self, _query: GetTaxes) -> Taxes:
        """Return all taxes in force."""
        return Taxes([_shown(kept) for kept in (await self._office.read(taxes.in_force)).values()])

    # ----------------------------------------------------------------------------------------- documents

    async def check_charge(self, command: ChargeTax) -> None:
        """Do nothing if a document could be charged; raises as `charge`."""
        await self._groups.check_open(await self._group(await self._reckoned(replace(command, cumulative=False))))

    async def charge(self, command: ChargeTax) -> TaxDocument:
        """Charge a document, once.

        Raises:
            InvalidCommand, NotFound, Conflict, Unavailable, OutcomeUnknown: As contracts/ledger_tax says.
        """
        check_free(command.document_id, "document_id")
        async with self._one_at_a_time:
            document = await self._office.read(lambda tx: taxes.find(tx, command.document_id))
            if document is None:
                document = made = await self._reckoned(command)
                await self._groups.check_open(await self._group(made))
                await self._office.write(lambda tx: taxes.add(tx, made))
            else:
                _must_equal(msgspec.msgpack.decode(document.body, type=ChargeTax), command)
            return await self._posted(document)

    async def document(self, query: GetTaxDocument) -> TaxDocument:
        """Return a document that was charged.

        Raises:
            NotFound: `tax.document.not_found`.
        """
        await self._following.reached(self._groups.posted)
        document = await self._office.read(lambda tx: taxes.find(tx, query.document_id))
        row = await self._database.read(lambda tx: queries.transaction(tx, HOUSE, query.document_id))
        if document is None or document.state is State.FAILED or row is None:
            raise NotFound("tax.document.not_found", "document not found", field="document_id")
        return await self._told(document, row.sequence, row.time_ns)

    async def _posted(self, document: Document) -> TaxDocument:
        """Post a document that is written down; the same again is the same group."""
        if document.state is State.FAILED:
            detail = f"this document has failed: {document.detail}"
            raise Conflict("tax.document.failed", detail, field="document_id", actual=document.document_id)
        name = document.document_id
        try:
            events = await self._groups.post(await self._group(document), self.documents, field="document_id")
        except Refused as error:
            told = error.detail[:1_024]
            await self._office.write(lambda tx: taxes.end(tx, name, State.FAILED, told))
            raise
        if document.state is not State.POSTED:
            await self._office.write(lambda tx: taxes.end(tx, name, State.POSTED))
        return await self._told(document, events[-1].sequence, events[-1].time_ns)

    async def _reckoned(self, command: ChargeTax) -> Document:
        """Return a document with what each tax takes of it; what was begun in its year is finished first."""
        check_free(command.document_id, "document_id")
        check_account(command.account, "account_id")
        currency = await self._teller.currency(command.currency)
        day = effective_day(command.effective_date) or self._clock.now() // DAY_NS
        lines = [_line(one, at, currency) for at, one in enumerate(_bounded(command))]
        named = list(dict.fromkeys(code for line in lines for code in line.taxes))
        kept = await self._office.read(taxes.in_force)
        for code in named:
            if code not in kept:
                raise NotFound("tax.not_found", f"tax {code[:32]!r} not found", field="lines", actual=code[:64])
        if not 1 <= len(named) <= MAX_TAXES:
            bound, count = str(MAX_TAXES), str(len(named))
            raise invalid("range", f"a document has 1 to {bound} taxes", field="lines", limit=bound, actual=count)
        ordered = taxes.with_those_below(named, {code: one.tax for code, one in kept.items()})
        found = {due.code: due for due in taxes_of(lines, ordered)}
        of_tax = {tax.code: tax for tax in ordered}
        dues = [
            Due(
                code, of_tax[code].rate, found[code].base, exact_tax(of_tax[code], found[code].base), found[code].amount
            )
            for code in named
        ]
        if command.cumulative:
            before = await self._before(command.account, currency.code, day)
            dues = [_cumulative(due, of_tax[due.code], before) for due in dues]
        if any(abs(due.amount) > I64_MAX for due in dues):
            raise invalid("overflow", "a tax needs more than 63 bits", field="lines", limit=currency.show(I64_MAX))
        return Document(
            document_id=command.document_id,
            account=command.account,
            currency=currency.code,
            effective_day=day,
            cumulative=command.cumulative,
            body=msgspec.msgpack.encode(command),
            dues=tuple(dues),
        )

    async def _before(self, account: int, currency: str, day: int) -> list[Due]:
        """Return what was charged so in the year of `day`."""
        year = shown_day(day)[:4]
        first, last = (day_of(f"{year}-{edge}", "effective_date") for edge in ("01-01", "12-31"))
        found: list[Due] = []
        for document in await self._office.read(lambda tx: taxes.series(tx, account, currency, first, last)):
            if document.state is State.ASKED:
                try:
                    await self._posted(document)
                except Refused:
                    continue  # it is written down as failed, and counts no more
            found += document.dues
        return found

    async def _group(self, document: Document) -> PostGroup:
        currency = await self._teller.currency(document.currency)
        own, payable = (document.account, OWN), (HOUSE, TAX_PAYABLE)
        legs = []
        for due in document.dues:
            debit, credit = (own, payable) if due.amount >= 0 else (payable, own)
            legs.append(_leg(debit, credit, currency.number, abs(due.amount)))
        text = f"tax {shown_day(document.effective_day)[:7]} {' '.join(due.code for due in document.dues)}"
        return _grouped(document.document_id, CHARGED, legs, text.encode(), document.effective_day)

    async def _told(self, document: Document, sequence: int, time_ns: int) -> TaxDocument:
        currency = await self._teller.currency(document.currency)
        effective = shown_day(document.effective_day)
        return TaxDocument(
            document_id=document.document_id,
            account_id=str(document.account),
            currency=document.currency,
            effective_date=effective,
            period=effective[:7],
            cumulative=document.cumulative,
            taxes=[
                TaxDueView(
                    code=due.code,
                    rate=_rate(due.rate),
                    base=currency.show(rounded(due.base)),
                    amount=currency.show(due.amount),
                )
                for due in document.dues
            ],
            status="posted",
            sequence=sequence,
            time_ns=time_ns,
        )

    # -------------------------------------------------------------------------------- remittances, report

    async def check_remittance(self, command: RemitTax) -> PostGroup:
        """Return the group that remits; raises as `remit`."""
        check_free(command.remittance_id, "remittance_id")
        currency = await self._teller.currency(command.currency)
        amount = amount_of(command.amount, currency)
        leg = _leg((HOUSE, TAX_PAYABLE), (HOUSE, BANK), currency.number, amount)
        return _grouped(command.remittance_id, REMITTED, [leg], text_bytes(command.text), 0)

    async def remit(self, command: RemitTax) -> TransactionView:
        """Pay what is owed to an authority, once.

        Raises:
            InvalidCommand, NotFound, Conflict: As contracts/ledger_tax says.
        """
        group = await self.check_remittance(command)
        return self._books.shown(await self._groups.post(group, self.documents, field="remittance_id"))

    async def report(self, query: GetTaxReport) -> TaxReport:
        """Return tax by period and code.

        Raises:
            InvalidCommand: As GetTaxReport says.
        """
        wanted = tax_report.asked(query)
        form = await asyncio.to_thread(tax_report.form_of, query.form)  # Parquet's package takes a second to import
        await self._following.reached(self._groups.posted)
        documents = await self._office.read(lambda tx: taxes.of_days(tx, wanted.first_day, wanted.last_day))
        known = await self._database.read(lambda tx: tax_report.known(tx, documents, query.as_known))
        lines = tax_report.lines_of(known.documents, self._teller.catalogue)
        body = await asyncio.to_thread(form.encode, query, known.as_known, lines)
        return TaxReport(as_known=known.as_known, media_type=form.media_type, body=body)


def _bounded(command: ChargeTax) -> list[tuple[str, list[str]]]:
    check_count(len(command.lines), MAX_LINES, "lines")
    return [(line.amount, line.taxes) for line in command.lines]


def _line(given: tuple[str, list[str]], at: int, currency: Currency) -> Line:
    text, codes = given
    field = f"lines[{at}].amount"
    amount = Scaled.parse(text, field)
    if amount.scale > currency.scale:
        places = str(currency.scale)
        raise invalid("range", f"{currency.code} has {places} places", field=field, limit=places, actual=text)
    minor = amount.mantissa * 10 ** (currency.scale - amount.scale)
    if abs(minor) > I64_MAX:
        raise invalid("overflow", f"{field} needs more than 63 bits", field=field, limit=currency.show(I64_MAX))
    return Line(amount=minor, taxes=tuple(codes))


def _cumulative(due: Due, tax: Tax, before: Sequence[Due]) -> Due:
    """Return what is due beyond what was charged before."""
    same = [one for one in before if one.code == due.code]
    exact = sum((one.exact for one in same), Fraction())
    so_far = Periods(tax=tax, exact=exact, charged=sum(one.amount for one in same))
    _, amount = so_far.after(due.base)
    return due._replace(amount=amount)


def _leg(debit: tuple[int, int], credit: tuple[int, int], currency: int, amount: int) -> Leg:
    return Leg(
        debit_account=debit[0],
        debit_code=debit[1],
        credit_account=credit[0],
        credit_code=credit[1],
        currency=currency,
        amount=amount,
    )


def _grouped(name: str, code: int, legs: list[Leg], text: bytes, day: int) -> PostGroup:
    return PostGroup(
        group_id=name,
        code=code,
        count=len(legs),
        effective_day=day,
        text=text.ljust(128, b"\0"),
        legs=b"".join(leg.encode() for leg in legs),
    )


def _must_equal(standing: ChargeTax, given: ChargeTax) -> None:
    for name in ("account", "currency", "lines", "effective_date", "cumulative"):
        if getattr(standing, name) != getattr(given, name):
            differs = f"exists_with_different_{'account_id' if name == 'account' else name}"
            detail = f"document {given.document_id} was asked for with another body: {differs}"
            raise Conflict("idempotency.mismatch", detail, field="document_id", actual=differs)


def _shown(kept: Kept) -> TaxView:
    tax = kept.tax
    return TaxView(
        code=tax.code,
        rate=_rate(tax.rate),
        mode=tax.mode,
        upon=list(tax.upon),
        version=kept.version,
        since_ns=kept.set_ns,
    )


def _rate(units: int) -> str:
    return Scaled.parse(f"{units // 10**RATE_PLACES}.{units % 10**RATE_PLACES:0{RATE_PLACES}d}", "rate").text()
