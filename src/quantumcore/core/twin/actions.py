"""Corporate actions, expiry, exercise and funding: one command that acts on all who hold, whole or not at all.

judge: what it is ─▶ who exercises ─▶ each account's share, by number ─▶ what the house bears
apply: orders and holds end ─▶ each account by number: PositionAdjusted ─▶ the house: ActionApplied
"""

from collections import defaultdict
from dataclasses import dataclass, field

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes, holds, positions
from quantumcore.core.twin.account_terms import check_available, check_bound, check_debit, check_enough
from quantumcore.core.twin.accounts import BANK, CLEARING, INTEREST, ROUNDING, Account, Balance
from quantumcore.core.twin.action_shares import Share, assigned, share_of, shorts
from quantumcore.core.twin.action_terms import BORROW_FEE, MAX_PRODUCT, Terms, terms_of
from quantumcore.core.twin.answers import REPEAT, tell_done
from quantumcore.core.twin.client_ids import ActionRecord
from quantumcore.core.twin.fees import ceil_of
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

MAX_ACTIONS = 65_536


def apply_action(venue: Venue, command: wire.ApplyAction, out: Outbox) -> None:
    """Do an action once."""
    first = venue.actions.get(command.action_id)
    if first is not None:
        if first.command != command:
            raise Refusal(Reason.DUPLICATE_ID, order_sequence=first.sequence)
        tell_done(command, out, outcome=REPEAT, order_sequence=first.sequence)
        return
    terms = terms_of(venue, command)
    exercised = _exercised(venue, terms)
    draft = _draft(venue, terms, exercised)

    venue.actions[command.action_id] = ActionRecord(out.sequence, command)
    if terms.ends_orders:
        for number in sorted(venue.accounts):
            theirs = [order for order in venue.working[number].values() if order.instrument == command.instrument]
            venue.cancel_all(theirs, codes.ADJUSTED, out)
        holds.end_all_of(venue, terms.instrument.terms.base, out)
    for number in sorted(venue.accounts):
        share = share_of(venue, terms, number, exercised.get(number, 0))
        if share is not None:
            _give(venue, terms, number, share, out)
    draft.keep()
    _tell_applied(terms, draft, out)


# --------------------------------------------------------------------------------------------- judgement


def _exercised(venue: Venue, terms: Terms) -> dict[int, int]:
    """Return the lots that each account exercises, or is assigned (< 0); none when all are.

    UNKNOWN_ACCOUNT, ACCOUNT_FROZEN, ACCOUNT_CLOSED, then INSUFFICIENT: the lots, those of the shorts, what is paid for it.
    """
    command = terms.command
    if terms.for_all:
        return {}
    account = venue.account(command.account)
    check_debit(account)
    _check_holds(venue, terms, account)
    short = shorts(venue, terms)
    there = sum(lots for _, lots in short)
    if there < command.quantity:
        lot, decimals = terms.instrument.terms.lot, terms.instrument.terms.lot_scale
        raise Refusal(
            Reason.INSUFFICIENT,
            Scope.INSTRUMENT,
            limit=there * lot,
            actual=command.quantity * lot,
            decimals=decimals,
        )
    share = share_of(venue, terms, command.account, command.quantity)
    assert share is not None  # who exercises is touched
    _check_can_give(venue, command.account, terms.instrument.terms.quote, -share.money)
    _check_can_give(venue, command.account, terms.got.terms.base, -share.target_asset)
    drawn = assigned(short, command.quantity, command.seed)
    return {command.account: command.quantity} | {number: -lots for number, lots in drawn.items()}


def _check_holds(venue: Venue, terms: Terms, account: Account) -> None:
    """INSUFFICIENT: what is exercised must be there and free; a credit is no option."""
    currency = terms.instrument.terms.base
    balance = account.balances.get(currency, Balance())
    check_enough(venue, currency, balance.total - balance.held, terms.command.quantity * terms.instrument.asset_per_lot)


def _check_can_give(venue: Venue, account: int, currency: int, amount: int) -> None:
    if amount > 0:
        check_available(venue, account, currency, amount)


