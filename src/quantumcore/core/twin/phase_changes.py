"""From one phase to the next: asked for, by a rule, or because a call's time is over."""

from quantumcore.contracts import wire
from quantumcore.core.twin import closing, codes, expiry, phases
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.uncross import uncross
from quantumcore.core.twin.venue import Venue

_ENDS_A_CALL = codes.DAY_IS_OVER | {codes.CONTINUOUS, codes.CLOSING_CROSS}


def set_status(venue: Venue, command: wire.SetInstrumentStatus, out: Outbox) -> None:
    """Bring an instrument into the phase that is asked for."""
    venue.instrument(command.instrument)
    change(venue, command.instrument, command.status, codes.ASKED, out)


def change(venue: Venue, number: int, status: int, cause: int, out: Outbox) -> None:
    """End one phase with what it owes, begin the other."""
    before = venue.status(number)
    if before == codes.CLOSING_CROSS != status:
        closing.end(venue, number, out)
    if before != status == codes.CONTINUOUS or (before in codes.CALLS and status in _ENDS_A_CALL):
        uncross(venue, number, out)
        if before == codes.CLOSING_CALL:
            closing.set_reference(venue, number, venue.books[number].last_price, out)
    phases.enter_phase(venue, number, status, cause, out)
    if status in codes.DAY_IS_OVER:
        expiry.end_day(venue, number, out)


def pass_time(venue: Venue, out: Outbox) -> None:
    """End the limit states and calls whose time has come, the longest overdue first."""
    for until_ns, number, status, cause in sorted(_ends(venue)):
        if until_ns <= out.time_ns:
            change(venue, number, status, cause, out)


def deadlines(venue: Venue) -> list[int]:
    """Return every instant at which a limit state or a call ends by itself."""
    return [until_ns for until_ns, *_ in _ends(venue)]


def _ends(venue: Venue) -> list[tuple[int, int, int, int]]:
    """Return (when, instrument, the phase that then begins, its cause) of whatever time ends."""
    ends = []
    for number, regime in venue.regimes.items():
        if regime.limit_state is not None:
            ends.append((regime.limit_state.until_ns, number, codes.VOLATILITY_CALL, codes.BAND))
        elif regime.call_until is not None:
            ends.append((regime.call_until, number, codes.CONTINUOUS, codes.CALL_OVER))
    return ends
