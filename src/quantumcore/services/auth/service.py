"""The auth room: who may do what, and how he proves it."""

from collections.abc import Awaitable, Callable, Sequence

from quantumcore.contracts import auth
from quantumcore.contracts.auth import AccessChanged, AuditPage, GetAudit
from quantumcore.ports.bus import Bus, Subscription
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.services.auth import session_store, trail
from quantumcore.services.auth.access import Access
from quantumcore.services.auth.attempts import Attempts
from quantumcore.services.auth.key_desk import KeyDesk
from quantumcore.services.auth.openings import Openings
from quantumcore.services.auth.passwords import Passwords
from quantumcore.services.auth.relay import Relay
from quantumcore.services.auth.sealing import Sealer
from quantumcore.services.auth.sessions import SessionDesk
from quantumcore.services.auth.settings import AuthSettings
from quantumcore.services.auth.telemetry import SESSIONS
from quantumcore.services.auth.tokens import NS, Tokens, kid_of
from quantumcore.services.auth.users import Users, check_limit

PRUNE_EVERY_S = 3_600.0


class AuthService:
    """Answers what contracts.auth asks; asks the ledger room to open accounts. Tells AccessChanged, and hears its own.

    A second auth process of the same database is heard the same way. Log-in, refresh and changes need the database; tokens
    and signatures of users seen since the start are judged from memory and go on without it.
    """

    name = "auth"

    def __init__(self, bus: Bus, database: Database, clock: Clock, settings: AuthSettings) -> None:
        self._bus = bus
        self._database = database
        self._clock = clock
        self._settings = settings
        sealer = Sealer(settings.key_encryption_key, clock.token)
        self._access = Access(database, sealer)
        self._relay = Relay(bus, database)
        writer = trail.Writer(database, clock, forget=self._access.forget, wake=self._relay.wake)
        self._passwords = Passwords(settings.argon, threads=settings.hash_threads, queue=settings.hash_queue)
        attempts = Attempts(clock.monotonic, failures_max=settings.login_failures, window_s=settings.login_window_s)
        self._tokens = Tokens(settings.jwt_secret, settings.access_life_s)
        self._openings = Openings(bus, database, clock, writer)
        self._users = Users(database, clock, writer, self._access, self._passwords, attempts, self._openings)
        self._sessions = SessionDesk(
            database, clock, settings, writer, self._access, self._passwords, attempts, self._tokens
        )
        self._keys = KeyDesk(database, clock, writer, self._access, sealer)
        self._own: Subscription | None = None
        self._started = False

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        handle = self._bus.handle
        handle(auth.Register, self._users.register)
        handle(auth.CreateUser, self._users.create)
        handle(auth.NewAccount, self._users.new_account)
        handle(auth.ChangePassword, self._users.change_password)
        handle(auth.SetRoles, self._users.set_roles)
        handle(auth.GrantAccount, self._users.grant_account)
        handle(auth.DisableUser, self._users.disable)
        handle(auth.GetUser, self._users.get)
        handle(auth.GetUsers, self._users.get_many)

        handle(auth.Login, self._sessions.login)
        handle(auth.Refresh, self._sessions.refresh)
        handle(auth.Logout, self._sessions.logout)
        handle(auth.VerifyToken, self._sessions.verify)
        handle(auth.GetSessions, self._sessions.get_sessions)

        handle(auth.CreateApiKey, self._keys.create)
        handle(auth.GetApiKeys, self._keys.get)
        handle(auth.RevokeApiKey, self._keys.revoke)
        handle(auth.VerifySignature, self._keys.verify_signature)
        handle(auth.VerifyPayload, self._keys.verify_payload)

        handle(auth.GetAudit, self.get_audit)
        self._own = self._bus.subscribe(AccessChanged, self.on_access_changed)

    async def start(self) -> None:
        """Learn since when tokens are signed with today's secret, so that yesterday's counts for one token life only."""
        kid, now_ns = kid_of(self._settings.jwt_secret), self._clock.now()
        since_ns = await self._database.write(lambda tx: session_store.signing_since(tx, kid, now_ns))
        if self._settings.previous_jwt_secret:
            until_ns = since_ns + self._settings.access_life_s * NS
            self._tokens.accept_previous(self._settings.previous_jwt_secret, until_ns)
        SESSIONS.set(await self._database.read(lambda tx: session_store.count_live(tx, now_ns)))
        self._started = True

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Return the relay of notices, the opening of accounts, the record of used keys, and the pruning of what ended."""
        return [
            ("auth.relay", self._relay.run),
            ("auth.openings", self._openings.run),
            ("auth.keys", self._keys.run),
            ("auth.prune", self._prune),
        ]

    def not_ready(self) -> list[str]:
        """Return why log-ins cannot be served."""
        return [] if self._started else ["auth has not started"]

    async def stop(self) -> None:
        """Store what is not stored yet, tell what is not told yet, release the threads."""
        if self._started:
            self._started = False
            await self._keys.save_last_used()
            await self._relay.drain()
        if self._own is not None:
            await self._own.close()
        self._passwords.close()

    async def get_audit(self, message: GetAudit) -> AuditPage:
        """Return a page of security events."""
        limit = check_limit(message.limit)
        return await self._database.read(
            lambda tx: trail.audit_page(
                tx, user_id=message.user_id, kind=message.kind, limit=limit, cursor=message.cursor
            )
        )

    async def on_access_changed(self, notices: Sequence[AccessChanged]) -> None:
        """Forget what another process of this room has changed (our own changes were forgotten at their commit)."""
        for notice in notices:
            self._access.forget(notice)

    async def _prune(self) -> None:
        while True:
            while await self._prune_once(self._clock.now()) == session_store.PRUNE_BATCH:
                pass
            await self._clock.sleep(PRUNE_EVERY_S)

    async def _prune_once(self, now_ns: int) -> int:
        pruned = await self._database.write(lambda tx: session_store.prune(tx, now_ns))
        SESSIONS.set(await self._database.read(lambda tx: session_store.count_live(tx, now_ns)))
        return pruned
