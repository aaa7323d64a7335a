"""What every Cache does. An adapter inherits CacheContract and gives `cache` and `pass_time(seconds)`."""

import asyncio
from collections.abc import Awaitable, Callable

from quantumcore.ports.cache import Cache

PassTime = Callable[[float], Awaitable[None]]


class CacheContract:
    """Time is passed by the adapter's own means: a clock turned by hand, or a wait for a server."""

    async def test_a_value_is_kept_until_its_time_is_over(self, cache: Cache, pass_time: PassTime) -> None:
        assert await cache.get("a") is None
        await cache.put("a", b"\x00\xff", 1.0)
        assert await cache.get("a") == b"\x00\xff"
        await pass_time(1.1)
        assert await cache.get("a") is None

    async def test_a_newer_value_replaces_the_older_with_its_time(self, cache: Cache, pass_time: PassTime) -> None:
        await cache.put("a", b"1", 0.5)
        await cache.put("a", b"2", 5.0)
        await pass_time(1.0)
        assert await cache.get("a") == b"2"

    async def test_a_deleted_value_is_unknown(self, cache: Cache) -> None:
        await cache.put("a", b"1", 5.0)
        await cache.delete("a")
        await cache.delete("never there")
        assert await cache.get("a") is None

    async def test_a_budget_is_spent_to_the_last_and_no_further(self, cache: Cache) -> None:
        results = [await cache.spend("k", 3, 10, 60.0) for _ in range(4)]
        assert [(allowed, left) for allowed, left, _ in results] == [(True, 7), (True, 4), (True, 1), (False, 1)]
        assert all(0 < ends <= 60.0 for _, _, ends in results)

    async def test_a_refused_call_spends_nothing(self, cache: Cache) -> None:
        await cache.spend("k", 9, 10, 60.0)
        assert (await cache.spend("k", 2, 10, 60.0))[:2] == (False, 1)
        assert (await cache.spend("k", 1, 10, 60.0))[:2] == (True, 0)

    async def test_a_new_window_is_full_again(self, cache: Cache, pass_time: PassTime) -> None:
        await cache.spend("k", 10, 10, 1.0)
        await pass_time(1.05)
        assert (await cache.spend("k", 10, 10, 1.0))[0]

    async def test_keys_do_not_share_a_budget(self, cache: Cache) -> None:
        assert (await cache.spend("k1", 10, 10, 60.0))[0]
        assert (await cache.spend("k2", 10, 10, 60.0))[0]

    async def test_many_at_once_spend_exactly_the_budget(self, cache: Cache) -> None:
        results = await asyncio.gather(*(cache.spend("k", 1, 50, 60.0) for _ in range(200)))
        assert sum(allowed for allowed, _, _ in results) == 50
