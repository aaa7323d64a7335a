"""What the native engine refuses at its gate, as docs/reference/engine.md says.

Goal: each reason of refusal is told at its boundary with its numbers, and changes nothing.
Method: raw commands into a small market; the event, the balances and `check()` are read back.
"""

import struct

import pytest

from quantumcore.contracts.reasons import Reason
from quantumcore.core import _native
from tests.support.commands import (
    ACME,
    BTC,
    BUY,
    FOK,
    IOC,
    MARKET,
    SELL,
    TINY,
    USD,
    Desk,
    advance_time,
    cancel,
    define_instrument,
    header,
    kill,
    mass_cancel,
    open_account,
    replace,
    set_limits,
    set_status,
    submit,
    transfer,
)  # fmt: skip
from tests.support.native_market import (
    ACCOUNT,
    ALICE,
    BOB,
    CAROL,
    INSTRUMENT,
    MAX,
    ORDER,
    SMALL,
    VENUE,
    accepted,
    market,
    raw_price,
    refused,
)


@pytest.fixture
def desk() -> Desk:
    return market()


class TestContent:
    @pytest.mark.parametrize(
        "broken",
        [
            pytest.param(lambda c: c[:3] + b"\1" + c[4:], id="reserved byte"),
            pytest.param(lambda c: c[:32] + b"\x13" + c[33:], id="scale 19"),
            pytest.param(lambda c: c[:34] + b"\0" + c[35:], id="side 0"),
            pytest.param(lambda c: c[:34] + b"\3" + c[35:], id="side 3"),
            pytest.param(lambda c: c[:37] + b"\6" + c[38:], id="self-trade prevention 6"),
            pytest.param(lambda c: c[:38] + b"\x80" + c[39:], id="flag 7"),
            pytest.param(lambda c: c[:44] + bytes(36), id="empty id"),
            pytest.param(lambda c: c[:44] + b"a b" + bytes(33), id="space in id"),
            pytest.param(lambda c: c[:44] + b"a\0b" + bytes(33), id="gap in id"),
            pytest.param(lambda c: b"\x58" + c[1:] + bytes(8), id="another size"),
            pytest.param(lambda c: c[:2] + b"\0" + c[3:], id="kind 0"),
            pytest.param(lambda c: c[:2] + b"\x63" + c[3:], id="kind 99"),
        ],
    )
    def test_bad_content_is_refused_alone(self, desk, broken):
        good = submit(ALICE, "a", BUY, "1.00", 1)
        event = refused(desk, broken(good), Reason.BAD_COMMAND, 0)
        assert (event.order_sequence, event.order_slot, event.client_id) == (0, 0, "")
        accepted(desk, good)

    @pytest.mark.parametrize(
        "command",
        [
            replace(ALICE, client_id="a"),
            replace(ALICE, sequence=1, client_id="a", price="1"),
            cancel(ALICE),
            cancel(ALICE, sequence=5, client_id="x"),
            mass_cancel(ALICE, side=3),
            transfer(ALICE, "t", 4, USD, 1),
            kill(ALICE, 2),
            set_status(1, 0),
            set_status(1, 12),
            open_account(0),
            open_account(2**32),
            define_instrument(2, kind=3, symbol="X"),
            define_instrument(2, status=0, symbol="X"),
            header(16, 11, 1),
            header(16, 11, 0, 1),
            header(24, 12, 1) + bytes(8),
        ],
    )
    def test_enumerations_and_unused_fields_are_checked(self, desk, command):
        refused(desk, command, Reason.BAD_COMMAND, 0)

    @pytest.mark.parametrize(
        "raw",
        [
            b"\x10",
            bytes(16),
            struct.pack("<H14x", 20) + bytes(4),
            struct.pack("<H14x", 16_392) + bytes(16_376),
            header(24, 11),
        ],
    )
    def test_bad_framing_refuses_the_whole_buffer(self, desk, raw):
        before = (desk.engine.sequence, desk.engine.state_hash(), desk.engine.time_ns)
        with pytest.raises(_native.InvalidCommand):
            desk.engine.step(advance_time() + raw, 10**15)
        assert (desk.engine.sequence, desk.engine.state_hash(), desk.engine.time_ns) == before

    def test_an_empty_step_is_no_command(self, desk):
        before = desk.engine.time_ns
        assert desk.engine.step(b"", 10**15) == b""
        assert desk.engine.time_ns == before


