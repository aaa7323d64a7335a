"""What the risk room shows of guards is what the engine judges by.

Goal: records that stand and pauses never differ from those of the engine, however the events were cut, and come back whole when the tables are lost.
Method: a seeded market in which somebody is always stopped, through the readable engine; what is shown, as commands, beside what the engine has.
"""

import random
from pathlib import Path
from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.risk_guards import KINDS, GetGuards, GetPauses
from quantumcore.core.twin.guards import ALL_PRODUCTS, Guards
from quantumcore.services.risk.guards.commands import command_of
from quantumcore.services.risk.service import RiskService
from tests.support.orders_room import digest
from tests.support.risk_room import TRUTH, risk_service
from tests.support.small_venue import SmallVenue, small_venue
from tests.support.streams import setup
from tests.support.streams_guarded import GuardedMarket

ROUNDS, OF_ONE = 40, 60
ONE_OF_EACH: tuple[wire.Command, ...] = (
    wire.SetInstrumentClass(instrument=1, underlying=7, product=63, class_flags=2, outside_ns=1),
    wire.SetEntitlements(account=1, products=5),
    wire.SetRestriction(instrument=1, scope=6, group=3, restricted=1),
    wire.SetLocate(account=1, instrument=1, lots=4),
    wire.SetThrottle(scope=7, session=9, throttle_class=4, rate=10**9, burst=10**6),
    wire.SetPatterns(account=1, executions=1, executions_ns=1),
    wire.SetProtection(account=1, underlying=7, window_ns=10**9, fills=1),
)


def records_of(guards: Guards) -> set[bytes]:
    """Return the records that the engine has, of those that say anything, as the commands that set them."""
    found: list[wire.Command] = [
        wire.SetInstrumentClass(
            instrument=number,
            underlying=one.underlying,
            product=one.product,
            class_flags=one.flags,
            outside_ns=one.outside_ns,
        )
        for number, one in guards.classes.items()
        if any((one.underlying, one.product, one.flags, one.outside_ns))
    ]
    found += [
        wire.SetEntitlements(account=account, products=one.products, enabled=int(one.enabled))
        for account, one in guards.entitlements.items()
        if one.products != ALL_PRODUCTS or not one.enabled
    ]
    for (scope, number, instrument), restricted in guards.restrictions.items():
        name = {2: {"account": number}, 6: {"group": number}}.get(scope, {})
        if restricted:
            found.append(wire.SetRestriction(instrument=instrument, scope=scope, restricted=1, **name))
    throttles = [({"scope": 1}, of, one) for of, one in guards.throttles.items()]
    throttles += [({"scope": 2, "account": whose}, of, one) for (whose, of), one in guards.own_throttles.items()]
    throttles += [
        ({"scope": 7, "session": number}, of, one)
        for number, session in guards.sessions.items()
        for of, one in session.own.items()
    ]
    found += [
        wire.SetThrottle(throttle_class=of, rate=one.rate, burst=one.burst, **whose) for whose, of, one in throttles
    ]
    names = wire.SetPatterns.LAYOUT.names[4:]
    found += [
        wire.SetPatterns(account=account, **{name: getattr(one, name) for name in names})
        for account, one in guards.patterns.items()
        if one.ratio or one.executions or one.duplicates
    ]
    found += [
        wire.SetProtection(
            account=account,
            underlying=underlying,
            fills=one.fills,
            quantity=one.quantity,
            window_ns=one.window_ns,
            frozen_ns=one.frozen_ns,
            delta=one.delta,
            vega=one.vega,
        )
        for (account, underlying), one in guards.protections.items()
        if one.window_ns
    ]
    return {command.encode() for command in found}


def locates_of(guards: Guards, names: Catalogue) -> set[tuple[int, str, str]]:
    """Return (account, symbol, quantity): the most lots are more than a decimal of 63 bits can ask for."""
    of = ((account, names.instruments[number], lots) for (account, number), lots in guards.locates.items() if lots)
    return {(account, one.symbol, one.quantity(lots)) for account, one, lots in of}


def paused_of(guards: Guards, now: int) -> set[tuple[str, str]]:
    executions = {(str(account), "executions") for account, one in guards.patterns.items() if one.paused}
    frozen = {(str(account), "protection") for (account, _), one in guards.protections.items() if now < one.until}
    return executions | frozen


async def shown(service: RiskService, kind: str) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await service.guards.records(GetGuards(kind=kind, limit=3, cursor=cursor))
        found += [one.what for one in page.items]
        cursor = page.next_cursor
    return found


async def assert_equal(service: RiskService, venue: SmallVenue) -> set[str]:
    """Fail unless records and pauses are as the engine has them; return the kinds of which something stands."""
    await service.apply(venue.log.read(service.projection.stand.sequence, 1 << 30))
    guards, names = venue.engine._venue.guards, service.guards._catalogue
    stands = {kind: await shown(service, kind) for kind in KINDS}
    kinds = {kind for kind, records in stands.items() if records}
    assert {(one.account, one.symbol, one.quantity) for one in stands.pop("locate")} == locates_of(guards, names)
    assert {command_of(one, names).encode() for records in stands.values() for one in records} == records_of(guards)
    pauses = (await service.guards.pauses(GetPauses(limit=1_000))).items
    assert {(one.account_id, one.cause) for one in pauses} == paused_of(guards, venue.clock.now())
    return kinds | {"pause" for _ in pauses}


async def room(venue: SmallVenue, name: str) -> tuple[RiskService, Any]:
    database = await venue.database("risk", name)
    service = risk_service(venue, database)
    await service.start()
    return service, database


async def test_records_and_pauses_are_as_the_engine_has_them_however_they_came(
    tmp_path: Path, rng: random.Random
) -> None:
    seen: set[str] = set()
    async with small_venue(tmp_path, list(setup())) as venue:
        stream = GuardedMarket(rng)
        service, database = await room(venue, "first")
        for command in ONE_OF_EACH:
            venue.do(command)
        assert await assert_equal(service, venue) == set(KINDS)
        for _ in range(ROUNDS):
            for account in (1, 2, 3):  # the next trade of each pauses him
                venue.do(wire.SetPatterns(account=account, executions=1, executions_ns=1))
            for _ in range(OF_ONE):
                stream.hear(b"".join(event.encode() for event in venue.do(stream.next().raw)))
            seen |= await assert_equal(service, venue)
        lost, anew = await room(venue, "anew")
        await lost.apply(venue.log.read(0, 1 << 30))
        assert await digest(anew, TRUTH) == await digest(database, TRUTH)
    assert "pause" in seen
