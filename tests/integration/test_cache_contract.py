"""The cache in process is a Cache.

Goal: bounded, and exact where it counts.
Method: the contract suite with a clock turned by hand; threads for `spend`.
"""

import asyncio
import threading

import pytest

from quantumcore.adapters.cache import EmbeddedCache
from tests.support.clocks import ManualClock
from tests.support.contracts.cache import CacheContract, PassTime


class TestEmbeddedCache(CacheContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def cache(self, clock: ManualClock) -> EmbeddedCache:
        return EmbeddedCache(clock)

    @pytest.fixture
    def pass_time(self, clock: ManualClock) -> PassTime:
        return clock.advance

    async def test_at_the_limit_the_least_recently_used_goes(self, clock: ManualClock) -> None:
        cache = EmbeddedCache(clock, capacity=3)
        for key in "abc":
            await cache.put(key, key.encode(), 60)
        await cache.get("a")
        await cache.put("d", b"d", 60)
        assert [await cache.get(key) for key in "abcd"] == [b"a", None, b"c", b"d"]

    async def test_100_000_keys_stay_within_the_limit(self, clock: ManualClock) -> None:
        cache = EmbeddedCache(clock, capacity=100)
        for number in range(100_000):
            await cache.put(str(number), b"x", 60)
            await cache.spend(str(number), 1, 10, 60)
        assert len(cache) == 200


def test_16_threads_spend_exactly_the_budget() -> None:
    cache = EmbeddedCache(ManualClock())
    start = threading.Barrier(16)
    allowed: list[int] = []

    def spend() -> None:
        async def many() -> int:
            return sum([(await cache.spend("k", 1, 5_000, 60.0))[0] for _ in range(1_000)])

        start.wait()
        allowed.append(asyncio.run(many()))

    threads = [threading.Thread(target=spend) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(allowed) == 5_000
    assert len(allowed) == 16
