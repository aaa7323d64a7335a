"""May this order work? Every check of engine.md sections 5 and 6, in small functions that change nothing.

Each raises the Refusal that answers the client, with limit and actual in the units of the outside world.
"""

from collections.abc import Iterable

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes
from quantumcore.core.twin.account_terms import check_debit
from quantumcore.core.twin.accounts import Account
from quantumcore.core.twin.book import BUY, SELL, WINDOW_BITS, WINDOWS_PER_SIDE, Book, Levels, Order, opposite
from quantumcore.core.twin.fees import RATE_ONE, Rates, Tally, buy_hold, ceil_of, floor_of
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import asks_for_dark
from quantumcore.core.twin.venue import Venue

MAX_PRODUCT = 2**96 - 1  # ticks × lots of one order
MAX_SHOWN = 2**126  # an overflow beyond this is shown as this
WIDEST_SPREAD = 5_000_000  # 10^-8 of the mid: 5 %
NOTHING_FILLED = Tally()


def check_switches(venue: Venue, account: Account) -> None:
    """KILLED: the venue's switch, then the account's; ACCOUNT_FROZEN, ACCOUNT_CLOSED."""
    if venue.killed:
        raise Refusal(Reason.KILLED, Scope.VENUE)
    if account.killed:
        raise Refusal(Reason.KILLED, Scope.ACCOUNT)
    check_debit(account)


def ticks_of(instrument: Instrument, mantissa: int, scale: int, reason: Reason = Reason.BAD_TICK) -> int:
    """Return a price in ticks; BAD_TICK when it is between two ticks."""
    terms = instrument.terms
    return steps_of(mantissa, scale, terms.tick, terms.tick_scale, reason)


def lots_of(instrument: Instrument, mantissa: int, scale: int) -> int:
    """Return a quantity in lots; BAD_LOT when it is between two lots."""
    terms = instrument.terms
    return steps_of(mantissa, scale, terms.lot, terms.lot_scale, Reason.BAD_LOT)


def steps_of(mantissa: int, scale: int, step: int, step_scale: int, reason: Reason) -> int:
    """Return how many steps the decimal is; both are first brought to the larger of the two scales."""
    mantissa, scale = _trimmed(mantissa, scale, step_scale)
    decimals = max(scale, step_scale)
    value: int = mantissa * 10 ** (decimals - scale)
    width: int = step * 10 ** (decimals - step_scale)
    steps, rest = divmod(value, width)
    if rest:
        raise Refusal(reason, Scope.INSTRUMENT, limit=width, actual=value, decimals=decimals)
    return steps


def _trimmed(mantissa: int, scale: int, least: int) -> tuple[int, int]:
    """Drop trailing zeros beyond `least` places: they say nothing, whoever sent them."""
    while scale > least and mantissa % 10 == 0:
        mantissa, scale = mantissa // 10, scale - 1
    return mantissa, scale


def check_quantity(instrument: Instrument, lots: int) -> None:
    """BAD_QTY: more than a quantity can be, or less than the instrument's least."""
    terms = instrument.terms
    if lots > I64_MAX:
        raise of_quantity(instrument, Reason.BAD_QTY, limit=I64_MAX, actual=lots)
    if lots < terms.min_quantity:  # which is at least 1
        raise of_quantity(instrument, Reason.BAD_QTY, limit=terms.min_quantity, actual=lots)


def check_price(instrument: Instrument, ticks: int, reason: Reason = Reason.BAD_PRICE) -> None:
    """BAD_PRICE: outside the instrument's bounds, of which the lower is at least 1."""
    terms = instrument.terms
    if ticks < terms.min_price:
        raise of_price(instrument, reason, limit=terms.min_price, actual=ticks)
    if ticks > terms.max_price:
        raise of_price(instrument, reason, limit=terms.max_price, actual=ticks)


def check_no_price(instrument: Instrument, mantissa: int, scale: int) -> None:
    """BAD_PRICE: a type that enters with a price of its own names none."""
    if mantissa:
        mantissa, scale = _trimmed(mantissa, scale, instrument.terms.tick_scale)
        decimals = max(scale, instrument.terms.tick_scale)
        actual = mantissa * 10 ** (decimals - scale)
        raise Refusal(Reason.BAD_PRICE, Scope.INSTRUMENT, actual=actual, decimals=decimals)


