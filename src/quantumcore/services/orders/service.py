"""The whole room in one process: the desk that takes orders and the history that shows them."""

from collections.abc import Awaitable, Callable, Iterable

from prometheus_client.core import Metric

from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventLog
from quantumcore.services.orders.desk import OrderDesk
from quantumcore.services.orders.history import OrderHistoryService


class OrdersService:
    """Answers the commands of contracts.orders and the queries of contracts.order_queries. Follows the event log. Tells OrdersChanged."""

    name = "orders"

    def __init__(self, bus: Bus, log: EventLog, database: Database, clock: Clock) -> None:
        self.desk = OrderDesk(bus, log)
        self.history = OrderHistoryService(bus, log, database, clock)

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self.desk.attach()
        self.history.attach()

    async def start(self) -> None:
        """Start the history, then the desk."""
        await self.history.start()
        await self.desk.start()

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name what both run."""
        return [*self.history.tasks(), *self.desk.tasks()]

    def not_ready(self) -> list[str]:
        """Return why answers may be missing or late."""
        return [*self.history.not_ready(), *self.desk.not_ready()]

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what this room looks like."""
        yield from self.history.collect()
        yield from self.desk.collect()

    async def stop(self) -> None:
        """Stop both."""
        await self.desk.stop()
        await self.history.stop()
