"""What it costs to value an account.

Goal: an account of 1,000 positions is valued in 5 ms where nothing else runs; hits cost a request over the bus.
Method: processor time, the best of many, for the machine is shared; printed, and failing at three times of what is promised.
The work itself is bounded by counted calls, which no load changes.
"""

import sys
import time
from pathlib import Path
from types import FrameType

from quantumcore.app.bench.portfolio import EUR, LINES, PROMISED_MS, USD, Account, portfolio
from quantumcore.services.portfolio.domain import value
from tests.support.portfolio_room import ALICE, World, portfolio_room

MARGIN = 3
CALLS_PER_LINE = 26  # measured 24
HIT_US = 900.0


def test_a_thousand_positions_are_valued_within_three_times_the_promise(seed: int) -> None:
    account = Account(seed)
    for reporting, promised in ((USD, PROMISED_MS), (EUR, 2 * PROMISED_MS)):
        inputs = account.inputs(reporting)
        best = float("inf")
        for _ in range(30):
            began = time.process_time()
            value(inputs)
            best = min(best, time.process_time() - began)
        print(f"{LINES} lines in {reporting.code}: {best * 1e3:.2f} ms")
        assert best * 1e3 < promised * MARGIN


def test_a_line_is_a_few_dozen_calls(seed: int) -> None:
    """Exact rationals for every line would be hundreds."""
    inputs, calls = Account(seed).inputs(USD), 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        value(inputs)
    finally:
        sys.setprofile(None)
    print(f"{calls / LINES:.1f} calls per line")
    assert calls / LINES < CALLS_PER_LINE


async def test_what_is_given_again_costs_no_computation(tmp_path: Path) -> None:
    world = World()
    world.hold(ALICE, USD="1.00")
    async with portfolio_room(tmp_path, world) as room:
        await room.portfolio()
        best = float("inf")
        for _ in range(20):
            began = time.process_time()
            for _ in range(50):
                await room.portfolio()
            best = min(best, (time.process_time() - began) / 50 * 1e6)
        print(f"{best:.0f} us per answer given again")
        assert room.service._valuations.computations == 1
        assert best < HIT_US


def test_the_bench_gives_its_figures(seed: int) -> None:
    figures = portfolio(seed, 0.05)
    assert [len(one.samples) > 0 for one in figures] == [True, True, True]
    assert [one.bound for one in figures] == [PROMISED_MS, None, None]
