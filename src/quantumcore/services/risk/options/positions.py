"""What positions in options add up to: exact products and sums of greeks that are Decimals. Pure."""

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact

from msgspec import Struct

from quantumcore.contracts.greeks import InvalidTerms
from quantumcore.services.risk.options.greeks import OptionGreeks
from quantumcore.services.risk.options.terms import OptionContract

POSITIONS_MAX = 10_000
ZERO = Decimal(0)
HUNDREDTH = Decimal("0.01")
# Wide enough for every product here; a digit that would be lost is an error, not a rounding.
_EXACT = Context(prec=400, traps=[Inexact])


class OptionPosition(Struct, frozen=True, kw_only=True, gc=False):
    """So many contracts, below zero when sold, with the greeks of one unit at this spot."""

    contract: OptionContract
    quantity: Decimal
    spot: Decimal
    greeks: OptionGreeks


class Exposure(Struct, frozen=True, kw_only=True, gc=False):
    """What a position, an underlying or a portfolio is exposed to, in money of the underlying's currency; exact.

    Attributes:
        delta_dollars: What one position's worth of the underlying that moves alike is worth.
        gamma_dollars: What delta_dollars change by when the underlying moves by 1 %.
        theta_dollars: A day.
        vega_dollars, rho_dollars: Per 1 %.
        notional: Quantity × multiplier × spot; sold positions are below zero.
        value: Quantity × multiplier × price.
    """

    delta_dollars: Decimal = ZERO
    gamma_dollars: Decimal = ZERO
    theta_dollars: Decimal = ZERO
    vega_dollars: Decimal = ZERO
    rho_dollars: Decimal = ZERO
    notional: Decimal = ZERO
    value: Decimal = ZERO

    def __add__(self, other: "Exposure") -> "Exposure":
        return Exposure(
            **{name: _EXACT.add(getattr(self, name), getattr(other, name)) for name in Exposure.__struct_fields__}
        )


class PositionGreeks(Struct, frozen=True, kw_only=True, gc=False):
    """One position: `delta_shares` units of the underlying would move alike."""

    symbol: str
    underlying: str
    quantity: Decimal
    delta_shares: Decimal
    exposure: Exposure


class UnderlyingGreeks(Struct, frozen=True, kw_only=True, gc=False):
    """All positions in options of one underlying."""

    underlying: str
    delta_shares: Decimal
    exposure: Exposure
    positions: int


class PortfolioGreeks(Struct, frozen=True, kw_only=True, gc=False):
    """Totals, by underlying in the order of their names, and each position. Shares of different underlyings are not added."""

    total: Exposure
    underlyings: tuple[UnderlyingGreeks, ...]
    positions: tuple[PositionGreeks, ...]


def position_greeks(position: OptionPosition) -> PositionGreeks:
    """Return what a position is exposed to.

    Raises:
        InvalidTerms: Quantity, multiplier or spot is not finite, or the multiplier or spot not over zero.
    """
    contract, greeks, spot = position.contract, position.greeks, position.spot
    for field, value in (("quantity", position.quantity), ("multiplier", contract.multiplier), ("spot", spot)):
        if not value.is_finite() or (field != "quantity" and value <= 0):
            raise InvalidTerms(field, str(value)[:64])
    times = _EXACT.multiply
    units = times(position.quantity, contract.multiplier)
    shares = times(greeks.delta, units)
    return PositionGreeks(
        symbol=contract.symbol,
        underlying=contract.underlying,
        quantity=position.quantity,
        delta_shares=shares,
        exposure=Exposure(
            delta_dollars=times(shares, spot),
            gamma_dollars=times(times(times(greeks.gamma, units), times(spot, spot)), HUNDREDTH),
            theta_dollars=times(greeks.theta_per_day, units),
            vega_dollars=times(greeks.vega_per_1pct, units),
            rho_dollars=times(greeks.rho_per_1pct, units),
            notional=times(units, spot),
            value=times(units, greeks.price),
        ),
    )


def portfolio_greeks(positions: Iterable[OptionPosition]) -> PortfolioGreeks:
    """Return what positions add up to; none add up to zeros.

    Raises:
        InvalidTerms: As of `position_greeks`; or more than 10,000 positions.
    """
    each: list[PositionGreeks] = []
    for position in positions:
        if len(each) == POSITIONS_MAX:
            raise InvalidTerms("positions", f"over {POSITIONS_MAX}", str(POSITIONS_MAX))
        each.append(position_greeks(position))
    total = Exposure()
    by_name: dict[str, UnderlyingGreeks] = {}
    for one in each:
        total += one.exposure
        before = by_name.get(one.underlying)
        by_name[one.underlying] = UnderlyingGreeks(
            underlying=one.underlying,
            delta_shares=_EXACT.add(before.delta_shares, one.delta_shares) if before else one.delta_shares,
            exposure=before.exposure + one.exposure if before else one.exposure,
            positions=before.positions + 1 if before else 1,
        )
    return PortfolioGreeks(
        total=total, underlyings=tuple(by_name[name] for name in sorted(by_name)), positions=tuple(each)
    )
