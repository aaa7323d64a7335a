"""Reports add up, at any sequence, and say the same for ever.

Goal: a trial balance at each sequence is the plain sum of the entries so far; statements, however they are cut into pages or
ranges, add up to the last unit; an answer as of a sequence does not change when more happens.
Method: random markets; the sums are reckoned anew from all entries by the plainest loop; checkpoints every few sequences.
"""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from quantumcore.contracts import wire
from quantumcore.contracts.errors import NotFound
from quantumcore.contracts.ledger import GetTrialBalance
from quantumcore.contracts.ledger_reports import (
    GetClientMoney,
    GetGeneralLedger,
    GetIncome,
    GetStatement,
    StatementBalance,
    StatementPage,
)
from quantumcore.contracts.values import show_time
from quantumcore.core.twin.engine import Engine
from quantumcore.services.ledger import reports, store
from quantumcore.services.ledger.domain import (
    BANK,
    CUSTODY,
    FEE_INCOME,
    FX_SPREAD,
    OWED_TO_CUSTOMERS,
    REBATES_PAID,
    ROUNDING,
    TAX_PAYABLE,
)
from quantumcore.services.ledger.reports import SUSPENSE
from quantumcore.services.ledger.tables import checkpoints
from tests.support.ledgers import digest, ledger_tables, post_in_cuts, random_market
from tests.support.reports import all_entries, balance, followed, minor, pages, sums_at

