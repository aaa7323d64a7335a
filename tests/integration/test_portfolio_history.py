"""Points of the history: when they are made, what came in between them, how long they stay, what follows from them.

Goal: a point per account and interval of engine time, once, with flows that are the ledger's; and figures that are those of the points.
Method: the real room and its tables; events in a real log turn the engine's time; the ledger's entries are the test's.
"""

from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.ledger import GetBalances
from quantumcore.contracts.portfolio import (
    GetPerformance,
    GetValuationHistory,
    Performance,
    SetReportingCurrency,
    ValuationPage,
)
from quantumcore.core.twin.engine import Engine
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.portfolio import recorder
from tests.support.portfolio_room import ALICE, BOB, Room, World, portfolio_room
from tests.support.portfolios import T0, view
from tests.support.small_venue import COIN, definitions, until

MINUTE = 60 * 10**9
START = T0 // MINUTE * MINUTE


async def points(room: Room, account: int = ALICE, **asked: Any) -> ValuationPage:
    return await room.bus.request(GetValuationHistory(account=account, **asked))


async def performance(room: Room, account: int = ALICE, **asked: Any) -> Performance:
    return await room.bus.request(GetPerformance(account=account, **asked))


async def at_minute(room: Room, minute: int, *accounts: int) -> None:
    """Write the points of that minute, as the task does when engine time has passed it."""
    for account in accounts or (ALICE,):
        room.service._recorder.know(account)
    await room.tell_ledger(ALICE, BOB)
    await room.service._recorder.write_points(START + minute * MINUTE)


async def test_a_point_says_total_sequence_and_what_came_in(tmp_path: Path) -> None:
    world = World()
    world.hold(ALICE, USD="1000.00")
    world.flow(ALICE, "USD", "1000.00")
    async with portfolio_room(tmp_path, world) as room:
        await at_minute(room, 1)
        world.flow(ALICE, "USD", "500.00")
        world.flow(ALICE, "USD", "20.00", code="withdrawal")
        world.flow(ALICE, "USD", "7.77", code="taker_fee")
        world.hold(ALICE, USD="1470.00")
        await at_minute(room, 2)
        page = await points(room)
        assert [(p.time_ns, p.total, p.flow) for p in page.items] == [
            (START + 2 * MINUTE, "1470.00", "480.00"),
            (START + MINUTE, "1000.00", "0.00"),
        ]
        assert page.items[0].sequence == world.sequence
        shown = await performance(room)
        assert (shown.points, shown.time_weighted_return) == (2, "-0.01000000")
        assert (shown.max_drawdown, shown.max_drawdown_percent) == ("10.00", "1.00000000")


async def test_flows_in_another_currency_count_at_the_points_rates(tmp_path: Path) -> None:
    world = World()
    world.hold(ALICE, USD="0.00", EUR="0.00")
    world.last["BTC-USD"] = "20000.00"
    async with portfolio_room(tmp_path, world) as room:
        await room.publish(EUR_USD="1.25")
        await at_minute(room, 1)
        world.flow(ALICE, "EUR", "100.00")
        world.flow(ALICE, "BTC", "0.50000000")
        world.hold(ALICE, EUR="100.00", BTC="0.50000000")
        await at_minute(room, 2)
        assert (await points(room)).items[0].flow == "10125.00"


async def test_what_comes_in_behind_the_valuation_counts_for_the_next_point(tmp_path: Path) -> None:
    world = World()
    world.hold(ALICE, USD="100.00")
    async with portfolio_room(tmp_path, world) as room:
        await at_minute(room, 1)
        world.hold(ALICE, USD="100.00")
        valued = await room.service._valuations.get(ALICE)
        world.flow(ALICE, "USD", "5.00")  # nobody has told the room: the valuation is given again
        await room.service._recorder.write_points(START + 2 * MINUTE)
        assert valued.portfolio.sequence < world.sequence
        world.hold(ALICE, USD="105.00")
        await at_minute(room, 3)
        assert [p.flow for p in (await points(room)).items] == ["5.00", "0.00", "0.00"]


