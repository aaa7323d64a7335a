"""Taxes: their records, documents that are charged once, remittances, and the report."""

from functools import partial

import msgspec

from quantumcore.contracts.ledger_tax import (
    ChargeTax,
    GetTaxDocument,
    GetTaxes,
    GetTaxReport,
    RemitTax,
    SetTax,
    TaxDocument,
    TaxDueView,
    TaxedLine,
    TaxReportLine,
)
from quantumcore.contracts.values import check_client_id
from quantumcore.services.gateway.areas.books import TransactionAnswer, posted
from quantumcore.services.gateway.areas.ledger import REPORT_S, attachment
from quantumcore.services.gateway.areas.proposals import by_two
from quantumcore.services.gateway.codec import shown
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.money_bodies import RemittanceBody, TaxBody, TaxDocumentBody, TaxReportQuery
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer, Encoded


class TaxAnswer(msgspec.Struct, frozen=True):
    """A tax as it is in force."""

    code: str
    rate: str
    mode: str
    upon: list[str]
    version: int
    since: str


class TaxesAnswer(msgspec.Struct, frozen=True):
    """All taxes, by code."""

    items: list[TaxAnswer]


class TaxDocumentAnswer(msgspec.Struct, frozen=True):
    """A document whose taxes were charged."""

    document_id: str
    status: str
    sequence: int
    account_id: str
    currency: str
    effective_date: str
    period: str
    cumulative: bool
    taxes: list[TaxDueView]
    time: str


class TaxReportAnswer(msgspec.Struct, frozen=True, rename={"begin": "from", "end": "to"}):
    """Tax by period, code and currency; months from and to are included. complete: true, and the last thing in it."""

    begin: str
    end: str
    as_known: int
    lines: list[TaxReportLine]
    complete: bool


async def listing(gate: Gate, _call: Call) -> TaxesAnswer:
    """List the taxes in force."""
    return TaxesAnswer([shown(TaxAnswer, one) for one in (await gate.bus.request(GetTaxes())).items])


async def set_tax(gate: Gate, call: Call, body: TaxBody) -> TaxAnswer | Answer:
    """Bring a tax into force, for documents from now on."""
    command = SetTax(code=call.params["code"], rate=body.rate, mode=body.mode, upon=body.upon)
    return await by_two(gate, call, command, partial(shown, TaxAnswer))


async def charge(gate: Gate, call: Call, body: TaxDocumentBody) -> TaxDocumentAnswer | Answer:
    """Charge the taxes of a document, once; the same id and body answers the same again."""
    command = ChargeTax(
        document_id=check_client_id(body.document_id, "document_id"),
        account=account_number(body.account_id, "account_id"),
        currency=body.currency,
        lines=[TaxedLine(amount=one.amount, taxes=one.taxes) for one in body.lines],
        effective_date=body.effective_date or "",
        cumulative=body.cumulative,
    )
    return await by_two(gate, call, command, partial(_charged, gate))


async def get(gate: Gate, call: Call) -> TaxDocumentAnswer:
    """Look a document up by its id."""
    name = check_client_id(call.params["id"], "document_id")
    return shown(TaxDocumentAnswer, await gate.bus.request(GetTaxDocument(document_id=name)))


async def remit(gate: Gate, call: Call, body: RemittanceBody) -> TransactionAnswer | Answer:
    """Pay what is owed to an authority from the bank, once."""
    command = RemitTax(
        remittance_id=check_client_id(body.remittance_id, "remittance_id"),
        currency=body.currency,
        amount=body.amount,
        text=body.text,
    )
    return await by_two(gate, call, command, partial(posted, gate))


async def report(gate: Gate, _call: Call, query: TaxReportQuery) -> Encoded:
    """Show tax by period and code."""
    asked = GetTaxReport(begin=query.begin, end=query.end, as_known=query.as_known, form=query.format)
    found = await gate.bus.request(asked, deadline_s=REPORT_S)
    headers = attachment(f"tax-{query.begin}-{query.end}", query.format)
    return Encoded(found.body, content_type=found.media_type.encode(), headers=headers)


def _charged(gate: Gate, done: TaxDocument) -> TaxDocumentAnswer:
    gate.own_writes.wrote(int(done.account_id), done.sequence)
    return shown(TaxDocumentAnswer, done)
