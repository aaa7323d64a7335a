"""Which commands of engine.md section 15 can be right: what else there is of them is BAD_COMMAND."""

from collections.abc import Callable
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Scope
from quantumcore.core.twin.guards import (
    EXECUTIONS,
    MASS,
    MOST_FILLS,
    MOST_SUBMISSIONS,
    NEEDS_LOCATE,
    NEW,
    PRICE_TEST,
    PRODUCTS,
    PROTECTION,
    REDUCE_ONLY,
)

DAY_NS = 24 * 3600 * 10**9
MOST_TOKENS = 10**9  # a second
LARGEST_BURST = 10**6


def names(command: wire.Command, *scopes: Scope, **numbers: tuple[int, tuple[Scope, ...]]) -> bool:
    """Tell whether the scope is one of `scopes`, and each of `numbers` is given exactly in the scopes that use it."""
    scope = getattr(command, "scope", 0)
    used = all((number != 0) == (scope in of) for number, of in numbers.values())
    return scope in scopes and used and (command.account != 0) == (scope == Scope.ACCOUNT)


def _kill(command: wire.SetKill) -> bool:
    by_number = (Scope.FIRM, Scope.SESSION)
    return command.mode <= REDUCE_ONLY and names(
        command,
        Scope.VENUE,
        Scope.ACCOUNT,
        Scope.INSTRUMENT,
        *by_number,
        subject=(command.subject, by_number),
        instrument=(command.instrument, (Scope.INSTRUMENT,)),
    )


def _class(command: wire.SetInstrumentClass) -> bool:
    flags_fit = command.class_flags <= NEEDS_LOCATE | PRICE_TEST
    return command.product < PRODUCTS and flags_fit and 0 <= command.outside_ns <= DAY_NS


def _restriction(command: wire.SetRestriction) -> bool:
    scopes = (Scope.VENUE, Scope.ACCOUNT, Scope.GROUP)
    return command.restricted <= 1 and names(command, *scopes, group=(command.group, (Scope.GROUP,)))


def _throttle(command: wire.SetThrottle) -> bool:
    scopes = (Scope.VENUE, Scope.ACCOUNT, Scope.SESSION)
    return (
        names(command, *scopes, session=(command.session, (Scope.SESSION,)))
        and NEW <= command.throttle_class <= MASS
        and command.rate <= MOST_TOKENS
        and command.burst <= LARGEST_BURST
        and bool(command.rate) == bool(command.burst)
    )


def _patterns(command: wire.SetPatterns) -> bool:
    return (
        _is_timed(command.ratio, command.ratio_ns)
        and _is_timed(command.executions, command.executions_ns)
        and _is_timed(command.duplicates, command.duplicates_ns)
        and bool(command.ratio or not command.free_orders)
        and command.executions <= MOST_FILLS
        and command.duplicates < MOST_SUBMISSIONS
    )


def _is_timed(number: int, time_ns: int) -> bool:
    """Tell whether a number is on and has a time, or both are off."""
    return 1 <= time_ns <= DAY_NS if number else time_ns == 0


def _protection(command: wire.SetProtection) -> bool:
    terms = (command.fills, command.quantity, command.frozen_ns, command.delta, command.vega)
    return (
        command.underlying > 0
        and command.fills <= MOST_FILLS
        and min(command.quantity, command.delta, command.vega) >= 0
        and 0 <= command.window_ns <= DAY_NS
        and 0 <= command.frozen_ns <= DAY_NS
        and bool(command.window_ns or not any(terms))
    )


def _resume(command: wire.Resume) -> bool:
    return command.cause in (EXECUTIONS, PROTECTION) and (command.underlying > 0) == (command.cause == PROTECTION)


CONTENT: dict[int, Callable[[Any], bool]] = {
    wire.SetKill.KIND: _kill,
    wire.SetInstrumentClass.KIND: _class,
    wire.SetEntitlements.KIND: lambda command: command.enabled <= 1,
    wire.SetRestriction.KIND: _restriction,
    wire.SetLocate.KIND: lambda command: command.lots >= 0,
    wire.SetThrottle.KIND: _throttle,
    wire.SetPatterns.KIND: _patterns,
    wire.SetProtection.KIND: _protection,
    wire.Resume.KIND: _resume,
}
