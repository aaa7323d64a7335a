"""The positions' tables, however the events come: cut, repeated, shuffled, killed in between, wiped, put aside.

Goal: positions have the engine's lots; live = rebuilt from the log = snapshot and tail, bit for bit; what was put aside is read as
it was, or refused; two shapes side by side say the same before anybody reads the new one.
Method: seeded markets of the readable engine, hostile commands and busts included; digests of every row.
"""

import hashlib
import lzma
import random
from pathlib import Path

import pytest
from sqlalchemy import select, update

from quantumcore.adapters.sql import SqliteDatabase
from quantumcore.contracts import wire
from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.reference import Instrument
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.positions import queries, records, segments, snapshots, store
from quantumcore.services.positions.domain import Terms
from quantumcore.services.positions.folding import Choices, Folding, Told, new_events
from quantumcore.services.positions.lots import Method
from quantumcore.services.positions.projection import _apply
from quantumcore.services.positions.replay import replay
from quantumcore.services.positions.service import PositionsService
from quantumcore.services.positions.tables import events
from tests.support.ledgers import random_market
from tests.support.lent import hand_over
from tests.support.position_rooms import assert_quantities, catalogue_of, digest, order, position_tables
from tests.support.small_venue import ALICE, BOB, SHARE, definitions, small_venue
from tests.support.streams import START_NS, Market
from tests.support.streams_actions import ActionMarket
from tests.support.streams_margin import MarginMarket

COMMANDS = 700
EVERY = 12
all_markets = pytest.mark.parametrize("market_of", [Market, ActionMarket, MarginMarket])


def choices(rng: random.Random) -> Choices:
    """Return a method for every account and instrument, chosen before anything traded."""
    found = Choices()
    for account in range(1, 12):
        for instrument in range(1, 8):
            found.add((account, instrument), 1, Terms(rng.choice(list(Method)), wash_sales=rng.random() < 0.5))
    return found


async def apply(
    database: SqliteDatabase,
    batches: list[EventBatch],
    instruments: dict[int, Instrument],
    chosen: Choices,
    every: int = EVERY,
) -> store.Applied:
    return await database.write(lambda connection: _apply(connection, batches, instruments, chosen, every))


async def in_cuts(
    database: SqliteDatabase,
    batches: list[EventBatch],
    chosen: Choices,
    rng: random.Random,
    most: int = 60,
) -> dict[int, Instrument]:
    """Apply `batches` in transactions of random size; return what may be traded."""
    instruments = catalogue_of(batches).instruments
    at = 0
    while at < len(batches):
        size = rng.randrange(1, most)
        await apply(database, batches[at : at + size], instruments, chosen)
        at += size
    return instruments


@all_markets
@pytest.mark.parametrize("attempt", range(4))
async def test_positions_have_the_engines_lots(
    tmp_path: Path, seed: int, rng: random.Random, attempt: int, market_of: type[Market]
) -> None:
    engine, batches = random_market(seed + attempt, COMMANDS, market_of)
    async with position_tables(tmp_path) as database:
        await in_cuts(database, batches, choices(rng), rng)
        await assert_quantities(database, engine)


@all_markets
async def test_how_batches_are_cut_makes_no_difference(
    tmp_path: Path, seed: int, rng: random.Random, market_of: type[Market]
) -> None:
    _, batches = random_market(seed, COMMANDS, market_of)
    chosen = choices(rng)
    found = set()
    for attempt, most in enumerate((2, 7, 1_000)):
        async with position_tables(tmp_path, f"cut-{attempt}") as database:
            await in_cuts(database, batches, chosen, rng, most)
            found.add(await digest(database))
    assert len(found) == 1