class TestShape:
    def test_unknown_symbol_comes_before_unknown_account(self, desk):
        refused(desk, submit(99, "a", BUY, "1", 1, instrument=7), Reason.UNKNOWN_SYMBOL, INSTRUMENT)
        refused(desk, submit(99, "a", BUY, "1", 1), Reason.UNKNOWN_ACCOUNT, ACCOUNT)

    @pytest.mark.hazard("F8")
    def test_off_tick(self, desk):
        accepted(desk, submit(ALICE, "a", BUY, "100.05", 1))
        refused(desk, submit(ALICE, "b", BUY, "100.03", 1), Reason.BAD_TICK, INSTRUMENT, 5, 10003, 2)
        refused(desk, submit(ALICE, "c", BUY, "100.051", 1), Reason.BAD_TICK, INSTRUMENT, 50, 100051, 3)
        refused(desk, replace(ALICE, client_id="a", price="100.03"), Reason.BAD_TICK, INSTRUMENT, 5, 10003, 2)

    def test_off_lot(self, desk):
        refused(desk, submit(ALICE, "a", BUY, "1", "1.5"), Reason.BAD_LOT, INSTRUMENT, 10, 15, 1)

    def test_quantity_bounds(self):
        desk = market(min_quantity=5, max_quantity=10)
        refused(desk, submit(ALICE, "a", BUY, "1", 4), Reason.BAD_QTY, INSTRUMENT, 5, 4)
        refused(desk, submit(ALICE, "b", BUY, "1", 0), Reason.BAD_QTY, INSTRUMENT, 5, 0)
        refused(desk, submit(ALICE, "c", BUY, "1", -1), Reason.BAD_QTY, INSTRUMENT, 5, -1)
        refused(desk, submit(ALICE, "d", BUY, "1", 11), Reason.MAX_QTY, INSTRUMENT, 10, 11)
        accepted(desk, submit(ALICE, "e", BUY, "1", 5))
        accepted(desk, submit(ALICE, "f", BUY, "1", 10))

    def test_more_lots_than_a_quantity_can_be(self):
        desk = market(lot="0.5", base=BTC)
        refused(desk, submit(ALICE, "a", BUY, "1", 2**62), Reason.BAD_QTY, INSTRUMENT, MAX * 5, 2**62 * 10, 1)

    def test_price_bounds(self):
        desk = market(min_price=20, max_price=40)  # 1.00 .. 2.00
        refused(desk, submit(ALICE, "a", BUY, "0.95", 1), Reason.BAD_PRICE, INSTRUMENT, 100, 95, 2)
        refused(desk, submit(ALICE, "b", BUY, "2.05", 1), Reason.BAD_PRICE, INSTRUMENT, 200, 205, 2)
        refused(desk, submit(ALICE, "c", BUY, "0", 1), Reason.BAD_PRICE, INSTRUMENT, 100, 0, 2)
        refused(desk, submit(ALICE, "d", BUY, "-1", 1), Reason.BAD_PRICE, INSTRUMENT, 100, -100, 2)
        refused(desk, submit(ALICE, "e", BUY, "1", 1, type=MARKET, tif=IOC), Reason.BAD_PRICE, INSTRUMENT, 0, 100, 2)
        accepted(desk, submit(ALICE, "f", BUY, "1.00", 1))
        accepted(desk, submit(ALICE, "g", BUY, "2.00", 1))

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"type": 33}, Reason.BAD_TYPE),
            ({"type": 0}, Reason.BAD_TYPE),
            ({"tif": 11}, Reason.BAD_TIF),
            ({"flags": 1, "tif": IOC}, Reason.BAD_TIF),
            ({"flags": 1, "tif": FOK}, Reason.BAD_TIF),
        ],
    )
    def test_types_and_times_in_force(self, desk, changes, reason):
        refused(desk, submit(ALICE, "a", BUY, "1", 1, **changes), reason, INSTRUMENT)

    def test_post_only_market_is_a_bad_type(self, desk):
        refused(desk, submit(ALICE, "a", BUY, None, 1, type=MARKET, flags=1), Reason.BAD_TYPE, INSTRUMENT)

    def test_trailing_zeros_say_nothing(self, desk):
        raw = bytearray(submit(ALICE, "a", BUY, "100.05", 1))
        raw[16:24], raw[32] = struct.pack("<q", 1000500), 4  # 100.0500
        assert accepted(desk, bytes(raw)).price == 2001


