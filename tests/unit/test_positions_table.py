"""`quantumcore positions` is read by people: no number is cut or broken, on a terminal of 80 columns either.

Goal: every field of every position stands whole on one line, and no line is longer than the terminal.
Method: the table printed into text, at widths from a narrow window to a wide one, with ordinary and with large amounts.
"""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from quantumcore.app.positions import COLUMNS, show_positions

SMALL = {
    "symbol": "BTC-USD",
    "quantity": "-12.50000",
    "average": "64123.45678901",
    "mark": "64200.25",
    "mark_source": "trade",
    "stale": True,
    "value": "-802503.12500000",
    "unrealised": "-959.91513738",
    "realised": "-12345.67890123",
    "fees": "801.54320987",
    "currency": "USD",
    "method": "average",
}
LARGE = {**SMALL, "value": "-98765432109876543210.12500000", "realised": "-12345678901234567890.67890123"}
FLAT = {**SMALL, "symbol": "AAPL", "average": None, "mark": None, "value": None, "unrealised": None}


def printed(positions: list[dict[str, Any]], width: int) -> list[str]:
    text = StringIO()
    show_positions({"account_id": "7", "sequence": 41, "positions": positions}, Console(file=text, width=width))
    return text.getvalue().splitlines()


@pytest.mark.parametrize(("one", "width"), [(SMALL, 80), (SMALL, 200), (LARGE, 80), (LARGE, 100), (FLAT, 80)])
def test_every_field_stands_whole_on_a_line(one: dict[str, Any], width: int) -> None:
    lines = printed([one, FLAT], width)
    assert max(map(len, lines)) <= width
    words = [word for line in lines for word in line.replace("│", " ").split()]
    for name in ("symbol", "quantity", "average", "value", "unrealised", "realised", "fees", "currency", "method"):
        assert (one[name] or "-") in words, name
    if one["mark"] is not None:
        assert any("64200.25 trade stale" in line for line in lines)


def test_a_wide_terminal_has_one_line_for_a_position() -> None:
    (line,) = [line for line in printed([SMALL], 200) if "BTC-USD" in line]
    assert all(SMALL[name] in line for name in ("quantity", "average", "value", "realised", "method"))


def test_every_table_shows_the_same_fields() -> None:
    fields = [sorted(columns.replace("/", " ").split()) for columns in COLUMNS]
    assert fields[0] == fields[1] == fields[2]
    assert printed([], 80)
