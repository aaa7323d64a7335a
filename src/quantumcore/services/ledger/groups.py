"""Groups on their way to the engine and back: what it made of one, and what its refusal means."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, InvalidCommand, NotFound, QuantumCoreError
from quantumcore.contracts.reasons import Reason
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventLog
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.engine import Engine, repeated_at, unheard_of
from quantumcore.services.ledger.office.closed import ClosedDays
from quantumcore.services.ledger.transfers import refusal

_FIELDS = {1: "group", 2: "debit_account", 3: "credit_account", 4: "amount", 5: "code", 6: "hold"}
_FIELDS |= {7: "effective_date", 8: "user_data", 9: "text"}
FAR = 2**31  # later than any day of a command: one without a day of its own is effective when it is sequenced


class Groups:
    """Posts groups; it writes nothing, the projection does.

    Attributes:
        posted: The last sequence that this room has seen posted: its own writes it must see.
    """

    def __init__(
        self,
        engine: Engine,
        log: EventLog,
        database: Database,
        following: Callable[[int], Awaitable[int]],
        closed: ClosedDays,
    ) -> None:
        """Take whom to tell, where events come from, who waits until a sequence is in the books, and which days are closed."""
        self.posted = 0
        self._reached = following
        self._closed = closed
        self._engine = engine
        self._log = log
        self._database = database

    async def post(
        self, command: wire.PostGroup, outcomes: Counter[str], *, field: str = "transaction_id"
    ) -> Sequence[wire.Event]:
        """Return the events of the group; of one that was posted before, those of then.

        Args:
            outcomes: Counts posted, repeated and refused.
            field: How a client calls the group's id.

        Raises:
            Conflict: `period.closed`: it is effective on a closed day; nothing moved.
            NotFound, Conflict, InvalidCommand: The engine refused it; nothing moved.
            Unavailable, OutcomeUnknown: As matching says; after the latter, ask again with the same id.
        """
        await self.check_open(command)  # and from here to the engine without a pause
        with self._closed.posting(command.effective_day or FAR):
            events = await self._engine.tell(command)
        last = events[-1]
        if isinstance(last, wire.CommandRefused):
            outcomes["refused"] += 1
            raise await self._refusal(last, command, field)
        sequence = repeated_at(last)
        if not sequence and not isinstance(last, wire.GroupPosted):
            raise unheard_of(last, command)
        outcomes["repeated" if sequence else "posted"] += 1
        self.posted = max(self.posted, sequence or last.sequence)
        return self._engine.told_at(sequence) if sequence else events

    async def check_open(self, command: wire.PostGroup) -> None:
        """Raise `period.closed` if a group is effective on a closed day; one that was posted before may be asked for again."""
        day = command.effective_day
        if not day:
            return
        await self._closed.ends()
        if self._closed.covers(day):
            await self._reached(max(self.posted, self._log.last))
            name = command.account, command.group_id
            if await self._database.read(lambda connection: queries.transaction(connection, *name)) is None:
                raise self._closed.refused(day)

    async def _refusal(self, refused: wire.CommandRefused, command: wire.PostGroup, field: str) -> QuantumCoreError:
        """Return what the engine's refusal means: which account is unknown, which field of a repeat differs."""
        match Reason(refused.reason):
            case Reason.UNKNOWN_ACCOUNT if refused.order_slot < command.count:
                leg = command.each_leg()[refused.order_slot]
                unknown = [str(n) for n in (leg.debit_account, leg.credit_account) if n and not await self._opened(n)]
                who = ", ".join(unknown or [str(leg.debit_account or leg.credit_account)])
                where = "entries" if field == "transaction_id" else "account_id"
                return NotFound("account.not_found", f"account {who} not found", field=where)
            case Reason.DUPLICATE_ID:
                differs = f"exists_with_different_{_FIELDS.get(refused.actual, 'body')}"
                detail = f"{field} {command.group_id} was posted with another body: {differs}"
                return Conflict("idempotency.mismatch", detail, field=field, actual=differs)
            case Reason.BAD_COMMAND:
                return InvalidCommand("request.invalid", "the engine does not understand this transaction")
            case _:
                return refusal(refused, "transaction")

    async def _opened(self, account: int) -> int:
        return await self._database.read(lambda connection: queries.opened_at(connection, account))
