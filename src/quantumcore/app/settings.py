"""Settings: environment over file over defaults; checked whole, then swapped in one step.

A secret has no default: an embedded venue makes its own at the first start and keeps them in a file that only its owner may read.
"""

import os
import secrets
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from quantumcore.contracts.errors import InvalidCommand

SECRET_BYTES = 48
SECRETS_FILE = "secrets.toml"
SERVICE_PORTS = {
    "gateway": 0,
    "auth": 1,
    "orders": 2,
    "matching": 3,
    "risk": 4,
    "positions": 5,
    "market": 6,
    "portfolio": 7,
    "ledger": 8,
    "alerts": 9,
}


class Settings(BaseSettings):
    """Everything that can be set; names in the environment are QC_<NAME> (and JWT_SECRET).

    Attributes:
        data_dir: Journal, snapshots, events and databases live below it.
        port_base: Port of the gateway; the other services follow in order.
        annex: Whether the rooms that follow the event log have a process of their own (on one core it costs more than it gives).
        key_encryption_key: Encrypts API secrets at rest.
        rate_*: Weights per second, see docs/reference/limits.md.
    """

    model_config = SettingsConfigDict(env_prefix="QC_", frozen=True, extra="forbid", populate_by_name=True)
    FILE: ClassVar[dict[str, Any]] = {}

    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port_base: int = Field(8000, ge=1, le=65_000)
    instruments: Path | None = None
    annex: bool = True
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    jwt_secret: str = Field("", repr=False, validation_alias=AliasChoices("jwt_secret", "JWT_SECRET", "QC_JWT_SECRET"))
    previous_jwt_secret: str = Field("", repr=False)
    key_encryption_key: str = Field("", repr=False)

    rate_user: int = Field(2000, ge=1)
    rate_orders: int = Field(2000, ge=1)
    rate_cancels: int = Field(2000, ge=1)
    rate_peer: int = Field(100, ge=1)
    rate_login: int = Field(10, ge=1)
    trusted_proxies: tuple[str, ...] = ()

    segment_bytes: int = Field(16 << 20, ge=1 << 20, le=1 << 30)
    max_orders: int = Field(4_194_304, ge=16, le=1 << 28)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line over environment; a file reaches us as defaults (see load_settings)."""
        return init_settings, env_settings

    def port(self, service: str) -> int:
        """Return the port of a service."""
        return self.port_base + SERVICE_PORTS[service]


def load_settings(file: Path | None = None, **overrides: object) -> Settings:
    """Return settings of file, environment and `overrides` (None means not given), with secrets made if this venue has none.

    Raises:
        InvalidCommand: `settings.invalid`; the text names file, key and rule. Nothing was written.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        from_file = tomllib.loads(file.read_text()) if file else {}
        unset = {key: value for key, value in from_file.items() if f"QC_{key.upper()}" not in os.environ}
        settings = Settings(**{**unset, **given})
        return _with_secrets(settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InvalidCommand("settings.invalid", f"{file or 'settings'}: {key}: {first['msg']}", field=key) from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidCommand("settings.invalid", f"{file}: {error}") from error


def _with_secrets(settings: Settings) -> Settings:
    if settings.jwt_secret and settings.key_encryption_key:
        return settings
    kept = _kept_secrets(settings.data_dir / SECRETS_FILE)
    return settings.model_copy(
        update={
            "jwt_secret": settings.jwt_secret or kept["jwt_secret"],
            "key_encryption_key": settings.key_encryption_key or kept["key_encryption_key"],
        }
    )


def _kept_secrets(path: Path) -> dict[str, str]:
    """Return this venue's own secrets, made at the first start; whoever creates the file first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = "".join(
        f'{name} = "{secrets.token_urlsafe(SECRET_BYTES)}"\n' for name in ("jwt_secret", "key_encryption_key")
    )
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(scratch, path)
        except FileExistsError:
            pass
    finally:
        scratch.unlink()
    return tomllib.loads(path.read_text())


class LiveSettings:
    """The settings in force. Readers take `current` once and use that record; they never see half of a change.

    Attributes:
        version: 1 for the first, one more with each that was taken over.
    """

    def __init__(self, current: Settings) -> None:
        self.current = current
        self.version = 1

    def reload(self, load: Callable[[], Settings]) -> str:
        """Take over what `load` returns; keep the old ones if it raises.

        Returns:
            Why the new ones were refused (file, key, rule), or "" when they are in force.
        """
        try:
            fresh = load()
        except InvalidCommand as error:
            return error.detail
        self.current = fresh
        self.version += 1
        return ""
