"""What an account and a hold are, and what may happen to them. Pure: no clock, no I/O, no await.

An account is (owner, currency, code). Owner HOUSE has the house's own accounts and, under the customers' codes, the
control accounts: the sums over all customers, moved by the same postings.
"""

from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.contracts.errors import Corrupted

HOUSE = 0

BANK, CUSTODY = 100, 110
CUSTOMER_CASH, CUSTOMER_ASSETS, COLLATERAL = 200, 210, 220
FEE_INCOME, REBATES_PAID = 300, 310
TAX_PAYABLE = 240
FX_SPREAD, INTEREST, FX_POOL = 320, 330, 400
ROUNDING = 410
CLEARING = 430
EQUITY = 900

NAMES = {
    BANK: "cash at bank",
    CUSTODY: "assets in custody",
    CUSTOMER_CASH: "customer cash",
    CUSTOMER_ASSETS: "customer assets",
    COLLATERAL: "customer collateral",
    230: "suspense",
    TAX_PAYABLE: "tax payable",
    FEE_INCOME: "fee income",
    REBATES_PAID: "rebates paid",
    FX_SPREAD: "fx spread",
    INTEREST: "interest and funding",
    FX_POOL: "fx pool",
    ROUNDING: "rounding",
    420: "insurance fund",
    CLEARING: "variation-margin clearing",
    EQUITY: "house equity",
}
DEBIT_NATURE = frozenset({BANK, CUSTODY, REBATES_PAID})  # assets and expenses: balance = debits - credits
CUSTOMER_CODES = frozenset({CUSTOMER_CASH, CUSTOMER_ASSETS})
OWED_TO_CUSTOMERS = CUSTOMER_CODES | {COLLATERAL}
NEVER_NEGATIVE = OWED_TO_CUSTOMERS | {ROUNDING}  # of a customer's balance: beyond its credit
OUTSIDE = {CUSTOMER_CASH: BANK, CUSTOMER_ASSETS: CUSTODY}  # where a deposit comes from


class AccountKey(NamedTuple):
    """Whose, in which currency, under which code of the chart."""

    owner: int
    currency: int
    code: int


class Account(Struct, gc=False):
    """The totals of one account, in minor units; the sums may outgrow 64 bits, the balance cannot.

    Attributes:
        held: Sum of the open holds; customers only.
        changed: Sequence of the last event that moved it.
    """

    debits: int = 0
    credits: int = 0
    held: int = 0
    changed: int = 0

    def balance(self, code: int) -> int:
        """Return the balance as the nature of `code` counts it."""
        return self.debits - self.credits if code in DEBIT_NATURE else self.credits - self.debits

    def check(self, key: AccountKey, floor: int = 0) -> None:
        """Raise Corrupted if no engine can have left an account so; `floor`: how far it may be below zero."""
        if key.code in NEVER_NEGATIVE and not 0 <= self.held <= self.credits - self.debits + floor:
            balance = self.balance(key.code)
            raise Corrupted("ledger.impossible", f"account {key.code} has balance {balance} and {self.held} held")


class Credit(Struct, frozen=True, gc=False):
    """How far a customer's balance may be below zero, in minor units.

    Attributes:
        floor: The limit, or more: what was used when it was lowered, or what two persons have signed.
        changed: Sequence of the last event that set the limit.
    """

    limit: int = 0
    floor: int = 0
    changed: int = 0


NO_CREDIT = Credit()


class Standing(NamedTuple):
    """Whether an account is open (1), frozen (2) or closed (3), since the sequence `changed`."""

    state: int = 1
    changed: int = 0


class Hold(Struct, frozen=True, kw_only=True, gc=False):
    """What one order reserves: placed = captured + released + open, at any time, amendments included.

    Attributes:
        order, slot: The order's name: the sequence of its acceptance, and what tells orders of one command apart.
        done: The order has ended, so nothing is open.
        linked: It may share its hold with another: what it uses may have been held by that one until now.
    """

    order: int
    slot: int
    account: int
    currency: int
    placed: int
    captured: int = 0
    released: int = 0
    done: bool = False
    linked: bool = False

    @property
    def name(self) -> tuple[int, int]:
        """What tells it from every other hold."""
        return self.order, self.slot

    @property
    def open(self) -> int:
        """What is still reserved, in minor units."""
        return self.placed - self.captured - self.released

    def capture(self, amount: int, remains: int, *, done: bool) -> "Hold":
        """Use `amount` and release what is then held beyond `remains`.

        Raises:
            Corrupted: The hold does not have that much, or its order has ended.
        """
        freed = self.open - amount - remains
        if self.linked and freed < 0 and not self.done:
            return self.amend(amount + remains).capture(amount, remains, done=done)
        if self.done or amount < 0 or remains < 0 or freed < 0 or (done and remains):
            raise Corrupted(
                "ledger.impossible",
                f"the hold of order {self.order} has {self.open}: no {amount} to use, {remains} to keep",
            )
        return replace(self, captured=self.captured + amount, released=self.released + freed, done=done)

    def amend(self, remains: int) -> "Hold":
        """Hold `remains` from now on: only the difference is placed or released."""
        if self.done or remains < 0:
            raise Corrupted(
                "ledger.impossible", f"the hold of order {self.order} has ended and cannot become {remains}"
            )
        more = remains - self.open
        return replace(self, placed=self.placed + max(more, 0), released=self.released + max(-more, 0))

    def release(self, amount: int) -> "Hold":
        """End it: all that is open, which must be `amount`, is free."""
        if self.done or amount != self.open:
            raise Corrupted(
                "ledger.impossible", f"the hold of order {self.order} has {self.open}, not {amount}, to release"
            )
        return replace(self, released=self.released + amount, done=True)


class ClientHold(Struct, frozen=True, kw_only=True, gc=False):
    """What a client has set aside, in minor units: placed = captured + released + open, amendments included.

    Attributes:
        sequence: The command that placed it: its name.
        expires_ns: UTC nanoseconds; 0: never.
        changed: Sequence of the last event about it.
    """

    sequence: int
    account: int
    hold_id: str
    currency: int
    expires_ns: int
    placed: int = 0
    captured: int = 0
    released: int = 0
    changed: int = 0

    @property
    def open(self) -> int:
        """What may still be captured or released."""
        return self.placed - self.captured - self.released

    def after(self, *, placed: int = 0, captured: int = 0, released: int = 0, changed: int = 0) -> "ClientHold":
        """Return it when so much more was placed (negative: less), captured and released.

        Raises:
            Corrupted: More was taken than was open.
        """
        moved = replace(
            self,
            placed=self.placed + placed,
            captured=self.captured + captured,
            released=self.released + released,
            changed=changed,
        )
        if min(captured, released, moved.open) < 0:
            raise Corrupted("ledger.impossible", f"hold {self.sequence} has {self.open} open: no {moved.open} is left")
        return moved
