"""Holds by clients over the bus: placed, amended, captured, released, and in the books exactly once.

Goal: what is asked happens in the engine once, the tables follow it however events are cut, every refusal says what and of which
field, and a hold that differs from the engine's is found.
Method: the ledger beside the readable engine, real files and migrations; differences are written past the room.
"""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, InvalidCommand, NotFound, QuantumCoreError
from quantumcore.contracts.ledger import (
    Difference,
    GetBalances,
    GetHolds,
    GetTrialBalance,
    Reconcile,
    ReverseTransaction,
    SetAccountState,
    TransactionLeg,
)
from quantumcore.contracts.ledger_holds import AmendHold, CaptureHold, PlaceHold, ReleaseHold, Taken
from quantumcore.contracts.matching import EngineHolds, GetEngineHolds
from quantumcore.services.ledger import reconcile
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.tables import client_holds
from tests.support.ledgers import assert_equals, digest, ledger_tables, open_ledger, post, post_in_cuts
from tests.support.portfolios import NO_CURRENCY
from tests.support.small_venue import ALICE, BOB, SmallVenue, small_venue

SECOND = 10**9


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as opened:
        yield opened


@pytest.fixture
async def ledger(venue: SmallVenue) -> LedgerService:
    return await open_ledger(venue)


def place(name: str = "h-1", amount: str = "500.00", **fields: Any) -> PlaceHold:
    return PlaceHold(**{"account": ALICE, "hold_id": name, "currency": "USD", "amount": amount, **fields})


def capture(*parts: Taken, name: str = "h-1", transaction_id: str = "c-1", **fields: Any) -> CaptureHold:
    return CaptureHold(account=ALICE, hold_id=name, transaction_id=transaction_id, parts=list(parts), **fields)


async def refused(venue: SmallVenue, request: Any, kind: type[QuantumCoreError], code: str) -> QuantumCoreError:
    with pytest.raises(kind) as error:
        await venue.bus.request(request)
    assert error.value.code == code
    return error.value


async def held(venue: SmallVenue) -> tuple[str, list[tuple[str, str, str]]]:
    """Return what Alice holds in dollars, and (id, open, status) of each hold that she has open."""
    at = venue.engine.sequence
    found = await venue.bus.request(GetBalances(account=ALICE, at_least=at))
    holds = await venue.bus.request(GetHolds(account=ALICE, at_least=at))
    assert holds.sequence >= at
    shown = [(hold.hold_id, hold.open, hold.status) for hold in holds.client_holds]
    return next(one.held for one in found.balances if one.currency == "USD"), shown


@pytest.mark.usefixtures("ledger")
async def test_a_hold_is_placed_amended_captured_twice_and_released(venue: SmallVenue) -> None:
    placed = await venue.bus.request(place())
    assert (placed.open, placed.placed, placed.captured, placed.released) == ("500.00", "500.00", "0.00", "0.00")
    assert (placed.status, placed.expires_ns, placed.account_id) == ("open", 0, "1")
    assert await held(venue) == ("500.00", [("h-1", "500.00", "open")])
    amended = await venue.bus.request(AmendHold(account=ALICE, hold_id="h-1", amount="600.00"))
    assert (amended.placed, amended.open) == ("600.00", "600.00")
    done = await venue.bus.request(
        capture(Taken(code=100, amount="500.00"), Taken(code=300, amount="10.00"), text="out")
    )
    assert done.transaction.legs == [
        TransactionLeg("1:balance", "100", "USD", "500.00"),
        TransactionLeg("1:balance", "300", "USD", "10.00"),
    ]
    assert (done.transaction.text, done.hold.captured, done.hold.open) == ("out", "510.00", "90.00")
    await venue.bus.request(capture(Taken(account=BOB, amount="40.00"), transaction_id="c-2"))
    part = await venue.bus.request(ReleaseHold(account=ALICE, hold_id="h-1", amount="20.00"))
    assert (part.released, part.open, part.status) == ("20.00", "30.00", "open")
    last = await venue.bus.request(ReleaseHold(account=ALICE, hold_id="h-1"))
    assert (last.placed, last.captured, last.released, last.open) == ("600.00", "550.00", "50.00", "0.00")
    assert last.status == "closed"
    assert await held(venue) == ("0.00", [])
    assert (await venue.bus.request(GetTrialBalance(at_least=venue.engine.sequence))).balanced
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_the_same_again_is_answered_as_the_first_time(venue: SmallVenue, ledger: LedgerService) -> None:
    first = await venue.bus.request(place(expires_ns=2**62))
    captured = await venue.bus.request(capture(Taken(account=BOB, amount="500.00")))
    sequence = venue.engine.sequence
    assert await venue.bus.request(place(expires_ns=2**62)) == first
    assert await venue.bus.request(capture(Taken(account=BOB, amount="500.00"))) == captured
    assert await held(venue) == ("0.00", [])
    assert venue.engine.sequence == sequence + 2
    assert ledger._holds.holds == {"placed": 1, "captured": 1, "repeated": 2}
    for changes, field in (
        ({"amount": "500.01", "expires_ns": 2**62}, "amount"),
        ({"expires_ns": 2**62 - 1}, "expires_at"),
    ):
        error = await refused(venue, place(**changes), Conflict, "idempotency.mismatch")
        assert (error.field, error.actual) == ("hold_id", f"exists_with_different_{field}")
    other = PlaceHold(account=ALICE, hold_id="h-1", currency="BTC", amount="500", expires_ns=2**62)
    assert (await refused(venue, other, Conflict, "idempotency.mismatch")).actual == "exists_with_different_account"
    again = capture(Taken(account=BOB, amount="499.00"))
    assert "amount" in (await refused(venue, again, Conflict, "idempotency.mismatch")).detail
    again = capture(Taken(account=BOB, amount="500.00"), name="h-2")
    await venue.bus.request(place("h-2"))
    assert "different_hold" in (await refused(venue, again, Conflict, "idempotency.mismatch")).detail


