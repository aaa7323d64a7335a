"""API keys in the auth room.

Goal: a key is what it was granted and what its user still has; a signature counts once; a secret is shown once.
Method: clients that sign as the documentation says, over the embedded bus.
"""

import base64
import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from quantumcore.contracts.auth import (
    CreateApiKey,
    DisableUser,
    GetApiKeys,
    GrantAccount,
    NewApiKey,
    RevokeApiKey,
    Revoked,
    SetRoles,
    VerifyPayload,
    VerifySignature,
)
from quantumcore.contracts.errors import Conflict, Forbidden, InvalidCommand, NotFound, Unauthenticated
from quantumcore.contracts.values import I64_MAX
from quantumcore.services.auth.tables import API_KEYS
from quantumcore.services.auth.tokens import NS
from tests.support.auth_room import PEER, Room, open_room
from tests.support.clocks import ManualClock

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(PRIVATE.public_key().public_bytes_raw()).decode()


@pytest.fixture
async def room(tmp_path):
    async with open_room(tmp_path) as opened:
        yield opened


def request(
    room: Room,
    made: NewApiKey,
    *,
    private=None,
    age_ms: int = 0,
    window: str = "5000",
    body: bytes = b'{"a":1}',
    **changes,
) -> VerifySignature:
    """What the gateway sends for a request that the owner of `made` signed."""
    timestamp = str(room.clock.now() // 1_000_000 - age_ms)
    message = b"\n".join([timestamp.encode(), window.encode(), b"POST", b"/v1/orders", b"x=1", body])
    raw = private.sign(message) if private else hmac.digest(made.secret.encode(), message, hashlib.sha256)
    values = {
        "key_id": made.key.key_id, "timestamp": timestamp, "recv_window": window, "signature": base64.b64encode(raw).decode(),
        "method": "POST", "path": "/v1/orders", "query": "x=1", "body": body, "peer": PEER,
    }  # fmt: skip
    return VerifySignature(**{**values, **changes})


async def refused(room: Room, message) -> str:
    with pytest.raises(Unauthenticated) as error:
        await room.ask(message)
    return f"{error.value.code} {error.value.detail} {error.value.field} {error.value.actual}"


async def test_an_hmac_key_signs_for_its_user(room):
    ann = await room.register()
    made = await room.ask(CreateApiKey(user_id=ann.user_id, label="bot", scopes=["trade", "read"]))
    assert made.key.key_id.startswith("qc_")
    assert len(made.key.key_id) == 35
    assert len(made.secret) == 64
    identity = await room.ask(request(room, made))
    assert (identity.user_id, identity.session_id, identity.scopes, identity.accounts) == (
        ann.user_id,
        made.key.key_id,
        ["read", "trade"],
        [1001],
    )
    assert (identity.is_admin, identity.expires_ns) == (False, I64_MAX)


async def test_an_ed25519_key_signs_and_has_no_secret_of_ours(room):
    ann = await room.register()
    made = await room.ask(
        CreateApiKey(user_id=ann.user_id, public_key=PUBLIC, scopes=["read"], expires_ns=room.clock.now() + 60 * NS)
    )
    assert (made.secret, made.key.algorithm) == ("", "ed25519")
    identity = await room.ask(request(room, made, private=PRIVATE))
    assert identity.expires_ns == made.key.expires_ns
    room.clock.turn(60)
    await refused(room, request(room, made, private=PRIVATE))


async def test_a_secret_is_shown_once_and_stored_sealed(room):
    ann = await room.register()
    made = await room.ask(CreateApiKey(user_id=ann.user_id))
    listed = (await room.ask(GetApiKeys(user_id=ann.user_id))).items
    assert listed == [made.key]
    stored = await room.database.read(lambda tx: tx.execute(select(API_KEYS)).one())
    assert made.secret not in str(stored)
    assert made.secret.encode() not in base64.b64decode(stored.material)


async def test_all_refusals_are_one_answer(room):
    ann = await room.register()
    made = await room.ask(CreateApiKey(user_id=ann.user_id, scopes=["read"], addresses=["203.0.113.0/24"]))
    ended = await room.ask(CreateApiKey(user_id=ann.user_id, expires_ns=room.clock.now() + 1))
    revoked = await room.ask(CreateApiKey(user_id=ann.user_id))
    room.clock.turn(1)
    await room.ask(RevokeApiKey(user_id=ann.user_id, key_id=revoked.key.key_id))
    once = request(room, made)
    await room.ask(once)
    other = request(room, made, key_id="qc_" + "Z" * 32)
    answers = {
        await refused(room, message)
        for message in (
            once, other, request(room, ended), request(room, revoked), request(room, made, signature="AAAA"), request(room, made, signature="*"),
            request(room, made, age_ms=5_001), request(room, made, age_ms=-1_001), request(room, made, window="60001"),
            request(room, made, peer="198.51.100.1"), request(room, made, method="GET"), request(room, made, path="/v1/transfers"),
            request(room, made, query="x=2"), request(room, made, key_id="' OR 1=1"), request(room, made, timestamp="0"),
            request(room, made, query="x=1\n", body=b""),
        )
    }  # fmt: skip
    assert len(answers) == 1


async def test_a_signed_request_counts_once_within_its_window(room):
    ann = await room.register()
    made = await room.ask(CreateApiKey(user_id=ann.user_id))
    message = request(room, made, window="60000")
    await room.ask(message)
    for _ in range(60):
        await refused(room, message)
        room.clock.turn(1)
    room.clock.turn(1)
    await refused(room, message)
    await room.ask(request(room, made))


async def test_the_same_signature_in_another_spelling_is_still_used(room):
    ann = await room.register()
    made = await room.ask(CreateApiKey(user_id=ann.user_id))
    message = request(room, made)
    await room.ask(message)
    text = message.signature
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    sibling = text[:-2] + alphabet[alphabet.index(text[-2]) ^ 1] + "="
    assert base64.b64decode(sibling) == base64.b64decode(text)
    await refused(room, request(room, made, signature=sibling))


async def test_a_key_stays_within_its_users_scopes_and_accounts(room):
    ann, bob = await room.register("ann@example.com"), await room.register("bob@host")
    for scopes in (["admin"], ["read", "risk"]):
        with pytest.raises(Forbidden):
            await room.ask(CreateApiKey(user_id=ann.user_id, scopes=scopes))
    with pytest.raises(NotFound, match="not found"):
        await room.ask(CreateApiKey(user_id=ann.user_id, account_ids=[bob.account_id]))
    for wrong in (
        {"scopes": ["everything"]},
        {"account_ids": ["x"]},
        {"addresses": ["here"]},
        {"expires_ns": room.clock.now()},
        {"label": "x" * 101},
        {"label": "a\0b"},
        {"public_key": "AAAA"},
    ):
        with pytest.raises(InvalidCommand):
            await room.ask(CreateApiKey(user_id=ann.user_id, **wrong))
    with pytest.raises(NotFound):
        await room.ask(CreateApiKey(user_id="nobody"))


async def test_a_key_loses_what_its_user_loses(room):
    ann = await room.register()
    made = await room.ask(CreateApiKey(user_id=ann.user_id, scopes=["read", "trade"]))
    await room.ask(SetRoles(user_id=ann.user_id, roles=["viewer"]))
    assert (await room.ask(request(room, made))).scopes == ["read"]
    room.clock.turn(1)
    await room.ask(DisableUser(user_id=ann.user_id))
    await refused(room, request(room, made))


async def test_a_key_without_scopes_may_do_nothing_and_is_still_known(room):
    ann = await room.register()
    made = await room.ask(CreateApiKey(user_id=ann.user_id, scopes=[]))
    assert (await room.ask(request(room, made))).scopes == []


async def test_a_key_bound_to_accounts_never_reaches_others_not_even_an_admins(room):
    admin, ann = await room.create("root@host", "admin"), await room.register()
    bound = await room.ask(CreateApiKey(user_id=admin.user_id, scopes=["admin"], account_ids=[ann.account_id]))
    identity = await room.ask(request(room, bound))
    assert (identity.accounts, identity.is_admin) == ([int(ann.account_id)], False)
    free = await room.ask(CreateApiKey(user_id=admin.user_id, scopes=["admin"]))
    assert (await room.ask(request(room, free))).is_admin
    reader = await room.ask(CreateApiKey(user_id=admin.user_id, scopes=["read"]))
    assert not (await room.ask(request(room, reader))).is_admin
    with pytest.raises(NotFound):
        await room.ask(CreateApiKey(user_id=admin.user_id, account_ids=["4711"]))


async def test_a_key_bound_to_accounts_gets_no_account_granted_later(room):
    ann, bob = await room.register(), await room.register("bob@host")
    bound = await room.ask(CreateApiKey(user_id=ann.user_id, account_ids=[ann.account_id]))
    free = await room.ask(CreateApiKey(user_id=ann.user_id))
    await room.ask(GrantAccount(user_id=ann.user_id, account=int(bob.account_id)))
    assert (await room.ask(request(room, bound))).accounts == [1001]
    assert (await room.ask(request(room, free))).accounts == [1001, 1002]


async def test_revoking_is_true_once_then_false_and_only_ones_own(room):
    ann, bob = await room.register(), await room.register("bob@host")
    made = await room.ask(CreateApiKey(user_id=ann.user_id))
    await room.ask(request(room, made))
    assert await room.ask(RevokeApiKey(user_id=bob.user_id, key_id=made.key.key_id)) == Revoked(False)
    assert await room.ask(RevokeApiKey(user_id=ann.user_id, key_id="qc_unknown")) == Revoked(False)
    assert await room.ask(RevokeApiKey(user_id=ann.user_id, key_id=made.key.key_id)) == Revoked(True)
    assert await room.ask(RevokeApiKey(user_id=ann.user_id, key_id=made.key.key_id)) == Revoked(False)
    room.clock.turn(1)
    await refused(room, request(room, made))
    assert (await room.ask(GetApiKeys(user_id=ann.user_id))).items[0].revoked


async def test_last_used_is_set_on_success_only_and_outlives_a_restart(tmp_path):
    clock = ManualClock()
    async with open_room(tmp_path, clock=clock) as room:
        ann = await room.register()
        made = await room.ask(CreateApiKey(user_id=ann.user_id))
        await refused(room, request(room, made, signature="AAAA"))
        assert (await room.ask(GetApiKeys(user_id=ann.user_id))).items[0].last_used_ns is None
        clock.turn(3)
        await room.ask(request(room, made))
        used_ns = clock.now()
    async with open_room(tmp_path, clock=clock) as room:
        assert (await room.ask(GetApiKeys(user_id=ann.user_id))).items[0].last_used_ns == used_ns
        await room.ask(request(room, made, body=b"after the restart"))


async def test_a_user_has_at_most_a_hundred_keys_in_force(room):
    ann = await room.register()
    made = [await room.ask(CreateApiKey(user_id=ann.user_id)) for _ in range(100)]
    with pytest.raises(Conflict) as full:
        await room.ask(CreateApiKey(user_id=ann.user_id))
    assert full.value.code == "key.too_many"
    await room.ask(RevokeApiKey(user_id=ann.user_id, key_id=made[0].key.key_id))
    await room.ask(CreateApiKey(user_id=ann.user_id))


async def test_other_dialects_sign_a_payload_in_hexadecimal(room):
    ann = await room.register()
    made = await room.ask(CreateApiKey(user_id=ann.user_id, scopes=["trade"]))
    timestamp = str(room.clock.now() // 1_000_000)
    payload = f"symbol=BTCUSDT&timestamp={timestamp}".encode()
    signature = hmac.digest(made.secret.encode(), payload, hashlib.sha256).hex()
    message = VerifyPayload(key_id=made.key.key_id, timestamp=timestamp, signature=signature, payload=payload)
    assert (await room.ask(message)).user_id == ann.user_id
    await refused(room, message)
    await refused(
        room, VerifyPayload(key_id=made.key.key_id, timestamp=timestamp, signature=signature.upper(), payload=payload)
    )
    await refused(
        room, VerifyPayload(key_id=made.key.key_id, timestamp=timestamp, signature=signature, payload=payload + b"0")
    )
