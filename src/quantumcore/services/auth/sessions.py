"""Sessions: log in, refresh, log out; and who a token's bearer is now."""

import base64
import logging
import uuid

from quantumcore.contracts.auth import (
    GetSessions,
    Identity,
    Login,
    Logout,
    Refresh,
    Sessions,
    TokenPair,
    VerifyToken,
)
from quantumcore.contracts.errors import InvalidCommand, Unauthenticated
from quantumcore.contracts.messages import Done
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.services.auth import session_store, store
from quantumcore.services.auth.access import Access
from quantumcore.services.auth.attempts import Attempts
from quantumcore.services.auth.domain import PASSWORD_BYTES_MAX, Grants, fold_email
from quantumcore.services.auth.passwords import Passwords
from quantumcore.services.auth.secrets import fingerprint
from quantumcore.services.auth.session_store import Spending, Spent
from quantumcore.services.auth.settings import AuthSettings
from quantumcore.services.auth.telemetry import TOKEN_FAILURES
from quantumcore.services.auth.tokens import NS, Claims, TokenFailure, TokenRefused, Tokens
from quantumcore.services.auth.trail import Origin, Unit, Writer

REFRESH_BYTES = 32
REFRESH_CHARACTERS = 43
ONE_TEXT = "authentication is required"
LOGIN_TEXT = "e-mail or password is wrong"

_log = logging.getLogger(__name__)


