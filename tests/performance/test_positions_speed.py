"""How fast positions follow fills, and how fast their records lead to them again.

Goal: 5,000 fills/s on SQLite, cursor and effect in one transaction; a million position events folded anew within 20 s.
Method: processor time, not the clock on the wall, for the machine is shared; figures are printed, and fail only at a third
of what was measured, or at the promise.
"""

import random
import time
from pathlib import Path

from quantumcore.contracts import wire
from quantumcore.core.twin.engine import Engine
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.progress import parts
from quantumcore.services.positions import records, snapshots, store
from quantumcore.services.positions.domain import FLAT, Fill, Terms, after_fill
from quantumcore.services.positions.folding import Choices, Told
from quantumcore.services.positions.lots import Method
from quantumcore.services.positions.pnl import contract_of
from quantumcore.services.positions.projection import _apply
from quantumcore.services.positions.replay import replay
from tests.performance.test_ledger_speed import busy_market
from tests.support.position_rooms import assert_quantities, catalogue_of, position_tables
from tests.support.small_venue import COIN, definitions

FILLS_PER_S = 5_000
EVENTS, ACCOUNTS = 100_000, 1_000
REBUILD_US = 20.0  # a million in 20 s


async def test_positions_follow_5_000_fills_per_second_of_a_processor(tmp_path: Path, seed: int) -> None:
    engine, batches = busy_market(seed)
    instruments = catalogue_of(batches).instruments
    fresh = [EventBatch(b.first, b.last, b.raw) for b in batches]
    fills = sum(isinstance(event, wire.TradePrinted) for b in batches for event in b.events)
    async with position_tables(tmp_path) as database:
        began, cpu = time.perf_counter(), time.process_time()
        for part in parts(fresh):
            await database.write(
                lambda connection, some=part: _apply(
                    connection, some, instruments, Choices(), snapshots.SNAPSHOT_EVENTS
                )
            )
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        await assert_quantities(database, engine)
        stand = await database.read(store.read_stand)
    assert stand.events >= 2 * fills
    print(f"{fills} fills: {fills / cpu:,.0f} per second of a processor, {fills / wall:,.0f} on the wall")
    assert fills / cpu > FILLS_PER_S


def test_a_million_records_are_folded_within_20_seconds(rng: random.Random) -> None:
    """A tenth of them, decoded and folded, each compared with where it says it leads."""
    engine = Engine()
    defined = [EventBatch(n, n, engine.step(command.encode(), n)) for n, command in enumerate(definitions(), 1)]
    instruments = catalogue_of(defined).instruments
    contract = contract_of(instruments[COIN])
    standing = dict.fromkeys(range(ACCOUNTS), FLAT)
    rows = []
    sequence = 0
    while len(rows) < EVENTS:
        sequence += 1
        account = rng.randrange(ACCOUNTS)
        fill = Fill(
            quantity=rng.randrange(-9, 10) or 1, price=rng.randrange(9_000, 11_000), fee=2, sequence=sequence, fill=1
        )
        terms = Terms(Method.FIFO if account % 4 == 0 else Method.AVERAGE)
        standing[account], changes = after_fill(standing[account], fill, contract, terms)
        rows += [(account, records.SCHEMA, records.encode(change)) for change in changes]
    cpu = time.process_time()
    told = (Told(account, COIN, records.decode(schema, payload)) for account, schema, payload in rows)
    found, _ = replay({}, {}, told, instruments)
    cpu = time.process_time() - cpu
    assert {account: one for (account, _), one in found.items()} == {
        account: one for account, one in standing.items() if one.version
    }
    each = cpu / len(rows) * 1e6
    print(f"{each:.1f} us per record: a million in {each:.1f} s")
    assert each < REBUILD_US
