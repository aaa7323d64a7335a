"""API keys: made, shown, revoked; and who a signed request is from."""

import asyncio
import logging
from collections.abc import Callable

from quantumcore.contracts.auth import (
    ApiKeys,
    CreateApiKey,
    GetApiKeys,
    Identity,
    NewApiKey,
    RevokeApiKey,
    Revoked,
    VerifyPayload,
    VerifySignature,
)
from quantumcore.contracts.errors import Conflict, Forbidden, InvalidCommand, NotFound, Unauthenticated
from quantumcore.contracts.values import I64_MAX
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.services.auth import key_store, store
from quantumcore.services.auth.access import Access
from quantumcore.services.auth.domain import KEYS_PER_USER_MAX, Grants, parse_accounts
from quantumcore.services.auth.keys import (
    ED25519,
    HMAC_SHA256,
    KEY_CHARACTERS,
    KEY_PREFIX,
    SECRET_CHARACTERS,
    ApiKey,
    SignatureFailure,
    SignatureRefused,
    alphanumerics,
    check_label,
    check_scopes,
    is_key_id,
    parse_networks,
    parse_public_key,
    signature_bytes,
    signed_message,
    window_end_ns,
)
from quantumcore.services.auth.replays import UsedSignatures
from quantumcore.services.auth.sealing import Sealer
from quantumcore.services.auth.sessions import ONE_TEXT
from quantumcore.services.auth.telemetry import SIGNATURE_FAILURES
from quantumcore.services.auth.trail import Origin, Unit, Writer

LAST_USED_EVERY_S = 5.0

_log = logging.getLogger(__name__)


