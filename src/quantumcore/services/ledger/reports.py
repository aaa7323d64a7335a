"""What the house reports at any sequence: trial balance, general ledger, income, client money.

Sums at a sequence are those of the last checkpoint at or before it and of the entries since, so that a question about any
sequence costs one interval of CHECKPOINT_EVERY; entries are never changed, so the answer never changes either.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from quantumcore.contracts.days import DAY_NS, shown_day
from quantumcore.contracts.ledger import TrialBalance
from quantumcore.contracts.ledger_reports import (
    ClientMoney,
    ClientMoneyLine,
    GeneralLedger,
    GeneralLine,
    Income,
    IncomeLine,
)
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.values import show
from quantumcore.services.ledger.domain import (
    BANK,
    CUSTODY,
    DEBIT_NATURE,
    FEE_INCOME,
    FX_SPREAD,
    HOUSE,
    NAMES,
    OWED_TO_CUSTOMERS,
    REBATES_PAID,
    ROUNDING,
    TAX_PAYABLE,
    Account,
    AccountKey,
)
from quantumcore.services.ledger.queries import show_trial
from quantumcore.services.ledger.ranges import Range, sequence_before
from quantumcore.services.ledger.store import read_cursor
from quantumcore.services.ledger.tables import accounts, checkpoints, entries, transactions

SUSPENSE = 230
HALF = 1 << 32
HALVES = (func.sum(entries.c.amount // HALF), func.sum(entries.c.amount % HALF))
"""A sum of 63-bit amounts needs more than the database's integers have, its two halves do not."""

Totals = dict[tuple[int, int], tuple[int, int]]
"""(currency, code) -> (debits, credits) over the house and all customers, in minor units."""


def totals_at(connection: Connection, sequence: int) -> Totals:
    """Return the sums of all entries up to and with `sequence`; what was moved by nothing but 0 is not there."""
    c, k = entries.c, checkpoints.c
    since = connection.execute(select(func.max(k.sequence)).where(k.sequence <= sequence)).scalar() or 0
    sums: dict[tuple[int, int], list[int]] = {}
    for row in connection.execute(select(checkpoints).where(k.sequence == since)):
        sums[row[1], row[2]] = [int(row[3]), int(row[4])]
    by = c.currency, c.debit_code, c.credit_code
    later = select(*by, *HALVES).where(c.sequence > since, c.sequence <= sequence).group_by(*by)
    for currency, debit, credit, high, low in connection.execute(later):
        amount = whole(high, low)
        sums.setdefault((currency, debit), [0, 0])[0] += amount
        sums.setdefault((currency, credit), [0, 0])[1] += amount
    return {key: (debits, credits_) for key, (debits, credits_) in sums.items() if debits or credits_}


def totals_of(connection: Connection, day: int, known: int) -> Totals:
    """Return the sums of what is effective up to the end of `day` among all entries up to and with `known`.

    An entry is effective on the day of its event, but for those of a transaction that names a day.
    """
    last = sequence_before(connection, (day + 1) * DAY_NS, known)
    sums = {key: list(each) for key, each in totals_at(connection, last).items()}
    c, t = entries.c, transactions.c
    later = (t.sequence <= last, t.effective_day > day)
    earlier = (t.sequence > last, t.sequence <= known, t.effective_day <= day)
    for sign, which in ((-1, later), (1, earlier)):
        by = c.currency, c.debit_code, c.credit_code
        dated = select(*by, *HALVES).join(transactions, t.sequence == c.sequence).where(t.effective_day != 0, *which)
        for currency, debit, credit, high, low in connection.execute(dated.group_by(*by)):
            amount = sign * whole(high, low)
            sums.setdefault((currency, debit), [0, 0])[0] += amount
            sums.setdefault((currency, credit), [0, 0])[1] += amount
    return {key: (debits, credits_) for key, (debits, credits_) in sums.items() if debits or credits_}


def whole(high: Any, low: Any) -> int:
    """Return the sum that HALVES have given; PostgreSQL gives them as Decimal."""
    return int(high) * HALF + int(low)


def trial_balance(connection: Connection, sequence: int, catalogue: Catalogue) -> TrialBalance:
    """Return the sums of every code in every currency as they stood at `sequence`."""
    return _trial(totals_at(connection, sequence), sequence, catalogue)


def trial_balance_of(connection: Connection, sequence: int, day: int, catalogue: Catalogue) -> TrialBalance:
    """Return the sums of what is effective up to the end of `day`, as it was known at `sequence`."""
    return _trial(totals_of(connection, day, sequence), sequence, catalogue, shown_day(day))


