"""What an incoming order meets: best price first, oldest first, at the resting order's price."""

from quantumcore.contracts import wire
from quantumcore.core.twin.book import Book, Order, opposite
from quantumcore.core.twin.client_ids import Fate
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.settlement import settle
from quantumcore.core.twin.venue import Venue

# Self-trade prevention; 0, the venue's default, is cancel_newest.
CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_BOTH, DECREMENT, NO_PREVENTION = 1, 2, 3, 4, 5
# Why an order was cancelled.
REQUESTED, MASS_CANCELLED, KILL_SWITCH, IMMEDIATE, FILL_OR_KILL, SELF_TRADE = 1, 2, 3, 4, 5, 6
# Why an order was replaced.
ASKED_FOR, DECREMENTED = 0, 1


def enter(venue: Venue, taker: Order, out: Outbox) -> None:
    """Match an accepted order and do with its rest what its time in force says."""
    venue.touched.add(taker.instrument)
    book = venue.books[taker.instrument]
    if taker.fill_or_kill and not _can_fill(book, taker):
        venue.cancel(taker, FILL_OR_KILL, out)
        return
    if not _match(venue, book, taker, out):
        return
    if taker.leaves == 0:
        venue.finish(taker, Fate.FILLED)
    elif taker.rests:
        book.append(taker)
    else:
        venue.cancel(taker, IMMEDIATE, out)


def _can_fill(book: Book, taker: Order) -> bool:
    """Tell whether the whole of a fill-or-kill order would trade, own orders treated as its mode treats them."""
    reachable = 0
    for resting in book.in_priority(opposite(taker.side)):
        if not taker.accepts(resting.price) or reachable >= taker.leaves:
            break
        if resting.account != taker.account or taker.mode == NO_PREVENTION:
            reachable += resting.leaves
        elif taker.mode != CANCEL_OLDEST:
            break
    return reachable >= taker.leaves


def _match(venue: Venue, book: Book, taker: Order, out: Outbox) -> bool:
    """Trade while prices cross; return False when self-trade prevention has ended the taker."""
    while taker.leaves:
        resting = book.first(opposite(taker.side))
        if resting is None or not taker.accepts(resting.price):
            break
        if resting.account == taker.account and taker.mode != NO_PREVENTION:
            if not _prevent(venue, taker, resting, out):
                return False
        else:
            _trade(venue, book, taker, resting, out)
    return True


def _trade(venue: Venue, book: Book, taker: Order, maker: Order, out: Outbox) -> None:
    """Trade what both have left of each other."""
    lots = min(taker.leaves, maker.leaves)
    settlement = settle(venue, maker, taker, lots)
    book.last_price = maker.price
    terms = venue.instruments[taker.instrument].terms
    quote, base = (terms.quote, terms.base) if venue.bounds.accounting else (0, 0)
    out.tell(
        wire.TradePrinted,
        instrument=taker.instrument,
        account=taker.account,
        maker_account=maker.account,
        maker_order_sequence=maker.sequence,
        taker_order_sequence=taker.sequence,
        maker_slot=maker.slot,
        taker_slot=taker.slot,
        price=maker.price,
        quantity=lots,
        maker_leaves=maker.leaves,
        taker_leaves=taker.leaves,
        paid=settlement.paid,
        received=settlement.received,
        maker_fee=settlement.maker_fee,
        taker_fee=settlement.taker_fee,
        asset=settlement.asset,
        maker_hold=maker.hold,
        taker_hold=taker.hold,
        fill=out.fills,
        taker_side=taker.side,
        quote=quote,
        base=base,
    )
    out.fills += 1
    if maker.leaves == 0:
        book.remove(maker)
        venue.finish(maker, Fate.FILLED)


def _prevent(venue: Venue, taker: Order, resting: Order, out: Outbox) -> bool:
    """Keep an account from trading with itself, by the taker's mode; return whether the taker goes on."""
    if taker.mode == CANCEL_OLDEST:
        venue.cancel(resting, SELF_TRADE, out)
        return True
    if taker.mode == DECREMENT:
        lots = min(taker.leaves, resting.leaves)
        _decrement(venue, resting, lots, out)
        return _decrement(venue, taker, lots, out)
    if taker.mode == CANCEL_BOTH:
        venue.cancel(resting, SELF_TRADE, out)
    venue.cancel(taker, SELF_TRADE, out)
    return False


def _decrement(venue: Venue, order: Order, lots: int, out: Outbox) -> bool:
    """Take `lots` from `order` without a trade; return whether anything is left of it."""
    if lots == order.leaves:
        venue.cancel(order, SELF_TRADE, out)
        return False
    order.quantity -= lots
    order.leaves -= lots
    venue.rehold(order)
    tell_replaced(venue, order, DECREMENTED, out, priority_kept=True)
    return True


def tell_replaced(venue: Venue, order: Order, reason: int, out: Outbox, *, priority_kept: bool) -> None:
    """Tell how `order` stands after a change of its terms."""
    out.tell(
        wire.OrderReplaced,
        instrument=order.instrument,
        account=order.account,
        price=order.price,
        quantity=order.quantity,
        leaves=order.leaves,
        hold=order.hold,
        order_sequence=order.sequence,
        order_slot=order.slot,
        reason=reason,
        priority_kept=int(priority_kept),
        hold_currency=venue.hold_currency(order),
    )
