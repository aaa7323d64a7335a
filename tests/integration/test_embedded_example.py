"""The engine serves a program without Python, as examples/embedded.cpp shows.

Goal: who reads the example can build it and gets what it says, also in the thread that reads the engine's feed.
Method: build it as its head says, in a directory of its own; run it briefly, twice. What `make setup` has compiled of the
core with the same flags from the same sources, ninja does not compile again.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORDERS = 20_000
OBJECTS = Path("CMakeFiles/qc_core.dir")


@pytest.mark.timeout(600)
def test_the_example_builds_trades_and_ends_in_the_same_state(tmp_path: Path) -> None:
    scripts = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    cmake, ninja = shutil.which("cmake", path=scripts), shutil.which("ninja", path=scripts)
    if cmake is None or ninja is None:
        pytest.skip("cmake or ninja is missing")
    if os.environ.get("CXX") is None and not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        pytest.skip("no C++ compiler is here")
    environment = os.environ | {"PATH": scripts} | _compiled_by_setup(tmp_path)
    configure = [cmake, "-S", str(ROOT), "-B", str(tmp_path), "-G", "Ninja", "-DQC_PYTHON=OFF", "-DQC_EXAMPLES=ON"]
    for command in (configure, [cmake, "--build", str(tmp_path), "--target", "embedded"]):
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    said = [
        subprocess.run([str(tmp_path / "embedded"), str(ORDERS)], check=False, capture_output=True, text=True)
        for _ in range(2)
    ]
    found = [
        re.fullmatch(
            r"(\d+) orders, (\d+) trades, (\d+) orders/s, state ([0-9a-f]{16})\n"
            r"the reader: (\d+) events of (\d+) seen, (\d+) missed; bid 9900 x 5, ask 10100 x 7\n",
            s.stdout,
        )
        for s in said
    ]
    assert all(s.returncode == 0 for s in said), said
    assert all(f is not None and int(f[1]) == ORDERS and int(f[2]) == ORDERS // 2 and int(f[3]) > 0 for f in found)
    assert found[0][4] == found[1][4]
    # An acceptance of each order and a print of each trade at least; what was not seen is told.
    assert all(int(f[5]) > 0 and int(f[5]) + int(f[7]) == int(f[6]) >= ORDERS * 3 // 2 for f in found)


def _compiled_by_setup(folder: Path) -> dict[str, str]:
    """Begin a build in `folder` with setup's objects and ninja's record of how each was made; return the compiler that made them."""
    for mark in ROOT.glob("build/*/.skbuild-info.json"):
        compiler = re.search(
            r"^CMAKE_CXX_COMPILER:\w+=(.+)$", (mark.parent / "CMakeCache.txt").read_text(), re.MULTILINE
        )
        shutil.copytree(mark.parent / OBJECTS, folder / OBJECTS)
        for name in (".ninja_log", ".ninja_deps"):
            shutil.copy2(mark.parent / name, folder)
        return {"CXX": compiler[1]} if compiler else {}
    return {}
