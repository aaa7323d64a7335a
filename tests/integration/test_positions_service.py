"""The positions room, asked over the bus.

Goal: what is shown follows from the engine's trades, marks and busts, at exactly one sequence; a choice of lots is durable and
judged; pages are whole however they are cut; a snapshot is of one cursor and never goes back.
Method: a small venue with the readable engine behind matching; every amount is a decimal string.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, InvalidCommand, NotFound
from quantumcore.contracts.positions import (
    Adjusted,
    Closed,
    Decreased,
    GetLots,
    GetPosition,
    GetPositionEvents,
    GetPositions,
    GetPositionSnapshot,
    Increased,
    Opened,
    PositionsMoved,
    PriceUpdated,
    RebuildPositions,
    SetLotMethod,
)
from quantumcore.contracts.values import packed_id
from quantumcore.services.positions.service import PositionsService
from tests.support.position_rooms import PositionsRoom, positions_room
from tests.support.small_venue import ALICE, BOB, CAROL, COIN, SHARE, SHARES, define, definitions, until


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[PositionsRoom]:
    async with positions_room(tmp_path) as room:
        yield room


async def test_a_trade_moves_both_sides(room: PositionsRoom) -> None:
    """100 at 150.00: the taker pays 10 bp, the maker 5; both are valued at the trade until there is a mark."""
    at = room.trade(100, 15_000)
    mine, theirs = await room.position(), await room.position(account=BOB)
    assert mine is not None
    assert theirs is not None
    assert (mine.quantity, mine.average, mine.cost) == ("100", "150.00000000", "15000.00000000")
    assert (theirs.quantity, theirs.average, theirs.cost) == ("-100", "150.00000000", "-15000.00000000")
    assert (mine.fees, theirs.fees) == ("15.00000000", "7.50000000")
    assert (mine.mark, mine.mark_source, mine.mark_sequence, mine.stale) == ("150.00", "trade", at, False)
    assert (mine.contract, mine.method, mine.currency, mine.multiplier) == ("linear", "average", "USD", "1")
    assert (mine.version, mine.cycles, mine.sequence, mine.unrealised) == (1, 0, at, "0.00000000")


async def test_who_never_traded_has_no_position(room: PositionsRoom) -> None:
    assert await room.position(account=CAROL) is None
    assert (await room.ask(GetPositions(account=CAROL))).positions == []
    assert (await room.ask(GetLots(account=CAROL, symbol="AAPL"))).lots == []
    assert (await room.ask(GetPositionEvents(account=CAROL, symbol="AAPL"))).items == []
    for symbol in ("NOPE", "", "<b>"):
        with pytest.raises(NotFound, match=r"instrument\.not_found"):
            await room.ask(GetPosition(account=CAROL, symbol=symbol))


async def test_the_positions_of_an_account_are_of_one_sequence_and_by_symbol(room: PositionsRoom) -> None:
    room.trade(5, 6_400_000, instrument=COIN)
    at = room.trade(3, 15_000)
    found = await room.ask(GetPositions(account=ALICE, at_least=at))
    assert (found.account_id, found.sequence) == (str(ALICE), at)
    assert [(one.symbol, one.quantity) for one in found.positions] == [("AAPL", "3"), ("BTC-USD", "0.00005")]


async def test_crossing_zero_and_flat(room: PositionsRoom) -> None:
    """100 at 150, then -150 at 160: 1,000 realised, then -50 at 160; flat keeps the record."""
    room.trade(100, 15_000)
    room.trade(-150, 16_000)
    short = await room.position()
    assert short is not None
    assert (short.quantity, short.average, short.realised, short.version, short.cycles) == (
        "-50",
        "160.00000000",
        "1000.00000000",
        2,
        1,
    )
    at = room.trade(50, 15_800)
    flat = await room.position()
    assert flat is not None
    assert (flat.quantity, flat.average, flat.cost, flat.realised) == ("0", None, "0.00000000", "1100.00000000")
    assert (flat.value, flat.unrealised, flat.cycles, flat.version) == ("0.00000000", "0.00000000", 2, 3)
    page = await room.ask(GetPositionEvents(account=ALICE, symbol="AAPL", ascending=True))
    assert [type(one) for one in page.items] == [Opened, Closed, Opened, Closed]
    assert [(one.version, one.part & 1, one.quantity) for one in page.items] == [
        (1, 1, "100"),
        (2, 0, "-100"),
        (2, 1, "-50"),
        (3, 0, "50"),
    ]
    assert page.items[1].realised == "1000.00000000"
    assert page.items[3].sequence == at
    assert page.next_cursor is None


async def test_a_mark_values_and_ages_by_the_time_of_events(room: PositionsRoom) -> None:
    """A mark counts until it is taken back; older than a minute, by later events' own time, it is called stale."""
    room.trade(10, 15_000)
    room.venue.do(wire.SetMark(instrument=SHARE, price=15_500))
    marked = await room.position()
    assert marked is not None
    assert (marked.mark, marked.mark_source, marked.unrealised, marked.stale) == (
        "155.00",
        "mark",
        "50.00000000",
        False,
    )
    room.trade(10, 16_000)
    assert (await room.position()).mark == "155.00"  # type: ignore[union-attr]  # it is there
    room.venue.clock.turn(61)
    room.venue.do(wire.SetMark(instrument=COIN, price=6_400_000))
    old = await room.position()
    assert old is not None
    assert (old.mark, old.stale) == ("155.00", True)
    told = {metric.name: metric.samples[0].value for metric in room.service.collect()}
    assert told["qc_positions_stale_marks"] == 1
    room.venue.do(wire.SetMark(instrument=SHARE, price=15_700))
    assert (await room.position()).stale is False  # type: ignore[union-attr]  # it is there
    room.venue.do(wire.SetMark(instrument=SHARE, price=0))
    back = await room.position()
    assert back is not None
    assert (back.mark, back.mark_source, back.stale) == ("157.00", "mark", True)
    room.trade(1, 16_100)
    last = await room.position()
    assert last is not None
    assert (last.mark, last.mark_source, last.stale) == ("161.00", "trade", False)


