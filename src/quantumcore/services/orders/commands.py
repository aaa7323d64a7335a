"""What changes orders: one request to the engine each, and the answer from the events that come back."""

from collections import Counter
from collections.abc import Awaitable, Coroutine
from functools import partial
from typing import Any

import msgspec

from quantumcore.contracts import wire
from quantumcore.contracts.errors import (
    Corrupted,
    NotFound,
    OutcomeUnknown,
    QuantumCoreError,
    Refused,
    Unavailable,
    invalid,
    naming,
)
from quantumcore.contracts.matching import GetSessionEnd, Sequence, SequenceBatch, Sequenced
from quantumcore.contracts.order_queries import GetOrderAsOf
from quantumcore.contracts.orders import (
    MAX_CANCEL_AFTER_S,
    AmendOrder,
    BatchResult,
    CancelAllAfter,
    CancelOrder,
    CancelTimer,
    EndSession,
    ErrorView,
    LinkedResult,
    MassCancel,
    MassCancelled,
    OrderView,
    SessionEnded,
    SubmitBatch,
    SubmitLinked,
    SubmitOrder,
)
from quantumcore.contracts.terms import LINK_ROLES, LINKS
from quantumcore.contracts.values import OrderId
from quantumcore.ports.bus import Bus
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventLog
from quantumcore.services.orders import answers, translate
from quantumcore.services.orders.domain import Name
from quantumcore.services.orders.rebuild import LOOK_UP_S, appended, events_at, rebuild
from quantumcore.services.orders.terms_sent import choice
from quantumcore.services.orders.views import order_view

