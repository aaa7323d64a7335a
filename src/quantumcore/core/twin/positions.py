"""Positions: what an account has bought of an instrument less what it has sold; and orders that may only bring it nearer to zero."""

from collections.abc import Collection

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import codes, links
from quantumcore.core.twin.answers import tell_replaced
from quantumcore.core.twin.book import BUY, SELL, Order
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue


def held_in(venue: Venue, account: int, instrument: int) -> int:
    """Return the signed lots: positive when more was bought than sold."""
    return venue.positions.get((account, instrument), 0)


def room(venue: Venue, account: int, instrument: int, side: int, leaving_out: Order | None = None) -> int:
    """Return the lots that a reduce-only order of `side` may still have, beside those of the others.

    `leaving_out` is counted as if it were not there, nor the other of its pair: the two count once.
    """
    others = _reducing(venue, account, instrument, side)
    if leaving_out is not None:
        pair = (leaving_out, links.sibling(leaving_out))
        others = [order for order in others if not any(order is one for one in pair)]
    _, left = _share_out(others, closing(venue, account, instrument, side))
    return left


def closing(venue: Venue, account: int, instrument: int, side: int) -> int:
    """Return the lots of `side` that bring the position to zero."""
    lots = held_in(venue, account, instrument)
    return max(0, -lots if side == BUY else lots)


def closing_room(venue: Venue, account: int, instrument: int, side: int, besides: Collection[Order] = ()) -> int:
    """Return the lots of `side` that bring the position to zero beside all that works on it, but for `besides`."""
    orders = [
        order
        for order in venue.working[account].values()
        if (order.instrument, order.side) == (instrument, side)
        and order.leaves
        and not any(order is one for one in besides)
    ]
    _, left = _share_out(orders, closing(venue, account, instrument, side))
    return left


def trimmed(venue: Venue, instrument: Instrument, command: wire.SubmitOrder, lots: int, before: int) -> int:
    """Return the quantity that a submission keeps: all, unless it is reduce-only; REDUCE_ONLY when that leaves nothing.

    `before` lots are for others of its act.
    """
    if not command.flags & codes.REDUCE_ONLY:
        return lots
    most = max(0, room(venue, command.account, command.instrument, command.side) - before)
    if most == 0:
        raise _refusal(instrument, most, lots)
    return min(lots, most)


def check_replacement(venue: Venue, instrument: Instrument, order: Order, leaves: int) -> None:
    """REDUCE_ONLY: the order would have more left than there is room for."""
    if order.flags & codes.REDUCE_ONLY:
        most = room(venue, order.account, order.instrument, order.side, leaving_out=order)
        if leaves > most:
            raise _refusal(instrument, most, leaves)


def over(venue: Venue, account: int, instrument: int, side: int) -> int:
    """Return by how many lots the reduce-only orders of `side` are more than the position; negative: less."""
    orders = _reducing(venue, account, instrument, side)
    wanted = sum(order.leaves for order in orders)
    _, left = _share_out(orders, wanted)
    return wanted - left - closing(venue, account, instrument, side)


def after_trade(venue: Venue, maker: Order, taker: Order, lots: int, out: Outbox) -> None:
    """Move both positions, then trim what would now open or flip one: the maker's orders first."""
    instrument = maker.instrument
    buyer, seller = (maker, taker) if maker.side == BUY else (taker, maker)
    move(venue, buyer.account, seller.account, instrument, lots)
    trim(venue, maker.account, instrument, out)
    trim(venue, taker.account, instrument, out)


def move(venue: Venue, buyer: int, seller: int, instrument: int, lots: int) -> None:
    """Add `lots` (negative: take them back) to the buyer's position and take them from the seller's."""
    for account, change in ((buyer, lots), (seller, -lots)):
        venue.positions[account, instrument] = held_in(venue, account, instrument) + change


def trim(venue: Venue, account: int, instrument: int, out: Outbox) -> None:
    """Cut reduce-only orders, the youngest first, until together they are no more than the position."""
    for side in (BUY, SELL):
        orders = _reducing(venue, account, instrument, side)
        kept, _ = _share_out(orders, closing(venue, account, instrument, side))
        for order in reversed(orders):
            if not venue.works(order):
                continue  # it ended with the other of its pair
            keeps = kept[order.name]
            if keeps == 0:
                venue.cancel(order, codes.NOTHING_TO_REDUCE, out)
            elif keeps < order.leaves:
                order.lower(order.leaves - keeps)
                venue.rehold(order)
                venue.touched.add(instrument)
                tell_replaced(venue, order, codes.TRIMMED, out, priority_kept=True)


def _reducing(venue: Venue, account: int, instrument: int, side: int) -> list[Order]:
    """Return the account's working reduce-only orders of `side`, the oldest first."""
    return [
        order
        for order in venue.working[account].values()
        if order.flags & codes.REDUCE_ONLY and order.instrument == instrument and order.side == side and order.leaves
    ]


def _share_out(orders: list[Order], most: int) -> tuple[dict[tuple[int, int], int], int]:
    """Return the lots that each of `orders`, the oldest first, keeps of `most`, and what is left of `most`.

    The two of a pair keep the same lots: only one of them can trade.
    """
    kept: dict[tuple[int, int], int] = {}
    for order in orders:
        other = links.sibling(order)
        common = kept.get(other.name, 0) if other is not None else 0
        kept[order.name] = min(order.leaves, most + common)
        most -= max(0, kept[order.name] - common)
    return kept, most


def _refusal(instrument: Instrument, most: int, lots: int) -> Refusal:
    lot, decimals = instrument.terms.lot, instrument.terms.lot_scale
    return Refusal(Reason.REDUCE_ONLY, Scope.ACCOUNT, limit=most * lot, actual=lots * lot, decimals=decimals)
