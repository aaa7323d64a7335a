"""Which rooms are there, where, and whether they can serve."""

import msgspec

from quantumcore.contracts.messages import Request


class RoomView(msgspec.Struct, frozen=True):
    """One room.

    Attributes:
        endpoints: Its addresses under a living lease; empty while it starts, drains or is gone.
        reasons: Why it is not ready; empty when it is.
    """

    name: str
    endpoints: list[str]
    reasons: list[str]


class Rooms(msgspec.Struct, frozen=True):
    """All rooms of the house, by name."""

    rooms: list[RoomView]


class GetRooms(Request[Rooms], frozen=True):
    """Ask the house which rooms are there."""
