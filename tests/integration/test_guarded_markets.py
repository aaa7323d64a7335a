"""Who may and how often: both engines stop, count and pause alike, and a snapshot forgets nothing of it.

Goal: every command, check and refusal of engine.md section 15 is met by random streams on which the engines are equal.
Method: the market of streams_guarded, seeded, with and without money; the native engine is replaced by its own snapshot in between.
"""

from collections import Counter

import pytest

from quantumcore.contracts import wire
from tests.support.fuzz_engine import run_equality, run_restored
from tests.support.streams_guarded import GuardedMarket

both_modes = pytest.mark.parametrize("accounting", [True, False], ids=["accounting", "book-only"])
REFUSALS = ("NOT_ENTITLED", "KILLED", "HALTED", "THROTTLED", "REPEAT_LIMIT", "DUPLICATE_ORDER", "RESTRICTED", "MMP")
EVENTS = [
    kind
    for number, kind in wire.EVENTS.items()
    if number == wire.FirmChanged.KIND or wire.KillChanged.KIND <= number <= wire.PauseChanged.KIND
]


@both_modes
def test_every_refusal_and_every_event_is_met_and_told_alike(accounting):
    told: Counter[str] = Counter()
    for seed in (7, 13, 14):
        told += run_equality(6_000, seed, market=GuardedMarket, accounting=accounting)
    missing = [name for name in REFUSALS if not told[f"OrderRejected.{name}"]]
    missing += [f"{name} of a command" for name in ("THROTTLED", "KILLED") if not told[f"CommandRefused.{name}"]]
    missing += [kind.__name__ for kind in EVENTS if not told[kind.__name__]]
    assert missing == []
    assert told["OrderCancelled.21"]
    assert told["OrderCancelled.3"]
    assert told["TradePrinted"] > 200


@both_modes
@pytest.mark.parametrize("seed", [41, 42])
def test_a_restored_engine_has_forgotten_no_switch_token_or_fill(accounting, seed):
    run_restored(3_000, seed, market=GuardedMarket, accounting=accounting)
