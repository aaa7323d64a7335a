"""What somebody set of margin or of guards, and what became of it, as clients read it: times as text."""

from typing import Any

import msgspec

from quantumcore.contracts.risk_guards import GuardChange
from quantumcore.contracts.risk_margin import MarginChange
from quantumcore.services.gateway.codec import readable, rfc3339


class SettingChangeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was set, and what became of it: asked, done or refused (`code`).

    Attributes:
        kind: Of margin: terms, array, greeks, account, limits or day. Of guards: class, entitlements, restriction, locate,
            throttle, patterns, protection or resume.
        what: Its fields, as they were sent.
    """

    number: int
    kind: str
    what: dict[str, Any]
    status: str
    set_by: str
    reason: str
    time: str
    sequence: int | None
    code: str | None


class SettingChangesAnswer(msgspec.Struct, frozen=True):
    """A page of changes, newest first."""

    items: list[SettingChangeAnswer]
    next_cursor: str | None


def change(one: MarginChange | GuardChange) -> SettingChangeAnswer:
    """Return what was set."""
    what = readable(msgspec.to_builtins(one.what))
    return SettingChangeAnswer(
        number=one.number,
        kind=what.pop("type"),
        what=what,
        status=one.state,
        set_by=one.who,
        reason=one.reason,
        time=rfc3339(one.time_ns),
        sequence=one.sequence or None,
        code=one.code or None,
    )
