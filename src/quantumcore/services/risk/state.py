"""What accounts have and want, as values: balances, positions, working orders, prints; and all of it that a batch of events touches. Pure."""

from typing import NamedTuple

from msgspec import Struct

from quantumcore.contracts.marks import Mark
from quantumcore.contracts.values import half_even
from quantumcore.services.risk.levels import Engaged, Level, Limit, LimitKey

BUY, SELL = 1, 2
PAIR, ENTRY, WAITS = 1, 2, 3
"""How an order is tied to others: one of two that stand for each other, what two exits wait for, or one that waits alone."""
COST_PLACES = 6
"""A cost is an integer of 10^-6 of ticks × lots."""
ONE = 10**COST_PLACES
EVERYBODY = 0
"""Who has moved when something has changed for more accounts than one."""

Pair = tuple[int, int]
"""(account, currency) or (account, instrument); of orders (sequence, slot); of closes (instrument, day); of members (account, scope); of drawn
(firm, currency)."""


class Balance(NamedTuple):
    """Minor units.

    Attributes:
        day: On which it last moved, in days since 1970. opening: What it was before that day.
        flow: What deposits, withdrawals and transfers brought on that day.
    """

    total: int = 0
    day: int = 0
    opening: int = 0
    flow: int = 0

    def moved(self, amount: int, day: int, *, flow: bool = False) -> "Balance":
        """Return it after `amount` came on `day`."""
        opening, before = (self.opening, self.flow) if self.day == day else (self.total, 0)
        return Balance(self.total + amount, day, opening, before + (amount if flow else 0))

    def on(self, day: int) -> tuple[int, int]:
        """Return what it was when `day` began, and what flowed since."""
        return (self.opening, self.flow) if self.day == day else (self.total, 0)


class Holding(NamedTuple):
    """A position: signed lots, and what it cost; None: nobody knows."""

    lots: int = 0
    cost: int | None = 0

    def traded(self, lots: int, price: int) -> "Holding":
        """Return it after `lots` (signed) at `price` ticks."""
        return self.moved(lots, lots * price * ONE)

    def moved(self, lots: int, cost: int) -> "Holding":
        """Return it after `lots` (signed) that cost so much: what closes takes its share of the cost along, half-even."""
        after = self.lots + lots
        if after == 0:
            return Holding()
        opens = self.lots == 0 or (self.lots > 0) == (lots > 0)
        if opens:
            return Holding(after, None if self.cost is None else self.cost + cost)
        if (after > 0) != (self.lots > 0):
            return Holding(after, half_even(cost * after, lots))
        return Holding(after, None if self.cost is None else half_even(self.cost * after, self.lots))


class Working(NamedTuple):
    """An order that may trade.

    Attributes:
        price: Ticks: its limit, at worst what it trades at; of a peg its cap. leaves: Lots that may trade.
        filled, notional: Lots that have traded, and the sum of their ticks × lots.
        link: The sequence that tied it to others; 0: none. tie: How: PAIR, ENTRY, WAITS.
    """

    account: int
    instrument: int
    side: int
    price: int
    leaves: int
    filled: int = 0
    notional: int = 0
    link: int = 0
    tie: int = 0
    pegged: bool = False


class Print(NamedTuple):
    """The last trade of an instrument; price in ticks. sequence, fill: Its name."""

    price: int
    sequence: int
    fill: int
    time_ns: int


class State(Struct):
    """What a batch of events finds and leaves, of all that it touches; None: it is gone."""

    accounts: dict[int, int]
    balances: dict[Pair, Balance]
    positions: dict[Pair, Holding]
    orders: dict[Pair, Working | None]
    marks: dict[int, Mark]
    closes: dict[Pair, int]
    limits: dict[LimitKey, Limit | None]
    switches: dict[Level, Engaged | None]
    members: dict[Pair, int | None]
    drawn: dict[Pair, int | None]
