"""What it costs to value an account of a thousand positions: computing alone, and over the bus with all its questions."""

import asyncio
import random
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.app.bench.measure import Figure, repeat
from quantumcore.app.read_side import open_room
from quantumcore.contracts.ledger import Balance, Balances, GetBalances
from quantumcore.contracts.portfolio import GetPortfolio
from quantumcore.contracts.positions import GetPositions, Positions, PositionView
from quantumcore.contracts.reference import Currency, GetReference, Instrument, Reference
from quantumcore.contracts.values import show
from quantumcore.services.portfolio.carried import begin
from quantumcore.services.portfolio.domain import Inputs, value
from quantumcore.services.portfolio.fx import Rate, Snapshot
from quantumcore.services.portfolio.prices import Listed
from quantumcore.services.portfolio.service import PortfolioService
from quantumcore.services.portfolio.settings import PortfolioSettings

LINES = 1_000
PROMISED_MS = 5.0
ACCOUNT = 1001
USD, EUR = Currency(1, "USD", 2), Currency(2, "EUR", 2)
RATE = Fraction(27, 25)


class Account:
    """An account with a position in each of many shares, whose balances they explain."""

    def __init__(self, seed: int, lines: int = LINES) -> None:
        rng = random.Random(seed)
        shares = [Currency(10 + n, f"S{n}", 0) for n in range(lines)]
        self.reference = Reference(1, 0, [USD, EUR, *shares], [_instrument(share) for share in shares])
        self.balances = [_balance("USD", show(rng.randrange(10**10), 2))]
        self.positions: list[PositionView] = []
        for share in shares:
            quantity, paid, mark = (rng.randrange(1, 10**n) for n in (5, 6, 6))
            self.balances.append(_balance(share.code, str(quantity)))
            self.positions.append(_position(share.code, quantity, paid, mark, rng.randrange(10**9)))

    def inputs(self, reporting: Currency) -> Inputs:
        """Return what its valuation in `reporting` looks at."""
        fx = Snapshot("fx", "bench", 0, (Rate("EUR", "USD", RATE),))
        carried = {} if reporting is USD else {view.symbol: begin(view, 1 / RATE) for view in self.positions}
        return Inputs(
            account_id=str(ACCOUNT),
            sequence=1,
            priced_to=1,
            time_ns=0,
            reporting=reporting,
            balances=self.balances,
            positions=self.positions,
            listed=Listed(self.reference.instruments, self.reference.currencies),
            fx=fx,
            carried=carried,
        )


def portfolio(seed: int, scale: float) -> list[Figure]:
    """Value an account of a thousand lines; `scale` makes it smaller, and its time is given for a thousand all the same."""
    lines = max(10, int(LINES * scale))
    account = Account(seed, lines)
    per_thousand = 1000 * LINES / lines
    own, other = account.inputs(USD), account.inputs(EUR)
    return [
        Figure(
            "1,000 positions in their own currency", "ms", repeat(lambda: _cpu(own) * per_thousand, 15), PROMISED_MS
        ),
        Figure("1,000 positions in another currency", "ms", repeat(lambda: _cpu(other) * per_thousand, 15)),
        Figure(
            "the same over the bus, every question included",
            "ms",
            [one * per_thousand for one in asyncio.run(_served(account))],
        ),
    ]


def _cpu(inputs: Inputs) -> float:
    began = time.process_time()
    value(inputs)
    return time.process_time() - began


async def _served(account: Account) -> list[float]:
    """Return the seconds of answers, each computed anew, by rooms that answer at once."""
    bus, clock = EmbeddedBus(), SystemClock()

    async def balances(_: GetBalances) -> Balances:
        return Balances(str(ACCOUNT), 1, account.balances)

    async def positions(_: GetPositions) -> Positions:
        return Positions(str(ACCOUNT), 1, account.positions)

    async def reference(_: GetReference) -> Reference:
        return account.reference

    bus.handle(GetBalances, balances)
    bus.handle(GetPositions, positions)
    bus.handle(GetReference, reference)
    with tempfile.TemporaryDirectory(prefix="quantumcore-bench-") as directory:
        log = FileEventLog(Path(directory) / "events")
        database = await open_room(Path(directory), "portfolio", synchronous="FULL")
        room = PortfolioService(bus, log, database, clock, PortfolioSettings(cache_s=0))
        room.attach()
        await room.start()
        times = []
        for _ in range(6):
            began = time.perf_counter()
            await bus.request(GetPortfolio(account=ACCOUNT))
            times.append(time.perf_counter() - began)
        await room.stop()
        await bus.close()
        await database.close()
        log.close()
    return times[1:]


def _instrument(share: Currency) -> Instrument:
    rest = dict.fromkeys(Instrument.__struct_fields__[11:], 0)
    return Instrument(
        number=share.number,
        symbol=share.code,
        kind=1,
        status=1,
        base=share,
        quote=USD,
        tick=1,
        tick_scale=2,
        lot=1,
        lot_scale=0,
        **{**rest, "multiplier": 1},
    )


def _balance(code: str, total: str) -> Balance:
    return Balance(code, total, "0", total)


def _position(symbol: str, quantity: int, paid: int, mark: int, realised: int) -> PositionView:
    cost, worth = quantity * paid * 10**6, quantity * mark * 10**6
    return PositionView(
        account_id=str(ACCOUNT),
        symbol=symbol,
        contract="linear",
        method="average",
        quantity=str(quantity),
        average=show(paid * 10**6, 8),
        cost=show(cost, 8),
        currency="USD",
        multiplier="1",
        mark=show(mark, 2),
        mark_source="mark",
        mark_sequence=1,
        stale=False,
        value=show(worth, 8),
        realised=show(realised, 8),
        unrealised=show(worth - cost, 8),
        fees=show(realised // 100, 8),
        funding="0.00000000",
        cycles=0,
        version=1,
        sequence=1,
    )
