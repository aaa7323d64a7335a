"""A socket without a network: the test holds both ends, and may stop reading whenever it likes."""

import asyncio
import json
from typing import Any

from quantumcore.contracts.market import (
    Book,
    BookChanged,
    BookLevel,
    GetBook,
    GetTicker,
    MarketMoved,
    Ticker,
    TradeTick,
)
from quantumcore.contracts.order_queries import (
    GetAccountOrders,
    GetAccountUpdates,
    OrderHistory,
    OrderPage,
    OrdersChanged,
    OrderUpdate,
    ToldUpdate,
)
from quantumcore.contracts.orders import SubmitOrder
from tests.support.clocks import settle
from tests.support.scripted_rooms import Rooms, order_view
from tests.support.stream_frames import checked
from tests.support.waiting import eventually


class AsgiSocket:
    """One socket of the gateway's application.

    Attributes:
        reading: Cleared, the reader takes nothing: whoever sends to it waits.
        frames: What was read.
        code: The close code, once there is one.
        wrong: What of it is not as /asyncapi.json says.
    """

    def __init__(self, rooms: Rooms) -> None:
        self.reading = asyncio.Event()
        self.reading.set()
        self.frames: list[dict[str, Any]] = []
        self.code: int | None = None
        self.wrong: list[Exception] = []
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._in.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/v1/stream", "headers": [], "client": ("127.0.0.1", 1)}
        self.task = asyncio.ensure_future(rooms.gateway.asgi(scope, self._in.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        await self.reading.wait()
        if message["type"] == "websocket.send":
            frame = json.loads(message["text"])
            self.frames.append(frame)
            try:
                checked(frame)
            except (
                AssertionError,
                KeyError,
            ) as error:  # raised here it would only end the socket: `vanish` tells the test
                self.wrong.append(error)
        elif message["type"] == "websocket.close":
            self.code = message["code"]

    async def say(self, **message: Any) -> dict[str, Any]:
        """Send one message and return the answer to it."""
        assert self.wrong == []
        before = len(self.frames)
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
        await eventually(lambda: any(frame.get("op") == message["op"] for frame in self.frames[before:]))
        return next(frame for frame in self.frames[before:] if frame.get("op") == message["op"])

    def of(self, channel: str) -> list[dict[str, Any]]:
        """Return what was read of a channel."""
        return [frame for frame in self.frames if frame.get("channel") == channel]

    async def vanish(self) -> None:
        """Go without a word."""
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1006})
        await self.task
        assert self.wrong == []


class Market:
    """A market and an account that do what the test wants, told to the gateway as the rooms tell it."""

    def __init__(self, rooms: Rooms, symbol: str = "BTC-USD") -> None:
        self.rooms = rooms
        self.symbol = symbol
        self.sequence = 1
        self.updates: list[OrderUpdate] = []
        self._levels: dict[str, BookLevel] = {}
        self._told = 1
        rooms.answer(GetTicker, lambda _ask: self.ticker())
        rooms.answer(GetBook, lambda _ask: Book(symbol, self.sequence, self._bids(), []))
        rooms.answer(GetAccountOrders, lambda _ask: OrderPage([], None, self.sequence))
        rooms.answer(GetAccountUpdates, self._history)

    def ticker(self) -> Ticker:
        """Return an empty ticker at the sequence of now."""
        return Ticker(self.symbol, self.sequence, None, None, None, None, None, None, None, None, None, "0", 0, 0)

    async def trade(self, count: int = 1) -> None:
        """Tell `count` trades, one notice each."""
        for _ in range(count):
            self.sequence += 1
            tick = TradeTick(f"t-{self.sequence}", self.symbol, "1.00", "1", "buy", self.sequence, 0, 0)
            await self.rooms.bus.publish([MarketMoved(books=[], trades=[tick], sequence=self.sequence)])
            await settle(5)

    async def level(self, price: str, quantity: str) -> None:
        """Tell that a bid level is now `quantity`."""
        before, self.sequence = self.sequence, self.sequence + 1
        level = BookLevel(price, quantity, 1 if quantity != "0" else 0)
        if quantity == "0":
            self._levels.pop(price, None)
        else:
            self._levels[price] = level
        change = BookChanged(self.symbol, before, self.sequence, [level], [])
        await self.rooms.bus.publish([MarketMoved(books=[change], trades=[], sequence=self.sequence)])

    def change(self, account: int = 7) -> OrderUpdate:
        """Let one order of the account change, untold."""
        self.sequence += 1
        command = SubmitOrder(
            account=account,
            client_order_id=f"o-{self.sequence}",
            symbol=self.symbol,
            side="buy",
            type="limit",
            time_in_force="gtc",
            quantity="1",
            price="1.00",
        )
        update = OrderUpdate(account, self.sequence, 0, 0, "accepted", order_view(command, self.sequence))
        self.updates.append(update)
        return update

    async def tell(self, *updates: OrderUpdate) -> None:
        """Tell changes of orders as the orders room does of an account that somebody has asked for."""
        await self._tell([ToldUpdate.of(update) for update in updates])

    async def tell_bare(self, *updates: OrderUpdate) -> None:
        """Tell that there were changes, as the orders room does of any other account."""
        await self._tell([ToldUpdate(update.account, update.sequence, update.index) for update in updates])

    async def _tell(self, told: list[ToldUpdate]) -> None:
        before, self._told = self._told, self.sequence
        await self.rooms.bus.publish([OrdersChanged(updates=told, sequence=self.sequence, prev_sequence=before)])

    def _history(self, ask: GetAccountUpdates) -> OrderHistory:
        found = [one for one in self.updates if one.account == ask.account and one.sequence > ask.after_sequence]
        page = found[: ask.limit]
        reached = page[-1].sequence if len(page) < len(found) else self.sequence
        return OrderHistory(page, reached)

    def _bids(self) -> list[BookLevel]:
        return [self._levels[price] for price in sorted(self._levels, key=float, reverse=True)]
