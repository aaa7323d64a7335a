"""Greeks of lots that the room makes: at once, anew by the rule of arrays, and never over what a person has set; the engine judges by them.

Goal: the check GREEKS sees what the option model says at the mark, without anybody giving numbers.
Method: a small venue over the readable engine whose clock is turned; the desk looks when a test lets it.
"""

import asyncio
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reasons import Reason
from quantumcore.contracts.risk_margin import LotGreeks, LotModel, RiskArray, RiskLimits
from quantumcore.services.risk.desks.margin.models import ARRAYS, GREEKS
from quantumcore.services.risk.margin import models
from quantumcore.services.risk.options.terms import YEAR_NS
from tests.support.margin_room import alone, assessed, caught_up, market, put
from tests.support.position_rooms import order
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.small_venue import ALICE, SHARE, until

MODEL = LotModel(underlying="AAPL", price_range="9.00", volatility="0.25")


def option(room: RiskRoom, days: int = 30, **changed: Any) -> LotModel:
    """Return a call on 100 AAPL at 105 that expires in so many days."""
    expires = room.venue.clock.now() + days * YEAR_NS // 365
    call = msgspec.structs.replace(MODEL, type="call", strike="105", expires_ns=expires, multiplier="100")
    return msgspec.structs.replace(call, **changed)


def told(room: RiskRoom) -> list[tuple[int, int, int]]:
    """Return the greeks that the engine was told, the oldest first."""
    return [(one.delta, one.gamma, one.vega) for one in assessed(room, wire.GreeksChanged)]


async def count(room: RiskRoom, seconds: float) -> int:
    """Let time pass and the desk look; return how often the engine was told greeks."""
    room.venue.clock.turn(seconds)
    await caught_up(room)
    await room.service.margin.models.round()
    return len(told(room))


async def modelled(room: RiskRoom, model: LotModel = MODEL) -> int:
    """Give the greeks of AAPL a model; return how often they were told once the desk has made its own."""
    room.mark(10_000)
    await put(room, LotGreeks(symbol="AAPL", model=model))
    await alone(room)
    return await count(room, 0)


async def test_greeks_are_made_at_once_and_anew_at_a_sixth_of_the_range_each_minute_and_on_another_volatility(
    tmp_path: Path,
) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        made = await modelled(room)
        assert told(room) == [(100_000_000, 0, 0)] * made  # a share at 100.00
        assert await count(room, 30) == made
        room.mark(10_149)  # 1.49 of 9.00
        assert await count(room, 1) == made
        room.mark(10_150)
        assert await count(room, 1) == made + 1
        assert told(room)[-1] == (101_500_000, 0, 0)
        assert await count(room, 59) == made + 1
        assert await count(room, 1.5) == made + 2
        await put(room, LotGreeks(symbol="AAPL", model=option(room, volatility="0.26")))
        dearer = told(room)[-1]
        assert dearer[0] > 0 < dearer[1]
        assert await count(room, 0) == made + 4
        assert await count(room, 1) == made + 4