COMMANDS = 700
EVERY = 64


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints come every 64 sequences, so that a short market passes several."""
    monkeypatch.setattr(store, "CHECKPOINT_EVERY", EVERY)


def whole_of(engine: Engine, account: int) -> dict[int, int]:
    """Return what an account has of each currency, collateral too."""
    found = {currency: total for currency, total, _ in engine.balances(account)}
    for currency, total in engine.collateral(account):
        found[currency] = found.get(currency, 0) + total
    return {currency: total for currency, total in found.items() if total}


def totals(page: list[StatementBalance]) -> dict[str, str]:
    return {one.currency: one.balance for one in page}


async def test_the_sums_at_every_sequence_are_those_of_the_entries(
    tmp_path: Path, seed: int, rng: random.Random
) -> None:
    engine, batches = random_market(seed, COMMANDS)
    async with ledger_tables(tmp_path) as database:
        await post_in_cuts(database, batches, rng)
        rows = await all_entries(database)

        def work(connection: Connection) -> list[reports.Totals]:
            return [reports.totals_at(connection, at) for at in range(engine.sequence + 1)]

        found = await database.read(work)
        assert len(await database.read(lambda connection: list(connection.execute(select(checkpoints))))) > EVERY // 8
    for at, sums in enumerate(found):
        assert sums == sums_at(rows, at), f"at {at}"
        for currency in {currency for currency, _ in sums}:
            sides = [pair for (of, _), pair in sums.items() if of == currency]
            assert sum(pair[0] for pair in sides) == sum(pair[1] for pair in sides)


async def test_checkpoints_are_the_same_however_the_stream_is_cut(
    tmp_path: Path, seed: int, rng: random.Random
) -> None:
    _, batches = random_market(seed, COMMANDS)
    digests = []
    for name, most in (("single", 2), ("small", 60), ("large", 2 * len(batches))):
        async with ledger_tables(tmp_path, name) as database:
            await post_in_cuts(database, batches, rng, most)
            digests.append(await digest(database))
    assert digests[0] == digests[1] == digests[2]
    assert digests[0]["checkpoints"]


async def test_the_trial_balance_now_is_that_of_the_last_sequence(tmp_path: Path, seed: int) -> None:
    engine, batches = random_market(seed, COMMANDS)
    async with followed(tmp_path, batches) as (venue, _):
        now = await venue.bus.request(GetTrialBalance())
        assert now.balanced
        assert await venue.bus.request(GetTrialBalance(as_known=engine.sequence)) == now
        early = await venue.bus.request(GetTrialBalance(as_known=EVERY + 7))
    assert (early.sequence, early.balanced) == (EVERY + 7, True)
    assert early.lines != now.lines


@pytest.mark.parametrize("run", range(3))
async def test_pages_of_any_size_add_up_to_the_statement(
    tmp_path: Path, seed: int, rng: random.Random, run: int
) -> None:
    """Each line's balance is the one before with its amount; a page opens as the one before closed; the end is the engine's."""
    engine, batches = random_market(seed + run, COMMANDS)
    async with followed(tmp_path, batches) as (venue, service):
        catalogue = service._catalogue
        for account in engine.accounts():
            cut = await pages(venue, rng, account=account)
            whole = await pages(venue, None, account=account)
            assert [line for page in cut for line in page.lines] == [line for page in whole for line in page.lines]
            for before, after in pairwise(cut):
                assert before.closing == after.opening
            assert cut[0].opening == whole[0].opening == []
            assert cut[-1].closing == whole[-1].closing
            for page in cut:
                check_page(page, catalogue.codes)
            theirs = whole_of(engine, account)
            ours = totals(cut[-1].closing)
            assert theirs == {
                catalogue.codes[code].number: units
                for code, text in ours.items()
                if (units := minor(text, catalogue.codes[code].scale))
            }


def check_page(page: StatementPage, codes: dict) -> None:
    """Opening + lines = closing, line by line."""
    running = {one.currency: minor(one.balance, codes[one.currency].scale) for one in page.opening}
    place = (0, -1, -1)
    for line in page.lines:
        scale = codes[line.currency].scale
        assert bool(line.debit) != bool(line.credit)
        amount = minor(line.credit, scale) if line.credit else -minor(line.debit, scale)
        running[line.currency] = running.get(line.currency, 0) + amount
        assert minor(line.balance, scale) == running[line.currency]
        assert page.begin <= line.sequence < page.end
        assert place <= (line.sequence, line.index, line.leg), "twice: both sides are the account's"
        place = (line.sequence, line.index, line.leg)
        assert int(line.account) in OWED_TO_CUSTOMERS
    assert {one.currency: minor(one.balance, codes[one.currency].scale) for one in page.closing} == running


async def test_ranges_that_touch_add_up_by_sequence_and_by_time(tmp_path: Path, seed: int, rng: random.Random) -> None:
    engine, batches = random_market(seed, COMMANDS)
    first, last = batches[0].events[0].time_ns, batches[-1].events[-1].time_ns
    async with followed(tmp_path, batches) as (venue, _):
        account = rng.choice(engine.accounts()[:5])  # the sixth is opened by chance and hardly moves
        (whole,) = await pages(venue, None, account=account)
        for by_time in (False, True):
            if by_time:
                random_times = [rng.randrange(first, last + 2) for _ in range(5)]
                moments = [line.time for line in rng.sample(whole.lines, 6)]
                cuts = sorted([*map(show_time, random_times), *moments])
            else:
                cuts = [str(at) for at in sorted(rng.randrange(1, engine.sequence + 2) for _ in range(9))]
            ends = ["", *cuts, ""]
            parts = [
                (await pages(venue, None, account=account, begin=begin, end=end))[0] for begin, end in pairwise(ends)
            ]
            assert [line for part in parts for line in part.lines] == whole.lines
            for before, after in pairwise(parts):
                assert before.end == after.begin
                assert before.closing == after.opening
            if by_time:
                for part, (begin, end) in zip(parts, pairwise(ends), strict=True):
                    for line in part.lines:
                        assert not begin or begin <= line.time
                        assert not end or line.time < end


async def test_a_statement_of_one_currency_is_its_part_of_the_whole(tmp_path: Path, seed: int) -> None:
    engine, batches = random_market(seed, COMMANDS)
    middle = str(engine.sequence // 2)
    async with followed(tmp_path, batches) as (venue, service):
        account = engine.accounts()[0]
        (whole,) = await pages(venue, None, account=account, begin=middle)
        for code in service._catalogue.codes:
            (part,) = await pages(venue, None, account=account, begin=middle, currency=code)
            assert part.lines == [line for line in whole.lines if line.currency == code]
            zero = service._catalogue.codes[code].show(0)
            assert totals(part.opening) == {code: totals(whole.opening).get(code, zero)}
            assert totals(part.closing) == {code: totals(whole.closing).get(code, zero)}


async def test_what_was_known_then_is_told_for_ever(tmp_path: Path, seed: int, rng: random.Random) -> None:
    engine, batches = random_market(seed, COMMANDS)
    half = len(batches) // 2
    told = [event for batch in batches for event in batch.events if isinstance(event, wire.AccountOpened)]
    open_then = {event.account for event in told if event.sequence <= half - 3}
    async with followed(tmp_path, batches[:half]) as (venue, service):
        asked = [
            *(GetStatement(account=account, as_known=half - 3) for account in open_then),
            GetTrialBalance(as_known=half - 3),
            GetGeneralLedger(as_known=half - 3, begin="20"),
            GetIncome(as_known=half - 3, begin=str(half // 2)),
            GetClientMoney(as_known=half - 3),
        ]
        before = [await venue.bus.request(one) for one in asked]
        for batch in batches[half:]:
            venue.log.append(batch)
        assert await service._follower.reached(engine.sequence, 30) == engine.sequence
        assert [await venue.bus.request(one) for one in asked] == before
        later = [await venue.bus.request(GetStatement(account=account)) for account in open_then]
        assert later != before[: len(later)], "more has happened"
        for account in set(engine.accounts()) - open_then:
            with pytest.raises(NotFound):
                await venue.bus.request(GetStatement(account=account, as_known=half - 3))


async def test_the_general_ledger_and_the_income_are_differences_of_sums(
    tmp_path: Path, seed: int, rng: random.Random
) -> None:
    engine, batches = random_market(seed, COMMANDS)
    async with followed(tmp_path, batches) as (venue, service):
        rows, catalogue = await all_entries(service._database), service._catalogue
        for _ in range(20):
            begin, end = sorted(rng.randrange(1, engine.sequence + 2) for _ in range(2))
            general = await venue.bus.request(GetGeneralLedger(begin=str(begin), end=str(end)))
            before, after = sums_at(rows, begin - 1), sums_at(rows, end - 1)
            assert [(catalogue.codes[line.currency].number, int(line.code)) for line in general.lines] == sorted(after)
            for line in general.lines:
                currency, code = catalogue.codes[line.currency], int(line.code)
                opened, closed = before.get((currency.number, code), (0, 0)), after[currency.number, code]
                assert line.opening == currency.show(balance(code, opened))
                assert line.closing == currency.show(balance(code, closed))
                assert (line.debits, line.credits) == tuple(
                    currency.show(b - a) for a, b in zip(opened, closed, strict=True)
                )
            income = await venue.bus.request(GetIncome(begin=str(begin), end=str(end)))
            for earned in income.lines:
                currency = catalogue.codes[earned.currency]
                fees, rebates, spread, rest = (
                    balance(code, after.get((currency.number, code), (0, 0)))
                    - balance(code, before.get((currency.number, code), (0, 0)))
                    for code in (FEE_INCOME, REBATES_PAID, FX_SPREAD, ROUNDING)
                )
                shown = (earned.fees, earned.rebates, earned.fx_spread, earned.rounding, earned.net)
                assert shown == tuple(map(currency.show, (fees, rebates, spread, rest, fees - rebates + spread + rest)))


async def test_bank_and_custody_are_what_customers_and_house_have_at_any_sequence(
    tmp_path: Path, seed: int, rng: random.Random
) -> None:
    engine, batches = random_market(seed, COMMANDS)
    async with followed(tmp_path, batches) as (venue, service):
        rows, catalogue = await all_entries(service._database), service._catalogue
        for at in [engine.sequence, *(rng.randrange(1, engine.sequence) for _ in range(10))]:
            told = await venue.bus.request(GetClientMoney(as_known=at))
            sums = sums_at(rows, at)
            assert told.reconciled
            assert {line.currency for line in told.lines} == {catalogue.currencies[of].code for of, _ in sums}
            for line in told.lines:
                currency = catalogue.codes[line.currency]
                outside = [balance(code, sums.get((currency.number, code), (0, 0))) for code in (BANK, CUSTODY)]
                owed = sum(balance(code, sums.get((currency.number, code), (0, 0))) for code in OWED_TO_CUSTOMERS)
                assert [line.bank, line.custody] == list(map(currency.show, outside))
                assert line.customers == line.customer_accounts == currency.show(owed)
                aside = sum(
                    balance(code, sums.get((currency.number, code), (0, 0))) for code in (SUSPENSE, TAX_PAYABLE)
                )
                assert line.house == currency.show(sum(outside) - owed - aside)
                assert line.difference == line.unallocated == currency.show(0)