async def test_marks_stand_among_the_events_from_the_first_on(room: PositionsRoom) -> None:
    room.venue.do(wire.SetMark(instrument=SHARE, price=14_000))
    room.trade(10, 15_000)
    room.venue.do(wire.SetMark(instrument=SHARE, price=15_500))
    room.trade(10, 15_600)
    at = room.trade(-5, 15_700)
    page = await room.ask(GetPositionEvents(account=ALICE, symbol="AAPL", ascending=True, at_least=at))
    assert [type(one) for one in page.items] == [Opened, PriceUpdated, Increased, Decreased]
    assert page.items[1].price == "155.00"
    newest = await room.ask(GetPositionEvents(account=ALICE, symbol="AAPL"))
    assert newest.items == page.items[::-1]


async def test_pages_cut_anywhere_hold_everything_once(room: PositionsRoom) -> None:
    for number in range(12):
        room.trade(7 if number % 3 else -9, 15_000 + number)
    whole = await room.ask(
        GetPositionEvents(
            account=ALICE, symbol="AAPL", limit=1_000, ascending=True, at_least=room.venue.engine.sequence
        )
    )
    assert len(whole.items) > 12
    for limit in (1, 2, 5, len(whole.items)):
        for ascending in (True, False):
            found, cursor = [], ""
            while True:
                page = await room.ask(
                    GetPositionEvents(account=ALICE, symbol="AAPL", limit=limit, cursor=cursor, ascending=ascending)
                )
                assert len(page.items) <= limit
                found += page.items
                if page.next_cursor is None:
                    break
                cursor = page.next_cursor
            assert found == (whole.items if ascending else whole.items[::-1])


