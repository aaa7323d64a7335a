"""How one valuation comes about: everything is asked first, at one cursor and one snapshot; then it is computed without a pause.

    what the room knows of the account ─▶ balances at B ─▶ positions at P >= B ─▶ last prices, if one is missing ─▶ the value

Balances and positions are of the same sequence B if nothing of the positions changed between B and P; each names the event
that changed it last. If one did, both are asked again from P on, a bounded number of times. Prices are those at P.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection

from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.ledger import Balances, GetBalances
from quantumcore.contracts.market import GetTicker, GetTickers
from quantumcore.contracts.positions import GetPositions, Positions, PositionView
from quantumcore.contracts.reference import Currency
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.telemetry import Durations
from quantumcore.services.portfolio import store
from quantumcore.services.portfolio.cache import Valued
from quantumcore.services.portfolio.carried import Carried
from quantumcore.services.portfolio.domain import Inputs, value, worths_of
from quantumcore.services.portfolio.fx_desk import NS, FxDesk
from quantumcore.services.portfolio.market import Market
from quantumcore.services.portfolio.prices import Listed, Price, Worths
from quantumcore.services.portfolio.settings import PortfolioSettings
from quantumcore.services.portfolio.store import Standing

PATIENCE_S = 1.5
"""After this long nothing is asked again: the caller gives up after two seconds."""


class Gathered(NamedTuple):
    """What other rooms say of an account, at one cursor.

    Attributes:
        priced_to: The sequence of the prices.
        last: Prices of assets that no position of the account prices.
    """

    balances: Balances
    positions: Positions
    listed: Listed
    priced_to: int
    last: dict[str, Price]


class Valuer:
    """Values accounts; keeps nothing but counts.

    Attributes:
        stale_lines: Lines that were valued at a price older than it may be, since the start.
        retries: How often balances and positions did not agree.
        foreign: Accounts that had a position in another currency than their own when they were last looked at.
    """

    def __init__(
        self, bus: Bus, database: Database, clock: Clock, market: Market, desk: FxDesk, settings: PortfolioSettings
    ) -> None:
        self.stale_lines = self.retries = 0
        self.foreign: dict[int, bool] = {}
        self.seconds = Durations(
            "qc_portfolio_thousand_lines_seconds", "Time to compute a thousand lines of a portfolio"
        )
        self._bus = bus
        self._database = database
        self._clock = clock
        self._market = market
        self._desk = desk
        self._settings = settings

    async def value(self, account: int, at_least: int) -> Valued:
        """Value an account.

        Raises:
            NotFound: `account.not_found`.
            Unavailable: `fx.rate_missing`, `fx.rate_stale`, `portfolio.moving`, or a room that does not answer.
        """
        standing = await self._database.read(lambda tx: store.standing(tx, account))
        reporting = await self._market.currency(standing.reporting or self._settings.reporting, "currency")
        gathered = await self._gather(account, at_least)
        inputs = self._inputs(account, gathered, standing, reporting)
        worths = worths_of(inputs)
        foreign = self._foreign(account, inputs, worths)
        if foreign:
            carried = await self._database.write(lambda tx: _carry(tx, account, standing, reporting.code, foreign))
            inputs = replace(inputs, carried={**inputs.carried, **carried})
        began = self._clock.monotonic()
        portfolio = value(inputs, worths)
        if portfolio.lines:
            self.seconds.observe((self._clock.monotonic() - began) * 1000 / len(portfolio.lines))
        self.stale_lines += sum(line.stale for line in portfolio.lines)
        symbols = frozenset((*(line.symbol for line in portfolio.lines), *gathered.last))
        return Valued(portfolio, worths, symbols)

    # -------------------------------------------------------------------------------------------- one cursor

    async def _gather(self, account: int, at_least: int) -> Gathered:
        deadline = self._clock.monotonic() + PATIENCE_S
        for _ in range(self._settings.tries):
            balances = await self._bus.request(GetBalances(account=account, at_least=at_least))
            positions = await self._bus.request(GetPositions(account=account, at_least=balances.sequence))
            at_least = self._later(balances, positions)
            if not at_least:
                return await self._priced(balances, positions)
            self.retries += 1
            if self._clock.monotonic() > deadline:
                break
        detail = "balances and positions would not agree on a sequence"
        raise Unavailable("portfolio.moving", detail, limit=str(self._settings.tries), retry_after=1)

    def _later(self, balances: Balances, positions: Positions) -> int:
        """Return from which sequence on both must be asked again; 0: they are of one sequence, and their prices of now."""
        if positions.sequence < balances.sequence:
            return balances.sequence
        changed = max((one.sequence for one in positions.positions), default=0)
        if changed > balances.sequence:
            return positions.sequence
        priced = max((self._market.priced.get(one.symbol, 0) for one in positions.positions), default=0)
        return priced if priced > positions.sequence else 0

    async def _priced(self, balances: Balances, positions: Positions) -> Gathered:
        listed = await self._market.know(
            [one.symbol for one in positions.positions], [one.currency for one in balances.balances]
        )
        marked = {one.symbol for one in positions.positions if one.mark is not None}
        used = {one.currency for one in balances.balances if one.total.strip("0.")}
        used |= {one.currency for one in positions.positions}
        wanted = _wanted(listed, marked, used)
        last, priced_to = await self._last_prices(wanted) if wanted else ({}, 0)
        return Gathered(balances, positions, listed, max(priced_to, positions.sequence), last)

    async def _last_prices(self, wanted: set[str]) -> tuple[dict[str, Price], int]:
        """Return the last prices of `wanted` that there are, and the sequence they are of."""
        tickers = await self._bus.request(GetTickers())
        found = [ticker for ticker in tickers.items if ticker.symbol in wanted]
        sequence, moved = tickers.sequence, self._market.priced
        last = {}
        for ticker in found:
            at = moved.get(ticker.symbol, 0)
            one = ticker if at <= sequence else await self._bus.request(GetTicker(symbol=ticker.symbol, at_least=at))
            if one.last is not None:
                last[one.symbol] = Price(one.last, "trade", one.sequence, self._is_stale(one.symbol))
        return last, max((sequence, *(price.sequence for price in last.values())))

    def _is_stale(self, symbol: str) -> bool:
        """Tell whether a symbol's last trade is older than it may be; one that nobody has seen since the start is."""
        age = self._clock.now() - self._market.traded_ns.get(symbol, 0)
        return age > self._settings.price_stale_s * NS

    # ---------------------------------------------------------------------------------------- one computation

    def _inputs(self, account: int, gathered: Gathered, standing: Standing, reporting: Currency) -> Inputs:
        fx = self._desk.current  # once: what is published from now on is for the next valuation
        return Inputs(
            account_id=str(account),
            sequence=gathered.balances.sequence,
            priced_to=gathered.priced_to,
            time_ns=self._clock.now(),
            reporting=reporting,
            balances=gathered.balances.balances,
            positions=gathered.positions.positions,
            listed=gathered.listed,
            last=gathered.last,
            fx=fx,
            fx_stale=self._desk.stale(fx),
            carried=standing.carried,
        )

    def _foreign(self, account: int, inputs: Inputs, worths: Worths) -> list[tuple[PositionView, Fraction]]:
        """Return the positions in other currencies that changed since they were last carried, each with its rate."""
        found = [one for one in inputs.positions if one.currency != inputs.reporting.code]
        if len(self.foreign) >= self._settings.history_accounts:
            self.foreign.clear()  # who is not known is looked at once more
        self.foreign[account] = bool(found)
        changed = []
        for one in found:
            known = inputs.carried.get(one.symbol)
            if known is None or known.sequence < one.sequence:
                rate = worths.of(one.currency)
                if rate is not None:
                    changed.append((one, rate))
        return changed


def _carry(
    tx: Connection, account: int, standing: Standing, currency: str, foreign: Sequence[tuple[PositionView, Fraction]]
) -> Mapping[str, Carried]:
    """Carry positions on, unless the account is valued in another currency by now: then this valuation is the last of its kind."""
    if store.reporting_of(tx, account) != standing.reporting:
        return {}
    return store.carry(tx, account, currency, foreign)


def _wanted(listed: Listed, marked: set[str], currencies: Iterable[str]) -> set[str]:
    """Return the instruments whose last price may be needed: of assets, and of what these are priced in."""
    wanted: set[str] = set()
    open_ = list(currencies)
    seen = set(open_)
    while open_:
        ways = listed.by_base.get(open_.pop(), [])
        if len(ways) == 1 and ways[0].symbol in marked:
            quotes = {ways[0].quote.code}
        else:
            wanted |= {one.symbol for one in ways if one.symbol not in marked}
            quotes = {one.quote.code for one in ways}
        open_ += quotes - seen
        seen |= quotes
    return wanted
