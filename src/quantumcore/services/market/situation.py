"""In which phase a market is, what its call would trade, and what its last auction did. Pure."""

import msgspec

from quantumcore.contracts.market import Auction, MarketStatus, Uncrossed
from quantumcore.contracts.reference import LIMIT_STATES, STATUS_CAUSES, STATUSES, Instrument
from quantumcore.contracts.wire import (
    AuctionUncrossed,
    Event,
    IndicativeChanged,
    InstrumentStatusChanged,
    LimitStateChanged,
)

CALLS = frozenset({5, 6, 7, 8})


class Last(msgspec.Struct, frozen=True, array_like=True):
    """An auction that is over: ticks (0: nothing crossed), lots."""

    price: int
    quantity: int
    imbalance: int
    phase: int
    sequence: int
    time_ns: int


class Situation(msgspec.Struct, array_like=True):
    """What is known of one market beside its book; ticks and lots.

    Attributes:
        status: The phase; 0 while no event has said it.
        changed: Sequence of the last change of phase or limit state; time_ns its time.
        price, quantity, imbalance: What the call would trade now; zeros without one.
        told: Sequence of the last change of what the auction shows.
    """

    status: int = 0
    cause: int = 0
    limit_state: int = 0
    band: int = 0
    until_ns: int = 0
    changed: int = 0
    time_ns: int = 0
    price: int = 0
    quantity: int = 0
    imbalance: int = 0
    told: int = 0
    last: Last | None = None

    def apply(self, event: Event) -> tuple[bool, bool]:
        """Take `event`; return whether it changed (the status, the auction)."""
        match event:
            case InstrumentStatusChanged():
                self.status, self.cause = event.status, event.cause
                self.changed, self.time_ns = event.sequence, event.time_ns
                called = bool(self.price or self.quantity or self.imbalance)
                if event.status not in CALLS:
                    self.price = self.quantity = self.imbalance = 0
                self.told = event.sequence
                return True, called or event.status in CALLS
            case LimitStateChanged():
                self.limit_state, self.band, self.until_ns = event.state, event.band, event.until_ns
                self.changed, self.time_ns = event.sequence, event.time_ns
                return True, False
            case IndicativeChanged():
                self.price, self.quantity, self.imbalance = event.price, event.quantity, event.imbalance
                self.told = event.sequence
                return False, True
            case AuctionUncrossed():
                self.last = Last(
                    event.price, event.quantity, event.imbalance, event.phase, event.sequence, event.time_ns
                )
                self.told = event.sequence
                return False, True
            case _:
                return False, False

    def phase(self, instrument: Instrument) -> str:
        """Return the name of the phase."""
        return STATUSES[self.status or instrument.status]

    def shown_status(self, instrument: Instrument) -> MarketStatus:
        """Return the status as the public sees it."""
        return MarketStatus(
            symbol=instrument.symbol,
            sequence=self.changed,
            status=self.phase(instrument),
            cause=STATUS_CAUSES[self.cause],
            limit_state=LIMIT_STATES[self.limit_state],
            band=instrument.price(self.band) if self.band else None,
            until_ns=self.until_ns,
            time_ns=self.time_ns,
        )

    def shown_auction(self, instrument: Instrument, sequence: int) -> Auction:
        """Return the auction as the public sees it at `sequence`."""
        last = self.last
        return Auction(
            symbol=instrument.symbol,
            sequence=sequence,
            phase=self.phase(instrument),
            price=instrument.price(self.price) if self.price else None,
            quantity=instrument.quantity(self.quantity),
            imbalance=instrument.quantity(self.imbalance),
            last=None
            if last is None
            else Uncrossed(
                price=instrument.price(last.price) if last.price else None,
                quantity=instrument.quantity(last.quantity),
                imbalance=instrument.quantity(last.imbalance),
                phase=STATUSES[last.phase],
                sequence=last.sequence,
                time_ns=last.time_ns,
            ),
        )
