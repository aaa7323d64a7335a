"""The engine's money is exact: the golden cases of fees, rounding and settlement.

Goal: every figure that was computed by hand comes out of the engine to the last minor unit.
Method: raw commands into the native engine; balances, holds and house totals read back after each.
"""

import pytest

from quantumcore.core import _native
from tests.support.commands import (
    ACME,
    BTC,
    BUY,
    IOC,
    LIMIT,
    NONE,
    SELL,
    USD,
    Desk,
    cancel,
    define_instrument,
    submit,
)  # fmt: skip


@pytest.fixture
def desk() -> Desk:
    desk = Desk(_native.Engine(max_orders=1000, max_accounts=100))
    desk.currencies()
    return desk


ALICE, BOB = 1, 2


def bitcoin(desk: Desk) -> None:
    """Alice 10,000.00 USD, Bob 1 BTC; taker 10 bp, maker 5 bp."""
    desk.do(define_instrument(1, tick="0.01", lot="0.00001", taker_fee=100_000, maker_fee=50_000))
    desk.fund(ALICE, USD=1_000_000)
    desk.fund(BOB, BTC=100_000_000)


class TestWorkedCase:
    """One buyer takes two resting sells in one step; every state between is an event."""

    def test_both_orders_are_taken(self, desk):
        bitcoin(desk)
        desk.do(submit(BOB, "b1", SELL, "19990.00", "0.1"), submit(BOB, "b2", SELL, "20000.00", "0.2"))
        assert desk.balance(BOB, BTC) == (100_000_000, 30_000_000)
        accepted, first, second = desk.do(submit(ALICE, "a1", BUY, "20000.00", "0.3"))
        assert (accepted.name, accepted.hold, accepted.hold_currency) == ("OrderAccepted", 600_600, USD)
        assert (first.paid, first.received, first.taker_fee, first.maker_fee) == (199_900, 199_900, 200, 100)
        assert (first.asset, first.taker_hold, first.maker_hold) == (10_000_000, 400_400, 0)
        assert (second.paid, second.received, second.taker_fee, second.maker_fee) == (400_000, 400_000, 400, 200)
        assert (second.taker_hold, second.maker_hold, second.taker_leaves, second.maker_leaves) == (0, 0, 0, 0)
        assert desk.balance(ALICE, USD) == (399_500, 0)
        assert desk.balance(ALICE, BTC) == (30_000_000, 0)
        assert desk.balance(BOB, USD) == (599_600, 0)
        assert desk.balance(BOB, BTC) == (70_000_000, 0)
        assert desk.engine.totals(USD) == (999_100, 0, 900, 0, 0, 1_000_000)
        desk.total_is_conserved()

    def test_the_table_of_balances_after_each_fill(self, desk):
        """The row after the first fill, seen by stopping there."""
        bitcoin(desk)
        desk.do(submit(BOB, "b1", SELL, "19990.00", "0.1"))
        desk.do(submit(ALICE, "a1", BUY, "20000.00", "0.3"))
        assert desk.balance(ALICE, USD) == (799_900, 400_400)
        assert desk.balance(ALICE, BTC) == (10_000_000, 0)
        assert desk.balance(BOB, USD) == (199_800, 0)
        assert desk.engine.totals(USD)[2] == 300
        (cancelled,) = desk.do(cancel(ALICE, client_id="a1"))
        assert (cancelled.name, cancelled.released, cancelled.quantity) == ("OrderCancelled", 400_400, 20_000)
        assert desk.balance(ALICE, USD) == (799_900, 0)
        desk.total_is_conserved()


