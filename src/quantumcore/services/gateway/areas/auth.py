"""Users: register, log in, tokens, passwords, API keys; and what admins do with users."""

# ruff: noqa: ARG001  # every handler is called with (gate, call, ...), whether it needs both or not

from quantumcore.contracts.auth import (
    ChangePassword,
    CreateApiKey,
    DisableUser,
    GetApiKeys,
    GetAudit,
    GetSessions,
    GetUser,
    GetUsers,
    GrantAccount,
    Login,
    Logout,
    Refresh,
    Register,
    RevokeApiKey,
    Revoked,
    SetRoles,
    TokenPair,
    UserView,
)
from quantumcore.contracts.values import I64_MAX, parse_time
from quantumcore.services.gateway import auth_answers
from quantumcore.services.gateway.auth_answers import (
    AuditAnswer,
    AuditEntryAnswer,
    KeysAnswer,
    MeAnswer,
    NewKeyAnswer,
    SessionAnswer,
    SessionsAnswer,
    UserAnswer,
    UsersAnswer,
)
from quantumcore.services.gateway.bodies import (
    AuditQuery,
    Credentials,
    GrantBody,
    KeyBody,
    PasswordBody,
    RefreshBody,
    RolesBody,
    UsersQuery,
)
from quantumcore.services.gateway.codec import rfc3339
from quantumcore.services.gateway.errors import require
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import account_number
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer

PASSWORD_DEADLINE_S = 10.0  # hashing waits its turn in a bounded pool, and registering waits for the engine


async def register(gate: Gate, call: Call, body: Credentials) -> Answer:
    """Make a user with one account and the role trader."""
    request = Register(email=body.email, password=body.password, peer=call.peer, request_id=call.request_id)
    return Answer(await gate.bus.request(request, deadline_s=PASSWORD_DEADLINE_S), 201)


async def login(gate: Gate, call: Call, body: Credentials) -> TokenPair:
    """Exchange e-mail and password for an access token and a refresh token."""
    request = Login(email=body.email, password=body.password, peer=call.peer, request_id=call.request_id)
    return await gate.bus.request(request, deadline_s=PASSWORD_DEADLINE_S)


async def refresh(gate: Gate, call: Call, body: RefreshBody) -> TokenPair:
    """Spend a refresh token for a new pair; spending one twice ends its session."""
    return await gate.bus.request(Refresh(refresh_token=body.refresh_token, peer=call.peer, request_id=call.request_id))


async def logout(gate: Gate, call: Call) -> Answer:
    """End this session."""
    call.caller.need_session()
    identity = call.caller.identity
    await gate.bus.request(Logout(session_id=identity.session_id, peer=call.peer, request_id=call.request_id))
    gate.identities.forget_user(identity.user_id)
    return Answer(None, 204)


async def password(gate: Gate, call: Call, body: PasswordBody) -> Answer:
    """Change the own password; all sessions end."""
    call.caller.need_session()
    user_id = call.caller.identity.user_id
    request = ChangePassword(
        user_id=user_id,
        old_password=body.old_password,
        new_password=body.new_password,
        peer=call.peer,
        request_id=call.request_id,
    )
    await gate.bus.request(request, deadline_s=PASSWORD_DEADLINE_S)
    gate.identities.forget_user(user_id)
    return Answer(None, 204)


async def me(gate: Gate, call: Call) -> MeAnswer:
    """Show who the caller is and what he may do."""
    identity = call.caller.identity
    user = await gate.bus.request(GetUser(user_id=identity.user_id))
    accounts = [str(account) for account in identity.accounts]
    return MeAnswer(user.user_id, user.email, user.roles, identity.scopes, accounts)


async def keys(gate: Gate, call: Call) -> KeysAnswer:
    """List the own API keys."""
    call.caller.need_session()
    found = await gate.bus.request(GetApiKeys(user_id=call.caller.identity.user_id))
    return KeysAnswer([auth_answers.key(one) for one in found.items], None)


async def create_key(gate: Gate, call: Call, body: KeyBody) -> Answer:
    """Make an API key within the own scopes and accounts."""
    call.caller.need_session()
    for account in body.account_ids:
        call.caller.account(account)
    made = await gate.bus.request(
        CreateApiKey(
            user_id=call.caller.identity.user_id,
            label=body.label,
            public_key=body.public_key,
            scopes=body.scopes,
            account_ids=body.account_ids,
            addresses=body.addresses,
            expires_ns=None if body.expires_at is None else _after_1970(body.expires_at, "expires_at"),
            peer=call.peer,
            request_id=call.request_id,
        )
    )
    return Answer(NewKeyAnswer(auth_answers.key(made.key), made.secret or None), 201)


