"""What became of orders: the event log as tables, looked up, resumed from and folded anew."""

from collections.abc import Awaitable, Callable, Iterable

from prometheus_client.core import Metric

from quantumcore.contracts.errors import Conflict, Unavailable
from quantumcore.contracts.matching import GetQueueAhead
from quantumcore.contracts.order_queries import (
    FillPage,
    GetAccountOrders,
    GetAccountUpdates,
    GetFills,
    GetOrder,
    GetOrderAsOf,
    GetOrderEvents,
    GetQueuePosition,
    OrderHistory,
    OrderPage,
    QueuePlace,
    RebuildOrder,
)
from quantumcore.contracts.orders import OrderView
from quantumcore.contracts.values import OrderId
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.follower import Follower
from quantumcore.ports.following import Following
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.orders import translate
from quantumcore.services.orders.projection import OrdersProjection
from quantumcore.services.orders.queries import OrderQueries
from quantumcore.services.orders.rebuild import rebuild
from quantumcore.services.orders.views import order_view


class OrderHistoryService:
    """Answers the queries of contracts.order_queries. Follows the event log. Tells OrdersChanged.

    Attributes:
        projection: What it makes of the event log.
        follower: How far it is.
    """

    name = "orders"

    def __init__(self, bus: Bus, log: EventLog, database: Database, clock: Clock) -> None:
        self._bus = bus
        self._log = log
        self._definitions = Definitions(bus)
        self._catalogue = self._definitions.catalogue
        self.projection = OrdersProjection(bus, log, database, self._catalogue)
        self.follower = Follower(self.name, log, self.projection.apply)
        self._queries = OrderQueries(database, self._catalogue)
        self._following = Following(self.follower, log, clock, self._definitions, self.projection.open)

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(GetOrder, self.get)
        self._bus.handle(GetOrderAsOf, self.as_of)
        self._bus.handle(GetAccountOrders, self.account_orders)
        self._bus.handle(GetFills, self.fills)
        self._bus.handle(GetOrderEvents, self.order_events)
        self._bus.handle(GetAccountUpdates, self.account_updates)
        self._bus.handle(RebuildOrder, self.rebuild)
        self._bus.handle(GetQueuePosition, self.queue_position)

    async def start(self) -> None:
        """Open the tables."""
        await self._following.start()

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name the projection."""
        return self._following.tasks()

    def not_ready(self) -> list[str]:
        """Return why answers may be missing or late."""
        return self._following.not_ready()

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how far the tables are."""
        yield from self.follower.collect()
        yield counter(
            "qc_orders_ended",
            "Orders cancelled or expired, by the code that says why",
            self.projection.ended,
            by="code",
        )
        yield gauge("qc_orders_live", "Orders kept in memory", len(self.projection.live))

    async def stop(self) -> None:
        """Nothing is held: each part of the log was committed or was not."""

    async def get(self, query: GetOrder) -> OrderView:
        """Return one order; final ones stay readable."""
        await self._following.reached(query.at_least)
        return await self._queries.get(query)

    async def as_of(self, query: GetOrderAsOf) -> OrderView:
        """Return one order as it stands at a sequence or later.

        Raises:
            Unavailable: `orders.behind`: the tables are not there yet, or do not have it.
        """
        if await self._following.reached(query.at_least) >= query.at_least:
            view = await self._queries.shown(query.account, (query.order_sequence, query.order_slot))
            if view is not None:
                return view
        raise Unavailable("orders.behind", f"order {query.order_sequence} cannot be read yet", retry_after=1)

    async def account_orders(self, query: GetAccountOrders) -> OrderPage:
        """Return a page of an account's orders."""
        await self._following.reached(query.at_least)
        return await self._queries.orders(query)

    async def fills(self, query: GetFills) -> FillPage:
        """Return a page of an account's fills."""
        await self._following.reached(query.at_least)
        return await self._queries.fills(query)

    async def order_events(self, query: GetOrderEvents) -> OrderHistory:
        """Return every change of one order."""
        await self._following.reached(query.at_least)
        return await self._queries.history(query)

    async def account_updates(self, query: GetAccountUpdates) -> OrderHistory:
        """Return what a private stream has missed."""
        self.projection.followed.add(query.account)  # before the reading: what comes after it is told whole
        return await self._queries.updates(query)

    async def queue_position(self, query: GetQueuePosition) -> QueuePlace:
        """Return where an order stands in the queue of its price, as the engine has it now.

        Raises:
            NotFound: `order.not_found`.
            Conflict: `order.already_final`, also when it ended meanwhile: the engine answers `order.not_found` then.
        """
        await self._following.reached(query.at_least)
        found = await self._queries.get(
            GetOrder(account=query.account, order_id=query.order_id, client_order_id=query.client_order_id)
        )
        name, instrument = OrderId.parse(found.order_id), self._catalogue.symbols.get(found.symbol)
        if name is None or instrument is None or found.status not in ("new", "partially_filled"):
            raise Conflict("order.already_final", f"the order is {found.status}: it stands in no queue")
        ahead = await self._bus.request(GetQueueAhead(order_sequence=name.sequence, order_slot=name.slot))
        return QueuePlace(
            order_id=found.order_id,
            sequence=ahead.sequence,
            price=instrument.price(ahead.price),
            position=ahead.orders + 1,
            orders_ahead=max(ahead.orders, 0),
            quantity_ahead=instrument.quantity(ahead.quantity),
        )

    async def rebuild(self, query: RebuildOrder) -> OrderView:
        """Fold one order anew from the event log.

        Raises:
            NotFound: `order.not_found`: no event names it, or it is another account's.
            Corrupted: `order.gap`; the detail names the position.
        """
        name = translate.order_named(query.order_id, self._catalogue.shard)
        order, fills = await rebuild(self._log, (name.sequence, name.slot), self._catalogue, busts=True)
        if order is None or order.account != query.account:
            raise translate.not_found()
        return order_view(order, self._catalogue, fills)
