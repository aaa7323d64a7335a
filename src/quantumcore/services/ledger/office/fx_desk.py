"""Where rates are held for customers and used, and where what conversions leave goes at the end of a day.

A kill at any place leaves nothing half done: a quote is used by its conversion, on disk, before the engine is asked, so that
the same request later goes on from there; and what goes to `rounding` is written down under its day before it is posted.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import floor

from prometheus_client.core import Metric
from sqlalchemy import Connection, select

from quantumcore.contracts.days import DAY_NS, shown_day
from quantumcore.contracts.errors import Conflict, InvalidCommand, NotFound, Unavailable, check_count, invalid
from quantumcore.contracts.ledger_fx import (
    MAX_QUOTES,
    MAX_SOURCE_BYTES,
    ConversionView,
    ConvertCurrency,
    GetCurrencyConversion,
    GetQuote,
    GivenQuote,
    OfferQuotes,
    QuotesOffered,
    QuoteView,
)
from quantumcore.contracts.rates import check_agree, check_triangles
from quantumcore.contracts.values import check_client_id, show_time
from quantumcore.contracts.wire import Event, GroupNoted, GroupPosted, TransferMade
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.following import Following
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.attempts import AGAIN_S, Attempts
from quantumcore.services.ledger.conversions import (
    Record,
    decimal_of,
    fraction_of,
    group_of,
    record_of,
    residue_group,
    residue_id,
)
from quantumcore.services.ledger.domain import HOUSE
from quantumcore.services.ledger.fx import Conversion, Quote, convert, rate
from quantumcore.services.ledger.groups import Groups
from quantumcore.services.ledger.office import quotes
from quantumcore.services.ledger.office.quotes import DayEnd
from quantumcore.services.ledger.store import read_cursor
from quantumcore.services.ledger.tables import conversions
from quantumcore.services.ledger.teller import Teller
from quantumcore.services.ledger.transfers import amount_of, check_account

NS = 10**9
AHEAD_NS = 5 * NS  # two machines' clocks differ
LIFE_NS = DAY_NS  # a quote is held no longer
AFTER_MIDNIGHT_NS = 5 * NS  # what was stamped before midnight has been entered by then
LOOK_S = 3_600.0  # seconds: a machine that slept, or whose clock was set, is noticed so soon

_log = logging.getLogger(__name__)


class FxDesk:
    """Answers OfferQuotes, GetQuote, ConvertCurrency, GetCurrencyConversion; ends the days of the pools.

    Attributes:
        outcomes: Conversions that were posted, repeated, refused.
        ends: Attempts at the end of a day.
    """

    def __init__(
        self,
        groups: Groups,
        database: Database,
        office: Database,
        clock: Clock,
        following: Following,
        teller: Teller,
        stale_s: float,
        tolerance_bp: int,
    ) -> None:
        """Take the ledger's tables and the office's; rates may be `stale_s` seconds old, and disagree by `tolerance_bp`."""
        self.outcomes: Counter[str] = Counter()
        self.ends = Attempts(_log, "the end of a day of foreign exchange")
        self._groups = groups
        self._database = database
        self._office = office
        self._clock = clock
        self._following = following
        self._teller = teller
        self._stale_ns = int(stale_s * NS)
        self._tolerance_bp = tolerance_bp
        self._ending = asyncio.Lock()
        self._days: Counter[str] = Counter()
        self._open = 0

    def attach(self, bus: Bus) -> None:
        """Hand the handlers to the bus, but for OfferQuotes, before which the approvals stand."""
        bus.handle(GetQuote, self.quote)
        bus.handle(ConvertCurrency, self.convert)
        bus.handle(GetCurrencyConversion, self.conversion)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how it goes."""
        yield counter("qc_ledger_conversions", "Conversions by outcome", self.outcomes, by="outcome")
        yield gauge("qc_ledger_quotes_open", "Quotes that could be used when the last ones were offered", self._open)
        yield gauge("qc_ledger_fx_day_failing", "1 while the end of a day cannot be posted", bool(self.ends.failure))

    # ---------------------------------------------------------------------------------------------- quotes

    async def offer(self, command: OfferQuotes) -> QuotesOffered:
        """Hold the rates of one moment, all or none.

        Raises:
            InvalidCommand, NotFound, Conflict, Unavailable: As contracts/ledger_fx says; nothing is offered.
        """
        given = await self._given(command)
        now = self._clock.now()
        catalogue = self._teller.catalogue

        def work(tx: Connection) -> tuple[list[Quote], int]:
            if any(quotes.find(tx, quote.quote_id, catalogue) is None for quote in given):
                self._check_times(command, now)  # what was offered before may be asked for again, however late
            return quotes.offer(tx, given, now, catalogue), quotes.count_open(tx, now)

        standing, self._open = await self._office.write(work)
        return QuotesOffered([self._shown(quote) for quote in standing])

    async def check(self, command: OfferQuotes) -> None:
        """Do nothing if it could be offered now.

        Raises:
            InvalidCommand, NotFound: What is wrong, by its field.
        """
        await self._given(command)
        self._check_times(command, self._clock.now())

    async def _given(self, command: OfferQuotes) -> list[Quote]:
        check_count(len(command.quotes), MAX_QUOTES, "quotes")
        _check_source(command.source)
        found = [await self._quote(command, one, f"quotes[{at}]") for at, one in enumerate(command.quotes)]
        if len({quote.quote_id for quote in found}) < len(found):
            raise invalid("range", "a quote_id is given twice", field="quotes")
        _check_table(found, self._tolerance_bp)
        return found

    def _check_times(self, command: OfferQuotes, now: int) -> None:
        _check_between("time", command.time_ns, now - self._stale_ns, now + AHEAD_NS)
        _check_between("expires", command.expires_ns, now, now + LIFE_NS)

    async def quote(self, query: GetQuote) -> QuoteView:
        """Return a quote that the account may use, or has used.

        Raises:
            NotFound: `fx.quote.not_found`.
        """
        catalogue = self._teller.catalogue
        found = await self._office.read(lambda tx: quotes.find(tx, query.quote_id, catalogue))
        return self._shown(_usable(found, query.account))

    async def _quote(self, command: OfferQuotes, given: GivenQuote, field: str) -> Quote:
        check_client_id(given.quote_id, f"{field}.quote_id")
        if given.account:
            check_account(given.account, f"{field}.account_id")
        sold, bought = await self._teller.currency(given.sold), await self._teller.currency(given.bought)
        quote = Quote(
            quote_id=given.quote_id,
            sold=sold.code,
            bought=bought.code,
            scale_sold=sold.scale,
            scale_bought=bought.scale,
            customer=rate(given.rate, f"{field}.rate"),
            mid=rate(given.mid, f"{field}.mid"),
            source=command.source,
            time_ns=command.time_ns,
            expires_ns=command.expires_ns,
            account=given.account,
        )
        try:
            return quote.check()
        except InvalidCommand as error:
            error.field = f"{field}.{'rate' if error.field == 'customer' else error.field}"
            raise

    def _shown(self, quote: Quote) -> QuoteView:
        expired = self._clock.now() > quote.expires_ns
        return QuoteView(
            quote_id=quote.quote_id,
            sold=quote.sold,
            bought=quote.bought,
            rate=decimal_of(quote.customer),
            mid=decimal_of(quote.mid),
            source=quote.source,
            time_ns=quote.time_ns,
            expires_ns=quote.expires_ns,
            account_id=str(quote.account) if quote.account else None,
            state="used" if quote.used_by else "expired" if expired else "offered",
        )

    # ----------------------------------------------------------------------------------------- conversions

    async def convert(self, command: ConvertCurrency) -> ConversionView:
        """Exchange at a quote, once.

        Raises:
            NotFound, Conflict, InvalidCommand, Unavailable: As contracts/ledger_fx says.
            OutcomeUnknown: As matching says; ask again with the same conversion_id.
        """
        check_account(command.account, "account_id")
        check_client_id(command.conversion_id, "conversion_id")
        check_client_id(command.quote_id, "quote_id")
        made = await self._office.write(lambda tx: self._taken(tx, command))
        sold, bought = await self._teller.currency(made.quote.sold), await self._teller.currency(made.quote.bought)
        group = group_of(command.account, command.conversion_id, made, sold.number, bought.number)
        record = self._recorded(await self._groups.post(group, self.outcomes, field="conversion_id"))
        return self._exchanged(record)

    async def conversion(self, query: GetCurrencyConversion) -> ConversionView:
        """Return what was exchanged.

        Raises:
            NotFound: `conversion.not_found`.
        """
        await self._following.reached(query.at_least)
        c = conversions.c
        wanted = select(conversions).where(c.account == query.account, c.conversion_id == query.conversion_id)
        row = await self._database.read(lambda tx: tx.execute(wanted).first())
        if row is None:
            raise NotFound("conversion.not_found", "conversion not found", field="conversion_id")
        return self._exchanged(Record(*row))

    def _taken(self, tx: Connection, command: ConvertCurrency) -> Conversion:
        """Return what the conversion is, having written down that its quote is used; one that was begun goes on."""
        catalogue = self._teller.catalogue
        begun = quotes.used_by(tx, command.account, command.conversion_id, catalogue)
        if begun is not None:
            _must_be(begun.quote.quote_id == command.quote_id, command, "quote_id")
            amount = amount_of(command.amount, catalogue.currency(begun.quote.sold))
            _must_be(begun.paid == amount, command, "amount")
            return convert(begun.paid, begun.quote)
        quote = _usable(quotes.find(tx, command.quote_id, catalogue), command.account)
        now = self._clock.now()
        used = quote.use(f"{command.account}/{command.conversion_id}", now)
        if now - quote.time_ns > self._stale_ns:
            pair = f"{quote.sold}/{quote.bought}"
            detail = f"the rate {pair} is of {show_time(quote.time_ns)}"
            raise Unavailable("fx.rate_stale", detail, field="quote_id", actual=pair, retry_after=1)  # seconds
        made = convert(amount_of(command.amount, catalogue.currency(quote.sold)), used)
        quotes.use(tx, quote, command.account, command.conversion_id, made.paid)
        return made

    def _recorded(self, events: Iterable[Event]) -> Record:
        told = list(events)
        posted = next(event for event in told if isinstance(event, GroupPosted))
        note = next(event.text for event in told if isinstance(event, GroupNoted)).rstrip(b"\0").decode()
        legs = [event for event in told if isinstance(event, TransferMade)]
        record = record_of(posted, note, legs, self._teller.catalogue.currencies)
        if record is None:  # an id of the customer's name space that stands for something else
            raise Conflict("idempotency.mismatch", "this id was used with another body", field="conversion_id")
        return record

    def _exchanged(self, record: Record) -> ConversionView:
        known = self._teller.catalogue.currencies
        sold, bought = known[record.sold], known[record.bought]
        return ConversionView(
            conversion_id=record.conversion_id,
            account_id=str(record.account),
            quote_id=record.quote_id,
            sold=sold.code,
            paid=sold.show(record.paid),
            bought=bought.code,
            received=bought.show(record.received),
            spread=bought.show(record.spread),
            residue=record.residue,
            rate=record.customer,
            mid=record.mid,
            source=record.source,
            rate_time_ns=record.rate_time_ns,
            sequence=record.sequence,
            time_ns=record.time_ns,
        )

    # ------------------------------------------------------------------------------------- the end of a day

    async def run(self) -> None:
        """End each day after midnight UTC, and at the start the one before if that was missed."""
        while True:
            pause = AGAIN_S
            with self.ends.attempt():
                await self.end_day((self._clock.now() - AFTER_MIDNIGHT_NS) // DAY_NS - 1)
                rest = DAY_NS - (self._clock.now() - AFTER_MIDNIGHT_NS) % DAY_NS
                pause = min(rest // NS + 1, LOOK_S)
            await self._clock.sleep(pause)

    async def end_day(self, day: int) -> None:
        """Let whole units of what conversions have left go to `rounding`, once under the id of the day.

        What is entered by now counts; the rest follows with the next day.

        Raises:
            Unavailable, OutcomeUnknown: The same again later; nothing is counted twice.
        """
        async with self._ending:
            standing = await self._office.read(quotes.last_day)
            await self._post_end(standing)  # a kill may have come between
            if standing and standing[0].day >= day:
                return
            ends = await self._database.read(lambda tx: _left(tx, day, standing))
            if ends:
                await self._office.write(lambda tx: quotes.end_day(tx, ends))
                await self._post_end(ends)

    async def _post_end(self, ends: Sequence[DayEnd]) -> None:
        units = {one.currency: one.units for one in ends if one.units}
        if not units:
            return
        day = shown_day(ends[0].day)
        if await self._database.read(lambda tx: queries.transaction(tx, HOUSE, residue_id(day))) is None:
            await self._groups.post(residue_group(day, units), self._days)


def _check_source(source: str) -> None:
    size = len(source.encode())
    if not 1 <= size <= MAX_SOURCE_BYTES or not source.isprintable():
        bound = str(MAX_SOURCE_BYTES)
        detail = f"source is 1 to {bound} bytes of printable text"
        raise invalid("range", detail, field="source", limit=bound, actual=str(size))


def _check_between(field: str, given: int, least: int, most: int) -> None:
    if not least <= given <= most:
        limit = show_time(least if given < least else most)
        raise invalid("range", f"{field} must lie within its bounds", field=field, limit=limit, actual=_time(given))


def _time(given: int) -> str:
    return show_time(given) if 0 <= given < 2**63 else str(given)[:64]


def _check_table(given: list[Quote], tolerance_bp: int) -> None:
    """See that the mids are of one market, and that nobody gains by going there and back.

    Raises:
        InvalidCommand: `fx.triangle`, `fx.round_trip`; nothing of the table is offered.
    """
    mids: dict[frozenset[str], tuple[str, str, Fraction]] = {}
    best: dict[tuple[str, str], Fraction] = {}
    for quote in given:
        pair = quote.sold, quote.bought
        sold, bought, mid = mids.setdefault(frozenset(pair), (*pair, quote.mid))
        other = quote.mid if (sold, bought) == pair else 1 / quote.mid
        check_agree((sold, bought), (mid, "given"), (other, f"by quote {quote.quote_id}"), tolerance_bp)
        best[pair] = max(best.get(pair, quote.customer), quote.customer)
    check_triangles(mids.values(), tolerance_bp)
    for (sold, bought), there in best.items():
        back = best.get((bought, sold))
        if back is not None and there * back > 1:
            detail = f"{sold} to {bought} and back gives more than it takes"
            raise InvalidCommand("fx.round_trip", detail, field="quotes", limit="1", actual=f"{sold}/{bought}")


def _usable(quote: Quote | None, account: int) -> Quote:
    """Return a quote if it is for this account; else nobody is told that it exists."""
    if quote is None or quote.account not in (0, account):
        raise NotFound("fx.quote.not_found", "quote not found", field="quote_id")
    return quote


def _must_be(same: object, command: ConvertCurrency, field: str) -> None:
    if not same:
        differs = f"exists_with_different_{field}"
        detail = f"conversion_id {command.conversion_id} was used with another body: {differs}"
        raise Conflict("idempotency.mismatch", detail, field="conversion_id", actual=differs)


def _left(tx: Connection, day: int, before: Sequence[DayEnd]) -> list[DayEnd]:
    """Return what conversions have left since the last end of a day, with what had stayed then."""
    left = {one.currency: one.left for one in before}
    since = before[0].upto if before else 0
    upto = max(since, read_cursor(tx))  # tables that are made anew may be behind what was counted once
    c = conversions.c
    for currency, residue in tx.execute(select(c.bought, c.residue).where(c.sequence > since, c.sequence <= upto)):
        left[currency] = left.get(currency, Fraction()) + fraction_of(residue)
    whole = {currency: floor(amount) for currency, amount in left.items()}
    return [DayEnd(day, currency, upto, whole[currency], left[currency] - whole[currency]) for currency in sorted(left)]
