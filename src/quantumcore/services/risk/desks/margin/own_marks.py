"""Marks of the venue's own trades, where the venue wants that: margin is known by trading alone, until somebody sets a mark (`marks_from_trades`).

The last trade of an instrument becomes its mark, once, while it is younger than `stale_s`: over no mark, over a mark that this desk has set, or over
one that is older than `stale_s`. What somebody else has set stands that long, and a mark that was taken back stays away until the next trade
(contracts/marks.py). A trade that is busted before it has become a mark becomes none; a position that is taken over is no trade.

Which mark is its own the desk knows as long as it runs; after a restart those that stand are somebody else's. A mark that somebody sets in the instant
in which a round is on its way is the engine's to order: the later of the two stands.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping

from prometheus_client.core import Metric

from quantumcore.contracts import wire
from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.marks import MARK, Mark
from quantumcore.contracts.matching import SequenceBatch
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.telemetry import counter
from quantumcore.services.risk.settings import RiskSettings
from quantumcore.services.risk.state import Print
from quantumcore.services.risk.store import Applied

PACE_S = 0.25
EVERY_S = 1.0
"""How often the mark of one instrument is set at most."""
AT_A_TIME = 200
"""Marks of one round; the others in the next, the longest waiting first."""

_log = logging.getLogger(__name__)


class OwnMarks:
    """Sets marks at the last trade.

    Attributes:
        marks: By what became of them: set, or refused (by the engine, or matching did not answer).
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        marks: Callable[[], Mapping[int, Mark]],
        caught_up: Callable[[], Awaitable[object]],
        settings: RiskSettings,
    ) -> None:
        """Take the prices that count, and how to wait until they are those of now."""
        self.marks: Counter[str] = Counter(dict.fromkeys(("set", "refused"), 0))
        self.wanted = settings.marks_from_trades
        self._bus = bus
        self._clock = clock
        self._standing = marks
        self._caught_up = caught_up
        self._stale_ns = round(settings.stale_s * 10**9)
        self._waiting: dict[int, Print] = {}
        self._own: dict[int, int] = {}
        self._sent: dict[int, float] = {}

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what became of marks."""
        yield counter("qc_risk_own_marks", "Marks at the venue's own last trades", self.marks, by="outcome")

    def heard(self, applied: Applied) -> None:
        """Let the last trade of each instrument wait to become its mark, unless it is busted."""
        if not self.wanted:
            return
        self._waiting |= applied.prints
        for number, one in tuple(self._waiting.items()) if applied.busted else ():
            if (one.sequence, one.fill) in applied.busted:
                del self._waiting[number]

    async def run(self) -> None:
        """Set marks for ever."""
        while True:
            try:
                await self.round()
            except QuantumCoreError as error:
                _log.warning("marks are not set: %s", error.detail)
            await self._clock.sleep(PACE_S)

    async def round(self) -> None:
        """Set the marks that are due, as one batch.

        Raises:
            Unavailable, OutcomeUnknown: Matching or the projection does not answer; what waits still waits.
        """
        if not self._waiting:
            return
        await self._caught_up()  # a mark that stands counts
        now, moment = self._clock.now(), self._clock.monotonic()
        self._waiting = {number: one for number, one in self._waiting.items() if self._counts(number, one, now)}
        due = [(number, one) for number, one in self._waiting.items() if self._is_due(number, one, now, moment)]
        chosen = due[:AT_A_TIME]
        if not chosen:
            return
        commands = [wire.SetMark(instrument=number, price=one.price).encode() for number, one in chosen]
        self._sent |= dict.fromkeys((number for number, _ in chosen), moment)
        try:
            outcomes = (await self._bus.request(SequenceBatch(commands=commands))).outcomes
        except BaseException:
            self.marks["refused"] += len(chosen)
            raise
        for (number, one), outcome in zip(chosen, outcomes, strict=True):
            told = wire.decode_events(outcome.events)[0]
            if not isinstance(told, wire.MarkChanged):
                self.marks["refused"] += 1
                continue
            self.marks["set"] += 1
            self._own[number] = told.sequence
            if self._waiting.get(number) == one:
                del self._waiting[number]

    def _counts(self, number: int, one: Print, now_ns: int) -> bool:
        """Tell whether a trade may still become the mark: it is young, and no mark was taken back after it."""
        standing = self._standing().get(number)
        return now_ns - one.time_ns <= self._stale_ns and not (standing is not None and standing.withdrawn)

    def _is_due(self, number: int, one: Print, now_ns: int, moment: float) -> bool:
        if moment - self._sent.get(number, -EVERY_S) < EVERY_S:
            return False
        standing = self._standing().get(number)
        if standing is None or standing.source != MARK:
            return True
        if self._own.get(number) != standing.sequence:
            return standing.stale(now_ns, self._stale_ns)
        return one.price != standing.price or standing.stale(now_ns, self._stale_ns // 2)
