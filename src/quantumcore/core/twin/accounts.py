"""Who owns what: per account and currency a total and a held part; per currency what the house has. In minor units."""

from collections import defaultdict
from dataclasses import dataclass, field

from quantumcore.contracts.values import I64_MAX

OPEN, FROZEN, CLOSED = 1, 2, 3

BANK, CUSTODY, COLLATERAL, FEE_INCOME, REBATES_PAID, ROUNDING, EQUITY = 100, 110, 220, 300, 310, 410, 900
INTEREST, CLEARING = 330, 430
CHART = (BANK, CUSTODY, 230, 240, FEE_INCOME, REBATES_PAID, 320, INTEREST, 400, ROUNDING, 420, CLEARING, EQUITY)
DEBIT_NATURE = (BANK, CUSTODY, REBATES_PAID)  # assets and expenses: balance = debits - credits


@dataclass(slots=True)
class Balance:
    """Minor units of one currency. Without credit: 0 <= held <= total.

    Attributes:
        limit: How far below zero what is available of the total may bring it.
        overdrawn: How far below the limit the last change of it, or a group that two persons signed, has left it.
    """

    total: int = 0
    held: int = 0
    limit: int = 0
    overdrawn: int = 0

    @property
    def spare(self) -> int:
        """What is neither held nor spent, with the credit; negative: more is used than may be."""
        return self.total - self.held + self.limit

    @property
    def available(self) -> int:
        """What new holds, withdrawals and debits may use."""
        return min(self.spare, I64_MAX)

    @property
    def floor(self) -> int:
        """How far below zero the total can fall."""
        return self.limit + self.overdrawn


@dataclass(slots=True)
class House:
    """Minor units of one currency that are not a customer's.

    Attributes:
        fees, rebates, rounding: What fills have moved, and nothing else: only so is fees >= rebates and rounding >= 0, since
            later fills of the same orders give back of what earlier ones rounded up.
        fees_back: What busts gave back of fee income.
        deposited: Deposits less withdrawals.
        posted: By code of the chart, what groups and busts have moved, in the nature of the account; 110 is 100.
        owed: What customers have from outside of trading, whoever it came from.
        floors: How far below zero the balances of all customers together can fall.
    """

    fees: int = 0
    rebates: int = 0
    rounding: int = 0
    fees_back: int = 0
    deposited: int = 0
    posted: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    owed: int = 0
    floors: int = 0

    def balance(self, code: int) -> int:
        """Return the balance of an account of the chart, in its own nature."""
        of_its_own = {
            BANK: self.deposited,
            FEE_INCOME: self.fees - self.fees_back,
            REBATES_PAID: self.rebates,
            ROUNDING: self.rounding,
        }
        code = one_of_two(code)
        return of_its_own.get(code, 0) + self.posted.get(code, 0)

    def bound(self, *, given: int = 0, deeper: int = 0) -> int:
        """Return what one customer could come to have if all others owed what they may, after changes of both parts."""
        return max(0, self.owed + given) + self.floors + deeper


def one_of_two(code: int) -> int:
    """Return the code under which an account of the house is kept: cash at bank and assets in custody are one."""
    return BANK if code == CUSTODY else code


@dataclass(slots=True)
class Account:
    """One account of the venue.

    Attributes:
        owner: The user's UUID as an integer.
        max_open_orders: Its own limit, or None for the venue's.
        killed: Whether its kill switch is engaged.
        group: Accounts of one group do not trade with each other; 0: of none.
        firm: Its clearing member; 0: of none.
        state: Frozen refuses debits and new holds, closed everything.
        balances: By currency, those that ever had an amount or an order.
        collateral: By currency, what is put aside (code 220); orders cannot use it.
    """

    owner: int
    max_open_orders: int | None = None
    killed: bool = False
    group: int = 0
    firm: int = 0
    state: int = OPEN
    balances: dict[int, Balance] = field(default_factory=lambda: defaultdict(Balance))
    collateral: dict[int, int] = field(default_factory=dict)

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
