"""Who is told of margin of the engine: an account, when an assessment finds it on another rung, and when what it needs at first passes the line
of what it is worth; each once until that has changed again.

What is told is written first, with what it means for the next time, as the watch of limits does (watch.py); the rows and the stream are the same.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial

from prometheus_client.core import Metric
from sqlalchemy import Connection, delete, insert, select

from quantumcore.contracts import wire
from quantumcore.contracts.reference import Currency
from quantumcore.contracts.risk import LimitUse, RiskUpdate, RiskWarning
from quantumcore.contracts.risk_margin import MarginView
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.telemetry import counter
from quantumcore.services.risk.desks import parameter_store
from quantumcore.services.risk.desks.parameter_store import OF_ENGINE, RELIEF, WARNING, Said
from quantumcore.services.risk.margin.book import Place
from quantumcore.services.risk.margin.standing import STALE, TOO_LARGE, of_event, view
from quantumcore.services.risk.tables import warned
from quantumcore.services.risk.valuation.limits import OWN, over

RUNG = "rung"
INITIAL = "initial_margin"
PACE_S = 0.25


class MarginTeller:
    """Tells RiskWarning of assessments.

    Attributes:
        told: What was told, by kind.
    """

    def __init__(self, bus: Bus, own: Database, clock: Clock, definitions: Definitions, warn_at: int) -> None:
        """`warn_at` is the line, in percent of the equity."""
        self.told: Counter[str] = Counter(dict.fromkeys((RUNG, WARNING, RELIEF), 0))
        self._bus = bus
        self._own = own
        self._clock = clock
        self._definitions = definitions
        self._warn_at = warn_at
        self._waiting: dict[Place, wire.MarginAssessed] = {}
        self._woken = asyncio.Event()

    def heard(self, assessed: Mapping[Place, wire.MarginAssessed]) -> None:
        """Take in assessments; of an account in a currency the last one counts."""
        if assessed:
            self._waiting |= assessed
            self._woken.set()

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what was told."""
        yield counter("qc_risk_margin_updates", "What was told of margin of the engine, by kind", self.told, by="kind")

    async def run(self) -> None:
        """Tell for ever."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.round()
            finally:
                if self._waiting:  # whoever runs this again is woken
                    self._woken.set()
            await self._clock.sleep(PACE_S)

    async def round(self) -> None:
        """Tell what is new of those that wait.

        Raises:
            Unavailable: The database did not take it; it still waits.
        """
        while self._waiting:
            place = next(iter(self._waiting))
            event = self._waiting[place]
            await self._tell(event)
            if self._waiting.get(place) is event:
                del self._waiting[place]

    async def _tell(self, event: wire.MarginAssessed) -> None:
        if event.currency not in self._definitions.catalogue.currencies:
            await self._definitions.refresh()
        currency = self._definitions.catalogue.currencies[event.currency]
        news = partial(said, event=event, currency=currency, line=self._warn_at)
        if not news(await self._own.read(partial(_standing, account=event.account))):
            return
        now = self._clock.now()

        def work(tx: Connection) -> tuple[list[RiskUpdate], int]:
            previous = parameter_store.last_number(tx)
            fresh = news(_standing(tx, event.account))
            updates = [parameter_store.add_update(tx, event.account, one, now) for one, _, _ in fresh]
            for (_, gone, come), update in zip(fresh, updates, strict=True):
                if gone:
                    tx.execute(delete(warned).where(warned.c.account == event.account, warned.c.name == gone))
                if come:
                    tx.execute(insert(warned), {"account": event.account, "name": come, "number": update.number})
            return updates, previous

        updates, previous = await self._own.write(work)
        for one in updates:
            self.told[one.kind] += 1
        if updates:
            await self._bus.publish([RiskWarning(previous=previous, updates=updates)])


def said(standing: set[str], event: wire.MarginAssessed, currency: Currency, line: int) -> list[tuple[Said, str, str]]:
    """Return what is new, each with the name that is to be forgotten for it and the one to be remembered ("": none).

    Args:
        standing: Names of what the account was told of margin of the engine, and not that it is over.
    """
    if event.margin_flags & (STALE | TOO_LARGE):
        return []
    seen = view(of_event(event), currency, event.sequence, event)
    return [*_rung(standing, event, seen), *_use(standing, event, seen, line)]


def _rung(standing: set[str], event: wire.MarginAssessed, seen: MarginView) -> Iterable[tuple[Said, str, str]]:
    name = f"{OF_ENGINE}{RUNG} {seen.currency} "
    known = next((one for one in standing if one.startswith(name)), "")
    now = f"{name}{seen.rung}" if event.rung else ""
    if known != now:
        yield Said(event.sequence, RUNG, margin=seen), known, now


def _use(
    standing: set[str], event: wire.MarginAssessed, seen: MarginView, line: int
) -> Iterable[tuple[Said, str, str]]:
    assert seen.equity is not None
    assert seen.initial is not None
    name = f"{OF_ENGINE}{INITIAL} {seen.currency}"
    limit = LimitUse(INITIAL, OWN, None, seen.equity, seen.initial, seen.use, seen.currency)
    side = over(limit, line)
    if side > 0 and name not in standing:
        yield Said(event.sequence, WARNING, limit), "", name
    elif side < 0 and name in standing:
        yield Said(event.sequence, RELIEF, limit), name, ""


def _standing(tx: Connection, account: int) -> set[str]:
    names = tx.execute(select(warned.c.name).where(warned.c.account == account)).scalars()
    return {name for name in names if name.startswith(OF_ENGINE)}
