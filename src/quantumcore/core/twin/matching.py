"""What an incoming order meets: best price first, oldest first, at the resting order's price."""

from quantumcore.contracts import wire
from quantumcore.core.twin import (
    bands,
    codes,
    dark,
    icebergs,
    links,
    pegs,
    phases,
    positions,
    protections,
    reach,
    resting,
)
from quantumcore.core.twin.allocation import shares
from quantumcore.core.twin.answers import tell_replaced
from quantumcore.core.twin.book import Order, Place, opposite
from quantumcore.core.twin.client_ids import Fate
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.regime import TIME
from quantumcore.core.twin.settlement import settle
from quantumcore.core.twin.venue import Venue


def enter(venue: Venue, taker: Order, out: Outbox) -> None:
    """Match an accepted order and do with its rest what its time in force says."""
    venue.touched.add(taker.instrument)
    if taker.cap:
        pegs.wait(venue, taker)
        return
    if phases.seat(venue, taker):
        return
    if taker.fill_or_kill and not _can_fill(venue, taker):
        venue.cancel(taker, codes.FILL_OR_KILL, out)
    elif dark.has_minimum(taker) and not _has_enough(venue, taker):
        _rest_or_cancel(venue, taker, codes.MINIMUM_NOT_MET, out)
    # A post_only order never takes: what is dark and crosses it takes it in the aftermath.
    elif taker.post_only or _match(venue, taker, out):
        if taker.leaves == 0:
            venue.finish(taker, Fate.FILLED)
        else:
            _rest_or_cancel(venue, taker, codes.IMMEDIATE, out)


def _rest_or_cancel(venue: Venue, order: Order, reason: int, out: Outbox) -> None:
    if not order.rests:
        venue.cancel(order, reason, out)
    elif dark.is_dark(order) or not bands.stands_at_edge(venue, order, out):
        resting.rest(venue.books[order.instrument], order)


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
        shared_out = _shared_out(venue, taker, price) if maker.place is Place.LIT else []
        for sharer, share in shared_out:
            if sharer.place is Place.LIT:  # else a fill before took it away
                _trade(venue, taker, sharer, share, price, out)
                if bands.trips(venue, taker, price, out):
                    return False
        if shared_out:
            continue
        if _may_trade(venue, taker, maker):
            _trade(venue, taker, maker, lots, price, out)
            if bands.trips(venue, taker, price, out):
                return False
        elif not _keep_apart(venue, taker, maker, out):
            return False
    return True


def _shared_out(venue: Venue, taker: Order, price: int) -> list[tuple[Order, int]]:
    """Return who of a level gets how many lots, when the taker takes only part of it and it does not go by time."""
    rule = venue.regimes[taker.instrument].rules.allocation
    if rule == TIME or taker.fill_or_kill:  # which must know beforehand what it gets
        return []
    level = [
        sharer
        for sharer in venue.books[taker.instrument].level(opposite(taker.side), price)
        if _may_trade(venue, taker, sharer)
    ]
    shown = [sharer.shown for sharer in level]
    wanted = reach.wanted(venue, taker, price)
    if wanted >= sum(shown):
        return []
    return [(sharer, lots) for sharer, lots in zip(level, shares(rule, wanted, shown), strict=True) if lots]


def meet(venue: Venue, taker: Order, maker: Order, price: int, out: Outbox) -> bool:
    """Let two orders trade at `price`, or end what may not trade with the other; return whether the taker goes on."""
    if not _may_trade(venue, taker, maker):
        return _keep_apart(venue, taker, maker, out)
    _trade(venue, taker, maker, taker.leaves, price, out)
    return True


def _may_trade(venue: Venue, taker: Order, maker: Order) -> bool:
    return maker is not links.sibling(taker) and not venue.prevents(taker, maker)


def _trade(venue: Venue, taker: Order, maker: Order, most: int, price: int, out: Outbox) -> None:
    """Trade what both show each other, but not more than `most` lots.

    A maker that is filled is final, the taker is the caller's; what rests and has more behind it shows it.
    """
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
        venue.finish(maker, Fate.FILLED)
    for order in (maker, taker):
        if order.place is Place.LIT and order.leaves and order.shown == 0:
            icebergs.refill(venue, order, out)
    for order in (maker, taker):
        protections.note_fill(venue, order, lots, out.time_ns)
    positions.after_trade(venue, maker, taker, lots, out)


def _keep_apart(venue: Venue, taker: Order, maker: Order, out: Outbox) -> bool:
    """End the other of a pair, or prevent a self-trade by the taker's mode; return whether the taker goes on."""
    if maker is links.sibling(taker):
        links.cancel_other(venue, taker, out)
        return True
    if taker.mode == codes.CANCEL_OLDEST:
        venue.cancel(maker, codes.SELF_TRADE, out)
        return True
    if taker.mode == codes.DECREMENT:
        lots = min(taker.leaves, maker.leaves)
        _decrement(venue, maker, lots, out)
        return _decrement(venue, taker, lots, out)
    if taker.mode == codes.CANCEL_BOTH:
        venue.cancel(maker, codes.SELF_TRADE, out)
    venue.cancel(taker, codes.SELF_TRADE, out)
    return False


def _decrement(venue: Venue, order: Order, lots: int, out: Outbox) -> bool:
    """Take `lots` from `order` without a trade; return whether anything is left of it."""
    if lots == order.leaves:
        venue.cancel(order, codes.SELF_TRADE, out)
        return False
    order.lower(lots)
    venue.rehold(order)
    tell_replaced(venue, order, codes.DECREMENTED, out, priority_kept=True)
    return True
