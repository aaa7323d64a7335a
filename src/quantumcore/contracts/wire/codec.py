"""Buffers to commands and events. Decoded values own their data: overwriting the buffer afterwards changes nothing."""

import struct
from collections.abc import Iterator
from types import ModuleType
from typing import Any, TypeVar

from quantumcore.contracts.errors import Corrupted, InvalidCommand
from quantumcore.contracts.wire import (
    action_events,
    commands,
    events,
    guard_commands,
    guard_events,
    limit_commands,
    limit_events,
    margin_commands,
    margin_events,
    money_commands,
    money_events,
    venue_events,
)
from quantumcore.contracts.wire.commands import COMMAND_HEADER, Command
from quantumcore.contracts.wire.events import EVENT_HEADER, Event
from quantumcore.contracts.wire.layout import Layout

Kind = TypeVar("Kind", Command, Event)


def _kinds(base: type[Kind], *modules: ModuleType) -> dict[int, type[Kind]]:
    """Return, by its number, every kind of `base` that `modules` write down; what has no number is none."""
    written = (each for module in modules for each in vars(module).values())
    return {each.KIND: each for each in written if isinstance(each, type) and issubclass(each, base) and each.KIND}


COMMANDS = _kinds(Command, commands, money_commands, limit_commands, guard_commands, margin_commands)
EVENTS = _kinds(Event, events, money_events, venue_events, action_events, limit_events, guard_events, margin_events)
for _command in COMMANDS.values():
    _command.LAYOUT = Layout(COMMAND_HEADER, _command.BODY)
for _event in EVENTS.values():
    _event.LAYOUT = Layout(EVENT_HEADER, _event.BODY)

_SIZE_KIND = struct.Struct("<HB")


def decode_command(buffer: Any, offset: int = 0) -> Command:
    """Return the command at `offset`.

    Raises:
        InvalidCommand: Unknown kind, a size that is not its kind's, a cut command, or text that is not ASCII.
    """
    size, kind = _SIZE_KIND.unpack_from(buffer, offset) if len(buffer) >= offset + _SIZE_KIND.size else (0, 0)
    known = COMMANDS.get(kind)
    if known is None or not known.fits(size) or len(buffer) < offset + size:
        raise InvalidCommand("request.invalid", f"no command of kind {kind} and size {size}")
    try:
        return known.decode(buffer, offset)
    except UnicodeDecodeError as error:
        raise InvalidCommand("request.invalid", f"a text that is not ASCII in a command of kind {kind}") from error


def iter_events(buffer: Any) -> Iterator[Event]:
    """Yield the events of `buffer` in order.

    Raises:
        Corrupted: Unknown kind, a size that is not its kind's, a cut event, or text that is not ASCII.
    """
    offset, end = 0, len(buffer)
    while offset < end:
        size, kind = _SIZE_KIND.unpack_from(buffer, offset) if end - offset >= 40 else (0, 0)
        known = EVENTS.get(kind)
        if known is None or known.LAYOUT.size != size or end - offset < size:
            raise Corrupted("corrupted", f"no event of kind {kind} and size {size} at byte {offset}")
        try:
            event = known(*known.LAYOUT.unpack_body(buffer, offset))
        except UnicodeDecodeError as error:
            raise Corrupted("corrupted", f"a text that is not ASCII at byte {offset}") from error
        yield event
        offset += size


def decode_events(buffer: Any) -> list[Event]:
    """Return the events of `buffer` in order; raises as iter_events does."""
    return list(iter_events(buffer))
