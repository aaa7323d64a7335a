"""A closed day's entries in two places.

Goal: any altered byte in any place is found and its file named, a missing place too; from either place alone come the same
tables; what is kept long enough goes, and nothing else does; nothing that is wrong is ever sealed.
Method: a ledger of several days with its two places; random bytes; the restore drill of the command line.
"""

import asyncio
import io
import json
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Connection, func, select, update
from typer.testing import CliRunner

from quantumcore.adapters.sql import SqliteDatabase, read_only
from quantumcore.app import cli
from quantumcore.app.audit import LEDGER, ledger_of
from quantumcore.app.audit_key import KEY_FILE
from quantumcore.app.audit_places import FIRST, SECOND, auditing_of, places_of
from quantumcore.app.segments import check_places, sealed_days
from quantumcore.app.verify import verify
from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import Corrupted, Unavailable
from quantumcore.ports.sealed import RETENTION_DAYS
from quantumcore.services.ledger.audit import segments
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.publisher import Publisher
from quantumcore.services.ledger.audit.roots import Signer, day_name
from quantumcore.services.ledger.tables import audit_days, audit_records, entries
from tests.support.audits import KEY, NOON, all_rows, days_of_trading
from tests.support.clocks import ManualClock
from tests.support.ledgers import MIGRATIONS, post
from tests.support.tables import open_tables

PUBLIC = Signer(KEY).public_key
DAYS = 4
BYTES = 1_000


class House:
    """A data directory with a ledger, of whose days all but the last are closed and sealed."""

    def __init__(self, directory: Path, database: SqliteDatabase) -> None:
        self.directory = directory
        self.database = database
        self.places = places_of(directory)

    async def publish(self, retention_days: int = RETENTION_DAYS) -> Publisher:
        publisher = Publisher(self.database, ManualClock(), auditing_of(self.directory, KEY, retention_days))
        await publisher.publish()
        return publisher

    def days(self, retention_days: int = RETENTION_DAYS) -> list[segments.Sealed]:
        with ledger_of(self.directory) as connection:
            published = Published(self.places[SECOND], PUBLIC)
            return sealed_days(connection, published, self.directory, retention_days)

    def findings(self, retention_days: int = RETENTION_DAYS) -> list[str]:
        return self.found_of(self.days(retention_days))

    def found_of(self, days: list[segments.Sealed]) -> list[str]:
        return check_places(self.directory, days, lambda _done, _total: None)[1]

    def segments(self, place: str) -> list[Path]:
        return sorted((self.directory / place).glob(f"*{segments.SUFFIX}"))


