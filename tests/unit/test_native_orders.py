"""Ids, names, replacements and trades of the native engine, as docs/reference/engine.md says.

Goal: an order is found by each of its names and by no other; what it fills with, keeps and gives back is exact.
Method: raw commands into a small market; the event, the balances and `check()` are read back.
"""

import random

import pytest

from quantumcore.contracts.reasons import Reason
from quantumcore.core import _native
from tests.support.commands import (
    ACME,
    BOTH,
    BUY,
    DECREMENT,
    FOK,
    IOC,
    NEWEST,
    NO_SLOT,
    NONE,
    OLDEST,
    SELL,
    USD,
    Desk,
    advance_time,
    cancel,
    decode,
    define_currency,
    define_instrument,
    mass_cancel,
    replace,
    submit,
)  # fmt: skip
from tests.support.native_market import (
    ACCOUNT,
    ALICE,
    BOB,
    CAROL,
    MAX,
    ORDER,
    SMALL,
    accepted,
    colliding,
    market,
    raw_price,
    refused,
    tag,
)


@pytest.fixture
def desk() -> Desk:
    return market()


class TestIds:
    @pytest.mark.hazard("G4")
    def test_one_id_two_accounts_two_orders(self, desk):
        first = accepted(desk, submit(ALICE, "same", BUY, "1", 1))
        second = accepted(desk, submit(BOB, "same", SELL, "9", 1))
        assert first.order_slot != second.order_slot

    @pytest.mark.hazard("G4")
    def test_the_same_body_is_answered_again_and_another_is_refused(self, desk):
        first = accepted(desk, submit(ALICE, "a", BUY, "1", 1))
        again = desk.one(submit(ALICE, "a", BUY, "1", 1, session=99))
        assert (again.name, again.outcome, again.order_sequence, again.order_slot) == (
            "CommandDone",
            1,
            first.sequence,
            first.order_slot,
        )
        other = refused(desk, submit(ALICE, "a", BUY, "1", 2), Reason.DUPLICATE_ID, 0)
        assert (other.order_sequence, other.client_id) == (first.sequence, "a")
        desk.engine = _native.Engine.restore(desk.engine.snapshot())
        assert desk.one(submit(ALICE, "a", BUY, "1", 1)).outcome == 1

    @pytest.mark.hazard("G4")
    def test_ids_with_equal_hash_stay_apart(self):
        """Pairs found by birthday: the same tag from one account, and from two accounts with one id each."""
        desk = market()
        for slot in (0, 1):
            pairs = colliding(slot)
            for first, second in pairs:
                side, account = (BUY, ALICE) if slot == 0 else (SELL, BOB)
                price = "1" if side == BUY else "9"
                names = {accepted(desk, submit(account, name, side, price, 1)).sequence for name in (first, second)}
                assert len(names) == 2
                assert desk.one(cancel(account, client_id=first)).order_sequence == min(names)
                assert desk.one(cancel(account, client_id=second)).order_sequence == max(names)
        mine = {tag(0, f"k{i}"): f"k{i}" for i in range(90_000)}
        shared = [(mine[tag(1, f"m{i}")], f"m{i}") for i in range(90_000) if tag(1, f"m{i}") in mine]
        assert shared
        for mine_, bobs in shared:
            a, b = accepted(desk, submit(ALICE, mine_, BUY, "1", 1)), accepted(desk, submit(BOB, bobs, SELL, "9", 1))
            assert desk.one(cancel(ALICE, client_id=mine_)).order_sequence == a.sequence
            assert desk.one(cancel(BOB, client_id=bobs)).order_sequence == b.sequence

    def test_a_rejected_id_stays_rejected(self, desk):
        rejected = desk.one(submit(ALICE, "a", BUY, "1.01", 1))
        again = desk.one(submit(ALICE, "a", BUY, "1.01", 1))
        assert (again.outcome, again.order_sequence, again.order_slot) == (1, rejected.sequence, NO_SLOT)

    def test_ids_of_final_orders_are_forgotten_after_two_days(self, desk):
        hour = 3600 * 10**9
        working = accepted(desk, submit(ALICE, "working", BUY, "1", 1))
        accepted(desk, submit(ALICE, "gone", BUY, "1", 1))
        desk.do(cancel(ALICE, client_id="gone"))
        desk.engine.step(advance_time(), desk.now - 1 + 48 * hour)
        assert desk.one(cancel(ALICE, client_id="gone")).outcome == 2
        desk.now += 48 * hour
        desk.do(advance_time())
        refused(desk, cancel(ALICE, client_id="gone"), Reason.ORDER_NOT_FOUND, 0)
        assert desk.one(cancel(ALICE, client_id="working")).order_sequence == working.sequence
        desk.engine.check()