@pytest.mark.parametrize(("limit", "cursor", "field"), [(0, "", "limit"), (1_001, "", "limit"), (1, "x", "cursor")])
async def test_a_page_that_cannot_be_is_refused(room: PositionsRoom, limit: int, cursor: str, field: str) -> None:
    with pytest.raises(InvalidCommand) as error:
        await room.ask(GetPositionEvents(account=ALICE, symbol="AAPL", limit=limit, cursor=cursor))
    assert error.value.field == field


async def test_a_multiplier_is_in_cost_and_not_in_the_average(tmp_path: Path) -> None:
    es = define(3, "ESH7", SHARES, lot_scale=0, instrument_kind=2, multiplier=50)
    async with positions_room(tmp_path, commands=[*definitions(), es]) as room:
        room.trade(2, 450_025, instrument=3)
        room.trade(-1, 450_225, instrument=3)
        found = await room.position("ESH7")
        assert found is not None
        assert (found.multiplier, found.average, found.cost) == ("50", "4500.25000000", "225012.50000000")
        assert (found.realised, found.unrealised) == ("100.00000000", "100.00000000")


async def test_a_busted_trade_is_taken_back_with_its_fees(room: PositionsRoom) -> None:
    at = room.trade(100, 15_000)
    trade = next(event for event in room.venue.log.read(at - 1)[0].events if isinstance(event, wire.TradePrinted))
    busted = wire.BustTrade(
        instrument=SHARE,
        trade_sequence=at,
        fill=trade.fill,
        action=1,
        buyer=ALICE,
        seller=BOB,
        price=15_000,
        quantity=100,
        paid_back=trade.paid,
        received_back=trade.received,
        buyer_fee_back=trade.taker_fee,
        seller_fee_back=trade.maker_fee,
    )
    room.venue.do(busted)
    for account in (ALICE, BOB):
        found = await room.position(account=account)
        assert found is not None
        assert (found.quantity, found.cost, found.realised, found.fees) == ("0", *["0.00000000"] * 3)
    page = await room.ask(GetPositionEvents(account=ALICE, symbol="AAPL"))
    adjusted = page.items[0]
    assert isinstance(adjusted, Adjusted)
    assert (adjusted.cause, adjusted.trade_id, adjusted.version) == ("undone", packed_id(0, at, trade.fill, 0), 2)


# ------------------------------------------------------------------------------------------------- choices


def method(name: str, **changes: object) -> SetLotMethod:
    return SetLotMethod(**{"account": ALICE, "symbol": "AAPL", "method": name, **changes})  # type: ignore[arg-type]


async def test_lots_by_the_method_that_was_chosen(room: PositionsRoom) -> None:
    """P15 by FIFO: 650 realised, 100 not; the lots say what is left."""
    await room.ask(method("fifo"))
    for lots, price in ((100, 1_000), (100, 1_200), (100, 1_700), (-150, 1_500)):
        room.trade(lots, price)
    room.venue.do(wire.SetMark(instrument=SHARE, price=1_600))
    found = await room.position()
    assert found is not None
    assert (found.method, found.realised, found.unrealised) == ("fifo", "650.00000000", "100.00000000")
    lots = (await room.ask(GetLots(account=ALICE, symbol="AAPL"))).lots
    assert [(lot.quantity, lot.cost, lot.tags) for lot in lots] == [
        ("50", "600.00000000", ["fifo"]),
        ("100", "1700.00000000", ["fifo"]),
    ]
    other = await room.position(account=BOB)
    assert other is not None
    assert (other.method, other.realised) == ("average", "-300.00000000")


async def test_a_method_changes_only_while_flat(room: PositionsRoom) -> None:
    room.trade(10, 15_000)
    await room.position()
    with pytest.raises(Conflict) as error:
        await room.ask(method("lifo"))
    assert error.value.code == "position.open"
    room.trade(-10, 15_000)
    at = (await room.position()).sequence  # type: ignore[union-attr]  # it is there
    assert (await room.ask(method("lifo"))).sequence == at
    room.trade(10, 15_000)
    assert (await room.position()).method == "lifo"  # type: ignore[union-attr]  # it is there


