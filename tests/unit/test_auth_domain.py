"""Users and their grants, by the rules.

Goal: one person has one e-mail however he types it; a password has its bounds; a role is its scopes and nothing more.
Method: examples of each bound, on both sides, and properties over Unicode text.
"""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumcore.contracts.auth import ROLES, SCOPES
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.auth.domain import (
    Grants,
    check_password,
    check_roles,
    fold_email,
    parse_accounts,
    peer_host,
    scopes_of,
)


@pytest.mark.parametrize(
    "one, other",
    [
        ("Ann@Example.com", "ann@example.COM"),
        ("caf\u00e9@example.com", "cafe\u0301@example.com"),
        ("STRASSE@example.com", "straße@example.com"),
        ("\u0390@example.com", "\u03b9\u0308\u0301@example.com"),
    ],
)
def test_an_email_is_one_whatever_its_case_and_composition(one, other):
    assert fold_email(one) == fold_email(other)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "M"]), min_size=1, max_size=60))
def test_folding_twice_changes_nothing(local):
    folded = fold_email(f"{local}@host")
    assert unicodedata.is_normalized("NFC", folded)
    assert len(folded) > 254 or fold_email(folded) == folded


@pytest.mark.parametrize(
    "email", ["", "ann", "@host", "ann@", "a b@host", "a\u00a0b@host", "a\n@host", "a\0@host", "a" * 250 + "@host"]
)
def test_what_is_no_email_is_refused_by_name(email):
    with pytest.raises(InvalidCommand) as refused:
        fold_email(email)
    assert refused.value.field == "email"


@pytest.mark.parametrize("password", ["twelve chars", "ü" * 6, "x" * 1024, "é" * 512, " leading and trailing "])
def test_a_password_of_12_to_1024_bytes_is_taken_as_it_is(password):
    assert check_password(password) == password.encode()


@pytest.mark.parametrize(
    "password", ["", "eleven char", "x" * 1025, "é" * 513, "x" * 10_000, "with a \0 inside", "lone \ud800 surrogate"]
)
def test_a_password_out_of_bounds_is_refused_without_being_shown(password):
    with pytest.raises(InvalidCommand) as refused:
        check_password(password, "new_password")
    assert refused.value.field == "new_password"
    assert not password or password not in str(vars(refused.value))


def test_a_role_is_a_set_of_scopes():
    assert scopes_of(["viewer"]) == ("read",)
    assert scopes_of(["viewer", "trader"]) == ("read", "trade", "transfer")
    assert scopes_of(["admin"]) == SCOPES
    assert scopes_of([]) == ()
    assert scopes_of(["root", "superuser", ""]) == ()


@given(st.lists(st.sampled_from(sorted(ROLES)), max_size=6))
def test_roles_add_up_and_their_order_is_nothing(roles):
    assert set(scopes_of(roles)) == {scope for role in roles for scope in ROLES[role]}
    assert scopes_of(roles) == scopes_of(sorted(roles, reverse=True))


def test_only_known_roles_are_granted_and_at_most_100():
    assert check_roles(["trader", "viewer", "trader"]) == ["trader", "viewer"]
    for wrong in (["Admin"], ["trader "], [""], ["trader"] * 101):
        with pytest.raises(InvalidCommand):
            check_roles(wrong)


def test_a_disabled_user_has_no_scope_and_is_no_admin():
    grants = Grants.of("u", ["admin"], [1002, 1001, 1002], disabled=True)
    assert grants.scopes == ()
    assert not grants.is_admin
    assert grants.accounts == (1001, 1002)


@pytest.mark.parametrize(
    "peer, host",
    [
        ("203.0.113.7:51234", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("operator", "operator"),
        ("x" * 1000, "x" * 64),
        ("", ""),
    ],
)
def test_a_peer_is_its_address_without_its_port(peer, host):
    assert peer_host(peer) == host


def test_account_ids_are_decimal_numbers():
    assert parse_accounts(["1002", "1001", "1002"]) == (1001, 1002)
    for wrong in (["-1"], ["1e3"], [""], ["١٠٠١"], ["9" * 19], ["1001"] * 101):
        with pytest.raises(InvalidCommand):
            parse_accounts(wrong)
