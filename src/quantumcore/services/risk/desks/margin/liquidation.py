"""The liquidation desk: what an assessment finds from the rung partial on, it acts upon as margin/ladder.py says.

Partial and full reduce by limit orders inside the collar; what the fund and the other side take, desks/margin/takeovers.py makes commands of.

    assessed ──decided and written down──▶ asked ──the engine has it──▶ done ──the next assessment──▶ ...
                                             └──nobody knows, and the engine has none of its orders──▶ dropped

One step follows one assessment that is later than the step before. A step whose answer was lost is never sent again: the engine is asked whether it
knows its orders by their ids, what was taken over stands in the event log, and what is still to be done the assessment says that comes next.
The orders are immediate or cancel and only reduce.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from prometheus_client.core import Metric

from quantumcore.contracts import wire
from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.marks import MARK, Mark
from quantumcore.contracts.matching import PreviewSubmission, Sequence, SequenceBatch, Sequenced
from quantumcore.contracts.reference import Catalogue, Instrument
from quantumcore.contracts.risk_margin import (
    GetLiquidations,
    LiquidationOrder,
    LiquidationStep,
    LiquidationStepped,
    LiquidationSteps,
    LiquidationTaking,
)
from quantumcore.contracts.values import I64_MAX
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.risk import store
from quantumcore.services.risk.desks.keeping import numbered
from quantumcore.services.risk.desks.margin import liquidation_store
from quantumcore.services.risk.desks.margin.liquidation_store import Row, State
from quantumcore.services.risk.desks.margin.takeovers import TakeOvers
from quantumcore.services.risk.margin import ladder
from quantumcore.services.risk.margin.book import Book, Place
from quantumcore.services.risk.margin.ladder import Fund, Reduce, Rung, Standing
from quantumcore.services.risk.margin.standing import STALE, TOO_LARGE, maintenance
from quantumcore.services.risk.store import Account

BUY, SELL = 1, 2
LIMIT, IOC, REDUCE_ONLY = 2, 3, 4
CANCEL_OLDEST = 2  # of the account's own orders: one of them must not stop this one
MOST_ORDERS = 500
"""Of one step; positions beyond them are closed by the next."""
RETRY_S = 1.0
NOBODY = Fund(money=0, floor=-(2**127))
"""Where there is no fund: below an equity of 0 an account waits on that rung."""

_log = logging.getLogger(__name__)


class LiquidationDesk:
    """Answers GetLiquidations. Tells LiquidationStepped.

    Attributes:
        steps: By rung. orders: By what became of them: filled (in part too), unfilled, refused.
        taken: Take-overs, and what the fund paid, by what became of them: taken, refused.
    """

    def __init__(
        self,
        bus: Bus,
        own: Database,
        database: Database,
        clock: Clock,
        definitions: Definitions,
        book: Book,
        marks: Callable[[], Mapping[int, Mark]],
        stepped: Callable[[Place], None],
        taking: TakeOvers,
    ) -> None:
        """`stepped` is told after whose step an assessment is due."""
        self.steps: Counter[str] = Counter(dict.fromkeys(("partial", "full", "fund", "deleverage", "over"), 0))
        self.orders: Counter[str] = Counter(dict.fromkeys(("filled", "unfilled", "refused"), 0))
        self.taken: Counter[str] = Counter(dict.fromkeys(("taken", "refused"), 0))
        self._bus = bus
        self._own = own
        self._database = database
        self._clock = clock
        self._definitions = definitions
        self._book = book
        self._marks = marks
        self._stepped = stepped
        self._taking = taking
        self._going: dict[Place, Row] = {}
        self._waiting: dict[Place, wire.MarginAssessed] = {}
        self._woken = asyncio.Event()
        self._one = asyncio.Lock()

    def attach(self) -> None:
        """Hand the handler to the bus."""
        self._bus.handle(GetLiquidations, self.page)

    async def start(self) -> None:
        """Read which liquidations go on."""
        self._going = {row.place: row for row in await self._own.read(liquidation_store.going_on)}

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what was done."""
        yield counter("qc_risk_liquidation_steps", "Steps of liquidations by rung", self.steps, by="rung")
        yield counter("qc_risk_liquidation_orders", "Their orders by what became of them", self.orders, by="outcome")
        yield counter(
            "qc_risk_takeovers", "Positions that went to the fund or the other side", self.taken, by="outcome"
        )
        yield gauge("qc_risk_liquidations", "Accounts in a currency that are being liquidated", len(self._going))

    def heard(self, assessed: Mapping[Place, wire.MarginAssessed]) -> None:
        """Take in assessments that ask for something, or for the end of what goes on."""
        for place, event in assessed.items():
            if event.rung >= Rung.PARTIAL or place in self._going:
                self._waiting[place] = event
                self._woken.set()

    async def run(self) -> None:
        """Liquidate for ever."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.round()
            finally:
                if self._waiting:  # whoever runs this again is woken
                    self._woken.set()
            if self._waiting:
                await self._clock.sleep(RETRY_S)

    async def round(self) -> None:
        """Take the step of each assessment that waits; what cannot be taken yet waits on, or is replaced by a later one."""
        async with self._one:
            await self._round()

    async def _round(self) -> None:
        for place, event in list(self._waiting.items()):
            try:
                await self._act(place, event)
            except QuantumCoreError as error:
                _log.warning("a step of the liquidation of account %d is not taken: %s", place[0], error.detail)
                continue
            if self._waiting.get(place) is event:
                del self._waiting[place]

    async def page(self, query: GetLiquidations) -> LiquidationSteps:
        """Return a page of steps, newest first.

        Raises:
            InvalidCommand: limit or cursor.
        """
        found, following = await numbered.page(
            self._own, liquidation_store.page, query.limit, query.cursor, account=query.account
        )
        if found and not self._catalogue.instruments:
            await self._definitions.refresh()
        return LiquidationSteps([shown(one, self._catalogue) for one in found], following)

    # ---------------------------------------------------------------------------------------- one step

    async def _act(self, place: Place, event: wire.MarginAssessed) -> None:
        before = self._going.get(place)
        if before is not None and before.state is State.ASKED:
            before = await self._resolve(before)
        if event.margin_flags & (STALE | TOO_LARGE) or (before is not None and event.sequence <= before.sequence):
            return
        account = await self._database.read(partial(store.read_account, account=place[0]))
        positions = self._positions(account, event)
        step = await self._step(event, positions, before)
        rung = step.standing.rung
        if (before is None and rung < Rung.PARTIAL) or self._waits(before, step):
            return
        if rung >= Rung.FUND and not self._is_of_now(account, event, positions):
            self._stepped(place)
            return
        episode, attempt = (before.episode, before.attempt + 1) if before else (event.sequence, 1)
        row = Row(
            number=0,
            account=event.account,
            currency=event.currency,
            episode=episode,
            attempt=attempt,
            rung=rung,
            assessed=event.sequence,
            cause=step.cause,
            begun=dict(step.standing.begun),
            commands=[],
            state=State.ASKED,
            failed=step.standing.failed,
            filled=0,
            time_ns=self._clock.now(),
            sequence=0,
        )
        row = row._replace(commands=[one.encode() for one in self._commands(account, row, positions, step)])
        self._going[place] = row = await self._own.write(partial(liquidation_store.add, row=row))
        outcomes: list[Sequenced] = []
        if row.commands:
            outcomes = (await self._bus.request(SequenceBatch(commands=row.commands))).outcomes
        await self._end(self._after(row, outcomes))

    def _waits(self, before: Row | None, step: ladder.Step) -> bool:
        """Tell whether nobody can take anything yet: without a fund, or after the other side could not either, on the same numbers."""
        if before is None or min(before.rung, step.standing.rung) < Rung.FUND or not before.came_to_nothing:
            return False
        same = (before.cause.equity, before.cause.fund) == (step.cause.equity, step.cause.fund)
        return not self._taking.insured or (before.rung is Rung.DELEVERAGE and same)

    def _is_of_now(self, account: Account, event: wire.MarginAssessed, positions: list[ladder.Position]) -> bool:
        """Tell whether an account still stands as it was assessed: only then does what is taken leave it with exactly nothing."""
        balance = account.balances.get(event.currency)
        total = 0 if balance is None else balance.total
        return total + sum(one.lots * one.mark * one.unit // one.per for one in positions) == event.equity

    async def _step(
        self, event: wire.MarginAssessed, positions: list[ladder.Position], before: Row | None
    ) -> ladder.Step:
        """Return what the ladder says; of an account that somebody has taken off margin, that it is over.

        Raises:
            Unavailable: The fund's money, or who stands on the other side, cannot be known now.
        """
        standing = (
            Standing() if before is None else Standing(rung=before.rung, failed=before.failed, begun=before.begun)
        )
        if not event.profile:
            cause = ladder.Cause(event.equity, event.initial, event.maintenance, 0, 0, standing.failed)
            return ladder.Step(Standing(), cause, ())
        account = ladder.Account(
            account=event.account,
            equity=event.equity,
            initial=event.initial,
            maintenance=event.maintenance,
            positions=positions,
        )
        collars = (self._catalogue.symbols[one.symbol].collar for one in positions)
        rules = ladder.Rules(collar=min((one for one in collars if one), default=0))
        if event.equity >= 0 or not self._taking.insured:
            return ladder.step(account, standing, NOBODY, rules=rules)
        refused = before is not None and before.rung is Rung.FUND and before.came_to_nothing
        fund = await self._taking.fund(event.currency, refused=refused)
        enough = fund.takes(-event.equity)
        opposites = () if enough else await self._taking.opposites(account, event.currency)
        return ladder.step(account, standing, fund, opposites, rules)

    def _after(self, row: Row, outcomes: list[Sequenced]) -> Row:
        """Return a step after the engine has answered: a partial of which nothing has traded has failed."""
        filled = 0
        for command, outcome in zip(row.commands, outcomes, strict=True):
            if command[2] == wire.MassCancel.KIND:
                continue
            told = wire.decode_events(outcome.events)
            if command[2] != wire.SubmitOrder.KIND:
                refused = isinstance(told[0], wire.CommandRefused)
                self.taken["refused" if refused else "taken"] += 1
                filled += _lots_taken(told, row.account)
                continue
            lots = sum(one.quantity for one in told if isinstance(one, wire.TradePrinted))
            refused = isinstance(told[0], wire.OrderRejected | wire.CommandRefused)
            self.orders["filled" if lots else "refused" if refused else "unfilled"] += 1
            filled += lots
        failed = row.failed + (row.rung is Rung.PARTIAL and filled == 0)
        sequence = outcomes[-1].sequence if outcomes else row.assessed
        return row._replace(state=State.DONE, failed=failed, filled=filled, sequence=sequence)

    async def _resolve(self, row: Row) -> Row:
        """Return what became of a step whose answer was lost: done, if the engine knows one of its orders by its id.

        Commands are stepped in the order in which they came: once an assessment that is asked for now has been answered, what the engine
        does not know it never will, and that assessment is the first that may cause another step.
        """
        asked = wire.AssessMargin(account=row.account, currency=row.currency).encode()
        behind = (await self._bus.request(Sequence(command=asked))).sequence
        if row.rung >= Rung.FUND:
            told = await self._taking.told(row.assessed, behind)
            filled = _lots_taken(told, row.account)
            paid = any(isinstance(one, wire.TransferPosted) and one.transfer_id == row.name for one in told)
            state = State.DONE if filled or paid or not row.commands else State.DROPPED
            return await self._end(row._replace(state=state, filled=filled, sequence=behind - 1))
        known = False
        for command in row.commands:
            if command[2] == wire.SubmitOrder.KIND:
                known = known or (await self._bus.request(PreviewSubmission(command=command))).first_sequence > 0
        state = State.DONE if known or not row.commands else State.DROPPED
        return await self._end(row._replace(state=state, filled=None if known else 0, sequence=behind - 1))

    async def _end(self, row: Row) -> Row:
        """Write down what became of a step, and tell it."""
        await self._own.write(partial(liquidation_store.ended, row=row))
        over = row.rung < Rung.PARTIAL
        if over:
            self._going.pop(row.place, None)
        else:
            self._going[row.place] = row
        self.steps["over" if over else row.rung.name.lower()] += 1
        cause = row.cause
        _log.warning(
            "liquidation of account %d, step %d.%d: %s, equity %d, initial %d, maintenance %d, %d failed, filled %s",
            *(row.account, row.episode, row.attempt, row.rung.name.lower()),
            *(cause.equity, cause.initial, cause.maintenance, row.failed, row.filled),
        )
        self._stepped(row.place)
        await self._bus.publish([LiquidationStepped(step=shown(row, self._catalogue))])
        return row

    def _positions(self, account: Account, event: wire.MarginAssessed) -> list[ladder.Position]:
        """Return the positions of an account in the currency, at the marks that stand."""
        found = []
        for number, holding in sorted(account.positions.items()):
            lots, mark, instrument = holding.lots, self._marks().get(number), self._catalogue.instruments[number]
            stands = mark is not None and mark.source == MARK and not mark.withdrawn
            if lots and instrument.quote.number == event.currency and mark is not None and stands:
                margin = maintenance(self._book, event.profile, instrument, lots, mark.price)
                unit, per = instrument.unit.as_integer_ratio()
                symbol, at = instrument.symbol, mark.price
                found.append(ladder.Position(symbol=symbol, lots=lots, mark=at, unit=unit, per=per, margin=margin))
        return found

    def _commands(
        self,
        account: Account,
        row: Row,
        positions: list[ladder.Position],
        step: ladder.Step,
    ) -> Iterable[wire.Command]:
        """Yield what a step sends: from the rung full on all orders go first, for what works holds what is to go."""
        if row.rung >= Rung.FULL:
            quoted = {order.instrument for order in account.orders}
            for number in sorted(quoted):
                if self._catalogue.instruments[number].quote.number == row.currency:
                    yield wire.MassCancel(account=row.account, instrument=number)
        reductions = [one for one in step.actions if isinstance(one, Reduce)][:MOST_ORDERS]
        for at, reduction in enumerate(reductions, 1):
            yield _order(self._catalogue.symbols[reduction.symbol], row.account, reduction, f"{row.name}-{at}")
        if row.rung >= Rung.FUND and self._taking.insured:
            yield from self._taking.commands(row.place, positions, step.actions, row.name)

    @property
    def _catalogue(self) -> Catalogue:
        return self._definitions.catalogue


def _lots_taken(told: Iterable[wire.Event], giver: int) -> int:
    """Return how many lots of an account went to others."""
    return sum(abs(one.lots) for one in told if isinstance(one, wire.PositionTaken) and one.account == giver)


def _order(instrument: Instrument, account: int, reduction: Reduce, client_id: str) -> wire.SubmitOrder:
    """Return the order of a reduction; its price is kept inside the instrument's bounds."""
    ticks = max(instrument.min_price, min(instrument.max_price, reduction.price))
    return wire.SubmitOrder(
        instrument=instrument.number,
        account=account,
        side=BUY if reduction.lots > 0 else SELL,
        quantity=min(abs(reduction.lots), I64_MAX // instrument.lot) * instrument.lot,
        quantity_scale=instrument.lot_scale,
        price=ticks * instrument.tick,
        price_scale=instrument.tick_scale,
        order_type=LIMIT,
        time_in_force=IOC,
        self_trade_prevention=CANCEL_OLDEST,
        flags=REDUCE_ONLY,
        client_id=client_id,
    )


def shown(row: Row, catalogue: Catalogue) -> LiquidationStep:
    """Return a step as others see it."""
    sent = [wire.decode_command(one) for one in row.commands]
    currency, asked = catalogue.currencies[row.currency], row.rung >= Rung.FUND and row.cause.floor >= 0
    paid = [one.amount for one in sent if isinstance(one, wire.Transfer)]
    return LiquidationStep(
        number=row.number,
        account_id=str(row.account),
        currency=currency.code,
        episode=row.episode,
        attempt=row.attempt,
        rung=row.rung.name.lower(),
        assessed=row.assessed,
        equity=row.cause.equity,
        initial=row.cause.initial,
        maintenance=row.cause.maintenance,
        failed=row.failed,
        fund=row.cause.fund if asked else None,
        floor=row.cause.floor if asked else None,
        orders=[_shown_order(one, catalogue) for one in sent if isinstance(one, wire.SubmitOrder)],
        taken=[_shown_taking(one, catalogue) for one in sent if isinstance(one, wire.TakeOver)],
        paid=currency.show(paid[0]) if paid else None,
        state=row.state.name.lower(),
        filled=row.filled,
        time_ns=row.time_ns,
        sequence=row.sequence,
    )


def _shown_order(order: wire.SubmitOrder, catalogue: Catalogue) -> LiquidationOrder:
    instrument = catalogue.instruments[order.instrument]
    return LiquidationOrder(
        symbol=instrument.symbol,
        side="buy" if order.side == BUY else "sell",
        quantity=instrument.quantity(order.quantity // instrument.lot),
        price=instrument.price(order.price // instrument.tick),
        client_order_id=order.client_id,
    )


def _shown_taking(taking: wire.TakeOver, catalogue: Catalogue) -> LiquidationTaking:
    instrument = catalogue.instruments[taking.instrument]
    return LiquidationTaking(
        account_id=str(taking.taker),
        symbol=instrument.symbol,
        quantity=instrument.quantity(taking.lots),
        money=instrument.quote.show(taking.money),
    )
