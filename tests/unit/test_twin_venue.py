"""What the venue is made of: definitions, accounts, transfers, switches, limits; and the framing of commands.

Goal: engine.md 1, 4, 6 and 7 hold in both engines.
Method: one example per rule; a definition is broken one field at a time.
"""

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.contracts.values import I64_MAX
from tests.support.desk import (
    ALICE,
    BETWEEN,
    BOB,
    BTC,
    BUY,
    CAROL,
    DEPOSIT,
    SELL,
    USD,
    WITHDRAWAL,
    XYZ,
    Desk,
    coin,
    instrument,
    of,
)
from tests.support.engines import FRAMING_ERRORS, both_engines, step

pytestmark = both_engines
K0 = 0x9E3779B97F4A7C15


# --------------------------------------------------------------------------------------- definitions


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"base": 77}, Reason.UNKNOWN_CURRENCY),
        ({"quote": XYZ}, Reason.UNKNOWN_CURRENCY),
        ({"instrument": 0}, Reason.BAD_DEFINITION),
        ({"symbol": "lower"}, Reason.BAD_DEFINITION),
        ({"symbol": ""}, Reason.BAD_DEFINITION),
        ({"symbol": ".A"}, Reason.BAD_DEFINITION),
        ({"symbol": "SYM1"}, Reason.BAD_DEFINITION),
        ({"tick": 0}, Reason.BAD_DEFINITION),
        ({"lot": 0}, Reason.BAD_DEFINITION),
        ({"multiplier": 0}, Reason.BAD_DEFINITION),
        ({"tick": 10}, Reason.BAD_DEFINITION),
        ({"tick_scale": 19}, Reason.BAD_DEFINITION),
        ({"lot": 10, "lot_scale": 1}, Reason.BAD_DEFINITION),
        ({"min_price": 0}, Reason.BAD_DEFINITION),
        ({"min_price": 9, "max_price": 8}, Reason.BAD_DEFINITION),
        ({"min_quantity": 0}, Reason.BAD_DEFINITION),
        ({"min_quantity": 9, "max_quantity": 8}, Reason.BAD_DEFINITION),
        ({"min_notional": -1}, Reason.BAD_DEFINITION),
        ({"min_notional": 9, "max_notional": 8}, Reason.BAD_DEFINITION),
        ({"taker_fee": 10_000_001}, Reason.BAD_DEFINITION),
        ({"taker_fee": -1}, Reason.BAD_DEFINITION),
        ({"maker_fee": -1}, Reason.BAD_DEFINITION),
        ({"maker_fee": 10_000_001}, Reason.BAD_DEFINITION),
        ({"taker_fee": 10_000_000, "maker_fee": -10_000_001}, Reason.BAD_DEFINITION),
        ({"minimum_fee": -1}, Reason.BAD_DEFINITION),
        ({"taker_fee": 5, "maker_fee": -5, "minimum_fee": 1}, Reason.BAD_DEFINITION),
        ({"collar": 0}, Reason.BAD_DEFINITION),
        ({"collar": 10**8}, Reason.BAD_DEFINITION),
        ({"lot": 1, "lot_scale": 1}, Reason.BAD_DEFINITION),  # a tenth of a share
        ({"lot": 2**62}, Reason.BAD_DEFINITION),
        ({"tick": I64_MAX, "multiplier": 2}, Reason.BAD_DEFINITION),
        ({"status": 0}, Reason.BAD_COMMAND),
        ({"status": 4}, Reason.BAD_COMMAND),
        ({"instrument_kind": 3}, Reason.BAD_COMMAND),
    ],
)
def test_an_instrument_that_cannot_be_is_refused(new_engine, change, reason):
    desk = Desk(new_engine)
    before = desk.state()
    refused = desk.do(instrument(**{"number": 2, **change}) if "instrument" not in change else instrument(0))
    assert isinstance(refused, wire.CommandRefused)
    assert refused.reason == reason
    assert desk.state() == before


@pytest.mark.parametrize(
    "change",
    [
        {"taker_fee": 10_000_000, "maker_fee": -10_000_000},
        {"collar": 1},
        {"collar": 10**8 - 1},
        {"tick": 7, "tick_scale": 18},
        {"lot": 2**62 - 1, "tick_scale": 18, "tick": 1},
        {"symbol": "A.B-C_0123456789ABCDEFGH"},
    ],
)
def test_an_instrument_at_the_edge_is_defined(new_engine, change):
    assert isinstance(Desk(new_engine).do(instrument(2, **change)), wire.InstrumentDefined)


