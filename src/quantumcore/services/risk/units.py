"""What one tick of one lot is worth."""

from fractions import Fraction

from quantumcore.contracts.reference import Instrument


def unit_of(instrument: Instrument) -> tuple[int, int]:
    """Return (numerator, denominator) of the minor units of one tick of one lot."""
    size = Fraction(
        instrument.tick * instrument.lot * instrument.multiplier * 10**instrument.quote.scale,
        10 ** (instrument.tick_scale + instrument.lot_scale),
    )
    return size.numerator, size.denominator
