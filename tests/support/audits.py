"""A ledger with an audit over several days, and what an intruder could do to it."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from quantumcore.adapters.second_store import FileStore
from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts import wire
from quantumcore.contracts.days import DAY_NS
from quantumcore.core.twin.engine import Engine
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger.audit.chain import Chain, Row
from quantumcore.services.ledger.audit.findings import Finding
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.publisher import Auditing, Publisher
from quantumcore.services.ledger.audit.rows import head_row
from quantumcore.services.ledger.audit.verify import Walker
from quantumcore.services.ledger.tables import (
    audit_blocks,
    audit_days,
    audit_head,
    audit_records,
    entries,
    metadata,
)
from tests.support.clocks import ManualClock
from tests.support.ledgers import ledger_tables, post
from tests.support.small_venue import ALICE, BOB, CAROL, COIN, USD, definitions

KEY = bytes(range(32))
NOON = 20_000 * DAY_NS + DAY_NS // 2  # 2024-10-04
COLUMNS = entries.columns.keys()


def days_of_trading(rng: random.Random, days: int = 4, orders: int = 60) -> tuple[Engine, list[EventBatch]]:
    """Return an engine in which three accounts traded on so many days, and its events, one batch per command."""
    engine, batches = Engine(), []

    def do(command: wire.Command, time_ns: int) -> None:
        raw = engine.step(command.encode(), time_ns)
        batches.append(EventBatch(engine.sequence, engine.sequence, raw))

    for command in definitions():
        do(command, NOON)
    for day in range(days):
        for number in range(orders):
            time_ns = NOON + day * DAY_NS + number * 10**9
            if rng.random() < 0.1:
                transfer = {"account": rng.choice((ALICE, BOB)), "to_account": CAROL, "transfer_kind": 3}
                name = f"t-{day}-{number}"
                do(wire.Transfer(currency=USD, amount=rng.randrange(1, 99), transfer_id=name, **transfer), time_ns)
                continue
            do(
                wire.SubmitOrder(
                    instrument=COIN,
                    account=rng.choice((ALICE, BOB, CAROL)),
                    side=rng.randrange(1, 3),
                    quantity=rng.randrange(1, 10),
                    price=10_001 + rng.randrange(2),
                    order_type=2,
                    time_in_force=1,
                    client_id=f"o-{day}-{number}",
                ),
                time_ns,
            )
    return engine, batches


class Audited:
    """A ledger's tables beside their second store."""

    def __init__(self, directory: Path, database: SqliteDatabase) -> None:
        self.directory = directory
        self.database = database
        self.store = FileStore(directory / "audit")
        self.publisher = Publisher(database, ManualClock(), Auditing(self.store, KEY))

    @property
    def key(self) -> str:
        """The public key."""
        return self.publisher.public_key

    async def enter(self, batches: Sequence[EventBatch], size: int = 50) -> None:
        """Enter events, some commands at a time, and publish what is closed then."""
        for at in range(0, len(batches), size):
            await post(self.database, batches[at : at + size])
        await self.publisher.publish()

    async def finding(self, after: int = 0) -> Finding | None:
        """Verify everything behind record `after`; return the first damage."""
        return await self.database.read(lambda connection: self.verify(connection, after))

    def verify(self, connection: Connection, after: int = 0) -> Finding | None:
        """Verify on a connection."""
        walker = Walker(connection, Published(self.store, self.key), after=after)
        walker.walk(10**9)
        assert walker.done
        return walker.finding

    async def sound(self) -> bool:
        """Tell whether nothing is found."""
        return await self.finding() is None

    async def change(self, work: Callable[[Connection], Any]) -> Any:
        """Change the tables, as an intruder would."""
        return await self.database.write(work)

    async def rows(self) -> list[Row]:
        """Return every entry, in the order of the chain."""
        return await self.database.read(all_rows)


@asynccontextmanager
async def audited(directory: Path) -> AsyncIterator[Audited]:
    """Open an empty ledger with an audit."""
    async with ledger_tables(directory) as database:
        yield Audited(directory, database)


def all_rows(connection: Connection) -> list[Row]:
    """Return every entry, in the order of the chain."""
    key = (entries.c.sequence, entries.c.event_index, entries.c.leg)
    return [tuple(row) for row in connection.execute(select(entries).order_by(*key))]


def at(row: Row) -> tuple[Any, ...]:
    """Return the condition that finds a row."""
    return (entries.c.sequence == row[0], entries.c.event_index == row[1], entries.c.leg == row[2])


def remove(connection: Connection, row: Row) -> None:
    """Take an entry away."""
    connection.execute(delete(entries).where(*at(row)))


def add(connection: Connection, row: Row) -> None:
    """Put an entry in."""
    connection.execute(insert(entries), dict(zip(COLUMNS, row, strict=True)))


def put(connection: Connection, old: Row, new: Row) -> None:
    """Let `new` stand where `old` stood, or elsewhere."""
    remove(connection, old)
    add(connection, new)


def swap(connection: Connection, one: Row, other: Row) -> None:
    """Let two entries change places."""
    remove(connection, one)
    remove(connection, other)
    add(connection, (*one[:3], *other[3:]))
    add(connection, (*other[:3], *one[3:]))


def recompute(connection: Connection) -> None:
    """Make every hash, node, day and the head anew, so that the database fits itself from end to end."""
    stood = connection.execute(select(audit_head)).one()
    rows = all_rows(connection)
    chain = Chain(stood.shard)
    chain.extend(rows, stood.day * DAY_NS)
    for table, made in (
        (audit_records, chain.records),
        (audit_blocks, chain.blocks),
        (audit_days, chain.days),
        (audit_head, [head_row(chain)]),
    ):
        connection.execute(delete(table))
        if made:
            connection.execute(insert(table), [dict(zip(table.columns.keys(), row, strict=True)) for row in made])


def records_of_open_day(connection: Connection) -> int:
    """Return how many records the day has that is open."""
    closed = connection.execute(select(func.max(audit_days.c.first + audit_days.c.count))).scalar() or 1
    last = connection.execute(select(audit_head.c.number)).scalar() or 0
    return last - closed + 1


AUDIT_TABLES = [table for table in metadata.sorted_tables if table.name.startswith("audit_")]
