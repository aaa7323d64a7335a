"""What changes orders: one request to the engine each, and the answer from the events that come back."""

from collections import Counter
from collections.abc import Awaitable, Coroutine
from functools import partial
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.errors import (
    Corrupted,
    NotFound,
    OutcomeUnknown,
    QuantumCoreError,
    Refused,
    Unavailable,
    invalid,
)
from quantumcore.contracts.matching import Sequence, SequenceBatch, Sequenced
from quantumcore.contracts.orders import (
    AmendOrder,
    BatchResult,
    CancelOrder,
    ErrorView,
    GetOrderAsOf,
    MassCancel,
    MassCancelled,
    OrderView,
    SubmitBatch,
    SubmitOrder,
)
from quantumcore.contracts.values import OrderId
from quantumcore.ports.bus import Bus
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventLog
from quantumcore.services.orders import answers, translate
from quantumcore.services.orders.rebuild import LOOK_UP_S, appended, events_at, rebuild
from quantumcore.services.orders.views import order_view

MAX_BATCH = 100


class OrderCommands:
    """Submitting needs matching and, for a repeat, the event log; never the database.

    Attributes:
        counts: Submissions by (outcome, reason code): bounded, for there are few reasons; ("repeat", "") for first
            answers given again, ("rebuilt", "") for cancels and amendments answered from the log.
    """

    def __init__(self, bus: Bus, log: EventLog, definitions: Definitions) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._bus = bus
        self._log = log
        self._definitions = definitions
        self._catalogue = definitions.catalogue

    @property
    def by_outcome(self) -> Counter[str]:
        """Submissions by outcome alone."""
        counts: Counter[str] = Counter()
        for (outcome, _), count in self.counts.items():
            counts[outcome] += count
        return counts

    def submit(self, order: SubmitOrder) -> Awaitable[OrderView]:
        """Send one order to the engine and show what became of it at once.

        An order on a known instrument waits for the engine alone, which needs no task: its future is enough.

        Raises:
            InvalidCommand: Wrong shape; nothing was sent.
            Conflict: `idempotency.mismatch`: the id names another order of this account.
            Unavailable: Nothing happened.
            OutcomeUnknown: Ask again with the same id.
        """
        instrument = self._catalogue.symbols.get(order.symbol)
        if instrument is None:
            return self._submit_unknown(order)
        command = translate.submission(order, instrument.number).encode()
        return self._bus.ask(Sequence(command=command), partial(self._shown, order))

    async def _submit_unknown(self, order: SubmitOrder) -> OrderView:
        command = await self._submission(order)
        return await self._submitted(order, await self._bus.request(Sequence(command=command)))

    async def submit_batch(self, batch: SubmitBatch) -> BatchResult:
        """Send up to MAX_BATCH orders as one; each is answered by itself.

        Raises:
            InvalidCommand: None or too many.
            Unavailable, OutcomeUnknown: As `submit`, for all of them.
        """
        if not 1 <= len(batch.orders) <= MAX_BATCH:
            raise invalid(
                "range",
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
        shown = self._shown(order, outcome)
        return shown if isinstance(shown, OrderView) else await shown

    def _shown(self, order: SubmitOrder, outcome: Sequenced) -> OrderView | Coroutine[Any, Any, OrderView]:
        """As `_submitted`; only a repeat has something to wait for."""
        try:
            view = answers.submitted(wire.decode_events(outcome.events), self._catalogue, order.symbol)
        except QuantumCoreError as error:
            self.counts["refused", error.code] += 1
            raise
        if isinstance(view, wire.CommandDone):
            self.counts["repeat", ""] += 1
            return self._first_answer(order, view.order_sequence)
        self.counts["rejected" if view.status == "rejected" else "accepted", view.reason or ""] += 1
        return view

    async def _first_answer(self, order: SubmitOrder, sequence: int) -> OrderView:
        first = await events_at(self._log, sequence)
        return answers.first_answer(first, sequence, self._catalogue, order.symbol)

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
            return await self._bus.request(
                GetOrderAsOf(account=account, order_sequence=order_sequence, at_least=sequence), deadline_s=LOOK_UP_S
            )
        except (Unavailable, OutcomeUnknown):
            self.counts["rebuilt", ""] += 1
        await appended(self._log, sequence)
        order, fills = await rebuild(self._log, order_sequence, self._catalogue)
        if order is None:
            raise Corrupted("order.gap", f"no order begins at {order_sequence}")
        return order_view(order, self._catalogue, fills)


def error_view(error: QuantumCoreError) -> ErrorView:
    """Return `error` as a value."""
    return ErrorView(error.code, error.detail, error.status, error.field, error.limit, error.actual)
