"""What the engine has told of margin, last: records of instruments and accounts, days, sessions, assessments. Pure.

Nothing is computed here but what the ladder asks for, the maintenance of each position by itself: an account's requirement is the engine's.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from quantumcore.contracts import wire
from quantumcore.contracts.margin import MarginStanding
from quantumcore.contracts.reference import Currency, Instrument
from quantumcore.contracts.risk_margin import PROFILE_NAMES, RUNGS, MarginView
from quantumcore.contracts.values import show
from quantumcore.contracts.wire import Event
from quantumcore.services.risk.folding import DAY_NS
from quantumcore.services.risk.margin.amounts import ceiling
from quantumcore.services.risk.valuation.valuing import shown as rounded
from quantumcore.services.risk.valuation.valuing import unit_of

STALE, TOO_LARGE, DAY_OPEN, LOSS, DRAWDOWN = 1, 2, 4, 8, 16
CLOSED = (3, 11)  # phases in which no session is: closed, post_close
SCENARIOS = 3
MOST_RATE = 10**13
RATE_PLACES = 12
DEFAULT = (50_000, 25_000, 0, 0)
"""Initial, maintenance, slope and profile of an instrument without terms."""
USE_PLACES = 4
KINDS = (
    wire.MarginTermsChanged,
    wire.RiskArrayChanged,
    wire.AccountMarginChanged,
    wire.GreeksChanged,
    wire.RiskLimitsChanged,
    wire.RiskDayOpened,
    wire.MarginAssessed,
    wire.InstrumentStatusChanged,
)

SESSION = 0
"""The kind under which the event is kept that began an instrument's last session."""

Place = tuple[int, int]
"""(account, currency)."""


class Key(NamedTuple):
    """Of what an event is the last one."""

    kind: int
    account: int
    instrument: int
    currency: int


def key_of(event: Event) -> Key:
    """Return of what `event`, one of KINDS, is the last one."""
    return Key(event.KIND, event.account, event.instrument, getattr(event, "currency", 0))


def begins_session(before: Event | None, event: Event) -> bool:
    """Tell whether a phase begins a session, after the phase `before`; None: nobody knows, and it does not."""
    if not isinstance(before, wire.InstrumentStatusChanged) or not isinstance(event, wire.InstrumentStatusChanged):
        return False
    return before.status in CLOSED and event.status not in CLOSED


class Book:
    """The last event of each kind and subject.

    Attributes:
        profiles: By place; of accounts that are on margin now.
        days: When the day of a place began, in nanoseconds.
        assessed: The last assessment of a place.
        sessions: When an instrument last began a session, in nanoseconds.
    """

    def __init__(self) -> None:
        self.profiles: dict[Place, int] = {}
        self.days: dict[Place, int] = {}
        self.assessed: dict[Place, wire.MarginAssessed] = {}
        self.sessions: dict[int, int] = {}
        self._terms: dict[int, wire.MarginTermsChanged] = {}
        self._arrays: dict[int, wire.RiskArrayChanged] = {}

    def put(self, key: Key, event: Event) -> None:
        """Take in the last event of `key`."""
        place = key.account, key.currency
        match event:
            case wire.MarginAssessed():
                self.assessed[place] = event
            case wire.AccountMarginChanged(profile=0):
                self.profiles.pop(place, None)
            case wire.AccountMarginChanged():
                self.profiles[place] = event.profile
            case wire.RiskDayOpened():
                self.days[place] = event.time_ns
            case wire.MarginTermsChanged():
                self._terms[key.instrument] = event
            case wire.RiskArrayChanged():
                self._arrays[key.instrument] = event
            case _ if key.kind == SESSION:
                self.sessions[key.instrument] = event.time_ns
            case _:
                pass

    @property
    def places(self) -> Iterator[Place]:
        """Yield every account in a currency that is on margin or has an open day."""
        yield from self.profiles
        yield from (place for place in self.days if place not in self.profiles)

    def currencies(self, account: int) -> list[int]:
        """Return in which currencies an account is on margin or has a day, in their order."""
        return sorted({currency for owner, currency in (*self.profiles, *self.days) if owner == account})

    def maintenance(self, profile: int, instrument: Instrument, lots: int, mark: int) -> int:
        """Return what a position alone needs, in minor units: by which the largest contributor is found."""
        unit, per = unit_of(instrument)
        terms = self._terms.get(instrument.number)
        _, rate, slope, always = (
            DEFAULT if terms is None else (terms.initial, terms.maintenance, terms.slope, terms.profile)
        )
        array = self._arrays.get(instrument.number)
        if profile == SCENARIOS and not always and array is not None and array.given:
            losses = [lots * loss for loss in array.losses]
            worst = max(0, *losses, max(0, -lots) * array.short_minimum)
            return ceiling(worst * 10**instrument.quote.scale, 10**6)
        notional = ceiling(abs(lots) * mark * unit, per)
        return ceiling(notional * min(MOST_RATE, rate * 10**6 + slope * abs(lots)), 10**RATE_PLACES)


def view(standing: MarginStanding, currency: Currency, sequence: int, assessed: wire.MarginAssessed | None) -> MarginView:
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


def of_currencies(instruments: Mapping[int, Instrument], sessions: Mapping[int, int]) -> dict[int, int]:
    """Return, by quote currency, when its last session began: the first of its instruments on the latest day that has any."""
    found: dict[int, int] = {}
    for number, began in sessions.items():
        currency = instruments[number].quote.number
        known = found.get(currency)
        if known is None or began // DAY_NS > known // DAY_NS or (began // DAY_NS == known // DAY_NS and began < known):
            found[currency] = began
    return found
