"""Who a request is: `Authorization: Bearer <token>`, or an API key's signature over the request; else nobody.

Which check failed stands in auth's log, never in the answer. A verified token is believed for a second at most and
forgotten at once when auth tells of a change; a signature is good for one request and is asked every time.
"""

from collections import OrderedDict
from typing import NamedTuple

from quantumcore.contracts.auth import AccessChanged, Identity, VerifySignature, VerifyToken
from quantumcore.contracts.errors import Forbidden, NotFound, OutcomeUnknown, Unauthenticated, Unavailable
from quantumcore.contracts.values import AccountId
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.services.gateway.errors import require
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.settings import GatewaySettings

BEARER = b"Bearer "
MAX_TOKEN = 32_768
MAX_HEADER = 512
DEFAULT_RECV_WINDOW = "5000"
MAX_ACCOUNT = 2**32 - 1


class Caller(NamedTuple):
    """A verified user, and how he proved it.

    Attributes:
        key: What his allowances are counted under.
        by_key: Whether an API key signed the request; keys do not manage users, passwords and keys.
    """

    identity: Identity
    key: str
    by_key: bool

    def need(self, scope: str) -> None:
        """Raise Forbidden unless the caller has `scope`, or one of several: "read or trade"."""
        if scope not in self.identity.scopes and not set(scope.split(" or ")) & set(self.identity.scopes):
            raise Forbidden("auth.forbidden", f"this needs the scope {scope!r}", limit=scope)

    def need_session(self) -> None:
        """Raise Forbidden when an API key asks: a key must not make itself stronger."""
        if self.by_key:
            raise Forbidden("auth.forbidden", "this needs a log-in; API keys may not do it")

    def account(self, text: str | None) -> AccountId:
        """Return the account that `text` names, or the caller's only one.

        Raises:
            InvalidCommand: No account is named and there is not exactly one.
            NotFound: `account.not_found`: unknown, or not granted; no hint which.
        """
        accounts = self.identity.accounts
        if text is None:
            require(
                len(accounts) == 1, "account_id", "account_id is needed: the caller does not have exactly one account"
            )
            return AccountId(accounts[0])
        if text.isascii() and text.isdigit() and len(text) <= 10 and text[0] != "0":
            account = int(text)
            if account in accounts or (self.identity.is_admin and account <= MAX_ACCOUNT):
                return AccountId(account)
        raise NotFound("account.not_found", "account not found", field="account_id")


def account_number(text: str, field: str) -> AccountId:
    """Return the account that `text` spells, whoever it belongs to.

    Raises:
        InvalidCommand: It is no account id.
    """
    fits = text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= MAX_ACCOUNT
    require(fits, field, f"{field} is no account id", actual=text)
    return AccountId(int(text))


def named_account(text: str | None, field: str) -> int:
    """Return the account that a field names; 0: it names none.

    Raises:
        InvalidCommand: As account_number says.
    """
    return 0 if text is None else account_number(text, field)


class Identities:
    """Verifies credentials through auth and remembers verified tokens for a moment."""

    def __init__(self, bus: Bus, clock: Clock, settings: GatewaySettings) -> None:
        self._bus = bus
        self._clock = clock
        self._ttl = settings.identity_s
        self._limit = settings.identities
        self._known: OrderedDict[str, tuple[Caller, float]] = OrderedDict()
        self._changes = 0

    def __len__(self) -> int:
        return len(self._known)

    def remembered(self, headers: dict[bytes, bytes]) -> Caller | None:
        """Return who sent a request with `headers` if its token was verified a moment ago; else `caller` judges it."""
        authorization = headers.get(b"authorization", b"")
        if authorization[:7] != BEARER or b"qc-key" in headers:
            return None
        return self._remembered(authorization[7:].decode("latin-1"))

    async def caller(self, call: Call, peer: str) -> Caller | None:
        """Return who sent `call`; None when it carries no credentials.

        Raises:
            Unauthenticated: It carries credentials that are not good.
            Unavailable: Auth does not answer.
        """
        authorization = call.headers.get(b"authorization")
        if authorization is not None:
            if b"qc-key" in call.headers:
                raise Unauthenticated(detail="give a token or a signature, not both")
            return await self.bearer(authorization, peer, call.request_id)
        if b"qc-key" in call.headers:
            return await self._signature(call, peer)
        return None

    async def bearer(self, authorization: bytes, peer: str, request_id: str = "") -> Caller:
        """Return who the header `Bearer <token>` is: exact scheme, one space."""
        if not authorization.startswith(BEARER) or len(authorization) > MAX_TOKEN:
            raise Unauthenticated(detail="the scheme is: Bearer <token>")
        return await self.token(authorization[7:].decode("latin-1"), peer, request_id)

    async def token(self, token: str, peer: str, request_id: str = "") -> Caller:
        """Return who `token` is, by current grants."""
        remembered = self._remembered(token)
        if remembered is not None:
            return remembered
        self._known.pop(token, None)
        if token.count(".") != 2 or len(token) > MAX_TOKEN:
            raise Unauthenticated(detail="the credentials are not valid")
        until, changes = self._clock.monotonic() + self._ttl, self._changes
        identity = await self._verify(VerifyToken(token=token, peer=peer, request_id=request_id))
        caller = Caller(identity, identity.user_id, by_key=False)
        if changes == self._changes:  # what was verified before a change must not outlive it
            self._known[token] = (caller, until)
            while len(self._known) > self._limit:
                self._known.popitem(last=False)
        return caller

    def _remembered(self, token: str) -> Caller | None:
        known = self._known.get(token)
        if known is None:
            return None
        caller, until = known
        fresh = self._clock.monotonic() < until and self._clock.now() < caller.identity.expires_ns
        return caller if fresh else None

    async def _signature(self, call: Call, peer: str) -> Caller:
        return await self.signed(
            call.headers, peer, method=call.method, path=call.raw_path, query=call.query_text, body=await call.body()
        )

    async def signed(
        self, headers: dict[bytes, bytes], peer: str, *, method: str, path: str, query: str, body: bytes
    ) -> Caller:
        """Return whose key signed a request; the four headers are short text."""
        key, at, window, signature = (
            headers.get(name, default).decode("latin-1")
            for name, default in (
                (b"qc-key", b""),
                (b"qc-timestamp", b""),
                (b"qc-recv-window", DEFAULT_RECV_WINDOW.encode()),
                (b"qc-signature", b""),
            )
        )
        if not (key and at and signature) or max(map(len, (key, at, window, signature))) > MAX_HEADER:
            raise Unauthenticated(detail="the credentials are not valid")
        identity = await self._verify(
            VerifySignature(
                key_id=key,
                timestamp=at,
                recv_window=window,
                signature=signature,
                method=method,
                path=path,
                query=query,
                body=body,
                peer=peer,
            )
        )
        return Caller(identity, f"key:{identity.session_id}", by_key=True)

    async def _verify(self, question: VerifyToken | VerifySignature) -> Identity:
        """Ask auth; without an answer in time nothing was done of what was wanted, so the outcome is known."""
        try:
            return await self._bus.request(question)
        except OutcomeUnknown as late:
            raise Unavailable("unavailable", "credentials cannot be verified now", retry_after=1.0) from late

    def forget(self, change: AccessChanged) -> None:
        """Forget every token of the user that `change` names."""
        self.forget_user(change.user_id)

    def forget_user(self, user_id: str) -> None:
        """Forget every token of this user; verifications on their way are not remembered either."""
        self._changes += 1
        stale = [token for token, (caller, _) in self._known.items() if caller.identity.user_id == user_id]
        for token in stale:
            del self._known[token]
