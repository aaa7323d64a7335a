"""Users: how they come, what they are granted, and how they go."""

import uuid

from quantumcore.contracts.auth import (
    PAGE_MAX,
    ChangePassword,
    CreateUser,
    DisableUser,
    GetUser,
    GetUsers,
    GrantAccount,
    NewAccount,
    NewUser,
    Register,
    SetRoles,
    UserPage,
    UserView,
)
from quantumcore.contracts.errors import Conflict, Forbidden, InvalidCommand, NotFound, Unauthenticated
from quantumcore.contracts.messages import Done
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.services.auth import key_store, session_store, store
from quantumcore.services.auth.access import Access
from quantumcore.services.auth.attempts import Attempts
from quantumcore.services.auth.domain import (
    ACCOUNTS_PER_USER_MAX,
    DEFAULT_ROLES,
    account_text,
    check_password,
    check_roles,
    fold_email,
)
from quantumcore.services.auth.openings import Openings
from quantumcore.services.auth.passwords import Passwords
from quantumcore.services.auth.trail import Origin, Unit, Writer


class Users:
    """Answers Register, CreateUser, NewAccount, ChangePassword, SetRoles, GrantAccount, DisableUser, GetUser, GetUsers."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        writer: Writer,
        access: Access,
        passwords: Passwords,
        attempts: Attempts,
        openings: Openings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._writer = writer
        self._access = access
        self._passwords = passwords
        self._attempts = attempts
        self._openings = openings

    async def register(self, message: Register) -> NewUser:
        """Make a trader; any other role is Forbidden, whoever asks."""
        if tuple(message.roles) != DEFAULT_ROLES:
            raise Forbidden(detail="registration gives the role trader and no other", field="roles")
        return await self._make(message.email, message.password, list(DEFAULT_ROLES), Origin.of(message))

    async def create(self, message: CreateUser) -> NewUser:
        """Make a user with any roles."""
        return await self._make(message.email, message.password, check_roles(message.roles), Origin.of(message))

    async def new_account(self, message: NewAccount) -> NewUser:
        """Give a user one more account and return once the engine knows it."""

        def allocate(unit: Unit) -> int:
            if store.grants_of(unit.tx, message.user_id) is None:
                raise _no_user()
            if store.count_accounts(unit.tx, message.user_id) >= ACCOUNTS_PER_USER_MAX:
                raise Conflict("account.too_many", "no more accounts for this user", limit=str(ACCOUNTS_PER_USER_MAX))
            account = store.allocate_account(unit.tx, message.user_id, unit.now_ns)
            unit.note("account_created", message.user_id, account_text(account))
            return account

        account = await self._writer.write(Origin.of(message), allocate)
        await self._openings.open(account, message.user_id)
        return NewUser(message.user_id, account_text(account))

    async def change_password(self, message: ChangePassword) -> Done:
        """Change it for who knows the old one, and end all sessions. Wrong old passwords count as failed log-ins."""
        old, new = message.old_password.encode(), check_password(message.new_password, "new_password")
        origin = Origin.of(message)
        async with self._attempts.judge(message.user_id, origin.peer) as attempt:
            known = await self._database.read(lambda tx: store.credentials_of(tx, message.user_id))
            stored = None if known is None or known.disabled else known.password_hash
            if not await self._passwords.verify(stored, old) or stored is None:
                attempt.failed()
                await self._writer.write(
                    origin, lambda unit: unit.note("password_change_failed", known.user_id if known else "")
                )
                raise Unauthenticated(detail="the old password is wrong")
        new_hash = await self._passwords.hash(new)

        def change(unit: Unit) -> None:
            if not store.replace_password(unit.tx, message.user_id, old_hash=stored, new_hash=new_hash):
                raise Conflict("version.mismatch", "the password was changed meanwhile")
            unit.note("password_changed", message.user_id)
            unit.changed(message.user_id, session_store.revoke_all(unit.tx, message.user_id, unit.now_ns))

        await self._writer.write(origin, change)
        return Done()

    async def set_roles(self, message: SetRoles) -> Done:
        """Replace a user's roles and end his sessions."""
        roles = check_roles(message.roles)
        await self._check_actor(message.actor)

        def change(unit: Unit) -> None:
            _require_user(unit, message.user_id)
            store.set_roles(unit.tx, message.user_id, roles)
            unit.note("roles_changed", message.user_id, " ".join(roles))
            unit.changed(message.user_id, session_store.revoke_all(unit.tx, message.user_id, unit.now_ns))

        await self._writer.write(Origin.of(message), change)
        return Done()

    async def grant_account(self, message: GrantAccount) -> Done:
        """Let a user act on an account that exists; granting it twice does nothing."""
        await self._check_actor(message.actor)

        def change(unit: Unit) -> None:
            _require_user(unit, message.user_id)
            if store.unknown_accounts(unit.tx, [message.account]):
                raise NotFound("account.not_found", "account not found", field="account_id")
            if store.grant(unit.tx, message.user_id, message.account, unit.now_ns):
                unit.note("account_granted", message.user_id, account_text(message.account))
                unit.changed(message.user_id, [])

        await self._writer.write(Origin.of(message), change)
        return Done()

    async def disable(self, message: DisableUser) -> Done:
        """End a user, his sessions and his keys; a second time does nothing."""
        await self._check_actor(message.actor)

        def change(unit: Unit) -> None:
            _require_user(unit, message.user_id)
            if store.disable(unit.tx, message.user_id):
                key_store.revoke_keys(unit.tx, message.user_id, unit.now_ns)
                unit.note("user_disabled", message.user_id)
                unit.changed(message.user_id, session_store.revoke_all(unit.tx, message.user_id, unit.now_ns))

        await self._writer.write(Origin.of(message), change)
        return Done()

    async def get(self, message: GetUser) -> UserView:
        """Return a user by id or by e-mail; without either nobody is found."""
        folded = fold_email(message.email) if message.email else ""
        view = await self._database.read(lambda tx: store.user_view(tx, user_id=message.user_id, folded=folded))
        if view is None:
            raise _no_user()
        return view

    async def get_many(self, message: GetUsers) -> UserPage:
        """Return a page of users."""
        limit = check_limit(message.limit)
        return await self._database.read(lambda tx: store.user_page(tx, limit, message.cursor))

    async def _make(self, email: str, password: str, roles: list[str], origin: Origin) -> NewUser:
        folded, raw = fold_email(email), check_password(password)
        known = await self._database.read(lambda tx: store.credentials_by_email(tx, folded))
        if known is not None:
            return await self._resume(known, raw)
        password_hash = await self._passwords.hash(raw)
        user_id = str(uuid.UUID(bytes=self._clock.token(16), version=4))

        def add(unit: Unit) -> int:
            store.add_user(
                unit.tx,
                user_id=user_id,
                email=email,
                folded=folded,
                password_hash=password_hash,
                roles=roles,
                now_ns=unit.now_ns,
            )
            unit.note("user_created", user_id, " ".join(roles))
            return store.allocate_account(unit.tx, user_id, unit.now_ns)

        account = await self._writer.write(origin, add)
        await self._openings.open(account, user_id)
        return NewUser(user_id, account_text(account))

    async def _resume(self, known: store.Credentials, raw: bytes) -> NewUser:
        """Answer the same message again while its account is not open; to anybody else the e-mail is taken."""
        taken = Conflict("user.exists", "a user with this e-mail exists", field="email")
        opening = await self._database.read(lambda tx: store.opening_accounts(tx, known.user_id))
        first = await self._database.read(lambda tx: store.count_accounts(tx, known.user_id)) == 1
        if not (opening and first) or not await self._passwords.verify(known.password_hash, raw):
            raise taken
        account, owner = opening[0]
        await self._openings.open(account, owner)
        return NewUser(owner, account_text(account))

    async def _check_actor(self, actor: str) -> None:
        """Raise Forbidden unless `actor` is an active admin by current grants; empty is the house itself."""
        if actor:
            grants = await self._access.grants(actor)
            if grants is None or not grants.is_admin:
                raise Forbidden(detail="only an admin may do this")


def check_limit(limit: int) -> int:
    """Return a page's size if it is 1 to 1,000; raise InvalidCommand otherwise."""
    if not 1 <= limit <= PAGE_MAX:
        raise InvalidCommand(detail="limit is out of range", field="limit", limit=str(PAGE_MAX), actual=str(limit))
    return limit


def _require_user(unit: Unit, user_id: str) -> None:
    if store.credentials_of(unit.tx, user_id) is None:
        raise _no_user()


def _no_user() -> NotFound:
    return NotFound("user.not_found", "user not found")