async def test_lots_can_be_chosen_while_open(room: PositionsRoom) -> None:
    await room.ask(method("specific"))
    room.trade(10, 1_000)
    second = room.trade(10, 1_200)
    await room.position()
    wanted = (await room.ask(GetLots(account=ALICE, symbol="AAPL"))).lots[1].opened_by
    assert wanted.startswith(packed_id(0, second, 0, 0)[:20])
    chosen = await room.ask(method("specific", chosen=[wanted]))
    assert chosen.chosen == [wanted]
    room.trade(-10, 1_300)
    found = await room.position()
    assert found is not None
    assert (found.realised, found.average) == ("10.00000000", "10.00000000")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"method": "newest"}, "method"),
        ({"method": "average", "wash_sales": True}, "wash_sales"),
        ({"method": "fifo", "chosen": ["x"]}, "chosen"),
        ({"method": "specific", "chosen": ["x"]}, "chosen"),
        ({"method": "specific", "chosen": [packed_id(0, 1, 1, 0)] * 101}, "chosen"),
        ({"method": "fifo", "account": 0}, "account"),
    ],
)
async def test_a_choice_that_cannot_be_is_refused(room: PositionsRoom, changes: dict, field: str) -> None:
    with pytest.raises(InvalidCommand) as error:
        await room.ask(method(**{"name": changes.pop("method"), **changes}))
    assert error.value.field == field


async def test_an_expected_version_that_is_not_there_is_a_conflict(room: PositionsRoom) -> None:
    room.trade(10, 15_000)
    await room.position()
    assert (await room.ask(GetPosition(account=ALICE, symbol="AAPL", expected_version=1))).position is not None
    for message in (
        GetPosition(account=ALICE, symbol="AAPL", expected_version=2),
        GetPosition(account=CAROL, symbol="AAPL", expected_version=1),
        method("fifo", expected_version=0),
    ):
        with pytest.raises(Conflict) as error:
            await room.ask(message)
        assert error.value.code == "version.mismatch"


async def test_a_choice_outlives_the_room(tmp_path: Path) -> None:
    """Kept apart from what can be rebuilt: wiped tables come back by the method that counted then."""
    async with positions_room(tmp_path) as room:
        await room.ask(method("hifo", wash_sales=True))
        for lots, price in ((100, 1_000), (100, 1_200), (100, 1_700), (-150, 1_500)):
            room.trade(lots, price)
        before = await room.position()
        await room.venue.halt()
        fresh = await _another(room, tmp_path)
        again = PositionsService(room.venue.bus, room.venue.log, fresh, room.venue.clock, choices=room.database)
        await again.start()
        await again.apply(room.venue.log.read(0, 1 << 30))
        view = await again.position(GetPosition(account=ALICE, symbol="AAPL"))
        assert view.position == before
        assert before is not None
        assert before.method == "hifo"


async def _another(room: PositionsRoom, directory: Path):  # type: ignore[no-untyped-def]
    home = room.venue.directory
    room.venue.directory = directory / "another"
    room.venue.directory.mkdir()
    try:
        return await room.venue.database("positions")
    finally:
        room.venue.directory = home


# -------------------------------------------------------------------------------------- snapshot, rebuild


async def test_a_snapshot_is_of_one_cursor_and_never_goes_back(room: PositionsRoom) -> None:
    """Empty is 0; flat positions are in it; what happens later is not."""
    room.venue.do(wire.SetMark(instrument=SHARE, price=14_000))
    first = room.trade(10, 15_000)
    at = room.trade(-10, 15_100)
    one = await room.ask(GetPositionSnapshot(at_least=at))
    assert (one.cursor, [(p.account_id, p.quantity) for p in one.positions]) == (at, [("1", "0"), ("2", "0")])
    assert one.time_ns > 0
    cursors = [one.cursor]
    for _ in range(20):
        room.trade(1, 15_000)
        taken = await room.ask(GetPositionSnapshot())
        assert all(p.sequence <= taken.cursor for p in taken.positions)
        assert sum(int(p.quantity) for p in taken.positions) == 0
        cursors.append(taken.cursor)
    assert cursors == sorted(cursors)
    assert first < one.cursor