class TestFees:
    """fee = max(minimum, ceil(sum of rate x notional)) - charged, per order."""

    def share(self, desk: Desk, **terms: int) -> None:
        desk.do(define_instrument(1, base=ACME, tick="0.01", lot="1", symbol="ACME", **terms))
        desk.fund(ALICE, USD=10**12)
        desk.fund(BOB, ACME=10**9)

    def buy(self, desk: Desk, price: str, quantity: int) -> int:
        """The taker's fee of one fill."""
        desk.do(submit(BOB, f"b{desk.now}", SELL, price, quantity))
        return desk.do(submit(ALICE, f"a{desk.now}", BUY, price, quantity))[1].taker_fee

    @pytest.mark.parametrize(
        ("notional", "fee"),
        [("1.23", 1), ("99.99", 10), ("149.99", 15), ("155.55", 16), ("10001.00", 1001), ("5000000.00", 500_000)],
    )
    def test_single_fills_at_ten_basis_points(self, desk, notional, fee):
        self.share(desk, taker_fee=100_000, maker_fee=0)
        assert self.buy(desk, notional, 1) == fee

    def test_a_hundred_small_fills_cost_what_one_large_one_does(self, desk):
        self.share(desk, taker_fee=100_000, maker_fee=0)
        for i in range(100):
            desk.do(submit(BOB, f"b{i}", SELL, "1.23", 1))
        trades = desk.do(submit(ALICE, "a", BUY, "1.23", 100))[1:]
        assert len(trades) == 100
        assert sum(trade.taker_fee for trade in trades) == 13
        assert all(trade.taker_fee >= 0 for trade in trades)
        desk.total_is_conserved()

    @pytest.mark.parametrize(("notional", "fee"), [("150.00", 100), ("20000.00", 200)])
    def test_the_minimum_falls_due_with_the_first_fill(self, desk, notional, fee):
        self.share(desk, taker_fee=10_000, maker_fee=0, minimum_fee=100)
        assert self.buy(desk, notional, 1) == fee

    def test_a_minimum_is_charged_once_per_order(self, desk):
        self.share(desk, taker_fee=10_000, maker_fee=0, minimum_fee=100)
        for i in range(3):
            desk.do(submit(BOB, f"b{i}", SELL, "50.00", 1))
        trades = desk.do(submit(ALICE, "a", BUY, "50.00", 3))[1:]
        assert [trade.taker_fee for trade in trades] == [100, 0, 0]

    def test_a_rebate_is_floored_per_order(self, desk):
        self.share(desk, taker_fee=100_000, maker_fee=-20_000)
        desk.do(submit(BOB, "b", SELL, "12.34", 10))  # 2 bp of 12.34 = 0.2468 of a cent per lot
        fees = [desk.do(submit(ALICE, f"a{i}", BUY, "12.34", 1, tif=IOC))[1].maker_fee for i in range(10)]
        assert sum(fees) == -2  # floor(2.468)
        assert fees == [0, 0, 0, 0, -1, 0, 0, 0, -1, 0]
        desk.total_is_conserved()

    def test_a_dearer_rate_does_not_reach_an_older_order(self, desk):
        self.share(desk, taker_fee=100_000, maker_fee=50_000)
        desk.do(submit(BOB, "b", SELL, "100.00", 1))
        desk.do(
            define_instrument(1, base=ACME, tick="0.01", lot="1", symbol="ACME", taker_fee=200_000, maker_fee=150_000)
        )
        trade = desk.do(submit(ALICE, "a", BUY, "100.00", 1))[1]
        assert (trade.maker_fee, trade.taker_fee) == (5, 20)

    def test_a_cheaper_rate_does(self, desk):
        self.share(desk, taker_fee=100_000, maker_fee=50_000)
        desk.do(submit(BOB, "b", SELL, "100.00", 1))
        desk.do(
            define_instrument(1, base=ACME, tick="0.01", lot="1", symbol="ACME", taker_fee=50_000, maker_fee=10_000)
        )
        trade = desk.do(submit(ALICE, "a", BUY, "100.00", 1))[1]
        assert (trade.maker_fee, trade.taker_fee) == (1, 5)

    def test_a_minimum_that_meets_a_later_rebate_is_booked_as_the_event_says(self, desk):
        """The ledger knows the event only: fee 2 less rebate 10 is a rebate of 8, in the house's sums too."""
        self.share(desk, taker_fee=0, maker_fee=0, minimum_fee=2)
        desk.do(submit(BOB, "b", SELL, "100.00", 1))
        desk.do(
            define_instrument(1, base=ACME, tick="0.01", lot="1", symbol="ACME", taker_fee=100_000, maker_fee=-100_000)
        )
        trade = desk.do(submit(ALICE, "a", BUY, "100.00", 1))[1]
        assert (trade.maker_fee, trade.taker_fee) == (-8, 10)
        assert desk.engine.totals(USD)[2:4] == (10, 8)
        desk.total_is_conserved()


