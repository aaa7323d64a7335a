"""Verification names the first record that is not as it was recorded.

Goal: whatever was altered, removed, inserted or reordered is found, named by its position and by what was done to it; also
when the intruder has made every hash in the database anew from there on.
Method: a ledger of several days, some published, the last one open; one crime at a time, each undone by a rollback; a
thousand altered bytes in `make fuzz`, a hundred otherwise.
"""

import asyncio
import itertools
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from quantumcore.adapters.second_store import FileStore
from quantumcore.contracts.days import DAY_NS
from quantumcore.services.ledger.audit.chain import TIME
from quantumcore.services.ledger.audit.findings import Finding
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.roots import leaves_name, root_name
from quantumcore.services.ledger.audit.verify import Walker
from quantumcore.services.ledger.tables import audit_days, audit_head, audit_records, entries
from tests.support.audits import (
    AUDIT_TABLES,
    COLUMNS,
    Audited,
    add,
    audited,
    days_of_trading,
    put,
    recompute,
    remove,
    swap,
)

BYTES = 1_000 if os.environ.get("QC_TEST_PROFILE") == "fuzz" else 100
Crime = Callable[[Connection], Any]


class Undo(Exception):
    """Takes a crime back."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, shared_rng: random.Random) -> Path:
    """A ledger of five days: four closed and published, the fifth open."""

    async def make(directory: Path) -> Path:
        async with audited(directory) as opened:
            await opened.enter(days_of_trading(shared_rng, days=5)[1])
            assert await opened.sound()
            assert opened.publisher.roots == 4
        return directory

    return asyncio.run(make(tmp_path_factory.mktemp("made")))


@pytest.fixture
async def ledger(made: Path, tmp_path: Path) -> AsyncIterator[Audited]:
    """A copy of it."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    async with audited(tmp_path) as opened:
        yield opened


async def after(ledger: Audited, *crimes: Crime) -> Finding | None:
    """Return what is found after these crimes, which are undone."""
    found: list[Finding | None] = []

    def work(connection: Connection) -> None:
        for crime in crimes:
            crime(connection)
        found.append(ledger.verify(connection))
        raise Undo

    with pytest.raises(Undo):
        await ledger.change(work)
    return found[0]


def position(row: Any) -> tuple[int, int, int]:
    return row[0], row[1], row[2]


