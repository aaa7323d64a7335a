"""Who owns what: per account and currency a total and a held part; per currency what the house took. In minor units."""

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Balance:
    """Minor units of one currency: 0 <= held <= total."""

    total: int = 0
    held: int = 0

    @property
    def available(self) -> int:
        """What new holds and withdrawals may use."""
        return self.total - self.held


@dataclass(slots=True)
class House:
    """Minor units of one currency that are not a customer's, and what came in from outside (deposits less withdrawals)."""

    fees: int = 0
    rebates: int = 0
    rounding: int = 0
    deposited: int = 0


@dataclass(slots=True)
class Account:
    """One account of the venue.

    Attributes:
        owner: The user's UUID as an integer.
        max_open_orders: Its own limit, or None for the default profile's.
        killed: Whether its kill switch is engaged.
        group: Accounts of one group do not trade with each other; 0: of none.
        balances: By currency, those that ever had an amount or an order.
    """

    owner: int
    max_open_orders: int | None = None
    killed: bool = False
    group: int = 0
    balances: dict[int, Balance] = field(default_factory=lambda: defaultdict(Balance))

    def available(self, currency: int) -> int:
        """Return the minor units of `currency` that are neither held nor spent."""
        return self.balances[currency].available if currency in self.balances else 0

    def touch(self, currency: int) -> None:
        """Make sure that there is a balance of `currency`."""
        self.balances[currency]

    def post(self, currency: int, amount: int) -> None:
        """Add `amount` (negative: take it away) to the total."""
        if amount:
            self.balances[currency].total += amount

    def hold(self, currency: int, amount: int) -> None:
        """Add `amount` (negative: release it) to the held part."""
        if amount:
            self.balances[currency].held += amount
