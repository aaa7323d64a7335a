"""Password hashes on threads of their own.

Goal: argon2id, bounded, the same work whether or not the user exists.
Method: a cheap cost, jobs that wait for the test.
"""

import asyncio
import threading

import pytest

from quantumcore.contracts.errors import Corrupted, Unavailable
from quantumcore.services.auth.passwords import Passwords
from quantumcore.services.auth.settings import Argon
from tests.support.auth_room import CHEAP, until


@pytest.fixture
def passwords():
    made = Passwords(CHEAP, threads=2, queue=3)
    yield made
    made.close()


async def test_a_password_is_stored_as_argon2id_with_a_salt_of_its_own(passwords):
    one, two = await passwords.hash(b"correct horse"), await passwords.hash(b"correct horse")
    assert one.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert one != two
    assert await passwords.verify(one, b"correct horse")
    assert not await passwords.verify(one, b"correct horsf")


async def test_nobody_has_no_password_and_is_hashed_all_the_same(passwords, monkeypatch):
    hashed: list[str] = []
    matches = passwords._matches
    monkeypatch.setattr(passwords, "_matches", lambda stored, given: hashed.append(stored) or matches(stored, given))
    assert not await passwords.verify(None, b"nobody has this password")
    assert len(hashed) == 1


async def test_a_stored_text_that_is_no_hash_stops_the_process(passwords):
    with pytest.raises(Corrupted):
        await passwords.verify("plain text", b"plain text")


async def test_a_hash_of_another_cost_is_outdated(passwords):
    assert not passwords.is_outdated(await passwords.hash(b"x"))
    stronger = Passwords(Argon(memory_kib=16, passes=2, lanes=1), threads=1, queue=1)
    assert stronger.is_outdated(await passwords.hash(b"x"))
    stronger.close()


async def test_past_threads_and_queue_it_is_overloaded_and_recovers(passwords):
    gate = threading.Event()
    held = [asyncio.ensure_future(passwords._run(gate.wait)) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await passwords.hash(b"one too many")
    assert (refused.value.code, refused.value.retry_after) == ("overloaded", 1.0)
    gate.set()
    await asyncio.gather(*held)
    await until(lambda: passwords._taken == 0)
    assert await passwords.hash(b"room again")


async def test_one_who_gives_up_keeps_his_place_until_his_job_is_done(passwords):
    gate, started = threading.Event(), threading.Event()
    held = [asyncio.ensure_future(passwords._run(lambda: started.set() or gate.wait())) for _ in range(2)]
    await until(started.is_set)
    for each in held:
        each.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    assert passwords._taken == 2
    gate.set()
    await until(lambda: passwords._taken == 0)
