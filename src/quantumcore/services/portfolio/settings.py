"""What the portfolio room can be told. A message, since the process that follows the event log gets it over a socket."""

import msgspec


class PortfolioSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and conventions of the room.

    Attributes:
        reporting: In what an account is valued that never said anything else.
        cache_s: How long a valuation may be given again when nothing moves; 0: each is computed anew.
        cache_accounts: Valuations kept; the least recently used goes.
        tries: How often balances and positions are asked until they agree on a sequence.
        price_stale_s: Age of a last trade from which it is shown as stale (marks of positions say so themselves).
        fx_stale_s, fx_tolerance_bp: Age from which a snapshot is of no use, and how far its triangles may disagree.
        fx_kept: Snapshots that are kept; the oldest goes.
        history_s: Interval of points of the history, in engine time.
        history_kept: Points of an account that are kept; the oldest goes.
        history_accounts: Accounts that have a history; the next one has none.
    """

    reporting: str = "USD"
    cache_s: float = 1.0
    cache_accounts: int = 10_000
    tries: int = 8
    price_stale_s: float = 5.0
    fx_stale_s: float = 86_400.0
    fx_tolerance_bp: int = 10
    fx_kept: int = 10_000
    history_s: int = 60
    history_kept: int = 10_080
    history_accounts: int = 100_000
