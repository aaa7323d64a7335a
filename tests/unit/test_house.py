"""The laws of the house that no linter knows.

Goal: a rule of CONTRIBUTING.md that can be checked is checked.
Method: walk the syntax trees and the texts of the files that git tracks.
"""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

from quantumcore.contracts import errors
from quantumcore.contracts.reasons import CODES, Reason

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "quantumcore"

FILE_LINES_MAX = 600
BYTES_MAX = 1 << 20

# Pure: what may happen, never when.
WORLD = {"asyncio", "time", "os", "random", "logging", "threading", "socket", "subprocess"}
WEB_SERVER = {"httptools", "starlette", "uvicorn", "uvloop", "websockets"}
NAMED_TO_UVICORN = {"websockets"}
WEB_SERVER_ROOMS = ("services/gateway/", "app/", "adapters/http")
# What is owed is never a float. Statistics (services/market, services/portfolio, services/risk) and option models may use them.
MONEY = (
    "contracts/values.py",
    "contracts/orders.py",
    "contracts/ledger*.py",
    "core/twin/*.py",
    "contracts/wire/*.py",
    "services/orders/*.py",
    "services/ledger/*.py",
    "services/positions/*.py",
    "services/portfolio/carried.py",
    "services/portfolio/domain.py",
    "services/portfolio/exact.py",
    "services/portfolio/fx.py",
    "services/portfolio/lines.py",
    "services/portfolio/pnl.py",
    "services/portfolio/prices.py",
    "services/risk/figures/exposure.py",
    "services/risk/figures/drawdown.py",
    "services/risk/folding.py",
    "services/risk/state.py",
    "services/risk/levels.py",
    "services/risk/valuation/limits.py",
    "services/risk/store.py",
    "services/risk/valuation/market.py",
    "services/risk/valuation/requirements.py",
    "services/risk/valuation/valuing.py",
    "services/risk/valuation/worths.py",
    "services/risk/margin/amounts.py",
    "services/risk/margin/contracts.py",
    "services/risk/margin/ladder.py",
    "services/risk/margin/p*.py",
    "services/risk/margin/s*.py",
    "services/risk/margin/volatility.py",
)
# Of a room with figures the pure files are more than `domain.py`.
FIGURES = ("services/risk/figures/", "services/risk/guards/", "services/risk/margin/", "services/risk/options/")
FIGURE_FILES = (
    "services/risk/folding.py",
    "services/risk/state.py",
    "services/risk/levels.py",
    "services/risk/parameters.py",
    "services/risk/units.py",
    "services/risk/work.py",
    "services/risk/valuation/limits.py",
    "services/risk/valuation/market.py",
    "services/risk/valuation/metrics.py",
    "services/risk/valuation/requirements.py",
    "services/risk/valuation/valuing.py",
    "services/risk/valuation/worths.py",
)


def _python(folder: Path = SOURCE) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def _name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def _tracked() -> list[Path]:
    if not (ROOT / ".git").exists():  # the hazard runner's copy, or an unpacked archive
        kept = {"build", ".venv", "__pycache__"}
        return [path for path in ROOT.rglob("*") if path.is_file() and not kept & set(path.relative_to(ROOT).parts)]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _is_domain(name: str) -> bool:
    if name.startswith(("contracts/", "core/twin/", *FIGURES)) or name in FIGURE_FILES:
        return True
    return name.startswith("services/") and name.endswith("/domain.py")


def test_every_figure_file_is_there():
    """A file that moved and is still listed by its old name would be checked by nobody."""
    assert [name for name in (*FIGURES, *FIGURE_FILES) if not (SOURCE / name).exists()] == []


@pytest.mark.parametrize("path", [path for path in _python() if _is_domain(_name(path))], ids=_name)
def test_domain_files_know_no_world(path):
    """A domain file has no clock, no I/O and no randomness: these come to it as values."""
    assert [(line, name) for line, name in _imports(path) if name.split(".")[0] in WORLD] == []


def test_web_server_is_known_in_the_gateway_and_in_app_only():
    strangers = [
        f"{_name(path)}:{line} imports {name}"
        for path in _python()
        if not _name(path).startswith(WEB_SERVER_ROOMS)
        for line, name in _imports(path)
        if name.split(".")[0] in WEB_SERVER
    ]
    assert strangers == []


def test_no_room_imports_another():
    """import-linter says so too; this names the line."""
    strangers = []
    for path in _python(SOURCE / "services"):
        room = path.relative_to(SOURCE / "services").parts[0]
        for line, name in _imports(path):
            parts = name.split(".")
            if parts[:2] == ["quantumcore", "services"] and len(parts) > 2 and parts[2] != room:
                strangers.append(f"{_name(path)}:{line} imports {name}")
    assert strangers == []


@pytest.mark.parametrize("pattern", MONEY)
def test_money_is_never_a_float(pattern):
    """No float literal, no float() and no true division where something owed is counted; seconds to wait are not owed."""
    found = []
    paths = sorted(SOURCE.glob(pattern))
    assert paths, "a pattern that no file answers to checks nothing"
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
            division = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
            if literal or call or division:
                found.append(f"{_name(path)}:{node.lineno}")
    lines = [(SOURCE / place.split(":")[0]).read_text().splitlines()[int(place.split(":")[1]) - 1] for place in found]
    assert [p for p, line in zip(found, lines, strict=True) if "# seconds" not in line and "# path" not in line] == []