@pytest.mark.usefixtures("ledger")
async def test_every_refusal_says_what_and_of_which_field(venue: SmallVenue) -> None:
    await venue.bus.request(place())
    for request, kind, code, field in (
        (place("h-2", "0"), InvalidCommand, "transfer.amount.bad", "amount"),
        (place("h-2", "1.001"), InvalidCommand, "request.invalid.range", "amount"),
        (place("h-2", expires_ns=1), InvalidCommand, "hold.expires_at.bad", ""),
        (place("h-2", expires_ns=-1), InvalidCommand, "request.invalid.time", "expires_at"),
        (place("not an id"), InvalidCommand, "request.invalid.id", "hold_id"),
        (place("h-2", currency=NO_CURRENCY), NotFound, "currency.not_found", "currency"),
        (place("h-2", account=77), NotFound, "account.not_found", ""),
        (place("h-3", "99999999999999.00"), Conflict, "transfer.insufficient", ""),
        (place("h-3", "1.00"), Conflict, "transfer.id_already_failed", ""),
        (AmendHold(account=ALICE, hold_id="h-9", amount="1.00"), NotFound, "hold.not_found", "hold_id"),
        (AmendHold(account=BOB, hold_id="h-1", amount="1.00"), NotFound, "hold.not_found", "hold_id"),
        (AmendHold(account=ALICE, hold_id="h-1", amount="-1"), InvalidCommand, "transfer.amount.bad", "amount"),
        (ReleaseHold(account=ALICE, hold_id="h-1", amount="500.01"), Conflict, "hold.exceeded", ""),
        (capture(Taken(code=100, amount="500.01")), Conflict, "hold.exceeded", ""),
        (capture(Taken(code=101, amount="1.00")), InvalidCommand, "request.invalid.range", "parts[0].code"),
        (capture(Taken(code=100, amount="0.00")), InvalidCommand, "request.invalid.range", "parts[0].amount"),
        (capture(Taken(account=ALICE, amount="1.00")), InvalidCommand, "request.invalid.range", "parts[0].account_id"),
        (capture(Taken(account=77, amount="1.00"), transaction_id="c-9"), NotFound, "account.not_found", "entries"),
        (capture(), InvalidCommand, "request.invalid.range", "parts"),
    ):
        error = await refused(venue, request, kind, code)
        assert error.field == field, (request, error)
    exceeded = await refused(venue, ReleaseHold(account=ALICE, hold_id="h-1", amount="501"), Conflict, "hold.exceeded")
    assert (exceeded.limit, exceeded.actual) == ("500.00", "501.00")
    await venue.bus.request(ReleaseHold(account=ALICE, hold_id="h-1"))
    for request in (
        ReleaseHold(account=ALICE, hold_id="h-1"),
        AmendHold(account=ALICE, hold_id="h-1", amount="900.00"),
        capture(Taken(code=100, amount="1.00"), transaction_id="c-2"),
    ):
        await refused(venue, request, Conflict, "hold.closed")


@pytest.mark.usefixtures("ledger")
async def test_a_frozen_account_holds_nothing_new_and_lets_go(venue: SmallVenue) -> None:
    await venue.bus.request(place())
    await venue.bus.request(SetAccountState(account=ALICE, state="frozen"))
    await refused(venue, place("h-2"), Conflict, "account.frozen")
    await refused(venue, AmendHold(account=ALICE, hold_id="h-1", amount="501.00"), Conflict, "account.frozen")
    await refused(venue, capture(Taken(code=100, amount="1.00")), Conflict, "account.frozen")
    await venue.bus.request(AmendHold(account=ALICE, hold_id="h-1", amount="400.00"))
    await venue.bus.request(ReleaseHold(account=ALICE, hold_id="h-1"))
    assert await held(venue) == ("0.00", [])


@pytest.mark.usefixtures("ledger")
async def test_a_hold_ends_with_the_clock(venue: SmallVenue) -> None:
    ends = venue.clock.now() + 60 * SECOND
    await venue.bus.request(place(expires_ns=ends))
    await venue.clock.advance(61)
    venue.do(wire.AdvanceTime())
    assert await held(venue) == ("0.00", [])
    await refused(venue, ReleaseHold(account=ALICE, hold_id="h-1"), Conflict, "hold.closed")
    assert (await venue.bus.request(Reconcile())).differences == []