def _trial(totals: Totals, sequence: int, catalogue: Catalogue, as_of: str | None = None) -> TrialBalance:
    found = {
        AccountKey(HOUSE, currency, code): Account(debits, credits_)
        for (currency, code), (debits, credits_) in totals.items()
    }
    lines, balanced = show_trial(found, catalogue)
    return TrialBalance(sequence, lines, balanced, as_of)


def general_ledger(connection: Connection, within: Range, code: int, catalogue: Catalogue) -> GeneralLedger:
    """Return opening, movements and closing of every code, or of one."""
    before, after = totals_at(connection, within.begin - 1), totals_at(connection, within.end - 1)
    lines = []
    for (currency, of), (debits, credits_) in sorted(after.items()):
        if code in (0, of):
            opened = before.get((currency, of), (0, 0))
            moved = debits - opened[0], credits_ - opened[1]
            numbers = (_balance(of, *opened), *moved, _balance(of, debits, credits_))
            known = catalogue.currencies[currency]
            lines.append(GeneralLine(str(of), NAMES[of], known.code, *(show(one, known.scale) for one in numbers)))
    return GeneralLedger(within.begin, within.end, within.as_known, lines)


def income(connection: Connection, within: Range, catalogue: Catalogue) -> Income:
    """Return what the house has earned, by currency."""
    before, after = totals_at(connection, within.begin - 1), totals_at(connection, within.end - 1)
    lines = []
    earned = (FEE_INCOME, REBATES_PAID, FX_SPREAD, ROUNDING)
    for currency in sorted({currency for currency, code in after if code in earned}):
        fees, rebates, spread, rest = (_of(after, currency, code) - _of(before, currency, code) for code in earned)
        known = catalogue.currencies[currency]
        numbers = (fees, rebates, spread, rest, fees - rebates + spread + rest)
        lines.append(IncomeLine(known.code, *(show(one, known.scale) for one in numbers)))
    return Income(within.begin, within.end, within.as_known, lines)


def client_money(connection: Connection, sequence: int, catalogue: Catalogue) -> ClientMoney:
    """Return what lies at banks and custodians against what is owed, and whether both are equal in every currency."""
    totals, now = totals_at(connection, sequence), totals_at(connection, read_cursor(connection))
    standing = _customer_accounts(connection)
    lines, reconciled = [], True
    for currency in sorted({currency for currency, _ in totals}):
        bank, custody, suspense, tax = (_of(totals, currency, code) for code in (BANK, CUSTODY, SUSPENSE, TAX_PAYABLE))
        customers, customers_now = (sum(_of(at, currency, code) for code in OWED_TO_CUSTOMERS) for at in (totals, now))
        house = _house(totals, currency)
        difference = bank + custody - customers - suspense - tax - house
        by_account = standing.get(currency, 0) - (customers_now - customers)
        known = catalogue.currencies[currency]
        numbers = (bank, custody, customers, suspense, tax, house, difference, by_account, customers - by_account)
        lines.append(ClientMoneyLine(known.code, *(show(one, known.scale) for one in numbers)))
        reconciled = reconciled and not difference and customers == by_account
    return ClientMoney(sequence, reconciled, lines)


def _customer_accounts(connection: Connection) -> dict[int, int]:
    """Return per currency the sum over all customers' accounts as they stand; their totals may be longer than a column."""
    found: dict[int, int] = {}
    c = accounts.c
    for currency, debits, credits_ in connection.execute(
        select(c.currency, c.debits, c.credits).where(c.owner != HOUSE, c.code.in_(OWED_TO_CUSTOMERS))
    ):
        found[currency] = found.get(currency, 0) + int(credits_) - int(debits)
    return found


def _house(totals: Mapping[tuple[int, int], tuple[int, int]], currency: int) -> int:
    """Return what is the house's own: every account that is neither outside, nor a customer's, nor owed."""
    owed = {BANK, CUSTODY, SUSPENSE, TAX_PAYABLE, *OWED_TO_CUSTOMERS}
    return sum(
        credits_ - debits for (of, code), (debits, credits_) in totals.items() if of == currency and code not in owed
    )


def _of(totals: Mapping[tuple[int, int], tuple[int, int]], currency: int, code: int) -> int:
    return _balance(code, *totals.get((currency, code), (0, 0)))


def _balance(code: int, debits: int, credits_: int) -> int:
    return debits - credits_ if code in DEBIT_NATURE else credits_ - debits
