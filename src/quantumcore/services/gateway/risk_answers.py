"""What the risk room says as clients read it: times as text."""

from typing import Any

import msgspec

from quantumcore.contracts.risk import (
    Exposure,
    LimitUse,
    RiskMetrics,
    RiskPart,
    RiskUpdate,
    Stress,
    StressResult,
    ValueAtRisk,
)
from quantumcore.contracts.risk_limits import LimitChange
from quantumcore.contracts.risk_parameters import Parameter, ParameterPage
from quantumcore.services.gateway import margin_answers
from quantumcore.services.gateway.codec import readable, rfc3339
from quantumcore.services.gateway.margin_answers import MarginStandingAnswer


class MarkAnswer(msgspec.Struct, frozen=True):
    """The price at which a position counts, and its age in seconds; stale: it is older than it may be, or was taken back.

    Without a mark or trade it is the average entry: source is `average`, and time null.
    """

    symbol: str
    price: str
    source: str
    sequence: int
    age_s: str
    stale: bool
    time: str | None


class RiskAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an account could lose, as of one event (`sequence`, `as_of`); money in `currency`, value at risk of one day."""

    account_id: str
    currency: str
    sequence: int
    as_of: str
    fx_snapshot_id: str
    parameters_version: int
    equity: str
    total_exposure: str
    net_exposure: str
    margin_profile: str
    margin_used: str
    margin_maintenance: str
    margin_available: str
    var_95: str
    var_99: str
    es_975: str
    max_drawdown: str | None
    daily_profit: str
    daily_loss: str
    complete: bool
    unpriced: list[str]
    killed: bool
    kill_mode: str | None
    by_symbol: list[Exposure]
    by_sector: list[Exposure]
    by_currency: list[Exposure]
    limits: list[LimitUse]
    marks: list[MarkAnswer]
    engine_margin: list[MarginStandingAnswer]


class VarAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an account loses on a day at most, with a confidence; null: not of this method."""

    account_id: str
    currency: str
    method: str
    confidence: str
    value_at_risk: str
    shortfall: str | None
    sequence: int
    as_of: str
    fx_snapshot_id: str
    parameters_version: int
    window: int | None
    worst: int | None
    paths: int | None
    seed: int | None
    standard_error: str | None
    parts: list[RiskPart]
    losses: list[str]


class StressAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What scenarios make of an account; fall, rise: the least move of all prices that ends its equity."""

    account_id: str
    currency: str
    sequence: int
    as_of: str
    fx_snapshot_id: str
    parameters_version: int
    equity: str
    results: list[StressResult]
    worst: str | None
    fall: str | None
    rise: str | None
    correlated_var: str


class ChargesAnswer(msgspec.Struct, frozen=True):
    """What scenarios charge on an underlying, as it was set."""

    calendar: str
    delivery: str
    short_option: str
    contract: str
    concentrated: str
    concentrated_from: str


class SpreadAnswer(msgspec.Struct, frozen=True):
    """A spread between two underlyings, as it was set."""

    first: str
    second: str
    credit: str
    of_first: int
    of_second: int


class ParameterAnswer(msgspec.Struct, frozen=True):
    """A version of what somebody set."""

    version: int
    kind: str
    subject: str
    value: str | list[tuple[str, str, str] | SpreadAnswer] | ChargesAnswer
    set_by: str
    reason: str
    time: str


class ParametersAnswer(msgspec.Struct, frozen=True):
    """A page of versions, newest first; version: the newest there is."""

    items: list[ParameterAnswer]
    version: int
    next_cursor: str | None


class LimitChangeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was set of limits, and what became of it: asked, standing, replaced, reverted (at `expires`) or refused (`code`).

    Attributes:
        scope: venue, firm, group, account or instrument.
        given, before: By name, as they were set and as they stood: lots, counts and minor units.
    """

    number: int
    scope: str
    account_id: str | None
    firm: int | None
    group: int | None
    symbol: str | None
    currency: str | None
    status: str
    given: dict[str, int]
    before: dict[str, int]
    set_by: str
    reason: str
    time: str
    expires: str | None
    sequence: int | None
    code: str | None


class LimitChangesAnswer(msgspec.Struct, frozen=True):
    """A page of changes, newest first."""

    items: list[LimitChangeAnswer]
    next_cursor: str | None


class RiskUpdateAnswer(msgspec.Struct, frozen=True):
    """warning: the use of a limit has passed the line; relief: it is below again; killed (`mode`: all, reduce_only), lifted: of a kill switch.

    rung: an assessment of margin has found the account on another rung (`margin`).
    """

    kind: str
    sequence: int
    time: str
    limit: LimitUse | None
    mode: str | None
    margin: MarginStandingAnswer | None = None


def risk(found: RiskMetrics) -> RiskAnswer:
    """Return the figures of an account."""
    fields = _read(found)
    marks = [
        MarkAnswer(m.symbol, m.price, m.source, m.sequence, m.age_s, m.stale, rfc3339(m.time_ns) if m.time_ns else None)
        for m in found.marks
    ]
    standings = [margin_answers.standing(one) for one in found.engine_margin]
    return RiskAnswer(**fields | {"marks": marks, "engine_margin": standings})


def var(found: ValueAtRisk) -> VarAnswer:
    """Return a value at risk."""
    return VarAnswer(**_read(found))


def stress(found: Stress) -> StressAnswer:
    """Return what scenarios make of an account."""
    return StressAnswer(**_read(found))


def parameter(one: Parameter) -> ParameterAnswer:
    """Return a version."""
    return ParameterAnswer(one.version, one.kind, one.subject, one.value, one.who, one.reason, rfc3339(one.time_ns))


def parameters(page: ParameterPage) -> ParametersAnswer:
    """Return a page of versions."""
    return ParametersAnswer([parameter(one) for one in page.items], page.version, page.next_cursor)


def limit_change(one: LimitChange) -> LimitChangeAnswer:
    """Return what was set of limits."""
    return LimitChangeAnswer(
        number=one.number,
        scope=one.scope,
        account_id=one.account_id,
        firm=one.firm,
        group=one.group,
        symbol=one.symbol,
        currency=one.currency,
        status=one.state,
        given=one.given,
        before=one.before,
        set_by=one.who,
        reason=one.reason,
        time=rfc3339(one.time_ns),
        expires=rfc3339(one.expires_ns) if one.expires_ns else None,
        sequence=one.sequence or None,
        code=one.code or None,
    )


def update(one: RiskUpdate) -> RiskUpdateAnswer:
    """Return one thing that an account's stream says."""
    margin = None if one.margin is None else margin_answers.standing(one.margin)
    return RiskUpdateAnswer(one.kind, one.sequence, rfc3339(one.time_ns), one.limit, one.mode, margin)


def _read(found: Any) -> dict[str, Any]:
    fields: dict[str, Any] = readable(msgspec.structs.asdict(found))
    return fields
