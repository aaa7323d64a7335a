"""Answers what accounts could lose: metrics and parametric figures at once, simulations and stress by the workers."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
from msgspec.structs import replace
from prometheus_client.core import Metric

from quantumcore.contracts.errors import Conflict, QuantumCoreError, invalid
from quantumcore.contracts.portfolio import GetPerformance
from quantumcore.contracts.risk import (
    MAX_CONTRACTS,
    MAX_PATHS,
    MAX_SCENARIOS,
    MAX_WINDOW,
    METHODS,
    GetGreeks,
    GetRiskMetrics,
    GetStress,
    GetVar,
    OptionAnswers,
    RiskMetrics,
    RiskPart,
    Scenario,
    Stress,
    StressResult,
    ValueAtRisk,
)
from quantumcore.contracts.risk_limits import GetLimits, Limits
from quantumcore.contracts.risk_margin import MarginView
from quantumcore.contracts.values import Scaled
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.telemetry import Durations, counter
from quantumcore.ports.upstream import Upstream
from quantumcore.ports.where import Where
from quantumcore.ports.workers import Workers
from quantumcore.services.risk import store
from quantumcore.services.risk.figures.basis import money
from quantumcore.services.risk.figures.stress import Shock, correlated, standard
from quantumcore.services.risk.figures.stress_days import named_days
from quantumcore.services.risk.figures.var import Exposed
from quantumcore.services.risk.settings import RiskSettings
from quantumcore.services.risk.state import Pair
from quantumcore.services.risk.valuation import limits, metrics, valuing
from quantumcore.services.risk.valuation.rates import TARGET
from quantumcore.services.risk.valuation.valuer import Seen, Valuer
from quantumcore.services.risk.valuation.valuing import Line
from quantumcore.services.risk.work import Historical, MonteCarlo, Position, StressTest, Tail

DRAWDOWN_S = 0.5
MAX_NAME = 64
CALENDARS = (365, 252)
SHOWN_LOSSES = 1_000
"""Of a distribution at most so many are shown, evenly chosen, the worst among them."""

Reached = Callable[[int], Awaitable[int]]


class FiguresDesk:
    """Answers GetRiskMetrics, GetVar, GetStress, GetGreeks and GetLimits.

    Attributes:
        answered: Answers by kind.
    """

    def __init__(
        self,
        bus: Bus,
        upstream: Upstream,
        database: Database,
        clock: Clock,
        valuer: Valuer,
        workers: Workers,
        settings: RiskSettings,
        reached: Reached,
        standings: Callable[[int], Awaitable[list[MarginView]]],
    ) -> None:
        """`standings` tells how an account stands on margin by the engine."""
        self.answered: Counter[str] = Counter(dict.fromkeys(("metrics", "limits", "stress", "greeks", *METHODS), 0))
        self._bus = bus
        self._upstream = upstream
        self._database = database
        self._clock = clock
        self._valuer = valuer
        self._workers = workers
        self._settings = settings
        self._reached = reached
        self._standings = standings
        self._seconds = Durations("qc_risk_var_seconds", "Time to answer a question for value at risk")

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(GetRiskMetrics, self.metrics)
        self._bus.handle(GetVar, self.var)
        self._bus.handle(GetStress, self.stress)
        self._bus.handle(GetLimits, self.limits)
        self._bus.handle(GetGreeks, self.greeks)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what was asked, and how long it took."""
        yield counter("qc_risk_answers", "Answers by kind", self.answered, by="kind")
        yield from self._seconds.collect()

    async def metrics(self, query: GetRiskMetrics) -> RiskMetrics:
        """Return what an account could lose.

        Raises:
            NotFound, InvalidCommand, Unavailable: As contracts/risk says.
        """
        with Where.of(query).told():
            seen = await self._see(query.account, query.at_least)
            drawdown = await self._drawdown(query.account)
            self.answered["metrics"] += 1
            found = metrics.metrics(seen, self._clock.now(), drawdown, self._settings)
            return replace(found, engine_margin=await self._standings(query.account))

    async def limits(self, query: GetLimits) -> Limits:
        """Return what an account may do, and how much of that it does.

        Raises:
            NotFound, Unavailable: As contracts/risk says.
        """
        with Where.of(query).told():
            seen = await self._see(query.account, query.at_least)
            self.answered["limits"] += 1
            found = metrics.used(seen, self._settings)
            records = limits.records(seen.account, seen.instruments, seen.currencies)
            if query.symbol:
                found = [one for one in found if one.symbol == query.symbol]
                records = [one for one in records if one.symbol == query.symbol]
            mode = metrics.kill_mode(seen.account)
            return Limits(str(query.account), seen.account.stand.sequence, mode is not None, mode, found, records)

    # ---------------------------------------------------------------------------------------- value at risk

    async def var(self, query: GetVar) -> ValueAtRisk:
        """Return what an account loses on a day at most, with a confidence.

        Raises:
            NotFound, InvalidCommand, Conflict, Unavailable: As contracts/risk says.
        """
        with Where.of(query).told():
            if query.method not in METHODS:
                names = ", ".join(METHODS)
                raise invalid("range", f"method must be one of {names}", field="method", actual=query.method[:64])
            began = self._clock.monotonic()
            seen = await self._see(query.account, query.at_least)
            found = await {"parametric": self._parametric, "historical": self._historical}.get(
                query.method, self._monte_carlo
            )(query, seen)
            self._seconds.observe(self._clock.monotonic() - began)
            self.answered[query.method] += 1
            return found

    async def _parametric(self, query: GetVar, seen: Seen) -> ValueAtRisk:
        found = metrics.value_at_risk(seen, alpha=query.confidence, exact=query.exact)
        places = seen.reporting.scale
        parts = [
            RiskPart(
                line.instrument.symbol,
                valuing.shown(line.value, places),
                f"{Decimal(repr(part.marginal)):.8f}",
                f"{part.component:f}",
            )
            for line, part in zip(seen.valued.lines, found.contributions, strict=True)
        ]
        return self._answer(query, seen, found.var, None, parts=parts)

    async def _historical(self, query: GetVar, seen: Seen) -> ValueAtRisk:
        _check_between("window", query.window, 1, MAX_WINDOW)
        lines = seen.valued.lines
        days, returns = await self._returns(lines, query.window, seen.day)
        asked = Historical(
            positions=positions(seen),
            returns=returns,
            confidence=query.confidence,
            places=seen.reporting.scale,
            sequence=seen.account.stand.sequence,
            losses=query.losses,
        )
        tail = await self._workers.compute(asked, deadline_s=self._settings.compute_s)
        return self._answer(query, seen, tail.value_at_risk, tail, window=days, worst=tail.tail)

    async def _monte_carlo(self, query: GetVar, seen: Seen) -> ValueAtRisk:
        _check_between("paths", query.paths, 1, MAX_PATHS)
        _check_between("seed", query.seed, 0, 2**63 - 1)
        held = {line.instrument.symbol for line in seen.valued.lines}
        asked = MonteCarlo(
            positions=positions(seen),
            correlations=[(a, b, rho) for (a, b), rho in seen.parameters.correlations.items() if {a, b} <= held],
            confidence=query.confidence,
            paths=query.paths,
            seed=query.seed,
            freedom=query.freedom,
            places=seen.reporting.scale,
            sequence=seen.account.stand.sequence,
            losses=query.losses,
        )
        tail = await self._workers.compute(asked, deadline_s=self._settings.compute_s)
        error = None if tail.error is None else f"{tail.error:f}"
        return self._answer(
            query, seen, tail.value_at_risk, tail, paths=query.paths, seed=query.seed, standard_error=error
        )

    def _answer(self, query: GetVar, seen: Seen, var: Decimal, tail: Tail | None, **more: object) -> ValueAtRisk:
        return ValueAtRisk(
            account_id=str(query.account),
            currency=seen.reporting.code,
            method=query.method,
            confidence=query.confidence,
            value_at_risk=f"{var:f}",
            shortfall=None if tail is None else f"{tail.shortfall:f}",
            sequence=seen.account.stand.sequence,
            as_of_ns=seen.account.stand.time_ns,
            fx_snapshot_id=seen.rates if seen.rated else "",
            parameters_version=seen.parameters.version,
            losses=[] if tail is None else _some(tail.losses, seen.reporting.scale),
            **more,  # type: ignore[arg-type]  # fields of the answer that a method has
        )

    async def _returns(self, lines: tuple[Line, ...], window: int, day: int) -> tuple[int, bytes]:
        """Return how many days there are, and their returns: a row per day, oldest first, a column per line.

        Raises:
            Conflict: `risk.history.empty`.
        """
        if not lines:  # a flat account loses nothing, whatever happened
            return 1, np.zeros((1, 0)).tobytes()
        numbers = [line.instrument.number for line in lines]
        work = partial(store.read_closes, instruments=numbers, since=day - self._settings.kept_days)
        closes = await self._database.read(work)
        rows = returns_of(closes, numbers, window)
        if not len(rows):
            raise Conflict(
                "risk.history.empty", "there are no two days with prices", field="history", limit="2", actual="0"
            )
        return len(rows), rows.tobytes()

    # --------------------------------------------------------------------------------------------- stress

    async def stress(self, query: GetStress) -> Stress:
        """Return what scenarios make of an account.

        Raises:
            NotFound, InvalidCommand, Unavailable: As contracts/risk says.
        """
        with Where.of(query).told():
            shocks = [shock_of(one, at) for at, one in enumerate(_few(query.scenarios))]
            seen = await self._see(query.account, query.at_least)
            places, equity = seen.reporting.scale, seen.valued.equity
            asked = StressTest(
                positions=positions(seen),
                shocks=shocks or [*standard(), *named_days()],
                classes={line.instrument.symbol: _sector(line, seen) for line in seen.valued.lines},
                equity=valuing.decimal(equity),
                places=places,
                sequence=seen.account.stand.sequence,
            )
            found = await self._workers.compute(asked, deadline_s=self._settings.compute_s)
            self.answered["stress"] += 1
            results = [
                StressResult(name, f"{profit:f}", valuing.shown(equity + Fraction(profit), places), unmoved, source)
                for name, profit, unmoved, source in found.results
            ]
            worst = min(found.results, key=lambda one: one[1], default=None)
            return Stress(
                account_id=str(query.account),
                currency=seen.reporting.code,
                sequence=seen.account.stand.sequence,
                as_of_ns=seen.account.stand.time_ns,
                fx_snapshot_id=seen.rates if seen.rated else "",
                parameters_version=seen.parameters.version,
                equity=valuing.shown(equity, places),
                results=results,
                worst=worst[0] if worst is not None and worst[1] < 0 else None,
                fall=None if found.fall is None else f"{found.fall:.6f}",
                rise=None if found.rise is None else f"{found.rise:.6f}",
                correlated_var=f"{_correlated(seen):f}",
            )

    async def greeks(self, query: GetGreeks) -> OptionAnswers:
        """Return what each option is worth and how it moves.

        Raises:
            InvalidCommand, Unavailable: As contracts/risk says.
        """
        with Where.of(query).told():
            _check_between("contracts", len(query.contracts), 0, MAX_CONTRACTS)
            if query.days_per_year not in CALENDARS:
                raise invalid(
                    "range", "days_per_year is 365 or 252", field="days_per_year", actual=str(query.days_per_year)
                )
            asked = replace(query, now_ns=query.now_ns or self._clock.now())
            found = await self._workers.compute(asked, deadline_s=self._settings.compute_s)
            self.answered["greeks"] += 1
            return found

    # -------------------------------------------------------------------------------------------- helpers

    async def _see(self, account: int, at_least: int) -> Seen:
        await self._reached(at_least)
        return await self._valuer.see(account)

    async def _drawdown(self, account: int) -> str | None:
        """Return the largest fall of the account's history; None: it has none, or nobody says."""
        query = GetPerformance(account=account)
        try:
            found = await self._upstream.call(
                TARGET, lambda: self._bus.request(query, deadline_s=DRAWDOWN_S), deadline_s=DRAWDOWN_S
            )
        except QuantumCoreError:
            return None
        return found.max_drawdown


