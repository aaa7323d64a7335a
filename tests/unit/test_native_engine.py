"""Definitions, money and what only the native engine has (snapshots, slots, threads), as docs/reference/engine.md says.

Goal: definitions and transfers are refused at their boundaries; a restored engine is the same one.
Method: raw commands into a small market; the event, the balances and `check()` are read back.
"""

import random
import threading

import pytest

from quantumcore.contracts.reasons import Reason
from quantumcore.core import _native
from tests.support.commands import (
    ACME,
    BETWEEN,
    BUY,
    DEPOSIT,
    EUR,
    SELL,
    TINY,
    USD,
    WITHDRAWAL,
    Desk,
    define_currency,
    define_instrument,
    open_account,
    submit,
    transfer,
)  # fmt: skip
from tests.support.native_market import (
    ACCOUNT,
    ALICE,
    BOB,
    CAROL,
    MAX,
    VENUE,
    accepted,
    market,
    refused,
    rich,
    traffic,
)


@pytest.fixture
def desk() -> Desk:
    return market()


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