async def test_a_point_is_written_once_and_the_oldest_leave(tmp_path: Path) -> None:
    world = World()
    world.hold(ALICE, USD="1.00")
    async with portfolio_room(tmp_path, world, history_kept=3) as room:
        for minute in (1, 1, 2, 3, 4, 5):
            await at_minute(room, minute)
        assert [p.time_ns for p in (await points(room)).items] == [START + m * MINUTE for m in (5, 4, 3)]


async def test_an_account_that_cannot_be_valued_whole_has_no_point(tmp_path: Path) -> None:
    world = World()
    world.hold(ALICE, EUR="1.00")
    world.hold(BOB, AAPL="1", USD="1.00")
    world.hold(1003, USD="3.00")
    async with portfolio_room(tmp_path, world) as room:
        await at_minute(room, 1, ALICE, BOB, 1003)
        assert [len((await points(room, a)).items) for a in (ALICE, BOB, 1003)] == [0, 0, 1]
        assert room.service._recorder.points == {"written": 1, "skipped": 2}


async def test_an_account_with_too_many_entries_has_its_point_when_they_are_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(recorder, "ENTRIES", 2)
    monkeypatch.setattr(recorder, "PAGES", 2)
    world = World()
    world.hold(ALICE, USD="0.00")
    async with portfolio_room(tmp_path, world) as room:
        await at_minute(room, 1)
        for _ in range(6):
            world.flow(ALICE, "USD", "1.00")
        world.hold(ALICE, USD="6.00")
        await at_minute(room, 2)
        assert len((await points(room)).items) == 1
        await at_minute(room, 3)
        assert [(p.flow, p.total) for p in (await points(room)).items] == [("6.00", "6.00"), ("0.00", "0.00")]


async def test_pages_go_on_where_the_last_one_ended(tmp_path: Path) -> None:
    world = World()
    world.hold(ALICE, USD="1.00")
    async with portfolio_room(tmp_path, world) as room:
        for minute in range(7):
            await at_minute(room, minute)
        for ascending in (False, True):
            seen, cursor = [], ""
            while True:
                page = await points(room, limit=3, cursor=cursor, ascending=ascending)
                seen += [p.time_ns for p in page.items]
                if page.next_cursor is None:
                    break
                cursor = page.next_cursor
            expected = [START + m * MINUTE for m in range(7)]
            assert seen == (expected if ascending else expected[::-1])
        within = await points(room, from_ns=START + 2 * MINUTE, to_ns=START + 5 * MINUTE)
        assert [p.time_ns for p in within.items] == [START + m * MINUTE for m in (4, 3, 2)]
        for bad in ({"limit": 0}, {"limit": 1001}, {"cursor": "x"}, {"cursor": "9" * 20}):
            with pytest.raises(InvalidCommand):
                await points(room, **bad)


async def test_a_new_reporting_currency_has_a_history_of_its_own(tmp_path: Path) -> None:
    world = World()
    world.hold(ALICE, USD="100.00")
    async with portfolio_room(tmp_path, world) as room:
        await room.publish(EUR_USD="1.25")
        await at_minute(room, 1)
        await room.bus.request(SetReportingCurrency(account=ALICE, currency="EUR"))
        assert (await points(room)).items == []
        await at_minute(room, 2)
        assert [(p.total, p.currency) for p in (await points(room)).items] == [("80.00", "EUR")]
        await room.bus.request(SetReportingCurrency(account=ALICE, currency="USD"))
        assert [p.total for p in (await points(room)).items] == ["100.00"]


