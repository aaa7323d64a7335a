"""What the house and its annex say to each other."""

import msgspec

from quantumcore.app.read_side import ReadSideSettings
from quantumcore.contracts.messages import Done, Notice, Request


class BeginRooms(Request[Done], frozen=True, kw_only=True):
    """Start the rooms and follow the event log, which is whole now.

    Raises:
        QuantumCoreError: What lies in the data directory is damaged, or another annex holds it.
    """

    settings: ReadSideSettings


class EndRooms(Request[Done], frozen=True, kw_only=True):
    """Stop the rooms and close what they stood on."""


class Exposition(msgspec.Struct, frozen=True):
    """Metrics in Prometheus' text format."""

    text: bytes


class GetExposition(Request[Exposition], frozen=True, kw_only=True):
    """What a room of the annex counts, and what it stands on."""

    room: str


class LevelChanged(Notice, frozen=True, kw_only=True):
    """The least that is logged from now on."""

    level: str


class LogGrew(Notice, frozen=True, kw_only=True):
    """The event log reaches to `last`."""

    last: int


class RoomsStand(Notice, frozen=True, kw_only=True):
    """Why each room of the annex is not ready; told when it changes and at least every PULSE_S."""

    reasons: dict[str, list[str]]
