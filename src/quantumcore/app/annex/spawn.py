"""The annex's process, begun with nothing imported: both processes read their modules at the same time."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""For the environment of who computes: a sum must not depend on how many cores there are, and threads of its own cost more than they give."""


class Spawned(NamedTuple):
    """A process that waits for its house, and the house's end of the socket between them."""

    process: "subprocess.Popen[bytes]"
    socket: socket.socket


def spawn(data_dir: Path, level: str) -> Spawned:
    """Start a process for the rooms that follow the event log of `data_dir`, logging from `level` on.

    It ends by itself when the other end of the socket is closed.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "quantumcore.app.annex", str(theirs.fileno()), level, str(data_dir)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=os.environ | ONE_THREAD,
        )
    return Spawned(process, ours)
