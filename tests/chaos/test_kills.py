"""A venue that dies at any moment, or loses what it can make again, comes back as it was.

Goal: nothing that was accepted is lost, nothing fills twice, money sums to what was deposited, and the state is what the
journal says.
Method: several clients write over HTTP and remember every answer; the process is killed or stopped, files are cut or
removed, the file system refuses to grow; afterwards the clients ask again with the same ids and all books are compared.
`make kills` does the first of these with 20 kills.
"""

import json
import resource
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.kills import Scene, ask_again, audit, is_well, load, scene, torture, verify
from tests.support.processes import picture

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("kills")]
LOAD_S = 0.7
GRACE_S = 15.0


@pytest.fixture
def played(tmp_path: Path, seed: int) -> Iterator[Scene]:
    """A venue with four writers."""
    made = scene(tmp_path / "data", seed, writers=4)
    yield made
    made.venue.close()


def _assert_well(played: Scene) -> None:
    figures = audit(played) | verify(played) | {"exit": played.venue.stop()}
    assert is_well(figures), figures


def test_three_kills_under_load_lose_nothing_and_fill_nothing_twice(tmp_path: Path, seed: int) -> None:
    figures = torture(tmp_path / "data", kills=3, seed=seed)
    assert figures["orders"] > 50
    assert is_well(figures), figures


@pytest.mark.parametrize("cut", ["the tail", "all"])
def test_an_event_log_that_lost_its_end_is_written_anew_from_the_journal(played: Scene, cut: str) -> None:
    """As after a kill between the journal's sync and the event log's write; with `all`, older than every snapshot."""
    load(played, LOAD_S, None)
    assert played.venue.cli("snapshot").returncode == 0
    load(played, LOAD_S, signal.SIGKILL)
    played.venue.kill()
    segments = sorted((played.venue.data_dir / "events").iterdir())
    if cut == "all":
        for segment in segments:
            segment.unlink()
    else:
        size = segments[-1].stat().st_size
        with segments[-1].open("r+b") as file:
            file.truncate(size - size // 3)
    played.venue.start()
    played.log_in()
    assert ask_again(played, [0] * 4)[0] == 0
    _assert_well(played)


def test_projections_that_lost_their_databases_answer_the_same_again(played: Scene) -> None:
    load(played, LOAD_S, None)
    traders = tuple(writer.trader for writer in played.writers)
    sequence = played.admin.get("/v1/admin/engine").json()["sequence"]
    for trader in traders:
        trader.wait_for(sequence)
    before = picture(played.admin, traders)
    played.venue.kill()
    gone = [
        path
        for name in ("orders", "market", "ledger", "positions")
        for path in played.venue.data_dir.glob(f"*_{name}.sqlite*")
    ]
    assert len(gone) >= 4
    for path in gone:
        path.unlink()
    played.venue.start()
    played.log_in()
    after = picture(played.admin, traders)
    assert after == before
    _assert_well(played)


@pytest.mark.hazard("L4")
def test_sigterm_under_load_answers_what_was_accepted_tells_sockets_and_ends_with_0(played: Scene) -> None:
    """At over 200 requests/s: no order in the venue whose client was not told, close code 1001, exit 0 within 15 s."""
    codes: list[int] = []
    venue = played.venue
    with played.writers[0].trader.stream() as stream:
        stream.subscribe(name="orders")

        def listen() -> None:
            try:
                while True:
                    stream.socket.recv()
            except ConnectionClosed as closed:
                codes.append(closed.rcvd.code if closed.rcvd else 0)

        listener = threading.Thread(target=listen)
        listener.start()
        load(played, LOAD_S, signal.SIGTERM)
        began = time.monotonic()
        assert venue.process is not None
        code = venue.process.wait(GRACE_S)
        listener.join(GRACE_S)
    assert time.monotonic() - began < GRACE_S
    assert codes == [1001]
    assert code == 0, venue.log()[-2000:]
    assert "Traceback" not in venue.log()
    venue.kill()
    venue.start()
    played.log_in()
    assert audit(played)["orders_nobody_was_told_of"] == 0
    assert ask_again(played, [0] * 4)[0] == 0
    _assert_well(played)


def test_verify_beside_a_venue_under_load_finds_nothing(played: Scene) -> None:
    """Journal, event log and snapshots grow while they are read; whatever is half there is no damage."""
    writing = threading.Thread(target=load, args=(played, 8 * LOAD_S, None))
    writing.start()
    reports = []
    while writing.is_alive():
        snapshot = played.venue.http.post("/v1/admin/snapshot", headers=played.admin.headers)
        assert snapshot.status_code == 204
        reports.append(json.loads(played.venue.cli("verify", "--json").stdout))
    writing.join()
    assert [report["findings"] for report in reports] == [[]] * len(reports)
    _assert_well(played)


def test_a_disk_that_is_full_refuses_answers_nothing_wrong_and_goes_on_when_there_is_space(played: Scene) -> None:
    """Files may grow by 32 KiB more (a limit of the process stands for the full disk), then freely again."""
    load(played, LOAD_S, None)
    venue = played.venue
    assert venue.process is not None
    pid = venue.process.pid
    limit = max(path.stat().st_size for path in (venue.data_dir / "events").iterdir()) + (32 << 10)
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, before[1]))
    deadline = time.monotonic() + 60
    while not any(writer.refused for writer in played.writers):
        assert time.monotonic() < deadline, "nothing was refused"
        load(played, LOAD_S, None)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    refused = {code for writer in played.writers for code in writer.refused}
    assert refused <= {"event_log.full", "journal.full", "halted", "outcome.unknown"}, refused
    heard = sum(len(writer.heard) for writer in played.writers)
    load(played, LOAD_S, None)
    assert sum(len(writer.heard) for writer in played.writers) > heard, "it did not go on"
    assert ask_again(played, [0] * 4)[0] == 0
    _assert_well(played)
