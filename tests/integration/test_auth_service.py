"""The auth room as a part of the house: restarts, other rooms, defects.

Goal: what was committed is told and finished after any stop; what is gone elsewhere is waited for; a defect is seen as one.
Method: messages over the embedded bus, tables in SQLite, a ledger room that follows a script, a clock turned by hand.
"""

import asyncio

import pytest
from sqlalchemy import select, text

from quantumcore.adapters.migrations import directory
from quantumcore.contracts.auth import (
    AccessChanged,
    GetUser,
    Logout,
    Refresh,
    SetRoles,
)
from quantumcore.contracts.errors import (
    Conflict,
    Internal,
    OutcomeUnknown,
    Unauthenticated,
    Unavailable,
)
from quantumcore.services.auth.tables import METADATA, OUTBOX
from quantumcore.services.auth.tokens import NS
from tests.support.auth_room import ScriptedLedger, open_room, settings_with, until
from tests.support.clocks import ManualClock


@pytest.fixture
async def room(tmp_path):
    async with open_room(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("failure", [Unavailable("unavailable", "nobody there"), OutcomeUnknown()])
async def test_a_registration_whose_account_did_not_open_is_unknown_and_the_same_message_ends_it(tmp_path, failure):
    ledger = ScriptedLedger()
    ledger.failures = [failure]
    async with open_room(tmp_path, ledger=ledger, tasks=False) as room:
        with pytest.raises(OutcomeUnknown):
            await room.register()
        with pytest.raises(Conflict):
            await room.register(password="not his password")
        new = await room.register()
        assert (new.account_id, ledger.asked) == ("1001", [1001, 1001])
        with pytest.raises(Conflict):
            await room.register()


async def test_accounts_left_opening_are_asked_for_again_after_a_restart(tmp_path):
    ledger = ScriptedLedger()
    ledger.failures = [Unavailable()]
    async with open_room(tmp_path, ledger=ledger, tasks=False) as room:
        with pytest.raises(OutcomeUnknown):
            await room.register()
        assert (await room.ask(GetUser(email="ann@example.com"))).account_ids == []
    async with open_room(tmp_path, ledger=ledger) as room:
        await until(lambda: 1001 in ledger.opened)
        async with asyncio.timeout(5):
            while (await room.ask(GetUser(email="ann@example.com"))).account_ids != ["1001"]:
                pass


async def test_while_the_ledger_room_is_gone_it_is_asked_every_two_seconds(tmp_path):
    ledger = ScriptedLedger()
    ledger.failures = [Unavailable() for _ in range(4)]
    async with open_room(tmp_path, ledger=ledger) as room:
        with pytest.raises(OutcomeUnknown):
            await room.register()
        for asked in (2, 3, 4, 5):
            await until(lambda asked=asked: len(ledger.asked) >= asked and (asked == 5 or room.clock.sleepers >= 2))
            assert len(ledger.asked) == asked
            await room.clock.advance(2)
        assert ledger.opened


async def test_an_account_that_the_ledger_room_refuses_holds_up_no_other(tmp_path, caplog):
    ledger = ScriptedLedger()
    ledger.failures = [Unavailable(), Unavailable(), Conflict("account.exists")]
    async with open_room(tmp_path, ledger=ledger, tasks=False) as room:
        for email in ("ann@host", "bob@host"):
            with pytest.raises(OutcomeUnknown):
                await room.register(email)
        assert await room.service._openings.open_left()
        assert set(ledger.opened) == {1002}
        assert any(record.levelname == "ERROR" for record in caplog.records)


async def test_a_notice_committed_before_a_crash_is_told_after_it(tmp_path):
    clock = ManualClock()
    async with open_room(tmp_path, clock=clock, tasks=False) as room:
        new = await room.register()
        await room.ask(SetRoles(user_id=new.user_id, roles=["viewer"]))
        room.service._started = False  # a crash: stop() finds nothing to flush
    async with open_room(tmp_path, clock=clock, tasks=False) as room:
        assert await room.database.read(lambda tx: len(tx.execute(select(OUTBOX)).all())) == 2
        notices = room.heard()
        await room.service._relay.drain()
        await until(lambda: len(notices) == 2)
        assert await room.database.read(lambda tx: tx.execute(select(OUTBOX)).all()) == []


async def test_sessions_and_users_survive_a_restart(tmp_path):
    clock = ManualClock()
    async with open_room(tmp_path, clock=clock) as room:
        await room.register()
        pair = await room.login()
    async with open_room(tmp_path, clock=clock) as room:
        await room.verify(pair.access_token)
        await room.ask(Refresh(refresh_token=pair.refresh_token))
        assert (await room.register("bob@host")).account_id == "1002"


async def test_after_a_rotation_old_tokens_live_out_their_life_even_over_restarts(tmp_path):
    clock, rotated = ManualClock(), settings_with(jwt_secret="rotated-" * 8, previous_jwt_secret="Tests-only-" * 7)
    async with open_room(tmp_path, clock=clock) as room:
        await room.register()
        old = await room.login()
    async with open_room(tmp_path, clock=clock, settings=rotated) as room:
        await room.verify(old.access_token)
        clock.turn(600)
        fresh = await room.login()
    async with open_room(tmp_path, clock=clock, settings=rotated) as room:
        await room.verify(old.access_token)
        clock.turn(300)
        with pytest.raises(Unauthenticated):
            await room.verify(old.access_token)
        await room.verify(fresh.access_token)


async def test_verification_goes_on_without_the_database_for_who_was_seen(room):
    await room.register()
    pair, unseen = await room.login(), await room.login()
    await room.verify(pair.access_token)
    await room.database.close()
    await room.verify(pair.access_token)
    with pytest.raises(Unavailable):
        await room.verify(unseen.access_token)
    with pytest.raises(Unavailable):
        await room.login()
    room.service._started = False


async def test_what_another_process_of_the_room_changed_is_forgotten(room):
    new = await room.register()
    pair = await room.login()
    session = (await room.verify(pair.access_token)).session_id
    await room.database.write(lambda tx: tx.execute(text("UPDATE sessions SET revoked_ns = 1")))
    await room.verify(pair.access_token)
    await room.bus.publish([AccessChanged(user_id=new.user_id, revoked_sessions=[session])])
    await until(lambda: room.service._access.known_session(session) is None)
    with pytest.raises(Unauthenticated):
        await room.verify(pair.access_token)


async def test_ended_sessions_are_pruned_after_a_day(room):
    await room.register()
    await room.ask(Logout(session_id=(await room.verify((await room.login()).access_token)).session_id))
    await room.login()
    assert await room.service._prune_once(room.clock.now() + 86_000 * NS) == 0
    assert await room.service._prune_once(room.clock.now() + 87_000 * NS) == 1
    left = await room.database.read(lambda tx: tx.execute(text("SELECT count(*) FROM refresh_tokens")).scalar_one())
    assert left == 1


@pytest.mark.hazard("C7")
async def test_a_defect_inside_verification_is_internal_and_never_401(room, monkeypatch, caplog):
    """Over the bus a TypeError is `internal` and is logged as an error."""
    await room.register()
    pair = await room.login()

    def broken(*_: object, **__: object) -> None:
        raise TypeError("a defect")

    monkeypatch.setattr(room.service._tokens._jws, "decode", broken)
    code = ""
    try:
        await room.verify(pair.access_token)
    except (Internal, Unauthenticated) as error:
        code = error.code
    assert code == "internal"
    assert any(record.levelname == "ERROR" for record in caplog.records)


async def test_it_is_ready_between_start_and_stop(tmp_path):
    async with open_room(tmp_path) as room:
        assert room.service.not_ready() == []
        assert len({name for name, _ in room.service.tasks()}) == 4
    assert room.service.not_ready() == ["auth has not started"]


async def test_the_migrations_make_the_tables_that_the_code_expects(room):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def differences(tx):
        found = compare_metadata(MigrationContext.configure(tx), METADATA)
        return [each for each in found if "alembic_version" not in str(each)]

    assert await room.database.read(differences) == []
    assert (directory("quantumcore.services.auth.migrations") / "versions" / "0001_users_sessions_keys.py").exists()
