"""The ledger's reports: statements as they are read, and what only administrators see of the house."""

# ruff: noqa: ARG001  # every handler is called with (gate, call, ...), whether it needs both or not

from collections.abc import AsyncGenerator
from contextlib import suppress

from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.ledger import GetTrialBalance, TrialBalance
from quantumcore.contracts.ledger_reports import (
    ClientMoney,
    CloseExport,
    GetClientMoney,
    GetGeneralLedger,
    GetIncome,
    GetReconciliation,
    OpenExport,
    ReadExport,
)
from quantumcore.services.gateway import money_answers
from quantumcore.services.gateway.errors import require
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.money_answers import GeneralAnswer, IncomeAnswer, ReconciliationAnswer
from quantumcore.services.gateway.money_bodies import (
    GeneralQuery,
    KnownQuery,
    LinesQuery,
    RangeQuery,
    ReconciliationQuery,
    TrialQuery,
)
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Encoded, Streamed

REPORT_S = 10.0  # a report may look at much; it holds nobody up
CODE_DIGITS = 3


async def statement(gate: Gate, call: Call, query: LinesQuery) -> Encoded | Streamed:
    """Show an account's statement: opening balances, every line with its running balance, closing balances.

    It is sent as it is made. Whole is only what ends: JSON with "complete": true, CSV with rows of kind closing.
    """
    account = call.caller.account(call.params["id"])
    at_least = gate.own_writes.at_least(account)
    return await _export(gate, query, f"statement-{account}", account=account, at_least=at_least)


async def entries(gate: Gate, call: Call, query: LinesQuery) -> Encoded | Streamed:
    """Show every posting of one account code of the house, or of all customers together, as a statement does."""
    text = call.params["code"]
    fits = text.isascii() and text.isdigit() and len(text) <= CODE_DIGITS and int(text) > 0
    require(fits, "code", "code is no account code", actual=text)
    return await _export(gate, query, f"ledger-{int(text)}", code=int(text))


async def trial_balance(gate: Gate, call: Call, query: TrialQuery) -> TrialBalance:
    """Show debits, credits and balance of every account code, at any sequence, or of what is effective up to a day."""
    asked = GetTrialBalance(as_of=query.as_of or "", as_known=query.as_known)
    return await gate.bus.request(asked, deadline_s=REPORT_S)


async def general(gate: Gate, call: Call, query: GeneralQuery) -> GeneralAnswer:
    """Show opening, movements and closing of every account code."""
    asked = GetGeneralLedger(code=query.code, begin=query.begin, end=query.end, as_known=query.as_known)
    return money_answers.general(await gate.bus.request(asked, deadline_s=REPORT_S))


async def income(gate: Gate, call: Call, query: RangeQuery) -> IncomeAnswer:
    """Show what the house has earned in a range: fees, less rebates, the spread of conversions, and rounding."""
    asked = GetIncome(begin=query.begin, end=query.end, as_known=query.as_known)
    return money_answers.income(await gate.bus.request(asked, deadline_s=REPORT_S))


async def client_money(gate: Gate, call: Call, query: KnownQuery) -> ClientMoney:
    """Show what lies at banks and custodians against what customers are owed."""
    return await gate.bus.request(GetClientMoney(as_known=query.as_known), deadline_s=REPORT_S)


async def reconciliation(gate: Gate, call: Call, query: ReconciliationQuery) -> ReconciliationAnswer:
    """Show where ledger, engine, trades and positions differ, and since when."""
    found = await gate.bus.request(GetReconciliation(now=query.now), deadline_s=REPORT_S)
    return money_answers.reconciliation(found)


def attachment(name: str, form: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers of a report that is kept as a file; JSON is shown."""
    return () if form == "json" else ((b"content-disposition", f'attachment; filename="{name}.{form}"'.encode()),)


async def _export(
    gate: Gate, query: LinesQuery, name: str, *, account: int = 0, code: int = 0, at_least: int = 0
) -> Encoded | Streamed:
    opened = await gate.bus.request(
        OpenExport(
            account=account,
            code=code,
            begin=query.begin,
            end=query.end,
            currency=query.currency or "",
            as_known=query.as_known,
            form=query.format,
            at_least=at_least,
        ),
        deadline_s=REPORT_S,
    )
    kind = opened.media_type.encode()
    headers = attachment(f"{name}-{opened.begin}-{opened.end}", query.format)
    first = await gate.bus.request(ReadExport(export=opened.export), deadline_s=REPORT_S)
    if first.last:
        return Encoded(first.body, content_type=kind, headers=headers)
    return Streamed(first.body, _rest(gate, opened.export), kind, headers)


async def _rest(gate: Gate, export: str) -> AsyncGenerator[bytes, None]:
    """Yield the parts after the first; whoever leaves early closes the export."""
    whole = False
    try:
        while not whole:
            part = await gate.bus.request(ReadExport(export=export), deadline_s=REPORT_S)
            whole = part.last
            yield part.body
    finally:
        if not whole:
            with suppress(QuantumCoreError):
                await gate.bus.request(CloseExport(export=export))
