"""What an account could lose, as others see it. Pure: from an account as it was valued, and the time."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

from msgspec.structs import replace

from quantumcore.contracts.marks import SOURCES, Mark
from quantumcore.contracts.risk import Exposure as ExposureView
from quantumcore.contracts.risk import LimitUse, MarkView, RiskMetrics
from quantumcore.contracts.risk_kill import MODES
from quantumcore.services.risk.figures.basis import Alpha, Basis
from quantumcore.services.risk.figures.correlation import Correlations, completed
from quantumcore.services.risk.figures.exposure import Sum, Valued, exposure
from quantumcore.services.risk.figures.var import Exposed, ParametricVar, parametric
from quantumcore.services.risk.parameters import Parameters
from quantumcore.services.risk.settings import RiskSettings
from quantumcore.services.risk.store import Account
from quantumcore.services.risk.valuation import limits
from quantumcore.services.risk.valuation.valuer import Seen
from quantumcore.services.risk.valuation.valuing import Line, decimal, raised, shown

NO_SECTOR = ""
FIGURES = "figures"
MATRICES = 4
"""Matrices that were checked and are kept: a price changes none of them, and to check one of a thousand symbols costs more than all else."""
NS = 10**9


def metrics(seen: Seen, now_ns: int, drawdown: str | None, settings: RiskSettings) -> RiskMetrics:
    """Return what an account could lose.

    Raises:
        InvalidCommand: `risk.correlation.not_psd`: what is set of the symbols it holds is no correlation.
    """
    if FIGURES not in seen.made:
        seen.made[FIGURES] = _figures(seen, settings)
    figures: RiskMetrics = seen.made[FIGURES]
    marks = [mark_view(line, now_ns, settings) for line in seen.valued.lines]
    return replace(figures, max_drawdown=drawdown, marks=marks)


def _figures(seen: Seen, settings: RiskSettings) -> RiskMetrics:
    """Return all but what time alone changes."""
    places, valued = seen.reporting.scale, seen.valued
    exposed = exposure([_valued(line, seen.parameters) for line in valued.lines], basis(seen), places=places)
    figures = value_at_risk(seen)
    initial, maintenance = raised(valued.initial, places), raised(valued.maintenance, places)
    return RiskMetrics(
        account_id=str(seen.number),
        currency=seen.reporting.code,
        sequence=seen.account.stand.sequence,
        as_of_ns=seen.account.stand.time_ns,
        fx_snapshot_id=seen.rates if seen.rated else "",
        parameters_version=seen.parameters.version,
        equity=shown(valued.equity, places),
        total_exposure=f"{exposed.total.gross:f}",
        net_exposure=f"{exposed.total.net:f}",
        margin_profile=seen.parameters.profile(seen.number),
        margin_used=shown(initial, places),
        margin_maintenance=shown(maintenance, places),
        margin_available=shown(valued.equity - initial, places),
        var_95=f"{figures.var_95:f}",
        var_99=f"{figures.var_99:f}",
        es_975=f"{figures.es:f}",
        max_drawdown=None,
        daily_profit=shown(valued.profit, places),
        daily_loss=shown(max(Fraction(0), -valued.profit), places),
        complete=not valued.unpriced,
        unpriced=list(valued.unpriced),
        killed=seen.account.killed > 0,
        kill_mode=kill_mode(seen.account),
        by_symbol=_sums(exposed.by_symbol),
        by_sector=_sums(exposed.by_sector),
        by_currency=_sums(exposed.by_currency),
        limits=used(seen, settings),
        marks=[],
    )


def kill_mode(account: Account) -> str | None:
    """Return the strictest of the switches above an account: all, reduce_only; None: it is free."""
    return MODES[account.killed] if account.killed else None


def used(seen: Seen, settings: RiskSettings) -> list[LimitUse]:
    """Return every limit of an account, and how much of it is used."""
    initial = raised(seen.valued.initial, seen.reporting.scale)
    of_money = limits.of_money(seen.valued, initial, seen.reporting, settings.daily_loss)
    return [*limits.of_orders(seen.number, seen.account, seen.instruments, seen.currencies), *of_money]


def value_at_risk(seen: Seen, *, alpha: Alpha = "0.99", exact: bool = False) -> ParametricVar:
    """Return the parametric figures of an account.

    Raises:
        InvalidCommand: `risk.confidence.bad`, `risk.correlation.not_psd`.
    """
    lines = seen.valued.lines
    positions = [
        Exposed(
            symbol=line.instrument.symbol,
            value=decimal(line.value),
            volatility=seen.parameters.volatility(line.instrument.symbol),
        )
        for line in lines
    ]
    matrix = correlations(lines, seen.parameters.correlations)
    return parametric(positions, matrix, basis(seen), alpha=alpha, exact=exact, places=seen.reporting.scale)


def correlations(lines: Sequence[Line], pairs: Mapping[tuple[str, str], float]) -> Correlations:
    """Return the correlations of what is held.

    Raises:
        InvalidCommand: `risk.correlation.not_psd`.
    """
    symbols = tuple(line.instrument.symbol for line in lines)
    held = set(symbols)
    among = tuple((first, second, rho) for (first, second), rho in pairs.items() if first in held and second in held)
    return _matrix(symbols, among)


@lru_cache(maxsize=MATRICES)
def _matrix(symbols: tuple[str, ...], pairs: tuple[tuple[str, str, float], ...]) -> Correlations:
    return completed(symbols, {(first, second): rho for first, second, rho in pairs})


def mark_view(line: Line, now_ns: int, settings: RiskSettings) -> MarkView:
    """Return the price at which a position counts, and how old it is now; one that counts at its average entry is stale."""
    symbol, places = line.instrument.symbol, line.instrument.tick_scale
    if line.mark is None:
        return MarkView(symbol, shown(line.price, max(8, places)), "average", 0, 0, "0", stale=True)
    mark, age_ns = line.mark, max(0, now_ns - line.mark.time_ns)
    stale = is_stale(mark, now_ns, settings)
    age = shown(Fraction(age_ns, NS), 3)
    return MarkView(symbol, shown(line.price, places), SOURCES[mark.source], mark.sequence, mark.time_ns, age, stale)


def is_stale(mark: Mark, now_ns: int, settings: RiskSettings) -> bool:
    """Tell whether a price is older than it may be, or was taken back."""
    return mark.stale(now_ns, round(settings.stale_s * NS))


def _valued(line: Line, parameters: Parameters) -> Valued:
    symbol = line.instrument.symbol
    return Valued(
        symbol=symbol,
        sector=parameters.sectors.get(symbol, NO_SECTOR),
        currency=line.instrument.quote.code,
        value=line.value,
    )


def basis(seen: Seen) -> Basis:
    """Return what the figures of an account stand on."""
    return Basis(sequence=seen.account.stand.sequence, rates=seen.rates if seen.rated else "")


def _sums(found: Mapping[str, Sum]) -> list[ExposureView]:
    return [ExposureView(name, f"{one.gross:f}", f"{one.net:f}") for name, one in found.items()]
