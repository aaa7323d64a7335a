"""What every Registry does. An adapter inherits RegistryContract and gives `registry` and `pass_time(seconds)`."""

from collections.abc import Awaitable, Callable

from quantumcore.ports.registry import Registry

PassTime = Callable[[float], Awaitable[None]]


class RegistryContract:
    """`pass_time` passes while nobody renews."""

    async def test_who_registered_is_found_sorted_and_once(self, registry: Registry) -> None:
        for endpoint in ("b:1", "a:1", "b:1"):
            await registry.register("ledger", endpoint)
        await registry.register("orders", "c:1")
        assert await registry.lookup("ledger") == ["a:1", "b:1"]
        assert await registry.lookup("nobody") == []

    async def test_who_withdrew_is_gone(self, registry: Registry) -> None:
        await registry.register("ledger", "a:1")
        await registry.withdraw("ledger", "a:1")
        await registry.withdraw("ledger", "a:1")
        await registry.withdraw("unknown", "a:1")
        assert await registry.lookup("ledger") == []

    async def test_who_does_not_renew_vanishes(self, registry: Registry, pass_time: PassTime) -> None:
        await registry.register("ledger", "old:1", ttl_s=2.0)
        await registry.register("ledger", "kept:1", ttl_s=2.0)
        await pass_time(1.5)
        await registry.register("ledger", "kept:1", ttl_s=2.0)
        await pass_time(1.0)
        assert await registry.lookup("ledger") == ["kept:1"]
