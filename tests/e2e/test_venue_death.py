"""A venue that is killed, stopped or damaged: what is found again, and what is named.

Goal: the death of the process loses nothing, and no altered byte goes unnoticed.
Method: each test has a real venue of its own, or a copy of the data of one that has traded.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.processes import ADMIN, Trader, Venue, command, picture

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("venue")]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Venue, Trader]]:
    """A venue of the test's own with an admin."""
    venue = Venue(tmp_path / "data")
    try:
        made = venue.begin()
        venue.start()
        yield venue, venue.log_in(ADMIN, made["account_id"])
    finally:
        venue.close()


def _trade(venue: Venue, admin: Trader) -> tuple[Trader, Trader]:
    ann, bob = venue.register("ann"), venue.register("bob")
    for trader in (ann, bob):
        venue.fund(admin, trader, USD="1000000.00", BTC="10")
    last = 0
    for n in range(10):
        ann.submit("buy", "0.5", f"{64000 - n}.00")
        last = bob.submit("sell", "0.2", f"{64000 - n}.00")["sequence"]
    ann.wait_for(last)
    return ann, bob


def test_after_kill_9_and_a_restart_everything_is_found_again(own: tuple[Venue, Trader]) -> None:
    venue, admin = own
    ann, bob = _trade(venue, admin)
    with ann.stream() as stream:
        stream.subscribe(name="orders", from_seq=0)
        before_death = [stream.next("orders") for _ in range(20)]
    before, engine = picture(admin, (ann, bob)), admin.get("/v1/admin/engine").json()
    venue.kill()
    venue.start()
    assert picture(admin, (ann, bob)) == before
    assert admin.get("/v1/admin/engine").json()["state_hash"] == engine["state_hash"]
    with ann.stream() as stream:
        stream.subscribe(name="orders", from_seq=before_death[9]["seq"])
        assert [stream.next("orders") for _ in range(10)] == before_death[10:]
        taken = bob.submit("sell", "0.1", "63990.00")
        assert taken["status"] == "filled"
        live = stream.next("orders")
        assert (live["seq"], live["prev_seq"]) == (taken["sequence"], before_death[-1]["seq"])
    report = json.loads(venue.cli("verify", "--json").stdout)
    assert report["sound"], report


def test_sigterm_ends_with_0_and_the_next_start_continues(own: tuple[Venue, Trader]) -> None:
    venue, admin = own
    ann, bob = _trade(venue, admin)
    before = picture(admin, (ann, bob))
    assert venue.stop() == 0
    told = json.loads(venue.cli("status", "--json").stdout)  # opens the venue for one question
    assert told["open_orders"] == 6
    assert "Traceback" not in venue.log()
    venue.start()
    assert picture(admin, (ann, bob)) == before
    assert venue.stop() == 0


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a venue that has traded, with a snapshot in the middle of its journal, stopped in order."""
    venue = Venue(tmp_path_factory.mktemp("closed") / "data")
    try:
        venue.begin()
        venue.start()
        admin = venue.log_in(ADMIN)
        _trade(venue, admin)
        assert venue.cli("snapshot").returncode == 0
        _trade(venue, admin)
        assert venue.stop() == 0
    finally:
        venue.close()
    return venue.data_dir


def _middle_of(glob: str) -> Callable[[Path], tuple[Path, int]]:
    """Which byte to alter: one in the middle of what is used of the first file."""

    def pick(data: Path) -> tuple[Path, int]:
        path = min(data.glob(glob))
        return path, len(path.read_bytes().rstrip(b"\0")) // 2

    return pick


def test_an_untouched_venue_verifies(closed: Path, tmp_path: Path) -> None:
    data = shutil.copytree(closed, tmp_path / "data")
    done = command("verify", "--data-dir", str(data))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sound" in done.stdout
    assert "NOT SOUND" not in done.stdout


@pytest.mark.parametrize(
    ("what", "pick"),
    [
        ("journal", _middle_of("journal/*")),
        ("snapshot", _middle_of("snapshots/*")),
        ("event log", _middle_of("events/*")),
    ],
    ids=["journal", "snapshot", "event log"],
)
def test_one_altered_byte_is_found_and_named(
    closed: Path, tmp_path: Path, what: str, pick: Callable[[Path], tuple[Path, int]]
) -> None:
    data = shutil.copytree(closed, tmp_path / "data")
    path, at = pick(data)
    content = bytearray(path.read_bytes())
    content[at] ^= 0x01
    path.write_bytes(content)
    done = command("verify", "--data-dir", str(data))
    assert done.returncode == 1
    assert "NOT SOUND" in done.stdout
    assert what in done.stdout.lower().split("not sound")[1]
    report = json.loads(command("verify", "--data-dir", str(data), "--json").stdout)
    assert not report["sound"]
    assert report["findings"][0].startswith(what), report["findings"]


def test_one_altered_entry_of_the_ledger_is_found_and_named(closed: Path, tmp_path: Path) -> None:
    """Whoever can write into the database changes an amount; in the day that is open, too."""
    data = shutil.copytree(closed, tmp_path / "data")
    database = sqlite3.connect(data / "quantumcore_ledger.sqlite")
    (sequence, index, leg) = database.execute(
        "SELECT sequence, event_index, leg FROM entries LIMIT 1 OFFSET 5"
    ).fetchone()
    where = "sequence = ? AND event_index = ? AND leg = ?"
    database.execute(f"UPDATE entries SET amount = amount + 1 WHERE {where}", (sequence, index, leg))
    database.commit()
    database.close()
    done = command("verify", "--data-dir", str(data), "--json")
    assert done.returncode == 1
    name = f"audit: record altered: record 6 at {sequence}.{index}.{leg}:"
    assert any(each.startswith(name) for each in json.loads(done.stdout)["findings"]), done.stdout
