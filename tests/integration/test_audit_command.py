"""The audit on the command line.

Goal: `verify` says whether ledger, second store and journal are one, where they part, and changes nothing; a proof printed
by `audit prove` is believed by `audit check` with the public key alone; what is wrong is one sentence and a non-zero exit.
Method: a data directory as a venue leaves it, made of a real shard and the ledger's own code, over three days of its clock.
"""

import io
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import Connection, update
from typer.testing import CliRunner

from quantumcore.adapters.event_log import FileEventLog
from quantumcore.adapters.sql import SqliteDatabase, read_only
from quantumcore.app import cli
from quantumcore.app.audit import LEDGER
from quantumcore.app.audit_key import KEY_FILE
from quantumcore.app.audit_places import auditing_of
from quantumcore.app.verify import verify
from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.wire import Transfer
from quantumcore.core.shard import Shard
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger.audit.publisher import Publisher
from quantumcore.services.ledger.audit.roots import Signer
from quantumcore.services.ledger.tables import cursor, entries
from tests.support.audits import KEY, NOON, all_rows, recompute, remove
from tests.support.clocks import ManualClock
from tests.support.ledgers import MIGRATIONS, post
from tests.support.shards import MAX_ORDERS, market, open_shard
from tests.support.tables import open_tables

PUBLIC = Signer(KEY).public_key


@pytest.fixture
async def data(tmp_path: Path, rng: random.Random) -> Path:
    """The directory of a venue that traded on three days, of which two are closed; its ledger is at the journal's end."""
    directory = tmp_path / "data"
    directory.mkdir()
    (directory / KEY_FILE).write_text(KEY.hex())
    shard, log = open_shard(directory), FileEventLog(directory / "events")
    for _ in shard.recover():
        pass
    database = await open_tables(directory / LEDGER, MIGRATIONS)
    try:
        batches = [_step(shard, log, raw, NOON) for raw in market(4)]
        for day in range(3):
            for number in range(40):
                payer = rng.randrange(1, 5)
                moved = Transfer(
                    account=payer,
                    to_account=payer % 4 + 1,
                    amount=rng.randrange(1, 10**6),
                    currency=rng.randrange(1, 8),
                    transfer_kind=3,
                    transfer_id=f"t-{day}-{number}",
                )
                batches.append(_step(shard, log, moved.encode(), NOON + day * DAY_NS))
        for at in range(0, len(batches), 30):
            await post(database, batches[at : at + 30])
        await Publisher(database, ManualClock(), auditing_of(directory, KEY)).publish()
        shard.sync()
    finally:
        shard.close()
        log.close()
        await database.close()
    return directory


def _step(shard: Shard, log: FileEventLog, raw: bytes, time_ns: int) -> EventBatch:
    stepped = shard.step([raw], time_ns)
    batch = EventBatch(stepped.first, stepped.last, bytes(stepped.events))
    log.append(batch)
    return batch


async def change(data: Path, *works: Callable[[Connection], Any]) -> None:
    """Change the ledger's tables, as an intruder would."""
    database: SqliteDatabase = await open_tables(data / LEDGER, MIGRATIONS)
    for work in works:
        await database.write(work)
    await database.close()


def report_on(data: Path) -> dict[str, Any]:
    return verify(data, max_orders=MAX_ORDERS, console=Console(file=io.StringIO()), public_key=PUBLIC)


def files(data: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, list(arguments))


async def test_a_sound_ledger_is_sound_and_is_left_as_it_is(data: Path) -> None:
    before = files(data)
    report = report_on(data)
    assert report["sound"], report
    assert report["audit_records"] > 100
    assert report["audit_roots"] == 2
    assert report["ledger_sequence"] == report["last_sequence"]
    assert files(data) == before


