"""How a venue ends: asked, asked twice, asked too early, or by a defect of its own.

Goal: exit 0 within 15 s when asked; never a defect without a record and a non-zero exit; what was written stays sound.
Method: the real process; slow clients, early and repeated signals, and errors put into it from outside.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from quantumcore.app.bench.served import free_port_base
from quantumcore.app.last_resort import EXIT_DEFECT
from tests.support.processes import Venue, command, poll

pytestmark = pytest.mark.timeout(120)
GRACE_S = 15.0
START = """
import threading, time
from quantumcore.app import cli, run
opened = run.Running.open_ports
def fail():
    raise RuntimeError("nobody thought of this")
async def open_ports(self):
    await opened(self)
    threading.Thread(target=fail, name="stray").start()
run.Running.open_ports = open_ports
cli.main()
"""


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    opened = Venue(tmp_path / "data")
    opened.start()
    yield opened
    opened.close()


def _slow_client(venue: Venue) -> socket.socket:
    """A client that promised a body and sends only half of it."""
    client = socket.create_connection(("127.0.0.1", venue.port))
    head = "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    client.sendall(head.encode())
    poll(lambda: venue.http.get("/health").status_code == 200)
    return client


@pytest.mark.hazard("L4")
def test_a_client_that_never_finishes_does_not_keep_the_venue_from_ending_in_order(venue: Venue) -> None:
    with _slow_client(venue):
        began = time.monotonic()
        assert venue.stop() == 0, venue.log()[-2000:]
        assert time.monotonic() - began < GRACE_S


def test_who_asks_twice_does_not_wait(venue: Venue) -> None:
    assert venue.process is not None
    with _slow_client(venue):
        venue.process.send_signal(signal.SIGTERM)
        poll(lambda: "stopping" in venue.log())
        venue.process.send_signal(signal.SIGTERM)
        assert venue.process.wait(5) == 1
    assert json.loads(venue.cli("verify", "--json").stdout)["sound"]


def test_a_signal_before_it_is_ready_ends_it_too(tmp_path: Path) -> None:
    arguments = ["run", "--data-dir", str(tmp_path), "--port-base", str(free_port_base())]
    with subprocess.Popen(
        [sys.executable, "-m", "quantumcore", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        poll(lambda: (tmp_path / "venue.lock").exists())
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "ready" not in out or "stopping" in err


@pytest.mark.hazard("C8")
def test_a_crash_shows_every_stack_and_loses_nothing_that_was_recorded(venue: Venue) -> None:
    assert venue.process is not None
    venue.make_admin()
    venue.process.send_signal(signal.SIGSEGV)
    assert venue.process.wait(30) == -signal.SIGSEGV
    log = venue.log()
    assert log.count("Fatal Python error: Segmentation fault") == 1
    assert "engine_thread.py" in log  # the stacks of all threads
    venue.kill()
    assert json.loads(venue.cli("verify", "--json").stdout)["sound"]
    venue.start()
    venue.log_in("admin@example.com")
    assert venue.stop() == 0


@pytest.mark.hazard("C8")
def test_an_error_that_nobody_caught_ends_the_venue_in_order_and_with_a_record(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, "run", "--data-dir", str(tmp_path), "--port-base", str(free_port_base())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ,
    )
    assert done.stdout.startswith("ready ")
    assert done.returncode == EXIT_DEFECT
    records = [json.loads(line) for line in done.stderr.splitlines() if "nobody thought of this" in line]
    assert len(records) == 1
    assert records[0]["level"] == "critical"
    assert "in fail" in records[0]["stack"]
    assert command("verify", "--data-dir", str(tmp_path)).returncode == 0
