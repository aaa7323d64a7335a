"""What margin and risk figures of a thousand positions cost: computing alone."""

import random
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np

from quantumcore.app.bench.measure import Figure, repeat
from quantumcore.services.risk.figures.basis import Basis, Floats, times
from quantumcore.services.risk.figures.correlation import Correlations, completed
from quantumcore.services.risk.figures.historical import historical
from quantumcore.services.risk.figures.montecarlo import monte_carlo, seeded
from quantumcore.services.risk.figures.revaluation import Held, results
from quantumcore.services.risk.figures.var import Exposed, parametric
from quantumcore.services.risk.margin import scenarios, volatility
from quantumcore.services.risk.margin.grid import SIXTEEN
from quantumcore.services.risk.margin.scenarios import Charges, Line, Spread
from quantumcore.services.risk.margin.volatility import Holding

POSITIONS = 1_000
DAYS = 1_000
PATHS = 10_000
UNDERLYINGS = 50
REPEATS = 15


class Book:
    """A portfolio of many positions in the form each figure takes, from a seed; `size` of them."""

    def __init__(self, seed: int, size: int = POSITIONS) -> None:
        rng = random.Random(seed)
        self.symbols = [f"S{n}" for n in range(size)]
        self.holdings = [
            Holding(
                symbol=symbol,
                lots=rng.randrange(-(10**6), 10**6),
                buys=rng.randrange(1_000),
                sells=rng.randrange(1_000),
                price=rng.randrange(1, 10**6),
                unit=rng.randrange(1, 100),
                volatility=rng.randrange(10**5, 10**7),
            )
            for symbol in self.symbols
        ]
        self.lines = [
            Line(
                symbol=symbol,
                underlying=f"U{n % UNDERLYINGS}",
                lots=rng.randrange(-1_000, 1_000),
                sells=rng.randrange(100),
                losses=tuple(rng.randrange(-(10**9), 10**9) for _ in SIXTEEN.scenarios),
                delta=rng.randrange(-(10**8), 10**8),
                value=rng.randrange(10**9),
                expiry=n % 7,
                option=True,
            )
            for n, symbol in enumerate(self.symbols)
        ]
        charge = Charges(calendar=10**6, delivery=10**6, short_option=10**7, concentrated=10**4)
        self.charges = {f"U{n}": charge for n in range(UNDERLYINGS)}
        self.spreads = [Spread(first=f"U{n}", second=f"U{n + 1}", credit=5 * 10**7) for n in range(UNDERLYINGS - 1)]
        self.exposed = [
            Exposed(
                symbol=symbol, value=Decimal(rng.randrange(-(10**8), 10**8)) / 100, volatility=rng.uniform(0.01, 0.1)
            )
            for symbol in self.symbols
        ]
        self.held = [
            Held(symbol=one.symbol, underlying=one.symbol, units=float(one.value), price=1.0) for one in self.exposed
        ]
        spreads = np.array([one.volatility for one in self.exposed])
        self.returns: Floats = seeded(seed).standard_normal((DAYS, size)) * spreads
        self.pairs = {
            (self.symbols[n], self.symbols[n + 1]): round(rng.uniform(0.4, 0.6), 3) for n in range(0, size - 1, 2)
        }
        self.basis = Basis(sequence=1, window=DAYS, seed=seed)

    def correlations(self) -> Correlations:
        """Return the matrix, completed and checked."""
        return completed(self.symbols, self.pairs)


def risk(seed: int, scale: float) -> list[Figure]:
    """Compute margin and figures of a thousand positions; with another `scale` the rows are of so many fewer or more."""
    size = max(10, int(POSITIONS * scale))
    book = Book(seed, size)
    correlations = book.correlations()
    drawn = Basis(sequence=1, window=PATHS, seed=seed)
    values = np.array([one.units for one in book.held])
    rows: list[tuple[str, float | None, Callable[[], object]]] = [
        ("margin by volatility", 1.0, lambda: volatility.initial(book.holdings)),
        (
            "margin by 16 scenarios, charges and spreads included",
            50.0,
            lambda: scenarios.requirement(book.lines, SIXTEEN, book.charges, spreads=book.spreads),
        ),
        ("parametric VaR with its parts", 10.0, lambda: parametric(book.exposed, correlations, book.basis)),
        ("their correlations completed and checked, once per change", None, book.correlations),
        (
            "historical VaR over 1,000 days, revalued",
            100.0,
            lambda: historical(results(book.held, book.returns, _no_option), book.basis),
        ),
        (
            "Monte Carlo VaR of 10,000 paths",
            None,
            lambda: monte_carlo(
                lambda r: times(r, values), correlations, [one.volatility for one in book.exposed], seeded(seed), drawn
            ),
        ),
    ]
    return [
        Figure(f"{size:,} positions: {name}", "ms", repeat(partial(_cpu_ms, work), REPEATS), bound)
        for name, bound, work in rows
    ]


def _cpu_ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3


def _no_option(*_: Any) -> Floats:
    raise AssertionError("these positions are no options")
