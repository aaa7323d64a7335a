"""Withdrawals of a venue that has a payout rail: each is a saga, and what clients and operators ask of it is answered here."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import NamedTuple

from prometheus_client.core import Metric

from quantumcore.contracts.errors import Conflict, NotFound, check_count
from quantumcore.contracts.ledger import GetTransfer, MakeTransfer, TransferView
from quantumcore.contracts.ledger_payouts import GetPayouts, Payouts, PayoutView, RetryPayout, SettlePayout
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventLog
from quantumcore.ports.follower import Follower
from quantumcore.ports.payout import OperatedRail
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.ledger import queries, saga_store
from quantumcore.services.ledger.engine import Engine
from quantumcore.services.ledger.saga import Saga, Status, saga_id_of
from quantumcore.services.ledger.saga_driver import SagaDriver, status_of, was_never_held
from quantumcore.services.ledger.saga_store import Standing
from quantumcore.services.ledger.settings import PayoutSettings
from quantumcore.services.ledger.teller import Teller
from quantumcore.services.ledger.transfers import amount_of, transfer_command

MAX_PAGE = 1_000


class Paying(NamedTuple):
    """What withdrawals stand on.

    Attributes:
        sagas: Tables that are synced with each commit: nothing could rebuild them.
        rail: None: there is none now; what was begun with one waits for it.
    """

    sagas: Database
    rail: OperatedRail | None
    settings: PayoutSettings = PayoutSettings()


class PayoutDesk:
    """Begins withdrawals and says how they stand."""

    def __init__(
        self,
        bus: Bus,
        engine: Engine,
        log: EventLog,
        books: Database,
        clock: Clock,
        teller: Teller,
        follower: Follower,
        paying: Paying,
    ) -> None:
        self._bus = bus
        self._log = log
        self._books = books
        self._clock = clock
        self._teller = teller
        self._follower = follower
        self._paying = paying
        self._left = Standing(0, 0)
        self._driver: SagaDriver | None = None
        if paying.rail is not None:
            self._driver = SagaDriver(bus, engine, paying.sagas, clock, teller, paying.rail)

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(GetPayouts, self.payouts)
        self._bus.handle(SettlePayout, self.settle)
        self._bus.handle(RetryPayout, self.retry)

    async def start(self) -> None:
        """Look at what was left."""
        self._left = await self._paying.sagas.read(saga_store.standing)

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name what drives withdrawals."""
        return [] if self._driver is None else [("payouts", self._driver.run)]

    def not_ready(self) -> list[str]:
        """Return what a person must see to."""
        if self._driver is None:
            left = self._left.under_way
            return [f"ledger: {left} withdrawals are under way, and there is no payout rail"] if left else []
        stuck = self._driver.standing.stuck
        return [f"ledger: {stuck} withdrawals need a person"] if stuck else []

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how steps go."""
        steps, standing = (self._driver.steps, self._driver.standing) if self._driver else ({}, self._left)
        yield counter("qc_ledger_saga_steps", "Steps of withdrawals by outcome", steps, by="outcome")
        yield gauge("qc_ledger_sagas", "Withdrawals under way", standing.under_way)
        yield gauge("qc_ledger_sagas_needing_humans", "Withdrawals that need a person", standing.stuck)

    @property
    def takes_withdrawals(self) -> bool:
        """Whether withdrawals go through a rail."""
        return self._driver is not None

    async def withdraw(self, request: MakeTransfer) -> TransferView:
        """Begin a withdrawal; the same again answers how it stands.

        Raises:
            InvalidCommand, NotFound: As contracts/ledger says of a transfer.
            Conflict: The money could not be held, as of a transfer; `transfer.id_already_failed`, `idempotency.mismatch`.
            Unavailable: It was not begun; nothing happened.
        """
        driver, paying = self._driven()
        currency = await self._teller.currency(request.currency)
        command = transfer_command(request, currency)  # its checks
        fee = paying.settings.fees.get(currency.code)
        now = self._clock.now()
        saga = Saga(
            saga_id=saga_id_of(request.account, request.transfer_id),
            account=request.account,
            transfer_id=request.transfer_id,
            currency=currency.number,
            amount=command.amount,
            fee=amount_of(fee, currency) if fee else 0,
            started_ns=now,
            deadline_ns=now + paying.settings.timeout_s * 10**9,
            due_ns=now,
        )
        known = await self._load(saga.saga_id)
        if known is None:
            await self._see_that_no_transfer_has(request)
        stands = await driver.begin(saga)
        if (stands.currency, stands.amount) != (saga.currency, saga.amount):
            raise Conflict("idempotency.mismatch", "this id was used with another body", field="transfer_id")
        if was_never_held(stands):
            raise Conflict("transfer.id_already_failed", "this id has failed: take a new one")
        return self._transfer(stands)

    async def check_free(self, request: MakeTransfer) -> None:
        """Raise Conflict when a withdrawal through the rail has the id of another transfer."""
        if await self._load(saga_id_of(request.account, request.transfer_id)) is not None:
            raise Conflict("idempotency.mismatch", "this id was used with another body", field="transfer_id")

    async def transfer(self, query: GetTransfer) -> TransferView | None:
        """Return a withdrawal through the rail, or None."""
        saga = await self._load(saga_id_of(query.account, query.transfer_id))
        return None if saga is None else self._transfer(saga)

    async def payouts(self, query: GetPayouts) -> Payouts:
        """Return what is under way, the oldest first.

        Raises:
            InvalidCommand: limit.
        """
        check_count(query.limit, MAX_PAGE)
        found = await self._paying.sagas.read(partial(saga_store.under_way, limit=query.limit))
        return Payouts([self._shown(saga) for saga in found])

    async def settle(self, request: SettlePayout) -> PayoutView:
        """Say the rail's word, and let the withdrawal go on at once.

        Raises:
            NotFound, Conflict: As contracts/ledger_payouts says.
        """
        driver, paying = self._driven()
        if paying.rail is None or await self._load(request.payout_id) is None:
            raise _not_found()
        await paying.rail.settle(request.payout_id, paid=request.paid)
        return self._shown(await driver.wake(request.payout_id))

    async def retry(self, request: RetryPayout) -> PayoutView:
        """Let a withdrawal that needs a person go on, or end.

        Raises:
            NotFound, Conflict: As contracts/ledger_payouts says.
        """
        driver, _ = self._driven()
        saga = await self._load(request.payout_id)
        if saga is None:
            raise _not_found()
        if not saga.stuck:
            raise Conflict("payout.not_stuck", f"the withdrawal is {status_of(saga)}", actual=status_of(saga))
        return self._shown(await driver.change(saga.close() if request.by_hand else saga.go_on(self._clock.now())))

    # ------------------------------------------------------------------------------------------- helpers

    def _driven(self) -> tuple[SagaDriver, Paying]:
        if self._driver is None:
            raise _not_found()
        return self._driver, self._paying

    async def _load(self, saga_id: str) -> Saga | None:
        return await self._paying.sagas.read(lambda connection: saga_store.load(connection, saga_id))

    async def _see_that_no_transfer_has(self, request: MakeTransfer) -> None:
        """Raise Conflict when a transfer of the engine has this id: an id names one movement, whichever way it takes."""
        await self._follower.reached(self._log.last)
        row = await self._books.read(
            lambda connection: queries.transfer(connection, request.account, request.transfer_id)
        )
        if row is not None:
            raise Conflict("idempotency.mismatch", "this id was used with another body", field="transfer_id")

    def _transfer(self, saga: Saga) -> TransferView:
        currency = self._teller.catalogue.currencies[saga.currency]
        status = {Status.DONE: "posted", Status.FAILED: "failed"}.get(saga.status, "pending")
        return TransferView(
            transfer_id=saga.transfer_id,
            kind="withdrawal",
            account_id=str(saga.account),
            to_account_id=None,
            currency=currency.code,
            amount=currency.show(saga.amount),
            status=status,
            sequence=saga.sequence,
            time_ns=saga.started_ns,
        )

    def _shown(self, saga: Saga) -> PayoutView:
        currency = self._teller.catalogue.currencies[saga.currency]
        return PayoutView(
            payout_id=saga.saga_id,
            transfer_id=saga.transfer_id,
            account_id=str(saga.account),
            currency=currency.code,
            amount=currency.show(saga.amount),
            fee=currency.show(saga.fee),
            status=status_of(saga),
            step=saga.step.name.lower(),
            reason=saga.reason,
            started_ns=saga.started_ns,
            deadline_ns=saga.deadline_ns,
            sequence=saga.sequence,
        )


def _not_found() -> NotFound:
    return NotFound("payout.not_found", "there is no such payout", field="payout_id")