class TestNaming:
    def test_what_became_of_an_order(self, desk):
        a = accepted(desk, submit(ALICE, "a", BUY, "1", 1))
        desk.do(submit(BOB, "b", SELL, "1", 1))
        refused(desk, cancel(ALICE, client_id="a"), Reason.ORDER_FILLED, 0)
        refused(desk, cancel(ALICE, sequence=a.sequence, slot=a.order_slot), Reason.ORDER_FILLED, 0)
        refused(desk, replace(ALICE, client_id="a", price="2"), Reason.ORDER_FILLED, 0)
        c = accepted(desk, submit(ALICE, "c", BUY, "1", 1))
        assert desk.one(cancel(ALICE, sequence=c.sequence, slot=c.order_slot)).name == "OrderCancelled"
        assert desk.one(cancel(ALICE, sequence=c.sequence, slot=c.order_slot)).outcome == 2
        refused(desk, replace(ALICE, client_id="c", price="2"), Reason.ORDER_FINAL, 0)
        d = desk.one(submit(ALICE, "d", BUY, "1.01", 1))
        refused(desk, cancel(ALICE, client_id="d"), Reason.ORDER_FINAL, 0)
        refused(desk, cancel(ALICE, sequence=d.sequence, slot=NO_SLOT), Reason.ORDER_FINAL, 0)
        refused(desk, cancel(ALICE, sequence=99), Reason.ORDER_NOT_FOUND, 0)

    def test_nobody_cancels_anothers_order(self, desk):
        a = accepted(desk, submit(ALICE, "a", BUY, "1", 1))
        refused(desk, cancel(BOB, sequence=a.sequence, slot=a.order_slot), Reason.ORDER_NOT_FOUND, 0)
        refused(desk, cancel(BOB, client_id="a"), Reason.ORDER_NOT_FOUND, 0)

    @pytest.mark.hazard("B11")
    def test_a_recycled_slot_is_not_its_former_owner(self):
        """A slot reused 2^18 times: an old name never finds the newcomer, which is untouched."""
        desk = Desk(_native.Engine(**(SMALL | {"max_client_ids": 2**18 + 1})))
        desk.currencies()
        desk.do(define_instrument(1, base=ACME, symbol="ACME", lot="1"))
        desk.fund(ALICE, USD=10**6)
        first = accepted(desk, submit(ALICE, "first", BUY, "1", 1))
        old = cancel(ALICE, sequence=first.sequence, slot=first.order_slot)
        desk.do(old)
        newcomer, gone = submit(ALICE, "new-000000", BUY, "1", 1), cancel(ALICE, client_id="new-000000")
        for generation in range(2**18):
            name = b"new-%06d" % generation
            events = desk.engine.step(
                newcomer[:44] + name + newcomer[54:] + old + gone[:32] + name + gone[42:], desk.now
            )
            if generation % 4096 == 0:
                taken, answer, ended = decode(events)
                assert (taken.name, taken.order_slot) == ("OrderAccepted", first.order_slot)
                assert (answer.name, answer.outcome, answer.order_sequence) == ("CommandDone", 2, first.sequence)
                assert (ended.name, ended.order_sequence, ended.quantity) == ("OrderCancelled", taken.sequence, 1)
        assert desk.engine.balances(ALICE) == [(USD, 10**6, 0)]
        desk.engine.check()

    def test_slots_are_reused_last_freed_first(self, desk):
        slots = [accepted(desk, submit(ALICE, f"a{i}", BUY, "1", 1)).order_slot for i in range(4)]
        assert slots == [0, 1, 2, 3]
        for i in (1, 3, 0):
            desk.do(cancel(ALICE, client_id=f"a{i}"))
        assert [accepted(desk, submit(ALICE, f"b{i}", BUY, "1", 1)).order_slot for i in range(4)] == [0, 3, 1, 4]