class SessionDesk:
    """Answers Login, Refresh, Logout, VerifyToken, GetSessions."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: AuthSettings,
        writer: Writer,
        access: Access,
        passwords: Passwords,
        attempts: Attempts,
        tokens: Tokens,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._writer = writer
        self._access = access
        self._passwords = passwords
        self._attempts = attempts
        self._tokens = tokens

    async def login(self, message: Login) -> TokenPair:
        """Open a session. Who is unknown, disabled or wrong hears one answer, after the same work."""
        folded, raw = fold_email(message.email), _password_as_given(message.password)
        origin = Origin.of(message)
        async with self._attempts.judge(folded, origin.peer) as attempt:
            known = await self._database.read(lambda tx: store.credentials_by_email(tx, folded))
            good = await self._passwords.verify(known.password_hash if known else None, raw)
            if known is None or known.disabled or not good:
                attempt.failed()
                await self._writer.write(origin, lambda unit: unit.note("login_failed", known.user_id if known else ""))
                raise Unauthenticated(detail=LOGIN_TEXT)
        return await self._open(known, raw, origin)

    async def refresh(self, message: Refresh) -> TokenPair:
        """Spend a refresh token for a new pair; presenting a spent one ends its session."""
        token_hash, origin = fingerprint(message.refresh_token.encode()), Origin.of(message)
        secret = self._new_secret()

        def spend(unit: Unit) -> tuple[Spent, list[str]]:
            spent = session_store.spend(unit.tx, token_hash, unit.now_ns)
            if spent.outcome is Spending.REUSED:
                self._end(unit, spent.session_id, "refresh_reused")
            if spent.outcome is not Spending.SPENT:
                return spent, []
            grants = store.grants_of(unit.tx, spent.user_id)
            if grants is None or grants.disabled:
                return Spent(Spending.REVOKED), []
            self._add_refresh_token(unit, spent.session_id, secret)
            return spent, store.roles_of(unit.tx, spent.user_id)

        spent, roles = await self._writer.write(origin, spend)
        if spent.outcome is not Spending.SPENT:
            kind = spent.outcome.name.lower()
            _log.warning(
                "refresh token refused: %s", kind, extra={"peer": origin.peer, "request_id": origin.request_id}
            )
            raise Unauthenticated(detail=ONE_TEXT)
        return self._pair(spent.user_id, spent.session_id, roles, secret)

    async def logout(self, message: Logout) -> Done:
        """End a session; one that has ended or never was does nothing."""
        await self._writer.write(
            Origin.of(message), lambda unit: self._end(unit, message.session_id, "session_revoked")
        )
        return Done()

    async def verify(self, message: VerifyToken) -> Identity:
        """Return who the bearer is by current grants.

        Only a refused token becomes Unauthenticated; whatever else is raised is a defect and stays one.
        """
        try:
            claims = self._tokens.check(message.token, self._clock.now())
            grants = self._access.known_session(claims.sid) or await self._grants_behind(claims)
            if grants is None or grants.disabled or grants.user_id != claims.sub:
                raise TokenRefused(TokenFailure.REVOKED)
        except TokenRefused as refused:
            origin = Origin.of(message)
            TOKEN_FAILURES.labels(refused.kind.value).inc()
            _log.warning(
                "access token refused: %s",
                refused.kind.value,
                extra={"kind": refused.kind.value, "peer": origin.peer, "request_id": origin.request_id},
            )
            raise Unauthenticated(detail=ONE_TEXT) from None
        return Identity(
            user_id=grants.user_id,
            session_id=claims.sid,
            scopes=list(grants.scopes),
            accounts=list(grants.accounts),
            is_admin=grants.is_admin,
            expires_ns=claims.exp * NS,
        )

    async def get_sessions(self, message: GetSessions) -> Sessions:
        """Return a user's live sessions."""
        now_ns = self._clock.now()
        return Sessions(await self._database.read(lambda tx: session_store.live_sessions(tx, message.user_id, now_ns)))

    async def _grants_behind(self, claims: Claims) -> Grants | None:
        user_id = await self._access.user_of_session(claims.sid)
        return None if user_id is None else await self._access.grants(user_id)

    async def _open(self, known: store.Credentials, raw: bytes, origin: Origin) -> TokenPair:
        session_id, secret = str(uuid.UUID(bytes=self._clock.token(16), version=4)), self._new_secret()
        stronger = await self._passwords.hash(raw) if self._passwords.is_outdated(known.password_hash) else None

        def add(unit: Unit) -> list[str] | None:
            # Between the check of the password and here he may have been disabled, or the password changed.
            if store.credentials_of(unit.tx, known.user_id) != known:
                return None
            if stronger is not None:
                store.replace_password(unit.tx, known.user_id, old_hash=known.password_hash, new_hash=stronger)
            ended = session_store.open_session(
                unit.tx,
                session_id=session_id,
                user_id=known.user_id,
                peer=origin.peer,
                now_ns=unit.now_ns,
                expires_ns=unit.now_ns + self._settings.refresh_life_s * NS,
            )
            self._add_refresh_token(unit, session_id, secret)
            unit.note("login_succeeded", known.user_id)
            unit.session_change += 1
            if ended:
                unit.changed(known.user_id, ended)
            return store.roles_of(unit.tx, known.user_id)

        roles = await self._writer.write(origin, add)
        if roles is None:
            raise Unauthenticated(detail=LOGIN_TEXT)
        return self._pair(known.user_id, session_id, roles, secret)

    def _add_refresh_token(self, unit: Unit, session_id: str, secret: str) -> None:
        expires_ns = unit.now_ns + self._settings.refresh_life_s * NS
        session_store.add_refresh_token(
            unit.tx, token_hash=fingerprint(secret.encode()), session_id=session_id, expires_ns=expires_ns
        )

    def _end(self, unit: Unit, session_id: str, kind: str) -> None:
        user_id = session_store.revoke(unit.tx, session_id, unit.now_ns)
        if user_id is not None:
            unit.note(kind, user_id)
            unit.changed(user_id, [session_id])

    def _pair(self, user_id: str, session_id: str, roles: list[str], secret: str) -> TokenPair:
        token_id = str(uuid.UUID(bytes=self._clock.token(16), version=4))
        access = self._tokens.issue(
            user_id=user_id, session_id=session_id, token_id=token_id, roles=roles, now_ns=self._clock.now()
        )
        return TokenPair(access, secret, "Bearer", self._settings.access_life_s)

    def _new_secret(self) -> str:
        return base64.urlsafe_b64encode(self._clock.token(REFRESH_BYTES)).decode().rstrip("=")


def _password_as_given(password: str) -> bytes:
    """Return the bytes of a password that may be wrong; what no user can have is refused before any hashing.

    A short one is hashed like any other: the least length is a rule for new passwords.
    """
    raw = password.encode("utf-8", "replace")
    if not raw or len(raw) > PASSWORD_BYTES_MAX:
        raise InvalidCommand(
            detail="password must have 1 to 1,024 bytes", field="password", limit=str(PASSWORD_BYTES_MAX)
        )
    return raw
