"""The instruments file as engine commands, and the calendars of its instruments."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, time, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.reference import KINDS, RATE_PLACES, STATUS_NUMBERS
from quantumcore.contracts.values import Scaled
from quantumcore.contracts.wire import DefineCurrency, DefineInstrument, SetThrottle
from quantumcore.services.matching.calendar import Calendar

DEFAULT_FILE = Path(__file__).with_name("instruments.toml")
_KIND_NUMBERS = {name: number for number, name in KINDS.items()}
_TRADING = 1
NEW, REPLACE, CANCEL, MASS_CANCEL = 1, 2, 3, 4  # classes of a throttle
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CALENDAR_KEYS = frozenset({"zone", "days", "phases", "holidays"})


def load_definitions(path: Path | None = None, symbols: Sequence[str] | None = None) -> list[bytes]:
    """Return the commands that define what `path` (the packaged file by default) lists: currencies first.

    Args:
        symbols: Only these instruments, if given.

    Raises:
        InvalidCommand: The file is no TOML, or a value is missing, malformed or not a whole number of its units; the text names it.
    """
    path = path or DEFAULT_FILE
    content = _read(path)
    scales: dict[str, int] = content.get("currencies", {})
    numbers = {code: number for number, code in enumerate(scales, start=1)}
    currencies = [
        DefineCurrency(currency=numbers[code], scale=scale, code=code).encode() for code, scale in scales.items()
    ]
    instruments = [
        _instrument(number, {**content.get("defaults", {}), **entry}, numbers, scales)
        for number, entry in enumerate(content.get("instruments", []), start=1)
        if symbols is None or entry.get("symbol") in symbols
    ]
    if symbols is not None and len(instruments) != len(set(symbols)):
        raise InvalidCommand(
            "definition.invalid", f"{path} does not list all of {', '.join(symbols)}", field="instruments"
        )
    return currencies + instruments


def load_calendars(path: Path | None = None) -> dict[str, Calendar]:
    """Return by symbol when the instruments of `path` (the packaged file by default) are in which phase.

    An instrument names its calendar, a table `calendars.<name>` with zone, days, phases and perhaps holidays; one that names
    none trades around the clock and is not in the answer.

    Raises:
        InvalidCommand: The file is no TOML, a calendar is not there, or cannot be; the text names it.
    """
    content = _read(path or DEFAULT_FILE)
    known = {name: _calendar(name, entry) for name, entry in content.get("calendars", {}).items()}
    found: dict[str, Calendar] = {}
    for entry in content.get("instruments", []):
        name = {**content.get("defaults", {}), **entry}.get("calendar")
        if name is None:
            continue
        if name not in known:
            symbol = entry.get("symbol")
            raise InvalidCommand("definition.invalid", f"instrument {symbol}: no calendar {name!r}", field="calendar")
        found[str(entry.get("symbol"))] = known[name]
    return found


def throttles(orders: tuple[int, int], cancels: tuple[int, int]) -> list[bytes]:
    """Return the commands that say how often each session and account may come: (a second, at once) of each class; (0, any): no limit.

    Args:
        orders: Of new orders, and of replacements.
        cancels: Of cancels, and of mass cancels.
    """
    rates = {NEW: orders, REPLACE: orders, CANCEL: cancels, MASS_CANCEL: cancels}
    return [
        SetThrottle(scope=Scope.VENUE, throttle_class=each, rate=rate, burst=burst).encode()
        for each, (rate, burst) in rates.items()
        if rate
    ]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidCommand("definition.invalid", f"{path}: {error}") from error


def _calendar(name: str, entry: Mapping[str, Any]) -> Calendar:
    where = f"calendar {name}"
    if entry.keys() - _CALENDAR_KEYS:
        unknown = ", ".join(sorted(entry.keys() - _CALENDAR_KEYS))
        raise InvalidCommand("definition.invalid", f"{where}: {unknown} is unknown", field=unknown)
    try:
        phases = tuple((time.fromisoformat(at), STATUS_NUMBERS[phase]) for at, phase in entry["phases"])
        days = frozenset(_DAYS.index(day) for day in entry.get("days", _DAYS))
        holidays = frozenset(_date(day) for day in entry.get("holidays", ()))
        zone = _zone(entry.get("zone", "UTC"))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InvalidCommand("definition.invalid", f"{where}: {error} cannot be read", field="calendars") from error
    times = [at for at, _ in phases]
    if not phases or not days or any(at.tzinfo is not None for at in times) or times != sorted(set(times)):
        raise InvalidCommand(
            "definition.invalid",
            f"{where}: phases rise through a day of the zone, on one day at least",
            field="calendars",
        )
    return Calendar(zone=zone, days=days, phases=phases, holidays=holidays)


def _date(day: Any) -> date:
    return day if type(day) is date else date.fromisoformat(day)  # TOML has dates, JSON-minded people write texts


def _zone(name: str) -> tzinfo:
    """Return a zone; UTC needs no data of the machine."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except ZoneInfoNotFoundError as error:
        raise ValueError(f"no zone {name!r} on this machine") from error


