"""The gateway with real rooms behind it, over the readable engine.

`house` is in process (an httpx client speaks ASGI to it); `listening` puts the same application on a loopback port.
"""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from quantumcore.adapters.cache import EmbeddedCache
from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.outbox_rail import OutboxRail
from quantumcore.contracts import wire
from quantumcore.contracts.auth import CreateUser
from quantumcore.contracts.market import GetBook
from quantumcore.contracts.matching import EngineStatus, GetEngineStatus, TakeSnapshot
from quantumcore.contracts.messages import Done
from quantumcore.services.auth.service import AuthService
from quantumcore.services.auth.settings import Argon, AuthSettings
from quantumcore.services.gateway.service import UVICORN, GatewayService
from quantumcore.services.gateway.settings import GatewaySettings
from quantumcore.services.ledger.settings import LedgerSettings, PayoutSettings
from quantumcore.services.market.service import MarketService
from quantumcore.services.orders.service import OrdersService
from quantumcore.services.portfolio.service import PortfolioService
from quantumcore.services.positions.service import PositionsService
from quantumcore.services.risk.desks.kill import KillDesk
from tests.support.ledgers import open_ledger
from tests.support.risk_room import risk_service
from tests.support.small_venue import SmallVenue, small_venue

PASSWORD = "a long enough password"
CHEAP = Argon(memory_kib=8, passes=1)
GENEROUS = GatewaySettings(rate_user=10**6, rate_orders=10**6, rate_cancels=10**6, rate_peer=10**6, rate_login=10**6)
CURRENCIES = {"USD": (1, 2), "BTC": (2, 8), "AAPL": (3, 0)}
RICH = 10**12


class RealClock(SystemClock):
    """The machine's clock, which a venue may ask to turn."""

    def turn(self, _seconds: float) -> None:
        """Time turns by itself."""


class House:
    """A venue and its gateway.

    Attributes:
        client: Speaks to the gateway; every path begins with /v1.
    """

    def __init__(self, venue: SmallVenue, gateway: GatewayService) -> None:
        self.venue = venue
        self.gateway = gateway
        self.client = client_of(gateway)
        self.transfers = 0

    async def user(self, name: str = "", *, rich: bool = True) -> "User":
        """Register a user, fund his account, log him in."""
        email = f"{name or uuid.uuid4().hex}@example.com"
        made = (await self.client.post("/v1/auth/register", json={"email": email, "password": PASSWORD})).json()
        if rich:
            self.fund(int(made["account_id"]))
        return await self.log_in(email, made["user_id"], made["account_id"])

    async def admin(self, *roles: str) -> "User":
        """Make a user as the operator's command line does, and log him in."""
        email = f"{uuid.uuid4().hex}@example.com"
        made = await self.venue.bus.request(
            CreateUser(email=email, password=PASSWORD, roles=list(roles or ("admin",))), deadline_s=10
        )
        return await self.log_in(email, made.user_id, made.account_id)

    async def log_in(self, email: str, user_id: str, account_id: str) -> "User":
        """Log in and return a client that carries the token."""
        answer = await self.client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return User(self, email, user_id, account_id, answer.json())

    async def shown(self) -> None:
        """Return once the market room has shown everything that the engine has told."""
        last = self.venue.log.last
        while (await self.venue.bus.request(GetBook(symbol="BTC-USD", at_least=last))).sequence < last:
            pass

    def fund(self, account: int) -> None:
        """Put a fortune into an account, past the API."""
        for number, _ in CURRENCIES.values():
            self.transfers += 1
            self.venue.do(
                wire.Transfer(
                    account=account, amount=RICH, currency=number, transfer_kind=1, transfer_id=f"fund-{self.transfers}"
                )
            )


class User:
    """A logged-in user."""

    def __init__(self, house: House, email: str, user_id: str, account_id: str, tokens: dict[str, Any]) -> None:
        self.house = house
        self.email = email
        self.user_id = user_id
        self.account_id = account_id
        self.tokens = tokens
        self.token: str = tokens["access_token"]
        self.http = client_of(house.gateway, headers={"authorization": f"Bearer {self.token}"})

    async def order(self, **changes: Any) -> httpx.Response:
        """Submit a limit order; `changes` change it, None removes a field."""
        body = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "0.5", "price": "64000.00", **changes}
        return await self.http.post("/v1/orders", json={k: v for k, v in body.items() if v is not None})


def client_of(gateway: GatewayService, **options: Any) -> httpx.AsyncClient:
    """Return a client that speaks ASGI to `gateway`."""
    transport = httpx.ASGITransport(app=gateway.asgi, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://venue", timeout=30, **options)


@asynccontextmanager
async def house(
    directory: Path, settings: GatewaySettings = GENEROUS, payouts: PayoutSettings | None = None
) -> AsyncIterator[House]:
    """Open a house with all rooms; close it at the end. With `payouts` withdrawals go through an operated rail."""
    async with small_venue(directory) as venue:
        venue.clock = RealClock()  # type: ignore[assignment]
        clock = venue.clock
        venue.bus.handle(GetEngineStatus, _status_of(venue))
        venue.bus.handle(TakeSnapshot, _snapshot)
        rail = None if payouts is None else OutboxRail(directory / "payouts.jsonl")
        money = LedgerSettings(four_eyes=settings.four_eyes, payouts=payouts or PayoutSettings())
        await open_ledger(venue, money, rail)
        auth_settings = AuthSettings(jwt_secret="s" * 64, key_encryption_key="k" * 64, argon=CHEAP)
        await venue.run(AuthService(venue.bus, await venue.database("auth"), clock, auth_settings))
        await venue.run(OrdersService(venue.bus, venue.log, await venue.database("orders"), clock))
        await venue.run(MarketService(venue.bus, venue.log, await venue.database("market"), clock))
        await venue.run(PositionsService(venue.bus, venue.log, await venue.database("positions"), clock))
        await venue.run(PortfolioService(venue.bus, venue.log, await venue.database("portfolio"), clock))
        await venue.run(
            risk_service(
                venue,
                await venue.database("risk"),
                await venue.database("risk", "risk_parameters"),
                four_eyes=settings.four_eyes,
            )
        )
        KillDesk(venue.bus, four_eyes=settings.four_eyes).attach()
        gateway = await venue.run(GatewayService(venue.bus, EmbeddedCache(clock), clock, settings))
        opened = House(venue, gateway)
        try:
            yield opened
        finally:
            await opened.client.aclose()
            await gateway.stop()


@asynccontextmanager
async def listening(gateway: GatewayService) -> AsyncIterator[str]:
    """Serve `gateway` on a free loopback port; yield host:port."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(2048)
        options: dict[str, Any] = {**UVICORN, "loop": "none"}
        server = uvicorn.Server(uvicorn.Config(gateway.asgi, log_config=None, **options))
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.ensure_future(server._serve([door]))
        while not server.started:  # noqa: ASYNC110  # the server has no event for it
            await asyncio.sleep(0.005)
        try:
            yield f"127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def _status_of(venue: SmallVenue) -> Any:
    async def answer(_ask: GetEngineStatus) -> EngineStatus:
        sequence = venue.engine.sequence
        return EngineStatus(0, 1, sequence, sequence, f"{venue.engine.state_hash():016x}", 0, 0, False)

    return answer


async def _snapshot(_ask: TakeSnapshot) -> Done:
    return Done()
