"""Foreign exchange: rates that admins hold for customers, and conversions at them."""

import msgspec

from quantumcore.contracts.ledger_fx import (
    ConvertCurrency,
    GetCurrencyConversion,
    GetQuote,
    GivenQuote,
    OfferQuotes,
)
from quantumcore.contracts.values import check_client_id
from quantumcore.services.gateway.areas.proposals import by_two
from quantumcore.services.gateway.codec import instant, shown
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import named_account
from quantumcore.services.gateway.money_bodies import ConversionBody, QuoteBody, QuotesBody
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer


class QuoteAnswer(msgspec.Struct, frozen=True):
    """A rate that is held: offered, used or expired."""

    quote_id: str
    state: str
    sold: str
    bought: str
    rate: str
    mid: str
    source: str
    time: str
    expires: str
    account_id: str | None


class QuotesAnswer(msgspec.Struct, frozen=True):
    """What was offered, in the order given."""

    items: list[QuoteAnswer]


class ConversionAnswer(msgspec.Struct, frozen=True):
    """What was exchanged. residue: what stayed in the pool, numerator/denominator of a minor unit of `bought`."""

    conversion_id: str
    account_id: str
    quote_id: str
    status: str
    sequence: int
    sold: str
    paid: str
    bought: str
    received: str
    spread: str
    residue: str
    rate: str
    mid: str
    source: str
    rate_time: str
    time: str


async def offer(gate: Gate, call: Call, body: QuotesBody) -> QuotesAnswer | Answer:
    """Hold the rates of one moment for customers, all or none."""
    command = OfferQuotes(
        source=body.source,
        time_ns=instant(body.time, "time"),
        expires_ns=instant(body.expires, "expires"),
        quotes=[_given(one, at) for at, one in enumerate(body.quotes)],
    )
    return await by_two(
        gate, call, command, lambda done: QuotesAnswer([shown(QuoteAnswer, one) for one in done.quotes])
    )


async def quote(gate: Gate, call: Call) -> QuoteAnswer:
    """Show a rate that is held for the account, or for anybody."""
    account = call.caller.account(call.params["id"])
    quote_id = check_client_id(call.params["quote_id"], "quote_id")
    return shown(QuoteAnswer, await gate.bus.request(GetQuote(account=account, quote_id=quote_id)))


async def convert(gate: Gate, call: Call, body: ConversionBody) -> ConversionAnswer:
    """Exchange money at a quote, once; the same id and body answers the same again."""
    account = call.caller.account(call.params["id"])
    command = ConvertCurrency(
        account=account,
        conversion_id=check_client_id(body.conversion_id, "conversion_id"),
        quote_id=check_client_id(body.quote_id, "quote_id"),
        amount=body.amount,
    )
    done = await gate.bus.request(command)
    gate.own_writes.wrote(account, done.sequence)
    return shown(ConversionAnswer, done, status="posted")


async def conversion(gate: Gate, call: Call) -> ConversionAnswer:
    """Look a conversion up by its id."""
    account = call.caller.account(call.params["id"])
    query = GetCurrencyConversion(
        account=account,
        conversion_id=check_client_id(call.params["conversion_id"], "conversion_id"),
        at_least=gate.own_writes.at_least(account),
    )
    return shown(ConversionAnswer, await gate.bus.request(query), status="posted")


def _given(one: QuoteBody, at: int) -> GivenQuote:
    account = named_account(one.account_id, f"quotes[{at}].account_id")
    return GivenQuote(
        quote_id=one.quote_id, sold=one.sold, bought=one.bought, rate=one.rate, mid=one.mid, account=account
    )
