"""The auth room on an embedded bus and a SQLite file, with a clock turned by hand and a ledger room that follows a script."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts.auth import (
    AccessChanged,
    CreateUser,
    Identity,
    Login,
    NewUser,
    Register,
    TokenPair,
    VerifyToken,
)
from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.ledger import AccountView, OpenAccount
from quantumcore.services.auth.service import AuthService
from quantumcore.services.auth.settings import Argon, AuthSettings
from tests.support.clocks import ManualClock
from tests.support.tables import open_tables

PASSWORD = "correct horse battery"
PEER = "203.0.113.7"
CHEAP = Argon(memory_kib=8, passes=1, lanes=1)
SETTINGS = AuthSettings(jwt_secret="Tests-only-" * 7, key_encryption_key="tests-only-too-" * 3, argon=CHEAP)


class ScriptedLedger:
    """Opens accounts as the ledger room does; raises what `failures` holds first."""

    def __init__(self) -> None:
        self.opened: dict[int, str] = {}
        self.asked: list[int] = []
        self.failures: list[QuantumCoreError] = []

    async def open(self, message: OpenAccount) -> AccountView:
        self.asked.append(message.account)
        if self.failures:
            raise self.failures.pop(0)
        self.opened.setdefault(message.account, message.owner)
        return AccountView(str(message.account), message.owner, len(self.opened))


class Room:
    """What a test holds in its hands."""

    def __init__(
        self,
        bus: EmbeddedBus,
        database: SqliteDatabase,
        clock: ManualClock,
        ledger: ScriptedLedger,
        service: AuthService,
    ):
        self.bus = bus
        self.database = database
        self.clock = clock
        self.ledger = ledger
        self.service = service
        self.ask = bus.request

    async def register(self, email: str = "ann@example.com", password: str = PASSWORD) -> NewUser:
        return await self.ask(Register(email=email, password=password, peer=PEER))

    async def create(self, email: str, *roles: str) -> NewUser:
        return await self.ask(CreateUser(email=email, password=PASSWORD, roles=list(roles), peer="operator"))

    async def login(self, email: str = "ann@example.com", password: str = PASSWORD, peer: str = PEER) -> TokenPair:
        return await self.ask(Login(email=email, password=password, peer=peer, request_id="r-1"))

    async def verify(self, token: str) -> Identity:
        return await self.ask(VerifyToken(token=token, peer=PEER, request_id="r-2"))

    def heard(self) -> list[AccessChanged]:
        """Return a list that grows by every change of access that is told from now on."""
        notices: list[AccessChanged] = []

        async def hear(batch: Sequence[AccessChanged]) -> None:
            notices.extend(batch)

        self.bus.subscribe(AccessChanged, hear)
        return notices


@contextlib.asynccontextmanager
async def open_room(
    directory: Path,
    *,
    settings: AuthSettings = SETTINGS,
    clock: ManualClock | None = None,
    ledger: ScriptedLedger | None = None,
    tasks: bool = True,
) -> AsyncIterator[Room]:
    clock, ledger, bus = clock or ManualClock(), ledger or ScriptedLedger(), EmbeddedBus()
    database = await open_tables(directory / "auth.db", "quantumcore.services.auth.migrations")
    service = AuthService(bus, database, clock, settings)
    bus.handle(OpenAccount, ledger.open)
    service.attach()
    await service.start()
    running = [asyncio.create_task(_run(task)) for _, task in service.tasks()] if tasks else []
    try:
        yield Room(bus, database, clock, ledger, service)
    finally:
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await service.stop()
        await bus.close()
        await database.close()


async def _run(task: Callable[[], Awaitable[None]]) -> None:
    await task()


def settings_with(**changes: object) -> AuthSettings:
    return replace(SETTINGS, **changes)  # type: ignore[arg-type]  # a test names fields that exist


async def until(condition: Callable[[], bool], *, deadline_s: float = 5.0) -> None:
    """Wait for work of other threads; no time is guessed, the deadline is only for a freeze."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110  # other threads set no event of ours
            await asyncio.sleep(0.001)
