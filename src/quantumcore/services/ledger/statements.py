"""Postings as lines with a running balance: of one account, or of one code of the chart; a page at a time.

A balance at a position is the sum of the postings before it, taken in an index that has the amounts; the balance of the
house's accounts and control accounts begins at the checkpoint before (see reports). A page that is told how the one before
it closed sums nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, literal_column, or_, select, tuple_, union_all

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.ledger_reports import LedgerLine, StatementBalance
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.values import show_time
from quantumcore.ports.database import chunks
from quantumcore.services.ledger.audit.chain import Position
from quantumcore.services.ledger.corrections import corrected
from quantumcore.services.ledger.domain import DEBIT_NATURE, HOUSE, NAMES
from quantumcore.services.ledger.postings import ACTION_WHY, BUST_WHY, GROUP_WHY, TAKEN_WHY, TRANSFER_WHY, Why
from quantumcore.services.ledger.queries import reference_of
from quantumcore.services.ledger.ranges import Range
from quantumcore.services.ledger.reports import HALVES, totals_at, whole
from quantumcore.services.ledger.tables import entries, transactions

SCANNED = 50_000  # entries looked at for one page of a code; a page may so be short, and yet not the last

Balances = dict[int, int]
"""By currency: a balance in minor units, counted as the nature of the account says."""

_place = tuple_(entries.c.sequence, entries.c.event_index, entries.c.leg)


class Subject(NamedTuple):
    """Whose postings: an account's, or if that is 0 those of a code; of one currency, or with 0 of all."""

    account: int
    code: int = 0
    currency: int = 0


class Page(Struct, frozen=True, kw_only=True):
    """Opening + lines = closing.

    Attributes:
        after: Where the next page begins; None when this is the last.
    """

    opening: Balances
    lines: list[LedgerLine]
    closing: Balances
    after: Position | None


def page(
    connection: Connection,
    subject: Subject,
    within: Range,
    after: Position | None,
    opening: Balances | None,
    limit: int,
    catalogue: Catalogue,
) -> Page:
    """Return the lines of up to `limit` postings behind `after`; one whose both sides are the subject's has two.

    Args:
        opening: How the page before has closed; None sums it anew.
    """
    if opening is None:
        opening = balances_before(connection, subject, within, after)
    last = (within.end, 0, 0)
    if not subject.account:
        last = _scanned_to(connection, after or (within.begin, -1, 0), last)
    rows = connection.execute(_rows(subject, within, after, last).limit(limit + 1)).fetchall()
    shown = rows[:limit]
    closing = dict(opening)
    lines = list(_lines(shown, subject, closing, catalogue, _corrections(connection, shown)))
    following: Position | None = None
    if len(rows) > limit:
        following = (shown[-1][0], shown[-1][1], shown[-1][2])
    elif last[0] < within.end:
        following = last
    return Page(opening=opening, lines=lines, closing=closing, after=following)


def balances_before(connection: Connection, subject: Subject, within: Range, after: Position | None) -> Balances:
    """Return what stands before the first line behind `after`, by currency; currencies that have not moved are missing."""
    if not subject.account:
        return _code_before(connection, subject, within, after)
    found: Balances = {}
    c = entries.c
    for side, sign in (("debit", -1), ("credit", 1)):
        where = [*_own(side, subject), _place <= after if after else c.sequence < within.begin]
        for currency, amount in _sums(connection, where):  # customers' accounts are liabilities, all of them
            found[currency] = found.get(currency, 0) + sign * amount
    return found


def shown(balances: Balances, subject: Subject, catalogue: Catalogue) -> list[StatementBalance]:
    """Return balances as they are shown; a currency that was asked for is there even if it has not moved."""
    if subject.currency:
        balances = {subject.currency: balances.get(subject.currency, 0)}
    known = catalogue.currencies
    return [StatementBalance(known[one].code, known[one].show(balances[one])) for one in sorted(balances)]


def _sums(connection: Connection, where: Sequence[ColumnElement[bool]]) -> Iterable[tuple[int, int]]:
    """Yield (currency, sum of amounts)."""
    currency = entries.c.currency
    for of, high, low in connection.execute(select(currency, *HALVES).where(*where).group_by(currency)):
        yield of, whole(high, low)


def _code_before(connection: Connection, subject: Subject, within: Range, after: Position | None) -> Balances:
    first = after[0] if after else within.begin
    totals = totals_at(connection, first - 1)
    if after:  # of that sequence, what was shown already
        c = entries.c
        for side in ("debit", "credit"):
            where = [c.sequence == first, _place <= after, c[f"{side}_code"] == subject.code]
            for currency, amount in _sums(connection, where):
                debits, credits_ = totals.get((currency, subject.code), (0, 0))
                more = (debits + amount, credits_) if side == "debit" else (debits, credits_ + amount)
                totals[currency, subject.code] = more
    sign = 1 if subject.code in DEBIT_NATURE else -1
    return {
        currency: sign * (debits - credits_)
        for (currency, code), (debits, credits_) in totals.items()
        if code == subject.code and subject.currency in (0, currency)
    }


def _own(side: str, subject: Subject) -> list[ColumnElement[bool]]:
    column = entries.c[f"{side}_owner"]
    wanted: list[ColumnElement[bool]] = [
        column == subject.account,
        column != literal_column("0"),
    ]  # the index is partial
    return [*wanted, entries.c.currency == subject.currency] if subject.currency else wanted