@dataclass(slots=True)
class _Draft:
    """What an action does to the house, before any of it is done.

    Attributes:
        count: Accounts that are touched.
        counted: Sum of what their money is counted in; paid: of that money.
        owed, deeper: By currency, what customers get, and how much further below zero their balances can fall.
        balances, rows: How many balances and positions come into being.
    """

    venue: Venue
    terms: Terms
    count: int = 0
    counted: int = 0
    paid: int = 0
    owed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    deeper: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    balances: int = 0
    rows: int = 0

    def add(self, number: int, share: Share) -> None:
        """Count the share of one account."""
        account, terms = self.venue.accounts[number], self.terms
        self.count += 1
        self.counted += share.counted
        self.paid += share.money
        for currency, own, aside in _changes(terms, share):
            self.owed[currency] += own + aside
            self.deeper[currency] += deepened(account.balances.get(currency, Balance()), own)
            self.balances += (own != 0 and currency not in account.balances) + (
                aside != 0 and currency not in account.collateral
            )
        for instrument, lots in _moves(terms, share):
            self.rows += lots != 0 and (number, instrument) not in self.venue.positions

    @property
    def given(self) -> int:
        """What 430 or 330 gives: the exact sum, rounded up."""
        return ceil_of(self.counted * self.terms.worth.numerator, self.terms.worth.denominator)

    @property
    def source(self) -> int:
        """Under which code the house pays, or is paid."""
        return INTEREST if self.terms.command.action == BORROW_FEE else CLEARING

    def judge(self) -> None:
        """AMOUNT_OVERFLOW, INSUFFICIENT, AMOUNT_OVERFLOW again, CAPACITY: what all shares together come to."""
        venue, quote = self.venue, self.terms.instrument.terms.quote
        decimals = venue.currencies[quote].scale
        given, there = self.given, venue.houses[quote].balance(self.source)
        if abs(given) > I64_MAX:
            actual = min(abs(given), MAX_PRODUCT)
            raise Refusal(Reason.AMOUNT_OVERFLOW, Scope.VENUE, limit=I64_MAX, actual=actual, decimals=decimals)
        if given > 0 and given > there:
            raise Refusal(Reason.INSUFFICIENT, Scope.VENUE, limit=there, actual=given, decimals=decimals)
        for currency in (quote, self.terms.instrument.terms.base, self.terms.got.terms.base):
            check_bound(venue, currency, given=self.owed[currency], deeper=self.deeper[currency])
        full = len(venue.actions) >= MAX_ACTIONS or self.balances > venue.balances_left
        if full or len(venue.positions) + self.rows > venue.bounds.max_balances:
            raise Refusal(Reason.CAPACITY, Scope.VENUE)

    def keep(self) -> None:
        """Move what the house bears: the clearing gives, the rounding keeps, custody takes in."""
        terms = self.terms
        quote = self.venue.houses[terms.instrument.terms.quote]
        quote.posted[self.source] -= self.given
        quote.posted[ROUNDING] += self.given - self.paid
        quote.owed += self.paid
        for currency in {terms.instrument.terms.base, terms.got.terms.base}:
            self.venue.houses[currency].posted[BANK] += self.owed[currency]
            self.venue.houses[currency].owed += self.owed[currency]


def _draft(venue: Venue, terms: Terms, exercised: dict[int, int]) -> _Draft:
    """Return what the house bears; orders of the instrument still hold, so what is judged is never less than what comes."""
    draft = _Draft(venue, terms)
    for number in sorted(venue.accounts):
        share = share_of(venue, terms, number, exercised.get(number, 0))
        if share is not None:
            draft.add(number, share)
    draft.judge()
    return draft


def _changes(terms: Terms, share: Share) -> tuple[tuple[int, int, int], ...]:
    """Return (currency, change of code 0, change of code 220): money, the base, and the target's base if there is one."""
    ours = (
        (terms.instrument.terms.quote, share.money, 0),
        (terms.instrument.terms.base, share.asset, share.collateral),
    )
    if not terms.moves_target:
        return ours
    return (*ours, (terms.got.terms.base, share.target_asset, share.target_collateral))


def _moves(terms: Terms, share: Share) -> tuple[tuple[int, int], ...]:
    """Return (instrument, lots by which the position changes): of the instrument, and of the target if there is one."""
    own = terms.command.instrument, share.quantity - share.before
    return (own, (terms.command.target, share.target_quantity - share.target_before)) if terms.moves_target else (own,)


def deepened(balance: Balance, change: int) -> int:
    """Return how much further below its limit than ever a change would leave a balance: an action asks nobody whether he can."""
    return max(0, -(balance.spare + change) - balance.overdrawn) if change < 0 else 0


# ----------------------------------------------------------------------------------------------- applying


def _give(venue: Venue, terms: Terms, number: int, share: Share, out: Outbox) -> None:
    command, account = terms.command, venue.accounts[number]
    for currency, own, aside in _changes(terms, share):
        if own:
            balance = account.balances[currency]
            deeper = deepened(balance, own)
            balance.total += own
            balance.overdrawn += deeper
            venue.houses[currency].floors += deeper
        if aside:
            account.collateral[currency] = account.collateral.get(currency, 0) + aside
    for instrument, lots in _moves(terms, share):
        if lots:
            venue.positions[number, instrument] = positions.held_in(venue, number, instrument) + lots
            venue.adjusted[instrument] += lots
    out.tell(
        wire.PositionAdjusted,
        instrument=command.instrument,
        account=number,
        before=share.before,
        quantity=share.quantity,
        target_before=share.target_before,
        target_quantity=share.target_quantity,
        asset=share.asset,
        collateral=share.collateral,
        target_asset=share.target_asset,
        target_collateral=share.target_collateral,
        money=share.money,
        numerator=terms.lots.numerator,
        denominator=terms.lots.denominator,
        price=command.price,
        rate=command.rate,
        target=command.target,
        base=terms.instrument.terms.base,
        quote=terms.instrument.terms.quote,
        target_base=terms.got.terms.base if terms.moves_target else 0,
        action=command.action,
        right=command.right,
    )
    for instrument, lots in _moves(terms, share):
        if lots:
            positions.trim(venue, number, instrument, out)


def _tell_applied(terms: Terms, draft: _Draft, out: Outbox) -> None:
    command = terms.command
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    out.tell(
        wire.ActionApplied,
        instrument=command.instrument,
        account=command.account,
        **body,
        count=draft.count,
        quote=terms.instrument.terms.quote,
        clearing=draft.given,
        rounding=draft.given - draft.paid,
        asset=draft.owed[terms.instrument.terms.base],
        target_asset=draft.owed[terms.got.terms.base] if terms.moves_target else 0,
    )
