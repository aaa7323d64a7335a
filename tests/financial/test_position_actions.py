"""What splits, mergers, spin-offs, expiries and dividends do to positions and lots (money.md 5.3).

Goal: cases counted by hand come out as they were counted; the lots sum to the position and their costs to its cost; the master
identity holds with the cash of the action; a ratio and its inverse lead back where there was no part of a lot; and all of it is
the same when the records are done again.
Method: the room's pure functions, with numbers by hand; hypothesis for the laws; random markets of the readable engine.
"""

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.wire import PositionAdjusted
from quantumcore.services.positions import snapshots
from quantumcore.services.positions.actions import Before, changes_of
from quantumcore.services.positions.domain import FLAT, Cause, Change, Fill, Kind, Position, Terms, after_fill
from quantumcore.services.positions.folding import EVERYBODY, Choices, Folding, new_events
from quantumcore.services.positions.lots import METHODS, Method
from quantumcore.services.positions.pnl import ONE, Form, contract
from quantumcore.services.positions.replay import after_change, replay
from tests.support.events import blank
from tests.support.ledgers import random_market
from tests.support.position_rooms import catalogue_of
from tests.support.streams_actions import ActionMarket

LINEAR = contract(Form.LINEAR)
CENTS = contract(Form.LINEAR, tick_scale=2)
SPLIT, STOCK_DIVIDEND, CASH_DIVIDEND, CONVERSION, SPIN_OFF = 1, 2, 3, 4, 5
ADJUSTMENT, SETTLEMENT, EXERCISE, FUNDING = 6, 7, 8, 9
OLD, NEW = 1, 2  # instruments


def bought(*fills: tuple[int, int], method: Method = Method.AVERAGE, of=LINEAR) -> Position:
    """Return the position after fills of (quantity, price), at sequences 1, 2, ..."""
    position = FLAT
    for at, (quantity, price) in enumerate(fills, 1):
        fill = Fill(quantity=quantity, price=price, sequence=at, time_ns=at)
        position, _ = after_fill(position, fill, of, Terms(method))
    return position


def did(
    own: Position,
    action: int,
    quantity: int,
    other: Position = FLAT,
    other_quantity: int = 0,
    of=LINEAR,
    **fields: int,
) -> tuple[Position, Position, list[Change]]:
    """Return (the position, the target's, what happened) after an action; every record is done once more."""
    given = {"sequence": 100 + own.version, "time_ns": 100, "numerator": 1, "denominator": 1, "action": action}
    given |= {"before": own.quantity, "quantity": quantity}
    given |= {"target_before": other.quantity, "target_quantity": other_quantity}
    event = blank(PositionAdjusted, **{**given, **fields})
    stands, told = [own, other], []
    for leg, after, changes in changes_of(event, Before(own, of, 10**16, Terms()), Before(other, of, 10**16, Terms())):
        again = stands[leg]
        for change in changes:
            again = after_change(again, change, of)
        assert again == after
        stands[leg] = after
        told += changes
    return stands[0], stands[1], told


