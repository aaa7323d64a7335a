"""What works and what it could come to, and whether an order may add to it (engine.md section 14).

Nothing here is kept: every sum is taken over the working orders.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import links, positions
from quantumcore.core.twin.book import BUY, Order
from quantumcore.core.twin.fees import Tally
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.limits import (
    SIZES,
    account_key,
    all_keys,
    each_keys,
    firm_key,
    group_key,
    instrument_key,
    least_money,
    least_quantity,
    least_share,
    venue_key,
)
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.seats import ALONE, Seat
from quantumcore.core.twin.venue import Venue

MAX_SHOWN = 2**126  # a number beyond this is shown as this


def _leaves_of(order: Order) -> int:
    return order.leaves


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to work: a new order, or one in place of another.

    Attributes:
        order: As it would stand.
        replaced: The working order that it stands for, or None.
        seat: Where a new one stands in its act.
    """

    order: Order
    replaced: Order | None = None
    seat: Seat = ALONE

    def lots(self, venue: Venue, accounts: list[int]) -> tuple[int, int]:
        """Return what works on its side in its instrument, in lots, without it and with it."""
        place = self.order.instrument, self.order.side
        before = sum(lots_at_work(venue, account, *place) for account in accounts)
        if self.replaced is None:
            return before, before + self.seat.lots(self.order)
        return before, sum(lots_at_work(venue, account, *place, leaves=self._leaves) for account in accounts)

    def at_work(self, venue: Venue, instrument: int, side: int, *, counted: bool) -> int:
        """Return what works of its account on a side, in lots, with it (`counted`) or without; those before it in its act work."""
        account, seat = self.order.account, self.seat
        if self.replaced is not None:
            leaves = self._leaves if counted else _leaves_of
            return lots_at_work(venue, account, instrument, side, leaves)
        orders = (*seat.earlier, self.order) if counted else seat.earlier
        return lots_at_work(venue, account, instrument, side) + seat.brought(instrument, side, orders)

    def opens(self, venue: Venue) -> bool:
        """Tell whether its position could come to more on its own side of zero with it than without it."""
        order = self.order
        lots = positions.held_in(venue, order.account, order.instrument)
        held = lots if order.side == BUY else -lots
        before, after = (
            max(0, held + self.at_work(venue, order.instrument, order.side, counted=counted))
            for counted in (False, True)
        )
        return after > before

    def worth(self, venue: Venue, accounts: list[int], instrument: int = 0) -> tuple[int, int]:
        """Return what works in its quote currency, in minor units, without it and with it; only in `instrument`, if given."""
        currency = venue.instruments[self.order.instrument].terms.quote
        before = worth_at_work(venue, accounts, currency, instrument)
        if self.replaced is None:
            return before, before + self.seat.worth(venue.instruments, self.order, instrument)
        return before, worth_at_work(venue, accounts, currency, instrument, worth=self._worth_in(venue))

    def closes(self, venue: Venue) -> int:
        """Return how many of its lots bring the position nearer to zero, beyond what works on its side already."""
        order = self.order
        lots = positions.held_in(venue, order.account, order.instrument)
        pair = (self.replaced, None if self.replaced is None else pair_of(self.replaced))
        spoken_for = lots_at_work(
            venue,
            order.account,
            order.instrument,
            order.side,
            leaves=lambda other: 0 if any(other is one for one in pair) else other.leaves,
        )
        room = (-lots if order.side == BUY else lots) - spoken_for - self.seat.lots_before(order)
        return min(order.leaves, max(0, room))

    def _leaves(self, order: Order) -> int:
        return self.order.leaves if order is self.replaced else order.leaves

    def _worth_in(self, venue: Venue) -> Callable[[Order], int]:
        def worth(order: Order) -> int:
            return (self.order if order is self.replaced else order).worth(venue.instruments[order.instrument])

        return worth


def pair_of(order: Order) -> Order | None:
    """Return the other order on its side of which only one, or of both only the same lots, can trade."""
    link = order.link
    if link is None or order is link.parent:
        return None
    return next((other for other in link.members if other is not order and other.side == order.side), None)


def lots_at_work(
    venue: Venue, account: int, instrument: int, side: int, leaves: Callable[[Order], int] = _leaves_of
) -> int:
    """Return the lots of an account that work on a side: two of a pair count once, with the larger."""
    orders = [
        order
        for order in venue.working[account].values()
        if order.instrument == instrument and order.side == side and not _counts_with_another(order)
    ]
    return sum(min(_with_pair(order, leaves), _most_of_exits(order)) for order in orders)


