"""Where exchange rates are published and asked for. The snapshot in force is one frozen value, replaced whole."""

import asyncio
from collections.abc import Callable

from quantumcore.contracts.errors import NotFound, invalid
from quantumcore.contracts.portfolio import (
    MAX_SOURCE,
    FxConversion,
    FxPublished,
    FxSnapshot,
    GetConversion,
    GetFxSnapshot,
    PublishFxSnapshot,
)
from quantumcore.contracts.reference import Currency
from quantumcore.contracts.values import I64_MAX, Scaled, check_client_id
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.where import Where
from quantumcore.services.portfolio import store
from quantumcore.services.portfolio.fx import Snapshot, check_rates, convert, missing
from quantumcore.services.portfolio.market import Market
from quantumcore.services.portfolio.prices import Worths
from quantumcore.services.portfolio.settings import PortfolioSettings

NS = 10**9
AHEAD_NS = 5 * NS  # two machines' clocks differ


class FxDesk:
    """Answers PublishFxSnapshot, GetFxSnapshot, GetConversion. Tells FxPublished.

    Attributes:
        current: The snapshot in force; whoever takes it once has one snapshot, whatever is published meanwhile.
    """

    def __init__(
        self,
        bus: Bus,
        database: Database,
        clock: Clock,
        market: Market,
        settings: PortfolioSettings,
        published: Callable[[], None],
    ) -> None:
        self.current: Snapshot | None = None
        self._bus = bus
        self._database = database
        self._clock = clock
        self._market = market
        self._settings = settings
        self._published = published
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> None:
        """Read which snapshot is in force."""
        self.current = await self._database.read(store.in_force)

    async def publish(self, command: PublishFxSnapshot) -> FxSnapshot:
        """Bring a snapshot into force, whole or not at all.

        Raises:
            InvalidCommand: What is wrong with it, by its field; `fx.triangle`.
            Conflict: `idempotency.mismatch`, `fx.out_of_order`.
            NotFound: `currency.not_found`.
            Unavailable: The database did not take it; nothing changed.
        """
        with Where.of(command).told():
            given = await self._checked(command)
            async with self._one_at_a_time:  # what is in force is what was committed last
                kept = self._settings.fx_kept
                standing, new = await self._database.write(lambda tx: store.publish(tx, given, kept))
                if new:
                    self.current = standing
                    self._published()
                    await self._bus.publish([FxPublished(snapshot_id=given.snapshot_id, time_ns=given.time_ns)])
            return self._shown(standing)

    async def get(self, query: GetFxSnapshot) -> FxSnapshot:
        """Return a snapshot; without an id the one in force.

        Raises:
            NotFound: `fx.not_found`.
        """
        with Where.of(query).told():
            found = self.current
            if query.snapshot_id:
                found = await self._database.read(lambda tx: store.snapshot(tx, query.snapshot_id))
            if found is None:
                raise NotFound("fx.not_found", "snapshot not found", field="snapshot_id", actual=query.snapshot_id[:64])
            return self._shown(found)

    async def convert(self, query: GetConversion) -> FxConversion:
        """Return what a conversion would give at the snapshot in force.

        Raises:
            InvalidCommand: The amount.
            NotFound: `currency.not_found`.
            Unavailable: `fx.rate_missing`, `fx.rate_stale`.
        """
        with Where.of(query).told():
            source = await self._market.currency(query.currency, "currency")
            target = await self._market.currency(query.to_currency, "to_currency")
            minor = _minor_units(query.amount, source)
            fx = self.current
            if fx is None:
                raise missing(source.code, target.code, "")
            worths = Worths(self._market.listed, (), {}, target.code, fx, self.stale(fx))
            rate = worths.rate(source.code)
            converted, residue = convert(minor, source.scale, rate, target.scale)
            shown = target.show(converted), f"{residue.numerator}/{residue.denominator}"
            return FxConversion(fx.snapshot_id, source.code, source.show(minor), target.code, *shown)

    def stale(self, fx: Snapshot | None) -> str:
        """Return why a snapshot is too old to be used; "" when it is not."""
        if fx is None:
            return ""
        age = (self._clock.now() - fx.time_ns) // NS
        return f"{age} s old" if age > self._settings.fx_stale_s else ""

    async def _checked(self, command: PublishFxSnapshot) -> Snapshot:
        check_client_id(command.snapshot_id, "snapshot_id")
        if not 1 <= len(command.source) <= MAX_SOURCE:
            bound = str(MAX_SOURCE)
            actual = str(len(command.source))
            raise invalid("range", f"source has 1 to {bound} characters", field="source", limit=bound, actual=actual)
        latest = self._clock.now() + AHEAD_NS
        if not 0 < command.time_ns <= latest:
            actual = str(command.time_ns)
            raise invalid("range", "time is in the future", field="time", limit=str(latest), actual=actual)
        rates = check_rates(command.rates, self._settings.fx_tolerance_bp)
        for at, rate in enumerate(rates):
            await self._market.currency(rate.base, f"rates[{at}].base")
            await self._market.currency(rate.quote, f"rates[{at}].quote")
        return Snapshot(command.snapshot_id, command.source, command.time_ns, tuple(sorted(rates)))

    def _shown(self, fx: Snapshot) -> FxSnapshot:
        in_force = self.current is not None and fx.snapshot_id == self.current.snapshot_id
        rates = [rate.shown() for rate in fx.rates]
        return FxSnapshot(fx.snapshot_id, fx.source, fx.time_ns, rates, bool(self.stale(fx)), in_force)


def _minor_units(text: str, currency: Currency) -> int:
    amount = Scaled.parse(text, "amount")
    if amount.scale > currency.scale or amount.mantissa < 0:
        detail = f"amount is 0 or more, with at most {currency.scale} places"
        raise invalid("range", detail, field="amount", limit=str(currency.scale), actual=text[:64])
    minor = int(amount.mantissa * 10 ** (currency.scale - amount.scale))
    if minor > I64_MAX:
        raise invalid(
            "overflow", "amount needs more than 63 bits", field="amount", limit=str(I64_MAX), actual=text[:64]
        )
    return minor
