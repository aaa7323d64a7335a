"""What can be set of the risk room. A message, since the process that follows the event log gets it over a socket."""

import msgspec


class RiskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults are those of docs/reference/limits.md.

    Attributes:
        reporting: In what figures are.
        fx_stale_s: Age from which a snapshot of rates is of no use, in seconds.
        stale_s: Age from which a price is stale, in seconds.
        cache_accounts: Accounts whose figures are kept; the least recently used goes.
        kept_days: Days of prices that are kept of an instrument.
        warn_at: Share of a limit from which its use is told, in percent.
        daily_loss: Share of the opening equity (and what flowed since) that may be lost on a day, in percent.
        four_eyes: Whether limits are changed by two persons.
        compute_s: How long one heavy computation may take, in seconds.
        assess_s: How often an account on margin is assessed at most, in seconds. assess_per_s: How many in a second at most.
        insurance_fund: The account that takes positions of who is worth less than nothing; 0: there is none.
        insurance_floor: By currency code, decimals: what that may not bring the fund below.
        open_days: When days of accounts on margin begin anew: "" never by themselves, midnight (UTC), session.
        marks_from_trades: Whether the last trade of an instrument becomes its mark while nobody else sets one.
    """

    reporting: str = "USD"
    fx_stale_s: float = 86_400.0
    stale_s: float = 5.0
    cache_accounts: int = 10_000
    kept_days: int = 1_000
    warn_at: int = 80
    daily_loss: int = 10
    compute_s: float = 10.0
    four_eyes: bool = False
    assess_s: float = 1.0
    assess_per_s: int = 200
    open_days: str = ""
    insurance_fund: int = 0
    insurance_floor: dict[str, str] = {}
    marks_from_trades: bool = False
