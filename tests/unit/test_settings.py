"""Settings: checked whole, taken over in one step, and no secret that anybody else could know.

Goal: no reader ever sees half of a change, a broken file changes nothing and is explained, and no venue signs with a known secret.
Method: files and environments in temporary directories; readers in threads beside a thousand reloads.
"""

import re
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import quantumcore
from quantumcore.app.settings import SECRETS_FILE, LiveSettings, Settings, load_settings
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.auth.settings import SECRET_CHARACTERS_MIN, AuthSettings


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JWT_SECRET", "QC_JWT_SECRET", "QC_KEY_ENCRYPTION_KEY", "QC_PORT_BASE", "QC_RATE_USER"):
        monkeypatch.delenv(name, raising=False)


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("port_base = 9001\nrate_user = 11\nrate_peer = 12\n")
    monkeypatch.setenv("QC_RATE_USER", "21")
    monkeypatch.setenv("QC_PORT_BASE", "9002")
    settings = load_settings(file, data_dir=tmp_path, port_base=9003)
    assert (settings.port_base, settings.rate_user, settings.rate_peer) == (9003, 21, 12)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("port_base = 0", "port_base"),
        ("port_base = 'x'", "port_base"),
        ("rate_user = 0", "rate_user"),
        ("log_level = 'LOUD'", "log_level"),
        ("no_such_key = 1", "no_such_key"),
        ("segment_bytes = 5", "segment_bytes"),
        ("port_base = ", "settings.toml"),
    ],
)
def test_a_bad_value_is_refused_naming_the_key_and_nothing_is_written(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(InvalidCommand, match=re.escape(named)):
        load_settings(file, data_dir=tmp_path / "venue")
    assert not (tmp_path / "venue").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCommand, match=r"gone\.toml"):
        load_settings(tmp_path / "gone.toml", data_dir=tmp_path)


def test_the_ports_follow_from_the_base(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, port_base=9000)
    ports = {name: settings.port(name) for name in ("gateway", "auth", "orders", "matching", "market", "ledger")}
    assert ports == {"gateway": 9000, "auth": 9001, "orders": 9002, "matching": 9003, "market": 9006, "ledger": 9008}


@pytest.mark.hazard("H1")
def test_every_venue_makes_secrets_of_its_own_and_keeps_them_to_itself(tmp_path: Path) -> None:
    one, two = load_settings(data_dir=tmp_path / "one"), load_settings(data_dir=tmp_path / "two")
    assert len(one.jwt_secret) >= SECRET_CHARACTERS_MIN
    assert one.jwt_secret != two.jwt_secret
    assert one.key_encryption_key not in (two.key_encryption_key, one.jwt_secret)
    assert load_settings(data_dir=tmp_path / "one").jwt_secret == one.jwt_secret
    assert stat.S_IMODE((tmp_path / "one" / SECRETS_FILE).stat().st_mode) == 0o600
    assert one.jwt_secret not in repr(one)


@pytest.mark.hazard("H1")
def test_no_string_of_the_package_is_a_secret_that_it_accepts(tmp_path: Path) -> None:
    """Every quoted string of the sources, tried as the signing secret of a venue that was given none."""
    secret = load_settings(data_dir=tmp_path).jwt_secret
    package = Path(quantumcore.__file__).parent
    strings = {
        text for path in package.rglob("*.py") for text in re.findall(r"[\"']([^\"'\n]{16,})[\"']", path.read_text())
    }
    assert len(strings) > 500
    assert secret not in strings
    assert Settings(data_dir=tmp_path).jwt_secret == ""


@pytest.mark.parametrize("secret", ["", "short", "x" * (SECRET_CHARACTERS_MIN - 1)])
def test_a_given_secret_that_is_too_short_stops_the_start(secret: str) -> None:
    with pytest.raises(ValueError, match="JWT_SECRET"):
        AuthSettings(jwt_secret=secret, key_encryption_key="k" * 64)


def test_two_first_starts_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    seen: list[str] = []
    gate = threading.Barrier(8)

    def start() -> None:
        gate.wait()
        seen.append(load_settings(data_dir=tmp_path).jwt_secret)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [SECRETS_FILE]


@pytest.mark.hazard("L6")
def test_readers_see_whole_settings_through_a_thousand_reloads_and_broken_ones_change_nothing(tmp_path: Path) -> None:
    """Both fields of each valid version are equal; 16 threads read all the while; each third reload is broken."""
    base = load_settings(data_dir=tmp_path)

    def version(number: int) -> Settings:
        return base.model_copy(update={"rate_user": number, "rate_peer": number, "rate_login": number})

    def loader(number: int) -> Callable[[], Settings]:
        def load() -> Settings:
            if number % 3 == 0:
                raise InvalidCommand("settings.invalid", f"file of version {number}: rate_user: must be positive")
            return version(number)

        return load

    live = LiveSettings(version(1))
    torn: list[tuple[int, int]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            current = live.current
            pair = (current.rate_user, current.rate_login)
            if pair[0] != pair[1] or current.rate_peer != pair[0]:
                torn.append(pair)

    readers = [threading.Thread(target=read) for _ in range(16)]
    for reader in readers:
        reader.start()
    kept = live.current
    for number in range(2, 1002):
        complaint = live.reload(loader(number))
        if number % 3 == 0:
            assert f"version {number}" in complaint
            assert live.current.rate_user != number
        else:
            assert complaint == ""
            assert live.current.rate_user == number
    done.set()
    for reader in readers:
        reader.join()
    assert torn == []
    assert (kept.rate_user, kept.rate_login) == (1, 1)  # a record that was taken never changes
    assert live.version == 1 + sum(number % 3 != 0 for number in range(2, 1002))
