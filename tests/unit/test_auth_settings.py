"""What the auth room must be told.

Goal: nothing starts on a secret that nobody chose, and no text shows one.
Method: each setting left out, too short, and shown.
"""

import dataclasses

import pytest

from quantumcore.services.auth.settings import AuthSettings
from tests.support.auth_room import SETTINGS, settings_with


@pytest.mark.hazard("H1")
def test_there_is_no_default_secret():
    """A venue that nobody configured signs nothing: both secrets must be given."""
    for field in dataclasses.fields(AuthSettings):
        if field.name in {"jwt_secret", "key_encryption_key"}:
            assert field.default is dataclasses.MISSING
            assert field.default_factory is dataclasses.MISSING
    with pytest.raises(TypeError):
        AuthSettings()  # type: ignore[call-arg]  # that is the point
    for name, key in (("jwt_secret", "JWT_SECRET"), ("key_encryption_key", "QC_KEY_ENCRYPTION_KEY")):
        with pytest.raises(ValueError, match=f"{key} is missing"):
            settings_with(**{name: ""})


@pytest.mark.hazard("H1")
@pytest.mark.parametrize("name", ["jwt_secret", "previous_jwt_secret"])
def test_a_signing_secret_has_at_least_64_characters(name):
    """63 are refused and named by key, not by value; 64 are taken."""
    assert settings_with(**{name: "s" * 64})
    with pytest.raises(ValueError, match="at least 64") as refused:
        settings_with(**{name: "short-secret-" + "s" * 50})
    assert "short-secret" not in str(refused.value)


def test_settings_shown_show_no_secret():
    shown = repr(settings_with(previous_jwt_secret="previous-" * 8))
    assert SETTINGS.jwt_secret not in shown
    assert SETTINGS.key_encryption_key not in shown
    assert "previous-" not in shown


@pytest.mark.parametrize(
    "name", ["access_life_s", "refresh_life_s", "hash_threads", "hash_queue", "login_failures", "login_window_s"]
)
def test_no_limit_may_be_zero(name):
    with pytest.raises(ValueError, match=name):
        settings_with(**{name: 0})
