"""How a fixed layout is written down and read: `name:code` in the order of its bytes; `_:nx` is reserved, `qn` n numbers."""

import struct
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any


class Layout:
    """How one class stands in memory: a struct format and the fields that need more than struct can say."""

    def __init__(self, header: str, body: str) -> None:
        names: list[str] = []
        codes = ["<"]
        self.transforms: list[tuple[int, str]] = []
        for item in f"{header} {body}".split():
            name, code = item.split(":")
            if code in ("i128", "owner"):
                self.transforms.append((len(names), code))
                code = "16s"
            elif code[0] == "q" and code[1:]:  # so many numbers
                self.transforms.append((len(names), "numbers"))
                code = f"{8 * int(code[1:])}s"
            elif code.endswith("b"):  # bytes as they are
                code = f"{code[:-1]}s"
            elif code.endswith("s"):
                self.transforms.append((len(names), "text"))
            if name != "_":
                names.append(name)
            codes.append(code)
        self.names = tuple(names)
        self.values: Callable[[Any], tuple[Any, ...]] = attrgetter(*names[2:])  # all but size and kind, in one call
        self._encoders = [(at, _ENCODE[how]) for at, how in self.transforms]
        self._decoders = [(at, _DECODE[how]) for at, how in self.transforms]
        self.struct = struct.Struct("".join(codes))
        self.size = self.struct.size
        self._body = struct.Struct("".join(["<3x", *codes[3:]]))  # all but size and kind, which whoever asks has read
        self._body_transforms = [(at - 2, _DECODE[how]) for at, how in self.transforms]

    def pack(self, values: tuple[Any, ...]) -> bytes:
        """Return the bytes of `values`, which stand in the order of the layout's names."""
        if self.transforms:
            changed = list(values)
            for at, encode in self._encoders:
                changed[at] = encode(changed[at])
            return self.struct.pack(*changed)
        return self.struct.pack(*values)

    def unpack(self, buffer: Any, offset: int) -> tuple[Any, ...]:
        """Return the values that stand at `offset`."""
        values = self.struct.unpack_from(buffer, offset)
        if self.transforms:
            changed = list(values)
            for at, decode in self._decoders:
                changed[at] = decode(changed[at])
            return tuple(changed)
        return values

    def unpack_body(self, buffer: Any, offset: int) -> Sequence[Any]:
        """Return the values that stand at `offset` but for size and kind, the first two."""
        values = self._body.unpack_from(buffer, offset)
        if self._body_transforms:
            changed = list(values)
            for at, decode in self._body_transforms:
                changed[at] = decode(changed[at])
            return changed
        return values


def numbers_of(raw: bytes) -> tuple[int, ...]:
    """Return the numbers that stand one after the other."""
    return struct.unpack(f"<{len(raw) // 8}q", raw)


_ENCODE: dict[str, Callable[[Any], bytes]] = {
    "i128": lambda value: value.to_bytes(16, "little", signed=True),
    "owner": lambda value: value.to_bytes(16, "big"),
    "text": lambda value: value.encode("ascii"),
    "numbers": lambda value: struct.pack(f"<{len(value)}q", *value),
}
_DECODE: dict[str, Callable[[bytes], Any]] = {
    "i128": lambda raw: int.from_bytes(raw, "little", signed=True),
    "owner": lambda raw: int.from_bytes(raw, "big"),
    "text": lambda raw: raw.rstrip(b"\0").decode("ascii"),
    "numbers": numbers_of,
}

INSTRUMENT_BODY = (
    "instrument_kind:B status:B base:H quote:H tick_scale:B lot_scale:B tick:q lot:q multiplier:q min_price:q max_price:q "
    "min_quantity:q max_quantity:q min_notional:q max_notional:q taker_fee:q maker_fee:q minimum_fee:q collar:q symbol:24s"
)
"""A whole definition, in the command that makes it and in the event that tells it."""
TERMS_BODY = (
    "stop_price:q trail:q offset:q display:q display_range:q min_quantity:q budget:q expires_ns:q seed:I stop_scale:B "
    "trail_scale:B offset_scale:B display_scale:B min_quantity_scale:B budget_scale:B trigger:B trail_unit:B peg:B _:3x"
)
RULES_BODY = (
    "allocation:B _:7x static_band:q price_collar:q dynamic_band:q limit_state_ns:q call_ns:q velocity:q velocity_ns:q"
)
BUST_BODY = (
    "trade_sequence:Q fill:I action:B _:3x buyer:Q seller:Q price:q quantity:q paid_back:q received_back:q "
    "buyer_fee_back:q seller_fee_back:q"
)
ACTION_BODY = (
    "action_id:36s effective_day:i action:B right:B amount_scale:B _:x target:I numerator:I denominator:I price:q amount:q "
    "rate:q quantity:q seed:Q"
)
"""A corporate action, in the command that asks for it and in the event that says that it was done."""
QUANTITY_LIMITS_BODY = "scope:B _:3x group:I max_order_lots:q max_long:q max_short:q max_open_orders:q max_open_each:q"
MONEY_LIMITS_BODY = "scope:B _:x currency:H firm:I max_order_notional:q max_open_notional:q credit:q"
"""Records of limits, in the commands that set them and in the events that tell them."""
MARKET_SIZE_BODY = "open_interest:q daily_volume:q"
MARKET_SHARES_BODY = "scope:B _:3x group:I interest:I volume:I"
CLASS_BODY = "underlying:I product:B class_flags:B _:2x outside_ns:q"
RESTRICTION_BODY = "group:I scope:B restricted:B _:2x"
THROTTLE_BODY = "scope:B throttle_class:B _:2x session:I rate:I burst:I"
PATTERNS_BODY = "ratio:I free_orders:I ratio_ns:q executions:I duplicates:I executions_ns:q duplicates_ns:q"
PROTECTION_BODY = "underlying:I fills:I quantity:q window_ns:q frozen_ns:q delta:q vega:q"
MARGIN_TERMS_BODY = "initial:I maintenance:I slope:q mark_ns:q array_ns:q profile:B _:7x"
RISK_ARRAY_BODY = "losses:q16 short_minimum:q given:B _:7x"
ACCOUNT_MARGIN_BODY = "currency:H profile:B _:5x"
GREEKS_BODY = "delta:q gamma:q vega:q"
RISK_LIMITS_BODY = (
    "scope:B _:x currency:H share:I gross:q net:q delta:q gamma:q vega:q loss:q drawdown:q loss_rate:I drawdown_rate:I"
)
"""Records of margin, in the commands that set them and in the events that tell them."""
