"""Reads follow the caller's own writes: the last sequence answered per account, asked of projections as `at_least`."""

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")


class OwnWrites:
    """Remembers sequences; forgetting one only means that a read may lag by a moment."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._accounts: OrderedDict[int, int] = OrderedDict()
        self._symbols: OrderedDict[str, int] = OrderedDict()

    def wrote(self, account: int, sequence: int, symbol: str = "") -> None:
        """Remember that a caller was told `sequence` about `account`."""
        _raise(self._accounts, account, sequence, self._limit)
        if symbol:
            _raise(self._symbols, symbol, sequence, self._limit)

    def at_least(self, account: int) -> int:
        """Return the sequence that a read of `account` must have reached."""
        return self._accounts.get(account, 0)

    def at_least_symbol(self, symbol: str) -> int:
        """Return the sequence that a read of `symbol` must have reached."""
        return self._symbols.get(symbol, 0)


def _raise(known: OrderedDict[K, int], key: K, sequence: int, limit: int) -> None:
    known[key] = max(known.pop(key, 0), sequence)
    while len(known) > limit:
        known.popitem(last=False)
