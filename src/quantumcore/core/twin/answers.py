"""The plain answer to a command that is done, and how it was."""

from quantumcore.contracts import wire
from quantumcore.core.twin.outbox import Outbox

DONE, REPEAT, ALREADY_CANCELLED = 0, 1, 2


def tell_done(
    command: wire.Command,
    out: Outbox,
    *,
    outcome: int = DONE,
    count: int = 0,
    order_sequence: int = 0,
    order_slot: int = 0,
) -> None:
    """Tell that `command` is done; a repeat names the sequence of the first answer."""
    out.tell(
        wire.CommandDone,
        instrument=command.instrument,
        account=command.account,
        command=command.KIND,
        outcome=outcome,
        count=count,
        order_sequence=order_sequence,
        order_slot=order_slot,
    )
