"""Reconciliation without end: every minute the ledger is compared with engine, trades and positions, and a difference is told
until it is gone: to /ready, to /metrics, to the log, and as LedgerDiffers.

It reads only: the projection goes on meanwhile. Many accounts are compared a page at a time with a pause between, so that
the engine's thread and the database have room for others.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from msgspec.structs import replace
from prometheus_client.core import Metric

from quantumcore.contracts.errors import OutcomeUnknown, Unavailable
from quantumcore.contracts.ledger import Difference, Reconcile, Reconciliation
from quantumcore.contracts.ledger_reports import Break, GetReconciliation, LedgerDiffers, ReconciliationView
from quantumcore.contracts.masking import mask
from quantumcore.contracts.matching import MOST_ACCOUNTS
from quantumcore.contracts.reference import Catalogue
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.follower import Follower
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.reconcile import HOUSE_NAME, MAX_DIFFERENCES, Reconciler
from quantumcore.services.ledger.third import COMPARED, ThirdParties

PAUSE_S = 0.05  # seconds

_log = logging.getLogger(__name__)

Place = tuple[str, str, str, str]


class Watch:
    """Compares again and again, and on request; one round at a time.

    Attributes:
        breaks: What the last round has found, each with the time at which it was found first.
        rounds: Ended rounds by outcome: equal, different, skipped.
    """

    def __init__(
        self,
        bus: Bus,
        database: Database,
        follower: Follower,
        clock: Clock,
        catalogue: Catalogue,
        every_s: float,
    ) -> None:
        self.breaks: dict[Place, Break] = {}
        self.rounds = {"equal": 0, "different": 0, "skipped": 0}
        self._bus = bus
        self._database = database
        self._clock = clock
        self._every_s = every_s
        self._reconciler = Reconciler(bus, database, follower, catalogue)
        self._third = ThirdParties(bus, database, follower, catalogue)
        self._one = asyncio.Lock()
        self._at_ns = 0
        self._sequence = 0
        self._accounts = 0

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(Reconcile, self.reconcile)
        self._bus.handle(GetReconciliation, self.reconciliation)

    async def run(self) -> None:
        """Compare for ever. A round that cannot be finished, because a room is away or busy, is counted and tried again."""
        while True:
            await self._clock.sleep(self._every_s)
            try:
                await self.round()
            except (Unavailable, OutcomeUnknown) as error:
                _log.warning("the ledger could not be compared: %s", error)

    async def round(self) -> None:
        """Compare with everybody, and tell what is found.

        Raises:
            Unavailable, OutcomeUnknown: It could not be finished; what was known of the rest stays, and grows older.
        """
        async with self._one:
            try:
                await self._compare()
            except (Unavailable, OutcomeUnknown):
                self.rounds["skipped"] += 1
                raise
            else:
                self.rounds["different" if self.breaks else "equal"] += 1
            finally:
                if self.breaks:
                    await self._bus.publish([LedgerDiffers(sequence=self._sequence, breaks=self._standing())])

    async def reconcile(self, _query: Reconcile) -> Reconciliation:
        """Compare with the engine alone.

        Raises:
            Unavailable: `ledger.moving`, or matching does not answer.
        """
        async with self._one:
            found = await self._reconciler.run()
            self._learn(_against_engine(found.differences), "engine")
            return found

    async def reconciliation(self, query: GetReconciliation) -> ReconciliationView:
        """Return what the last round has found, or a round made now.

        Raises:
            Unavailable, OutcomeUnknown: It could not be finished.
        """
        if query.now:
            await self.round()
        return ReconciliationView(
            sequence=self._sequence,
            at_ns=self._at_ns,
            rounds=self.rounds["equal"] + self.rounds["different"],
            skipped=self.rounds["skipped"],
            accounts=self._accounts,
            trades=self._third.trades,
            positions=self._third.positions,
            breaks=self._standing(),
        )

    def not_ready(self) -> list[str]:
        """Return that something differs, what, and for how long; everybody may read it, so neither whose it is nor how much."""
        standing = self._standing()
        if not standing:
            return []
        first = standing[0]
        what = f"{first.currency} {first.what} against {first.against}".lstrip()
        return [f"ledger: {len(standing)} differences, the oldest for {first.age_s} s: {what}"]

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what differs, since when, and how rounds end."""
        oldest = max((one.age_s for one in self._standing()), default=0)
        yield gauge(
            "qc_ledger_differences",
            "Differences from engine, trades and positions at the last comparison",
            len(self.breaks),
        )
        yield gauge("qc_ledger_difference_seconds", "Age of the oldest difference", oldest)
        yield counter("qc_ledger_reconciliations", "Comparisons by outcome", self.rounds, by="outcome")

    async def _compare(self) -> None:
        engine = await self._reconciler.run(self._pause)
        self._learn(_against_engine(engine.differences), "engine")
        numbers = await self._database.read(queries.all_owners)
        self._sequence, self._accounts, self._at_ns = engine.sequence, len(numbers), self._clock.now()
        trades: list[Break] = []
        positions: list[Break] = []
        self._third.begin()
        for count, number in enumerate(numbers, 1):
            trades += await self._third.of_trades(number)
            positions += await self._third.of_positions(number)
            if count % MOST_ACCOUNTS == 0:
                await self._pause()
        self._learn(trades, "trades")
        if self._third.positions == COMPARED:
            self._learn(positions, "positions")

    async def _pause(self) -> None:
        await self._clock.sleep(PAUSE_S)

    def _learn(self, found: Sequence[Break], against: str) -> None:
        """Take over what a comparison with `against` has found; a break that was known keeps its time."""
        now = self._clock.now()
        before = {place: one for place, one in self.breaks.items() if one.against == against}
        for place in before:
            del self.breaks[place]
        for one in found[:MAX_DIFFERENCES]:
            place = (one.account_id, one.currency, one.what, one.against)
            known = before.pop(place, None)
            self.breaks[place] = replace(one, since_ns=known.since_ns if known else now)
            if known is None:
                _log.error("the ledger differs: %s", _masked(one))
        for gone in before.values():
            _log.warning("the ledger differs no more: %s", _masked(gone))

    def _standing(self) -> list[Break]:
        now = self._clock.now()
        found = [replace(one, age_s=max(0, now - one.since_ns) // 10**9) for one in self.breaks.values()]
        return sorted(found, key=lambda one: (one.since_ns, one.account_id, one.currency, one.what))


def _against_engine(found: Iterable[Difference]) -> list[Break]:
    return [Break(one.account_id, one.currency, one.what, one.ledger, one.engine, "engine", 0, 0) for one in found]


def _masked(one: Break) -> str:
    account = one.account_id if one.account_id == HOUSE_NAME else mask(one.account_id)
    what = " ".join(filter(None, (account, one.currency, one.what)))
    return f"{what}: ledger {one.ledger}, {one.against} {one.other}"
