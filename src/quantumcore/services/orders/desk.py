"""Where orders are sent, changed and ended. The truth is the engine's; here it is asked and its answer translated."""

from collections.abc import Awaitable, Callable, Iterable

from prometheus_client.core import Metric

from quantumcore.contracts.errors import OutcomeUnknown, Unavailable
from quantumcore.contracts.orders import (
    AmendOrder,
    BustTrade,
    CancelAllAfter,
    CancelOrder,
    EndSession,
    MassCancel,
    SubmitBatch,
    SubmitLinked,
    SubmitOrder,
)
from quantumcore.contracts.orders_preview import PreviewOrder
from quantumcore.ports.bus import Bus
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.telemetry import counter
from quantumcore.services.orders.busts import TradeBusts
from quantumcore.services.orders.commands import OrderCommands
from quantumcore.services.orders.previews import OrderPreviews


class OrderDesk:
    """Answers the commands of contracts.orders and PreviewOrder; keeps nothing, so nothing can be behind.

    Attributes:
        commands: What it does with commands, and its counts.
    """

    name = "orders"

    def __init__(self, bus: Bus, log: EventLog) -> None:
        self._bus = bus
        self._definitions = Definitions(bus)
        self.commands = OrderCommands(bus, log, self._definitions)
        self._previews = OrderPreviews(bus, self.commands, self._definitions.catalogue)
        self._busts = TradeBusts(bus, log, self._definitions)

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(SubmitOrder, self.commands.submit)
        self._bus.handle(SubmitBatch, self.commands.submit_batch)
        self._bus.handle(AmendOrder, self.commands.amend)
        self._bus.handle(CancelOrder, self.commands.cancel)
        self._bus.handle(MassCancel, self.commands.mass_cancel)
        self._bus.handle(SubmitLinked, self.commands.submit_linked)
        self._bus.handle(CancelAllAfter, self.commands.cancel_all_after)
        self._bus.handle(EndSession, self.commands.end_session)
        self._bus.handle(BustTrade, self._busts.bust)
        self._bus.handle(PreviewOrder, self._previews.preview)

    async def start(self) -> None:
        """Read what may be traded; what is not known yet is asked when an order names it."""
        try:
            await self._definitions.refresh()
        except (Unavailable, OutcomeUnknown):
            return  # an order asks again

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Nothing runs by itself."""
        return []

    def not_ready(self) -> list[str]:
        """Return nothing: matching says whether orders can be taken."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what became of submissions."""
        yield counter("qc_orders_submissions", "Submissions by outcome", self.commands.by_outcome, by="outcome")
        yield counter(
            "qc_orders_refusals",
            "Submissions that were rejected or refused, by the code that says why",
            self.commands.by_reason,
            by="code",
        )

    async def stop(self) -> None:
        """Nothing is held."""
