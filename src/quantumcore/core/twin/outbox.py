"""What one command has told so far; sealed into bytes when the command is done."""

from typing import Any

from quantumcore.contracts.wire import LAST, Event


class Outbox:
    """The events of one command, numbered from 0; the last one is flagged.

    Attributes:
        sequence, time_ns: Of the command.
        fills: How many trades it has made so far.
    """

    def __init__(self, sequence: int, time_ns: int) -> None:
        self.sequence = sequence
        self.time_ns = time_ns
        self.fills = 0
        self._told: list[tuple[type[Event], dict[str, Any]]] = []

    def tell(self, event: type[Event], *, instrument: int = 0, account: int = 0, **body: Any) -> None:
        """Add one event; `body` are its fields after the header."""
        self._told.append((event, {"instrument": instrument, "account": account, **body}))

    @property
    def count(self) -> int:
        """How many events were told so far."""
        return len(self._told)

    def told_since(self, count: int, *kinds: type[Event]) -> bool:
        """Tell whether one of `kinds` was told after the first `count` events."""
        return any(kind in kinds for kind, _ in self._told[count:])

    def seal(self) -> list[bytes]:
        """Return the bytes of each event."""
        last = len(self._told) - 1
        return [
            event(
                flags=LAST if index == last else 0,
                index=index,
                sequence=self.sequence,
                time_ns=self.time_ns,
                **fields,
            ).encode()
            for index, (event, fields) in enumerate(self._told)
        ]
