"""Which days are closed, and which postings are on their way: the one place at which a posting and a closing meet."""

import asyncio
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, insert, select

from quantumcore.contracts.days import shown_day
from quantumcore.contracts.errors import Conflict
from quantumcore.ports.database import Database
from quantumcore.services.ledger.tables import periods


class ClosedDays:
    """The ends of closed periods, as the office has them, remembered.

    A posting looks here and is handed to the engine without a pause in between; a closing is written down, is seen here, and then waits for
    the postings that looked before. So what is effective in a period comes before its closing in the order of events, or not at all.
    """

    def __init__(self, office: Database) -> None:
        self._office = office
        self._ends: list[int] | None = None
        self._on_their_way: list[int] = []
        self._arrived = asyncio.Event()

    async def ends(self) -> list[int]:
        """Return the last days of all closed periods, ascending."""
        if self._ends is None:
            found = await self._office.read(_ends)
            if self._ends is None:  # two may have asked at once, and one list is the list
                self._ends = found
        return self._ends

    def covers(self, day: int) -> bool:
        """Tell whether a day is closed; `ends` must have been read."""
        return day <= max(self._ends or (), default=day - 1)

    async def period_of(self, day: int) -> int | None:
        """Return the end of the closed period that has a day; None: it is open."""
        ends = await self.ends()
        at = bisect_left(ends, day)
        return ends[at] if at < len(ends) else None

    def refused(self, day: int) -> Conflict:
        """Return the refusal of a posting that is effective on a closed day."""
        assert self._ends, "only a closed day is refused"
        limit, actual = shown_day(self._ends[-1] + 1), shown_day(day)
        detail = f"the books are closed before {limit}: post it on an open day, and say which period it corrects"
        return Conflict("period.closed", detail, field="effective_date", limit=limit, actual=actual)

    @contextmanager
    def posting(self, day: int) -> Iterator[None]:
        """Count a posting that is effective on `day` as on its way."""
        self._on_their_way.append(day)
        try:
            yield
        finally:
            self._on_their_way.remove(day)
            self._arrived.set()

    async def close(self, day: int, now_ns: int) -> None:
        """Close all days up to `day`, and return when the postings that came before have their answers."""
        ends = await self.ends()
        if day not in ends:
            await self._office.write(lambda tx: tx.execute(insert(periods).values(end_day=day, asked_ns=now_ns)))
            ends.append(day)
        while any(effective <= day for effective in self._on_their_way):
            self._arrived.clear()
            await self._arrived.wait()


def _ends(tx: Connection) -> list[int]:
    return list(tx.execute(select(periods.c.end_day).order_by(periods.c.end_day)).scalars())