@all_markets
async def test_live_is_rebuilt_is_snapshot_and_tail(
    tmp_path: Path, seed: int, rng: random.Random, market_of: type[Market]
) -> None:
    """From the log alone; and from each snapshot that is kept with the records behind it."""
    _, batches = random_market(seed, COMMANDS, market_of)
    chosen = choices(rng)
    async with position_tables(tmp_path) as database:
        instruments = await in_cuts(database, batches, chosen, rng)
        live = await database.read(snapshots.read_state)
        expected = snapshots.digest(live.positions, live.marks)

        folding = Folding({}, {}, instruments, chosen)
        folding.enter(new_events(batches, 0).events)
        assert snapshots.digest(folding.positions, folding.marks) == expected
        assert (folding.positions, folding.marks) == (live.positions, live.marks)

        kept = await database.read(snapshots.kept)
        assert 2 <= len(kept) <= snapshots.KEPT
        for snapshot in kept:
            told = await database.read(lambda connection, at=snapshot.sequence: _events_after(connection, at))
            state = snapshot.state()
            assert all(position.sequence <= snapshot.sequence for position in state.positions.values())
            assert snapshots.digest(*replay(state.positions, state.marks, told, instruments)) == expected
        everything = await database.read(lambda connection: _events_after(connection, 0))
        assert snapshots.digest(*replay({}, {}, everything, instruments)) == expected
        twice = [told for told in everything for _ in range(2)]
        assert snapshots.digest(*replay({}, {}, twice, instruments)) == expected


def _events_after(connection, sequence: int) -> list[Told]:
    c = events.c
    query = select(events).where(c.sequence > sequence).order_by(c.sequence, c.event_index, c.part)
    return [
        Told(row.account, row.instrument, records.decode(row.schema, row.payload)) for row in connection.execute(query)
    ]


@pytest.mark.hazard("G1")
async def test_a_hole_in_the_events_is_an_error_that_names_it(tmp_path: Path, seed: int) -> None:
    _, batches = random_market(seed, 30)
    instruments = catalogue_of(batches).instruments
    async with position_tables(tmp_path) as database:
        refused: Corrupted | None = None
        try:
            await apply(database, batches[:10] + batches[11:], instruments, Choices())
        except Corrupted as error:
            refused = error
        assert refused is not None, "it jumped over a hole"
        assert (refused.code, refused.detail[:25]) == ("position.gap", "event 11.0 is missing: 12")
        assert (await database.read(store.read_stand)).sequence == 0


@pytest.mark.hazard("A7")
async def test_buffers_reused_after_hand_over_change_no_position(tmp_path: Path, seed: int) -> None:
    """1,000 batches come in one list and one buffer, both overwritten as soon as they were handed over."""
    engine, batches = random_market(seed, 1_000 - 60)
    async with small_venue(tmp_path, []) as venue:
        for batch in batches:
            venue.log.append(batch)
        database = await venue.database("positions")
        service = PositionsService(venue.bus, venue.log, database, venue.clock)
        async for _ in hand_over(batches, service.apply):
            pass
        await assert_quantities(database, engine)


async def test_a_missing_record_is_a_gap(tmp_path: Path, seed: int, rng: random.Random) -> None:
    _, batches = random_market(seed, COMMANDS)
    async with position_tables(tmp_path) as database:
        instruments = await in_cuts(database, batches, Choices(), rng)
        told = await database.read(lambda connection: _events_after(connection, 0))
        moved = [at for at, one in enumerate(told) if one.account]
        last = {(told[at].account, told[at].instrument): at for at in moved}
        without = rng.choice([at for at in moved if last[told[at].account, told[at].instrument] != at])
        with pytest.raises(Corrupted, match=r"position\.(gap|mismatch)"):
            replay({}, {}, told[:without] + told[without + 1 :], instruments)


# ------------------------------------------------------------------------------------------ put aside


def busy(fills: int) -> list[EventBatch]:
    """Return a market of one pair that trades back and forth, with a mark now and then."""
    from quantumcore.core.twin.engine import Engine

    engine, batches = Engine(), []
    commands = definitions()
    for number in range(fills):
        buyer, seller = (ALICE, BOB) if number % 3 else (BOB, ALICE)
        commands += [order(SHARE, seller, 2, 3, 15_000), order(SHARE, buyer, 1, 3, 15_000)]
        if number % 10 == 0:
            commands.append(wire.SetMark(instrument=SHARE, price=15_000 + number))
    for at, command in enumerate(commands):
        raw = engine.step(command.encode(), START_NS + at * 10**9)
        batches.append(EventBatch(engine.sequence, engine.sequence, raw))
    return batches


async def compacted(
    database: SqliteDatabase, instruments: dict[int, Instrument], size: int, retention_ns: int = segments.RETENTION_NS
) -> int:
    """Put aside whatever can be; return how many events that was."""
    total = 0
    while some := await database.write(
        lambda connection: segments.compact(connection, instruments, size=size, retention_ns=retention_ns)
    ):
        total += some
    return total


