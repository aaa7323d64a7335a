"""What befalls all holders: what cases of a few lines cannot say.

Goal: the draw of an assignment gives each short his part, rounded up or down, and is the same for ever; money and assets are
conserved to the unit; ids, holders and amounts have limits; a snapshot knows all of it; a refused action changes nothing.
Method: hypothesis against fractions; both engines; a market of actions, cut by a snapshot.
"""

import random
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core.twin import actions
from quantumcore.core.twin.action_shares import assigned
from quantumcore.core.twin.action_terms import ratio_of
from quantumcore.core.twin.refusals import Refusal
from tests.support.engines import NativeEngine, TwinEngine, both_engines, check, step
from tests.support.fuzz_engine import started, state_of
from tests.support.streams import START_NS
from tests.support.streams_actions import ActionMarket

USD, ACME, OTHER = 1, 2, 3
SPLIT, CASH_DIVIDEND, SPIN_OFF, EXERCISE = 1, 3, 5, 8


def venue(new_engine: Any, holders: dict[int, int], *, tick_scale: int = 0, lot: int = 1, **bounds: int) -> Any:
    """Return an engine in which these accounts hold so much of ACME; OTHER is another instrument, without holders."""
    engine = new_engine(**bounds)
    commands: list[wire.Command] = [
        wire.DefineCurrency(currency=number, code=code, scale=0)
        for number, code in ((USD, "USD"), (ACME, "ACME"), (OTHER, "OTHER"))
    ]
    terms = {"instrument_kind": 1, "status": 1, "quote": USD, "lot_scale": 0, "tick": 1}
    terms |= {"tick_scale": tick_scale, "lot": lot}
    terms |= {"multiplier": 1, "min_price": 1, "max_price": 10**9, "min_quantity": 1, "max_quantity": 10**9}
    terms |= {"min_notional": 0, "max_notional": 10**15, "taker_fee": 0, "maker_fee": 0, "minimum_fee": 0}
    commands += [
        wire.DefineInstrument(instrument=base, base=base, symbol=f"S{base}", collar=5_000_000, **terms)
        for base in (ACME, OTHER)
    ]
    for account, amount in holders.items():
        commands.append(wire.OpenAccount(account=account, owner=account))
        if amount:
            put = {"account": account, "transfer_id": "in", "transfer_kind": 1, "amount": amount, "currency": ACME}
            commands.append(wire.Transfer(**put))
    for command in commands:
        (event,) = wire.decode_events(step(engine, command.encode(), START_NS))
        assert not isinstance(event, wire.CommandRefused), event
    return engine


def do(engine: Any, **fields: Any) -> list[Any]:
    command = wire.ApplyAction(**{"instrument": ACME, "action_id": "x", **fields})
    events = wire.decode_events(step(engine, command.encode(), START_NS))
    check(engine)
    return events


def fund(engine: Any, amount: int) -> None:
    leg = wire.Leg(debit_code=100, credit_code=430, currency=USD, amount=amount)
    step(engine, wire.PostGroup(group_id="fund", count=1, legs=leg.encode()).encode(), START_NS)


# ----------------------------------------------------------------------------------------------- the draw


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    lots=st.lists(st.integers(1, 10**6), min_size=1, max_size=12),
    part=st.fractions(0, 1),
    seed=st.integers(0, 2**64 - 1),
)
def test_everybody_is_assigned_his_part_rounded_up_or_down(lots, part, seed):
    total = sum(lots)
    quantity = max(1, floor(total * part))
    short = [(10 + at, one) for at, one in enumerate(lots)]
    drawn = assigned(short, quantity, seed)
    assert sum(drawn.values()) == quantity
    for number, one in short:
        exact = Fraction(one * quantity, total)
        assert floor(exact) <= drawn[number] <= min(ceil(exact), one)
    assert assigned(short, quantity, seed) == drawn


