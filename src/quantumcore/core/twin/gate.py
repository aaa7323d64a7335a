"""May this order work? Every check of engine.md sections 5 and 6, in small functions that change nothing.

Each raises the Refusal that answers the client, with limit and actual in the units of the outside world.
"""

from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin.accounts import Account
from quantumcore.core.twin.book import BUY, SELL, WINDOW_BITS, WINDOWS_PER_SIDE, Book
from quantumcore.core.twin.fees import Rates, Tally, buy_hold, ceil_of, floor_of
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import CANCEL_ON_DISCONNECT, POST_ONLY, REDUCE_ONLY
from quantumcore.core.twin.venue import Venue

TRADING = 1
MARKET, LIMIT = 1, 2
GTC, IOC, FOK, DAY, GTD, GTT = 1, 3, 4, 5, 6, 8
RESTING_TIMES = (GTC, DAY, GTD, GTT)  # under which what is left may rest, or wait
TRIGGERED = (3, 4, 6, 7, 8, 9)  # stops, trailing stops, touched orders
RESTING_TYPES = (LIMIT, 4, 7, 9)
MAX_PRODUCT = 2**96 - 1  # ticks × lots of one order
MAX_SHOWN = 2**126  # an overflow beyond this is shown as this
WIDEST_SPREAD = 5_000_000  # 10^-8 of the mid: 5 %
ONE = 10**8
NOTHING_FILLED = Tally()


def check_switches(venue: Venue, account: Account) -> None:
    """KILLED: the venue's switch, then the account's."""
    if venue.killed:
        raise Refusal(Reason.KILLED, Scope.VENUE)
    if account.killed:
        raise Refusal(Reason.KILLED, Scope.ACCOUNT)


def check_trading(instrument: Instrument) -> None:
    """HALTED: the instrument is not trading."""
    if instrument.terms.status != TRADING:
        raise Refusal(Reason.HALTED, Scope.INSTRUMENT)


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
        raise _quantity(instrument, Reason.BAD_QTY, Scope.INSTRUMENT, limit=I64_MAX, actual=lots)
    if lots < terms.min_quantity:  # which is at least 1
        raise _quantity(instrument, Reason.BAD_QTY, Scope.INSTRUMENT, limit=terms.min_quantity, actual=lots)


def check_price(instrument: Instrument, ticks: int, reason: Reason = Reason.BAD_PRICE) -> None:
    """BAD_PRICE: outside the instrument's bounds, of which the lower is at least 1."""
    terms = instrument.terms
    if ticks < terms.min_price:
        raise _price(instrument, reason, Scope.INSTRUMENT, limit=terms.min_price, actual=ticks)
    if ticks > terms.max_price:
        raise _price(instrument, reason, Scope.INSTRUMENT, limit=terms.max_price, actual=ticks)


def check_no_price(instrument: Instrument, mantissa: int, scale: int) -> None:
    """BAD_PRICE: a type that enters with a price of its own names none."""
    if mantissa:
        mantissa, scale = _trimmed(mantissa, scale, instrument.terms.tick_scale)
        decimals = max(scale, instrument.terms.tick_scale)
        actual = mantissa * 10 ** (decimals - scale)
        raise Refusal(Reason.BAD_PRICE, Scope.INSTRUMENT, actual=actual, decimals=decimals)


def check_kind(order_type: int, time_in_force: int, flags: int) -> None:
    """BAD_TYPE, BAD_TIF: unknown, or post_only where nothing could rest."""
    post_only = bool(flags & POST_ONLY)
    if flags & ~(POST_ONLY | REDUCE_ONLY | CANCEL_ON_DISCONNECT):
        raise Refusal(Reason.BAD_TYPE, Scope.INSTRUMENT)
    if order_type not in (MARKET, LIMIT, *TRIGGERED) or (post_only and order_type != LIMIT):
        raise Refusal(Reason.BAD_TYPE, Scope.INSTRUMENT)
    may_rest_only = post_only or order_type in TRIGGERED
    if time_in_force not in (RESTING_TIMES if may_rest_only else (*RESTING_TIMES, IOC, FOK)):
        raise Refusal(Reason.BAD_TIF, Scope.INSTRUMENT)


