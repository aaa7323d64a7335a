"""Linear perpetuals of profile C: percentages that rise with the size. Pure; integers."""

from dataclasses import dataclass

from quantumcore.services.risk.margin.amounts import RATE, ceiling, money


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """Rates in 10^-8 of the notional: 2 % and 1 %, and 0.005 % more for each unit of size."""

    initial: int = 2_000_000
    maintenance: int = 1_000_000
    per_size: int = 5_000


TIERS = Tiers()


def margins(
    lots: int, price: int, *, unit: int, lot: int, per: int = 1, lot_per: int = 1, tiers: Tiers = TIERS
) -> tuple[int, int]:
    """Return (initial, maintenance) of a position in minor units, each up to the next one.

    Args:
        lots: Signed. price: The mark in ticks. unit, per: One tick of one lot is unit / per minor units.
        lot, lot_per: One lot is lot / lot_per of the base asset.

    Raises:
        InvalidCommand: `order.amount.overflow`.
    """
    size, notional = abs(lots) * lot, abs(lots * price) * unit
    rises = tiers.per_size * size
    scale = RATE * per * lot_per
    return (
        money(ceiling(notional * (tiers.initial * lot_per + rises), scale)),
        money(ceiling(notional * (tiers.maintenance * lot_per + rises), scale)),
    )
