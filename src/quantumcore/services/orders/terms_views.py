"""An order's further terms as clients see them."""

from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.terms import LINK_ROLES, LINKS, PEGS, TRAIL_UNITS, TRIGGERS, LinkView, TermsView
from quantumcore.contracts.values import OrderId, Scaled, show
from quantumcore.services.orders.terms import (
    ALL_OR_NONE,
    CANCEL_ON_DISCONNECT,
    HIDDEN,
    REDUCE_ONLY,
    SHORT_EXEMPT,
    SLIDE,
    Terms,
    Waiting,
)

WAITING_NAMES: dict[int, str | None] = {one: one.name.lower() if one else None for one in Waiting}
TRIGGER_NAMES = {number: name for name, number in TRIGGERS.items()}
TRAIL_UNIT_NAMES = {number: name for name, number in TRAIL_UNITS.items()}
PEG_NAMES = {number: name for name, number in PEGS.items()}
LINK_NAMES = {number: name for name, number in LINKS.items()}
PERCENT_PLACES = 6  # 10^-8 of the whole is 10^-6 of a percent
BY_RATE, BY_TICKS = 2, 3


def terms_view(terms: Terms, instrument: Instrument) -> TermsView:
    """Return `terms` in outside units."""

    def price(ticks: int) -> str | None:
        return instrument.price(ticks) if ticks else None

    def quantity(lots: int) -> str | None:
        return instrument.quantity(lots) if lots else None

    return TermsView(
        stop_price=price(terms.stop_price),
        trigger=TRIGGER_NAMES.get(terms.trigger) if terms.stop_price or terms.trail else None,
        trail=_trail(terms, instrument) if terms.trail else None,
        trail_unit=TRAIL_UNIT_NAMES.get(terms.trail_unit) if terms.trail else None,
        limit_offset=price(terms.offset) if not terms.peg else None,
        display=quantity(terms.display),
        display_range=quantity(terms.display_range),
        refills=terms.refills,
        min_quantity=quantity(terms.min_quantity),
        hidden=bool(terms.flags & HIDDEN),
        all_or_none=bool(terms.flags & ALL_OR_NONE),
        reduce_only=bool(terms.flags & REDUCE_ONLY),
        slide=bool(terms.flags & SLIDE),
        cancel_on_disconnect=bool(terms.flags & CANCEL_ON_DISCONNECT),
        short_exempt=bool(terms.flags & SHORT_EXEMPT),
        peg=PEG_NAMES.get(terms.peg),
        peg_offset=instrument.price(terms.offset) if terms.peg else None,
        working_price=price(terms.working_price),
        budget=instrument.quote.show(terms.budget) if terms.budget else None,
        expires_ns=terms.expires_ns,
    )


def link_view(terms: Terms, sequence: int, shard: int) -> LinkView:
    """Return whose fate an order of `sequence` shares."""
    ids = [OrderId(shard, sequence, slot).text() for slot in terms.members]
    return LinkView(LINK_NAMES[terms.link], LINK_ROLES[terms.link][terms.member], ids)


def _trail(terms: Terms, instrument: Instrument) -> str:
    if terms.trail_unit == BY_RATE:
        return Scaled.parse(show(terms.trail, PERCENT_PLACES), "trail").text()
    return str(terms.trail) if terms.trail_unit == BY_TICKS else instrument.price(terms.trail)
