"""What is kept of valuations as time goes on: costs at the rates of their days, and a point of history at each interval.

Both follow what others tell, at their own pace, and may be behind; nobody waits for them. An account is known here once it
moved or was asked for, or has points from before.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.ledger import Entry, GetEntries
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.services.portfolio import store
from quantumcore.services.portfolio.cache import Valuations, Valued
from quantumcore.services.portfolio.exact import number, rounded
from quantumcore.services.portfolio.fx_desk import NS
from quantumcore.services.portfolio.market import Market
from quantumcore.services.portfolio.settings import PortfolioSettings
from quantumcore.services.portfolio.store import Point
from quantumcore.services.portfolio.valuer import Valuer

PACE_S = 0.25
"""Accounts that moved are looked at, and the time is looked at, at most this often."""
ACCOUNTS_PER_COMMIT = 100
DIRTY = 10_000
"""Accounts that wait to be carried; the next one is carried when it moves again, or is asked for."""
ENTRIES = 1_000
PAGES = 50
"""Pages of an account's entries that are read for one point; of one with more the rest is read for the next point."""
FLOWS = frozenset(("deposit", "withdrawal", "transfer"))
_AFTER_ALL = 2**62  # behind every index of a sequence

_log = logging.getLogger(__name__)


@dataclass
class _Reading:
    """How far an account's flows have been read.

    Attributes:
        since: The sequence of the point before. cursor: Of the last entry that was read.
        amounts: Signed sums by currency.
    """

    since: int
    cursor: str
    amounts: dict[str, Fraction] = field(default_factory=dict)

    def add(self, currency: str, amount: Fraction) -> None:
        self.amounts[currency] = self.amounts.get(currency, Fraction(0)) + amount