async def test_what_was_put_aside_is_read_in_its_place(tmp_path: Path, rng: random.Random) -> None:
    """Pages before and after, either way, at sizes that cut segments: the same events."""
    batches = busy(200)
    key = ALICE, SHARE

    async def pages(limit: int, *, ascending: bool) -> list:
        found, after = [], None
        while True:
            _, some, after = await database.read(
                lambda connection, behind=after: queries.event_page(connection, key, behind, limit, ascending=ascending)
            )
            found += some
            if after is None:
                return found

    async with position_tables(tmp_path) as database:
        instruments = await in_cuts(database, batches, Choices(), rng, 9)
        before = await pages(1_000, ascending=True)
        state = await digest(database, ("positions", "marks"))
        stood = await database.read(lambda connection: len(_events_after(connection, 0)))
        aside = await compacted(database, instruments, 16)
        assert aside > 250
        assert await digest(database, ("positions", "marks")) == state
        rows = await database.read(lambda connection: len(_events_after(connection, 0)))
        assert rows + aside == stood
        for limit in (1_000, 3, 17):
            assert await pages(limit, ascending=True) == before
            assert await pages(limit, ascending=False) == before[::-1]


async def test_a_changed_byte_of_what_was_put_aside_is_found(tmp_path: Path, rng: random.Random) -> None:
    batches = busy(60)
    async with position_tables(tmp_path) as database:
        instruments = await in_cuts(database, batches, Choices(), rng, 5)
        assert await compacted(database, instruments, 16)

        def alter(connection) -> int:
            first, payload = connection.execute(
                select(segments.segments.c.first, segments.segments.c.payload).limit(1)
            ).one()
            at = rng.randrange(len(payload))
            changed = payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]
            connection.execute(
                update(segments.segments).where(segments.segments.c.first == first).values(payload=changed)
            )
            return first

        first = await database.write(alter)
        with pytest.raises(Corrupted, match=r"position\.segment"):
            await database.read(lambda connection: segments.read(connection, first))
        with pytest.raises(Corrupted, match=r"position\.segment"):
            await database.read(
                lambda connection: queries.event_page(connection, (ALICE, SHARE), None, 1_000, ascending=True)
            )


async def test_nothing_is_put_aside_when_two_snapshots_disagree(tmp_path: Path, rng: random.Random) -> None:
    batches = busy(60)
    async with position_tables(tmp_path) as database:
        instruments = await in_cuts(database, batches, Choices(), rng, 5)
        newest = (await database.read(snapshots.kept))[0]
        table = snapshots.snapshots
        await database.write(
            lambda connection: connection.execute(
                update(table).where(table.c.sequence == newest.sequence).values(digest="0" * 64)
            )
        )
        rows = await database.read(lambda connection: len(_events_after(connection, 0)))
        with pytest.raises(Corrupted, match=r"position\.snapshot"):
            await compacted(database, instruments, 16)
        assert await database.read(lambda connection: len(_events_after(connection, 0))) == rows


async def test_what_is_past_its_retention_is_let_go(tmp_path: Path, rng: random.Random) -> None:
    """By the time of the events themselves: a second each, of which the last 100 are kept."""
    batches = busy(100)
    async with position_tables(tmp_path) as database:
        instruments = await in_cuts(database, batches, Choices(), rng, 5)
        await compacted(database, instruments, 16, retention_ns=100 * 10**9)
        stand = await database.read(store.read_stand)
        kept = await database.read(lambda connection: list(connection.execute(select(segments.segments))))
        assert kept
        assert min(row.last_ns for row in kept) >= stand.time_ns - 100 * 10**9
        assert all(hashlib.sha256(row.payload).hexdigest() == row.digest for row in kept)
        assert all(len(lzma.decompress(row.payload)) > len(row.payload) for row in kept)


async def test_a_snapshot_that_was_damaged_is_refused(tmp_path: Path, rng: random.Random) -> None:
    async with position_tables(tmp_path) as database:
        await in_cuts(database, busy(40), Choices(), rng, 5)
        newest = (await database.read(snapshots.kept))[0]
        for payload in (b"", newest.payload[:-4], newest.payload[:20] + b"\0" + newest.payload[21:]):
            with pytest.raises(Corrupted, match=r"position\.snapshot"):
                newest._replace(payload=payload).state()
        with pytest.raises(Corrupted, match=r"position\.snapshot"):
            newest._replace(digest="1" * 64).state()
