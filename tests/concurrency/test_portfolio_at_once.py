"""Valuations while everything moves.

Goal: whatever happens between the questions of a valuation, its answer is that of one moment and one snapshot, and it is
computed once for all who ask at the same time.
Method: the real room; its world changes at each question that it asks, and while it stands at its tables; the answer is
compared with the definition in exact rationals for the state that it names.
"""

import asyncio
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts.ledger import GetBalances
from quantumcore.contracts.portfolio import Portfolio, SetReportingCurrency
from quantumcore.contracts.positions import GetPositions
from tests.support.portfolio_room import ALICE, Room, World, portfolio_room, settled
from tests.support.portfolios import text, view
from tests.support.small_venue import until

A, B = {"EUR_USD": "1.25", "GBP_USD": "1.50"}, {"EUR_USD": "0.80", "GBP_USD": "0.90"}


def computed(room: Room) -> int:
    return room.service._valuations.computations


def slow_at(kind: type, gate: asyncio.Event) -> Any:
    async def fault(question: Any) -> None:
        if isinstance(question, kind):
            await gate.wait()

    return fault


async def asked_of(world: World, kind: type, times: int = 1) -> None:
    await until(lambda: sum(isinstance(one, kind) for one in world.asked) >= times, f"{kind.__name__} {times} times")


@pytest.mark.hazard("F4")
@pytest.mark.timeout(60)
async def test_a_total_is_that_of_the_snapshot_it_names_however_often_rates_flip(tmp_path: Path, seed: int) -> None:
    """1,000 flips between A and B under valuations that never stop: each total is that of A or of B, as its id says."""
    world, rng = World(), random.Random(seed)
    world.hold(ALICE, EUR="500.00", GBP="250.00")
    async with portfolio_room(tmp_path, world, cache_s=0) as room:
        await room.publish("A-0", **A)
        worth = {"A": Fraction(500) * Fraction("1.25") + Fraction(250) * Fraction("1.50")}
        worth["B"] = Fraction(500) * Fraction("0.80") + Fraction(250) * Fraction("0.90")
        shown = {name: text(value, 2) for name, value in worth.items()}
        flips = 0

        async def flip() -> None:
            nonlocal flips
            while flips < 1_000:
                flips += 1
                name = "AB"[flips % 2]
                await room.publish(f"{name}-{flips}", **(A if name == "A" else B))
                for _ in range(rng.randrange(4)):
                    await asyncio.sleep(0)

        async def watch() -> list[Portfolio]:
            seen = []
            while flips < 1_000:
                # Each valuation has something to carry, so that it stands at its tables between asking and computing.
                world.take(ALICE, view("BTC-EUR", "0", "0", "1.00", currency="EUR"))
                seen.append(await room.portfolio())
            return seen

        _, *watched = await asyncio.gather(flip(), watch(), watch())
        seen = [one for some in watched for one in some]
        assert {(one.total, one.fx_snapshot_id[0]) for one in seen} == {(shown["A"], "A"), (shown["B"], "B")}
        assert len({one.fx_snapshot_id for one in seen}) > 100


@pytest.mark.hazard("A6")
@pytest.mark.timeout(60)
async def test_updates_at_every_await_leave_the_sequential_result(tmp_path: Path, seed: int) -> None:
    """A fill, a deposit or a new price at any question, told or not: the answer is the state after the sequence that it names,
    at the prices after the sequence that it names; and what is asked after the last of it is told has all of it."""
    rng = random.Random(seed)
    for turn in range(60):
        world, states = World(), {}
        held = {"cash": Fraction(10_000), "shares": 100, "cost": Fraction(14_000), "mark": Fraction(150)}

        def store(world: World = world, held: dict[str, Any] = held, states: dict[int, Any] = states) -> None:
            world.balances[ALICE] = {"USD": text(held["cash"], 2), "AAPL": str(held["shares"])}
            states[world.sequence] = dict(held)

        def happen(world: World = world, held: dict[str, Any] = held) -> None:
            match rng.randrange(4):
                case 0:
                    held["cash"] += 250
                    world.change()
                case 1:
                    held["mark"] += rng.randrange(-5, 6)
                    # The price of a position moves; what it is does not.
                    world.change()
                    known = world.positions[ALICE]["AAPL"]
                    moved = view("AAPL", str(held["shares"]), text(held["cost"], 8), text(held["mark"], 2))
                    values = {n: getattr(moved, n) for n in moved.__struct_fields__}
                    values |= {"sequence": known.sequence, "mark_sequence": world.sequence}
                    world.positions[ALICE]["AAPL"] = type(known)(**values)
                case 2:
                    bought = rng.randrange(1, 10)
                    held["cash"] -= bought * held["mark"]
                    held["shares"] += bought
                    held["cost"] += bought * held["mark"]
                    world.take(ALICE, view("AAPL", str(held["shares"]), text(held["cost"], 8), text(held["mark"], 2)))
                case _:
                    return
            store()

        world.take(ALICE, view("AAPL", "100", "14000", "150.00"))
        store()
        async with portfolio_room(tmp_path / str(turn), world, tries=100) as room:

            async def fault(question: Any) -> None:
                if rng.random() < 0.7:
                    happen()
                    if rng.random() < 0.5:
                        await room.tell_ledger(ALICE)
                        await room.tell_positions(ALICE)
                if rng.random() < 0.3:
                    await asyncio.sleep(0)

            world.fault = fault
            asked = [asyncio.ensure_future(room.portfolio()) for _ in range(3)]
            for one in [await task for task in asked] + [await room.portfolio() for _ in range(3)]:
                at = states[max(s for s in states if s <= one.sequence)]
                priced = states[max(s for s in states if s <= one.priced_to)]
                assert Fraction(one.total) == at["cash"] + at["shares"] * priced["mark"], (seed, turn)
                assert one.lines[0].quantity == str(at["shares"])
            world.fault = lambda _question: None
            await room.tell_ledger(ALICE)
            await room.tell_positions(ALICE)
            last = await room.portfolio()
            assert Fraction(last.total) == held["cash"] + held["shares"] * held["mark"], (seed, turn)