def test_sql_is_never_put_together_from_text():
    """Statements are SQLAlchemy Core expressions; a text() or execute() of a formatted string invites an injection."""
    found = []
    for path in _python():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"text", "execute", "exec_driver_sql"}:
                first = node.args[0]
                joined = isinstance(first, ast.JoinedStr) and any(
                    isinstance(v, ast.FormattedValue) for v in first.values
                )
                formatted = isinstance(first, ast.Call) and getattr(first.func, "attr", "") == "format"
                glued = isinstance(first, ast.BinOp) and isinstance(first.op, ast.Add | ast.Mod)
                found += [f"{_name(path)}:{node.lineno}"] if joined or formatted or glued else []
    assert found == []


def test_a_mark_stands_on_a_test():
    """On a helper it marks nothing, and a hazard that it names is held by nobody."""
    lost = []
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("*.py"))}
    for path, text in texts.items():
        for node in ast.walk(ast.parse(text)) if "pytest.mark." in text else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("test"):
                marks = [ast.unparse(one) for one in node.decorator_list if "pytest.mark." in ast.unparse(one)]
                lost += [f"{path.relative_to(ROOT)}:{node.lineno} {one} of {node.name}" for one in marks]
    assert lost == []


def test_only_one_native_folder_knows_python():
    for path in [*(ROOT / "native").rglob("*.[ch]pp")]:
        if path.parent.name != "python":
            assert not re.search(r"#include\s*<(Python\.h|nanobind)", path.read_text(encoding="utf-8")), path


def test_files_say_one_thing():
    """200 lines are comfortable, past 400 ask what second thing the file says; past this limit it says two."""
    sources = [*_python(), *(ROOT / "native").rglob("*.[ch]pp")]
    sizes = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert {name: size for name, size in sizes.items() if size > FILE_LINES_MAX} == {}


def test_no_file_is_large():
    assert [str(path) for path in _tracked() if path.stat().st_size > BYTES_MAX] == []


def test_no_file_names_the_machine_it_was_written_on():
    """Paths of one machine work on no other; addresses of a package index do not belong into a lock."""
    folders = "work|root|home/[a-z]+|Users/[A-Za-z]+|opt/[a-z]"
    machine = re.compile(rf"(?<![\w.~$}}*<-])/(?:{folders})/")
    found = []
    for path in _tracked():
        if path.suffix in {".zst", ".dbn", ".gz", ".bin", ".png"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if machine.search(line) and "://" not in line:
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_lock_is_exact_hashed_and_without_addresses():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(
        r"^\s*-|://|@ ", re.sub(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$", "", text, flags=re.MULTILINE)
    )
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert all(
        re.match(r"[a-z0-9.-]+==[^ ]+ \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n?)+\Z", entry) for entry in entries
    )


def test_lock_holds_every_dependency_that_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    declared += [each for extra in project["project"]["optional-dependencies"].values() for each in extra]
    names = {re.split(r"[\[<>=~! ]", each)[0].lower().replace("_", "-") for each in declared}
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names - locked == set()


def test_every_dependency_has_its_place_in_the_record():
    """docs/decisions/0005 says of each why it is here, who keeps it and under which licence."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    record = (ROOT / "docs/decisions/0005-dependencies.md").read_text(encoding="utf-8").lower()
    declared = [*project["project"]["dependencies"]]
    declared += [each for extra in project["project"]["optional-dependencies"].values() for each in extra]
    assert [each for each in declared if f"`{re.split(r'[<>=~! ]', each)[0].lower()}`" not in record] == []


def test_every_dependency_of_the_running_venue_is_used():
    """Imported in the package, or named to the web server, which imports it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    imported = {module.split(".")[0] for path in _python() for _, module in _imports(path)}
    imported |= {
        name for name in NAMED_TO_UVICORN if f'"{name}' in (SOURCE / "services/gateway/service.py").read_text()
    }
    names = [re.split(r"[<>=~! ]", each)[0] for each in project["project"]["dependencies"]]
    brought = {name: {file.parts[0].removesuffix(".py") for file in distribution(name).files or ()} for name in names}
    assert [name for name, modules in brought.items() if not modules & imported] == []


def _errors() -> list[type[errors.QuantumCoreError]]:
    found, queue = [], [errors.QuantumCoreError]
    while queue:
        kind = queue.pop()
        found.append(kind)
        queue += kind.__subclasses__()
    return found


def test_error_codes_are_dotted_and_stable():
    """Codes are what clients switch on: lower case, dotted, and one per kind but where a kind refines its parent."""
    codes: dict[str, type] = {}
    for kind in _errors():
        code = kind.default_code
        assert re.match(r"[a-z][a-z_]*(\.[a-z][a-z_]*)*\Z", code), code
        other = codes.setdefault(code, kind)
        assert issubclass(kind, other) or issubclass(other, kind), (code, kind, other)


@pytest.mark.hazard("C2")
def test_reasons_have_one_code_each():
    """A client that switches on the code must not mistake one refusal for another."""
    assert set(CODES) == set(Reason) - {Reason.NONE}
    assert len(set(CODES.values())) == len(CODES)
    assert all(re.match(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+\Z", code) for code in CODES.values())


def test_documents_link_to_files_that_exist():
    """A relative link in a Markdown file leads somewhere."""
    broken = []
    for path in _tracked():
        if path.suffix != ".md":
            continue
        targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        broken += [f"{path.relative_to(ROOT)} -> {each}" for each in targets if not (path.parent / each).exists()]
    assert broken == []


def test_a_link_to_a_line_leads_to_a_definition():
    """The walk of one order names lines; whoever moves one moves the link."""
    astray = []
    for name, path, line in re.findall(r"\[([^\]]+)\]\(([^)#]+)#L(\d+)\)", (ROOT / "ARCHITECTURE.md").read_text()):
        text = (ROOT / path).read_text().splitlines()[int(line) - 1]
        if not re.match(r"\s*(async def|def|class) |\w[\w:<> ]* [\w:]+\(", text):
            astray.append(f"{name}: {path}:{line} is {text.strip()!r}")
    assert astray == []
