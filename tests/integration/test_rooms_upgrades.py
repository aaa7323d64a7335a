"""Tables of earlier revisions become today's, and nothing in them is lost.

Goal: a venue that was stopped before orders had names of two parts goes on with every order, fill and hold it had.
Method: a room's rows as an earlier revision had them, brought up by the migrations; all rows as the room wrote them.
"""

import random
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, MetaData, Table, select

from quantumcore.adapters.sql import SqliteDatabase, open_database
from quantumcore.app.bench.statements import filled
from quantumcore.contracts import wire
from quantumcore.contracts.orders import SubmitLinked
from quantumcore.core.twin.engine import Engine
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger import migrations as ledger_migrations
from quantumcore.services.ledger.tables import metadata as ledger_tables
from quantumcore.services.orders import migrations as orders_migrations
from quantumcore.services.orders.tables import metadata as orders_tables
from quantumcore.services.risk import migrations as risk_migrations
from quantumcore.services.risk.tables import metadata as risk_tables
from tests.support.audits import days_of_trading
from tests.support.ledgers import post, random_market
from tests.support.orders_room import limit, orders_room
from tests.support.orders_room import market as at_market
from tests.support.small_venue import BOB
from tests.support.streams import DEFINITIONS, START_NS

LIMIT_CHANGE = {
    **dict.fromkeys(("number", "account", "time_ns", "expires_ns", "sequence"), 1),
    "instrument": 0,
    "currency": 0,
    "state": 2,
    "given": '{"open_orders":3}',
    "before": "{}",
    "who": "ruth",
    "reason": "new client",
    "code": "",
    "scope": 2,
    "other": 0,
}
FIRST, SECOND = "0001_*.py", "000[12]_*.py"


