"""Access tokens.

Goal: what we sign comes back as it was; what we did not sign is refused as exactly one of the kinds; a defect is no refusal.
Method: tokens by our own issuer, tokens made by hand from their parts, and a library that breaks on purpose.
"""

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumcore.services.auth import tokens as tokens_module
from quantumcore.services.auth.tokens import NS, TokenFailure, TokenRefused, Tokens, kid_of

SECRET = "unit-test-secret" * 4
OTHER = "another-secret-x" * 4
LIFE_S = 900
NOW = 1_700_000_000_500_000_000


def issue(tokens: Tokens, **changes):
    values = {"user_id": "u-1", "session_id": "s-1", "token_id": "t-1", "roles": ["trader"], "now_ns": NOW}
    return tokens.issue(**{**values, **changes})


def kind_of(tokens: Tokens, token: str, now_ns: int = NOW) -> TokenFailure | None:
    try:
        tokens.check(token, now_ns)
    except TokenRefused as refused:
        return refused.kind
    return None


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(header: dict, payload: object, secret: str = SECRET) -> str:
    head = f"{part(header)}.{part(payload)}"
    return f"{head}.{part(jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head.encode(), secret.encode()))}"


CLAIMS = {"sub": "u", "sid": "s", "jti": "j", "iat": NOW // NS, "exp": NOW // NS + LIFE_S, "roles": []}


def test_a_token_says_what_it_was_given_and_lives_exactly_900_seconds():
    claims = Tokens(SECRET, LIFE_S).check(issue(Tokens(SECRET, LIFE_S)), NOW)
    assert (claims.sub, claims.sid, claims.jti, claims.roles) == ("u-1", "s-1", "t-1", ["trader"])
    assert claims.iat == NOW // NS
    assert claims.exp - claims.iat == 900


@given(
    subject=st.text(st.characters(exclude_categories=["Cs"]), max_size=1_000),
    roles=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=100),
)
def test_subjects_of_1000_characters_and_100_roles_come_back_unchanged(subject, roles):
    tokens = Tokens(SECRET, LIFE_S)
    claims = tokens.check(issue(tokens, user_id=subject, roles=roles), NOW)
    assert (claims.sub, claims.roles) == (subject, roles)


def test_the_largest_subject_and_roles_fit():
    tokens = Tokens(SECRET, LIFE_S)
    roles = [f"role-{number:03d}" for number in range(100)]
    assert tokens.check(issue(tokens, user_id="\U0001f4c8" * 1_000, roles=roles), NOW).roles == roles


def test_it_counts_until_the_last_nanosecond_and_no_longer():
    tokens = Tokens(SECRET, LIFE_S)
    token, end = issue(tokens), (NOW // NS + LIFE_S) * NS
    assert kind_of(tokens, token, end - 1) is None
    assert kind_of(tokens, token, end) is TokenFailure.EXPIRED
    assert kind_of(Tokens(SECRET, LIFE_S), token, end) is TokenFailure.EXPIRED


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "not a token",
        "é.é.é",
        "\ud800",
        part({"alg": "HS256"}),
        "x" * 20_000,
        "=.=.=",
        part(b"[]") + ".e30.c2ln",
    ],
)
def test_what_is_no_token_is_malformed(token):
    assert kind_of(Tokens(SECRET, LIFE_S), token) is TokenFailure.MALFORMED


def test_a_token_cut_anywhere_is_refused():
    tokens = Tokens(SECRET, LIFE_S)
    token = issue(tokens)
    kinds = {kind_of(tokens, token[:length]) for length in range(len(token))}
    assert kinds <= {TokenFailure.MALFORMED, TokenFailure.BAD_SIGNATURE}


def test_a_header_of_brackets_only_is_malformed_and_no_defect():
    assert kind_of(Tokens(SECRET, LIFE_S), f"{part(b'[' * 9_000)}.e30.c2ln") is TokenFailure.MALFORMED


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", 256, None, ["HS256"]]
)
def test_hs256_is_the_only_algorithm(algorithm):
    token = signed({"alg": algorithm, "typ": "JWT"}, CLAIMS)
    assert kind_of(Tokens(SECRET, LIFE_S), token) is TokenFailure.WRONG_ALGORITHM
    assert kind_of(Tokens(SECRET, LIFE_S), token.rpartition(".")[0] + ".") is TokenFailure.WRONG_ALGORITHM


def test_a_header_without_algorithm_is_malformed():
    assert kind_of(Tokens(SECRET, LIFE_S), signed({"typ": "JWT"}, CLAIMS)) is TokenFailure.MALFORMED


@pytest.mark.parametrize("kid", ["0" * 16, "../../etc/passwd", "' OR 1=1 --", ""])
def test_an_unknown_key_name_is_a_bad_signature(kid):
    assert kind_of(Tokens(SECRET, LIFE_S), signed({"alg": "HS256", "kid": kid}, CLAIMS)) is TokenFailure.BAD_SIGNATURE


