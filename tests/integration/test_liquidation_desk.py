"""An account falls through the rungs by marks alone, is reduced by orders inside the collar, and comes out; nothing is done twice.

Goal: warn, cancel, partial and full are told and acted upon as the ladder says; a kill between any two steps, or a lost answer, repeats no order.
Method: a small venue over the readable engine, one account with 100 shares on 8 % and 4 %, Bob as the market; desks look when the clock is turned.
"""

from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand, OutcomeUnknown
from quantumcore.contracts.matching import SequenceBatch, SequencedBatch
from quantumcore.contracts.orders import SubmitOrder
from quantumcore.contracts.risk import GetRiskUpdates
from quantumcore.contracts.risk_margin import (
    AccountMargin,
    GetLiquidations,
    LiquidationStep,
    LiquidationStepped,
    MarginTerms,
)
from quantumcore.services.orders.translate import submission
from tests.support.clocks import settle
from tests.support.margin_room import begins_again, caught_up, dies_in_a_step, heard, looked, margined, put, turned
from tests.support.position_rooms import order
from tests.support.risk_room import RiskRoom, risk_service
from tests.support.small_venue import ALICE, BOB, SHARE, USD


def bid(room: RiskRoom, lots: int, price: int) -> None:
    """Let Bob buy."""
    room.venue.do(order(SHARE, BOB, 1, lots, price))


def lots(room: RiskRoom) -> int:
    return dict(room.venue.engine.positions(ALICE)).get(SHARE, 0)


def rung(room: RiskRoom) -> int:
    return room.venue.engine.margin(ALICE, USD).rung


async def steps(room: RiskRoom) -> list[LiquidationStep]:
    """Return the steps, the first first."""
    return (await room.ask(GetLiquidations(account=ALICE))).items[::-1]


async def told(room: RiskRoom) -> list[str]:
    """Return on which rungs Alice was told to be."""
    updates = (await room.ask(GetRiskUpdates(account=ALICE, after=0))).items
    return [one.margin.rung for one in updates if one.margin is not None]


def sent(room: RiskRoom) -> list[tuple[str, int]]:
    """Return (client id, lots) of every order of the liquidation that the log has."""
    events = [event for batch in room.venue.log.read(0, 1 << 24) for event in batch.events]
    accepted = [one for one in events if isinstance(one, wire.OrderAccepted)]
    return [(one.client_id, one.quantity) for one in accepted if one.client_id.startswith("liq-")]


async def test_an_account_falls_through_warn_cancel_and_partial_by_marks_and_comes_out(tmp_path: Path) -> None:
    """1,000.00 and 100 shares at 100.00. Equity and needs at each mark are worked out by hand."""
    async with margined(tmp_path) as room:
        heard: list[LiquidationStep] = []

        async def hear(notices: Any) -> None:
            heard.extend(one.step for one in notices)

        room.venue.bus.subscribe(LiquidationStepped, hear)
        await turned(room)
        assert (rung(room), await told(room)) == (0, [])
        room.work(5, 9_000)  # at most 8 % of 105 × 97.00 is needed with it
        room.mark(9_700)  # 700.00 against 814.80
        await turned(room)
        assert (await told(room), len(room.venue.engine.orders(SHARE, 1))) == (["warn"], 1)
        room.mark(9_400)  # 400.00 against 1.1 × 376.00: what opens goes
        await turned(room)
        assert (await told(room), room.venue.engine.orders(SHARE, 1)) == (["warn", "cancel"], [])
        assert await steps(room) == []
        bid(room, 200, 9_300)
        room.mark(9_300)  # 300.00 against 372.00: a quarter goes
        await turned(room)
        assert lots(room) == 75
        (first,) = await steps(room)
        assert (first.rung, first.equity, first.initial, first.maintenance) == ("partial", 30_000, 74_400, 37_200)
        assert (first.state, first.attempt, first.filled, first.failed) == ("done", 1, 25, 0)
        (only,) = first.orders
        assert (only.symbol, only.side, only.quantity, only.price) == ("AAPL", "sell", "25", "88.35")  # 93.00 - 5 %
        await turned(room)  # 300.00 against 279.00, but not 1.1 times that: another quarter of what it was
        assert lots(room) == 50
        await turned(room)  # 300.00 against 372.00 initial, 186.00 maintenance: it is over
        assert lots(room) == 50
        await turned(room, 2)
        assert [(one.attempt, one.rung) for one in await steps(room)] == [(1, "partial"), (2, "partial"), (3, "warn")]
        room.mark(9_600)  # 450.00 against 384.00
        await turned(room)
        assert rung(room) == 0
        assert await told(room) == ["warn", "cancel", "partial", "cancel", "warn", "none"]
        await settle()
        assert [(one.attempt, one.state) for one in heard] == [(1, "done"), (2, "done"), (3, "done")]
        assert sent(room) == [(f"liq-1-{first.episode:x}-{attempt}-1", 25) for attempt in (1, 2)]
        assert dict(room.service.margin.liquidation.steps) == {
            "partial": 2,
            "full": 0,
            "fund": 0,
            "deleverage": 0,
            "over": 1,
        }
        assert room.service.margin.liquidation.orders["filled"] == 2


