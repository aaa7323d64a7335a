"""From a command line to a served venue: settings first, then the annex, and only then whatever takes long to import."""

import sys

from quantumcore.app.annex.spawn import spawn
from quantumcore.app.reload import Reloader
from quantumcore.app.settings import Source
from quantumcore.contracts.errors import QuantumCoreError


def start(source: Source, began: float) -> int:
    """Serve until a signal; return the exit code.

    Args:
        source: Where the settings come from.
        began: Monotonic time from which the ready line counts.
    """
    try:
        reloader = Reloader(source)
        settings = reloader.live.current
        spawned = spawn(settings.data_dir, settings.log_level) if settings.annex else None
        from quantumcore.app.run import run  # while the annex imports its own

        return run(reloader, began, spawned)
    except QuantumCoreError as error:
        print(f"quantumcore: {error.detail} ({error.code})", file=sys.stderr)
        return 1
