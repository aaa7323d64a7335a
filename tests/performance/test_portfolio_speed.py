"""What it costs to value an account.

Goal: an account of 1,000 positions costs what it was measured to cost, and no more (docs/performance.md has the promise of
5 ms beside it); what is given again costs a request over the bus.
Method: the work is bounded by counted calls, which no load changes. Processor time, the best of many, is printed and fails at
about twice of what was measured: a machine may be half as fast.
"""

import sys
import time
from pathlib import Path
from types import FrameType

import pytest

from quantumcore.app.bench.portfolio import EUR, LINES, PROMISED_MS, USD, Account, portfolio
from quantumcore.contracts.reference import Currency
from quantumcore.services.portfolio.domain import value
from tests.support.portfolio_room import ALICE, World, portfolio_room

HIT_US = 100.0  # measured 17


@pytest.mark.parametrize(("reporting", "most_ms"), [(USD, 9), (EUR, 12)], ids=["own", "other"])
def test_a_thousand_positions_take_milliseconds(seed: int, reporting: Currency, most_ms: float) -> None:
    """Measured 4.3 ms in their own currency and 5.7 ms in another."""
    inputs = Account(seed).inputs(reporting)
    best = float("inf")
    for _ in range(30):
        began = time.process_time()
        value(inputs)
        best = min(best, time.process_time() - began)
    print(f"{LINES} lines in {reporting.code}: {best * 1e3:.2f} ms")
    assert best * 1e3 < most_ms


@pytest.mark.parametrize(("reporting", "most"), [(USD, 13), (EUR, 13)], ids=["own", "other"])
def test_a_line_is_a_dozen_calls(seed: int, reporting: Currency, most: int) -> None:
    """Measured 11.6 and 11.7, for lines are computed by the column; exact rationals for every line would be hundreds."""
    inputs, calls = Account(seed).inputs(reporting), 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        value(inputs)
    finally:
        sys.setprofile(None)
    print(f"{calls / LINES:.1f} calls per line")
    assert calls / LINES < most


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