class TestReplace:
    def test_below_filled(self, desk):
        accepted(desk, submit(ALICE, "a", BUY, "1", 10))
        desk.do(submit(BOB, "b", SELL, "1", 4))
        refused(desk, replace(ALICE, client_id="a", quantity=4), Reason.REPLACE_BELOW_FILLED, ORDER, 4, 4)
        event = accepted(desk, replace(ALICE, client_id="a", quantity=5))
        assert (event.quantity, event.leaves, event.priority_kept) == (5, 1, 1)

    def test_priority(self, desk):
        first = accepted(desk, submit(ALICE, "a", BUY, "1", 10))
        second = accepted(desk, submit(ALICE, "b", BUY, "1", 10))

        def queue():
            return [row[0] for row in desk.engine.orders(1, BUY)]

        assert desk.one(replace(ALICE, client_id="a", quantity=9)).priority_kept == 1
        assert desk.one(replace(ALICE, client_id="a", quantity=9, price="1")).priority_kept == 1
        assert queue() == [first.sequence, second.sequence]
        assert desk.one(replace(ALICE, client_id="a", quantity=10)).priority_kept == 0
        assert queue() == [second.sequence, first.sequence]
        desk.engine.check()

    def test_it_trades_when_it_crosses(self, desk):
        desk.do(submit(BOB, "s", SELL, "2", 5))
        accepted(desk, submit(ALICE, "a", BUY, "1", 10))
        replaced, trade = desk.do(replace(ALICE, client_id="a", price="2"))
        assert (replaced.hold, trade.quantity, trade.taker_leaves, trade.taker_hold) == (2000, 5, 5, 1000)
        assert desk.engine.depth(1, BUY) == [(40, 5, 1)]
        desk.total_is_conserved()

    def test_the_increase_of_the_hold_must_be_available(self, desk):
        desk.fund(CAROL, USD=1000)
        accepted(desk, submit(CAROL, "a", BUY, "5.00", 1))
        refused(desk, replace(CAROL, client_id="a", price="10.05"), Reason.NO_FUNDS, ACCOUNT, 500, 505, 2)
        accepted(desk, replace(CAROL, client_id="a", price="10.00"))