def check_kind(command: wire.SubmitOrder) -> None:
    """BAD_TYPE, BAD_TIF: unknown, or a flag that it has no use for."""
    kind, flags, lasts = command.order_type, command.flags, command.time_in_force in codes.LASTING
    post_only, hidden = bool(flags & codes.POST_ONLY), bool(flags & codes.HIDDEN)
    if kind not in codes.TYPES or (flags & codes.SLIDE and not post_only):
        raise Refusal(Reason.BAD_TYPE, Scope.INSTRUMENT)
    if (post_only and (kind != codes.LIMIT or asks_for_dark(command))) or (hidden and kind in codes.NEVER_REST):
        raise Refusal(Reason.BAD_TYPE, Scope.INSTRUMENT)
    must_last = post_only or hidden or kind == codes.PEGGED or kind in codes.TRIGGERED
    alone = asks_for_dark(command) and command.time_in_force in codes.AUCTION_TIMES
    if command.time_in_force not in codes.TIMES or (must_last and not lasts) or alone:
        raise Refusal(Reason.BAD_TIF, Scope.INSTRUMENT)


def check_filled(instrument: Instrument, filled: int, lots: int) -> None:
    """REPLACE_BELOW_FILLED: nothing would be left."""
    if lots <= filled:
        raise of_quantity(instrument, Reason.REPLACE_BELOW_FILLED, Scope.ORDER, limit=filled, actual=lots)


def collar_of(instrument: Instrument, book: Book, side: int) -> int:
    """Return the price in ticks beyond which a market order does not trade; STALE_REF without a reference."""
    twice = twice_the_reference(book)
    if twice is None:
        raise Refusal(Reason.STALE_REF, Scope.INSTRUMENT)
    return collar_around(instrument, side, twice)


def collar_around(instrument: Instrument, side: int, twice: int) -> int:
    """Return the price in ticks that is one collar beyond a reference (given doubled), within the bounds of prices."""
    rate = instrument.terms.collar
    if side == BUY:
        collar = floor_of(twice * (RATE_ONE + rate), 2 * RATE_ONE)
    else:
        collar = ceil_of(twice * (RATE_ONE - rate), 2 * RATE_ONE)
    return instrument.bounded(collar)


def twice_the_reference(book: Book) -> int | None:
    """The mid of our own book unless it is crossed or too wide, else the last trade, else the static reference.

    Doubled, so that a mid is whole; None when there is none of them.
    """
    bid, ask = book.best(BUY), book.best(SELL)
    if bid is not None and ask is not None and 0 < (ask - bid) * 2 * RATE_ONE <= WIDEST_SPREAD * (ask + bid):
        return bid + ask
    price = book.reference if book.last_price is None else book.last_price
    return None if price is None else 2 * price


def best_to_take(book: Book, side: int) -> int:
    """Return the best shown price of the other side, the limit of market_to_limit; STALE_REF when there is none."""
    best = book.best(opposite(side))
    if best is None:
        raise Refusal(Reason.STALE_REF, Scope.INSTRUMENT)
    return best


def slid(instrument: Instrument, book: Book, side: int, price: int) -> int:
    """Return where an order that slides would stand: one tick behind the other side if it crosses, unless there is no such price."""
    best = book.crosses(side, price)
    if best is None:
        return price
    behind = best - 1 if side == BUY else best + 1
    return behind if behind == instrument.bounded(behind) else price


def check_amounts(
    venue: Venue, number: int, side: int, rates: Rates, price: int, leaves: int, tally: Tally = NOTHING_FILLED
) -> None:
    """AMOUNT_OVERFLOW: a product or notional, with what has filled, or a hold or amount of the asset beyond what is kept."""
    instrument = venue.instruments[number]
    if not venue.bounds.accounting:
        check_product(instrument, price * leaves)
        return
    check_product(instrument, tally.notional + _dearest(venue.books[number], side, price) * leaves)
    if side == BUY:
        hold = buy_hold(instrument.unit, rates, tally, price, leaves)
        if hold > I64_MAX:
            raise _overflow(hold, instrument.quote_scale)
    asset = leaves * instrument.asset_per_lot
    if asset > I64_MAX:
        raise _overflow(asset, instrument.base_scale)


def check_product(instrument: Instrument, product: int) -> None:
    """AMOUNT_OVERFLOW: a sum of ticks × lots, or what it is worth, beyond what is kept."""
    if not _is_kept(instrument, product):
        most = min(instrument.unit.floor(MAX_PRODUCT), I64_MAX)
        raise _overflow(instrument.unit.ceil(product), instrument.quote_scale, most)


def _is_kept(instrument: Instrument, product: int) -> bool:
    return product <= MAX_PRODUCT and instrument.unit.ceil(product) <= I64_MAX


def _dearest(book: Book, side: int, price: int) -> int:
    """Return the dearest price at which the order can trade: a sell takes bids that may stand far above it."""
    met = [best for levels in (book, book.dark) if (best := levels.crosses(side, price)) is not None]
    return price if side == BUY else max(met, default=price)


def amounts_fit(venue: Venue, order: Order) -> bool:
    """Tell whether an order that was judged long ago may take now: what a sell meets may have become far dearer."""
    try:
        check_amounts(venue, order.instrument, order.side, order.rates, order.price, order.leaves, order.tally)
    except Refusal:
        return False
    return True


