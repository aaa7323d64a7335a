"""Where signed roots and sealed entries go: apart from the database, so that whoever alters one does not alter the other."""

from collections.abc import Iterable
from typing import Protocol


class SecondStore(Protocol):
    """Named files, each written once and whole. The store may be copied elsewhere while it is written to."""

    def names(self) -> list[str]:
        """Return the names of what is there, ascending."""

    def read(self, name: str, start: int = 0, size: int = -1) -> bytes | None:
        """Return `size` bytes from `start` on, fewer at the end, all with -1; None when there is no such file."""

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        """Make a file of `parts`: afterwards it is there, whole and durable, or nothing is there.

        Raises:
            Unavailable: `audit.store`: the store did not take it.
        """

    def remove(self, name: str) -> None:
        """Let a file go that has been kept long enough; one that is not there is gone already.

        Raises:
            Unavailable: `audit.store`.
        """
