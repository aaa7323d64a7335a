"""How the engine says no: a reason, whose limit it was, and the two numbers in the units of the outside world."""

from quantumcore.contracts.reasons import Reason, Scope


class Refusal(Exception):
    """Raised while a command is judged, so before anything changed; the engine turns it into an event.

    Attributes:
        limit, actual: Integers with `decimals` places: a price, a quantity, or money; never ticks, lots or minor units.
        order_sequence, order_slot: The earlier submission or transfer that stands in the way, or 0.
    """

    def __init__(
        self,
        reason: Reason,
        scope: Scope = Scope.NONE,
        *,
        limit: int = 0,
        actual: int = 0,
        decimals: int = 0,
        order_sequence: int = 0,
        order_slot: int = 0,
    ) -> None:
        super().__init__(reason.name)
        self.reason = reason
        self.scope = scope
        self.limit = limit
        self.actual = actual
        self.decimals = decimals
        self.order_sequence = order_sequence
        self.order_slot = order_slot
