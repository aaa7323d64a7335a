"""No money passes 2^63 - 1 minor units: an order that could bring it there is refused, a rebate that could is not paid.

Goal: where amounts are largest the answer is a refusal with its numbers, never an engine that stops.
Method: both engines; each way to the bound step by step, and seeded markets of two accounts that own all there may be.
"""

import random
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.core._native import Engine as NativeEngine
from quantumcore.core.twin import Engine as TwinEngine
from tests.support.desk import (
    ALICE,
    BETWEEN,
    BOB,
    BUY,
    NONE,
    SELL,
    SHARE,
    USD,
    XYZ,
    Desk,
    instrument,
    of,
)
from tests.support.engines import both_engines, check

MAX = 2**63 - 1
MOST_TICKS_LOTS = 2**96 - 1
DEAR = 2**61  # cents: three of them are kept, four are not
COMMANDS = 1_500

WIDE = {"tick_scale": 2, "max_price": MAX, "max_quantity": MAX}


def cents(amount: int) -> str:
    """Return minor units of dollars as a price in words."""
    return f"{amount // 100}.{amount % 100:02d}"


def desk_of(new_engine, **terms: Any) -> Desk:
    """Return a desk on which ALICE owns all dollars there may be, and BOB all shares."""
    desk = Desk(new_engine, instrument(**(WIDE | terms)))
    desk.fund(ALICE, USD, MAX)
    desk.fund(BOB, XYZ, MAX)
    return desk


def pay_back(desk: Desk, amount: int) -> None:
    """BOB gives ALICE dollars."""
    event = desk.do(
        wire.Transfer(
            account=BOB,
            to_account=ALICE,
            amount=amount,
            currency=USD,
            transfer_kind=BETWEEN,
            transfer_id=desk.new_id(),
        )
    )
    assert isinstance(event, wire.TransferPosted), event


@both_engines
class TestSells:
    """A sell trades at the bids it meets, which may stand far above its own price."""

    @pytest.mark.parametrize(("lots", "passes"), [(3, True), (4, False)])
    @pytest.mark.parametrize("price", ["0.01", None])
    def test_a_sell_is_judged_at_the_best_bid_that_it_meets(self, new_engine, lots, passes, price):
        desk = desk_of(new_engine)
        desk.rest(ALICE, BUY, "1", cents(DEAR))
        if price is None:  # a market order's collar is below the bid, too
            desk.submit(BOB, SELL, "1", cents(DEAR))
            desk.rest(ALICE, BUY, "1", cents(DEAR))
        event = desk.submit(BOB, SELL, str(lots), price)[0]
        if passes:
            assert isinstance(event, wire.OrderAccepted), event
        else:
            assert (event.reason, event.scope, event.decimals) == (Reason.AMOUNT_OVERFLOW, Scope.ORDER, 2)
            assert (event.limit, event.actual) == (MAX, lots * DEAR)
        check(desk.engine)

    def test_a_sell_that_meets_no_bid_is_judged_at_its_own_price(self, new_engine):
        desk = desk_of(new_engine)
        desk.rest(ALICE, BUY, "1", cents(DEAR))
        desk.rest(BOB, SELL, "3", cents(DEAR + 1))
        refused = desk.refused(BOB, SELL, "4", cents(DEAR + 1))
        assert (refused.reason, refused.actual) == (Reason.AMOUNT_OVERFLOW, 4 * (DEAR + 1))

    def test_what_it_brought_before_counts_when_it_grows(self, new_engine):
        """Sold far above its limit, then made larger to do so again and again, while the money goes round."""
        desk = desk_of(new_engine)
        desk.rest(ALICE, BUY, "1", cents(DEAR))
        sell = desk.submit(BOB, SELL, "2", "0.01")[0]
        brought, total = DEAR, 2
        for _ in range(2):
            pay_back(desk, DEAR)
            desk.replace(sell, price=cents(DEAR + 1))
            desk.rest(ALICE, BUY, "1", cents(DEAR))
            before = desk.state()
            (refused,) = desk.replace(sell, price="0.01", quantity=str(total + 3))
            assert (refused.reason, refused.scope) == (Reason.AMOUNT_OVERFLOW, Scope.ORDER)
            assert (refused.limit, refused.actual) == (MAX, brought + 4 * DEAR)
            assert desk.state() == before
            if brought + 2 * DEAR > MAX:
                break
            (trade,) = of(wire.TradePrinted, desk.replace(sell, price="0.01", quantity=str(total + 1)))
            assert (trade.price, trade.received) == (DEAR, DEAR)
            brought, total = brought + DEAR, total + 1
        assert desk.balance(BOB, USD)[0] <= MAX
        check(desk.engine)