class TestLimits:
    def test_notional(self):
        desk = market(min_notional=1000, max_notional=2000, tick="0.01")  # 10.00 .. 20.00
        refused(desk, submit(ALICE, "a", BUY, "20.01", 1), Reason.MAX_NOTIONAL, INSTRUMENT, 2000, 2001, 2)
        refused(desk, submit(ALICE, "b", BUY, "9.99", 1), Reason.MIN_NOTIONAL, INSTRUMENT, 1000, 999, 2)
        accepted(desk, submit(ALICE, "c", BUY, "1.00", 20))
        accepted(desk, submit(ALICE, "d", BUY, "10.00", 1))

    def test_amount_overflow(self):
        desk = market(tick="1", max_price=MAX, max_quantity=MAX, max_notional=MAX)
        at = submit(ALICE, "a", BUY, (MAX // 100), 1)
        refused(desk, at, Reason.NO_FUNDS, ACCOUNT, 10**12, MAX // 100 * 100, 2)
        refused(
            desk,
            submit(ALICE, "b", BUY, MAX // 100 + 1, 1),
            Reason.AMOUNT_OVERFLOW,
            ORDER,
            MAX,
            (MAX // 100 + 1) * 100,
            2,
        )
        worst = refused(desk, submit(ALICE, "c", BUY, MAX, MAX), Reason.AMOUNT_OVERFLOW, ORDER, MAX, 2**126, 2)
        assert worst.limit == MAX

    def test_the_notional_of_a_sell_may_overflow(self):
        desk = market(tick="1", max_price=MAX, max_notional=MAX)
        refused(
            desk,
            submit(BOB, "a", SELL, MAX // 100 + 1, 1),
            Reason.AMOUNT_OVERFLOW,
            ORDER,
            MAX,
            (MAX // 100 + 1) * 100,
            2,
        )
        accepted(desk, submit(BOB, "b", SELL, MAX // 100, 1))

    def test_ticks_times_lots_may_overflow_where_the_money_is_small(self):
        """2^96 ticks x lots, each worth 10^-16 of a cent: exactly at the bound, and one lot below it."""
        desk = market(tick=(1, 18), max_price=MAX, max_quantity=MAX, max_notional=MAX)
        price = raw_price(2**62)
        money = -(-(2**96) // 10**16)
        most = (2**96 - 1) // 10**16
        refused(desk, price(submit(BOB, "a", SELL, "1", 2**34)), Reason.AMOUNT_OVERFLOW, ORDER, most, money, 2)
        refused(desk, price(submit(BOB, "b", SELL, "1", 2**34 - 1)), Reason.NO_FUNDS, ACCOUNT, 10**9, 2**34 - 1)

    def test_the_hold_may_overflow_when_the_notional_does_not(self):
        desk = market(tick="1", max_price=MAX, max_notional=MAX, taker_fee=10_000_000)
        price = MAX // 100
        fee = -(-price * 10 // 1)
        refused(desk, submit(ALICE, "a", BUY, price, 1), Reason.AMOUNT_OVERFLOW, ORDER, MAX, price * 100 + fee, 2)

    def test_the_asset_may_overflow(self):
        desk = market(base=TINY, max_quantity=MAX, tick="0.01")
        lots = MAX // 10**9
        refused(
            desk, submit(BOB, "a", SELL, "0.01", lots + 1), Reason.AMOUNT_OVERFLOW, ORDER, MAX, (lots + 1) * 10**9, 9
        )
        refused(desk, submit(BOB, "b", SELL, "0.01", lots), Reason.NO_FUNDS, ACCOUNT, 0, lots * 10**9, 9)

    def test_open_orders(self, desk):
        desk.do(set_limits(ALICE, 2))
        accepted(desk, submit(ALICE, "a", BUY, "1", 1))
        accepted(desk, submit(ALICE, "b", BUY, "1", 1))
        refused(desk, submit(ALICE, "c", BUY, "1", 1), Reason.MAX_OPEN, ACCOUNT, 2, 3)
        desk.do(cancel(ALICE, client_id="a"))
        accepted(desk, submit(ALICE, "d", BUY, "1", 1))

    @pytest.mark.hazard("A4")
    def test_an_account_without_limits_has_the_default(self, desk):
        desk.do(set_limits(0, 0))
        refused(desk, submit(ALICE, "a", BUY, "1", 1), Reason.MAX_OPEN, ACCOUNT, 0, 1)
        desk.do(set_limits(ALICE, 1))
        accepted(desk, submit(ALICE, "b", BUY, "1", 1))

    def test_funds(self):
        desk = market(taker_fee=100_000)
        desk.fund(CAROL, USD=100_100, ACME=10)
        refused(desk, submit(CAROL, "a", BUY, "1000.05", 1), Reason.NO_FUNDS, ACCOUNT, 100_100, 100_106, 2)
        accepted(desk, submit(CAROL, "b", BUY, "1000.00", 1))
        assert desk.balance(CAROL, USD) == (100_100, 100_100)
        refused(desk, submit(CAROL, "c", SELL, "2000", 11), Reason.NO_FUNDS, ACCOUNT, 10, 11)
        accepted(desk, submit(CAROL, "d", SELL, "2000", 10))

    def test_one_lot_must_pay_its_own_fee(self):
        desk = market(taker_fee=100_000, minimum_fee=100, tick="0.01")
        refused(desk, submit(BOB, "a", SELL, "0.99", 5), Reason.NO_FUNDS, ORDER, 99, 100, 2)
        accepted(desk, submit(BOB, "b", SELL, "1.00", 5))

    def test_post_only(self, desk):
        accepted(desk, submit(BOB, "s", SELL, "10.00", 1))
        refused(desk, submit(ALICE, "a", BUY, "10.00", 1, flags=1), Reason.POST_ONLY, ORDER, 1000, 1000, 2)
        accepted(desk, submit(ALICE, "b", BUY, "9.95", 1, flags=1))
        refused(desk, replace(ALICE, client_id="b", price="10.05"), Reason.POST_ONLY, ORDER, 1000, 1005, 2)

    @pytest.mark.hazard("F2")
    def test_a_level_holds_no_more_than_a_quantity_can_say(self):
        desk = market(base=ACME, max_quantity=MAX, tick=(1, 18), max_notional=MAX)  # 10^18 lots cost next to nothing
        desk.fund(BOB, USD=10**6)
        accepted(desk, submit(ALICE, "a", BUY, "0.000000000000000001", MAX - 5))
        before = desk.engine.state_hash()
        refused(desk, submit(BOB, "b", BUY, "0.000000000000000001", 6), Reason.QTY_OVERFLOW, ORDER, MAX, MAX + 1)
        assert desk.engine.state_hash() != before  # the refusal is an event; the book stands
        accepted(desk, submit(BOB, "c", BUY, "0.000000000000000001", 5))
        assert desk.engine.depth(1, BUY) == [(1, MAX, 2)]

    def test_slots_are_bounded(self, desk):
        engine = Desk(_native.Engine(**(SMALL | {"max_orders": 2})))
        engine.currencies()
        engine.do(define_instrument(1, base=ACME, symbol="ACME", lot="1"))
        engine.fund(ALICE, USD=10**9)
        accepted(engine, submit(ALICE, "a", BUY, "1", 1))
        accepted(engine, submit(ALICE, "b", BUY, "1", 1))
        refused(engine, submit(ALICE, "c", BUY, "1", 1), Reason.CAPACITY, VENUE)
        engine.do(cancel(ALICE, client_id="a"))
        accepted(engine, submit(ALICE, "c", BUY, "1", 1))  # a refusal for want of room was not remembered

    def test_windows_are_bounded(self, desk):
        for i in range(8):
            accepted(desk, submit(ALICE, f"a{i}", BUY, str((i * 2**18 + 1) * 5 / 100), 1))
        ninth = str((8 * 2**18 + 1) * 5 / 100)
        refused(desk, submit(ALICE, "b", BUY, ninth, 1), Reason.CAPACITY, VENUE)
        desk.do(cancel(ALICE, client_id="a3"))
        accepted(desk, submit(ALICE, "b", BUY, ninth, 1))
        desk.engine.check()


class TestSwitches:
    def test_kill_switches(self, desk):
        accepted(desk, submit(ALICE, "a", BUY, "1", 1))
        gone, changed = desk.do(kill(ALICE, 1))
        assert (gone.name, gone.reason, changed.count) == ("OrderCancelled", 3, 1)
        refused(desk, submit(ALICE, "b", BUY, "1", 1), Reason.KILLED, ACCOUNT)
        desk.do(kill(0, 1))
        refused(desk, submit(BOB, "b", SELL, "1", 1), Reason.KILLED, VENUE)
        desk.do(kill(0, 0), kill(ALICE, 0))
        accepted(desk, submit(ALICE, "c", BUY, "1", 1))

    def test_the_venues_switch_goes_by_account_number_and_then_by_age(self, desk):
        desk.fund(9, USD=10**6)  # opened before a lower number
        desk.fund(CAROL, USD=10**6)
        desk.do(submit(9, "n1", BUY, "1", 1))
        desk.do(submit(CAROL, "c1", BUY, "1", 1), submit(ALICE, "a1", BUY, "1", 1), submit(CAROL, "c2", BUY, "2", 1))
        events = desk.do(kill(0, 1))
        assert [(e.account, e.order_sequence) for e in events[:-1]] == sorted(
            (e.account, e.order_sequence) for e in events[:-1]
        )
        assert [e.account for e in events[:-1]] == [ALICE, CAROL, CAROL, 9]

    def test_halted(self, desk):
        accepted(desk, submit(ALICE, "a", BUY, "1", 1))
        desk.do(set_status(1, 2))
        refused(desk, submit(ALICE, "b", BUY, "1", 1), Reason.HALTED, INSTRUMENT)
        refused(desk, replace(ALICE, client_id="a", price="2"), Reason.HALTED, INSTRUMENT)
        assert desk.one(cancel(ALICE, client_id="a")).name == "OrderCancelled"

    def test_stale_reference(self, desk):
        order = {"type": MARKET, "tif": IOC}
        refused(desk, submit(ALICE, "a", BUY, None, 1, **order), Reason.STALE_REF, INSTRUMENT)
        desk.do(submit(BOB, "s", SELL, "10.00", 1))
        refused(desk, submit(ALICE, "b", BUY, None, 1, **order), Reason.STALE_REF, INSTRUMENT)
        desk.do(submit(ALICE, "c", BUY, "9.50", 1))  # 0.50 on 9.75: wider than 5 %
        refused(desk, submit(ALICE, "d", BUY, None, 1, **order), Reason.STALE_REF, INSTRUMENT)
        desk.do(submit(ALICE, "e", BUY, "9.55", 1))
        event = accepted(desk, submit(ALICE, "f", BUY, None, 1, **order))
        assert event.price == int(9.775 * 1.05 * 20)  # 205 ticks of 0.05
