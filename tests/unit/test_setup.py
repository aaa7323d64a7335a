"""A machine that lacks something is told what, and how to get it, in one sentence.

Goal: `make run` on a machine without Python 3.11 or without a compiler says the cure and leaves nothing behind.
Method: the real script with a PATH that holds only what the case allows.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "tools" / "setup.sh"
BASICS = ("sh", "dirname", "mktemp", "rm", "cat", "grep", "touch")
OLD_PYTHON = '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n'
OLD_COMPILER = '#!/bin/sh\n[ "$1" = -dumpversion ] && echo 7 && exit 0\nexit 1\n'


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout's `tools` and a `bin` with the basics of a system."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(SETUP, tmp_path / "tools")
    (tmp_path / "requirements.lock").write_text("")
    for name in BASICS:
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def _give(machine: Path, name: str, script: str) -> None:
    (machine / "bin" / name).write_text(script)
    (machine / "bin" / name).chmod(0o755)


def _set_up(machine: Path) -> str:
    """Run the set-up, which must fail without a trace, and return what it said."""
    sh = str(shutil.which("sh"))
    env = {"PATH": str(machine / "bin")}
    done = subprocess.run([sh, "tools/setup.sh", "dependencies"], cwd=machine, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert not (machine / ".venv").exists()
    return done.stderr


def test_old_python_is_named_with_the_cure(machine):
    _give(machine, "python3", OLD_PYTHON)
    said = _set_up(machine)
    assert "needs Python 3.11 or newer, found Python 3.9.2: install it" in said
    assert len(said.splitlines()) == 1


def test_no_python_is_named_with_the_cure(machine):
    assert "needs Python 3.11 or newer, found no python3: install it" in _set_up(machine)


def test_no_compiler_is_named_with_the_cure(machine):
    _give(machine, "python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    said = _set_up(machine)
    assert "needs a C++ compiler to build its core, found none: install g++ 12 or newer" in said
    assert len(said.splitlines()) == 1


def test_old_compiler_is_named_with_the_cure(machine):
    _give(machine, "python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    _give(machine, "g++", OLD_COMPILER)
    said = _set_up(machine)
    assert "needs a compiler that knows C++20, and g++ (7) does not: install g++ 12 or newer" in said
    assert len(said.splitlines()) == 1
