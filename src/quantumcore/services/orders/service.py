"""When an order is sent, changed, ended or looked up. The truth is the engine's; here it is asked, translated and shown."""

from collections.abc import Awaitable, Callable, Iterable

from prometheus_client.core import Metric

from quantumcore.contracts.errors import OutcomeUnknown, Unavailable
from quantumcore.contracts.orders import (
    AmendOrder,
    CancelOrder,
    FillPage,
    GetAccountOrders,
    GetAccountUpdates,
    GetFills,
    GetOrder,
    GetOrderEvents,
    MassCancel,
    OrderHistory,
    OrderPage,
    OrderView,
    RebuildOrder,
    SubmitBatch,
    SubmitOrder,
)
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.follower import Follower
from quantumcore.ports.progress import Lag
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.orders import translate
from quantumcore.services.orders.commands import OrderCommands, reached
from quantumcore.services.orders.projection import OrdersProjection
from quantumcore.services.orders.queries import OrderQueries
from quantumcore.services.orders.rebuild import rebuild
from quantumcore.services.orders.views import order_view


class OrdersService:
    """Answers the commands and queries of contracts.orders. Follows the event log. Tells OrdersChanged.

    Attributes:
        commands: What it does with commands, and its counts.
    """

    name = "orders"

    def __init__(self, bus: Bus, log: EventLog, database: Database, clock: Clock) -> None:
        self._bus = bus
        self._log = log
        self._definitions = Definitions(bus)
        self._catalogue = self._definitions.catalogue
        self._projection = OrdersProjection(bus, log, database, self._catalogue)
        self._queries = OrderQueries(database, self._catalogue)
        self._follower = Follower(self.name, log, self._projection.apply)
        self.commands = OrderCommands(bus, log, self._definitions, self._follower, self._queries)
        self._lag = Lag(self._follower, log, clock)
        self._opened = False

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(SubmitOrder, self.commands.submit)
        self._bus.handle(SubmitBatch, self.commands.submit_batch)
        self._bus.handle(AmendOrder, self.commands.amend)
        self._bus.handle(CancelOrder, self.commands.cancel)
        self._bus.handle(MassCancel, self.commands.mass_cancel)
        self._bus.handle(GetOrder, self.get)
        self._bus.handle(GetAccountOrders, self.account_orders)
        self._bus.handle(GetFills, self.fills)
        self._bus.handle(GetOrderEvents, self.order_events)
        self._bus.handle(GetAccountUpdates, self.account_updates)
        self._bus.handle(RebuildOrder, self.rebuild)

    async def start(self) -> None:
        """Read where the tables stand and what may be traded; what is not there yet is read when the projection starts."""
        try:
            await self._open()
        except (Unavailable, OutcomeUnknown):
            self._opened = False  # not_ready says so

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name the projection."""
        return [("orders.projection", self._project)]

    def not_ready(self) -> list[str]:
        """Return why answers may be missing or late."""
        if not self._opened:
            return ["orders: the tables or the definitions have not been read"]
        return self._lag.reasons()

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what this room looks like."""
        yield from self._follower.collect()
        yield counter("qc_orders_submissions", "Submissions by outcome", self.commands.by_outcome, by="outcome")
        yield gauge("qc_orders_live", "Orders kept in memory", len(self._projection.live))

    async def stop(self) -> None:
        """Nothing is held: each part of the log was committed or was not."""

    async def get(self, query: GetOrder) -> OrderView:
        """Return one order; final ones stay readable."""
        await reached(self._follower, query.at_least)
        return await self._queries.get(query)

    async def account_orders(self, query: GetAccountOrders) -> OrderPage:
        """Return a page of an account's orders."""
        await reached(self._follower, query.at_least)
        return await self._queries.orders(query)

    async def fills(self, query: GetFills) -> FillPage:
        """Return a page of an account's fills."""
        await reached(self._follower, query.at_least)
        return await self._queries.fills(query)

    async def order_events(self, query: GetOrderEvents) -> OrderHistory:
        """Return every change of one order."""
        await reached(self._follower, query.at_least)
        return await self._queries.history(query)

    async def account_updates(self, query: GetAccountUpdates) -> OrderHistory:
        """Return what a private stream has missed."""
        self._projection.followed.add(query.account)  # before the reading: what comes after it is told whole
        return await self._queries.updates(query)

    async def rebuild(self, query: RebuildOrder) -> OrderView:
        """Fold one order anew from the event log.

        Raises:
            NotFound: `order.not_found`: no event names it, or it is another account's.
            Corrupted: `order.gap`; the detail names the position.
        """
        name = translate.order_named(query.order_id, self._catalogue.shard)
        order, fills = await rebuild(self._log, name.sequence, self._catalogue)
        if order is None or order.account != query.account or order.slot != name.slot:
            raise translate.not_found()
        return order_view(order, self._catalogue, fills)

    async def _project(self) -> None:
        """Follow the event log for ever."""
        if not self._opened:
            await self._open()
        await self._follower.run()

    async def _open(self) -> None:
        # The definitions first: an order cannot be shown without its instrument's units.
        await self._definitions.refresh()
        self._follower.cursor = await self._projection.open()
        self._lag.restart()
        self._opened = True
