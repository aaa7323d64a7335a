"""The kill switch: what of the risk room stays beside the engine, so that it works whatever has become of the rest of the room."""

from collections.abc import Awaitable, Callable

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand, NotFound, invalid, needs_second
from quantumcore.contracts.levels import named
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.risk_kill import MODES, EngageKillSwitch, KillSwitch, LiftByTwo, LiftKillSwitch, scope_of
from quantumcore.contracts.values import is_symbol
from quantumcore.ports.bus import Bus
from quantumcore.ports.definitions import Definitions

OFF = MODES[0]


class KillDesk:
    """Answers EngageKillSwitch, LiftKillSwitch and LiftByTwo."""

    name = "risk"

    def __init__(self, bus: Bus, *, four_eyes: bool = False) -> None:
        """With `four_eyes` one person engages, and two lift."""
        self._bus = bus
        self._definitions = Definitions(bus)
        self._four_eyes = four_eyes

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(EngageKillSwitch, self.engage)
        self._bus.handle(LiftKillSwitch, self.lift)
        self._bus.handle(LiftByTwo, self.lift_by_two)

    async def start(self) -> None:
        """Nothing is opened."""

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name nothing."""
        return []

    def not_ready(self) -> list[str]:
        """Return nothing: matching says whether it can be asked."""
        return []

    async def stop(self) -> None:
        """Nothing runs."""

    async def engage(self, command: EngageKillSwitch) -> KillSwitch:
        """Let nothing new in, and cancel what works; or only what reduces, and cancel what does not.

        Raises:
            NotFound, InvalidCommand, Unavailable, OutcomeUnknown: As contracts/risk_kill says.
        """
        if command.mode not in MODES[1:]:
            modes = ", ".join(MODES[1:])
            raise invalid("range", f"mode must be one of {modes}", field="mode", actual=command.mode[:64])
        return await self._switch(command, command.mode)

    async def lift(self, command: LiftKillSwitch) -> KillSwitch:
        """Let orders in again, if one person is enough for that.

        Raises:
            Forbidden, NotFound, InvalidCommand, Unavailable, OutcomeUnknown: As contracts/risk_kill says.
        """
        if self._four_eyes:
            raise needs_second()
        return await self._switch(command, OFF)

    async def lift_by_two(self, command: LiftByTwo) -> KillSwitch:
        """Let orders in again.

        Raises:
            NotFound, InvalidCommand, Unavailable, OutcomeUnknown: As contracts/risk_kill says.
        """
        return await self._switch(command.asked, OFF)

    async def _switch(self, asked: EngageKillSwitch | LiftKillSwitch, mode: str) -> KillSwitch:
        scope = scope_of(asked)
        command = wire.SetKill(
            scope=scope,
            mode=MODES.index(mode),
            account=asked.account,
            instrument=await self._instrument(asked.symbol) if asked.symbol else 0,
            subject=asked.firm or asked.session,
        )
        events = wire.decode_events((await self._bus.request(Sequence(command=command.encode()))).events)
        changed = events[-1]
        if not isinstance(changed, wire.KillChanged):
            raise _refusal(changed)
        cancelled = {event.account for event in events if isinstance(event, wire.OrderCancelled)}
        whose = named(scope, asked.account or asked.firm or asked.session, asked.symbol or None)
        return KillSwitch(
            **whose,
            mode=mode,
            engaged=mode != OFF,
            cancelled=changed.count,
            accounts=sorted(cancelled),
            sequence=changed.sequence,
        )

    async def _instrument(self, symbol: str) -> int:
        found = await self._definitions.instrument(symbol) if is_symbol(symbol) else None
        if found is None:
            raise NotFound("instrument.not_found", f"instrument {symbol[:24]!r} not found", field="symbol")
        return found.number


def _refusal(told: wire.Event) -> NotFound | InvalidCommand:
    assert isinstance(told, wire.CommandRefused), told
    if told.reason == Reason.UNKNOWN_ACCOUNT:
        return NotFound("account.not_found", "account not found", field="account_id")
    code = CODES[Reason(told.reason)]
    return InvalidCommand(code, f"the engine refused it: {code}")
