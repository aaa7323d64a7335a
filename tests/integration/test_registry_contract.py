"""The registry in process is a Registry.

Goal: leases end by the clock, and the table is bounded.
Method: the contract suite with a clock turned by hand.
"""

import pytest

from quantumcore.adapters import registry as module
from quantumcore.adapters.registry import EmbeddedRegistry
from quantumcore.contracts.errors import Unavailable
from tests.support.clocks import ManualClock
from tests.support.contracts.registry import PassTime, RegistryContract


class TestEmbeddedRegistry(RegistryContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def registry(self, clock: ManualClock) -> EmbeddedRegistry:
        return EmbeddedRegistry(clock)

    @pytest.fixture
    def pass_time(self, clock: ManualClock) -> PassTime:
        return clock.advance

    async def test_at_the_limit_the_dead_make_room_and_the_living_do_not(
        self, registry: EmbeddedRegistry, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_ENDPOINTS", 2)
        await registry.register("a", "1", ttl_s=1)
        await registry.register("b", "1", ttl_s=9)
        with pytest.raises(Unavailable):
            await registry.register("c", "1")
        await registry.register("b", "1", ttl_s=9)
        clock.turn(2)
        await registry.register("c", "1")
        assert await registry.lookup("c") == ["1"]
