"""Risk (8004), guards of the engine: what people set of who may trade what and how often, what stands of it, and who is paused (docs/reference/engine.md section 15).

Decimals, symbols and seconds outside; the engine's integers are the room's affair.
"""

from typing import TypeAlias

import msgspec

from quantumcore.contracts.messages import Done, Request
from quantumcore.contracts.risk_settings import SettingChange

PRODUCTS = 64
COMMANDS = ("new", "replace", "cancel", "mass_cancel")
"""Classes of a throttle; the engine numbers them from 1."""
CAUSES = ("executions", "protection")
"""Why an account is paused; the engine numbers them from 1."""
MOST_RATE = 10**9
MOST_BURST = 10**6
MOST_EXECUTIONS = 256
MOST_DUPLICATES = 63
MOST_FILLS = 256
MOST_TIME_S = 86_400

# ------------------------------------------------------------------------------------------------- settings


class InstrumentClass(msgspec.Struct, frozen=True, kw_only=True, tag="class"):
    """What an instrument is to the gate.

    Attributes:
        underlying: The symbol under which protections count it; "": under none.
        product: Which permission it needs, from 0 to 63.
        needs_locate, price_test: What a short sale of it needs.
        outside_s: How old a mark or quote from outside may be that is a reference, from 0 (none is) to 86,400.
    """

    symbol: str
    underlying: str = ""
    product: int = 0
    needs_locate: bool = False
    price_test: bool = False
    outside_s: str = "0"


class Entitlements(msgspec.Struct, frozen=True, kw_only=True, tag="entitlements"):
    """Which products an account may trade (None: all), and whether it may trade at all."""

    account: int
    products: list[int] | None = None
    enabled: bool = True


class Restriction(msgspec.Struct, frozen=True, kw_only=True, tag="restriction"):
    """An instrument is on the list of an account, a group, or the venue (neither is named), or off it."""

    symbol: str
    account: int = 0
    group: int = 0
    restricted: bool = True


class Locate(msgspec.Struct, frozen=True, kw_only=True, tag="locate"):
    """How much of a symbol an account may be short of: a decimal, a whole multiple of its lot; 0: nothing."""

    account: int
    symbol: str
    quantity: str


class Throttle(msgspec.Struct, frozen=True, kw_only=True, tag="throttle"):
    """A bucket of `burst` tokens that `rate` tokens a second fill: an account's, a session's, or each one's without another (neither is named).

    Attributes:
        command: One of COMMANDS.
        rate: At most 10^9; 0: not set.
        burst: 1 to 10^6; 0 with a rate of 0.
    """

    command: str
    account: int = 0
    session: int = 0
    rate: int = 0
    burst: int = 0


class Patterns(msgspec.Struct, frozen=True, kw_only=True, tag="patterns"):
    """What is looked at of an account over time. A number of 0 is off, and its time is 0 then; else that is over 0, at most 86,400.

    Attributes:
        ratio, free_orders: Orders for each trade; how many may be sent in any case, only with a ratio.
        executions: The trades that pause the account, at most 256.
        duplicates: How often the same may be sent, at most 63.
    """

    account: int
    ratio: int = 0
    free_orders: int = 0
    ratio_s: str = "0"
    executions: int = 0
    executions_s: str = "0"
    duplicates: int = 0
    duplicates_s: str = "0"


class Protection(msgspec.Struct, frozen=True, kw_only=True, tag="protection"):
    """How much an account may trade in an underlying in a time before it is frozen there.

    Attributes:
        underlying: A symbol, as of InstrumentClass.
        window_s: At most 86,400; 0: no protection, and the others are 0 then.
        fills: At most 256; 0: 256.
        quantity: Whole lots, of whatever is traded; 0: any.
        delta, vega: What is bought less what is sold, either way, in money (6 places); 0: any.
        frozen_s: At most 86,400; 0: until it is resumed.
    """

    account: int
    underlying: str
    window_s: str = "0"
    fills: int = 0
    quantity: str = "0"
    frozen_s: str = "0"
    delta: str = "0"
    vega: str = "0"


