"""Market data for everybody: books, trades, tickers. An answer may be given again until the symbol's next event."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from quantumcore.contracts.errors import NotFound
from quantumcore.contracts.market import (
    Book,
    GetAuction,
    GetBook,
    GetBook3,
    GetMarketStatus,
    GetTicker,
    GetTickers,
    GetTrades,
)
from quantumcore.contracts.messages import Request
from quantumcore.contracts.values import is_symbol
from quantumcore.services.gateway import market_answers
from quantumcore.services.gateway.answer_cache import ANY
from quantumcore.services.gateway.bodies import BookQuery, PageQuery
from quantumcore.services.gateway.codec import encode
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.market_answers import TickersAnswer, TradePageAnswer
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Encoded

R = TypeVar("R")
DEFAULT_DEPTH = {1: 1, 2: 50, 3: 500}


async def book(gate: Gate, call: Call, query: BookQuery) -> Encoded:
    """Show the book: best prices, by price, or order by order."""
    symbol = symbol_of(call)
    depth = query.depth or DEFAULT_DEPTH[query.level]
    at_least = gate.own_writes.at_least_symbol(symbol)

    async def ask() -> Any:
        if query.level == 3:
            return await gate.bus.request(GetBook3(symbol=symbol, depth=depth, at_least=at_least))
        found: Book = await gate.bus.request(
            GetBook(symbol=symbol, depth=1 if query.level == 1 else depth, at_least=at_least)
        )
        return found

    return await _cached(gate, call, symbol, ask)


async def trades(gate: Gate, call: Call, query: PageQuery) -> Encoded:
    """List the symbol's trades, newest first."""
    symbol = symbol_of(call)
    at_least = gate.own_writes.at_least_symbol(symbol)

    async def ask() -> TradePageAnswer:
        request = GetTrades(symbol=symbol, limit=query.limit, cursor=query.cursor, at_least=at_least)
        page = await gate.bus.request(request)
        return TradePageAnswer([market_answers.trade(one) for one in page.items], page.next_cursor, page.sequence)

    return await _cached(gate, call, symbol, ask)


async def ticker(gate: Gate, call: Call) -> Encoded:
    """Show best prices, last trade and the rolling 24 hours."""
    return await _one(gate, call, GetTicker, market_answers.ticker)


async def tickers(gate: Gate, call: Call) -> Encoded:
    """Show every symbol's ticker."""

    async def ask() -> TickersAnswer:
        found = await gate.bus.request(GetTickers())
        return TickersAnswer([market_answers.ticker(one) for one in found.items], found.sequence)

    return await _cached(gate, call, ANY, ask)


async def auction(gate: Gate, call: Call) -> Encoded:
    """Show what a call would trade now, and the last auction."""
    return await _one(gate, call, GetAuction, market_answers.auction)


async def status(gate: Gate, call: Call) -> Encoded:
    """Show the phase, why it is that one, and whether trading is held at a band."""
    return await _one(gate, call, GetMarketStatus, market_answers.status)


def symbol_of(call: Call) -> str:
    """Return the path's symbol; what has not the form of one is unknown without asking anybody."""
    symbol = call.params["symbol"]
    if not is_symbol(symbol):
        raise NotFound("instrument.not_found", "instrument not found", field="symbol")
    return symbol


async def _one(gate: Gate, call: Call, question: Callable[..., Request[R]], shown: Callable[[R], Any]) -> Encoded:
    """Answer what is asked of one symbol alone."""
    symbol = symbol_of(call)
    at_least = gate.own_writes.at_least_symbol(symbol)

    async def ask() -> Any:
        return shown(await gate.bus.request(question(symbol=symbol, at_least=at_least)))

    return await _cached(gate, call, symbol, ask)


async def _cached(gate: Gate, call: Call, symbol: str, ask: Callable[[], Awaitable[Any]]) -> Encoded:
    msgpack = call.wants_msgpack
    kept = gate.answers.get(symbol, call.path, call.query_raw, msgpack)
    if kept is not None:
        gate.metrics.cache_hits.inc()
        return Encoded(kept)
    version = gate.answers.version(symbol)
    body = encode(await ask(), msgpack=msgpack)
    gate.answers.put(symbol, call.path, call.query_raw, msgpack, version, body)
    return Encoded(body)