def test_a_definition_again_is_a_repeat_and_what_may_change_is_replaced(new_engine):
    desk = Desk(new_engine)
    assert desk.do(instrument()).outcome == 1
    event = desk.do(instrument(taker_fee=7))
    assert isinstance(event, wire.InstrumentDefined)
    assert event.taker_fee == 7
    for change in ({"tick": 5}, {"lot": 2}, {"multiplier": 2}, {"base": BTC}, {"instrument_kind": 2}, {"symbol": "X"}):
        assert desk.do(instrument(**change)).reason == Reason.EXISTS_DIFFERENT


@pytest.mark.parametrize(
    ("number", "code", "scale", "reason"),
    [
        (9, "EUR", 10, Reason.BAD_DEFINITION),
        (9, "eur", 2, Reason.BAD_DEFINITION),
        (9, "", 2, Reason.BAD_DEFINITION),
        (9, "USD", 2, Reason.BAD_DEFINITION),
        (0, "EUR", 2, Reason.BAD_DEFINITION),
        (USD, "USD", 3, Reason.EXISTS_DIFFERENT),
        (USD, "EUR", 2, Reason.EXISTS_DIFFERENT),
    ],
)
def test_a_currency_that_cannot_be_is_refused(new_engine, number, code, scale, reason):
    assert Desk(new_engine).do(wire.DefineCurrency(currency=number, code=code, scale=scale)).reason == reason


def test_a_currency_or_account_again_is_a_repeat(new_engine):
    desk = Desk(new_engine)
    assert desk.do(wire.DefineCurrency(currency=USD, code="USD", scale=2)).outcome == 1
    assert desk.do(wire.OpenAccount(account=ALICE, owner=1000 + ALICE)).outcome == 1
    assert desk.do(wire.OpenAccount(account=ALICE, owner=5)).reason == Reason.EXISTS_DIFFERENT
    assert desk.engine.accounts() == [ALICE, BOB, CAROL]


def test_there_are_only_so_many_accounts(new_engine):
    desk = Desk(new_engine, max_accounts=3)
    refused = desk.do(wire.OpenAccount(account=50, owner=1))
    assert (refused.reason, refused.scope) == (Reason.CAPACITY, Scope.VENUE)


# ----------------------------------------------------------------------------------------- transfers


def transfer(account, kind, amount, name, to=0, currency=USD):
    return wire.Transfer(
        account=account, transfer_kind=kind, amount=amount, transfer_id=name, to_account=to, currency=currency
    )


def test_of_many_moves_of_thirty_from_a_hundred_three_succeed(new_engine):
    desk = Desk(new_engine)
    desk.fund(ALICE, USD, 100_00)
    answers = [desk.do(transfer(ALICE, BETWEEN, 30_00, f"m{i}", to=BOB)) for i in range(10)]
    assert sum(isinstance(answer, wire.TransferPosted) for answer in answers) == 3
    assert desk.balance(ALICE, USD) == (10_00, 0)
    assert desk.balance(BOB, USD) == (90_00, 0)
    refused = answers[-1]
    assert (refused.reason, refused.scope, refused.limit, refused.actual, refused.decimals) == (
        Reason.INSUFFICIENT,
        Scope.ACCOUNT,
        10_00,
        30_00,
        2,
    )


def test_a_transfer_id_is_remembered_for_ever(new_engine):
    desk = Desk(new_engine)
    first = desk.do(transfer(ALICE, DEPOSIT, 500, "t"))
    assert (first.total, first.held, first.transfer_id) == (500, 0, "t")
    desk.time_ns += 10**18
    desk.do(wire.AdvanceTime())
    again = desk.do(transfer(ALICE, DEPOSIT, 500, "t"))
    assert (again.outcome, again.order_sequence) == (1, first.sequence)
    other = desk.do(transfer(ALICE, DEPOSIT, 501, "t"))
    assert (other.reason, other.order_sequence) == (Reason.DUPLICATE_ID, first.sequence)
    assert isinstance(desk.do(transfer(BOB, DEPOSIT, 500, "t")), wire.TransferPosted)
    assert desk.engine.totals(USD)[5] == 1000


def test_an_id_that_failed_stays_failed(new_engine):
    desk = Desk(new_engine)
    failed = desk.do(transfer(ALICE, WITHDRAWAL, 5, "w"))
    assert failed.reason == Reason.INSUFFICIENT
    desk.fund(ALICE, USD, 100)
    again = desk.do(transfer(ALICE, WITHDRAWAL, 5, "w"))
    assert (again.reason, again.order_sequence) == (Reason.ID_ALREADY_FAILED, failed.sequence)


def test_held_money_cannot_leave(new_engine):
    desk = Desk(new_engine)
    desk.fund(ALICE, USD, 1_000)
    desk.rest(ALICE, BUY, "6", "1.00")
    assert desk.do(transfer(ALICE, WITHDRAWAL, 401, "a")).limit == 400
    posted = desk.do(transfer(ALICE, WITHDRAWAL, 400, "b"))
    assert (posted.total, posted.held) == (600, 600)


