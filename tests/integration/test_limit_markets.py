"""Limits under any stream: the native engine is its twin, and an engine from a snapshot is the one that wrote it.

Goal: every refusal for a limit, and every sum that it goes by, is the same in both, whatever is replaced, tied, moved to another
group or firm, or taken back. Method: a dense seeded market at its limits; snapshots in the middle, and tables that fill up.
"""

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from tests.support.engines import both_engines, check, step
from tests.support.fuzz_engine import run_restored, started
from tests.support.streams import START_NS, setup
from tests.support.streams_limits import LimitMarket

COMMANDS = 2_500


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_native_and_twin_are_equal_and_a_restored_engine_goes_on(seed: int) -> None:
    """And every limit has refused something."""
    told = run_restored(COMMANDS, seed, market=LimitMarket, every=60)
    for reason in ("MAX_OPEN", "POS_LIMIT", "CREDIT", "EXPOSURE"):
        assert told[f"OrderRejected.{reason}"] + told[f"CommandRefused.{reason}"], told


@both_engines
def test_records_have_an_end_and_known_ones_may_still_change(new_engine) -> None:
    """Of each kind; a refused one is not there."""
    engine = started(new_engine(max_limits=2))
    quantities = [wire.SetQuantityLimits(scope=6, group=number, max_order_lots=5) for number in (1, 2, 3, 2)]
    money = [wire.SetMoneyLimits(scope=5, firm=number, currency=1, credit=5) for number in (1, 2, 3, 2)]
    shares = [wire.SetMarketShares(scope=6, group=number, interest=5) for number in (1, 2, 3, 2)]
    records = (
        (quantities, wire.QuantityLimitsChanged),
        (money, wire.MoneyLimitsChanged),
        (shares, wire.MarketSharesChanged),
    )
    for commands, changed in records:
        told = list(wire.iter_events(step(engine, b"".join(c.encode() for c in commands), START_NS)))
        assert [type(event) for event in told] == [changed, changed, wire.CommandRefused, changed]
        assert isinstance(told[2], wire.CommandRefused)
        assert told[2].reason == Reason.CAPACITY
    assert engine.drawn(3, 1) == (0, 0)
    check(engine)


@both_engines
def test_a_limit_of_one_order_is_asked_of_an_account_that_has_none_yet(new_engine) -> None:
    """A first order in an instrument finds the records of now, not those of its account's last one."""
    engine = started(new_engine())
    fields = {"account": 1, "side": 1, "order_type": 2, "time_in_force": 1, "price_scale": 0}
    first = wire.SubmitOrder(instrument=1, price=5, quantity=50, client_id="a", **fields)
    assert isinstance(next(wire.iter_events(step(engine, first.encode(), START_NS))), wire.OrderAccepted)
    step(engine, wire.SetQuantityLimits(scope=2, account=1, instrument=7, max_order_lots=9).encode(), START_NS)
    for number, lots, passes in ((2, 10, True), (7, 10, False), (7, 9, True), (1, 5, True)):
        terms = next(
            c
            for c in map(wire.decode_command, setup())
            if isinstance(c, wire.DefineInstrument) and c.instrument == number
        )
        price = {"price": terms.min_price * terms.tick, "price_scale": terms.tick_scale}
        quantity = {"quantity": lots * terms.lot, "quantity_scale": terms.lot_scale}
        order = wire.SubmitOrder(instrument=number, client_id=f"{number}-{lots}", **{**fields, **price}, **quantity)
        told = next(wire.iter_events(step(engine, order.encode(), START_NS)))
        if passes:
            assert isinstance(told, wire.OrderAccepted) or told.reason not in (Reason.MAX_QTY, Reason.POS_LIMIT)
        else:
            assert isinstance(told, wire.OrderRejected)
            assert (told.reason, told.limit) == (Reason.MAX_QTY, 9)
    check(engine)
