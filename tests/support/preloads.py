"""Run one of our modules in a process of its own with a small C library loaded before everything else."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SUPPORT = Path(__file__).resolve().parent


def run(directory: Path, library: str, module: str, *arguments: object, **environment: str) -> dict[str, Any]:
    """Compile tests/support/<library>.c into `directory`, run tests.support.<module>, and return the JSON it prints."""
    built = directory / f"{library}.so"
    if not built.exists():
        build = ["cc", "-O1", "-shared", "-fPIC", "-fno-builtin", "-o", str(built), str(SUPPORT / f"{library}.c")]
        subprocess.run(build, check=True, timeout=60)
    done = subprocess.run(
        [sys.executable, "-m", f"tests.support.{module}", *map(str, arguments)],
        env=os.environ | {"LD_PRELOAD": str(built)} | environment,
        cwd=SUPPORT.parents[1],
        check=False,
        capture_output=True,
        text=True,
        timeout=55,
    )
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-3000:]}"
    told: dict[str, Any] = json.loads(done.stdout)
    return told
