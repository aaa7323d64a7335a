"""A venue small enough for one test: bus, event log, clock, and the readable engine answering as matching does.

No journal and no batching: each command is one step, appended to the event log before it is answered. What it says is
what the engine says; a test may hold back the log (`hold`) as a busy publisher would.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts import wire
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.matching import (
    EngineMargin,
    GetEngineMargin,
    PreviewSubmission,
    Sequence,
    SequenceBatch,
    Sequenced,
    SequencedBatch,
    SubmissionPreview,
)
from quantumcore.contracts.reference import Catalogue, GetReference, Reference
from quantumcore.core.twin.engine import Engine
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.matching.money import engine_margin
from quantumcore.services.matching.previews import submission_preview
from tests.support.clocks import ManualClock
from tests.support.tables import open_tables

ALICE, BOB, CAROL = 1, 2, 3
USD, BTC, SHARES = 1, 2, 3
COIN, SHARE = 1, 2
RICH = 10**15
PATIENCE_S = 20.0


def definitions() -> list[wire.Command]:
    """Return the commands of a plain market: BTC-USD and AAPL with fees of 10 and 5 bp, three rich accounts."""
    commands: list[wire.Command] = [
        wire.DefineCurrency(currency=USD, code="USD", scale=2),
        wire.DefineCurrency(currency=BTC, code="BTC", scale=8),
        wire.DefineCurrency(currency=SHARES, code="AAPL", scale=0),
        define(COIN, "BTC-USD", BTC, lot_scale=5),
        define(SHARE, "AAPL", SHARES, lot_scale=0),
    ]
    for account in (ALICE, BOB, CAROL):
        commands.append(wire.OpenAccount(account=account, owner=account))
        commands += [
            wire.Transfer(account=account, amount=RICH, currency=c, transfer_kind=1, transfer_id=f"first-{c}")
            for c in (USD, BTC, SHARES)
        ]
    return commands


def define(number: int, symbol: str, base: int, *, lot_scale: int, **changes: Any) -> wire.DefineInstrument:
    """Return an instrument with a tick of 0.01 and a lot of one unit in its last decimal."""
    terms: dict[str, Any] = {
        "instrument_kind": 1,
        "status": 1,
        "base": base,
        "quote": USD,
        "tick_scale": 2,
        "lot_scale": lot_scale,
        "tick": 1,
        "lot": 1,
        "multiplier": 1,
        "min_price": 1,
        "max_price": 10**12,
        "min_quantity": 1,
        "max_quantity": 10**12,
        "min_notional": 0,
        "max_notional": 2**63 - 1,
        "taker_fee": 100_000,
        "maker_fee": 50_000,
        "minimum_fee": 0,
        "collar": 5_000_000,
        "symbol": symbol,
    }
    return wire.DefineInstrument(instrument=number, **{**terms, **changes})


class SmallVenue:
    """The parts a room needs around it.

    Attributes:
        requests: How many commands matching was asked to sequence.
        hold: While true, what is stepped is answered but not yet in the log.
        down: While true, matching answers Unavailable.
    """

    def __init__(self, directory: Path, engine: Any = None) -> None:
        self.directory = directory
        self.bus = EmbeddedBus()
        self.log = FileEventLog(directory / "events")
        self.clock = ManualClock()
        self.engine = engine or Engine()
        self.requests = 0
        self.references = 0
        self.hold = False
        self.down = False
        self._held: list[EventBatch] = []
        self._catalogue = Catalogue()
        self._tasks: list[asyncio.Task[None]] = []
        self._databases: list[SqliteDatabase] = []
        self.bus.handle(Sequence, self._sequence)
        self.bus.handle(SequenceBatch, self._sequence_batch)
        self.bus.handle(GetReference, self._reference)
        self.bus.handle(PreviewSubmission, self._preview)
        self.bus.handle(GetEngineMargin, self._margin)

    def do(self, command: wire.Command | bytes) -> list[wire.Event]:
        """Step one command past the bus; return its events."""
        raw = command if isinstance(command, bytes) else command.encode()
        return wire.decode_events(self._step(raw).events)

    def release(self) -> None:
        """Put what was held into the log."""
        self.hold = False
        for batch in self._held:
            self.log.append(batch)
        self._held.clear()

    async def database(self, name: str, file: str = "") -> SqliteDatabase:
        """Open the tables of a room, in a file of its name or another."""
        path = self.directory / f"{file or name}.db"
        database = await open_tables(path, f"quantumcore.services.{name}.migrations")
        self._databases.append(database)
        return database

    async def run(self, service: Any, *, attach: bool = True) -> Any:
        """Attach, start and run a service as the house does; return it."""
        if attach:
            service.attach()
        await service.start()
        for name, body in service.tasks():
            self.spawn(name, body)
        return service

    def spawn(self, name: str, body: Callable[[], Awaitable[None]]) -> None:
        """Run `body` until the venue closes."""
        self._tasks.append(asyncio.ensure_future(body()))  # type: ignore[arg-type]
        self._tasks[-1].set_name(name)

    async def halt(self) -> None:
        """Stop every running task at once, as a killed process would."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def close(self) -> None:
        """Stop the tasks, close bus, databases and log."""
        await self.halt()
        await self.bus.close()
        for database in self._databases:
            await database.close()
        self.log.close()

    async def _sequence(self, request: Sequence) -> Sequenced:
        self._check()
        self.requests += 1
        return self._step(request.command)

    async def _preview(self, request: PreviewSubmission) -> SubmissionPreview:
        self._check()
        return submission_preview(self.engine, request.command, self.clock.now())

    async def _margin(self, request: GetEngineMargin) -> EngineMargin:
        self._check()
        return engine_margin(self.engine, request)

    async def _sequence_batch(self, request: SequenceBatch) -> SequencedBatch:
        self._check()
        self.requests += 1
        return SequencedBatch([self._step(command) for command in request.commands])

    async def _reference(self, _request: GetReference) -> Reference:
        self._check()
        self.references += 1
        return self._catalogue.snapshot(self.engine.sequence)

    def _check(self) -> None:
        if self.down:
            raise Unavailable("unavailable", "matching is away", retry_after=1.0)

    def _step(self, raw: bytes) -> Sequenced:
        self.clock.turn(0.001)
        events = self.engine.step(raw, self.clock.now())
        batch = EventBatch(self.engine.sequence, self.engine.sequence, events)
        for event in batch.events:
            self._catalogue.apply(event)
        if self.hold:
            self._held.append(batch)
        else:
            self.log.append(batch)
        return Sequenced(self.engine.sequence, self.clock.now(), events)


@asynccontextmanager
async def small_venue(directory: Path, commands: list[wire.Command] | None = None) -> AsyncIterator[SmallVenue]:
    """Open a venue with the plain market (or `commands`) defined; close it at the end."""
    venue = SmallVenue(directory)
    try:
        for command in definitions() if commands is None else commands:
            venue.do(command)
        yield venue
    finally:
        await venue.close()


async def until(happened: Callable[[], bool], what: str) -> None:
    """Turn the loop until `happened`; fail after PATIENCE_S, so that a freeze is a failure."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():  # noqa: ASYNC110  # what happens is anywhere, not in one event
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise AssertionError(f"still waiting for: {what}") from None
