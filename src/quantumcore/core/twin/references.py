"""Prices from other markets: the best of them, beside the mark (engine.md section 15)."""

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.core.twin import gate
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.venue import Venue


def set_quote(venue: Venue, command: wire.SetQuote, out: Outbox) -> None:
    """Set the best bid and ask of other markets, or take them away."""
    instrument = venue.instrument(command.instrument)
    for price in (command.bid, command.ask):
        if price:
            gate.check_price(instrument, price, Reason.BAD_MARK)
    outside = venue.books[command.instrument].outside
    outside.bid, outside.ask, outside.quoted_at = command.bid, command.ask, out.time_ns
    out.tell(wire.QuoteChanged, instrument=command.instrument, bid=command.bid, ask=command.ask)
