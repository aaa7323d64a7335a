"""Engine commands that this room writes itself: definitions, statuses, the kill switch."""

from quantumcore.contracts.errors import Conflict, InvalidCommand, NotFound, QuantumCoreError, Unavailable
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.values import show
from quantumcore.contracts.wire import Command, CommandRefused, Event, decode_events
from quantumcore.ports.bus import Bus

_NOT_FOUND = {
    Reason.UNKNOWN_SYMBOL: ("instrument.not_found", "instrument not found"),
    Reason.UNKNOWN_ACCOUNT: ("account.not_found", "account not found"),
    Reason.UNKNOWN_CURRENCY: ("currency.not_found", "currency not found"),
}


async def sequence(bus: Bus, command: Command) -> list[Event]:
    """Put `command` into the engine and return its events, durable.

    Raises:
        NotFound, Conflict, InvalidCommand, Unavailable: The engine refused it; nothing changed.
        OutcomeUnknown: The deadline passed after it was taken in.
    """
    events = decode_events((await bus.request(Sequence(command=command.encode()))).events)
    for event in events:
        if isinstance(event, CommandRefused):
            raise refusal(event)
    return events


def refusal(event: CommandRefused) -> QuantumCoreError:
    """Return the error that the engine's refusal of a command is."""
    reason = Reason(event.reason)
    if reason in _NOT_FOUND:
        code, detail = _NOT_FOUND[reason]
        return NotFound(code, detail)
    code = CODES[reason]
    kind: type[QuantumCoreError] = InvalidCommand
    if reason is Reason.EXISTS_DIFFERENT:
        kind = Conflict
    elif reason is Reason.CAPACITY:
        kind = Unavailable
    numbers = event.limit != 0 or event.actual != 0
    return kind(
        code,
        f"the engine refused it: {code}",
        limit=show(event.limit, event.decimals) if numbers else "",
        actual=show(event.actual, event.decimals) if numbers else "",
    )
