"""What the risk room believes of accounts is what the engine has of them.

Goal: balances, positions and working orders that figures are made of never differ from those that trade.
Method: seeded markets with everything in them (auctions, busts, actions, groups, holds) through the readable engine.
"""

import random
from collections import Counter
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.reference import Catalogue
from quantumcore.core.twin import exposure
from quantumcore.core.twin import positions as twin_positions
from quantumcore.core.twin.limits import group_key, least_share
from quantumcore.services.risk import margin_store, store, tables
from quantumcore.services.risk.levels import Level, Limit
from quantumcore.services.risk.margin.book import Book
from quantumcore.services.risk.margin.standing import STALE, TOO_LARGE, maintenance
from quantumcore.services.risk.state import PAIR
from quantumcore.services.risk.together import read_together
from quantumcore.services.risk.valuation.at_work import lots_at_work, worth_at_work
from quantumcore.services.risk.valuation.limits import of_level
from tests.support import stream_guards
from tests.support.risk_room import risk_service
from tests.support.shown_market import ShownMarket
from tests.support.small_venue import SmallVenue, small_venue
from tests.support.streams import ACCOUNTS, Market, setup
from tests.support.streams_actions import ActionMarket
from tests.support.streams_busted import BustedMarket
from tests.support.streams_guarded import GuardedMarket
from tests.support.streams_limits import LimitMarket
from tests.support.streams_linked import LinkedMarket
from tests.support.streams_margin import MarginMarket

VOLATILITY = 1
SHARES = {"interest_share": "interest", "volume_share": "volume"}
"""By the name that the room has for a share, the engine's."""
COMMANDS = 400
MOST_PARTS = 5
"""Times so many: what a stream has not met by then it never meets."""


async def assert_equal(venue: SmallVenue) -> tuple[int, int]:
    """Fail unless every account is as the engine has it; return how many orders work and positions stand."""
    database = await venue.database("risk")
    service = risk_service(venue, database)
    await service.start()
    await service.apply(venue.log.read(0, 1 << 30))
    engine = venue.engine._venue
    working = 0
    for number, theirs in engine.accounts.items():
        found = await database.read(partial(store.read_account, account=number))
        assert found.opened
        totals = {code: one.total for code, one in found.balances.items() if one.total}
        assert totals == {code: one.total for code, one in theirs.balances.items() if one.total}
        lots = {instrument: one.lots for instrument, one in found.positions.items() if one.lots}
        held = {key[1]: many for key, many in engine.positions.items() if key[0] == number and many}
        assert lots == held
        mine = sorted(
            (one.instrument, one.side, one.leaves, one.price, one.filled, one.notional) for one in found.orders
        )
        assert mine == sorted(
            (one.instrument, one.side, one.leaves, one.limit, one.filled, one.tally.notional)
            for one in engine.working[number].values()
        )
        works = lots_at_work(found.orders)
        for instrument, side in {(one.instrument, one.side) for one in found.orders}:
            assert works[instrument, side] == exposure.lots_at_work(engine, number, instrument, side)
        worth = worth_at_work(found.orders, service.margin._definitions.catalogue.instruments)
        assert worth == {code: exposure.worth_at_work(engine, [number], code) for code in worth}
        working += len(mine)
    return working, len(engine.positions)


@pytest.mark.parametrize("market", [Market, ActionMarket, BustedMarket, MarginMarket, LinkedMarket, ShownMarket])
async def test_every_account_is_as_the_engine_has_it(tmp_path: Path, rng: random.Random, market: type[Market]) -> None:
    async with small_venue(tmp_path, list(setup())) as venue:
        stream = market(rng)
        for _ in range(COMMANDS):
            events = venue.do(stream.next().raw)
            stream.hear(b"".join(event.encode() for event in events))
        _, positions = await assert_equal(venue)
        assert positions > 0