class TestFractionalInstrument:
    """The buyer pays ceil, the seller receives floor, both cumulative; the rest is `rounding`."""

    def test_three_fills_of_a_lot(self, desk):
        desk.do(define_instrument(1, tick="0.01", lot="0.00001", taker_fee=0, maker_fee=0))
        desk.fund(ALICE, USD=1_000)
        desk.fund(BOB, BTC=100_000)
        desk.do(submit(BOB, "b", SELL, "20000.01", "0.00003"))
        # One buy order, three fills: the seller's order is met by a buy order that rests in between.
        desk.do(cancel(BOB, client_id="b"))
        desk.do(submit(ALICE, "a", BUY, "20000.01", "0.00003"))
        rows = []
        for i in range(3):
            trade = desk.do(submit(BOB, f"s{i}", SELL, "20000.01", "0.00001", tif=IOC))[1]
            rows.append((trade.paid, trade.received))
        assert [paid for paid, _ in rows] == [21, 20, 20]
        assert [received for _, received in rows] == [20, 20, 20]
        assert desk.engine.totals(USD)[4] == 1
        desk.total_is_conserved()

    def test_one_sell_order_against_three_buys(self, desk):
        desk.do(define_instrument(1, tick="0.01", lot="0.00001", taker_fee=0, maker_fee=0))
        desk.fund(ALICE, USD=1_000)
        desk.fund(BOB, BTC=100_000)
        desk.do(submit(BOB, "b", SELL, "20000.01", "0.00003"))
        trades = [desk.do(submit(ALICE, f"a{i}", BUY, "20000.01", "0.00001"))[1] for i in range(3)]
        assert [trade.paid for trade in trades] == [21, 21, 21]  # three orders: three ceilings
        assert [trade.received for trade in trades] == [20, 20, 20]
        desk.total_is_conserved()

    def test_price_improvement_is_released(self, desk):
        desk.do(define_instrument(1, tick="0.01", lot="0.00001", taker_fee=100_000, maker_fee=0))
        desk.fund(ALICE, USD=1_000_000)
        desk.fund(BOB, BTC=100_000_000)
        desk.do(submit(BOB, "b", SELL, "10000.00", "0.01"))
        accepted, trade = desk.do(submit(ALICE, "a", BUY, "20000.00", "0.01"))
        assert accepted.hold == 20_020
        assert (trade.paid, trade.taker_fee, trade.taker_hold) == (10_000, 10, 0)
        assert desk.balance(ALICE, USD) == (1_000_000 - 10_010, 0)


def test_a_trade_with_oneself_moves_only_fees(desk):
    bitcoin(desk)
    desk.fund(BOB, USD=1_000_000)
    desk.do(submit(BOB, "s", SELL, "1000.00", "0.5", type=LIMIT))
    _accepted, trade = desk.do(submit(BOB, "b", BUY, "1000.00", "0.5", stp=NONE))
    assert (trade.maker_account, trade.account) == (BOB, BOB)
    assert desk.balance(BOB, USD) == (1_000_000 - trade.maker_fee - trade.taker_fee, 0)
    assert desk.balance(BOB, BTC) == (100_000_000, 0)
    desk.total_is_conserved()


@pytest.mark.parametrize(
    ("numerator", "denominator", "mode", "expected"),
    [
        (1235, 10, 4, 124), (2245, 10, 4, 224), (3255, 10, 4, 326),  # half-even to cents
        (25, 10, 2, 3), (-25, 10, 2, -3), (25, 10, 3, 2), (-25, 10, 3, -2),  # half-up, half-down
        (25, 10, 4, 2), (-25, 10, 4, -2), (35, 10, 4, 4), (-35, 10, 4, -4),
        (21, 10, 0, 2), (-21, 10, 0, -3), (21, 10, 1, 3), (-21, 10, 1, -2), (-20, 10, 1, -2),
        (24, 10, 2, 2), (26, 10, 3, 3), (-24, 10, 2, -2), (-26, 10, 3, -3),
    ],
)  # fmt: skip
def test_rounding_modes_mean_what_they_are_called(numerator, denominator, mode, expected):
    assert _native.round_divide(numerator, denominator, mode) == expected


def test_half_even_halves_sum_to_fifty():
    assert sum(_native.round_divide(10 * i + 5, 10, 4) for i in range(10)) == 50