class TestMatching:
    @pytest.mark.parametrize("mode", [0, NEWEST, OLDEST, BOTH, DECREMENT, NONE])
    def test_self_trade_prevention(self, desk, mode):
        desk.fund(BOB, USD=10**6)
        resting = accepted(desk, submit(BOB, "s", SELL, "1", 5))
        taker, *events = desk.do(submit(BOB, "b", BUY, "1", 8, stp=mode))
        told = [(e.name, e.get("order_sequence"), e.get("quantity")) for e in events]
        new, old = taker.sequence, resting.sequence
        assert (
            told
            == {
                0: [("OrderCancelled", new, 8)],
                NEWEST: [("OrderCancelled", new, 8)],
                OLDEST: [("OrderCancelled", old, 5)],
                BOTH: [("OrderCancelled", old, 5), ("OrderCancelled", new, 8)],
                DECREMENT: [("OrderCancelled", old, 5), ("OrderReplaced", new, 3)],
                NONE: [("TradePrinted", None, 5)],
            }[mode]
        )
        desk.total_is_conserved()

    def test_fill_or_kill(self, desk):
        desk.do(submit(BOB, "s1", SELL, "1", 5), submit(BOB, "s2", SELL, "1.05", 5))
        _, killed = desk.do(submit(ALICE, "a", BUY, "1.05", 11, tif=FOK))
        assert (killed.name, killed.reason, killed.quantity) == ("OrderCancelled", 5, 11)
        assert [e.name for e in desk.do(submit(ALICE, "b", BUY, "1.05", 10, tif=FOK))] == [
            "OrderAccepted",
            *["TradePrinted"] * 2,
        ]

    def test_fill_or_kill_passes_over_its_own_orders_when_the_oldest_gives_way(self, desk):
        desk.fund(BOB, USD=10**6)
        desk.fund(CAROL, ACME=10)
        desk.do(submit(BOB, "own", SELL, "1", 5), submit(CAROL, "other", SELL, "1", 5))
        assert desk.do(submit(BOB, "a", BUY, "1", 5, tif=FOK, stp=NEWEST))[1].reason == 5
        _, gone, trade = desk.do(submit(BOB, "b", BUY, "1", 5, tif=FOK, stp=OLDEST))
        assert (gone.reason, trade.quantity, trade.maker_account) == (6, 5, CAROL)

    def test_the_highest_price_there_is_can_be_best(self):
        desk = market(tick=(1, 18), max_price=MAX, max_notional=MAX)
        top = raw_price(MAX)
        accepted(desk, top(submit(BOB, "s", SELL, "1", 3)))
        assert desk.engine.depth(1, SELL) == [(MAX, 3, 1)]
        assert desk.do(top(submit(ALICE, "b", BUY, "1", 3)))[1].quantity == 3
        desk.engine.check()

    def test_immediate_or_cancel(self, desk):
        desk.do(submit(BOB, "s", SELL, "1", 5))
        _, trade, rest = desk.do(submit(ALICE, "a", BUY, "1", 8, tif=IOC))
        assert (trade.quantity, rest.quantity, rest.reason) == (5, 3, 4)

    @pytest.mark.hazard("A3")
    def test_mass_cancel_of_every_second_order(self):
        desk = Desk(_native.Engine(**(SMALL | {"max_orders": 2000, "max_client_ids": 2000})))
        desk.currencies()
        desk.do(
            define_instrument(1, base=ACME, symbol="ACME", lot="1"),
            define_instrument(2, base=ACME, symbol="B", lot="1"),
        )
        desk.fund(ALICE, USD=10**12)
        for i in range(1000):
            accepted(desk, submit(ALICE, f"a{i}", BUY, 1 + i % 7, 1, instrument=1 + i % 2))
        *gone, done = desk.do(mass_cancel(ALICE, instrument=2))
        assert done.count == 500 == len(gone)
        assert [e.order_sequence for e in gone] == sorted(e.order_sequence for e in gone)
        assert len(desk.engine.orders(1, BUY)) == 500
        assert not desk.engine.orders(2, BUY)
        desk.engine.check()

    def test_prices_far_apart_are_found(self):
        """Any pattern of levels: best and order agree with a sorted list."""
        desk = Desk(_native.Engine(max_orders=5000, max_accounts=10))
        desk.currencies()
        desk.do(define_instrument(1, base=ACME, symbol="ACME", lot="1", tick="1", max_price=MAX, max_notional=MAX))
        desk.do(
            define_currency(9, 0, "YEN"),
            define_instrument(
                2,
                base=ACME,
                quote=9,
                symbol="Y",
                lot="1",
                tick="1",
                max_price=MAX,
                max_notional=MAX,
                taker_fee=0,
                maker_fee=0,
            ),
        )
        desk.fund(ALICE, ACME=10**9)
        rng = random.Random(5)
        prices: dict[str, int] = {}
        for i in range(3000):
            if prices and rng.random() < 0.4:
                name = rng.choice(list(prices))
                desk.do(cancel(ALICE, client_id=name))
                del prices[name]
            else:
                price = rng.choice(
                    [
                        rng.randrange(1, 300),
                        rng.randrange(1, 2**20),
                        MAX - rng.randrange(5),
                        2**40 + rng.randrange(2**30),
                    ]
                )
                if desk.one(submit(ALICE, f"a{i}", SELL, price, 1, instrument=2)).name == "OrderAccepted":
                    prices[f"a{i}"] = price
            if i % 50 == 0:
                assert [row[0] for row in desk.engine.depth(2, SELL)] == sorted(set(prices.values()))
                desk.engine.check()
