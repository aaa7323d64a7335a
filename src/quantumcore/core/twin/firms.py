"""Firms: the clearing member that answers for an account."""

from quantumcore.contracts import wire
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.venue import Venue


def set_firm(venue: Venue, command: wire.SetFirm, out: Outbox) -> None:
    """Put an account under a firm, or with 0 under none; what works goes on."""
    venue.account(command.account).firm = command.firm
    out.tell(wire.FirmChanged, account=command.account, firm=command.firm)
