"""Named days of history as scenarios, from a file of data with its sources. Pure but for reading that file, once."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.figures.stress import Shock

FILE = "stress_days.toml"
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Day(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: _Text
    source: _Text
    prices: dict[str, float]
    volatility: float = 1.0
    rate: float = 0.0
    spread: float = 1.0


class _Days(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    day: list[_Day]


@cache
def named_days() -> tuple[Shock, ...]:
    """Return the days that come with the venue, in the order of time."""
    return read_days(files(__package__).joinpath(FILE).read_text(encoding="utf-8"))


def read_days(text: str) -> tuple[Shock, ...]:
    """Return the days of a TOML file: `[[day]]` with name, source, prices by class, and volatility, rate and spread.

    Raises:
        InvalidCommand: `risk.scenario.bad`: it cannot be read, or a day says too little or too much.
    """
    try:
        days = msgspec.convert(tomllib.loads(text), _Days).day
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidCommand("risk.scenario.bad", f"the file of days cannot be read: {error}", field=FILE) from error
    return tuple(Shock(**msgspec.structs.asdict(day)) for day in days)
