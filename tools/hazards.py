"""Brings each mistake of the register back, one at a time, and tells whether a test catches it.

The register is docs/reference/hazards.md; a hazard's tests carry `@pytest.mark.hazard("B1")`, its mistakes are
tests/support/hazards/B1.patch (B1-2.patch, ...). For each, in this order; the first that is not so is the result:

    the paths of its row exist, it has a test and a patch of <= 20 lines of product code   incomplete
    its tests pass on the tree as it is (marked `chance`: three times)                     red before
    the patch applies to the scratch copy                                                  stale
    the copy builds and collects                                                           broken
    one of its tests fails as it was meant to (marked `chance`: three times)               NOT CAUGHT
    otherwise                                                                              caught

Meant are an assertion and the test's own deadline; a sanitizer's report is asserted by the test that runs it. An
error of another type, a crash and a run that had to be ended (120 s a test) catch nothing.

Exit 0: every selected id that has a test is caught, at least one is, and a run of the whole register caught all 75.
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scratch import BuildError, Marked, Scratch, changed_lines, touched

REGISTER = "docs/reference/hazards.md"
PATCHES = "tests/support/hazards"
PATCH_LINES_MAX = 20
CHANCE_RUNS = 3
SHORT = {
    "s/": "src/quantumcore/services/",
    "a/": "src/quantumcore/adapters/",
    "n/": "native/src/",
    "h/": "native/include/quantumcore/",
    "native/": "native/",
}
_ID = re.compile(r"[A-Z]\d{1,2}\Z")


@dataclass(frozen=True, slots=True)
class Hazard:
    """One row of the register; its paths are from the project's root and may hold a `*`."""

    id: str
    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mistake: its id is that of its patch (B1-2)."""

    id: str
    name: str
    test: str
    before: str
    after: str
    seconds: float
    note: str = ""


def read_register(text: str) -> list[Hazard]:
    """Return the rows whose first cell is an id."""
    hazards = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) >= 4 and _ID.match(cells[0]):
            paths = tuple(_whole(path) for path in re.findall(r"`([^`]+)`", cells[2]))
            hazards.append(Hazard(cells[0], cells[1], paths))
    return hazards


def _whole(path: str) -> str:
    for prefix, folder in SHORT.items():
        if path.startswith(prefix):
            return folder + path.removeprefix(prefix)
    return "src/quantumcore/" + path


class Runner:
    """Judges hazards one after the other in one scratch copy."""

    def __init__(self, root: Path, hazards: Sequence[Hazard]) -> None:
        self._root = root
        self._hazards = hazards
        self._scratch = Scratch(root)
        self._tests: dict[str, list[Marked]] = {}
        self._green: dict[str, str] = {}

    def prepare(self) -> None:
        """Make the copy, compile it, and learn which tests carry which ids."""
        with_native = (self._root / "CMakeLists.txt").exists()
        print(f"copying the tracked files{' and compiling the core' if with_native else ''} ...", file=sys.stderr)
        self._scratch.sync()
        self._build_or_exit()
        self._scratch.check_imports()
        run = self._scratch.pytest(["tests"], "--collect-only")
        if run.errors:
            sys.exit("the tests do not collect as they are:\n" + "\n".join(run.errors))
        known = {hazard.id for hazard in self._hazards}
        for marked in run.marked:
            for name in marked.ids:
                if name not in known:
                    sys.exit(f"{marked.test} carries the id {name}, which {REGISTER} does not have")
                self._tests.setdefault(name, []).append(marked)

    def _build_or_exit(self) -> None:
        try:
            self._scratch.build()
        except BuildError as error:
            sys.exit(f"the tree does not compile as it is:\n{error}")

    def patches(self, hazard: Hazard) -> list[Path]:
        """Return the hazard's patches, the first first."""
        folder = self._root / PATCHES
        found = [*folder.glob(f"{hazard.id}.patch"), *sorted(folder.glob(f"{hazard.id}-*.patch"))]
        return [path.resolve() for path in found]

    def has_test(self, hazard: Hazard) -> bool:
        """Tell whether anything exists for this hazard."""
        return bool(self._tests.get(hazard.id) or self.patches(hazard))

    def judge(self, hazard: Hazard) -> list[Verdict]:
        """Return one verdict per patch of `hazard`, or one that says what is missing."""
        tests = self._tests.get(hazard.id, [])
        started = time.monotonic()
        missing = self._missing(hazard, tests)
        if missing:
            return [Verdict(hazard.id, hazard.name, _short(tests), "-", "incomplete", 0.0, missing)]
        red = self._before(tests)
        if red:
            return [Verdict(hazard.id, hazard.name, _short(tests), "red", "red before", _since(started), red)]
        return [self._with(hazard, patch, tests) for patch in self.patches(hazard)]

    def _missing(self, hazard: Hazard, tests: Sequence[Marked]) -> str:
        patches = self.patches(hazard)
        if not tests:
            return "no test carries the id"
        if not patches:
            return f"no {PATCHES}/{hazard.id}.patch"
        for path in hazard.paths:
            if not any(self._scratch.tree.glob(path.rstrip("/"))):
                return f"no {path}, which the register names"
        for patch in patches:
            strange = [name for name in touched(patch) if not name.startswith(("src/", "native/"))]
            if strange:
                return f"{patch.name} changes {strange[0]}, which is not product code"
            if changed_lines(patch) > PATCH_LINES_MAX:
                return f"{patch.name} changes more than {PATCH_LINES_MAX} lines"
        return ""

    def _before(self, tests: Sequence[Marked]) -> str:
        self._build_or_exit()
        for seed in range(1, CHANCE_RUNS + 1):
            wanted = [each.test for each in tests if (each.chance or seed == 1)]
            wanted = [test for test in wanted if f"{test} {seed}" not in self._green]
            if not wanted:
                continue
            run = self._scratch.pytest(wanted, seed=seed)
            for test, result in run.results.items():
                if result.outcome != "passed":
                    return f"{test}: {result.outcome} {result.kind}"
                self._green[f"{test} {seed}"] = "passed"
        return ""

    def _with(self, hazard: Hazard, patch: Path, tests: Sequence[Marked]) -> Verdict:
        started = time.monotonic()
        caught_by, after, note = "", "", ""
        if not self._scratch.applies(patch):
            after, note = "stale", f"{patch.name} does not apply"
        else:
            self._scratch.apply(patch)
            try:
                self._scratch.build()
                caught_by, after, note = self._after(tests)
            except BuildError as error:
                after, note = "broken", f"does not compile: {str(error)[-600:]}"
            finally:
                self._scratch.sync()
        return Verdict(patch.stem, hazard.name, caught_by or _short(tests), "green", after, _since(started), note)

    def _after(self, tests: Sequence[Marked]) -> tuple[str, str, str]:
        wanted = {each.test: each for each in tests}
        notes = []
        for seed in range(1, CHANCE_RUNS + 1):
            run = self._scratch.pytest(wanted, seed=seed)
            if run.errors:
                return "", "broken", run.errors[0][-600:]
            meant = [name for name, result in run.results.items() if result.meant and name in wanted]
            sure = [name for name in meant if not wanted[name].chance or seed == CHANCE_RUNS]
            if sure:
                return sure[0], "caught", ""
            notes = [f"{name}: {result.outcome} {result.kind}".rstrip() for name, result in run.results.items()]
            if not meant:
                break
            wanted = {name: wanted[name] for name in meant}
        return "", "NOT CAUGHT", "; ".join(notes)

    def stale(self) -> list[str]:
        """Return the patches of the whole register that no longer apply."""
        return [
            patch.name for hazard in self._hazards for patch in self.patches(hazard) if not self._scratch.applies(patch)
        ]

    def touched_since(self, reference: str) -> list[Hazard]:
        """Return the hazards whose places, patches or tests differ from commit `reference`."""
        command = ["git", "diff", "--name-only", reference]
        done = subprocess.run(command, cwd=self._root, check=True, capture_output=True, text=True)
        return [hazard for hazard in self._hazards if self._is_touched(hazard, done.stdout.split())]

    def _is_touched(self, hazard: Hazard, changed: Iterable[str]) -> bool:
        tests = {each.test.split("::")[0] for each in self._tests.get(hazard.id, [])}
        patches = {f"{PATCHES}/{patch.name}" for patch in self.patches(hazard)}
        return any(
            name in tests | patches
            or any(Path(name).match(path) or (path.endswith("/") and name.startswith(path)) for path in hazard.paths)
            for name in changed
        )

    def run(self, ids: Sequence[str], changed: str) -> int:
        """Judge what was asked for, print a line each and the sum, and return the exit status."""
        with self._scratch.alone():
            self.prepare()
            chosen: Sequence[Hazard] = [hazard for hazard in self._hazards if not ids or hazard.id in ids]
            if changed:
                chosen = self.touched_since(changed)
                if stale := self.stale():
                    print(f"stale: {' '.join(stale)}")
                    return 1
            return self._report(chosen)

    def _report(self, chosen: Sequence[Hazard]) -> int:
        whole = len(chosen) == len(self._hazards)
        good, failed, untested = 0, 0, []
        for hazard in chosen:
            if not self.has_test(hazard):
                untested.append(hazard.id)
                continue
            verdicts = self.judge(hazard)
            for verdict in verdicts:
                print(_line(verdict), flush=True)
            caught = all(verdict.after == "caught" for verdict in verdicts)
            good += caught
            failed += not caught
        if untested:
            print(f"no test yet: {' '.join(untested)}")
        print(f"caught {good} of {len(chosen)}" + ("" if whole else " selected"))
        return int(failed > 0 or good == 0 or (whole and good < len(chosen)))


