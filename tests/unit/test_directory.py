"""One process per data directory.

Goal: who comes second touches nothing, not even the half-written end of the first one's event log.
Method: hold the lock here and build a house there; locks of one process exclude each other too.
"""

from pathlib import Path

import pytest

from quantumcore.app.compose import build
from quantumcore.app.directory import DirectoryLock
from quantumcore.app.settings import load_settings
from quantumcore.contracts.errors import Corrupted, InvalidCommand, Unavailable
from tests.support.shards import hall, order


def test_a_directory_is_held_by_one_until_he_lets_go(tmp_path: Path) -> None:
    first = DirectoryLock(tmp_path / "new")
    with pytest.raises(Unavailable, match=r"journal\.locked"):
        DirectoryLock(tmp_path / "new")
    first.release()
    first.release()
    DirectoryLock(tmp_path / "new").release()


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_who_comes_second_leaves_a_write_that_is_under_way_alone(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        await opened.submit(order(1))
    (log,) = (tmp_path / "events").iterdir()
    with log.open("ab") as file:
        file.write(b"\x01" * 13)  # the running venue is about to write the rest
    lock = DirectoryLock(tmp_path)
    before = _contents(tmp_path)
    with pytest.raises(Unavailable, match=r"journal\.locked"):
        await build(load_settings(data_dir=tmp_path, jwt_secret="x" * 64, key_encryption_key="y" * 64))
    lock.release()
    assert _contents(tmp_path) == before


async def test_a_house_that_cannot_be_built_lets_go_of_the_directory(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, instruments=tmp_path / "nowhere.toml")
    with pytest.raises(InvalidCommand):
        await build(settings)
    DirectoryLock(tmp_path).release()


async def test_a_damaged_event_log_names_its_cure(tmp_path: Path) -> None:
    async with hall(tmp_path) as opened:
        for _ in range(20):
            await opened.submit(order(1))
    (log,) = (tmp_path / "events").iterdir()
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 1
    log.write_bytes(content)
    with pytest.raises(Corrupted, match="the journal can write it anew"):
        await build(load_settings(data_dir=tmp_path))
