"""The key that signs the audit's roots is nobody else's.

Goal: it is in no log, no command line of a process, no answer and no file but its own, which its owner alone may read; the
annex, which signs, has the key that the house was given.
Method: two real venues, one with a planted key in its environment, one that makes its own; logging at DEBUG.
"""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from quantumcore.app.audit_key import KEY_FILE
from quantumcore.services.ledger.audit.roots import Signer
from tests.support.processes import ADMIN, Venue

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("venue")]
PLANTED = "5e" * 31 + "07"


@pytest.fixture(params=[PLANTED, ""], ids=["given", "made"])
def given(request: pytest.FixtureRequest) -> str:
    """The key that the venue is given; none when it is to make its own."""
    found: str = request.param
    return found


@pytest.fixture
def venue(tmp_path: Path, given: str) -> Iterator[Venue]:
    environment = {"QC_LOG_LEVEL": "DEBUG", **({"QC_AUDIT_KEY": given} if given else {})}
    opened = Venue(tmp_path / "data", environment)
    try:
        opened.make_admin()  # without the environment: for that moment the venue makes a key of its own
        yield opened.start()
    finally:
        opened.close()


def command_lines(venue: Venue) -> str:
    """Return the command lines of the house and of its annex."""
    assert venue.process is not None
    pid = venue.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) == 1, "the annex"
    return "".join(Path(f"/proc/{each}/cmdline").read_text() for each in (str(pid), *children))


def test_the_audit_key_is_said_nowhere(venue: Venue, given: str) -> None:
    file = venue.data_dir / KEY_FILE
    key = given or file.read_text().strip()
    admin = venue.log_in(ADMIN)
    roots = admin.get("/v1/admin/audit/roots")
    assert roots.json()["public_key"] == Signer(bytes.fromhex(key)).public_key
    said = command_lines(venue) + roots.text + venue.http.get("/metrics").text
    assert venue.stop() == 0
    said += venue.log()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for path in venue.data_dir.rglob("*"):
        if path.is_file() and path != file:
            content = path.read_bytes()
            assert bytes.fromhex(key) not in content, path
            assert key.encode() not in content, path
    assert key not in said
    assert str(bytes.fromhex(key)) not in said
    assert (venue.data_dir / "audit" / "public_key").read_text().strip() == Signer(bytes.fromhex(key)).public_key
