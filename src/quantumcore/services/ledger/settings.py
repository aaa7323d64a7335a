"""What can be set of the ledger room. A message, since the process that follows the event log gets it over a socket."""

import msgspec

from quantumcore.ports.sealed import RETENTION_DAYS

EVERY_S = 60.0  # seconds


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


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults are those of docs/reference/limits.md.

    Attributes:
        reconcile_s: How often it is compared with engine, trades and positions, in seconds.
        fx_stale_s: Age at which a rate is too old to be offered or used, in seconds.
        fx_tolerance_bp: By how much two ways from one currency to another may disagree.
        four_eyes: Whether what is done by hand needs a second person; proposal_s: how long one may wait for him, in seconds.
        retention_days: How long the sealed segments of its entries are kept.
    """

    reconcile_s: float = EVERY_S
    fx_stale_s: float = 86_400.0  # seconds
    fx_tolerance_bp: int = 10
    four_eyes: bool = False
    proposal_s: int = 86_400
    retention_days: int = RETENTION_DAYS
    payouts: PayoutSettings = PayoutSettings()