class KeyDesk:
    """Answers CreateApiKey, GetApiKeys, RevokeApiKey, VerifySignature, VerifyPayload.

    When a key was used last is kept in memory and stored every 5 s: a crash may lose that much of it.
    """

    def __init__(self, database: Database, clock: Clock, writer: Writer, access: Access, sealer: Sealer) -> None:
        self._database = database
        self._clock = clock
        self._writer = writer
        self._access = access
        self._sealer = sealer
        self._used = UsedSignatures()
        self._last_used: dict[str, int] = {}
        self._touched = asyncio.Event()

    async def create(self, message: CreateApiKey) -> NewApiKey:
        """Make a key within what its user may do now; an HMAC secret is in the answer and nowhere else in clear."""
        public = parse_public_key(message.public_key) if message.public_key else b""
        secret = "" if public else alphanumerics(SECRET_CHARACTERS, self._clock.token)
        if message.expires_ns is not None and not self._clock.now() < message.expires_ns <= I64_MAX:
            raise InvalidCommand(detail="a key must not be expired at once", field="expires_at")
        label = check_label(message.label)
        key = ApiKey(
            key_id=KEY_PREFIX + alphanumerics(KEY_CHARACTERS, self._clock.token),
            user_id=message.user_id,
            algorithm=ED25519 if public else HMAC_SHA256,
            material=public or secret.encode(),
            scopes=check_scopes(message.scopes),
            accounts=parse_accounts(message.account_ids),
            networks=parse_networks(message.addresses),
            expires_ns=message.expires_ns,
            revoked=False,
        )

        def add(unit: Unit) -> NewApiKey:
            _check_within(unit, key)
            key_store.add_key(unit.tx, key, self._sealer, label=label, addresses=message.addresses, now_ns=unit.now_ns)
            unit.note("api_key_created", message.user_id, key.key_id)
            unit.changed(message.user_id, [])
            return NewApiKey(key_store.key_view(unit.tx, key.key_id), secret)

        return await self._writer.write(Origin.of(message), add)

    async def get(self, message: GetApiKeys) -> ApiKeys:
        """Return a user's keys."""
        await self.save_last_used()
        return ApiKeys(await self._database.read(lambda tx: key_store.key_views(tx, message.user_id)))

    async def revoke(self, message: RevokeApiKey) -> Revoked:
        """Revoke a user's own key: true once; false for one that was revoked, is another's, or never was."""

        def revoke(unit: Unit) -> bool:
            revoked = key_store.revoke_key(unit.tx, message.user_id, message.key_id, unit.now_ns)
            if revoked:
                unit.note("api_key_revoked", message.user_id, message.key_id)
                unit.changed(message.user_id, [])
            return revoked

        return Revoked(await self._writer.write(Origin.of(message), revoke))

    async def verify_signature(self, message: VerifySignature) -> Identity:
        """Return who signed the request, by current grants."""

        def signed() -> bytes:
            return signed_message(
                message.timestamp, message.recv_window, message.method, message.path, message.query, message.body
            )

        return await self._verify(message, signed, hexadecimal=False)

    async def verify_payload(self, message: VerifyPayload) -> Identity:
        """Return who signed the payload, by current grants."""
        return await self._verify(message, lambda: message.payload, hexadecimal=True)

    async def run(self) -> None:
        """Store when keys were used, every 5 s while they are."""
        while True:
            await self._touched.wait()
            await self._clock.sleep(LAST_USED_EVERY_S)
            self._touched.clear()
            await self.save_last_used()

    async def save_last_used(self) -> None:
        """Store what is not stored yet; kept for the next time when the database does not take it."""
        pending, self._last_used = self._last_used, {}
        if not pending:
            return
        try:
            await self._database.write(lambda tx: key_store.save_last_used(tx, pending))
        except BaseException:
            self._last_used = {**pending, **self._last_used}
            raise

    async def _verify(
        self, message: VerifySignature | VerifyPayload, signed: Callable[[], bytes], *, hexadecimal: bool
    ) -> Identity:
        origin = Origin.of(message)
        try:
            key, grants = await self._key_and_grants(message.key_id)
            now_ns = self._clock.now()
            key.check_use(origin.peer, now_ns)
            end_ns = window_end_ns(message.timestamp, message.recv_window, now_ns)
            signature = signature_bytes(message.signature, key.algorithm, hexadecimal=hexadecimal)
            key.check_signature(signature, signed())
            if not self._used.use(signature, end_ns, now_ns):
                raise SignatureRefused(SignatureFailure.USED_TWICE)
        except SignatureRefused as refused:
            SIGNATURE_FAILURES.labels(refused.kind.value).inc()
            _log.warning(
                "signed request refused: %s",
                refused.kind.value,
                extra={"kind": refused.kind.value, "peer": origin.peer, "request_id": origin.request_id},
            )
            raise Unauthenticated(detail=ONE_TEXT) from None
        self._last_used[key.key_id] = now_ns
        self._touched.set()
        return _identity(key, grants)

    async def _key_and_grants(self, key_id: str) -> tuple[ApiKey, Grants]:
        key = await self._access.key(key_id) if is_key_id(key_id) else None
        if key is None:
            raise SignatureRefused(SignatureFailure.UNKNOWN_KEY)
        grants = await self._access.grants(key.user_id)
        if grants is None or grants.disabled:
            raise SignatureRefused(SignatureFailure.REVOKED)
        return key, grants


def _check_within(unit: Unit, key: ApiKey) -> None:
    """Raise unless the key stays within its user's scopes, accounts and number of keys."""
    grants = store.grants_of(unit.tx, key.user_id)
    if grants is None or grants.disabled:
        raise NotFound("user.not_found", "user not found")
    if not set(key.scopes) <= set(grants.scopes):
        raise Forbidden(detail="a key's scopes must be within its user's", field="scopes")
    foreign = (
        store.unknown_accounts(unit.tx, key.accounts) if grants.is_admin else set(key.accounts) - set(grants.accounts)
    )
    if foreign:
        raise NotFound("account.not_found", "account not found", field="account_ids")
    if key_store.count_keys(unit.tx, key.user_id) >= KEYS_PER_USER_MAX:
        raise Conflict("key.too_many", "no more keys for this user", limit=str(KEYS_PER_USER_MAX))


def _identity(key: ApiKey, grants: Grants) -> Identity:
    """Return what a key may do now: what it was given and its user still has.

    A key that names accounts is bound to them, an admin's too: `is_admin` would mean every account.
    """
    scopes = [scope for scope in key.scopes if scope in grants.scopes]
    if not key.accounts:
        accounts = list(grants.accounts)
    else:
        accounts = [account for account in key.accounts if grants.is_admin or account in grants.accounts]
    return Identity(
        user_id=key.user_id,
        session_id=key.key_id,
        scopes=scopes,
        accounts=accounts,
        is_admin="admin" in scopes and not key.accounts,
        expires_ns=key.expires_ns if key.expires_ns is not None else I64_MAX,
    )
