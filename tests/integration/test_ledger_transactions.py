"""Transactions by hand, reversals, frozen accounts and credit, over the bus.

Goal: what an operator asks of the books happens in the engine once, is in the books, and every refusal says what and who.
Method: the ledger beside the readable engine, real files and migrations.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts.errors import Conflict, Forbidden, InvalidCommand, NotFound, QuantumCoreError, Unavailable
from quantumcore.contracts.ledger import (
    GetBalances,
    GetEntries,
    GetTrialBalance,
    Reconcile,
    RecordTransaction,
    ReverseTransaction,
    SetAccountState,
    SetCreditLimit,
    SignedEntry,
    TransactionLeg,
)
from quantumcore.contracts.wire import OpenAccount
from tests.support.ledgers import open_ledger
from tests.support.portfolios import NO_CURRENCY
from tests.support.small_venue import ALICE, BOB, CAROL, SmallVenue, small_venue

POOR = 40


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as opened:
        await open_ledger(opened)
        opened.do(OpenAccount(account=POOR, owner=POOR))
        yield opened


def of(account: int, amount: str, code: int = 0, currency: str = "USD") -> SignedEntry:
    return SignedEntry(account=account, code=code, currency=currency, amount=amount)


def bonus(name: str = "t-1", **changes: Any) -> RecordTransaction:
    """The house gives Alice 5 and Bob 7 dollars of its own."""
    entries = [of(0, "12.00", 900), of(ALICE, "-5.00"), of(BOB, "-7.00")]
    return RecordTransaction(**{"transaction_id": name, "entries": entries, "code": 7, **changes})


async def balance(venue: SmallVenue, account: int) -> tuple[str, str, str, str]:
    found = await venue.bus.request(GetBalances(account=account, at_least=venue.engine.sequence))
    shown = next((b for b in found.balances if b.currency == "USD"), None)
    return ("0", "0", "0", "0") if shown is None else (shown.total, shown.available, shown.credit, shown.collateral)


async def refused(venue: SmallVenue, request: Any, kind: type[QuantumCoreError], code: str) -> QuantumCoreError:
    with pytest.raises(kind) as error:
        await venue.bus.request(request)
    assert error.value.code == code
    return error.value


async def test_a_transaction_is_posted_shown_and_in_the_books(venue: SmallVenue) -> None:
    before = (await balance(venue, ALICE))[0]
    done = await venue.bus.request(bonus(text="a bonus", effective_date="2026-01-31", user_data="0f" * 16))
    assert done.legs == [
        TransactionLeg("900", "1:balance", "USD", "5.00"),
        TransactionLeg("900", "2:balance", "USD", "7.00"),
    ]
    assert (done.code, done.text, done.effective_date, done.user_data) == (7, "a bonus", "2026-01-31", "0f" * 16)
    assert (done.status, done.reverses, done.sequence) == ("posted", None, venue.engine.sequence)
    assert (await balance(venue, ALICE))[0] == f"{float(before) + 5:.2f}"
    entry = (await venue.bus.request(GetEntries(account=ALICE, limit=1))).items[0]
    assert (entry.code, entry.debit, entry.credit, entry.amount, entry.reference) == (
        "posted", "900", "1:200", "5.00", "t-1",
    )  # fmt: skip
    trial = await venue.bus.request(GetTrialBalance(at_least=done.sequence))
    assert trial.balanced
    assert [line.balance for line in trial.lines if line.code == "900"] == ["-12.00"]
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_the_same_again_is_answered_as_the_first_time_and_another_body_by_its_first_difference(
    venue: SmallVenue,
) -> None:
    first = await venue.bus.request(bonus(text="x"))
    once = await balance(venue, ALICE)
    assert await venue.bus.request(bonus(text="x")) == first
    assert await balance(venue, ALICE) == once
    for changes, field in (
        ({"text": "y"}, "text"),
        ({"text": "x", "code": 8}, "code"),
        ({"text": "x", "user_data": "01" * 16}, "user_data"),
        ({"text": "x", "effective_date": "2026-02-01"}, "effective_date"),
        ({"text": "x", "entries": [of(0, "12.00", 900), of(ALICE, "-6.00"), of(BOB, "-6.00")]}, "amount"),
        ({"text": "x", "entries": [of(0, "12.00", 420), of(ALICE, "-5.00"), of(BOB, "-7.00")]}, "debit_account"),
        ({"text": "x", "entries": [of(0, "12.00", 900), of(CAROL, "-5.00"), of(BOB, "-7.00")]}, "credit_account"),
    ):
        error = await refused(venue, bonus(**changes), Conflict, "idempotency.mismatch")
        assert f"exists_with_different_{field}" in error.detail, changes


async def test_a_reversal_mirrors_what_was_posted_and_happens_once(venue: SmallVenue) -> None:
    before = [await balance(venue, who) for who in (ALICE, BOB)]
    posted = await venue.bus.request(
        bonus(
            entries=[*bonus().entries, of(ALICE, "3.00"), of(ALICE, "-3.00", 220), of(BOB, "0.00"), of(0, "0.00", 100)]
        )
    )
    back = await venue.bus.request(ReverseTransaction(transaction_id="t-1", text="wrong"))
    assert back.reverses == "t-1"
    assert back.legs == [
        TransactionLeg(leg.credit, leg.debit, leg.currency, leg.amount) for leg in reversed(posted.legs)
    ]
    assert [await balance(venue, who) for who in (ALICE, BOB)] == before
    assert await venue.bus.request(ReverseTransaction(transaction_id="t-1", reversal_id="other")) == back
    again = await venue.bus.request(ReverseTransaction(transaction_id=back.transaction_id))
    assert again.legs == posted.legs
    entry = (await venue.bus.request(GetEntries(account=ALICE, limit=1))).items[0]
    assert entry.code == "reversed"
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_a_reversal_that_breaks_a_balance_needs_two_persons(venue: SmallVenue) -> None:
    await venue.bus.request(bonus(entries=[of(0, "9.00", 900), of(POOR, "-9.00")]))
    await venue.bus.request(bonus("t-2", entries=[of(POOR, "4.00"), of(0, "-4.00", 230)]))
    await refused(venue, ReverseTransaction(transaction_id="t-1"), Conflict, "transfer.insufficient")
    await refused(venue, ReverseTransaction(transaction_id="t-1"), Conflict, "transfer.id_already_failed")
    for alone in (
        ReverseTransaction(transaction_id="t-1", reversal_id="r-2", two_persons=True),
        bonus("t-3", entries=[of(POOR, "99.00"), of(0, "-99.00", 230)], two_persons=True),
    ):
        await refused(venue, alone, Forbidden, "approval.required")
    assert (await balance(venue, POOR))[:2] == ("5.00", "5.00")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"entries": []}, "ledger.unbalanced", "entries"),
        ({"entries": [of(0, "1.00", 900)]}, "ledger.unbalanced", "entries"),
        ({"entries": [of(0, "1.00", 900), of(ALICE, "-1.01")]}, "ledger.unbalanced", "entries"),
        ({"entries": [of(0, "1.00", 900), of(ALICE, "-1", currency="AAPL")]}, "ledger.unbalanced", "entries"),
        ({"entries": [of(0, "1.001", 900), of(ALICE, "-1.001")]}, "request.invalid.range", "entries[0].amount"),
        ({"entries": [of(0, "x", 900), of(ALICE, "-1")]}, "request.invalid.decimal", "entries[0].amount"),
        ({"entries": [of(0, "1.00", 200), of(ALICE, "-1.00")]}, "request.invalid.range", "entries[0].code"),
        ({"entries": [of(0, "1.00", 900), of(ALICE, "-1.00", 300)]}, "request.invalid.range", "entries[1].code"),
        ({"entries": [of(ALICE, "1.00"), of(ALICE, "-1.00")]}, "request.invalid.range", "entries"),
        ({"transaction_id": "a b"}, "request.invalid.id", "transaction_id"),
        ({"code": 0}, "request.invalid.range", "code"),
        ({"text": "ü" * 65}, "request.invalid.range", "text"),
        ({"effective_date": "2026-13-01"}, "request.invalid.time", "effective_date"),
        ({"user_data": "0f"}, "request.invalid.range", "user_data"),
    ],
)
async def test_what_cannot_be_a_transaction_is_told_by_its_field(
    venue: SmallVenue, changes: dict[str, Any], code: str, field: str
) -> None:
    """And the engine is not asked."""
    asked = venue.requests
    error = await refused(venue, bonus(**changes), InvalidCommand, code)
    assert error.field == field
    assert venue.requests == asked


async def test_an_unbalanced_transaction_says_balance_and_an_unknown_account_is_named(venue: SmallVenue) -> None:
    entries = [of(0, "1.00", 900), of(ALICE, "-2.00")]
    assert "balance" in (await refused(venue, bonus(entries=entries), InvalidCommand, "ledger.unbalanced")).detail
    entries = [of(0, "1.00", 900), of(77, "-1.00")]
    assert "77" in (await refused(venue, bonus(entries=entries), NotFound, "account.not_found")).detail
    await refused(
        venue,
        bonus(entries=[of(0, "1", 900, NO_CURRENCY), of(1, "-1", 0, NO_CURRENCY)]),
        NotFound,
        "currency.not_found",
    )
    await refused(venue, ReverseTransaction(transaction_id="never"), NotFound, "transaction.not_found")


async def test_a_frozen_account_gives_nothing_and_a_closed_one_takes_nothing(venue: SmallVenue) -> None:
    state = await venue.bus.request(SetAccountState(account=ALICE, state="frozen"))
    assert (state.account_id, state.state) == ("1", "frozen")
    await refused(venue, bonus(entries=[of(ALICE, "1"), of(BOB, "-1")]), Conflict, "account.frozen")
    await venue.bus.request(bonus("t-2"))
    await refused(venue, SetAccountState(account=ALICE, state="closed"), Conflict, "account.not_empty")
    await venue.bus.request(SetAccountState(account=POOR, state="closed"))
    await refused(venue, bonus("t-3", entries=[of(ALICE, "0"), of(POOR, "0")]), Conflict, "account.frozen")
    await refused(venue, bonus("t-4", entries=[of(BOB, "1"), of(POOR, "-1")]), Conflict, "account.closed")
    await refused(venue, SetAccountState(account=77, state="open"), NotFound, "account.not_found")
    assert (
        await refused(venue, SetAccountState(account=ALICE, state="x"), InvalidCommand, "request.invalid.range")
    ).field


async def test_credit_counts_as_available_and_is_shown(venue: SmallVenue) -> None:
    granted = await venue.bus.request(SetCreditLimit(account=POOR, currency="USD", limit="50.00"))
    assert (granted.limit, granted.available) == ("50.00", "50.00")
    await venue.bus.request(bonus(entries=[of(POOR, "30.00"), of(BOB, "-30.00")]))
    assert await balance(venue, POOR) == ("-30.00", "20.00", "50.00", "0.00")
    lowered = await venue.bus.request(SetCreditLimit(account=POOR, currency="USD", limit="10"))
    assert lowered.available == "-20.00"
    await refused(venue, bonus("t-2", entries=[of(POOR, "0.01"), of(BOB, "-0.01")]), Conflict, "transfer.insufficient")
    for limit, code in (("-1", "request.invalid.range"), ("0.001", "request.invalid.range")):
        await refused(venue, SetCreditLimit(account=POOR, currency="USD", limit=limit), InvalidCommand, code)
    most = SetCreditLimit(account=POOR, currency="USD", limit="92233720368547758.07")
    await refused(venue, most, InvalidCommand, "order.amount.overflow")
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_when_matching_is_away_nothing_happened(venue: SmallVenue) -> None:
    await venue.bus.request(bonus("t-0"))  # the room has learnt the currencies
    venue.down = True
    await refused(venue, bonus(), Unavailable, "unavailable")
    venue.down = False
    assert (await venue.bus.request(bonus())).status == "posted"
