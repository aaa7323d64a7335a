"""A scratch copy of the tracked files, in which mistakes may be made: build/hazards/.

The copy stays between runs, so that the native core is compiled once and afterwards only where a patch touches it;
what is copied and what is removed is decided by content, and the working tree is only read.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
SECONDS_PER_TEST = 120
KEPT = ("build", ".venv")


class BuildError(Exception):
    """The copy does not compile; the compiler's words are the message."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one test ended.

    Attributes:
        outcome: passed, failed, skipped, or gone (crashed, never ran, ended by the runner).
        kind: Why it failed; "assertion" and "deadline" are failures that a test meant.
    """

    test: str
    outcome: str
    kind: str = ""

    @property
    def meant(self) -> bool:
        """Whether the test failed because its property does not hold."""
        return self.outcome == "failed" and self.kind in ("assertion", "deadline")


@dataclass(frozen=True, slots=True)
class Marked:
    """A test that carries hazard ids."""

    test: str
    ids: tuple[str, ...]
    chance: bool


@dataclass(slots=True)
class Run:
    """One run of pytest in the copy."""

    results: dict[str, Result] = field(default_factory=dict)
    marked: list[Marked] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    output: str = ""


class Scratch:
    """The copy of `root`: sync, apply, run; sync again and it is as it was."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._home = root / "build" / "hazards"
        self.tree = self._home / "tree"
        self._native = self._home / "native"
        self._stale = True  # the built module does not fit the copy's native sources

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the copy; a second runner is told instead of waiting."""
        self._home.mkdir(parents=True, exist_ok=True)
        with (self._home / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sys.exit(f"another hazard run is using {self._home}; wait for it")
            yield

    def sync(self) -> None:
        """Make the copy equal to the tracked files as the working tree has them."""
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=self._root, check=True, capture_output=True).stdout
        tracked = {name for name in listed.decode().split("\0") if name and (self._root / name).is_file()}
        self.tree.mkdir(parents=True, exist_ok=True)
        for name in sorted(tracked):
            source, target = self._root / name, self.tree / name
            if target.is_file() and target.read_bytes() == source.read_bytes():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)  # a new time stamp, so that the build sees it
            shutil.copymode(source, target)
            self._stale |= _is_native(name)
        for path in self._files():
            name = str(path.relative_to(self.tree))
            if name not in tracked and path.suffix != ".so":
                path.unlink()
                self._stale |= _is_native(name)
        venv = self.tree / ".venv"
        if not venv.exists() and (self._root / ".venv").exists():
            venv.symlink_to(self._root / ".venv")

    def _files(self) -> list[Path]:
        found = []
        for folder, folders, names in os.walk(self.tree):
            if Path(folder) == self.tree:
                folders[:] = [name for name in folders if name not in KEPT]
            found += [Path(folder) / name for name in names if name not in KEPT]
        return found

    def applies(self, patch: Path) -> bool:
        """Tell whether `patch` fits the copy as it is."""
        return self._git_apply("--check", str(patch)) == 0

    def apply(self, patch: Path) -> None:
        """Apply `patch`, of which `applies` is true."""
        if self._git_apply(str(patch)) != 0:
            raise ValueError(f"{patch} applied a moment ago")
        self._stale |= any(_is_native(name) for name in touched(patch))

    def _git_apply(self, *arguments: str) -> int:
        # Git must not find the project around the copy: it would look for the paths there.
        env = os.environ | {"GIT_CEILING_DIRECTORIES": str(self._home)}
        done = subprocess.run(["git", "apply", *arguments], cwd=self.tree, env=env, check=False, capture_output=True)
        return done.returncode

    def build(self) -> None:
        """Compile what the copy's native sources changed, and put the modules where the copy imports them.

        Raises:
            BuildError: It does not compile.
        """
        if not self._stale or not (self.tree / "CMakeLists.txt").exists():
            return
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        configure = ["cmake", "-S", str(self.tree), "-B", str(self._native), "-G", "Ninja"]
        configure += ["-DCMAKE_BUILD_TYPE=Release", f"-DPython_EXECUTABLE={sys.executable}"]
        modules = re.findall(r"nanobind_add_module\((\w+)", (self.tree / "CMakeLists.txt").read_text())
        for command in (configure, ["cmake", "--build", str(self._native), "--target", *modules]):
            done = subprocess.run(command, env=os.environ | {"PATH": path}, check=False, capture_output=True, text=True)
            if done.returncode != 0:
                raise BuildError(done.stdout[-3000:] + done.stderr[-3000:])
        for name in modules:
            for module in self._native.glob(f"**/{name}.*.so"):
                shutil.copy(module, self.tree / "src" / "quantumcore" / "core")
        self._stale = False

    def check_imports(self) -> None:
        """Stop unless a program started as our tests are imports the copy, native module included."""
        script = "import quantumcore as q; print(q.__file__)"
        if (self.tree / "CMakeLists.txt").exists():
            script += "; import quantumcore.core._native as n; print(n.__file__)"
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=self.tree, env=self._env(1), check=False, capture_output=True, text=True
        )
        files = done.stdout.split()
        if done.returncode != 0 or not all(Path(name).resolve().is_relative_to(self.tree) for name in files):
            sys.exit(f"the scratch copy is not what is imported: {files} {done.stderr}")

    def _env(self, seed: int) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        return env | {
            "PYTHONPATH": os.pathsep.join([str(TOOLS / "hazard_site"), str(self.tree / "src")]),
            "PYTHONDONTWRITEBYTECODE": "1",  # a patched file may have the size and second of the original
            "QC_HAZARD_TREE": str(self.tree),
            "QC_HAZARD_REPORT": str(self._home / "report.jsonl"),
            "QC_TEST_PROFILE": "ci",
            "QC_TEST_SEED": str(seed),
        }

    def pytest(self, tests: Iterable[str], *options: str, seed: int = 1) -> Run:
        """Run `tests` (node ids) in the copy, 120 s for each at most; the whole group of processes is ended then."""
        tests = list(tests)
        report = self._home / "report.jsonl"
        report.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "hazard_report",
            "-p",
            "no:cacheprovider",
            "-q",
            *options,
            *tests,
        ]
        process = subprocess.Popen(
            command,
            cwd=self.tree,
            env=self._env(seed),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=SECONDS_PER_TEST * max(1, len(tests)))
            ended = _how(process.returncode)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            ended = f"ended by the runner after {SECONDS_PER_TEST} s"
        run = _read(report, output)
        if process.returncode in (2, 3, 4) and not run.results and not run.errors:
            run.errors.append(output[-2000:])
        for test in tests:
            if "::" in test:
                run.results.setdefault(test, Result(test, "gone", ended))
        return run


def _how(code: int) -> str:
    return f"crashed with {signal.Signals(-code).name}" if code < 0 else "did not run"


def _read(report: Path, output: str) -> Run:
    run = Run(output=output)
    if not report.exists():
        return run
    for text in report.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        test = line["test"]
        match line["what"]:
            case "collected":
                run.marked.append(Marked(test, tuple(line["ids"]), line["chance"]))
            case "collect_error":
                run.errors.append(f"{test}: {line['why']}")
            case _:
                known = run.results.get(test)
                if line["outcome"] != "passed" or (line["when"] == "call" and known is None):
                    run.results[test] = Result(test, line["outcome"], line["kind"])
    return run


def _is_native(name: str) -> bool:
    return name.startswith("native/") or name == "CMakeLists.txt"


def touched(patch: Path) -> list[str]:
    """Return the paths that `patch` changes."""
    lines = patch.read_text(encoding="utf-8").splitlines()
    named = [line[6:].split("\t")[0] for line in lines if line.startswith(("--- a/", "+++ b/"))]
    return sorted(set(named))


def changed_lines(patch: Path) -> int:
    """Return how many lines `patch` removes or adds, whichever is more."""
    lines = patch.read_text(encoding="utf-8").splitlines()
    removed = sum(line.startswith("-") and not line.startswith("---") for line in lines)
    added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    return max(removed, added)
