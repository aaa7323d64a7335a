"""Which commands of engine.md section 17 can be right: what else there is of them is BAD_COMMAND."""

from collections.abc import Callable
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin.guard_content import DAY_NS, names
from quantumcore.core.twin.margin import SCENARIOS, VOLATILITY

MOST_RATE = 10**7  # 10^-6 of the notional
MOST_SLOPE = 10**12
MOST_OF_A_LOT = 2**46  # 10^-6 of the quote currency's unit


def _terms(command: wire.SetMarginTerms) -> bool:
    return (
        command.maintenance <= command.initial <= MOST_RATE
        and 0 <= command.slope <= MOST_SLOPE
        and min(command.mark_ns, command.array_ns) >= 0
        and max(command.mark_ns, command.array_ns) <= DAY_NS
        and command.profile in (0, VOLATILITY)
    )


def _array(command: wire.SetRiskArray) -> bool:
    numbers = (*command.losses, command.short_minimum)
    within = all(abs(number) <= MOST_OF_A_LOT for number in numbers) and command.short_minimum >= 0
    return within and command.given <= 1 and bool(command.given or not any(numbers))


def _greeks(command: wire.SetGreeks) -> bool:
    return all(abs(greek) <= MOST_OF_A_LOT for greek in (command.delta, command.gamma, command.vega))


def _limits(command: wire.SetRiskLimits) -> bool:
    amounts = (command.gross, command.net, command.delta, command.gamma, command.vega, command.loss, command.drawdown)
    return names(command, Scope.VENUE, Scope.ACCOUNT) and min(amounts) >= wire.NOT_SET


def _taking(command: wire.TakeOver) -> bool:
    return command.lots != 0 and min(command.lots, command.money) >= -I64_MAX and command.taker != command.account


CONTENT: dict[int, Callable[[Any], bool]] = {
    wire.SetMarginTerms.KIND: _terms,
    wire.SetRiskArray.KIND: _array,
    wire.SetAccountMargin.KIND: lambda command: command.profile in (0, VOLATILITY, SCENARIOS),
    wire.SetGreeks.KIND: _greeks,
    wire.SetRiskLimits.KIND: _limits,
    wire.TakeOver.KIND: _taking,
}
