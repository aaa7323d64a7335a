"""The chain is written with the entries, and rebuilt it is the same.

Goal: the same events give the same hashes, nodes, days and signed roots, however they are cut, repeated and shuffled, and
after a rebuild; a day closes with the first event of a later one; the layout is the one that the reference page shows.
Method: ledgers of the same events side by side; the worked record of docs/reference/audit.md byte by byte.
"""

import random
import re
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from quantumcore.adapters.event_log import FileEventLog
from quantumcore.contracts import wire
from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import Corrupted
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger import store
from quantumcore.services.ledger.audit.chain import Chain, canonical, genesis
from quantumcore.services.ledger.audit.merkle import leaf, root_of
from quantumcore.services.ledger.audit.rows import record_at, records_after
from quantumcore.services.ledger.service import LedgerService
from tests.support.audits import AUDIT_TABLES, NOON, Audited, audited, days_of_trading
from tests.support.clocks import ManualClock
from tests.support.ledgers import post
from tests.support.small_venue import ALICE, USD, SmallVenue

ROOT = Path(__file__).parents[2]


async def audit_rows(ledger: Audited) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of the audit's tables."""

    def work(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
        return {table.name: sorted(tuple(row) for row in connection.execute(select(table))) for table in AUDIT_TABLES}

    return await ledger.database.read(work)


def files(ledger: Audited) -> dict[str, bytes]:
    """Return what lies in the second store."""
    return {path.name: path.read_bytes() for path in sorted((ledger.directory / "audit").iterdir())}


async def test_every_entry_has_its_record_and_every_day_its_tree(tmp_path: Path, rng: random.Random):
    """Recomputed here from the entries by the words of the specification."""
    async with audited(tmp_path) as ledger:
        await ledger.enter(days_of_trading(rng)[1])
        rows, written = await ledger.rows(), await audit_rows(ledger)
    previous, hashes = genesis(0), []
    for row in rows:
        previous = sha256(previous + canonical(row)).digest()
        hashes.append(previous)
    expected = [(n, *row[:3], each) for n, (row, each) in enumerate(zip(rows, hashes, strict=True), start=1)]
    assert written["audit_records"] == expected
    days = sorted({row[-1] // DAY_NS for row in rows})[:-1]
    assert [row[0] for row in written["audit_days"]] == days
    for day, first, count, before, head, root in written["audit_days"]:
        of_day = [each for row, each in zip(rows, hashes, strict=True) if row[-1] // DAY_NS == day]
        assert (first, count) == (hashes.index(of_day[0]) + 1, len(of_day))
        assert before == (hashes[first - 2] if first > 1 else genesis(0))
        assert head == of_day[-1]
        assert root == root_of([leaf(each) for each in of_day])


async def test_however_events_are_cut_repeated_and_shuffled_the_hashes_are_the_same(tmp_path: Path, rng: random.Random):
    """Through the room's own delivery, after each batch; each batch one to five times; then rebuilt from nothing."""
    _, batches = days_of_trading(rng)
    async with audited(tmp_path / "whole") as ledger:
        await post(ledger.database, batches)
        whole = await audit_rows(ledger)
    async with audited(tmp_path / "cut") as ledger:
        log = FileEventLog(tmp_path / "log")
        service = LedgerService(SmallVenue(tmp_path / "v").bus, log, ledger.database, ManualClock())
        at = 0
        while at < len(batches):
            part = batches[at : at + rng.randrange(1, 40)]
            for batch in part:
                log.append(batch)
            delivered = [batch for batch in part for _ in range(rng.randrange(1, 6))]
            rng.shuffle(delivered)
            service._follower.cursor = await ledger.database.read(store.read_cursor)
            await service.apply(delivered)
            at += len(part)
            rows = await audit_rows(ledger)
            count = len(rows["audit_records"])
            assert rows["audit_records"] == whole["audit_records"][:count]
            assert rows["audit_days"] == whole["audit_days"][: len(rows["audit_days"])]
        assert await audit_rows(ledger) == whole
        assert await ledger.sound()
        log.close()


async def test_a_rebuilt_ledger_finds_its_published_roots_right(tmp_path: Path, rng: random.Random):
    """The tables are wiped and come back from the events: the same bytes would be published, and nothing is."""
    _, batches = days_of_trading(rng)
    async with audited(tmp_path) as ledger:
        await ledger.enter(batches)
        published = files(ledger)
    assert len(published) == 7  # three days of two files, and the key
    _wipe(tmp_path, "ledger.db*")
    async with audited(tmp_path) as ledger:
        await ledger.enter(batches, size=7)
        assert files(ledger) == published
        assert await ledger.sound()
        _wipe(tmp_path / "audit")
        await ledger.publisher.publish()
        assert files(ledger) == published


async def test_a_day_closes_with_the_first_event_of_a_later_one_whatever_it_is(tmp_path: Path, rng: random.Random):
    """Also one that moves no money; days without entries have no root."""
    engine, batches = days_of_trading(rng, days=2)

    def step(command: wire.Command, days: int) -> EventBatch:
        raw = engine.step(command.encode(), NOON + days * DAY_NS)
        return EventBatch(engine.sequence, engine.sequence, raw)

    async with audited(tmp_path) as ledger:
        await ledger.enter(batches)
        assert len((await audit_rows(ledger))["audit_days"]) == 1
        await ledger.enter([step(wire.OpenAccount(account=50, owner=50), 4)])
        assert [row[0] for row in (await audit_rows(ledger))["audit_days"]] == [20_000, 20_001]
        await ledger.enter([step(wire.OpenAccount(account=51, owner=51), 6)])
        deposit = wire.Transfer(account=ALICE, amount=5, currency=USD, transfer_kind=1, transfer_id="late")
        await ledger.enter([step(deposit, 9), step(wire.OpenAccount(account=52, owner=52), 10)])
        assert [row[0] for row in (await audit_rows(ledger))["audit_days"]] == [20_000, 20_001, 20_009]
        assert await ledger.sound()
        assert ledger.publisher.roots == 3


async def test_a_batch_that_fails_leaves_the_chain_where_it_was(tmp_path: Path, rng: random.Random, monkeypatch: Any):
    _, batches = days_of_trading(rng)
    async with audited(tmp_path) as ledger:
        await post(ledger.database, batches[:100])
        before = await audit_rows(ledger)

        def failing(*_: Any) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(store, "head_row", failing)
        with pytest.raises(OSError, match="disk full"):
            await post(ledger.database, batches[100:])
        monkeypatch.undo()
        assert await audit_rows(ledger) == before
        await post(ledger.database, batches[100:])
        assert await ledger.sound()


async def test_a_head_that_was_altered_stops_the_ledger(tmp_path: Path, rng: random.Random):
    """Nothing is chained to what cannot be right."""
    _, batches = days_of_trading(rng)
    async with audited(tmp_path) as ledger:
        await post(ledger.database, batches[:100])
        table = AUDIT_TABLES[[each.name for each in AUDIT_TABLES].index("audit_head")]
        for spoiled in ({"hash": b"short"}, {"edge": b"x"}, {"before": b""}):
            kept = (await audit_rows(ledger))["audit_head"][0]
            await ledger.change(lambda connection, spoiled=spoiled: connection.execute(table.update().values(spoiled)))
            with pytest.raises(Corrupted, match=r"audit\.corrupted"):
                await post(ledger.database, batches[100:])
            back = dict(zip(table.columns.keys(), kept, strict=True))
            await ledger.change(lambda connection, back=back: connection.execute(table.update().values(back)))
        await post(ledger.database, batches[100:])


async def test_a_record_is_found_by_the_position_of_its_entry(tmp_path: Path, rng: random.Random):
    async with audited(tmp_path) as ledger:
        assert await ledger.database.read(lambda connection: record_at(connection, (1, 0, 0))) is None
        await ledger.enter(days_of_trading(rng)[1])
        rows = await ledger.rows()

        def work(connection: Any) -> None:
            for number, row in enumerate(rows, start=1):
                found = record_at(connection, (row[0], row[1], row[2]))
                assert found is not None
                assert found.number == number
                assert record_at(connection, (row[0], row[1], row[2] + 100)) is None
            assert record_at(connection, (10**9, 0, 0)) is None
            assert record_at(connection, (0, 0, 0)) is None
            assert records_after(connection, len(rows), 10) == []

        await ledger.database.read(work)


def test_the_bytes_of_a_record_are_those_of_the_reference_page():
    """Whoever writes a checker by the page has the same bytes: its worked record and hash are made here anew."""
    page = (ROOT / "docs/reference/audit.md").read_text()
    shown = re.findall(r"^    ([0-9a-f ]+)$", page, re.MULTILINE)
    row = (8, 1, 0, 21, 0, 100, 1001, 200, 1, 1_000_000, "first-1", 1_728_043_200_000_000_000)
    made = struct.pack("<BqqhhqhqhqqqH", 1, *row[:10], row[11], 7) + b"first-1"
    assert canonical(row) == made
    assert shown[0].replace(" ", "") == genesis(0).hex()
    assert "".join(shown[1:-1]).replace(" ", "") == made.hex()
    assert shown[-1].replace(" ", "") == sha256(genesis(0) + made).hexdigest()


def test_a_chain_in_one_piece_and_in_many_is_one_chain(rng: random.Random):
    rows = [(n, 0, 0, 1, 1, 200, 2, 200, 1, n, str(n), NOON + n * 10**13) for n in range(1, 5_000)]
    whole, cut = Chain(3), Chain(3)
    whole.extend(rows, rows[-1][-1])
    at = 0
    while at < len(rows):
        part = rows[at : at + rng.randrange(1, 900)]
        cut.extend(part, part[-1][-1])
        at += len(part)
    assert (cut.records, cut.blocks, cut.days) == (whole.records, whole.blocks, whole.days)
    assert (cut.number, cut.hash, cut.day, cut.before) == (whole.number, whole.hash, whole.day, whole.before)
    assert len(whole.days) > 3
    other = Chain(4)
    other.extend(rows, rows[-1][-1])
    assert other.hash != whole.hash, "the genesis names the shard"


def _wipe(directory: Path, names: str = "*") -> None:
    for path in directory.glob(names):
        path.unlink()
