"""What accounts are worth, how that went, in which currency; and the rates, which an admin publishes."""

from quantumcore.contracts.portfolio import (
    GetFxSnapshot,
    GetPerformance,
    GetPortfolio,
    GetValuationHistory,
    GivenRate,
    PublishFxSnapshot,
    ReportingCurrency,
    SetReportingCurrency,
)
from quantumcore.services.gateway import portfolio_answers
from quantumcore.services.gateway.codec import instant
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.money_bodies import (
    FxQuery,
    FxSnapshotBody,
    HistoryQuery,
    PerformanceQuery,
    ReportingBody,
)
from quantumcore.services.gateway.portfolio_answers import (
    FxSnapshotAnswer,
    HistoryAnswer,
    PerformanceAnswer,
    PortfolioAnswer,
)
from quantumcore.services.gateway.request import Call


async def get(gate: Gate, call: Call) -> PortfolioAnswer:
    """Value the account, at one sequence and one snapshot of rates, both named."""
    account = call.caller.account(call.params["id"])
    at_least = gate.own_writes.at_least(account)
    question = GetPortfolio(account=account, at_least=at_least, request_id=call.request_id)
    return portfolio_answers.portfolio(await gate.bus.request(question))


async def history(gate: Gate, call: Call, query: HistoryQuery) -> HistoryAnswer:
    """List what the account was worth, point by point."""
    account = call.caller.account(call.params["id"])
    question = GetValuationHistory(
        account=account,
        from_ns=_time(query.from_, "from"),
        to_ns=_time(query.to, "to"),
        limit=query.limit,
        cursor=query.cursor,
        ascending=query.order == "asc",
        request_id=call.request_id,
    )
    return portfolio_answers.history(await gate.bus.request(question))


async def performance(gate: Gate, call: Call, query: PerformanceQuery) -> PerformanceAnswer:
    """Tell what the account has made: time-weighted return, drawdown, Sharpe ratio."""
    account = call.caller.account(call.params["id"])
    question = GetPerformance(
        account=account,
        from_ns=_time(query.from_, "from"),
        to_ns=_time(query.to, "to"),
        risk_free=query.risk_free,
        request_id=call.request_id,
    )
    return portfolio_answers.performance(await gate.bus.request(question))


async def set_reporting_currency(gate: Gate, call: Call, body: ReportingBody) -> ReportingCurrency:
    """Value the account in another currency from now on."""
    account = call.caller.account(call.params["id"])
    command = SetReportingCurrency(account=account, currency=body.currency, request_id=call.request_id)
    return await gate.bus.request(command)


async def publish_rates(gate: Gate, call: Call, body: FxSnapshotBody) -> FxSnapshotAnswer:
    """Bring a snapshot of exchange rates into force, whole or not at all."""
    command = PublishFxSnapshot(
        snapshot_id=body.snapshot_id,
        source=body.source,
        time_ns=_time(body.time, "time"),
        rates=[
            GivenRate(base=r.base, quote=r.quote, rate=r.rate, numerator=r.numerator, denominator=r.denominator)
            for r in body.rates
        ],
        request_id=call.request_id,
    )
    return portfolio_answers.fx_snapshot(await gate.bus.request(command))


async def rates(gate: Gate, call: Call, query: FxQuery) -> FxSnapshotAnswer:
    """Show the rates in force, or those of a snapshot."""
    question = GetFxSnapshot(snapshot_id=query.snapshot_id, request_id=call.request_id)
    return portfolio_answers.fx_snapshot(await gate.bus.request(question))


def _time(text: str | None, field: str) -> int:
    """Return the nanoseconds of a time; 0 without one."""
    return 0 if text is None else instant(text, field)
