"""Holds by clients: what operators and rooms ask of them goes to the engine as a command, and its answer back."""

from collections import Counter

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, Internal, NotFound, QuantumCoreError, invalid
from quantumcore.contracts.ledger import ClientHoldView, RecordTransaction, SignedEntry
from quantumcore.contracts.ledger_holds import AmendHold, CapturedHold, CaptureHold, PlaceHold, ReleaseHold, Taken
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.reference import Currency
from quantumcore.contracts.values import I64_MAX, check_client_id
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.follower import Follower
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.conversions import OWN
from quantumcore.services.ledger.domain import ClientHold
from quantumcore.services.ledger.engine import Engine, repeated_at, unheard_of
from quantumcore.services.ledger.groups import Groups
from quantumcore.services.ledger.teller import Teller
from quantumcore.services.ledger.transactions import MAX_PARTS, Bookkeeper, check_free, group_of
from quantumcore.services.ledger.transfers import amount_of, check_account, refusal

_FIELDS = {1: "account", 2: "amount", 3: "expires_at"}


class HoldKeeper:
    """Makes commands and reads answers; it writes nothing, the projection does.

    Attributes:
        holds: How many acts by outcome: placed, amended, captured, released, repeated, refused.
    """

    def __init__(
        self,
        engine: Engine,
        groups: Groups,
        database: Database,
        follower: Follower,
        teller: Teller,
        bookkeeper: Bookkeeper,
    ) -> None:
        self._engine = engine
        self._groups = groups
        self._database = database
        self._follower = follower
        self._teller = teller
        self._bookkeeper = bookkeeper
        self._seen = 0  # the last sequence that changed a hold here: its own writes this room must see
        self.holds: Counter[str] = Counter()

    def attach(self, bus: Bus) -> None:
        """Hand the handlers to the bus; that of CaptureHold, which posts, stands behind the approvals."""
        bus.handle(PlaceHold, self.place)
        bus.handle(AmendHold, self.amend)
        bus.handle(ReleaseHold, self.release)

    async def place(self, request: PlaceHold) -> ClientHoldView:
        """Set an amount aside, once.

        Raises:
            InvalidCommand, NotFound, Conflict: As contracts/ledger_holds says; nothing happened.
            Unavailable, OutcomeUnknown: As matching says; after the latter, ask again with the same id.
        """
        check_account(request.account, "account_id")
        check_client_id(request.hold_id, "hold_id")
        if not 0 <= request.expires_ns <= I64_MAX:
            raise invalid("time", "expires_at is no time", field="expires_at", actual=str(request.expires_ns))
        currency = await self._teller.currency(request.currency)
        command = wire.PlaceHold(
            account=request.account,
            hold_id=request.hold_id,
            amount=amount_of(request.amount, currency),
            currency=currency.number,
            expires_ns=request.expires_ns,
        )
        return self._shown(await self._sequence(command, "placed"))

    async def amend(self, request: AmendHold) -> ClientHoldView:
        """Let another amount have been placed in all.

        Raises:
            InvalidCommand, NotFound, Conflict, Unavailable, OutcomeUnknown: As `place`.
        """
        _, currency = await self._find(request.account, request.hold_id)
        amount = amount_of(request.amount, currency)
        command = wire.AmendHold(account=request.account, hold_id=request.hold_id, amount=amount)
        return self._shown(await self._sequence(command, "amended"))

    async def release(self, request: ReleaseHold) -> ClientHoldView:
        """Give a part of what is open back, or all of it.

        Raises:
            InvalidCommand, NotFound, Conflict, Unavailable, OutcomeUnknown: As `place`.
        """
        _, currency = await self._find(request.account, request.hold_id)
        amount = amount_of(request.amount, currency) if request.amount else 0
        command = wire.ReleaseHold(account=request.account, hold_id=request.hold_id, amount=amount)
        return self._shown(await self._sequence(command, "released"))

    async def capture(self, request: CaptureHold) -> CapturedHold:
        """Take amounts out of a hold, as one transaction.

        Raises:
            InvalidCommand, NotFound, Conflict, Unavailable, OutcomeUnknown: As `place`.
        """
        command, hold = await self._command(request)
        events = await self._groups.post(command, self._bookkeeper.transactions)
        told = [event for event in events if isinstance(event, wire.HoldChanged)]
        if len(told) != command.count:
            raise Internal("internal", f"a transaction of {command.count} captures told {len(told)} of its hold")
        self._saw(told[-1], "captured" if told[-1].sequence > hold.changed else "repeated")
        return CapturedHold(self._bookkeeper.shown(events), self._shown(told[-1]))

    async def check_capture(self, request: CaptureHold) -> None:
        """Do nothing if it could be posted; raises as `capture`, but for what the engine alone knows."""
        command, _ = await self._command(request)
        await self._groups.check_open(command)

    # ------------------------------------------------------------------------------------------- helpers

    async def _command(self, request: CaptureHold) -> tuple[wire.PostGroup, ClientHold]:
        check_free(request.transaction_id, "transaction_id")
        if not 1 <= len(request.parts) <= MAX_PARTS:
            count, bound = str(len(request.parts)), str(MAX_PARTS)
            raise invalid("range", f"1 to {bound} parts", field="parts", limit=bound, actual=count)
        hold, currency = await self._find(request.account, request.hold_id)
        legs = [await self._leg(hold, currency, part, f"parts[{at}]") for at, part in enumerate(request.parts)]
        asked = RecordTransaction(
            transaction_id=request.transaction_id,
            entries=[],
            code=request.code,
            effective_date=request.effective_date,
            user_data=request.user_data,
            text=request.text,
        )
        return group_of(asked, legs), hold

    async def _find(self, account: int, hold_id: str) -> tuple[ClientHold, Currency]:
        """Return a hold as the tables have it, which have every change that was asked for here.

        Raises:
            InvalidCommand: No account, or no id.
            NotFound: `hold.not_found`.
        """
        check_account(account, "account_id")
        check_client_id(hold_id, "hold_id")
        await self._follower.reached(self._seen)
        hold = await self._database.read(lambda connection: queries.client_hold(connection, account, hold_id))
        if hold is None:
            raise NotFound("hold.not_found", "hold not found", field="hold_id")
        return hold, self._teller.catalogue.currencies[hold.currency]

    async def _leg(self, hold: ClientHold, currency: Currency, part: Taken, field: str) -> wire.Leg:
        to = SignedEntry(account=part.account, code=part.code, currency=currency.code, amount=part.amount)
        line = await self._bookkeeper.line(to, field)
        if line.amount <= 0:
            raise invalid("range", "amount must be over 0", field=f"{field}.amount", limit="0", actual=part.amount)
        if (part.account, part.code) == (hold.account, OWN):
            raise invalid("range", "a balance cannot be captured into itself", field=f"{field}.account_id")
        return wire.Leg(
            debit_account=hold.account,
            credit_account=part.account,
            credit_code=part.code,
            currency=hold.currency,
            amount=line.amount,
            hold=hold.sequence,
        )

    async def _sequence(
        self, command: wire.PlaceHold | wire.AmendHold | wire.ReleaseHold, outcome: str
    ) -> wire.HoldChanged:
        """Return what the engine tells of a hold, or told when it was placed."""
        event = (await self._engine.tell(command))[-1]
        sequence = repeated_at(event)
        if sequence:
            event, outcome = self._engine.told_at(sequence)[-1], "repeated"
        if isinstance(event, wire.HoldChanged):
            return self._saw(event, outcome)
        if isinstance(event, wire.CommandRefused):
            self.holds["refused"] += 1
            raise _refusal(event, command.hold_id)
        raise unheard_of(event, command)

    def _saw(self, event: wire.HoldChanged, outcome: str) -> wire.HoldChanged:
        self.holds[outcome] += 1
        self._seen = max(self._seen, event.sequence)
        return event

    def _shown(self, event: wire.HoldChanged) -> ClientHoldView:
        """Return a hold as an event tells it."""
        hold = ClientHold(
            sequence=event.hold_sequence,
            account=event.account,
            hold_id=event.hold_id,
            currency=event.currency,
            expires_ns=event.expires_ns,
            placed=event.placed,
            captured=event.captured,
            released=event.released,
            changed=event.sequence,
        )
        return queries.show_client_hold(hold, self._teller.catalogue)


def _refusal(refused: wire.CommandRefused, hold_id: str) -> QuantumCoreError:
    if Reason(refused.reason) is Reason.DUPLICATE_ID:
        differs = f"exists_with_different_{_FIELDS.get(refused.actual, 'body')}"
        detail = f"hold {hold_id} was placed with another body: {differs}"
        return Conflict("idempotency.mismatch", detail, field="hold_id", actual=differs)
    return refusal(refused, "hold")