class Resume(msgspec.Struct, frozen=True, kw_only=True, tag="resume"):
    """A pause that stands is lifted, and its count begins anew: an act, done at most once.

    Attributes:
        cause: One of CAUSES. underlying: Of a protection.
        pause: The sequence of the pause that is meant; 0: of whichever stands.
    """

    account: int
    cause: str
    underlying: str = ""
    pause: int = 0


GuardRecord: TypeAlias = InstrumentClass | Entitlements | Restriction | Locate | Throttle | Patterns | Protection
"""What can stand."""
GuardSetting: TypeAlias = (
    InstrumentClass | Entitlements | Restriction | Locate | Throttle | Patterns | Protection | Resume
)


class GuardChange(SettingChange, frozen=True, kw_only=True):
    """What somebody set, and what became of it; a pause that was over before it was resumed is done, its sequence 0 where nobody has told."""

    what: GuardSetting


class SetGuard(Request[GuardChange], frozen=True, kw_only=True):
    """Replace a record of the engine whole, or lift a pause.

    Raises:
        Forbidden: `approval.required`: the venue asks for a second person (setting `four_eyes`): propose it.
        NotFound: `account.not_found`, `instrument.not_found`.
        Conflict: `risk.not_paused`: there is no such pause, or it is another one by now.
        InvalidCommand: A bound, by its field; reason, who; or what the engine refused it for.
        Unavailable, OutcomeUnknown: It is written down, and is done as soon as it can be.
    """

    what: GuardSetting
    who: str
    reason: str


class SetGuardByTwo(Request[GuardChange], frozen=True, kw_only=True):
    """The same, which two persons have decided: asked by the room that keeps proposals, and by nobody else."""

    asked: SetGuard


class CheckGuard(Request[Done], frozen=True, kw_only=True):
    """Say what is wrong with what somebody wants to propose; nothing else happens. Raises as SetGuard."""

    asked: SetGuard


class GuardChanges(msgspec.Struct, frozen=True):
    """Newest first."""

    items: list[GuardChange]
    next_cursor: str | None


class GetGuardChanges(Request[GuardChanges], frozen=True, kw_only=True):
    """Of everything, or of one subject: the account that is named, else the symbol, else `session-` and its number, else 0.

    Raises:
        InvalidCommand: limit or cursor.
    """

    subject: str = ""
    limit: int = 100
    cursor: str = ""


# ------------------------------------------------------------------------------------------------ what stands

KINDS = ("class", "entitlements", "restriction", "locate", "throttle", "patterns", "protection")


class StandingGuard(msgspec.Struct, frozen=True, kw_only=True):
    """A record as the engine told it last, since that sequence."""

    what: GuardRecord
    sequence: int
    time_ns: int


class StandingGuards(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of accounts, instruments and numbers.

    Attributes:
        sequence: As of which event.
    """

    items: list[StandingGuard]
    next_cursor: str | None
    sequence: int


class GetGuards(Request[StandingGuards], frozen=True, kw_only=True):
    """The records of a kind that stand: what is as if it had never been set is none.

    Attributes:
        kind: One of KINDS.
        account, symbol: Of one alone; 0 and "": of all. A protection's symbol is its underlying.
        at_least: As of that sequence or later.

    Raises:
        NotFound: `instrument.not_found`.
        InvalidCommand: kind, account, limit or cursor.
        Unavailable: The room does not get there in time.
    """

    kind: str
    account: int = 0
    symbol: str = ""
    limit: int = 100
    cursor: str = ""
    at_least: int = 0


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """An account takes no orders, of the underlying if one is named.

    Attributes:
        cause: One of CAUSES.
        until_ns: When that ends by itself; null: when somebody resumes it.
        sequence: Since when.
    """

    account_id: str
    cause: str
    underlying: str | None
    until_ns: int | None
    sequence: int
    time_ns: int


class Pauses(msgspec.Struct, frozen=True, kw_only=True):
    """Those that stand now, in the order of accounts; a page may have fewer than it might where some are over already."""

    items: list[Pause]
    next_cursor: str | None
    sequence: int


class GetPauses(Request[Pauses], frozen=True, kw_only=True):
    """Of all accounts, or of one.

    Raises:
        InvalidCommand: account, limit or cursor.
        Unavailable: The room does not get there in time.
    """

    account: int = 0
    limit: int = 100
    cursor: str = ""
    at_least: int = 0
