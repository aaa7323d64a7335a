"""What the engine says about itself: the flag of the last event, the hash, and the check that finds a broken state.

Goal: an event stream can be cut into commands by itself; equal streams and only those have equal hashes; no state that
breaks a law of the market passes `check()`.
Method: the hash is computed once more from the bytes; the twin's state is tampered with, one law at a time.
"""

from collections.abc import Callable

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Corrupted
from quantumcore.core.twin import Engine
from quantumcore.core.twin.book import Place
from quantumcore.core.twin.regime import LimitState
from tests.support.desk import ALICE, BOB, BUY, CAROL, SELL, SHARE, USD, XYZ, Desk
from tests.support.engines import both_engines, step
from tests.support.shown_orders import advanced


@both_engines
def test_only_the_last_event_of_a_command_is_flagged_and_indices_ascend(new_engine):
    desk = Desk(new_engine).rich()
    for _ in range(3):
        desk.rest(ALICE, SELL, "1", "1.00")
    events = desk.submit(BOB, BUY, "5", "1.00")
    assert [event.flags for event in events] == [0, 0, 0, 1]
    assert [event.index for event in events] == [0, 1, 2, 3]
    assert len({(event.sequence, event.time_ns) for event in events}) == 1


@both_engines
def test_the_hash_is_what_the_reference_says_of_the_bytes(new_engine):
    def mum(a: int, b: int) -> int:
        return (a * b) % 2**64 ^ (a * b) // 2**64

    engine, expected = new_engine(), 0x9E3779B97F4A7C15
    for command in (wire.AdvanceTime(), wire.OpenAccount(account=7, owner=2**127 + 1), wire.SetKillSwitch(engaged=1)):
        raw = step(engine, command.encode(), 1_700_000_000_000_000_000)
        words = [int.from_bytes(raw[at : at + 8], "little") for at in range(0, len(raw), 8)]
        e = 0x9E3779B97F4A7C15
        for at in range(0, len(words), 2):
            e = mum(words[at] ^ 0xA0761D6478BD642F ^ e, words[at + 1] ^ 0xE7037ED1A0B428DB)
        expected = mum(expected ^ e, 0x8EBC6AF09C88C6E3)
        assert engine.state_hash() == expected


TAMPERINGS: dict[str, Callable[[Engine], None]] = {
    "crossed by a tick": lambda engine: _move(engine, BUY, 201),
    "locked": lambda engine: _move(engine, BUY, 200),
    "nothing left": lambda engine: setattr(_order(engine, BUY), "leaves", 0),
    "more left than asked for": lambda engine: setattr(_order(engine, BUY), "leaves", 99),
    "on the wrong side": lambda engine: setattr(_order(engine, BUY), "side", SELL),
    "not in the book": lambda engine: engine._venue.books[SHARE].remove(_order(engine, BUY)),
    "a slot twice": lambda engine: setattr(_order(engine, BUY), "slot", _order(engine, SELL).slot),
    "a hold too small": lambda engine: setattr(_order(engine, BUY), "hold", 1),
    "held without an order": lambda engine: engine._venue.accounts[ALICE].hold(USD, 1),
    "money from nowhere": lambda engine: engine._venue.accounts[ALICE].post(USD, 1),
    "an asset gone": lambda engine: engine._venue.accounts[BOB].post(XYZ, -1),
    "a negative house": lambda engine: _negative_house(engine),
    "an order of an auction in the book": lambda engine: setattr(_order(engine, BUY), "time_in_force", 2),
    "an indicative price without a call": lambda engine: setattr(_regime(engine), "indicative", (1, 1, 0)),
    "a limit state that is not the best price": lambda engine: setattr(
        _regime(engine), "limit_state", LimitState(BUY, 101, 0)
    ),
    "an end of what trades": lambda engine: setattr(_regime(engine), "call_until", 1),
    "a cross while it trades": lambda engine: _regime(engine).cross.append(_order(engine, BUY)),
}

HIDDEN_TAMPERINGS: dict[str, Callable[[Engine], None]] = {
    "an iceberg that shows nothing": lambda engine: setattr(_of_carol(engine, 1), "reserve", 20),
    "a reserve below nothing": lambda engine: setattr(_of_carol(engine, 1), "reserve", -1),
    "a dark order in the light": lambda engine: _in_the_light(engine),
    "a dark order that could trade": lambda engine: setattr(_of_carol(engine, 2), "leaves", 5),
    "a peg past its cap": lambda engine: setattr(_of_carol(engine, 3), "cap", 100),
    "a peg that nobody knows": lambda engine: engine._venue.books[SHARE].pegs.clear(),
    "a place that it is not in": lambda engine: setattr(_of_carol(engine, 1), "place", Place.WAITING),
}


