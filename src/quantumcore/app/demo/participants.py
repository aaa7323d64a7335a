"""Who trades in the demo, and why. Pure: a participant sees the market and its generator, and says what it wants.

Prices are Decimals on the tick of the instrument, quantities Decimals on its lot.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Protocol

HISTORY = 50


@dataclass(frozen=True, slots=True)
class View:
    """What a participant sees of one instrument.

    Attributes:
        bid, ask: Best prices, or None on an empty side.
        last: Last trade's price, or the reference price of the demo before the first.
    """

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal
    tick: Decimal
    lot: Decimal

    @property
    def middle(self) -> Decimal:
        """Return the middle of the book, else the last price."""
        return (self.bid + self.ask) / 2 if self.bid is not None and self.ask is not None else self.last

    def on_tick(self, price: Decimal) -> Decimal:
        """Return the nearest price on the tick, at least one tick."""
        return max((price / self.tick).to_integral_value() * self.tick, self.tick)


@dataclass(frozen=True, slots=True)
class Want:
    """An order; price None is a market order."""

    side: str
    quantity: Decimal
    price: Decimal | None = None
    time_in_force: str = "gtc"
    post_only: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now: first pull all working orders or not, then the orders."""

    pull: bool = False
    orders: Sequence[Want] = ()


class Participant(Protocol):
    """One participant in one instrument."""

    name: str

    def decide(self, view: View, random: Random) -> Decision:
        """Say what it wants now."""


@dataclass
class MarketMaker:
    """Quotes both sides around its own slow idea of the fair price, on several levels."""

    name: str
    size: Decimal
    levels: int = 4
    spread_ticks: int = 4
    fair: Decimal = Decimal(0)

    def decide(self, view: View, random: Random) -> Decision:
        """Requote when the market has moved away or now and then."""
        self.fair = view.last if not self.fair else self.fair + (view.middle - self.fair) / 8
        self.fair += view.tick * random.choice((-2, -1, 0, 0, 1, 2))
        half = view.tick * self.spread_ticks / 2
        orders = []
        for level in range(self.levels):
            away = half + view.tick * level * random.randint(1, 3)
            quantity = self.size * random.randint(1, 4)
            orders.append(Want("buy", quantity, view.on_tick(self.fair - away), post_only=True))
            orders.append(Want("sell", quantity, view.on_tick(self.fair + away), post_only=True))
        return Decision(pull=True, orders=orders)


@dataclass
class Noise:
    """Trades for no reason: small market orders, and limit orders near the touch."""

    name: str
    size: Decimal

    def decide(self, view: View, random: Random) -> Decision:
        """Do something one time in two."""
        if random.random() < 0.5:
            return Decision()
        side = random.choice(("buy", "sell"))
        quantity = self.size * random.randint(1, 5)
        if random.random() < 0.6:
            return Decision(orders=[Want(side, quantity, None, "ioc")])
        away = view.tick * random.randint(0, 5)
        price = view.middle - away if side == "buy" else view.middle + away
        return Decision(pull=random.random() < 0.2, orders=[Want(side, quantity, view.on_tick(price))])


@dataclass
class Momentum:
    """Buys what rises and sells what falls."""

    name: str
    size: Decimal
    seen: deque[Decimal] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def decide(self, view: View, random: Random) -> Decision:
        """Follow a move of more than three ticks over its memory."""
        self.seen.append(view.last)
        if len(self.seen) < HISTORY // 2 or random.random() < 0.8:
            return Decision()
        move = self.seen[-1] - self.seen[0]
        if abs(move) <= 3 * view.tick:
            return Decision()
        return Decision(orders=[Want("buy" if move > 0 else "sell", self.size, None, "ioc")])


@dataclass
class LargeSeller:
    """Has a large quantity to sell and does so in slices, for everyone to see in the price."""

    name: str
    remaining: Decimal
    slice: Decimal

    def decide(self, view: View, random: Random) -> Decision:
        """Sell the next slice one time in ten until nothing remains."""
        if self.remaining <= 0 or random.random() < 0.9:
            return Decision()
        quantity = min(self.slice, self.remaining)
        self.remaining -= quantity
        return Decision(orders=[Want("sell", quantity, None, "ioc")])
