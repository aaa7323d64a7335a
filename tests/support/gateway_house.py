"""The gateway with real rooms behind it: users, orders and market data over the readable engine; money by a small stand-in.

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
from quantumcore.contracts import ledger, ledger_audit, wire
from quantumcore.contracts.auth import CreateUser
from quantumcore.contracts.errors import InvalidCommand, NotFound
from quantumcore.contracts.market import GetBook
from quantumcore.contracts.matching import EngineStatus, GetEngineStatus, TakeSnapshot
from quantumcore.contracts.messages import Done
from quantumcore.contracts.values import I64_MAX
from quantumcore.services.auth.service import AuthService
from quantumcore.services.auth.settings import Argon, AuthSettings
from quantumcore.services.gateway.service import UVICORN, GatewayService
from quantumcore.services.gateway.settings import GatewaySettings
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.market.service import MarketService
from quantumcore.services.orders.service import OrdersService
from quantumcore.services.portfolio.service import PortfolioService
from quantumcore.services.positions.service import PositionsService
from tests.support.ledgers import answer_for_money, open_ledger
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
    directory: Path, settings: GatewaySettings = GENEROUS, *, real_ledger: bool = False
) -> AsyncIterator[House]:
    """Open a house with all rooms, money by the ledger itself or by a stand-in; close it at the end."""
    async with small_venue(directory) as venue:
        venue.clock = RealClock()  # type: ignore[assignment]
        clock = venue.clock
        money = SmallLedger(venue)
        money.attach_engine()
        if real_ledger:
            await open_ledger(venue)
        else:
            money.attach()
            books = LedgerService(venue.bus, venue.log, await venue.database("ledger"), clock)
            books._reports.attach(venue.bus)  # of the real room only what it reports
            books._watch.attach()
            venue.bus.handle(ledger.GetTrialBalance, books.trial_balance)
            answer_for_money(venue)
            await venue.run(books, attach=False)
        auth_settings = AuthSettings(jwt_secret="s" * 64, key_encryption_key="k" * 64, argon=CHEAP)
        await venue.run(AuthService(venue.bus, await venue.database("auth"), clock, auth_settings))
        await venue.run(OrdersService(venue.bus, venue.log, await venue.database("orders"), clock))
        await venue.run(MarketService(venue.bus, venue.log, await venue.database("market"), clock))
        await venue.run(PositionsService(venue.bus, venue.log, await venue.database("positions"), clock))
        await venue.run(PortfolioService(venue.bus, venue.log, await venue.database("portfolio"), clock))
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


class SmallLedger:
    """Just enough of the ledger for the gateway's routes: transfers through the engine, balances from its events."""

    def __init__(self, venue: SmallVenue) -> None:
        self._venue = venue

    def attach(self) -> None:
        """Answer for money."""
        bus = self._venue.bus
        bus.handle(ledger.OpenAccount, self._open)
        bus.handle(ledger.MakeTransfer, self._transfer)
        bus.handle(ledger.GetTransfer, self._get_transfer)
        bus.handle(ledger.GetBalances, self._balances)
        bus.handle(ledger.GetHolds, self._holds)
        bus.handle(ledger.GetEntries, self._entries)
        bus.handle(ledger_audit.VerifyChain, self._verify)
        bus.handle(ledger_audit.GetAuditRoots, self._roots)
        bus.handle(ledger_audit.ProveEntry, self._prove)

    def attach_engine(self) -> None:
        """Answer for the engine's state."""
        self._venue.bus.handle(GetEngineStatus, self._status)
        self._venue.bus.handle(TakeSnapshot, self._snapshot)

    async def _open(self, ask: ledger.OpenAccount) -> ledger.AccountView:
        events = self._venue.do(wire.OpenAccount(account=ask.account, owner=uuid.UUID(ask.owner).int))
        return ledger.AccountView(str(ask.account), ask.owner, events[-1].sequence)

    async def _transfer(self, ask: ledger.MakeTransfer) -> ledger.TransferView:
        if ask.currency not in CURRENCIES:
            raise NotFound("currency.not_found", "currency not found", field="currency")
        number, scale = CURRENCIES[ask.currency]
        whole, _, fraction = ask.amount.partition(".")
        amount = int(whole + fraction.ljust(scale, "0"))
        if len(fraction) > scale or amount > I64_MAX:
            raise InvalidCommand("transfer.amount.bad", "more places than the currency has, or 63 bits", field="amount")
        kind = ledger.TRANSFER_KINDS[ask.kind]
        command = wire.Transfer(
            account=ask.account,
            amount=amount,
            to_account=ask.to_account,
            currency=number,
            transfer_kind=kind,
            transfer_id=ask.transfer_id,
        )
        event = self._venue.do(command)[-1]
        to_account = str(ask.to_account) if ask.to_account else None
        return ledger.TransferView(
            ask.transfer_id,
            ask.kind,
            str(ask.account),
            to_account,
            ask.currency,
            ask.amount,
            "posted",
            event.sequence,
            event.time_ns,
        )

    async def _get_transfer(self, ask: ledger.GetTransfer) -> ledger.TransferView:
        raise NotFound("transfer.not_found", f"transfer {ask.transfer_id} not found")

    async def _balances(self, ask: ledger.GetBalances) -> ledger.Balances:
        return ledger.Balances(str(ask.account), max(self._venue.engine.sequence, ask.at_least), [])

    async def _holds(self, ask: ledger.GetHolds) -> ledger.Holds:
        return ledger.Holds(str(ask.account), self._venue.engine.sequence, [])

    async def _entries(self, ask: ledger.GetEntries) -> ledger.EntryPage:
        return ledger.EntryPage([], None, self._venue.engine.sequence)

    async def _verify(self, _ask: ledger_audit.VerifyChain) -> ledger_audit.ChainVerdict:
        return ledger_audit.ChainVerdict(
            sound=True, verified=0, records=0, head="00" * 32, published=0, next_cursor=None, finding=None
        )

    async def _roots(self, _ask: ledger_audit.GetAuditRoots) -> ledger_audit.AuditRootPage:
        return ledger_audit.AuditRootPage([], None, "")

    async def _prove(self, _ask: ledger_audit.ProveEntry) -> ledger_audit.EntryProof:
        raise NotFound("entry.not_found", "entry not found", field="position")

    async def _status(self, _ask: GetEngineStatus) -> EngineStatus:
        sequence = self._venue.engine.sequence
        return EngineStatus(0, 1, sequence, sequence, f"{self._venue.engine.state_hash():016x}", 0, 0, False)

    async def _snapshot(self, _ask: TakeSnapshot) -> Done:
        return Done()
