"""What a start waits for.

Goal: the house imports only what it runs: the rooms of its annex are read by the annex, at the same time.
Method: a process of its own that imports what `quantumcore run` imports.
"""

import subprocess
import sys

from quantumcore.app.read_side import FOLLOWING

LOOK = "import sys, quantumcore.app.run; print(*(name for name in sys.modules if name.startswith('quantumcore.services.')))"


def test_the_house_does_not_import_the_rooms_of_its_annex() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, timeout=60)
    imported = done.stdout.split()
    assert "quantumcore.services.gateway.service" in imported
    rooms = [f"quantumcore.services.{name}.{part}" for name in FOLLOWING for part in ("service", "history")]
    assert [name for name in rooms if name in imported] == []
