"""A matcher that knows nothing but price and time: a list of resting orders, searched from end to end.

It reads the engine's own acceptances and says who must trade with whom; written apart from both engines.
"""

from dataclasses import dataclass

from tests.support.desk import BUY


@dataclass
class Resting:
    """One resting order: its name, side, price in ticks and leaves in lots."""

    name: int
    side: int
    price: int
    leaves: int


class NaiveMatcher:
    """Resting orders in the order of their arrival."""

    def __init__(self) -> None:
        self.resting: list[Resting] = []

    def enter(self, name: int, side: int, price: int, lots: int, *, rests: bool) -> list[tuple[int, int, int]]:
        """Return (maker, price, lots) of each trade of an arriving order; its rest stays if it `rests`."""
        trades = []
        while lots:
            partner = self._partner(side, price)
            if partner is None:
                break
            traded = min(lots, partner.leaves)
            trades.append((partner.name, partner.price, traded))
            partner.leaves -= traded
            lots -= traded
            if not partner.leaves:
                self.resting.remove(partner)
        if lots and rests:
            self.resting.append(Resting(name, side, price, lots))
        return trades

    def remove(self, name: int) -> None:
        """Forget an order."""
        self.resting = [order for order in self.resting if order.name != name]

    def _partner(self, side: int, price: int) -> Resting | None:
        best: Resting | None = None
        for order in self.resting:  # in order of arrival, so that a tie goes to the older
            if order.side == side or (order.price > price if side == BUY else order.price < price):
                continue
            if best is None or (order.price < best.price if side == BUY else order.price > best.price):
                best = order
        return best
