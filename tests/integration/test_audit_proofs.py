"""Proofs that a stranger checks with the root and the public key alone.

Goal: every entry of a published day has a proof that the standalone checker believes, and shows the entry that the ledger
has; nothing else is believed; whoever asks for what cannot be proven hears why, in a typed error.
Method: a ledger of several days with more than one block in one of them; every value of a proof changed at random; the
checker loaded by itself, without this program.
"""

import ast
import asyncio
import inspect
import json
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import Conflict, Corrupted, InvalidCommand, NotFound
from quantumcore.contracts.ledger_audit import EntryProof
from quantumcore.services.ledger.audit import check as checker
from quantumcore.services.ledger.audit.chain import TIME, Row
from quantumcore.services.ledger.audit.check import Malformed, Wrong, check
from quantumcore.services.ledger.audit.merkle import BLOCK
from quantumcore.services.ledger.audit.prove import entry_at, position_in, position_of_transfer, prove
from quantumcore.services.ledger.audit.roots import Signer
from quantumcore.services.ledger.tables import audit_blocks, entries
from tests.support.audits import KEY, Audited, audited, days_of_trading
from tests.support.small_venue import ALICE, BOB, CAROL

FIELDS = ("sequence", "index", "leg", "why", "debit_owner", "debit_code", "credit_owner", "credit_code", "currency")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, shared_rng: random.Random) -> Path:
    """A ledger of three days, the first with more than two blocks, the last open."""

    async def make(directory: Path) -> Path:
        async with audited(directory) as opened:
            await opened.enter(days_of_trading(shared_rng, days=3, orders=1_400)[1], size=500)
            rows = await opened.rows()
            assert sum(row[TIME] // DAY_NS == rows[0][TIME] // DAY_NS for row in rows) > 2 * BLOCK
        return directory

    return asyncio.run(make(tmp_path_factory.mktemp("made")))


@pytest.fixture
async def ledger(made: Path, tmp_path: Path) -> AsyncIterator[Audited]:
    """A copy of it."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    async with audited(tmp_path) as opened:
        yield opened


async def proof_of(ledger: Audited, row: Row, account: int = 0) -> EntryProof:
    def work(connection: Any) -> EntryProof:
        return prove(connection, ledger.store, entry_at(connection, (row[0], row[1], row[2]), account))

    return await ledger.database.read(work)


def closed(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row[TIME] // DAY_NS < rows[-1][TIME] // DAY_NS]


async def test_every_entry_of_a_published_day_is_proven(ledger: Audited, rng: random.Random):
    """Some of each day, and those at the edges of blocks and days."""
    rows = closed(await ledger.rows())
    edges = [0, BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK, len(rows) - 1]
    for row in [*(rows[at] for at in edges), *rng.sample(rows, 60)]:
        proven = check(msgspec.json.encode(await proof_of(ledger, row)), ledger.key)
        assert tuple(proven[name] for name in FIELDS) == tuple(row[:9])
        assert (proven["amount"], proven["reference"], proven["time_ns"]) == tuple(row[9:])
        assert proven["day"] == ("2024-10-04" if row[TIME] // DAY_NS == 20_000 else "2024-10-05")


@pytest.mark.fuzz
async def test_a_proof_with_any_value_changed_is_not_believed(ledger: Audited, rng: random.Random):
    rows = closed(await ledger.rows())
    proof = json.loads(msgspec.json.encode(await proof_of(ledger, rng.choice(rows))))
    check(json.dumps(proof).encode(), ledger.key)
    for _ in range(400):
        wrong = json.loads(json.dumps(proof))
        where = rng.choice([wrong, wrong, wrong["root"]])
        name = rng.choice([each for each in where if each not in ("root", "public_key") or where is wrong["root"]])
        if name == "public_key":
            continue  # the checker does not look at it: it has the key that it was given
        where[name] = _other(rng, where[name])
        with pytest.raises((Malformed, Wrong)):
            check(json.dumps(wrong).encode(), ledger.key)


def _other(rng: random.Random, value: Any) -> Any:
    """Return another value of the same form."""
    if isinstance(value, int):
        return value + rng.choice((-1, 1, 2**40))
    if isinstance(value, list):
        found = list(value)
        what = rng.randrange(4) if found else 3
        at = rng.randrange(len(found)) if found else 0
        if what == 0:
            found[at] = _other(rng, found[at])
        elif what == 1:
            found.pop(at)
        elif what == 2:
            found[at], found[at - 1] = found[at - 1], found[at]
            return found if found != value else [*found, "00" * 32]
        else:
            found.insert(at, "ab" * 32)
        return found
    if len(value) == 10:
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    if not value:
        return "2024-10-01"
    at = rng.randrange(len(value))
    return value[:at] + rng.choice([each for each in "0123456789abcdefA " if each != value[at]]) + value[at + 1 :]


async def test_a_good_proof_is_nothing_under_another_key(ledger: Audited):
    proof = msgspec.json.encode(await proof_of(ledger, (await ledger.rows())[0]))
    with pytest.raises(Wrong, match="not signed by this key"):
        check(proof, Signer(bytes(32)).public_key)
    for key in ("", "00", "zz" * 32, ledger.key.upper(), ledger.key + "00"):
        with pytest.raises(Malformed):
            check(proof, key)


@pytest.mark.fuzz
async def test_what_is_no_proof_is_malformed_and_nothing_else(ledger: Audited, rng: random.Random):
    """Bytes cut, doubled, changed or made up: one of two errors, or a proof that says the same."""
    good = msgspec.json.encode(await proof_of(ledger, (await ledger.rows())[5]))
    believed = check(good, ledger.key)
    made_up = [b"", b"{}", b"[]", b"null", b"7", b"[" * 50_000, b'{"root": 1}', b"\xff", b"x" * 70_000, b'{"root": {}}']
    for raw in made_up:
        with pytest.raises(Malformed):
            check(raw, ledger.key)
    for _ in range(1_000):
        raw = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        if rng.random() < 0.2:
            raw = raw[: rng.randrange(len(raw))]
        try:
            assert check(bytes(raw), ledger.key) == believed
        except (Malformed, Wrong):
            pass


async def test_the_checker_needs_nothing_of_this_program(ledger: Audited, tmp_path: Path):
    """Copied elsewhere and run without the package; it imports what Python has, and cryptography."""
    source = inspect.getsource(checker)
    named = {
        name.name.split(".")[0] if isinstance(node, ast.Import) else (node.module or "").split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert named <= {"datetime", "json", "struct", "hashlib", "typing", "cryptography"}
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "checker.py").write_text(source)
    (alone / "proof.json").write_bytes(msgspec.json.encode(await proof_of(ledger, (await ledger.rows())[7])))
    code = "import sys, checker; print(checker.check(open('proof.json', 'rb').read(), sys.argv[1])['sequence'])"
    done = subprocess.run(  # noqa: ASYNC221
        [sys.executable, "-c", code, ledger.key], cwd=alone, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == (await ledger.rows())[7][0]


async def test_what_cannot_be_proven_says_why(ledger: Audited, tmp_path: Path):
    rows = await ledger.rows()
    with pytest.raises(Conflict) as open_day:
        await proof_of(ledger, rows[-1])
    assert (open_day.value.code, open_day.value.field) == ("audit.day.open", "position")
    with pytest.raises(NotFound) as unknown:
        await proof_of(ledger, (rows[0][0], rows[0][1], 99))
    assert unknown.value.code == "entry.not_found"
    mine = next(row for row in rows if ALICE in (row[4], row[6]) and CAROL not in (row[4], row[6]))
    with pytest.raises(NotFound) as foreign:
        await proof_of(ledger, mine, account=CAROL)
    assert foreign.value.code == "entry.not_found", "no hint that it is another's"
    assert (await proof_of(ledger, mine, account=ALICE)).version == 1
    for wrong in ("", "1", "1.2", "1.2.3.4", "a.b.c", "-1.0.0", "1.0.²", "9" * 19 + ".0.0", "1..0"):
        with pytest.raises(InvalidCommand, match="position"):
            position_in(wrong)
    for path in (tmp_path / "audit").glob("2024-10-04.root.json"):
        path.unlink()
    with pytest.raises(Conflict, match="not published yet"):
        await proof_of(ledger, rows[0])


async def test_a_transfer_is_proven_by_its_name(ledger: Audited):
    rows = closed(await ledger.rows())
    row = next(each for each in rows if each[3] == 23)

    def work(connection: Any) -> Any:
        with pytest.raises(NotFound, match=r"transfer\.not_found"):
            position_of_transfer(connection, BOB, "never")
        return position_of_transfer(connection, row[4], row[10])

    assert await ledger.database.read(work) == (row[0], row[1], row[2])


async def test_nothing_is_proven_from_what_was_changed(ledger: Audited):
    """The proof is checked before it is given away."""
    row = closed(await ledger.rows())[40]
    where = (entries.c.sequence == row[0], entries.c.event_index == row[1], entries.c.leg == row[2])
    await ledger.change(lambda c: c.execute(update(entries).where(*where).values(amount=row[9] + 1)))
    with pytest.raises(Corrupted, match=r"audit\.corrupted"):
        await proof_of(ledger, row)
    other = closed(await ledger.rows())[1_500]
    assert await proof_of(ledger, other)
    await ledger.change(
        lambda c: c.execute(update(audit_blocks).where(audit_blocks.c.number == 1).values(node=b"x" * 32))
    )
    with pytest.raises(Corrupted, match=r"audit\.corrupted"):
        await proof_of(ledger, other)
    assert Signer(KEY).public_key == ledger.key
