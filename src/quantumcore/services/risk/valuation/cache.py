"""Figures of accounts that may be given again: until the account moves, a price that they looked at, a parameter, a rate, or the day."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _Kept(NamedTuple):
    what: object
    stamp: int
    instruments: frozenset[int]


class Kept(Generic[T]):
    """At most `limit` of them, the least recently used out.

    A computation takes `stamp` before it reads anything, and hands it over with what it made: if what it looked at moved meanwhile, that is
    not kept.

    Attributes:
        stamp: How often anything has moved.
        hits, misses: Counts since the start.
    """

    def __init__(self, limit: int) -> None:
        self.stamp = 0
        self.hits = self.misses = 0
        self._limit = limit
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._moved: dict[int, int] = {}
        self._priced: dict[int, int] = {}
        self._begun_after = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, account: int) -> T | None:
        """Return what is kept of an account, if nothing in it has moved."""
        kept = self._kept.get(account)
        if kept is None or not self._priced_as_then(kept.stamp, kept.instruments):
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(account)
        return kept.what  # type: ignore[return-value]  # what put() took

    def put(self, account: int, what: T, stamp: int, instruments: Iterable[int]) -> None:
        """Keep what was made of what stood at `stamp`, with the prices of `instruments`."""
        looked = frozenset(instruments)
        moved = max(self._begun_after, self._moved.get(account, 0))
        if moved > stamp or not self._priced_as_then(stamp, looked):
            return
        self._kept[account] = _Kept(what, stamp, looked)
        self._kept.move_to_end(account)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def moved(self, accounts: Iterable[int]) -> None:
        """Forget what is known of `accounts`."""
        self.stamp += 1
        for account in accounts:
            self._kept.pop(account, None)
            self._moved[account] = self.stamp
        if len(self._moved) > self._limit:
            self._moved.clear()
            self._begun_after = self.stamp  # what is under way now is not kept

    def priced(self, instruments: Iterable[int]) -> None:
        """Forget what looked at the price of one of `instruments`; found out when it is asked for."""
        self.stamp += 1
        for instrument in instruments:
            self._priced[instrument] = self.stamp

    def all_moved(self) -> None:
        """Forget everything."""
        self.stamp += 1
        self._begun_after = self.stamp
        self._kept.clear()

    def _priced_as_then(self, stamp: int, instruments: frozenset[int]) -> bool:
        return all(self._priced.get(instrument, 0) <= stamp for instrument in instruments)
