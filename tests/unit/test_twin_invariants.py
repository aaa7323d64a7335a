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
from tests.support.desk import ALICE, BOB, BUY, SELL, SHARE, USD, XYZ, Desk
from tests.support.engines import both_engines, step


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
}


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
    first, second = (
        wire.SubmitAdvancedOrder(**{name: getattr(one, name) for name in one.__struct_fields__}).encode()
        for one in plain
    )
    desk.all(wire.SubmitLinkedOrders(instrument=SHARE, account=ALICE, link=1, count=2, first=first, second=second))
    desk.engine.check()
    tamper(desk.engine)
    with pytest.raises(Corrupted):
        desk.engine.check()
