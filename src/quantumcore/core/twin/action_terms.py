"""What an action is, before anybody is looked at: its content, its instruments, and two ratios (docs/reference/engine.md section 13)."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd, prod

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX, MAX_PLACES
from quantumcore.core.twin.fees import RATE_ONE
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

SPLIT, STOCK_DIVIDEND, CASH_DIVIDEND, CONVERSION, SPIN_OFF = 1, 2, 3, 4, 5
ADJUSTMENT, SETTLEMENT, EXERCISE, FUNDING, BORROW_FEE = 6, 7, 8, 9, 10
CALL, PUT = 1, 2

BY_RATIO = (SPLIT, STOCK_DIVIDEND, CONVERSION, SPIN_OFF, ADJUSTMENT)
CHANGES_BASE = (SPLIT, STOCK_DIVIDEND, CONVERSION, ADJUSTMENT, SETTLEMENT, EXERCISE)
"""Those after which an account has another quantity of the base currency."""

MOST = 2**61
"""Lots and minor units of one account, before, afterwards and moved; and minor units of what a lot is worth."""
MAX_FRACTION = 2**96
"""What the parts of a lot may be counted in: so that those of all accounts together stay far below 2^126."""
MAX_PRODUCT = 2**126

_USES = {
    SPLIT: ("numerator", "denominator", "price"),
    STOCK_DIVIDEND: ("numerator", "denominator", "price"),
    CASH_DIVIDEND: ("amount", "amount_scale"),
    CONVERSION: ("target", "numerator", "denominator", "price"),
    SPIN_OFF: ("target", "numerator", "denominator", "price", "rate"),
    ADJUSTMENT: ("target", "numerator", "denominator", "price"),
    SETTLEMENT: ("price",),
    EXERCISE: ("target", "numerator", "price", "right", "account", "quantity", "seed"),
    FUNDING: ("price", "rate"),
    BORROW_FEE: ("price", "rate"),
}
_FIELDS = ("account", "right", "amount_scale", "target", "numerator", "denominator")
_OTHER_FIELDS = ("price", "amount", "rate", "quantity", "seed")
_PRICED = (EXERCISE, FUNDING, BORROW_FEE)  # the others may be worth nothing


def content_fits(command: wire.ApplyAction) -> bool:
    """Tell whether an action has what its kind needs, and nothing else."""
    uses = _USES.get(command.action)
    if uses is None or any(getattr(command, name) for name in (*_FIELDS, *_OTHER_FIELDS) if name not in uses):
        return False
    return (
        all(getattr(command, name) > 0 for name in ("numerator", "denominator", "amount") if name in uses)
        and command.price >= int(command.action in _PRICED)
        and command.amount_scale <= MAX_PLACES
        and (command.target > 0 or "target" not in uses or command.action == ADJUSTMENT)
        and _rate_fits(command)
        and _exercise_fits(command)
    )


def _rate_fits(command: wire.ApplyAction) -> bool:
    if command.action == FUNDING:
        return command.rate != 0 and abs(command.rate) <= RATE_ONE
    return int(command.action == BORROW_FEE) <= command.rate <= RATE_ONE


def _exercise_fits(command: wire.ApplyAction) -> bool:
    if command.action != EXERCISE:
        return True
    one = command.account > 0
    return (
        command.right in (CALL, PUT)
        and (command.quantity > 0) == one
        and (one or command.seed == 0)
        and command.quantity >= 0
    )


@dataclass(frozen=True, slots=True)
class Ratio:
    """A fraction over zero, in lowest terms."""

    numerator: int
    denominator: int


def ratio_of(over: Iterable[int], under: Iterable[int], bound: int) -> Ratio:
    """Return the product of `over` by that of `under`; BAD_ACTION when a part of it in lowest terms is not below `bound`."""
    numerator, denominator = prod(over), prod(under)
    common = gcd(numerator, denominator)
    found = Ratio(numerator // common, denominator // common)
    if max(found.numerator, found.denominator) >= bound:
        raise Refusal(Reason.BAD_ACTION)
    return found


@dataclass(frozen=True, slots=True)
class Terms:
    """An action and what it means for any account.

    Attributes:
        got: The instrument of which one gets: the target, or where there is none the instrument itself.
        lots: Lots of `got` for a lot held.
        worth: Minor units of the quote for each unit of what a share counts.
        fraction: In how many parts a lot of `got` is counted, where fractions are paid.
    """

    command: wire.ApplyAction
    instrument: Instrument
    got: Instrument
    lots: Ratio
    worth: Ratio
    fraction: int

    def money(self, counted: int) -> int:
        """Return the minor units for what is counted, rounded down."""
        return counted * self.worth.numerator // self.worth.denominator

    @property
    def for_all(self) -> bool:
        """Whether everybody who holds is touched."""
        return self.command.account == 0

    @property
    def moves_target(self) -> bool:
        """Whether another instrument is got."""
        return self.command.target != 0

    @property
    def ends_orders(self) -> bool:
        """Whether what works in the instrument would be of another quantity afterwards."""
        return self.command.action in CHANGES_BASE and self.for_all


def terms_of(venue: Venue, command: wire.ApplyAction) -> Terms:
    """UNKNOWN_SYMBOL, of the instrument and of the target; then BAD_ACTION: what no holder could be given."""
    instrument = venue.instrument(command.instrument)
    got = venue.instrument(command.target) if command.target else instrument
    if command.target:
        _check_target(instrument, got)
    if command.action in CHANGES_BASE:
        _check_alone(venue, instrument)
    lots, fraction = Ratio(1, 1), 1
    if command.action in BY_RATIO:
        lots = _lots(command, instrument, got)
        fraction = instrument.asset_per_lot * lots.denominator
        if fraction >= MAX_FRACTION:
            raise Refusal(Reason.BAD_ACTION)
    elif command.action == EXERCISE:
        lots = Ratio(command.numerator, 1)
    return Terms(command, instrument, got, lots, _worth(command, instrument, got, fraction), fraction)


def _check_target(instrument: Instrument, got: Instrument) -> None:
    """Another instrument of another base, for the same money."""
    if got.terms.base == instrument.terms.base or got.terms.quote != instrument.terms.quote:
        raise Refusal(Reason.BAD_ACTION, Scope.INSTRUMENT)


def _check_alone(venue: Venue, instrument: Instrument) -> None:
    """Whose base changes is the only instrument that has it: else orders and positions elsewhere would be of the old quantity."""
    base = instrument.terms.base
    for other in venue.instruments.values():
        if other.terms is not instrument.terms and base in (other.terms.base, other.terms.quote):
            raise Refusal(Reason.BAD_ACTION, Scope.INSTRUMENT)


def _lots(command: wire.ApplyAction, instrument: Instrument, got: Instrument) -> Ratio:
    more = command.denominator if command.action == STOCK_DIVIDEND else 0  # what is held stays
    over = (command.numerator + more, instrument.asset_per_lot, 10**got.base_scale)
    return ratio_of(over, (command.denominator, got.asset_per_lot, 10**instrument.base_scale), I64_MAX + 1)


def _worth(command: wire.ApplyAction, instrument: Instrument, got: Instrument, fraction: int) -> Ratio:
    """Return minor units for: a part of a lot; a minor unit of the base (dividend, settlement, funding, fee); a lot (exercise)."""
    if command.action == CASH_DIVIDEND:
        paid = (command.amount, 10**instrument.quote_scale)
        return ratio_of(paid, (10**instrument.base_scale, 10**command.amount_scale), MAX_PRODUCT)
    held = command.action in (SETTLEMENT, FUNDING, BORROW_FEE)
    priced = instrument if held else got
    if priced.unit.ceil(command.price) > MOST:
        raise Refusal(Reason.BAD_ACTION)
    over, under = [command.price, priced.unit.numerator], [priced.unit.denominator, fraction]
    if held:
        under.append(instrument.asset_per_lot)
    if command.action in (FUNDING, BORROW_FEE):
        over.append(abs(command.rate))
        under.append(RATE_ONE)
    return ratio_of(over, under, MAX_PRODUCT) if command.price else Ratio(0, 1)
