"""What a trade costs: fees, principal, holds.

Goal: the golden cases of money.md 1.3, 1.4 and 2.5, and the order values of behaviour.md 4, to the last minor unit.
Method: the cases as they stand there, traded through both engines.
"""

import pytest

from quantumcore.contracts import wire
from tests.support.desk import ALICE, BOB, BTC, BUY, COIN, IOC, SELL, USD, Desk, coin, instrument, of
from tests.support.engines import both_engines, check

pytestmark = [both_engines, pytest.mark.hazard("F5"), pytest.mark.hazard("F9")]
TEN_BP, FIVE_BP, ONE_BP = 100_000, 50_000, 10_000


def trades(desk: Desk, *order: object, **changes: object) -> list[wire.TradePrinted]:
    return of(wire.TradePrinted, desk.submit(*order, **changes))


def test_a_hundred_fills_cost_the_fee_of_one(new_engine):
    """100 fills of 1.23 at 10 bp: 0.13 in all; a ceiling per fill would take 1.00."""
    desk = Desk(new_engine, instrument(taker_fee=TEN_BP)).rich()
    for _ in range(100):
        desk.rest(BOB, SELL, "1", "1.23")
    fills = trades(desk, ALICE, BUY, "100", "1.23")
    assert len(fills) == 100
    assert sum(fill.taker_fee for fill in fills) == 13
    assert {fill.taker_fee for fill in fills} == {0, 1}


@pytest.mark.parametrize(
    ("price", "fee"),
    [
        ("1.23", 1),
        ("99.99", 10),
        ("149.99", 15),
        ("155.55", 16),
        ("10001.00", 1001),
        ("5000000.00", 500_000),
        ("100000", 10_000),
    ],
)
def test_a_single_fill_at_ten_basis_points(new_engine, price, fee):
    """1.23 -> 0.01; 99.99 -> 0.10; 149.99 -> 0.15; 155.55 -> 0.16; 10,001.00 -> 10.01; 5,000,000.00 -> 5,000.00."""
    desk = Desk(new_engine, instrument(taker_fee=TEN_BP)).rich()
    desk.rest(BOB, SELL, "1", price)
    assert [fill.taker_fee for fill in trades(desk, ALICE, BUY, "1", price)] == [fee]


@pytest.mark.parametrize(("price", "fee"), [("150.00", 100), ("20000.00", 200)])
def test_a_minimum_falls_due_once(new_engine, price, fee):
    """Minimum 1.00 at 1 bp: 150.00 -> 1.00; 20,000.00 -> 2.00."""
    desk = Desk(new_engine, instrument(taker_fee=ONE_BP, minimum_fee=100)).rich()
    desk.rest(BOB, SELL, "1", price)
    (fill,) = trades(desk, ALICE, BUY, "1", price)
    assert fill.taker_fee == fee
    assert fill.maker_fee == 100


def test_the_minimum_is_charged_with_the_first_fill_and_not_again(new_engine):
    desk = Desk(new_engine, instrument(taker_fee=ONE_BP, maker_fee=ONE_BP, minimum_fee=100)).rich()
    for _ in range(3):
        desk.rest(BOB, SELL, "1", "150.00")
    assert [fill.taker_fee for fill in trades(desk, ALICE, BUY, "3", "150.00")] == [100, 0, 0]


def test_three_lots_of_a_coin_round_in_favour_of_nobody(new_engine):
    """Lot 0.00001 BTC, three fills of a lot at 20,000.01: the buyer pays 0.21, 0.20, 0.20; the seller gets 0.20 each."""
    desk = Desk(new_engine, coin()).rich()
    desk.rest(ALICE, BUY, "0.00003", "20000.01", instrument=COIN)
    fills = [trades(desk, BOB, SELL, "0.00001", "20000.01", instrument=COIN)[0] for _ in range(3)]
    paid = [fill.paid for fill in fills]
    received = [fill.received for fill in fills]
    assert paid == [21, 20, 20]
    assert received == [20, 20, 20]
    assert desk.engine.totals(USD)[4] == 1


def test_the_worked_case_of_the_ledger(new_engine):
    """Alice buys 0.3 BTC from Bob's two orders: every row of money.md 2.5."""
    desk = Desk(new_engine, coin(taker_fee=TEN_BP, maker_fee=FIVE_BP))
    desk.fund(ALICE, USD, 1_000_000)
    desk.fund(BOB, BTC, 10**8)
    desk.rest(BOB, SELL, "0.1", "19990.00", instrument=COIN)
    desk.rest(BOB, SELL, "0.2", "20000.00", instrument=COIN)
    assert desk.balance(BOB, BTC) == (10**8, 3 * 10**7)
    accepted, first, second = desk.submit(ALICE, BUY, "0.3", "20000.00", instrument=COIN)
    assert accepted.hold == 600_600
    assert (first.paid, first.received, first.taker_fee, first.maker_fee) == (199_900, 199_900, 200, 100)
    assert (first.taker_hold, first.maker_hold, first.asset) == (400_400, 0, 10**7)
    assert (second.paid, second.received, second.taker_fee, second.maker_fee) == (400_000, 400_000, 400, 200)
    assert (second.taker_hold, second.asset) == (0, 2 * 10**7)
    assert desk.balance(ALICE, USD) == (399_500, 0)
    assert desk.balance(ALICE, BTC) == (3 * 10**7, 0)
    assert desk.balance(BOB, USD) == (599_600, 0)
    assert desk.balance(BOB, BTC) == (7 * 10**7, 0)
    assert desk.engine.totals(USD) == (999_100, 0, 900, 0, 0, 1_000_000)
    assert desk.engine.totals(BTC) == (10**8, 0, 0, 0, 0, 10**8)