async def test_the_figures_are_those_of_the_points_asked_for(tmp_path: Path) -> None:
    world = World()
    world.hold(ALICE, USD="0.00")
    async with portfolio_room(tmp_path, world) as room:
        assert (await performance(room)).time_weighted_return is None
        for minute, total in enumerate(("1000.00", "1100.00", "1000.00", "900.00", "950.00")):
            world.hold(ALICE, USD=total)
            await at_minute(room, minute)
        shown = await performance(room)
        assert (shown.points, shown.max_drawdown, shown.time_weighted_return) == (5, "200.00", "-0.05000000")
        assert shown.max_drawdown_percent == "18.18181818"
        part = await performance(room, from_ns=START + 3 * MINUTE)
        assert (part.points, part.from_ns, part.time_weighted_return) == (2, START + 3 * MINUTE, "0.05555556")
        assert shown.sharpe is not None
        assert float((await performance(room, risk_free="0.5")).sharpe or 0) < float(shown.sharpe)
        with pytest.raises(InvalidCommand):
            await performance(room, risk_free="much")


async def test_engine_time_makes_the_points_and_a_restart_goes_on(tmp_path: Path) -> None:
    """Events turn the time: one point when a multiple of the interval is passed, the newest when several are."""
    world, engine = World(), Engine()

    def event(room: Room, minute: float) -> None:
        command = wire.DefineCurrency(currency=100 + engine.sequence, code=f"C{engine.sequence}", scale=2)
        raw = engine.step(command.encode(), START + int(minute * MINUTE))
        room.log.append(EventBatch(engine.sequence, engine.sequence, raw))

    world.hold(ALICE, USD="1.00")
    async with portfolio_room(tmp_path, world, run=True) as room:
        await room.portfolio()
        written = room.service._recorder.points
        for minute, count in ((0.5, 1), (0.9, 1), (1.0, 2), (5.5, 3)):
            event(room, minute)
            await until(lambda last=engine.sequence: room.service._follower.cursor == last, "the event")
            await room.clock.advance(1.0)
            await until(lambda count=count: written["written"] == count, f"point {count}")
        assert [p.time_ns for p in (await points(room)).items] == [START + m * MINUTE for m in (5, 1, 0)]
    async with portfolio_room(tmp_path, world, run=True) as room:
        event(room, 5.9)
        event(room, 6.1)
        await until(lambda: room.service._recorder.points["written"] == 1, "the point of an account known from before")
        assert [p.time_ns for p in (await points(room)).items] == [START + m * MINUTE for m in (6, 5, 1, 0)]


async def test_marks_of_the_log_show_in_the_next_answer(tmp_path: Path) -> None:
    """Nobody tells a mark that an operator sets but the log; a valuation behind it waits for positions that have it."""
    world, engine = World(), Engine()
    world.hold(ALICE, BTC="1.00000000")
    world.take(ALICE, view("BTC-USD", "1.00000000", "1", "1.00"))
    assert next(one.number for one in world.instruments if one.symbol == "BTC-USD") == COIN

    def happen(room: Room, command: wire.Command) -> None:
        raw = engine.step(command.encode(), START)
        room.log.append(EventBatch(engine.sequence, engine.sequence, raw))

    async with portfolio_room(tmp_path, world, run=True) as room:
        for command in definitions():
            happen(room, command)
        await until(lambda: room.service._follower.cursor == engine.sequence, "the definitions")
        world.sequence = engine.sequence - 1
        world.take(ALICE, view("BTC-USD", "1.00000000", "1", "1.00"))
        assert (await room.portfolio()).total == "1.00"
        happen(room, wire.SetMark(instrument=COIN, price=200))
        await until(lambda: room.service._follower.cursor == engine.sequence, "the mark")

        def follow(question: object) -> None:
            """The positions room is behind, until somebody asks for what it has not yet."""
            if isinstance(question, GetBalances) and question.at_least >= engine.sequence:
                world.sequence = engine.sequence
                world.take(ALICE, view("BTC-USD", "1.00000000", "1", "2.00"))

        world.fault = follow
        assert (await room.portfolio()).total == "2.00"
