"""What orders hold, pay, receive and are charged, in exact rationals (money.md 1.3, 1.4, 2.3, 2.4).

It hears of the engine who was accepted, who traded with whom at which price and how many lots, and what ended; the money it
computes itself: each order's exact sums are fractions, and what has moved is their ceiling or floor less what moved before.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from tests.support.exact_ledger import FEES, HOUSE, OWN, REBATES, ROUNDING, ExactLedger

Name = tuple[int, int]
"""(sequence, slot) of an order."""
BUY = 1


class Terms(NamedTuple):
    """How an instrument trades now.

    Attributes:
        unit: Quote minor units of one tick of one lot. asset: Base minor units of a lot.
        taker, maker: Of the notional; a maker's below 0 is a rebate. minimum: Per order, quote minor units.
    """

    number: int
    base: int
    quote: int
    unit: Fraction
    asset: int
    taker: Fraction
    maker: Fraction
    minimum: int


@dataclass
class Order:
    """A working order; the sums are exact, of all its fills."""

    account: int
    buys: bool
    terms: Terms
    price: int
    leaves: int
    filled: int = 0
    notional: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    rebates: Fraction = Fraction(0)

    @property
    def paid(self) -> int:
        """What a buy has paid."""
        return ceil(self.notional)

    @property
    def received(self) -> int:
        """What a sell has received."""
        return floor(self.notional)

    @property
    def charged(self) -> int:
        """The fees charged so far; the minimum falls due with the first fill."""
        return max(self.terms.minimum, ceil(self.fees)) if self.filled else 0

    @property
    def rebated(self) -> int:
        """The rebates paid so far."""
        return floor(self.rebates)

    @property
    def hold(self) -> int:
        """What must be held: a sell's asset, or the worst that the rest of a buy can cost."""
        if not self.buys:
            return self.leaves * self.terms.asset
        if not self.leaves:
            return 0
        rest = self.price * self.leaves * self.terms.unit
        worst = max(self.terms.taker, self.terms.maker, Fraction(0))
        fee = max(self.terms.minimum, ceil(self.fees + worst * rest)) - self.charged
        return ceil(self.notional + rest) - self.paid + fee

    @property
    def currency(self) -> int:
        """Of its hold."""
        return self.terms.quote if self.buys else self.terms.base

    def fill(self, price: int, lots: int, rate: Fraction) -> tuple[int, int]:
        """Trade; return what moves: the principal, and the fee less the rebate."""
        before = self.paid if self.buys else self.received
        charged, rebated = self.charged, self.rebated
        notional = price * lots * self.terms.unit
        self.notional += notional
        self.filled += lots
        self.leaves -= lots
        if rate >= 0:
            self.fees += rate * notional
        else:
            self.rebates -= rate * notional
        moved = (self.paid if self.buys else self.received) - before
        return moved, self.charged - charged - (self.rebated - rebated)


class Fill(NamedTuple):
    """What one fill has moved; fees are less rebates."""

    instrument: int
    buyer: int
    seller: int
    price: int
    lots: int
    paid: int
    received: int
    buyer_fee: int
    seller_fee: int


class ExactOrders:
    """The working orders of an ExactLedger.

    Attributes:
        terms: By instrument, as they are now.
        fills: By (sequence, fill).
    """

    def __init__(self, ledger: ExactLedger) -> None:
        self.ledger = ledger
        self.terms: dict[int, Terms] = {}
        self.orders: dict[Name, Order] = {}
        self.fills: dict[tuple[int, int], Fill] = {}

    def accept(self, name: Name, account: int, instrument: int, buys: bool, price: int, lots: int) -> int:
        """Take an order in; return its hold."""
        order = Order(account, buys, self.terms[instrument], price, lots)
        assert order.hold == 0 or order.hold <= self.ledger.available(account, order.currency), "accepted beyond funds"
        assert self.ledger.states[account] == 1, "accepted of an account that may not"
        self.orders[name] = order
        self.ledger.working[account] += 1
        self._hold(order, 0)
        return order.hold

    def needs(self, account: int, instrument: int, buys: bool, price: int, lots: int) -> tuple[int, int]:
        """Return (what such an order would hold, what is available for it)."""
        order = Order(account, buys, self.terms[instrument], price, lots)
        return order.hold, self.ledger.available(account, order.currency)

    def replace(self, name: Name, price: int, leaves: int) -> int:
        """Change an order; return its hold."""
        order = self.orders[name]
        before, order.price, order.leaves = order.hold, price, leaves
        self._hold(order, before)
        return order.hold

    def end(self, name: Name) -> int:
        """Let an order go; return what it held."""
        order = self.orders.pop(name)
        self.ledger.working[order.account] -= 1
        self.ledger.held[order.account, order.currency] -= order.hold
        return order.hold

    def trade(self, id_: tuple[int, int], maker: Name, taker: Name, price: int, lots: int) -> Fill:
        """Settle a fill between two orders at the maker's price; return what has moved."""
        orders = self.orders[maker], self.orders[taker]
        holds = [order.hold for order in orders]
        now = self.terms[orders[0].terms.number]
        taker_rate = min(now.taker, orders[1].terms.taker)
        maker_rate = max(min(now.maker, orders[0].terms.maker), -taker_rate)
        moved = [order.fill(price, lots, rate) for order, rate in zip(orders, (maker_rate, taker_rate), strict=True)]
        for order, held in zip(orders, holds, strict=True):
            self._hold(order, held)
        buys = int(orders[1].buys)  # which of both is the buyer
        buyer, seller = orders[buys], orders[1 - buys]
        (paid, buyer_fee), (received, seller_fee) = moved[buys], moved[1 - buys]
        quote, asset = now.quote, lots * now.asset
        own = {order.account: (order.account, quote, OWN) for order in orders}
        rounding = (HOUSE, quote, ROUNDING)
        post = self.ledger.post
        post((seller.account, now.base, OWN), (buyer.account, now.base, OWN), asset)
        post(own[buyer.account], own[seller.account], min(paid, received))
        post(own[buyer.account], rounding, max(0, paid - received))
        post(rounding, own[seller.account], max(0, received - paid))
        for order, (_, fee) in zip(orders, moved, strict=True):
            post(own[order.account], (HOUSE, quote, FEES), max(0, fee))
            post((HOUSE, quote, REBATES), own[order.account], max(0, -fee))
            self.ledger.earned[quote] += fee
        for name, order in zip((maker, taker), orders, strict=True):
            if not order.leaves:
                self.end(name)
        fill = Fill(now.number, buyer.account, seller.account, price, lots, paid, received, buyer_fee, seller_fee)
        self.fills[id_] = fill
        return fill

    def _hold(self, order: Order, before: int) -> None:
        self.ledger.held[order.account, order.currency] += order.hold - before
