"""The tables of taxes and documents. Works inside the office's transactions; no row ever leaves them."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from fractions import Fraction
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Connection, func, insert, select, update

from quantumcore.contracts.errors import Unavailable, invalid
from quantumcore.contracts.ledger_tax import MAX_RECORDS, MAX_REPORT_DOCUMENTS
from quantumcore.ports.database import chunks
from quantumcore.services.ledger.conversions import fraction_of, fraction_text
from quantumcore.services.ledger.tables import tax_documents, tax_dues, tax_records
from quantumcore.services.ledger.tax import Tax


class State(IntEnum):
    """Where a document stands; the number is stored."""

    ASKED = 1
    POSTED = 2
    FAILED = 3


class Kept(NamedTuple):
    """A tax as it is in force."""

    tax: Tax
    version: int
    set_ns: int


class Due(NamedTuple):
    """What one tax takes of a document: its rate in 10^-8, base and exact tax in minor units, and what is charged."""

    code: str
    rate: int
    base: Fraction
    exact: Fraction
    amount: int


class Document(Struct, frozen=True, kw_only=True):
    """A document as it was asked, and what follows from it.

    Attributes:
        body: The request's bytes.
        detail: Why it failed.
    """

    document_id: str
    account: int
    currency: str
    effective_day: int
    cumulative: bool
    body: bytes
    dues: tuple[Due, ...]
    state: State = State.ASKED
    detail: str = ""


d, r, t = tax_documents.c, tax_dues.c, tax_records.c


def in_force(tx: Connection) -> dict[str, Kept]:
    """Return the newest version of every tax, by code."""
    newest = select(t.code, func.max(t.version).label("version")).group_by(t.code).subquery()
    rows = tx.execute(
        select(tax_records).join(newest, (t.code == newest.c.code) & (t.version == newest.c.version)).order_by(t.code)
    )
    return {row.code: Kept(_tax(row), row.version, row.set_ns) for row in rows}


def keep(tx: Connection, tax: Tax, now_ns: int) -> Kept:
    """Bring a tax into force; the same as stands is what stands.

    Raises:
        InvalidCommand: upon names a tax that is not there, or leads back to this one.
        Unavailable: `tax.capacity`.
    """
    known = in_force(tx)
    standing = known.get(tax.code)
    if standing is not None and standing.tax == tax:
        return standing
    if standing is None and len(known) >= MAX_RECORDS:
        detail = f"{MAX_RECORDS} taxes are kept"
        raise Unavailable("tax.capacity", detail, limit=str(MAX_RECORDS), actual=str(len(known)), retry_after=60)
    taxes = {code: kept.tax for code, kept in known.items()} | {tax.code: tax}
    with_those_below([tax.code], taxes)
    made = Kept(tax, standing.version + 1 if standing else 1, now_ns)
    upon = " ".join(tax.upon)
    values = {"rate": tax.rate, "mode": tax.mode, "upon": upon, "set_ns": now_ns}
    tx.execute(insert(tax_records).values(code=tax.code, version=made.version, **values))
    return made


def with_those_below(codes: Iterable[str], taxes: dict[str, Tax]) -> list[Tax]:
    """Return taxes and what they are taken upon, each behind its own.

    Raises:
        InvalidCommand: `upon`: one is not there, or leads back to itself.
    """
    found: dict[str, Tax] = {}

    def visit(code: str, above: tuple[str, ...]) -> None:
        if code in above or code not in taxes:
            what = "leads back to itself" if code in above else "is not there"
            raise invalid("range", f"tax {code[:32]!r} {what}", field="upon", actual=code[:64])
        if code not in found:
            for below in taxes[code].upon:
                visit(below, (*above, code))
            found[code] = taxes[code]

    for code in codes:
        visit(code, ())
    return list(found.values())


def find(tx: Connection, document_id: str) -> Document | None:
    """Return a document, or None."""
    row = tx.execute(select(tax_documents).where(d.document_id == document_id)).first()
    return None if row is None else _documents(tx, [row])[0]


def add(tx: Connection, document: Document) -> None:
    """Write a document down before it is posted."""
    names = ("document_id", "account", "currency", "effective_day", "cumulative", "body", "state", "detail")
    tx.execute(insert(tax_documents).values({name: getattr(document, name) for name in names}))
    for place, due in enumerate(document.dues):
        exact = {"base": fraction_text(due.base), "exact": fraction_text(due.exact)}
        values = due._asdict() | exact | {"document_id": document.document_id, "place": place}
        tx.execute(insert(tax_dues).values(values))


def end(tx: Connection, document_id: str, state: State, detail: str = "") -> None:
    """Write down what became of a document."""
    tx.execute(update(tax_documents).where(d.document_id == document_id).values(state=state, detail=detail))


def series(tx: Connection, account: int, currency: str, first_day: int, last_day: int) -> list[Document]:
    """Return the cumulative documents of an account in a currency and days, but for those that failed."""
    rows = tx.execute(
        select(tax_documents)
        .where(d.account == account, d.cumulative.is_(True), d.currency == currency, d.state != State.FAILED)
        .where(d.effective_day >= first_day, d.effective_day <= last_day)
        .order_by(d.effective_day, d.document_id)
    )
    return _documents(tx, rows.fetchall())


def of_days(tx: Connection, first_day: int, last_day: int) -> list[Document]:
    """Return all documents that are effective in these days, but for those that failed.

    Raises:
        InvalidCommand: More than MAX_REPORT_DOCUMENTS.
    """
    wanted = select(tax_documents).where(d.effective_day >= first_day, d.effective_day <= last_day)
    ordered = wanted.where(d.state != State.FAILED).order_by(d.effective_day, d.document_id)
    rows = tx.execute(ordered.limit(MAX_REPORT_DOCUMENTS + 1)).fetchall()
    if len(rows) > MAX_REPORT_DOCUMENTS:
        bound = str(MAX_REPORT_DOCUMENTS)
        raise invalid("range", f"more than {bound} documents: ask for fewer months", field="to", limit=bound)
    return _documents(tx, rows)


def _documents(tx: Connection, rows: Sequence[Any]) -> list[Document]:
    dues: dict[str, list[Due]] = {}
    for some in chunks({row.document_id for row in rows}):
        told = select(tax_dues).where(r.document_id.in_(some)).order_by(r.document_id, r.place)
        for row in tx.execute(told):
            exact = fraction_of(row.base), fraction_of(row.exact)
            dues.setdefault(row.document_id, []).append(Due(row.code, row.rate, *exact, row.amount))
    return [
        Document(
            document_id=row.document_id,
            account=row.account,
            currency=row.currency,
            effective_day=row.effective_day,
            cumulative=row.cumulative,
            body=row.body,
            dues=tuple(dues.get(row.document_id, ())),
            state=State(row.state),
            detail=row.detail,
        )
        for row in rows
    ]


def _tax(row: Any) -> Tax:
    return Tax(code=row.code, rate=row.rate, mode=row.mode, upon=tuple(row.upon.split()))
