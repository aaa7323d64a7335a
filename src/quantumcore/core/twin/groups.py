"""Groups of accounts: those of one owner do not trade with each other, whichever account sends the order."""

from quantumcore.contracts import wire
from quantumcore.core.twin.outbox import Outbox
from quantumcore.core.twin.venue import Venue


def set_group(venue: Venue, command: wire.SetGroup, out: Outbox) -> None:
    """Put an account into a group, or with 0 out of every group; what rests unseen may find somebody to trade with now."""
    venue.account(command.account).group = command.group
    venue.touched.update(venue.instruments)
    out.tell(wire.GroupChanged, account=command.account, group=command.group)
