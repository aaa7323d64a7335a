"""Groups of transfers between any accounts, all or none; a leg may capture from a hold. A group's id is remembered for ever, and with it what it moved."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX, NO_SLOT
from quantumcore.core.twin.account_terms import OF_STATE, check_bound, check_credit
from quantumcore.core.twin.accounts import CHART, COLLATERAL, DEBIT_NATURE, FROZEN, ROUNDING, Balance, one_of_two
from quantumcore.core.twin.answers import REPEAT, tell_done
from quantumcore.core.twin.client_ids import GroupRecord
from quantumcore.core.twin.holds import capture, check_taken
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

OWN = 0  # the code of a customer's balance
SIGNED = 1  # flags: two persons have signed it

# Which field of a group that is known differs first.
GROUP, DEBIT_ACCOUNT, CREDIT_ACCOUNT, AMOUNT, CODE, HOLD, EFFECTIVE_DATE, USER_DATA, TEXT = range(1, 10)

_FAILS_FOR_EVER = (*OF_STATE, Reason.UNKNOWN_ACCOUNT, Reason.HOLD_CLOSED, Reason.HOLD_EXCEEDED)

Side = tuple[int, int, int]
"""An account: whose (0: the house's), in which currency, under which code."""


def post(venue: Venue, command: wire.PostGroup, out: Outbox) -> None:
    """Make all transfers of a group, once."""
    legs = command.each_leg()
    _check_legs(command, legs)
    if command.account and command.account not in venue.accounts:
        raise _no(Reason.UNKNOWN_ACCOUNT, Scope.ACCOUNT)
    key = (command.account, command.group_id)
    first = venue.groups.get(key)
    if first is not None:
        _repeat(command, first, out)
        return
    try:
        reversed_by = _judge_references(venue, command, legs)
        if reversed_by:
            tell_done(command, out, outcome=REPEAT, order_sequence=reversed_by)
            return
        draft = _judge_money(venue, command, legs)
        _check_capacity(venue, legs)
    except Refusal as refusal:
        if refusal.reason in _FAILS_FOR_EVER and len(venue.groups) < venue.bounds.max_groups:
            venue.groups[key] = GroupRecord(out.sequence, command, failed=True)
        raise

    venue.groups[key] = GroupRecord(out.sequence, command, failed=False)
    venue.legs += len(legs)
    original = venue.groups.get((command.account, command.reverses))
    if original is not None:
        original.reversed_by = out.sequence
    draft.keep()
    for at, leg in enumerate(legs):
        _move(venue, leg)
        _tell_made(venue, command, leg, at, out)
        if leg.hold:
            capture(venue, venue.holds[leg.hold], leg.amount, out)
    _tell_posted(command, original.sequence if original is not None else 0, out)


def _no(reason: Reason, scope: Scope = Scope.NONE, *, leg: int = NO_SLOT, **numbers: int) -> Refusal:
    """Return a refusal that names the first leg that failed, if it was one."""
    return Refusal(reason, scope, order_slot=leg, **numbers)


def _sides(leg: wire.Leg) -> tuple[Side, Side]:
    debit = (leg.debit_account, leg.currency, leg.debit_code)
    return debit, (leg.credit_account, leg.currency, leg.credit_code)


def _kept(side: Side) -> Side:
    """Return the account in which a side is kept."""
    owner, currency, code = side
    return side if owner else (owner, currency, one_of_two(code))


# --------------------------------------------------------------------------------------------- judgement


def _check_legs(command: wire.PostGroup, legs: list[wire.Leg]) -> None:
    """BAD_COMMAND: a leg that no account could bear."""
    for at, leg in enumerate(legs):
        debit, credit = _sides(leg)
        known = all(code in (CHART if owner == 0 else (OWN, COLLATERAL)) for owner, _, code in (debit, credit))
        as_sent = command.legs[at * command.EACH : (at + 1) * command.EACH]
        known &= leg.hold == 0 or (debit[0] != 0 and debit[2] == OWN)
        if not known or leg.amount < 0 or _kept(debit) == _kept(credit) or leg.encode() != as_sent:
            raise _no(Reason.BAD_COMMAND, leg=at)


def _repeat(command: wire.PostGroup, first: GroupRecord, out: Outbox) -> None:
    if first.failed:
        raise _no(Reason.ID_ALREADY_FAILED, order_sequence=first.sequence)
    differs = _first_difference(first.command, command)
    if differs is not None:
        field_number, leg = differs
        raise _no(Reason.DUPLICATE_ID, actual=field_number, leg=leg, order_sequence=first.sequence)
    tell_done(command, out, outcome=REPEAT, order_sequence=first.sequence)


def _first_difference(first: wire.PostGroup, again: wire.PostGroup) -> tuple[int, int] | None:
    """Return (number of the field, leg) of the first difference: the group, its legs one by one, then code, holds, and the rest."""
    if (first.count, first.flags, first.reverses) != (again.count, again.flags, again.reverses):
        return GROUP, NO_SLOT
    for at, (one, other) in enumerate(zip(first.each_leg(), again.each_leg(), strict=True)):
        (debit, credit), (other_debit, other_credit) = _sides(one), _sides(other)
        pairs = ((debit, other_debit), (credit, other_credit), (one.amount, other.amount))
        for number, (ours, theirs) in zip((DEBIT_ACCOUNT, CREDIT_ACCOUNT, AMOUNT), pairs, strict=True):
            if ours != theirs:
                return number, at
    if first.code != again.code:
        return CODE, NO_SLOT
    for at, (one, other) in enumerate(zip(first.each_leg(), again.each_leg(), strict=True)):
        if one.hold != other.hold:
            return HOLD, at
    for number, name in ((EFFECTIVE_DATE, "effective_day"), (USER_DATA, "user_data"), (TEXT, "text")):
        if getattr(first, name) != getattr(again, name):
            return number, NO_SLOT
    return None


def _judge_references(venue: Venue, command: wire.PostGroup, legs: list[wire.Leg]) -> int:
    """UNKNOWN_ACCOUNT, UNKNOWN_CURRENCY, HOLD_NOT_FOUND, then what it reverses; return what has reversed that already, or 0."""
    for at, leg in enumerate(legs):
        if any(owner and owner not in venue.accounts for owner, _, _ in _sides(leg)):
            raise _no(Reason.UNKNOWN_ACCOUNT, Scope.ACCOUNT, leg=at)
    for at, leg in enumerate(legs):
        if leg.currency not in venue.currencies:
            raise _no(Reason.UNKNOWN_CURRENCY, leg=at)
    for at, leg in enumerate(legs):
        if leg.hold and not _may_capture(venue, leg):
            raise _no(Reason.HOLD_NOT_FOUND, leg=at)
    if not command.reverses:
        return 0
    original = venue.groups.get((command.account, command.reverses))
    if original is None or original.failed:
        raise _no(Reason.GROUP_NOT_FOUND)
    if original.reversed_by:
        return original.reversed_by
    _check_mirror(original.command.each_leg(), legs)
    return 0


def _may_capture(venue: Venue, leg: wire.Leg) -> bool:
    hold = venue.holds.placed_by(leg.hold)
    return hold is not None and (hold.account, hold.currency) == (leg.debit_account, leg.currency)


def _check_mirror(original: list[wire.Leg], legs: list[wire.Leg]) -> None:
    """REVERSAL_DIFFERS: not the same legs turned round, in their order or the last first."""
    if len(original) != len(legs):
        raise _no(Reason.REVERSAL_DIFFERS)
    turned = [(*map(_kept, reversed(_sides(leg))), leg.amount) for leg in original]
    mirror = [(*map(_kept, _sides(leg)), leg.amount) for leg in legs]
    if mirror not in (turned, turned[::-1]):
        leg = next(at for at, (one, other) in enumerate(zip(turned, mirror, strict=True)) if one != other)
        raise _no(Reason.REVERSAL_DIFFERS, leg=leg)


def _judge_money(venue: Venue, command: wire.PostGroup, legs: list[wire.Leg]) -> "_Draft":
    """ACCOUNT_FROZEN, ACCOUNT_CLOSED, then leg by leg the rest: one may use what those before brought."""
    _each(legs, lambda leg: _check_not_frozen(venue, leg))
    _each(legs, lambda leg: _check_not_closed(venue, leg))
    draft = _Draft(venue)
    _each(legs, lambda leg: draft.add(leg, signed=bool(command.flags & SIGNED)))
    return draft


def _each(legs: list[wire.Leg], judge: Callable[[wire.Leg], None]) -> None:
    for at, leg in enumerate(legs):
        try:
            judge(leg)
        except Refusal as refusal:
            refusal.order_slot = at
            raise


def _check_not_frozen(venue: Venue, leg: wire.Leg) -> None:
    if leg.debit_account and venue.accounts[leg.debit_account].state == FROZEN:
        raise Refusal(Reason.ACCOUNT_FROZEN, Scope.ACCOUNT)


def _check_not_closed(venue: Venue, leg: wire.Leg) -> None:
    for owner in filter(None, (leg.debit_account, leg.credit_account)):
        check_credit(venue.accounts[owner])


@dataclass(slots=True)
class _Draft:
    """What a group moves, leg by leg, before any of it is done.

    Attributes:
        moved: By account, what it has gained, the house's in its own nature.
        owed: By currency, what customers have got from the house.
        overdrawn: By customer and currency, how far below its limit a leg that was signed leaves it.
        captured: By the name of a hold, what legs took of it: that was held, so what is available stays.
    """

    venue: Venue
    moved: dict[Side, int] = field(default_factory=lambda: defaultdict(int))
    owed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    overdrawn: dict[tuple[int, int], int] = field(default_factory=dict)
    captured: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, leg: wire.Leg, *, signed: bool) -> None:
        """Judge one leg after those before."""
        debit, credit = map(_kept, _sides(leg))
        if leg.hold:
            self._capture(leg)
        else:
            if leg.amount:
                self._check_debit(debit, leg.amount, signed=signed)
            self.moved[debit] += leg.amount * _sign(debit, is_debit=True)
        self.moved[credit] += leg.amount * _sign(credit, is_debit=False)
        self.owed[leg.currency] += leg.amount * (bool(credit[0]) - bool(debit[0]))
        if leg.amount and debit[0] and debit[2] == OWN:
            self._overdraw(debit)
        check_bound(self.venue, leg.currency, given=self.owed[leg.currency], deeper=self._deepened(leg.currency))

    def _capture(self, leg: wire.Leg) -> None:
        """HOLD_CLOSED, HOLD_EXCEEDED: of what those before have left."""
        check_taken(self.venue, self.venue.holds[leg.hold], leg.amount, already=self.captured[leg.hold])
        self.captured[leg.hold] += leg.amount

    def _check_debit(self, side: Side, amount: int, *, signed: bool) -> None:
        owner, currency, code = side
        if owner:
            there = self._available(side)
            broken = amount > there and not (signed and code == OWN)
        else:  # what later fills may give back of the rounding is less than a unit for each order that works
            there = self.venue.houses[currency].balance(code) + self.moved[side] - self.venue.open_orders
            broken = code == ROUNDING and amount > there
        if broken:
            scope, decimals = Scope.ACCOUNT if owner else Scope.VENUE, self.venue.currencies[currency].scale
            raise Refusal(Reason.INSUFFICIENT, scope, limit=there, actual=amount, decimals=decimals)

    def _available(self, side: Side) -> int:
        owner, currency, code = side
        account = self.venue.accounts[owner]
        if code == COLLATERAL:
            return account.collateral.get(currency, 0) + self.moved[side]
        return min(self._spare(side), I64_MAX)

    def _spare(self, side: Side) -> int:
        return self._balance(side).spare + self.moved[side]

    def _balance(self, side: Side) -> Balance:
        owner, currency, _ = side
        return self.venue.accounts[owner].balances.get(currency, Balance())

    def _overdraw(self, side: Side) -> None:
        owner, currency, _ = side
        before = self.overdrawn.get((owner, currency), self._balance(side).overdrawn)
        below = -self._spare(side)
        if below > before:
            self.overdrawn[owner, currency] = below

    def _deepened(self, currency: int) -> int:
        return sum(
            below - self._balance((owner, of, OWN)).overdrawn
            for (owner, of), below in self.overdrawn.items()
            if of == currency
        )

    def keep(self) -> None:
        """Note what the legs leave beside the balances themselves."""
        for currency, owed in self.owed.items():
            house = self.venue.houses[currency]
            house.floors += self._deepened(currency)
            house.owed += owed
        for (owner, currency), below in self.overdrawn.items():
            self.venue.accounts[owner].balances[currency].overdrawn = below


