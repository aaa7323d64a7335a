"""Values: decimals at the edge, integers inside; ids, symbols, times. Frozen, never a float.

A decimal outside is text: optional sign, digits, optional point. Inside it is (mantissa, scale) or an integer
in ticks, lots or minor units. Nothing here rounds.
"""

import re
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, NewType

from quantumcore.contracts.errors import InvalidCommand, invalid

AccountId = NewType("AccountId", int)
Ticks = NewType("Ticks", int)
Lots = NewType("Lots", int)
MinorUnits = NewType("MinorUnits", int)
Nanoseconds = NewType("Nanoseconds", int)

I64_MAX = 2**63 - 1
MAX_PLACES = 18
MAX_TEXT = 64
REMEMBERED = 4096
NO_SLOT = 0xFFFFFFFF
ORDER_LEG = 0xFFFF

_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?\Z", re.ASCII)
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}\Z", re.ASCII)
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,23}\Z", re.ASCII)


class Scaled(NamedTuple):
    """An exact decimal: mantissa × 10^-scale, canonical (no trailing zero in a fraction).

    Attributes:
        mantissa: i64.
        scale: 0..18.
    """

    mantissa: int
    scale: int

    @classmethod
    def parse(cls, text: object, field: str) -> "Scaled":
        """Return the decimal that `text` spells.

        Raises:
            InvalidCommand: Not a string of sign, digits and point; over 18 places; beyond i64.
        """
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            rule = "decimal" if isinstance(text, str) else "type"
            raise invalid(rule, f'{field} must be a decimal string such as "0.05"', field=field, actual=_shown(text))
        return _parsed(text) or _judged(text, field)

    def text(self) -> str:
        """Return the decimal as text, without exponent."""
        return show(self.mantissa, self.scale)


def _judged(text: str, field: str) -> Scaled:
    if _DECIMAL.match(text) is None:
        raise invalid("decimal", f'{field} must be a decimal string such as "0.05"', field=field, actual=_shown(text))
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    mantissa, scale = int(whole + fraction), len(fraction)
    if scale > MAX_PLACES:
        detail = f"{field} has more than {MAX_PLACES} places"
        raise invalid("places", detail, field=field, limit=str(MAX_PLACES), actual=_shown(text))
    if mantissa == 0 and text.startswith("-"):
        raise invalid("negative_zero", f"{field} is a negative zero", field=field, actual=_shown(text))
    if not -I64_MAX <= mantissa <= I64_MAX:
        detail = f"{field} needs more than 63 bits"
        raise invalid("overflow", detail, field=field, limit=str(I64_MAX), actual=_shown(text))
    return Scaled(mantissa, scale)


@lru_cache(maxsize=REMEMBERED)
def _parsed(text: str) -> Scaled | None:
    """Return the decimal of `text`, or None when something is wrong with it; an order's are read twice on its way."""
    try:
        return _judged(text, "")
    except InvalidCommand:
        return None


@lru_cache(maxsize=REMEMBERED)  # an order's few numbers are shown again and again
def show(mantissa: int, places: int) -> str:
    """Return `mantissa` × 10^-`places` as text with exactly `places` decimals: show(-5, 2) is "-0.05"."""
    if places == 0:
        return str(mantissa)
    digits = str(mantissa).zfill(places + (2 if mantissa < 0 else 1))  # zfill keeps the sign in front
    return f"{digits[:-places]}.{digits[-places:]}"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 64 else text[:61] + "..."


def check_client_id(text: str, field: str = "client_order_id") -> str:
    """Return `text` if it is 1-36 of A-Za-z0-9_-; raise InvalidCommand otherwise."""
    if not isinstance(text, str) or _CLIENT_ID.match(text) is None:
        raise invalid("id", f"{field} must be 1 to 36 of A-Za-z0-9_-", field=field, limit="36", actual=_shown(text))
    return text


def is_symbol(text: str) -> bool:
    """Tell whether `text` has the form of a symbol: 1-24 bytes, [A-Z0-9][A-Z0-9._-]*."""
    return _SYMBOL.match(text) is not None


class OrderId(NamedTuple):
    """The engine's id of an order: (shard, sequence, slot); outside a UUID of shard 16 | sequence 64 | slot 32 | 0xFFFF."""

    shard: int
    sequence: int
    slot: int

    def text(self) -> str:
        """Return the id in UUID form."""
        return packed_id(self.shard, self.sequence, self.slot, ORDER_LEG)

    @classmethod
    def parse(cls, text: str) -> "OrderId | None":
        """Return the id that `text` spells, or None if it cannot be an order's."""
        parts = unpacked_id(text)
        return cls(*parts[:3]) if parts is not None and parts[3] == ORDER_LEG else None


def packed_id(shard: int, sequence: int, fill: int, leg: int) -> str:
    """Return the 128-bit id shard 16 | sequence 64 | fill 32 | leg 16 in UUID form."""
    h = f"{(shard << 112) | (sequence << 48) | (fill << 16) | leg:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def unpacked_id(text: str) -> tuple[int, int, int, int] | None:
    """Return (shard, sequence, fill, leg) of what `packed_id` made, or None if `text` has not its form."""
    try:
        value = uuid.UUID(text).int
    except ValueError:
        return None
    if len(text) != 36:
        return None
    return value >> 112, (value >> 48) & 0xFFFFFFFFFFFFFFFF, (value >> 16) & 0xFFFFFFFF, value & 0xFFFF


def show_time(ns: int) -> str:
    """Return UTC nanoseconds as RFC 3339 with nine decimals and Z."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def parse_time(text: str, field: str) -> Nanoseconds:
    """Return the UTC nanoseconds of an RFC 3339 time with a zone.

    Raises:
        InvalidCommand: Not RFC 3339, or without zone.
    """
    match = re.match(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)\Z", text, re.ASCII)
    if match is None:
        raise invalid("time", f"{field} must be an RFC 3339 time with a zone", field=field, actual=_shown(text))
    try:
        moment = datetime.fromisoformat(match[1].upper() + match[3].upper().replace("Z", "+00:00"))
    except ValueError as error:
        raise invalid("time", f"{field} is no time: {error}", field=field, actual=_shown(text)) from error
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Nanoseconds((delta.days * 86_400 + delta.seconds) * 1_000_000_000 + int((match[2] or "0").ljust(9, "0")))


def half_even(numerator: int, denominator: int) -> int:
    """Return numerator / denominator, not 0, rounded to the nearest integer, on a tie to the even one."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole, rest = divmod(numerator, denominator)
    if rest * 2 > denominator or (rest * 2 == denominator and whole & 1):
        whole += 1
    return whole