MAX_BATCH = wire.SubmitOrderBatch.MOST


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

    @property
    def by_reason(self) -> Counter[str]:
        """Submissions that did not become a working order, by the code that says why."""
        return Counter(
            {reason: count for (outcome, reason), count in self.counts.items() if outcome in ("rejected", "refused")}
        )

    def submit(self, order: SubmitOrder) -> Awaitable[OrderView]:
        """Send one order to the engine and show what became of it at once.

        An order on a known instrument that names no date waits for the engine alone, which needs no task: its future
        is enough.

        Raises:
            InvalidCommand: Wrong shape; nothing was sent.
            Conflict: `idempotency.mismatch`: the id names another order of this account.
            Unavailable: Nothing happened.
            OutcomeUnknown: Ask again with the same id.
        """
        instrument = self._catalogue.symbols.get(order.symbol)
        if instrument is None or (order.terms is not None and order.terms.expires_on):
            return self._submit_late(order)
        command = translate.submission(order, instrument.number).encode()
        return self._bus.ask(Sequence(command=command), partial(self._shown_one, order))

    async def _submit_late(self, order: SubmitOrder) -> OrderView:
        command = await self.submission(order)
        outcome = await self._bus.request(Sequence(command=command.encode()))
        return (await self._submitted([order], outcome))[0]

    async def submit_linked(self, group: SubmitLinked) -> LinkedResult:
        """Send linked orders as one command; all are accepted or all rejected.

        Raises:
            InvalidCommand: Wrong shape, or a number of orders that the link has not; nothing was sent.
            Conflict, Unavailable, OutcomeUnknown: As `submit`.
        """
        link = choice(LINKS, group.link, "link")
        wanted = len(LINK_ROLES[link])
        if len(group.orders) != wanted:
            detail = f"{group.link} links {wanted} orders"
            raise invalid("range", detail, field="orders", limit=str(wanted), actual=str(len(group.orders)))
        members = [await self._member(order, place) for place, order in enumerate(group.orders)]
        return LinkedResult(await self._as_one(translate.linked(link, members), group.orders))

    async def submit_batch(self, batch: SubmitBatch) -> BatchResult:
        """Send up to MAX_BATCH orders in one request; each is answered by itself, unless the batch is atomic.

        Raises:
            InvalidCommand: None or too many; of an atomic one, also when one has a wrong shape: nothing was sent.
            Conflict: Of an atomic one, as `submit`.
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
        if batch.atomic:
            members = [await self._member(order, place) for place, order in enumerate(batch.orders)]
            together = await self._as_one(translate.batch(members), batch.orders)
            return BatchResult([*together])
        items: list[OrderView | ErrorView | None] = [None] * len(batch.orders)
        commands: dict[int, bytes] = {}
        for at, order in enumerate(batch.orders):
            try:
                commands[at] = (await self.submission(order)).encode()
            except Refused as error:
                items[at] = error_view(error)
        if commands:
            answer = await self._bus.request(SequenceBatch(commands=list(commands.values())))
            for at, outcome in zip(commands, answer.outcomes, strict=True):
                try:
                    items[at] = (await self._submitted([batch.orders[at]], outcome))[0]
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
        ids = [
            OrderId(self._catalogue.shard, event.order_sequence, event.order_slot).text()
            for event in self._account_events(outcome)
            if isinstance(event, wire.OrderCancelled)
        ]
        return MassCancelled(outcome.sequence, ids)

    async def cancel_all_after(self, timer: CancelAllAfter) -> CancelTimer:
        """Arm, re-arm or disarm the account's dead-man switch.

        Raises:
            InvalidCommand: timeout_s is not 0 to MAX_CANCEL_AFTER_S.
            NotFound: `account.not_found`.
        """
        if not 0 <= timer.timeout_s <= MAX_CANCEL_AFTER_S:
            detail = f"timeout_s must be 0 to {MAX_CANCEL_AFTER_S}"
            limit, actual = str(MAX_CANCEL_AFTER_S), str(timer.timeout_s)[:64]
            raise invalid("range", detail, field="timeout_s", limit=limit, actual=actual)
        account = translate.check_account(timer.account)
        command = wire.CancelAllAfter(account=account, timeout_ns=timer.timeout_s * 1_000_000_000)
        outcome = await self._bus.request(Sequence(command=command.encode()))
        for event in self._account_events(outcome):
            if isinstance(event, wire.CancelTimerSet):
                return CancelTimer(outcome.sequence, event.deadline_ns)
        raise Corrupted("corrupted", f"no timer was set at {outcome.sequence}")

    async def end_session(self, ended: EndSession) -> SessionEnded:
        """End the orders of a connection that asked for it.

        Raises:
            NotFound: `account.not_found`.
        """
        command = wire.EndSession(
            account=translate.check_account(ended.account), session=translate.check_session(ended.session)
        )
        outcome = await self._bus.request(Sequence(command=command.encode(), cancel=True))
        gone = [event for event in self._account_events(outcome) if isinstance(event, wire.OrderCancelled)]
        return SessionEnded(outcome.sequence, len(gone))

    async def submission(self, order: SubmitOrder) -> wire.SubmitOrder:
        """Return the engine's command for `order`.

        Raises:
            InvalidCommand: Wrong shape.
            NotFound: `instrument.not_found`, of an order for a date.
        """
        if order.terms is not None and order.terms.expires_on:
            order = await self._dated(order)
        instrument = self._catalogue.symbols.get(order.symbol)
        if instrument is None:
            translate.check_symbol(order.symbol)
            unknown = translate.submission(
                order, translate.UNKNOWN_INSTRUMENT
            )  # shape first: a bad request asks nobody
            instrument = await self._definitions.instrument(order.symbol)
            if instrument is None:
                return unknown
        return translate.submission(order, instrument.number)

    async def _member(self, order: SubmitOrder, place: int) -> wire.SubmitOrder:
        """As `submission`, of an order that fails with all of its act: the error says which one it is."""
        with naming(f"orders[{place}]"):
            return await self.submission(order)

    async def _as_one(self, command: wire.Command, orders: list[SubmitOrder]) -> list[OrderView]:
        """Send `orders` as the one `command`."""
        outcome = await self._bus.request(Sequence(command=command.encode()))
        return await self._submitted(orders, outcome)

    async def _dated(self, order: SubmitOrder) -> SubmitOrder:
        """Return `order` with the instant at which the session of its date ends."""
        terms = order.terms
        assert terms is not None, "only a dated order comes here"
        end = await self._bus.request(GetSessionEnd(symbol=translate.check_symbol(order.symbol), date=terms.expires_on))
        terms = msgspec.structs.replace(terms, expires_ns=end.time_ns, expires_on="")
        return msgspec.structs.replace(order, terms=terms)

    async def _submitted(self, orders: list[SubmitOrder], outcome: Sequenced) -> list[OrderView]:
        """Return the answers to a submission from its events, or the first answers again when it is a repeat."""
        shown = self._shown(orders, outcome)
        return shown if isinstance(shown, list) else await self._first_answers(orders, shown)

    def _shown_one(self, order: SubmitOrder, outcome: Sequenced) -> OrderView | Coroutine[Any, Any, OrderView]:
        """As `_submitted`, for one order; only a repeat has something to wait for."""
        shown = self._shown([order], outcome)
        return shown[0] if isinstance(shown, list) else self._first_answer(order, shown)

    def _shown(self, orders: list[SubmitOrder], outcome: Sequenced) -> list[OrderView] | int:
        """Return the views of what was submitted, or the sequence of the first time."""
        try:
            views = answers.submitted(wire.decode_events(outcome.events), self._catalogue, orders)
        except QuantumCoreError as error:
            self.counts["refused", error.code] += 1
            raise
        if isinstance(views, wire.CommandDone):
            self.counts["repeat", ""] += 1
            return views.order_sequence
        for view in views:
            self.counts["rejected" if view.status == "rejected" else "accepted", view.reason or ""] += 1
        return views

    async def _first_answer(self, order: SubmitOrder, sequence: int) -> OrderView:
        return (await self._first_answers([order], sequence))[0]

    async def _first_answers(self, orders: list[SubmitOrder], sequence: int) -> list[OrderView]:
        first = await events_at(self._log, sequence)
        return answers.first_answers(first, sequence, self._catalogue, orders)

    def _account_events(self, outcome: Sequenced) -> list[wire.Event]:
        """Return the events of a command that names an account alone, or raise why it was refused."""
        events = wire.decode_events(outcome.events)
        if isinstance(events[0], wire.CommandRefused):
            error = answers.refusal(events[0], self._catalogue.shard)
            raise NotFound("account.not_found", "account not found") if error.code == "order.not_found" else error
        return events

    async def _changed(self, account: int, outcome: Sequenced) -> OrderView:
        """Return the order that a cancel or an amendment changed, or raise why it did not."""
        events = wire.decode_events(outcome.events)
        first = events[0]
        if isinstance(first, wire.CommandRefused):
            raise answers.refusal(first, self._catalogue.shard)
        if not isinstance(first, wire.OrderCancelled | wire.OrderReplaced | wire.CommandDone):
            raise Corrupted("corrupted", f"{type(first).__name__} at {first.sequence}.0 answers no cancel or amendment")
        return await self._order_after(account, (first.order_sequence, first.order_slot), outcome.sequence)

    async def _order_after(self, account: int, name: Name, sequence: int) -> OrderView:
        """Return the order as it stands at `sequence` or later: from the tables, or from the log when these are late or gone."""
        try:
            return await self._bus.request(
                GetOrderAsOf(account=account, order_sequence=name[0], order_slot=name[1], at_least=sequence),
                deadline_s=LOOK_UP_S,
            )
        except (Unavailable, OutcomeUnknown):
            self.counts["rebuilt", ""] += 1
        await appended(self._log, sequence)
        order, fills = await rebuild(self._log, name, self._catalogue)
        if order is None:
            raise Corrupted("order.gap", f"no order begins at {name[0]}")
        return order_view(order, self._catalogue, fills)


def error_view(error: QuantumCoreError) -> ErrorView:
    """Return `error` as a value."""
    return ErrorView(error.code, error.detail, error.status, error.field, error.limit, error.actual)
