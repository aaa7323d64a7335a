"""One process per data directory, from before the first file is opened until after the last is closed.

The journal has a lock of its own; but event log and databases are opened before it, and opening cuts a torn tail.
"""

import fcntl
import os
from pathlib import Path

from quantumcore.contracts.errors import Unavailable

LOCK = "venue.lock"


class DirectoryLock:
    """Holds a data directory until release(); the kernel releases it for a process that was killed."""

    def __init__(self, data_dir: Path, lock: str = LOCK) -> None:
        """Take the directory, which is made if it is not there, for the part of the house that `lock` stands for.

        Raises:
            Unavailable: `journal.locked`: another process holds it; nothing was touched.
        """
        data_dir.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(data_dir / lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._handle)
            self._handle = -1
            raise Unavailable("journal.locked", f"another process runs the venue in {data_dir}") from error

    def release(self) -> None:
        """Let others in; a second release does nothing."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
