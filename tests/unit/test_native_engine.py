"""The native engine keeps the rules of docs/reference/engine.md.

Goal: each reason of refusal is told at its boundary with its numbers, and changes nothing; what only the native engine
has (snapshots, slots, windows, threads) holds too.
Method: raw commands into a small market; the event, the balances and `check()` are read back.
"""

import random
import struct
import threading

import pytest

from quantumcore.contracts.reasons import Reason
from quantumcore.core import _native
from tests.support.commands import (
    ACME,
    BETWEEN,
    BOTH,
    BTC,
    BUY,
    DECREMENT,
    DEPOSIT,
    EUR,
    FOK,
    GTC,
    IOC,
    MARKET,
    NEWEST,
    NO_SLOT,
    NONE,
    OLDEST,
    SELL,
    TINY,
    USD,
    WITHDRAWAL,
    Desk,
    advance_time,
    cancel,
    decode,
    define_currency,
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

ALICE, BOB, CAROL = 1, 2, 3
MAX = 2**63 - 1
SMALL = {
    "max_orders": 100,
    "max_accounts": 10,
    "max_client_ids": 1000,
    "max_transfers": 100,
    "max_balances": 50,
    "max_windows": 8,
}


def market(**terms: object) -> Desk:
    """One share, tick 0.05, lot 1; Alice has dollars, Bob has shares; no fees unless asked for."""
    desk = Desk(_native.Engine(**SMALL))
    desk.currencies()
    plain = {"base": ACME, "tick": "0.05", "lot": "1", "symbol": "ACME", "taker_fee": 0, "maker_fee": 0}
    desk.do(define_instrument(1, **(plain | terms)))
    desk.fund(ALICE, USD=10**12)
    desk.fund(BOB, ACME=10**9)
    return desk


@pytest.fixture
def desk() -> Desk:
    return market()


def refused(desk: Desk, command: bytes, reason: Reason, scope: int, limit: int = 0, actual: int = 0, decimals: int = 0):
    """The command is refused with exactly these numbers, and leaves money and books alone."""
    before = (
        desk.engine.balances(ALICE),
        desk.engine.balances(BOB),
        desk.engine.orders(1, BUY),
        desk.engine.orders(1, SELL),
    )
    (event,) = desk.do(command)
    assert event.name in ("OrderRejected", "CommandRefused")
    told = (Reason(event.reason), event.scope, event.limit, event.actual, event.decimals)
    assert told == (reason, scope, limit, actual, decimals)
    after = (
        desk.engine.balances(ALICE),
        desk.engine.balances(BOB),
        desk.engine.orders(1, BUY),
        desk.engine.orders(1, SELL),
    )
    assert before == after
    desk.total_is_conserved()
    return event


def tag(slot: int, client_id: str) -> int:
    """The 32-bit tag under which the engine looks for an id of the account in `slot`."""

    def mum(a: int, b: int) -> int:
        product = a * b
        return (product & (2**64 - 1)) ^ (product >> 64)

    w = struct.unpack("<5Q", client_id.encode().ljust(40, b"\0"))
    k0, k1, k2, k3 = 0x9E3779B97F4A7C15, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3
    mixed = mum(w[0] ^ k1, w[1] ^ k2) ^ mum(w[2] ^ k3, w[3] ^ k0)
    h = mum(mixed ^ k1, (w[4] | slot << 32) ^ k2)
    return (h ^ h >> 32) & 0xFFFFFFFF


def colliding(slot: int) -> list[tuple[str, str]]:
    """Pairs of ids of one account with equal tags; two hundred thousand ids have some."""
    seen: dict[int, str] = {}
    pairs = []
    for i in range(200_000):
        name = f"n{i}"
        t = tag(slot, name)
        if t in seen:
            pairs.append((seen[t], name))
        seen[t] = name
    assert pairs
    return pairs


def accepted(desk: Desk, command: bytes):
    event = desk.do(command)[0]
    assert event.name in ("OrderAccepted", "OrderReplaced"), event
    return event


def raw_price(mantissa: int, scale: int = 18):
    """A change of a submission's price to mantissa x 10^-scale, as it would be sent."""
    return lambda command: command[:16] + struct.pack("<q", mantissa) + command[24:32] + bytes([scale]) + command[33:]


VENUE, ACCOUNT, INSTRUMENT, ORDER = 1, 2, 3, 4


class TestContent:
    @pytest.mark.parametrize(
        "broken",
        [
            pytest.param(lambda c: c[:3] + b"\1" + c[4:], id="reserved byte"),
            pytest.param(lambda c: c[:32] + b"\x13" + c[33:], id="scale 19"),
            pytest.param(lambda c: c[:34] + b"\0" + c[35:], id="side 0"),
            pytest.param(lambda c: c[:34] + b"\3" + c[35:], id="side 3"),
            pytest.param(lambda c: c[:37] + b"\6" + c[38:], id="self-trade prevention 6"),
            pytest.param(lambda c: c[:38] + b"\x40" + c[39:], id="flag 6"),
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


class TestDefinitions:
    @pytest.mark.parametrize(
        "changes",
        [
            {"symbol": ""}, {"symbol": "lower"}, {"symbol": "-X"}, {"tick": (10, 1)}, {"tick": (0, 0)}, {"tick": (1, 19)},
            {"lot": (100, 3)}, {"multiplier": 0}, {"min_price": 0}, {"min_price": 9, "max_price": 8}, {"min_quantity": 0},
            {"min_quantity": 9, "max_quantity": 8}, {"min_notional": -1}, {"min_notional": 9, "max_notional": 8}, {"taker_fee": -1},
            {"taker_fee": 10_000_001}, {"maker_fee": -10_000_001}, {"maker_fee": -100_001}, {"minimum_fee": -1},
            {"maker_fee": -1, "minimum_fee": 1}, {"collar": 0}, {"collar": 10**8}, {"symbol": "ACME"}, {"lot": "0.5"},
            {"tick": (MAX, 0)}, {"tick": (1, 18), "lot": "1", "multiplier": 1, "quote": 9},
        ],
    )  # fmt: skip
    def test_bad_definitions(self, desk, changes):
        desk.do(define_currency(9, 0, "NONE"))
        base = {"base": ACME, "lot": "1", "symbol": "NEW", "tick": "0.01"}
        if changes.get("quote") == 9:
            changes = changes | {"lot": (1, 1), "base": TINY}  # 10^-19 of a unit
        refused(desk, define_instrument(5, **(base | changes)), Reason.BAD_DEFINITION, 0)

    def test_a_rate_at_its_bound_is_good(self, desk):
        assert (
            desk.one(
                define_instrument(5, base=ACME, lot="1", symbol="NEW", taker_fee=10_000_000, maker_fee=-10_000_000)
            ).name
            == "InstrumentDefined"
        )

    def test_currencies_must_be_known_and_different(self, desk):
        refused(desk, define_instrument(5, base=99, symbol="X"), Reason.UNKNOWN_CURRENCY, 0)
        refused(desk, define_instrument(5, base=USD, quote=USD, symbol="X"), Reason.UNKNOWN_CURRENCY, 0)

    def test_again(self, desk):
        plain = {"base": ACME, "tick": "0.05", "lot": "1", "symbol": "ACME", "taker_fee": 0, "maker_fee": 0}
        assert desk.one(define_instrument(1, **plain)).outcome == 1
        refused(desk, define_instrument(1, **(plain | {"tick": "0.01"})), Reason.EXISTS_DIFFERENT, 0)
        assert desk.one(define_instrument(1, **(plain | {"taker_fee": 5}))).name == "InstrumentDefined"
        assert desk.one(define_currency(USD, 2, "USD")).outcome == 1
        refused(desk, define_currency(USD, 3, "USD"), Reason.EXISTS_DIFFERENT, 0)
        refused(desk, define_currency(77, 2, "USD"), Reason.BAD_DEFINITION, 0)
        refused(desk, define_currency(77, 10, "SEVEN"), Reason.BAD_DEFINITION, 0)
        refused(desk, define_currency(0, 1, "SEVEN"), Reason.BAD_DEFINITION, 0)
        assert desk.one(open_account(ALICE)).outcome == 1
        refused(desk, open_account(ALICE, b"another"), Reason.EXISTS_DIFFERENT, 0)

    def test_accounts_are_bounded(self, desk):
        for account in range(3, 11):
            assert desk.one(open_account(account)).name == "AccountOpened"
        refused(desk, open_account(11), Reason.CAPACITY, VENUE)


class TestTransfers:
    def test_refusals(self, desk):
        refused(desk, transfer(99, "a", DEPOSIT, USD, 1), Reason.UNKNOWN_ACCOUNT, ACCOUNT)
        refused(desk, transfer(ALICE, "a", DEPOSIT, USD, 0), Reason.BAD_AMOUNT, 0)
        refused(desk, transfer(ALICE, "a", DEPOSIT, 99, 1), Reason.UNKNOWN_CURRENCY, 0)
        refused(desk, transfer(ALICE, "a", BETWEEN, USD, 1, 99), Reason.UNKNOWN_ACCOUNT, ACCOUNT)
        refused(desk, transfer(ALICE, "a", DEPOSIT, USD, 1, BOB), Reason.BAD_COMMAND, 0)
        assert desk.one(transfer(ALICE, "a", BETWEEN, USD, 1, BOB)).name == "TransferPosted"

    @pytest.mark.hazard("A6")
    def test_a_transfer_to_oneself_is_refused(self, desk):
        refused(desk, transfer(ALICE, "a", BETWEEN, USD, 1, ALICE), Reason.BAD_COMMAND, 0)

    def test_deposits_of_a_currency_are_bounded(self, desk):
        desk.do(transfer(ALICE, "a", DEPOSIT, EUR, MAX))
        refused(desk, transfer(BOB, "b", DEPOSIT, EUR, 1), Reason.AMOUNT_OVERFLOW, VENUE, MAX, MAX + 1, 2)
        desk.do(transfer(ALICE, "c", WITHDRAWAL, EUR, 1))
        assert desk.one(transfer(BOB, "b", DEPOSIT, EUR, 1)).total == 1

    def test_what_failed_stays_failed(self, desk):
        desk.fund(CAROL, USD=100)
        first = refused(desk, transfer(CAROL, "w", WITHDRAWAL, USD, 101), Reason.INSUFFICIENT, ACCOUNT, 100, 101, 2)
        desk.fund(CAROL, USD=100)
        again = refused(desk, transfer(CAROL, "w", WITHDRAWAL, USD, 101), Reason.ID_ALREADY_FAILED, 0)
        assert again.order_sequence == first.sequence
        refused(desk, transfer(CAROL, "w", WITHDRAWAL, USD, 102), Reason.DUPLICATE_ID, 0)
        done = desk.one(transfer(CAROL, "v", WITHDRAWAL, USD, 200))
        assert (done.total, desk.one(transfer(CAROL, "v", WITHDRAWAL, USD, 200)).order_sequence) == (0, done.sequence)

    def test_held_money_cannot_leave(self, desk):
        desk.fund(CAROL, USD=100)
        accepted(desk, submit(CAROL, "a", BUY, "0.60", 1))
        refused(desk, transfer(CAROL, "w", WITHDRAWAL, USD, 41), Reason.INSUFFICIENT, ACCOUNT, 40, 41, 2)
        assert desk.one(transfer(CAROL, "x", WITHDRAWAL, USD, 40)).total == 60


def traffic(rng: random.Random, n: int) -> list[bytes]:
    """A busy stream of orders, replaces and cancels of two accounts."""
    made = []
    for i in range(n):
        account, name = rng.choice((ALICE, BOB)), f"x{rng.randrange(1, i + 2)}"
        price = f"{rng.randrange(180, 220) * 0.05:.2f}"
        made.append(
            rng.choice([
                submit(account, f"x{i}", rng.choice((BUY, SELL)), price, rng.randrange(1, 30), tif=rng.choice((GTC, GTC, IOC, FOK)), stp=rng.randrange(6)),
                submit(account, f"x{i}", rng.choice((BUY, SELL)), price, rng.randrange(1, 30)),
                replace(account, client_id=name, price=price, quantity=rng.randrange(1, 30)),
                cancel(account, client_id=name),
                advance_time(),
            ])
        )  # fmt: skip
    return made


def rich() -> Desk:
    desk = market(taker_fee=100_000, maker_fee=-20_000)
    desk.engine = _native.Engine(max_orders=2000, max_accounts=10, max_client_ids=10_000)
    desk.currencies()
    desk.do(define_instrument(1, base=ACME, tick="0.05", lot="1", symbol="ACME", taker_fee=100_000, maker_fee=-20_000))
    desk.fund(ALICE, USD=10**12, ACME=10**9)
    desk.fund(BOB, USD=10**12, ACME=10**9)
    return desk


class TestSnapshots:
    @pytest.mark.hazard("A9")
    @pytest.mark.parametrize("seed", range(5))
    def test_a_restored_engine_goes_on_bit_for_bit(self, seed):
        desk, rng = rich(), random.Random(seed)
        stream = traffic(rng, 1200)
        desk.do(*stream[:700])
        snapshot = desk.engine.snapshot()
        other = _native.Engine.restore(snapshot)
        assert other.snapshot() == snapshot
        for command in stream[700:]:
            assert desk.engine.step(command, desk.now) == other.step(command, desk.now)
        assert desk.engine.state_hash() == other.state_hash()
        assert desk.engine.snapshot() == other.snapshot()
        other.check()

    def test_damage_is_found(self):
        desk = rich()
        desk.do(*traffic(random.Random(1), 300))
        snapshot = desk.engine.snapshot()
        rng = random.Random(2)
        for _ in range(300):
            damaged = bytearray(snapshot)
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
            with pytest.raises(_native.CorruptedSnapshot):
                _native.Engine.restore(bytes(damaged))
        for cut in (0, 1, 31, 32, len(snapshot) // 2, len(snapshot) - 1):
            with pytest.raises(_native.CorruptedSnapshot):
                _native.Engine.restore(snapshot[:cut])
        with pytest.raises(_native.CorruptedSnapshot):
            _native.Engine.restore(snapshot + b"\0")


def test_batching_changes_nothing():
    one, many = rich(), rich()
    stream = traffic(random.Random(3), 500)
    single = b"".join(one.engine.step(command, 5000) for command in stream)
    assert many.engine.step(b"".join(stream), 5000) == single
    assert one.engine.state_hash() == many.engine.state_hash()


@pytest.mark.hazard("E5")
def test_a_second_thread_is_told_that_the_engine_is_busy():
    desk = rich()
    batch = b"".join(traffic(random.Random(5), 3000)) * 30
    busy = []
    started = threading.Event()

    def work() -> None:
        started.set()
        desk.engine.step(batch, 10_000)

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    while thread.is_alive():
        try:
            _ = desk.engine.sequence
        except _native.EngineBusy:
            busy.append(1)
    thread.join()
    assert busy
    assert desk.engine.sequence > 90_000


def test_layouts_leave_no_gap():
    """Every byte of every structure belongs to a named field."""
    for name, fields in _native.layouts().items():
        end = 0
        for field, (offset, size) in fields.items():
            assert offset == end, (name, field)
            end = offset + size
        if name.endswith("Header") is False and "header" in fields and fields["header"][1] == 40:
            assert end % 16 == 0


def test_queries_tell_what_stands(desk):
    a = accepted(desk, submit(ALICE, "a", BUY, "1.00", 3))
    b = accepted(desk, submit(ALICE, "b", BUY, "1.00", 4))
    desk.do(submit(BOB, "c", SELL, "2.00", 5))
    assert desk.engine.depth(1, BUY, 1) == [(20, 7, 2)]
    assert desk.engine.orders(1, BUY) == [(a.sequence, 0, ALICE, 20, 3), (b.sequence, 1, ALICE, 20, 4)]
    assert desk.engine.order(a.sequence, 0) == (1, ALICE, BUY, 20, 3, 3, 300)
    assert desk.engine.open_orders() == 3
    assert desk.engine.accounts() == [ALICE, BOB]
    assert desk.engine.totals(USD) == (10**12, 700, 0, 0, 0, 10**12)
    assert desk.engine.currencies()[:32] == define_currency(USD, 2, "USD")
    assert len(desk.engine.instruments()) == 152
    assert all(size > 0 for size in desk.engine.memory().values())