def worth_at_work(
    venue: Venue,
    accounts: list[int],
    currency: int,
    instrument: int = 0,
    worth: Callable[[Order], int] | None = None,
) -> int:
    """Return the gross notional of what works of `accounts` in what is quoted in `currency`, or only in `instrument`."""
    orders = (
        order
        for account in accounts
        for order in venue.working[account].values()
        if venue.instruments[order.instrument].terms.quote == currency
        and instrument in (0, order.instrument)
        and not _counts_with_another(order)
    )
    each = worth or (lambda order: order.worth(venue.instruments[order.instrument]))
    return sum(_with_pair(order, each) for order in orders)


def _counts_with_another(order: Order) -> bool:
    """Tell whether the other of its pair, which comes first, counts for both."""
    other = pair_of(order)
    return other is not None and order.link is not None and order.link.members[0] is other


def _with_pair(order: Order, of: Callable[[Order], int]) -> int:
    other = pair_of(order)
    return of(order) if other is None else max(of(order), of(other))


def _most_of_exits(order: Order) -> int:
    """Return how many lots exits that wait for their entry can be: what it has filled."""
    link = order.link
    if link is None or link.kind != links.BRACKET or not links.waits_for_parent(order):
        return I64_MAX
    return link.lots if link.parent is None else link.parent.filled


def drawn(venue: Venue, firm: int, currency: int) -> int:
    """Return what a firm has drawn of its line: what works and what has filled, gross, in minor units."""
    return worth_at_work(venue, _accounts_of_firm(venue, firm), currency) + venue.limits.filled[firm, currency]


def note_filled(venue: Venue, order: Order, instrument: Instrument, before: Tally) -> None:
    """Draw on the line of the firm of an order what a fill was worth."""
    firm, currency = venue.accounts[order.account].firm, instrument.terms.quote
    record = venue.limits.money.get((firm_key(firm), currency))
    if record is not None and record.credit >= 0:
        worth = instrument.unit.ceil(order.tally.notional) - instrument.unit.ceil(before.notional)
        venue.limits.filled[firm, currency] += worth


def _accounts_of_firm(venue: Venue, firm: int) -> list[int]:
    return [number for number, account in venue.accounts.items() if account.firm == firm]


def _accounts_of_group(venue: Venue, group: int) -> list[int]:
    return [number for number, account in venue.accounts.items() if account.group == group]


# ------------------------------------------------------------------------------------------- may it be so much


def check_order_lots(venue: Venue, account: int, number: int, lots: int) -> None:
    """MAX_QTY: more than one order may have."""
    terms = venue.instruments[number].terms
    keys = all_keys(venue, account, number)
    most = least_quantity(venue, keys, "max_order_lots", (terms.max_quantity, Scope.INSTRUMENT))
    if most is not None and lots > most[0]:
        raise of_lots(venue.instruments[number], Reason.MAX_QTY, most, lots)


def check_order_notional(venue: Venue, wanted: Wanted) -> None:
    """MAX_NOTIONAL, MIN_NOTIONAL: of what is left at its price; what closes the whole position may be as small as it is."""
    order, instrument = wanted.order, venue.instruments[wanted.order.instrument]
    product, terms = order.limit * order.leaves, instrument.terms
    dear, cheap = instrument.unit.ceil(product), instrument.unit.floor(product)
    keys = all_keys(venue, order.account, order.instrument)
    most = least_money(venue, keys, terms.quote, "max_order_notional", (terms.max_notional, Scope.INSTRUMENT))
    if most is not None and dear > most[0]:
        raise _of_money(instrument, Reason.MAX_NOTIONAL, most, dear)
    position = abs(positions.held_in(venue, order.account, order.instrument))
    closes_whole = venue.bounds.accounting and order.leaves == position == wanted.closes(venue)
    if cheap < terms.min_notional and not closes_whole:
        raise _of_money(instrument, Reason.MIN_NOTIONAL, (terms.min_notional, Scope.INSTRUMENT), cheap)


def check_working(venue: Venue, wanted: Wanted) -> None:
    """MAX_OPEN, POS_LIMIT, EXPOSURE: what works, with the order, is more than may work, or could come to more than may be held."""
    if wanted.replaced is None:
        _check_count(venue, wanted)
    _check_worth(venue, wanted)
    account, instrument = wanted.order.account, wanted.order.instrument
    limit = "max_long" if wanted.order.side == BUY else "max_short"
    _check_position(venue, wanted, [account], least_quantity(venue, each_keys(account, instrument), limit))
    group = venue.accounts[account].group
    most = least_quantity(venue, [group_key(group)], limit)
    if most is not None:
        _check_position(venue, wanted, _accounts_of_group(venue, group), most)
    for of in SIZES:
        own = least_share(venue, each_keys(account, instrument), instrument, of)
        _check_position(venue, wanted, [account], own, Reason.EXPOSURE)
        most = least_share(venue, [group_key(group)], instrument, of)
        if most is not None:
            _check_position(venue, wanted, _accounts_of_group(venue, group), most, Reason.EXPOSURE)


