"""What can be set of the ledger room."""

from dataclasses import dataclass

from quantumcore.ports.sealed import RETENTION_DAYS

EVERY_S = 60.0  # seconds


@dataclass(frozen=True)
class LedgerSettings:
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
