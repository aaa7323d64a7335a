"""Budgets: an order to buy that names the money it may spend, fees included; each fill is cut to what still fits."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import gate
from quantumcore.core.twin.book import Order
from quantumcore.core.twin.fees import Tally
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.refusals import Refusal


def budget_of(instrument: Instrument, command: wire.SubmitAdvancedOrder) -> int:
    """Return a budget in minor units of the quote; BAD_BUDGET when it is no amount that one can pay."""
    decimals = instrument.quote_scale
    budget = gate.steps_of(command.budget, command.budget_scale, 1, decimals, Reason.BAD_BUDGET)
    if not 1 <= budget <= I64_MAX:
        limit = 1 if budget < 1 else I64_MAX
        raise Refusal(Reason.BAD_BUDGET, Scope.INSTRUMENT, limit=limit, actual=budget, decimals=decimals)
    return budget


def affordable(instrument: Instrument, order: Order, tally: Tally, price: int, lots: int) -> int:
    """Return the most of `lots` that `order`, after `tally`, can pay for at `price` ticks; all without a budget."""
    if not order.terms.budget:
        return lots
    rate = instrument.taker_rate(order.rates)
    least, most = 0, lots
    while least < most:  # what is spent never falls with the lots, so halving finds the last that fits
        middle = (least + most + 1) // 2
        if tally.plus(price, middle, rate).spent(instrument.unit, order.rates.minimum) <= order.terms.budget:
            least = middle
        else:
            most = middle - 1
    return least
