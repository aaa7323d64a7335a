"""What a fill moves: asset, principal, fees and rounding, all in the same step as the match (money.md 2.4)."""

from dataclasses import dataclass

from quantumcore.core.twin.book import BUY, Order
from quantumcore.core.twin.exposure import note_filled
from quantumcore.core.twin.fees import Tally
from quantumcore.core.twin.instruments import Instrument
from quantumcore.core.twin.venue import Venue


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one fill moved; quote minor units, asset in base minor units; a negative fee is a rebate."""

    paid: int
    received: int
    maker_fee: int
    taker_fee: int
    asset: int


NOTHING_MOVED = Settlement(0, 0, 0, 0, 0)


def settle(venue: Venue, maker: Order, taker: Order, lots: int, price: int) -> Settlement:
    """Move what `lots` at `price` ticks move; both orders' leaves, sums and holds are right afterwards; without accounting only the leaves."""
    if not venue.bounds.accounting:
        maker.leaves -= lots
        taker.leaves -= lots
        return NOTHING_MOVED
    instrument = venue.instruments[maker.instrument]
    terms, unit = instrument.terms, instrument.unit
    buy, sell = (taker, maker) if taker.side == BUY else (maker, taker)
    buyer, seller = venue.accounts[buy.account], venue.accounts[sell.account]
    house = venue.houses[terms.quote]

    before = {BUY: buy.tally, sell.side: sell.tally}
    taker_rate = instrument.taker_rate(taker.rates)
    # A rebate is at most the taker's fee: what the customers of a currency have never passes what was deposited.
    maker_rate = max(min(terms.maker_fee, maker.rates.maker), -taker_rate)
    _fill(maker, price, lots, maker_rate)
    _fill(taker, price, lots, taker_rate)
    for order in (maker, taker):
        note_filled(venue, order, instrument, before[order.side])

    paid = buy.tally.paid(unit) - before[BUY].paid(unit)
    received = sell.tally.received(unit) - before[sell.side].received(unit)
    asset = lots * instrument.asset_per_lot

    buyer.post(terms.quote, -paid)
    seller.post(terms.quote, received)
    house.rounding += paid - received
    seller.post(terms.base, -asset)
    buyer.post(terms.base, asset)
    maker_fee = _charge(venue, instrument, maker, before[maker.side])
    taker_fee = _charge(venue, instrument, taker, before[taker.side])
    venue.rehold(maker)
    venue.rehold(taker)
    return Settlement(paid, received, maker_fee, taker_fee, asset)


def _fill(order: Order, price: int, lots: int, rate: int) -> None:
    order.leaves -= lots
    order.tally = order.tally.plus(price, lots, rate)


def _charge(venue: Venue, instrument: Instrument, order: Order, before: Tally) -> int:
    """Take the fee of this fill, or pay its rebate; return it signed."""
    unit, minimum = instrument.unit, order.rates.minimum
    fee = order.tally.charged(unit, minimum) - before.charged(unit, minimum)
    rebate = order.tally.rebated(unit) - before.rebated(unit)
    net = fee - rebate  # what the event says is what the house books: both move when a minimum meets a later rebate
    house = venue.houses[instrument.terms.quote]
    house.fees += max(net, 0)
    house.rebates += max(-net, 0)
    venue.accounts[order.account].post(instrument.terms.quote, -net)
    return net