def _instrument(number: int, entry: Mapping[str, Any], numbers: Mapping[str, int], scales: Mapping[str, int]) -> bytes:
    symbol = str(entry.get("symbol", f"#{number}"))
    try:
        tick, lot = Scaled.parse(entry["tick"], "tick"), Scaled.parse(entry["lot"], "lot")
        quote = entry["quote"]
        return DefineInstrument(
            instrument=number,
            instrument_kind=_KIND_NUMBERS[entry.get("kind", "spot")],
            status=_TRADING,
            base=numbers[entry["base"]],
            quote=numbers[quote],
            tick_scale=tick.scale,
            lot_scale=lot.scale,
            tick=tick.mantissa,
            lot=lot.mantissa,
            multiplier=int(entry.get("multiplier", 1)),
            min_price=_units(entry.get("min_price"), tick, "min_price") or 1,
            max_price=_units(entry["max_price"], tick, "max_price"),
            min_quantity=_units(entry.get("min_quantity"), lot, "min_quantity") or 1,
            max_quantity=_units(entry.get("max_quantity"), lot, "max_quantity") or int(entry["max_quantity_lots"]),
            min_notional=_places(entry["min_notional"], scales[quote], "min_notional"),
            max_notional=_places(entry["max_notional"], scales[quote], "max_notional"),
            taker_fee=_places(entry["taker_fee"], RATE_PLACES, "taker_fee"),
            maker_fee=_places(entry["maker_fee"], RATE_PLACES, "maker_fee"),
            minimum_fee=_places(entry["minimum_fee"], scales[quote], "minimum_fee"),
            collar=_places(entry["collar"], RATE_PLACES, "collar"),
            symbol=symbol,
        ).encode()
    except KeyError as error:
        raise InvalidCommand(
            "definition.invalid", f"instrument {symbol}: {error} is missing or unknown", field=str(error)
        ) from error
    except InvalidCommand as error:
        raise InvalidCommand("definition.invalid", f"instrument {symbol}: {error.detail}", field=error.field) from error


def _units(text: str | None, unit: Scaled, field: str) -> int:
    """Return the decimal `text` as a whole number of `unit`; 0 when it is not given."""
    if text is None:
        return 0
    value = Scaled.parse(text, field)
    places = max(value.scale, unit.scale)
    whole: int
    whole, rest = divmod(value.mantissa * 10 ** (places - value.scale), unit.mantissa * 10 ** (places - unit.scale))
    if rest:
        raise InvalidCommand("definition.invalid", f"{field} {text} is no multiple of {unit.text()}", field=field)
    return whole


def _places(text: str, places: int, field: str) -> int:
    """Return the decimal `text` as an integer of 10^-`places`."""
    value = Scaled.parse(text, field)
    if value.scale > places:
        raise InvalidCommand("definition.invalid", f"{field} {text} has more than {places} places", field=field)
    whole: int = value.mantissa * 10 ** (places - value.scale)
    return whole