def is_open(rows: list[Any], row: Any) -> bool:
    return bool(row[TIME] // DAY_NS == rows[-1][TIME] // DAY_NS)


def recomputed(hidden: bool) -> list[Crime]:
    return [recompute] if hidden else []


@pytest.mark.parametrize("hidden", [False, True])
async def test_an_altered_column_is_named_whichever_it_is(ledger: Audited, rng: random.Random, hidden: bool):
    rows = await ledger.rows()
    closed = [row for row in rows if not is_open(rows, row)]
    for column, name in enumerate(COLUMNS):
        if name in ("sequence", "event_index", "leg"):
            continue  # that is another position: reordered, below
        row = rng.choice(closed if hidden else rows)
        if name == "time_ns":
            other: Any = row[column] + 1  # of the same day, or every later day would have other records too
        else:
            other = row[column] + "x" if name == "reference" else row[column] ^ 1
        crime = update(entries).where(*_at(row)).values({name: other})
        found = await after(ledger, lambda connection, crime=crime: connection.execute(crime), *recomputed(hidden))
        assert found is not None, name
        assert (found.kind, found.what, found.position) == ("altered", "record", position(row)), name
        assert found.number == rows.index(row) + 1


@pytest.mark.parametrize("hidden", [False, True])
async def test_a_removed_entry_is_named(ledger: Audited, rng: random.Random, hidden: bool):
    rows = await ledger.rows()
    closed = [row for row in rows if not is_open(rows, row)]
    for row in [rows[0], closed[-1], *rng.sample(closed, 8), *([] if hidden else [rows[-1], *rng.sample(rows, 8)])]:
        found = await after(ledger, lambda connection, row=row: remove(connection, row), *recomputed(hidden))
        assert found is not None
        assert (found.kind, found.what, found.position) == ("removed", "record", position(row))
        assert found.number == rows.index(row) + 1


@pytest.mark.parametrize("hidden", [False, True])
async def test_an_inserted_entry_is_named(ledger: Audited, rng: random.Random, hidden: bool):
    """Before the first, behind the last, and in between; a copy of another entry, too."""
    rows = await ledger.rows()
    closed = [row for row in rows if not is_open(rows, row)]
    ends = [row for row, after in itertools.pairwise(rows) if row[TIME] // DAY_NS < after[TIME] // DAY_NS]
    assert len(ends) == 4
    for near in [rows[0], *ends, *rng.sample(closed, 8), *([] if hidden else [rows[-1], *rng.sample(rows, 8)])]:
        new = (near[0], near[1], near[2] + 100, *near[3:])
        found = await after(ledger, lambda connection, new=new: add(connection, new), *recomputed(hidden))
        assert found is not None
        assert (found.kind, found.what, found.position) == ("inserted", "record", position(new))
    first = (0, 0, 0, *rows[0][3:])
    found = await after(ledger, lambda connection: add(connection, first), *recomputed(hidden))
    assert found is not None
    assert (found.kind, found.position, found.after) == ("inserted", (0, 0, 0), None)


@pytest.mark.parametrize("hidden", [False, True])
async def test_entries_that_changed_places_are_named_reordered(ledger: Audited, rng: random.Random, hidden: bool):
    """Neighbours and distant ones, of one day: the first of the two is named."""
    rows = await ledger.rows()
    some = [row for row in rows if not is_open(rows, row)] if hidden else rows
    by_day: dict[int, list[Any]] = {}
    for row in some:
        by_day.setdefault(row[TIME] // DAY_NS, []).append(row)
    for _ in range(12):
        same_day = rng.choice([each for each in by_day.values() if len(each) > 2])
        one, other = sorted(rng.sample(same_day, 2)) if rng.random() < 0.5 else _neighbours(rng, same_day)
        if one[3:] == other[3:]:
            continue  # nothing has changed
        found = await after(ledger, lambda connection, a=one, b=other: swap(connection, a, b), *recomputed(hidden))
        assert found is not None
        assert (found.kind, found.what, found.position) == ("reordered", "record", position(one))


@pytest.mark.parametrize("hidden", [False, True])
async def test_an_entry_moved_to_another_position_is_named_reordered(ledger: Audited, rng: random.Random, hidden: bool):
    """Later: where it was recorded. Earlier: where it stands now."""
    rows = await ledger.rows()
    closed = [row for row in rows if not is_open(rows, row)]
    row = rng.choice(closed[:-10])
    later = (row[0] + 3, row[1], row[2] + 50, *row[3:])
    found = await after(ledger, lambda connection: put(connection, row, later), *recomputed(hidden))
    assert found is not None
    assert (found.kind, found.position) == ("reordered", position(row))
    row = rng.choice(closed[10:])
    earlier = (row[0] - 1, row[1], row[2] + 50, *row[3:])
    found = await after(ledger, lambda connection: put(connection, row, earlier), *recomputed(hidden))
    assert found is not None
    assert (found.kind, found.position) == ("reordered", position(earlier))


async def test_a_twin_of_an_altered_entry_does_not_make_it_look_moved(ledger: Audited, rng: random.Random):
    """Two entries of equal content in the same event: one is altered, and is called so."""
    rows = await ledger.rows()
    row = rng.choice([each for each in rows if not is_open(rows, each)])
    found = await after(
        ledger,
        lambda connection: connection.execute(update(entries).where(*_at(row)).values(amount=row[9] + 1)),
        lambda connection: add(connection, (row[0], row[1], row[2] + 100, *row[3:])),
    )
    assert found is not None
    assert found.position == position(row)


async def test_a_tail_that_was_cut_off_is_named(ledger: Audited, rng: random.Random):
    """Of the entries alone, with their records, and with a head that hides it, into the published days."""
    rows = await ledger.rows()
    cut = rng.randrange(len(rows) // 4, len(rows) // 2)

    def entries_only(connection: Connection) -> None:
        for row in rows[cut:]:
            remove(connection, row)

    def records_too(connection: Connection) -> None:
        connection.execute(delete(audit_records).where(audit_records.c.number > cut))

    for crimes in ([entries_only], [entries_only, records_too], [entries_only, recompute]):
        found = await after(ledger, *crimes)
        assert found is not None
        assert (found.kind, found.position, found.number) == ("removed", position(rows[cut]), cut + 1)


async def test_the_end_of_the_open_day_cannot_go_without_its_head(ledger: Audited):
    rows = await ledger.rows()

    def cut(connection: Connection) -> None:
        remove(connection, rows[-1])
        connection.execute(delete(audit_records).where(audit_records.c.number == len(rows)))

    found = await after(ledger, cut)
    assert found is not None
    assert (found.what, found.number) == ("head", len(rows))


async def test_an_entry_of_the_open_day_that_is_gone_with_its_hash_is_placed_between_its_neighbours(
    ledger: Audited, rng: random.Random
):
    rows = await ledger.rows()
    opened = [row for row in rows if is_open(rows, row)]
    row = opened[len(opened) // 2]
    number = rows.index(row) + 1

    def crime(connection: Connection) -> None:
        remove(connection, row)
        connection.execute(delete(audit_records).where(audit_records.c.number == number))

    found = await after(ledger, crime)
    assert found is not None
    assert (found.kind, found.what, found.number) == ("removed", "record", number)
    assert (found.position, found.after) == (None, position(rows[number - 2]))


async def test_an_entry_put_into_the_open_day_with_a_hash_is_named(ledger: Audited):
    """The intruder numbers the rest anew, but cannot be bothered to hash it again."""
    rows = await ledger.rows()
    opened = [row for row in rows if is_open(rows, row)]
    near = next(row for row, following in itertools.pairwise(opened[9:]) if row[:2] != following[:2])
    number, new = rows.index(near) + 1, (*near[:2], near[2] + 100, *near[3:])

    def crime(connection: Connection) -> None:
        add(connection, new)
        behind = connection.execute(select(audit_records).where(audit_records.c.number > number)).all()
        connection.execute(delete(audit_records).where(audit_records.c.number > number))
        for row in behind:
            connection.execute(audit_records.insert(), {**row._mapping, "number": row.number + 1})
        made = {"number": number + 1, "sequence": new[0], "event_index": new[1], "leg": new[2], "hash": b"x" * 32}
        connection.execute(audit_records.insert(), made)

    found = await after(ledger, crime)
    assert found is not None
    assert (found.kind, found.what, found.position) == ("inserted", "record", position(new))


@pytest.mark.parametrize("with_files", [False, True])
@pytest.mark.parametrize("hidden", [False, True])
async def test_a_whole_day_that_is_gone_is_named(ledger: Audited, tmp_path: Path, with_files: bool, hidden: bool):
    """With its files the next signed root still names it."""
    rows = await ledger.rows()
    days = sorted({row[TIME] // DAY_NS for row in rows})
    gone = days[1]
    first = next(row for row in rows if row[TIME] // DAY_NS == gone)

    def crime(connection: Connection) -> None:
        for row in rows:
            if row[TIME] // DAY_NS == gone:
                remove(connection, row)

    if with_files:
        for name in (root_name(gone), leaves_name(gone)):
            (tmp_path / "audit" / name).rename(tmp_path / name)
    found = await after(ledger, crime, *recomputed(hidden))
    assert found is not None
    assert (found.kind, found.number) == ("removed", rows.index(first) + 1)
    if with_files:
        assert found.what == "root"
        assert "2024-10-05" in found.detail
    else:
        assert (found.what, found.position) == ("record", position(first))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET sequence = 'x' WHERE sequence = (SELECT max(sequence) FROM entries)",
        "UPDATE entries SET amount = 'x' WHERE sequence = (SELECT max(sequence) FROM entries)",
        "UPDATE entries SET amount = 1.5 WHERE sequence = (SELECT min(sequence) FROM entries)",
        "UPDATE entries SET reference = x'00ff' WHERE sequence = (SELECT min(sequence) FROM entries)",
        "UPDATE entries SET time_ns = 'soon' WHERE sequence = (SELECT max(sequence) FROM entries)",
        "UPDATE entries SET amount = 9223372036854775807, leg = 70000 WHERE sequence = (SELECT min(sequence) FROM entries)",
        "UPDATE audit_records SET hash = 'x' WHERE number = 5",
        "UPDATE audit_records SET hash = 7 WHERE number = (SELECT max(number) FROM audit_records)",
        "UPDATE audit_records SET leg = 'x' WHERE number = (SELECT max(number) FROM audit_records)",
        "UPDATE audit_records SET number = 'x' WHERE number = 5",
        "UPDATE audit_blocks SET node = 'x'",
        "UPDATE audit_days SET root = 'x'",
        "UPDATE audit_days SET first = 'x'",
        "UPDATE audit_days SET \"count\" = 'x'",
        "UPDATE audit_head SET hash = 'x'",
        "UPDATE audit_head SET number = 'x'",
        "UPDATE audit_head SET day = 'x'",
        "UPDATE audit_head SET \"count\" = 'x'",
        "UPDATE audit_head SET edge = 'x'",
        "DELETE FROM audit_head",
        "DELETE FROM audit_blocks",
        "DELETE FROM audit_days",
        "DELETE FROM audit_records",
        "DELETE FROM entries",
    ],
)
@pytest.mark.parametrize("published", [True, False])
async def test_what_the_ledger_never_writes_is_a_finding_and_no_crash(ledger: Audited, statement: str, published: bool):
    if not published:
        ledger.store = FileStore(ledger.directory / "nowhere")
    found = await after(ledger, lambda connection: connection.exec_driver_sql(statement))
    assert found is not None


@pytest.mark.fuzz
async def test_a_byte_altered_anywhere_in_the_database_is_found(ledger: Audited, rng: random.Random):
    """In entries, records, nodes, days and the head: a bit of a number, of a text or of a hash."""

    def flip(connection: Connection) -> str:
        table = rng.choice([entries, entries, *AUDIT_TABLES])
        row = rng.choice(connection.execute(select(table)).all())
        column = rng.choice(list(table.columns))
        if (table, column.name) == (audit_head, "one"):
            column = audit_head.c.number
        value = row._mapping[column.name]
        where = [each == row._mapping[each.name] for each in table.primary_key]
        changed = update(table).where(*where).values({column.name: _flipped(rng, value)}).prefix_with("OR IGNORE")
        done = connection.execute(changed)
        return f"{table.name}.{column.name} {dict(row._mapping)}" if done.rowcount else ""

    tried = 0
    while tried < BYTES:
        said: list[str] = []
        found = await after(ledger, lambda connection, said=said: said.append(flip(connection)))
        if said[0]:  # else the bit made the key of another row, and nothing was changed
            tried += 1
            assert found is not None, said[0]


@pytest.mark.fuzz
async def test_a_byte_altered_anywhere_in_the_second_store_is_found(
    ledger: Audited, tmp_path: Path, rng: random.Random
):
    """In roots, signatures, lists of hashes, their heads and trailers."""
    files = [path for path in sorted((tmp_path / "audit").iterdir()) if path.name != "public_key"]
    for _ in range(BYTES):
        path = rng.choice(files)
        before = path.read_bytes()
        spoiled = bytearray(before)
        spoiled[rng.randrange(len(before))] ^= 1 << rng.randrange(8)
        path.write_bytes(spoiled)
        found = await ledger.finding()
        path.write_bytes(before)
        assert found is not None, path.name
        assert found.what in ("root", "leaves"), path.name
    for path in files:
        before = path.read_bytes()
        for spoiled_by in (before[:-1], before + b"\0", before + b"\n", b""):
            path.write_bytes(spoiled_by)
            assert await ledger.finding() is not None, path.name
        path.write_bytes(before)
    assert await ledger.sound()


async def test_roots_that_are_gone_changed_places_or_signed_by_another_are_found(ledger: Audited, tmp_path: Path):
    store = tmp_path / "audit"
    roots = sorted(store.glob("*.root.json"))
    kept = {path: path.read_bytes() for path in store.iterdir()}
    roots[0].unlink()
    found = await ledger.finding()
    assert found is not None
    assert (found.kind, found.what, found.number) == ("removed", "root", 1)
    roots[0].write_bytes(kept[roots[0]])
    roots[1].write_bytes(kept[roots[2]])
    found = await ledger.finding()
    assert found is not None
    assert (found.kind, found.what) == ("inserted", "root")
    assert found.number > 1, "the first day is as it was"
    roots[1].write_bytes(kept[roots[1]])
    shutil.rmtree(store)
    other = Audited(tmp_path, ledger.database)
    other.publisher._signer.__init__(bytes(32))  # type: ignore[misc]
    await other.publisher.publish()
    found = await ledger.finding()
    assert found is not None
    assert (found.kind, found.what) == ("altered", "root")


async def test_a_verification_goes_on_where_another_stopped(ledger: Audited, rng: random.Random):
    """In steps, from any record, over damage behind and before it."""
    rows = await ledger.rows()

    def in_steps(connection: Connection) -> None:
        reached = 0
        while True:
            walker = Walker(connection, Published(ledger.store, ledger.key), after=reached)
            walker.walk(rng.randrange(1, 100))
            assert walker.finding is None
            assert walker.place.number > reached or walker.done
            reached = walker.place.number
            if walker.done:
                break
        assert reached == len(rows)

    await ledger.database.read(in_steps)
    for _ in range(20):
        assert await ledger.finding(after=rng.randrange(len(rows) + 1)) is None
    row = rows[len(rows) // 2]
    await ledger.change(lambda connection: remove(connection, row))
    found = await ledger.finding(after=len(rows) // 3)
    assert found is not None
    assert found.position == position(row)
    assert await ledger.finding(after=len(rows) // 2 + 1) is None


async def test_an_empty_ledger_is_sound(tmp_path: Path):
    async with audited(tmp_path) as opened:
        assert await opened.sound()
        await opened.publisher.publish()
        assert await opened.sound()


async def test_a_closed_day_that_waits_to_be_published_is_verified_too(tmp_path: Path, rng: random.Random):
    async with audited(tmp_path) as opened:
        _, batches = days_of_trading(rng, days=3)
        await opened.enter(batches[:100])
        published = opened.publisher.roots
        opened.publisher.publish = lambda: _nothing()  # type: ignore[method-assign]
        await opened.enter(batches[100:])
        assert await opened.sound()
        assert published == 1
        found = await after(
            opened, lambda c: c.execute(update(audit_days).where(audit_days.c.day == 20_001).values(root=b"x" * 32))
        )
        assert found is not None
        assert found.what == "day"


async def _nothing() -> None:
    return None


def _at(row: Any) -> tuple[Any, ...]:
    return entries.c.sequence == row[0], entries.c.event_index == row[1], entries.c.leg == row[2]


def _neighbours(rng: random.Random, rows: list[Any]) -> tuple[Any, Any]:
    first = rng.randrange(len(rows) - 1)
    return rows[first], rows[first + 1]


def _flipped(rng: random.Random, value: Any) -> Any:
    if isinstance(value, int):
        return value ^ 1 << rng.randrange(8)
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    if not raw:
        return b"\1"
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(7)
    return raw.decode() if isinstance(value, str) else bytes(raw)
