"""What people set for the figures: volatilities, correlations, sectors, margin profiles, floors, charges and spreads. Pure.

Each setting is a version of its own, with who and why, kept for ever; what is in force is the newest of each kind and subject. A matrix of
correlations is one setting: it is replaced whole, and no reader sees half of one; so is the list of spreads.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from quantumcore.contracts.errors import InvalidCommand, invalid
from quantumcore.contracts.risk_parameters import (
    MAX_PAIRS,
    MAX_REASON_BYTES,
    MAX_SECTOR,
    MAX_SPREADS,
    MAX_WHO,
    PROFILES,
    Correlation,
    Parameter,
    SpreadCredit,
    UnderlyingCharges,
)
from quantumcore.contracts.values import Scaled, show
from quantumcore.services.risk.figures.correlation import Correlations, completed
from quantumcore.services.risk.margin.amounts import RATE
from quantumcore.services.risk.margin.scenarios import Charges, Spread
from quantumcore.services.risk.margin.volatility import DEFAULT_VOLATILITY
from quantumcore.services.risk.units import MODEL_PLACES, units, whole

VOLATILITY, CORRELATION, SECTOR, PROFILE, FLOOR = "volatility", "correlation", "sector", "profile", "floor"
CHARGES, SPREADS = "charges", "spreads"
KINDS = (VOLATILITY, CORRELATION, SECTOR, PROFILE, FLOOR, CHARGES, SPREADS)
EVERYTHING = "*"
"""The subject of what is set for all at once."""
RATE_PLACES = 8
MAX_RATE = 10 * 10**RATE_PLACES
CASH, STRATEGIES, SCENARIOS = "cash", "strategies", "scenarios"
MOST_CHARGE = 2**46
"""In 10^-6 of the currency."""
MOST_DELTA = 2**62
"""In 10^-6 of a unit of the underlying."""
MOST_RATIO = 10**6
DIGITS_MAX = 19

Pairs = dict[tuple[str, str], float]


class Setting(NamedTuple):
    """What somebody sets. value: As JSON has it."""

    kind: str
    subject: str
    value: Any


class Parameters(msgspec.Struct, frozen=True):
    """What is in force; replaced whole by each change.

    Attributes:
        version: Of the newest setting; 0: nobody has set any.
        volatilities, floors: By symbol, in 10^-8. sectors: By symbol. profiles: By account.
        charges: Of profile C, by underlying. spreads: Those that are served first come first.
    """

    version: int = 0
    volatilities: Mapping[str, int] = {}
    floors: Mapping[str, int] = {}
    sectors: Mapping[str, str] = {}
    profiles: Mapping[int, str] = {}
    correlations: Mapping[tuple[str, str], float] = {}
    charges: Mapping[str, Charges] = {}
    spreads: tuple[Spread, ...] = ()

    def after(self, version: int, setting: Setting) -> "Parameters":
        """Return them with one more setting."""
        subject, value = setting.subject, setting.value
        changed: dict[str, Any] = {"version": version}
        match setting.kind:
            case "volatility":
                changed["volatilities"] = {**self.volatilities, subject: value}
            case "floor":
                changed["floors"] = {**self.floors, subject: value}
            case "sector":
                changed["sectors"] = {**self.sectors, subject: value}
            case "profile":
                changed["profiles"] = {**self.profiles, int(subject): value}
            case "charges":
                changed["charges"] = {**self.charges, subject: Charges(**value)}
            case "spreads":
                changed["spreads"] = tuple(Spread(**one) for one in value)
            case _:
                changed["correlations"] = {(first, second): rho for first, second, rho in value}
        return msgspec.structs.replace(self, **changed)

    def volatility(self, symbol: str) -> float:
        """Return the volatility of a symbol's day."""
        return self.volatilities.get(symbol, DEFAULT_VOLATILITY) / RATE

    def profile(self, account: int) -> str:
        """Return how the margin of an account counts."""
        return self.profiles.get(account, CASH)


def in_force(settings: Iterable[tuple[int, Setting]]) -> Parameters:
    """Return what `settings`, in the order of their versions, leave in force."""
    found = Parameters()
    for version, setting in settings:
        found = found.after(version, setting)
    return found


def rate(text: str, field: str, *, zero: bool) -> int:
    """Return a fraction as an integer of 10^-8.

    Raises:
        InvalidCommand: `risk.volatility.bad`: not over 0 (or, with `zero`, below it), or over 10; more than 8 places.
    """
    given = Scaled.parse(text, field)
    if given.scale > RATE_PLACES:
        raise invalid("places", f"{field} has at most 8 places", field=field, limit="8", actual=text[:64])
    found: int = given.mantissa * 10 ** (RATE_PLACES - given.scale)
    if not (0 if zero else 1) <= found <= MAX_RATE:
        detail = f"{field} is {'from' if zero else 'over'} 0, and at most 10"
        raise InvalidCommand("risk.volatility.bad", detail, field=field, limit="10", actual=text[:64])
    return found


