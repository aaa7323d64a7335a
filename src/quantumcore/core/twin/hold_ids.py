"""Every hold that a client ever placed, by its id and by the command that placed it, and the ids that failed. For ever."""

from collections.abc import Iterator
from dataclasses import dataclass

from quantumcore.contracts.wire import PlaceHold


@dataclass(slots=True)
class Hold:
    """One hold that was placed, or an id that failed; in minor units.

    Attributes:
        sequence: The command that placed it: its name.
        command: What was asked for first.
        placed: What was set aside in all, after amendments.
    """

    sequence: int
    command: PlaceHold
    failed: bool
    placed: int = 0
    captured: int = 0
    released: int = 0

    @property
    def account(self) -> int:
        """Whose it is."""
        return self.command.account

    @property
    def currency(self) -> int:
        """Of what."""
        return self.command.currency

    @property
    def expires_ns(self) -> int:
        """When it is over, UTC nanoseconds; 0: never."""
        return self.command.expires_ns

    @property
    def open(self) -> int:
        """What may still be captured or released."""
        return self.placed - self.captured - self.released


class Holds:
    """All holds that were ever placed, in order, and the ids that failed."""

    def __init__(self) -> None:
        self._by_id: dict[tuple[int, str], Hold] = {}
        self._by_sequence: dict[int, Hold] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Hold]:
        return iter(self._by_id.values())

    def remember(self, hold: Hold) -> None:
        """Remember a hold, or that it failed, under its id."""
        self._by_id[hold.account, hold.command.hold_id] = hold
        if not hold.failed:
            self._by_sequence[hold.sequence] = hold

    def named(self, account: int, hold_id: str) -> Hold | None:
        """Return what `account` has tried to place as `hold_id`."""
        return self._by_id.get((account, hold_id))

    def placed_by(self, sequence: int) -> Hold | None:
        """Return the hold that the command `sequence` placed."""
        return self._by_sequence.get(sequence)

    def __getitem__(self, sequence: int) -> Hold:
        return self._by_sequence[sequence]
