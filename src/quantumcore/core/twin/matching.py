"""What an incoming order meets: best price first, oldest first, at the resting order's price."""

from quantumcore.contracts import wire
from quantumcore.core.twin import bands, dark, icebergs, links, pegs, phases, positions, reach
from quantumcore.core.twin.allocation import shares
from quantumcore.core.twin.answers import tell_replaced
from quantumcore.core.twin.book import Order, Place, opposite
from quantumcore.core.twin.client_ids import Fate
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.regime import TIME
from quantumcore.core.twin.settlement import settle
from quantumcore.core.twin.terms import CANCEL_BOTH, CANCEL_OLDEST, DECREMENT, NO_PREVENTION
from quantumcore.core.twin.venue import Venue

# Why an order was cancelled.
REQUESTED, MASS_CANCELLED, KILL_SWITCH, IMMEDIATE, FILL_OR_KILL, SELF_TRADE = 1, 2, 3, 4, 5, 6
MINIMUM_NOT_MET = 13
# Why an order was replaced.
ASKED_FOR, DECREMENTED = 0, 1


def enter(venue: Venue, taker: Order, out: Outbox) -> None:
    """Match an accepted order and do with its rest what its time in force says."""
    venue.touched.add(taker.instrument)
    if taker.cap:
        pegs.wait(taker)
        return
    if phases.seat(venue, taker):
        return
    if taker.fill_or_kill and not _can_fill(venue, taker):
        venue.cancel(taker, FILL_OR_KILL, out)
    elif dark.has_minimum(taker) and not _has_enough(venue, taker):
        _rest_or_cancel(venue, taker, MINIMUM_NOT_MET, out)
    # A post_only order never takes: what is dark and crosses it takes it in the aftermath.
    elif taker.post_only or _match(venue, taker, out):
        if taker.leaves == 0:
            venue.finish(taker, Fate.FILLED)
        else:
            _rest_or_cancel(venue, taker, IMMEDIATE, out)


def _rest_or_cancel(venue: Venue, order: Order, reason: int, out: Outbox) -> None:
    if not order.rests:
        venue.cancel(order, reason, out)
    elif dark.is_dark(order) or not bands.stands_at_edge(venue, order, out):
        dark.rest(venue.books[order.instrument], order)


def _can_fill(venue: Venue, taker: Order) -> bool:
    """Tell whether a fill-or-kill order would trade whole, or for all of its budget."""
    had = reach.could_have(venue, taker)
    return had.lots >= taker.leaves or (had.spent and had.lots > 0)


def _has_enough(venue: Venue, taker: Order) -> bool:
    return reach.could_have(venue, taker).lots >= dark.minimum(taker)


def _match(venue: Venue, taker: Order, out: Outbox) -> bool:
    """Trade while prices cross; return False when the taker is dealt with: by self-trade prevention, or by a band."""
    while taker.leaves:
        met = reach.next_maker(venue, taker)
        if met is None:
            break
        maker, lots = met
        price = maker.price
        if bands.stops(venue, taker, price, out):
            return False
        shared_out = _shared_out(venue, taker, maker.price) if maker.place is Place.LIT else []
        for sharer, share in shared_out:
            if sharer.place is Place.LIT:  # else a fill before took it away
                trade(venue, taker, sharer, share, out)
                if bands.trips(venue, taker, price, out):
                    return False
        if shared_out:
            continue
        if maker is links.sibling(taker):
            links.cancel_other(venue, taker, out)
        elif not venue.same_party(maker, taker) or taker.mode == NO_PREVENTION:
            trade(venue, taker, maker, lots, out)
            if bands.trips(venue, taker, price, out):
                return False
        elif not prevent(venue, taker, maker, out):
            return False
    return True


def _shared_out(venue: Venue, taker: Order, price: int) -> list[tuple[Order, int]]:
    """Return who of a level gets how many lots, when the taker takes only part of it and it does not go by time."""
    rule = venue.regimes[taker.instrument].rules.allocation
    if rule == TIME or taker.fill_or_kill:  # which must know beforehand what it gets
        return []
    level = [
        resting
        for resting in venue.books[taker.instrument].level(opposite(taker.side), price)
        if resting is not links.sibling(taker) and (taker.mode == NO_PREVENTION or not venue.same_party(resting, taker))
    ]
    shown = [resting.shown for resting in level]
    wanted = reach.wanted(venue, taker, price)
    if wanted >= sum(shown):
        return []
    return [(resting, lots) for resting, lots in zip(level, shares(rule, wanted, shown), strict=True) if lots]


def trade(venue: Venue, taker: Order, maker: Order, most: int, out: Outbox, *, price: int | None = None) -> None:
    """Trade what both show each other, but not more than `most` lots, at the maker's price unless another is given.

    A maker that is filled is final, the taker is the caller's; what rests and has more behind it shows it.
    """
    price = maker.price if price is None else price
    lots = min(taker.shown, maker.shown, most)
    links.before_trade(venue, taker, lots, out)
    links.before_trade(venue, maker, lots, out)
    bands.note_trade(venue, taker.instrument)
    settlement = settle(venue, maker, taker, lots, price)
    book = venue.books[taker.instrument]
    book.last_price = price
    book.watch.print(price)
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
        price=price,
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
        venue.leave(maker)
        venue.finish(maker, Fate.FILLED)
    for order in (maker, taker):
        if order.place is Place.LIT and order.leaves and order.shown == 0:
            icebergs.refill(venue, order, out)
    positions.after_trade(venue, maker, taker, lots, out)


def prevent(venue: Venue, taker: Order, resting: Order, out: Outbox) -> bool:
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
