"""Who is warned: an account, when the use of a limit passes the line, once until it has been below again; and of its kill switch.

What is told is written first, with its number and with what it means for the next time; then it is published. What a crash has left unpublished is
published at the next start, and whoever heard it before knows it by its number.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

from prometheus_client.core import Metric
from sqlalchemy import Connection

from quantumcore.contracts.errors import QuantumCoreError, check_count
from quantumcore.contracts.risk import MAX_PAGE, GetRiskUpdates, LimitUse, RiskUpdate, RiskUpdates, RiskWarning
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.telemetry import Durations, counter, gauge
from quantumcore.services.risk import store
from quantumcore.services.risk.desks import parameter_store
from quantumcore.services.risk.desks.parameter_store import KILLED, LIFTED, RELIEF, SWITCHES, WARNING, Said
from quantumcore.services.risk.settings import RiskSettings
from quantumcore.services.risk.state import EVERYBODY
from quantumcore.services.risk.store import Applied
from quantumcore.services.risk.valuation import metrics
from quantumcore.services.risk.valuation.limits import name_of, nothing_of, over
from quantumcore.services.risk.valuation.valuer import Seen, Valuer

PACE_S = 0.25
AT_A_TIME = 200
"""Accounts that are looked at in one round; the others in the next."""
DIRTY = 100_000
"""Accounts that wait to be looked at; the next is when it moves again."""
RETOLD = 1_000
SHARES = (0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 1.0)

_log = logging.getLogger(__name__)


class Watch:
    """Looks at accounts that moved, or that hold what did. Answers GetRiskUpdates. Tells RiskWarning.

    Attributes:
        told: What was told, by kind.
    """

    def __init__(
        self,
        bus: Bus,
        own: Database,
        database: Database,
        clock: Clock,
        valuer: Valuer,
        settings: RiskSettings,
    ) -> None:
        self.told: Counter[str] = Counter(dict.fromkeys((WARNING, RELIEF, KILLED, LIFTED), 0))
        self._bus = bus
        self._own = own
        self._database = database
        self._clock = clock
        self._valuer = valuer
        self._settings = settings
        self._dirty: dict[int, None] = {}
        self._priced: set[int] = set()
        self._woken = asyncio.Event()
        self._use = Durations(
            "qc_risk_limit_use_ratio", "Shares of limits that are used, as accounts are looked at", SHARES
        )

    def attach(self) -> None:
        """Hand the handler to the bus."""
        self._bus.handle(GetRiskUpdates, self.updates)

    async def start(self) -> None:
        """Say again what was said last: nobody may have heard it."""
        found = await self._own.read(partial(parameter_store.newest_updates, limit=RETOLD))
        if found:
            await self._bus.publish([RiskWarning(previous=found[0].number - 1, updates=found)])

    def moved(self, applied: Applied) -> None:
        """Look at who moved, and at who holds what did."""
        for account in applied.moved:
            if account != EVERYBODY and len(self._dirty) < DIRTY:
                self._dirty[account] = None
        self._priced |= applied.priced
        if self._dirty or self._priced:
            self._woken.set()

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how much of their limits accounts use, and who was told."""
        yield from self._use.collect()
        yield counter("qc_risk_updates", "What was told on the streams of risk, by kind", self.told, by="kind")
        yield gauge("qc_risk_waiting_accounts", "Accounts that moved and are still to be looked at", len(self._dirty))

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self.round()
            if self._dirty:
                self._woken.set()
            await self._clock.sleep(PACE_S)

    async def round(self) -> None:
        """Look at some of those that wait.

        Raises:
            Unavailable: A database did not answer; who was not looked at still waits.
        """
        if self._priced:
            priced, self._priced = self._priced, set()
            for account in await self._database.read(partial(store.holders, instruments=self._valuer.moved_by(priced))):
                self._dirty.setdefault(account, None)
        for account in list(self._dirty)[:AT_A_TIME]:
            del self._dirty[account]
            try:
                seen = await self._valuer.see(account)
            except QuantumCoreError as error:
                _log.debug("an account could not be looked at: %s", error.code)
                continue
            try:
                await self._look(seen)
            except BaseException:
                self._dirty[account] = None  # it still waits
                raise
            await asyncio.sleep(0)

    async def _look(self, seen: Seen) -> None:
        used = metrics.used(seen, self._settings)
        for limit in used:
            if limit.use is not None:
                self._use.observe(float(limit.use))
        said = partial(_said, seen=seen, used=used, line=self._settings.warn_at)
        if not said(await self._own.read(partial(parameter_store.standing, account=seen.number))):
            return
        now = self._clock.now()

        def work(tx: Connection) -> tuple[list[RiskUpdate], int]:
            previous = parameter_store.last_number(tx)
            news = said(parameter_store.standing(tx, seen.number))
            return parameter_store.tell(tx, seen.number, news, now), previous

        updates, previous = await self._own.write(work)
        for one in updates:
            self.told[one.kind] += 1
        if updates:
            await self._bus.publish([RiskWarning(previous=previous, updates=updates)])

    async def updates(self, query: GetRiskUpdates) -> RiskUpdates:
        """Return what an account's stream has said after a number.

        Raises:
            InvalidCommand: limit.
        """
        check_count(query.limit, MAX_PAGE)
        if query.after < 0:
            return RiskUpdates([], await self._own.read(parameter_store.last_number))
        work = partial(parameter_store.updates, account=query.account, after=query.after, limit=query.limit)
        found, reached = await self._own.read(work)
        return RiskUpdates(found, reached)


def _said(standing: set[str], seen: Seen, used: Sequence[LimitUse], line: int) -> list[Said]:
    """Return what is new of an account: `standing` is what it was told, and not that it is over."""
    sequence, mode = seen.account.stand.sequence, metrics.kill_mode(seen.account)
    switches = set(SWITCHES.values())
    said = []
    for one in used:
        side, known = over(one, line), name_of(one) in standing
        if side > 0 and not known:
            said.append(Said(sequence, WARNING, one))
        elif side < 0 and known:
            said.append(Said(sequence, RELIEF, one))
    gone = standing - switches - {name_of(one) for one in used}
    said += [Said(sequence, RELIEF, nothing_of(name)) for name in sorted(gone)]
    if mode and SWITCHES[mode] not in standing:
        said.append(Said(sequence, KILLED, mode=mode))
    elif not mode and switches & standing:
        said.append(Said(sequence, LIFTED))
    return said
