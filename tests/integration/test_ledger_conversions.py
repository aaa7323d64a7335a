"""Foreign exchange over the bus: quotes that are held, conversions at them, and what is left at the end of a day.

Goal: money.md 1.5: one group, a quote is good once and not late, the record says what it was reckoned from, nothing is lost
or done twice whatever is killed, and the pool's difference is the sum of what conversions left.
Method: the ledger beside the readable engine, real files and migrations; a seeded market for the law of the pool.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, InvalidCommand, NotFound, QuantumCoreError, Unavailable
from quantumcore.contracts.ledger import (
    GetBalances,
    GetEntries,
    GetTrialBalance,
    Reconcile,
    RecordTransaction,
    SetAccountState,
    SignedEntry,
)
from quantumcore.contracts.ledger_fx import GetCurrencyConversion, GetQuote
from quantumcore.services.ledger.conversions import fraction_of
from quantumcore.services.ledger.office import quotes
from quantumcore.services.ledger.office.fx_desk import DAY_NS, NS
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.settings import LedgerSettings
from quantumcore.services.ledger.tables import conversions
from tests.support.exchange import conversion, define_money, offer, quote
from tests.support.ledgers import digest, open_ledger
from tests.support.small_venue import ALICE, BOB, CAROL, SmallVenue, small_venue, until


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as opened:
        define_money(opened)
        yield opened


@pytest.fixture
async def ledger(venue: SmallVenue) -> LedgerService:
    return await open_ledger(venue)


async def refused(venue: SmallVenue, request: Any, kind: type[QuantumCoreError], code: str) -> QuantumCoreError:
    with pytest.raises(kind) as error:
        await venue.bus.request(request)
    assert error.value.code == code, error.value
    return error.value


async def total(venue: SmallVenue, account: int, currency: str) -> str:
    found = await venue.bus.request(GetBalances(account=account, at_least=venue.engine.sequence))
    return next((one.total for one in found.balances if one.currency == currency), "0.00")


async def house(venue: SmallVenue) -> dict[tuple[str, str], str]:
    trial = await venue.bus.request(GetTrialBalance(at_least=venue.engine.sequence))
    assert trial.balanced
    return {(line.code, line.currency): line.balance for line in trial.lines}


@pytest.mark.parametrize(
    ("paid", "rate", "mid", "received", "spread", "residue"),
    [
        ("100000.00", "0.8500", "0.8500", "85000.00", "0.00", "0/1"),
        ("9999999999999.99", "0.85", "0.85", "8499999999999.99", "0.00", "3/20"),
        ("16484.27", "0.5", "0.5", "8242.13", "0.00", "1/2"),
        ("100000.01", "0.8480", "0.8500", "84800.00", "200.00", "17/20"),
    ],
)
async def test_the_golden_cases_are_one_group(
    venue: SmallVenue, ledger: LedgerService, paid: str, rate: str, mid: str, received: str, spread: str, residue: str
) -> None:
    before = Fraction(await total(venue, ALICE, "USD"))
    await venue.bus.request(offer(venue, quote(rate=rate, mid=mid)))
    steps = venue.requests
    done = await venue.bus.request(conversion(amount=paid))
    assert venue.requests == steps + 1
    assert (done.paid, done.received, done.spread, done.residue) == (paid, received, spread, residue)
    assert (done.quote_id, done.source, done.account_id) == ("q-1", "test bank", "1")
    assert (Fraction(done.rate), Fraction(done.mid)) == (Fraction(rate), Fraction(mid))
    assert before - Fraction(await total(venue, ALICE, "USD")) == Fraction(paid)
    assert await total(venue, ALICE, "EUR") == received
    sums = await house(venue)
    assert sums["400", "USD"] == paid
    assert Fraction(sums["400", "EUR"]) == -Fraction(received) - Fraction(spread)
    assert sums.get(("320", "EUR"), "0.00") == spread
    kept = await venue.bus.request(GetCurrencyConversion(account=ALICE, conversion_id="c-1", at_least=done.sequence))
    assert kept == done
    lines = (await venue.bus.request(GetEntries(account=ALICE, limit=2))).items
    assert {(one.code, one.reference) for one in lines} == {("converted", "c-1")}
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_currencies_of_other_scales_and_assets_are_exchanged_too(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await venue.bus.request(offer(venue, quote(bought="JPY", rate="151.5", mid="151.999")))
    done = await venue.bus.request(conversion(amount="0.01"))
    assert (done.received, done.spread, Fraction(done.residue)) == ("1", "0", Fraction("0.51999"))
    await venue.bus.request(offer(venue, quote("q-2", sold="BTC", bought="USD", rate="64000.12", mid="64001")))
    done = await venue.bus.request(conversion("c-2", "0.50000000", quote_id="q-2"))
    assert (done.received, done.spread) == ("32000.06", "0.44")


async def test_the_same_conversion_again_is_answered_as_the_first_time_and_another_body_by_its_first_difference(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await venue.bus.request(offer(venue, quote(), quote("q-2")))
    first = await venue.bus.request(conversion())
    venue.clock.turn(90.0)  # the quote has expired, which the first no longer minds
    assert await venue.bus.request(conversion()) == first
    assert await venue.bus.request(conversion(amount="100")) == first
    for changes, differs in (
        ({"amount": "100.01"}, "amount"),
        ({"quote_id": "q-2"}, "quote_id"),
        ({"quote_id": "q-2", "amount": "1"}, "quote_id"),
    ):
        error = await refused(venue, conversion(**changes), Conflict, "idempotency.mismatch")
        assert error.actual == f"exists_with_different_{differs}"
    assert await total(venue, ALICE, "EUR") == "85.00"


async def test_a_quote_is_used_once_not_late_and_by_its_own_account(venue: SmallVenue, ledger: LedgerService) -> None:
    await venue.bus.request(offer(venue, quote(), quote("late"), quote("bobs", account=BOB)))
    await venue.bus.request(conversion())
    error = await refused(venue, conversion("c-2"), Conflict, "fx.quote.used")
    assert error.field == "quote_id"
    await refused(venue, conversion(account=BOB), Conflict, "fx.quote.used")
    for request in (conversion("c-2", quote_id="bobs"), GetQuote(account=ALICE, quote_id="bobs")):
        await refused(venue, request, NotFound, "fx.quote.not_found")
    await refused(venue, conversion("c-2", quote_id="never"), NotFound, "fx.quote.not_found")
    venue.clock.turn(61.0)
    error = await refused(venue, conversion("c-2", quote_id="late"), Conflict, "fx.quote.expired")
    assert error.limit < error.actual
    states = [
        (await venue.bus.request(GetQuote(account=who, quote_id=name))).state
        for who, name in ((ALICE, "q-1"), (ALICE, "late"), (BOB, "bobs"))
    ]
    assert states == ["used", "expired", "expired"]


async def test_a_rate_that_is_too_old_is_an_error_by_name(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as venue:
        define_money(venue)
        await open_ledger(venue, LedgerSettings(fx_stale_s=30.0))
        await venue.bus.request(offer(venue))
        venue.clock.turn(31.0)
        error = await refused(venue, conversion(), Unavailable, "fx.rate_stale")
        assert error.actual == "USD/EUR"
        old = venue.clock.now() - 31 * NS
        error = await refused(venue, offer(venue, quote("q-2"), time_ns=old), InvalidCommand, "request.invalid.range")
        assert error.field == "time"
        assert await total(venue, ALICE, "EUR") == "0.00"


async def test_what_the_engine_refuses_moves_nothing_and_its_quote_is_gone(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await venue.bus.request(offer(venue, quote(), quote("q-2"), quote("q-3"), quote("q-4")))
    before = await house(venue)
    await refused(venue, conversion(amount="10000000000000.01"), Conflict, "transfer.insufficient")
    await refused(venue, conversion(amount="10000000000000.01"), Conflict, "transfer.id_already_failed")
    await refused(venue, conversion("c-2"), Conflict, "fx.quote.used")
    await venue.bus.request(SetAccountState(account=ALICE, state="frozen"))
    await refused(venue, conversion("c-3", quote_id="q-3"), Conflict, "account.frozen")
    await refused(venue, conversion("c-4", quote_id="q-4", account=77), NotFound, "account.not_found")
    assert await house(venue) == before
    await refused(venue, GetCurrencyConversion(account=ALICE, conversion_id="c-1"), NotFound, "conversion.not_found")


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("0", "transfer.amount.bad"),
        ("-1", "transfer.amount.bad"),
        ("0.001", "request.invalid.range"),
        ("x", "request.invalid.decimal"),
        ("92233720368547758.08", "request.invalid.overflow"),
    ],
)
async def test_a_wrong_amount_leaves_the_quote_as_it_is(
    venue: SmallVenue, ledger: LedgerService, amount: str, code: str
) -> None:
    await venue.bus.request(offer(venue))
    assert (await refused(venue, conversion(amount=amount), InvalidCommand, code)).field == "amount"
    assert (await venue.bus.request(conversion())).received == "85.00"


async def test_a_result_beyond_63_bits_leaves_the_quote_as_it_is(venue: SmallVenue, ledger: LedgerService) -> None:
    await venue.bus.request(offer(venue, quote(rate="9223372036854775807")))
    await refused(venue, conversion(), InvalidCommand, "request.invalid.overflow")
    assert (await venue.bus.request(GetQuote(account=ALICE, quote_id="q-1"))).state == "offered"


@pytest.mark.parametrize(
    ("changes", "terms", "code", "field"),
    [
        ({}, {"quotes": []}, "request.invalid.range", "quotes"),
        ({}, {"quotes": [quote(f"q-{n}") for n in range(101)]}, "request.invalid.range", "quotes"),
        ({}, {"quotes": [quote(), quote()]}, "request.invalid.range", "quotes"),
        ({}, {"source": ""}, "request.invalid.range", "source"),
        ({}, {"source": "ü" * 21}, "request.invalid.range", "source"),
        ({}, {"source": "a\nb"}, "request.invalid.range", "source"),
        ({}, {"time_ns": 0}, "request.invalid.range", "time"),
        ({}, {"time_ns": 2**62}, "request.invalid.range", "time"),
        ({}, {"expires_ns": 0}, "request.invalid.range", "expires"),
        ({}, {"expires_ns": 2**62}, "request.invalid.range", "expires"),
        ({"quote_id": "a b"}, {}, "request.invalid.id", "quotes[0].quote_id"),
        ({"rate": "0.86", "mid": "0.85"}, {}, "request.invalid.range", "quotes[0].rate"),
        ({"rate": "0"}, {}, "request.invalid.range", "quotes[0].rate"),
        ({"mid": "-1"}, {}, "request.invalid.range", "quotes[0].mid"),
        ({"mid": "1e3"}, {}, "request.invalid.decimal", "quotes[0].mid"),
        ({"bought": "USD"}, {}, "request.invalid.range", "quotes[0].bought"),
        ({"account": 2**32}, {}, "request.invalid.range", "quotes[0].account_id"),
    ],
)
async def test_what_cannot_be_offered_is_told_by_its_field(
    venue: SmallVenue, ledger: LedgerService, changes: dict[str, Any], terms: dict[str, Any], code: str, field: str
) -> None:
    error = await refused(venue, offer(venue, quote(**changes), **terms), InvalidCommand, code)
    assert error.field == field


@pytest.mark.parametrize(
    ("cross", "fits"), [("200.2", True), ("200.21", False), ("199.8002", True), ("199.8001", False)]
)
async def test_a_table_whose_triangles_disagree_by_more_than_ten_basis_points_is_refused_whole(
    venue: SmallVenue, ledger: LedgerService, cross: str, fits: bool
) -> None:
    euros, yen = quote(rate="0.8"), quote("q-2", bought="JPY", rate="160")
    table = offer(venue, euros, yen, quote("q-3", sold="EUR", bought="JPY", rate=cross))
    if fits:
        assert len((await venue.bus.request(table)).quotes) == 3
        return
    error = await refused(venue, table, InvalidCommand, "fx.triangle")
    assert (error.limit, "bp" in error.actual) == ("10 bp", True)
    await refused(venue, GetQuote(account=ALICE, quote_id="q-1"), NotFound, "fx.quote.not_found")


async def test_two_mids_of_one_pair_must_agree_too_whichever_way_they_are_given(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    for other in (quote("q-2", rate="0.7", mid="0.8009"), quote("q-2", "1", "1.2486", sold="EUR", bought="USD")):
        error = await refused(venue, offer(venue, quote(rate="0.8"), other), InvalidCommand, "fx.triangle")
        assert "by quote q-2" in error.detail
    await venue.bus.request(offer(venue, quote(rate="0.8"), quote("q-2", rate="0.7", mid="0.8008")))


async def test_nobody_gains_by_going_there_and_back_at_one_table(venue: SmallVenue, ledger: LedgerService) -> None:
    there = quote(rate="0.85")
    table = offer(venue, there, quote("q-2", sold="EUR", bought="USD", rate="1.1765"))
    assert (await refused(venue, table, InvalidCommand, "fx.round_trip")).limit == "1"
    await refused(venue, GetQuote(account=ALICE, quote_id="q-1"), NotFound, "fx.quote.not_found")
    await venue.bus.request(offer(venue, there, quote("q-2", sold="EUR", bought="USD", rate="1.1764")))
    out = await venue.bus.request(conversion(amount="1000.00"))
    back = await venue.bus.request(conversion("c-2", out.received, quote_id="q-2"))
    assert Fraction(back.received) <= 1000


async def test_a_quote_offered_again_is_the_same_or_says_what_differs(venue: SmallVenue, ledger: LedgerService) -> None:
    table = offer(venue)
    first = await venue.bus.request(table)
    assert await venue.bus.request(table) == first
    for changes, differs in (
        ({"bought": "JPY"}, "bought"),
        ({"rate": "0.84", "mid": "0.85"}, "rate"),
        ({"account": BOB}, "account_id"),
    ):
        other = offer(venue, quote("new"), quote(**changes), time_ns=table.time_ns, expires_ns=table.expires_ns)
        if "bought" in changes:
            other = offer(venue, quote(**changes), time_ns=table.time_ns, expires_ns=table.expires_ns)
        error = await refused(venue, other, Conflict, "idempotency.mismatch")
        assert error.actual == f"exists_with_different_{differs}"
        await refused(venue, GetQuote(account=ALICE, quote_id="new"), NotFound, "fx.quote.not_found")


async def test_open_quotes_are_bounded_and_those_that_nobody_used_are_forgotten(
    venue: SmallVenue, ledger: LedgerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotes, "OPEN_MAX", 2)
    await venue.bus.request(offer(venue, quote(), quote("q-2")))
    await refused(venue, offer(venue, quote("q-3")), Unavailable, "fx.quote.capacity")
    await venue.bus.request(conversion())
    await venue.bus.request(offer(venue, quote("q-3")))
    venue.clock.turn(61.0 + DAY_NS // NS)
    await venue.bus.request(offer(venue, quote("q-4")))
    await refused(venue, GetQuote(account=ALICE, quote_id="q-2"), NotFound, "fx.quote.not_found")
    assert (await venue.bus.request(GetQuote(account=ALICE, quote_id="q-1"))).state == "used"


# -------------------------------------------------------------------------------------------- kills, races


async def test_a_kill_before_the_engine_was_asked_is_gone_on_from(venue: SmallVenue, ledger: LedgerService) -> None:
    await venue.bus.request(offer(venue))
    venue.down = True
    await refused(venue, conversion(), Unavailable, "unavailable")
    assert (await venue.bus.request(GetQuote(account=ALICE, quote_id="q-1"))).state == "used"
    venue.down = False
    venue.clock.turn(3_600.0)
    await refused(venue, conversion("c-2"), Conflict, "fx.quote.used")
    assert (await venue.bus.request(conversion())).received == "85.00"
    assert await total(venue, ALICE, "EUR") == "85.00"


async def test_tables_made_anew_from_the_events_are_the_same(venue: SmallVenue, ledger: LedgerService) -> None:
    await venue.bus.request(offer(venue, quote(mid="0.8512345"), quote("q-2", bought="JPY", rate="150.1")))
    await venue.bus.request(conversion(amount="33.33"))
    await venue.bus.request(conversion("c-2", quote_id="q-2"))
    again = await open_ledger(venue, ledger="again", office="empty")
    await until(lambda: again._follower.cursor == venue.engine.sequence == ledger._follower.cursor, "both at the end")
    theirs = await digest(again._database)
    assert len(theirs["conversions"]) == 2
    assert theirs == await digest(ledger._database)


async def test_one_quote_and_many_at_once_is_used_by_one(venue: SmallVenue, ledger: LedgerService) -> None:
    await venue.bus.request(offer(venue))
    asked = [conversion(f"c-{who}-{n}", account=who) for n in range(8) for who in (ALICE, BOB, CAROL)]
    asked += [conversion("same")] * 8
    found = await asyncio.gather(*(venue.bus.request(one) for one in asked), return_exceptions=True)
    done = {one.conversion_id for one in found if not isinstance(one, BaseException)}
    assert len(done) == 1
    errors = {one.code for one in found if isinstance(one, QuantumCoreError)}
    assert errors <= {"fx.quote.used"}
    paid = [Fraction((await house(venue))["400", "USD"])]
    assert paid == [100]


# --------------------------------------------------------------------------------------- the end of a day


async def test_whole_units_of_residue_leave_the_pool_once_under_the_id_of_the_day(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    for number in range(5):  # 0.01 at 0.85 leaves 85/100 of a cent each
        await venue.bus.request(offer(venue, quote(f"q-{number}")))
        await venue.bus.request(conversion(f"c-{number}", "0.01", quote_id=f"q-{number}"))
    day = venue.clock.now() // DAY_NS
    await until(lambda: ledger._follower.cursor == venue.engine.sequence, "everything is entered")
    before = Fraction((await house(venue))["400", "EUR"]) if ("400", "EUR") in await house(venue) else Fraction()
    for _ in range(3):
        await ledger._fx.end_day(day)
    sums = await house(venue)
    assert sums["410", "EUR"] == "0.04"
    assert Fraction(sums["400", "EUR"]) == before - Fraction("0.04")
    (left,) = await ledger._fx._office.read(quotes.last_day)
    assert (left.units, left.left) == (4, Fraction(1, 4))
    await venue.bus.request(offer(venue, quote("next")))
    await venue.bus.request(conversion("next", "0.01", quote_id="next"))
    await until(lambda: ledger._follower.cursor == venue.engine.sequence, "everything is entered")
    await ledger._fx.end_day(day + 1)
    assert (await house(venue))["410", "EUR"] == "0.05"
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_a_day_that_was_counted_but_not_posted_is_posted_later_as_it_was_counted(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    for name in ("q-1", "q-2"):
        await venue.bus.request(offer(venue, quote(name)))
        await venue.bus.request(conversion(name, "0.01", quote_id=name))
    await until(lambda: ledger._follower.cursor == venue.engine.sequence, "everything is entered")
    day = venue.clock.now() // DAY_NS
    venue.down = True
    with pytest.raises(Unavailable):
        await ledger._fx.end_day(day)
    venue.down = False
    await venue.bus.request(offer(venue, quote("q-3")))
    await venue.bus.request(conversion("q-3", "0.01", quote_id="q-3"))
    await until(lambda: ledger._follower.cursor == venue.engine.sequence, "everything is entered")
    await ledger._fx.end_day(day + 1)
    assert (await house(venue))["410", "EUR"] == "0.02"
    (left,) = await ledger._fx._office.read(quotes.last_day)
    assert left.left == Fraction(55, 100)


async def test_days_end_by_themselves_after_midnight(venue: SmallVenue, ledger: LedgerService) -> None:
    for name in ("q-1", "q-2"):
        await venue.bus.request(offer(venue, quote(name)))
        await venue.bus.request(conversion(name, "0.01", quote_id=name))
    await until(lambda: ledger._follower.cursor == venue.engine.sequence, "everything is entered")
    assert ("410", "EUR") not in await house(venue)
    venue.clock.turn(24 * 3_600.0)  # nobody is woken for each of its seconds
    for _ in range(2):
        await venue.clock.advance(3_600.0)
    await until(lambda: venue.engine.house(11) != [], "the day is over")
    await until(lambda: ledger._follower.cursor == venue.engine.sequence, "everything is entered")
    assert (await house(venue))["410", "EUR"] == "0.01"
    assert ledger._fx.ends.failure == ""


async def test_ids_of_the_ledgers_own_cannot_be_taken_by_hand(venue: SmallVenue, ledger: LedgerService) -> None:
    entries = [SignedEntry(code=900, currency="USD", amount=amount) for amount in ("1.00", "-1.00")]
    request = RecordTransaction(transaction_id="fx-residue-2026-01-31", entries=entries)
    assert (await refused(venue, request, InvalidCommand, "request.invalid.id")).field == "transaction_id"


async def test_a_group_that_only_looks_like_a_conversion_is_none(venue: SmallVenue, ledger: LedgerService) -> None:
    """Nobody but the room posts into a customer's name space; what does not add up is entered as what it is."""
    leg = wire.Leg(debit_account=ALICE, credit_account=0, debit_code=0, credit_code=400, currency=1, amount=5)
    for name, text in (("x", "q 0.85 0.85 bank"), ("y", "q a b c"), ("z", "hello")):
        command = wire.PostGroup(
            account=ALICE, group_id=name, code=400, count=1, text=text.encode().ljust(128, b"\0"), legs=leg.encode()
        )
        venue.do(command)
    await until(lambda: ledger._follower.cursor == venue.engine.sequence, "everything is entered")
    assert await ledger._database.read(lambda tx: list(tx.execute(select(conversions)))) == []
    await venue.bus.request(offer(venue))
    await refused(venue, conversion("x"), Conflict, "idempotency.mismatch")