async def test_what_is_known_of_margin_is_what_the_engine_has_and_positions_sum_to_its_maintenance(
    tmp_path: Path, rng: random.Random
) -> None:
    """The ladder reduces the largest of these; by volatility an account needs the sum of what each position needs alone."""
    async with small_venue(tmp_path, list(setup())) as venue:
        stream = MarginMarket(rng)
        service = risk_service(venue, await venue.database("risk"))
        await service.start()
        for _ in range(MOST_PARTS):
            for _ in range(4 * COMMANDS):
                events = venue.do(stream.next().raw)
                stream.hear(b"".join(event.encode() for event in events))
            await service.apply(venue.log.read(service.projection.stand.sequence, 1 << 30))
            await assert_margin_is_known(service, venue.engine)
            if sums_of_maintenance(service, venue.engine):
                return
    pytest.fail("nobody on margin by volatility has a position")


async def assert_margin_is_known(service: Any, engine: Any) -> None:
    """Fail unless the room's book is as the engine has it, and is read from its tables as it is."""
    book, records = service.margin.book, engine._venue.margin.accounts
    assert book.profiles == {place: one.profile for place, one in records.items() if one.profile}
    assert book.profiles
    assert book.days.keys() == {place for place, one in records.items() if one.day is not None}
    assert set(book.places) == book.profiles.keys() | book.days.keys()
    assert {at: one.losses for at, one in book.arrays.items() if one.given} == {
        at: one.losses for at, one in engine._venue.margin.arrays.items()
    }
    reopened = Book()
    for key, event in await service.margin._database.read(margin_store.load):
        reopened.put(key, event)
    assert vars(reopened) == vars(book)


def sums_of_maintenance(service: Any, engine: Any) -> int:
    """Fail unless what positions need alone is together what their account needs; return of how many accounts that is over 0."""
    book, instruments, summed = service.margin.book, service.margin._definitions.catalogue.instruments, 0
    for account, currency in engine._venue.margin.accounts:
        standing = engine.margin(account, currency)
        if standing.profile != VOLATILITY or standing.margin_flags & (STALE | TOO_LARGE):
            continue
        alone = 0
        for number, lots in engine.positions(account):
            instrument, mark = instruments[number], engine._venue.books[number].watch.mark or 0
            if instrument.quote.number == currency and lots:
                alone += maintenance(book, standing.profile, instrument, lots, mark)
        assert alone == standing.maintenance, (account, currency)
        summed += alone > 0
    return summed


async def test_every_mark_and_switch_is_as_the_engine_told_it_last(tmp_path: Path, rng: random.Random) -> None:
    async with small_venue(tmp_path, list(setup())) as venue:
        stream = Market(rng)
        engaged: dict[int, bool] = {}
        told: dict[int, tuple[int, int]] = {}
        standing: set[int] = set()  # no trade moves a mark that somebody has set
        for _ in range(COMMANDS):
            for event in venue.do(stream.next().raw):
                match event:
                    case wire.KillSwitchChanged():
                        engaged[event.account] = bool(event.engaged)
                    case wire.MarkChanged(price=0):
                        standing.discard(event.instrument)
                    case wire.MarkChanged():
                        standing.add(event.instrument)
                        told[event.instrument] = event.price, event.sequence
                    case wire.TradePrinted() if event.instrument not in standing:
                        told[event.instrument] = event.price, event.sequence
        database = await venue.database("risk")
        service = risk_service(venue, database)
        await service.start()
        await service.apply(venue.log.read(0, 1 << 30))
        assert service.projection.engaged == sum(engaged.values())
        assert told
        assert {number: (mark.price, mark.sequence) for number, mark in service.projection.marks.items()} == told


