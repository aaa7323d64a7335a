"""Who owns what: money comes in and goes out through the engine, and the books say so in double entry."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

from prometheus_client.core import Metric
from sqlalchemy import Connection

from quantumcore.contracts import wire
from quantumcore.contracts.errors import NotFound, check_count
from quantumcore.contracts.ledger import (
    Balances,
    EntryPage,
    GetBalances,
    GetEntries,
    GetHolds,
    GetTransaction,
    GetTransfer,
    GetTrialBalance,
    Holds,
    LedgerMoved,
    MakeTransfer,
    OpenAccount,
    TransferView,
    TrialBalance,
)
from quantumcore.contracts.messages import Request
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.risk_guards import CheckGuard, SetGuardByTwo
from quantumcore.contracts.risk_kill import LiftByTwo
from quantumcore.contracts.risk_limits import CheckLimits, SetLimitsByTwo
from quantumcore.contracts.risk_margin import CheckMargin, SetMarginByTwo
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.follower import Follower
from quantumcore.ports.following import Following
from quantumcore.ports.payout import OperatedRail
from quantumcore.ports.progress import parts, without_holes
from quantumcore.ports.telemetry import counter
from quantumcore.services.ledger import queries, store
from quantumcore.services.ledger.audit.auditor import Auditor
from quantumcore.services.ledger.audit.publisher import Auditing
from quantumcore.services.ledger.engine import Engine
from quantumcore.services.ledger.groups import Groups
from quantumcore.services.ledger.holds import HoldKeeper
from quantumcore.services.ledger.office.approvals import Act, Approvals
from quantumcore.services.ledger.office.closed import ClosedDays
from quantumcore.services.ledger.office.fx_desk import FxDesk
from quantumcore.services.ledger.office.periods import PeriodDesk
from quantumcore.services.ledger.office.tax_desk import TaxDesk
from quantumcore.services.ledger.payouts import Paying, PayoutDesk
from quantumcore.services.ledger.queries import OwnerView
from quantumcore.services.ledger.reporting import ReportDesk
from quantumcore.services.ledger.settings import LedgerSettings
from quantumcore.services.ledger.teller import Teller
from quantumcore.services.ledger.transactions import Bookkeeper
from quantumcore.services.ledger.watch import Watch


class LedgerService:
    """Answers OpenAccount, MakeTransfer, what operators ask of books, holds and payouts, and the queries of contracts/ledger.

    Follows the event log. Tells LedgerMoved, LedgerDiffers, SagaStepDone.
    """

    name = "ledger"

    def __init__(
        self,
        bus: Bus,
        log: EventLog,
        database: Database,
        clock: Clock,
        auditing: Auditing | None = None,
        *,
        office: Database | None = None,
        rail: OperatedRail | None = None,
        settings: LedgerSettings | None = None,
    ) -> None:
        """Take what it stands on; with `auditing` it publishes a signed root of every day.

        Args:
            office: The tables of what people decide, which no journal has; without them they stand beside the others.
            rail: Through which withdrawals leave; None: they are transfers of the engine alone.
        """
        settings = settings or LedgerSettings()
        office = office or database
        self._bus = bus
        self._log = log
        self._database = database
        self._definitions = Definitions(bus)
        self._follower = Follower(self.name, log, self.apply)
        engine = Engine(bus, log)
        self._teller = Teller(engine, database, self._definitions, self._follower)
        self._office = office
        self._closed = closed = ClosedDays(office)
        groups = Groups(engine, log, database, self._follower.reached, closed)
        self._bookkeeper = Bookkeeper(engine, groups, database, self._follower, self._teller, closed, office)
        self._holds = HoldKeeper(engine, groups, database, self._follower, self._teller, self._bookkeeper)
        paying = Paying(office, rail, settings.payouts)
        self._payouts = PayoutDesk(bus, engine, log, database, clock, self._teller, self._follower, paying)
        self._following = Following(self._follower, log, clock, self._definitions, self._cursor)
        self._auditor = Auditor(bus, database, clock, self._following, auditing, self._catalogue)
        self._reports = ReportDesk(log, database, clock, self._following, self._teller, self._catalogue, closed)
        self._watch = Watch(bus, database, self._follower, clock, self._catalogue, settings.reconcile_s)
        self._periods = PeriodDesk(groups, closed, database, clock, self._following, self._teller)
        desks = (database, office, clock, self._following, self._teller)
        self._tax = TaxDesk(groups, self._bookkeeper, *desks)
        self._approvals = Approvals(office, clock, four_eyes=settings.four_eyes, proposal_s=settings.proposal_s)
        self._fx = FxDesk(
            groups,
            database,
            office,
            clock,
            self._following,
            self._teller,
            settings.fx_stale_s,
            settings.fx_tolerance_bp,
        )

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(OpenAccount, self._teller.open_account)
        self._bus.handle(MakeTransfer, self.make_transfer)
        books = self._bookkeeper
        for kind, act in {
            "transaction": Act(books.check, books.record),
            "reversal": Act(books.reversal, books.reverse),
            "capture": Act(self._holds.check_capture, self._holds.capture),
            "account_state": Act(books.state, books.set_state),
            "credit_limit": Act(books.credit, books.set_credit),
            "fx_quotes": Act(self._fx.check, self._fx.offer),
            "period": Act(self._periods.check, self._periods.close),
            "tax": Act(self._tax.check_tax, self._tax.set_tax),
            "tax_document": Act(self._tax.check_charge, self._tax.charge),
            "tax_remittance": Act(self._tax.check_remittance, self._tax.remit),
        }.items():
            self._approvals.guard(self._bus, kind, act)
        self._approvals.keep("kill_switch", self._elsewhere(LiftByTwo))
        self._approvals.keep("limits", self._elsewhere(SetLimitsByTwo, CheckLimits))
        self._approvals.keep("margin", self._elsewhere(SetMarginByTwo, CheckMargin))
        self._approvals.keep("guards", self._elsewhere(SetGuardByTwo, CheckGuard))
        self._approvals.attach(self._bus)
        self._bus.handle(GetTransfer, self.transfer)
        self._bus.handle(GetBalances, self.balances)
        self._bus.handle(GetHolds, self.holds)
        self._bus.handle(GetEntries, self.entries)
        self._bus.handle(GetTrialBalance, self.trial_balance)
        self._holds.attach(self._bus)
        self._payouts.attach()
        self._auditor.attach()
        self._reports.attach(self._bus)
        self._fx.attach(self._bus)
        self._periods.attach(self._bus)
        self._tax.attach(self._bus)
        self._bus.handle(GetTransaction, books.find)
        self._watch.attach()

    async def start(self) -> None:
        """Open the tables."""
        await self._following.start()
        await self._payouts.start()

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name the projection, what publishes the audit's roots, drives withdrawals, compares the books, and ends days."""
        own = [
            ("reconciliation", self._watch.run),
            ("fx days", self._fx.run),
            ("approvals", self._approvals.run),
            ("periods", self._periods.run),
        ]
        return [*self._following.tasks(), *self._auditor.tasks(), *self._payouts.tasks(), *own]

    def not_ready(self) -> list[str]:
        """Return why answers may be missing, late or wrong."""
        return [*self._following.not_ready(), *self._watch.not_ready(), *self._payouts.not_ready()]

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what this room looks like."""
        yield from self._follower.collect()
        yield counter("qc_ledger_transfers", "Transfers by outcome", self._teller.transfers, by="outcome")
        posted = self._bookkeeper.transactions
        yield counter("qc_ledger_transactions", "Transactions by hand, by outcome", posted, by="outcome")
        yield counter("qc_ledger_holds", "Acts on holds by clients, by outcome", self._holds.holds, by="outcome")
        yield from self._approvals.collect()
        yield from self._fx.collect()
        yield from self._payouts.collect()
        yield from self._periods.collect()
        yield from self._tax.collect()
        yield from self._watch.collect()
        yield from self._auditor.collect()

    async def stop(self) -> None:
        """Nothing is in flight but the projection, whose task has ended: each of its batches is whole or not at all."""

    # --------------------------------------------------------------------------------------------- queries

    async def make_transfer(self, request: MakeTransfer) -> TransferView:
        """Move money; with a payout rail a withdrawal is only begun here, and its answer says how it stands.

        Raises:
            InvalidCommand, NotFound, Conflict: As contracts/ledger says.
            Unavailable, OutcomeUnknown: As matching says; after the latter, ask again with the same transfer_id.
        """
        if not self._payouts.takes_withdrawals:
            return await self._teller.make_transfer(request)
        if request.kind == "withdrawal":
            return await self._payouts.withdraw(request)
        await self._payouts.check_free(request)
        return await self._teller.make_transfer(request)

    async def transfer(self, query: GetTransfer) -> TransferView:
        """Return a posted transfer, or a withdrawal through the payout rail as it stands.

        Raises:
            NotFound: `transfer.not_found`.
        """
        withdrawal = await self._payouts.transfer(query)
        if withdrawal is not None:
            return withdrawal
        await self._following.reached(query.at_least)
        row = await self._database.read(
            lambda connection: queries.transfer(connection, query.account, query.transfer_id)
        )
        if row is None:
            raise NotFound("transfer.not_found", "transfer not found")
        return queries.show_transfer(row, self._catalogue)

    async def balances(self, query: GetBalances) -> Balances:
        """Return all balances of an account at one sequence.

        Raises:
            NotFound: `account.not_found`.
        """
        view = await self._owner(query.account, query.at_least)
        return Balances(str(query.account), view.sequence, queries.show_balances(view, self._catalogue))

    async def holds(self, query: GetHolds) -> Holds:
        """Return the open holds of an account, its orders' and its own, oldest first.

        Raises:
            NotFound: `account.not_found`.
        """
        await self._owner(query.account, query.at_least)
        found = await self._database.read(lambda connection: queries.open_holds(connection, query.account))
        sequence, of_orders, of_clients = found
        return Holds(
            str(query.account),
            sequence,
            [queries.show_hold(hold, self._catalogue) for hold in of_orders],
            [queries.show_client_hold(hold, self._catalogue) for hold in of_clients],
        )

    async def entries(self, query: GetEntries) -> EntryPage:
        """Return a page of an account's entries, newest first unless asked.

        Raises:
            InvalidCommand: limit or cursor.
            NotFound: `account.not_found`, `currency.not_found`.
        """
        check_count(query.limit, queries.MAX_PAGE)
        after = queries.parse_position(query.cursor) if query.cursor else None
        currency = (await self._teller.currency(query.currency)).number if query.currency else 0
        await self._owner(query.account, query.at_least)
        work = partial(
            queries.account_entries,
            account=query.account,
            currency=currency,
            after=after,
            limit=query.limit + 1,
            ascending=query.ascending,
        )
        sequence, rows = await self._database.read(work)
        page = rows[: query.limit]
        last = page[-1] if len(rows) > query.limit else None
        following = queries.show_position((last.sequence, last.event_index, last.leg)) if last else None
        return EntryPage([queries.show_entry(row, self._catalogue) for row in page], following, sequence)

    async def trial_balance(self, query: GetTrialBalance) -> TrialBalance:
        """Return the sums of every code in every currency.

        Raises:
            InvalidCommand: `statement.range.future`; as_of is no day.
        """
        if query.as_known or query.as_of:
            return await self._reports.trial_balance(query)
        await self._following.reached(query.at_least)
        sequence, found = await self._database.read(queries.trial_rows)
        lines, balanced = queries.show_trial(found, self._catalogue)
        return TrialBalance(sequence, lines, balanced)

    # ------------------------------------------------------------------------------------------ projection

    async def apply(self, batches: Sequence[EventBatch]) -> None:
        """Enter what is new in `batches`, cursor and effects together, and tell whose balances moved.

        Raises:
            Unavailable: The database did not take it; the rest follows when `batches` come again.
            Corrupted: A gap or an impossible posting, with its position; nothing of that part was entered.
        """
        owned = [batch.owned() for batch in batches]
        for part in parts(without_holes(owned, self._follower.cursor, self._log)):
            self._learn(part)
            upto, moved = await self._database.write(partial(store.post, batches=part, catalogue=self._catalogue))
            self._auditor.entered(part)
            if moved:
                await self._bus.publish([LedgerMoved(accounts=moved, sequence=upto)])

    def _learn(self, batches: Sequence[EventBatch]) -> None:
        for batch in batches:
            for event in batch.events:
                if isinstance(event, wire.CurrencyDefined | wire.InstrumentDefined):
                    self._catalogue.apply(event)

    # --------------------------------------------------------------------------------------------- helpers

    def _elsewhere(self, act: Callable[..., Request[Any]], check: Callable[..., Request[Any]] | None = None) -> Act:
        """Return how another room carries out what it is asked for (`asked`); without `check` nothing is (a kill switch may be lifted whether it is engaged or not)."""

        async def checked(command: Request[Any]) -> object:
            return None if check is None else await self._bus.request(check(asked=command))

        async def done(command: Request[Any]) -> Any:
            return await self._bus.request(act(asked=command))

        return Act(checked, done)

    @property
    def _catalogue(self) -> Catalogue:
        return self._definitions.catalogue

    async def _owner(self, account: int, at_least: int) -> OwnerView:
        """Return what stands for an account.

        Raises:
            NotFound: `account.not_found`.
        """
        await self._following.reached(at_least)

        def work(connection: Connection) -> OwnerView:
            return queries.owner_view(connection, account)

        view = await self._database.read(work)
        if not view.owner:
            raise NotFound("account.not_found", "account not found", field="account_id")
        return view

    async def _cursor(self) -> int:
        return await self._database.read(store.read_cursor)
