"""What the auth room must be told. There is no default secret: a venue that nobody configured signs nothing."""

from dataclasses import dataclass, field

SECRET_CHARACTERS_MIN = 64
KEY_ENCRYPTION_CHARACTERS_MIN = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon:
    """Cost of one password hash (OWASP's second choice of 2024: 19 MiB, 2 passes, 1 lane)."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """Settings of the auth room.

    Attributes:
        jwt_secret: Signs access tokens; at least 64 characters, from configuration only.
        previous_jwt_secret: Counts for one token life after a rotation; empty without one.
        key_encryption_key: Encrypts stored HMAC secrets; at least 32 characters.
        access_life_s, refresh_life_s: Lives of the two tokens of a pair.
        hash_threads, hash_queue: Password hashes at work, and waiting; beyond that `overloaded`.
        login_failures, login_window_s: Failed log-ins per e-mail and peer before 429, and for how long they count.

    Raises:
        ValueError: A missing or bad value; the text names the key and never the value.
    """

    jwt_secret: str = field(repr=False)
    key_encryption_key: str = field(repr=False)
    previous_jwt_secret: str = field(default="", repr=False)
    access_life_s: int = 900
    refresh_life_s: int = 7 * 86_400
    argon: Argon = Argon()
    hash_threads: int = 4
    hash_queue: int = 100
    login_failures: int = 5
    login_window_s: int = 900

    def __post_init__(self) -> None:
        _check_secret("JWT_SECRET", self.jwt_secret, SECRET_CHARACTERS_MIN)
        if self.previous_jwt_secret:
            _check_secret("QC_PREVIOUS_JWT_SECRET", self.previous_jwt_secret, SECRET_CHARACTERS_MIN)
        _check_secret("QC_KEY_ENCRYPTION_KEY", self.key_encryption_key, KEY_ENCRYPTION_CHARACTERS_MIN)
        positive = ("access_life_s", "refresh_life_s", "hash_threads", "hash_queue", "login_failures", "login_window_s")
        for name in positive:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")


def _check_secret(key: str, value: str, least: int) -> None:
    if not value:
        raise ValueError(f"{key} is missing: it must be given and has no default")
    if len(value) < least:
        raise ValueError(f"{key} must have at least {least} characters, it has {len(value)}")
