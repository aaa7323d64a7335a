"""What the ledger has the engine do, and what that told: now, or when the same was asked for the first time."""

from collections.abc import Sequence

from quantumcore.contracts import matching, wire
from quantumcore.contracts.errors import Internal, Unavailable
from quantumcore.ports.bus import Bus
from quantumcore.ports.event_log import EventLog


class Engine:
    """Hands commands to matching, and finds answers of long ago in the event log."""

    def __init__(self, bus: Bus, log: EventLog) -> None:
        self._bus = bus
        self._log = log

    async def tell(self, command: wire.Command) -> Sequence[wire.Event]:
        """Return the events of a command, at least one.

        Raises:
            Unavailable, OutcomeUnknown: As matching says.
        """
        sequenced = await self._bus.request(matching.Sequence(command=command.encode()))
        return wire.decode_events(sequenced.events)

    def told_at(self, sequence: int) -> Sequence[wire.Event]:
        """Return the events of a sequence, from the event log.

        Raises:
            Unavailable: `ledger.behind`: it is not in the log yet.
        """
        for batch in self._log.read(sequence - 1, max_bytes=1):
            if batch.first <= sequence <= batch.last:
                return [event for event in batch.events if event.sequence == sequence]
        raise Unavailable(
            "ledger.behind", f"what sequence {sequence} told cannot be read yet", retry_after=1
        )  # seconds


def repeated_at(event: wire.Event) -> int:
    """Return the sequence that did what a command has asked for once more; 0: `event` is no answer to a repeat."""
    return event.order_sequence if isinstance(event, wire.CommandDone) and event.outcome == 1 else 0


def unheard_of(event: wire.Event, command: wire.Command) -> Internal:
    """Return the error of an answer that the engine never gives to such a command."""
    return Internal("internal", f"the engine answered {type(event).__name__} to {type(command).__name__}")
