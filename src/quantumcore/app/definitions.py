"""The instruments file as engine commands."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reference import KINDS, RATE_PLACES
from quantumcore.contracts.values import Scaled
from quantumcore.contracts.wire import DefineCurrency, DefineInstrument

DEFAULT_FILE = Path(__file__).with_name("instruments.toml")
_KIND_NUMBERS = {name: number for number, name in KINDS.items()}
_TRADING = 1


def load_definitions(path: Path | None = None, symbols: Sequence[str] | None = None) -> list[bytes]:
    """Return the commands that define what `path` (the packaged file by default) lists: currencies first.

    Args:
        symbols: Only these instruments, if given.

    Raises:
        InvalidCommand: The file is no TOML, or a value is missing, malformed or not a whole number of its units; the text names it.
    """
    path = path or DEFAULT_FILE
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InvalidCommand("definition.invalid", f"{path}: {error}") from error
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