async def test_a_snapshot_of_nothing_is_empty(tmp_path: Path) -> None:
    async with positions_room(tmp_path, commands=[]) as room:
        taken = await room.ask(GetPositionSnapshot())
        assert (taken.cursor, taken.time_ns, taken.positions) == (0, 0, [])


async def test_a_rebuild_from_the_log_is_equal_and_a_wrong_row_is_seen(room: PositionsRoom) -> None:
    for number in range(30):
        room.trade(3 if number % 2 else -5, 15_000 + number)
    await room.position()
    state = await room.ask(RebuildPositions())
    async with asyncio.timeout(10):
        while state.state == "running":
            await asyncio.sleep(0.01)
            state = await room.ask(RebuildPositions(start=False))
    assert (state.state, state.sequence, state.live) == ("equal", state.target, state.rebuilt)
    assert state.target == room.venue.engine.sequence
    assert state.events == 60

    from sqlalchemy import update

    from quantumcore.services.positions.tables import positions

    await room.database.write(lambda c: c.execute(update(positions).values(realised="7")))
    state = await room.ask(RebuildPositions())
    async with asyncio.timeout(10):
        while state.state == "running":
            await asyncio.sleep(0.01)
            state = await room.ask(RebuildPositions(start=False))
    assert state.state == "different"


async def test_whoever_listens_hears_whose_positions_moved(room: PositionsRoom) -> None:
    heard: list[PositionsMoved] = []

    async def listen(notices: list[PositionsMoved]) -> None:
        heard.extend(notices)

    room.venue.bus.subscribe(PositionsMoved, listen)  # type: ignore[arg-type]  # a list is a sequence
    at = room.trade(1, 15_000)
    await until(lambda: bool(heard) and heard[-1].sequence >= at, "the notice")
    assert {account for notice in heard for account in notice.accounts} == {ALICE, BOB}


@pytest.mark.hazard("A3")
async def test_snapshots_during_fills_raise_and_miss_nothing(room: PositionsRoom) -> None:
    """Positions are added while snapshots walk them: each is of one cursor, all quantities sum to zero in each."""
    done = False

    async def snapshots() -> int:
        taken = 0
        while not done:
            found = await room.ask(GetPositionSnapshot())
            assert sum(int(p.quantity) for p in found.positions) == 0
            taken += 1
        return taken

    walking = [asyncio.create_task(snapshots()) for _ in range(3)]
    for account in range(10, 60):
        room.venue.do(wire.OpenAccount(account=account, owner=account))
        room.venue.do(
            wire.Transfer(account=account, amount=10**9, currency=1, transfer_kind=1, transfer_id=f"d-{account}")
        )
        room.trade(1, 15_000, account=account)
        await asyncio.sleep(0)
    at = room.venue.engine.sequence
    last = await room.ask(GetPositionSnapshot(at_least=at))
    done = True
    assert min(await asyncio.gather(*walking)) > 0
    assert len(last.positions) == 51


@pytest.mark.hazard("D2")
async def test_rooms_that_are_dropped_are_gone(room: PositionsRoom) -> None:
    """With the collector off, 10,000 rooms made and dropped leave none alive: nothing in them refers to itself for good."""
    import weakref

    venue, alive = room.venue, weakref.WeakSet()
    gc.collect()
    gc.disable()
    try:
        for _ in range(10_000):
            service = PositionsService(venue.bus, venue.log, room.database, venue.clock)
            alive.add(service)
            del service
        assert len(alive) == 0
    finally:
        gc.enable()
