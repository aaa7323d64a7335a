"""The audit of the ledger room, asked over the bus; and how closed days get into the second store.

Goal: the room verifies in bounded steps, proves, and sums accounts; days are published once, whole and in order, also when
the store fails for a while; what is wrong is never signed.
Method: a small venue with the readable engine behind matching, whose clock is turned by days; a store that fails on demand.
"""

import asyncio
import os
import random
import stat
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, update

from quantumcore.adapters.second_store import UNFINISHED, FileStore
from quantumcore.app.audit import known_public_key, public_key
from quantumcore.app.audit_key import KEY_FILE, audit_key
from quantumcore.app.settings import Settings
from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, Corrupted, InvalidCommand, NotFound, Unavailable
from quantumcore.contracts.ledger import MakeTransfer
from quantumcore.contracts.ledger_audit import GetAuditRoots, ProveEntry, VerifyAccount, VerifyChain
from quantumcore.services.ledger.attempts import AGAIN_S
from quantumcore.services.ledger.audit import publisher as publishing
from quantumcore.services.ledger.audit.check import check
from quantumcore.services.ledger.audit.publisher import Auditing
from quantumcore.services.ledger.audit.roots import Signer, decode_root
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.tables import accounts, audit_days, audit_records, entries
from tests.support.audits import KEY, audited, days_of_trading
from tests.support.small_venue import ALICE, BOB, USD, SmallVenue, small_venue
from tests.support.waiting import eventually

DAY_S = 86_400


class Failing(FileStore):
    """A store that fails while it is told to."""

    down = False

    def write(self, name: str, parts: Iterable[bytes]) -> None:
        """Write, or fail in the middle."""
        if not self.down:
            super().write(name, parts)
            return

        def cut() -> Iterable[bytes]:
            yield next(iter(parts))
            raise OSError(28, "No space left on device")

        super().write(name, cut())


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as opened:
        yield opened


@pytest.fixture
async def store(tmp_path: Path) -> Failing:
    return Failing(tmp_path / "audit")


@pytest.fixture
async def ledger(venue: SmallVenue, store: Failing) -> LedgerService:
    service = LedgerService(venue.bus, venue.log, await venue.database("ledger"), venue.clock, Auditing(store, KEY))
    await venue.run(service)
    return service


def deposit(name: str) -> MakeTransfer:
    return MakeTransfer(transfer_id=name, kind="deposit", account=ALICE, currency="USD", amount="10.00")


async def trade_days(venue: SmallVenue, ledger: LedgerService, days: int) -> None:
    """Deposit on so many days, of which the last stays open; return when the others are published."""
    for day in range(days):
        for number in range(3):
            await venue.bus.request(deposit(f"d-{venue.clock.now()}-{day}-{number}"))
        venue.clock.turn(DAY_S)
    await venue.bus.request(deposit(f"last-{venue.clock.now()}"))
    await ledger._follower.reached(venue.log.last)
    publisher = ledger._auditor._publisher
    assert publisher is not None
    await eventually(lambda: publisher.roots == days)


async def test_closed_days_are_published_and_shown_newest_first(
    venue: SmallVenue, ledger: LedgerService, store: Failing
) -> None:
    await trade_days(venue, ledger, 5)
    page = await venue.bus.request(GetAuditRoots(limit=3))
    assert page.public_key == Signer(KEY).public_key
    days = [root.day for root in page.items]
    assert days == sorted(days, reverse=True)
    assert len(days) == 3
    assert page.next_cursor == days[-1]
    rest = await venue.bus.request(GetAuditRoots(limit=3, cursor=page.next_cursor or ""))
    assert (len(rest.items), rest.next_cursor) == (2, None)
    for root in [*page.items, *rest.items]:
        found = decode_root(store.read(f"{root.day}.root.json") or b"")
        assert found is not None
        assert found.is_signed_by(page.public_key)
    assert [root.previous_day for root in page.items] == [*days[1:], rest.items[0].day]
    for wrong in ({"limit": 0}, {"limit": 1_001}, {"cursor": "x" * 11}):
        with pytest.raises(InvalidCommand):
            await venue.bus.request(GetAuditRoots(**wrong))


