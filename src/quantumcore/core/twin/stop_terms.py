"""The terms of orders that wait for a price: stops, touched orders, trailing stops (orders.md section 3)."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import codes, gate
from quantumcore.core.twin.book import BUY
from quantumcore.core.twin.fees import RATE_ONE, ceil_of, floor_of
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.terms import Terms

RATE_SCALE = 8


def measure_stop(instrument: Instrument, command: wire.SubmitAdvancedOrder, terms: Terms) -> None:
    """BAD_STOP: judged like a price; given where nothing waits for it."""
    takes_one = command.order_type in (*codes.STOPS, *codes.TOUCHED)
    watches = command.order_type in codes.TRIGGERED
    if (not takes_one and (command.stop_price or command.stop_scale)) or (not watches and command.trigger):
        raise Refusal(Reason.BAD_STOP, Scope.INSTRUMENT)
    if takes_one:
        terms.stop_price = stop_of(instrument, command.stop_price, command.stop_scale)
    terms.trigger = command.trigger


def stop_of(instrument: Instrument, mantissa: int, scale: int) -> int:
    """Return a stop price in ticks; BAD_STOP when it is off the tick or outside the bounds."""
    ticks = gate.ticks_of(instrument, mantissa, scale, Reason.BAD_STOP)
    gate.check_price(instrument, ticks, Reason.BAD_STOP)
    return ticks


def measure_trail(instrument: Instrument, command: wire.SubmitAdvancedOrder, terms: Terms) -> None:
    """BAD_TRAIL: off its step or out of its range; given to what does not trail."""
    if command.order_type not in codes.TRAILING:
        if command.trail or command.trail_scale or command.trail_unit:
            raise Refusal(Reason.BAD_TRAIL, Scope.INSTRUMENT)
        return
    bounds = instrument.terms
    match command.trail_unit:
        case codes.BY_AMOUNT:  # of the quote currency
            step, step_scale, most = bounds.tick, bounds.tick_scale, bounds.max_price
        case codes.BY_RATE:  # of the watched price
            step, step_scale, most = 1, RATE_SCALE, RATE_ONE - 1
        case codes.BY_TICKS:
            step, step_scale, most = 1, 0, bounds.max_price
        case _:
            raise Refusal(Reason.BAD_TRAIL, Scope.INSTRUMENT)
    terms.trail_unit = command.trail_unit
    terms.trail = _distance(command.trail, command.trail_scale, step, step_scale, 1, most)


def measure_offset(instrument: Instrument, command: wire.SubmitAdvancedOrder, terms: Terms) -> None:
    """BAD_TRAIL: a trailing stop's limit off the tick or out of range; BAD_PEG: an offset or a peg for what has no use for it."""
    if command.peg or (command.order_type != codes.TRAILING_STOP_LIMIT and (command.offset or command.offset_scale)):
        raise Refusal(Reason.BAD_PEG, Scope.INSTRUMENT)
    bounds = instrument.terms
    terms.offset = _distance(command.offset, command.offset_scale, bounds.tick, bounds.tick_scale, 0, bounds.max_price)


def _distance(mantissa: int, scale: int, step: int, step_scale: int, least: int, most: int) -> int:
    """Return how many steps the decimal is; BAD_TRAIL off the step (limit: the step) or out of range (limit: the end it passes)."""
    steps = gate.steps_of(mantissa, scale, step, step_scale, Reason.BAD_TRAIL)
    if not least <= steps <= most:
        end = least if steps < least else most
        raise Refusal(Reason.BAD_TRAIL, Scope.INSTRUMENT, limit=end * step, actual=steps * step, decimals=step_scale)
    return steps


def first_stop(instrument: Instrument, command: wire.SubmitOrder, terms: Terms, watched: int | None) -> None:
    """Let a trailing stop begin at the watched price; STALE_REF when there is none."""
    if watched is None:
        raise Refusal(Reason.STALE_REF, Scope.INSTRUMENT)
    terms.extreme = watched
    terms.stop_price = trailed(instrument, command.side, terms, watched)


def trailed(instrument: Instrument, side: int, terms: Terms, extreme: int) -> int:
    """Return the stop in ticks that stays `trail` behind `extreme`, within the bounds of prices."""
    rate = terms.trail if terms.trail_unit == codes.BY_RATE else 0
    if side == BUY:
        stop = ceil_of(extreme * (RATE_ONE + rate), RATE_ONE) if rate else extreme + terms.trail
    else:
        stop = floor_of(extreme * (RATE_ONE - rate), RATE_ONE) if rate else extreme - terms.trail
    return instrument.bounded(stop)


def price_to_enter_with(instrument: Instrument, order_type: int, side: int, terms: Terms) -> int:
    """Return the limit in ticks of a type that is given none: so far beyond the stop as its offset or the collar says."""
    if order_type != codes.TRAILING_STOP_LIMIT:
        return gate.collar_around(instrument, side, 2 * terms.stop_price)
    return instrument.bounded(terms.stop_price + (terms.offset if side == BUY else -terms.offset))
