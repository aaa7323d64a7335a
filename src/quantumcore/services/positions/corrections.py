"""What a correction does to a position: an operator's bust takes a trade back, or moves its money to another price. Pure."""

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.services.positions.domain import CLOSING, Cause, Change, Fill, Kind, Position, Terms, filled
from quantumcore.services.positions.lots import FillId, Method
from quantumcore.services.positions.pnl import Contract, bounded


class Bust(Struct, frozen=True, kw_only=True, gc=False):
    """One side of a correction.

    Attributes:
        quantity: Signed lots that come back (of a busted buy < 0); 0: only the price was corrected.
        price: Of the trade that is taken back, in ticks.
        value: 10^-18 that is paid for it: what comes back to this side is negative.
        fee: Minor units of the fee that come back.
        trade: The trade that is corrected.
        bought: Whether this side had bought.
    """

    quantity: int
    price: int
    value: int
    fee: int
    trade: FillId
    bought: bool
    sequence: int = 0
    index: int = 0
    leg: int = 0
    time_ns: int = 0


def after_bust(position: Position, bust: Bust, contract: Contract) -> tuple[Position, Change]:
    """Return the position after a correction of one of its trades.

    While nothing has been closed since that trade, what it brought is taken back as if it had never been. Later the quantity
    goes back at the trade's own price, like a fill that is no trade: what that makes is realised. A corrected price changes
    the cost in the first case, the realised result in the second.

    Raises:
        InvalidCommand: `position.overflow`.
    """
    stands = position.quantity
    untouched = stands != 0 and (stands > 0) == bust.bought and bust.trade[0] > position.decreased
    if bust.quantity:
        cause = Cause.UNDONE
        after = _undone(position, bust, contract, untouched=untouched)
    else:
        cause = Cause.REPRICED
        after = _repriced(position, bust, contract, untouched=untouched)
    part = 2 * bust.leg + CLOSING
    keeps = untouched and abs(bust.quantity) < abs(stands)
    after = replace(
        after,
        fees=position.fees - bust.fee,
        version=position.version + 1,
        sequence=bust.sequence,
        index=bust.index,
        part=part,
        method=position.method,
        wash_sales=position.wash_sales,
        decreased=position.decreased if keeps else bust.sequence,
        born=position.born or bust.sequence,
    )
    change = Change(
        Kind.ADJUSTED,
        bust.quantity,
        bust.price,
        bust.value,
        after.realised - position.realised,
        -bust.fee,
        after.quantity,
        after.cost,
        after.realised,
        after.cycles,
        after.version,
        bust.time_ns,
        bust.sequence,
        bust.index,
        part,
        bust.trade[0],
        bust.trade[1],
        cause,
        after.method,
        after.wash_sales,
        (),
    )
    return after, change


def _undone(was: Position, bust: Bust, contract: Contract, *, untouched: bool) -> Position:
    quantity, stands = bust.quantity, was.quantity
    if untouched and was.method is Method.AVERAGE and abs(quantity) < abs(stands):
        return replace(was, quantity=stands + quantity, cost=bounded(was.cost + bust.value))
    back = Fill(
        quantity=quantity,
        price=bust.price,
        sequence=bust.sequence,
        index=bust.index,
        leg=bust.leg,
        fill=bust.trade[1],
        time_ns=bust.time_ns,
    )
    closes = stands != 0 and (stands > 0) != (quantity > 0)
    named = closes and was.method is not Method.AVERAGE
    # The trade's own lot goes first; nothing is washed, for nothing was sold.
    plain = replace(was, wash_sales=False, method=Method.SPECIFIC if named else was.method)
    terms = Terms(was.method, wash_sales=False, chosen=(bust.trade,))
    after, _ = filled(plain, back, bust.value, contract, terms)
    return after


def _repriced(was: Position, bust: Bust, contract: Contract, *, untouched: bool) -> Position:
    at = next((n for n, lot in enumerate(was.lots) if (lot.sequence, lot.fill) == bust.trade), -1)
    if not untouched or (was.method is not Method.AVERAGE and at < 0):
        return replace(was, realised=bounded(was.realised - contract.gain * bust.value))
    lots = was.lots
    if at >= 0:
        lots = (*lots[:at], replace(lots[at], cost=lots[at].cost + bust.value), *lots[at + 1 :])
    return replace(was, cost=bounded(was.cost + bust.value), lots=lots)