def _rows(subject: Subject, within: Range, after: Position | None, last: Position) -> Select[Any]:
    """Return the postings in order: of an account one index each side, merged; of a code the table itself."""
    c = entries.c
    behind = _place > after if after else c.sequence >= within.begin
    up_to = _place <= last if last[0] < within.end else c.sequence < within.end
    if not subject.account:
        wanted = [behind, up_to, or_(c.debit_code == subject.code, c.credit_code == subject.code)]
        if subject.currency:
            wanted.append(c.currency == subject.currency)
        return select(entries).where(*wanted).order_by(*_place.clauses)
    debits = select(entries).where(*_own("debit", subject), behind, up_to)
    credits_ = select(entries).where(*_own("credit", subject), behind, up_to, c.debit_owner != subject.account)
    both = union_all(debits, credits_)  # who traded with himself stands on both sides of one posting
    found = both.selected_columns
    ordered: Any = both.order_by(found.sequence, found.event_index, found.leg)
    return ordered  # type: ignore[no-any-return]  # a compound select is limited and read like any other


def _scanned_to(connection: Connection, after: Position, end: Position) -> Position:
    """Return where a page must stop looking."""
    place = select(*_place.clauses).where(_place > after, entries.c.sequence < end[0])
    row = connection.execute(place.order_by(*_place.clauses).offset(SCANNED - 1).limit(1)).first()
    return end if row is None else (row[0], row[1], row[2])


_TEXTS = {int(why): why.text for why in Why}
_CODES = {code: str(code) for code in NAMES}
_BY_HAND = frozenset((int(Why.POSTED), int(Why.REVERSED)))
_OF_TRADES = frozenset(int(why) for why in Why) - frozenset(
    (*BUST_WHY, *GROUP_WHY, *ACTION_WHY, *TAKEN_WHY, *TRANSFER_WHY.values())
)


class _Texts:
    """Texts that neighbours share: most lines of a page have the time and the reference of the one before."""

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self._ns = self._second = -1
        self._time = self._to_second = ""
        self._trade: tuple[int, str] = (-1, "")
        self._reference = ""

    def time(self, ns: int) -> str:
        if ns != self._ns:
            second, rest = divmod(ns, 1_000_000_000)
            if second != self._second:
                self._to_second, self._second = show_time(second * 1_000_000_000)[:-10], second
            self._time, self._ns = f"{self._to_second}{rest:09d}Z", ns
        return self._time

    def reference(self, why: int, sequence: int, reference: str) -> str:
        if why not in _OF_TRADES:
            return reference_of(why, sequence, reference, self._shard)
        if self._trade != (sequence, reference):
            self._reference = reference_of(why, sequence, reference, self._shard)
            self._trade = sequence, reference
        return self._reference


def _amounts(scale: int) -> Callable[[int], str]:
    """Return what shows minor units with `scale` places; unlike values.show it keeps nothing, for no amount comes twice."""
    if not scale:
        return str
    unit: int = 10**scale
    form = f"%d.%0{scale}d"

    def show(minor: int) -> str:
        return form % divmod(minor, unit) if minor >= 0 else "-" + form % divmod(-minor, unit)

    return show


def _corrections(connection: Connection, rows: Sequence[Any]) -> dict[int, str]:
    """Return by sequence which closed periods the postings of `rows` correct."""
    found: dict[int, str] = {}
    t = transactions.c
    for some in chunks({row[0] for row in rows if row[3] in _BY_HAND}):
        told = select(t.sequence, t.user_data).where(t.sequence.in_(some))
        for sequence, user_data in connection.execute(told):
            period = corrected(user_data)
            if period is not None:
                found[sequence] = period
    return found


def _lines(
    rows: Iterable[Any], subject: Subject, balances: Balances, catalogue: Catalogue, corrections: Mapping[int, str]
) -> Iterable[LedgerLine]:
    """Yield a line for each side of a posting that is the subject's; `balances` run along."""
    account, wanted = subject.account, subject.code
    texts = _Texts(catalogue.shard)
    shows = {number: (one.code, _amounts(one.scale)) for number, one in catalogue.currencies.items()}
    for sequence, index, leg, why, debit, debit_code, credit, credit_code, currency, amount, reference, time_ns in rows:
        if currency not in shows:
            raise Corrupted("ledger.impossible", f"at {sequence}.{index}: currency {currency} was never defined")
        code, show = shows[currency]
        moved, corrects = show(amount), corrections.get(sequence, "")
        time, what, refers = texts.time(time_ns), _TEXTS[why], texts.reference(why, sequence, reference)
        if account:  # by code alone, for who the other customer is is not the reader's
            debited, credited = _CODES[debit_code], _CODES[credit_code]
        else:
            debited, credited = _named(debit, debit_code), _named(credit, credit_code)
        if debit == account if account else debit_code == wanted:
            balance = balances.get(currency, 0) + (amount if debit_code in DEBIT_NATURE else -amount)
            balances[currency] = balance
            yield LedgerLine(
                sequence, index, leg, time, what, refers, debited, credited, code, moved, "", show(balance), corrects
            )
        if credit == account if account else credit_code == wanted:
            balance = balances.get(currency, 0) + (-amount if credit_code in DEBIT_NATURE else amount)
            balances[currency] = balance
            yield LedgerLine(
                sequence, index, leg, time, what, refers, credited, debited, code, "", moved, show(balance), corrects
            )


def _named(owner: int, code: int) -> str:
    return _CODES[code] if owner == HOUSE else f"{owner}:{code}"
