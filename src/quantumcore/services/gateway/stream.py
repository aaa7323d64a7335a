"""WebSocket /v1/stream: who is connected, who they are, when they must go; and the trading operations of a socket."""

import asyncio
import logging
from collections import Counter
from typing import Any

from starlette.types import Receive, Scope, Send

from quantumcore.contracts.auth import ROLES, AccessChanged, GetApiKeys, GetUser
from quantumcore.contracts.errors import QuantumCoreError, Unauthenticated, Unavailable
from quantumcore.contracts.order_queries import OrdersChanged
from quantumcore.contracts.orders import EndSession
from quantumcore.contracts.risk import RiskWarning
from quantumcore.services.gateway.areas import orders
from quantumcore.services.gateway.bodies import AccountQuery, AmendBody, MassCancelQuery
from quantumcore.services.gateway.codec import rfc3339
from quantumcore.services.gateway.feeds import Feeds
from quantumcore.services.gateway.frames import (
    Auth,
    Heartbeat,
    OrderAmend,
    OrderCancel,
    OrderMassCancel,
    OrderSubmit,
    Status,
    Trading,
    text,
)
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.private import PrivateChannels
from quantumcore.services.gateway.request import Call, SlowBodies
from quantumcore.services.gateway.risk_stream import RiskChannels, RiskSubscription
from quantumcore.services.gateway.session import GOING_AWAY, NORMAL, REVOKED, TRY_LATER, Private, Session

PATH = "/v1/stream"
SWEEP_S = 1.0
AT_A_TIME = 500
FLUSH_S = 1.0

_log = logging.getLogger(__name__)