def matrix(pairs: Iterable[Correlation], *, repair: bool) -> tuple[list[tuple[str, str, float]], Correlations]:
    """Return the pairs to keep, and the matrix that they make of the symbols they name.

    Raises:
        InvalidCommand: `risk.correlation.bad`, `risk.correlation.not_psd` (the smallest eigenvalue is the actual), `risk.not_finite`.
    """
    given: Pairs = {}
    for at, one in enumerate(pairs):
        if at >= MAX_PAIRS:
            raise invalid("range", f"at most {MAX_PAIRS} pairs", field="pairs", limit=str(MAX_PAIRS))
        value = Scaled.parse(one.value, f"pairs[{at}].value")
        pair = (one.first, one.second)
        if one.first == one.second or pair in given or pair[::-1] in given:
            raise InvalidCommand(
                "risk.correlation.bad", "a pair is of two symbols, and given once", field=f"pairs[{at}]"
            )
        given[pair] = float(Decimal(value.mantissa).scaleb(-value.scale))
    symbols = sorted({symbol for pair in given for symbol in pair})
    made = completed(symbols, given, repair=repair)
    if not made.repaired:
        return [(first, second, rho) for (first, second), rho in sorted(given.items())], made
    kept = [
        (symbols[row], symbols[column], float(made.matrix[row, column]))
        for row in range(len(symbols))
        for column in range(row)
    ]
    return kept, made


def charges_of(given: UnderlyingCharges) -> dict[str, int]:
    """Return charges as they are kept: integers of 10^-6.

    Raises:
        InvalidCommand: By its field: no decimal, below 0, more than 6 places, or too large.
    """
    most = {"concentrated_from": MOST_DELTA}
    return {
        name: units(getattr(given, name), name, MODEL_PLACES, 0, most.get(name, MOST_CHARGE))
        for name in given.__struct_fields__
    }


def spreads_of(given: Sequence[SpreadCredit]) -> list[dict[str, Any]]:
    """Return spreads as they are kept: credits as integers of 10^-8.

    Raises:
        InvalidCommand: `risk.spread.bad`: of one underlying; by its field a credit or a ratio; more than MAX_SPREADS.
    """
    if len(given) > MAX_SPREADS:
        bounds = {"limit": str(MAX_SPREADS), "actual": str(len(given))}
        raise invalid("range", f"at most {MAX_SPREADS} spreads", field="spreads", **bounds)
    found = []
    for at, one in enumerate(given):
        field = f"spreads[{at}]"
        if one.first == one.second:
            detail = "a spread is of two underlyings"
            raise InvalidCommand("risk.spread.bad", detail, field=f"{field}.second", actual=one.second[:64])
        kept = {
            "first": one.first,
            "second": one.second,
            "credit": units(one.credit, f"{field}.credit", RATE_PLACES, 0, RATE),
            "of_first": whole(one.of_first, f"{field}.of_first", 1, MOST_RATIO),
            "of_second": whole(one.of_second, f"{field}.of_second", 1, MOST_RATIO),
        }
        found.append(kept)
    return found


def version_of(cursor: str) -> int:
    """Return the number that a page ended with.

    Raises:
        InvalidCommand: It is no such number.
    """
    if not (cursor.isascii() and cursor.isdigit() and 1 <= len(cursor) < DIGITS_MAX and int(cursor)):
        raise invalid("range", "cursor is not one of ours", field="cursor", actual=cursor[:64])
    return int(cursor)


def check_sector(sector: str) -> str:
    """Return a sector's name.

    Raises:
        InvalidCommand: Too long, or not printable.
    """
    if len(sector) > MAX_SECTOR or not (sector.isprintable() and sector == sector.strip()):
        detail = f"a sector is at most {MAX_SECTOR} printable characters"
        raise invalid("range", detail, field="sector", limit=str(MAX_SECTOR), actual=sector[:64])
    return sector


def check_profile(profile: str) -> str:
    """Return a profile.

    Raises:
        InvalidCommand: There is no such profile.
    """
    if profile not in PROFILES:
        raise invalid("range", f"profile must be one of {', '.join(PROFILES)}", field="profile", actual=profile[:64])
    return profile


def check_signed(who: str, reason: str) -> None:
    """Raise InvalidCommand unless somebody says why: a setting without a reason is none."""
    if not 1 <= len(who) <= MAX_WHO:
        raise invalid("range", "who is a user's id", field="who", limit=str(MAX_WHO), actual=who[:64])
    size = len(reason.encode())
    if not 1 <= size <= MAX_REASON_BYTES or not reason.strip():
        bound = str(MAX_REASON_BYTES)
        raise invalid("range", f"a reason has 1 to {bound} bytes", field="reason", limit=bound, actual=str(size))


def shown(version: int, setting: Setting, who: str, reason: str, time_ns: int) -> Parameter:
    """Return a version as others see it: a rate as decimal text."""
    value = setting.value
    if setting.kind in (VOLATILITY, FLOOR):
        value = f"{Decimal(value).scaleb(-RATE_PLACES).normalize():f}"
    elif setting.kind == CORRELATION:
        value = [[first, second, str(rho)] for first, second, rho in value]
    elif setting.kind == CHARGES:
        value = {name: show(amount, MODEL_PLACES) for name, amount in value.items()}
    elif setting.kind == SPREADS:
        value = [{**one, "credit": show(one["credit"], RATE_PLACES)} for one in value]
    return Parameter(version, setting.kind, setting.subject, value, who, reason, time_ns)
