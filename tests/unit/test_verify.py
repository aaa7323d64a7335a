"""`quantumcore verify` finds what is wrong, names it, and changes nothing.

Goal: a sound venue is called sound, running or not; one altered thing anywhere is a finding that says where.
Method: a small shard with events and two snapshots; each test alters one thing.
"""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from quantumcore.app.verify import show_report, verify
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.core.snapshots import Snapshot, SnapshotStore
from tests.support.shards import MAX_ORDERS, Hall, hall, order

ORDERS = 200


async def _work(opened: Hall, orders: int = ORDERS) -> None:
    for n in range(orders):
        await opened.submit(order(1 + n % 16, side=1 + n % 2, price=100 + n % 5))


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """The directory of a stopped venue that traded, with two snapshots."""
    async with hall(tmp_path / "data") as opened:
        for _ in range(2):
            await _work(opened)
            opened.log.sync()
            opened.shard.take_snapshot()
        await _work(opened)
    return tmp_path / "data"


def _verify(data: Path) -> dict[str, Any]:
    return verify(data, max_orders=MAX_ORDERS, console=Console(file=io.StringIO()))


def _alter(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def _used(path: Path) -> int:
    return len(path.read_bytes().rstrip(b"\0"))


def _files(data: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(data.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()


async def test_a_sound_venue_is_sound_and_is_left_as_it_is(data: Path) -> None:
    before = list(_files(data))
    report = _verify(data)
    assert report["sound"], report
    assert report["findings"] == []
    assert report["journal_commands"] == report["last_sequence"] == report["events_compared"]
    assert report["snapshots"] == 2
    assert list(_files(data)) == before


async def test_a_venue_that_runs_can_be_verified(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        await _work(opened)
        report = _verify(tmp_path)
        assert report["sound"], report
        assert report["state_hash"] == f"{opened.shard.engine.state_hash():016x}"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
async def test_an_altered_journal_is_named_with_segment_and_byte(data: Path, share: float) -> None:
    path = min((data / "journal").iterdir())
    _alter(path, int(_used(path) * share))
    report = _verify(data)
    assert not report["sound"]
    assert report["findings"][0].startswith(f"journal: {path.name} at byte ")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
async def test_an_altered_snapshot_is_named(data: Path, share: float) -> None:
    path = min((data / "snapshots").glob("*.qcs"))
    _alter(path, int(path.stat().st_size * share))
    report = _verify(data)
    assert not report["sound"]
    assert report["findings"][0].startswith("snapshot")
    assert path.name in report["findings"][0]


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
async def test_an_altered_event_log_is_found(data: Path, share: float) -> None:
    """The very last frame may be the rest of an unfinished write; a damage before it may not."""
    path = min((data / "events").iterdir())
    _alter(path, int(path.stat().st_size * share))
    report = _verify(data)
    assert not report["sound"]
    assert report["findings"][0].startswith("event log: ")


async def test_an_event_log_that_is_behind_is_no_fault_for_it_will_be_told_again(data: Path) -> None:
    path = min((data / "events").iterdir())
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    report = _verify(data)
    assert report["sound"], report
    assert 0 < report["events_compared"] < report["last_sequence"]


async def test_an_event_log_of_another_history_is_found(data: Path, tmp_path: Path) -> None:
    async with hall(tmp_path / "other") as opened:
        await _work(opened, 2 * ORDERS)
    shutil.rmtree(data / "events")
    shutil.copytree(tmp_path / "other" / "events", data / "events")
    report = _verify(data)
    assert not report["sound"]
    assert "event log: differs from the replay" in report["findings"][0]


async def test_a_snapshot_of_another_state_or_beyond_the_journal_is_found(data: Path) -> None:
    store = SnapshotStore(data / "snapshots")
    known = store.newest()
    assert known is not None
    last = _verify(data)["last_sequence"]
    store.write(Snapshot(sequence=last, epoch=known.epoch, state_hash=known.state_hash ^ 1, state=known.state))
    store.write(Snapshot(sequence=last + 7, epoch=known.epoch, state_hash=known.state_hash, state=known.state))
    findings = "\n".join(_verify(data)["findings"])
    assert f"snapshot of {last}: its state hash is not the journal's" in findings
    assert f"snapshot of {last + 7}: the journal does not reach it" in findings


def test_where_no_venue_is_one_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidCommand, match="holds no venue"):
        _verify(tmp_path)


async def test_the_report_is_shown_with_its_verdict(data: Path) -> None:
    out = io.StringIO()
    report = _verify(data)
    show_report(report, Console(file=out, width=120))
    assert "sound" in out.getvalue()
    show_report({**report, "sound": False, "findings": ["journal: broken"]}, Console(file=out, width=120))
    assert "NOT SOUND" in out.getvalue()
    assert "journal: broken" in out.getvalue()
