"""New settings while the venue runs: whole or not at all, for every reader.

Goal: a valid file is the next version, in force for the next request; anything else changes nothing and is told with file,
key and reason; no reader ever sees half of a change.
Method: the reloader on real files; a gateway that is asked without pause while its allowances and proxies change.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from quantumcore.adapters.cache import EmbeddedCache
from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.app.compose import gateway_settings
from quantumcore.app.reload import Reloader
from quantumcore.app.settings import FILE_BYTES_MAX, RELOADABLE, SECRETS_FILE, Settings, Source
from quantumcore.services.gateway.service import GatewayService

OTHER: dict[str, Any] = {
    "reconcile_s": 30.0,
    "ledger_retention_days": 30,
    "four_eyes": True,
    "proposal_s": 60,
    "payout_rail": "operator",
    "payout_fees": {"USD": "1.00"},
    "payout_timeout_s": 60,
    "data_dir": "elsewhere",
    "host": "127.0.0.2",
    "port_base": 9100,
    "instruments": "other.toml",
    "annex": False,
    "jwt_secret": "j" * 64,
    "previous_jwt_secret": "p" * 64,
    "key_encryption_key": "k" * 64,
    "audit_key": "ab" * 32,
    "positions_stale_s": 30,
    "positions_snapshot_events": 500,
    "positions_retention_days": 30,
    "positions_side_by_side": True,
    "reporting_currency": "EUR",
    "portfolio_cache_s": 2.0,
    "portfolio_history_s": 30,
    "portfolio_history_kept": 100,
    "fx_stale_s": 60.0,
    "fx_tolerance_bp": 20,
    "risk_stale_s": 6.0,
    "risk_kept_days": 500,
    "risk_warn_at": 70,
    "risk_daily_loss": 5,
    "risk_compute_s": 5.0,
    "risk_assess_s": 2.0,
    "risk_assess_per_s": 100,
    "risk_open_days": "session",
    "risk_insurance_fund": 9,
    "risk_insurance_floor": {"USD": "1.00"},
    "risk_marks_from_trades": True,
    "limit_order_notional": 1_000,
    "limit_position_lots": 1_000,
    "limit_open_orders": 100,
    "limit_open_each": 50,
    "limit_daily_loss": 5,
    "limit_drawdown": 6,
    "throttle_orders": 100,
    "throttle_orders_burst": 200,
    "throttle_cancels": 300,
    "throttle_cancels_burst": 400,
    "segment_bytes": 1 << 21,
    "max_orders": 1024,
}
"""Another value of every key that needs a restart."""


class Desk:
    """A settings file and who reloads it."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "settings.toml"
        self.data = directory / "data"
        self.write()
        self.reloader = Reloader(Source(self.file, data_dir=self.data))

    def write(self, **keys: object) -> None:
        """Put a new file in place, as an operator should: whole, by a rename."""
        lines = [f"{key} = {_toml(value)}\n" for key, value in keys.items()]
        scratch = self.file.with_suffix(".new")
        scratch.write_text("".join(lines))
        scratch.rename(self.file)

    def counted(self, outcome: str) -> float:
        """Return what /metrics says of this outcome."""
        registry = CollectorRegistry()
        registry.register(self.reloader)
        return registry.get_sample_value("qc_settings_reloads_total", {"outcome": outcome}) or 0.0


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    return repr(value) if isinstance(value, int) else f'"{value}"'


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QC_") and not name.startswith("QC_TEST")]:
        monkeypatch.delenv(name)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def told() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


async def test_a_valid_file_is_the_next_version_and_is_told_once(desk: Desk, told: list[Any]) -> None:
    heard: list[Settings] = []
    desk.reloader.tell(heard.append)
    desk.write(rate_user=7, log_level="DEBUG", trusted_proxies=("10.0.0.0/8",))
    assert await desk.reloader.reload() == ""
    now = desk.reloader.live.current
    assert (now.rate_user, now.log_level, now.trusted_proxies) == (7, "DEBUG", ("10.0.0.0/8",))
    assert heard == [now]
    assert desk.reloader.live.version == 2
    assert [(line["event"], line["version"], line["changed"]) for line in told] == [
        ("settings.reloaded", 2, ["log_level", "rate_user", "trusted_proxies"])
    ]
    assert (desk.counted("taken"), desk.counted("refused")) == (1, 0)


