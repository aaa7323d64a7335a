"""Orders that are sent as one act: members, bytes that make one unreadable, and a market of the largest numbers."""

from typing import Any

import pytest

from quantumcore.contracts import wire
from tests.support.desk import ALICE, BOB, Desk, instrument
from tests.support.shown_orders import advanced

BIG, HUGE = 5, 6
LOTS = 2**62

unreadable = pytest.mark.parametrize(
    ("at", "byte"), [(0, 152), (2, 1), (3, 1), (34, 3), (44, 0), (157, 1), (154, 3)],
    ids=["size", "kind", "reserved", "side", "id", "reserved term", "trigger"],
)  # fmt: skip
"""A byte of a member, and a value that it cannot have."""


def member(desk: Desk, side: int, quantity: str, price: str, **changes: Any) -> wire.SubmitAdvancedOrder:
    """Return a limit order of Alice as a member of an act."""
    return advanced(desk.order(ALICE, side, quantity, price, **changes))


def big(new_engine: Any, **bounds: int) -> Desk:
    """Return a desk in front of a market whose lots nearly fill 63 bits: BIG (its lots) against HUGE."""
    most = 2**63 - 1
    desk = Desk(new_engine, **bounds)
    desk.do(wire.DefineCurrency(currency=BIG, code="BIG", scale=0))
    desk.do(wire.DefineCurrency(currency=HUGE, code="HUGE", scale=0))
    terms = {"tick_scale": 18, "max_price": most, "max_quantity": most, "max_notional": most}
    desk.do(instrument(7, base=BIG, quote=HUGE, symbol="BIG", **terms))
    for account in (ALICE, BOB):
        desk.fund(account, HUGE, 10**12)
    return desk
