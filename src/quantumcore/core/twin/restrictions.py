"""What nobody on a list may trade, and what a sale of more than one has needs: a locate, and a price that does not push the market down."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import codes, gate
from quantumcore.core.twin.accounts import Balance
from quantumcore.core.twin.book import BUY, SELL, Order
from quantumcore.core.twin.fees import ceil_of
from quantumcore.core.twin.guards import MAX_LOCATES, MAX_RESTRICTIONS, NEEDS_LOCATE, PRICE_TEST
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue


def check(venue: Venue, account: int, instrument: int) -> None:
    """RESTRICTED: the instrument is on a list of the venue, the account or its group."""
    subjects = (
        (Scope.VENUE, 0),
        (Scope.ACCOUNT, account),
        (Scope.GROUP, venue.accounts[account].group),
    )
    for scope, subject in subjects:
        if venue.guards.restrictions.get((scope, subject, instrument), False):
            raise Refusal(Reason.RESTRICTED, scope)


def need_of(instrument: Instrument, side: int, lots: int) -> int:
    """Return what `lots` need of the base, as far as 63 bits go; a buy needs nothing of it."""
    return min(lots * instrument.asset_per_lot, I64_MAX) if side == SELL else 0


def check_short(venue: Venue, order: Order | wire.SubmitOrder, need: int, price: int, before: int = 0) -> None:
    """RESTRICTED: a short sale without locate, or below the best bid while the price test is in force.

    `need` minor units of the base is what the order would hold more than now; others of its act hold `before`.
    """
    instrument, flags = venue.instruments[order.instrument], venue.guards.class_of(order.instrument).flags
    if not flags or order.side != SELL or need <= 0:
        return
    balance = venue.accounts[order.account].balances.get(instrument.terms.base, Balance())
    short = balance.held + before + need - balance.total
    if short <= 0:
        return
    if flags & NEEDS_LOCATE:
        lots = ceil_of(short, instrument.asset_per_lot)
        located = venue.guards.locates.get((order.account, order.instrument), 0)
        if lots > located:
            raise gate.of_quantity(instrument, Reason.RESTRICTED, Scope.ACCOUNT, limit=located, actual=lots)
    if flags & PRICE_TEST and not order.flags & codes.SHORT_EXEMPT and order.order_type != codes.PEGGED:
        if order.order_type in codes.TRIGGERED:
            raise Refusal(Reason.RESTRICTED, Scope.INSTRUMENT)
        best = venue.books[order.instrument].best(BUY)
        if best is not None and price < best:
            raise gate.of_price(instrument, Reason.RESTRICTED, Scope.INSTRUMENT, limit=best, actual=price)


def set_restriction(venue: Venue, command: wire.SetRestriction, out: Outbox) -> None:
    """Put an instrument on a list, or take it off."""
    venue.instrument(command.instrument)
    if command.scope == Scope.ACCOUNT:
        venue.account(command.account)
    subject = {Scope.ACCOUNT: command.account, Scope.GROUP: command.group}.get(Scope(command.scope), 0)
    key = (command.scope, subject, command.instrument)
    known = venue.guards.restrictions
    if key not in known and len(known) >= MAX_RESTRICTIONS:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)
    known[key] = bool(command.restricted)
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    out.tell(wire.RestrictionChanged, instrument=command.instrument, account=command.account, **body)


def set_locate(venue: Venue, command: wire.SetLocate, out: Outbox) -> None:
    """Say how many lots an account may be short of an instrument."""
    venue.instrument(command.instrument)
    venue.account(command.account)
    key, known = (command.account, command.instrument), venue.guards.locates
    if key not in known and len(known) >= MAX_LOCATES:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)
    known[key] = command.lots
    out.tell(wire.LocateChanged, instrument=command.instrument, account=command.account, lots=command.lots)
