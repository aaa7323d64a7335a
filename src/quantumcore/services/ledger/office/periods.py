"""Where periods are closed: written down first, so that nothing is posted into them any more, then told to the engine."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import Metric
from sqlalchemy import Connection

from quantumcore.contracts.days import DAY_NS, day_of, last_day_of, shown_day
from quantumcore.contracts.errors import Conflict, Unavailable, check_count, invalid
from quantumcore.contracts.ledger_periods import MAX_PAGE, ClosePeriod, GetPeriods, Periods, PeriodView
from quantumcore.contracts.wire import Leg, PostGroup
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.following import Following
from quantumcore.ports.telemetry import gauge
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.attempts import AGAIN_S, Attempts
from quantumcore.services.ledger.corrections import CLOSING_PREFIX
from quantumcore.services.ledger.domain import CLEARING, EQUITY, HOUSE
from quantumcore.services.ledger.groups import Groups
from quantumcore.services.ledger.office.closed import ClosedDays
from quantumcore.services.ledger.teller import Teller

CLOSING = 900  # why, in the ledger's own numbers
AFTER_MIDNIGHT_NS = 5 * 10**9  # what was stamped before midnight has been sequenced by then

_log = logging.getLogger(__name__)


class PeriodDesk:
    """Answers ClosePeriod (behind the approvals) and GetPeriods."""

    def __init__(
        self,
        groups: Groups,
        closed: ClosedDays,
        database: Database,
        clock: Clock,
        following: Following,
        teller: Teller,
    ) -> None:
        self._groups = groups
        self._closed = closed
        self._database = database
        self._clock = clock
        self._following = following
        self._teller = teller
        self._outcomes: Counter[str] = Counter()
        self._one_at_a_time = asyncio.Lock()
        self._unfinished = False
        self._attempts = Attempts(_log, "a period is not closed")

    def attach(self, bus: Bus) -> None:
        """Hand the handlers to the bus, but for ClosePeriod, before which the approvals stand."""
        bus.handle(GetPeriods, self.periods)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how it goes."""
        yield gauge("qc_ledger_periods_closing", "1 while a closing has not reached the engine", self._unfinished)

    async def run(self) -> None:
        """Tell the engine of closings that a kill or a lost answer has left untold."""
        while True:
            with self._attempts.attempt():
                async with self._one_at_a_time:
                    await self._finish()
            await self._clock.sleep(AGAIN_S)

    async def check(self, command: ClosePeriod) -> int:
        """Return the last day of what would be closed.

        Raises:
            InvalidCommand, Conflict: As contracts/ledger_periods says.
        """
        if bool(command.month) == bool(command.end):
            raise invalid("range", "name a month, or a day at the end: one of the two", field="end")
        day = last_day_of(command.month, "month") if command.month else day_of(command.end, "end")
        ends = await self._closed.ends()
        if day in ends:
            return day
        field = "month" if command.month else "end"
        if self._closed.covers(day):
            raise Conflict(
                "period.closed",
                "that day is closed already",
                field=field,
                limit=shown_day(ends[-1]),
                actual=shown_day(day),
            )
        over = (self._clock.now() - AFTER_MIDNIGHT_NS) // DAY_NS
        if day >= over:
            detail = "a period can be closed when its last day is over, in UTC"
            raise Conflict("period.open", detail, field=field, limit=shown_day(over - 1), actual=shown_day(day))
        return day

    async def close(self, command: ClosePeriod) -> PeriodView:
        """Close a period, for ever.

        Raises:
            InvalidCommand, Conflict: As contracts/ledger_periods says.
            Unavailable, OutcomeUnknown: No posting into it is taken any more; the engine will be told again.
        """
        async with self._one_at_a_time:
            day = await self.check(command)
            self._unfinished = True
            await self._closed.close(day, self._clock.now())
            await self._finish()
        await self._following.reached(self._groups.posted)
        found = await self._shown([day])
        return found[0]

    async def periods(self, query: GetPeriods) -> Periods:
        """Return the newest periods.

        Raises:
            InvalidCommand: limit.
        """
        check_count(query.limit, MAX_PAGE)
        await self._following.reached(max(query.at_least, self._groups.posted))
        ends = await self._closed.ends()
        return Periods(await self._shown(list(reversed(ends))[: query.limit]))

    async def _finish(self) -> None:
        """Post the closings that are not in the books."""
        for day in await self._closed.ends():
            if await self._database.read(lambda tx, day=day: closing(tx, day)) == (0, 0):  # type: ignore[misc]
                await self._groups.post(self._group(day), self._outcomes)
        self._unfinished = False

    def _group(self, day: int) -> PostGroup:
        currencies = self._teller.catalogue.currencies
        if not currencies:
            raise Unavailable("ledger.behind", "no currency is known yet", retry_after=1)  # seconds
        leg = Leg(
            debit_account=HOUSE,
            debit_code=EQUITY,
            credit_account=HOUSE,
            credit_code=CLEARING,
            currency=min(currencies),
            amount=0,
        )
        text = f"the books are closed up to {shown_day(day)}".encode()
        return PostGroup(
            group_id=closing_id(day), code=CLOSING, count=1, text=text.ljust(128, b"\0"), legs=leg.encode()
        )

    async def _shown(self, days: list[int]) -> list[PeriodView]:
        ends = await self._closed.ends()
        told = await self._database.read(lambda tx: [closing(tx, day) for day in days])
        found = []
        for day, (sequence, time_ns) in zip(days, told, strict=True):
            at = ends.index(day)
            found.append(
                PeriodView(
                    period=shown_day(day),
                    begin=shown_day(ends[at - 1] + 1) if at else None,
                    end=shown_day(day),
                    state="closed" if sequence else "closing",
                    sequence=sequence,
                    time_ns=time_ns,
                )
            )
        return found


def closing_id(day: int) -> str:
    """Return the id of the group that closes a period."""
    return f"{CLOSING_PREFIX}{shown_day(day)}"


def closing(tx: Connection, day: int) -> tuple[int, int]:
    """Return sequence and time of a closing; (0, 0) while the books do not have it."""
    row = queries.transaction(tx, HOUSE, closing_id(day))
    return (0, 0) if row is None else (row.sequence, row.time_ns)
