"""How far an account has fallen: from its running peak, and since the session began. Pure; exact."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.risk.figures.basis import WIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """What is known of a series after its last value: constant memory, however long it is.

    Attributes:
        first, last: None before there is a value. peak: The highest so far. deepest: The largest fall from a peak, >= 0.
    """

    first: Decimal | None = None
    last: Decimal | None = None
    peak: Decimal | None = None
    deepest: Decimal = Decimal(0)

    def after(self, value: Decimal) -> "Fall":
        """Return what is known after the next value.

        Raises:
            InvalidCommand: `risk.not_finite`.
        """
        if not value.is_finite():
            raise InvalidCommand("risk.not_finite", "a value is no number", field="value", actual=str(value))
        peak = value if self.peak is None else max(self.peak, value)
        first = value if self.first is None else self.first
        return replace(self, first=first, last=value, peak=peak, deepest=max(self.deepest, WIDE.subtract(peak, value)))

    @property
    def now(self) -> Decimal:
        """How far the last value is below the peak, >= 0: check 22 counts by it."""
        return Decimal(0) if self.peak is None or self.last is None else WIDE.subtract(self.peak, self.last)

    @property
    def loss(self) -> Decimal:
        """How far the last value is below the first, >= 0: the day's loss, of a series that began with the session."""
        return (
            Decimal(0)
            if self.first is None or self.last is None
            else max(Decimal(0), WIDE.subtract(self.first, self.last))
        )


def fall(values: Iterable[Decimal]) -> Fall:
    """Return what is known of a series: 1000, 1100, 1000, 900, 950 have fallen by 200 at most.

    Args:
        values: Realised + unrealised of an account, in the order of time; deposits taken out.
    """
    known = Fall()
    for value in values:
        known = known.after(value)
    return known