async def test_three_partials_that_do_not_fill_lead_to_full_which_cancels_all_and_closes_everything(
    tmp_path: Path,
) -> None:
    async with margined(tmp_path) as room:
        room.work(-40, 12_000)  # her own order to sell holds 40 of the shares, and only reduces
        room.mark(9_300)
        await turned(room, 3)
        assert [(one.rung, one.failed, one.filled) for one in await steps(room)] == [
            ("partial", 1, 0),
            ("partial", 2, 0),
            ("partial", 3, 0),
        ]
        assert len(room.venue.engine.orders(SHARE, 2)) == 1
        bid(room, 30, 9_000)
        await turned(room)
        assert room.venue.engine.orders(SHARE, 2) == []
        assert lots(room) == 70
        full = (await steps(room))[-1]
        assert (full.rung, full.failed, full.filled, full.orders[0].quantity) == ("full", 3, 30, "100")
        bid(room, 70, 9_000)
        await turned(room)
        assert lots(room) == 0
        await turned(room, 2)
        assert [one.rung for one in await steps(room)][3:] == ["full", "full", "none"]


async def test_below_an_equity_of_nothing_it_waits_on_the_rung_fund_and_sends_nothing(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        bid(room, 200, 8_900)
        room.mark(8_900)
        await turned(room, 3)
        (only,) = await steps(room)
        assert (only.rung, only.orders, only.equity) == ("fund", [], -10_000)
        assert (lots(room), sent(room)) == (100, [])
        room.mark(9_100)  # it has something again: everything is closed
        await turned(room)
        bid(room, 200, 9_000)
        await turned(room, 2)
        assert lots(room) == 0


async def test_a_short_is_bought_back(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        room.venue.do(order(SHARE, BOB, 2, 300, 12_000))
        room.venue.do(order(SHARE, BOB, 1, 200, 9_990))
        room.venue.do(wire.Transfer(account=ALICE, amount=200, currency=3, transfer_kind=1, transfer_id="borrowed"))
        room.venue.do(order(SHARE, ALICE, 2, 200, 9_990))  # 100 long become 100 short at 99.90
        assert lots(room) == -100
        room.mark(10_700)
        room.venue.do(order(SHARE, BOB, 2, 300, 10_700))
        await turned(room)
        (first,) = await steps(room)
        assert (first.orders[0].side, first.orders[0].quantity, first.orders[0].price) == ("buy", "25", "112.35")
        assert lots(room) == -75


@pytest.mark.parametrize("seconds, taken", [(59, 1), (60, 0)])
async def test_an_assessment_of_long_ago_that_is_followed_anew_is_nothing_to_act_upon(
    tmp_path: Path, seconds: int, taken: int
) -> None:
    """As when the tables that follow are lost, or begin again: the account has what it needs by now, and nobody has assessed it since."""
    async with margined(tmp_path) as room:
        await room.venue.halt()
        bid(room, 200, 9_300)
        room.mark(9_300)
        (assessed,) = room.venue.do(wire.AssessMargin(account=ALICE, currency=USD))[-1:]
        room.mark(9_900)
        room.venue.clock.turn(seconds - (room.venue.clock.now() - assessed.time_ns) / 10**9)
        service = risk_service(room.venue, await room.venue.database("risk", "anew"), room.own)
        await service.start()
        await service.apply(room.venue.log.read(0, 1 << 30))
        await service.margin.liquidation.round()
        assert len(await steps(room)) == taken
        await service.margin.teller.round()
        assert await told(room) == ["partial"] * taken


@pytest.mark.parametrize("answered", [False, True], ids=["before it was sent", "after it was stepped"])
async def test_a_kill_between_two_steps_does_nothing_twice(tmp_path: Path, answered: bool) -> None:
    """The process dies after a step was written down: before its orders were sent, or after the engine had them and before the answer came."""
    async with margined(tmp_path) as room:
        bid(room, 25, 9_300)
        room.mark(9_300)
        await caught_up(room)
        await room.venue.halt()  # the tasks: this test is the process
        await looked(room)
        await heard(room)
        await dies_in_a_step(room, answered=answered)
        assert lots(room) == (75 if answered else 100)
        await begins_again(room)
        bid(room, 200, 9_300)
        await turned(room, 5)
        shown = await steps(room)
        assert [(one.attempt, one.state, one.filled) for one in shown[:2]] == [
            (1, "done", None) if answered else (1, "dropped", 0),
            (2, "done", 25),
        ]
        assert lots(room) == 50
        ids = [name for name, _ in sent(room)]
        assert len(ids) == len(set(ids)) == 2
        assert shown[-1].rung == "warn"


async def test_a_lost_answer_is_looked_for_behind_the_next_assessment(tmp_path: Path) -> None:
    """Matching answers too late: the order waits in its inbox and is stepped afterwards; no second one is sent on the old numbers."""
    async with margined(tmp_path) as room:
        bid(room, 200, 9_300)
        room.mark(9_300)
        desk, bus = room.service.margin.liquidation, room.venue.bus
        late: list[SequenceBatch] = []

        class Slow:
            async def request(self, message: Any) -> Any:
                if isinstance(message, SequenceBatch) and not late:
                    late.append(message)
                    raise OutcomeUnknown("unknown", "no answer in time")
                for waiting in late:
                    if waiting is not None and len(late) == 1:
                        late.append(waiting)
                        answer: SequencedBatch = await bus.request(waiting)
                        assert answer.outcomes
                return await bus.request(message)

            async def publish(self, notices: Any) -> None:
                await bus.publish(notices)

        desk._bus = Slow()  # type: ignore[assignment]  # the fault that is injected
        await turned(room, 4)
        assert [(one.attempt, one.state, one.filled) for one in (await steps(room))[:2]] == [
            (1, "done", None),
            (2, "done", 25),
        ]
        assert lots(room) == 50


async def test_while_matching_is_away_a_step_waits_and_the_desk_goes_on(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        bid(room, 200, 9_300)
        room.mark(9_300)
        await caught_up(room)
        room.venue.clock.turn(1)
        await room.service.margin.assessor.round()
        await caught_up(room)
        room.venue.down = True
        await room.service.margin.liquidation.round()
        assert [(one.state, one.sequence) for one in await steps(room)] == [("asked", 0)]
        room.venue.down = False
        await turned(room, 4)
        assert lots(room) == 50
        assert [one.rung for one in await steps(room)][-1] == "warn"


async def test_who_is_taken_off_margin_is_not_liquidated_any_more(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        room.mark(9_300)
        await turned(room, 2)
        assert len(sent(room)) == 2
        await put(room, AccountMargin(account=ALICE, currency="USD", profile="none"))
        await turned(room, 3)
        assert len(sent(room)) == 2
        assert [one.rung for one in await steps(room)] == ["partial", "partial", "none"]


async def test_a_mark_that_is_too_old_stops_a_liquidation_until_there_is_another(tmp_path: Path) -> None:
    async with margined(tmp_path) as room:
        await put(room, MarginTerms(symbol="AAPL", initial="0.08", maintenance="0.04", mark_age_s="5"))
        room.mark(9_300)
        await turned(room)
        count = len(sent(room))
        room.venue.clock.turn(60)
        await turned(room, 3)
        assert (room.venue.engine.margin(ALICE, USD).margin_flags, len(sent(room))) == (1, count)
        bid(room, 100, 9_300)
        room.mark(9_300)
        await turned(room)
        assert lots(room) == 75


async def test_nobody_else_uses_the_ids_of_the_desk() -> None:
    """Who could take the next id would have the engine refuse the order that reduces him."""
    given: dict[str, Any] = {"symbol": "AAPL", "side": "sell", "type": "limit", "quantity": "1", "price": "1"}
    with pytest.raises(InvalidCommand) as caught:
        submission(SubmitOrder(account=ALICE, client_order_id="liq-1-1a-2-1", time_in_force="gtc", **given), SHARE)
    assert (caught.value.field, caught.value.limit) == ("client_order_id", "liq-")
