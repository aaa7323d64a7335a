"""How often: fixed windows of one second, counted where all gateways count, keyed by what a caller cannot invent.

A key is a verified user, a verified API key, an account, or the address of the peer; nothing that a request merely
claims (a forwarded address, an unverified key, a path's spelling) makes one.
"""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence

import msgspec

from quantumcore.contracts.errors import RateLimited, Unavailable
from quantumcore.ports.cache import Cache
from quantumcore.ports.clock import Clock
from quantumcore.services.gateway.settings import WINDOW_S, GatewaySettings

FORWARDED = b"x-forwarded-for"
PEERS_REMEMBERED = 10_000
HOPS = 20

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Allowance(msgspec.Struct, frozen=True, gc=False):
    """What a request has spent: the tightest of the windows it met."""

    limit: int
    left: int
    reset: float

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset (whole seconds)."""
        return [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.left),
            (b"ratelimit-reset", b"%d" % math.ceil(self.reset)),
        ]


class LimitReached(RateLimited):
    """RateLimited that knows its allowance, for the headers; `what` is one of five words."""

    def __init__(self, what: str, allowance: Allowance) -> None:
        super().__init__(
            "rate.limited",
            f"over the allowance of {allowance.limit} per second for this {what}",
            limit=str(allowance.limit),
            retry_after=allowance.reset,
        )
        self.allowance = allowance
        self.what = what


class Limits:
    """Spends the allowances of users, accounts and addresses."""

    def __init__(self, cache: Cache, clock: Clock, settings: GatewaySettings) -> None:
        self._cache = cache
        self._settings = settings
        self._alone = LocalWindows(clock, settings.limit_keys)

    def take_over(self, settings: GatewaySettings) -> None:
        """Spend by the rates of `settings` from the next request on; what was spent in this second stays spent."""
        self._settings = settings

    def user(self, who: str, weight: int = 1) -> Awaitable[Allowance]:
        """Spend of a verified user's or API key's allowance."""
        return self._spend("user", who, weight, self._settings.rate_user)

    def cancels(self, who: str, weight: int = 1) -> Awaitable[Allowance]:
        """Spend of a verified user's or API key's allowance for cancels, and of nothing else."""
        return self._spend("canceller", who, weight, self._settings.rate_cancels)

    def orders(self, account: int, weight: int = 1) -> Awaitable[Allowance]:
        """Spend of an account's allowance for orders and amendments."""
        return self._spend("account", str(account), weight, self._settings.rate_orders)

    def peer(self, address: str) -> Awaitable[Allowance]:
        """Spend of an address's allowance for requests without a verified user."""
        return self._spend("address", address, 1, self._settings.rate_peer)

    def login(self, address: str) -> Awaitable[Allowance]:
        """Spend of an address's allowance for log-ins and registrations."""
        return self._spend("log-in address", address, 1, self._settings.rate_login)

    async def _spend(self, what: str, who: str, weight: int, budget: int) -> Allowance:
        key = f"rate:{what}:{who}"
        try:
            allowed, left, reset = await self._cache.spend(key, weight, budget, WINDOW_S)
        except Unavailable:
            allowed, left, reset = self._alone.spend(key, weight, budget)
        allowance = Allowance(budget, left, reset)
        if not allowed:
            raise LimitReached(what, allowance)
        return allowance


class LocalWindows:
    """The windows of this process alone, for as long as the shared ones cannot be reached."""

    def __init__(self, clock: Clock, keys: int) -> None:
        self._clock = clock
        self._keys = keys
        self._windows: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def spend(self, key: str, weight: int, budget: int) -> tuple[bool, int, float]:
        """Spend `weight` of `budget` in the current window; a refused call spends nothing."""
        window, into = divmod(self._clock.monotonic(), WINDOW_S)
        known, spent = self._windows.pop(key, (int(window), 0))
        spent = spent if known == int(window) else 0
        allowed = spent + weight <= budget
        self._windows[key] = (int(window), spent + weight if allowed else spent)
        while len(self._windows) > self._keys:
            self._windows.popitem(last=False)
        return allowed, max(0, budget - self._windows[key][1] if key in self._windows else 0), WINDOW_S - into


class Peers:
    """Whose address a request comes from. IPv6 counts per /64, since one host has all of it."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = _networks(trusted)
        self._known: dict[str, str] = {}

    def take_over(self, trusted: Sequence[str]) -> None:
        """Believe these networks from the next request on, and no others."""
        self._trusted = _networks(trusted)

    def address(self, host: str, headers: Mapping[bytes, bytes]) -> str:
        """Return the address that counts: the connection's, or behind a trusted proxy the last one that is not ours."""
        if self._trusted and FORWARDED in headers and self._is_trusted(host):
            hops = headers[FORWARDED].decode("latin-1").split(",")[-HOPS:]
            for hop in reversed(hops):
                host = hop.strip()
                if not self._is_trusted(host):
                    break
        known = self._known.get(host)
        if known is None:
            known = _normal(host)
            if len(self._known) >= PEERS_REMEMBERED:
                self._known.clear()
            self._known[host] = known
        return known

    def _is_trusted(self, host: str) -> bool:
        address = _parse(host)
        return address is not None and any(address in network for network in self._trusted)


def _networks(given: Sequence[str]) -> list[Network]:
    return [ipaddress.ip_network(network) for network in given]


def _parse(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _normal(host: str) -> str:
    address = _parse(host)
    if address is None:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)