async def test_a_ledger_that_is_written_to_can_be_verified(data: Path) -> None:
    """Its write-ahead log lies beside it, with what was committed last."""
    database = await open_tables(data / LEDGER, MIGRATIONS)
    await database.write(lambda connection: connection.execute(update(cursor).values(one=1)))
    assert (data / f"{LEDGER}-wal").exists()
    report = report_on(data)
    await database.close()
    assert report["sound"], report


async def test_a_ledger_that_is_behind_its_journal_is_sound(data: Path) -> None:
    """It has entered less, and what it has is as the journal makes it."""
    last = report_on(data)["last_sequence"]
    (data / LEDGER).unlink()
    log = FileEventLog(data / "events")
    events = [event for batch in log.read(0, 1 << 30) for event in batch.events if event.sequence <= last - 10]
    log.close()
    database = await open_tables(data / LEDGER, MIGRATIONS)
    await post(database, [EventBatch(1, last - 10, b"".join(event.encode() for event in events))])
    await database.close()
    report = report_on(data)
    assert report["sound"], report
    assert report["ledger_sequence"] == last - 10
    assert report["last_sequence"] == last


async def test_an_altered_entry_of_a_published_day_is_named_though_every_hash_was_made_anew(data: Path) -> None:
    rows = await _rows(data)
    row = rows[len(rows) // 4]
    where = (entries.c.sequence == row[0], entries.c.event_index == row[1], entries.c.leg == row[2])
    await change(data, lambda c: c.execute(update(entries).where(*where).values(amount=row[9] + 1)), recompute)
    report = report_on(data)
    assert not report["sound"]
    name = f"audit: record altered: record {rows.index(row) + 1} at {row[0]}.{row[1]}.{row[2]}"
    assert any(each.startswith(name) for each in report["findings"]), report["findings"]
    assert run("verify", "--data-dir", str(data)).exit_code == 1


async def test_a_chain_of_the_open_day_made_anew_is_found_against_the_journal(data: Path) -> None:
    """The audit alone cannot see it: nothing outside the database says yet what was there."""
    rows = await _rows(data)
    await change(data, lambda connection: remove(connection, rows[-1]), recompute)
    report = report_on(data)
    assert not [each for each in report["findings"] if each.startswith("audit")]
    assert [each for each in report["findings"] if each.startswith("ledger: at sequence")], report


async def test_a_ledger_ahead_of_its_journal_or_with_a_spoiled_head_is_found(data: Path) -> None:
    await change(data, lambda connection: connection.execute(update(cursor).values(sequence=10**9)))
    assert any("the journal ends at" in each for each in report_on(data)["findings"])


async def test_a_proof_goes_from_the_venue_to_a_stranger(data: Path, tmp_path: Path) -> None:
    rows = await _rows(data)
    row = rows[len(rows) // 3]
    printed = run("audit", "prove", f"{row[0]}.{row[1]}.{row[2]}", "--data-dir", str(data))
    assert printed.exit_code == 0, printed.output
    file = tmp_path / "proof.json"
    file.write_text(printed.stdout)
    key = run("audit", "key", "--data-dir", str(data)).stdout.strip()
    assert key == PUBLIC
    shutil.rmtree(data)
    checked = run("audit", "check", str(file), "--public-key", key, "--json")
    assert checked.exit_code == 0, checked.output
    proven = json.loads(checked.stdout)
    assert (proven["sequence"], proven["index"], proven["leg"], proven["amount"]) == (row[0], row[1], row[2], row[9])
    assert f"amount       {row[9]}" in run("audit", "check", str(file), "--public-key", key).stdout


async def test_a_transfer_is_proven_by_account_and_name(data: Path) -> None:
    printed = run("audit", "prove", "--account", "1", "--transfer", "fund-1", "--data-dir", str(data))
    assert printed.exit_code == 0, printed.output
    assert json.loads(printed.stdout)["root"]["day"] == "2024-10-04"


async def test_what_is_wrong_is_one_sentence_with_its_code(data: Path, tmp_path: Path) -> None:
    rows = await _rows(data)
    last = ".".join(map(str, rows[-1][:3]))
    good = run("audit", "prove", ".".join(map(str, rows[0][:3])), "--data-dir", str(data)).stdout
    proof, forged = tmp_path / "good.json", tmp_path / "forged.json"
    proof.write_text(good)
    body = json.loads(good)
    forged.write_text(json.dumps({**body, "index": body["index"] + 1}))
    (tmp_path / "nothing.json").write_text("nothing")
    here = ("--data-dir", str(data))
    for arguments, code in (
        (("audit", "prove", last, *here), "audit.day.open"),
        (("audit", "prove", "999.0.0", *here), "entry.not_found"),
        (("audit", "prove", "nonsense", *here), "request.invalid.range"),
        (("audit", "prove", *here), "request.invalid.range"),
        (("audit", "prove", "--account", "1", "--transfer", "never", *here), "transfer.not_found"),
        (("audit", "prove", last, "--data-dir", str(tmp_path / "none")), "audit.nothing"),
        (("audit", "key", "--data-dir", str(tmp_path / "none")), "audit.key.missing"),
        (("audit", "check", str(forged), *here), "audit.proof.wrong"),
        (("audit", "check", str(proof), "--public-key", "00" * 32), "audit.proof.wrong"),
        (("audit", "check", str(tmp_path / "nothing.json"), *here), "audit.proof.malformed"),
        (("audit", "check", str(tmp_path / "gone.json"), *here), "audit.proof.missing"),
    ):
        done = run(*arguments)
        assert done.exit_code == 1, arguments
        assert f"({code})" in done.output, (arguments, done.output)
        assert "Traceback" not in done.output


async def test_a_damaged_database_file_is_a_finding_and_no_crash(data: Path, rng: random.Random) -> None:
    """Bytes of its pages, changed in runs where there are any: whatever SQLite makes of them."""
    before = (data / LEDGER).read_bytes()
    written = [at for at in range(100, len(before) - 64) if any(before[at : at + 64])]
    findings = 0
    for _ in range(25):
        spoiled = bytearray(before)
        at = rng.choice(written)
        spoiled[at : at + 64] = rng.randbytes(64)
        (data / LEDGER).write_bytes(spoiled)
        findings += not report_on(data)["sound"]
    assert findings > 0


async def test_a_schema_whose_names_are_no_text_is_a_finding(data: Path) -> None:
    """SQLite puts such a name into its message, which Python cannot read."""
    with sqlite3.connect(data / LEDGER) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET name = CAST(x'93ff' AS TEXT), sql = 'CREATE TABLE' WHERE name = 'codes'"
        )
    connection.close()
    report = report_on(data)
    assert "ledger: the database file is damaged" in report["findings"]


async def test_a_value_that_is_no_text_is_a_finding(data: Path) -> None:
    """Python refuses it in words of its own, without a code of SQLite's."""
    with sqlite3.connect(data / LEDGER) as connection:
        connection.execute("UPDATE audit_records SET sequence = CAST(x'4938bf' AS TEXT) WHERE number = 2")
    connection.close()
    report = report_on(data)
    assert "audit: the database file is damaged" in report["findings"]


async def test_a_file_that_is_no_database_is_a_finding(data: Path) -> None:
    (data / LEDGER).write_bytes(b"x" * 4_096)
    report = report_on(data)
    assert not report["sound"]
    assert report["findings"][0].startswith("ledger"), report


async def test_a_file_is_read_wherever_it_lies_and_none_is_made(data: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a place %20 with ? and #"
    shutil.copytree(data, odd)
    assert len(await _rows(odd)) == len(await _rows(data))
    with pytest.raises(Unavailable), read_only(tmp_path / "gone.sqlite") as connection:
        connection.exec_driver_sql("SELECT 1")
    assert not (tmp_path / "gone.sqlite").exists()


async def _rows(data: Path) -> list[Any]:
    with read_only(data / LEDGER) as connection:
        return all_rows(connection)
