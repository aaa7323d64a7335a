"""The tables of positions become those of today with what is in them.

Goal: what was written before there were actions is read as it was: positions without dividends, events of schema 1, lots; a snapshot
that today's program could not compare is gone, and the next one is taken.
Method: the first migration alone makes the tables and the room of today fills them as it was then; the others follow.
"""

import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from quantumcore.adapters.sql import open_database
from quantumcore.services.positions import migrations, queries, snapshots, store
from quantumcore.services.positions.domain import Kind
from quantumcore.services.positions.lots import Method
from quantumcore.services.positions.pnl import ONE

V1_OPENED = "[1,100,150,15000000000000000000000,0,15,100,15000000000000000000000,0,0,1,1700000000000000000,7,2,3,7,1,0,2,false,[]]"
LOT = "[0,100,15000000000000000000000,150,7,1,1700000000000000000,1700000000000000000,2,false]"


def _of_then(connection: Connection) -> None:
    """Write a position of schema 1: 100 at 150 by FIFO, its lot, its event, a snapshot."""
    position: dict[str, Any] = dict.fromkeys(
        ("cycles", "event_index", "decreased", "opened_fill", "numbers", "wash_sales"), 0
    )
    position |= {"account": 4, "instrument": 2, "quantity": "100", "cost": str(15_000 * ONE), "realised": "0"}
    position |= {"fees": "15", "funding": "0", "version": 1, "sequence": 7, "part": 3, "method": 2, "losses": "[]"}
    position |= {"opened_sequence": 7, "opened_ns": 1, "opened_price": 150, "born": 7}
    rows: dict[str, dict[str, Any]] = {
        "positions": position,
        "lots": {"account": 4, "instrument": 2, "number": 0, "payload": LOT},
        "events": {
            "sequence": 7, "event_index": 2, "part": 3, "account": 4, "instrument": 2, "schema": 1, "payload": V1_OPENED,
        },
        "cursor": {"one": 1, "sequence": 7, "time_ns": 1, "events": 1, "positions": 1, "snapshot_events": 1},
        "snapshots": {
            "sequence": 7, "time_ns": 1, "events": 1, "positions": 1, "digest": "0" * 64, "payload": b"of then",
        },
    }  # fmt: skip
    for table, row in rows.items():
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(text("INSERT INTO " + table + " (" + names + ") VALUES (" + values + ")"), row)


async def test_what_was_written_before_there_were_actions_is_read_as_it_was(tmp_path: Path) -> None:
    whole = Path(migrations.__file__).parent
    first = tmp_path / "first"
    (first / "versions").mkdir(parents=True)
    shutil.copy(whole / "versions" / "0001_positions.py", first / "versions")
    database = await open_database(tmp_path / "positions.db", first)
    await database.write(_of_then)
    await database.close()

    database = await open_database(tmp_path / "positions.db", whole)
    found = await database.read(store.all_positions)
    position = found[4, 2]
    assert (position.quantity, position.cost, position.dividends, position.funding) == (100, 15_000 * ONE, 0, 0)
    assert (position.method, [lot.quantity for lot in position.lots]) == (Method.FIFO, [100])
    stand, (event,), _ = await database.read(
        lambda connection: queries.event_page(connection, (4, 2), None, 10, ascending=True)
    )
    assert (event.kind, event.quantity, event.ratio, event.income, event.carried) == (Kind.OPENED, 100, (1, 1), 0, ())
    assert (stand.sequence, stand.snapshot_events) == (7, 0)
    assert await database.read(snapshots.kept) == []
    assert snapshots.is_due(stand, every=1)
    await database.close()
