"""What the risk room says of guards of the engine as clients read it: times as text."""

import msgspec

from quantumcore.contracts.risk_guards import GuardRecord, Pause, Pauses, StandingGuards
from quantumcore.services.gateway.codec import rfc3339


class GuardAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A record as the engine told it last, since that sequence; `type` says of which kind it is."""

    what: GuardRecord
    sequence: int
    time: str


class GuardsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the records that stand, at `sequence`; what is as if it had never been set is none."""

    items: list[GuardAnswer]
    next_cursor: str | None
    sequence: int


class PauseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An account takes no orders, of the underlying if one is named.

    Attributes:
        until: When that ends by itself; null: when somebody resumes it.
        sequence, time: Since when.
    """

    account_id: str
    cause: str
    underlying: str | None
    until: str | None
    sequence: int
    time: str


class PausesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the pauses that stand now, at `sequence`."""

    items: list[PauseAnswer]
    next_cursor: str | None
    sequence: int


def guards(found: StandingGuards) -> GuardsAnswer:
    """Return records."""
    items = [GuardAnswer(what=one.what, sequence=one.sequence, time=rfc3339(one.time_ns)) for one in found.items]
    return GuardsAnswer(items=items, next_cursor=found.next_cursor, sequence=found.sequence)


def pauses(found: Pauses) -> PausesAnswer:
    """Return pauses."""
    return PausesAnswer(
        items=[_pause(one) for one in found.items], next_cursor=found.next_cursor, sequence=found.sequence
    )


def _pause(one: Pause) -> PauseAnswer:
    return PauseAnswer(
        account_id=one.account_id,
        cause=one.cause,
        underlying=one.underlying,
        until=None if one.until_ns is None else rfc3339(one.until_ns),
        sequence=one.sequence,
        time=rfc3339(one.time_ns),
    )
