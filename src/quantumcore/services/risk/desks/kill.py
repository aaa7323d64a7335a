"""The kill switch: what of the risk room stays beside the engine, so that it works whatever has become of the rest of the room."""

from collections.abc import Awaitable, Callable

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Forbidden, InvalidCommand, NotFound
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.contracts.risk_limits import EngageKillSwitch, KillSwitch, LiftByTwo, LiftKillSwitch
from quantumcore.ports.bus import Bus


class KillDesk:
    """Answers EngageKillSwitch, LiftKillSwitch and LiftByTwo."""

    name = "risk"

    def __init__(self, bus: Bus, *, four_eyes: bool = False) -> None:
        """With `four_eyes` one person engages, and two lift."""
        self._bus = bus
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
        """Let nothing new in, and cancel what works.

        Raises:
            NotFound, Unavailable, OutcomeUnknown: As contracts/risk_limits says.
        """
        return await self._switch(command.account, engaged=True)

    async def lift(self, command: LiftKillSwitch) -> KillSwitch:
        """Let orders in again, if one person is enough for that.

        Raises:
            Forbidden, NotFound, Unavailable, OutcomeUnknown: As contracts/risk_limits says.
        """
        if self._four_eyes:
            detail = "this needs a second person: propose it, and let another approve"
            raise Forbidden("approval.required", detail, limit="2", actual="1")
        return await self._switch(command.account, engaged=False)

    async def lift_by_two(self, command: LiftByTwo) -> KillSwitch:
        """Let orders in again.

        Raises:
            NotFound, Unavailable, OutcomeUnknown: As contracts/risk_limits says.
        """
        return await self._switch(command.account, engaged=False)

    async def _switch(self, account: int, *, engaged: bool) -> KillSwitch:
        command = wire.SetKillSwitch(account=account, engaged=int(engaged))
        events = wire.decode_events((await self._bus.request(Sequence(command=command.encode()))).events)
        changed = events[-1]
        if isinstance(changed, wire.CommandRefused):
            code = CODES[Reason(changed.reason)]
            if changed.reason == Reason.UNKNOWN_ACCOUNT:
                raise NotFound("account.not_found", "account not found", field="account_id")
            raise InvalidCommand(code, f"the engine refused it: {code}")
        cancelled = {event.account for event in events if isinstance(event, wire.OrderCancelled)}
        count = changed.count if isinstance(changed, wire.KillSwitchChanged) else 0
        return KillSwitch(str(account) if account else None, engaged, count, sorted(cancelled), changed.sequence)
