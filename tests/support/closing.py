"""Run by a test: close a journal CLOSES times while threads read it; exit 1 when a byte is not what was written."""

import random
import sys
import threading
import time
import zlib
from pathlib import Path

from quantumcore.core import _native
from tests.support.journals import command

RECORDS = 150
KEPT = 50


def read_until_closed(
    journal: _native.Journal, expected: bytes, kept: list[bytes], wrong: list[str], inside: threading.Barrier
) -> None:
    """Read the journal from its start again and again, until it says that it is closed."""
    inside.wait()
    for _ in range(6):
        try:
            chunk = journal.read(0, 1 << 20)
        except _native.JournalError as error:
            if not isinstance(error, _native.JournalClosed):
                wrong.append(f"{type(error).__name__}: {error}")
            return
        if chunk != expected:
            wrong.append(f"{len(chunk)} bytes that were never written")
        kept.append(chunk)
        del kept[:-KEPT]


def main(directory: Path, closes: int, seed: int) -> int:
    """Close and reopen; print how often, or what was wrong."""
    rng = random.Random(seed)
    first = _native.Journal(str(directory), segment_bytes=65_536, buffer_bytes=16_384)
    for number in range(1, RECORDS + 1):
        first.append(number, 1_000 + number, command(number))
        if number % 50 == 0:
            first.sync()
    expected = first.read(0, 1 << 20)
    sum_of_all = zlib.crc32(expected)
    first.close()
    kept: list[bytes] = [expected]
    wrong: list[str] = []
    for _ in range(closes):
        journal = _native.Journal(str(directory), segment_bytes=65_536, buffer_bytes=16_384)
        inside = threading.Barrier(4)
        arguments = (journal, expected, kept, wrong, inside)
        threads = [threading.Thread(target=read_until_closed, args=arguments) for _ in range(3)]
        for thread in threads:
            thread.start()
        inside.wait()
        time.sleep(
            rng.randrange(400) / 1_000_000
        )  # lets go of the interpreter, so that the others are inside when it closes
        journal.close()
        for thread in threads:
            thread.join()
        del journal
        if wrong:
            break
    wrong += ["kept bytes changed" for chunk in kept if zlib.crc32(chunk) != sum_of_all]
    print(*wrong[:5], f"{closes} closes", sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
