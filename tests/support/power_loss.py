"""A disk that loses power: of what was written and not synced, an arbitrary part of the sectors is there afterwards.

One run: a journal is written, a copy of its files is taken after a sync, one more block is written, and the disk's image
is mixed from both, sector by sector. Directory entries are synced before a block is written, so names are never mixed.
"""

import random
import shutil
from pathlib import Path

from tests.support.journals import command, segments, small

SECTOR, PAGE = 512, 4_096


def _mixed(before: dict[str, bytes], after: dict[str, bytes], rng: random.Random) -> dict[str, bytes]:
    unit = rng.choice([SECTOR, PAGE])
    share = rng.choice([0.1, 0.5, 0.9])
    image = {}
    for name, new in after.items():
        old = before.get(name)
        # A segment gets its name after its header and its zeros are durable.
        base = bytearray(old if old is not None else new[:128].ljust(len(new), b"\0"))
        for at in range(0, len(new), unit):
            if base[at : at + unit] != new[at : at + unit] and rng.random() < share:
                base[at : at + unit] = new[at : at + unit]
        image[name] = bytes(base)
    return image


def _files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in segments(directory)}


def _put(directory: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, data in files.items():
        (directory / name).write_bytes(data)


def power_loss(folder: Path, seed: int) -> None:
    """Lose power once while a block is written, and once more while the recovery writes.

    Asserts that every acknowledged command is there, that the others are whole and in order or absent, and that the
    second recovery ends where the first did.
    """
    rng = random.Random(seed)
    sizes = {"segment_bytes": rng.choice([32_768, 65_536]), "buffer_bytes": 8_192}
    wrote: list[bytes] = []
    shutil.rmtree(folder / "disk", ignore_errors=True)
    with small(folder / "disk", **sizes) as journal:

        def append(count: int) -> None:
            for _ in range(count):
                data = command(len(wrote) + 1, rng.choice([16, 80, 80, 152, 512]))
                journal.append(len(wrote) + 1, 0, data)
                wrote.append(data)

        for _ in range(rng.randrange(8)):
            append(rng.randrange(1, 20))
            journal.sync()
        acknowledged = journal.last_sequence
        before = _files(folder / "disk")
        if rng.random() < 0.1:
            journal.raise_epoch(1)
        else:
            append(rng.randrange(1, 14))  # never more than the buffer: one write
            journal.sync()
        after = _files(folder / "disk")

    _put(folder / "lost", _mixed(before, after, rng))
    image = _files(folder / "lost")
    survivors = _recovered(folder / "lost", sizes)
    assert len(survivors) >= acknowledged, seed
    assert survivors == wrote[: len(survivors)], seed
    recovered = _files(folder / "lost")

    _put(folder / "again", _mixed(image, recovered, rng))
    assert _recovered(folder / "again", sizes) == survivors, seed


def _recovered(directory: Path, sizes: dict[str, int]) -> list[bytes]:
    with small(directory, **sizes) as journal:
        records = list(journal.records())
        assert [r.sequence for r in records] == list(range(1, len(records) + 1))
        assert journal.last_sequence == len(records)
    return [r.command for r in records]
