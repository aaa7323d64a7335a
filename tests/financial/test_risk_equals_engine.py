"""What the risk room believes of accounts is what the engine has of them.

Goal: balances, positions and working orders that figures are made of never differ from those that trade.
Method: seeded markets with everything in them (auctions, busts, actions, groups, holds) through the readable engine.
"""

import random
from functools import partial
from pathlib import Path

import pytest

from quantumcore.contracts import wire
from quantumcore.services.risk import margin_store, store
from quantumcore.services.risk.margin.book import Book
from quantumcore.services.risk.margin.standing import STALE, TOO_LARGE, maintenance
from tests.support.risk_room import risk_service
from tests.support.small_venue import SmallVenue, small_venue
from tests.support.streams import Market, setup
from tests.support.streams_actions import ActionMarket
from tests.support.streams_busted import BustedMarket
from tests.support.streams_margin import MarginMarket

VOLATILITY = 1
COMMANDS = 400


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
        mine = sorted((one.instrument, one.side, one.leaves) for one in found.orders)
        assert mine == sorted((one.instrument, one.side, one.leaves) for one in engine.working[number].values())
        working += len(mine)
    return working, len(engine.positions)


@pytest.mark.parametrize("market", [Market, ActionMarket, BustedMarket])
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
        for _ in range(4 * COMMANDS):
            events = venue.do(stream.next().raw)
            stream.hear(b"".join(event.encode() for event in events))
        service = risk_service(venue, await venue.database("risk"))
        await service.start()
        await service.apply(venue.log.read(0, 1 << 30))
        book, engine, summed = service.margin.book, venue.engine, 0
        records = engine._venue.margin.accounts
        assert book.profiles == {place: one.profile for place, one in records.items() if one.profile}
        assert book.days.keys() == {place for place, one in records.items() if one.day is not None}
        assert set(book.places) == book.profiles.keys() | book.days.keys()
        assert {at: one.losses for at, one in book.arrays.items() if one.given} == {
            at: one.losses for at, one in engine._venue.margin.arrays.items()
        }
        reopened = Book()
        for key, event in await service.margin._database.read(margin_store.load):
            reopened.put(key, event)
        assert vars(reopened) == vars(book)
        instruments = service.margin._definitions.catalogue.instruments
        for account, currency in records:
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
        assert book.profiles
        assert summed > 0


async def test_every_mark_and_switch_is_as_the_engine_told_it_last(tmp_path: Path, rng: random.Random) -> None:
    async with small_venue(tmp_path, list(setup())) as venue:
        stream = Market(rng)
        engaged: dict[int, bool] = {}
        told: dict[int, int] = {}
        for _ in range(COMMANDS):
            for event in venue.do(stream.next().raw):
                if isinstance(event, wire.KillSwitchChanged):
                    engaged[event.account] = bool(event.engaged)
                if isinstance(event, wire.TradePrinted | wire.MarkChanged):
                    told[event.instrument] = event.sequence
        database = await venue.database("risk")
        service = risk_service(venue, database)
        await service.start()
        await service.apply(venue.log.read(0, 1 << 30))
        assert service.projection.engaged == sum(engaged.values())
        assert told.keys() >= service.projection.marks.keys()
        assert all(told[number] >= mark.sequence for number, mark in service.projection.marks.items())
