"""Runs a piece of Python in a subprocess whose disk fails on command (faulty_disk.cpp)."""

import ctypes
import os
import subprocess
import sys
import textwrap
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".cpp")
PWRITE, FDATASYNC, FSYNC = 0, 1, 2

_PRELUDE = """
import errno, os, sys
from pathlib import Path
from tests.support.faulty_disk import Disk, FDATASYNC, FSYNC, PWRITE
from tests.support.journals import SEGMENT_BYTES, command, pieces, segments, small, write_blocks
from quantumcore.contracts.errors import *
from quantumcore.core.journal import Journal, read_records, verify
disk, directory = Disk(), Path(sys.argv[1])
def await_spare(directory):
    # One that is still written to would use the disk while a test counts its calls.
    while not any(path.stat().st_size == SEGMENT_BYTES for path in directory.glob("spare*")):
        pass
def refused(call, code):
    try:
        call()
    except QuantumCoreError as error:
        assert error.code == code, error
    else:
        raise AssertionError("not refused")
"""


class Disk:
    """The switches, inside the subprocess."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(os.environ["LD_PRELOAD"])

    def full(self, on: bool = True) -> None:
        self._library.qc_disk_full(int(on))

    def short_writes(self, on: bool = True) -> None:
        self._library.qc_short_writes(int(on))

    def delay(self, milliseconds: int) -> None:
        self._library.qc_delay(milliseconds)

    def fail(self, call: int, error: int, after: int = 0) -> None:
        self._library.qc_fail(call, ctypes.c_long(after), error)

    def heal(self) -> None:
        for call in (PWRITE, FDATASYNC, FSYNC):
            self._library.qc_fail(call, ctypes.c_long(-1), 0)

    def calls(self, call: int) -> int:
        return int(self._library.qc_calls(call))

    def mallocs(self) -> int:
        return int(self._library.qc_mallocs())


def build(folder: Path) -> Path:
    """Compile the library into `folder`."""
    library = folder / "faulty_disk.so"
    subprocess.run(["g++", "-std=c++20", "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def start(library: Path, directory: Path, script: str, **pipes: int) -> subprocess.Popen[str]:
    """Start `script` with `disk` and `directory` at hand."""
    code = _PRELUDE + textwrap.dedent(script)
    environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen([sys.executable, "-c", code, str(directory)], env=environment, text=True, **pipes)


def run(library: Path, directory: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run `script` to its end; the caller judges."""
    process = start(library, directory, script, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=100)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
