"""Forged access tokens.

Goal: nobody who does not know the secret gets in, whatever he sends, and each attempt is counted as its kind.
Method: an attacker's moves against the whole room: known and weak secrets, every string of the source, `none`, changed, cut, replayed.
"""

import ast
import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import quantumcore
from quantumcore.contracts.auth import Logout
from quantumcore.contracts.errors import Unauthenticated
from quantumcore.services.auth.tokens import TokenFailure
from tests.support.auth_room import SETTINGS, Room, open_room

WEAK = [
    "", "secret", "password", "changeme", "your-256-bit-secret", "jwt_secret", "JWT_SECRET", "quantumcore", "admin", "0" * 64, "a" * 64, "x" * 64,
    "secret" * 11, "changeme" * 8, "dev-secret-do-not-use-in-production" * 2, "supersecretkey", "key", "test", "null", "None", "undefined",
]  # fmt: skip


@pytest.fixture
async def room(tmp_path):
    async with open_room(tmp_path) as opened:
        yield opened


def part(value: object) -> str:
    return (
        base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode().rstrip("=")
    )


def decode(text: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(text + "=="))


def sign(header: dict, claims: dict, secret: bytes, how=hashlib.sha256) -> str:
    head = f"{part(header)}.{part(claims)}"
    return f"{head}.{part(hmac.digest(secret, head.encode(), how))}"


async def passes(room: Room, token: str) -> bool:
    answer = ""
    try:
        await room.service._sessions.verify(_message(token))
    except Unauthenticated as refused:
        answer = f"{refused.code}: {refused.detail} {refused.__cause__}"
    assert answer in {"", "auth.unauthenticated: authentication is required None"}
    return not answer


def _message(token: str):
    from quantumcore.contracts.auth import VerifyToken

    return VerifyToken(token=token)


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("qc_auth_token_failures_total", {"kind": kind}) or 0.0


def strings_of_the_source() -> set[str]:
    found: set[str] = set()
    for path in Path(quantumcore.__file__).parent.rglob("*.py"):
        found |= {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    return found


@pytest.mark.hazard("H1")
async def test_no_string_of_the_source_and_no_weak_secret_signs(room):
    """A token signed with anything that can be read in the wheel is refused."""
    await room.register()
    good = (await room.login()).access_token
    header, claims = (decode(each) for each in good.split(".")[:2])
    candidates = sorted(strings_of_the_source()) + WEAK
    assert len(candidates) > 1_000
    passed = [
        secret
        for secret in candidates
        if await passes(room, sign(header, claims, secret.encode("utf-8", "surrogatepass")))
    ]
    assert passed == []
    assert await passes(room, sign(header, claims, SETTINGS.jwt_secret.encode()))


async def test_ten_thousand_changes_of_a_good_token_pass_nowhere(room, rng):
    await room.register()
    good = (await room.login()).access_token
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="
    passed = []
    for _ in range(10_000):
        place, changed = rng.randrange(len(good)), rng.choice(alphabet)
        forged = good[:place] + changed + good[place + 1 :]
        if forged != good and await passes(room, forged) and decoded(forged) != decoded(good):
            passed.append(forged)
    assert passed == []


def decoded(token: str) -> list[bytes]:
    return [base64.urlsafe_b64decode(each + "==") for each in token.split(".")]


async def test_no_claim_can_be_changed_and_no_algorithm_chosen(room):
    await room.register()
    admin = await room.create("root@host", "admin")
    good = (await room.login()).access_token
    header, claims, signature = good.split(".")
    head, said = decode(header), decode(claims)
    for change in ({"sub": admin.user_id}, {"roles": ["admin"]}, {"exp": said["exp"] + 10_000}, {"sid": "other"}):
        forged = {**said, **change}
        assert not await passes(room, f"{header}.{part(forged)}.{signature}")
        assert not await passes(room, f"{part({'alg': 'none'})}.{part(forged)}.")
        assert not await passes(room, f"{part({'alg': 'none', 'kid': head['kid']})}.{part(forged)}.{signature}")
        assert not await passes(room, sign({**head, "alg": "none"}, forged, b""))
        assert not await passes(room, sign({**head, "jwk": {"kty": "oct", "k": part(b"mine")}}, forged, b"mine"))
        assert not await passes(room, sign({**head, "kid": "../../dev/null"}, forged, b""))
        assert not await passes(room, sign({**head, "kid": ""}, forged, b""))
    for algorithm, how in (("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
        assert not await passes(room, sign({**head, "alg": algorithm}, said, SETTINGS.jwt_secret.encode(), how))


async def test_a_token_well_signed_for_a_session_that_is_not_there_or_anothers_is_refused(room):
    """Who has stolen the secret still needs a live session of that user: revocation holds against him too."""
    await room.register()
    admin = await room.create("root@host", "admin")
    good = (await room.login()).access_token
    header, said = (decode(each) for each in good.split(".")[:2])
    secret = SETTINGS.jwt_secret.encode()
    assert not await passes(room, sign(header, {**said, "sub": admin.user_id}, secret))
    assert not await passes(room, sign(header, {**said, "sid": "00000000-0000-4000-8000-000000000000"}, secret))
    assert not await passes(room, sign(header, {**said, "sid": "' OR '1'='1"}, secret))


async def test_roles_written_into_a_token_give_nothing(room):
    await room.register()
    good = (await room.login()).access_token
    header, said = (decode(each) for each in good.split(".")[:2])
    identity = await room.verify(sign(header, {**said, "roles": ["admin"]}, SETTINGS.jwt_secret.encode()))
    assert not identity.is_admin
    assert "admin" not in identity.scopes


async def test_each_failure_is_counted_and_logged_as_its_kind_and_answered_alike(room, caplog):
    await room.register()
    pair, other = await room.login(), await room.login()
    header, claims, _ = pair.access_token.split(".")
    session = (await room.verify(other.access_token)).session_id
    await room.ask(Logout(session_id=session))
    attempts = {
        TokenFailure.MALFORMED: ["", "x", f"{header}.{claims}"],
        TokenFailure.BAD_SIGNATURE: [f"{header}.{claims}.{part(bytes(32))}"],
        TokenFailure.WRONG_ALGORITHM: [f"{part({'alg': 'none'})}.{claims}."],
        TokenFailure.REVOKED: [other.access_token],
        TokenFailure.EXPIRED: [pair.access_token],
    }
    for kind, tokens in attempts.items():
        if kind is TokenFailure.EXPIRED:
            room.clock.turn(900)
        before = {each: counted(each.value) for each in TokenFailure}
        caplog.clear()
        for token in tokens:
            assert not await passes(room, token)
        assert {each: counted(each.value) - before[each] for each in TokenFailure} == {
            each: len(tokens) * (each is kind) for each in TokenFailure
        }
        assert [record.kind for record in caplog.records] == [kind.value] * len(tokens)


async def test_two_rooms_with_their_own_secrets_do_not_take_each_others_tokens(tmp_path):
    from tests.support.auth_room import settings_with

    async with (
        open_room(tmp_path / "one") as one,
        open_room(tmp_path / "two", settings=settings_with(jwt_secret="other---" * 8)) as two,
    ):
        await one.register()
        await two.register()
        mine, theirs = (await one.login()).access_token, (await two.login()).access_token
        assert not await passes(one, theirs)
        assert not await passes(two, mine)
