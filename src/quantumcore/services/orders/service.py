"""When an order is sent, changed, ended or looked up. The truth is the engine's; here it is asked, translated and shown."""

from collections import Counter
from collections.abc import Awaitable, Callable

from quantumcore.contracts import wire
from quantumcore.contracts.errors import (
    Corrupted,
    InvalidCommand,
    NotFound,
    OutcomeUnknown,
    QuantumCoreError,
    Refused,
    Unavailable,
)
from quantumcore.contracts.matching import Sequence, SequenceBatch, Sequenced
from quantumcore.contracts.orders import (
    AmendOrder,
    BatchResult,
    CancelOrder,
    ErrorView,
    FillPage,
    GetAccountOrders,
    GetAccountUpdates,
    GetFills,
    GetOrder,
    GetOrderEvents,
    MassCancel,
    MassCancelled,
    OrderHistory,
    OrderPage,
    OrderView,
    RebuildOrder,
    SubmitBatch,
    SubmitOrder,
)
from quantumcore.contracts.values import OrderId
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.follower import Follower
from quantumcore.ports.progress import Lag
from quantumcore.services.orders import answers, translate
from quantumcore.services.orders.projection import OrdersProjection
from quantumcore.services.orders.queries import OrderQueries
from quantumcore.services.orders.rebuild import appended, events_at, rebuild
from quantumcore.services.orders.views import order_view

MAX_BATCH = 100


