"""The P&L of all lines together. Pure; exact, rounded once where it is shown."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from quantumcore.contracts.portfolio import Pnl
from quantumcore.contracts.positions import PositionView
from quantumcore.services.portfolio import carried as days
from quantumcore.services.portfolio.carried import Carried
from quantumcore.services.portfolio.exact import SHOWN, ZERO, rounded
from quantumcore.services.portfolio.prices import Worths

_NOTHING = Decimal(0)


class PnlSums:
    """Sums on their way: of the reporting currency, of others by currency, and as it was at the rates of their days."""

    def __init__(self) -> None:
        self._realised = self._fees = self._funding = self._unrealised = _NOTHING
        self._base_realised = self._base_fees = self._base_funding = self._fx_realised = self._base_cost = 0
        self._foreign: dict[str, tuple[Decimal, Decimal]] = {}

    def own(self, views: Sequence[PositionView], incomes: Iterable[str], changes: Iterable[Decimal]) -> None:
        """Count lines in the reporting currency.

        Args:
            incomes: What each has brought besides. changes: What is unrealised of each.
        """
        self._realised += _sum([view.realised for view in views])
        self._fees += _sum([view.fees for view in views])
        self._funding += _sum(incomes)
        self._unrealised += sum(changes, _NOTHING)

    def foreign(
        self, code: str, changes: Iterable[Decimal], costs: Iterable[Decimal], carried: Sequence[Carried]
    ) -> None:
        """Count lines in another currency."""
        change, cost = self._foreign.get(code, (_NOTHING, _NOTHING))
        self._foreign[code] = sum(changes, change), sum(costs, cost)
        self._base_cost += sum([known.base_cost for known in carried])
        self._base_realised += sum([known.base_realised for known in carried])
        self._base_fees += sum([known.base_fees for known in carried])
        self._base_funding += sum([known.base_funding for known in carried])
        self._fx_realised += sum([known.fx_realised for known in carried])

    def shown(self, worths: Worths) -> Pnl:
        """Return the parts and their total, each rounded once."""
        realised, fees, funding, fx_realised, cost_then = (
            Fraction(own) + Fraction(of_days, 10**days.SCALE)
            for own, of_days in (
                (self._realised, self._base_realised),
                (self._fees, self._base_fees),
                (self._funding, self._base_funding),
                (_NOTHING, self._fx_realised),
                (_NOTHING, self._base_cost),
            )
        )
        unrealised, cost_now = Fraction(self._unrealised), Fraction(0)
        for code, (change, cost) in self._foreign.items():
            worth = worths.of(code) or Fraction(0)
            unrealised += Fraction(change) * worth
            cost_now += Fraction(cost) * worth
        fx_unrealised = cost_now - cost_then
        total = realised + unrealised + fx_realised + fx_unrealised - fees + funding
        parts = (realised, unrealised, fx_realised, fx_unrealised, fees, funding, total)
        return Pnl(*(rounded(part, SHOWN) for part in parts))


def _sum(texts: Iterable[str]) -> Decimal:
    return sum(map(Decimal, [text for text in texts if text != ZERO]), _NOTHING)
