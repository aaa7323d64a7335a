"""The instruments file: what a new venue trades.

Goal: the packaged file is what the documentation promises, and a bad file is refused by name before anything happens.
Method: decode the commands; mutate small files.
"""

import re
from datetime import UTC, date, time
from pathlib import Path

import pytest

from quantumcore.app.definitions import load_calendars, load_definitions
from quantumcore.app.venue import Venue
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.wire import DefineCurrency, DefineInstrument, decode_command
from quantumcore.services.matching.calendar import Calendar

GOOD = """
[defaults]
taker_fee = "0.0010"
maker_fee = "0.0005"
minimum_fee = "0"
collar = "0.05"
min_notional = "0"
max_notional = "1000"
max_quantity_lots = "100"
[currencies]
USD = 2
XYZ = 3
[[instruments]]
symbol = "XYZ-USD"
base = "XYZ"
quote = "USD"
tick = "0.05"
lot = "0.1"
max_price = "100"
"""


def _decoded(path: Path | None = None) -> tuple[dict[str, DefineCurrency], dict[str, DefineInstrument]]:
    commands = [decode_command(raw) for raw in load_definitions(path)]
    currencies = {c.code: c for c in commands if isinstance(c, DefineCurrency)}
    instruments = {c.symbol: c for c in commands if isinstance(c, DefineInstrument)}
    return currencies, instruments


def test_the_packaged_file_has_the_instruments_ticks_and_lots_that_are_promised() -> None:
    _, instruments = _decoded()
    shapes = {symbol: (i.tick, i.tick_scale, i.lot, i.lot_scale, i.multiplier) for symbol, i in instruments.items()}
    assert shapes == {
        "BTC-USD": (1, 2, 1, 5, 1),
        "BTC-USDT": (1, 2, 1, 5, 1),
        "ETH-USD": (1, 2, 1, 4, 1),
        "ETH-USDT": (1, 2, 1, 4, 1),
        "ETH-BTC": (1, 5, 1, 4, 1),
        "AAPL": (1, 2, 1, 0, 1),
        "MSFT": (1, 2, 1, 0, 1),
        "ESH7": (25, 2, 1, 0, 50),
    }


def test_the_packaged_file_has_the_currencies_and_fees_that_are_promised() -> None:
    currencies, instruments = _decoded()
    assert {code: currencies[code].scale for code in ("USD", "EUR", "USDT", "BTC", "ETH")} == {
        "USD": 2,
        "EUR": 2,
        "USDT": 6,
        "BTC": 8,
        "ETH": 8,
    }
    assert {(i.taker_fee, i.maker_fee) for i in instruments.values()} == {(100_000, 50_000)}


def test_the_engine_takes_every_definition_of_the_packaged_file() -> None:
    with Venue() as venue:
        assert len(venue.catalogue.symbols) == 8
        venue.engine.check()


def test_values_become_whole_numbers_of_their_units(tmp_path: Path) -> None:
    path = tmp_path / "i.toml"
    path.write_text(GOOD + 'min_price = "0.10"\nmin_quantity = "0.2"\n')
    _, instruments = _decoded(path)
    xyz = instruments["XYZ-USD"]
    assert (xyz.min_price, xyz.max_price, xyz.min_quantity, xyz.max_notional) == (2, 2000, 2, 100_000)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('tick = "0.05"', 'tick = "x"', "tick"),
        ('tick = "0.05"', "tick = 0.05", "tick"),
        ('max_price = "100"', 'max_price = "100.01"', "max_price"),
        ('max_price = "100"', "", "max_price"),
        ('base = "XYZ"', 'base = "ABC"', "ABC"),
        ('taker_fee = "0.0010"', 'taker_fee = "0.000000001"', "taker_fee"),
        ('lot = "0.1"', 'lot = "0.1"\nkind = "swap"', "swap"),
        ('max_notional = "1000"', 'max_notional = "1000.001"', "max_notional"),
    ],
)
def test_a_bad_entry_is_refused_naming_the_instrument_and_the_key(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    path = tmp_path / "i.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(InvalidCommand, match=re.escape(named)) as caught:
        load_definitions(path)
    assert "XYZ-USD" in caught.value.detail


def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "i.toml"
    path.write_text("[[")
    with pytest.raises(InvalidCommand, match=r"i\.toml"):
        load_definitions(path)


def test_asking_for_an_unlisted_symbol_is_refused() -> None:
    with pytest.raises(InvalidCommand, match="NOPE"):
        load_definitions(None, ["NOPE"])


CALENDAR = """
[calendars.exchange]
zone = "UTC"
days = ["mon", "tue"]
holidays = [2026-12-28, "2026-12-29"]
phases = [["08:00", "pre_open"], ["09:30", "continuous"], ["17:00", "closed"]]
"""


def _calendar(tmp_path: Path, text: str, instrument: str = 'calendar = "exchange"') -> dict[str, Calendar]:
    file = tmp_path / "instruments.toml"
    file.write_text(f"{GOOD}{instrument}\n{text}")
    return load_calendars(file)


def test_the_packaged_instruments_trade_around_the_clock() -> None:
    assert load_calendars() == {}


def test_an_instrument_has_the_calendar_that_it_names(tmp_path: Path) -> None:
    assert _calendar(tmp_path, CALENDAR) == {
        "XYZ-USD": Calendar(
            zone=UTC,
            days=frozenset({0, 1}),
            phases=((time(8), 4), (time(9, 30), 1), (time(17), 3)),
            holidays=frozenset({date(2026, 12, 28), date(2026, 12, 29)}),
        )
    }


def test_a_zone_of_the_machine_is_found(tmp_path: Path) -> None:
    (found,) = _calendar(tmp_path, CALENDAR.replace('"UTC"', '"America/New_York"')).values()
    assert str(found.zone) == "America/New_York"


@pytest.mark.parametrize(
    "old, new, named",
    [
        ('"UTC"', '"Mars/Olympus"', "no zone"),
        ('"08:00"', '"8 o clock"', "calendar exchange"),
        ('"pre_open"', '"siesta"', "siesta"),
        ('"mon"', '"moon"', "calendar exchange"),
        ('"2026-12-29"', '"Christmas"', "Christmas"),
        ('"09:30"', '"07:30"', "rise"),
        ('"09:30"', '"09:30+01:00"', "rise"),
        ("days", "weekdays", "weekdays is unknown"),
        ('["mon", "tue"]', "[]", "one day"),
        ("[calendars.exchange]", "[calendars.other]", "no calendar 'exchange'"),
    ],
)
def test_a_bad_calendar_is_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    with pytest.raises(InvalidCommand, match=re.escape(named)):
        _calendar(tmp_path, CALENDAR.replace(old, new))
