"""Who is worth less than nothing ends at exactly nothing: the fund takes his positions, or those on the other side close against him.

Goal: the last two rungs are acted upon with the numbers that caused them; nothing is made or lost; what nobody can take waits; nothing is taken twice.
Method: a small venue over the readable engine, Alice with 100 shares of which 90.00 each are owed, Bob and Carol short against her, a fund with
money; the sums of every currency are compared before and after.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import OutcomeUnknown
from quantumcore.contracts.matching import SequenceBatch
from quantumcore.contracts.risk_margin import AccountMargin, GetLiquidations, LiquidationStep
from tests.support.margin_room import begins_again, caught_up, dies_in_a_step, heard, looked, margined, put, turned
from tests.support.position_rooms import order
from tests.support.risk_room import RiskRoom
from tests.support.small_venue import ALICE, BOB, CAROL, SHARE, SHARES, USD, define

FUND = 9
OTHER, OTHERS = 8, 7
FUNDED = {"insurance_fund": FUND}


@asynccontextmanager
async def insured(directory: Path, money: int = 1_000_000, **settings: Any) -> AsyncIterator[RiskRoom]:
    """Run the room of an account on margin, with a fund that has so much."""
    async with margined(directory, **FUNDED, **settings) as room:
        open_account(room, FUND, money)
        yield room


def open_account(room: RiskRoom, account: int, money: int, shares: int = 0) -> None:
    """Open an account that has something."""
    room.venue.do(wire.OpenAccount(account=account, owner=account))
    for currency, amount in ((USD, money), (SHARES, shares)):
        if amount:
            give(room, account, currency, amount, f"first-{currency}")


def give(room: RiskRoom, account: int, currency: int, amount: int, name: str) -> None:
    room.venue.do(wire.Transfer(account=account, amount=amount, currency=currency, transfer_kind=1, transfer_id=name))


def lots(room: RiskRoom, account: int = ALICE) -> int:
    return dict(room.venue.engine.positions(account)).get(SHARE, 0)


def cash(room: RiskRoom, account: int = ALICE, currency: int = USD) -> int:
    """Return what an account has of a currency, held or not."""
    return {number: total for number, total, _ in room.venue.engine.balances(account)}.get(currency, 0)


def in_all(room: RiskRoom, *accounts: int) -> list[int]:
    """Return what these accounts have of both currencies together."""
    return [sum(cash(room, one, currency) for one in accounts) for currency in (USD, SHARES)]


def list_other(room: RiskRoom) -> None:
    """List a second instrument, of which Bob has enough."""
    room.venue.do(wire.DefineCurrency(currency=OTHERS, code="MSFT", scale=0))
    room.venue.do(define(OTHER, "MSFT", OTHERS, lot_scale=0, taker_fee=0, maker_fee=0))
    give(room, BOB, OTHERS, 1_000, "others")


async def steps(room: RiskRoom) -> list[LiquidationStep]:
    """Return the steps, the first first."""
    return (await room.ask(GetLiquidations(account=ALICE))).items[::-1]


async def on_margin(room: RiskRoom, account: int) -> None:
    await put(room, AccountMargin(account=account, currency="USD", profile="volatility"))


async def test_the_fund_takes_a_long_at_the_bankruptcy_price_and_the_account_ends_at_nothing(tmp_path: Path) -> None:
    """Alice owes 9,000.00 for 100 shares that are worth 8,900.00: the fund pays 9,000.00, 100.00 more than they are worth."""
    async with insured(tmp_path) as room:
        room.work(-40, 12_000)  # it holds 40 of the shares
        before = in_all(room, ALICE, BOB, FUND)
        room.mark(8_900)
        await turned(room, 3)
        assert (lots(room), cash(room), cash(room, ALICE, SHARES)) == (0, 0, 0)
        assert (lots(room, FUND), cash(room, FUND), cash(room, FUND, SHARES)) == (100, 100_000, 100)
        assert in_all(room, ALICE, BOB, FUND) == before
        first, last = await steps(room)
        assert (first.rung, first.equity, first.fund, first.floor) == ("fund", -10_000, 1_000_000, 0)
        assert (first.state, first.filled, first.orders, first.paid) == ("done", 100, [], None)
        (taken,) = first.taken
        assert (taken.account_id, taken.symbol, taken.quantity, taken.money) == (str(FUND), "AAPL", "100", "9000.00")
        assert (last.rung, last.fund, last.taken) == ("none", None, [])
        desk = room.service.margin.liquidation
        assert (dict(desk.taken), desk.steps["fund"], desk.steps["over"]) == ({"taken": 1, "refused": 0}, 1, 1)
        assert room.venue.engine.orders(SHARE, 2) == []


async def test_the_fund_takes_a_short_and_is_paid_for_it(tmp_path: Path) -> None:
    """100 short of 99.90 with 990.00: at 110.00 she has 10,980.00 and needs 11,000.00 to buy them back."""
    async with insured(tmp_path) as room:
        room.venue.do(order(SHARE, BOB, 1, 200, 9_990))
        give(room, ALICE, SHARES, 200, "borrowed")
        room.venue.do(order(SHARE, ALICE, 2, 200, 9_990))
        give(room, FUND, SHARES, 100, "shares")
        assert (lots(room), cash(room)) == (-100, 1_098_000)
        before = in_all(room, ALICE, FUND)
        room.mark(11_000)
        await turned(room, 3)
        assert (lots(room), cash(room), cash(room, ALICE, SHARES)) == (0, 0, 200)
        assert (lots(room, FUND), cash(room, FUND), cash(room, FUND, SHARES)) == (-100, 2_098_000, 0)
        assert in_all(room, ALICE, FUND) == before
        assert [one.rung for one in await steps(room)] == ["fund", "none"]


@pytest.mark.parametrize(
    "floor, rung", [("9899.99", "fund"), ("9900.00", "fund"), ("9900.01", "deleverage")], ids=["less", "equal", "more"]
)
async def test_the_fund_takes_nothing_that_would_bring_it_below_its_floor(
    tmp_path: Path, floor: str, rung: str
) -> None:
    """10,000.00 less the 100.00 that Alice lacks."""
    async with insured(tmp_path, insurance_floor={"USD": floor}) as room:
        await on_margin(room, BOB)
        room.mark(8_900)
        await turned(room, 2)
        assert (await steps(room))[0].rung == rung
        assert (lots(room, FUND), lots(room, BOB)) == ((100, -100) if rung == "fund" else (0, 0))
        assert (lots(room), cash(room)) == (0, 0)


async def test_those_on_the_other_side_close_at_the_bankruptcy_price_the_best_ranked_first(tmp_path: Path) -> None:
    """Carol, 40 short of 100.00 with 6,000.00, has more leverage than Bob, who is rich: all of hers closes, and 60 of Bob's 100."""
    async with insured(tmp_path, money=0) as room:
        open_account(room, CAROL, 600_000, 40)
        room.trade(-40, 10_000, account=CAROL, other=BOB)
        assert (lots(room, CAROL), lots(room, BOB)) == (-40, -60)
        await on_margin(room, BOB)
        await on_margin(room, CAROL)
        room.work(10, 8_000, account=CAROL)  # it holds money that her part needs
        before, bob, carol = in_all(room, ALICE, BOB, CAROL, FUND), cash(room, BOB), cash(room, CAROL)
        room.mark(8_900)
        await turned(room, 3)
        first, last = await steps(room)
        assert (first.rung, first.fund, first.floor, first.filled) == ("deleverage", 0, 0, 100)
        told = [(one.account_id, one.quantity, one.money) for one in first.taken]
        assert told == [(str(CAROL), "40", "3600.00"), (str(BOB), "60", "5400.00")]
        assert [lots(room, who) for who in (ALICE, BOB, CAROL, FUND)] == [0, 0, 0, 0]
        assert (cash(room), cash(room, CAROL), cash(room, BOB)) == (0, carol - 360_000, bob - 540_000)
        assert in_all(room, ALICE, BOB, CAROL, FUND) == before
        assert room.venue.engine.orders(SHARE, 1) == []
        assert last.rung == "none"


