"""Whatever is hidden, the laws of a market hold.

Goal: nobody gets more than he asked for, spends more than his budget, or less than his minimum; money is conserved; what is shown
is never crossed, and what is dark stands crossed only because of a minimum.
Method: a narrow random market of icebergs, dark orders, budgets, pegs and slides; a witness that hears events alone and
shares no code with an engine follows every order, and the engine is asked for its levels and balances after each command.
"""

import random
from collections import defaultdict

import pytest

from tests.support.engines import NativeEngine, TwinEngine, both_engines, check, step
from tests.support.fuzz_engine import difference, started, state_of
from tests.support.shown_market import ALL_OR_NONE, HIDDEN, ShownMarket, Witness
from tests.support.streams import CURRENCIES

SEEDS = (61, 62, 63)
COMMANDS = 1_500
INSTRUMENTS = (1, 2)
BUY, SELL = 1, 2


@both_engines
@pytest.mark.parametrize("seed", SEEDS)
def test_the_laws_hold_after_every_command(new_engine, seed):
    engine, market, witness = started(new_engine()), ShownMarket(random.Random(seed)), Witness()
    for _ in range(COMMANDS):
        command = market.next()
        events = step(engine, command.raw, command.time_ns)
        market.hear(events)
        witness.hear(events)
        _check_books(engine, witness)
        _check_holds(engine, witness)
    check(engine)
    for kind in ("OrderRefilled", "OrderEntered", "OrderWaits", "TradePrinted"):
        assert witness.seen[kind] > 10, f"{kind}: {witness.seen[kind]} in {COMMANDS} commands prove nothing"


def _check_books(engine, witness):
    """What is shown is not crossed, is what the witness knows, and no dark order without a minimum stands inside it."""
    for instrument in INSTRUMENTS:
        best = {side: engine.depth(instrument, side, 1) for side in (BUY, SELL)}
        if best[BUY] and best[SELL] and instrument not in witness.halted:
            assert best[BUY][0][0] < best[SELL][0][0]
        for side in (BUY, SELL):
            levels = defaultdict(int)
            for sequence, slot, _, price, leaves in engine.orders(instrument, side):
                known = witness.working[sequence, slot]
                assert (known.price, known.leaves) == (price, leaves)
                assert known.terms is None or not known.terms.dark
                levels[price] += known.rest()
            assert [(price, lots) for price, lots, _ in engine.depth(instrument, side, 1_000)] == list(levels.items())
    for known in witness.working.values():
        order = known.accepted
        has_minimum = bool(order.flags2 & ALL_OR_NONE) or (known.terms is not None and known.terms.min_quantity > 0)
        if order.flags2 & HIDDEN and not has_minimum:
            facing = engine.depth(order.instrument, BUY + SELL - order.side, 1)
            crossed = facing and (facing[0][0] <= known.price if order.side == BUY else facing[0][0] >= known.price)
            assert not crossed or order.instrument in witness.halted, f"{known.accepted} stands at {facing}"


def _check_holds(engine, witness):
    held = defaultdict(int)
    for known in witness.working.values():
        held[known.accepted.account, known.accepted.hold_currency] += known.hold
    for account in engine.accounts():
        for currency, total, holds in engine.balances(account):
            assert holds == held[account, currency]
            assert 0 <= holds <= total
    for currency, _, _ in CURRENCIES:
        customers, _, fees, rebates, rounding, deposited = engine.totals(currency)
        assert customers + fees - rebates + rounding == deposited


@pytest.mark.parametrize("seed", (71, 72, 73, 74))
def test_both_engines_tell_the_same_of_a_narrow_market_and_a_snapshot_changes_nothing(seed):
    twin, native, market = started(TwinEngine()), started(NativeEngine()), ShownMarket(random.Random(seed))
    for done in range(2_500):
        if done % 250 == 249:
            snapshot = native.snapshot()
            native = NativeEngine.restore(snapshot)
            assert native.snapshot() == snapshot
            check(native)
            check(twin)
            for name in market.heard():
                assert native.order(*name) == twin.order(*name)
                assert native.queue(*name) == twin.queue(*name)
        command = market.next()
        expected, got = step(twin, command.raw, command.time_ns), step(native, command.raw, command.time_ns)
        assert got == expected, difference(seed, done, command, expected, got)
        market.hear(expected)
    assert state_of(native) == state_of(twin)
