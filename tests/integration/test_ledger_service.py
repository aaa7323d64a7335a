"""The ledger room, asked over the bus.

Goal: money moves once per id, whatever is repeated; what is shown is what the engine has; a room that cannot go on says so.
Method: a small venue with the readable engine behind matching; every amount is a decimal string.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, update

from quantumcore.app.supervise import Supervisor
from quantumcore.contracts import wire
from quantumcore.contracts.errors import (
    Conflict,
    InvalidCommand,
    NotFound,
    Unavailable,
)
from quantumcore.contracts.ledger import (
    GetBalances,
    GetEntries,
    GetHolds,
    GetTransfer,
    GetTrialBalance,
    LedgerMoved,
    MakeTransfer,
    OpenAccount,
    Reconcile,
)
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger import tables
from quantumcore.services.ledger.service import LedgerService
from tests.support.clocks import ManualClock
from tests.support.ledgers import assert_equals, open_ledger, random_market
from tests.support.lent import hand_over
from tests.support.small_venue import ALICE, BOB, COIN, SmallVenue, small_venue
from tests.support.waiting import eventually

OWNER = str(uuid.UUID(int=77))


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as venue:
        yield venue


@pytest.fixture
async def ledger(venue: SmallVenue) -> LedgerService:
    return await open_ledger(venue)


def deposit(name: str, amount: str, **changes: Any) -> MakeTransfer:
    body = {"transfer_id": name, "kind": "deposit", "account": 10, "currency": "USD", "amount": amount}
    return MakeTransfer(**{**body, **changes})


async def opened(venue: SmallVenue, account: int = 10) -> None:
    await venue.bus.request(OpenAccount(account=account, owner=OWNER))


def order(side: int, quantity: int, price: int, account: int, name: str) -> wire.SubmitOrder:
    return wire.SubmitOrder(
        instrument=COIN,
        account=account,
        side=side,
        quantity=quantity,
        price=price,
        order_type=2,
        time_in_force=1,
        client_id=name,
    )


async def test_an_account_is_opened_once(venue: SmallVenue, ledger: LedgerService) -> None:
    first = await venue.bus.request(OpenAccount(account=10, owner=OWNER))
    assert (first.account_id, first.owner) == ("10", OWNER)
    assert await venue.bus.request(OpenAccount(account=10, owner=OWNER)) == first
    with pytest.raises(Conflict) as caught:
        await venue.bus.request(OpenAccount(account=10, owner=str(uuid.UUID(int=78))))
    assert caught.value.code == "definition.exists_with_different"


@pytest.mark.parametrize("wrong", [{"account": 0}, {"account": 2**32}, {"owner": "nobody"}])
async def test_an_account_without_number_or_owner_is_no_account(
    venue: SmallVenue, ledger: LedgerService, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCommand):
        await venue.bus.request(OpenAccount(**{"account": 10, "owner": OWNER, **wrong}))


async def test_a_deposit_is_posted_and_shown(venue: SmallVenue, ledger: LedgerService) -> None:
    await opened(venue)
    view = await venue.bus.request(deposit("d-1", "100000.0"))
    assert (view.transfer_id, view.kind, view.account_id, view.currency, view.amount, view.status) == (
        "d-1", "deposit", "10", "USD", "100000.00", "posted",
    )  # fmt: skip
    balances = await venue.bus.request(GetBalances(account=10, at_least=view.sequence))
    assert balances.sequence >= view.sequence
    assert [(b.currency, b.total, b.held, b.available) for b in balances.balances] == [
        ("USD", "100000.00", "0.00", "100000.00")
    ]
    assert await venue.bus.request(GetTransfer(account=10, transfer_id="d-1", at_least=view.sequence)) == view


async def test_the_same_id_and_body_answer_the_same_and_move_once(venue: SmallVenue, ledger: LedgerService) -> None:
    await opened(venue)
    views = await asyncio.gather(*(venue.bus.request(deposit("d-1", "5.00")) for _ in range(20)))
    assert len(set(views)) == 1
    balances = await venue.bus.request(GetBalances(account=10, at_least=venue.engine.sequence))
    assert balances.balances[0].total == "5.00"


async def test_a_repeat_is_answered_from_the_log_while_the_books_are_behind(venue: SmallVenue) -> None:
    service = await open_ledger(venue)
    await opened(venue)
    await venue.halt()
    view = await venue.bus.request(deposit("d-1", "5.00"))
    assert service._follower.cursor < view.sequence
    assert await venue.bus.request(deposit("d-1", "5.00")) == view


async def test_the_same_id_with_another_body_is_a_mismatch(venue: SmallVenue, ledger: LedgerService) -> None:
    await opened(venue)
    await venue.bus.request(deposit("d-1", "5.00"))
    for other in (
        deposit("d-1", "5.01"),
        deposit("d-1", "5.00", currency="BTC"),
        deposit("d-1", "5.00", kind="withdrawal"),
    ):
        with pytest.raises(Conflict) as caught:
            await venue.bus.request(other)
        assert caught.value.code == "idempotency.mismatch"


async def test_from_100_many_transfers_of_30_at_once_exactly_three_succeed(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await opened(venue)
    await venue.bus.request(deposit("d-1", "100.00"))
    asked = [deposit(f"t-{n}", "30.00", kind="transfer", to_account=ALICE) for n in range(10)]
    results = await asyncio.gather(*(venue.bus.request(each) for each in asked), return_exceptions=True)
    refused = [error for error in results if isinstance(error, Conflict)]
    assert len(results) - len(refused) == 3
    assert {(e.code, e.limit, e.actual) for e in refused} == {("transfer.insufficient", "10.00", "30.00")}
    with pytest.raises(Conflict) as caught:
        await venue.bus.request(asked[[isinstance(r, Conflict) for r in results].index(True)])
    assert caught.value.code == "transfer.id_already_failed"
    balances = await venue.bus.request(GetBalances(account=10, at_least=venue.engine.sequence))
    assert balances.balances[0].total == "10.00"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "1.001"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"amount": "92233720368547758.08"}, "amount"),
        ({"kind": "gift"}, "kind"),
        ({"transfer_id": ""}, "transfer_id"),
        ({"transfer_id": "a b"}, "transfer_id"),
        ({"account": 0}, "account_id"),
        ({"to_account": 2}, "to_account_id"),
        ({"kind": "transfer"}, "to_account_id"),
        ({"kind": "transfer", "to_account": 10}, "to_account_id"),
        ({"kind": "transfer", "to_account": 2**32}, "to_account_id"),
    ],
)
async def test_a_wish_of_wrong_shape_never_reaches_the_engine(
    venue: SmallVenue, ledger: LedgerService, change: dict[str, Any], field: str
) -> None:
    before = venue.requests
    with pytest.raises(InvalidCommand) as caught:
        await venue.bus.request(deposit("x", **{"amount": "1.00", **change}))
    assert caught.value.field == field
    assert venue.requests == before


async def test_unknown_things_are_not_found(venue: SmallVenue, ledger: LedgerService) -> None:
    for wish, code in (
        (deposit("x", "1.00", currency="XAU"), "currency.not_found"),
        (deposit("x", "1.00", account=4711), "account.not_found"),
        (deposit("x", "1.00", account=ALICE, kind="transfer", to_account=4711), "account.not_found"),
        (GetTransfer(account=ALICE, transfer_id="never"), "transfer.not_found"),
        (GetBalances(account=4711), "account.not_found"),
        (GetHolds(account=4711), "account.not_found"),
        (GetEntries(account=4711), "account.not_found"),
    ):
        with pytest.raises(NotFound) as caught:
            await venue.bus.request(wish)
        assert caught.value.code == code
        assert "not found" in caught.value.detail


async def test_a_currency_defined_a_moment_ago_can_be_deposited(venue: SmallVenue, ledger: LedgerService) -> None:
    venue.hold = True
    venue.do(wire.DefineCurrency(currency=9, code="EUR", scale=2))
    view = await venue.bus.request(deposit("e-1", "1.5", account=ALICE, currency="EUR"))
    assert view.amount == "1.50"


async def test_holds_and_entries_of_a_trade_are_shown(venue: SmallVenue, ledger: LedgerService) -> None:
    venue.do(order(2, 1, 20_000, BOB, "s-1"))
    venue.do(order(1, 3, 20_000, ALICE, "b-1"))
    at = venue.engine.sequence
    holds = (await venue.bus.request(GetHolds(account=ALICE, at_least=at))).holds
    assert [(h.currency, h.open, h.placed, h.captured, h.released) for h in holds] == [
        ("USD", "40040.00", "60060.00", "20020.00", "0.00")
    ]
    dollars = (await venue.bus.request(GetBalances(account=ALICE, at_least=at))).balances[0]
    assert (dollars.total, dollars.held, dollars.available) == ("9999999979980.00", "40040.00", "9999999939940.00")
    page = await venue.bus.request(GetEntries(account=ALICE, limit=3))
    assert [(e.code, e.debit, e.credit, e.currency, e.amount) for e in page.items] == [
        ("taker_fee", "1:200", "300", "USD", "20.00"),
        ("principal", "1:200", "2:200", "USD", "20000.00"),
        ("asset", "2:210", "1:210", "BTC", "1.00000000"),
    ]
    following = await venue.bus.request(GetEntries(account=ALICE, limit=3, cursor=page.next_cursor or ""))
    assert [e.code for e in following.items] == ["deposit"] * 3
    assert following.next_cursor is None
    only = await venue.bus.request(GetEntries(account=ALICE, currency="BTC", ascending=True))
    assert (only.items[0].code, only.items[0].debit, only.items[0].reference) == ("deposit", "110", "first-2")
    for wrong in ({"limit": 0}, {"limit": 1_001}, {"cursor": "1.2"}, {"cursor": "a.b.c"}):
        with pytest.raises(InvalidCommand):
            await venue.bus.request(GetEntries(account=ALICE, **wrong))


async def test_the_house_balances(venue: SmallVenue, ledger: LedgerService) -> None:
    venue.do(order(2, 1, 20_000, BOB, "s-1"))
    venue.do(order(1, 1, 20_000, ALICE, "b-1"))
    trial = await venue.bus.request(GetTrialBalance(at_least=venue.engine.sequence))
    assert trial.balanced
    lines = {(line.code, line.currency): line.balance for line in trial.lines}
    assert lines["300", "USD"] == "30.00"
    assert lines["100", "USD"] == "30000000000000.00"
    assert lines["200", "USD"] == "29999999999970.00"


async def test_ledger_and_engine_reconcile_and_a_planted_difference_is_found(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    venue.do(order(2, 2, 20_000, BOB, "s-1"))
    venue.do(order(1, 1, 20_000, ALICE, "b-1"))
    result = await venue.bus.request(Reconcile())
    assert (result.sequence, result.accounts, result.differences) == (venue.engine.sequence, 3, [])
    row = tables.accounts.c

    def forge(connection: Connection) -> None:
        connection.execute(update(tables.accounts).where(row.owner == BOB, row.currency == 1).values(held=1))

    await ledger._database.write(forge)
    differences = (await venue.bus.request(Reconcile())).differences
    assert [(d.account_id, d.currency, d.what, d.ledger, d.engine) for d in differences] == [
        ("2", "USD", "held", "1", "0")
    ]


async def test_who_moved_is_told_after_the_commit(venue: SmallVenue, ledger: LedgerService) -> None:
    seen: list[tuple[list[int], str]] = []

    async def hear(notices: Sequence[LedgerMoved]) -> None:
        for notice in notices:
            balances = await venue.bus.request(GetBalances(account=10))
            assert balances.sequence >= notice.sequence
            seen.append((notice.accounts, balances.balances[0].total))

    await opened(venue)
    await eventually(lambda: ledger._follower.cursor == venue.engine.sequence)
    venue.bus.subscribe(LedgerMoved, hear)
    await venue.bus.request(deposit("d-1", "5.00"))
    await eventually(lambda: seen)
    assert seen == [([10], "5.00")]


async def test_after_a_restart_it_goes_on_where_it_was(venue: SmallVenue) -> None:
    service = await open_ledger(venue)
    await eventually(lambda: service._follower.cursor == venue.log.last)
    await venue.halt()
    await service.stop()
    venue.do(order(2, 2, 20_000, BOB, "s-1"))
    again = LedgerService(venue.bus, venue.log, service._database, venue.clock)
    await venue.run(again, attach=False)
    assert again._follower.cursor >= venue.log.last - 1
    await eventually(lambda: again._follower.cursor == venue.log.last)
    await eventually(lambda: not again.not_ready())
    await assert_equals(service._database, venue.engine)


async def test_started_before_matching_it_says_so_and_recovers(venue: SmallVenue) -> None:
    venue.down = True
    service = LedgerService(venue.bus, venue.log, await venue.database("ledger"), venue.clock)
    service.attach()
    await service.start()
    assert service.not_ready()
    supervisor = Supervisor(service, venue.clock)
    supervisor.start()
    await venue.clock.advance(1)
    venue.down = False
    await venue.clock.advance(10)
    await eventually(lambda: service._follower.cursor == venue.log.last)
    assert not service.not_ready()
    await supervisor.stop()


async def test_a_hole_in_the_log_stops_the_projection_and_names_the_place(venue: SmallVenue, tmp_path: Path) -> None:
    """It does not go on behind the hole, however long one waits."""
    last = venue.log.last
    service = LedgerService(venue.bus, venue.log, await venue.database("ledger"), clock := ManualClock())
    events = venue.log.read(0)[0].events
    torn = EventBatch(last + 1, last + 2, b"".join(e.encode() for e in (_renumbered(events[0], last + 2),)))
    venue.log.append(torn)
    await service.start()
    supervisor = Supervisor(service, clock)
    supervisor.start()
    await eventually(lambda: service._follower.failure)
    assert f"event {last + 1}.0 is missing" in service._follower.failure
    assert service.not_ready() == [service._follower.failure]
    await clock.advance(600)
    assert service._follower.cursor <= last
    assert any("died" in reason for reason in supervisor.reasons())
    await supervisor.stop()


def _renumbered(event: wire.Event, sequence: int) -> wire.Event:
    return msgspec.structs.replace(event, sequence=sequence)


@pytest.mark.hazard("A7")
async def test_buffers_reused_after_hand_over_change_no_entry(tmp_path: Path, seed: int) -> None:
    """1,000 batches come in one list and one buffer, both overwritten as soon as they were handed over."""
    engine, batches = random_market(seed, 1_000 - 60)
    async with small_venue(tmp_path, []) as venue:
        for batch in batches:
            venue.log.append(batch)
        service = LedgerService(venue.bus, venue.log, await venue.database("ledger"), venue.clock)
        async for batch in hand_over(batches, service.apply):
            service._follower.cursor = batch.last
        await assert_equals(service._database, engine)
        before = asyncio.all_tasks()
        assert before == {asyncio.current_task()}


@pytest.mark.hazard("B8")
async def test_waiting_for_books_that_do_not_move_costs_next_to_nothing(venue: SmallVenue) -> None:
    """A caller that wants to read its own write waits 1 s for a projection that stands still."""
    await open_ledger(venue)
    await asyncio.sleep(0.2)
    await venue.halt()
    loop = asyncio.get_running_loop()
    turns = 0
    select = loop._selector.select  # type: ignore[attr-defined]

    def counted(timeout: float | None = None) -> Any:
        nonlocal turns
        turns += 1
        return select(timeout)

    loop._selector.select = counted  # type: ignore[attr-defined]
    cpu, begun = time.process_time(), loop.time()
    await venue.bus.request(GetBalances(account=ALICE, at_least=venue.log.last + 1))
    assert loop.time() - begun > 0.9
    assert time.process_time() - cpu < 0.02
    assert turns < 100


async def test_a_refusal_has_its_context_and_matching_that_is_away_is_unavailable(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    with pytest.raises(NotFound) as caught:
        await venue.bus.request(deposit("x", "1.00", account=471_100))
    assert caught.value.context["operation"] == "transfer"
    assert caught.value.context["account"] == "4711****"
    venue.down = True
    with pytest.raises(Unavailable):
        await venue.bus.request(deposit("x", "1.00"))


async def test_a_delivery_may_be_shuffled_and_repeated(tmp_path: Path, seed: int) -> None:
    engine, batches = random_market(seed, 800)
    async with small_venue(tmp_path, []) as venue:
        for batch in batches:
            venue.log.append(batch)
        service = LedgerService(venue.bus, venue.log, await venue.database("ledger"), venue.clock)
        await service.apply([*reversed(batches[:100]), *batches[40:160], *batches[100:160]])
        service._follower.cursor = batches[159].last
        await service.apply(batches)
        await assert_equals(service._database, engine)
