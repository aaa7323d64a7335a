"""What a start waits for.

Goal: the house imports only what it runs: the rooms of its annex are read by the annex, at the same time. The annex is told its
settings, so it does not import what reads them.
Method: a process of its own that imports what `quantumcore run` imports, or what its annex does.
"""

import subprocess
import sys

from quantumcore.app.read_side import FOLLOWING

LOOK = "import sys, {}; print(*(name for name in sys.modules))"


def imported_by(module: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK.format(module)], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.split()


def test_the_house_does_not_import_the_rooms_of_its_annex() -> None:
    imported = imported_by("quantumcore.app.run")
    assert "quantumcore.services.gateway.service" in imported
    rooms = [f"quantumcore.services.{name}.{part}" for name in FOLLOWING for part in ("service", "history")]
    assert [name for name in rooms if name in imported] == []


def test_the_annex_does_not_import_what_reads_settings() -> None:
    imported = imported_by("quantumcore.app.annex.rooms")
    assert "quantumcore.services.ledger.service" in imported
    assert [name for name in ("pydantic", "pydantic_settings", "quantumcore.app.settings") if name in imported] == []