async def test_who_is_not_on_margin_is_not_asked_and_what_nobody_is_against_the_fund_takes(tmp_path: Path) -> None:
    """Bob's 100 short are no business of the venue's: he has what he sold. The fund is below its floor, and takes them all the same."""
    async with insured(tmp_path, insurance_floor={"USD": "1000000"}) as room:
        room.mark(8_900)
        await turned(room, 3)
        first, _ = await steps(room)
        assert (first.rung, [one.account_id for one in first.taken]) == ("deleverage", [str(FUND)])
        assert (lots(room), lots(room, BOB), lots(room, FUND), cash(room)) == (0, -100, 100, 0)


async def test_what_the_fund_cannot_pay_at_once_the_other_side_closes(tmp_path: Path) -> None:
    """The fund is worth 9,000.00 and has all but 10.00 of it in shares that it took before."""
    async with insured(tmp_path, money=900_000) as room:
        room.trade(100, 8_990, account=FUND, other=BOB)
        await on_margin(room, BOB)
        room.mark(8_900)
        await turned(room, 4)
        fund, others, last = await steps(room)
        assert (fund.rung, fund.filled, fund.fund) == ("fund", 0, 891_000)
        assert (others.rung, others.filled, others.taken[0].account_id) == ("deleverage", 100, str(BOB))
        assert (last.rung, lots(room), cash(room), lots(room, FUND)) == ("none", 0, 0, 100)
        assert dict(room.service.margin.liquidation.taken) == {"taken": 1, "refused": 1}


