"""Signed roots and sealed entries as files of one directory: written beside, made durable, and only then given their name."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from quantumcore.contracts.errors import Unavailable

UNFINISHED = ".unfinished"


class FileStore:
    """The files of `directory`; one process writes, any number read."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def names(self) -> list[str]:
        """Return the names of what is there, ascending."""
        if not self._directory.is_dir():
            return []
        return sorted(path.name for path in self._directory.iterdir() if path.suffix != UNFINISHED)

    def read(self, name: str, start: int = 0, size: int = -1) -> bytes | None:
        """Return `size` bytes from `start` on, fewer at the end, all with -1; None when there is no such file."""
        try:
            with (self._directory / name).open("rb") as file:
                file.seek(start)
                return file.read(size)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable("audit.store", f"{name} cannot be read: {error.strerror}") from error

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        """Make a file of `parts`: afterwards it is there, whole and durable, or nothing is there.

        Raises:
            Unavailable: `audit.store`: disk full, no permission. What `parts` itself raises comes through.
        """
        unfinished = self._directory / f"{name}{UNFINISHED}"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self._directory / name)
            self._sync_directory()
        except OSError as error:
            _discard(unfinished)
            raise Unavailable("audit.store", f"{name} was not written: {error.strerror}") from error
        except BaseException:
            _discard(unfinished)
            raise

    def remove(self, name: str) -> None:
        """Let a file go that has been kept long enough; one that is not there is gone already.

        Raises:
            Unavailable: `audit.store`: no permission.
        """
        try:
            (self._directory / name).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable("audit.store", f"{name} was not removed: {error.strerror}") from error

    def _sync_directory(self) -> None:
        """Make the name durable too."""
        handle = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _discard(unfinished: Path) -> None:
    """Remove what is half written; where even that fails, its name says what it is."""
    with suppress(OSError):
        unfinished.unlink(missing_ok=True)