class Recorder:
    """Carries costs and writes the history.

    Attributes:
        points: Counts by outcome: written; skipped: the account could not be valued whole, its point is missing.
    """

    def __init__(
        self,
        bus: Bus,
        database: Database,
        clock: Clock,
        market: Market,
        valuations: Valuations,
        valuer: Valuer,
        settings: PortfolioSettings,
    ) -> None:
        self.points: Counter[str] = Counter({"written": 0, "skipped": 0})
        self._bus = bus
        self._database = database
        self._clock = clock
        self._market = market
        self._valuations = valuations
        self._valuer = valuer
        self._settings = settings
        self._interval = settings.history_s * NS
        self._known: set[int] = set()
        self._dirty: dict[int, None] = {}
        self._woken = asyncio.Event()
        self._ticked = asyncio.Event()
        self._newest = 0
        self._readings: dict[int, _Reading] = {}

    async def start(self) -> None:
        """Read who has a history, and how far it goes."""
        limit = self._settings.history_accounts
        self._known |= set(await self._database.read(lambda tx: store.accounts_with_history(tx, limit)))
        self._newest = await self._database.read(store.newest_point)

    def know(self, account: int) -> None:
        """Keep a history of this account from now on, unless too many have one."""
        if len(self._known) < self._settings.history_accounts:
            self._known.add(account)

    def moved(self, accounts: Iterable[int]) -> None:
        """Carry the costs of `accounts` on, of those that may have positions in other currencies."""
        for account in accounts:
            self.know(account)
            if self._valuer.foreign.get(account, True) and len(self._dirty) < DIRTY:
                self._dirty[account] = None
        if self._dirty:
            self._woken.set()

    def tick(self) -> None:
        """Look at the time."""
        self._ticked.set()

    async def carry(self) -> None:
        """Value accounts that moved, for ever: valuing carries their costs at the rate of now."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            moved, self._dirty = list(self._dirty), {}
            for account in moved:
                try:
                    await self._valuations.get(account)
                except QuantumCoreError as error:
                    _log.debug("an account was not carried: %s", error.code)
            await self._clock.sleep(PACE_S)

    async def record(self) -> None:
        """Write a point of every account when engine time has passed the next multiple of the interval, for ever."""
        while True:
            await self._ticked.wait()
            self._ticked.clear()
            due = self._market.time_ns // self._interval * self._interval
            if due > self._newest:
                await self.write_points(due)
                self._newest = due
            await self._clock.sleep(PACE_S)

    async def write_points(self, time_ns: int) -> None:
        """Write the point `time_ns` of every account that is known.

        Raises:
            Unavailable: The database did not take some; those that were taken stay, and none is written twice.
        """
        oldest = time_ns - (self._settings.history_kept - 1) * self._interval
        for accounts in _some(sorted(self._known)):
            valued = {account: found for account in accounts if (found := await self._valued(account)) is not None}
            wanted = [(account, one.portfolio.reporting_currency) for account, one in valued.items()]
            last = await self._database.read(partial(store.last_sequences, wanted=wanted))
            points = []
            for account, one in valued.items():
                since = last.get((account, one.portfolio.reporting_currency))
                point = await self._point(account, one, time_ns, since)
                if point is not None:
                    points.append(point)
            await self._database.write(partial(store.add_points, points=points, oldest_ns=oldest))
            self.points["written"] += len(points)
            self.points["skipped"] += len(accounts) - len(points)

    async def _valued(self, account: int) -> Valued | None:
        """Return an account's valuation; None when there is none now, or it is not whole."""
        try:
            valued = await self._valuations.get(account)
        except QuantumCoreError as error:
            _log.debug("a point of the history is missing: %s", error.code)
            return None
        return valued if valued.portfolio.complete else None

    async def _point(self, account: int, valued: Valued, time_ns: int, since: int | None) -> Point | None:
        portfolio = valued.portfolio
        try:
            flow = Fraction(0) if since is None else await self._flow(account, valued, since)
        except QuantumCoreError as error:
            _log.debug("a point of the history is missing: %s", error.code)
            return None
        if flow is None:
            return None
        places = number(portfolio.total)[1]
        shown = portfolio.total, rounded(flow, places), portfolio.fx_snapshot_id
        return Point(account, portfolio.reporting_currency, time_ns, portfolio.sequence, *shown)

    async def _flow(self, account: int, valued: Valued, since: int) -> Fraction | None:
        """Return what came in less what went out behind the sequence `since`, up to the valuation's; None: too much to read now."""
        reading = self._readings.pop(account, None)
        if reading is None or reading.since != since:
            reading = _Reading(since, f"{since}.{_AFTER_ALL}.0")
        if not await self._read_on(account, valued.portfolio.sequence, reading):
            self._readings[account] = reading
            return None
        flow = Fraction(0)
        for currency, amount in reading.amounts.items():
            flow += amount * (valued.worths.of(currency) or 0)
        return flow

    async def _read_on(self, account: int, upto: int, reading: _Reading) -> bool:
        """Read entries up to the sequence `upto`; false when that is too much for now."""
        for _ in range(PAGES):
            page = await self._bus.request(
                GetEntries(account=account, limit=ENTRIES, cursor=reading.cursor, ascending=True, at_least=upto)
            )
            for entry in page.items:
                if entry.sequence > upto:
                    return True
                if entry.code in FLOWS:
                    reading.add(entry.currency, _signed(account, entry))
                reading.cursor = f"{entry.sequence}.{entry.index}.{entry.leg}"
            if page.next_cursor is None:
                return True
        return False


def _signed(account: int, entry: Entry) -> Fraction:
    """Return the amount of a flow: what is credited to the account comes in."""
    mantissa, places = number(entry.amount)
    mine = f"{account}:"
    sign = entry.credit.startswith(mine) - entry.debit.startswith(mine)
    return Fraction(sign * mantissa, 10**places)


def _some(accounts: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(accounts), ACCOUNTS_PER_COMMIT):
        yield accounts[start : start + ACCOUNTS_PER_COMMIT]
