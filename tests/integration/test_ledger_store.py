"""The ledger's tables.

Goal: a batch is in them whole, with its cursor, or not at all; the tables are those that the code means.
Method: real files; a failure in the middle of a transaction; a process that dies between two statements.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection

from quantumcore.adapters.migrations import directory
from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.wire import GroupPosted, OrderCancelled, TradePrinted, TransferMade, TransferPosted
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger import queries, store
from quantumcore.services.ledger.tables import metadata
from tests.support.ledgers import MIGRATIONS, assert_equals, digest, ledger_tables, post, random_market
from tests.support.migrations import assert_migrations_make


async def test_migrations_and_code_mean_the_same_tables(tmp_path: Path) -> None:
    await assert_migrations_make(metadata, directory(MIGRATIONS), tmp_path / "x.db")


async def test_a_failure_in_the_middle_leaves_neither_rows_nor_cursor(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each write of the transaction in turn; afterwards the same batch enters as if nothing had been."""
    engine, batches = random_market(seed, 300)
    async with ledger_tables(tmp_path) as database:
        await post(database, batches[:150])
        before = await digest(database)
        write = store.execute_many
        for fails_at in range(7):
            calls = 0

            def failing(connection: Connection, *rest: object, at: int = fails_at) -> None:
                nonlocal calls
                calls += 1
                if calls > at:
                    raise OSError("disk full")
                write(connection, *rest)  # type: ignore[arg-type]

            monkeypatch.setattr(store, "execute_many", failing)
            with pytest.raises(OSError, match="disk full"):
                await post(database, batches[150:])
            monkeypatch.undo()
            assert await digest(database) == before
        await post(database, batches[150:])
        await assert_equals(database, engine)


CHILD = """
import asyncio, os, sys
from pathlib import Path
from tests.support.ledgers import ledger_tables, post, random_market
from quantumcore.services.ledger import store
async def main():
    _, batches = random_market(int(sys.argv[2]), 300)
    write, die_at, calls = store.execute_many, int(sys.argv[3]), 0
    def dying(*args):
        global calls
        calls += 1
        if calls == die_at:
            os.kill(os.getpid(), 9)
        write(*args)
    store.execute_many = dying
    async with ledger_tables(Path(sys.argv[1])) as database:
        for at in range(0, len(batches), 20):
            await post(database, batches[at:at + 20])
calls = 0
asyncio.run(main())
"""


async def test_kill_9_between_two_statements_loses_and_doubles_nothing(
    tmp_path: Path, seed: int, rng: random.Random
) -> None:
    engine, batches = random_market(seed, 300)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(3):
        command = [sys.executable, "-c", CHILD, str(tmp_path), str(seed), str(rng.randrange(1, 60))]
        child = subprocess.run(command, env=env, capture_output=True, check=False)  # noqa: ASYNC221
        assert child.returncode in (0, -signal.SIGKILL), child.stderr
    async with ledger_tables(tmp_path) as database:
        await post(database, batches)
        await assert_equals(database, engine)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (TradePrinted, {"taker_fee": 2**63 - 1}),
        (TradePrinted, {"paid": 2**63 - 1}),  # more than any account has, for a linked order has the whole balance
        (TradePrinted, {"maker_order_sequence": 999_999}),
        (TradePrinted, {"maker_hold": 2**63 - 1}),
        (OrderCancelled, {"released": 2**60}),
        (OrderCancelled, {"order_sequence": 1}),
        (TransferPosted, {"total": 1}),
        (TransferPosted, {"amount": 0}),
        (GroupPosted, {"count": 101}),
    ],
)
async def test_an_impossible_event_stops_at_its_position(
    tmp_path: Path, seed: int, kind: type, change: dict[str, int]
) -> None:
    """An event that no engine can have written is not entered, nor is anything of its batch."""
    _, batches = random_market(seed, 800)
    at = max(number for number, batch in enumerate(batches) if any(type(event) is kind for event in batch.events))
    events = list(batches[at].events)
    place = next(number for number, event in enumerate(events) if type(event) is kind)
    events[place] = msgspec.structs.replace(events[place], **change)
    forged = EventBatch(at + 1, at + 1, b"".join(event.encode() for event in events))
    async with ledger_tables(tmp_path) as database:
        await post(database, batches[: at - 1])
        before = await digest(database)
        with pytest.raises(Corrupted, match=rf"at {at + 1}\.{place}: "):
            await post(database, [batches[at - 1], forged])
        assert await digest(database) == before


@pytest.mark.parametrize("change", [{"debit_total": 2**63}, {"credit_total": -(2**63)}, {"amount": 2**61}])
async def test_a_transfer_of_a_group_that_the_books_do_not_bear_stops_at_its_group(
    tmp_path: Path, seed: int, change: dict[str, int]
) -> None:
    """The engine tells both balances after each leg; books that come to another are not the engine's."""
    _, batches = random_market(seed, 800)
    at = max(number for number, batch in enumerate(batches) if isinstance(batch.events[-1], GroupPosted))
    events = list(batches[at].events)
    assert isinstance(events[0], TransferMade)
    events[0] = msgspec.structs.replace(events[0], **change)
    forged = EventBatch(at + 1, at + 1, b"".join(event.encode() for event in events))
    async with ledger_tables(tmp_path) as database:
        await post(database, batches[:at])
        before = await digest(database)
        with pytest.raises(Corrupted, match=rf"at {at + 1}\.{len(events) - 1}: "):
            await post(database, [forged])
        assert await digest(database) == before


async def test_pages_of_entries_meet_without_gap_in_both_directions(tmp_path: Path, seed: int) -> None:
    _, batches = random_market(seed, 1_000)
    async with ledger_tables(tmp_path) as database:
        await post(database, batches)
        for ascending in (True, False):
            pages: list[tuple[int, int, int]] = []
            after = None
            while True:
                _, rows = await database.read(
                    lambda c, after=after, up=ascending: queries.account_entries(c, 1, 0, after, 7, ascending=up)  # type: ignore[misc]
                )
                if not rows:
                    break
                pages += [(row.sequence, row.event_index, row.leg) for row in rows]
                after = pages[-1]
            assert len(pages) > 50
            assert len(set(pages)) == len(pages)
            assert pages == sorted(pages, reverse=not ascending)