def _of_carol(engine, number):
    """Her orders in order: an iceberg, all-or-none, a peg."""
    return list(engine._venue.working[CAROL].values())[number - 1]


def _in_the_light(engine):
    book, order = engine._venue.books[SHARE], _of_carol(engine, 2)
    book.dark.remove(order)
    order.price = 50
    book.append(order)
    engine._venue.rehold(order)


@pytest.mark.parametrize("tamper", HIDDEN_TAMPERINGS.values(), ids=HIDDEN_TAMPERINGS)
def test_a_state_that_breaks_a_law_of_what_is_not_shown_does_not_pass_the_check(tamper):
    desk = Desk(Engine).rich()
    desk.rest(ALICE, BUY, "5", "1.00")
    desk.rest(BOB, SELL, "5", "2.00")
    for terms in ({"display": 4}, {"flags": 16, "price": 200}, {"order_type": 10, "peg": 1, "price": 150}):
        plain = desk.order(CAROL, BUY, "20", "1.00")
        accepted = desk.all(advanced(plain, **{"price_scale": 2, "price": 100, **terms}))
        assert isinstance(accepted[0], wire.OrderAccepted)
    desk.engine.check()
    tamper(desk.engine)
    with pytest.raises(Corrupted):
        desk.engine.check()


def _regime(engine):
    return engine._venue.regimes[SHARE]


def _order(engine, side):
    return engine._venue.books[SHARE].first(side)


def _move(engine, side, price):
    book, order = engine._venue.books[SHARE], _order(engine, side)
    book.remove(order)
    order.price = price
    book.append(order)
    engine._venue.rehold(order)


def _negative_house(engine):
    engine._venue.houses[USD].rounding -= 1
    engine._venue.houses[USD].fees += 1


@pytest.mark.parametrize("tamper", TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_state_that_breaks_a_law_does_not_pass_the_check(tamper):
    desk = Desk(Engine).rich()
    desk.rest(ALICE, BUY, "5", "1.00")
    desk.rest(BOB, SELL, "5", "2.00")
    desk.engine.check()
    tamper(desk.engine)
    with pytest.raises(Corrupted):
        desk.engine.check()


@both_engines
def test_a_book_may_cross_in_a_call_and_only_there(new_engine):
    desk = Desk(new_engine).rich()
    desk.do(wire.SetInstrumentStatus(instrument=SHARE, status=4))
    desk.rest(ALICE, BUY, "5", "2.00")
    desk.rest(BOB, SELL, "5", "1.00")
    desk.engine.check()
    desk.all(wire.SetInstrumentStatus(instrument=SHARE, status=1))
    desk.engine.check()
    assert desk.engine.open_orders() == 0


TIED: dict[str, Callable[[Engine], None]] = {
    "a position from nowhere": lambda engine: engine._venue.positions.update({(ALICE, SHARE): 7}),
    "more reduce-only than position": lambda engine: setattr(_reducing(engine), "leaves", 6),
    "tied to one that has ended": lambda engine: engine._venue.working[ALICE].pop(_linked(engine)[1].name),
    "tied by one only": lambda engine: setattr(_linked(engine)[1], "link", None),
    "waits for nobody": lambda engine: setattr(_linked(engine)[0].link, "waits", True),
    "both hold": lambda engine: setattr(_linked(engine)[1], "hold", 3),
    "freed but not told": lambda engine: engine._venue.freed.append(_linked(engine)[0].link),
}


def _reducing(engine):
    return next(order for order in engine._venue.working[BOB].values() if order.flags == 4)


def _linked(engine):
    return [order for order in engine._venue.working[ALICE].values() if order.link is not None]


@pytest.mark.parametrize("tamper", TIED.values(), ids=TIED)
def test_links_and_positions_that_break_a_law_do_not_pass_the_check(tamper):
    desk = Desk(Engine).rich()
    desk.rest(ALICE, SELL, "5", "1.00")
    desk.submit(BOB, BUY, "5", "1.00")
    desk.submit(BOB, SELL, "5", "4.00", flags=4)
    plain = [desk.order(ALICE, SELL, "3", price) for price in ("2.00", "3.00")]
    first, second = (advanced(one).encode() for one in plain)
    desk.all(wire.SubmitLinkedOrders(instrument=SHARE, account=ALICE, link=1, count=2, first=first, second=second))
    desk.engine.check()
    tamper(desk.engine)
    with pytest.raises(Corrupted):
        desk.engine.check()
