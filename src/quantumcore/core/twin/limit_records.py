"""The records of limits that commands have set, and what has filled since (engine.md section 14)."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeAlias

from quantumcore.contracts import wire

LimitRecord: TypeAlias = wire.SetQuantityLimits | wire.SetMoneyLimits | wire.SetMarketShares
Key = tuple[int, int, int, int]
"""Whose record it is: scope, account, instrument, and number of the firm or group; what a scope does not have is 0."""


@dataclass(slots=True)
class LimitRecords:
    """Each record as the command that set it.

    Attributes:
        quantities: Limits of lots and orders.
        money: Limits of money, by currency.
        shares: Of what a market is, how much a position may come to.
        sizes: How large the market of an instrument is.
        filled: By firm and currency with a line: minor units, gross, since it was last set.
    """

    quantities: dict[Key, wire.SetQuantityLimits] = field(default_factory=dict)
    money: dict[tuple[Key, int], wire.SetMoneyLimits] = field(default_factory=dict)
    shares: dict[Key, wire.SetMarketShares] = field(default_factory=dict)
    sizes: dict[int, wire.SetMarketSize] = field(default_factory=dict)
    filled: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
