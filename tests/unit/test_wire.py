"""The layouts in Python are the layouts of the native engine, and bytes from anywhere are safe to decode.

Goal: what is encoded decodes to itself; every offset equals the compiler's; hostile bytes give a typed error; a decoded
value owns its data.
Method: hypothesis fills every field of every class within its width; the native module tells its own offsets.
"""

import struct
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Corrupted, InvalidCommand

ALL = [*wire.COMMANDS.values(), *wire.EVENTS.values()]
INTEGERS = {
    "B": (0, 2**8 - 1),
    "H": (0, 2**16 - 1),
    "I": (0, 2**32 - 1),
    "Q": (0, 2**64 - 1),
    "i": (-(2**31), 2**31 - 1),
    "q": (-(2**63), 2**63 - 1),
}
SAFE = st.characters(min_codepoint=33, max_codepoint=126)


def items(kind: Any) -> list[tuple[str, str]]:
    """Return (name, code) of every field, the header's too."""
    header = "size:H kind:B _:x instrument:I account:Q"
    if issubclass(kind, wire.Event):
        header = "size:H kind:B flags:B index:I sequence:Q time_ns:q instrument:I _:4x account:Q"
    return [tuple(item.split(":")) for item in f"{header} {kind.BODY}".split()]


def values(code: str) -> st.SearchStrategy[Any]:
    """Return whatever a field of `code` can hold."""
    if code == "i128":
        return st.integers(-(2**127), 2**127 - 1)
    if code == "owner":
        return st.integers(0, 2**128 - 1)
    if code.endswith("b"):
        return st.binary(min_size=int(code[:-1]), max_size=int(code[:-1]))
    if code[0] == "q" and code[1:]:
        return st.lists(st.integers(*INTEGERS["q"]), min_size=int(code[1:]), max_size=int(code[1:])).map(tuple)
    if code.endswith("s"):
        return st.text(SAFE, max_size=int(code[:-1]))
    return st.integers(*INTEGERS[code])


@st.composite
def anything(draw: Any) -> wire.Command | wire.Event:
    """Return a strategy of every command and event."""
    kind = draw(st.sampled_from(ALL))
    given = {name: draw(values(code)) for name, code in items(kind) if name not in ("_", "size", "kind")}
    if kind is wire.SubmitOrderBatch:
        given["orders"] = draw(st.integers(1, kind.MOST).map(lambda count: bytes(range(8)) * (20 * count)))
    if kind is wire.PostGroup:
        given["legs"] = draw(st.integers(1, kind.MOST).map(lambda count: bytes(range(8)) * (4 * count)))
    return kind(**given)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(value=anything())
def test_what_is_encoded_decodes_to_itself(value):
    raw = value.encode()
    assert struct.unpack_from("<HB", raw) == (len(raw), value.KIND)
    again = wire.decode_command(raw) if isinstance(value, wire.Command) else wire.decode_events(raw)[0]
    assert again == value
    assert again.encode() == raw


@settings(max_examples=200, deadline=None, derandomize=True)
@given(value=anything())
def test_a_decoded_value_owns_its_data(value):
    """Overwriting the buffer afterwards changes nothing (the view is not wider than its owner)."""
    buffer = bytearray(value.encode())
    view = memoryview(buffer)
    again = wire.decode_command(view) if isinstance(value, wire.Command) else wire.decode_events(view)[0]
    buffer[:] = b"\xaa" * len(buffer)
    assert again == value


