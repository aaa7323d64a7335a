"""The default profile: what an account may that nobody has set limits for.

Goal: a new venue is told it before its first order, once; a currency brings its limits along; an older venue is left alone.
Method: the matching room on a directory of its own, started again and again, and its journal read back.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.app.definitions import load_definitions
from quantumcore.contracts import wire
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.services.matching.profile import Profile
from quantumcore.services.matching.service import MatchingService
from tests.support.shards import market, open_shard, order

AAPL, USD, JPY = 6, 1, 9
SMALL = Profile(order_notional=1_000, position_lots=50, open_orders=3, open_each=2)


@asynccontextmanager
async def started(directory: Path, profile: Profile | None = SMALL) -> AsyncIterator[EmbeddedBus]:
    """Give the bus of a matching room that has started."""
    bus, log = EmbeddedBus(), FileEventLog(directory / "events")
    genesis = load_definitions(None, ("AAPL", "MSFT"))
    room = MatchingService(bus, log, SystemClock(), lambda told: open_shard(directory, told), genesis, profile=profile)
    room.attach()
    await room.start()
    try:
        yield bus
    finally:
        await room.stop()
        log.close()


async def do(bus: EmbeddedBus, raw: bytes) -> wire.Event:
    """Sequence a command; return the first of what it told."""
    return wire.decode_events((await bus.request(Sequence(command=raw))).events)[0]


def told(directory: Path) -> list[wire.Event]:
    """Return every event of the log so far."""
    log = FileEventLog(directory / "events")
    try:
        return [event for batch in log.read(0) for event in batch.events]
    finally:
        log.close()


def limits_of(events: list[wire.Event]) -> list[wire.Event]:
    """Return the records of limits among events."""
    return [event for event in events if isinstance(event, wire.QuantityLimitsChanged | wire.MoneyLimitsChanged)]


async def test_a_new_venue_is_told_once_and_before_anything_else(tmp_path: Path) -> None:
    """Each currency right behind its definition; a second start adds nothing."""
    async with started(tmp_path) as bus:
        assert isinstance(await do(bus, wire.AdvanceTime().encode()), wire.CommandDone)
    events = told(tmp_path)
    first = events[0]
    assert isinstance(first, wire.QuantityLimitsChanged)
    assert (first.scope, first.max_long, first.max_short) == (Scope.VENUE, 50, 50)
    assert (first.max_open_orders, first.max_open_each, first.max_order_lots) == (3, 2, -1)
    for at, event in enumerate(events):
        if isinstance(event, wire.CurrencyDefined):
            limits = events[at + 1]
            assert isinstance(limits, wire.MoneyLimitsChanged)
            assert (limits.scope, limits.currency) == (Scope.VENUE, event.currency)
            assert (limits.max_order_notional, limits.max_open_notional) == (1_000 * 10**event.scale, -1)
            days = events[at + 2]
            assert isinstance(days, wire.RiskLimitsChanged)
            assert (days.scope, days.currency, days.account) == (Scope.VENUE, event.currency, 0)
            assert (days.loss_rate, days.drawdown_rate) == (100_000, 100_000)
            assert {days.gross, days.net, days.delta, days.gamma, days.vega, days.loss, days.drawdown} == {-1}
            assert days.share == 0
    count = len(limits_of(events))
    async with started(tmp_path):
        pass
    assert len(limits_of(told(tmp_path))) == count


@pytest.mark.hazard("A4")
async def test_an_account_without_a_record_has_it(tmp_path: Path) -> None:
    """At the limit passes, beyond it is refused, and says that it was the venue's."""
    async with started(tmp_path) as bus:
        for raw in market(2):
            command = wire.decode_command(raw)
            if not isinstance(command, wire.DefineCurrency | wire.DefineInstrument):
                await do(bus, raw)
        refused = await do(bus, order(1, price=101, quantity=10, instrument=AAPL))
        assert isinstance(refused, wire.OrderRejected)
        assert (refused.reason, refused.scope, refused.limit) == (Reason.MAX_NOTIONAL, Scope.VENUE, 100_000)
        assert isinstance(await do(bus, order(1, price=100, quantity=10, instrument=AAPL)), wire.OrderAccepted)
        refused = await do(bus, order(1, price=1, quantity=41, instrument=AAPL))
        assert isinstance(refused, wire.OrderRejected)
        assert (refused.reason, refused.scope) == (Reason.POS_LIMIT, Scope.VENUE)
        assert isinstance(await do(bus, order(1, price=1, quantity=40, instrument=AAPL)), wire.OrderAccepted)
        refused = await do(bus, order(1, side=2, price=200, quantity=1, instrument=AAPL))
        assert isinstance(refused, wire.OrderRejected)
        assert (refused.reason, refused.limit, refused.actual) == (Reason.MAX_OPEN, 2, 3)


async def test_a_currency_that_is_defined_later_brings_its_limits(tmp_path: Path) -> None:
    """The same definition again changes nothing; bytes that cannot be one are refused by the engine."""
    define = wire.DefineCurrency(currency=JPY, scale=0, code="XYZ").encode()
    async with started(tmp_path) as bus:
        assert isinstance(await do(bus, define), wire.CurrencyDefined)
        assert isinstance(await do(bus, define), wire.CommandDone)
        assert isinstance(await do(bus, define[:20] + b"\xff" + define[21:]), wire.CommandRefused)
    (limits,) = [e for e in limits_of(told(tmp_path)) if isinstance(e, wire.MoneyLimitsChanged) and e.currency == JPY]
    assert isinstance(limits, wire.MoneyLimitsChanged)
    assert limits.max_order_notional == 1_000


async def test_an_older_venue_is_left_alone(tmp_path: Path) -> None:
    """What began without a profile goes on without one, but for currencies that come later."""
    async with started(tmp_path, None):
        pass
    async with started(tmp_path) as bus:
        await do(bus, wire.DefineCurrency(currency=JPY, scale=0, code="XYZ").encode())
    (limits,) = limits_of(told(tmp_path))
    assert isinstance(limits, wire.MoneyLimitsChanged)
    assert limits.currency == JPY


def test_the_defaults_are_those_of_the_page() -> None:
    """A scale of nine places fits 63 bits; more than fits is the most that a limit can be."""
    venue = wire.decode_command(Profile().of_venue()[0])
    assert isinstance(venue, wire.SetQuantityLimits)
    assert (venue.max_long, venue.max_short, venue.max_open_orders, venue.max_open_each) == (
        10**9,
        10**9,
        10_000,
        5_000,
    )
    for scale, most in ((2, 10**10), (9, 10**17)):
        definition = wire.DefineCurrency(currency=USD, scale=scale, code="USD").encode()
        _, limits, _ = (wire.decode_command(raw) for raw in Profile().with_limits([definition]))
        assert isinstance(limits, wire.SetMoneyLimits)
        assert limits.max_order_notional == most
    definition = wire.DefineCurrency(currency=USD, scale=9, code="USD").encode()
    wide = wire.decode_command(Profile(order_notional=10**18).with_limits([definition])[1])
    assert isinstance(wide, wire.SetMoneyLimits)
    assert wide.max_order_notional == 2**63 - 1
    days = wire.decode_command(Profile(daily_loss=5, drawdown=0).with_limits([definition])[2])
    assert days == wire.SetRiskLimits(scope=Scope.VENUE, currency=USD, loss_rate=50_000)
    assert len(Profile(daily_loss=0, drawdown=0).with_limits([definition])) == 2