@pytest.mark.usefixtures("ledger")
async def test_what_is_captured_can_be_reversed_and_is_not_held_again(venue: SmallVenue) -> None:
    await venue.bus.request(place())
    await venue.bus.request(capture(Taken(code=100, amount="100.00")))
    await venue.bus.request(ReverseTransaction(transaction_id="c-1"))
    assert await held(venue) == ("400.00", [("h-1", "400.00", "open")])
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_a_hold_that_differs_from_the_engines_is_found(
    venue: SmallVenue, ledger: LedgerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the page where it lies: a part that differs, one that is missing, and one that only the tables have open."""
    for number in range(8):
        await venue.bus.request(place(f"h-{number}", "10.00"))
    await venue.bus.request(ReleaseHold(account=ALICE, hold_id="h-5"))
    assert (await venue.bus.request(Reconcile())).differences == []
    sequences = {hold[0] - venue.engine.holds()[0][0]: hold[0] for hold in venue.engine.holds()}
    c = client_holds.c
    changes = (
        (update(client_holds).where(c.hold_id == "h-1").values(captured=300), ("captured", "300", "0"), 1),
        (delete(client_holds).where(c.hold_id == "h-4"), ("placed", "0", "1000"), 4),
        (update(client_holds).where(c.hold_id == "h-5").values(released=0, done=False), None, 5),
    )
    for statement, _, _ in changes:
        await ledger._database.write(lambda connection, one=statement: connection.execute(one))  # type: ignore[misc]
    found = (await venue.bus.request(Reconcile())).differences
    first = sequences[0]
    assert found == [
        Difference("1", "USD", f"hold {first + 1} captured", "300", "0"),
        Difference("1", "USD", f"hold {first + 4} placed", "0", "1000"),
        Difference("1", "USD", f"hold {first + 5} placed", "1000", "0"),
    ]
    monkeypatch.setattr(reconcile, "MAX_DIFFERENCES", 1)
    assert len((await venue.bus.request(Reconcile())).differences) == 1


async def test_holds_are_entered_exactly_once_however_events_are_cut(tmp_path: Path, rng: random.Random) -> None:
    """Told twice, in other cuts, by a room that begins anew: the same rows."""
    async with (
        small_venue(tmp_path) as venue,
        ledger_tables(tmp_path, "one") as one,
        ledger_tables(tmp_path, "two") as two,
    ):
        for number in range(300):
            name = f"h-{rng.randrange(40)}"
            await venue.clock.advance(rng.choice((0, 0, 1)))
            venue.do(
                rng.choice(
                    (
                        wire.PlaceHold(account=ALICE, hold_id=name, amount=rng.randrange(1, 900), currency=1),
                        wire.PlaceHold(
                            account=BOB, hold_id=name, amount=1, currency=1, expires_ns=venue.clock.now() + SECOND
                        ),
                        wire.AmendHold(account=ALICE, hold_id=name, amount=rng.randrange(1, 900)),
                        wire.ReleaseHold(account=ALICE, hold_id=name, amount=rng.randrange(200)),
                        _captures(venue, rng, f"g-{number}"),
                        wire.AdvanceTime(),
                    )
                )
            )
        batches = list(venue.log.read(0))
        for batch in batches:
            await post(one, [batch])
            await post(one, [batch])
        await post_in_cuts(two, batches, rng)
        await assert_equals(one, venue.engine)
        assert await digest(one) == await digest(two)
        assert len((await digest(one))["client_holds"]) > 20


def _captures(venue: SmallVenue, rng: random.Random, name: str) -> wire.Command:
    open_now = venue.engine.holds()
    if not open_now:
        return wire.AdvanceTime()
    sequence, account, currency, placed, captured, released, _ = rng.choice(open_now)
    leg = wire.Leg(
        debit_account=account,
        credit_code=100,
        currency=currency,
        amount=rng.randrange(placed - captured - released + 1),
        hold=sequence,
    )
    return wire.PostGroup(group_id=name, count=1, legs=leg.encode())


async def test_a_hold_that_moves_while_it_is_compared_is_no_difference(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    """Released after the engine was asked, and entered before the tables are read: the engine is asked again."""
    for number in range(5):
        await venue.bus.request(place(f"h-{number}", "10.00"))
    answer = venue.bus._handlers[GetEngineHolds]  # type: ignore[attr-defined]
    asked: list[int] = []

    async def then_released(request: GetEngineHolds) -> EngineHolds:
        page: EngineHolds = await answer(request)
        asked.append(request.first)
        if len(asked) <= 2:
            venue.do(wire.ReleaseHold(account=ALICE, hold_id=f"h-{len(asked)}"))
            await ledger._follower.reached(venue.engine.sequence)
        return page

    venue.bus._handlers[GetEngineHolds] = then_released  # type: ignore[attr-defined]
    assert (await venue.bus.request(Reconcile())).differences == []
    assert asked == [0, 0, 0, 3]
