"""What a command sets off: triggers, minimums, pegs, linked orders, until nothing is left to do (orders.md section 2).

Each step does one thing for one instrument and says whether it did; then all begin again with the first. It ends: an order
triggers once, and every other act trades, ends an order, or moves one to where it then belongs.
"""

from collections.abc import Callable

from quantumcore.core.twin import bands, closing, pegs, protections, retries, triggers, uncross
from quantumcore.core.twin.freed import free_one
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.venue import Venue

Step = Callable[[Venue, int, Outbox], bool]
STEPS: tuple[Step, ...] = (closing.cross, triggers.step, retries.retry, pegs.move, free_one, bands.lift)


def run(venue: Venue, out: Outbox) -> None:
    """Do what is due in every instrument that the command touched, in ascending order; who tripped is paused before anything else."""
    _pause(venue, out)
    while venue.touched:
        number = min(venue.touched)
        venue.touched.discard(number)
        while any(step(venue, number, out) for step in STEPS):
            _pause(venue, out)
        uncross.tell_indicative(venue, number, out)


def _pause(venue: Venue, out: Outbox) -> None:
    """Pause who tripped, once the act that did it is over: what is due in a cross belongs to it."""
    for number in sorted(venue.touched):
        closing.run(venue, number, out)
    protections.act(venue, out)