@pytest.fixture
async def house(tmp_path: Path, rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(segments, "SEGMENT_RECORDS", 50)  # so that a day has several
    monkeypatch.setattr("quantumcore.services.ledger.audit.sealer.SEGMENT_RECORDS", 50)
    (tmp_path / KEY_FILE).write_text(KEY.hex())
    _, batches = days_of_trading(rng, days=DAYS)
    database = await open_tables(tmp_path / LEDGER, MIGRATIONS)
    for at in range(0, len(batches), 60):
        await post(database, batches[at : at + 60])
    opened = House(tmp_path, database)
    publisher = await opened.publish()
    assert (publisher.roots, publisher.waiting) == (DAYS - 1, 0)
    yield opened
    await database.close()


async def run(*arguments: object) -> tuple[int, str]:
    """Run the command line in a thread, for it has a loop of its own."""
    result = await asyncio.to_thread(CliRunner().invoke, cli.app, [str(one) for one in arguments])
    return result.exit_code, result.output


async def test_every_closed_day_lies_in_both_places_alike(house: House) -> None:
    first, second = (house.segments(place) for place in (FIRST, SECOND))
    assert [file.name for file in first] == [file.name for file in second]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    assert len({segments.day_of(file.name) for file in first}) == DAYS - 1
    assert len(first) > DAYS
    assert house.findings() == []
    before = {file: file.stat().st_mtime_ns for file in first}
    publisher = await house.publish()
    assert publisher.segments == len(first)
    assert {file: file.stat().st_mtime_ns for file in house.segments(FIRST)} == before, "written once"


async def test_any_altered_byte_in_any_place_is_found_and_its_file_named(house: House, rng: random.Random) -> None:
    days = {day.day: day for day in house.days()}
    for _ in range(BYTES):
        place = rng.choice((FIRST, SECOND))
        file = rng.choice(house.segments(place))
        sound = file.read_bytes()
        altered = bytearray(sound)
        altered[rng.randrange(len(altered))] ^= 1 << rng.randrange(8)
        file.write_bytes(altered)
        (found,) = house.found_of([days[segments.day_of(file.name)]])
        assert found.startswith(f"segments: {place}: {file.name} "), found
        file.write_bytes(sound)
    assert house.findings() == []


@pytest.mark.parametrize("place", [FIRST, SECOND])
async def test_a_segment_that_is_missing_cut_longer_or_another_one_is_found(house: House, place: str) -> None:
    one, other = house.segments(place)[:2]
    sound = one.read_bytes()
    for wrong in (sound[:-1], sound[:40], b"", sound + b"\0", other.read_bytes()):
        one.write_bytes(wrong)
        assert [found.split(" ")[2] for found in house.findings()] == [one.name]
    one.unlink()
    assert house.findings() == [f"segments: {place}: {one.name} is missing"]


@pytest.mark.parametrize("place", [FIRST, SECOND])
async def test_a_place_that_is_gone_is_named(house: House, place: str) -> None:
    """With the second one the signed roots are gone too; what must be sealed follows from the other then."""
    shutil.rmtree(house.directory / place)
    assert house.findings() == [f"segments: {place} has none, of {DAYS - 1} days"]
    (house.directory / "journal").mkdir()
    report = verify(house.directory, max_orders=16, console=Console(file=io.StringIO()), public_key=PUBLIC)
    assert f"segments: {place} has none, of {DAYS - 1} days" in report["findings"]
    assert report["audit_segments"] == 0


@pytest.mark.parametrize("last", [False, True])
async def test_a_segment_made_anew_with_other_entries_is_not_that_of_its_root(house: House, last: bool) -> None:
    """Whole, and of a chain of its own: the next segment does not follow it, or the day's signed head."""
    day = [file for file in house.segments(FIRST) if segments.day_of(file.name) == NOON // DAY_NS]
    file = day[-1] if last else day[0]
    found = segments.unpack(file.read_bytes(), file.name)
    forged = [(*row[:9], row[9] + 1, *row[10:]) for row in found.rows]
    _, raw = segments.pack(found.shard, found.day, found.part, found.first, found.before, forged)
    assert segments.unpack(raw, file.name).rows == forged
    file.write_bytes(raw)
    what = (
        f"{file.name} does not lead to the head of its day"
        if last
        else f"{day[1].name} is not what was sealed on that day"
    )
    assert house.findings() == [f"segments: {FIRST}: {what}"]


async def test_the_restore_drill_gives_the_same_tables_from_either_place(house: House, tmp_path: Path) -> None:
    for place in (FIRST, SECOND):
        code, said = await run("audit", "restore", tmp_path / f"{place}.db", "--place", place, "--data-dir", tmp_path)
        assert code == 0, said
    code, said = await run("audit", "drill", "--json", "--data-dir", tmp_path)
    assert code == 0, said
    closed = await house.database.read(lambda c: c.execute(select(func.sum(audit_days.c["count"]))).scalar_one())
    assert json.loads(said) == {
        place: {"days": DAYS - 1, "entries": closed, "finding": ""} for place in (FIRST, SECOND)
    }
    expected = await house.database.read(lambda connection: all_rows(connection)[:closed])
    days = await house.database.read(lambda connection: connection.execute(select(audit_days)).all())
    hashes = select(audit_records).where(audit_records.c.number <= closed)
    records = await house.database.read(lambda connection: connection.execute(hashes).all())
    for place in (FIRST, SECOND):
        with read_only(tmp_path / f"{place}.db") as restored:
            assert all_rows(restored) == expected
            assert restored.execute(select(audit_days)).all() == days
            assert restored.execute(select(audit_records)).all() == records


async def test_the_drill_names_the_place_that_cannot_restore_and_the_row_that_differs(
    house: House, tmp_path: Path
) -> None:
    house.segments(SECOND)[2].unlink()
    code, said = await run("audit", "drill", "--data-dir", tmp_path)
    assert code == 1
    assert f"{house.segments(FIRST)[2].name} is missing" in said
    row = (await house.database.read(all_rows))[3]
    change = update(entries).where(
        entries.c.sequence == row[0], entries.c.event_index == row[1], entries.c.leg == row[2]
    )
    await house.database.write(lambda connection: connection.execute(change.values(amount=row[9] + 1)))
    code, said = await run("audit", "drill", "--data-dir", tmp_path)
    assert code == 1
    assert f"not what stands: entries: ({row[0]}, {row[1]}, {row[2]})" in said


async def test_a_file_that_is_there_is_not_restored_into_and_an_unknown_place_is_refused(
    house: House, tmp_path: Path
) -> None:
    there = tmp_path / "there.db"
    there.write_bytes(b"mine")
    assert (await run("audit", "restore", there, "--place", FIRST, "--data-dir", tmp_path))[0] == 1
    assert there.read_bytes() == b"mine"
    code, said = await run("audit", "restore", tmp_path / "x.db", "--place", "attic", "--data-dir", tmp_path)
    assert (code, "audit.place" in said, (tmp_path / "x.db").exists()) == (1, True, False)


async def test_what_a_place_lacks_is_made_anew_and_what_is_there_is_left_alone(house: House) -> None:
    lost, altered = house.segments(FIRST)[1], house.segments(SECOND)[0]
    sound = lost.read_bytes()
    lost.unlink()
    altered.write_bytes(b"altered")
    await house.publish()
    assert lost.read_bytes() == sound
    assert altered.read_bytes() == b"altered", "nothing that is there is written again"
    assert len(house.findings()) == 1


async def test_what_is_kept_long_enough_goes_and_a_longer_retention_brings_it_back(house: House) -> None:
    days = sorted({segments.day_of(file.name) or 0 for file in house.segments(FIRST)})
    await house.publish(retention_days=2)  # the open day is the one after the last of these
    for place in (FIRST, SECOND):
        assert sorted({segments.day_of(file.name) for file in house.segments(place)}) == days[1:]
    assert house.findings(retention_days=2) == []
    assert house.findings() == [
        f"segments: {place}: {day_name(days[0])}.0000{segments.SUFFIX} is missing" for place in (FIRST, SECOND)
    ]
    assert (
        await run("audit", "restore", house.directory / "late.db", "--place", FIRST, "--data-dir", house.directory)
    )[0] == 0
    await house.publish()
    assert house.findings() == []


async def test_nothing_that_is_wrong_is_sealed_and_no_root_is_published_without_its_segments(
    tmp_path: Path, rng: random.Random
) -> None:
    _, batches = days_of_trading(rng, days=2)
    database = await open_tables(tmp_path / LEDGER, MIGRATIONS)
    await post(database, batches)
    row = (await database.read(all_rows))[5]

    def amount(connection: Connection, value: int) -> None:
        c = entries.c
        where = c.sequence == row[0], c.event_index == row[1], c.leg == row[2]
        connection.execute(update(entries).where(*where).values(amount=value))

    await database.write(lambda connection: amount(connection, row[9] + 1))
    opened = House(tmp_path, database)
    with pytest.raises(Corrupted, match="do not lead to its head"):
        await opened.publish()
    assert opened.segments(FIRST) == []
    await database.write(lambda connection: amount(connection, row[9]))
    (tmp_path / FIRST).write_bytes(b"no directory")
    with pytest.raises(Unavailable):
        await opened.publish()
    assert not list((tmp_path / SECOND).glob("*.root.json"))
    (tmp_path / FIRST).unlink()
    assert (await opened.publish()).roots == 1
    assert opened.findings() == []
    await database.close()


async def test_a_record_of_a_version_that_nobody_wrote_is_an_error(house: House) -> None:
    """Every version that was written has its upcaster; another one is not guessed at."""
    file = house.segments(FIRST)[0]
    found = segments.unpack(file.read_bytes(), file.name)
    content = b"".join(segments.canonical(row) for row in found.rows)
    assert [row for row, _ in segments._records(content, "here")] == list(found.rows)
    with pytest.raises(Corrupted, match="a record of version 2"):
        list(segments._records(b"\2" + content[1:], "here"))
    with pytest.raises(Corrupted, match="a record that is none"):
        list(segments._records(content[:-1], "here"))
