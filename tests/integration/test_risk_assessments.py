"""Whoever is on margin is assessed when something moves for him, at most so often, in turn; arrays of the room's models are made anew in time.

Goal: a peak and a rung are found without an order; nobody is starved, nothing is assessed for ever without a reason; days begin once.
Method: a small venue over the readable engine whose clock is turned; the desks look when a test lets them.
"""

from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand, Unavailable
from quantumcore.contracts.risk_margin import LotModel, RiskArray, RiskDay
from quantumcore.services.risk.desks.margin.models import ARRAYS
from tests.support.margin_room import alone, assessed, caught_up, margined, market, put, turned
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.small_venue import ALICE, SHARE, USD

DAY_NS = 86_400 * 10**9
TRADING, CLOSED, PRE_OPEN = 1, 3, 4


async def test_a_price_alone_finds_peak_and_rung_and_what_stands_still_is_left_alone(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        await put(room, RiskDay(account=ALICE, currency="USD"))
        await alone(room)
        before = len(assessed(room))
        for _ in range(20):
            room.venue.clock.turn(1)
            await room.service.margin.assessor.round()
        assert len(assessed(room)) == before
        for price, rung in ((10_300, 0), (9_700, 1)):
            room.venue.clock.turn(1)
            room.mark(price)
            await caught_up(room)
            await room.service.margin.assessor.round()
            await caught_up(room)
            assert assessed(room)[-1].rung == rung
        assert assessed(room)[-1].peak == 300_00
        assert len(assessed(room)) == before + 2
        room.venue.clock.turn(61)
        await room.service.margin.assessor.round()
        assert len(assessed(room)) == before + 3  # the sweep


async def test_an_account_is_assessed_at_most_once_a_second_and_not_forgotten(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        await alone(room)
        before = len(assessed(room))
        for at in range(10):
            room.mark(9_900 + at)
            await caught_up(room)
            await room.service.margin.assessor.round()
            room.venue.clock.turn(0.25)
        assert len(assessed(room)) == before + 2  # at 1.0 s and 2.0 s
        room.venue.clock.turn(1)
        await room.service.margin.assessor.round()
        assert (len(assessed(room)), assessed(room)[-1].equity) == (before + 3, 909_00)


async def test_accounts_take_turns_and_a_round_has_a_bound(tmp_path: Path) -> None:
    accounts = range(100, 110)
    commands = [*market(), *(wire.OpenAccount(account=one, owner=one) for one in accounts)]
    commands += [wire.SetAccountMargin(account=one, currency=USD, profile=1) for one in accounts]
    async with risk_room(tmp_path, commands=commands, assess_per_s=12) as room:  # three in a round
        await alone(room)
        seen = [one.account for one in assessed(room)]
        for turn in range(1, 4):
            room.venue.clock.turn(0.25)
            room.venue.do(
                wire.SetRiskLimits(account=seen[0], scope=2, currency=USD, loss=turn)
            )  # one that is always due
            await caught_up(room)
            await room.service.margin.assessor.round()
            seen = [one.account for one in assessed(room)]
        assert sorted(seen[:10]) == list(accounts)
        assert max(seen.count(one) for one in accounts) <= 2


async def test_who_was_not_reached_while_matching_was_away_still_waits(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        await alone(room)
        room.mark(9_800)
        await caught_up(room)
        room.venue.clock.turn(1)
        before, room.venue.down = len(assessed(room)), True
        with pytest.raises(Unavailable):
            await room.service.margin.assessor.round()
        room.venue.down = False
        await room.service.margin.assessor.round()
        assert len(assessed(room)) == before + 1


async def test_days_begin_at_midnight_once_and_not_by_themselves_where_nobody_wants_it(tmp_path: Path) -> None:
    for at, (settings, days) in enumerate(((dict[str, Any](), 0), ({"open_days": "midnight"}, 2))):
        (tmp_path / str(at)).mkdir()
        async with margined(tmp_path / str(at), **settings) as room:
            await turned(room, 3)
            room.venue.clock.turn(DAY_NS / 10**9)
            room.mark(10_050)
            await turned(room, 3)
            opened = assessed(room, wire.RiskDayOpened)
            assert len(opened) == days
            if days:
                assert (opened[0].opening, opened[1].opening) == (1_000_00, 1_050_00)
                assert opened[1].time_ns // DAY_NS == opened[0].time_ns // DAY_NS + 1


async def test_a_day_begins_with_the_session_also_after_a_restart_and_once(tmp_path: Path) -> None:
    async with margined(tmp_path, open_days="session") as room:
        await turned(room, 2)
        assert assessed(room, wire.RiskDayOpened) == []
        for status in (CLOSED, PRE_OPEN, TRADING):
            room.venue.do(wire.SetInstrumentStatus(instrument=SHARE, status=status))
        await caught_up(room)
        fresh = room.service.margin
        fresh.book.sessions.clear()
        await fresh.start()  # what the next process reads
        await turned(room, 3)
        (opened,) = assessed(room, wire.RiskDayOpened)
        assert opened.time_ns >= fresh.book.sessions[SHARE]
        room.venue.do(wire.SetInstrumentStatus(instrument=SHARE, status=2))  # a halt ends no session
        room.venue.do(wire.SetInstrumentStatus(instrument=SHARE, status=TRADING))
        await turned(room, 12)
        assert len(assessed(room, wire.RiskDayOpened)) == 1


async def test_a_day_that_cannot_begin_is_tried_again_and_not_all_the_time(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=market(), open_days="midnight") as room:
        room.trade(10, 10_000)  # no mark
        room.venue.do(wire.SetAccountMargin(account=ALICE, currency=USD, profile=1))
        refused = len(assessed(room, wire.CommandRefused))
        await turned(room, 5)
        first = len(assessed(room, wire.CommandRefused)) - refused
        assert 1 <= first <= 2
        room.mark(10_000)
        await turned(room, 12)
        assert len(assessed(room, wire.RiskDayOpened)) == 1


# ---------------------------------------------------------------------------------------------------- arrays

MODEL = LotModel(underlying="AAPL", price_range="9.00", volatility="0.25")


async def arrays(room: RiskRoom, seconds: float) -> int:
    """Let time pass and the desk look; return how many arrays the log has."""
    room.venue.clock.turn(seconds)
    await caught_up(room)
    await room.service.margin.models.round()
    return len(assessed(room, wire.RiskArrayChanged))


async def modelled(room: RiskRoom) -> int:
    """Give AAPL a model; return how many arrays there are once the desk has made its own."""
    room.mark(10_000)
    await put(room, RiskArray(symbol="AAPL", model=MODEL))
    await alone(room)
    return await arrays(room, 0)


async def test_an_array_is_made_anew_on_a_move_of_a_sixth_each_minute_and_on_another_volatility(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        made = await modelled(room)
        assert await arrays(room, 30) == made
        room.mark(10_149)  # 1.49 of 9.00
        assert await arrays(room, 1) == made
        room.mark(10_150)
        assert await arrays(room, 1) == made + 1
        assert await arrays(room, 59) == made + 1
        assert await arrays(room, 1.5) == made + 2
        last = assessed(room, wire.RiskArrayChanged)[-1]
        assert last.losses[:4] == (0, 0, -3_000_000, -3_000_000)
        dearer = LotModel(underlying="AAPL", price_range="9.00", volatility="0.26")
        await put(room, RiskArray(symbol="AAPL", model=dearer))
        count = len(assessed(room, wire.RiskArrayChanged))
        assert await arrays(room, 0) == count + 1
        assert await arrays(room, 1) == count + 1


async def test_what_is_given_or_taken_away_is_not_made_anew_and_a_restart_knows_the_models(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        made = await modelled(room)
        desk = room.service.margin.models
        desk._models.clear()
        await room.service.margin.start()  # what the next process reads
        assert await arrays(room, 0) == made + 1
        await put(room, RiskArray(symbol="AAPL", losses=["1"] * 16))
        given = len(assessed(room, wire.RiskArrayChanged))
        assert await arrays(room, 120) == given
        await put(room, RiskArray(symbol="AAPL"))
        assert (await arrays(room, 120), assessed(room, wire.RiskArrayChanged)[-1].given) == (given + 1, 0)


async def test_an_array_that_cannot_be_made_is_left_for_a_while_and_counted(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        room.mark(10_000)
        expires = room.venue.clock.now() + 10 * 10**9
        option = LotModel(
            underlying="AAPL", price_range="9", volatility="0.25", type="put", strike="100", expires_ns=expires
        )
        await put(room, RiskArray(symbol="AAPL", model=option))
        await alone(room)
        made = await arrays(room, 0)
        failed = room.service.margin.models.made[ARRAYS]["failed"]
        for seconds in (61, 1, 1, 1):
            assert await arrays(room, seconds) == made  # it has expired
        assert room.service.margin.models.made[ARRAYS]["failed"] == failed + 1


async def test_at_most_so_many_arrays_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantumcore.services.risk.desks.margin.models.MAX_MODELS", 0)
    async with risk_room(tmp_path, commands=market()) as room:
        room.mark(10_000)
        with pytest.raises(InvalidCommand, match="at most 0") as caught:
            await put(room, RiskArray(symbol="AAPL", model=MODEL))
        assert (caught.value.field, caught.value.limit) == ("model", "0")
