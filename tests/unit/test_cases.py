"""Every hand-made case is true of both engines.

Goal: what a trader expects of each order type, phase and rule stands in tests/cases as text that he can read, and holds.
Method: each case (tests/support/cases.py says how they are written) runs on the twin and on the native engine.
"""

from pathlib import Path

import pytest

from tests.support.cases import ROOT, every_case, read, run
from tests.support.engines import NativeEngine, TwinEngine

CASES = list(every_case())
BUYING = "== one\nbuy alice a1 10 @ 101\n  accepted a1 hold 1010\nsell bob b1 4 @ 101\n  accepted b1\n"


def _runs():
    for case in CASES:
        for name, engine in (("twin", TwinEngine), ("native", NativeEngine)):
            yield pytest.param(case, engine, id=f"{case.topic}-{case.path.stem}-{case.name}-{name}".replace(" ", "_"))


@pytest.mark.parametrize(("case", "new_engine"), list(_runs()))
def test_a_case_happens_as_it_is_written(case, new_engine):
    run(
        case,
        new_engine(
            max_orders=4_096,
            max_accounts=64,
            max_client_ids=4_096,
            max_transfers=4_096,
            max_balances=256,
            max_windows=256,
        ),
    )


def test_no_file_is_empty_and_no_two_cases_of_it_have_one_name():
    names = [(case.path, case.name) for case in CASES]
    assert {case.path for case in CASES} == set(ROOT.rglob("*.txt")) != set()
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "line", "wanted", "got"),
    [
        (BUYING.replace("1010", "1011"), 3, "`accepted a1 hold 1011`", "`accepted a1 price 101 quantity 10 hold 1010`"),
        (BUYING, 4, "nothing more", "`trade 4 @ 101 maker a1 taker b1"),
        (BUYING + "  trade 4 @ 101 maker a1\n  cancelled b1 4 expired\n", 7, "`cancelled b1 4 expired`", "nothing"),
        (BUYING + "  trade 4 @ 101 maker b1\n", 6, "`trade 4 @ 101 maker b1`", "`trade 4 @ 101 maker a1"),
        (BUYING + "  trade 4 @ 101 colour red\n", 6, "`trade 4 @ 101 colour red`", "`trade 4 @ 101 maker a1"),
    ],
    ids=["another number", "an event too many", "an event missing", "another name", "a word that means nothing"],
)
def test_a_wrong_case_fails_with_its_line_and_both_texts(text, line, wanted, got):
    (case,) = read(Path("topic/file.txt"), text)
    with pytest.raises(AssertionError) as failure:
        run(case, TwinEngine())
    assert str(failure.value).startswith(f"topic/file.txt:{line} (one): expected {wanted}, got {got}")


def test_a_line_that_cannot_be_read_says_which():
    (case,) = read(Path("topic/file.txt"), "== one\n# a comment\nbuy alice a1 10 @ 101 colour red\n")
    with pytest.raises(ValueError, match=r"topic/file.txt:3 \(one\): cannot read `buy alice a1 10 @ 101 colour red`"):
        run(case, TwinEngine())
