"""The reference page of error codes is complete and current.

Goal: a client can rely on the page; nobody adds a code without telling.
Method: every code in the sources, found by syntax tree, stands on the page; every code on the page is in the sources.
"""

import ast
import re
from pathlib import Path

from quantumcore.contracts import errors
from quantumcore.contracts.orders import CANCEL_REASONS, REPLACE_REASONS
from quantumcore.contracts.reasons import CODES

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "quantumcore"
PAGE = (ROOT / "docs" / "reference" / "errors.md").read_text()
_CODE = re.compile(r"[a-z_]+(?:\.[a-z_]+)*\Z")
_ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}


def _in_sources() -> set[str]:
    found = set(CODES.values()) | set(CANCEL_REASONS.values()) | set(REPLACE_REASONS.values())
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(code)), *_]) if name in _ERRORS:
                    found.add(code)
                case ast.Call(func=ast.Name(id="invalid"), args=[ast.Constant(value=str(rule)), *_]):
                    found.add(f"request.invalid.{rule}")
                case ast.Assign(targets=[ast.Name(id="default_code")], value=ast.Constant(value=str(code))):
                    found.add(code)
                case ast.AnnAssign(target=ast.Name(id="default_code"), value=ast.Constant(value=str(code))):
                    found.add(code)
                case ast.Tuple(elts=[_, ast.Name(id=name), ast.Constant(value=str(code))]) if name in _ERRORS:
                    found.add(code)
                case _:
                    pass
    return {code for code in found if _CODE.match(code)}


def test_every_code_stands_on_the_page() -> None:
    assert _in_sources() - _on_page() == set()


def test_the_page_lists_no_code_that_nobody_raises() -> None:
    text = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    gone = {
        code
        for code in _on_page() - _in_sources()
        if f'"{code}"' not in text and f'"{code.rpartition(".")[2]}"' not in text
    }
    assert gone == set()


def _on_page() -> set[str]:
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    return {code for row in rows for code in re.findall(r"`([a-z_.]+)`", row)}