def test_no_place_in_the_row_is_drawn_more_often_than_another() -> None:
    """One lot of ten equal shorts, 20,000 seeds: each about 2,000 times, within five standard deviations."""
    short, counts = [(at, 3) for at in range(1, 11)], dict.fromkeys(range(1, 11), 0)
    for seed in range(20_000):
        for number, one in assigned(short, 1, seed).items():
            counts[number] += one
    assert all(abs(count - 2_000) < 5 * 43 for count in counts.values()), counts


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    over=st.lists(st.integers(1, 2**63), min_size=1, max_size=3),
    under=st.lists(st.integers(1, 2**63), min_size=1, max_size=3),
)
def test_a_ratio_is_in_lowest_terms_or_refused(over, under):
    exact = Fraction(1)
    for factor in over:
        exact *= factor
    for factor in under:
        exact /= factor
    if max(exact.numerator, exact.denominator) >= 2**126:
        with pytest.raises(Refusal) as refused:
            ratio_of(over, under, 2**126)
        assert refused.value.reason is Reason.BAD_ACTION
        return
    found = ratio_of(over, under, 2**126)
    assert (found.numerator, found.denominator) == (exact.numerator, exact.denominator)


# ------------------------------------------------------------------------------------------------- limits


def test_the_native_engine_remembers_65_536_actions_and_no_more() -> None:
    engine = venue(NativeEngine, {1: 5})
    made = [
        wire.ApplyAction(instrument=ACME, action_id=f"x-{at}", action=SPLIT, numerator=1, denominator=1).encode()
        for at in range(actions.MAX_ACTIONS)
    ]
    step(engine, b"".join(made), START_NS)
    (refused,) = do(engine, action=SPLIT, numerator=1, denominator=1)
    assert (refused.reason, refused.scope) == (Reason.CAPACITY, Scope.VENUE)
    (repeat,) = do(engine, action_id="x-0", action=SPLIT, numerator=1, denominator=1)
    assert isinstance(repeat, wire.CommandDone)


def test_the_readable_engine_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MAX_ACTIONS", 2)
    engine = venue(TwinEngine, {1: 5})
    told = [do(engine, action_id=f"x-{at}", action=SPLIT, numerator=1, denominator=1) for at in range(3)]
    assert [type(events[-1]) for events in told] == [wire.ActionApplied, wire.ActionApplied, wire.CommandRefused]
    assert told[-1][0].reason == Reason.CAPACITY


@both_engines
def test_balances_that_come_into_being_are_counted_first(new_engine: Any) -> None:
    """Two holders and room for one balance more: what is spun off to both needs two."""
    engine = venue(new_engine, {1: 5, 2: 7, 3: 0}, max_balances=3)
    before = [engine.balances(account) for account in (1, 2, 3)]
    (refused,) = do(engine, action=SPIN_OFF, numerator=1, denominator=1, target=OTHER, rate=1)
    assert (refused.reason, refused.scope) == (Reason.CAPACITY, Scope.VENUE)
    assert [engine.balances(account) for account in (1, 2, 3)] == before
    *_, applied = do(engine, action=SPIN_OFF, numerator=1, denominator=6, target=OTHER, rate=1)
    assert isinstance(applied, wire.ActionApplied)  # only who has 6 of it gets one
    assert [engine.balances(account) for account in (1, 2)] == [[(ACME, 5, 0)], [(ACME, 7, 0), (OTHER, 1, 0)]]


@both_engines
def test_an_account_whose_numbers_do_not_fit_is_named_and_nobody_is_touched(new_engine: Any) -> None:
    engine = venue(new_engine, {7: 5, 9: 2**61 - 1, 11: 5})
    (refused,) = do(engine, action=SPLIT, numerator=2, denominator=1)
    assert (refused.reason, refused.scope, refused.order_slot) == (Reason.AMOUNT_OVERFLOW, Scope.ACCOUNT, 9)
    assert (refused.limit, refused.actual, refused.client_id) == (2**61, 2**62 - 2, "x")
    assert engine.balances(7) == [(ACME, 5, 0)]


