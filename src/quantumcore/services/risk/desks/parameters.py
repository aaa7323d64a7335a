"""What people set for the figures: checked whole, written down with who and why, and then in force at once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

from prometheus_client.core import Metric

from quantumcore.contracts.errors import NotFound, check_count, invalid
from quantumcore.contracts.risk import MAX_PAGE
from quantumcore.contracts.risk_parameters import (
    GetParameters,
    Parameter,
    ParameterPage,
    RiskParametersChanged,
    SetCharges,
    SetCorrelations,
    SetMarginFloor,
    SetMarginProfile,
    SetSector,
    SetSpreads,
    SetVolatility,
)
from quantumcore.contracts.values import is_symbol
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.telemetry import counter
from quantumcore.services.risk import parameters as terms
from quantumcore.services.risk import store
from quantumcore.services.risk.desks import parameter_store
from quantumcore.services.risk.parameters import Parameters, Setting

OfSymbol: TypeAlias = SetVolatility | SetSector | SetMarginFloor | SetCharges
"""What sets something of one symbol."""


class ParameterDesk:
    """Answers the settings of contracts/risk_parameters and GetParameters. Tells RiskParametersChanged.

    Attributes:
        current: What is in force; replaced whole.
        settings: Settings by kind, since the start.
    """

    def __init__(
        self,
        bus: Bus,
        own: Database,
        database: Database,
        clock: Clock,
        definitions: Definitions,
        changed: Callable[[Parameters], None],
        caught_up: Callable[[], Awaitable[object]],
    ) -> None:
        """Take the tables of the room's own truth, those that follow (and how to wait for them), and who is told what is in force."""
        self.current = Parameters()
        self.settings: Counter[str] = Counter(dict.fromkeys(terms.KINDS, 0))
        self._bus = bus
        self._own = own
        self._database = database
        self._clock = clock
        self._definitions = definitions
        self._changed = changed
        self._caught_up = caught_up
        self._one = asyncio.Lock()

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(SetVolatility, self.set_volatility)
        self._bus.handle(SetCorrelations, self.set_correlations)
        self._bus.handle(SetSector, self.set_sector)
        self._bus.handle(SetMarginProfile, self.set_profile)
        self._bus.handle(SetMarginFloor, self.set_floor)
        self._bus.handle(SetCharges, self.set_charges)
        self._bus.handle(SetSpreads, self.set_spreads)
        self._bus.handle(GetParameters, self.page)

    async def start(self) -> None:
        """Read what is in force."""
        self.current = terms.in_force(await self._own.read(parameter_store.in_force))
        self._changed(self.current)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what was set."""
        yield counter("qc_risk_settings", "Parameters set, by kind", self.settings, by="kind")

    async def set_volatility(self, command: SetVolatility) -> Parameter:
        """Set the volatility of a symbol's day.

        Raises:
            InvalidCommand, NotFound, Unavailable: As contracts/risk_parameters says; nothing was changed.
        """
        volatility = terms.rate(command.volatility, "volatility", zero=False)
        return await self._of_symbol(terms.VOLATILITY, command, volatility)

    async def set_correlations(self, command: SetCorrelations) -> Parameter:
        """Set the whole matrix.

        Raises:
            InvalidCommand, NotFound, Unavailable: As contracts/risk_parameters says; nothing was changed.
        """
        pairs, _ = terms.matrix(command.pairs, repair=command.repair)
        await self._symbols({symbol for pair in pairs for symbol in pair[:2]})
        return await self._set(Setting(terms.CORRELATION, terms.EVERYTHING, pairs), command.who, command.reason)

    async def set_sector(self, command: SetSector) -> Parameter:
        """Put a symbol into a sector.

        Raises:
            InvalidCommand, NotFound, Unavailable: As contracts/risk_parameters says; nothing was changed.
        """
        sector = terms.check_sector(command.sector)
        return await self._of_symbol(terms.SECTOR, command, sector)

    async def set_profile(self, command: SetMarginProfile) -> Parameter:
        """Say how the margin of an account counts.

        Raises:
            InvalidCommand, NotFound, Unavailable: As contracts/risk_parameters says; nothing was changed.
        """
        profile = terms.check_profile(command.profile)
        await self._caught_up()  # an account may be as old as this request
        account = await self._database.read(partial(store.read_account, account=command.account))
        if not account.opened:
            raise NotFound("account.not_found", "account not found", field="account_id")
        return await self._set(Setting(terms.PROFILE, str(command.account), profile), command.who, command.reason)

    async def set_floor(self, command: SetMarginFloor) -> Parameter:
        """Set the least requirement of a symbol.

        Raises:
            InvalidCommand, NotFound, Unavailable: As contracts/risk_parameters says; nothing was changed.
        """
        floor = terms.rate(command.floor, "floor", zero=True)
        return await self._of_symbol(terms.FLOOR, command, floor)

    async def set_charges(self, command: SetCharges) -> Parameter:
        """Set what scenarios charge on an underlying.

        Raises:
            InvalidCommand, NotFound, Unavailable: As contracts/risk_parameters says; nothing was changed.
        """
        charges = terms.charges_of(command.charges)
        return await self._of_symbol(terms.CHARGES, command, charges)

    async def set_spreads(self, command: SetSpreads) -> Parameter:
        """Set the whole list of spreads.

        Raises:
            InvalidCommand, NotFound, Unavailable: As contracts/risk_parameters says; nothing was changed.
        """
        spreads = terms.spreads_of(command.spreads)
        await self._symbols({one[name] for one in spreads for name in ("first", "second")})
        return await self._set(Setting(terms.SPREADS, terms.EVERYTHING, spreads), command.who, command.reason)

    async def page(self, query: GetParameters) -> ParameterPage:
        """Return a page of versions, newest first.

        Raises:
            InvalidCommand: kind, limit or cursor.
        """
        check_count(query.limit, MAX_PAGE)
        if query.kind and query.kind not in terms.KINDS:
            names = ", ".join(terms.KINDS)
            raise invalid("range", f"kind must be one of {names}", field="kind", actual=query.kind[:64])
        before = terms.version_of(query.cursor) if query.cursor else 0
        work = partial(
            parameter_store.page, kind=query.kind, subject=query.subject[:32], before=before, limit=query.limit + 1
        )
        found = await self._own.read(work)
        shown = found[: query.limit]
        following = str(shown[-1].version) if len(found) > query.limit else None
        return ParameterPage(shown, self.current.version, following)

    async def _of_symbol(self, kind: str, command: OfSymbol, value: Any) -> Parameter:
        await self._symbols([command.symbol])
        return await self._set(Setting(kind, command.symbol, value), command.who, command.reason)

    async def _set(self, setting: Setting, who: str, reason: str) -> Parameter:
        """Write a version down; from then on it counts, for the next answer as for all that follow."""
        terms.check_signed(who, reason)
        async with self._one:
            now = self._clock.now()
            kept = await self._own.write(
                partial(parameter_store.keep, setting=setting, who=who, reason=reason, time_ns=now)
            )
            self.current = self.current.after(kept.version, setting)
            self._changed(self.current)
        self.settings[setting.kind] += 1
        await self._bus.publish(
            [RiskParametersChanged(version=kept.version, kind=setting.kind, subject=setting.subject)]
        )
        return kept

    async def _symbols(self, symbols: Iterable[str]) -> None:
        """Raise NotFound unless there are instruments of all these symbols."""
        for symbol in symbols:
            if not is_symbol(symbol) or await self._definitions.instrument(symbol) is None:
                raise NotFound("instrument.not_found", f"instrument {symbol[:24]!r} not found", field="symbol")
