"""What an action brings one account. Nothing is rounded but here: lots toward zero, money against whoever it is, once for an account."""

from dataclasses import dataclass

from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import action_terms as kinds
from quantumcore.core.twin import positions
from quantumcore.core.twin.action_terms import CALL, MAX_PRODUCT, MOST, Terms
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.state_hash import K1, K2, mum
from quantumcore.core.twin.venue import Venue


@dataclass(slots=True)
class Share:
    """What changes for one account.

    Attributes:
        before, quantity: Lots in the instrument; target_before, target_quantity: in the target.
        asset, collateral: Change of the base, of code 0 and 220; target_asset, target_collateral: of the target's base.
        counted: What its money is counted in: `Terms.worth` minor units of the quote each.
        money: That, rounded down: what is got is less, what is paid is more.
    """

    before: int = 0
    quantity: int = 0
    target_before: int = 0
    target_quantity: int = 0
    asset: int = 0
    collateral: int = 0
    target_asset: int = 0
    target_collateral: int = 0
    counted: int = 0
    money: int = 0


def share_of(venue: Venue, terms: Terms, number: int, exercised: int) -> Share | None:
    """Return the share of an account, or None when it is not touched; AMOUNT_OVERFLOW when it does not fit.

    `exercised` are the lots of it that are exercised, of a short those that are assigned (< 0); 0 when all are.
    """
    account, command = venue.accounts[number], terms.command
    base = terms.instrument.terms.base
    own = account.balances[base].total if base in account.balances else 0
    aside = account.collateral.get(base, 0)
    before = positions.held_in(venue, number, command.instrument)
    touched = own or aside or (before and command.action in (*kinds.CHANGES_BASE, kinds.SPIN_OFF))
    if not (touched if terms.for_all else exercised):
        return None
    target_before = positions.held_in(venue, number, command.target) if terms.moves_target else 0
    share = Share(_small(before, number), before, _small(target_before, number), target_before)
    if command.action in kinds.BY_RATIO:
        _by_ratio(share, terms, own, aside, number)
    elif command.action == kinds.EXERCISE:
        _exercised(share, terms, own, aside, exercised, number)
    else:
        _in_money(share, terms, own, aside)
    if command.action == kinds.SETTLEMENT:
        share.quantity, share.asset, share.collateral = 0, -own, -aside
    for lots, instrument in (
        (share.before, terms.instrument),
        (share.quantity, terms.instrument),
        (share.target_before, terms.got),
        (share.target_quantity, terms.got),
    ):
        _small(_small(lots, number) * instrument.asset_per_lot, number)
    for change in (share.asset, share.collateral, share.target_asset, share.target_collateral):
        _small(change, number)
    share.money = _small(terms.money(share.counted), number)
    if command.action == kinds.SETTLEMENT:  # a position may be more than is held, and is settled too
        _small(terms.money(share.before * terms.instrument.asset_per_lot), number)
    return share


def _small(value: int, number: int) -> int:
    """Return `value`; AMOUNT_OVERFLOW when no account may have so much."""
    if abs(value) > MOST:
        actual = min(abs(value), MAX_PRODUCT)
        raise Refusal(Reason.AMOUNT_OVERFLOW, Scope.ACCOUNT, limit=MOST, actual=actual, order_slot=number)
    return value


def _by_ratio(share: Share, terms: Terms, own: int, aside: int, number: int) -> None:
    """Whole lots for what is held; what is less than a lot is counted, to be paid. What is set aside stays so, as far as it is whole."""
    lots, rest = _cut((own + aside) * terms.lots.numerator, terms.fraction)
    share.counted = rest
    each = terms.got.asset_per_lot
    total = _small(_small(lots, number) * each, number)
    kept, _ = _cut(aside * terms.lots.numerator, terms.fraction)
    lots_aside = _small(_small(kept, number) * each, number)
    made, _ = _cut(share.before * terms.lots.numerator, terms.lots.denominator)
    if terms.command.action == kinds.SPIN_OFF:
        share.target_asset = total
        share.target_quantity += made
    elif terms.moves_target:
        share.asset, share.collateral, share.quantity = -own, -aside, 0
        share.target_asset, share.target_collateral = total - lots_aside, lots_aside
        share.target_quantity += made
    else:
        share.asset, share.collateral, share.quantity = total - lots_aside - own, lots_aside - aside, made


def _cut(parts: int, by: int) -> tuple[int, int]:
    """Return `parts` by `by`, cut toward zero, and what is left over, of the same sign."""
    whole, rest = divmod(abs(parts), by)
    return (whole, rest) if parts >= 0 else (-whole, -rest)


def _exercised(share: Share, terms: Terms, own: int, aside: int, exercised: int, number: int) -> None:
    """The option goes for nothing, and its target changes hands at the strike."""
    each = terms.instrument.asset_per_lot
    if terms.for_all:
        closed, _ = _cut(own + aside, each)
        share.quantity, share.asset, share.collateral = 0, -own, -aside
    else:
        closed = exercised
        share.quantity -= closed
        share.asset = -closed * each
    bought = _small(closed * terms.lots.numerator, number) * (1 if terms.command.right == CALL else -1)
    share.target_quantity += bought
    share.target_asset = _small(bought * terms.got.asset_per_lot, number)
    share.counted = -bought


def _in_money(share: Share, terms: Terms, own: int, aside: int) -> None:
    """Paid on what is held: by the long to the short when a funding rate is over zero, else the other way round."""
    held = own + aside
    match terms.command.action:
        case kinds.FUNDING:
            share.counted = -held if terms.command.rate > 0 else held
        case kinds.BORROW_FEE:
            share.counted = min(held, 0)
        case _:
            share.counted = held


# ----------------------------------------------------------------------------------------------- assignment


def shorts(venue: Venue, terms: Terms) -> list[tuple[int, int]]:
    """Return (account, whole lots that it is short) of everybody, ascending: who exercises is not."""
    base, each = terms.instrument.terms.base, terms.instrument.asset_per_lot
    found = []
    for number in sorted(venue.accounts):
        balances = venue.accounts[number].balances
        lots = -balances[base].total // each if base in balances and balances[base].total < 0 else 0
        if lots:
            found.append((number, lots))
    return found


def assigned(short: list[tuple[int, int]], quantity: int, seed: int) -> dict[int, int]:
    """Return the lots that each of `short` is assigned of `quantity`, which are not more than there are.

    The lots of all stand in one row, account by account. Where the row begins is drawn; from there every S/quantity-th lot of
    the S is taken. So each account is assigned its part of the whole, rounded up or down by the draw.
    """
    total = sum(lots for _, lots in short)
    start = mum(seed ^ K1, K2) * total >> 64
    taken, passed, found = 0, 0, {}
    for number, lots in short:
        passed += lots
        upto = -(
            (start - passed * quantity) // total
        )  # how many of start, start + total, ... are below passed × quantity
        found[number] = upto - taken
        taken = upto
    return found
