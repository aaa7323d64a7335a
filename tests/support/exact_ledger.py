"""Who has what, in plain dictionaries: deposits, transfers, groups, credit, frozen accounts and busts, as money.md has them.

The slow, plainly right way: it imports nothing of the venue and shares no code with it. Amounts are whole minor units; what
is a fraction until it is posted (orders) stands in exact_orders.py. A customer's balance has the code OWN, whatever it is of;
bank and custody are one account.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

HOUSE, OWN, COLLATERAL = 0, 200, 220
BANK, FEES, REBATES, ROUNDING, EQUITY = 100, 300, 310, 410, 900
CHART = (100, 110, 230, 240, 300, 310, 320, 330, 400, 410, 420, 430, 900)
OPEN, FROZEN, CLOSED = 1, 2, 3
DONE, REPEAT = "done", "repeat"

Key = tuple[int, int, int]
"""(owner, currency, code)."""


class Side(NamedTuple):
    """One side of a leg as it is sent: a customer's code is 0 (its balance) or 220."""

    owner: int
    code: int


class Leg(NamedTuple):
    """One transfer of a group, as it is sent."""

    debit: Side
    credit: Side
    currency: int
    amount: int


class Group(NamedTuple):
    """A group of transfers, as it is sent; reverses "": nothing."""

    account: int
    name: str
    legs: tuple[Leg, ...]
    signed: bool = False
    reverses: str = ""
    code: int = 1
    user_data: int = 0


class Transfer(NamedTuple):
    """A deposit (1), a withdrawal (2) or a transfer between accounts (3), as it is sent."""

    account: int
    name: str
    kind: int
    amount: int
    currency: int
    to: int = 0


class Bust(NamedTuple):
    """An operator's correction: action 1 takes a trade back, 2 moves money only; all amounts in minor units."""

    trade: tuple[int, int]
    action: int
    buyer: int
    seller: int
    base: int
    quote: int
    asset: int
    paid_back: int
    received_back: int
    buyer_fee_back: int
    seller_fee_back: int


class Refused(Exception):
    """The command changes nothing; the text is the reason's name."""


