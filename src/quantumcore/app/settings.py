"""Settings: environment over file over defaults; checked whole, then swapped in one step.

What is in RELOADABLE can change while the venue runs; a change of any other key is refused, with the key named.

A secret has no default: an embedded venue makes its own at the first start and keeps them in a file that only its owner may read.
"""

import ipaddress
import os
import secrets
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.values import Scaled

SECRET_BYTES = 48
SECRETS_FILE = "secrets.toml"
FILE_BYTES_MAX = 1 << 20
RELOADABLE = frozenset(
    (
        "log_level",
        "rate_user",
        "rate_orders",
        "rate_cancels",
        "rate_peer",
        "rate_login",
        "trusted_proxies",
    )
)
"""Keys that a reload takes over; whatever is not named here needs a restart."""
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
        audit_key: Signs the roots of the audit: 32 bytes in hex; without it the venue makes one (app/audit_key.py).
        reconcile_s: How often the ledger is compared with engine, trades and positions, in seconds.
        four_eyes, proposal_s: Whether what is done to money by hand needs a second person, and how long it waits for him, in seconds.
        ledger_retention_days: How long the ledger's sealed segments are kept, by its own days; its tables lose nothing.
        payout_*: Through what withdrawals leave, what they cost by currency, how long they may take: docs/reference/payouts.md.
        rate_*: Weights per second, see docs/reference/limits.md.
        positions_*: Age at which a mark is stale, events between two snapshots, how long old position events are kept,
            whether a second projection is written beside the first.
        reporting_currency: In what accounts are valued that did not choose.
        portfolio_*, fx_*: See docs/reference/portfolio.md.
        risk_*: See docs/reference/risk.md.
        limit_*: What an account may that has no limits of its own; a new venue is told once, later changes are commands.
        throttle_*: How often each session and each account may come, a second, and how often at once: new orders and
            replacements each, cancels and mass cancels each; 0: as often as it likes. A new venue is told once, later
            changes are commands.
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
    audit_key: str = Field("", repr=False, pattern="^([0-9a-f]{64})?$")

    rate_user: int = Field(2000, ge=1)
    rate_orders: int = Field(2000, ge=1)
    rate_cancels: int = Field(2000, ge=1)
    rate_peer: int = Field(100, ge=1)
    rate_login: int = Field(10, ge=1)
    trusted_proxies: tuple[str, ...] = ()

    positions_stale_s: int = Field(60, ge=1, le=86_400)
    positions_snapshot_events: int = Field(1_000, ge=1, le=10_000_000)
    positions_retention_days: int = Field(2_562, ge=1, le=36_525)
    positions_side_by_side: bool = False
    reporting_currency: str = Field("USD", pattern=r"^[A-Z0-9][A-Z0-9._-]{0,11}$")
    portfolio_cache_s: float = Field(1.0, ge=0, le=60)
    portfolio_history_s: int = Field(60, ge=1, le=86_400)
    portfolio_history_kept: int = Field(10_080, ge=2, le=100_000)
    fx_stale_s: float = Field(86_400.0, gt=0)
    fx_tolerance_bp: int = Field(10, ge=0, le=10_000)
    risk_stale_s: float = Field(5.0, gt=0, le=86_400)
    risk_kept_days: int = Field(1_000, ge=2, le=36_525)
    risk_warn_at: int = Field(80, ge=1, le=100)
    risk_daily_loss: int = Field(10, ge=1, le=100)
    risk_compute_s: float = Field(10.0, gt=0, le=600)
    risk_assess_s: float = Field(1.0, ge=0.25, le=3_600)
    risk_assess_per_s: int = Field(200, ge=1, le=2_000)
    risk_open_days: str = Field("midnight", pattern="^(midnight|session)?$")
    risk_insurance_fund: int = Field(0, ge=0, le=2**32 - 1)
    risk_insurance_floor: dict[str, str] = {}
    risk_marks_from_trades: bool = False
    reconcile_s: float = Field(60.0, ge=1, le=86_400)
    ledger_retention_days: int = Field(2_562, ge=1, le=36_525)

    four_eyes: bool = False
    proposal_s: int = Field(86_400, ge=60, le=31_536_000)

    payout_rail: str = Field("", pattern="^(operator)?$")
    payout_fees: dict[str, str] = {}
    payout_timeout_s: int = Field(86_400, ge=1, le=2_592_000)

    limit_order_notional: int = Field(100_000_000, ge=1, le=10**18)
    limit_position_lots: int = Field(10**9, ge=1, le=2**63 - 1)
    limit_daily_loss: int = Field(10, ge=0, le=1_000)
    limit_drawdown: int = Field(10, ge=0, le=1_000)
    limit_open_orders: int = Field(10_000, ge=1, le=2**32 - 1)
    limit_open_each: int = Field(5_000, ge=1, le=2**32 - 1)
    throttle_orders: int = Field(2000, ge=0, le=10**9)
    throttle_orders_burst: int = Field(4000, ge=1, le=10**6)
    throttle_cancels: int = Field(4000, ge=0, le=10**9)
    throttle_cancels_burst: int = Field(8000, ge=1, le=10**6)

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

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for network in given:
            ipaddress.ip_network(network)
        return given

    @field_validator("payout_fees")
    @classmethod
    def _are_amounts(cls, given: dict[str, str]) -> dict[str, str]:
        for currency, fee in given.items():
            if Scaled.parse(fee, currency).mantissa <= 0:
                raise ValueError(f"the fee of {currency} is not over 0")
        return given

    @field_validator("risk_insurance_floor")
    @classmethod
    def _are_floors(cls, given: dict[str, str]) -> dict[str, str]:
        for currency, floor in given.items():
            if Scaled.parse(floor, currency).mantissa < 0:
                raise ValueError(f"the floor of {currency} is below 0")
        return given

    def port(self, service: str) -> int:
        """Return the port of a service."""
        return self.port_base + SERVICE_PORTS[service]


