"""The ledger says what the engine says, to the last unit.

Goal: after any stream of events, however it was cut, repeated or shuffled on its way, balances, holds and sums are equal
to the engine's, and every group sums to zero.
Method: random markets in which everything that can go wrong with a command does; the readable engine as the truth.
"""

import random
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from quantumcore.contracts.errors import Corrupted
from quantumcore.core.twin.engine import Engine
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger import queries
from quantumcore.services.ledger.domain import COLLATERAL
from quantumcore.services.ledger.tables import entries
from tests.support.ledgers import assert_equals, digest, ledger_tables, post, post_in_cuts, random_market
from tests.support.streams import START_NS, Market, setup
from tests.support.streams_actions import ActionMarket
from tests.support.streams_margin import MarginMarket

COMMANDS = 1_500


@pytest.mark.parametrize("market_of", [Market, ActionMarket, MarginMarket])
@pytest.mark.parametrize("run", range(4))
async def test_after_a_random_market_ledger_and_engine_are_equal(
    tmp_path: Path, rng: random.Random, seed: int, run: int, market_of: type[Market]
) -> None:
    engine, batches = random_market(seed + run, COMMANDS, market_of)
    async with ledger_tables(tmp_path) as database:
        await post_in_cuts(database, batches, rng)
        await assert_equals(database, engine)


async def test_they_are_equal_after_every_command(tmp_path: Path, seed: int) -> None:
    """A balance is the sum of its entries at every cursor."""
    _, batches = random_market(seed, 120)
    engine, market = Engine(), Market(random.Random(seed))
    async with ledger_tables(tmp_path) as database:
        for number, batch in enumerate(batches):
            if number < len(setup()):
                engine.step(setup()[number], START_NS)
            else:
                command = market.next()
                market.hear(engine.step(command.raw, command.time_ns))
            await post(database, [batch])
            if number >= len(setup()):
                await assert_equals(database, engine)


async def test_a_balance_is_the_sum_of_its_entries(tmp_path: Path, seed: int, rng: random.Random) -> None:
    engine, batches = random_market(seed, COMMANDS)
    async with ledger_tables(tmp_path) as database:
        await post_in_cuts(database, batches, rng)

        def work(connection: Connection) -> dict[tuple[int, int], int]:
            sums: dict[tuple[int, int], int] = {}
            for row in connection.execute(select(entries)):
                sides = (
                    (row.debit_owner, row.debit_code, -row.amount),
                    (row.credit_owner, row.credit_code, row.amount),
                )
                for owner, code, amount in sides:
                    if code == COLLATERAL:
                        continue  # an account of its own
                    sums[owner, row.currency] = sums.get((owner, row.currency), 0) + amount
            return sums

        sums = await database.read(work)
    for account in engine.accounts():
        for currency, total, _ in engine.balances(account):
            assert sums.get((account, currency), 0) == total


async def test_twice_the_same_events_change_nothing(tmp_path: Path, seed: int, rng: random.Random) -> None:
    engine, batches = random_market(seed, COMMANDS)
    async with ledger_tables(tmp_path) as database:
        await post_in_cuts(database, batches, rng)
        before = await digest(database)
        assert await post(database, batches) == (engine.sequence, [])
        await post_in_cuts(database, batches, rng)
        assert await digest(database) == before


async def test_however_the_stream_is_cut_the_books_are_the_same(tmp_path: Path, seed: int, rng: random.Random) -> None:
    """One transaction for all, one per command, or random cuts that overlap what was entered."""
    _, batches = random_market(seed, 400)
    digests = []
    async with ledger_tables(tmp_path, "whole") as database:
        await post(database, batches)
        digests.append(await digest(database))
    async with ledger_tables(tmp_path, "single") as database:
        for batch in batches:
            await post(database, [batch])
        digests.append(await digest(database))
    async with ledger_tables(tmp_path, "overlapping") as database:
        at = 0
        while at < len(batches):
            await post(database, batches[max(0, at - rng.randrange(20)) : at + 10])
            at += 10
        digests.append(await digest(database))
    assert digests[0] == digests[1] == digests[2]


async def test_a_gap_stops_the_books_and_names_the_place(tmp_path: Path, seed: int) -> None:
    _, batches = random_market(seed, 100)
    async with ledger_tables(tmp_path) as database:
        await post(database, batches[:50])
        before = await digest(database)
        with pytest.raises(Corrupted, match=r"event 51\.0 is missing"):
            await post(database, batches[51:])
        with pytest.raises(Corrupted, match=r"event 61\.0 is missing"):
            await post(database, [*batches[50:60], *batches[61:]])
        assert await digest(database) == before
        await post(database, batches[50:])


async def test_a_torn_batch_is_entered_whole_or_not_at_all(tmp_path: Path, seed: int) -> None:
    """A sequence whose last events are missing, at the end of the delivery and in its middle."""
    _, batches = random_market(seed, 600)
    at = next(number for number, batch in enumerate(batches) if len(batch.events) > 2)
    whole = batches[at]
    torn = EventBatch(whole.first, whole.last, b"".join(event.encode() for event in whole.events[:-1]))
    async with ledger_tables(tmp_path) as database:
        await post(database, batches[:at])
        before = await digest(database)
        for delivery in ([torn], [torn, *batches[at + 1 :]]):
            with pytest.raises(Corrupted, match=rf"event {whole.first}\.{len(whole.events) - 1} is missing"):
                await post(database, delivery)
            assert await digest(database) == before
        await post(database, batches[at:])


async def test_the_house_is_shown_balanced(tmp_path: Path, seed: int, rng: random.Random) -> None:
    _, batches = random_market(seed, COMMANDS)
    async with ledger_tables(tmp_path) as database:
        await post_in_cuts(database, batches, rng)
        _, found = await database.read(queries.trial_rows)
    for currency in {key.currency for key in found}:
        rows = [row for key, row in found.items() if key.currency == currency]
        assert sum(row.debits for row in rows) == sum(row.credits for row in rows)
