"""What accounts are worth as clients read it: times as text."""

import msgspec

from quantumcore.contracts.portfolio import (
    CashLine,
    Concentration,
    FxRate,
    FxSnapshot,
    Holding,
    Line,
    Performance,
    Pnl,
    Portfolio,
    ValuationPage,
)
from quantumcore.services.gateway.codec import rfc3339


class PortfolioAnswer(msgspec.Struct, frozen=True):
    """One account's worth; money is at the scale of its currency, P&L has 8 places."""

    account_id: str
    reporting_currency: str
    sequence: int
    priced_to: int
    fx_snapshot_id: str
    time: str
    total: str
    cash: str
    assets: str
    unsettled: str
    complete: bool
    stale: list[str]
    unpriced: list[str]
    pnl: Pnl
    concentration: Concentration
    cash_lines: list[CashLine]
    holdings: list[Holding]
    lines: list[Line]


class PointAnswer(msgspec.Struct, frozen=True):
    """One point; flow is what came in since the point before."""

    time: str
    sequence: int
    currency: str
    total: str
    flow: str
    fx_snapshot_id: str


class HistoryAnswer(msgspec.Struct, frozen=True):
    """A page of points."""

    account_id: str
    items: list[PointAnswer]
    next_cursor: str | None


class PerformanceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the account has made; null where there are too few points."""

    account_id: str
    currency: str
    points: int
    from_: str | None = msgspec.field(name="from")
    to: str | None
    time_weighted_return: str | None
    max_drawdown: str | None
    max_drawdown_percent: str | None
    volatility: str | None
    sharpe: str | None
    risk_free: str


class FxSnapshotAnswer(msgspec.Struct, frozen=True):
    """Rates of one moment."""

    snapshot_id: str
    source: str
    time: str
    rates: list[FxRate]
    stale: bool
    in_force: bool


def portfolio(one: Portfolio) -> PortfolioAnswer:
    """Return an account's worth."""
    values = {name: getattr(one, name) for name in PortfolioAnswer.__struct_fields__ if name != "time"}
    return PortfolioAnswer(**values, time=rfc3339(one.time_ns))


def history(page: ValuationPage) -> HistoryAnswer:
    """Return a page of points."""
    items = [
        PointAnswer(rfc3339(p.time_ns), p.sequence, p.currency, p.total, p.flow, p.fx_snapshot_id) for p in page.items
    ]
    return HistoryAnswer(page.account_id, items, page.next_cursor)


def performance(one: Performance) -> PerformanceAnswer:
    """Return what an account has made."""
    return PerformanceAnswer(
        account_id=one.account_id,
        currency=one.currency,
        points=one.points,
        from_=rfc3339(one.from_ns) if one.points else None,
        to=rfc3339(one.to_ns) if one.points else None,
        time_weighted_return=one.time_weighted_return,
        max_drawdown=one.max_drawdown,
        max_drawdown_percent=one.max_drawdown_percent,
        volatility=one.volatility,
        sharpe=one.sharpe,
        risk_free=one.risk_free,
    )


def fx_snapshot(one: FxSnapshot) -> FxSnapshotAnswer:
    """Return rates of one moment."""
    return FxSnapshotAnswer(one.snapshot_id, one.source, rfc3339(one.time_ns), one.rates, one.stale, one.in_force)
