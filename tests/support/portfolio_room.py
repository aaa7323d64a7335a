"""The portfolio room before rooms that say what a test wants: one small world of accounts, prices and rates.

The world changes at once, as the engine's step does; the rooms answer from it. A test may let things happen at each answer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.contracts.errors import NotFound
from quantumcore.contracts.ledger import Balance, Balances, Entry, EntryPage, GetBalances, GetEntries, LedgerMoved
from quantumcore.contracts.market import GetTicker, GetTickers, Ticker, Tickers
from quantumcore.contracts.portfolio import FxSnapshot, GetPortfolio, GivenRate, Portfolio, PublishFxSnapshot
from quantumcore.contracts.positions import GetPositions, Positions, PositionsMoved, PositionView
from quantumcore.contracts.reference import GetReference, Instrument, Reference
from quantumcore.services.portfolio.service import PortfolioService
from quantumcore.services.portfolio.settings import PortfolioSettings
from tests.support.clocks import ManualClock
from tests.support.portfolios import CURRENCIES, INSTRUMENTS, T0
from tests.support.tables import open_tables

ALICE, BOB = 1001, 1002


class World:
    """What the other rooms know.

    Attributes:
        sequence: Of the last thing that happened.
        balances, positions: By account. last: Prices by symbol. entries: By account, oldest first.
        fault: Called with each question that reaches a room, before it is answered; it may raise, or change the world.
    """

    def __init__(self) -> None:
        self.sequence = 1
        self.balances: dict[int, dict[str, str]] = {}
        self.positions: dict[int, dict[str, PositionView]] = {}
        self.last: dict[str, str] = {}
        self.entries: dict[int, list[Entry]] = {}
        self.asked: list[Any] = []
        self.fault: Callable[[Any], Any] = lambda _question: None
        self.instruments: tuple[Instrument, ...] = INSTRUMENTS

    def change(self) -> int:
        """Let one more thing have happened."""
        self.sequence += 1
        return self.sequence

    def hold(self, account: int, **balances: str) -> None:
        """Give an account these balances."""
        self.change()
        self.balances.setdefault(account, {}).update(balances)

    def take(self, account: int, *views: PositionView) -> None:
        """Give an account these positions, changed and priced by one more event."""
        at = self.change()
        for one in views:
            self.positions.setdefault(account, {})[one.symbol] = _at(one, account, at)

    def flow(self, account: int, currency: str, amount: str, *, code: str = "deposit") -> None:
        """Enter a deposit or withdrawal (or anything else) of an account."""
        at, mine = self.change(), f"{account}:200"
        sides = (mine, "100") if code == "withdrawal" else ("100", mine)
        entry = Entry(at, 0, 0, code, *sides, currency, amount, "r", T0)
        self.entries.setdefault(account, []).append(entry)

    async def answer(self, question: Any) -> Any:
        """Answer as the room would."""
        self.asked.append(question)
        happened = self.fault(question)
        if asyncio.iscoroutine(happened):
            await happened
        match question:
            case GetBalances(account=account):
                if account not in self.balances:
                    raise NotFound("account.not_found", "account not found", field="account_id")
                found = [Balance(code, total, "0", total) for code, total in sorted(self.balances[account].items())]
                return Balances(str(account), self.sequence, found)
            case GetPositions(account=account):
                views = self.positions.get(account, {})
                return Positions(str(account), self.sequence, [views[symbol] for symbol in sorted(views)])
            case GetTickers():
                return Tickers([self._ticker(one.symbol) for one in self.instruments], self.sequence)
            case GetTicker(symbol=symbol):
                return self._ticker(symbol)
            case GetEntries(account=account, cursor=cursor, limit=limit):
                after = tuple(map(int, cursor.split("."))) if cursor else (0, 0, 0)
                rows = [e for e in self.entries.get(account, []) if (e.sequence, e.index, e.leg) > after]
                more = f"{rows[limit - 1].sequence}.0.0" if len(rows) > limit else None
                return EntryPage(rows[:limit], more, self.sequence)
            case _:
                return Reference(self.sequence, 0, list(CURRENCIES), list(self.instruments))

    def _ticker(self, symbol: str) -> Ticker:
        values: dict[str, Any] = dict.fromkeys(Ticker.__struct_fields__)
        values |= {"symbol": symbol, "sequence": self.sequence, "last": self.last.get(symbol)}
        return Ticker(**{**values, "volume_24h": "0", "trades_24h": 0, "time_ns": T0})


def _at(one: PositionView, account: int, sequence: int) -> PositionView:
    values = {name: getattr(one, name) for name in one.__struct_fields__}
    marked = sequence if one.mark is not None else 0
    return PositionView(**{**values, "account_id": str(account), "sequence": sequence, "mark_sequence": marked})


class Room:
    """The room, its world, and the means to ask.

    Attributes:
        clock: Stands still until it is turned.
    """

    def __init__(
        self, world: World, bus: EmbeddedBus, log: FileEventLog, clock: ManualClock, service: PortfolioService
    ) -> None:
        self.world = world
        self.bus = bus
        self.log = log
        self.clock = clock
        self.service = service
        self.snapshots = 0

    async def portfolio(self, account: int = ALICE, **asked: Any) -> Portfolio:
        """Ask what an account is worth."""
        return await self.bus.request(GetPortfolio(account=account, **asked))

    async def publish(self, snapshot_id: str = "", **rates: str) -> FxSnapshot:
        """Publish a snapshot; EUR_USD="1.10"."""
        self.snapshots += 1
        given = [GivenRate(base=n.split("_")[0], quote=n.split("_")[1], rate=rate) for n, rate in rates.items()]
        name = snapshot_id or f"fx-{self.snapshots}"
        command = PublishFxSnapshot(snapshot_id=name, source="test", time_ns=self.clock.now(), rates=given)
        return await self.bus.request(command)

    async def tell_positions(self, *accounts: int) -> None:
        """Say that positions moved, and let it be heard."""
        await self.bus.publish([PositionsMoved(accounts=list(accounts), sequence=self.world.sequence)])
        await settled()

    async def tell_ledger(self, *accounts: int) -> None:
        """Say that balances moved, and let it be heard."""
        await self.bus.publish([LedgerMoved(accounts=list(accounts), sequence=self.world.sequence)])
        await settled()


async def settled() -> None:
    """Let what was told be heard."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def portfolio_room(
    tmp_path: Path, world: World | None = None, *, run: bool = False, **settings: Any
) -> AsyncIterator[Room]:
    """Open the room in `tmp_path`; with `run` its tasks run too."""
    world = world or World()
    bus, clock, log = EmbeddedBus(), ManualClock(T0), FileEventLog(tmp_path / "events")
    database = await open_tables(
        tmp_path / "portfolio.db", "quantumcore.services.portfolio.migrations", synchronous="FULL"
    )
    for question in (GetBalances, GetPositions, GetTickers, GetTicker, GetEntries, GetReference):
        bus.handle(question, world.answer)
    service = PortfolioService(bus, log, database, clock, PortfolioSettings(**settings))
    service.attach()
    await service.start()
    tasks = [asyncio.ensure_future(body()) for _, body in service.tasks()] if run else []
    try:
        yield Room(world, bus, log, clock, service)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await service.stop()
        await bus.close()
        await database.close()
        log.close()
