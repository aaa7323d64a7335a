"""Marks follow the venue's own trades where the venue wants that, and never push aside what somebody else has set.

Goal: margin is known by trading alone; a mark of somebody else stands as long as it is fresh; what is no trade, or an old one, makes no mark.
Method: a small venue over the readable engine whose clock is turned; the desk looks when a test lets it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.risk_margin import AccountMargin, MarginTerms
from quantumcore.services.risk.desks.margin import own_marks
from tests.support.margin_room import alone, assessed, caught_up, market, put
from tests.support.risk_room import RiskRoom, risk_room
from tests.support.small_venue import ALICE, BOB, RICH, SHARE, USD, define

STALE_S = 5.0
OTHER = 3


@asynccontextmanager
async def trading(directory: Path, *, wanted: bool = True, **settings: Any) -> AsyncIterator[RiskRoom]:
    """Run the room with a second share; its desks look when a test lets them."""
    commands = market()
    commands += [wire.DefineCurrency(currency=4, code="MSFT", scale=0), define(OTHER, "MSFT", 4, lot_scale=0)]
    commands.append(wire.Transfer(account=BOB, amount=RICH, currency=4, transfer_kind=1, transfer_id="second"))
    given = {"marks_from_trades": wanted, "stale_s": STALE_S, **settings}
    async with risk_room(directory, commands=commands, **given) as room:
        yield await alone(room)


async def marks(room: RiskRoom, seconds: float = 0.0) -> list[tuple[int, int]]:
    """Let time pass and the desk look; return (instrument, price) of every mark so far."""
    room.venue.clock.turn(seconds)
    await caught_up(room)
    await room.service.margin.own_marks.round()
    await caught_up(room)
    return [(one.instrument, one.price) for one in assessed(room, wire.MarkChanged)]


def stale(room: RiskRoom) -> bool:
    """Tell whether the margin of Alice is."""
    return bool(room.venue.engine.margin(ALICE, USD).margin_flags & 1)


async def test_marks_follow_trades_once_each_and_at_most_once_a_second(tmp_path: Path) -> None:
    async with trading(tmp_path) as room:
        assert await marks(room) == []
        room.trade(1, 10_000)
        assert await marks(room) == [(SHARE, 10_000)]
        assert await marks(room, 4) == [(SHARE, 10_000)]  # that trade has had its mark
        for at in range(8):
            room.trade(1, 10_001 + at)
            last = await marks(room, 0.25)
        assert last == [(SHARE, 10_000), (SHARE, 10_001), (SHARE, 10_005)]
        assert await marks(room, 0.25) == [*last, (SHARE, 10_008)]  # what came meanwhile is not forgotten
        assert room.service.margin.own_marks.marks == {"set": 4, "refused": 0}


async def test_margin_is_known_by_trading_alone(tmp_path: Path) -> None:
    async with trading(tmp_path) as room:
        terms = MarginTerms(symbol="AAPL", initial="0.08", maintenance="0.04", mark_age_s=str(STALE_S))
        room.venue.spawn("margin", room.service.margin.desk.run)
        await put(room, terms)
        room.trade(100, 10_000)
        await put(room, AccountMargin(account=ALICE, currency="USD", profile="volatility"))
        assert stale(room)
        await marks(room)
        assert not stale(room)
        assert room.venue.engine.margin(ALICE, USD).initial == 800_00
        for at in range(40):  # of one price, and never a gap
            room.trade(1 if at % 2 else -1, 10_000)
            before = len(assessed(room, wire.MarkChanged))
            assert len(await marks(room, 0.5)) <= before + 1
            assert not stale(room)
        assert len(assessed(room, wire.MarkChanged)) == 1 + 40 // 5
        room.venue.clock.turn(STALE_S)
        room.venue.do(wire.AssessMargin(account=ALICE, currency=USD))
        assert stale(room)  # nobody trades


async def test_the_same_price_is_not_told_again_while_it_is_fresh(tmp_path: Path) -> None:
    async with trading(tmp_path) as room:
        room.trade(1, 10_000)
        await marks(room)
        room.trade(1, 10_000)
        assert len(await marks(room, 2.4)) == 1
        assert len(await marks(room, 0.2)) == 2  # half of what it may be old, and the trade is not
        room.trade(1, 10_000)
        room.venue.clock.turn(STALE_S + 1)
        assert len(await marks(room)) == 2  # too old to say anything


async def test_a_mark_that_somebody_else_sets_stands_while_it_is_fresh(tmp_path: Path) -> None:
    async with trading(tmp_path) as room:
        room.trade(1, 10_000)
        await marks(room)
        room.mark(9_000)
        for _ in range(4):
            room.trade(1, 10_001)
            assert (await marks(room, 1.2))[-1] == (SHARE, 9_000)
        assert (await marks(room, 0.3))[-1] == (SHARE, 10_001)  # it is older than 5 s
        room.trade(1, 10_002)
        room.mark(9_000)  # and after the trade
        assert (await marks(room, 1.1))[-1] == (SHARE, 9_000)
        assert (await marks(room, STALE_S + 1))[-1] == (SHARE, 9_000)
        room.trade(1, 10_003)
        assert (await marks(room))[-1] == (SHARE, 10_003)


async def test_a_mark_that_was_taken_back_stays_away_until_the_next_trade(tmp_path: Path) -> None:
    async with trading(tmp_path) as room:
        room.mark(9_000)
        room.trade(1, 10_000)
        room.mark(0)
        assert await marks(room, 1) == [(SHARE, 9_000), (SHARE, 0)]
        room.trade(1, 10_001)
        assert (await marks(room, 1))[-1] == (SHARE, 10_001)


async def test_after_a_restart_the_marks_that_stand_are_somebody_elses(tmp_path: Path) -> None:
    async with trading(tmp_path) as room:
        room.trade(1, 10_000)
        await marks(room)
        room.service.margin.own_marks._own.clear()
        room.service.margin.own_marks._sent.clear()
        room.trade(1, 10_001)
        assert (await marks(room, 4.9))[-1] == (SHARE, 10_000)
        room.trade(1, 10_002)
        assert (await marks(room, 0.2))[-1] == (SHARE, 10_002)


async def test_what_is_busted_before_its_mark_an_old_trade_and_a_position_taken_over_make_none(tmp_path: Path) -> None:
    async with trading(tmp_path) as room:
        for action in (1, 2):
            room.trade(1, 10_000)
            busted(room, action)
            await caught_up(room)
            assert await marks(room) == []
        room.trade(1, 10_000)
        await caught_up(room)
        busted(room, 1)  # in another batch
        await caught_up(room)
        assert await marks(room) == []
        room.trade(1, 10_001)
        assert await marks(room, STALE_S + 0.1) == []
        room.trade(2, 10_002)
        assert await marks(room) == [(SHARE, 10_002)]
        ruin(room)
        (taken,) = room.venue.do(wire.TakeOver(instrument=SHARE, account=ALICE, taker=BOB, lots=1, money=0))
        assert isinstance(taken, wire.PositionTaken)
        await caught_up(room)
        assert room.service.margin.own_marks._waiting == {}


def ruin(room: RiskRoom) -> None:
    """Let Alice be worth less than nothing."""
    room.venue.do(wire.SetAccountMargin(account=ALICE, currency=USD, profile=1))
    room.mark(1)
    room.venue.do(wire.SetAccountMargin(account=ALICE, currency=USD, profile=0))
    room.venue.do(wire.Transfer(account=ALICE, amount=110_000, currency=USD, transfer_kind=2, transfer_id="all"))
    room.venue.do(wire.SetAccountMargin(account=ALICE, currency=USD, profile=1))
    assert room.venue.engine.margin(ALICE, USD).equity < 0


def busted(room: RiskRoom, action: int) -> None:
    """Bust the last trade: undo it, or move its money."""
    (trade, *_) = assessed(room, wire.TradePrinted)[::-1]
    undone = action == 1
    (told, *_) = room.venue.do(
        wire.BustTrade(
            instrument=trade.instrument,
            trade_sequence=trade.sequence,
            fill=trade.fill,
            action=action,
            buyer=trade.account,
            seller=trade.maker_account,
            price=trade.price,
            quantity=trade.quantity,
            paid_back=trade.paid if undone else 1,
            received_back=trade.received if undone else 1,
            buyer_fee_back=0,
            seller_fee_back=0,
        )
    )
    assert isinstance(told, wire.TradeBusted)


async def test_nothing_is_heard_or_sent_where_nobody_wants_it(tmp_path: Path) -> None:
    async with trading(tmp_path, wanted=False) as room:
        room.trade(1, 10_000)
        assert await marks(room) == []
        margin = room.service.margin
        assert margin.own_marks._waiting == {}
        assert "marks" not in [name for name, _ in margin.tasks()]
    (tmp_path / "on").mkdir()
    async with trading(tmp_path / "on") as room:
        assert "marks" in [name for name, _ in room.service.margin.tasks()]


async def test_a_round_has_a_bound_and_those_that_wait_longest_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_marks, "AT_A_TIME", 1)
    async with trading(tmp_path) as room:
        room.trade(1, 10_000, instrument=OTHER)
        await caught_up(room)
        room.trade(1, 10_001)
        assert await marks(room) == [(OTHER, 10_000)]
        room.trade(1, 10_002, instrument=OTHER)
        assert await marks(room, 1) == [(OTHER, 10_000), (SHARE, 10_001)]
        assert (await marks(room))[2:] == [(OTHER, 10_002)]


async def test_what_is_not_answered_or_refused_is_left_for_a_later_round(tmp_path: Path) -> None:
    async with trading(tmp_path) as room:
        room.trade(1, 10_000)
        await caught_up(room)
        room.venue.down = True
        with pytest.raises(Unavailable):
            await marks(room)
        room.venue.down = False
        assert await marks(room) == []  # at most once a second
        assert await marks(room, 1.1) == [(SHARE, 10_000)]
        room.trade(1, 10_500)
        room.venue.do(define(SHARE, "AAPL", 3, lot_scale=0, max_price=10_400))  # a price that it may no longer have
        before = len(assessed(room, wire.CommandRefused))
        assert len(await marks(room, 1)) == 1
        assert len(assessed(room, wire.CommandRefused)) == before + 1
        assert len(await marks(room, 0.5)) == 1
        assert len(assessed(room, wire.CommandRefused)) == before + 1
        assert room.service.margin.own_marks.marks == {"set": 1, "refused": 2}
        room.venue.do(define(SHARE, "AAPL", 3, lot_scale=0))
        assert (await marks(room, 1))[-1] == (SHARE, 10_500)


async def test_a_trade_while_a_mark_is_on_its_way_is_not_lost(tmp_path: Path) -> None:
    async with trading(tmp_path) as room:
        room.trade(1, 10_000)
        desk, request = room.service.margin.own_marks, room.venue.bus.request

        async def meanwhile(message: Any) -> Any:
            room.trade(1, 10_001)
            await caught_up(room)
            return await request(message)

        desk._bus.request = meanwhile  # type: ignore[method-assign]
        assert await marks(room) == [(SHARE, 10_000)]
        desk._bus.request = request  # type: ignore[method-assign]
        assert (await marks(room, 1))[-1] == (SHARE, 10_001)
