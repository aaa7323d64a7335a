"""What README.md shows is what happens.

Goal: a newcomer who pastes the five minutes sees no error, and the figures in the text are right.
Method: a real venue in a temporary directory; the `sh` blocks run in one shell, in their order.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from quantumcore.app.bench.served import free_port_base

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
DRAIN_SECONDS = 20
FOLLOWED = r"""
shows() { [[ $(TOKEN=$ANN_TOKEN; get "$1") == *"$2"* ]]; }
for tries in $(seq 300); do
  if shows /orders/client:ann-1 partially_filled && shows "/accounts/$ANN/balances" 19219.20; then break; fi
  sleep 0.1
done
"""


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[int]:
    """A venue whose data lies in `tmp_path`/data, as it would below a checkout; its port base."""
    binaries = tmp_path / ".venv/bin"
    binaries.mkdir(parents=True)
    where = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)
    (binaries / "quantumcore").write_text(
        f'#!/bin/sh\nPYTHONPATH="{where}" exec {sys.executable} -m quantumcore "$@"\n'
    )
    (binaries / "quantumcore").chmod(0o755)
    base = free_port_base()
    command = [".venv/bin/quantumcore", "run", "--port-base", str(base)]
    with (
        (tmp_path / "venue.log").open("w") as log,
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert re.match(r"ready gateway=http://127\.0\.0\.1:\d+ mode=embedded pid=\d+ in [\d.]+s", ready), (
                ready + (tmp_path / "venue.log").read_text()
            )
            yield base
            process.send_signal(signal.SIGTERM)
            assert process.wait(DRAIN_SECONDS) == 0
        finally:
            process.kill()


@pytest.mark.timeout(START_SECONDS + DRAIN_SECONDS + 60)
@pytest.mark.skipif(
    shutil.which("curl") is None,
    reason="curl is not installed, and the README is told with it; what it asks is asked in tests/e2e/test_venue.py too",
)
def test_the_five_minutes_with_curl(venue: int, tmp_path: Path) -> None:
    blocks = re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert len(blocks) == 5
    # A person takes a moment before he looks; views follow what others did within milliseconds.
    script = "\necho\n".join(["set -eu", *blocks[:-1], FOLLOWED, blocks[-1]]).replace(":8000", f":{venue}")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "venue.log").read_text()
    answers = _objects(done.stdout)
    book = next(each for each in answers if "bids" in each)
    order = [each for each in answers if each.get("client_order_id") == "ann-1"][-1]
    balances = {each["currency"]: each for each in answers[-1]["balances"]}
    assert [Decimal(each) for each in book["bids"][0][:2]] == [Decimal(64_000), Decimal("0.3")]
    assert (order["status"], Decimal(order["filled"])) == ("partially_filled", Decimal("0.2"))
    assert Decimal(balances["BTC"]["total"]) == Decimal("0.2")
    assert Decimal(balances["USD"]["total"]) == Decimal(100_000) - Decimal(12_800) - Decimal("6.40")
    assert Decimal(balances["USD"]["held"]) == Decimal("19219.20")


def _objects(text: str) -> list[dict]:
    """Return the JSON objects that stand in `text`, whatever stands between them."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := text.find("{", at)) >= 0:
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def test_the_program_of_the_readme_runs_and_says_what_its_comments_say(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    exec(compile(program, "README.md", "exec"), {})
    status, balances = capsys.readouterr().out.splitlines()
    assert status == "filled"
    assert json.loads(balances.replace("'", '"').replace("(", "[").replace(")", "]")) == {
        "USD": ["7999.00", "0.00"],
        "BTC": ["0.10000000", "0.00000000"],
    }
