"""Margin: both engines judge, assess and cancel alike, a snapshot forgets nothing of it, and what is accepted is covered.

Goal: every command, check and refusal of engine.md section 17 is met by random streams on which the engines are equal, and
no order that opens leaves an account on margin with less than its positions need.
Method: the market of streams_margin, seeded, with and without money; the native engine is replaced by its own snapshot in between.
"""

import random
from collections import Counter
from typing import NamedTuple

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.margin import MarginStanding
from tests.support.engines import NativeEngine, TwinEngine, step
from tests.support.fuzz_engine import run_equality, run_restored, seeded, started
from tests.support.streams import CURRENCIES, DEFINITIONS
from tests.support.streams_margin import MarginMarket

REFUSALS = ("STALE_REF", "AMOUNT_OVERFLOW", "EXPOSURE", "NO_FUNDS", "LOSS_LIMIT", "DRAWDOWN", "GREEKS", "HALTED")
EVENTS = [kind for number, kind in wire.EVENTS.items() if number >= wire.MarginTermsChanged.KIND]
OF_COMMANDS = ("STALE_REF", "NO_FUNDS", "NOT_LIQUIDATED", "REDUCE_ONLY", "INSUFFICIENT", "AMOUNT_OVERFLOW")
STALE, TOO_LARGE = 1, 2


def test_every_refusal_and_every_event_is_met_and_told_alike():
    told: Counter[str] = Counter()
    for seed in (1, 2):
        told += run_equality(4_000, seed, market=MarginMarket)
    missing = [name for name in REFUSALS if not told[f"OrderRejected.{name}"]]
    missing += [f"{name} of a command" for name in OF_COMMANDS if not told[f"CommandRefused.{name}"]]
    missing += [kind.__name__ for kind in EVENTS if not told[kind.__name__]]
    assert missing == []
    assert told["OrderCancelled.23"]
    assert told["TradePrinted"] > 200
    assert told["PositionTaken"] > 10


def test_without_money_nothing_of_it_is_a_command():
    """Both engines refuse it as they refuse noise, and say nothing else of it."""
    told = run_equality(1_500, 4, market=MarginMarket, accounting=False)
    assert told["CommandRefused.BAD_COMMAND"] > 300
    assert not any(told[kind.__name__] for kind in EVENTS)


@pytest.mark.parametrize("seed", [51])
def test_a_restored_engine_has_forgotten_no_record_array_or_day(seed):
    run_restored(2_000, seed, market=MarginMarket)


def _sent(raw: bytes) -> wire.SubmitOrder | None:
    """Return a single submission in an instrument of the market, else None."""
    try:
        command = wire.decode_command(raw)
    except InvalidCommand:
        return None
    single = isinstance(command, wire.SubmitOrder) and 1 <= command.instrument <= len(DEFINITIONS)
    return command if single else None


def _found(engine: TwinEngine, order: wire.SubmitOrder) -> tuple[MarginStanding, int]:
    """Return how the account stands in the quote, and what the side of `order` could come to, in lots."""
    account, instrument = order.account, order.instrument
    buys, sells, _ = engine.working(account, instrument)
    lots = dict(engine.positions(account)).get(instrument, 0)
    worst = max(0, lots + buys) if order.side == 1 else max(0, sells - lots)
    return engine.margin(account, DEFINITIONS[instrument - 1].quote), worst


@pytest.mark.parametrize("seed", [61, 62])
def test_what_opens_and_is_accepted_is_covered_or_needs_no_more_than_before(seed):
    """Of an account on margin; a fill may pay a fee, so only orders that trade nothing at once are looked at."""
    twin, covered = started(TwinEngine()), 0
    for market, command in seeded(3_000, seed, MarginMarket(random.Random(seed))):
        order = _sent(command.raw)
        before, could = _found(twin, order) if order else (MarginStanding(), 0)
        raw = step(twin, command.raw, command.time_ns)
        market.hear(raw)
        kinds = {type(event) for event in wire.decode_events(raw)}
        if order is None or wire.OrderAccepted not in kinds or wire.TradePrinted in kinds:
            continue
        after, can = _found(twin, order)
        if can > could and after.profile:
            assert not after.margin_flags & (STALE | TOO_LARGE), f"seed {seed}: {order}"
            known = not before.margin_flags & (STALE | TOO_LARGE)
            assert after.initial <= after.equity or (known and after.initial <= before.initial), f"seed {seed}: {order}"
            covered += before.initial < after.initial <= after.equity
    assert covered > 20