async def test_a_key_that_left_the_file_has_its_default_again(desk: Desk) -> None:
    desk.write(rate_user=7)
    await desk.reloader.reload()
    desk.write()
    await desk.reloader.reload()
    assert desk.reloader.live.current.rate_user == Settings.model_fields["rate_user"].default


async def test_whoever_comes_late_hears_the_version_in_force(desk: Desk) -> None:
    heard: list[Settings] = []
    desk.reloader.tell(heard.append)
    assert heard == []
    desk.write(rate_user=7)
    await desk.reloader.reload()
    desk.reloader.tell(heard.append)
    assert [one.rate_user for one in heard] == [7, 7]


@pytest.mark.hazard("L6")
@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b"rate_user = 0", "rate_user"),
        (b"rate_user = 5\nrate_peer = 'many'", "rate_peer"),
        (b"log_level = 'LOUD'\nrate_user = 5", "log_level"),
        (b"rate_user = 5\ntrusted_proxies = ['10.0.0.0/8', 'everybody']", "trusted_proxies"),
        (b"rate_user = 5\nno_such_key = 1", "no_such_key"),
        (b"rate_user = 5\nrate_", ""),
        (b"rate_user = 5\n\xff\xfe", ""),
        (b"rate_user = 5\nrate_peer = " + b"[" * 50_000, ""),
        (b"rate_user = 5\n" + b"#" * FILE_BYTES_MAX, ""),
        (None, ""),
    ],
)
async def test_anything_wrong_keeps_the_old_version_whole_and_is_told(
    desk: Desk, told: list[Any], text: bytes | None, key: str
) -> None:
    heard: list[Settings] = []
    desk.reloader.tell(heard.append)
    before = desk.reloader.live.current
    desk.file.unlink()
    if text is not None:
        desk.file.write_bytes(text)
    complaint = await desk.reloader.reload()
    assert str(desk.file) in complaint
    assert key in complaint
    assert desk.reloader.live.current is before
    assert desk.reloader.live.version == 1
    assert heard == []
    (line,) = told
    assert (line["event"], line["file"], line["reason"]) == ("settings.refused", str(desk.file), complaint)
    assert line["key"].startswith(key)
    assert (desk.counted("taken"), desk.counted("refused")) == (0, 1)


def test_every_key_either_reloads_or_is_known_to_need_a_restart() -> None:
    assert RELOADABLE.isdisjoint(OTHER)
    assert RELOADABLE | OTHER.keys() == Settings.model_fields.keys()


