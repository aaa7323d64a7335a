"""What people set for margin of the engine (keeping/setting_desk.py), and by which models arrays and greeks are made.

A day whose opening was in doubt is opened again: while matching is away, nothing happens that it could forget.
"""

from collections.abc import Iterable

from prometheus_client.core import Metric

from quantumcore.contracts.risk_margin import (
    AccountMargin,
    CheckMargin,
    GetMarginChanges,
    LotGreeks,
    MarginChange,
    MarginChanges,
    MarginSetting,
    MarginTerms,
    RiskArray,
    RiskDay,
    SetMargin,
    SetMarginByTwo,
)
from quantumcore.ports.telemetry import counter
from quantumcore.services.risk.desks.keeping.setting_changes import Change, SettingChanges
from quantumcore.services.risk.desks.keeping.setting_desk import Judged, SettingDesk, tag_of
from quantumcore.services.risk.desks.keeping.signed import Surroundings
from quantumcore.services.risk.desks.margin.models import ModelDesk
from quantumcore.services.risk.margin.commands import command_of, subject_of
from quantumcore.services.risk.tables import margin_changes

MODELLED = (RiskArray, LotGreeks)
_OF_SYMBOLS = (MarginTerms, *MODELLED)


class MarginDesk(SettingDesk[MarginSetting, MarginChange]):
    """Answers SetMargin, SetMarginByTwo, CheckMargin and GetMarginChanges."""

    def __init__(self, on: Surroundings, models: ModelDesk, *, four_eyes: bool) -> None:
        """Take what it stands on, and who makes what models make."""
        kept: SettingChanges[MarginSetting] = SettingChanges(margin_changes, MarginSetting)
        super().__init__("margin", on, kept, MarginChange, four_eyes=four_eyes)
        self._models = models

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._on.bus.handle(SetMargin, self.set)
        self._on.bus.handle(SetMarginByTwo, self.set_by_two)
        self._on.bus.handle(CheckMargin, self.check)
        self._on.bus.handle(GetMarginChanges, self.page)

    async def start(self) -> None:
        """Let be made of which people have said how."""
        done = await self._on.own.read(lambda tx: [self._kept.last(tx, tag_of(kind)) for kind in MODELLED])
        self._models.begin(what for of_kind in done for what in of_kind if isinstance(what, MODELLED))

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what became of changes."""
        yield counter("qc_risk_margin_changes", "Changes of margin by what became of them", self.changes, by="state")

    async def page(self, query: GetMarginChanges) -> MarginChanges:
        """Return a page of changes, newest first.

        Raises:
            InvalidCommand: limit or cursor.
        """
        return MarginChanges(*await self._page(query))

    async def _do(self, change: Change[MarginSetting]) -> None:
        if not isinstance(change.what, MODELLED):
            await self._sent(change)
            return
        async with self._models.sending:
            if await self._sent(change):
                self._models.put(change.what)

    async def _judged(self, what: MarginSetting) -> Judged[MarginSetting]:
        await self._know(what)
        await self._on.caught_up()  # an account, or a price, may be as old as this request
        numbers = await self._models.numbers(what) if isinstance(what, MODELLED) and what.model else None
        made = command_of(what, self._catalogue, numbers)
        account = 0 if isinstance(what, _OF_SYMBOLS) else what.account
        if account or isinstance(what, AccountMargin | RiskDay):
            await self._see_account(account)
        return Judged(what, subject_of(what), made)

    async def _know(self, what: MarginSetting) -> None:
        """Ask what exists, if something is named that is not known.

        Raises:
            NotFound: No symbol at all.
        """
        if isinstance(what, _OF_SYMBOLS):
            model = what.model if isinstance(what, MODELLED) else None
            await self._see_symbols(symbol=what.symbol, **({"underlying": model.underlying} if model else {}))
        elif what.currency not in self._catalogue.codes:
            await self._on.definitions.refresh()