def check_open_orders(venue: Venue, account: int, before: int) -> None:
    """MAX_OPEN: the account already has as many working orders as it may, with `before` of its act."""
    owner = venue.accounts[account]
    own = venue.max_open_orders if owner.max_open_orders is None else owner.max_open_orders
    _check_open(None if own is None else (own, Scope.ACCOUNT), len(venue.working[account]) + before)


def _check_count(venue: Venue, wanted: Wanted) -> None:
    account, instrument = wanted.order.account, wanted.order.instrument
    owner = venue.accounts[account]
    before = sum(order.instrument == instrument for order in wanted.seat.earlier)
    most = least_quantity(venue, each_keys(account, instrument), "max_open_each")
    _check_open(most, open_in(venue, account, instrument) + before)
    most = least_quantity(venue, [group_key(owner.group)], "max_open_each")
    if most is not None:
        accounts = _accounts_of_group(venue, owner.group)
        _check_open(most, sum(open_in(venue, number, instrument) for number in accounts) + before)


def open_in(venue: Venue, account: int, instrument: int) -> int:
    """How many orders of an account work in an instrument."""
    return sum(order.instrument == instrument for order in venue.working[account].values())


def _check_open(most: tuple[int, Scope] | None, working: int) -> None:
    if most is not None and working >= most[0]:
        raise Refusal(Reason.MAX_OPEN, most[1], limit=most[0], actual=working + 1)


def _check_worth(venue: Venue, wanted: Wanted) -> None:
    account, number = wanted.order.account, wanted.order.instrument
    instrument, firm = venue.instruments[number], venue.accounts[account].firm
    of_account = least_money(venue, [venue_key(), account_key(account)], instrument.terms.quote, "max_open_notional")
    here = [instrument_key(number), account_key(account, number)]
    of_place = least_money(venue, here, instrument.terms.quote, "max_open_notional")
    of_firm = least_money(venue, [firm_key(firm)], instrument.terms.quote, "max_open_notional")
    for most, accounts, only in (
        (of_account, [account], 0),
        (of_place, [account], number),
        (of_firm, _accounts_of_firm(venue, firm), 0),
    ):
        if most is None:
            continue
        before, after = wanted.worth(venue, accounts, only)
        if after > max(before, most[0]):
            raise _of_money(instrument, Reason.MAX_OPEN, most, after)


def _check_position(
    venue: Venue,
    wanted: Wanted,
    accounts: list[int],
    most: tuple[int, Scope] | None,
    reason: Reason = Reason.POS_LIMIT,
) -> None:
    if most is None:
        return
    order = wanted.order
    lots = sum(positions.held_in(venue, account, order.instrument) for account in accounts)
    held = lots if order.side == BUY else -lots
    before, after = wanted.lots(venue, accounts)
    if after > before and held + after > most[0]:
        raise of_lots(venue.instruments[order.instrument], reason, most, held + after)


def check_credit(venue: Venue, wanted: Wanted) -> None:
    """CREDIT: beside what it closes, the order is more than what is left of the firm's line."""
    order, instrument = wanted.order, venue.instruments[wanted.order.instrument]
    firm, currency = venue.accounts[order.account].firm, instrument.terms.quote
    most = least_money(venue, [firm_key(firm)], currency, "credit")
    if most is None:
        return
    accounts = _accounts_of_firm(venue, firm)
    before, after = wanted.worth(venue, accounts)
    closed = wanted.closes(venue)
    if after <= before or closed == order.leaves:
        return
    opening = replace(wanted, order=replace(order, leaves=order.leaves - closed))
    actual = opening.worth(venue, accounts)[1] + venue.limits.filled[firm, currency]
    if actual > most[0]:
        raise _of_money(instrument, Reason.CREDIT, most, actual)


def of_lots(instrument: Instrument, reason: Reason, most: tuple[int, Scope], actual: int) -> Refusal:
    """Return a refusal whose numbers are lots, of any size: what is told ends at 2^126."""
    lot, decimals = instrument.terms.lot, instrument.terms.lot_scale
    limit = min(most[0] * lot, MAX_SHOWN)
    return Refusal(reason, most[1], limit=limit, actual=min(actual * lot, MAX_SHOWN), decimals=decimals)


def _of_money(instrument: Instrument, reason: Reason, most: tuple[int, Scope], actual: int) -> Refusal:
    return Refusal(reason, most[1], limit=most[0], actual=min(actual, MAX_SHOWN), decimals=instrument.quote_scale)