def _sign(side: Side, *, is_debit: bool) -> int:
    """Return whether a debit or credit adds to an account (1) or takes from it (-1): customers' are liabilities."""
    owner, _, code = side
    return 1 if (owner == 0 and code in DEBIT_NATURE) == is_debit else -1


def _check_capacity(venue: Venue, legs: list[wire.Leg]) -> None:
    """CAPACITY: no id, no room for the legs, or not all balances are left."""
    new = {side for leg in legs for side in _sides(leg) if side[0] and not _stands(venue, side)}
    full = len(venue.groups) >= venue.bounds.max_groups or venue.legs + len(legs) > venue.bounds.max_legs
    if full or len(new) > venue.balances_left:
        raise _no(Reason.CAPACITY, Scope.VENUE)


def _stands(venue: Venue, side: Side) -> bool:
    owner, currency, code = side
    account = venue.accounts[owner]
    return currency in (account.collateral if code == COLLATERAL else account.balances)


# ----------------------------------------------------------------------------------------------- applying


def _move(venue: Venue, leg: wire.Leg) -> None:
    for side, is_debit in zip(_sides(leg), (True, False), strict=True):
        owner, currency, code = _kept(side)
        change = leg.amount * _sign(side, is_debit=is_debit)
        if not owner:
            venue.houses[currency].posted[code] += change
        elif code == COLLATERAL:
            collateral = venue.accounts[owner].collateral
            collateral[currency] = collateral.get(currency, 0) + change
        else:
            venue.accounts[owner].balances[currency].total += change
            venue.margin.note_deposit(owner, currency, change)


