"""Which kill switches are engaged, of every level: as the engine told it last."""

from collections.abc import Awaitable, Callable

from sqlalchemy import Connection

from quantumcore.contracts.levels import named
from quantumcore.contracts.risk_kill import MAX_SWITCHES, MODES, EngagedSwitch, EngagedSwitches, GetKillSwitches
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.services.risk import store
from quantumcore.services.risk.levels import Engaged, Level


class SwitchDesk:
    """Answers GetKillSwitches."""

    def __init__(
        self, bus: Bus, database: Database, definitions: Definitions, reached: Callable[[int], Awaitable[object]]
    ) -> None:
        self._bus = bus
        self._database = database
        self._definitions = definitions
        self._reached = reached

    def attach(self) -> None:
        """Hand the handler to the bus."""
        self._bus.handle(GetKillSwitches, self.switches)

    async def switches(self, query: GetKillSwitches) -> EngagedSwitches:
        """Return the switches that are engaged.

        Raises:
            Unavailable: The room does not get there in time.
        """
        await self._reached(query.at_least)

        def work(connection: Connection) -> tuple[int, dict[Level, Engaged]]:
            return store.read_stand(connection).sequence, store.read_switches(connection, MAX_SWITCHES + 1)

        sequence, found = await self._database.read(work)
        shown = [self._shown(level, one) for level, one in found.items()][:MAX_SWITCHES]
        return EngagedSwitches(sequence, shown, len(found) <= MAX_SWITCHES)

    def _shown(self, level: Level, one: Engaged) -> EngagedSwitch:
        symbol = self._definitions.catalogue.instruments[level.instrument].symbol if level.instrument else None
        whose = named(level.scope, level.number, symbol)
        return EngagedSwitch(**whose, mode=MODES[one.mode], sequence=one.sequence, time_ns=one.time_ns)
