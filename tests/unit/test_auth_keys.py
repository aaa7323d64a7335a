"""API keys and what they sign.

Goal: a signature counts for one request, once, within its window, from its addresses; nothing can be moved between fields.
Method: signatures by the published algorithms, then one thing changed at a time.
"""

import base64
import hashlib
import hmac
import random
from collections import Counter

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quantumcore.contracts.errors import Corrupted, InvalidCommand, Unavailable
from quantumcore.services.auth import keys
from quantumcore.services.auth.keys import ApiKey, SignatureFailure, SignatureRefused
from quantumcore.services.auth.replays import UsedSignatures
from quantumcore.services.auth.sealing import Sealer
from quantumcore.services.auth.secrets import fingerprint, same_secret

S = 1_000_000_000
NOW = 1_700_000_000 * S
NOW_MS = NOW // 1_000_000
SECRET = b"k" * 64


def key(**changes) -> ApiKey:
    values = {
        "key_id": "qc_" + "a" * 32, "user_id": "u", "algorithm": keys.HMAC_SHA256, "material": SECRET, "scopes": ("read",),
        "accounts": (), "networks": (), "expires_ns": None, "revoked": False,
    }  # fmt: skip
    return ApiKey(**{**values, **changes})


def refusal(call) -> SignatureFailure | None:
    try:
        call()
    except SignatureRefused as refused:
        return refused.kind
    return None


def test_the_signed_text_is_the_six_parts_joined_by_newlines():
    assert (
        keys.signed_message("1", "5000", "POST", "/v1/orders", "a=b", b"{}\n")
        == b"1\n5000\nPOST\n/v1/orders\na=b\n{}\n"
    )


@pytest.mark.parametrize("place", range(5))
def test_no_part_but_the_body_may_hold_a_newline(place):
    parts = ["1", "5000", "GET", "/p", "q"]
    parts[place] += "\nx"
    assert refusal(lambda: keys.signed_message(*parts, b"")) is SignatureFailure.MALFORMED


def test_hmac_signatures_are_checked():
    message = b"what is signed"
    good = hmac.digest(SECRET, message, hashlib.sha256)
    assert refusal(lambda: key().check_signature(good, message)) is None
    for wrong in (b"", good[:-1], good + b"\0", bytes(32), hmac.digest(b"other", message, hashlib.sha256)):
        assert refusal(lambda wrong=wrong: key().check_signature(wrong, message)) is SignatureFailure.BAD_SIGNATURE
    assert refusal(lambda: key().check_signature(good, message + b" ")) is SignatureFailure.BAD_SIGNATURE


def test_ed25519_signatures_are_checked():
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = private.public_key().public_bytes_raw()
    assert keys.parse_public_key(base64.b64encode(public).decode()) == public
    own, message = key(algorithm=keys.ED25519, material=public), b"what is signed"
    good = private.sign(message)
    assert refusal(lambda: own.check_signature(good, message)) is None
    for wrong in (b"", good[:-1], bytes(64), private.sign(message + b"!")):
        assert refusal(lambda wrong=wrong: own.check_signature(wrong, message)) is SignatureFailure.BAD_SIGNATURE


@pytest.mark.parametrize("text", ["", "AAAA", "!" * 44, base64.b64encode(bytes(33)).decode()])
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(InvalidCommand, match="public_key"):
        keys.parse_public_key(text)


def test_signatures_are_base64_and_for_hmac_of_other_dialects_hexadecimal():
    raw = bytes(range(32))
    assert keys.signature_bytes(base64.b64encode(raw).decode(), keys.HMAC_SHA256) == raw
    assert keys.signature_bytes(raw.hex(), keys.HMAC_SHA256, hexadecimal=True) == raw
    assert keys.signature_bytes(raw.hex(), keys.HMAC_SHA256) != raw
    for wrong in ("*", "é", "a", "zz" * 32):
        assert refusal(lambda wrong=wrong: keys.signature_bytes(wrong, keys.ED25519)) in {
            SignatureFailure.MALFORMED,
            None,
        }
    assert (
        refusal(lambda: keys.signature_bytes("*" * 64, keys.HMAC_SHA256, hexadecimal=True))
        is SignatureFailure.MALFORMED
    )


