"""The table of quotes: what was offered, and which conversion has used it. Works inside the office's transactions."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import Conflict, Unavailable
from quantumcore.contracts.reference import Catalogue
from quantumcore.services.ledger.conversions import fraction_of, fraction_text
from quantumcore.services.ledger.fx import Quote
from quantumcore.services.ledger.tables import fx_days, quotes

OPEN_MAX = 10_000
FORGOTTEN_NS = DAY_NS  # a quote that nobody used is kept for a day after its expiry; a used one for ever
_TERMS = ("sold", "bought", "customer", "mid", "source", "time_ns", "expires_ns", "account")


class Used(NamedTuple):
    """A quote that a conversion has used, and what is paid at it in minor units."""

    quote: Quote
    paid: int


class DayEnd(NamedTuple):
    """What conversions have left of one currency at the end of a day.

    Attributes:
        day: Days since 1970-01-01.
        upto: The last sequence whose conversions are in it.
        units: Whole minor units that go to `rounding`.
        left: What stays in the pool, 0 <= left < 1.
    """

    day: int
    currency: int
    upto: int
    units: int
    left: Fraction


def offer(tx: Connection, given: Sequence[Quote], now_ns: int, catalogue: Catalogue) -> list[Quote]:
    """Keep quotes, all or none; return them as they stand.

    Raises:
        Conflict: `idempotency.mismatch`: one of them stands with other terms.
        Unavailable: `fx.quote.capacity`.
    """
    c = quotes.c
    tx.execute(delete(quotes).where(c.used_by == "", c.expires_ns < now_ns - FORGOTTEN_NS))
    found = []
    for at, quote in enumerate(given):
        standing = find(tx, quote.quote_id, catalogue)
        if standing is None:
            tx.execute(insert(quotes).values(**_row(quote)))
        else:
            _must_equal(standing, quote, at)
        found.append(standing or quote)
    still_open = count_open(tx, now_ns)
    if still_open > OPEN_MAX:
        detail = f"{OPEN_MAX} quotes are open"
        limit, actual = str(OPEN_MAX), str(still_open)
        raise Unavailable("fx.quote.capacity", detail, limit=limit, actual=actual, retry_after=60)  # seconds
    return found


def find(tx: Connection, quote_id: str, catalogue: Catalogue) -> Quote | None:
    """Return a quote, or None."""
    row = tx.execute(select(quotes).where(quotes.c.quote_id == quote_id)).first()
    return None if row is None else _quote(row, catalogue)


def used_by(tx: Connection, account: int, conversion_id: str, catalogue: Catalogue) -> Used | None:
    """Return what a conversion has used, or None."""
    c = quotes.c
    row = tx.execute(select(quotes).where(c.used_account == account, c.used_by == conversion_id)).first()
    return None if row is None else Used(_quote(row, catalogue), row.paid)


def use(tx: Connection, quote: Quote, account: int, conversion_id: str, paid: int) -> None:
    """Write down that a conversion has used an offered quote."""
    terms = {"used_account": account, "used_by": conversion_id, "paid": paid}
    tx.execute(update(quotes).where(quotes.c.quote_id == quote.quote_id).values(**terms))


def count_open(tx: Connection, now_ns: int) -> int:
    """Return how many quotes may still be used."""
    c = quotes.c
    return tx.execute(select(func.count()).where(c.used_by == "", c.expires_ns >= now_ns)).scalar() or 0


def last_day(tx: Connection) -> list[DayEnd]:
    """Return the last end of a day, by currency; currencies in which nothing was ever left are missing."""
    last = tx.execute(select(func.max(fx_days.c.day))).scalar()
    rows = tx.execute(select(fx_days).where(fx_days.c.day == last)) if last is not None else ()
    return [DayEnd(row.day, row.currency, row.upto, row.units, fraction_of(row.left)) for row in rows]


def end_day(tx: Connection, ends: Sequence[DayEnd]) -> None:
    """Keep the end of a day."""
    for one in ends:
        tx.execute(insert(fx_days).values({**one._asdict(), "left": fraction_text(one.left)}))


def _row(quote: Quote) -> dict[str, Any]:
    terms = {name: getattr(quote, name) for name in ("quote_id", *_TERMS)}
    rates = {"customer": fraction_text(quote.customer), "mid": fraction_text(quote.mid)}
    return terms | rates | {"used_account": 0, "used_by": "", "paid": 0}


def _quote(row: Row[Any], catalogue: Catalogue) -> Quote:
    return Quote(
        quote_id=row.quote_id,
        sold=row.sold,
        bought=row.bought,
        scale_sold=catalogue.currency(row.sold).scale,
        scale_bought=catalogue.currency(row.bought).scale,
        customer=fraction_of(row.customer),
        mid=fraction_of(row.mid),
        source=row.source,
        time_ns=row.time_ns,
        expires_ns=row.expires_ns,
        account=row.account,
        used_by=f"{row.used_account}/{row.used_by}" if row.used_by else "",
    )


def _must_equal(standing: Quote, given: Quote, at: int) -> None:
    for name in _TERMS:
        if getattr(standing, name) != getattr(given, name):
            differs = f"exists_with_different_{_CALLED.get(name, name)}"
            detail = f"quote {given.quote_id} was offered with other terms: {differs}"
            raise Conflict("idempotency.mismatch", detail, field=f"quotes[{at}].quote_id", actual=differs)


_CALLED = {"customer": "rate", "time_ns": "time", "expires_ns": "expires", "account": "account_id"}
