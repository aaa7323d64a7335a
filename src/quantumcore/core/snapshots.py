"""Snapshots of the engine: files that are whole or not there, the newest sound one wins.

A snapshot only shortens a replay. Losing one costs time, never an order; so a damaged one is passed over.

File: 0 char[8] magic · 8 u32 version · 12 u32 epoch · 16 u64 sequence · 24 u64 state hash · 32 u32 ruleset · 36 u32 reserved
      40 u64 length · 48 u8[32] SHA-256 of bytes 0..48 and the state · 80 the state
"""

import hashlib
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from quantumcore.contracts.errors import Corrupted, Unavailable

KEEP = 3

_MAGIC = b"QCSNAP\r\n"
_VERSION = 1
_HEAD = struct.Struct("<8sIIQQIIQ")
_DIGEST_BYTES = 32
_NAME = re.compile(r"snapshot-([0-9]{20})\.qcs\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The engine as it stood after one command.

    Attributes:
        sequence: Of that command; replay goes on behind it.
        epoch: Of the journal there.
        state_hash: What the engine must answer when it has loaded `state`.
        ruleset: Version of the rules that made it.
        state: The engine's own bytes.
    """

    sequence: int
    epoch: int
    state_hash: int
    ruleset: int = 0
    state: bytes


class SnapshotStore:
    """The snapshots of one shard, in one directory."""

    def __init__(self, directory: Path, *, keep: int = KEEP) -> None:
        """Use `directory`, which is made when it is missing; hold the newest `keep`."""
        if keep < 1:
            raise ValueError("at least one snapshot must be kept")
        self._directory = directory
        self._keep = keep
        self._damaged: list[Corrupted] = []

    @property
    def damaged(self) -> tuple[Corrupted, ...]:
        """What the last `newest` passed over, newest first."""
        return tuple(self._damaged)

    def write(self, snapshot: Snapshot) -> Path:
        """Make `snapshot` durable, then drop what is older than the newest `keep`; return its path.

        Raises:
            Unavailable: `snapshot.unavailable`. The snapshots before it stand as they were.
        """
        path = self._directory / f"snapshot-{snapshot.sequence:020d}.qcs"
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._replace(path, snapshot)
        except OSError as error:
            raise Unavailable("snapshot.unavailable", f"{path.name} was not written: {error}") from error
        for old in self._paths()[self._keep :]:
            old.unlink(missing_ok=True)
        return path

    def newest(self, at_most: int | None = None) -> Snapshot | None:
        """Return the newest sound snapshot (of a sequence of at most `at_most`), or None; what was passed over is in `damaged`."""
        self._damaged = []
        for path in self._paths():
            if at_most is not None and _sequence(path) > at_most:
                continue
            try:
                return read_snapshot(path)
            except Corrupted as error:
                self._damaged.append(error)
        return None

    def _replace(self, path: Path, snapshot: Snapshot) -> None:
        head = _HEAD.pack(
            _MAGIC,
            _VERSION,
            snapshot.epoch,
            snapshot.sequence,
            snapshot.state_hash,
            snapshot.ruleset,
            0,
            len(snapshot.state),
        )
        digest = hashlib.sha256(head)
        digest.update(snapshot.state)
        unfinished = path.with_suffix(".tmp")
        try:
            with unfinished.open("wb") as file:
                file.write(head + digest.digest())
                file.write(snapshot.state)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _paths(self) -> list[Path]:
        if not self._directory.is_dir():
            return []
        return sorted((path for path in self._directory.iterdir() if _NAME.match(path.name)), reverse=True)


def _sequence(path: Path) -> int:
    return int(path.stem.removeprefix("snapshot-"))


def read_snapshot(path: Path) -> Snapshot:
    """Return the snapshot in `path`.

    Raises:
        Corrupted: `snapshot.corrupted`, with the file's name in the context.
    """
    data = path.read_bytes()
    start = _HEAD.size + _DIGEST_BYTES
    if len(data) < start:
        raise _corrupted(path, "it is cut short")
    magic, version, epoch, sequence, state_hash, ruleset, _, length = _HEAD.unpack_from(data)
    state = data[start:]
    digest = hashlib.sha256(data[: _HEAD.size])
    digest.update(state)
    if magic != _MAGIC or version != _VERSION:
        raise _corrupted(path, "magic or version is not ours")
    if length != len(state) or digest.digest() != data[_HEAD.size : start]:
        raise _corrupted(path, "its checksum is wrong")
    if path.name != f"snapshot-{sequence:020d}.qcs":
        raise _corrupted(path, "it is not the one that its name says")
    return Snapshot(sequence=sequence, epoch=epoch, state_hash=state_hash, ruleset=ruleset, state=state)


def _corrupted(path: Path, reason: str) -> Corrupted:
    return Corrupted("snapshot.corrupted", f"{path.name}: {reason}", context={"snapshot": path.name, "reason": reason})
