"""Drives withdrawals: does each step with a key made from the withdrawal's id, writes the answer, and only then does the next.

A process that is killed between a step and its row does the step once more under the same key, which changes nothing.
"""

import asyncio
import logging
from collections import Counter
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Internal, QuantumCoreError, Refused
from quantumcore.contracts.ledger_payouts import SagaStepDone
from quantumcore.contracts.masking import mask
from quantumcore.contracts.reasons import CODES, Reason
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.payout import OperatedRail, Payout, PayoutState
from quantumcore.services.ledger import saga_store
from quantumcore.services.ledger.domain import BANK, FEE_INCOME
from quantumcore.services.ledger.engine import Engine, repeated_at, unheard_of
from quantumcore.services.ledger.saga import Outcome, Saga, Status, Step
from quantumcore.services.ledger.saga_store import Standing
from quantumcore.services.ledger.teller import Teller
from quantumcore.services.ledger.transfers import refusal

TICK_S = 0.5  # seconds
DUE_AT_ONCE = 100
WITHDRAWN = 2  # the code of the transaction
_NOTHING_OPEN = (Reason.HOLD_NOT_FOUND, Reason.HOLD_CLOSED)

_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What became of a step: why it did not happen, and what the engine named."""

    outcome: Outcome
    reason: str = ""
    sequence: int = 0
    hold_sequence: int = 0
    error: Refused | None = None


class SagaDriver:
    """One step at a time, of one withdrawal at a time.

    Attributes:
        steps: Answers by outcome; compensations that were done count as compensated, and what became stuck as needs_human.
        standing: How many are under way, and how many need a person.
    """

    def __init__(
        self, bus: Bus, engine: Engine, sagas: Database, clock: Clock, teller: Teller, rail: OperatedRail
    ) -> None:
        """Take what it stands on: `sagas` are its own truth."""
        self.steps: Counter[str] = Counter()
        self.standing = Standing(0, 0)
        self._bus = bus
        self._engine = engine
        self._sagas = sagas
        self._clock = clock
        self._teller = teller
        self._rail = rail
        self._one = asyncio.Lock()

    async def run(self) -> None:
        """Drive for ever; ends by raising when the database does not answer, to be started again with back-off."""
        while True:
            await self.drive()
            await self._clock.sleep(TICK_S)

    async def drive(self) -> None:
        """Drive all that is due, and tell what is to be told."""
        now = self._clock.now()
        for saga_id in await self._sagas.read(lambda connection: saga_store.due(connection, now, DUE_AT_ONCE)):
            await self.advance(saga_id)
        await self.tell()
        self.standing = await self._sagas.read(saga_store.standing)

    async def begin(self, saga: Saga) -> Saga:
        """Write a new withdrawal down and do what can be done now; one that is known is returned as it stands.

        Raises:
            Refused: The money could not be held; it has failed.
            Unavailable: It was not written; nothing happened.
        """
        stood = await self._sagas.write(lambda connection: saga_store.begin(connection, saga))
        if stood != saga:
            return stood
        stands, error = await self._advance(saga.saga_id)
        if error is not None and was_never_held(stands):
            raise error
        return stands

    async def advance(self, saga_id: str) -> Saga:
        """Do one step after the other, until there is something to wait for; return how it stands."""
        return (await self._advance(saga_id))[0]

    async def change(self, saga: Saga) -> Saga:
        """Write what a person has decided of a withdrawal that was stuck, and go on; it must still stand as it was read."""
        async with self._one:
            await self._sagas.write(lambda connection: saga_store.save(connection, saga))
        return await self.advance(saga.saga_id)

    async def wake(self, saga_id: str) -> Saga:
        """Ask the rail now for its word."""
        async with self._one:
            saga = await self._known(saga_id)
            if not saga.is_final:
                woken = replace(saga, due_ns=min(saga.due_ns, self._clock.now()))
                await self._sagas.write(lambda connection: saga_store.save(connection, woken))
        return await self.advance(saga_id)

    async def tell(self) -> None:
        """Publish what is to be told, in its order; what a crash left is told once more."""
        while told := await self._sagas.read(saga_store.untold):
            await self._bus.publish([notice for _, notice in told])
            numbers = [number for number, _ in told]
            await self._sagas.write(partial(saga_store.forget, numbers=numbers))

    async def _advance(self, saga_id: str) -> tuple[Saga, Refused | None]:
        """Return how it stands, and with what the last step was refused, if it was."""
        error = None
        async with self._one:
            saga = await self._known(saga_id)
            while saga.is_due(self._clock.now()):
                saga, error = await self._step(saga)
        await self.tell()
        return saga, error

    # ------------------------------------------------------------------------------------------- one step

    async def _known(self, saga_id: str) -> Saga:
        saga = await self._sagas.read(lambda connection: saga_store.load(connection, saga_id))
        if saga is None:
            raise Internal("internal", f"withdrawal {saga_id} is not there")
        return saga

    async def _step(self, saga: Saga) -> tuple[Saga, Refused | None]:
        """Do the step at hand, or take it back, and write the answer before anything else happens."""
        compensates = saga.status is Status.COMPENSATING
        answer = await self._answer(saga, compensates)
        after = saga.after(answer.outcome, self._clock.now(), answer.reason)
        after = replace(
            after,
            sequence=answer.sequence or after.sequence,
            hold_sequence=answer.hold_sequence or after.hold_sequence,
        )
        notice = SagaStepDone(
            payout_id=saga.saga_id,
            account=saga.account,
            transfer_id=saga.transfer_id,
            step=saga.step.name.lower(),
            outcome=answer.outcome.value,
            compensated=compensates,
            status=status_of(after),
            reason=answer.reason,
            time_ns=self._clock.now(),
        )
        waits = answer.outcome is Outcome.WAITS and after.step is saga.step
        await self._sagas.write(lambda connection: saga_store.save(connection, after, None if waits else notice))
        self._count(saga, after, answer)
        return after, answer.error

    def _count(self, saga: Saga, after: Saga, answer: Answer) -> None:
        compensated = saga.status is Status.COMPENSATING and answer.outcome is Outcome.DONE
        self.steps["compensated" if compensated else answer.outcome.value] += 1
        if after.stuck:
            self.steps["needs_human"] += 1
            self.standing = self.standing._replace(stuck=self.standing.stuck + 1)
            _log.error(
                "a withdrawal of account %s needs a person at %s: %s",
                mask(str(saga.account)),
                saga.step.name.lower(),
                answer.reason,
            )

    async def _answer(self, saga: Saga, compensates: bool) -> Answer:
        """Return what became of the step; what nobody answered is lost."""
        try:
            match saga.step:
                case Step.HOLD if compensates:
                    return await self._release(saga)
                case Step.HOLD:
                    return await self._place(saga)
                case Step.HAND_OVER if compensates:
                    return await self._recall(saga)
                case Step.HAND_OVER:
                    return await self._hand_over(saga)
                case Step.AWAIT_WORD:
                    return await self._word(saga)
                case Step.CAPTURE:
                    return await self._capture(saga)
        except Refused as error:
            return Answer(Outcome.REFUSED, error.code, error=error)
        except QuantumCoreError as error:
            return Answer(Outcome.LOST, error.code)

    async def _place(self, saga: Saga) -> Answer:
        command = wire.PlaceHold(
            account=saga.account,
            hold_id=saga.saga_id,
            amount=saga.amount + saga.fee,
            currency=saga.currency,
            expires_ns=saga.hold_expires_ns,
        )
        placed = await self._sequence(command)
        return Answer(Outcome.DONE, sequence=placed, hold_sequence=placed)

    async def _release(self, saga: Saga) -> Answer:
        """Give back what is held. Whether it was placed must be known first, else it could come after its release."""
        if saga.hold_sequence == 0:
            try:
                await self._place(saga)
            except Refused:
                return Answer(Outcome.DONE)
        command = wire.ReleaseHold(account=saga.account, hold_id=saga.saga_id)
        return Answer(Outcome.DONE, sequence=await self._sequence(command, *_NOTHING_OPEN))

    async def _hand_over(self, saga: Saga) -> Answer:
        currency = self._teller.catalogue.currencies[saga.currency]
        payout = Payout(saga.saga_id, saga.account, currency.code, currency.show(saga.amount))
        await self._rail.hand_over(payout)
        return Answer(Outcome.DONE)

    async def _word(self, saga: Saga) -> Answer:
        match await self._rail.state(saga.saga_id):
            case PayoutState.CONFIRMED:
                return Answer(Outcome.DONE)
            case PayoutState.FAILED | PayoutState.RECALLED as state:
                return Answer(Outcome.REFUSED, f"payout.{state.value}")
            case _:
                return Answer(Outcome.WAITS)

    async def _recall(self, saga: Saga) -> Answer:
        state = await self._rail.recall(saga.saga_id)
        return Answer(Outcome.PAID if state is PayoutState.CONFIRMED else Outcome.DONE)

    async def _capture(self, saga: Saga) -> Answer:
        parts = ((BANK, saga.amount), (FEE_INCOME, saga.fee))  # of an asset the engine means custody by it
        legs = [
            wire.Leg(
                debit_account=saga.account,
                credit_code=code,
                currency=saga.currency,
                amount=amount,
                hold=saga.hold_sequence,
            )
            for code, amount in parts
            if amount
        ]
        command = wire.PostGroup(
            group_id=saga.capture_id,
            code=WITHDRAWN,
            count=len(legs),
            text=f"withdrawal {saga.transfer_id}".encode().ljust(128, b"\0"),
            legs=b"".join(leg.encode() for leg in legs),
        )
        return Answer(Outcome.DONE, sequence=await self._sequence(command))

    async def _sequence(self, command: wire.Command, *passes: Reason) -> int:
        """Return the sequence that did what a command asks for, now or before; 0: it was refused for a reason that passes.

        Raises:
            Refused: It was refused, and not for a reason that passes.
            Unavailable, OutcomeUnknown: As matching says.
        """
        event = (await self._engine.tell(command))[-1]
        if isinstance(event, wire.CommandRefused):
            if Reason(event.reason) in passes:
                return 0
            error = refusal(event, "withdrawal")
            raise error if not isinstance(error, Internal) else Refused(CODES[Reason(event.reason)], error.detail)
        if isinstance(event, wire.HoldChanged | wire.GroupPosted):
            return event.sequence
        sequence = repeated_at(event)
        if not sequence:
            raise unheard_of(event, command)
        return sequence


def was_never_held(saga: Saga) -> bool:
    """Tell whether it was refused before anything had happened."""
    return saga.status is Status.FAILED and saga.sequence == 0


def status_of(saga: Saga) -> str:
    """Return how a withdrawal is shown."""
    return "needs_human" if saga.stuck else saga.status.name.lower()