def test_sizes_are_those_of_the_reference():
    sizes = {1: 80, 2: 88, 3: 72, 4: 24, 5: 72, 6: 32, 7: 32, 8: 152, 9: 24, 10: 24, 11: 16, 12: 24}
    sizes |= {13: 160, 14: 112, 15: 504, 16: 24, 17: 24, 18: 24, 19: 24, 20: 80, 21: 24, 22: 96, 23: 24}
    sizes |= {24: 240, 25: 24, 26: 32, 27: 72, 28: 64, 29: 64, 31: 112, 32: 24, 33: 64, 34: 48, 35: 32, 36: 32}
    sizes |= {50: 56, 51: 160, 52: 24, 53: 40, 54: 88, 55: 24, 56: 24, 57: 40}
    sizes |= {40: 24, 41: 32, 42: 32, 43: 24, 44: 24, 45: 32, 46: 56, 47: 64, 48: 32, 49: 24}
    assert {kind: known.LAYOUT.size for kind, known in wire.COMMANDS.items()} == sizes
    sizes = {
        1: 64,
        2: 128,
        3: 128,
        4: 144,
        5: 96,
        6: 80,
        7: 176,
        8: 112,
        9: 64,
        10: 64,
        11: 176,
        12: 48,
        13: 48,
        14: 48,
    }
    sizes |= {15: 144, 16: 80, 17: 80, 18: 64, 19: 80, 20: 80, 21: 48, 22: 48, 23: 112, 24: 48, 25: 64, 26: 80, 27: 64}
    sizes |= {28: 48, 29: 128, 30: 64, 31: 112, 32: 176, 33: 144, 34: 48, 35: 64, 36: 144, 40: 160, 41: 176}
    sizes |= {48: 48, 49: 96, 50: 80}
    sizes |= {66: 80, 67: 192, 68: 48, 69: 64, 70: 112, 71: 64, 72: 112, 73: 96, 74: 64, 75: 64}
    sizes |= {56: 64, 57: 64, 58: 64, 59: 48, 60: 48, 61: 64, 62: 80, 63: 96, 64: 64, 65: 64}
    assert {kind: known.LAYOUT.size for kind, known in wire.EVENTS.items()} == sizes


def spans(kind: Any) -> list[tuple[str, int, int]]:
    """Return (name, offset, size) of every field, reserved ones too."""
    found, offset = [], 0
    for name, code in items(kind):
        found.append((name, offset, width(code)))
        offset += width(code)
    return found


def width(code: str) -> int:
    """Return the bytes of a field of `code`."""
    if code.startswith("q"):
        return 8 * int(code[1:] or 1)
    return 16 if code in ("i128", "owner") else struct.calcsize(f"<{code}")


THEIR_NAMES = {"order_type": "type", "flags2": "flags", "transfer_kind": "kind", "instrument_kind": "kind"}


# Structures that others hold whole, by the name under which they hold them.
HELD = {"order": None, "rules": "TradingRules", "trade": "BustedTrade"}
ORDERS = {"SubmitAdvancedOrder": "SubmitOrder", "ReplaceAdvancedOrder": "ReplaceOrder"}
TERMS = {
    "DefineInstrument": "InstrumentTerms",
    "InstrumentDefined": "InstrumentTerms",
    "PostGroup": "GroupTerms",
    "ApplyAction": "ActionTerms",
    "ActionApplied": "ActionTerms",
    "SetInstrumentClass": "ClassTerms",
    "InstrumentClassChanged": "ClassTerms",
    "SetRestriction": "RestrictionTerms",
    "RestrictionChanged": "RestrictionTerms",
    "SetThrottle": "ThrottleTerms",
    "ThrottleChanged": "ThrottleTerms",
    "SetPatterns": "PatternTerms",
    "PatternsChanged": "PatternTerms",
    "SetProtection": "ProtectionTerms",
    "ProtectionChanged": "ProtectionTerms",
    "SetMarginTerms": "MarginTerms",
    "MarginTermsChanged": "MarginTerms",
    "SetRiskArray": "RiskArrayTerms",
    "RiskArrayChanged": "RiskArrayTerms",
    "SetAccountMargin": "AccountMarginTerms",
    "AccountMarginChanged": "AccountMarginTerms",
    "SetGreeks": "GreekTerms",
    "GreeksChanged": "GreekTerms",
    "SetRiskLimits": "RiskLimitTerms",
    "RiskLimitsChanged": "RiskLimitTerms",
}
LIMITS = {
    "SetMarketShares": "MarketShares",
    "MarketSharesChanged": "MarketShares",
    "SetQuantityLimits": "QuantityLimits",
    "QuantityLimitsChanged": "QuantityLimits",
    "SetMoneyLimits": "MoneyLimits",
    "MoneyLimitsChanged": "MoneyLimits",
}