def check_filled(instrument: Instrument, filled: int, lots: int) -> None:
    """REPLACE_BELOW_FILLED: nothing would be left."""
    if lots <= filled:
        raise _quantity(instrument, Reason.REPLACE_BELOW_FILLED, Scope.ORDER, limit=filled, actual=lots)


def check_max_quantity(instrument: Instrument, lots: int) -> None:
    """MAX_QTY: more than the instrument's most."""
    most = instrument.terms.max_quantity
    if lots > most:
        raise _quantity(instrument, Reason.MAX_QTY, Scope.INSTRUMENT, limit=most, actual=lots)


def collar_of(instrument: Instrument, book: Book, side: int) -> int:
    """Return the price in ticks beyond which a market order does not trade; STALE_REF without a reference."""
    return collar_around(instrument, side, _twice_the_reference(book))


def collar_around(instrument: Instrument, side: int, twice: int) -> int:
    """Return the price in ticks that is one collar beyond a reference (given doubled), within the bounds of prices."""
    terms = instrument.terms
    if side == BUY:
        collar = floor_of(twice * (ONE + terms.collar), 2 * ONE)
    else:
        collar = ceil_of(twice * (ONE - terms.collar), 2 * ONE)
    return min(max(collar, terms.min_price), terms.max_price)


def _twice_the_reference(book: Book) -> int:
    """The mid of our own book unless it is too wide, else the last trade; doubled, so that a mid is whole."""
    bid, ask = book.best(BUY), book.best(SELL)
    if bid is not None and ask is not None and (ask - bid) * 2 * ONE <= WIDEST_SPREAD * (ask + bid):
        return bid + ask
    if book.last_price is not None:
        return 2 * book.last_price
    raise Refusal(Reason.STALE_REF, Scope.INSTRUMENT)


def check_amounts(
    instrument: Instrument, book: Book, side: int, rates: Rates, price: int, leaves: int, tally: Tally = NOTHING_FILLED
) -> None:
    """AMOUNT_OVERFLOW: a product or notional, with what has filled, or a hold or amount of the asset beyond what is kept."""
    check_product(instrument, tally.notional + _dearest(book, side, price) * leaves)
    if side == BUY:
        hold = buy_hold(instrument.unit, rates, tally, price, leaves)
        if hold > I64_MAX:
            raise _overflow(hold, instrument.quote_scale)
    asset = leaves * instrument.asset_per_lot
    if asset > I64_MAX:
        raise _overflow(asset, instrument.base_scale)


def check_product(instrument: Instrument, product: int) -> None:
    """AMOUNT_OVERFLOW: a sum of ticks × lots, or what it is worth, beyond what is kept."""
    notional = instrument.unit.ceil(product)
    if product > MAX_PRODUCT or notional > I64_MAX:
        most = min(instrument.unit.floor(MAX_PRODUCT), I64_MAX)
        raise _overflow(notional, instrument.quote_scale, most)


def _dearest(book: Book, side: int, price: int) -> int:
    """Return the dearest price at which the order can trade: a sell takes bids that may stand far above it."""
    best = book.crosses(side, price)
    return price if side == BUY or best is None else best


def check_notional(instrument: Instrument, price: int, leaves: int) -> None:
    """MAX_NOTIONAL, MIN_NOTIONAL: of what is left at its price."""
    terms, product = instrument.terms, price * leaves
    most, least = instrument.unit.ceil(product), instrument.unit.floor(product)
    if most > terms.max_notional:
        raise _money(instrument, Reason.MAX_NOTIONAL, limit=terms.max_notional, actual=most)
    if least < terms.min_notional:
        raise _money(instrument, Reason.MIN_NOTIONAL, limit=terms.min_notional, actual=least)


