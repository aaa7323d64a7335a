"""Records of position events stay readable for ever.

Goal: one record of every schema that ever was is read as what it said; a schema of tomorrow is refused.
Method: records written out by hand and never changed; upcasters that a test makes up.
"""

import json

import pytest

from quantumcore.contracts.errors import Corrupted
from quantumcore.services.positions import records
from quantumcore.services.positions.domain import FLAT, Cause, Change, Fill, Kind, after_fill
from quantumcore.services.positions.pnl import ONE, Form, contract
from quantumcore.services.positions.replay import after_change

V1_OPENED = "[1,100,150,15000000000000000000000,0,15,100,15000000000000000000000,0,0,1,1700000000000000000,7,2,3,7,1,0,1,false,[]]"
"""A record of schema 1 as it was first written. It is never changed."""
V1_CLOSED = (
    "[4,-100,160,-16000000000000000000000,1000000000000000000000,-3,0,0,1000000000000000000000,1,2,1700000001000000000,"
    "9,1,0,9,4,0,5,true,[[7,1]]]"
)
V2_CARRIED = (
    "[6,14,6,70000000000000000000,0,0,14,70000000000000000000,0,0,1,1700000000000000000,100,0,2,0,0,14,2,false,[],[2,1],0,0,"
    "[[0,14,70000000000000000000,5,3,1,1600000000,1600000000,2,false]]]"
)
V2_DIVIDEND = "[6,0,0,0,0,0,14,70000000000000000000,0,0,2,1700000000000000001,101,0,0,0,0,13,2,false,[],[1,1],5000000000000000000,0,[]]"


def test_a_record_of_schema_1_says_what_it_said() -> None:
    opened = records.decode(1, V1_OPENED)
    assert (opened.kind, opened.quantity, opened.price, opened.value) == (Kind.OPENED, 100, 150, 15_000 * ONE)
    assert (opened.sequence, opened.index, opened.part, opened.version, opened.fee) == (7, 2, 3, 1, 15)
    closed = records.decode(1, V1_CLOSED)
    assert (closed.kind, closed.realised, closed.cycles, closed.method) == (Kind.CLOSED, 1_000 * ONE, 1, 5)
    assert (closed.wash_sales, closed.chosen) == (True, ((7, 1),))
    position = after_change(FLAT, opened, contract(Form.LINEAR))
    assert (position.quantity, position.cost, position.fees) == (100, 15_000 * ONE, 15)


def test_what_is_written_is_read_as_it_was() -> None:
    """Of any size: 128 bits do not fit into a float, nor into most formats."""
    big = 2**62
    position, changes = FLAT, []
    for at, quantity in enumerate((big, -big, 3, -9), 1):
        fill = Fill(quantity=quantity, price=17 + at, fee=-at, sequence=at, fill=2, time_ns=at)
        position, some = after_fill(position, fill, contract(Form.LINEAR, tick_scale=2))
        changes += some
    assert [records.decode(records.SCHEMA, records.encode(change)) for change in changes] == changes


def test_an_upcaster_leads_an_old_record_to_the_newest_shape() -> None:
    """Pure steps from each schema to the next: a record of 1 through 2 to 3."""

    def to_2(array: list) -> list:
        return [*array[:5], 0, *array[6:]]  # fees were wrong, say

    def to_3(array: list) -> list:
        return [array[0], array[1], array[2] * 10, *array[3:]]  # a finer tick, say

    found = records.decode(1, V1_OPENED, {1: to_2, 2: to_3}, newest=3)
    assert (found.fee, found.price, found.quantity) == (0, 1_500, 100)
    assert records.decode(2, V1_OPENED, {1: to_2, 2: to_3}, newest=3).fee == 15


@pytest.mark.parametrize("payload", ["", "[]", "{}", V1_OPENED[:-9], V1_OPENED.replace("100", '"100"', 1), "[1e400]"])
def test_what_is_no_record_is_refused(payload: str) -> None:
    with pytest.raises(Corrupted, match=r"position\.record"):
        records.decode(1, payload)


def test_a_schema_of_tomorrow_is_refused() -> None:
    for schema in (records.SCHEMA + 1, 0):
        with pytest.raises(Corrupted, match=r"position\.record"):
            records.decode(schema, V1_OPENED)


def test_a_record_of_schema_2_says_what_it_said() -> None:
    """A merger two for one has carried a lot of 7 at 10 into nothing; a dividend was paid."""
    carried = records.decode(2, V2_CARRIED)
    assert (carried.kind, carried.cause, carried.quantity) == (Kind.ADJUSTED, Cause.CONVERSION, 14)
    (lot,) = carried.carried
    assert (lot.quantity, lot.cost, lot.price, lot.held_ns) == (14, 70 * ONE, 5, 1_600_000_000)
    position = after_change(FLAT, carried, contract(Form.LINEAR))
    assert (position.quantity, position.cost, position.method, position.opened) == (14, 70 * ONE, 2, (3, 1))
    paid = records.decode(2, V2_DIVIDEND)
    assert (paid.income, paid.ratio) == (5 * ONE, (1, 1))
    assert after_change(position, paid, contract(Form.LINEAR)).dividends == 5 * ONE


def test_a_record_has_as_many_members_as_a_change() -> None:
    assert len(json.loads(V2_CARRIED)) == len(Change.__struct_fields__)
    assert len(json.loads(V1_OPENED)) == len(Change.__struct_fields__) - len(records.UPCASTERS[1]([]))