def test_the_worked_case_when_the_rest_is_cancelled(new_engine):
    """Only Bob's first order is at or below the limit; the cancel frees everything that was held for the rest."""
    desk = Desk(new_engine, coin(taker_fee=TEN_BP, maker_fee=FIVE_BP))
    desk.fund(ALICE, USD, 1_000_000)
    desk.fund(BOB, BTC, 10**8)
    desk.rest(BOB, SELL, "0.1", "19990.00", instrument=COIN)
    desk.rest(BOB, SELL, "0.2", "20000.01", instrument=COIN)
    accepted, fill = desk.submit(ALICE, BUY, "0.3", "20000.00", instrument=COIN)
    assert desk.balance(ALICE, USD) == (799_900, 400_400)
    assert fill.taker_hold == 400_400
    assert desk.cancel(accepted).released == 400_400
    assert desk.balance(ALICE, USD) == (799_900, 0)
    assert desk.balance(ALICE, BTC) == (10**7, 0)
    assert desk.balance(BOB, USD) == (199_800, 0)
    assert desk.balance(BOB, BTC) == (9 * 10**7, 2 * 10**7)


@pytest.mark.parametrize(
    ("terms", "quantity", "price", "value"),
    [
        ({"tick": 1, "tick_scale": 3}, "50000", "0.001", 50_00),
        ({"tick": 1, "tick_scale": 5}, "50000", "0.00001", 50),
        ({"max_price": 10**12}, "100000", "1000000", 100_000_000_000_00),
        ({"multiplier": 50, "tick": 25}, "3", "4000.25", 3 * 50 * 400_025),
    ],
)
def test_the_value_of_an_order_is_exact(new_engine, terms, quantity, price, value):
    """0.001 x 50,000 = 50; 0.00001 x 50,000 = 0.5; 1,000,000 x 100,000; and a multiplier counts."""
    desk = Desk(new_engine, instrument(**terms)).rich()
    assert desk.rest(ALICE, BUY, quantity, price).hold == value


def test_a_rebate_is_paid_to_the_maker_and_rounded_down_over_the_whole_order(new_engine):
    desk = Desk(new_engine, instrument(taker_fee=TEN_BP, maker_fee=-20_000)).rich()
    desk.rest(BOB, SELL, "10", "9.99")
    rebates = [trades(desk, ALICE, BUY, "1", "9.99", time_in_force=IOC)[0].maker_fee for _ in range(10)]
    assert sum(rebates) == -1  # floor(99.90 × 2 bp)
    assert set(rebates) == {0, -1}
    customers, _, fees, paid, rounding, deposited = desk.engine.totals(USD)
    assert (fees, paid, rounding) == (10, 1, 0)
    assert customers + fees - paid + rounding == deposited


def test_an_order_never_pays_a_dearer_rate_than_when_it_was_accepted(new_engine):
    desk = Desk(new_engine, instrument(taker_fee=TEN_BP, maker_fee=FIVE_BP)).rich()
    desk.rest(BOB, SELL, "1", "100.00")
    desk.rest(BOB, SELL, "1", "100.00")
    desk.do(instrument(taker_fee=2 * TEN_BP, maker_fee=2 * FIVE_BP))
    (fill,) = trades(desk, ALICE, BUY, "1", "100.00")
    assert (fill.taker_fee, fill.maker_fee) == (20, 5)
    desk.do(instrument(taker_fee=0, maker_fee=0))
    (fill,) = trades(desk, ALICE, BUY, "1", "100.00")
    assert (fill.taker_fee, fill.maker_fee) == (0, 0)
    check(desk.engine)


def test_buying_better_than_the_limit_frees_the_difference(new_engine):
    desk = Desk(new_engine, instrument(taker_fee=TEN_BP)).rich()
    desk.rest(BOB, SELL, "5", "9.00")
    accepted, fill = desk.submit(ALICE, BUY, "10", "10.00")
    assert (accepted.hold, fill.paid, fill.taker_fee) == (10_010, 4_500, 5)
    assert fill.taker_hold == 5_000 + 10 - 5  # ceil(9.5) of both halves, less what was charged
    assert desk.balance(ALICE, USD) == (10**15 - 4_505, 5_005)
