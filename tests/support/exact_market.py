"""What is traded in the random operations on money: an exact instrument, three fractional ones, a future with a multiplier."""

from fractions import Fraction

from quantumcore.contracts import wire
from tests.support.exact_orders import Terms

USD, EUR, JPY, BTC, ACME, NEXT = 1, 2, 3, 4, 5, 6
SCALES = {USD: 2, EUR: 2, JPY: 0, BTC: 8, ACME: 0, NEXT: 0}
CODES = {USD: "USD", EUR: "EUR", JPY: "JPY", BTC: "BTC", ACME: "ACME", NEXT: "NEXTZ9"}
RATES = (-20_001, 0, 1, 7, 50_000, 100_000, 100_003, 9_999_999)
"""What a maker's and a taker's rate may become, of 10^-8."""
# base, quote, tick and its scale, lot and its scale, multiplier, the middle of the market in ticks, the most lots of an order
INSTRUMENTS = {
    1: (ACME, USD, 5, 2, 10, 0, 1, 200, 20),  # exact
    2: (BTC, USD, 1, 2, 1, 5, 1, 2_000_001, 400),  # a lot is a fraction of a cent, or less
    3: (BTC, JPY, 3, 1, 7, 6, 1, 900_001, 300),  # in a currency without decimals
    4: (NEXT, EUR, 25, 2, 1, 0, 50, 400, 9),  # a future with a multiplier
    5: (BTC, EUR, 3, 3, 1, 2, 1, 777, 500),  # a lot costs a few cents, and never whole ones
}


def define(number: int, taker: int, maker: int, minimum: int) -> tuple[wire.DefineInstrument, Terms]:
    """Return the command that defines an instrument with these rates, of 10^-8, and what the model knows of it."""
    base, quote, tick, tick_scale, lot, lot_scale, multiplier, _, _ = INSTRUMENTS[number]
    command = wire.DefineInstrument(
        instrument=number,
        instrument_kind=2 if multiplier > 1 else 1,
        status=1,
        base=base,
        quote=quote,
        tick=tick,
        tick_scale=tick_scale,
        lot=lot,
        lot_scale=lot_scale,
        multiplier=multiplier,
        min_price=1,
        max_price=10**9,
        min_quantity=1,
        max_quantity=10**9,
        min_notional=0,
        max_notional=2**63 - 1,
        taker_fee=taker,
        maker_fee=maker,
        minimum_fee=minimum,
        collar=5_000_000,
        symbol=f"M-{number}",
    )
    size = Fraction(tick, 10**tick_scale) * Fraction(lot, 10**lot_scale)
    asset = Fraction(lot, 10**lot_scale) * 10 ** SCALES[base]
    assert asset.denominator == 1
    unit = size * multiplier * 10 ** SCALES[quote]
    return command, Terms(
        number, base, quote, unit, int(asset), Fraction(taker, 10**8), Fraction(maker, 10**8), minimum
    )


def decimal(mantissa: int, scale: int) -> tuple[int, int]:
    """Return a decimal as clients send it: no zeros at its end."""
    while scale > 0 and mantissa % 10 == 0:
        mantissa, scale = mantissa // 10, scale - 1
    return mantissa, scale