def lots(position: Position) -> list[tuple[int, int, int]]:
    """Return (quantity, cost in whole units of the currency, sequence of the opening fill) of each lot."""
    found = [(lot.quantity, lot.cost, lot.sequence) for lot in position.open_lots]
    assert all(cost % ONE == 0 for _, cost, _ in found)
    return [(quantity, cost // ONE, sequence) for quantity, cost, sequence in found]


# ------------------------------------------------------------------------------------------ counted by hand


def test_three_for_two_of_an_odd_holding() -> None:
    """101 at 30.00 cost 3,030.00. 151.5 become 151; the half, of 20.00 cost, is sold for half of 25.00: 12.50 - 10.00 = 2.50."""
    own = bought((101, 3000), of=CENTS)
    after, _, (change,) = did(own, SPLIT, 151, of=CENTS, numerator=3, denominator=2, price=2500)
    assert (after.quantity, after.cost, after.realised) == (151, 3020 * ONE, 25 * ONE // 10)
    assert (change.kind, change.cause, change.quantity) == (Kind.ADJUSTED, Cause.SPLIT, 50)
    assert (change.value, change.relieved) == (-125 * ONE // 10, 10 * ONE)
    assert (after.opened_price, after.version, after.cycles) == (2000, 2, 0)


def test_three_for_two_of_an_odd_short() -> None:
    """-101 at 30.00: the half is bought back for 12.50, having brought 10.00."""
    after, _, _ = did(bought((-101, 3000), of=CENTS), SPLIT, -151, of=CENTS, numerator=3, denominator=2, price=2500)
    assert (after.quantity, after.cost, after.realised) == (-151, -3020 * ONE, -25 * ONE // 10)


def test_lots_are_split_one_by_one_and_keep_their_costs() -> None:
    """3 at 10, 4 at 20, 5 at 30, three for two: 4.5, 6, 7.5: the running sums 4, 10, 18, and nothing is over."""
    own = bought((3, 10), (4, 20), (5, 30), method=Method.FIFO)
    after, _, _ = did(own, SPLIT, 18, numerator=3, denominator=2, price=10)
    assert lots(after) == [(4, 30, 1), (6, 80, 2), (8, 150, 3)]
    assert (after.cost, after.realised) == (260 * ONE, 0)
    assert [lot.price for lot in after.lots] == [7, 13, 20]  # half-even of 6.67, 13.33, 20


def test_one_for_ten_joins_what_is_less_than_one_to_the_next_lot() -> None:
    """4 at 10, 9 at 20, 12 at 30: the running sums 0, 1, 2, and half of one is over, of the youngest lot's 1.5."""
    own = bought((4, 10), (9, 20), (12, 30), method=Method.LIFO)
    after, _, (change,) = did(own, SPLIT, 2, numerator=1, denominator=10, price=300)
    assert lots(after) == [(1, 220, 2), (1, 240, 3)]  # of 360 for 1.5 the half has gone for 120
    assert (change.relieved, change.value, after.realised) == (120 * ONE, -150 * ONE, 30 * ONE)


def test_a_price_beyond_63_bits_stays_there() -> None:
    """It is shown and orders lots; the cost is exact all the same, and the tables can keep it."""
    own = bought((2**15, 2**50), method=Method.HIFO)
    after, _, _ = did(own, SPLIT, 2, numerator=1, denominator=2**14)
    assert (after.lots[0].price, after.opened_price, after.cost) == (2**63 - 1, 2**63 - 1, own.cost)


def test_a_position_of_less_than_one_is_closed() -> None:
    after, _, (change,) = did(bought((4, 10)), SPLIT, 0, numerator=1, denominator=10, price=90)
    assert (after.quantity, after.cost, after.realised, after.cycles) == (0, 0, -4 * ONE, 1)
    assert (change.stands_quantity, change.realised) == (0, -4 * ONE)


def test_a_dividend_and_funding_have_lines_of_their_own() -> None:
    own = bought((10, 30))
    paid, _, (change,) = did(own, CASH_DIVIDEND, 10, money=250)
    assert (paid.dividends, paid.funding, paid.realised, paid.cost) == (250 * 10**16, 0, 0, own.cost)
    assert (change.quantity, change.income, change.realised) == (0, 250 * 10**16, 0)
    funded, _, _ = did(paid, FUNDING, 10, money=-99)
    assert (funded.dividends, funded.funding, funded.version) == (250 * 10**16, -99 * 10**16, 3)
    assert did(own, FUNDING, 10, money=0) == (own, FLAT, [])


def test_a_spin_off_takes_its_part_of_the_cost_along() -> None:
    """100 at 10 and 10 at 20; one for three, 20 % of the cost: of 1,000 and 200 go 200 and 40, the rest stays.

    33 and 3.67 become 33 and 3: of the 40 for 3.67, two thirds of one cost 40 × 2/11, and are sold for 2/3 × 30 = 20.
    """
    own = bought((100, 10), (10, 20), method=Method.FIFO)
    parent, child, (gave, got) = did(
        own, SPIN_OFF, 110, FLAT, 36, numerator=1, denominator=3, price=30, rate=20_000_000, target=NEW
    )
    assert lots(parent) == [(100, 800, 1), (10, 160, 2)]
    assert (parent.cost, parent.realised, gave.value) == (960 * ONE, 0, -240 * ONE)
    relieved = round(40 * ONE * 2 / 11)
    assert abs(got.relieved - relieved) < ONE // 10**3
    assert [(lot.quantity, lot.sequence, lot.held_ns) for lot in child.lots] == [(33, 1, 1), (3, 2, 2)]
    assert child.cost == 240 * ONE - got.relieved
    assert child.realised == 20 * ONE - got.relieved
    assert parent.cost + child.cost + got.relieved == own.cost


@pytest.mark.parametrize("method", list(Method))
def test_a_merger_carries_lots_and_their_holding_periods_over(method: Method) -> None:
    """7 at 10 and 8 at 13, two for one, into nothing: 14 at 5 and 16 at 6.5, under the method they had."""
    own = bought((7, 10), (8, 13), method=method)
    left, got, told = did(own, CONVERSION, 0, FLAT, 30, numerator=2, denominator=1, price=6, target=NEW)
    assert (left.quantity, left.cost, left.realised, left.cycles, left.lots) == (0, 0, 0, 1, ())
    assert (got.quantity, got.cost, got.realised, got.method) == (30, 174 * ONE, 0, method)
    assert [change.cause for change in told] == [Cause.CONVERSION] * 2
    if method is not Method.AVERAGE:
        assert lots(got) == [(14, 70, 1), (16, 104, 2)]
        assert [lot.price for lot in got.lots] == [5, 6]  # half-even of 6.5
    assert got.open_lots[0].held_ns == 1


def test_what_is_carried_stands_before_what_was_bought_later() -> None:
    """The lots of the target are of sequence 1 and 2, those that come of 1 to 3: in order of their opening."""
    own, target = bought((5, 10), (5, 11), (5, 12), method=Method.FIFO), bought((9, 7), (9, 8), method=Method.FIFO)
    _, got, _ = did(own, CONVERSION, 0, target, 33, price=9, target=NEW)
    assert [(lot.sequence, lot.quantity) for lot in got.lots] == [(1, 9), (1, 5), (2, 9), (2, 5), (3, 5)]
    assert len({lot.number for lot in got.lots}) == 5
    closed, _ = after_fill(got, Fill(quantity=-14, price=20, sequence=200), LINEAR)
    assert closed.realised == (14 * 20 - 9 * 7 - 5 * 10) * ONE


def test_what_meets_an_opposite_position_closes_it_at_its_cost() -> None:
    """10 at 5 come to -4 at 9: four are bought back at 5, six are left at 5."""
    _, got, told = did(bought((10, 5)), CONVERSION, 0, bought((-4, 9)), 6, price=8, target=NEW)
    assert (got.quantity, got.cost, got.realised, got.cycles) == (6, 30 * ONE, 16 * ONE, 1)
    assert told[1].realised == 16 * ONE


def test_an_option_expires_long_and_short() -> None:
    """10 bought at 3.00, settled at 7.00: 40; and the other side loses them. At 0 the premium is lost, or won."""
    for price, result in ((7, 40), (0, -30)):
        for sign in (1, -1):
            after, _, (change,) = did(bought((10 * sign, 3)), SETTLEMENT, 0, price=price)
            assert (after.quantity, after.cost, after.realised) == (0, 0, sign * result * ONE)
            assert (change.kind, change.cause, after.cycles) == (Kind.CLOSED, Cause.SETTLEMENT, 1)


def test_an_exercised_option_closes_for_nothing_and_its_stock_trades_at_the_strike() -> None:
    """2 calls at 3, 100 each, strike 50: the premium of 6 is realised, 200 stand at 50. Of 5 shorts at 4, 2 are assigned."""
    option, stock, told = did(
        bought((2, 3)), EXERCISE, 0, bought((10, 40)), 210, price=50, numerator=100, target=NEW, right=1
    )
    assert (option.quantity, option.realised) == (0, -6 * ONE)
    assert (stock.quantity, stock.cost, stock.realised) == (210, 10_400 * ONE, 0)
    assert [(change.kind, change.cause) for change in told] == [
        (Kind.CLOSED, Cause.EXERCISE),
        (Kind.INCREASED, Cause.EXERCISE),
    ]
    short, stock, _ = did(bought((-5, 4)), EXERCISE, -3, FLAT, -200, price=50, numerator=100, target=NEW, right=1)
    assert (short.quantity, short.realised, short.cost) == (-3, 8 * ONE, -12 * ONE)
    assert (stock.quantity, stock.cost) == (-200, -10_000 * ONE)


def test_a_flip_by_exercise_is_closed_and_opened() -> None:
    _, stock, told = did(
        bought((1, 3)), EXERCISE, 0, bought((-40, 60)), 60, price=50, numerator=100, target=NEW, right=1
    )
    assert [change.kind for change in told] == [Kind.CLOSED, Kind.CLOSED, Kind.OPENED]
    assert (stock.quantity, stock.cost, stock.realised) == (60, 3_000 * ONE, 400 * ONE)


def test_an_engine_that_has_other_lots_is_refused() -> None:
    for before, quantity in ((9, 15), (10, 14)):
        with pytest.raises(Corrupted, match=r"position\.mismatch"):
            did(bought((10, 5)), SPLIT, quantity, before=before, numerator=3, denominator=2)


# --------------------------------------------------------------------------------------------------- laws

fills = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 10**6)), min_size=1, max_size=8)
ratios = st.tuples(st.integers(1, 40), st.integers(1, 40))
methods = st.sampled_from(list(Method))


def adds_up(position: Position) -> None:
    assert sum(lot.quantity for lot in position.open_lots) == position.quantity
    assert sum(lot.cost for lot in position.open_lots) == position.cost
    assert all(lot.quantity for lot in position.open_lots)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(fills=fills, ratio=ratios, method=methods, short=st.booleans(), price=st.integers(0, 10**6))
def test_what_a_ratio_does_adds_up(fills, ratio, method, short, price):
    """Lots = position, costs = cost, and realised + unrealised = cash + value with the cash that a part of a lot was paid."""
    sign = -1 if short else 1
    own = bought(*((sign * quantity, at) for quantity, at in fills), method=method)
    over, under = ratio
    lots_after = sign * (abs(own.quantity) * over // under)
    after, _, (change,) = did(own, SPLIT, lots_after, numerator=over, denominator=under, price=price)
    adds_up(after)
    assert after.realised - after.cost == own.realised - own.cost - change.value
    exact = abs(own.quantity) * over % under * price * ONE / under
    assert abs(abs(change.value) - exact) <= exact / 10**12 + 1


@settings(max_examples=300, deadline=None, derandomize=True)
@given(fills=fills, ratio=ratios, method=methods)
def test_a_ratio_and_its_inverse_lead_back(fills, ratio, method):
    over, under = ratio
    own = bought(*((quantity * under, at) for quantity, at in fills), method=method)
    there, _, _ = did(own, SPLIT, own.quantity // under * over, numerator=over, denominator=under)
    back, _, _ = did(there, SPLIT, own.quantity, numerator=under, denominator=over)
    assert (back.quantity, back.cost, back.realised) == (own.quantity, own.cost, own.realised)
    assert [(lot.quantity, lot.cost) for lot in back.lots] == [(lot.quantity, lot.cost) for lot in own.lots]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    fills=fills,
    others=st.lists(st.tuples(st.integers(-300, 300).filter(bool), st.integers(1, 10**6)), max_size=4),
    ratio=ratios,
    method=methods,
    rate=st.one_of(st.none(), st.integers(0, 10**8)),
    price=st.integers(0, 10**6),
)
def test_what_is_carried_adds_up(fills, others, ratio, method, rate, price):
    """A merger (no rate) or a spin-off: of both positions together nothing is lost but what a part of a lot was paid."""
    own, target = bought(*fills, method=method), bought(*others, method=method)
    over, under = ratio
    got = own.quantity * over // under
    action, left = (CONVERSION, 0) if rate is None else (SPIN_OFF, own.quantity)
    after, child, (gave, took) = did(
        own,
        action,
        left,
        target,
        target.quantity + got,
        numerator=over,
        denominator=under,
        price=price,
        rate=rate or 0,
        target=NEW,
    )
    adds_up(after)
    adds_up(child)
    for was, now, change in ((own, after, gave), (target, child, took)):
        assert now.realised - now.cost == was.realised - was.cost - change.value
    rest = own.quantity * over % under * price * ONE / under
    assert abs(-gave.value - took.value - rest) <= rest / 10**12 + 1


def told_by(seed: int) -> Iterator[tuple[Folding, dict, dict]]:
    engine, batches = random_market(seed, 900, ActionMarket)
    rng, chosen = random.Random(seed), Choices()
    for account in range(1, 10):
        for instrument in range(1, 8):
            chosen.add(
                (account, instrument), 1, Terms(rng.choice(list(METHODS.values())), wash_sales=rng.random() < 0.5)
            )
    instruments = catalogue_of(batches).instruments
    folding = Folding({}, {}, instruments, chosen)
    folding.enter(new_events(batches, 0).events)
    yield folding, instruments, {key: lots for key, lots in engine._venue.positions.items() if lots}


@pytest.mark.parametrize("run", range(6))
def test_in_a_random_market_everything_adds_up_and_can_be_done_again(seed: int, run: int) -> None:
    """The engine's lots; the identity, washed losses included, by the values of the records alone; replay to the same digest."""
    for folding, instruments, theirs in told_by(seed + run):
        assert {key: one.quantity for key, one in folding.positions.items() if one.quantity} == theirs
        cash: Counter[tuple[int, int]] = Counter()
        causes: Counter[int] = Counter()
        for account, instrument, change in folding.told:
            if account != EVERYBODY:
                cash[account, instrument] -= change.value
                causes[change.cause] += 1
        for key, position in folding.positions.items():
            adds_up(position)
            assert position.realised - position.cost == cash[key]
        assert len(causes) > 5
        again = replay({}, {}, folding.told, instruments)
        assert snapshots.digest(*again) == snapshots.digest(folding.positions, folding.marks)