class ExactLedger:
    """Balances by account, what is held of them, and what every id has come to.

    Attributes:
        debits, credits: What was posted, by account.
        held: By (customer, currency): the sum of the holds of working orders, which ExactOrders keeps.
        limits: Credit, by (customer, currency). below: How far under its limit a balance may be.
        earned: Fees less rebates of trades, less what busts gave back, by currency.
        working: How many orders work.
    """

    def __init__(self, currencies: Sequence[int], customers: Sequence[int]) -> None:
        self.currencies = frozenset(currencies)
        self.states = dict.fromkeys(customers, OPEN)
        self.debits: dict[Key, int] = defaultdict(int)
        self.credits: dict[Key, int] = defaultdict(int)
        self.held: dict[tuple[int, int], int] = defaultdict(int)
        self.limits: dict[tuple[int, int], int] = defaultdict(int)
        self.below: dict[tuple[int, int], int] = defaultdict(int)
        self.earned: dict[int, int] = defaultdict(int)
        self.working: dict[int, int] = defaultdict(int)
        self.transfers: dict[tuple[int, str], tuple[Transfer, bool]] = {}
        self.groups: dict[tuple[int, str], tuple[Group, bool]] = {}
        self.reversed: set[tuple[int, str]] = set()
        self.busts: set[tuple[int, int]] = set()

    # ----------------------------------------------------------------------------------------------- balances

    def post(self, debit: Key, credit: Key, amount: int) -> None:
        """Move an amount from one account to another of its currency."""
        assert amount >= 0
        assert debit[1] == credit[1]
        self.debits[debit] += amount
        self.credits[credit] += amount

    def balance(self, key: Key) -> int:
        """Return a balance as the nature of its account counts it: of assets and expenses debits less credits."""
        change = self.credits[key] - self.debits[key]
        return -change if key[0] == HOUSE and key[2] in (BANK, REBATES) else change

    def available(self, owner: int, currency: int) -> int:
        """Return what a customer may spend: posted - held + credit limit."""
        return self.balance((owner, currency, OWN)) - self.held[owner, currency] + self.limits[owner, currency]

    def _check_debit(self, owner: int) -> None:
        if self.states[owner] == FROZEN:
            raise Refused("ACCOUNT_FROZEN")
        self._check_credit(owner)

    def _check_credit(self, owner: int) -> None:
        if self.states[owner] == CLOSED:
            raise Refused("ACCOUNT_CLOSED")

    # ---------------------------------------------------------------------------------------------- transfers

    def transfer(self, asked: Transfer) -> str:
        """Post a transfer once; its id is for ever.

        Raises:
            Refused: Of state, which the id has then failed by, or of shape, which leaves it free.
        """
        if asked.account not in self.states:
            raise Refused("UNKNOWN_ACCOUNT")
        key = (asked.account, asked.name)
        if key in self.transfers:
            return _again(asked, *self.transfers[key])
        if asked.amount <= 0:
            raise Refused("BAD_AMOUNT")
        if asked.currency not in self.currencies:
            raise Refused("UNKNOWN_CURRENCY")
        if asked.kind == 3 and asked.to not in self.states:
            raise Refused("UNKNOWN_ACCOUNT")
        if asked.to == asked.account if asked.kind == 3 else asked.to:
            raise Refused("BAD_COMMAND")
        mine, bank = (asked.account, asked.currency, OWN), (HOUSE, asked.currency, BANK)
        try:
            if asked.kind == 1:
                self._check_credit(asked.account)
            else:
                self._check_debit(asked.account)
                if asked.kind == 3:
                    self._check_credit(asked.to)
                if asked.amount > self.available(asked.account, asked.currency):
                    raise Refused("INSUFFICIENT")
        except Refused:
            self.transfers[key] = asked, True
            raise
        self.transfers[key] = asked, False
        other = bank if asked.kind < 3 else (asked.to, asked.currency, OWN)
        self.post(*((bank, mine) if asked.kind == 1 else (mine, other)), asked.amount)
        return DONE

    # ------------------------------------------------------------------------------------------------- groups

    def post_group(self, asked: Group) -> str:
        """Make all transfers of a group, or none.

        Raises:
            Refused: Of state, which the id has then failed by, or of shape, which leaves it free.
        """
        for leg in asked.legs:
            sides = (leg.debit, leg.credit)
            known = all(side.code in ((0, COLLATERAL) if side.owner else CHART) for side in sides)
            if not known or leg.amount < 0 or _kept(leg.debit, leg.currency) == _kept(leg.credit, leg.currency):
                raise Refused("BAD_COMMAND")
        if asked.account and asked.account not in self.states:
            raise Refused("UNKNOWN_ACCOUNT")
        key = (asked.account, asked.name)
        if key in self.groups:
            return _again(asked, *self.groups[key])
        original = (asked.account, asked.reverses)
        try:
            if self._judge_names(asked, original):
                return REPEAT
            self._judge_money(asked)
        except Refused as refused:
            if str(refused) in ("UNKNOWN_ACCOUNT", "ACCOUNT_FROZEN", "ACCOUNT_CLOSED", "INSUFFICIENT"):
                self.groups[key] = asked, True
            raise
        self.groups[key] = asked, False
        if asked.reverses:
            self.reversed.add(original)
        for leg in asked.legs:
            debit, credit = _kept(leg.debit, leg.currency), _kept(leg.credit, leg.currency)
            self.post(debit, credit, leg.amount)
        return DONE

    def _judge_names(self, asked: Group, original: tuple[int, str]) -> bool:
        """Return whether what it reverses is reversed already."""
        owners = {side.owner for leg in asked.legs for side in (leg.debit, leg.credit)} - {HOUSE}
        if not owners <= self.states.keys():
            raise Refused("UNKNOWN_ACCOUNT")
        if not {leg.currency for leg in asked.legs} <= self.currencies:
            raise Refused("UNKNOWN_CURRENCY")
        if not asked.reverses:
            return False
        first, failed = self.groups.get(original, (None, True))
        if first is None or failed:
            raise Refused("GROUP_NOT_FOUND")
        if original in self.reversed:
            return True
        back = [(_kept(leg.credit, leg.currency), _kept(leg.debit, leg.currency), leg.amount) for leg in first.legs]
        mirror = [(_kept(leg.debit, leg.currency), _kept(leg.credit, leg.currency), leg.amount) for leg in asked.legs]
        if mirror not in (back, back[::-1]):
            raise Refused("REVERSAL_DIFFERS")
        return False

    def _judge_money(self, asked: Group) -> None:
        for leg in asked.legs:
            if leg.debit.owner and self.states[leg.debit.owner] == FROZEN:
                raise Refused("ACCOUNT_FROZEN")
        for leg in asked.legs:
            for owner in {leg.debit.owner, leg.credit.owner} - {HOUSE}:
                self._check_credit(owner)
        moved: dict[Key, int] = defaultdict(int)
        under: dict[tuple[int, int], int] = {}
        for leg in asked.legs:
            debit, credit = _kept(leg.debit, leg.currency), _kept(leg.credit, leg.currency)
            owner, currency, code = debit
            if not leg.amount:
                continue  # it moves nothing, so there is nothing that could be wanting
            if owner and code == OWN:
                there = self.available(owner, currency) + moved[debit]
                if leg.amount > there and not asked.signed:
                    raise Refused("INSUFFICIENT")
                under[owner, currency] = max(under.get((owner, currency), 0), leg.amount - there)
            else:
                there = self.balance(debit) + moved[debit]
                if code == ROUNDING:  # later fills of orders that work may give back a unit each
                    there -= self.orders_at_work
                if (owner or code == ROUNDING) and leg.amount > there:
                    raise Refused("INSUFFICIENT")
            for key, change in ((debit, -leg.amount), (credit, leg.amount)):
                moved[key] += -change if key[0] == HOUSE and key[2] in (BANK, REBATES) else change
        for name, amount in under.items():
            self.below[name] = max(self.below[name], amount)

    @property
    def orders_at_work(self) -> int:
        """How many orders work in the venue."""
        return sum(self.working.values())

    # -------------------------------------------------------------------------------------- terms and corrections

    def set_state(self, account: int, state: int) -> str:
        """Open, freeze or close an account; only what is empty can be closed."""
        if account not in self.states:
            raise Refused("UNKNOWN_ACCOUNT")
        own = (self.balance((account, c, code)) for c in self.currencies for code in (OWN, COLLATERAL))
        if state == CLOSED and (self.working[account] or any(own)):
            raise Refused("ACCOUNT_NOT_EMPTY")
        self.states[account] = state
        return DONE

    def set_credit(self, account: int, currency: int, limit: int) -> str:
        """Let a balance fall below zero; one that is further down already stays, and nothing more is taken from it."""
        if account not in self.states:
            raise Refused("UNKNOWN_ACCOUNT")
        if currency not in self.currencies:
            raise Refused("UNKNOWN_CURRENCY")
        self.limits[account, currency] = limit
        self.below[account, currency] = max(0, -self.available(account, currency))
        return DONE

    def bust(self, asked: Bust) -> str:
        """Correct a trade once; the house's fees give back what it took, its equity what the two sides leave over."""
        if asked.trade in self.busts:
            return REPEAT
        if asked.action == 1 and min(asked.paid_back, asked.received_back) < 0:
            raise Refused("BAD_AMOUNT")
        asset = asked.asset if asked.action == 1 else 0
        gains: dict[tuple[int, int], int] = defaultdict(int)  # the buyer may be the seller
        gains[asked.buyer, asked.quote] += asked.paid_back + asked.buyer_fee_back
        gains[asked.buyer, asked.base] -= asset
        gains[asked.seller, asked.quote] += asked.seller_fee_back - asked.received_back
        gains[asked.seller, asked.base] += asset
        for (owner, currency), gain in gains.items():
            (self._check_debit if gain < 0 else self._check_credit)(owner)
            if gain < 0 and self.available(owner, currency) + gain < 0:
                raise Refused("INSUFFICIENT")
        fees = asked.buyer_fee_back + asked.seller_fee_back
        if self.earned[asked.quote] < fees:
            raise Refused("INSUFFICIENT")
        self.busts.add(asked.trade)
        self.earned[asked.quote] -= fees
        buyer, seller = (asked.buyer, asked.quote, OWN), (asked.seller, asked.quote, OWN)
        income, equity = (HOUSE, asked.quote, FEES), (HOUSE, asked.quote, EQUITY)
        self.post((asked.buyer, asked.base, OWN), (asked.seller, asked.base, OWN), asset)
        self._signed(seller, buyer, asked.received_back)
        self._signed(income, buyer, asked.buyer_fee_back)
        self._signed(income, seller, asked.seller_fee_back)
        self._signed(equity, buyer, asked.paid_back - asked.received_back)
        return DONE

    def _signed(self, debit: Key, credit: Key, amount: int) -> None:
        self.post(*((debit, credit) if amount >= 0 else (credit, debit)), abs(amount))


def _kept(side: Side, currency: int) -> Key:
    """Return the account that a side of a leg means."""
    if side.owner:
        return side.owner, currency, side.code or OWN
    return HOUSE, currency, BANK if side.code == 110 else side.code


def _again(asked: Transfer | Group, first: Transfer | Group, failed: bool) -> str:
    """Return what a known id answers."""
    if isinstance(asked, Group) and failed:
        raise Refused("ID_ALREADY_FAILED")
    if asked != first:
        raise Refused("DUPLICATE_ID")
    if failed:
        raise Refused("ID_ALREADY_FAILED")
    return REPEAT