@both_engines
def test_what_all_together_could_come_to_have_is_bounded(new_engine: Any) -> None:
    """Four with 2^60 each have 2^62; doubled they have 2^63, which is one too many."""
    engine = venue(new_engine, dict.fromkeys((1, 2, 3, 4), 2**60))
    (refused,) = do(engine, action=SPLIT, numerator=2, denominator=1)
    assert (refused.reason, refused.scope, refused.order_slot) == (Reason.AMOUNT_OVERFLOW, Scope.VENUE, 0)
    assert (refused.limit, refused.actual) == (2**63 - 1, 2**63)


@both_engines
def test_prices_of_parts_are_exact_at_any_size(new_engine: Any) -> None:
    """Five lots in parts of 2^-32, each worth 2^60 / (2^32 - 1): the product passes 64 bits."""
    engine = venue(new_engine, {1: 5})
    fund(engine, 2**62)
    event, applied = do(engine, action=SPLIT, price=2**60, numerator=1, denominator=2**32 - 1)
    exact = Fraction(5 * 2**60, 2**32 - 1)
    assert (event.money, applied.clearing, applied.rounding) == (floor(exact), ceil(exact), 1)
    assert do(engine, action_id="y", action=CASH_DIVIDEND, amount=2**63 - 1, amount_scale=18)[0].count == 0


@both_engines
def test_a_part_that_is_whole_is_not_rounded_where_products_pass_128_bits(new_engine: Any) -> None:
    """2^49 × 5^18 parts of a lot, each worth price / (2^49 × 5^18): exactly the price, by a product of 140 bits."""
    engine = venue(new_engine, {1: 2**49 * 5**5}, tick_scale=18, lot=5**26)
    fund(engine, 2**60)
    price = 10**15 + 1
    event, applied = do(engine, action=SPLIT, numerator=5**13, denominator=2**31, price=price)
    assert (event.money, applied.clearing, applied.rounding) == (price, price, 0)


@both_engines
def test_accounts_are_gone_through_by_number_whenever_they_were_opened(new_engine: Any) -> None:
    engine = venue(new_engine, {9: 5, 3: 5, 70_000: 5, 2: 5, 5: 0})
    *told, _ = do(engine, action=SPLIT, numerator=2, denominator=1)
    assert [event.account for event in told] == [2, 3, 9, 70_000]


@both_engines
@pytest.mark.parametrize("seed", range(6))
def test_shorts_stand_in_the_row_by_number_too(new_engine: Any, seed: int) -> None:
    """Of 2, 3 and 9, short of 1, 2 and 4, three are assigned: as the rule has it, whoever was opened first."""
    engine = venue(new_engine, {9: 0, 3: 0, 2: 0, 5: 0})
    legs = [
        wire.Leg(debit_account=account, credit_account=5, currency=ACME, amount=lots)
        for account, lots in ((9, 4), (3, 2), (2, 1))
    ]
    legs.append(wire.Leg(debit_code=900, credit_account=5, currency=USD, amount=100))
    raw = b"".join(leg.encode() for leg in legs)
    step(engine, wire.PostGroup(group_id="g", count=4, flags=1, legs=raw).encode(), START_NS)
    fields = {"account": 5, "quantity": 3, "numerator": 1, "right": 1, "target": OTHER, "price": 1}
    *told, _ = do(engine, action=EXERCISE, seed=seed, **fields)
    drawn = assigned([(2, 1), (3, 2), (9, 4)], 3, seed)
    assert {event.account: event.asset for event in told} == {n: lots for n, lots in drawn.items() if lots} | {5: -3}


@both_engines
def test_many_in_one_buffer_are_as_one_by_one(new_engine: Any) -> None:
    made = [
        wire.ApplyAction(instrument=ACME, action_id=f"x-{at}", action=SPLIT, numerator=3, denominator=2).encode()
        for at in range(5)
    ]
    one, other = venue(new_engine, {1: 101, 2: 7}), venue(new_engine, {1: 101, 2: 7})
    together = step(one, b"".join(made), START_NS)
    assert together == b"".join(step(other, raw, START_NS) for raw in made)
    assert one.state_hash() == other.state_hash()