@pytest.mark.hazard("A6")
async def test_a_change_while_a_value_is_computed_is_not_forgotten_when_it_is_kept(tmp_path: Path) -> None:
    """What was asked before the change may answer the old state; nobody after it may get that again."""
    world, gate = World(), asyncio.Event()
    world.hold(ALICE, USD="100.00")
    async with portfolio_room(tmp_path, world) as room:
        world.fault = slow_at(GetPositions, gate)
        early = asyncio.ensure_future(room.portfolio())
        await asked_of(world, GetPositions)
        world.balances[ALICE]["USD"] = "70.00"
        world.change()
        await room.tell_ledger(ALICE)
        gate.set()
        assert (await early).total == "100.00"
        assert (await room.portfolio()).total == "70.00"


async def test_all_who_ask_at_the_same_time_share_one_valuation(tmp_path: Path) -> None:
    world, gate = World(), asyncio.Event()
    world.hold(ALICE, USD="100.00")
    async with portfolio_room(tmp_path, world) as room:
        world.fault = slow_at(GetBalances, gate)
        asked = [asyncio.ensure_future(room.portfolio()) for _ in range(200)]
        await asked_of(world, GetBalances)
        gate.set()
        assert {one.total for one in await asyncio.gather(*asked)} == {"100.00"}
        assert (computed(room), room.service._valuations.coalesced) == (1, 199)
        assert sum(isinstance(one, GetBalances) for one in world.asked) == 1


async def test_who_asks_after_a_change_does_not_share_what_began_before_it(tmp_path: Path) -> None:
    world, gate = World(), asyncio.Event()
    world.hold(ALICE, USD="100.00")
    async with portfolio_room(tmp_path, world) as room:
        world.fault = slow_at(GetPositions, gate)
        early = asyncio.ensure_future(room.portfolio())
        await asked_of(world, GetPositions)
        world.hold(ALICE, USD="70.00")
        await room.tell_ledger(ALICE)
        late = asyncio.ensure_future(room.portfolio())
        await asked_of(world, GetPositions, 2)
        gate.set()
        assert [(await early).total, (await late).total] == ["100.00", "70.00"]


@pytest.mark.timeout(30)
async def test_the_first_who_gives_up_does_not_lose_it_for_the_others(tmp_path: Path) -> None:
    world, gate = World(), asyncio.Event()
    world.hold(ALICE, USD="100.00")
    async with portfolio_room(tmp_path, world) as room:
        valuations = room.service._valuations
        world.fault = slow_at(GetBalances, gate)
        first = asyncio.ensure_future(valuations.get(ALICE))
        await asked_of(world, GetBalances)
        second = asyncio.ensure_future(valuations.get(ALICE))
        await settled()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        gate.set()
        assert (await second).portfolio.total == "100.00"
        assert first.cancelled()
        assert computed(room) == 1


async def test_a_currency_that_is_set_meanwhile_counts_from_the_next_answer_on(tmp_path: Path) -> None:
    """The valuation on its way ends in the old currency and carries nothing into the new one."""
    world, gate = World(), asyncio.Event()
    world.hold(ALICE, BTC="1.00000000")
    world.take(ALICE, view("BTC-EUR", "1.00000000", "8000", "8000.00", currency="EUR"))
    async with portfolio_room(tmp_path, world) as room:
        await room.publish(EUR_USD="1.25", GBP_USD="1.60")
        world.fault = slow_at(GetPositions, gate)
        early = asyncio.ensure_future(room.portfolio())
        await asked_of(world, GetPositions)
        setting = asyncio.ensure_future(room.bus.request(SetReportingCurrency(account=ALICE, currency="GBP")))
        await setting
        gate.set()
        assert ((await early).total, (await early).reporting_currency) == ("10000.00", "USD")
        shown = await room.portfolio()
        assert (shown.total, shown.reporting_currency, shown.pnl.fx_unrealised) == ("6250.00", "GBP", "0.00000000")
