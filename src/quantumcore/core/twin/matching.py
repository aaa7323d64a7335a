"""What an incoming order meets: best price first, oldest first, at the resting order's price."""

from quantumcore.contracts import wire
from quantumcore.core.twin import links, positions, withdrawals
from quantumcore.core.twin.allocation import shares
from quantumcore.core.twin.answers import tell_replaced
from quantumcore.core.twin.book import Book, Order, Place, opposite
from quantumcore.core.twin.client_ids import Fate
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.rules import TIME
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
    if taker.fill_or_kill and not _can_fill(venue, book, taker):
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


def _can_fill(venue: Venue, book: Book, taker: Order) -> bool:
    """Tell whether the whole of a fill-or-kill order would trade, own orders treated as its mode treats them."""
    reachable = 0
    counted = withdrawals.Counted()
    for resting in book.in_priority(opposite(taker.side)):
        if not taker.accepts(resting.price) or reachable >= taker.leaves:
            break
        if resting is links.sibling(taker):
            continue
        if not venue.same_party(resting, taker) or taker.mode == NO_PREVENTION:
            if counted.is_certain(resting):
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
        shared_out = _shared_out(venue, book, taker, resting.price)
        for maker, lots in shared_out:
            if maker.place is Place.LIT:  # else a fill before took it away
                _trade(venue, book, taker, maker, lots, out)
        if shared_out:
            continue
        if resting is links.sibling(taker):
            links.cancel_other(venue, taker, out)
        elif not venue.same_party(resting, taker) or taker.mode == NO_PREVENTION:
            _trade(venue, book, taker, resting, resting.leaves, out)
        elif not _prevent(venue, taker, resting, out):
            return False
    return True


def _shared_out(venue: Venue, book: Book, taker: Order, price: int) -> list[tuple[Order, int]]:
    """Return who of a level gets how many lots, when the taker takes only part of it and it does not go by time."""
    rule = venue.rules[taker.instrument].allocation if taker.instrument in venue.rules else TIME
    if rule == TIME or taker.fill_or_kill:  # which must know beforehand what it gets
        return []
    level = [
        resting
        for resting in book.level(opposite(taker.side), price)
        if resting is not links.sibling(taker) and (taker.mode == NO_PREVENTION or not venue.same_party(resting, taker))
    ]
    shown = [resting.leaves for resting in level]
    if taker.leaves >= sum(shown):
        return []
    return [(resting, lots) for resting, lots in zip(level, shares(rule, taker.leaves, shown), strict=True) if lots]


def _trade(venue: Venue, book: Book, taker: Order, maker: Order, most: int, out: Outbox) -> None:
    """Trade what both have left of each other, but not more than `most` lots."""
    lots = min(taker.leaves, maker.leaves, most)
    links.before_trade(venue, taker, lots, out)
    links.before_trade(venue, maker, lots, out)
    settlement = settle(venue, maker, taker, lots)
    book.last_price = maker.price
    book.watch.print(maker.price)
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
    positions.after_trade(venue, maker, taker, lots, out)


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
    order.lower(lots)
    venue.rehold(order)
    tell_replaced(venue, order, DECREMENTED, out, priority_kept=True)
    return True