def named_once(made: NewKeyAnswer) -> str | None:
    """Return the key's id if the answer tells its secret, which nobody is told twice; None when we made no secret."""
    return None if made.secret is None else made.key.key_id


async def revoke_key(gate: Gate, call: Call) -> Revoked:
    """Revoke an own API key: true once, then false; unknown: false."""
    call.caller.need_session()
    user_id = call.caller.identity.user_id
    request = RevokeApiKey(user_id=user_id, key_id=call.params["id"][:64], peer=call.peer, request_id=call.request_id)
    return await gate.bus.request(request)


async def users(gate: Gate, call: Call, query: UsersQuery) -> UsersAnswer:
    """List users, oldest first, or find one by e-mail (admin)."""
    if query.email is not None:
        return UsersAnswer([await _user(gate, GetUser(email=query.email))], None)
    page = await gate.bus.request(GetUsers(limit=query.limit, cursor=query.cursor))
    return UsersAnswer([_shown(one) for one in page.items], page.next_cursor)


async def get_user(gate: Gate, call: Call) -> UserAnswer:
    """Show a user (admin)."""
    return await _user(gate, GetUser(user_id=call.params["id"][:64]))


async def sessions(gate: Gate, call: Call) -> SessionsAnswer:
    """List a user's live sessions, newest first (admin)."""
    found = await gate.bus.request(GetSessions(user_id=call.params["id"][:64]))
    return SessionsAnswer(
        [
            SessionAnswer(one.session_id, one.peer, rfc3339(one.created_ns), rfc3339(one.expires_ns))
            for one in found.items
        ],
        None,
    )


async def audit(gate: Gate, call: Call, query: AuditQuery) -> AuditAnswer:
    """List security events, newest first (admin)."""
    page = await gate.bus.request(
        GetAudit(user_id=query.user_id, kind=query.kind, limit=query.limit, cursor=query.cursor)
    )
    return AuditAnswer(
        [
            AuditEntryAnswer(
                one.entry, rfc3339(one.time_ns), one.kind, one.user_id, one.actor, one.peer, one.request_id, one.detail
            )
            for one in page.items
        ],
        page.next_cursor,
    )


async def set_roles(gate: Gate, call: Call, body: RolesBody) -> UserAnswer:
    """Give a user other roles (admin); his sessions end."""
    user_id, actor = _by_admin(call)
    request = SetRoles(user_id=user_id, roles=body.roles, actor=actor, peer=call.peer, request_id=call.request_id)
    await gate.bus.request(request)
    gate.identities.forget_user(user_id)
    return await _user(gate, GetUser(user_id=user_id))


async def grant(gate: Gate, call: Call, body: GrantBody) -> UserAnswer:
    """Let a user act on an account (admin)."""
    user_id, actor = _by_admin(call)
    account = account_number(body.account_id, "account_id")
    request = GrantAccount(user_id=user_id, account=account, actor=actor, peer=call.peer, request_id=call.request_id)
    await gate.bus.request(request)
    gate.identities.forget_user(user_id)
    return await _user(gate, GetUser(user_id=user_id))


async def disable(gate: Gate, call: Call) -> UserAnswer:
    """End a user's sessions and keys for good (admin)."""
    user_id, actor = _by_admin(call)
    request = DisableUser(user_id=user_id, actor=actor, peer=call.peer, request_id=call.request_id)
    await gate.bus.request(request)
    gate.identities.forget_user(user_id)
    return await _user(gate, GetUser(user_id=user_id))


def _after_1970(text: str, field: str) -> int:
    """Return the time that `text` spells, which 63 bits of nanoseconds must hold."""
    time_ns = parse_time(text, field)
    require(0 <= time_ns <= I64_MAX, field, f"{field} must lie between 1970 and 2262", actual=text)
    return time_ns


def _by_admin(call: Call) -> tuple[str, str]:
    call.caller.need_session()
    return call.params["id"][:64], call.caller.identity.user_id


async def _user(gate: Gate, query: GetUser) -> UserAnswer:
    return _shown(await gate.bus.request(query))


def _shown(view: UserView) -> UserAnswer:
    return UserAnswer(view.user_id, view.email, view.roles, view.account_ids, view.disabled, rfc3339(view.created_ns))
