"""The auth room on a real bus and a real database.

Goal: users come, log in, are granted and go as the rules say; every change of access is told, once committed, and holds at once.
Method: messages over the embedded bus, tables in SQLite, a ledger room that follows a script, a clock turned by hand.
"""

import asyncio

import pytest
from sqlalchemy import select, text

from quantumcore.adapters.migrations import directory
from quantumcore.contracts import auth
from quantumcore.contracts.auth import (
    AccessChanged,
    ChangePassword,
    CreateUser,
    DisableUser,
    GetAudit,
    GetSessions,
    GetUser,
    GetUsers,
    GrantAccount,
    Login,
    Logout,
    NewAccount,
    Refresh,
    Register,
    SetRoles,
)
from quantumcore.contracts.errors import (
    Conflict,
    Forbidden,
    Internal,
    InvalidCommand,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from quantumcore.services.auth.tables import METADATA, OUTBOX, REFRESH_TOKENS, USERS
from quantumcore.services.auth.tokens import NS
from tests.support.auth_room import PASSWORD, PEER, Room, ScriptedLedger, open_room, settings_with, until
from tests.support.clocks import ManualClock


@pytest.fixture
async def room(tmp_path):
    async with open_room(tmp_path) as opened:
        yield opened


def heard(room: Room) -> list[AccessChanged]:
    notices: list[AccessChanged] = []

    async def hear(batch) -> None:
        notices.extend(batch)

    room.bus.subscribe(AccessChanged, hear)
    return notices


async def test_a_new_user_has_one_account_of_his_own_and_may_trade(room):
    new = await room.register("Ann@Example.com")
    assert new.account_id == "1001"
    assert room.ledger.opened == {1001: new.user_id}
    user = await room.ask(GetUser(email="ann@example.COM"))
    assert (user.user_id, user.email, user.roles, user.account_ids, user.disabled) == (
        new.user_id,
        "Ann@Example.com",
        ["trader"],
        ["1001"],
        False,
    )
    identity = await room.verify((await room.login()).access_token)
    assert (identity.user_id, identity.scopes, identity.accounts, identity.is_admin) == (
        new.user_id,
        ["read", "trade", "transfer"],
        [1001],
        False,
    )


async def test_an_email_is_taken_once_whatever_its_case(room):
    await room.register("ann@example.com")
    with pytest.raises(Conflict) as taken:
        await room.register("ANN@example.com", "another password")
    assert taken.value.code == "user.exists"
    assert room.ledger.asked == [1001]


async def test_account_numbers_rise_by_one_and_are_never_given_twice(room):
    users = await asyncio.gather(*(room.register(f"user{number}@host") for number in range(12)))
    assert sorted(int(user.account_id) for user in users) == list(range(1001, 1013))
    more = await room.ask(NewAccount(user_id=users[0].user_id))
    assert more.account_id == "1013"
    assert room.ledger.opened == {int(user.account_id): user.user_id for user in [*users, more]}


async def test_registration_gives_no_other_role_and_the_operator_gives_any(room):
    for roles in (["admin"], ["trader", "admin"], [], ["viewer"]):
        with pytest.raises(Forbidden):
            await room.ask(Register(email="eve@host", password=PASSWORD, roles=roles))
    await room.create("root@host", "admin")
    identity = await room.verify((await room.login("root@host")).access_token)
    assert identity.is_admin
    assert identity.scopes == list(auth.SCOPES)


async def test_a_refused_registration_leaves_nothing(room):
    for email, password in (
        ("no email", PASSWORD),
        ("ann@host", "short"),
        ("ann@host", ""),
        ("ann@host", "x" * 10_000),
    ):
        with pytest.raises(InvalidCommand):
            await room.register(email, password)
    assert (await room.ask(GetUsers())).items == []
    assert room.ledger.asked == []


async def test_tokens_last_900_seconds_and_an_expired_one_refreshes_nothing(room):
    await room.register()
    pair = await room.login()
    assert (pair.token_type, pair.expires_in) == ("Bearer", 900)
    room.clock.turn(899)
    await room.verify(pair.access_token)
    room.clock.turn(1)
    with pytest.raises(Unauthenticated):
        await room.verify(pair.access_token)
    with pytest.raises(Unauthenticated):
        await room.ask(Refresh(refresh_token=pair.access_token))


async def test_a_refresh_token_gives_a_new_pair_with_the_roles_of_now(room):
    new = await room.register()
    first = await room.login()
    session = (await room.verify(first.access_token)).session_id
    second = await room.ask(Refresh(refresh_token=first.refresh_token, peer=PEER))
    identity = await room.verify(second.access_token)
    assert (identity.user_id, identity.session_id) == (new.user_id, session)
    assert second.refresh_token != first.refresh_token
    await room.verify(first.access_token)


async def test_a_refresh_token_lives_seven_days(room):
    await room.register()
    pair = await room.login()
    room.clock.turn(7 * 86_400 - 1)
    pair = await room.ask(Refresh(refresh_token=pair.refresh_token))
    room.clock.turn(7 * 86_400)
    with pytest.raises(Unauthenticated):
        await room.ask(Refresh(refresh_token=pair.refresh_token))


async def test_of_a_refresh_token_only_the_hash_is_stored(room):
    await room.register()
    pair = await room.login()
    stored = await room.database.read(lambda tx: tx.execute(select(REFRESH_TOKENS.c.hash)).scalars().all())
    assert len(stored) == 1
    assert len(stored[0]) == 64
    assert pair.refresh_token not in stored[0]
    password = await room.database.read(lambda tx: tx.execute(select(USERS.c.password_hash)).scalar_one())
    assert password.startswith("$argon2id$")


async def test_a_log_out_holds_at_once_and_is_told(room):
    new = await room.register()
    pair, other = await room.login(), await room.login()
    session = (await room.verify(pair.access_token)).session_id
    notices = heard(room)
    await room.ask(Logout(session_id=session, peer=PEER))
    with pytest.raises(Unauthenticated):
        await room.verify(pair.access_token)
    with pytest.raises(Unauthenticated):
        await room.ask(Refresh(refresh_token=pair.refresh_token))
    await room.verify(other.access_token)
    await until(lambda: bool(notices))
    assert notices == [AccessChanged(user_id=new.user_id, revoked_sessions=[session])]
    await room.ask(Logout(session_id=session))
    await room.ask(Logout(session_id="never was"))


async def test_a_changed_password_ends_all_sessions(room):
    new = await room.register()
    pairs = [await room.login() for _ in range(3)]
    await room.ask(
        ChangePassword(user_id=new.user_id, old_password=PASSWORD, new_password="a better password", peer=PEER)
    )
    for pair in pairs:
        with pytest.raises(Unauthenticated):
            await room.verify(pair.access_token)
    with pytest.raises(Unauthenticated):
        await room.login()
    await room.verify((await room.login(password="a better password")).access_token)


async def test_a_password_is_changed_only_by_who_knows_the_old_one_and_guesses_are_counted(room):
    new = await room.register()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await room.ask(
                ChangePassword(
                    user_id=new.user_id, old_password="a wrong password", new_password="a better password", peer=PEER
                )
            )
    with pytest.raises(RateLimited):
        await room.ask(
            ChangePassword(user_id=new.user_id, old_password=PASSWORD, new_password="a better password", peer=PEER)
        )
    await room.login()


async def test_changed_roles_end_sessions_and_count_at_once(room):
    new = await room.register()
    pair = await room.login()
    await room.ask(SetRoles(user_id=new.user_id, roles=["viewer"]))
    with pytest.raises(Unauthenticated):
        await room.verify(pair.access_token)
    assert (await room.verify((await room.login()).access_token)).scopes == ["read"]


async def test_a_granted_account_counts_in_live_sessions(room):
    ann, bob = await room.register("ann@example.com"), await room.register("bob@example.com")
    pair = await room.login()
    assert (await room.verify(pair.access_token)).accounts == [1001]
    for _ in range(2):
        await room.ask(GrantAccount(user_id=ann.user_id, account=int(bob.account_id)))
    assert (await room.verify(pair.access_token)).accounts == [1001, 1002]
    with pytest.raises(NotFound, match="account not found"):
        await room.ask(GrantAccount(user_id=ann.user_id, account=9_999))


async def test_a_disabled_user_is_gone_everywhere(room):
    new = await room.register()
    pair = await room.login()
    await room.verify(pair.access_token)
    for _ in range(2):
        await room.ask(DisableUser(user_id=new.user_id))
    for attempt in (room.verify(pair.access_token), room.ask(Refresh(refresh_token=pair.refresh_token)), room.login()):
        with pytest.raises(Unauthenticated):
            await attempt
    assert (await room.ask(GetUser(user_id=new.user_id))).disabled


async def test_only_an_admin_named_as_actor_may_change_others(room):
    admin, ann = await room.create("root@host", "admin"), await room.register()
    for message in (
        SetRoles(user_id=ann.user_id, roles=["admin"], actor=ann.user_id),
        GrantAccount(user_id=ann.user_id, account=1001, actor=ann.user_id),
        DisableUser(user_id=admin.user_id, actor=ann.user_id),
        DisableUser(user_id=admin.user_id, actor="nobody"),
    ):
        with pytest.raises(Forbidden):
            await room.ask(message)
    await room.ask(SetRoles(user_id=ann.user_id, roles=["viewer"], actor=admin.user_id))
    await room.ask(DisableUser(user_id=admin.user_id))
    with pytest.raises(Forbidden):
        await room.ask(SetRoles(user_id=ann.user_id, roles=["trader"], actor=admin.user_id))


async def test_who_is_not_there_is_not_found(room):
    for message in (
        GetUser(user_id="nobody"),
        GetUser(email="nobody@host"),
        GetUser(),
        SetRoles(user_id="nobody", roles=[]),
        DisableUser(user_id="nobody"),
        NewAccount(user_id="nobody"),
    ):
        with pytest.raises(NotFound, match="not found"):
            await room.ask(message)


async def test_the_sixth_failed_log_in_is_limited_and_live_sessions_go_on(room):
    await room.register()
    pair = await room.login()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await room.login(password="wrong password")
    with pytest.raises(RateLimited) as limited:
        await room.login()
    assert limited.value.retry_after == 900
    with pytest.raises(RateLimited):
        await room.login(peer=f"{PEER}:4711")
    await room.login(peer="198.51.100.1")
    await room.verify(pair.access_token)
    room.clock.turn(900)
    await room.login()


async def test_a_user_keeps_his_newest_hundred_sessions(room):
    new = await room.register()
    first = await room.login()
    for _ in range(100):
        room.clock.turn(1)
        last = await room.login()
    with pytest.raises(Unauthenticated):
        await room.verify(first.access_token)
    await room.verify(last.access_token)
    assert len((await room.ask(GetSessions(user_id=new.user_id))).items) == 100


async def test_users_come_in_pages_oldest_first(room):
    made = []
    for number in range(7):
        made.append((await room.register(f"user{number}@host")).user_id)
        room.clock.turn(number % 2)
    seen, cursor = [], ""
    while cursor is not None:
        page = await room.ask(GetUsers(limit=3, cursor=cursor))
        seen += [user.user_id for user in page.items]
        cursor = page.next_cursor
    assert sorted(seen) == sorted(made)
    assert len(seen) == 7
    for wrong in (
        GetUsers(limit=0),
        GetUsers(limit=1001),
        GetUsers(cursor="x"),
        GetAudit(limit=0),
        GetAudit(cursor="-1"),
    ):
        with pytest.raises(InvalidCommand):
            await room.ask(wrong)


async def test_the_audit_names_user_peer_kind_and_request(room):
    new = await room.register()
    await room.login(peer="198.51.100.9:1234")
    with pytest.raises(Unauthenticated):
        await room.login(password="wrong password", peer="198.51.100.9:99")
    page = await room.ask(GetAudit(user_id=new.user_id, limit=2))
    assert [(entry.kind, entry.peer, entry.request_id) for entry in page.items] == [
        ("login_failed", "198.51.100.9", "r-1"),
        ("login_succeeded", "198.51.100.9", "r-1"),
    ]
    rest = await room.ask(GetAudit(user_id=new.user_id, cursor=page.next_cursor))
    assert [entry.kind for entry in rest.items] == ["user_created"]
    assert [entry.user_id for entry in (await room.ask(GetAudit(kind="login_failed"))).items] == [new.user_id]


async def test_a_log_in_after_a_change_of_cost_makes_the_hash_anew(tmp_path):
    from quantumcore.services.auth.settings import Argon

    async with open_room(tmp_path) as room:
        await room.register()
    async with open_room(tmp_path, settings=settings_with(argon=Argon(memory_kib=16, passes=2, lanes=1))) as room:
        await room.login()
        stored = await room.database.read(lambda tx: tx.execute(select(USERS.c.password_hash)).scalar_one())
        assert "m=16,t=2,p=1" in stored
        await room.login()


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
        notices = heard(room)
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


async def test_the_operator_makes_users_with_many_roles(room):
    new = await room.ask(CreateUser(email="many@host", password=PASSWORD, roles=["viewer", "operator", "viewer"]))
    assert (await room.ask(GetUser(user_id=new.user_id))).roles == ["operator", "viewer"]
    with pytest.raises(InvalidCommand):
        await room.ask(CreateUser(email="wrong@host", password=PASSWORD, roles=["god"]))
    with pytest.raises(InvalidCommand):
        await room.ask(Login(email="many@host", password=""))
