"""One price for many orders: where most lots trade. Pure: two lists of levels in, a price out (orders.md section 8).

Demand only falls and supply only rises with the price, so the prices at which most trades are one stretch of ticks, and so
are those among them with the least imbalance: "nearest the reference" is the reference itself, kept inside that stretch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Level = tuple[int, int]  # ticks, lots


@dataclass(frozen=True, slots=True)
class Uncrossing:
    """What an auction would do.

    Attributes:
        price: Ticks.
        quantity: Lots that trade there.
        imbalance: Lots that buy at the price less those that sell at it.
    """

    price: int
    quantity: int
    imbalance: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Neighbouring ticks, first to last, at which the same lots would buy and sell."""

    first: int
    last: int
    bought: int
    sold: int

    @property
    def quantity(self) -> int:
        return min(self.bought, self.sold)

    @property
    def imbalance(self) -> int:
        return self.bought - self.sold


def uncrossing(bids: Sequence[Level], asks: Sequence[Level], reference: int | None) -> Uncrossing | None:
    """Return where the two sides meet, or None when they do not.

    Args:
        bids, asks: (ticks, lots), best first, each price once.
        reference: Ticks; what decides between prices that are equal otherwise.
    """
    if not bids or not asks or bids[0][0] < asks[0][0]:
        return None
    stretches = _stretches(bids, asks)
    most = max(s.quantity for s in stretches)
    stretches = [s for s in stretches if s.quantity == most]
    least = min(abs(s.imbalance) for s in stretches)
    stretches = [s for s in stretches if abs(s.imbalance) == least]
    low, high = stretches[0].first, stretches[-1].last
    price = _choose(low, high, stretches, reference)
    imbalance = next(s.imbalance for s in stretches if s.first <= price <= s.last)
    return Uncrossing(price, most, imbalance)


def _choose(low: int, high: int, stretches: Sequence[_Stretch], reference: int | None) -> int:
    if all(s.imbalance > 0 for s in stretches):
        return high
    if all(s.imbalance < 0 for s in stretches):
        return low
    if reference is None:
        return (low + high) // 2
    return min(max(reference, low), high)


def _stretches(bids: Sequence[Level], asks: Sequence[Level]) -> list[_Stretch]:
    """Return the stretches between the lowest ask and the highest bid, in ascending order.

    Demand changes behind a bid's price, supply at an ask's.
    """
    low, high = asks[0][0], bids[0][0]
    starts = sorted(
        {price for price, _ in asks if price <= high} | {price + 1 for price, _ in bids if low <= price < high}
    )
    return [
        _Stretch(
            first,
            following - 1,
            sum(lots for price, lots in bids if price >= first),
            sum(lots for price, lots in asks if price <= first),
        )
        for first, following in zip(starts, [*starts[1:], high + 1], strict=True)
    ]