async def test_a_chain_is_verified_in_steps_and_a_change_is_found(venue: SmallVenue, ledger: LedgerService) -> None:
    await trade_days(venue, ledger, 4)
    cursor, steps = "", 0
    while True:
        verdict = await venue.bus.request(VerifyChain(cursor=cursor, limit=1))
        assert verdict.sound
        steps += 1
        if verdict.next_cursor is None:
            break
        assert int(verdict.next_cursor) > int(cursor or 0)
        cursor = verdict.next_cursor
    assert steps > 4, "a step ends with a day, or a block"
    assert verdict.verified == verdict.records > 12
    assert verdict.published == 4

    def forge(connection: Connection) -> None:
        connection.execute(update(entries).where(entries.c.reference.like("d-%-2-1")).values(amount=1))

    await ledger._database.write(forge)
    verdict = await venue.bus.request(VerifyChain())
    assert not verdict.sound
    assert verdict.next_cursor is None
    assert verdict.finding is not None
    assert (verdict.finding.kind, verdict.finding.what) == ("altered", "record")
    assert verdict.finding.position is not None
    assert verdict.finding.number == verdict.verified + 1
    for wrong in (
        {"limit": 0},
        {"limit": 100_001},
        {"cursor": "-1"},
        {"cursor": "²"},
        {"cursor": "1" * 19},
        {"cursor": "999"},
        {"cursor": "x" * 300},
    ):
        with pytest.raises(InvalidCommand):
            await venue.bus.request(VerifyChain(**wrong))


async def test_one_verification_runs_at_a_time(venue: SmallVenue, ledger: LedgerService) -> None:
    await trade_days(venue, ledger, 1)
    answers = await asyncio.gather(*(venue.bus.request(VerifyChain()) for _ in range(5)), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Unavailable)]
    assert 1 <= len(refused) <= 4
    assert {each.code for each in refused} == {"overloaded"}


async def test_an_account_is_the_sum_of_its_entries_at_every_cursor(tmp_path: Path, rng: random.Random) -> None:
    """After each batch of a random market; sums past 63 bits are exact; a planted difference is named."""
    async with small_venue(tmp_path) as venue:
        ledger = LedgerService(venue.bus, venue.log, await venue.database("ledger"), venue.clock)
        await venue.run(ledger)
        _, batches = days_of_trading(rng, days=2, orders=20)
        for number in range(12):
            venue.do(
                wire.Transfer(
                    account=BOB, amount=9 * 10**18, currency=USD, transfer_kind=1, transfer_id=f"huge-{number}"
                )
            )
            venue.do(
                wire.Transfer(
                    account=BOB, amount=9 * 10**18, currency=USD, transfer_kind=2, transfer_id=f"back-{number}"
                )
            )
            await ledger._follower.reached(venue.log.last)
            for account in (ALICE, BOB):
                verdict = await venue.bus.request(VerifyAccount(account=account, at_least=venue.log.last))
                assert verdict.differences == []
                assert verdict.sequence == venue.log.last
        assert verdict.entries >= 20
        assert batches

        def forge(connection: Connection) -> None:
            where = (accounts.c.owner == BOB, accounts.c.currency == USD)
            connection.execute(update(accounts).where(*where).values(debits="5"))

        await ledger._database.write(forge)
        (found,) = (await venue.bus.request(VerifyAccount(account=BOB))).differences
        assert (found.currency, found.code, found.what, found.account) == ("USD", 200, "debits", "5")
        assert int(found.entries) >= 108 * 10**18 > 2**63
        with pytest.raises(NotFound, match=r"account\.not_found"):
            await venue.bus.request(VerifyAccount(account=4711))


async def test_proofs_over_the_bus(venue: SmallVenue, ledger: LedgerService) -> None:
    moved = await venue.bus.request(deposit("proven"))
    asked = ProveEntry(account=ALICE, transfer_id="proven")
    await ledger._follower.reached(venue.log.last)
    with pytest.raises(Conflict) as early:
        await venue.bus.request(asked)
    assert early.value.code == "audit.day.open"
    await trade_days(venue, ledger, 1)
    proof = await venue.bus.request(asked)
    proven = check(msgspec.json.encode(proof), Signer(KEY).public_key)
    assert (proven["reference"], proven["amount"], proven["sequence"]) == ("proven", 1_000, moved.sequence)
    same = await venue.bus.request(ProveEntry(account=ALICE, position=f"{moved.sequence}.{proven['index']}.0"))
    assert same == proof
    for wrong, error in (
        (ProveEntry(position="nonsense"), InvalidCommand),
        (ProveEntry(account=BOB, position=f"{moved.sequence}.{proven['index']}.0"), NotFound),
        (ProveEntry(account=ALICE, transfer_id="never"), NotFound),
        (ProveEntry(position="999999.0.0"), NotFound),
    ):
        with pytest.raises(error):
            await venue.bus.request(wrong)