SIZES = ("SetMarketSize", "MarketSizeChanged")


def theirs(kind: Any) -> set[tuple[str, int, int]]:
    """Return (name, offset, size) as the compiler lays them out, what is held whole unfolded, reserved ones left out."""
    from quantumcore.core import _native

    layouts = _native.layouts()
    header = "EventHeader" if issubclass(kind, wire.Event) else "CommandHeader"

    def unfold(structure: str, base: int) -> set[tuple[str, int, int]]:
        found = set()
        for name, (offset, size) in layouts[structure].items():
            held = HELD.get(name) or (ORDERS.get(structure) if name == "order" else None)
            held = TERMS.get(structure, "OrderTerms") if name == "terms" else header if name == "header" else held
            held = LIMITS.get(structure) if name == "limits" else held
            held = "MarketSize" if name == "size" and structure in SIZES else held
            found |= unfold(held, base + offset) if held else {(name, base + offset, size)}
        return found

    return {field for field in unfold(kind.__name__, 0) if not field[0].startswith("reserved")}


@pytest.mark.parametrize("kind", ALL, ids=[kind.__name__ for kind in ALL])
def test_offsets_are_the_compilers(kind):
    """Every field of ours lies where the native one of its name does, and neither side has one more."""
    ours = {(THEIR_NAMES.get(name, name), offset, size) for name, offset, size in spans(kind) if name != "_"}
    assert ours == theirs(kind)
    assert sum(size for _, _, size in spans(kind)) == kind.LAYOUT.size


def failure(attempt: Callable[[bytes], Any], raw: bytes) -> Exception | None:
    """Return how an attempt ended: None when it gave a value."""
    try:
        attempt(raw)
    except Exception as error:  # noqa: BLE001  # of whichever kind: that is the question
        return error
    return None


@settings(max_examples=500, deadline=None, derandomize=True)
@given(raw=st.binary(max_size=200))
def test_noise_gives_a_value_or_a_typed_error(raw):
    for attempt, error in ((wire.decode_command, InvalidCommand), (wire.decode_events, Corrupted)):
        assert isinstance(failure(attempt, raw), error | None)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(value=anything(), data=st.data())
def test_a_damaged_value_gives_a_value_or_a_typed_error(value, data):
    raw = bytearray(value.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    for attempt, error in ((wire.decode_command, InvalidCommand), (wire.decode_events, Corrupted)):
        for buffer in (bytes(raw), cut):
            assert isinstance(failure(attempt, buffer), error | None)


@pytest.mark.parametrize("raw", [b"", b"\x50", b"\x50\x00", b"\x50\x00\x01", b"\x50\x00\x01" + b"\0" * 76])
def test_a_cut_command_is_a_typed_error(raw):
    with pytest.raises(InvalidCommand):
        wire.decode_command(raw)


def test_text_that_is_not_ascii_is_a_typed_error():
    command = bytearray(wire.CancelOrder(account=1, client_id="a").encode())
    command[33] = 0xE4
    with pytest.raises(InvalidCommand):
        wire.decode_command(command)
    event = bytearray(wire.CurrencyDefined(1, 0, 1, 0, 0, 0, 1, 2, "USD").encode())
    event[45] = 0xE4
    with pytest.raises(Corrupted):
        wire.decode_events(event)


def test_a_cut_event_stops_the_reader_after_the_whole_ones():
    one = wire.KillSwitchChanged(1, 0, 1, 0, 0, 0, 1, 0).encode()
    reader = wire.iter_events(one + one[:-1])
    assert next(reader).sequence == 1
    with pytest.raises(Corrupted):
        next(reader)


def test_values_are_frozen():
    for kind in ALL:
        given = {name: "" if code.endswith("s") else 0 for name, code in items(kind)}
        fields = [field.name for field in msgspec.structs.fields(kind)]
        value = kind(**{name: given.get(name, b"") for name in fields})
        with pytest.raises(AttributeError):
            value.account = 5