class Source:
    """Where the settings of one process come from: its command line, its environment, and perhaps a file.

    Attributes:
        file: The TOML file; None without one.
    """

    def __init__(self, file: Path | None = None, **given: object) -> None:
        """Take what the command line gave; None means not given."""
        self.file = file
        self._given = {key: value for key, value in given.items() if value is not None}
        self._seen: tuple[int, ...] = ()
        self._looked: tuple[int, ...] = ()

    def read(self) -> Settings:
        """Return what stands there now, without the secrets that a venue makes for itself. Nothing is written.

        Raises:
            InvalidCommand: `settings.invalid`; the text names file, key and rule, the field is the key.
        """
        self._seen = self._looked = self._signature()
        try:
            from_file = self._content()
            unset = {key: value for key, value in from_file.items() if not _in_environment(key)}
            return Settings(**{**unset, **self._given})
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            where = self.file or "settings"
            raise InvalidCommand("settings.invalid", f"{where}: {key}: {first['msg']}", field=key) from error
        except (OSError, ValueError, RecursionError) as error:  # gone, not TOML, not text, or nested without end
            raise InvalidCommand("settings.invalid", f"{self.file}: {error}") from error

    def changed(self) -> bool:
        """Tell whether the file is another than the one that was read and has stood still since the last look.

        Whoever writes into it in place is waited for: half a file may be valid.
        """
        before, self._looked = self._looked, self._signature()
        return self._looked == before != self._seen

    def _content(self) -> dict[str, Any]:
        if self.file is None:
            return {}
        with self.file.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise ValueError(f"longer than {FILE_BYTES_MAX} bytes")
        return tomllib.loads(raw.decode())

    def _signature(self) -> tuple[int, ...]:
        try:
            found = self.file.stat() if self.file else None
        except OSError:
            found = None
        return (found.st_ino, found.st_size, found.st_mtime_ns) if found else ()


def load_settings(file: Path | None = None, **overrides: object) -> Settings:
    """Return settings of file, environment and `overrides` (None means not given), with secrets made if this venue has none.

    Raises:
        InvalidCommand: `settings.invalid`; the text names file, key and rule. Nothing was written.
    """
    return with_secrets(Source(file, **overrides).read())


def with_secrets(settings: Settings) -> Settings:
    """Return `settings` with this venue's own secrets where none were given.

    Raises:
        InvalidCommand: `settings.invalid`: they can be neither read nor made.
    """
    try:
        return _with_secrets(settings)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidCommand("settings.invalid", f"{settings.data_dir / SECRETS_FILE}: {error}") from error


def reloaded(current: Settings, old: Settings, new: Settings) -> Settings:
    """Return `current` with what may change while the venue runs, taken whole from `new`.

    Args:
        current: What is in force.
        old: What the source said at the start, without secrets of our own.
        new: What it says now.

    Raises:
        InvalidCommand: `settings.invalid`: a key that needs a restart has another value; its name is told, never a value.
    """
    for key in type(current).model_fields:
        if key not in RELOADABLE and getattr(new, key) != getattr(old, key):
            raise InvalidCommand("settings.invalid", f"{key} cannot change while the venue runs: restart it", field=key)
    return current.model_copy(update={key: getattr(new, key) for key in RELOADABLE})


def _in_environment(key: str) -> bool:
    return f"QC_{key.upper()}" in os.environ or (key == "jwt_secret" and "JWT_SECRET" in os.environ)


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
    """Return this venue's own secrets, made at the first start."""
    made = "".join(
        f'{name} = "{secrets.token_urlsafe(SECRET_BYTES)}"\n' for name in ("jwt_secret", "key_encryption_key")
    )
    write_secret(path, made)
    return tomllib.loads(path.read_text())


def write_secret(path: Path, text: str) -> None:
    """Make a file that its owner alone may read, whole and durable; whoever creates it first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(scratch, path)
        except FileExistsError:
            pass
    finally:
        scratch.unlink()


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
