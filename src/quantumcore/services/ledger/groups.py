"""Groups on their way to the engine and back: what it made of one, and what its refusal means."""

from collections import Counter
from collections.abc import Sequence

from quantumcore.contracts import matching, wire
from quantumcore.contracts.errors import Conflict, Internal, InvalidCommand, NotFound, QuantumCoreError, Unavailable
from quantumcore.contracts.reasons import Reason
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventLog
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.transfers import refusal

_FIELDS = {1: "group", 2: "debit_account", 3: "credit_account", 4: "amount", 5: "code", 6: "hold"}
_FIELDS |= {7: "effective_date", 8: "user_data", 9: "text"}


class Groups:
    """Posts groups; it writes nothing, the projection does.

    Attributes:
        posted: The last sequence that this room has seen posted: its own writes it must see.
    """

    def __init__(self, bus: Bus, log: EventLog, database: Database) -> None:
        self.posted = 0
        self._bus = bus
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
            NotFound, Conflict, InvalidCommand: The engine refused it; nothing moved.
            Unavailable, OutcomeUnknown: As matching says; after the latter, ask again with the same id.
        """
        sequenced = await self._bus.request(matching.Sequence(command=command.encode()))
        events = wire.decode_events(sequenced.events)
        match events[-1]:
            case wire.GroupPosted():
                outcomes["posted"] += 1
                self.posted = max(self.posted, events[-1].sequence)
                return events
            case wire.CommandDone(outcome=1, order_sequence=sequence):
                outcomes["repeated"] += 1
                self.posted = max(self.posted, sequence)
                return self.told_at(sequence)
            case wire.CommandRefused() as refused:
                outcomes["refused"] += 1
                raise await self._refusal(refused, command, field)
            case other:
                raise Internal("internal", f"the engine answered {type(other).__name__} to PostGroup")

    def told_at(self, sequence: int) -> Sequence[wire.Event]:
        """Return the events of a sequence, from the event log.

        Raises:
            Unavailable: `ledger.behind`: it is not in the log yet.
        """
        for batch in self._log.read(sequence - 1, max_bytes=1):
            if batch.first <= sequence <= batch.last:
                return [event for event in batch.events if event.sequence == sequence]
        raise Unavailable("ledger.behind", f"the transaction of sequence {sequence} cannot be read yet", retry_after=1)

    async def _refusal(self, refused: wire.CommandRefused, command: wire.PostGroup, field: str) -> QuantumCoreError:
        """Return what the engine's refusal means: which account is unknown, which field of a repeat differs."""
        match Reason(refused.reason):
            case Reason.UNKNOWN_ACCOUNT if refused.order_slot < command.count:
                leg = command.each_leg()[refused.order_slot]
                unknown = [str(n) for n in (leg.debit_account, leg.credit_account) if n and not await self._opened(n)]
                who = ", ".join(unknown or [str(leg.debit_account or leg.credit_account)])
                return NotFound("account.not_found", f"account {who} not found", field="entries")
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