@pytest.mark.parametrize("market", [GuardedMarket, LimitMarket])
async def test_every_level_is_as_the_engine_has_it(tmp_path: Path, rng: random.Random, market: type[Market]) -> None:
    """Switches, firms, groups and the records of limits of every level, looked at again and again: switches are soon lifted."""
    seen: set[tuple[str, int]] = set()
    async with small_venue(tmp_path, list(setup())) as venue:
        stream = market(rng)
        database = await venue.database("risk")
        service = risk_service(venue, database)
        await service.start()
        for _ in range(COMMANDS // 10):
            commands = [stream_guards.kill(stream).encode() for _ in range(2)] if market is GuardedMarket else []
            for raw in (*commands, *(stream.next().raw for _ in range(20))):
                stream.hear(b"".join(event.encode() for event in venue.do(raw)))
            await service.apply(venue.log.read(service.projection.stand.sequence, 1 << 30))
            engine = venue.engine._venue
            switches = await database.read(partial(store.read_switches, most=10_000))
            assert {level: one.mode for level, one in switches.items()} == expected_switches(engine)
            assert await database.read(members) == expected_members(engine)
            records = await database.read(limits)
            assert records == expected_limits(engine)
            seen |= {("switch", level.scope) for level in switches} | {("limit", scope) for scope, *_ in records}
    some = {("switch", Scope.FIRM), ("switch", Scope.SESSION)}
    assert seen >= ({("limit", Scope.FIRM), ("limit", Scope.GROUP)} if market is LimitMarket else some)


async def test_what_firms_and_groups_use_of_their_limits_is_what_the_engine_judges_by(
    tmp_path: Path, rng: random.Random
) -> None:
    """Looked at again and again under records that change, with fills on credit, pairs, and brackets that wait among what works."""
    used: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    wanted = {"long", "short", "open_each", "open_value", "credit", *SHARES}
    async with small_venue(tmp_path, list(setup())) as venue:
        stream = LimitMarket(rng)
        database = await venue.database("risk")
        service = risk_service(venue, database)
        await service.start()
        for _ in range(MOST_PARTS * COMMANDS // 4):
            for raw in (*together(rng), *(stream.next().raw for _ in range(20))):
                stream.hear(b"".join(event.encode() for event in venue.do(raw)))
            await service.apply(venue.log.read(service.projection.stand.sequence, 1 << 30))
            catalogue, engine = service.margin._definitions.catalogue, venue.engine._venue
            for level in levels(engine):
                standing = await database.read(partial(store.read_level, level=level))
                found = await database.read(partial(read_together, level=level))
                sizes = await database.read(partial(store.read_limits, levels=[(Scope.INSTRUMENT, 0)]))
                told = of_level(level, standing, found, sizes, catalogue.instruments, catalogue.currencies)
                assert told is not None
                mine = {(one.name, one.symbol or one.currency): one.used for one in told}
                assert mine == expected_use(engine, level, standing, catalogue), level
                for one in told:
                    if one.name in SHARES:
                        at = next(i.number for i in catalogue.instruments.values() if i.symbol == one.symbol)
                        most = least_share(engine, [group_key(level.number)], at, SHARES[one.name])
                        assert most is not None
                        assert one.limit == catalogue.instruments[at].quantity(most[0])
                used.update(one.name for one in told if Fraction(one.used) > 0)
                seen["pairs"] += sum(one.tie == PAIR for one in found.orders)
                seen["drawn"] += sum(amount > 0 for amount in found.drawn.values())
            seen["rounds"] += 1
            if seen["rounds"] >= COMMANDS // 4 and seen["pairs"] > 0 < seen["drawn"] and used.keys() == wanted:
                return
    pytest.fail(f"not all was met: {used}, {seen}")


def together(rng: random.Random) -> list[bytes]:
    """Return what brings an account to a group that has limits, and a firm to a line that is wide."""
    wide = 2**62
    group, firm = rng.randint(1, 2), rng.randint(1, 2)
    limits = wire.SetQuantityLimits(scope=Scope.GROUP, group=group, max_long=wide, max_short=wide, max_open_each=wide)
    commands: list[wire.Command] = [wire.SetGroup(account=rng.choice(ACCOUNTS), group=group), limits]
    commands.append(wire.SetMarketShares(scope=Scope.GROUP, group=group, interest=10**9, volume=10**9))
    commands.append(wire.SetMarketSize(instrument=rng.randint(1, 3), open_interest=2**53, daily_volume=2**53))
    if rng.random() < 0.1:
        commands.append(
            wire.SetMoneyLimits(scope=Scope.FIRM, firm=firm, currency=1, max_open_notional=wide, credit=wide)
        )
    return [command.encode() for command in commands]


def levels(engine: Any) -> list[Level]:
    """Return every firm and group that has a record."""
    keys = (*engine.limits.quantities, *engine.limits.shares)
    groups = {Level(Scope.GROUP, number) for scope, _, _, number in keys if scope == Scope.GROUP}
    firms = {Level(Scope.FIRM, number) for (scope, _, _, number), _ in engine.limits.money if scope == Scope.FIRM}
    return sorted(groups | firms)


def expected_use(engine: Any, level: Level, standing: dict[str, Limit], catalogue: Catalogue) -> dict[Any, str]:
    """Return what the engine would judge by, in the units of the outside: by name and symbol, or currency."""
    number, found = level.number, {}
    if level.scope == Scope.FIRM:
        accounts = exposure._accounts_of_firm(engine, number)
        for key in standing:
            name, _, text = key.partition(" ")
            currency = catalogue.currencies[int(text)]
            if name == "open_value":
                found[name, currency.code] = currency.show(exposure.worth_at_work(engine, accounts, currency.number))
            elif name == "credit":
                found[name, currency.code] = currency.show(exposure.drawn(engine, number, currency.number))
        return found
    accounts = exposure._accounts_of_group(engine, number)
    for at, instrument in catalogue.instruments.items():
        lots = sum(twin_positions.held_in(engine, account, at) for account in accounts)
        works = {side: sum(exposure.lots_at_work(engine, one, at, side) for one in accounts) for side in (1, 2)}
        count = sum(exposure.open_in(engine, account, at) for account in accounts)
        worst = {"long": lots + works[1], "short": works[2] - lots}
        found |= {(name, instrument.symbol): instrument.quantity(many) for name, many in worst.items() if many > 0}
        found |= {("open_each", instrument.symbol): str(count)} if count else {}
        for name, of in SHARES.items():
            if max(worst.values()) > 0 and least_share(engine, [group_key(number)], at, of) is not None:
                found[name, instrument.symbol] = instrument.quantity(max(worst.values()))
    return {(name, symbol): many for (name, symbol), many in found.items() if name in standing}


def expected_switches(engine: Any) -> dict[Level, int]:
    found = {Level(Scope.VENUE): engine.killed}
    found |= {Level(Scope.ACCOUNT, number): one.killed for number, one in engine.accounts.items()}
    found |= {Level(Scope.FIRM, number): mode for number, mode in engine.guards.firms.items()}
    found |= {Level(Scope.SESSION, number): one.mode for number, one in engine.guards.sessions.items()}
    found |= {Level(Scope.INSTRUMENT, 0, number): mode for number, mode in engine.guards.instruments.items()}
    return {level: mode for level, mode in found.items() if mode}


def expected_members(engine: Any) -> dict[tuple[int, int], int]:
    return {
        (number, scope): value
        for number, one in engine.accounts.items()
        for scope, value in ((Scope.FIRM, one.firm), (Scope.GROUP, one.group))
        if value
    }


def members(connection: Connection) -> dict[tuple[int, int], int]:
    return {(row.account, row.scope): row.number for row in connection.execute(select(tables.members))}


def limits(connection: Connection) -> dict[tuple[int, int, int, str], int]:
    rows = connection.execute(select(tables.limits).where(tables.limits.c.name != "open_orders"))
    return {(row.scope, row.number, row.instrument, row.name): int(row.value) for row in rows}


def expected_limits(engine: Any) -> dict[tuple[int, int, int, str], int]:
    """Return every limit of the engine's records; the count of all orders has another command too, and is looked at elsewhere."""
    found = {}
    for (scope, account, instrument, number), one in engine.limits.quantities.items():
        for name, value in (
            ("order_quantity", one.max_order_lots),
            ("long", one.max_long),
            ("short", one.max_short),
            ("open_each", one.max_open_each),
        ):
            found[scope, account or number, instrument, name] = value
    for ((scope, account, instrument, number), currency), one in engine.limits.money.items():
        for name, value in (
            ("order_value", one.max_order_notional),
            ("open_value", one.max_open_notional),
            ("credit", one.credit),
        ):
            found[scope, account or number, instrument, f"{name} {currency}"] = value
    for (scope, account, instrument, number), one in engine.limits.shares.items():
        for name, value in (("interest_share", one.interest), ("volume_share", one.volume)):
            found[scope, account or number, instrument, name] = value or wire.NOT_SET
    for instrument, one in engine.limits.sizes.items():
        for name in ("open_interest", "daily_volume"):
            found[Scope.INSTRUMENT, 0, instrument, name] = getattr(one, name) or wire.NOT_SET
    return {key: value for key, value in found.items() if value >= 0}
