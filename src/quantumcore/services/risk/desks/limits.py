"""Limits that people set: written down with who, why and until when, then commanded, then in force; at their expiry what stood before comes back.

    asked ──the engine has it──▶ standing ──a later one──▶ replaced
      └──it refuses──▶ refused      └──its time is over──▶ reverted, and a change back is asked

A command replaces a record whole and says so again when it is repeated, so what a kill or a lost answer has left unfinished is done once more.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from prometheus_client.core import Metric

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Forbidden, InvalidCommand, NotFound, QuantumCoreError, invalid
from quantumcore.contracts.matching import SequenceBatch
from quantumcore.contracts.messages import Done
from quantumcore.contracts.reasons import CODES, Reason, Scope
from quantumcore.contracts.reference import Catalogue, Currency, Instrument
from quantumcore.contracts.risk import MAX_PAGE
from quantumcore.contracts.risk_limits import (
    CheckAccountLimits,
    GetLimitChanges,
    LimitChange,
    LimitChanges,
    SetAccountLimits,
    SetLimitsByTwo,
)
from quantumcore.contracts.values import I64_MAX, Scaled, is_symbol
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.definitions import Definitions
from quantumcore.ports.telemetry import counter
from quantumcore.services.risk import parameters as terms
from quantumcore.services.risk import store
from quantumcore.services.risk.desks import change_store
from quantumcore.services.risk.desks.change_store import Change, State
from quantumcore.services.risk.folding import (
    LONG,
    MAX_OPEN_ORDERS,
    OPEN_EACH,
    OPEN_VALUE,
    ORDER_QUANTITY,
    ORDER_VALUE,
    SHORT,
)

LOOK_S = 1.0  # seconds
EXPIRY = "expiry"
"""Who sets what an expiry brings back."""
OF_QUANTITIES = {
    ORDER_QUANTITY: "max_order_lots",
    LONG: "max_long",
    SHORT: "max_short",
    MAX_OPEN_ORDERS: "max_open_orders",
    OPEN_EACH: "max_open_each",
}
OF_VALUES = {ORDER_VALUE: "max_order_notional", OPEN_VALUE: "max_open_notional"}

_log = logging.getLogger(__name__)


class LimitDesk:
    """Answers SetAccountLimits, SetLimitsByTwo, CheckAccountLimits and GetLimitChanges.

    Attributes:
        changes: By what became of them.
    """

    def __init__(
        self,
        bus: Bus,
        own: Database,
        database: Database,
        clock: Clock,
        definitions: Definitions,
        caught_up: Callable[[], Awaitable[object]],
        *,
        four_eyes: bool,
    ) -> None:
        self.changes: Counter[str] = Counter({state.name.lower(): 0 for state in State})
        self._bus = bus
        self._own = own
        self._database = database
        self._clock = clock
        self._definitions = definitions
        self._caught_up = caught_up
        self._four_eyes = four_eyes
        self._one = asyncio.Lock()

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(SetAccountLimits, self.set_limits)
        self._bus.handle(SetLimitsByTwo, self.set_by_two)
        self._bus.handle(CheckAccountLimits, self.check)
        self._bus.handle(GetLimitChanges, self.page)

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics what became of changes."""
        yield counter("qc_risk_limit_changes", "Changes of limits by what became of them", self.changes, by="state")

    async def run(self) -> None:
        """Finish what was left unfinished, and let what has expired come back; for ever."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Do what is due now; what cannot be done yet is due again."""
        async with self._one:
            try:
                await self._finish()
                for over in await self._own.read(partial(change_store.expired, now_ns=self._clock.now())):
                    back = Change(
                        number=0,
                        account=over.account,
                        instrument=over.instrument,
                        currency=over.currency,
                        state=State.ASKED,
                        given=over.before,
                        before=over.given,
                        who=EXPIRY,
                        reason=f"change {over.number} was until now",
                        time_ns=self._clock.now(),
                        expires_ns=0,
                    )
                    await self._own.write(partial(change_store.reverted, over=over, change=back))
                    self.changes["reverted"] += 1
                await self._finish()
            except QuantumCoreError as error:
                _log.warning("limits that are to be set are not: %s", error.detail)

    async def set_limits(self, command: SetAccountLimits) -> LimitChange:
        """Set limits, if one person is enough for that.

        Raises:
            Forbidden, NotFound, InvalidCommand, Unavailable, OutcomeUnknown: As contracts/risk_limits says.
        """
        if self._four_eyes:
            detail = "this needs a second person: propose it, and let another approve"
            raise Forbidden("approval.required", detail, limit="2", actual="1")
        return await self._set(command)

    async def set_by_two(self, command: SetLimitsByTwo) -> LimitChange:
        """Set limits.

        Raises:
            NotFound, InvalidCommand, Unavailable, OutcomeUnknown: As contracts/risk_limits says.
        """
        return await self._set(command.asked)

    async def check(self, query: CheckAccountLimits) -> Done:
        """Do nothing if it could be set now.

        Raises:
            NotFound, InvalidCommand: What is wrong, by its field.
        """
        await self._change(query.asked)
        return Done()

    async def page(self, query: GetLimitChanges) -> LimitChanges:
        """Return a page of changes, newest first.

        Raises:
            InvalidCommand: limit or cursor.
        """
        if not 1 <= query.limit <= MAX_PAGE:
            bound = str(MAX_PAGE)
            raise invalid("range", f"limit must be 1 to {bound}", field="limit", limit=bound, actual=str(query.limit))
        before = terms.version_of(query.cursor) if query.cursor else 0
        work = partial(change_store.page, account=query.account, before=before, limit=query.limit + 1)
        found = await self._own.read(work)
        following = str(found[query.limit - 1].number) if len(found) > query.limit else None
        return LimitChanges([self._shown(one) for one in found[: query.limit]], following)

    # ---------------------------------------------------------------------------------------- one change

    async def _set(self, command: SetAccountLimits) -> LimitChange:
        async with self._one:
            await self._finish()
            asked = await self._change(command)
            made = await self._own.write(partial(change_store.add, change=asked))
            await self._do(made)
            found = await self._own.read(partial(change_store.find, number=made.number))
        if found.state is State.REFUSED:
            raise InvalidCommand(found.code, f"the engine refused it: {found.code}")
        return self._shown(found)

    async def _finish(self) -> None:
        for change in await self._own.read(change_store.unfinished):
            await self._do(change)

    async def _do(self, change: Change) -> None:
        """Command a change, and write down what became of it.

        Raises:
            Unavailable, OutcomeUnknown: It stays asked.
        """
        outcomes = (await self._bus.request(SequenceBatch(commands=_commands(change)))).outcomes
        told = [wire.decode_events(one.events)[-1] for one in outcomes]
        refused = next((one for one in told if isinstance(one, wire.CommandRefused)), None)
        code = CODES[Reason(refused.reason)] if refused else ""
        state = State.REFUSED if refused else State.STANDING
        await self._own.write(
            partial(change_store.ended, number=change.number, state=state, sequence=told[-1].sequence, code=code)
        )
        self.changes[state.name.lower()] += 1

    async def _change(self, command: SetAccountLimits) -> Change:
        """Return what is to be set, with what stands.

        Raises:
            NotFound, InvalidCommand: As contracts/risk_limits says.
        """
        terms.check_signed(command.who, command.reason)
        now = self._clock.now()
        if command.expires_ns and command.expires_ns <= now:
            raise invalid("range", "an expiry is in the future", field="expires")
        instrument = await self._instrument(command.symbol) if command.symbol else None
        currency = await self._currency(command, instrument)
        given = _numbers(command, instrument, currency)
        await self._caught_up()
        account = await self._database.read(partial(store.read_account, account=command.account))
        if not account.opened:
            raise NotFound("account.not_found", "account not found", field="account_id")
        at, money = instrument.number if instrument else 0, currency.number if currency else 0
        names = {name: name for name in OF_QUANTITIES} | {f"{name} {money}": name for name in OF_VALUES}
        before = {
            names[name]: limit.value
            for (name, owner, place), limit in account.limits.items()
            if owner == command.account and place == at and name in names
        }
        return Change(
            number=0,
            account=command.account,
            instrument=at,
            currency=money,
            state=State.ASKED,
            given=given,
            before=before,
            who=command.who,
            reason=command.reason,
            time_ns=now,
            expires_ns=command.expires_ns,
        )

    async def _instrument(self, symbol: str) -> Instrument:
        found = await self._definitions.instrument(symbol) if is_symbol(symbol) else None
        if found is None:
            raise NotFound("instrument.not_found", f"instrument {symbol[:24]!r} not found", field="symbol")
        return found

    async def _currency(self, command: SetAccountLimits, instrument: Instrument | None) -> Currency | None:
        if instrument is not None:
            if command.currency not in ("", instrument.quote.code):
                detail = "values of a symbol are in its quote"
                raise invalid(
                    "range", detail, field="currency", limit=instrument.quote.code, actual=command.currency[:64]
                )
            return instrument.quote
        if not command.currency:
            return None
        if command.currency not in self._catalogue.codes:
            await self._definitions.refresh()
        return self._catalogue.currency(command.currency)

    @property
    def _catalogue(self) -> Catalogue:
        return self._definitions.catalogue

    def _shown(self, change: Change) -> LimitChange:
        symbol = self._catalogue.instruments[change.instrument].symbol if change.instrument else None
        currency = self._catalogue.currencies[change.currency].code if change.currency else None
        return LimitChange(
            number=change.number,
            account_id=str(change.account),
            symbol=symbol,
            currency=currency,
            state=change.state.name.lower(),
            given=change.given,
            before=change.before,
            who=change.who,
            reason=change.reason,
            time_ns=change.time_ns,
            expires_ns=change.expires_ns,
            sequence=change.sequence,
            code=change.code,
        )


