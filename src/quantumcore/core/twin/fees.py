"""What an order has cost and may still cost. Pure integer arithmetic; every amount is cumulative per order.

Because amounts follow from running sums, it does not matter how an order was cut into fills
(money.md 1.3, 1.4): a fill moves the difference between two cumulative amounts.
"""

from dataclasses import dataclass

RATE_ONE = 10**8  # rates are integers of 10^-8


def floor_of(numerator: int, denominator: int) -> int:
    """Return numerator / denominator, rounded to -infinity."""
    return numerator // denominator


def ceil_of(numerator: int, denominator: int) -> int:
    """Return numerator / denominator, rounded to +infinity."""
    return -(-numerator // denominator)


@dataclass(frozen=True, slots=True)
class Unit:
    """Quote minor units of one tick times one lot, as a fraction in lowest terms."""

    numerator: int
    denominator: int

    def ceil(self, ticks_lots: int) -> int:
        """Return the minor units of a sum of ticks × lots, rounded up."""
        return ceil_of(ticks_lots * self.numerator, self.denominator)

    def floor(self, ticks_lots: int) -> int:
        """Return the minor units of a sum of ticks × lots, rounded down."""
        return floor_of(ticks_lots * self.numerator, self.denominator)

    def fee(self, rate_ticks_lots: int) -> int:
        """Return the fee of a sum of rate × ticks × lots: ceil, so that a fee is never less than it should be."""
        return ceil_of(rate_ticks_lots * self.numerator, self.denominator * RATE_ONE)

    def rebate(self, rate_ticks_lots: int) -> int:
        """Return the rebate of a sum of rate × ticks × lots: floor, so that a rebate is never more than it should be."""
        return floor_of(rate_ticks_lots * self.numerator, self.denominator * RATE_ONE)


@dataclass(frozen=True, slots=True)
class Rates:
    """What an order was promised when it was accepted: it never pays a dearer rate.

    Attributes:
        taker, maker: 10^-8 of the notional; a maker rate below 0 is a rebate.
        minimum: Minor units of the quote per order, due with its first fill.
    """

    taker: int
    maker: int
    minimum: int

    @property
    def worst(self) -> int:
        """The dearer of the two rates, at least 0: what a hold must foresee."""
        return max(self.taker, self.maker, 0)


@dataclass(frozen=True, slots=True)
class Tally:
    """The running sums of one order over its fills.

    Attributes:
        lots: What has filled.
        notional: Sum of ticks × lots (N).
        fees: Sum of rate × ticks × lots over fills with a rate of at least 0 (F).
        rebates: Sum of -rate × ticks × lots over fills with a negative rate (R).
    """

    lots: int = 0
    notional: int = 0
    fees: int = 0
    rebates: int = 0

    def plus(self, price: int, lots: int, rate: int) -> "Tally":
        """Return the sums after one more fill of `lots` at `price` ticks and `rate`."""
        product = price * lots
        return Tally(
            lots=self.lots + lots,
            notional=self.notional + product,
            fees=self.fees + max(rate, 0) * product,
            rebates=self.rebates + max(-rate, 0) * product,
        )

    def charged(self, unit: Unit, minimum: int) -> int:
        """Return the minor units of fees so far; the minimum falls due with the first fill."""
        return max(minimum, unit.fee(self.fees)) if self.lots else 0

    def rebated(self, unit: Unit) -> int:
        """Return the minor units of rebates so far."""
        return unit.rebate(self.rebates)

    def spent(self, unit: Unit, minimum: int) -> int:
        """Return the minor units that a buyer has parted with so far, fees included."""
        return self.paid(unit) + self.charged(unit, minimum)

    def paid(self, unit: Unit) -> int:
        """Return the minor units that a buyer has paid so far, fees apart."""
        return unit.ceil(self.notional)

    def received(self, unit: Unit) -> int:
        """Return the minor units that a seller has received so far, fees apart."""
        return unit.floor(self.notional)


def buy_hold(unit: Unit, rates: Rates, tally: Tally, price: int, leaves: int) -> int:
    """Return what a buy must hold in the quote currency: the worst that its `leaves` lots can still cost.

    Fills come at `price` ticks or better and at `rates` or better, so it always suffices and never grows by a fill.
    """
    if leaves == 0:
        return 0
    rest = price * leaves
    principal = unit.ceil(tally.notional + rest) - tally.paid(unit)
    fee = max(rates.minimum, unit.fee(tally.fees + rates.worst * rest)) - tally.charged(unit, rates.minimum)
    return principal + fee