def check_open_orders(venue: Venue, number: int, before: int = 0) -> None:
    """MAX_OPEN: the account already has as many working orders as it may."""
    own = venue.accounts[number].max_open_orders
    most = venue.max_open_orders if own is None else own
    working = len(venue.working[number]) + before
    if working >= most:
        raise Refusal(Reason.MAX_OPEN, Scope.ACCOUNT, limit=most, actual=working + 1)


def check_funds(instrument: Instrument, account: Account, side: int, needed: int) -> None:
    """NO_FUNDS: the hold, or its increase, is more than is available."""
    terms = instrument.terms
    currency, decimals = (terms.quote, instrument.quote_scale) if side == BUY else (terms.base, instrument.base_scale)
    available = account.available(currency)
    if needed > available:
        raise Refusal(Reason.NO_FUNDS, Scope.ACCOUNT, limit=available, actual=needed, decimals=decimals)


def check_one_lot(instrument: Instrument, side: int, rates: Rates, price: int) -> None:
    """NO_FUNDS: a sell pays its fee out of its proceeds, and one lot might not bring enough."""
    if side == BUY:
        return
    fee = max(rates.minimum, instrument.unit.fee(rates.worst * price))
    proceeds = instrument.unit.floor(price)
    if fee > proceeds:
        raise _money(instrument, Reason.NO_FUNDS, limit=proceeds, actual=fee, scope=Scope.ORDER)


def check_post_only(instrument: Instrument, book: Book, side: int, price: int) -> None:
    """POST_ONLY: it would trade."""
    best = book.crosses(side, price)
    if best is not None:
        raise _price(instrument, Reason.POST_ONLY, Scope.ORDER, limit=best, actual=price)


def check_level(instrument: Instrument, book: Book, side: int, price: int, more: int) -> None:
    """QTY_OVERFLOW: the lots at its price would pass what a quantity can be."""
    total = book.level_quantity(side, price) + more
    if total > I64_MAX:
        raise _quantity(instrument, Reason.QTY_OVERFLOW, Scope.ORDER, limit=I64_MAX, actual=total)


def check_window(venue: Venue, book: Book, side: int, price: int, before: int = 0) -> None:
    """CAPACITY: no window is left for an order that would rest at `price`; `before` are taken by others of its act."""
    windows = len(book.windows(side)) + before
    if needs_window(book, side, price) and (windows >= WINDOWS_PER_SIDE or venue.windows_left <= before):
        raise Refusal(Reason.CAPACITY, Scope.VENUE)


def needs_window(book: Book, side: int, price: int) -> bool:
    """Tell whether nothing rests near `price` yet."""
    return price >> WINDOW_BITS not in book.windows(side)


def check_capacity(venue: Venue, before: int = 0) -> None:
    """CAPACITY: no slot, client-id entry or position, or not both balances of an instrument are left."""
    full = venue.bounds.accounting and (venue.submissions_left <= before or venue.balances_left < 2)
    if full or venue.slots.left <= before or len(venue.positions) >= venue.bounds.max_balances:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)


def _price(instrument: Instrument, reason: Reason, scope: Scope, *, limit: int, actual: int) -> Refusal:
    tick, decimals = instrument.terms.tick, instrument.terms.tick_scale
    return Refusal(reason, scope, limit=limit * tick, actual=actual * tick, decimals=decimals)


def _quantity(instrument: Instrument, reason: Reason, scope: Scope, *, limit: int, actual: int) -> Refusal:
    lot, decimals = instrument.terms.lot, instrument.terms.lot_scale
    return Refusal(reason, scope, limit=limit * lot, actual=actual * lot, decimals=decimals)


def _money(
    instrument: Instrument, reason: Reason, *, limit: int, actual: int, scope: Scope = Scope.INSTRUMENT
) -> Refusal:
    return Refusal(reason, scope, limit=limit, actual=actual, decimals=instrument.quote_scale)


def _overflow(value: int, decimals: int, limit: int = I64_MAX) -> Refusal:
    return Refusal(Reason.AMOUNT_OVERFLOW, Scope.ORDER, limit=limit, actual=min(value, MAX_SHOWN), decimals=decimals)
