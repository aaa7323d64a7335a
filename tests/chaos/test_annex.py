"""The process of the following rooms dies, hangs or starts late; orders are answered meanwhile, and nothing is lost.

Goal: what shows the venue can fail alone: it never takes the order path with it, it is said at once, it mends itself, and
neither process outlives the other's order to end.
Method: a real venue; its one child process is killed, frozen and thawed while clients write and a private stream listens.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from quantumcore.app.annex.rooms import LOCK
from quantumcore.app.directory import DirectoryLock
from tests.support.kills import Scene, ask_again, audit, is_well, load, scene, verify
from tests.support.processes import Stream, Venue, poll

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("annex")]
SAID_WITHIN_S = 1.0
GONE_WITHIN_S = 5.0
SAYING = {"gateway", "ledger", "orders", "market", "positions"}
TRY_AGAIN = 1013
RESUMES_MAX = 50  # a room that is not back yet closes the stream again


@pytest.fixture
def played(tmp_path: Path, seed: int) -> Iterator[Scene]:
    """A venue with three writers."""
    made = scene(tmp_path / "data", seed, writers=3)
    yield made
    made.venue.close()


def children_of(venue: Venue) -> list[int]:
    """Return the processes that the venue has started."""
    assert venue.process is not None
    pid = venue.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def annex_of(venue: Venue) -> int:
    """Return the process of the following rooms."""
    (annex,) = children_of(venue)
    return annex


def is_back(venue: Venue, killed: int) -> bool:
    """Tell whether another annex runs and everything answers; right after its death nobody knows of it yet."""
    children = children_of(venue)
    return len(children) == 1 and children != [killed] and reasons(venue, "gateway") == []


def reasons(venue: Venue, service: str) -> list[str]:
    """Return why a port says it is not ready."""
    answer = httpx.get(f"{venue.on_port(service)}/ready").json()
    said: list[str] = answer["reasons"]
    return said


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def assert_well(played: Scene) -> None:
    figures = audit(played) | verify(played) | {"exit": played.venue.stop()}
    assert is_well(figures), figures


def test_an_annex_that_is_killed_stops_no_order_and_comes_back_with_everything(played: Scene) -> None:
    venue = played.venue
    heard: list[int] = []
    for _ in range(3):
        before = annex_of(venue)
        writing = threading.Thread(target=load, args=(played, 2.0, None))
        writing.start()
        time.sleep(0.4)
        os.kill(before, signal.SIGKILL)
        at = time.monotonic()
        accepted = sum(len(writer.heard) for writer in played.writers)
        said: set[str] = set()
        while said != SAYING and time.monotonic() - at < SAID_WITHIN_S:
            said |= {service for service in SAYING if reasons(venue, service)}
        assert said == SAYING
        assert reasons(venue, "matching") == []
        poll(partial(is_back, venue, before))
        writing.join()
        heard.append(sum(len(writer.heard) for writer in played.writers) - accepted)
    assert min(heard) > 20, heard
    assert ask_again(played, [0] * 3)[0] == 0
    assert_well(played)


def test_a_private_stream_misses_nothing_when_the_annex_dies(played: Scene) -> None:
    """Every change of the listener's orders arrives once, in order, although some happened while nobody followed.

    A stream that cannot be kept whole is closed with 1013, and the client resumes where he was.
    """
    venue, trader = played.venue, played.writers[0].trader
    ids: list[str] = []
    told: list[tuple[str, str]] = []
    reached = 0

    def submit(numbers: range) -> None:
        killed = 0
        for number in numbers:
            if number in (8, 20):
                killed = annex_of(venue)
                os.kill(killed, signal.SIGKILL)
            if number in (14, 26):
                poll(partial(is_back, venue, killed))
            ids.append(trader.submit("buy", "0.001", f"{100 + number}.00")["order_id"])

    with trader.stream() as stream:
        reached = stream.subscribe(name="orders")["seq"]
        submit(range(30))
        reached = _follow_until_closed(stream, len(ids), reached, told)
    for _ in range(RESUMES_MAX):
        if len(told) == len(ids):
            break
        with trader.stream() as stream:
            stream.subscribe(name="orders", from_seq=reached)
            reached = _follow_until_closed(stream, len(ids), reached, told)
    assert told == [(order_id, "accepted") for order_id in ids]
    assert venue.stop() == 0


def _follow_until_closed(stream: Stream, updates: int, reached: int, told: list[tuple[str, str]]) -> int:
    """Follow until `updates` are told, or until the stream says that one has to try again; return where it stands."""
    code = TRY_AGAIN
    try:
        while len(told) < updates:
            reached = _follow(stream.next("orders"), reached, told)
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else 0
    assert code == TRY_AGAIN
    return reached


def _follow(message: dict[str, Any], reached: int, told: list[tuple[str, str]]) -> int:
    assert message["prev_seq"] == reached
    told += [(item["order"]["order_id"], item["kind"]) for item in message["updates"]]
    seq: int = message["seq"]
    return seq


def test_an_annex_that_hangs_is_said_and_orders_and_cancels_are_answered_meanwhile(played: Scene) -> None:
    venue, trader = played.venue, played.writers[0].trader
    first = trader.submit("buy", "0.1", "20000.00")
    pid = annex_of(venue)
    os.kill(pid, signal.SIGSTOP)
    try:
        placed = trader.submit("buy", "0.1", "20001.00")
        assert placed["status"] == "new"
        cancelled = trader.delete(f"/v1/orders/{first['order_id']}").json()
        assert (cancelled["order_id"], cancelled["status"]) == (first["order_id"], "cancelled")
        poll(lambda: any("has said nothing" in reason for reason in reasons(venue, "gateway")))
        sold = played.writers[1].trader.submit("sell", "0.1", "20001.00")
        assert sold["status"] == "filled"
    finally:
        os.kill(pid, signal.SIGCONT)
    poll(lambda: reasons(venue, "gateway") == [])
    assert annex_of(venue) == pid
    assert trader.get(f"/v1/orders/{placed['order_id']}").json()["status"] == "filled"
    assert played.admin.ask("ledger", "Reconcile").json()["differences"] == []
    assert venue.stop() == 0


def test_an_annex_ends_with_its_house(played: Scene) -> None:
    """Killed with it within seconds; in order after a SIGTERM that reaches both, as a terminal or a service manager sends it."""
    venue = played.venue
    pid = annex_of(venue)
    venue.kill()
    poll(lambda: is_gone(pid), GONE_WITHIN_S)
    venue.start()
    pid = annex_of(venue)
    assert venue.process is not None
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGINT)
    assert venue.stop() == 0
    assert is_gone(pid)
    assert "did not end well" not in venue.log()


def test_an_annex_waits_for_one_that_is_still_ending(tmp_path: Path) -> None:
    venue = Venue(tmp_path)
    lock = DirectoryLock(tmp_path, LOCK)
    released = time.monotonic() + 2.0
    threading.Timer(2.0, lock.release).start()
    try:
        venue.start()
        assert time.monotonic() >= released
        assert reasons(venue, "gateway") == []
    finally:
        venue.close()


def test_a_house_without_an_annex_does_the_same_in_one_process(tmp_path: Path, seed: int) -> None:
    os.environ["QC_ANNEX"] = "false"
    try:
        played = scene(tmp_path / "data", seed, writers=2)
        assert played.venue.process is not None
        pid = played.venue.process.pid
        assert Path(f"/proc/{pid}/task/{pid}/children").read_text() == ""
        load(played, 2.0, None)
        assert_well(played)
    finally:
        del os.environ["QC_ANNEX"]
        played.venue.close()