async def test_a_store_that_fails_is_tried_again_and_the_ledger_goes_on(
    venue: SmallVenue, ledger: LedgerService, store: Failing
) -> None:
    await trade_days(venue, ledger, 1)
    store.down = True
    venue.clock.turn(DAY_S)
    await venue.bus.request(deposit("while-down"))
    publisher = ledger._auditor._publisher
    assert publisher is not None
    await eventually(lambda: publisher.failure != "")
    assert "No space left" in publisher.failure
    assert ledger.not_ready() == []
    assert not [name for name in os.listdir(store._directory) if name.endswith(UNFINISHED)]
    metrics = {family.name: family.samples[0].value for family in ledger.collect() if family.samples}
    assert (metrics["qc_ledger_audit_failing"], metrics["qc_ledger_audit_waiting"]) == (1, 1)
    assert (await venue.bus.request(VerifyChain())).sound
    store.down = False
    await venue.clock.advance(AGAIN_S)
    await eventually(lambda: publisher.failure == "" and publisher.roots == 2)


async def test_what_is_wrong_is_never_signed(tmp_path: Path, rng: random.Random) -> None:
    """Records that do not lead to the day's root; a last root that is another in the database; a damage or another key in the store."""
    _, batches = days_of_trading(rng, days=3)
    async with audited(tmp_path) as ledger:
        await ledger.enter(batches[:100])
        files = sorted(os.listdir(tmp_path / "audit"))
        publisher, ledger.publisher.publish = ledger.publisher.publish, _nothing  # type: ignore[method-assign]
        await ledger.enter(batches[100:])
        day = await ledger.database.read(
            lambda c: c.execute(audit_days.select().where(audit_days.c.day == 20_001)).one()
        )
        record = audit_records.c.number == day.first + 3
        kept = await ledger.database.read(lambda c: c.execute(audit_records.select().where(record)).one())
        await ledger.change(lambda c: c.execute(update(audit_records).where(record).values(hash=b"x" * 32)))
        with pytest.raises(Corrupted, match="do not lead to its root"):
            await publisher()
        assert sorted(os.listdir(tmp_path / "audit")) == files
        await ledger.change(lambda c: c.execute(update(audit_records).where(record).values(hash=kept.hash)))
        root = (await ledger.database.read(lambda c: c.execute(audit_days.select()).first())).root
        await ledger.change(
            lambda c: c.execute(update(audit_days).where(audit_days.c.day == 20_000).values(root=b"y" * 32))
        )
        with pytest.raises(Corrupted, match="another root of 2024-10-04"):
            await publisher()
        await ledger.change(lambda c: c.execute(update(audit_days).where(audit_days.c.day == 20_000).values(root=root)))
        other = publishing.Publisher(ledger.database, ledger.publisher._clock, Auditing(ledger.store, bytes(32)))
        with pytest.raises(Corrupted, match="not one that this key has signed"):
            await other.publish()
        assert sorted(os.listdir(tmp_path / "audit")) == files
        await publisher()
        assert len(os.listdir(tmp_path / "audit")) == len(files) + 2
        assert await ledger.sound()


async def test_a_room_without_a_second_store_verifies_and_proves_nothing(venue: SmallVenue) -> None:
    service = LedgerService(venue.bus, venue.log, await venue.database("ledger"), venue.clock)
    await venue.run(service)
    await venue.bus.request(deposit("one"))
    venue.clock.turn(DAY_S)
    await venue.bus.request(deposit("two"))
    await service._follower.reached(venue.log.last)
    assert (await venue.bus.request(VerifyChain())).sound
    assert (await venue.bus.request(GetAuditRoots())).items == []
    with pytest.raises(Conflict, match=r"audit\.day\.open"):
        await venue.bus.request(ProveEntry(account=ALICE, transfer_id="one"))


def test_a_venue_makes_its_key_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert known_public_key(settings) == ""
    with pytest.raises(NotFound, match=r"audit\.key\.missing"):
        public_key(settings)
    made = audit_key(settings)
    assert audit_key(settings) == made
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert public_key(settings) == Signer(made).public_key
    assert audit_key(Settings(data_dir=tmp_path, audit_key="07" * 32)) == b"\7" * 32
    assert audit_key(Settings(data_dir=tmp_path / "other")) != made
    (tmp_path / KEY_FILE).write_text("nonsense")
    with pytest.raises(InvalidCommand, match=r"settings\.invalid"):
        audit_key(settings)
    with pytest.raises(InvalidCommand, match=r"audit\.key\.bad"):
        Signer(b"short")
    assert made.hex() not in repr(Settings(data_dir=tmp_path, audit_key=made.hex()))


async def _nothing() -> None:
    return None