def returns_of(
    closes: "dict[Pair, int]", instruments: list[int], window: int
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Return relative changes from day to day, oldest first, `window` at most; a day without a trade has the price before it.

    Days before the first price of an instrument have no change of it; a price of 0 has none either.
    """
    days = sorted({day for _, day in closes})[-(window + 1) :]
    prices = np.zeros((len(days), len(instruments)))
    for column, number in enumerate(instruments):
        last = 0.0
        for row, day in enumerate(days):
            last = float(closes.get((number, day), last))
            prices[row, column] = last
    before = prices[:-1]
    return np.divide(prices[1:] - before, before, out=np.zeros_like(before), where=before != 0)


def positions(seen: Seen) -> list[Position]:
    """Return what is held as simulations take it."""
    return [
        Position(
            line.instrument.symbol,
            float(line.units),
            float(line.price),
            seen.parameters.volatility(line.instrument.symbol),
        )
        for line in seen.valued.lines
    ]


def shock_of(scenario: Scenario, at: int) -> Shock:
    """Return a scenario as it is computed.

    Raises:
        InvalidCommand: `request.invalid.<rule>`; what is outside its bounds is refused by the computation.
    """
    name = scenario.name
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        detail = f"a name has 1 to {MAX_NAME} printable characters"
        raise invalid("range", detail, field=f"scenarios[{at}].name", limit=str(MAX_NAME), actual=name[:64])

    def number(text: str, field: str) -> float:
        given = Scaled.parse(text, f"scenarios[{at}].{field}")
        return float(Decimal(given.mantissa).scaleb(-given.scale))

    return Shock(
        name=name,
        prices={key: number(text, f"prices.{key[:24]}") for key, text in scenario.prices.items()},
        volatility=number(scenario.volatility, "volatility"),
        rate=number(scenario.rate, "rate"),
        spread=number(scenario.spread, "spread"),
    )


def _few(scenarios: list[Scenario]) -> list[Scenario]:
    _check_between("scenarios", len(scenarios), 0, MAX_SCENARIOS)
    for at, one in enumerate(scenarios):
        _check_between(f"scenarios[{at}].prices", len(one.prices), 0, MAX_SCENARIOS)
    return scenarios


def _sector(line: Line, seen: Seen) -> str:
    return seen.parameters.sectors.get(line.instrument.symbol, "")


def _correlated(seen: Seen) -> Decimal:
    held = [
        Exposed(
            symbol=line.instrument.symbol,
            value=valuing.decimal(line.value),
            volatility=seen.parameters.volatility(line.instrument.symbol),
        )
        for line in seen.valued.lines
    ]
    return correlated(held, metrics.basis(seen), places=seen.reporting.scale).var


def _some(losses: list[float], places: int) -> list[str]:
    step = max(1, -(-len(losses) // SHOWN_LOSSES))
    return [f"{money(loss, places):f}" for loss in losses[::step]]


def _check_between(field: str, given: int, least: int, most: int) -> None:
    if not least <= given <= most:
        bounds = f"{field} must be {least} to {most}"
        raise invalid("range", bounds, field=field, limit=str(most if given > most else least), actual=str(given))