async def test_the_pools_difference_is_the_sum_of_what_conversions_left(
    venue: SmallVenue, ledger: LedgerService, seed: int
) -> None:
    rng = random.Random(seed)
    exact = Fraction()
    for number in range(60):
        mid = Fraction(rng.randrange(1, 10**6), 10 ** rng.randrange(3, 8))
        margin = Fraction(rng.randrange(900, 1001), 1000)
        text = f"{float(mid):.8f}"
        customer = f"{float(Fraction(text) * margin):.7f}"
        if Fraction(customer) <= 0 or Fraction(customer) > Fraction(text):
            continue
        await venue.bus.request(offer(venue, quote(f"q-{number}", customer, text)))
        cents = rng.randrange(1, 10**7)
        done = await venue.bus.request(
            conversion(f"c-{number}", f"{cents // 100}.{cents % 100:02d}", quote_id=f"q-{number}")
        )
        exact += cents * Fraction(text)
        if number % 20 == 19:
            await until(lambda at=done.sequence: ledger._follower.cursor >= at, "it is entered")  # type: ignore[misc]
            await ledger._fx.end_day(venue.clock.now() // DAY_NS + number)
    await until(lambda: ledger._follower.cursor == venue.engine.sequence, "everything is entered")
    rows = await ledger._database.read(lambda tx: list(tx.execute(select(conversions.c.residue)).scalars()))
    residues = sum(map(fraction_of, rows), Fraction())
    sums = {key: Fraction(value) * 100 for key, value in (await house(venue)).items() if key[1] == "EUR"}
    given = sums["200", "EUR"] + sums.get(("320", "EUR"), 0)
    assert given + residues == exact
    assert -sums["400", "EUR"] == given + sums.get(("410", "EUR"), 0)
    assert residues - sums.get(("410", "EUR"), 0) >= 0
    assert (await venue.bus.request(Reconcile())).differences == []
