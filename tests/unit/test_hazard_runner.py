"""The hazard runner calls nothing caught that is not.

Goal: each result of tools/hazards.py comes from just the situation it names.
Method: a small project with one hazard per result; the real runner judges it; one line per hazard is read.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).parents[2] / "tools" / "hazards.py"

PRODUCT = """\
def double(x):
    return x + x


def triple(x):
    return x + x + x


def first(items):
    return items[0]


def wait():
    return 1


def label():
    return "a"
"""

TESTS = """\
import pytest
from quantumcore.product import double, first, label, triple, wait


@pytest.mark.hazard("A1", "A2")
def test_double():
    assert double(2) == 4


@pytest.mark.hazard("A3")
def test_triple_looks_away():
    triple(2)


@pytest.mark.hazard("A4")
def test_first_raises_something_else():
    assert first([1]) == 1


@pytest.mark.hazard("A5")
def test_label():
    assert label() == "a"


@pytest.mark.hazard("A6")
@pytest.mark.timeout(1)
def test_wait_ends():
    assert wait() == 1


@pytest.mark.hazard("A7")
def test_red():
    assert double(1) == 3


@pytest.mark.hazard("A8")
def test_without_patch():
    assert double(1) == 2


@pytest.mark.hazard("B1")
@pytest.mark.chance
def test_chance():
    import os
    assert double(1) == 2 or os.environ["QC_TEST_SEED"] == "3"


@pytest.mark.hazard("B2")
def test_place_is_gone():
    assert double(1) == 2
"""

# Of the plugins that are installed only the one that gives tests a deadline: the others cost a second at each of many starts.
PYPROJECT = """\
[tool.pytest.ini_options]
markers = ["hazard(*ids): x", "chance: x"]
addopts = "-p no:schemathesis -p no:hypothesispytest -p no:asyncio -p no:anyio -p no:xdist"
"""


def _patch(old: str, new: str, path: str = "src/quantumcore/product.py", text: str = PRODUCT) -> str:
    """Return a patch of the one line `old`, with three lines around it."""
    lines = text.splitlines()
    at = lines.index(old)
    begin, end = max(0, at - 3), min(len(lines), at + 4)
    body = [f"-{old}" if n == at else f" {lines[n]}" for n in range(begin, end)]
    body.insert(at - begin + 1, f"+{new}")
    count = end - begin
    return f"--- a/{path}\n+++ b/{path}\n@@ -{begin + 1},{count} +{begin + 1},{count} @@\n" + "\n".join(body) + "\n"


DOUBLE = _patch("    return x + x", "    return x + 1 + x")
PATCHES = {
    "A1": DOUBLE,
    "A1-2": DOUBLE.replace("+ 1", "* 3"),
    "A2": DOUBLE.replace("double", "twofold"),
    "A3": _patch("    return x + x + x", "    return x + x"),
    "A4": _patch("    return items[0]", "    return items[1]"),
    "A5": _patch('    return "a"', '    return "a'),
    "A6": _patch("    return 1", "    while True: pass"),
    "A7": DOUBLE,
    "B1": DOUBLE,
    "B2": DOUBLE,
    "B3": DOUBLE,
}
AFTER = {
    "A1": "caught",
    "A1-2": "caught",
    "A2": "stale",
    "A3": "NOT CAUGHT",
    "A4": "NOT CAUGHT",
    "A5": "broken",
    "A6": "caught",
    "A7": "red before",
    "A8": "incomplete",
    "B1": "NOT CAUGHT",
    "B2": "incomplete",
    "B3": "incomplete",
}
IDS = [*sorted({name.split("-")[0] for name in AFTER}), "B4"]


def _row(name: str) -> str:
    place = "nowhere.py" if name == "B2" else "product.py"
    return f"| {name} | mistake {name} | `{place}` | a thing | U |"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed project with one hazard per result."""
    root = tmp_path_factory.mktemp("project")
    files = {
        "src/quantumcore/__init__.py": "",
        "src/quantumcore/product.py": PRODUCT,
        "tests/test_product.py": TESTS,
        "docs/reference/hazards.md": "\n".join(_row(name) for name in IDS) + "\n",
        ".gitignore": "build/\n",
        "pyproject.toml": PYPROJECT,
    }
    files |= {f"tests/support/hazards/{name}.patch": text for name, text in PATCHES.items()}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    return root


def _hazards(root: Path, *arguments: str, expect: int = len(IDS)) -> tuple[int, str]:
    command = [sys.executable, str(RUNNER), "--root", str(root), "--expect", str(expect), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
    return done.returncode, done.stderr + done.stdout


@pytest.mark.timeout(240)
@pytest.mark.xdist_group("hazard_runner")
def test_each_situation_has_its_result(project: Path) -> None:
    before = (project / "src/quantumcore/product.py").read_text()
    code, said = _hazards(project)
    results = dict(re.findall(r"^([A-Z]\d(?:-\d)?) .* -> ([A-Za-z ]+?)  [\d.]+ s$", said, re.MULTILINE))
    assert results == AFTER, said
    assert "no test yet: B4" in said
    assert said.rstrip().endswith(f"caught 2 of {len(IDS)}")  # A1 by both of its patches, A6
    assert "IndexError, not an assertion" in said
    assert code == 1
    assert (project / "src/quantumcore/product.py").read_text() == before


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("hazard_runner")
def test_selected_hazards_that_are_caught_are_a_success(project: Path) -> None:
    code, said = _hazards(project, "A1", "B4")
    assert (code, said.splitlines()[-1]) == (0, "caught 1 of 2 selected"), said


@pytest.mark.xdist_group("hazard_runner")
def test_nothing_caught_is_no_success(project: Path) -> None:
    code, said = _hazards(project, "B4")
    assert (code, said.splitlines()[-1]) == (1, "caught 0 of 1 selected")


def test_register_with_a_missing_row_is_incomplete(project: Path) -> None:
    code, said = _hazards(project, expect=len(IDS) + 1)
    assert (code, said.startswith("incomplete")) == (1, True)


def test_unknown_id_is_refused(project: Path) -> None:
    assert _hazards(project, "Z9") == (2, "docs/reference/hazards.md has no Z9\n")