def _short(tests: Sequence[Marked]) -> str:
    return tests[0].test if tests else "-"


def _since(started: float) -> float:
    return time.monotonic() - started


def _line(verdict: Verdict) -> str:
    text = f"{verdict.id:<5} {verdict.name:<44} {verdict.test}  {verdict.before} -> {verdict.after}  {verdict.seconds:.1f} s"
    return text + (f"\n      {verdict.note.strip()}" if verdict.note else "")


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="make hazards", description="Bring each mistake back and see it caught.")
    parser.add_argument("ids", nargs="*", metavar="ID", help="only these (B1 G3); all without")
    parser.add_argument("--changed", default="", metavar="COMMIT", help="only those that differ from COMMIT")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent, help=argparse.SUPPRESS)
    parser.add_argument("--expect", type=int, default=75, help=argparse.SUPPRESS)
    options = parser.parse_args()
    root = options.root.resolve()
    hazards = read_register((root / REGISTER).read_text(encoding="utf-8"))
    if len(hazards) != options.expect or len({hazard.id for hazard in hazards}) != options.expect:
        print(f"incomplete: {REGISTER} has {len(hazards)} ids, not {options.expect}")
        return 1
    unknown = sorted(set(options.ids) - {hazard.id for hazard in hazards})
    if unknown:
        print(f"{REGISTER} has no {' '.join(unknown)}")
        return 2
    return Runner(root, hazards).run(options.ids, options.changed)


if __name__ == "__main__":
    sys.exit(main())
