"""An operator changes a setting of a running venue.

Goal: SIGHUP and a new file do what the page says, and nothing that an operator does to the file ends the venue.
Method: the real process with a settings file; its answers, its log and its /metrics.
"""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from quantumcore.app.bench.served import free_port_base
from tests.support.processes import poll

pytestmark = pytest.mark.timeout(120)


class Configured:
    """A venue that was started with --config."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "settings.toml"
        self.log = directory / "venue.log"
        self.port = free_port_base()
        self.write("rate_peer = 500\n")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("QC_") or k.startswith("QC_TEST")}
        arguments = ["run", "--config", str(self.file), "--data-dir", str(directory / "data")]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "quantumcore", *arguments, "--port-base", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
            )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("ready"), self.log.read_text()

    def write(self, text: str) -> None:
        """Put a whole new file in place."""
        scratch = self.file.with_suffix(".new")
        scratch.write_text(text)
        scratch.rename(self.file)

    def hup(self, event: str) -> dict[str, Any]:
        """Send SIGHUP and return the record of what came of it."""
        before = len(self.records(event))
        self.process.send_signal(signal.SIGHUP)
        return poll(lambda: self.records(event)[before:])[0]

    def records(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of the log with this event."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [record for line in lines if (record := json.loads(line))["event"] == event]

    def allowance(self) -> int:
        """Return how often an address without a user may ask in a second."""
        answer = httpx.get(f"http://127.0.0.1:{self.port}/v1/instruments")
        assert answer.status_code == 200
        return int(answer.headers["ratelimit-limit"])

    def metric(self, service: int, line: str) -> float:
        """Return a sample of the /metrics of the service on this offset."""
        text = httpx.get(f"http://127.0.0.1:{self.port + service}/metrics").text
        return next(float(each.rpartition(" ")[2]) for each in text.splitlines() if each.startswith(line + " "))


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configured]:
    """A running venue; afterwards it still ends in order."""
    opened = Configured(tmp_path_factory.mktemp("configured"))
    try:
        yield opened
        opened.process.terminate()
        assert opened.process.wait(20) == 0
    finally:
        opened.process.kill()
        opened.process.wait()
        assert opened.process.stdout is not None
        opened.process.stdout.close()


@pytest.mark.hazard("L6")
def test_a_good_file_counts_for_the_next_request_and_a_bad_one_for_none(venue: Configured) -> None:
    assert venue.allowance() == 500
    venue.write("rate_peer = 700\nlog_level = 'DEBUG'\n")
    assert venue.hup("settings.reloaded")["changed"] == ["log_level", "rate_peer"]
    assert venue.allowance() == 700

    venue.write("rate_peer = 900\nrate_user = 0\n")
    refused = venue.hup("settings.refused")
    assert (refused["key"], refused["file"]) == ("rate_user", str(venue.file))
    assert "greater than or equal to 1" in refused["reason"]
    assert venue.allowance() == 700

    venue.write("rate_peer = 900\nmax_orders = 1024\n")
    refused = venue.hup("settings.refused")
    assert refused["key"] == "max_orders"
    assert "restart" in refused["reason"]
    assert venue.allowance() == 700

    for service in (3, 8):
        assert venue.metric(service, 'qc_settings_reloads_total{outcome="refused"}') >= 2
        assert venue.metric(service, 'qc_settings_reloads_total{outcome="taken"}') >= 1


def test_a_file_that_changed_is_taken_over_without_a_signal(venue: Configured) -> None:
    venue.write("rate_peer = 801\n")
    poll(lambda: venue.allowance() == 801)


def test_a_hundred_signals_at_once_end_nothing(venue: Configured) -> None:
    venue.write("rate_peer = 802\n")
    for _ in range(100):
        venue.process.send_signal(signal.SIGHUP)
    poll(lambda: venue.allowance() == 802)
    assert venue.process.poll() is None


def test_a_venue_whose_terminal_closes_ends_in_order(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    leader = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from quantumcore.app.cli import main; main()"
    arguments = ["run", "--data-dir", str(tmp_path), "--port-base", str(free_port_base())]
    process = subprocess.Popen(
        [sys.executable, "-c", leader, *arguments],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")
    os.close(ours)
    try:
        _, told = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "stopping" in told
