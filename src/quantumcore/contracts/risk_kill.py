"""Risk (8004), the kill switch: of the venue, a firm, an account, a session or an instrument (docs/reference/engine.md, section 15)."""

import msgspec

from quantumcore.contracts.levels import only_one
from quantumcore.contracts.messages import Request
from quantumcore.contracts.reasons import Scope

MODES = ("off", "all", "reduce_only")
"""By the number that the engine knows them by."""
MAX_SWITCHES = 1_000


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a switch is, and what it stops.

    Attributes:
        scope: venue, firm, account, session or instrument.
        account_id, firm, session, symbol: Which one; null: the scope has none.
        mode: One of MODES.
    """

    scope: str
    account_id: str | None = None
    firm: int | None = None
    session: int | None = None
    symbol: str | None = None
    mode: str


class KillSwitch(Switch, frozen=True, kw_only=True):
    """A switch as it stands now.

    Attributes:
        cancelled: How many orders went. accounts: Whose they were.
    """

    engaged: bool
    cancelled: int
    accounts: list[int]
    sequence: int


class EngageKillSwitch(Request[KillSwitch], frozen=True, kw_only=True):
    """Refuse what is new and cancel what works, of what is named; nothing is named: of the venue. One person is enough.

    Attributes:
        account, firm, session, symbol: At most one of them; 0 and "": not named.
        mode: all; reduce_only: what brings a position nearer to zero works on and may come.

    Raises:
        NotFound: `account.not_found`, `instrument.not_found`.
        InvalidCommand: mode, a number of more than 32 bits, more than one that is named; `engine.capacity`.
        Unavailable, OutcomeUnknown: As matching says; it may be engaged again.
    """

    account: int = 0
    firm: int = 0
    session: int = 0
    symbol: str = ""
    mode: str = "all"


class LiftKillSwitch(Request[KillSwitch], frozen=True, kw_only=True):
    """Let orders in again, of what is named as EngageKillSwitch says.

    Raises:
        Forbidden: `approval.required`: the venue asks for a second person (setting `four_eyes`): propose it.
        NotFound, InvalidCommand: As EngageKillSwitch.
        Unavailable, OutcomeUnknown: As matching says; it may be lifted again.
    """

    account: int = 0
    firm: int = 0
    session: int = 0
    symbol: str = ""


class LiftByTwo(Request[KillSwitch], frozen=True, kw_only=True):
    """The same, which two persons have decided: asked by the room that keeps proposals, and by nobody else."""

    asked: LiftKillSwitch


class EngagedSwitch(Switch, frozen=True, kw_only=True):
    """A switch that is engaged, and since when."""

    sequence: int
    time_ns: int


class EngagedSwitches(msgspec.Struct, frozen=True):
    """In the order of their scopes and numbers; complete: there are no more than MAX_SWITCHES.

    Attributes:
        sequence: As of which event.
    """

    sequence: int
    items: list[EngagedSwitch]
    complete: bool


class GetKillSwitches(Request[EngagedSwitches], frozen=True, kw_only=True):
    """Which switches are engaged, as of that sequence or later."""

    at_least: int = 0


def scope_of(asked: EngageKillSwitch | LiftKillSwitch) -> Scope:
    """Return whose switch it is.

    Raises:
        InvalidCommand: A number of more than 32 bits, or more than one that is named.
    """
    name = only_one(account=asked.account, firm=asked.firm, session=asked.session, symbol=asked.symbol)
    return _SCOPES[name]


_SCOPES = {
    "": Scope.VENUE,
    "account": Scope.ACCOUNT,
    "firm": Scope.FIRM,
    "session": Scope.SESSION,
    "symbol": Scope.INSTRUMENT,
}
