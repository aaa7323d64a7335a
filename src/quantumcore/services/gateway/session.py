"""One socket: what it hears, what it may, what waits for it. A reader that is slow costs only itself."""

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Send

from quantumcore.contracts.errors import (
    InvalidCommand,
    NotFound,
    QuantumCoreError,
    RateLimited,
    Unauthenticated,
)
from quantumcore.services.gateway.codec import Decoder
from quantumcore.services.gateway.errors import problem
from quantumcore.services.gateway.frames import (
    Auth,
    Channel,
    Connected,
    FeedName,
    Heard,
    Ping,
    Said,
    Status,
    Subscribe,
    Unsubscribe,
    text,
)
from quantumcore.services.gateway.identity import Caller
from quantumcore.services.gateway.market_feeds import Feed
from quantumcore.services.gateway.outbox import Outbox
from quantumcore.services.gateway.private import PrivateSubscription
from quantumcore.services.gateway.risk_stream import RiskSubscription

if TYPE_CHECKING:
    from quantumcore.services.gateway.stream import Stream

NORMAL = 1000
GOING_AWAY = 1001
TOO_BIG = 1009
TRY_LATER = 1013
REVOKED = 4001
TOO_SLOW = 4008

Private = PrivateSubscription | RiskSubscription
_heard: Decoder[Heard] = Decoder(Heard)


