"""What stands in the history, and what follows from it."""

from decimal import Decimal
from fractions import Fraction

from sqlalchemy import Connection

from quantumcore.contracts.errors import check_count, invalid
from quantumcore.contracts.portfolio import (
    MAX_HISTORY_PAGE,
    GetPerformance,
    GetValuationHistory,
    Performance,
    ValuationPage,
    ValuationPoint,
)
from quantumcore.contracts.values import I64_MAX, Scaled
from quantumcore.ports.database import Database
from quantumcore.services.portfolio import store
from quantumcore.services.portfolio.exact import number, rounded
from quantumcore.services.portfolio.settings import PortfolioSettings
from quantumcore.services.portfolio.statistics import Sample, figures

FIGURE_PLACES = 8


class Past:
    """Reads the history. Computing over its points happens in the reader's thread, off the loop."""

    def __init__(self, database: Database, settings: PortfolioSettings) -> None:
        self._database = database
        self._settings = settings

    async def page(self, query: GetValuationHistory) -> ValuationPage:
        """Return a page of points, newest first unless asked.

        Raises:
            InvalidCommand: limit or cursor.
        """
        check_count(query.limit, MAX_HISTORY_PAGE)
        from_ns, to_ns = query.from_ns, query.to_ns or I64_MAX
        if query.cursor:
            at = _position(query.cursor)
            from_ns, to_ns = (max(from_ns, at + 1), to_ns) if query.ascending else (from_ns, min(to_ns, at))

        def work(tx: Connection) -> list[store.Point]:
            currency = store.reporting_of(tx, query.account) or self._settings.reporting
            return store.points(
                tx,
                query.account,
                currency,
                from_ns=from_ns,
                to_ns=to_ns,
                limit=query.limit + 1,
                ascending=query.ascending,
            )

        found = await self._database.read(work)
        items = [
            ValuationPoint(p.time_ns, p.sequence, p.currency, p.total, p.flow, p.fx_snapshot_id)
            for p in found[: query.limit]
        ]
        following = str(items[-1].time_ns) if len(found) > query.limit else None
        return ValuationPage(str(query.account), items, following)

    async def performance(self, query: GetPerformance) -> Performance:
        """Return what the points say.

        Raises:
            InvalidCommand: risk_free.
        """
        risk_free = Scaled.parse(query.risk_free, "risk_free")
        return await self._database.read(lambda tx: self._figures(tx, query, risk_free))

    def _figures(self, tx: Connection, query: GetPerformance, risk_free: Scaled) -> Performance:
        currency = store.reporting_of(tx, query.account) or self._settings.reporting
        found = store.points(
            tx,
            query.account,
            currency,
            from_ns=query.from_ns,
            to_ns=query.to_ns or I64_MAX,
            limit=self._settings.history_kept + 1,
            ascending=True,
        )
        samples = [Sample(point.time_ns, _exact(point.total), _exact(point.flow)) for point in found]
        made = figures(samples, risk_free.mantissa / 10**risk_free.scale)
        places = number(found[-1].total)[1] if found else 0
        return Performance(
            account_id=str(query.account),
            currency=currency,
            points=len(found),
            from_ns=found[0].time_ns if found else 0,
            to_ns=found[-1].time_ns if found else 0,
            time_weighted_return=_figure(made.time_weighted_return),
            max_drawdown=None if made.drawdown is None else rounded(made.drawdown, places),
            max_drawdown_percent=_figure(None if made.drawdown_share is None else made.drawdown_share * 100),
            volatility=_figure(made.volatility),
            sharpe=_figure(made.sharpe),
            risk_free=risk_free.text(),
        )


def _exact(text: str) -> Fraction:
    mantissa, places = number(text)
    return Fraction(mantissa, 10**places)


def _figure(value: float | None) -> str | None:
    return None if value is None else format(round(Decimal(value), FIGURE_PLACES), "f")


def _position(cursor: str) -> int:
    """Return the time that a page's cursor names; raise InvalidCommand when it is none of ours."""
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > 19:
        raise invalid("range", "cursor is not one of ours", field="cursor", actual=cursor[:64])
    return min(int(cursor), I64_MAX - 1)