async def test_what_nobody_can_take_waits_until_a_number_changes(tmp_path: Path) -> None:
    async with insured(tmp_path, money=0) as room:
        room.mark(8_900)
        await turned(room, 6)
        assert [(one.rung, one.filled) for one in await steps(room)] == [("deleverage", 0)]
        give(room, FUND, USD, 1_000_000, "more")
        room.venue.clock.turn(60)  # who waits is looked at every minute, for what no event of his tells
        await turned(room, 3)
        assert [(one.rung, one.filled) for one in await steps(room)][1:] == [("fund", 100), ("none", 0)]
        assert (lots(room), cash(room), lots(room, FUND)) == (0, 0, 100)


async def test_debts_alone_are_paid_by_the_fund(tmp_path: Path) -> None:
    """Her shares are sold for less than she owes: nothing is left to take but 100.00 of debts."""
    async with insured(tmp_path) as room:
        room.venue.do(order(SHARE, BOB, 1, 100, 8_900))
        room.venue.do(order(SHARE, ALICE, 2, 100, 8_900))
        assert (lots(room), cash(room)) == (0, -10_000)
        await turned(room, 3)
        first, last = await steps(room)
        assert (first.rung, first.taken, first.paid, first.fund) == ("fund", [], "100.00", 1_000_000)
        assert (cash(room), cash(room, FUND), last.rung) == (0, 990_000, "none")


async def test_several_positions_share_what_is_lacking_to_the_last_cent(tmp_path: Path) -> None:
    """1,003.00 is lacking, of positions of 8,897.00 and 3,900.00; what brings money goes first, for what costs some is paid out of it."""
    async with insured(tmp_path) as room:
        list_other(room)
        give(room, ALICE, OTHERS, 30, "borrowed")
        give(room, FUND, OTHERS, 30, "shares")
        room.mark(10_000, instrument=OTHER)
        room.venue.do(order(OTHER, BOB, 1, 30, 10_000))
        room.venue.do(order(OTHER, ALICE, 2, 30, 10_000))
        before = in_all(room, ALICE, FUND)
        room.mark(13_000, instrument=OTHER)
        room.mark(8_897)
        await turned(room, 3)
        first, _ = await steps(room)
        assert first.equity == -100_300
        assert [(one.symbol, one.quantity, one.money) for one in first.taken] == [
            ("AAPL", "100", "9594.33"),
            ("MSFT", "-30", "-3594.33"),
        ]
        assert (cash(room), dict(room.venue.engine.positions(ALICE)), in_all(room, ALICE, FUND)) == (0, {}, before)


