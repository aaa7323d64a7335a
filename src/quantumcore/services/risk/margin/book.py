"""What the engine has told of margin, last: records of instruments and accounts, days, sessions, assessments. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from quantumcore.contracts import wire
from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.wire import Event

CLOSED = (3, 11)  # phases in which no session is: closed, post_close
KINDS = frozenset(
    (
        wire.MarginTermsChanged,
        wire.RiskArrayChanged,
        wire.AccountMarginChanged,
        wire.GreeksChanged,
        wire.RiskLimitsChanged,
        wire.RiskDayOpened,
        wire.MarginAssessed,
        wire.InstrumentStatusChanged,
    )
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


def changed_terms(events: Iterable[Key]) -> set[int]:
    """Return the instruments of which terms or risk arrays are told anew."""
    kinds = wire.MarginTermsChanged.KIND, wire.RiskArrayChanged.KIND
    return {key.instrument for key in events if key.kind in kinds}


class Book:
    """The last event of each kind and subject.

    Attributes:
        profiles: By place; of accounts that are on margin now.
        days: When the day of a place began, in nanoseconds.
        assessed: The last assessment of a place.
        sessions: When an instrument last began a session, in nanoseconds.
        terms, arrays: Of instruments, as they were told last.
    """

    def __init__(self) -> None:
        self.profiles: dict[Place, int] = {}
        self.days: dict[Place, int] = {}
        self.assessed: dict[Place, wire.MarginAssessed] = {}
        self.sessions: dict[int, int] = {}
        self._currencies: dict[int, set[int]] = {}
        self.terms: dict[int, wire.MarginTermsChanged] = {}
        self.arrays: dict[int, wire.RiskArrayChanged] = {}

    def put(self, key: Key, event: Event) -> None:
        """Take in the last event of `key`."""
        place = key.account, key.currency
        match event:
            case wire.MarginAssessed():
                self.assessed[place] = event
            case wire.AccountMarginChanged(profile=0):
                self.profiles.pop(place, None)
                if place not in self.days:
                    self._currencies.get(key.account, set()).discard(key.currency)
            case wire.AccountMarginChanged():
                self.profiles[place] = event.profile
                self._currencies.setdefault(key.account, set()).add(key.currency)
            case wire.RiskDayOpened():
                self.days[place] = event.time_ns
                self._currencies.setdefault(key.account, set()).add(key.currency)
            case wire.MarginTermsChanged():
                self.terms[key.instrument] = event
            case wire.RiskArrayChanged():
                self.arrays[key.instrument] = event
            case _ if key.kind == SESSION:
                self.sessions[key.instrument] = event.time_ns
            case _:
                pass

    @property
    def places(self) -> list[Place]:
        """Every account in a currency that is on margin or has an open day."""
        return [(account, currency) for account, known in self._currencies.items() for currency in sorted(known)]

    def currencies(self, account: int) -> list[int]:
        """Return in which currencies an account is on margin or has a day, in their order."""
        return sorted(self._currencies.get(account, ()))


def of_currencies(instruments: Mapping[int, Instrument], sessions: Mapping[int, int]) -> dict[int, int]:
    """Return, by quote currency, when its last session began: the first of its instruments on the latest day that has any."""
    found: dict[int, int] = {}
    for number, began in sessions.items():
        if number not in instruments:  # it is not known yet
            continue
        currency = instruments[number].quote.number
        known = found.get(currency)
        if known is None or began // DAY_NS > known // DAY_NS or (began // DAY_NS == known // DAY_NS and began < known):
            found[currency] = began
    return found
