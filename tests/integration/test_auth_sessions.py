"""Sessions in the auth room.

Goal: a pair of tokens lives as long as the rules say, is spent once, and ends with its session; guesses are counted.
Method: messages over the embedded bus, tables in SQLite, a clock turned by hand.
"""

import pytest
from sqlalchemy import select

from quantumcore.contracts.auth import (
    AccessChanged,
    ChangePassword,
    GetSessions,
    GrantAccount,
    Logout,
    Refresh,
    SetRoles,
)
from quantumcore.contracts.errors import (
    NotFound,
    RateLimited,
    Unauthenticated,
)
from quantumcore.services.auth.tables import REFRESH_TOKENS, USERS
from tests.support.auth_room import PASSWORD, PEER, open_room, settings_with, until


@pytest.fixture
async def room(tmp_path):
    async with open_room(tmp_path) as opened:
        yield opened


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
    notices = room.heard()
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


async def test_a_log_in_after_a_change_of_cost_makes_the_hash_anew(tmp_path):
    from quantumcore.services.auth.settings import Argon

    async with open_room(tmp_path) as room:
        await room.register()
    async with open_room(tmp_path, settings=settings_with(argon=Argon(memory_kib=16, passes=2, lanes=1))) as room:
        await room.login()
        stored = await room.database.read(lambda tx: tx.execute(select(USERS.c.password_hash)).scalar_one())
        assert "m=16,t=2,p=1" in stored
        await room.login()
