"""Positions in exact rationals: the slow, plainly right way, which shares no code with the room.

An average position is (quantity, cost); lots are (quantity, price) and are looked through one by one. A contract is a
function from price to value. Only what a fill of an inverse contract is worth is rounded, at 10^-18, for that is the rule.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

Value = Callable[[int], Fraction]


def half_even(amount: Fraction, places: int) -> Fraction:
    """Return `amount` with so many places, a tie to the even digit; round() of a Fraction does just that."""
    return Fraction(round(amount * 10**places), 10**places)


@dataclass
class ExactPosition:
    """One position.

    Attributes:
        gain: 1, or -1 of an inverse contract.
        cash: Received less paid.
    """

    method: str
    value: Value
    gain: int = 1
    quantity: int = 0
    cost: Fraction = Fraction(0)
    realised: Fraction = Fraction(0)
    cash: Fraction = Fraction(0)
    lots: list[list[Fraction]] = field(default_factory=list)

    def fill(self, quantity: int, price: int) -> None:
        """Trade."""
        worth = quantity * self.value(price)
        if self.gain < 0:
            worth = half_even(worth, 18)
        self.cash -= worth
        each = worth / quantity
        closing = 0 if self.quantity * quantity >= 0 else min(abs(quantity), abs(self.quantity))
        sign = 1 if quantity > 0 else -1
        if closing:
            relieved = self._relieve(closing)
            self.realised += self.gain * (-sign * closing * each - relieved)
            self.cost -= relieved
            self.quantity += sign * closing
        opening = quantity - sign * closing
        if opening:
            self.cost += opening * each
            self.quantity += opening
            self.lots.append([Fraction(opening), Fraction(price), each])

    def unrealised(self, mark: int) -> Fraction:
        """Return what closing at `mark` would make."""
        return self.gain * (self.quantity * self.value(mark) - self.cost)

    def _relieve(self, closing: int) -> Fraction:
        if self.method == "average":
            relieved = self.cost * closing / abs(self.quantity)
            if closing == abs(self.quantity):
                self.lots.clear()
            return relieved
        total = Fraction(0)
        while closing:
            lot = self._next()
            part = min(closing, abs(lot[0]))
            signed = part if lot[0] > 0 else -part
            total += signed * lot[2]
            lot[0] -= signed
            closing -= int(part)
            if not lot[0]:
                self.lots.remove(lot)
        return total

    def _next(self) -> list[Fraction]:
        if self.method == "lifo":
            return self.lots[-1]
        if self.method == "hifo":
            return max(self.lots, key=lambda lot: lot[1])
        return self.lots[0]