@pytest.mark.parametrize("seed", [70, 74])
def test_an_assessment_tells_what_the_question_tells_and_sets_what_it_says(seed):
    """Rungs follow from the numbers told; from the second on nothing is left that an assessment would cancel."""
    twin, rungs = started(TwinEngine()), Counter[int]()
    for market, command in seeded(3_000, seed, MarginMarket(random.Random(seed))):
        raw = step(twin, command.raw, command.time_ns)
        market.hear(raw)
        told = [event for event in wire.decode_events(raw) if isinstance(event, wire.MarginAssessed)]
        for event in told:
            asked = twin.margin(event.account, event.currency)
            same = ("equity", "maintenance", "opening", "deposits", "result", "peak", "profile", "margin_flags")
            assert {name: getattr(event, name) for name in same} == {name: getattr(asked, name) for name in same}
            assert event.rung == _rung(event)
            rungs[event.rung] += 1
            again = wire.AssessMargin(account=event.account, currency=event.currency).encode()
            second = wire.decode_events(step(twin, again, command.time_ns))
            assert [each.count for each in second if isinstance(each, wire.MarginAssessed)] == [0]
            assert wire.AccountTermsChanged not in {type(each) for each in second}
    assert set(rungs) == set(range(6)), rungs


@pytest.mark.parametrize("seed", [81, 82])
def test_a_taking_over_moves_two_accounts_against_each_other_and_nothing_else(seed):
    """What customers have, what the house has, and what all hold together stay; only who was worth less than nothing gave."""
    twin, taken = started(TwinEngine()), 0
    for market, command in seeded(6_000, seed, MarginMarket(random.Random(seed))):
        before = _everything(twin) if command.raw[2] == wire.TakeOver.KIND else None
        raw = step(twin, command.raw, command.time_ns)
        market.hear(raw)
        first = next(wire.iter_events(raw))
        if before is None or not isinstance(first, wire.PositionTaken):
            continue
        after, taken = _everything(twin), taken + 1
        assert before.standing[first.account, first.quote].equity < 0
        sides = ((first.account, -1), (first.taker, 1))
        totals, lots = before.totals, before.lots
        for who, sign in sides:
            totals[who, first.base] += sign * first.asset
            totals[who, first.quote] -= sign * first.money
            lots[who, first.instrument] += sign * first.lots
        assert (after.totals, after.lots, after.houses) == (totals, lots, before.houses), f"seed {seed}: {first}"
        assert [lots[who, first.instrument] for who, _ in sides] == [first.position, first.taker_position]
    assert taken > 5


class _Stands(NamedTuple):
    totals: Counter[tuple[int, int]]  # by account and currency
    lots: Counter[tuple[int, int]]  # by account and instrument
    houses: list[list[tuple[int, int]]]
    standing: dict[tuple[int, int], MarginStanding]


def _everything(engine: TwinEngine) -> _Stands:
    accounts, currencies = engine.accounts(), [number for number, _, _ in CURRENCIES]
    return _Stands(
        Counter({(who, currency): total for who in accounts for currency, total, _ in engine.balances(who)}),
        Counter({(who, number): lots for who in accounts for number, lots in engine.positions(who)}),
        [engine.house(currency) for currency in currencies],
        {(who, currency): engine.margin(who, currency) for who in accounts for currency in currencies},
    )


def _rung(event: wire.MarginAssessed) -> int:
    """Return the highest rung of the ladder on which the numbers of an assessment stand, written once more."""
    if event.profile == 0 or event.margin_flags & (STALE | TOO_LARGE):
        return 0
    holds = [
        event.equity < event.initial,
        event.equity * 10 < event.maintenance * 11,
        event.equity < event.maintenance,
        event.equity * 2 < event.maintenance,
        event.equity < 0,
    ]
    return max((rung for rung, so in enumerate(holds, 1) if so), default=0)


def test_the_question_knows_who_is_unknown():
    twin, native = started(TwinEngine()), started(NativeEngine())
    for place in ((77, 1), (1, 77), (77, 77), (2**32 + 1, 1)):
        assert twin.margin(*place) == native.margin(*place) == MarginStanding()
    assert twin.margin(1, 1) == native.margin(1, 1) == MarginStanding(equity=10**8)