@pytest.mark.parametrize("answered", [False, True], ids=["before it was sent", "after it was stepped"])
async def test_a_kill_in_the_middle_takes_nothing_twice(tmp_path: Path, answered: bool) -> None:
    """The process dies after the step was written down: the log says whether the engine had it."""
    async with insured(tmp_path) as room:
        room.mark(8_900)
        await caught_up(room)
        await room.venue.halt()  # the tasks: this test is the process
        await looked(room)
        await heard(room)
        await dies_in_a_step(room, answered=answered)
        assert lots(room) == (0 if answered else 100)
        await begins_again(room, **FUNDED)
        await turned(room, 4)
        shown = [(one.rung, one.state, one.filled) for one in await steps(room)]
        if answered:
            assert shown == [("fund", "done", 100), ("none", "done", 0)]
        else:
            assert shown == [("fund", "dropped", 0), ("fund", "done", 100), ("none", "done", 0)]
        assert (lots(room), cash(room), lots(room, FUND), cash(room, FUND)) == (0, 0, 100, 100_000)


async def test_debts_that_were_paid_before_an_answer_was_lost_are_not_paid_again(tmp_path: Path) -> None:
    async with insured(tmp_path) as room:
        room.venue.do(order(SHARE, BOB, 1, 100, 8_900))
        room.venue.do(order(SHARE, ALICE, 2, 100, 8_900))
        desk, bus = room.service.margin.liquidation, room.venue.bus
        lost: list[SequenceBatch] = []

        class Lossy:
            async def request(self, message: Any) -> Any:
                answer = await bus.request(message)
                if isinstance(message, SequenceBatch) and not lost:
                    lost.append(message)
                    raise OutcomeUnknown("unknown", "no answer in time")
                return answer

            async def publish(self, notices: Any) -> None:
                await bus.publish(notices)

        desk._bus = Lossy()  # type: ignore[assignment]  # the fault that is injected
        await turned(room, 4)
        shown = [(one.rung, one.state, one.paid) for one in await steps(room)]
        assert shown == [("fund", "done", "100.00"), ("none", "done", None)]
        assert (len(lost), cash(room), cash(room, FUND)) == (1, 0, 990_000)


async def test_an_assessment_that_is_out_of_date_takes_nothing(tmp_path: Path) -> None:
    """A mark came after the look: the account would be left with more or less than nothing."""
    async with insured(tmp_path) as room:
        room.mark(8_900)
        await caught_up(room)
        await room.venue.halt()  # the tasks: this test is the process
        margin = room.service.margin
        await looked(room)
        room.mark(8_880)  # before the room has heard of the look
        await heard(room)
        await margin.liquidation.round()
        assert (await steps(room), lots(room)) == ([], 100)
        for _ in range(2):
            await looked(room)
            await heard(room)
            await margin.liquidation.round()
        first = (await steps(room))[0]
        assert (first.equity, first.taken[0].money, cash(room)) == (-12_000, "9000.00", 0)


async def test_while_nobody_knows_what_the_fund_is_worth_it_takes_nothing(tmp_path: Path) -> None:
    """The fund holds an instrument without a mark."""
    async with insured(tmp_path) as room:
        list_other(room)
        room.trade(10, 1_000, instrument=OTHER, account=FUND, other=BOB)
        room.mark(8_900)
        await turned(room, 3)
        assert (await steps(room), lots(room)) == ([], 100)
        room.mark(1_000, instrument=OTHER)
        await turned(room, 3)
        assert (lots(room), lots(room, FUND), cash(room)) == (0, 100, 0)
