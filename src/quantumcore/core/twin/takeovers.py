"""A position of an account that is worth less than nothing goes to another account (engine.md section 17)."""

from typing import NamedTuple

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from quantumcore.core.twin import exposure, margin, positions
from quantumcore.core.twin.account_terms import check_available, check_credit
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.refusals import Refusal
from quantumcore.core.twin.venue import Venue


class Flow(NamedTuple):
    """What one account gives another, in minor units of a currency; over 0."""

    giver: int
    receiver: int
    currency: int
    amount: int


def take_over(venue: Venue, command: wire.TakeOver, out: Outbox) -> None:
    """Move a position, what belongs to it and the money for it in one act; it is no trade."""
    instrument = venue.instrument(command.instrument)
    giver, taker = command.account, command.taker
    venue.account(giver)
    venue.account(taker)
    flows = _flows(instrument, command)
    _judge(venue, instrument, command, flows)

    for flow in flows:
        venue.accounts[flow.giver].post(flow.currency, -flow.amount)
        venue.accounts[flow.receiver].post(flow.currency, flow.amount)
    positions.move(venue, taker, giver, command.instrument, command.lots)
    out.tell(
        wire.PositionTaken,
        instrument=command.instrument,
        account=giver,
        taker=taker,
        lots=command.lots,
        money=command.money,
        asset=command.lots * instrument.asset_per_lot,
        position=positions.held_in(venue, giver, command.instrument),
        taker_position=positions.held_in(venue, taker, command.instrument),
        base=instrument.terms.base,
        quote=instrument.terms.quote,
    )
    positions.trim(venue, giver, command.instrument, out)
    positions.trim(venue, taker, command.instrument, out)


def _flows(instrument: Instrument, command: wire.TakeOver) -> list[Flow]:
    """Return what is given: of the base, then of the quote."""
    asset = command.lots * instrument.asset_per_lot
    sides = (command.account, command.taker)
    found = [_flow(*sides, instrument.terms.base, asset), _flow(*sides, instrument.terms.quote, -command.money)]
    return [flow for flow in found if flow.amount]


def _flow(giver: int, receiver: int, currency: int, amount: int) -> Flow:
    return Flow(giver, receiver, currency, amount) if amount >= 0 else Flow(receiver, giver, currency, -amount)


def _judge(venue: Venue, instrument: Instrument, command: wire.TakeOver, flows: list[Flow]) -> None:
    _check_nearer(venue, instrument, command)
    _check_liquidated(venue, command.account, instrument.terms.quote)
    check_credit(venue.accounts[command.account])
    check_credit(venue.accounts[command.taker])
    for flow in flows:
        check_available(venue, flow.giver, flow.currency, flow.amount)
    lots = abs(positions.held_in(venue, command.taker, command.instrument) + command.lots)
    if lots > I64_MAX:
        raise exposure.of_lots(instrument, Reason.AMOUNT_OVERFLOW, (I64_MAX, Scope.ACCOUNT), lots)
    _check_capacity(venue, command, flows)


def _check_nearer(venue: Venue, instrument: Instrument, command: wire.TakeOver) -> None:
    """REDUCE_ONLY: who gives would come to stand on the other side, or further out."""
    held = positions.held_in(venue, command.account, command.instrument)
    most = abs(held) if (held < 0) == (command.lots < 0) else 0
    if abs(command.lots) > most:
        raise exposure.of_lots(instrument, Reason.REDUCE_ONLY, (most, Scope.ACCOUNT), abs(command.lots))


def _check_liquidated(venue: Venue, account: int, currency: int) -> None:
    """NOT_LIQUIDATED: not on margin, or not worth less than nothing; STALE_REF, AMOUNT_OVERFLOW: nobody knows."""
    if not venue.margin.of(account, currency).profile:
        raise Refusal(Reason.NOT_LIQUIDATED, Scope.ACCOUNT)
    found = margin.look(venue, account, currency)
    margin.check_known(found)
    if found.equity >= 0:
        raise Refusal(Reason.NOT_LIQUIDATED, Scope.ACCOUNT, actual=found.equity, decimals=found.decimals)


def _check_capacity(venue: Venue, command: wire.TakeOver, flows: list[Flow]) -> None:
    """CAPACITY: of balances, for what is got, or of positions."""
    new = sum(flow.currency not in venue.accounts[flow.receiver].balances for flow in flows)
    is_new = (command.taker, command.instrument) not in venue.positions
    full = is_new and len(venue.positions) >= venue.bounds.max_balances
    if full or new > venue.balances_left:
        raise Refusal(Reason.CAPACITY, Scope.VENUE)