@both_engines
class TestWhatIsTold:
    """The number above the bound is told with the bound it is above."""

    @pytest.mark.parametrize("side", [BUY, SELL])
    def test_the_bound_of_ticks_times_lots_is_told_as_money(self, new_engine, side):
        desk = desk_of(new_engine, tick_scale=18)
        price, lots = 2**62, 2**34  # of 10^-16 cents
        command = desk.order(ALICE if side == BUY else BOB, side, str(lots), "4.611686018427387904")
        refused = desk.do(command)
        assert (refused.reason, refused.scope) == (Reason.AMOUNT_OVERFLOW, Scope.ORDER)
        assert refused.limit == MOST_TICKS_LOTS // 10**16
        assert refused.actual == -(-price * lots // 10**16)
        assert refused.limit < refused.actual


@both_engines
class TestRebates:
    """A rebate is at most what the taker pays, so the house never pays out of nothing."""

    def test_a_rebate_as_accepted_ends_when_nobody_pays_for_it(self, new_engine):
        desk = desk_of(new_engine, taker_fee=10**7, maker_fee=-(10**7))
        desk.rest(BOB, SELL, "1", cents(MAX))
        desk.do(instrument(**WIDE))  # no fees any more
        (trade,) = of(wire.TradePrinted, desk.submit(ALICE, BUY, "1", cents(MAX)))
        assert (trade.maker_fee, trade.taker_fee) == (0, 0)
        assert desk.balance(BOB, USD) == (MAX, 0)
        check(desk.engine)

    def test_a_rebate_falls_with_the_fee_that_pays_for_it(self, new_engine):
        desk = desk_of(new_engine, taker_fee=100_000, maker_fee=-100_000)
        desk.rest(BOB, SELL, "1", "1000.00")
        desk.do(instrument(**WIDE, taker_fee=30_000, maker_fee=-20_000))
        (trade,) = of(wire.TradePrinted, desk.submit(ALICE, BUY, "1", "1000.00"))
        assert (trade.maker_fee, trade.taker_fee) == (-30, 30)
        check(desk.engine)

    def test_the_fee_of_a_taker_is_the_one_as_accepted(self, new_engine):
        """The taker was accepted without a fee, so the maker who came later gets nothing of it."""
        desk = desk_of(new_engine)
        taker = desk.rest(ALICE, BUY, "1", "999.00")
        desk.do(instrument(**WIDE, taker_fee=100_000, maker_fee=-100_000))
        desk.rest(BOB, SELL, "1", "1000.00")
        (trade,) = of(wire.TradePrinted, desk.replace(taker, price="1000.00"))
        assert (trade.maker_fee, trade.taker_fee) == (0, 0)
        check(desk.engine)


@both_engines
def test_an_account_that_owns_everything_may_trade_with_itself(new_engine):
    """What leaves it comes before what arrives: never more than everything in between."""
    desk = Desk(new_engine, instrument(**WIDE, taker_fee=100_000, maker_fee=-100_000))
    desk.fund(ALICE, USD, MAX)
    desk.fund(ALICE, XYZ, MAX)
    for maker in (BUY, SELL):
        desk.rest(ALICE, maker, "3", "10.00")
        taker = desk.order(ALICE, BUY + SELL - maker, "3", "10.00", self_trade_prevention=NONE)
        (trade,) = of(wire.TradePrinted, desk.all(taker))
        assert (trade.maker_fee, trade.taker_fee) == (-3, 3)
    assert (desk.balance(ALICE, USD), desk.balance(ALICE, XYZ)) == ((MAX, 0), (MAX, 0))
    check(desk.engine)


def test_two_who_own_everything_never_stop_the_engines(seed):
    """Dear and cheap bids, sells that take them, replacements, money that goes round, fees that change."""
    rng = random.Random(seed)
    desks = [desk_of(NativeEngine), desk_of(TwinEngine)]
    orders: list[wire.OrderAccepted] = []
    traded = overflowed = 0
    for _ in range(COMMANDS):
        command = some_command(rng, desks[0], orders)
        told = [desk.all(command) for desk in desks]
        assert told[0] == told[1], f"seed {seed}: {command}"
        orders += of(wire.OrderAccepted, told[0])
        traded += len(of(wire.TradePrinted, told[0]))
        overflowed += sum(getattr(event, "reason", 0) == Reason.AMOUNT_OVERFLOW for event in told[0])
    for desk in desks:
        check(desk.engine)
    assert desks[0].engine.state_hash() == desks[1].engine.state_hash()
    assert traded > 30, f"seed {seed}: a market in which nobody trades proves nothing"
    assert overflowed > 30, f"seed {seed}: a market that stays away from the bound proves nothing"


def some_command(rng: random.Random, desk: Desk, orders: list[wire.OrderAccepted]) -> wire.Command:
    """Return one of the commands that move amounts near the bound."""
    price = cents(rng.choice((1, 2, 2**20, 2**40, DEAR - 1, DEAR, DEAR + 1, MAX)))
    lots = str(rng.choice((1, 1, 2, 3, 2**22, 2**43)))
    account = rng.choice((ALICE, BOB))
    dice = rng.random()
    if dice < 0.55 or not orders:
        stp = rng.choice((NONE, NONE, 2))
        return desk.order(account, rng.choice((BUY, SELL)), lots, price, self_trade_prevention=stp)
    if dice < 0.75:
        return desk.replacement(rng.choice(orders[-20:]), price=price, quantity=str(rng.randint(1, 12)))
    if dice < 0.8:
        order = rng.choice(orders[-20:])
        return wire.CancelOrder(account=order.account, order_sequence=order.sequence, order_slot=order.order_slot)
    if dice < 0.95:
        currency = rng.choice((USD, USD, XYZ))
        available = max(desk.balance(account, currency)[0] - desk.balance(account, currency)[1], 1)
        return wire.Transfer(
            account=account,
            to_account=ALICE + BOB - account,
            amount=rng.choice((available, available // 2 + 1)),
            currency=currency,
            transfer_kind=BETWEEN,
            transfer_id=desk.new_id(),
        )
    taker = rng.choice((0, 1, 10**5, 10**7))
    return instrument(SHARE, **WIDE, taker_fee=taker, maker_fee=rng.choice((-taker, 0, taker // 2)))