def test_every_field_that_a_kind_does_not_use_is_bad_content() -> None:
    """Each field set where it means nothing, and each that a kind needs left out: both engines, with the same bytes."""
    full = dict.fromkeys(
        ("account", "right", "amount_scale", "target", "numerator", "denominator", "price", "amount", "rate"), 1
    ) | {"quantity": 1, "seed": 1}
    kinds = {
        SPLIT: (("numerator", "denominator"), ("price",)),
        CASH_DIVIDEND: (("amount",), ("amount_scale",)),
        SPIN_OFF: (("target", "numerator", "denominator"), ("price", "rate")),
        EXERCISE: (("account", "right", "target", "numerator", "price", "quantity"), ("seed",)),
    }
    engines = venue(NativeEngine, {1: 5}), venue(TwinEngine, {1: 5})
    for kind, (needs, may) in kinds.items():
        good = {name: full[name] for name in (*needs, *may)}
        for name in set(full) - set(may):
            fields = {n: v for n, v in good.items() if n != name} if name in needs else good | {name: 1}
            for engine in engines:
                (event,) = do(engine, action=kind, **fields)
                assert event.reason == Reason.BAD_COMMAND, (kind, name)


# --------------------------------------------------------------------------------------------- conservation


@both_engines
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    holders=st.lists(st.integers(0, 10**6), min_size=1, max_size=6),
    ratio=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    price=st.integers(0, 10**6),
    amount=st.integers(1, 10**6),
)
def test_money_and_assets_are_conserved_to_the_unit(new_engine, holders, ratio, price, amount):
    """What holders got is what 430 gave less what 410 kept; custody has what they hold; each has his exact part, cut."""
    engine = venue(new_engine, dict(enumerate(holders, 1)))
    fund(engine, 10**15)
    over, under = ratio
    *told, applied = do(engine, action=SPLIT, numerator=over, denominator=under, price=price)
    for event in told:
        held = holders[event.account - 1]
        whole, rest = divmod(held * over, under)
        assert (held + event.asset, event.money) == (whole, floor(Fraction(rest * price, under)))
    assert applied.clearing == ceil(sum(Fraction(held * over % under * price, under) for held in holders))
    assert applied.clearing - applied.rounding == sum(event.money for event in told)
    *paid, dividend = do(engine, action_id="d", action=CASH_DIVIDEND, amount=amount, amount_scale=3)
    held_now = engine.totals(ACME)[0]
    assert dividend.clearing == ceil(Fraction(held_now * amount, 1000))
    assert dict(engine.house(ACME)).get(100, 0) == held_now
    assert dict(engine.house(USD)).get(430, 0) == 10**15 - applied.clearing - dividend.clearing
    assert dict(engine.house(USD)).get(410, 0) == applied.rounding + dividend.rounding
    assert sum(event.money for event in (*told, *paid)) == engine.totals(USD)[0]


def test_a_snapshot_knows_actions_and_what_they_left_of_positions() -> None:
    """Cut in the middle of a market of actions: what goes on from it is what would have gone on, ids included."""
    rng, market = random.Random(11), ActionMarket(random.Random(11))
    engine, sent = started(NativeEngine()), []
    for _ in range(1_500):
        command = market.next()
        market.hear(step(engine, command.raw, command.time_ns))
        sent.append(command)
    again = NativeEngine.restore(engine.snapshot())
    assert again.snapshot() == engine.snapshot()
    check(again)
    for _ in range(700):
        command = market.next() if rng.random() < 0.8 else rng.choice(sent)
        told = step(engine, command.raw, command.time_ns)
        market.hear(told)
        assert step(again, command.raw, command.time_ns) == told
    check(again)
    assert state_of(again) == state_of(engine)