class Stream:
    """All open sockets.

    Attributes:
        goodbye_s: How long a close code waits for a reader that does not read.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.feeds = Feeds(gate.bus, gate.clock)
        self.private = PrivateChannels()
        self.risk = RiskChannels()
        self.sessions: set[Session] = set()
        self.goodbye_s = gate.settings.ws_dead_s
        self._of_user: Counter[str] = Counter()
        self._of_peer: Counter[str] = Counter()
        self._stopping = False
        self._no_bodies = SlowBodies(0)
        self._empty = asyncio.Event()
        self._checks: set[asyncio.Task[None]] = set()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket from its handshake to its end."""
        message = await receive()
        if message["type"] != "websocket.connect":
            return
        client = scope.get("client")
        peer = self.gate.peers.address(client[0] if client else "", dict(scope["headers"]))
        refused = self._refusal(peer)
        if scope["path"] != PATH or refused:
            if scope["path"] == PATH:
                await send({"type": "websocket.accept"})
                self.gate.metrics.closed.labels(str(TRY_LATER)).inc()
            await send({"type": "websocket.close", "code": TRY_LATER if refused else NORMAL, "reason": refused})
            return
        session = Session(self, self.gate.clock.token(8).hex(), peer, receive, send)
        self.sessions.add(session)
        self._of_peer[peer] += 1
        self.gate.metrics.connections.inc()
        try:
            await session.run()
        except Exception:  # noqa: BLE001  # the dispatcher of sockets: a defect ends this one, the others go on
            _log.exception("a socket failed")
        finally:
            self.sessions.discard(session)
            self._uncount(session)
            self.gate.metrics.connections.dec()
            if not self.sessions:
                self._empty.set()
        await self._end_orders(session)

    async def authenticate(self, session: Session, auth: Auth) -> None:
        """Learn who a socket is; another user may not take it over.

        Raises:
            Unauthenticated: The credentials are not good, or another user's.
        """
        identities = self.gate.identities
        try:
            if auth.token:
                caller = await identities.token(auth.token, session.peer)
            else:
                headers = {
                    b"qc-key": auth.key.encode(),
                    b"qc-timestamp": auth.timestamp.encode(),
                    b"qc-recv-window": auth.recv_window.encode(),
                    b"qc-signature": auth.signature.encode(),
                }
                caller = await identities.signed(headers, session.peer, method="GET", path=PATH, query="", body=b"")
            if auth.cancel_on_disconnect:
                caller.need("trade")
        except Unauthenticated:
            await self.gate.limits.peer(session.peer)
            raise
        user = caller.identity.user_id
        if session.caller is None:
            self._of_peer[session.peer] -= 1
            self._of_user[user] += 1
            session.caller = caller
            if self._of_user[user] > self.gate.settings.ws_per_user:
                session.close(TRY_LATER, "too many connections of this user")
        elif session.caller.identity.user_id != user:
            raise Unauthenticated(detail="the socket is another user's")
        session.token = auth.token
        session.cancel_on_disconnect = auth.cancel_on_disconnect
        session.drop_accounts_but(caller)

    async def trade(self, session: Session, heard: Trading) -> Any:
        """Do one trading operation exactly as REST does it, with the same allowances.

        Raises:
            QuantumCoreError: As the handler of REST raises it.
        """
        gate, caller = self.gate, session.caller
        if caller is None:
            raise Unauthenticated(detail="say who you are first")
        if self._stopping:
            raise Unavailable("unavailable", "the venue is shutting down", retry_after=1.0)
        scope = {"method": "WS", "path": PATH, "query_string": b"", "headers": []}
        call = Call(scope, _nothing, "", gate.settings, self._no_bodies)
        call.identify(caller)
        call.session, call.ends_orders = session.number, session.cancel_on_disconnect
        cancels = isinstance(heard, OrderCancel | OrderMassCancel)
        await (gate.limits.cancels if cancels else gate.limits.user)(caller.key)
        caller.need("trade")
        match heard:
            case OrderSubmit(data=body):
                if session.cancel_on_disconnect or body.cancel_on_disconnect:
                    session.traded.add(caller.account(body.account_id))
                return await orders.submit(gate, call, body)
            case OrderCancel(data=name):
                call.params = {"id": name.order_id}
                return await orders.cancel(gate, call, AccountQuery(account_id=name.account_id))
            case OrderAmend(data=change):
                call.params = {"id": change.order_id}
                changed = AmendBody(
                    quantity=change.quantity,
                    price=change.price,
                    stop_price=change.stop_price,
                    display=change.display,
                    account_id=change.account_id,
                )
                return await orders.amend(gate, call, changed)
            case OrderMassCancel(data=which):
                query = MassCancelQuery(account_id=which.account_id, symbol=which.symbol, side=which.side)
                return await orders.mass_cancel(gate, call, query)

    def on_orders(self, change: OrdersChanged) -> None:
        """Spread a notice of the orders room; who lost something before it reads it up."""
        for subscription in self.private.on_orders(change):
            for session in self.sessions:
                if subscription in session.private.values():
                    session.replay(subscription)

    def on_risk(self, warning: RiskWarning) -> None:
        """Spread a notice of the risk room; who lost something before it reads it up."""
        for subscription in self.risk.on_risk(warning):
            for session in self.sessions:
                if subscription in session.private.values():
                    session.replay(subscription)

    def join(self, subscription: Private) -> None:
        """Hand a private subscription what happens from now on."""
        if isinstance(subscription, RiskSubscription):
            self.risk.add(subscription)
        else:
            self.private.add(subscription)

    def leave(self, subscription: Private) -> None:
        """Hand it nothing any more."""
        if isinstance(subscription, RiskSubscription):
            self.risk.remove(subscription)
        else:
            self.private.remove(subscription)

    def on_access(self, change: AccessChanged) -> None:
        """Close revoked sessions at once; ask anew about the user's others."""
        for session in tuple(self.sessions):
            if session.caller is None or session.caller.identity.user_id != change.user_id:
                continue
            if session.caller.identity.session_id in change.revoked_sessions:
                session.close(REVOKED, "session revoked")
            else:
                task = asyncio.ensure_future(self._check(session))
                self._checks.add(task)
                task.add_done_callback(self._checks.discard)

    async def beat(self) -> None:
        """Tell quiet sockets that we live, end those whose proof has run out or who take nothing; for ever."""
        settings, clock = self.gate.settings, self.gate.clock
        while True:
            await clock.sleep(SWEEP_S)
            now, heartbeat = clock.monotonic(), text(Heartbeat(time=self.now()))
            for number, session in enumerate(tuple(self.sessions)):
                if session.caller is not None and clock.now() >= session.caller.identity.expires_ns:
                    session.close(REVOKED, "the token has expired")
                elif session.sending_since is not None and now - session.sending_since > settings.ws_dead_s:
                    session.close(GOING_AWAY, "nothing was read for too long")
                elif session.sending_since is None and now - session.said_at >= settings.ws_heartbeat_s:
                    session.outbox.offer(heartbeat)
                if number % AT_A_TIME == AT_A_TIME - 1:
                    await clock.sleep(0)

    async def stop(self) -> None:
        """Take no new sockets, tell the open ones, close them with 1001; slow readers get a moment."""
        self._stopping = True
        self.goodbye_s = FLUSH_S
        goodbye = text(Status(event="shutting_down"))
        for session in self.sessions:
            session.outbox.offer(goodbye)
        try:
            async with asyncio.timeout(FLUSH_S):
                while any(  # noqa: ASYNC110  # what ends is any of many, not one event
                    len(session.outbox) or session.sending_since is not None for session in self.sessions
                ):
                    await asyncio.sleep(TICK_S)
        except TimeoutError:
            pass
        self._empty.clear()
        for session in tuple(self.sessions):
            session.close(GOING_AWAY, "shutting down")
        try:
            async with asyncio.timeout(2 * FLUSH_S):
                while self.sessions:
                    await self._empty.wait()
        except TimeoutError:
            _log.warning("%d sockets did not end in time", len(self.sessions))

    def now(self) -> str:
        """Return the venue's time as text."""
        return rfc3339(self.gate.clock.now())

    def _refusal(self, peer: str) -> str:
        settings = self.gate.settings
        if self._stopping:
            return "shutting down"
        if len(self.sessions) >= settings.ws_connections:
            return "too many connections"
        if self._of_peer[peer] >= settings.ws_per_peer:
            return "too many connections of this address"
        return ""

    def _uncount(self, session: Session) -> None:
        counter, key = (
            (self._of_peer, session.peer)
            if session.caller is None
            else (self._of_user, session.caller.identity.user_id)
        )
        counter[key] -= 1
        for counts in (self._of_peer, self._of_user):
            if counts.get(key, 1) <= 0:
                del counts[key]

    async def _check(self, session: Session) -> None:
        try:
            if not session.token:
                await self._check_key(session)
                return
            caller = await self.gate.identities.token(session.token, session.peer)
        except Unauthenticated:
            session.close(REVOKED, "session revoked")
        except QuantumCoreError:  # auth is gone: what it can no longer vouch for ends, the client comes back
            session.close(TRY_LATER, "access cannot be verified now")
        else:
            session.drop_accounts_but(caller)

    async def _check_key(self, session: Session) -> None:
        """Ask whether all that a signed socket may do is still granted: its signature is good for one time only.

        Raises:
            Unauthenticated: Something is not: the client signs again and learns what is left.
        """
        assert session.caller is not None, "only who was identified is asked about"
        identity = session.caller.identity
        keys = await self.gate.bus.request(GetApiKeys(user_id=identity.user_id))
        user = await self.gate.bus.request(GetUser(user_id=identity.user_id))
        live = any(key.key_id == identity.session_id and not key.revoked for key in keys.items)
        scopes = {scope for role in user.roles for scope in ROLES.get(role, ())}
        accounts = {str(account) for account in identity.accounts}
        granted = scopes.issuperset(identity.scopes) and accounts.issubset(user.account_ids)
        if user.disabled or not live or not granted:
            raise Unauthenticated(detail="access changed")

    async def _end_orders(self, session: Session) -> None:
        """End the orders that were to go with the socket; gtc ones were not."""
        for account in sorted(session.traded):
            try:
                await self.gate.bus.request(EndSession(account=account, session=session.number))
            except QuantumCoreError as error:
                _log.warning("cancel on disconnect failed: %s", error.code)


TICK_S = 0.01


async def _nothing() -> Any:
    return {"type": "http.disconnect"}