class OrdersService:
    """Answers the commands and queries of contracts.orders. Follows the event log. Tells OrdersChanged.

    Submitting needs matching and, for a repeat, the event log; never the database.

    Attributes:
        counts: Submissions by (outcome, reason code): bounded, for there are few reasons; and ("repeat", "").
    """

    name = "orders"

    def __init__(self, bus: Bus, log: EventLog, database: Database, clock: Clock) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._bus = bus
        self._log = log
        self._definitions = Definitions(bus)
        self._catalogue = self._definitions.catalogue
        self._projection = OrdersProjection(bus, log, database, self._catalogue)
        self._queries = OrderQueries(database, self._catalogue)
        self._follower = Follower(self.name, log, self._projection.apply)
        self._lag = Lag(self._follower, log, clock)
        self._opened = False

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(SubmitOrder, self.submit)
        self._bus.handle(SubmitBatch, self.submit_batch)
        self._bus.handle(AmendOrder, self.amend)
        self._bus.handle(CancelOrder, self.cancel)
        self._bus.handle(MassCancel, self.mass_cancel)
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

    async def stop(self) -> None:
        """Nothing is held: each part of the log was committed or was not."""

    # ------------------------------------------------------------------------------------------- commands

    async def submit(self, order: SubmitOrder) -> OrderView:
        """Send one order to the engine and show what became of it at once.

        Raises:
            InvalidCommand: Wrong shape; nothing was sent.
            Conflict: `idempotency.mismatch`: the id names another order of this account.
            Unavailable: Nothing happened.
            OutcomeUnknown: Ask again with the same id.
        """
        command = await self._submission(order)
        return await self._submitted(order, await self._bus.request(Sequence(command=command)))

    async def submit_batch(self, batch: SubmitBatch) -> BatchResult:
        """Send up to MAX_BATCH orders as one; each is answered by itself.

        Raises:
            InvalidCommand: None or too many.
            Unavailable, OutcomeUnknown: As `submit`, for all of them.
        """
        if not 1 <= len(batch.orders) <= MAX_BATCH:
            raise InvalidCommand(
                "request.invalid",
                f"a batch has 1 to {MAX_BATCH} orders",
                field="orders",
                limit=str(MAX_BATCH),
                actual=str(len(batch.orders)),
            )
        items: list[OrderView | ErrorView | None] = [None] * len(batch.orders)
        commands: dict[int, bytes] = {}
        for at, order in enumerate(batch.orders):
            try:
                commands[at] = await self._submission(order)
            except Refused as error:
                items[at] = error_view(error)
        if commands:
            answer = await self._bus.request(SequenceBatch(commands=list(commands.values())))
            for at, outcome in zip(commands, answer.outcomes, strict=True):
                try:
                    items[at] = await self._submitted(batch.orders[at], outcome)
                except QuantumCoreError as error:
                    items[at] = error_view(error)
        return BatchResult([item for item in items if item is not None])

    async def amend(self, amend: AmendOrder) -> OrderView:
        """Change price or total quantity as one act; a refused amendment leaves the order as it was.

        Raises:
            InvalidCommand: Wrong shape, or a price or quantity the instrument does not have.
            NotFound: `order.not_found`.
            Conflict: `order.already_filled`, `order.already_final`, or the reason of a check, with limit and actual.
        """
        command = translate.replacement(amend, self._catalogue.shard)
        outcome = await self._bus.request(Sequence(command=command.encode()))
        return await self._changed(amend.account, outcome)

    async def cancel(self, cancel: CancelOrder) -> OrderView:
        """End an order; one that is cancelled already is shown as it is.

        Raises:
            NotFound: `order.not_found`.
            Conflict: `order.already_filled`, `order.already_final`.
        """
        command = translate.cancellation(cancel, self._catalogue.shard)
        outcome = await self._bus.request(Sequence(command=command.encode(), cancel=True))
        return await self._changed(cancel.account, outcome)

    async def mass_cancel(self, cancel: MassCancel) -> MassCancelled:
        """End the account's working orders that fit, and no one else's.

        Raises:
            NotFound: `instrument.not_found`, `account.not_found`.
        """
        number = 0
        if cancel.symbol:
            instrument = await self._definitions.instrument(translate.check_symbol(cancel.symbol))
            if instrument is None:
                raise NotFound("instrument.not_found", f"instrument {cancel.symbol!r} not found", field="symbol")
            number = instrument.number
        command = translate.mass_cancellation(cancel, number)
        outcome = await self._bus.request(Sequence(command=command.encode(), cancel=True))
        events = wire.decode_events(outcome.events)
        if isinstance(events[0], wire.CommandRefused):
            error = answers.refusal(events[0], self._catalogue.shard)
            raise NotFound("account.not_found", "account not found") if error.code == "order.not_found" else error
        ids = [
            OrderId(self._catalogue.shard, event.order_sequence, event.order_slot).text()
            for event in events
            if isinstance(event, wire.OrderCancelled)
        ]
        return MassCancelled(outcome.sequence, ids)

    # -------------------------------------------------------------------------------------------- queries

    async def get(self, query: GetOrder) -> OrderView:
        """Return one order; final ones stay readable."""
        await self._reached(query.at_least)
        return await self._queries.get(query)

    async def account_orders(self, query: GetAccountOrders) -> OrderPage:
        """Return a page of an account's orders."""
        await self._reached(query.at_least)
        return await self._queries.orders(query)

    async def fills(self, query: GetFills) -> FillPage:
        """Return a page of an account's fills."""
        await self._reached(query.at_least)
        return await self._queries.fills(query)

    async def order_events(self, query: GetOrderEvents) -> OrderHistory:
        """Return every change of one order."""
        await self._reached(query.at_least)
        return await self._queries.history(query)

    async def account_updates(self, query: GetAccountUpdates) -> OrderHistory:
        """Return what a private stream has missed."""
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

    # ------------------------------------------------------------------------------------------- at work

    async def _submission(self, order: SubmitOrder) -> bytes:
        """Return the engine's command for `order`."""
        instrument = self._catalogue.symbols.get(order.symbol)
        if instrument is None:
            translate.check_symbol(order.symbol)
            unknown = translate.submission(
                order, translate.UNKNOWN_INSTRUMENT
            )  # shape first: a bad request asks nobody
            instrument = await self._definitions.instrument(order.symbol)
            if instrument is None:
                return unknown.encode()
        return translate.submission(order, instrument.number).encode()

    async def _submitted(self, order: SubmitOrder, outcome: Sequenced) -> OrderView:
        """Return the answer to a submission from its events, or the first answer again when it is a repeat."""
        try:
            view = answers.submitted(wire.decode_events(outcome.events), self._catalogue, order.symbol)
        except QuantumCoreError as error:
            self.counts["refused", error.code] += 1
            raise
        if isinstance(view, wire.CommandDone):
            self.counts["repeat", ""] += 1
            first = await events_at(self._log, view.order_sequence)
            return answers.first_answer(first, view.order_sequence, self._catalogue, order.symbol)
        self.counts["rejected" if view.status == "rejected" else "accepted", view.reason or ""] += 1
        return view

    async def _changed(self, account: int, outcome: Sequenced) -> OrderView:
        """Return the order that a cancel or an amendment changed, or raise why it did not."""
        events = wire.decode_events(outcome.events)
        first = events[0]
        if isinstance(first, wire.CommandRefused):
            raise answers.refusal(first, self._catalogue.shard)
        if not isinstance(first, wire.OrderCancelled | wire.OrderReplaced | wire.CommandDone):
            raise Corrupted("corrupted", f"{type(first).__name__} at {first.sequence}.0 answers no cancel or amendment")
        return await self._order_after(account, first.order_sequence, outcome.sequence)

    async def _order_after(self, account: int, order_sequence: int, sequence: int) -> OrderView:
        """Return the order as it stands at `sequence` or later: from the tables, or from the log when these are late or gone."""
        try:
            if await self._reached(sequence) >= sequence:
                view = await self._queries.shown(account, order_sequence)
                if view is not None:
                    return view
        except Unavailable:
            self.counts["rebuilt", ""] += 1
        await appended(self._log, sequence)
        order, fills = await rebuild(self._log, order_sequence, self._catalogue)
        if order is None:
            raise Corrupted("order.gap", f"no order begins at {order_sequence}")
        return order_view(order, self._catalogue, fills)

    async def _reached(self, sequence: int) -> int:
        cursor = self._follower.cursor
        return cursor if cursor >= sequence else await self._follower.reached(sequence)

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


def error_view(error: QuantumCoreError) -> ErrorView:
    """Return `error` as a value."""
    return ErrorView(error.code, error.detail, error.status, error.field, error.limit, error.actual)