def test_a_request_counts_within_its_window_and_a_second_ahead():
    def at(sent_ms: int, window: str = "5000") -> SignatureFailure | None:
        return refusal(lambda: keys.window_end_ns(str(sent_ms), window, NOW))

    assert at(NOW_MS) is None
    assert at(NOW_MS - 5_000) is None
    assert at(NOW_MS - 5_001) is SignatureFailure.OUTSIDE_WINDOW
    assert at(NOW_MS - 5_000, "") is None
    assert at(NOW_MS - 5_001, "") is SignatureFailure.OUTSIDE_WINDOW
    assert at(NOW_MS + 1_000) is None
    assert at(NOW_MS + 1_001) is SignatureFailure.OUTSIDE_WINDOW
    assert at(NOW_MS - 60_000, "60000") is None
    for window in ("60001", "0", "-1", "1e3", "99999", "١٠", " 5000"):
        assert at(NOW_MS, window) is SignatureFailure.MALFORMED


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1.5", "1" * 15, "١٢"])
def test_a_timestamp_is_a_number_of_milliseconds(timestamp):
    assert refusal(lambda: keys.window_end_ns(timestamp, "5000", NOW)) is SignatureFailure.MALFORMED


def test_a_key_may_be_bound_to_addresses():
    bound = key(networks=keys.parse_networks(["10.0.0.0/8", "2001:db8::/32", "203.0.113.7"]))
    for peer in ("10.1.2.3", "10.1.2.3:999", "[2001:db8::5]:1", "203.0.113.7", "::ffff:10.0.0.1"):
        assert refusal(lambda peer=peer: bound.check_use(peer, NOW)) is None
    for peer in ("11.0.0.1", "203.0.113.8", "", "operator", "10.1.2.3.4"):
        assert refusal(lambda peer=peer: bound.check_use(peer, NOW)) is SignatureFailure.WRONG_ADDRESS
    for wrong in (["10.0.0.1/8"], ["here"], ["10.0.0.0/8"] * 33):
        with pytest.raises(InvalidCommand, match="address"):
            keys.parse_networks(wrong)


def test_a_key_ends_at_its_expiry_and_when_revoked():
    assert refusal(lambda: key(expires_ns=NOW + 1).check_use("", NOW)) is None
    assert refusal(lambda: key(expires_ns=NOW).check_use("", NOW)) is SignatureFailure.EXPIRED
    assert refusal(lambda: key(revoked=True).check_use("", NOW)) is SignatureFailure.REVOKED


def test_ids_and_secrets_favour_no_character(seed):
    random_bytes = random.Random(seed).randbytes
    text = keys.alphanumerics(62_000, random_bytes)
    counts = Counter(text)
    assert set(counts) == set(keys.ALPHANUMERICS)
    assert all(820 < count < 1_180 for count in counts.values())  # 1,000 each, within 5.7 standard deviations
    assert keys.is_key_id(keys.KEY_PREFIX + text[:32])
    assert not any(
        keys.is_key_id(wrong)
        for wrong in ("", "qc_", "qc_" + "a" * 31, "xx_" + "a" * 32, "qc_" + "é" * 32, "qc_" + "a" * 31 + "'")
    )


def test_a_key_shown_shows_no_secret():
    assert "kkkk" not in repr(key())


def test_a_sealed_secret_opens_for_its_owner_and_nobody_else(seed):
    sealer = Sealer("key encryption key " * 2, random.Random(seed).randbytes)
    sealed = sealer.seal("qc_one", SECRET)
    assert sealer.open("qc_one", sealed) == SECRET
    assert SECRET not in sealed
    assert sealer.seal("qc_one", SECRET) != sealed
    other = Sealer("another encryption key" * 2, random.Random(seed).randbytes)
    for opener, owner, text in (
        (sealer, "qc_two", sealed),
        (other, "qc_one", sealed),
        (sealer, "qc_one", sealed[:-1] + b"\0"),
        (sealer, "qc_one", b""),
    ):
        with pytest.raises(Corrupted):
            opener.open(owner, text)


def test_a_signature_is_used_once_and_forgotten_after_its_window():
    used = UsedSignatures()
    assert used.use(b"one", NOW + 5 * S, NOW)
    assert not used.use(b"one", NOW + 5 * S, NOW)
    assert not used.use(b"one", NOW + 5 * S, NOW + 5 * S)
    assert used.use(b"two", NOW + 9 * S, NOW + 7 * S)
    assert len(used) == 1


def test_when_full_it_refuses_rather_than_forget():
    used = UsedSignatures(limit=3)
    for number in range(3):
        assert used.use(bytes([number]), NOW + 5 * S, NOW)
    with pytest.raises(Unavailable) as full:
        used.use(b"next", NOW + 5 * S, NOW)
    assert full.value.code == "overloaded"
    assert not used.use(b"\1", NOW + 5 * S, NOW)
    assert used.use(b"next", NOW + 12 * S, NOW + 7 * S)


def test_equal_secrets_are_equal_and_others_are_not():
    assert same_secret(b"", b"")
    assert same_secret(b"secret", b"secret")
    assert not any(same_secret(wrong, b"secret") for wrong in (b"", b"secre", b"secret ", b"Secret", b"s" * 1_000_000))
    assert fingerprint(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