def bears(venue: Venue, order: Order, price: int) -> bool:
    """Tell whether what is left of `order` may trade at `price`: a sell may get far more than it asked for."""
    return _is_kept(venue.instruments[order.instrument], order.tally.notional + price * order.leaves)


def check_funds(instrument: Instrument, account: Account, side: int, needed: int, before: int = 0) -> None:
    """NO_FUNDS: the hold, or its increase, is more than is available; `before` is for others of its act."""
    terms = instrument.terms
    currency, decimals = (terms.quote, instrument.quote_scale) if side == BUY else (terms.base, instrument.base_scale)
    available = account.available(currency) - before
    if needed > max(available, 0):  # what is lowered, or holds nothing, needs nothing that must be there
        raise Refusal(Reason.NO_FUNDS, Scope.ACCOUNT, limit=available, actual=needed, decimals=decimals)


def check_one_lot(instrument: Instrument, side: int, rates: Rates, price: int) -> None:
    """NO_FUNDS: a sell pays its fee out of its proceeds, and one lot might not bring enough."""
    if side == BUY:
        return
    fee = max(rates.minimum, instrument.unit.fee(rates.worst * price))
    proceeds = instrument.unit.floor(price)
    if fee > proceeds:
        decimals = instrument.quote_scale
        raise Refusal(Reason.NO_FUNDS, Scope.ORDER, limit=proceeds, actual=fee, decimals=decimals)


def check_post_only(instrument: Instrument, book: Book, side: int, price: int, others: Iterable[int] = ()) -> None:
    """POST_ONLY: it would trade, with the book or with `others` of its act, at those prices."""
    best = book.crosses(side, price)
    met = [*others] if best is None else [best, *others]
    if met:
        best = min(met) if side == BUY else max(met)
        raise of_price(instrument, Reason.POST_ONLY, Scope.ORDER, limit=best, actual=price)


def check_level(instrument: Instrument, levels: Levels, side: int, price: int, more: int) -> None:
    """QTY_OVERFLOW: the lots at its price would pass what a quantity can be."""
    if not level_takes(levels, side, price, more):
        total = levels.level_quantity(side, price) + more
        raise of_quantity(instrument, Reason.QTY_OVERFLOW, Scope.ORDER, limit=I64_MAX, actual=total)


def level_takes(levels: Levels, side: int, price: int, more: int) -> bool:
    """Tell whether `more` lots may be shown at `price`."""
    return levels.level_quantity(side, price) + more <= I64_MAX


def check_window(venue: Venue, levels: Levels, side: int, price: int, beside: int = 0, before: int = 0) -> None:
    """CAPACITY: no window is left for an order that would rest at `price`.

    Others of its act take `before`, of them `beside` on the same side of the same book.
    """
    if not has_window(venue, levels, side, price, beside, before):
        raise Refusal(Reason.CAPACITY, Scope.VENUE)


def has_window(venue: Venue, levels: Levels, side: int, price: int, beside: int = 0, before: int = 0) -> bool:
    """Tell whether there is a window for an order that would rest at `price`, or one is left."""
    if not needs_window(levels, side, price):
        return True
    return len(levels.windows(side)) + beside < WINDOWS_PER_SIDE and venue.windows_left > before


def needs_window(levels: Levels, side: int, price: int) -> bool:
    """Tell whether nothing rests near `price` yet."""
    return price >> WINDOW_BITS not in levels.windows(side)


def check_capacity(venue: Venue, before: int = 0, instruments: int = 0) -> None:
    """CAPACITY: no slot, client-id entry or position, or not both balances of an instrument are left.

    Others of its act take `before`, and the balances of `instruments` others.
    """
    balances = 2 * (instruments + 1)
    full = venue.bounds.accounting and (venue.submissions_left <= before or venue.balances_left < balances)
    if full or venue.slots.left <= before or len(venue.positions) >= venue.bounds.max_balances:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)


def of_price(
    instrument: Instrument, reason: Reason, scope: Scope = Scope.INSTRUMENT, *, limit: int, actual: int
) -> Refusal:
    """Return a refusal whose numbers are ticks."""
    tick, decimals = instrument.terms.tick, instrument.terms.tick_scale
    return Refusal(reason, scope, limit=limit * tick, actual=actual * tick, decimals=decimals)


def of_quantity(
    instrument: Instrument, reason: Reason, scope: Scope = Scope.INSTRUMENT, *, limit: int, actual: int
) -> Refusal:
    """Return a refusal whose numbers are lots."""
    lot, decimals = instrument.terms.lot, instrument.terms.lot_scale
    return Refusal(reason, scope, limit=limit * lot, actual=actual * lot, decimals=decimals)


def _overflow(value: int, decimals: int, limit: int = I64_MAX) -> Refusal:
    return Refusal(Reason.AMOUNT_OVERFLOW, Scope.ORDER, limit=limit, actual=min(value, MAX_SHOWN), decimals=decimals)