def _total(venue: Venue, side: Side) -> int:
    owner, currency, code = side
    if not owner:
        return venue.houses[currency].balance(code)
    account = venue.accounts[owner]
    return account.collateral[currency] if code == COLLATERAL else account.balances[currency].total


def _tell_made(venue: Venue, command: wire.PostGroup, leg: wire.Leg, at: int, out: Outbox) -> None:
    debit, credit = _sides(leg)
    out.tell(
        wire.TransferMade,
        account=command.account,
        amount=leg.amount,
        debit_total=_total(venue, debit),
        credit_total=_total(venue, credit),
        debit_account=leg.debit_account,
        credit_account=leg.credit_account,
        debit_code=leg.debit_code,
        credit_code=leg.credit_code,
        currency=leg.currency,
        code=command.code,
        leg=at,
        flags2=command.flags,
    )


def _tell_posted(command: wire.PostGroup, reverses_sequence: int, out: Outbox) -> None:
    if any(command.text):
        out.tell(wire.GroupNoted, account=command.account, text=command.text)
    out.tell(
        wire.GroupPosted,
        account=command.account,
        reverses_sequence=reverses_sequence,
        group_id=command.group_id,
        code=command.code,
        count=command.count,
        flags2=command.flags,
        effective_day=command.effective_day,
        user_data=command.user_data,
        reverses=command.reverses,
    )