async def test_an_options_greeks_are_those_of_the_model_at_the_mark(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        model = option(room, style="american", type="put")
        await modelled(room, model)
        (batch, *_) = [
            one for one in room.venue.log.read(0, 1 << 26) if isinstance(one.events[-1], wire.GreeksChanged)
        ][-1:]
        underlying = room.service.margin._definitions.catalogue.symbol("AAPL")
        (event,) = batch.events
        desk = room.service.margin.models
        stamp = desk._stamps[GREEKS, "AAPL"]
        expected = models.made(LotGreeks(symbol="AAPL", model=model), underlying, 10_000, stamp.time_ns).numbers
        assert (event.delta, event.gamma, event.vega) == expected
        assert event.delta < 0 < event.gamma
        assert event.vega > 0


async def test_numbers_that_a_person_gives_are_not_made_anew_and_a_restart_knows_the_models(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        made = await modelled(room)
        desk = room.service.margin.models
        desk._models.clear()
        await room.service.margin.start()  # what the next process reads
        assert await count(room, 0) == made + 1
        await put(room, RiskArray(symbol="AAPL", model=MODEL))
        await put(room, LotGreeks(symbol="AAPL", delta="1.5", vega="-2"))
        room.mark(11_000)
        assert await count(room, 120) == made + 2
        assert told(room)[-1] == (1_500_000, 0, -2_000_000)
        assert list(desk._models) == [(ARRAYS, "AAPL")]  # the array is made on
        desk._models.clear()
        await room.service.margin.start()
        assert list(desk._models) == [(ARRAYS, "AAPL")]
        assert await count(room, 120) == made + 2


async def test_numbers_that_a_person_gives_meanwhile_are_not_overtaken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    make = models.made

    def slowly(*given: Any) -> models.Made:
        begun.set()
        assert go_on.wait(20)
        return make(*given)

    async with risk_room(tmp_path, commands=market()) as room:
        await modelled(room)
        room.mark(10_500)
        await caught_up(room)
        monkeypatch.setattr(models, "made", slowly)
        making = asyncio.ensure_future(room.service.margin.models.round())
        await until(begun.is_set, "the desk to make greeks")
        setting = asyncio.ensure_future(put(room, LotGreeks(symbol="AAPL", delta="7")))
        sending = room.service.margin.models.sending
        await until(lambda: bool(sending._waiters), "the person's numbers to wait for those on their way")
        go_on.set()
        await asyncio.gather(making, setting)
        assert told(room)[-2:] == [(105_000_000, 0, 0), (7_000_000, 0, 0)]
        assert await count(room, 300) == len(told(room))
        assert told(room)[-1] == (7_000_000, 0, 0)


async def test_greeks_that_cannot_be_made_are_left_for_a_while_counted_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        made = await modelled(room, option(room, 1))
        counted = room.service.margin.models.made
        assert counted[GREEKS]["made"] >= 1
        for seconds in (86_400, 1, 1, 1):
            assert await count(room, seconds) == made  # it has expired
        assert (counted[GREEKS]["failed"], counted[ARRAYS]["failed"]) == (1, 0)
        assert "greeks of AAPL are not made" in caplog.text
        shown = {one.name: one for one in room.service.margin.models.collect()}
        samples = {one.labels["outcome"]: one.value for one in shown["qc_risk_greeks"].samples}
        assert samples == {"made": counted[GREEKS]["made"], "failed": 1}
        assert [shown[name].samples[0].value for name in ("qc_risk_greek_models", "qc_risk_array_models")] == [1, 0]


async def test_arrays_and_greeks_of_one_symbol_go_to_the_engine_in_one_batch(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        await modelled(room)
        await put(room, RiskArray(symbol="AAPL", model=MODEL))
        await count(room, 0)
        requests, arrays, greeks = room.venue.requests, len(assessed(room, wire.RiskArrayChanged)), len(told(room))
        assert await count(room, 61) == greeks + 1
        assert len(assessed(room, wire.RiskArrayChanged)) == arrays + 1
        assert room.venue.requests == requests + 1


async def test_an_order_is_refused_by_greeks_that_the_room_has_made(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        await put(room, RiskLimits(account=ALICE, currency="USD", delta="1000.00"))
        room.mark(10_000)
        assert isinstance(room.venue.do(order(SHARE, ALICE, 1, 11, 100))[0], wire.OrderAccepted)  # nobody said greeks
        room.venue.do(wire.MassCancel(account=ALICE))
        await modelled(room)
        last = room.venue.do(order(SHARE, ALICE, 1, 11, 100))[-1]
        assert isinstance(last, wire.OrderRejected)
        assert (Reason(last.reason), last.limit, last.actual) == (Reason.GREEKS, 1_000_00, 1_100_00)
        assert isinstance(room.venue.do(order(SHARE, ALICE, 1, 10, 100))[0], wire.OrderAccepted)
        room.mark(10_150)
        await count(room, 1)
        last = room.venue.do(order(SHARE, ALICE, 1, 1, 100))[-1]
        assert isinstance(last, wire.OrderRejected)
        assert (Reason(last.reason), last.actual) == (Reason.GREEKS, 1_116_50)  # eleven at 101.50


async def test_numbers_beside_a_model_and_what_no_lot_can_have_are_refused_by_their_field(tmp_path: Path) -> None:
    async with risk_room(tmp_path, commands=market()) as room:
        room.mark(10_000)
        for what, field, limit in (
            (LotGreeks(symbol="AAPL", gamma="0.1", model=MODEL), "gamma", "0"),
            (
                LotGreeks(symbol="AAPL", model=msgspec.structs.replace(MODEL, multiplier="1000000")),
                "delta",
                "70368744.177664",
            ),
        ):
            with pytest.raises(InvalidCommand) as caught:
                await put(room, what)
            assert (caught.value.code, caught.value.field, caught.value.limit) == (
                "request.invalid.range",
                field,
                limit,
            )
        assert told(room) == []


async def test_greeks_of_so_many_instruments_are_made_and_arrays_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantumcore.services.risk.desks.margin.models.MAX_MODELS", 1)
    async with risk_room(tmp_path, commands=market()) as room:
        room.mark(10_000)
        await put(room, RiskArray(symbol="AAPL", model=MODEL))
        await put(room, LotGreeks(symbol="AAPL", model=MODEL))
        await put(room, LotGreeks(symbol="AAPL", model=MODEL))  # the same again
        desk = room.service.margin.models
        with pytest.raises(InvalidCommand, match="greeks of at most 1 instr") as caught:
            await desk.numbers(LotGreeks(symbol="OTHER", model=MODEL))
        assert (caught.value.field, caught.value.limit) == ("model", "1")
