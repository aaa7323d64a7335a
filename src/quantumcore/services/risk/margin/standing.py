"""How an account stands on margin, as others see it, and what a position alone needs. Pure.

Nothing is computed here but what the ladder asks for, the maintenance of each position by itself: an account's requirement is the engine's.
"""

from fractions import Fraction

from quantumcore.contracts import wire
from quantumcore.contracts.margin import MarginStanding
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.contracts.risk_margin import PROFILE_NAMES, RUNGS, MarginView
from quantumcore.contracts.values import show
from quantumcore.services.risk.margin.amounts import ceiling
from quantumcore.services.risk.margin.book import Book
from quantumcore.services.risk.valuation.valuing import shown as rounded

STALE, TOO_LARGE, DAY_OPEN, LOSS, DRAWDOWN = 1, 2, 4, 8, 16
SCENARIOS = 3
MOST_RATE = 10**13
RATE_PLACES = 12
DEFAULT = (50_000, 25_000, 0, 0)
"""Initial, maintenance, slope and profile of an instrument without terms."""
USE_PLACES = 4


def maintenance(book: Book, profile: int, instrument: Instrument, lots: int, mark: int) -> int:
    """Return what a position alone needs, in minor units: by which the largest contributor is found."""
    unit, per = instrument.unit.as_integer_ratio()
    terms = book.terms.get(instrument.number)
    _, rate, slope, always = (
        DEFAULT if terms is None else (terms.initial, terms.maintenance, terms.slope, terms.profile)
    )
    array = book.arrays.get(instrument.number)
    if profile == SCENARIOS and not always and array is not None and array.given:
        losses = [lots * loss for loss in array.losses]
        worst = max(0, *losses, max(0, -lots) * array.short_minimum)
        return ceiling(worst * 10**instrument.quote.scale, 10**6)
    notional = ceiling(abs(lots) * mark * unit, per)
    return ceiling(notional * min(MOST_RATE, rate * 10**6 + slope * abs(lots)), 10**RATE_PLACES)


def view(
    standing: MarginStanding, currency: Currency, sequence: int, assessed: wire.MarginAssessed | None
) -> MarginView:
    """Return how an account stands, as others see it."""
    flags, scale = standing.margin_flags, currency.scale
    known, day = not flags & (STALE | TOO_LARGE), bool(flags & DAY_OPEN)
    use = rounded(Fraction(standing.initial, standing.equity), USE_PLACES) if known and standing.equity > 0 else None
    return MarginView(
        currency=currency.code,
        profile=PROFILE_NAMES[standing.profile],
        equity=show(standing.equity, scale) if known else None,
        initial=show(standing.initial, scale) if known else None,
        maintenance=show(standing.maintenance, scale) if known else None,
        use=use,
        rung=RUNGS[standing.rung],
        day_opening=show(standing.opening, scale) if day else None,
        day_deposits=show(standing.deposits, scale) if day else None,
        day_result=show(standing.result, scale) if day and known else None,
        day_peak=show(standing.peak, scale) if day else None,
        stale=bool(flags & STALE),
        too_large=bool(flags & TOO_LARGE),
        loss=bool(flags & LOSS),
        drawdown=bool(flags & DRAWDOWN),
        sequence=sequence,
        assessed_ns=0 if assessed is None else assessed.time_ns,
    )


def of_event(event: wire.MarginAssessed) -> MarginStanding:
    """Return an assessment as the engine's query would tell it."""
    return MarginStanding(**{name: getattr(event, name) for name in MarginStanding._fields})