async def rows(database: SqliteDatabase, metadata: MetaData) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table, in the order of the keys."""

    def work(connection: Connection) -> dict[str, list[dict[str, Any]]]:
        return {
            table.name: [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
            for table in metadata.sorted_tables
        }

    return await database.read(work)


def _only(revisions: str, migrations: Any, directory: Path) -> Path:
    only = directory / "versions"
    only.mkdir(parents=True)
    for file in Path(migrations.__path__[0]).glob(f"versions/{revisions}"):
        shutil.copy(file, only)
    return directory


async def at_revision(revisions: str, path: Path, migrations: Any, filled: dict[str, list[dict[str, Any]]]) -> None:
    """Make the tables as these revisions had them, with these rows, as far as they had their columns."""
    database = await open_database(path, _only(revisions, migrations, path.parent / "first"))

    def fill(connection: Connection) -> None:
        found = MetaData()
        found.reflect(connection)
        for name, given in filled.items():
            table: Table | None = found.tables.get(name)  # None: it came later
            columns = [] if table is None else [column.name for column in table.columns]
            if given and table is not None:
                connection.execute(table.insert(), [{name: row[name] for name in columns} for row in given])

    await database.write(fill)
    await database.close()


async def upgraded(path: Path, package: str, metadata: MetaData) -> dict[str, list[dict[str, Any]]]:
    database = await open_database(path, package)
    try:
        return await rows(database, metadata)
    finally:
        await database.close()


async def test_orders_of_the_first_revision_stay(tmp_path):
    async with orders_room(tmp_path) as room:
        for price in ("64000", "64010", "64020"):
            await room.trade("0.5", price)
        await room.ask(limit("buy", "1", "63000"))
        await room.ask(limit("sell", "2", "64500", account=BOB))
        await room.ask(at_market("buy", "0.25"))
        rejected = await room.ask(limit("buy", "1", "64000.001"))
        assert rejected.status == "rejected"
        await room.caught_up()
        written = await rows(room.database, orders_tables)
    assert len(written["orders"]) == 10
    assert len(written["fills"]) == 8
    await at_revision(FIRST, tmp_path / "old" / "orders.db", orders_migrations, written)
    assert await upgraded(tmp_path / "old" / "orders.db", orders_migrations.__name__, orders_tables) == written


async def test_updates_of_linked_orders_learn_whose_they_are(tmp_path):
    """Orders of one sequence, whose updates the second revision told apart by their payload alone; more than one page."""
    async with orders_room(tmp_path) as room:
        for price in ("64000", "64010", "64020"):
            pair = [limit("buy", "1", price), limit("sell", "1", "65000")]
            await room.ask(SubmitLinked(link="oco", orders=pair))
        await room.ask(limit("sell", "2", "64010", account=BOB))
        await room.caught_up()
        written = await rows(room.database, orders_tables)
    assert len({row["order_slot"] for row in written["order_updates"]}) > 3
    last = written["order_updates"][-1]
    written["order_updates"] += [{**last, "sequence": last["sequence"] + at} for at in range(1, 20_002)]
    await at_revision(SECOND, tmp_path / "old" / "orders.db", orders_migrations, written)
    assert await upgraded(tmp_path / "old" / "orders.db", orders_migrations.__name__, orders_tables) == written


def resting(engine: Engine) -> list[EventBatch]:
    """Step an order that rests whatever the market was like: of a new account, in a new instrument, with the venue switched on."""
    commands = [
        wire.SetKillSwitch(account=0, engaged=0),
        wire.OpenAccount(account=30, owner=30),
        wire.Transfer(account=30, transfer_id="last", transfer_kind=1, amount=10_000, currency=1),
        msgspec.structs.replace(DEFINITIONS[3], instrument=30, symbol="LAST"),
        wire.SubmitOrder(
            instrument=30, account=30, side=1, order_type=2, time_in_force=1, price=1, quantity=1, client_id="last"
        ),
    ]
    told = [engine.step(command.encode(), START_NS) for command in commands]
    return [EventBatch(at, at, raw) for at, raw in enumerate(told, start=engine.sequence - len(told) + 1)]


@pytest.mark.parametrize("seed", range(2))
async def test_holds_of_the_first_revision_stay(tmp_path, seed: int):
    """Linked orders, of which the first revision knew nothing, are left out of what it is given."""
    database = await open_database(tmp_path / "ledger.db", ledger_migrations.__name__)
    engine, batches = random_market(seed, 800)
    await post(database, batches + resting(engine))
    written = await rows(database, ledger_tables)
    await database.close()
    written["holds"] = [row for row in written["holds"] if not row["linked"]]
    for later in ("transactions", "credits", "states", "client_holds"):
        written[later] = []
    firsts = {}
    for row in written["holds"]:
        firsts.setdefault(row["order_sequence"], row)
    written["holds"] = list(firsts.values())
    assert len(written["holds"]) > 100
    assert any(not row["done"] for row in written["holds"])
    await at_revision(FIRST, tmp_path / "old" / "ledger.db", ledger_migrations, written)
    assert await upgraded(tmp_path / "old" / "ledger.db", ledger_migrations.__name__, ledger_tables) == written


async def test_entries_of_before_the_audit_get_their_chain_and_their_days(tmp_path, seed: int):
    """Several days, more entries than one page: records, nodes, closed days and the head are those that the ledger writes itself."""
    database = await open_database(tmp_path / "ledger.db", ledger_migrations.__name__)
    _, batches = days_of_trading(random.Random(seed), days=3, orders=2_400)
    await post(database, batches)
    written = await rows(database, ledger_tables)
    await database.close()
    assert len(written["audit_records"]) > 10_000
    assert len(written["audit_days"]) == 2
    await at_revision(SECOND, tmp_path / "old" / "ledger.db", ledger_migrations, written)
    assert await upgraded(tmp_path / "old" / "ledger.db", ledger_migrations.__name__, ledger_tables) == written


async def test_a_ledger_from_before_there_were_checkpoints_gets_them(tmp_path, seed: int):
    """The balances of the house at every 4,096th sequence, as the room would have written them."""
    database = await filled(tmp_path, seed, 4 * 10_000, 2_000)
    written = await rows(database, ledger_tables)
    await database.close()
    assert len(written["checkpoints"]) == 2 * 3
    await at_revision(SECOND, tmp_path / "old" / "ledger.db", ledger_migrations, written)
    now = await upgraded(tmp_path / "old" / "ledger.db", ledger_migrations.__name__, ledger_tables)
    assert now["checkpoints"] == written["checkpoints"]


@pytest.mark.parametrize("revisions", [FIRST, "000[1-4]_*.py"])
async def test_risk_follows_anew_when_it_learns_more_and_keeps_what_people_set(tmp_path, revisions: str):
    """Of firms, groups and their limits the first revision kept nothing, and of what has filled the fourth: all that follows begins again;
    parameters and what was told stay."""
    order = dict.fromkeys(("sequence", "slot", "account", "instrument", "side", "price", "leaves"), 1)
    following = {
        "accounts": [{"account": 1, "sequence": 3}],
        "cursor": [{"one": 1, "sequence": 9, "time_ns": 5}],
        "orders": [order],
        "members": [{"account": 1, "scope": 5, "number": 7}],
        "margin_events": [{"kind": 66, "account": 1, "instrument": 1, "currency": 1, "event": b"0"}],
    }
    own = {
        "told": [{"number": 1, "account": 1, "time_ns": 5, "payload": '{"sequence":9,"kind":"killed","limit":null}'}],
        "warned": [{"account": 1, "name": "kill switch", "number": 1}],
        "limit_changes": [LIMIT_CHANGE],
    }
    path = tmp_path / "old" / "risk.db"
    await at_revision(revisions, path, risk_migrations, following | own)
    found = await upgraded(path, risk_migrations.__name__, risk_tables)
    assert {name: rows for name, rows in found.items() if rows} == own


async def test_risk_follows_anew_when_it_learns_of_guards_and_keeps_what_people_set_of_margin(tmp_path):
    """The throttles with which a venue begins were told long before: all that follows begins again, margin's last events too."""
    following = {
        "accounts": [{"account": 1, "sequence": 3}],
        "members": [{"account": 1, "scope": 5, "number": 2}],
        "margin_events": [{"kind": 87, "account": 1, "instrument": 0, "currency": 1, "event": b"told"}],
        "cursor": [{"one": 1, "sequence": 9, "time_ns": 5}],
    }
    own = {
        "limit_changes": [LIMIT_CHANGE],
        "margin_changes": [
            {
                **dict.fromkeys(("number", "time_ns", "sequence"), 1),
                "subject": "1",
                "kind": "day",
                "what": '{"type":"day","account":1,"currency":"USD"}',
                "command": b"sent",
                "state": 2,
                "who": "ruth",
                "reason": "a new day",
                "code": "",
            }
        ],
    }
    path = tmp_path / "old" / "risk.db"
    await at_revision("000[1234]_*.py", path, risk_migrations, following | own)
    found = await upgraded(path, risk_migrations.__name__, risk_tables)
    assert {name: rows for name, rows in found.items() if rows} == own
