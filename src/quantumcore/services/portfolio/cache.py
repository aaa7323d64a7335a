"""Valuations that may be given again, and those on their way: computed once for all who ask at the same time.

    ask ──kept and nothing moved──▶ hit
     └──on its way and nothing moved since it began──▶ the same one
     └──else──▶ computed; kept if nothing that it looked at moved meanwhile

What is on its way belongs to nobody who waits for it: the first caller may give up without loss for the others.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from quantumcore.contracts.portfolio import Portfolio
from quantumcore.ports.clock import Clock
from quantumcore.services.portfolio.prices import Worths


class Valued(NamedTuple):
    """A valuation and what it stands on.

    Attributes:
        symbols: Those whose price it looked at.
    """

    portfolio: Portfolio
    worths: Worths
    symbols: frozenset[str]


class _Kept(NamedTuple):
    valued: Valued
    until: float
    stamp: int


class _Flight:
    """One computation on its way.

    Attributes:
        stamp: What had moved when it began. outdated: The account, or all accounts, moved since.
    """

    def __init__(self, task: "asyncio.Task[Valued]", stamp: int, at_least: int) -> None:
        self.task = task
        self.stamp = stamp
        self.at_least = at_least
        self.outdated = False


class Valuations:
    """At most `limit` of them, the least recently used out, each for `ttl_s` at most; 0 keeps none.

    Attributes:
        computations, hits, coalesced: Counts since the start.
    """

    def __init__(
        self, clock: Clock, ttl_s: float, limit: int, compute: Callable[[int, int], Awaitable[Valued]]
    ) -> None:
        """`compute` values an account as of a sequence at least."""
        self.computations = self.hits = self.coalesced = 0
        self._clock = clock
        self._ttl_s = ttl_s
        self._limit = limit
        self._compute = compute
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._flights: dict[int, _Flight] = {}
        self._stamp = 0
        self._priced: dict[str, int] = {}
        self._last_priced = 0

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, account: int, at_least: int = 0) -> Valued:
        """Return the account's valuation, of `at_least` or later if the rooms that were asked could say so in time.

        Raises:
            QuantumCoreError: What computing it raised; nothing is kept of it.
        """
        kept = self._kept.get(account)
        if kept is not None and kept.valued.portfolio.sequence >= at_least and self._fresh(kept):
            self.hits += 1
            self._kept.move_to_end(account)
            return kept.valued
        flight = self._flights.get(account)
        if flight is None or flight.stamp != self._stamp or flight.at_least < at_least:
            flight = self._begin(account, at_least)
        else:
            self.coalesced += 1
        return await asyncio.shield(flight.task)

    def moved(self, accounts: Iterable[int]) -> None:
        """Forget what is known of `accounts`: a fill or their cash."""
        self._stamp += 1
        for account in accounts:
            self._kept.pop(account, None)
            flight = self._flights.pop(account, None)
            if flight is not None:
                flight.outdated = True

    def priced(self, symbols: Iterable[str]) -> None:
        """Forget every valuation that looked at the price of one of `symbols`; found out when it is asked for."""
        self._stamp += 1
        self._last_priced = self._stamp
        for symbol in symbols:
            self._priced[symbol] = self._stamp

    def all_moved(self) -> None:
        """Forget everything: the rates are others."""
        self._stamp += 1
        self._kept.clear()
        for flight in self._flights.values():
            flight.outdated = True
        self._flights.clear()

    async def stop(self) -> None:
        """End what is on its way."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, account: int, at_least: int) -> _Flight:
        self.computations += 1
        task = asyncio.ensure_future(self._compute(account, at_least))
        flight = self._flights[account] = _Flight(task, self._stamp, at_least)
        task.add_done_callback(lambda _: self._landed(account, flight))
        return flight

    def _landed(self, account: int, flight: _Flight) -> None:
        if self._flights.get(account) is flight:
            del self._flights[account]
        if flight.task.cancelled() or flight.task.exception() is not None or self._ttl_s <= 0:
            return
        kept = _Kept(flight.task.result(), self._clock.monotonic() + self._ttl_s, flight.stamp)
        if flight.outdated or not self._unmoved(kept):
            return  # what moved while it was computed may not be in it
        self._kept[account] = kept
        self._kept.move_to_end(account)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def _fresh(self, kept: _Kept) -> bool:
        return self._clock.monotonic() < kept.until and self._unmoved(kept)

    def _unmoved(self, kept: _Kept) -> bool:
        """Tell whether no price that it looked at has moved since it began."""
        if self._last_priced <= kept.stamp:
            return True
        return all(self._priced.get(symbol, 0) <= kept.stamp for symbol in kept.valued.symbols)
