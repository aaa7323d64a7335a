"""The opening auction of a tape beside ours: price, volume, and who was filled with how much.

A tape shows the orders of its book, but the auction may fill others too: stop orders that the opening price triggered, or
orders that were never shown. It tells them by their fills alone. `unseen` makes orders of them, so that ours has them as well.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from quantumcore.app.replay.reconstruction import Reconstruction, Resting
from quantumcore.app.replay.records import OTHER_SIDE, PRICE_PLACES, Record
from quantumcore.contracts.wire import AuctionUncrossed, IndicativeChanged


@dataclass(frozen=True, slots=True)
class Auction:
    """What an auction does: price in 10^-9, lots, and the lots that buy there less those that sell."""

    price: int = 0
    lots: int = 0
    imbalance: int = 0

    @classmethod
    def told(cls, event: AuctionUncrossed | IndicativeChanged, tick: int) -> "Auction":
        """Return what an event of ours says."""
        return cls(event.price * tick, event.quantity, event.imbalance)

    def __str__(self) -> str:
        return f"{self.price / 10**PRICE_PLACES:.2f} x {self.lots}"


@dataclass(slots=True)
class Opening:
    """One opening.

    Attributes:
        tape: What the tape printed; it tells no imbalance.
        shown: What ours would do with the orders that the tape shows.
        ours: What ours did, with the unseen orders too.
        unseen: Orders that the tape tells by their fills alone.
        fills: Orders that the tape filled.
        equal: Those of them that ours filled with as many lots.
        different: The others, and those that only ours filled.
    """

    tape: Auction
    unseen: list[Resting]
    wanted: Counter[int]
    shown: Auction = Auction()
    ours: Auction = Auction()
    fills: int = 0
    equal: int = 0
    different: set[int] = field(default_factory=set)

    def compare(self, filled: Counter[int]) -> None:
        """Note whom ours filled."""
        self.fills = len(self.wanted)
        self.equal = sum(filled[order_id] == lots for order_id, lots in self.wanted.items())
        self.different = {o for o in {*self.wanted, *filled} if filled[o] != self.wanted[o]}

    def figures(self) -> dict[str, Any]:
        """Return what is worth telling."""
        lots = Counter[str]()
        for order in self.unseen:
            lots[order.side] += order.size
        return {
            "tape": str(self.tape),
            "with the orders that the tape shows": f"{self.shown}, {self.shown.imbalance:+} left over",
            "unseen lots that buy": lots["B"],
            "unseen lots that sell": lots["A"],
            "with the unseen orders too": f"{self.ours}, {self.ours.imbalance:+} left over",
            "orders filled by the tape": self.fills,
            "filled alike by ours": self.equal,
            "filled otherwise": len(self.different),
        }


def opening_of(event: list[Record], book: Reconstruction) -> Opening:
    """Return the opening that `event` tells; `book` stands as before it."""
    prints = [record for record in event if record.action == "T"]
    wanted: Counter[int] = Counter()
    for record in event:
        if record.action == "F":
            wanted[record.order_id] += record.size
    tape = Auction(prints[0].price, sum(record.size for record in prints))
    return Opening(tape, _unseen(event, book), wanted)


def _unseen(event: list[Record], book: Reconstruction) -> list[Resting]:
    """Return an order for each fill of one that does not rest.

    The tape tells the fills of both sides in turn, each side in its priority. So the side of an unseen one is not that of the
    fill before it, and its limit is at least as good as that of the fill before it on its own side.
    """
    found = []
    side, limits = "A", dict[str, int]()
    for record in event:
        if record.action != "F":
            continue
        shown = book.orders.get(record.order_id)
        side = shown.side if shown is not None else OTHER_SIDE[side]
        if shown is None:
            found.append(Resting(record.order_id, side, limits.get(side, record.price), record.size))
        else:
            limits[side] = shown.price
    return found
