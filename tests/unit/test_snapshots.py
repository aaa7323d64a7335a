"""A snapshot is whole or not there; the newest sound one wins.

Goal: no damaged or half-written snapshot is ever loaded, and losing one never loses the others.
Method: every byte of a small file is changed, every length cut; writes fail under a file-size limit.
"""

import os

import pytest

from quantumcore.contracts.errors import Unavailable
from quantumcore.core.snapshots import Snapshot, SnapshotStore


def snapshot(sequence: int) -> Snapshot:
    return Snapshot(
        sequence=sequence, epoch=2, state_hash=2**64 - sequence, ruleset=7, state=b"state %d " % sequence * 5
    )


def test_the_newest_comes_back_as_it_was_written(tmp_path):
    store = SnapshotStore(tmp_path / "s")
    assert store.newest() is None
    for sequence in (5, 900, 70):
        store.write(snapshot(sequence))
    assert store.newest() == snapshot(900)
    assert (tmp_path / "s" / "snapshot-00000000000000000900.qcs").exists()


def test_the_newest_three_are_kept(tmp_path):
    store = SnapshotStore(tmp_path)
    for sequence in range(1, 8):
        store.write(snapshot(sequence))
    assert sorted(os.listdir(tmp_path)) == [f"snapshot-{n:020d}.qcs" for n in (5, 6, 7)]


def test_every_changed_byte_and_every_cut_is_passed_over(tmp_path):
    store = SnapshotStore(tmp_path)
    store.write(snapshot(1))
    path = store.write(snapshot(2))
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        assert store.newest() == snapshot(1)
        assert [error.context["snapshot"] for error in store.damaged] == [path.name]
        path.write_bytes(data[:at])
        assert store.newest() == snapshot(1)
    path.write_bytes(data + b"x")
    assert store.newest() == snapshot(1)
    path.write_bytes(data)
    assert store.newest() == snapshot(2)
    assert store.damaged == ()


def test_a_snapshot_under_another_name_is_passed_over(tmp_path):
    store = SnapshotStore(tmp_path)
    store.write(snapshot(1)).rename(tmp_path / f"snapshot-{99:020d}.qcs")
    assert store.newest() is None


@pytest.mark.parametrize("failing", ["fsync", "write"])
def test_a_failed_write_leaves_the_old_ones_and_no_litter(tmp_path, monkeypatch, failing):
    store = SnapshotStore(tmp_path)
    store.write(snapshot(1))
    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", _no_space)
    else:
        monkeypatch.setattr("pathlib.Path.rename", _no_space)
    with pytest.raises(Unavailable) as refused:
        store.write(snapshot(2))
    assert refused.value.code == "snapshot.unavailable"
    assert os.listdir(tmp_path) == [f"snapshot-{1:020d}.qcs"]
    assert store.newest() == snapshot(1)


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")
