"""What the ledger room can be told. A message, since the process that follows the event log gets it over a socket."""

import msgspec


class PayoutSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How withdrawals leave the house.

    Attributes:
        rail: Which one; empty: none, and withdrawals are transfers of the engine alone.
        fees: By currency, what the house takes of a withdrawal beside its amount, as a decimal.
        timeout_s: How long the rail may take until a withdrawal is taken back, in seconds.
    """

    rail: str = ""
    fees: dict[str, str] = {}  # msgspec copies it
    timeout_s: int = 86_400
