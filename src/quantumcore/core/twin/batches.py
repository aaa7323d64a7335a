"""Submitting a batch of orders of one account, of any instruments, as one act."""

from quantumcore.contracts import wire
from quantumcore.core.twin import acts, content
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.seats import ALONE
from quantumcore.core.twin.venue import Venue


def submit(venue: Venue, command: wire.SubmitOrderBatch, out: Outbox) -> None:
    """Accept all orders of the batch, or none; nothing else ties them to each other."""
    acts.submit(venue, command, content.orders_of(command), out, seat=ALONE)