def test_a_changed_payload_is_a_bad_signature():
    tokens = Tokens(SECRET, LIFE_S)
    head, _, tail = issue(tokens).split(".")
    assert kind_of(tokens, f"{head}.{part({**CLAIMS, 'sub': 'admin'})}.{tail}") is TokenFailure.BAD_SIGNATURE


@pytest.mark.parametrize(
    "change",
    [
        {"exp": "soon"},
        {"exp": None},
        {"exp": 1.5},
        {"sub": 7},
        {"sid": None},
        {"roles": "admin"},
        {"roles": [1]},
        {"iat": True},
    ],
)
def test_claims_of_another_shape_are_malformed_even_when_signed(change):
    assert kind_of(Tokens(SECRET, LIFE_S), signed({"alg": "HS256"}, {**CLAIMS, **change})) is TokenFailure.MALFORMED


@pytest.mark.parametrize("payload", [[], "text", 7, None, b"\xff\xfe", b"{"])
def test_a_payload_that_is_no_object_is_malformed_even_when_signed(payload):
    assert kind_of(Tokens(SECRET, LIFE_S), signed({"alg": "HS256"}, payload)) is TokenFailure.MALFORMED


def test_after_a_rotation_the_previous_secret_counts_for_one_token_life():
    old = Tokens(OTHER, LIFE_S)
    token = issue(old, now_ns=NOW)
    rotated = Tokens(SECRET, LIFE_S)
    assert kind_of(rotated, token) is TokenFailure.BAD_SIGNATURE
    rotated.accept_previous(OTHER, NOW + 60 * NS)
    assert kind_of(rotated, token) is None
    assert kind_of(rotated, token, NOW + 60 * NS) is TokenFailure.EXPIRED
    assert kind_of(rotated, issue(old, roles=["late"]), NOW + 60 * NS) is TokenFailure.BAD_SIGNATURE
    assert jwt.get_unverified_header(issue(rotated))["kid"] == kid_of(SECRET)


def test_naming_todays_secret_as_the_previous_one_does_not_end_it():
    tokens = Tokens(SECRET, LIFE_S)
    tokens.accept_previous(SECRET, NOW - 1)
    assert kind_of(tokens, issue(tokens)) is None


def test_a_remembered_token_is_the_same_token_and_no_other(monkeypatch):
    tokens = Tokens(SECRET, LIFE_S)
    token = issue(tokens)
    tokens.check(token, NOW)
    monkeypatch.setattr(tokens._jws, "decode", lambda *_, **__: pytest.fail("verified twice"))
    assert tokens.check(token, NOW).sub == "u-1"
    with pytest.raises(pytest.fail.Exception):
        tokens.check(issue(tokens, token_id="t-2"), NOW)


def test_at_most_so_many_tokens_are_remembered(monkeypatch):
    monkeypatch.setattr(tokens_module, "VERIFIED_MAX", 3)
    tokens = Tokens(SECRET, LIFE_S)
    for number in range(10):
        tokens.check(issue(tokens, token_id=str(number)), NOW)
    assert len(tokens._verified) == 3


@pytest.mark.hazard("C7")
@pytest.mark.parametrize(
    "defect", [TypeError("a defect"), AttributeError("a defect"), KeyError("a defect"), AssertionError("a defect")]
)
def test_a_defect_inside_verification_is_raised_as_what_it_is(monkeypatch, defect):
    """A catch-all would make it a refused token: nobody would look for it, and nobody could log in."""
    tokens = Tokens(SECRET, LIFE_S)

    def broken(*_: object, **__: object) -> None:
        raise defect

    monkeypatch.setattr(tokens._jws, "decode", broken)
    caught: BaseException | None = None
    try:
        tokens.check(issue(tokens), NOW)
    except Exception as error:  # noqa: BLE001  # whatever comes is looked at
        caught = error
    assert caught is defect


@pytest.mark.hazard("C7")
def test_five_failures_stay_five_kinds():
    """Each of the kinds that a token can cause is told apart (the fifth, revoked, is the session's)."""
    tokens, token = Tokens(SECRET, LIFE_S), issue(Tokens(SECRET, LIFE_S))
    assert kind_of(tokens, token, NOW + 1_000 * NS) is TokenFailure.EXPIRED
    assert kind_of(tokens, token[:20]) is TokenFailure.MALFORMED
    assert kind_of(tokens, issue(Tokens(OTHER, LIFE_S))) is TokenFailure.BAD_SIGNATURE
    assert kind_of(tokens, signed({"alg": "none"}, CLAIMS)) is TokenFailure.WRONG_ALGORITHM
    assert len(TokenFailure) == 5


def test_a_signing_key_shown_shows_no_secret():
    assert SECRET not in repr(Tokens(SECRET, LIFE_S)._current)
    assert kid_of(SECRET) != kid_of(OTHER)
