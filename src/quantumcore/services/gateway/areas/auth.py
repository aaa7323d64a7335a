"""Users: register, log in, tokens, passwords, API keys; and what admins do with users."""

import msgspec

from quantumcore.contracts.auth import (
    ChangePassword,
    CreateApiKey,
    DisableUser,
    GetApiKeys,
    GetUser,
    GrantAccount,
    Login,
    Logout,
    NewUser,
    Refresh,
    Register,
    Revoked,
    RevokeApiKey,
    SetRoles,
    TokenPair,
)
from quantumcore.contracts.values import parse_time
from quantumcore.services.gateway import answers
from quantumcore.services.gateway.answers import KeyAnswer
from quantumcore.services.gateway.bodies import (
    Credentials,
    GrantBody,
    KeyBody,
    NewUserBody,
    PasswordBody,
    RefreshBody,
    RolesBody,
    UserQuery,
)
from quantumcore.services.gateway.codec import rfc3339
from quantumcore.services.gateway.errors import require
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.identity import MAX_ACCOUNT
from quantumcore.services.gateway.request import Call
from quantumcore.services.gateway.routing import Answer

PASSWORD_DEADLINE_S = 10.0  # hashing waits its turn in a bounded pool, and registering waits for the engine


class UserAnswer(msgspec.Struct, frozen=True):
    """A user without any secret."""

    user_id: str
    email: str
    roles: list[str]
    account_ids: list[str]
    disabled: bool
    created_at: str


class MeAnswer(msgspec.Struct, frozen=True):
    """Who the caller is, by current grants."""

    user_id: str
    email: str
    roles: list[str]
    scopes: list[str]
    account_ids: list[str]


class KeysAnswer(msgspec.Struct, frozen=True):
    """The caller's keys."""

    items: list[KeyAnswer]
    next_cursor: str | None


class NewKeyAnswer(msgspec.Struct, frozen=True):
    """A new key; an HMAC secret is shown here and never again."""

    key: KeyAnswer
    secret: str | None


async def register(gate: Gate, call: Call, body: Credentials) -> Answer:
    """Make a user with one account and the role trader."""
    request = Register(email=body.email, password=body.password, peer=call.peer)
    return Answer(await gate.bus.request(request, deadline_s=PASSWORD_DEADLINE_S), 201)


async def login(gate: Gate, call: Call, body: Credentials) -> TokenPair:
    """Exchange e-mail and password for an access token and a refresh token."""
    request = Login(email=body.email, password=body.password, peer=call.peer)
    return await gate.bus.request(request, deadline_s=PASSWORD_DEADLINE_S)


async def refresh(gate: Gate, call: Call, body: RefreshBody) -> TokenPair:
    """Spend a refresh token for a new pair; spending one twice ends its session."""
    return await gate.bus.request(Refresh(refresh_token=body.refresh_token, peer=call.peer))


async def logout(gate: Gate, call: Call) -> Answer:
    """End this session."""
    call.caller.need_session()
    identity = call.caller.identity
    await gate.bus.request(Logout(session_id=identity.session_id))
    gate.identities.forget_user(identity.user_id)
    return Answer(None, 204)


async def password(gate: Gate, call: Call, body: PasswordBody) -> Answer:
    """Change the own password; all sessions end."""
    call.caller.need_session()
    user_id = call.caller.identity.user_id
    request = ChangePassword(user_id=user_id, old_password=body.old_password, new_password=body.new_password)
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
    return KeysAnswer([answers.key(one) for one in found.items], None)


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
            expires_ns=None if body.expires_at is None else parse_time(body.expires_at, "expires_at"),
        )
    )
    return Answer(NewKeyAnswer(answers.key(made.key), made.secret or None), 201)


async def revoke_key(gate: Gate, call: Call) -> Revoked:
    """Revoke an own API key: true once, then false; unknown: false."""
    call.caller.need_session()
    user_id = call.caller.identity.user_id
    return await gate.bus.request(RevokeApiKey(user_id=user_id, key_id=call.params["id"][:64]))


async def create_user(gate: Gate, call: Call, body: NewUserBody) -> Answer:
    """Make a user with these roles (admin)."""
    call.caller.need_session()
    request = Register(email=body.email, password=body.password, roles=body.roles, peer=call.peer)
    made: NewUser = await gate.bus.request(request, deadline_s=PASSWORD_DEADLINE_S)
    return Answer(made, 201)


async def find_user(gate: Gate, call: Call, query: UserQuery) -> UserAnswer:
    """Find a user by e-mail (admin)."""
    return await _user(gate, GetUser(email=query.email))


async def get_user(gate: Gate, call: Call) -> UserAnswer:
    """Show a user (admin)."""
    return await _user(gate, GetUser(user_id=call.params["id"][:64]))


async def set_roles(gate: Gate, call: Call, body: RolesBody) -> UserAnswer:
    """Give a user other roles (admin); his sessions end."""
    call.caller.need_session()
    user_id = call.params["id"][:64]
    await gate.bus.request(SetRoles(user_id=user_id, roles=body.roles))
    gate.identities.forget_user(user_id)
    return await _user(gate, GetUser(user_id=user_id))


async def grant(gate: Gate, call: Call, body: GrantBody) -> UserAnswer:
    """Let a user act on an account (admin)."""
    call.caller.need_session()
    digits = body.account_id
    fits = digits.isascii() and digits.isdigit() and 0 < int(digits) <= MAX_ACCOUNT
    require(fits, "account_id", "account_id is no account id", actual=digits)
    user_id = call.params["id"][:64]
    await gate.bus.request(GrantAccount(user_id=user_id, account=int(digits)))
    gate.identities.forget_user(user_id)
    return await _user(gate, GetUser(user_id=user_id))


async def disable(gate: Gate, call: Call) -> UserAnswer:
    """End a user's sessions and keys for good (admin)."""
    call.caller.need_session()
    user_id = call.params["id"][:64]
    await gate.bus.request(DisableUser(user_id=user_id))
    gate.identities.forget_user(user_id)
    return await _user(gate, GetUser(user_id=user_id))


async def _user(gate: Gate, query: GetUser) -> UserAnswer:
    view = await gate.bus.request(query)
    return UserAnswer(view.user_id, view.email, view.roles, view.account_ids, view.disabled, rfc3339(view.created_ns))