def _commands(change: Change) -> list[bytes]:
    """Return what replaces the records of a change; values without a currency are not touched."""
    place = {"account": change.account, "instrument": change.instrument, "scope": Scope.ACCOUNT}
    quantities = {field: change.given[name] for name, field in OF_QUANTITIES.items() if name in change.given}
    commands = [wire.SetQuantityLimits(**place, **quantities).encode()]
    if change.currency:
        values = {field: change.given[name] for name, field in OF_VALUES.items() if name in change.given}
        commands.append(wire.SetMoneyLimits(**place, currency=change.currency, **values).encode())
    return commands


def _numbers(command: SetAccountLimits, instrument: Instrument | None, currency: Currency | None) -> dict[str, int]:
    """Return what is set, in lots, counts and minor units.

    Raises:
        InvalidCommand: A limit that this record does not have, or that is none.
    """
    counts = ((MAX_OPEN_ORDERS, command.max_open_orders), (OPEN_EACH, command.max_open_each))
    found = {name: count for name, count in counts if count is not None}
    for name, text in (
        (ORDER_QUANTITY, command.max_order_quantity),
        (LONG, command.max_long),
        (SHORT, command.max_short),
    ):
        if text is not None:
            _only(instrument is not None, name, "with a symbol")
            assert instrument is not None
            found[name] = _units(text, f"max_{name}", instrument.lot, instrument.lot_scale)
    for name, text in ((ORDER_VALUE, command.max_order_value), (OPEN_VALUE, command.max_open_value)):
        if text is not None:
            _only(currency is not None, name, "with a currency")
            assert currency is not None
            found[name] = _units(text, f"max_{name}", 1, currency.scale)
    _only(not (instrument and MAX_OPEN_ORDERS in found), MAX_OPEN_ORDERS, "without a symbol")
    for name, number in found.items():
        if not 0 <= number <= I64_MAX:
            raise invalid("range", f"max_{name} is from 0", field=f"max_{name}", limit="0", actual=str(number))
    return found


def _only(right: bool, name: str, where: str) -> None:  # a condition, not a flag
    if not right:
        raise invalid("range", f"max_{name} is set {where}", field=f"max_{name}")


def _units(text: str, field: str, size: int, scale: int) -> int:
    """Return a decimal as a whole number of units of size × 10^-scale."""
    given = Scaled.parse(text, field)
    numerator, denominator = given.mantissa * 10**scale, size * 10**given.scale
    if numerator % denominator:
        raise invalid("range", f"{field} is no multiple of the unit", field=field, actual=text[:64])
    return int(numerator // denominator)
