"""Who is there: services and their endpoints, under leases."""

from typing import Protocol


class Registry(Protocol):
    """In process when embedded, etcd when distributed."""

    async def register(self, name: str, endpoint: str, ttl_s: float = 10.0) -> None:
        """Announce an endpoint; it vanishes `ttl_s` after its holder stops renewing."""

    async def withdraw(self, name: str, endpoint: str) -> None:
        """Take it back; unknown does nothing."""

    async def lookup(self, name: str) -> list[str]:
        """Return the endpoints of `name`, sorted; empty when there are none."""
