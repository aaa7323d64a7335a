"""Password hashes: argon2id, on a few threads of their own, so that log-ins can slow down log-ins and nothing else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from quantumcore.contracts.errors import Corrupted, Unavailable
from quantumcore.services.auth.settings import Argon
from quantumcore.services.auth.telemetry import HASH_REFUSED, HASH_SECONDS, HASH_WAITING

T = TypeVar("T")

RETRY_AFTER_S = 1.0


class Passwords:
    """Hashes and checks passwords on `threads` threads; `queue` more may wait, the next is `overloaded`.

    A job never waits for another of this pool. A caller who gives up leaves his job to run: it holds its place until done.
    """

    def __init__(self, argon: Argon, *, threads: int, queue: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=argon.passes,
            memory_cost=argon.memory_kib,
            parallelism=argon.lanes,
            hash_len=32,
            salt_len=16,
            type=Type.ID,
        )
        self._pool = ThreadPoolExecutor(threads, "auth-hash")
        self._places = threads + queue
        self._taken = 0
        self._nobody = self._hasher.hash(b"nobody has this password")

    async def hash(self, password: bytes) -> str:
        """Return `$argon2id$...` of the password.

        Raises:
            Unavailable: `overloaded`: too many hashes wait.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: bytes) -> bool:
        """Tell whether `password` is the one of `stored`; None (nobody has this e-mail) costs the same time and is false.

        Raises:
            Unavailable: `overloaded`: too many hashes wait.
            Corrupted: `stored` is no argon2 hash.
        """
        return await self._run(lambda: self._matches(stored or self._nobody, password)) and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Tell whether `stored` was made at another cost than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Drop what waits and release the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _matches(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except VerifyMismatchError:
            return False
        except InvalidHashError:
            raise Corrupted(detail="a stored password hash is no argon2 hash") from None

    async def _run(self, job: Callable[[], T]) -> T:
        if self._taken >= self._places:
            HASH_REFUSED.inc()
            raise Unavailable(
                "overloaded", "too many log-ins at once", limit=str(self._places), retry_after=RETRY_AFTER_S
            )
        started = perf_counter()
        loop = asyncio.get_running_loop()
        future = self._pool.submit(job)
        self._taken += 1
        HASH_WAITING.inc()
        future.add_done_callback(lambda done: self._schedule_release(loop, done))
        result = await asyncio.wrap_future(future)
        HASH_SECONDS.observe(perf_counter() - started)
        return result

    def _schedule_release(self, loop: asyncio.AbstractEventLoop, _: "Future[T]") -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self._taken -= 1
        HASH_WAITING.dec()