@pytest.mark.parametrize(
    ("kind", "amount", "to", "currency", "reason"),
    [
        (DEPOSIT, 0, 0, USD, Reason.BAD_AMOUNT),
        (DEPOSIT, -1, 0, USD, Reason.BAD_AMOUNT),
        (DEPOSIT, 1, 0, 77, Reason.UNKNOWN_CURRENCY),
        (BETWEEN, 1, 77, USD, Reason.UNKNOWN_ACCOUNT),
        (BETWEEN, 1, ALICE, USD, Reason.BAD_COMMAND),
        (DEPOSIT, 1, BOB, USD, Reason.BAD_COMMAND),
        (WITHDRAWAL, 1, BOB, USD, Reason.BAD_COMMAND),
        (4, 1, 0, USD, Reason.BAD_COMMAND),
    ],
)
def test_a_transfer_of_no_meaning_is_refused_and_leaves_its_id_free(new_engine, kind, amount, to, currency, reason):
    desk = Desk(new_engine)
    desk.fund(ALICE, USD, 10)
    assert desk.do(transfer(ALICE, kind, amount, "t", to=to, currency=currency)).reason == reason
    assert isinstance(desk.do(transfer(ALICE, DEPOSIT, 1, "t")), wire.TransferPosted)


@pytest.mark.hazard("F2")
@pytest.mark.parametrize(("more", "passes"), [(6, True), (7, True), (8, False)])
def test_deposits_of_a_currency_end_at_the_last_integer(new_engine, more, passes):
    """Deposits less withdrawals never pass 2^63-1, over all accounts."""
    desk = Desk(new_engine)
    desk.fund(ALICE, USD, I64_MAX - 7)
    event = desk.do(transfer(BOB, DEPOSIT, more, "t"))
    assert isinstance(event, wire.TransferPosted) == passes
    if not passes:
        assert (event.reason, event.limit, event.actual, event.decimals) == (
            Reason.AMOUNT_OVERFLOW,
            I64_MAX,
            I64_MAX + 1,
            2,
        )
        desk.do(transfer(ALICE, WITHDRAWAL, 1, "w"))
        assert isinstance(desk.do(transfer(BOB, DEPOSIT, more, "t")), wire.TransferPosted)


# -------------------------------------------------------------------------------- switches and limits


def test_the_venues_switch_cancels_every_order_by_account_and_age(new_engine):
    desk = Desk(new_engine, instrument(), coin()).rich()
    bob = desk.rest(BOB, BUY, "1", "1.00")
    late = desk.rest(ALICE, SELL, "1", "2.00")
    later = desk.rest(ALICE, BUY, "0.00001", "1.00", instrument=2)
    opened = []
    for account in (90, 80):  # opened in another order than their numbers'
        desk.do(wire.OpenAccount(account=account, owner=account))
        desk.fund(account, USD, 1_000)
        opened.append(desk.rest(account, BUY, "1", "1.00").sequence)
    *cancelled, changed = desk.all(wire.SetKillSwitch(engaged=1))
    expected = [late.sequence, later.sequence, bob.sequence, *reversed(opened)]
    assert [event.order_sequence for event in cancelled] == expected
    assert {event.reason for event in cancelled} == {3}
    assert (changed.engaged, changed.count, changed.account) == (1, 5, 0)
    assert desk.refused(ALICE, BUY, "1", "1.00").reason == Reason.KILLED
    assert desk.do(wire.SetKillSwitch(engaged=0)).count == 0
    desk.rest(ALICE, BUY, "1", "1.00")


@pytest.mark.hazard("A4")
def test_an_account_without_a_record_has_the_default_profile(new_engine):
    """No record is the default, never 0 and never unlimited; judging twice gives the same; a record stays as it was set."""
    desk = Desk(new_engine).rich()
    desk.do(wire.SetLimits(max_open_orders=3))
    desk.do(wire.SetLimits(account=BOB, max_open_orders=1))
    for account, most in ((ALICE, 3), (BOB, 1), (CAROL, 3)):
        for _ in range(most):
            desk.rest(account, BUY, "1", "1.00")
        for _ in range(3):
            refused = desk.refused(account, BUY, "1", "1.00")
            assert (refused.reason, refused.limit, refused.actual) == (Reason.MAX_OPEN, most, most + 1)
    desk.do(wire.SetLimits(max_open_orders=5))
    desk.rest(ALICE, BUY, "1", "1.00")
    assert desk.refused(BOB, BUY, "1", "1.00").limit == 1


