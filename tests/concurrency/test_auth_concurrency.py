"""Many at once in the auth room.

Goal: one refresh token wins once; log-ins slow down log-ins and nothing else; no stale right is kept in memory.
Method: tasks on one loop with real threads below, order varied by seed, a deadline of its own for each test.
"""

import asyncio
import threading

import pytest

from quantumcore.contracts.auth import AccessChanged, DisableUser, Login, Logout, Refresh, SetRoles
from quantumcore.contracts.errors import Conflict, RateLimited, Unauthenticated, Unavailable
from tests.support.auth_room import PASSWORD, open_room, settings_with, until
from tests.support.clocks import settle


@pytest.fixture
async def room(tmp_path):
    async with open_room(tmp_path) as opened:
        yield opened


async def test_of_twenty_who_refresh_one_token_exactly_one_wins(room):
    await room.register()
    async with asyncio.timeout(10):
        for _ in range(5):
            pair = await room.login()
            ends = await asyncio.gather(
                *(room.ask(Refresh(refresh_token=pair.refresh_token)) for _ in range(20)), return_exceptions=True
            )
            won = [end for end in ends if not isinstance(end, BaseException)]
            assert len(won) == 1
            assert all(isinstance(end, Unauthenticated) for end in ends if end not in won)
            with pytest.raises(Unauthenticated):
                await room.verify(won[0].access_token)
            with pytest.raises(Unauthenticated):
                await room.ask(Refresh(refresh_token=won[0].refresh_token))


@pytest.mark.hazard("B10")
async def test_two_hundred_log_ins_on_four_threads_leave_everything_else_running(tmp_path, monkeypatch):
    """Past threads and queue: `overloaded`. Meanwhile 100 other requests end: none of them waits for the pool."""
    async with open_room(tmp_path, settings=settings_with(hash_threads=4, hash_queue=100)) as room:
        for number in range(5):
            await room.register(f"user{number}@host")
        token = (await room.login("user0@host")).access_token
        pool, gate = room.service._passwords, threading.Event()
        await until(lambda: pool._taken == 0)
        matches = pool._matches
        monkeypatch.setattr(pool, "_matches", lambda stored, given: gate.wait(20) and matches(stored, given))
        logins = [
            asyncio.ensure_future(
                room.ask(
                    Login(email=f"user{number % 5}@host", password=PASSWORD, peer=f"198.51.100.{number}"), deadline_s=30
                )
            )
            for number in range(200)
        ]
        try:
            started = asyncio.get_running_loop().time()
            await asyncio.gather(*(room.verify(token) for _ in range(100)))
            await until(lambda: sum(login.done() for login in logins) >= 96)
            assert asyncio.get_running_loop().time() < started + 5
            assert sum(login.done() for login in logins) == 96
        finally:
            gate.set()
        ends = await asyncio.gather(*logins, return_exceptions=True)
        overloaded = [end for end in ends if isinstance(end, Unavailable)]
        assert {end.code for end in overloaded} == {"overloaded"}
        assert len(overloaded) == 96
        assert sum(not isinstance(end, BaseException) for end in ends) == 104


async def test_of_fifty_guesses_at_once_five_are_hashed(room, monkeypatch):
    await room.register()
    pool, hashed = room.service._passwords, []
    matches = pool._matches
    monkeypatch.setattr(pool, "_matches", lambda stored, given: hashed.append(given) or matches(stored, given))
    async with asyncio.timeout(10):
        ends = await asyncio.gather(
            *(room.login(password=f"guess number {number}") for number in range(50)), return_exceptions=True
        )
    assert len(hashed) == 5
    assert sum(isinstance(end, Unauthenticated) for end in ends) == 5
    assert sum(isinstance(end, RateLimited) for end in ends) == 45


async def test_one_email_registered_twenty_times_at_once_is_one_user(room):
    async with asyncio.timeout(10):
        ends = await asyncio.gather(
            *(room.register("Ann@host" if n % 2 else "ann@HOST") for n in range(20)), return_exceptions=True
        )
    made = [end for end in ends if not isinstance(end, BaseException)]
    assert {end.account_id for end in made} == {"1001"}
    assert all(
        isinstance(end, Conflict) and end.code == "user.exists" for end in ends if isinstance(end, BaseException)
    )
    assert set(room.ledger.opened) == {1001}


async def test_what_was_read_before_a_change_and_arrives_after_it_is_not_kept(room, monkeypatch):
    new = await room.register()
    pair = await room.login()
    session = (await room.verify(pair.access_token)).session_id
    access, database = room.service._access, room.service._access._database
    access.forget(AccessChanged(user_id=new.user_id, revoked_sessions=[session]))
    has_read, go_on, read = asyncio.Event(), asyncio.Event(), database.read

    async def slow_read(work):
        found = await read(work)
        has_read.set()
        await go_on.wait()
        return found

    class Slow:
        pass

    slow = Slow()
    slow.read = slow_read
    monkeypatch.setattr(access, "_database", slow)
    early = asyncio.create_task(room.verify(pair.access_token))
    async with asyncio.timeout(5):
        await has_read.wait()
        await room.ask(Logout(session_id=session))
        go_on.set()
        await asyncio.gather(early, return_exceptions=True)
    with pytest.raises(Unauthenticated):
        await room.verify(pair.access_token)


async def test_a_log_in_that_was_checked_before_the_user_was_disabled_opens_nothing(room, monkeypatch):
    new = await room.register()
    pool, gate = room.service._passwords, threading.Event()
    matches = pool._matches
    monkeypatch.setattr(pool, "_matches", lambda stored, given: matches(stored, given) and gate.wait(10))
    login = asyncio.create_task(room.login())
    await settle()
    async with asyncio.timeout(5):
        await room.ask(DisableUser(user_id=new.user_id))
        gate.set()
        with pytest.raises(Unauthenticated):
            await login


async def test_rights_change_while_a_hundred_verify_and_nobody_keeps_the_old_ones(room, rng):
    new = await room.register()
    async with asyncio.timeout(20):
        for _ in range(10):
            pair = await room.login()
            verifying = [asyncio.create_task(room.verify(pair.access_token)) for _ in range(rng.randrange(1, 100))]
            for _ in range(rng.randrange(5)):
                await asyncio.sleep(0)
            await room.ask(SetRoles(user_id=new.user_id, roles=[rng.choice(["viewer", "trader"])]))
            with pytest.raises(Unauthenticated):
                await room.verify(pair.access_token)
            await asyncio.gather(*verifying, return_exceptions=True)
            with pytest.raises(Unauthenticated):
                await room.verify(pair.access_token)