class Session:
    """One open socket.

    Attributes:
        number: What the engine knows it by; orders that end with it carry it.
        caller: Who it is, once it said so.
        traded: Accounts for which it has sent orders that may end with it.
        token: What proves it, to be asked again when access changes.
        said_at, sending_since: Monotonic seconds of the last frame, and of one that the reader has not taken yet.
    """

    def __init__(self, stream: "Stream", session_id: str, peer: str, receive: Receive, send: Send) -> None:
        settings = stream.gate.settings
        self.peer = peer
        self.number = int.from_bytes(stream.gate.clock.token(4), "little") or 1
        self.traded: set[int] = set()
        self.caller: Caller | None = None
        self.token = ""
        self.cancel_on_disconnect = False
        self.said_at = stream.gate.clock.monotonic()
        self.sending_since: float | None = None
        self.outbox = Outbox(settings.ws_queue_frames, settings.ws_queue_bytes, stream.gate.metrics.buffer_bytes)
        self.feeds: dict[str, Feed] = {}
        self.private: dict[str, Private] = {}
        self._id = session_id
        self._stream = stream
        self._receive = receive
        self._send = send
        self._missed: dict[Feed, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._window = (0, 0)
        self._closing: tuple[int, str] | None = None
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Serve until either side has enough; afterwards nothing of it is left."""
        await self._send({"type": "websocket.accept"})
        reader, writer, ended = (
            asyncio.ensure_future(step) for step in (self._listen(), self._write(), self._ended.wait())
        )
        try:
            await asyncio.wait({reader, writer, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = {reader, writer, ended, *self._tasks}
            for task in tasks:
                task.cancel()
            self.release()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        if self._closing is not None:
            await self._say_goodbye(*self._closing)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, OSError):
                raise result

    def close(self, code: int, reason: str) -> None:
        """End it from our side; what waits is dropped at once, the code is said as soon as the reader takes it."""
        if self._closing is None:
            self._closing = (code, reason)
            self._stream.gate.metrics.closed.labels(str(code)).inc()
            self.release()
            self._ended.set()

    def release(self) -> None:
        """Leave all channels and free what waits; a second time does nothing."""
        for feed in self.feeds.values():
            self._stream.feeds.unsubscribe(self, feed)
        for subscription in self.private.values():
            self._stream.leave(subscription)
        self._stream.gate.metrics.subscriptions.dec(len(self.feeds) + len(self.private))
        self.feeds.clear()
        self.private.clear()
        self._missed.clear()
        self.outbox.close()

    # -------------------------------------------------------------------------------------------- saying

    def say(self, frame: Any) -> None:
        """Say something that is neither public data nor private; a reader that is full loses the socket."""
        self.hear_private(text(frame))

    def hear(self, feed: Feed, frame: str) -> None:
        """Take a public frame, or count it as missed; once one was missed, the rest is told as a new state later."""
        if feed in self._missed or not self.outbox.offer(frame):
            self._missed[feed] = self._missed.get(feed, 0) + 1
            self._stream.gate.metrics.conflated.inc()

    def hear_private(self, frame: str) -> None:
        """Take a private frame; a full queue ends the socket, and the client resumes where it was."""
        if not self.outbox.offer(frame) and not self.outbox.closed:
            self.close(TOO_SLOW, "too slow; resume with from_seq")

    async def keep_pace(self) -> None:
        """Return once a replay may go on."""
        await self.outbox.wait_half_empty()

    async def _write(self) -> None:
        clock = self._stream.gate.clock
        while True:
            frame = await self.outbox.take()
            self.sending_since = clock.monotonic()
            await self._send({"type": "websocket.send", "text": frame})
            self.said_at, self.sending_since = clock.monotonic(), None
            if self._missed and self.outbox.half_empty:
                self._catch_up()

    def _catch_up(self) -> None:
        for feed, dropped in list(self._missed.items()):
            of = FeedName(channel=feed.name, symbol=feed.symbol)
            if not self.outbox.offer(text(Status(event="conflated", of=of, dropped=dropped))):
                return
            state = feed.state()
            if state is not None and not self.outbox.offer(state):
                return
            del self._missed[feed]

    async def _say_goodbye(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(self._stream.goodbye_s):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except (TimeoutError, OSError):
            return

    # ------------------------------------------------------------------------------------------- hearing

    async def _listen(self) -> None:
        settings = self._stream.gate.settings
        while True:
            message: Any = await self._receive()
            if message["type"] != "websocket.receive":
                return
            data = message.get("text")
            raw: bytes = data.encode() if data is not None else message.get("bytes") or b""
            if len(raw) > settings.ws_message_bytes:
                self.close(TOO_BIG, "message too long")
                return
            await self._answer(raw)

    async def _answer(self, raw: bytes) -> None:
        op, message_id = "", None
        try:
            self._count()
            heard: Heard = _heard.decode(raw)
            op, message_id = str(heard.__struct_config__.tag), heard.id
            await self._obey(heard, op)
        except QuantumCoreError as error:
            self.say(Said(op=op, id=message_id, ok=False, error=problem(error, self._id)))

    async def _obey(self, heard: Heard, op: str) -> None:
        match heard:
            case Auth():
                await self._stream.authenticate(self, heard)
                self.say(Said(op=op, id=heard.id, ok=True, data=Connected(session=self.number)))
            case Ping():
                self.say(Said(op=op, id=heard.id, ok=True, data=self._stream.now()))
            case Subscribe():
                for channel in heard.channels:
                    await self._subscribe_one(channel, heard.id, op)
            case Unsubscribe():
                for channel in heard.channels:
                    self._unsubscribe_one(channel, heard.id, op)
            case _:
                self.say(Said(op=op, id=heard.id, ok=True, data=await self._stream.trade(self, heard)))

    def _count(self) -> None:
        limit = self._stream.gate.settings.ws_messages_per_s
        second = int(self._stream.gate.clock.monotonic())
        spent = self._window[1] + 1 if self._window[0] == second else 1
        self._window = (second, spent)
        if spent > limit:
            raise RateLimited("rate.limited", f"over {limit} messages per second", limit=str(limit), retry_after=1.0)

    # -------------------------------------------------------------------------------------- subscriptions

    async def _subscribe_one(self, channel: Channel, message_id: int | str | None, op: str) -> None:
        if len(self.feeds) + len(self.private) >= self._stream.gate.settings.ws_subscriptions:
            self.close(TRY_LATER, "too many subscriptions")
            return
        try:
            if channel.is_private:
                await self._subscribe_private(channel, message_id, op)
            else:
                await self._subscribe_public(channel, message_id, op)
        except QuantumCoreError as error:
            refused = problem(error, self._id)
            self.say(Said(op=op, id=message_id, ok=False, channel=channel.shown(), error=refused))

    async def _subscribe_public(self, channel: Channel, message_id: int | str | None, op: str) -> None:
        name = channel.key
        feed = self.feeds.get(name)
        if feed is None:
            feed = await self._stream.feeds.subscribe(self, channel)
            if self.outbox.closed:
                self._stream.feeds.unsubscribe(self, feed)
                return
            self.feeds[name] = feed
            self._stream.gate.metrics.subscriptions.inc()
        self.say(Said(op=op, id=message_id, ok=True, channel=channel.shown(), seq=feed.seq))
        state = feed.state()
        if state is not None:
            self.hear(feed, state)

    async def _subscribe_private(self, channel: Channel, message_id: int | str | None, op: str) -> None:
        if self.caller is None:
            raise Unauthenticated(detail='say who you are first: {"op":"auth","token":…}')
        self.caller.need("read")
        account = self.caller.account(channel.account_id)
        name = f"{channel.name}:{account}"
        if name in self.private:
            raise InvalidCommand("request.invalid", "subscribed already", field="name", actual=channel.name)
        kind = RiskSubscription if channel.name == "risk" else PrivateSubscription
        subscription: Private = kind(channel, account, self, self._stream.gate.bus)
        self._stream.join(subscription)
        self.private[name] = subscription
        self._stream.gate.metrics.subscriptions.inc()
        try:
            start = await subscription.find_start()
        except BaseException:
            self._drop_private(name)
            raise
        self.say(Said(op=op, id=message_id, ok=True, channel=channel.shown(), seq=start))
        self.replay(subscription)

    def replay(self, subscription: Private) -> None:
        """Let `subscription` read up what it missed, beside everything else."""
        task = asyncio.ensure_future(self._replay(subscription))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replay(self, subscription: Private) -> None:
        try:
            if not await subscription.replay(self._stream.gate.settings.ws_replay_pages):
                self.close(TRY_LATER, "too far behind: page through /v1/orders first")
        except QuantumCoreError:  # its room is gone: the client resumes by from_seq, nothing is skipped
            room = "risk" if isinstance(subscription, RiskSubscription) else "orders"
            self.close(TRY_LATER, f"{room} unavailable; resume with from_seq")

    def _unsubscribe_one(self, channel: Channel, message_id: int | str | None, op: str) -> None:
        try:
            self._leave(channel)
        except QuantumCoreError as error:
            refused = problem(error, self._id)
            self.say(Said(op=op, id=message_id, ok=False, channel=channel.shown(), error=refused))
        else:
            self.say(Said(op=op, id=message_id, ok=True, channel=channel.shown()))

    def _leave(self, channel: Channel) -> None:
        feed = self.feeds.pop(channel.key, None)
        if feed is not None:
            self._stream.feeds.unsubscribe(self, feed)
            self._missed.pop(feed, None)
            self._stream.gate.metrics.subscriptions.dec()
        if channel.is_private and self.caller is not None:
            self._drop_private(f"{channel.name}:{self.caller.account(channel.account_id)}")

    def drop_accounts_but(self, caller: Caller) -> None:
        """Go on as `caller` is now: channels of accounts that are no longer his end."""
        self.caller = caller
        for name, subscription in list(self.private.items()):
            try:
                caller.need("read")
                caller.account(str(subscription.account))
            except (QuantumCoreError, NotFound) as error:
                self._drop_private(name)
                gone = problem(error, self._id)
                self.say(Said(op="subscribe", id=None, ok=False, channel=subscription.channel.shown(), error=gone))

    def _drop_private(self, name: str) -> None:
        subscription = self.private.pop(name, None)
        if subscription is not None:
            self._stream.leave(subscription)
            self._stream.gate.metrics.subscriptions.dec()
