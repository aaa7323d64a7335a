"""What commands have set about margin, and the days that are open (engine.md section 17)."""

from dataclasses import dataclass, field

from quantumcore.contracts import wire

MAX_ACCOUNTS = 65_536  # in a currency, that ever had a profile or an open day
MAX_LIMITS = 65_536

Place = tuple[int, int]
"""An account in a currency."""


@dataclass(frozen=True, slots=True)
class RiskArray:
    """What one lot loses in each scenario, and what a short one needs at least, in 10^-6 of the quote currency's unit.

    Attributes:
        set_at: UTC nanoseconds.
    """

    losses: tuple[int, ...]
    short_minimum: int
    set_at: int


@dataclass(slots=True)
class Day:
    """What an account began with in a currency, and what has come of it, in minor units.

    Attributes:
        deposits: What transfers and legs have brought, less what they took.
        peak: The best result that an assessment has found; at least 0.
    """

    opening: int
    deposits: int = 0
    peak: int = 0


@dataclass(slots=True)
class AccountMargin:
    """How an account is margined in a currency (wire.SetAccountMargin), and its day, if one is open."""

    profile: int = 0
    day: Day | None = None


@dataclass(slots=True)
class MarginRecords:
    """All of section 17; terms, greeks and limits stand as the commands that set them.

    Attributes:
        terms, arrays, greeks: By instrument.
        accounts: By account and currency, those that ever had a profile or a day.
        limits: By account (0: the venue's) and currency.
    """

    terms: dict[int, wire.SetMarginTerms] = field(default_factory=dict)
    arrays: dict[int, RiskArray] = field(default_factory=dict)
    greeks: dict[int, wire.SetGreeks] = field(default_factory=dict)
    accounts: dict[Place, AccountMargin] = field(default_factory=dict)
    limits: dict[Place, wire.SetRiskLimits] = field(default_factory=dict)

    def terms_of(self, instrument: int) -> wire.SetMarginTerms:
        """Return the terms of an instrument; without a record 2 % volatility × 2.5, and half of it."""
        return self.terms.get(instrument, _UNSET_TERMS)

    def of(self, account: int, currency: int) -> AccountMargin:
        """Return how an account is margined in a currency; without a record it is not."""
        return self.accounts.get((account, currency), _UNSET)

    def note_deposit(self, account: int, currency: int, change: int) -> None:
        """Count what a transfer or leg brings to an account (negative: takes) in its day."""
        day = self.of(account, currency).day
        if day is not None:
            day.deposits += change


_UNSET_TERMS = wire.SetMarginTerms(initial=50_000, maintenance=25_000)
_UNSET = AccountMargin()
