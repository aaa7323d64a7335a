"""How the figures of an account come about: what stands is read at one sequence, then valued without a pause, and given again until it moves."""

from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, NamedTuple

from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import NotFound, Unavailable
from quantumcore.contracts.reference import Catalogue, Currency, Instrument
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.services.risk import store
from quantumcore.services.risk.margin.book import Book
from quantumcore.services.risk.margin.contracts import Contract
from quantumcore.services.risk.parameters import Parameters
from quantumcore.services.risk.projection import Projection
from quantumcore.services.risk.settings import RiskSettings
from quantumcore.services.risk.store import Account
from quantumcore.services.risk.valuation.cache import Kept
from quantumcore.services.risk.valuation.market import Market
from quantumcore.services.risk.valuation.rates import RatesDesk
from quantumcore.services.risk.valuation.valuing import Valued, value
from quantumcore.services.risk.valuation.worths import Listed, Worths

NEVER = 2**63


class Seen(NamedTuple):
    """An account as it was valued.

    Attributes:
        rated: Whether a rate of exchange was used; rates: of which snapshot. day: In days since 1970.
        until_ns: When the first option of it expires.
        made: What was made of it so far, by its kind: it is made once.
    """

    number: int
    account: Account
    valued: Valued
    parameters: Parameters
    reporting: Currency
    instruments: Mapping[int, Instrument]
    currencies: Mapping[int, Currency]
    rates: str
    rated: bool
    day: int
    until_ns: int
    made: dict[str, Any]


class Valuer:
    """Values accounts, and keeps what it made.

    Attributes:
        parameters: What is in force; whoever changes it calls `all_moved` of `kept`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        definitions: Definitions,
        projection: Projection,
        rates: RatesDesk,
        settings: RiskSettings,
        caught_up: Callable[[], Awaitable[object]],
        book: Book,
        contracts: Mapping[str, Contract],
    ) -> None:
        """`caught_up` waits until all that the log has is applied; `book` and `contracts` are kept by others, who say when they move."""
        self.parameters = Parameters()
        self.kept: Kept[Seen] = Kept(settings.cache_accounts)
        self._database = database
        self._clock = clock
        self._definitions = definitions
        self._projection = projection
        self._rates = rates
        self._settings = settings
        self._caught_up = caught_up
        self._book = book
        self._contracts = contracts
        self._listed = Listed(())
        self._listed_of = 0

    async def see(self, number: int) -> Seen:
        """Return an account as it stands.

        Raises:
            NotFound: `account.not_found`, `currency.not_found` of the reporting currency.
            Unavailable: `fx.rate_missing`, `fx.rate_stale`, or a room that is needed does not answer.
        """
        seen = self.kept.get(number)
        if seen is not None and self._counts(seen):
            return seen
        stamp = self.kept.stamp
        account = await self._database.read(partial(store.read_account, account=number))
        if not account.opened:
            await self._caught_up()  # it may be as young as the question
            account = await self._database.read(partial(store.read_account, account=number))
        if not account.opened:
            raise NotFound("account.not_found", "account not found", field="account_id")
        reporting = await self._currency()
        seen, looked = await self._valued(number, account, reporting)
        self.kept.put(number, seen, stamp, looked | _touched(account))
        return seen

    def moved_by(self, instruments: AbstractSet[int]) -> set[int]:
        """Return the instruments whose worth or margin may move with the prices of some: these, and what is a contract on them."""
        known = self._catalogue
        moved = {known.instruments[at].symbol for at in instruments if at in known.instruments}
        on_them = (symbol for symbol, one in self._contracts.items() if one.underlying in moved)
        return {*instruments, *(known.symbols[symbol].number for symbol in on_them if symbol in known.symbols)}

    def _counts(self, seen: Seen) -> bool:
        """Tell whether what is kept is of today, of options that are not over, and of rates that are in force and not too old."""
        if seen.day != self._day or seen.until_ns <= self._clock.now():
            return False
        return not seen.rated or (
            self._rates.fresh and not self._rates.stale and seen.rates == self._rates.current.snapshot_id
        )

    async def _valued(self, number: int, account: Account, reporting: Currency) -> tuple[Seen, set[int]]:
        """Value an account with the rates in force, which are asked for if it needs one."""
        try:
            seen, looked = self._value(number, account, reporting)
            if self._rates.fresh or not seen.rated:
                return seen, looked
        except Unavailable:
            if self._rates.fresh:
                raise
        await self._rates.refresh()
        return self._value(number, account, reporting)

    def _value(self, number: int, account: Account, reporting: Currency) -> tuple[Seen, set[int]]:
        catalogue, marks = self._catalogue, self._projection.marks
        rates, stale = self._rates.current, self._rates.stale
        listed, code = self._listing(), reporting.code
        worths = Worths(listed, marks, code, rates, stale=stale)
        opening = Worths(listed, self._projection.openings, code, rates, stale=stale)
        now, day = self._clock.now(), self._day
        market = Market(
            instruments=catalogue.instruments,
            symbols=catalogue.symbols,
            currencies=catalogue.currencies,
            marks=marks,
            worths=worths,
            opening=opening,
            parameters=self.parameters,
            reporting=reporting,
            book=self._book,
            contracts=self._contracts,
            now_ns=now,
        )
        valued = value(number, account, market, day)
        seen = Seen(
            number=number,
            account=account,
            valued=valued,
            parameters=self.parameters,
            reporting=reporting,
            instruments=catalogue.instruments,
            currencies=catalogue.currencies,
            rates=rates.snapshot_id,
            rated=worths.rated,
            day=day,
            until_ns=self._until(account, now),
            made={},
        )
        return seen, worths.looked

    def _until(self, account: Account, now_ns: int) -> int:
        """Return when the first option that an account touches expires."""
        symbols = (self._catalogue.instruments[at].symbol for at in _touched(account))
        known = (self._contracts[symbol] for symbol in symbols if symbol in self._contracts)
        return min((one.expires_ns for one in known if one.option and one.expires_ns > now_ns), default=NEVER)

    def _listing(self) -> Listed:
        """Return what exists by base; made anew when something was defined."""
        count = len(self._catalogue.instruments)
        if count != self._listed_of:
            self._listed, self._listed_of = Listed(self._catalogue.instruments.values()), count
        return self._listed

    async def _currency(self) -> Currency:
        code = self._settings.reporting
        if code not in self._catalogue.codes:
            await self._definitions.refresh()
        return self._catalogue.currency(code)

    @property
    def _day(self) -> int:
        return self._projection.stand.time_ns // DAY_NS

    @property
    def _catalogue(self) -> Catalogue:
        return self._definitions.catalogue


def _touched(account: Account) -> set[int]:
    """Return the instruments that an account has or wants."""
    return account.positions.keys() | {order.instrument for order in account.orders}
