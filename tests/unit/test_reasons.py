"""Each native reason of refusal is one code, and each code one reason.

Goal: nothing that the engine says is lost or confused on its way to a client.
Method: the enumeration of the C++ header, the table of the reference page and the Python table are compared, name by name.
"""

import re
from pathlib import Path

import pytest

from quantumcore.contracts.reasons import CODES, FIX_ORD_REJ_REASON, Reason

ROOT = Path(__file__).parents[2]


@pytest.mark.hazard("C2")
def test_every_reason_has_a_code_of_its_own() -> None:
    assert set(CODES) == set(Reason) - {Reason.NONE}
    assert len(set(CODES.values())) == len(CODES)


@pytest.mark.hazard("C2")
def test_the_native_enumeration_and_ours_have_the_same_names_and_numbers() -> None:
    headers = "\n".join(path.read_text() for path in (ROOT / "native" / "include" / "quantumcore").glob("*.hpp"))
    body = re.search(r"enum class Reason[^{]*\{(.*?)\};", headers, re.DOTALL)
    assert body is not None
    native: dict[str, int] = {}
    following = 0
    for name, value in re.findall(r"(\w+)\s*(?:=\s*(\d+))?\s*,", re.sub(r"//.*", "", body[1]) + ","):
        following = int(value) if value else following
        native[name] = following
        following += 1
    assert native == {reason.name.lower(): int(reason) for reason in Reason}


@pytest.mark.hazard("C2")
def test_the_reference_page_lists_the_same_codes() -> None:
    page = (ROOT / "docs" / "reference" / "engine.md").read_text()
    rows = re.findall(r"\| (\d+) \| ([A-Z_]+)(?: \([^)]*\))? \| `([a-z_.]+)`", page)
    assert {Reason(int(number)): code for number, _, code in rows} == CODES
    assert all(Reason(int(number)).name == name for number, name, _ in rows)


def test_fix_reasons_are_of_the_standard() -> None:
    assert set(FIX_ORD_REJ_REASON.values()) <= {0, 1, 2, 3, 6, 11, 13, 15, 99}
