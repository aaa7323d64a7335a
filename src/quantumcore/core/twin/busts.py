"""Correcting a print: an operator takes a trade back, or moves its money to another price, by numbers of his own."""

from collections import defaultdict

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import positions
from quantumcore.core.twin.account_terms import check_available, check_bound, check_credit, check_debit
from quantumcore.core.twin.accounts import EQUITY
from quantumcore.core.twin.answers import REPEAT, tell_done
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue

UNDONE, REPRICED = 1, 2
MAX_BUSTS = 65_536

Changes = dict[tuple[int, int], int]  # by account and currency, minor units


def bust_trade(venue: Venue, command: wire.BustTrade, out: Outbox) -> None:
    """Correct a trade once."""
    instrument = venue.instrument(command.instrument)
    venue.account(command.buyer)
    venue.account(command.seller)
    key = (command.trade_sequence, command.fill)
    if key in venue.busts:
        tell_done(command, out, outcome=REPEAT, order_sequence=venue.busts[key])
        return
    changes = _changes(instrument, command)
    _judge(venue, instrument, command, changes)

    venue.busts[key] = out.sequence
    terms = instrument.terms
    for (account, currency), amount in changes.items():
        venue.accounts[account].touch(currency)
        venue.accounts[account].post(currency, amount)
    fees, rest = _of_the_house(command)
    house = venue.houses[terms.quote]
    house.fees_back += fees
    house.posted[EQUITY] -= rest
    house.owed += fees + rest
    if command.action == UNDONE:
        positions.move(venue, command.buyer, command.seller, command.instrument, -command.quantity)
    body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
    out.tell(wire.TradeBusted, instrument=command.instrument, **body, quote=terms.quote, base=terms.base)
    positions.trim(venue, command.buyer, command.instrument, out)
    positions.trim(venue, command.seller, command.instrument, out)


def _changes(instrument: Instrument, command: wire.BustTrade) -> Changes:
    """Return what each balance gains; BAD_AMOUNT or AMOUNT_OVERFLOW when the numbers cannot be a trade's."""
    undone = command.action == UNDONE
    if undone and (command.quantity <= 0 or min(command.paid_back, command.received_back) < 0):
        raise Refusal(Reason.BAD_AMOUNT)
    asset = command.quantity * instrument.asset_per_lot if undone else 0
    if asset > I64_MAX:
        raise Refusal(Reason.AMOUNT_OVERFLOW, limit=I64_MAX, actual=asset, decimals=instrument.base_scale)
    base, quote = instrument.terms.base, instrument.terms.quote
    changes: Changes = defaultdict(int)
    changes[command.buyer, quote] += command.paid_back + command.buyer_fee_back
    changes[command.buyer, base] -= asset
    changes[command.seller, quote] += command.seller_fee_back - command.received_back
    changes[command.seller, base] += asset
    return changes


def _of_the_house(command: wire.BustTrade) -> tuple[int, int]:
    """Return what the house gives back of its fees, and what the two sides leave over for its equity to bear."""
    return command.buyer_fee_back + command.seller_fee_back, command.paid_back - command.received_back


def _judge(venue: Venue, instrument: Instrument, command: wire.BustTrade, changes: Changes) -> None:
    """ACCOUNT_FROZEN, ACCOUNT_CLOSED, INSUFFICIENT: a balance would fall below what is held of it, or the house's fees less its rebates below nothing; AMOUNT_OVERFLOW; CAPACITY."""
    for (number, currency), amount in changes.items():
        (check_debit if amount < 0 else check_credit)(venue.accounts[number])
        if amount < 0:
            check_available(venue, number, currency, -amount)
    house = venue.houses[instrument.terms.quote]
    fees, rest = _of_the_house(command)
    earned = house.fees - house.rebates - house.fees_back
    if earned < fees:
        raise Refusal(Reason.INSUFFICIENT, Scope.VENUE, limit=earned, actual=fees, decimals=instrument.quote_scale)
    check_bound(venue, instrument.terms.quote, given=fees + rest)
    new = sum(currency not in venue.accounts[number].balances for number, currency in changes)
    full = len(venue.busts) >= MAX_BUSTS or len(venue.positions) + 2 > venue.bounds.max_balances
    if full or venue.balances_left < new:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)