@pytest.mark.hazard("A4")
def test_the_first_default_is_ten_thousand(new_engine):
    """Nobody set any limit: order 10,000 passes and the next does not."""
    desk = Desk(new_engine).rich()
    orders = b"".join(desk.order(ALICE, BUY, "1", f"{i % 100 + 1}.00").encode() for i in range(10_000))
    step(desk.engine, orders, desk.time_ns)
    assert desk.engine.open_orders() == 10_000
    assert desk.refused(ALICE, BUY, "1", "1.00").limit == 10_000


def test_controls_of_unknown_accounts_and_instruments_are_refused(new_engine):
    desk = Desk(new_engine)
    assert desk.do(wire.SetKillSwitch(account=77, engaged=1)).reason == Reason.UNKNOWN_ACCOUNT
    assert desk.do(wire.SetLimits(account=77, max_open_orders=1)).reason == Reason.UNKNOWN_ACCOUNT
    assert desk.do(wire.SetInstrumentStatus(instrument=77, status=1)).reason == Reason.UNKNOWN_SYMBOL


# ------------------------------------------------------------------------------------ framing, content


@pytest.mark.parametrize(
    "cut",
    [
        b"\x10",
        b"\x08\x00" + b"\0" * 6,
        b"\x00\x00" + b"\0" * 14,
        b"\x14\x00" + b"\0" * 18,
        (16_392).to_bytes(2, "little") + b"\0" * 16_390,
        b"\x20\x00" + b"\0" * 14,
    ],
    ids=["one byte", "size 8", "size 0", "size 20", "size 16,392", "past the end"],
)
def test_bad_framing_refuses_the_whole_buffer_before_anything_happened(new_engine, cut):
    desk = Desk(new_engine)
    before = (desk.state(), desk.engine.state_hash(), desk.engine.sequence)
    with pytest.raises(FRAMING_ERRORS):
        step(desk.engine, wire.AdvanceTime().encode() + cut, desk.time_ns)
    assert (desk.state(), desk.engine.state_hash(), desk.engine.sequence) == before


@pytest.mark.parametrize("size", [wire.MIN_COMMAND, wire.MAX_COMMAND])
def test_the_shortest_and_the_longest_command_are_framed(new_engine, size):
    """Whatever they say: only their content is bad."""
    desk = Desk(new_engine)
    assert desk.do(size.to_bytes(2, "little") + bytes(size - 2)).reason == Reason.BAD_COMMAND


def test_one_hostile_command_of_ten_is_refused_alone(new_engine):
    desk = Desk(new_engine).rich()
    orders = [desk.order(ALICE, BUY, "1", "1.00").encode() for _ in range(10)]
    orders[4] = orders[4][:2] + b"\xff" + orders[4][3:]
    events = wire.decode_events(step(desk.engine, b"".join(orders), desk.time_ns))
    assert len(of(wire.OrderAccepted, events)) == 9
    assert (events[4].reason, events[4].command) == (Reason.BAD_COMMAND, 0xFF)


@pytest.mark.parametrize("at", [3, 36, 76, 79])
def test_reserved_bytes_and_unknown_values_are_bad_content(new_engine, at):
    desk = Desk(new_engine).rich()
    raw = bytearray(desk.order(ALICE, BUY, "1", "1.00", client_id="a" * 10).encode())
    raw[at] = {3: 1, 36: 0}.get(at, 0x41)  # reserved, price scale is fine, a hole in the id
    if at == 36:
        raw[at] = 0x13
        raw[34:35] = b"\x03"  # side
    event = desk.do(bytes(raw))
    assert event.reason == Reason.BAD_COMMAND


def test_the_hash_starts_at_its_constant_and_every_event_changes_it(new_engine):
    engine = new_engine()
    assert engine.state_hash() == K0
    seen = {K0}
    for _ in range(10):
        step(engine, wire.AdvanceTime().encode(), 5)
        seen.add(engine.state_hash())
    assert len(seen) == 11


def test_an_empty_buffer_does_nothing(new_engine):
    engine = new_engine()
    assert step(engine, b"", 5) == b""
    assert (engine.sequence, engine.state_hash()) == (0, K0)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_unknown_things_have_empty_answers(new_engine, side):
    engine = new_engine()
    assert engine.depth(9, side, 5) == []
    assert engine.orders(9, side) == []
    assert engine.order(5, 5) is None
    assert engine.balances(9) == []
    assert engine.accounts() == []
    assert engine.totals(9) == (0, 0, 0, 0, 0, 0)


def test_a_balance_is_shown_while_there_is_any(new_engine):
    desk = Desk(new_engine)
    assert desk.engine.balances(ALICE) == []
    desk.do(transfer(ALICE, DEPOSIT, 5, "d"))
    assert desk.engine.balances(ALICE) == [(USD, 5, 0)]
    desk.do(transfer(ALICE, WITHDRAWAL, 5, "w"))
    assert desk.engine.balances(ALICE) == []