@pytest.mark.parametrize("key", OTHER)
async def test_a_key_that_needs_a_restart_is_refused_by_name_and_nothing_else_is_taken(
    desk: Desk, told: list[Any], key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    desk = Desk(tmp_path) if key != "data_dir" else _without_a_directory_given(tmp_path)
    desk.write(**{key: OTHER[key], "rate_user": 5})
    complaint = await desk.reloader.reload()
    assert key in complaint
    assert "restart" in complaint
    assert OTHER[key] not in complaint.split() if isinstance(OTHER[key], str) else True
    assert desk.reloader.live.current.rate_user == Settings.model_fields["rate_user"].default
    assert told[-1]["key"] == key
    assert not (tmp_path / "elsewhere").exists()


def _without_a_directory_given(directory: Path) -> Desk:
    desk = Desk(directory)
    desk.reloader = Reloader(Source(desk.file))
    return desk


async def test_the_venues_own_secrets_are_neither_asked_for_nor_made_again(desk: Desk) -> None:
    secret = desk.reloader.live.current.jwt_secret
    (desk.data / SECRETS_FILE).unlink()
    desk.write(rate_user=9)
    assert await desk.reloader.reload() == ""
    assert desk.reloader.live.current.jwt_secret == secret
    assert not (desk.data / SECRETS_FILE).exists()


async def _until(true: Any) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  # what is waited for has no event of its own
            await asyncio.sleep(0.002)


async def test_sighup_reloads_and_so_does_a_file_that_changed_and_stands_still(desk: Desk) -> None:
    reloader = desk.reloader
    reloader.start(asyncio.get_running_loop(), hung_up=lambda: None, look_s=3600)
    desk.write(rate_user=21)
    os.kill(os.getpid(), signal.SIGHUP)
    await _until(lambda: reloader.live.version == 2)
    reloader.stop()
    os.kill(os.getpid(), signal.SIGHUP)  # ignored: a venue that is stopping takes over nothing
    desk.write(rate_user=22)
    reloader.start(asyncio.get_running_loop(), hung_up=lambda: None, look_s=0.005)
    await _until(lambda: reloader.live.version == 3)
    assert reloader.live.current.rate_user == 22
    await asyncio.sleep(0.05)
    assert reloader.live.version == 3  # one change, one reload
    reloader.stop()


def test_a_file_that_is_being_written_is_waited_for(desk: Desk) -> None:
    source = Source(desk.file)
    source.read()
    assert not source.changed()
    with desk.file.open("w") as file:
        file.write("rate_user = 20")
        file.flush()
        assert not source.changed()
        file.write("00\n")
    assert not source.changed()
    assert source.changed()
    assert source.read().rate_user == 2000
    assert not source.changed()


async def test_a_defect_of_the_reloader_does_not_stay_silent(desk: Desk) -> None:
    seen: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: seen.append(context))

    def broken(_: Settings) -> None:
        raise RuntimeError("nobody thought of this")

    desk.reloader.tell(broken)
    desk.reloader.start(loop, hung_up=lambda: None)
    os.kill(os.getpid(), signal.SIGHUP)
    await _until(lambda: seen)
    assert "nobody thought of this" in str(seen[0]["exception"])
    desk.reloader.stop()


@pytest.mark.hazard("L6")
async def test_requests_of_a_running_gateway_are_judged_by_one_version(desk: Desk) -> None:
    """Version n allows n log-ins of an address, and believes the proxy only when n is even; each fifth file is broken.

    The allowance and the address that a request was counted under must be of one version.
    """
    clock = SystemClock()
    gateway = GatewayService(EmbeddedBus(), EmbeddedCache(clock), clock, gateway_settings(desk.reloader.live.current))
    await gateway.start()
    desk.reloader.tell(lambda new: gateway.take_over(gateway_settings(new)))
    transport = httpx.ASGITransport(app=gateway.asgi, client=("10.0.0.1", 1))
    counted: list[tuple[str, int]] = []
    spend = gateway.gate.limits._cache.spend

    async def seen(key: str, weight: int, budget: int, window_s: float) -> Any:
        counted.append((key, budget))
        return await spend(key, weight, budget, window_s)

    gateway.gate.limits._cache.spend = seen  # type: ignore[method-assign]  # watched, not changed
    done = asyncio.Event()

    async def ask(client: httpx.AsyncClient) -> None:
        while not done.is_set():
            await client.post("/v1/auth/login", json={}, headers={"x-forwarded-for": "203.0.113.9"})
            await asyncio.sleep(0)  # nothing else on this way ever waits

    async with httpx.AsyncClient(transport=transport, base_url="http://venue") as client:
        askers = [asyncio.create_task(ask(client)) for _ in range(4)]
        for number in range(1001, 1151):
            if number % 5 == 0:
                desk.file.write_text(f"rate_peer = {number}\nrate_login = -1")
            else:
                proxies = ("10.0.0.0/8",) if number % 2 == 0 else ()
                desk.write(rate_login=number, trusted_proxies=proxies)
            assert (await desk.reloader.reload() == "") == (number % 5 != 0)
        done.set()
        await asyncio.gather(*askers)
    logins = [(key, budget) for key, budget in counted if "log-in" in key and budget > 1000]
    assert len({budget for _, budget in logins}) > 50
    for key, budget in logins:
        assert key.endswith("203.0.113.9") == (budget % 2 == 0), (key, budget)
    await gateway.stop()
