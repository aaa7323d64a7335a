"""What may be asked of the engine itself: answered on its own thread, between two batches, so that each answer is of one sequence."""

from collections.abc import Callable
from typing import Any

from quantumcore.contracts.errors import InvalidCommand, NotFound, invalid
from quantumcore.contracts.matching import (
    MOST_ACCOUNTS,
    MOST_CURRENCIES,
    EngineAccount,
    EngineAccounts,
    EngineHold,
    EngineHolds,
    EngineMargin,
    EngineTotals,
    GetEngineAccount,
    GetEngineAccounts,
    GetEngineHolds,
    GetEngineMargin,
    GetEngineTotals,
    GetQueueAhead,
    HouseTotal,
    PreviewSubmission,
    QueueAhead,
    SubmissionPreview,
)
from quantumcore.contracts.reference import Catalogue
from quantumcore.core import _native
from quantumcore.core.engine_thread import EngineThread
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.services.matching.money import engine_account, engine_margin, other_accounts
from quantumcore.services.matching.previews import submission_preview

HOLDS_LOOKED_AT = 4_096  # of clients, for one answer


class EngineQueries:
    """Answers what concerns one account, one order, or every currency's sums."""

    def __init__(
        self,
        thread: EngineThread,
        clock: Clock,
        catalogue: Callable[[], Catalogue],
        engine: Callable[[], _native.Engine],
    ) -> None:
        """`catalogue` and `engine` return those of now; the latter raises Unavailable before the shard is open."""
        self._thread = thread
        self._clock = clock
        self._catalogue = catalogue
        self._engine = engine

    def attach(self, bus: Bus) -> None:
        """Hand over the handlers."""
        bus.handle(GetEngineAccount, self.account)
        bus.handle(GetEngineAccounts, self.accounts)
        bus.handle(GetEngineMargin, self.margin)
        bus.handle(GetEngineTotals, self.totals)
        bus.handle(GetEngineHolds, self.holds)
        bus.handle(GetQueueAhead, self.queue_ahead)
        bus.handle(PreviewSubmission, self.preview)

    async def account(self, request: GetEngineAccount) -> EngineAccount:
        """Answer one account's balances.

        Raises:
            NotFound: `account.not_found`.
        """
        engine = self._engine()
        found = await self._thread.run(lambda: engine_account(engine, request.account))
        if not found.state:
            raise NotFound("account.not_found", "account not found", field="account")
        return found

    async def accounts(self, request: GetEngineAccounts) -> EngineAccounts:
        """Answer some accounts' balances, of one sequence.

        Raises:
            InvalidCommand: Too many are asked for.
        """
        _check_most(len(request.accounts), MOST_ACCOUNTS, "accounts")
        engine = self._engine()
        return await self._thread.run(
            lambda: EngineAccounts(engine.sequence, [engine_account(engine, one) for one in request.accounts])
        )

    async def margin(self, request: GetEngineMargin) -> EngineMargin:
        """Answer how an account stands on margin, of one sequence.

        Raises:
            InvalidCommand: Too many currencies are asked for.
        """
        _check_most(len(request.currencies), MOST_CURRENCIES, "currencies")
        engine = self._engine()
        return await self._thread.run(lambda: engine_margin(engine, request))

    async def totals(self, _: GetEngineTotals) -> EngineTotals:
        """Answer every currency's sums."""
        engine = self._engine()
        currencies = list(self._catalogue().currencies)

        def job() -> tuple[int, list[tuple[Any, ...]]]:
            return engine.sequence, [(c, *engine.totals(c), other_accounts(engine.house(c))) for c in currencies]

        sequence, totals = await self._thread.run(job)
        return EngineTotals(sequence, [HouseTotal(*line) for line in totals])

    async def holds(self, request: GetEngineHolds) -> EngineHolds:
        """Answer a page of what clients have set aside: of HOLDS_LOOKED_AT holds, those that are open."""
        engine = self._engine()
        end = request.first + HOLDS_LOOKED_AT

        def job() -> tuple[int, int, list[tuple[int, ...]]]:
            return engine.sequence, engine.hold_count(), list(engine.holds(request.first, HOLDS_LOOKED_AT))

        sequence, count, found = await self._thread.run(job)
        return EngineHolds(sequence, [EngineHold(*row[:6]) for row in found], end if end < count else 0)

    async def queue_ahead(self, request: GetQueueAhead) -> QueueAhead:
        """Answer what trades before an order on its side of the shown book.

        Raises:
            NotFound: `order.not_found`: it does not work (any more).
        """
        engine = self._engine()
        name = request.order_sequence, request.order_slot
        sequence, order, ahead = await self._thread.run(
            lambda: (engine.sequence, engine.order(*name), engine.queue(*name))
        )
        if order is None:
            raise NotFound("order.not_found", "order not found")
        orders, quantity = (-1, 0) if ahead is None else ahead
        return QueueAhead(sequence=sequence, price=order[3], orders=orders, quantity=quantity)

    async def preview(self, request: PreviewSubmission) -> SubmissionPreview:
        """Answer what a submission would do if it were the next command, now; nothing changes.

        Raises:
            InvalidCommand: It is no single submission.
        """
        engine, command = self._engine(), request.command
        try:
            return await self._thread.run(lambda: submission_preview(engine, command, self._clock.now()))
        except _native.InvalidCommand as error:
            raise InvalidCommand("request.invalid", str(error)) from error


def _check_most(count: int, most: int, field: str) -> None:
    if count > most:
        raise invalid("range", f"at most {most} {field}", field=field, limit=str(most), actual=str(count))
