"""What is taken over, as the pure parts of ledger and positions have it.

Goal: legs and changes by hand, of longs and shorts, for money either way; records lead to the same once more; a position that the
engine does not have stops the fold; the price that is shown is the nearest.
Method: events made by hand; no room.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.values import I64_MAX
from quantumcore.services.ledger.books import Books, needs
from quantumcore.services.ledger.domain import HOUSE, AccountKey
from quantumcore.services.ledger.postings import Why, taken_legs
from quantumcore.services.positions.domain import Cause, Kind, Terms
from quantumcore.services.positions.folding import Choices, Folding, keys_of
from quantumcore.services.positions.lots import Method
from quantumcore.services.positions.pnl import ONE, Form, contract
from quantumcore.services.positions.replay import replay
from tests.support.events import blank
from tests.support.small_venue import ALICE, BOB, SHARE, SHARES, USD, definitions

CASH, ASSETS = 200, 210
CENT = ONE // 100


def taken(**changes: Any) -> wire.PositionTaken:
    """Return Alice giving 10 shares to Bob for 1,500.00."""
    fields = {"instrument": SHARE, "account": ALICE, "taker": BOB, "base": SHARES, "quote": USD}
    fields |= {"lots": 10, "asset": 10, "money": 150_000, "position": 0, "taker_position": 10}
    return blank(wire.PositionTaken, **{"sequence": 9, "time_ns": 90, **fields, **changes})


def bought(lots: int) -> wire.TradePrinted:
    """Return Alice buying (negative: selling) from a third at 160.00."""
    fields = {"sequence": 5, "time_ns": 50, "instrument": SHARE, "account": ALICE, "maker_account": 7}
    side = 1 if lots > 0 else 2
    return blank(wire.TradePrinted, **fields, quantity=abs(lots), price=16_000, taker_side=side)


def folding(choices: Choices | None = None) -> Folding:
    catalogue = Catalogue()
    for number, command in enumerate(definitions()[:5], 1):
        kind = wire.CurrencyDefined if isinstance(command, wire.DefineCurrency) else wire.InstrumentDefined
        body = {name: getattr(command, name) for name in command.LAYOUT.names[4:]}
        catalogue.apply(kind(0, 0, number, 0, command.instrument, 0, **body))
    return Folding({}, {}, catalogue.instruments, choices or Choices())


# ------------------------------------------------------------------------------------------------ the ledger


def code_of(currency: int) -> int:
    return CASH if currency == USD else ASSETS


@pytest.mark.parametrize(
    ("asset", "money", "expected"),
    [
        (10, 7, [(Why.TAKEN_ASSET, ALICE, BOB, 10), (Why.TAKEN_MONEY, BOB, ALICE, 7)]),
        (10, -7, [(Why.TAKEN_ASSET, ALICE, BOB, 10), (Why.TAKEN_MONEY, ALICE, BOB, 7)]),
        (-10, -7, [(Why.TAKEN_ASSET, BOB, ALICE, 10), (Why.TAKEN_MONEY, ALICE, BOB, 7)]),
        (-10, 0, [(Why.TAKEN_ASSET, BOB, ALICE, 10)]),
    ],
    ids=["a long for money", "a long with money", "a short with money", "a short for nothing"],
)
def test_asset_and_money_go_against_each_other_between_the_two(asset: int, money: int, expected: list[Any]) -> None:
    legs = taken_legs(taken(asset=asset, money=money), code_of)
    assert [(leg.why, leg.debit.owner, leg.credit.owner, leg.amount) for leg in legs] == expected
    assert {(leg.debit.currency, leg.debit.code) for leg in legs} <= {(SHARES, ASSETS), (USD, CASH)}
    assert HOUSE not in {owner for _, *owners, _ in expected for owner in owners}


def test_books_have_it_in_both_accounts_and_refuse_what_nobody_had() -> None:
    event = taken(money=0)
    books = Books({}, {}, {}, {SHARES}, {USD})
    with pytest.raises(Corrupted, match=r"9\.0"):
        books.enter([event])
    assert needs([event]).owners == {HOUSE, ALICE, BOB}
    books = Books({}, {}, {}, {SHARES}, {USD})
    money = {"account": ALICE, "currency": SHARES, "amount": 12, "total": 12, "transfer_kind": 1, "transfer_id": "d"}
    books.enter([blank(wire.TransferPosted, sequence=8, **money), event])
    stands = {owner: books.accounts[AccountKey(owner, SHARES, ASSETS)].balance(ASSETS) for owner in (ALICE, BOB)}
    assert stands == {ALICE: 2, BOB: 10}
    assert [(row.leg.why, row.reference) for row in books.entries[1:]] == [(Why.TAKEN_ASSET, "")]


# ------------------------------------------------------------------------------------------------- positions


@pytest.mark.parametrize("method", [Method.AVERAGE, Method.FIFO])
def test_of_a_long_the_money_is_its_cost_and_its_result(method: Method) -> None:
    """Bought at 160.00, given for 150.00 each: 100.00 lost, and no price has moved."""
    choices = Choices([((who, SHARE), 0, Terms(method)) for who in (ALICE, BOB)])
    fold = folding(choices)
    fold.enter([bought(10), taken()])
    alice, bob = fold.positions[ALICE, SHARE], fold.positions[BOB, SHARE]
    assert (alice.quantity, alice.cost, alice.realised, alice.cycles) == (0, 0, -100 * ONE, 1)
    assert (bob.quantity, bob.cost, bob.realised, bob.fees) == (10, 1_500 * ONE, 0, 0)
    (lot,) = bob.open_lots
    assert (lot.quantity, lot.cost, lot.price, lot.sequence, lot.fill) == (10, 1_500 * ONE, 15_000, 9, 0)
    assert fold.marks[SHARE].price == 16_000
    changes = [(one.account, one.change.kind, one.change.cause, one.change.value) for one in fold.told[2:]]
    assert changes == [
        (ALICE, Kind.CLOSED, Cause.TAKEN, -1_500 * ONE),
        (BOB, Kind.OPENED, Cause.TAKEN, 1_500 * ONE),
    ]


def test_of_a_short_a_part_goes_and_the_taker_turns_round() -> None:
    """Alice is short of 10 at 160.00; Bob, who has none, takes 4 of it and gets 700.01 for it."""
    fold = folding()
    fold.enter([bought(-10), taken(lots=-4, asset=-4, money=-70_001, position=-6, taker_position=-4)])
    alice, bob = fold.positions[ALICE, SHARE], fold.positions[BOB, SHARE]
    assert (alice.quantity, alice.cost, alice.realised) == (-6, -960 * ONE, -6_001 * CENT)
    assert (bob.quantity, bob.cost, bob.opened_price) == (-4, -70_001 * CENT, 17_500)
    fold.enter([taken(sequence=10, account=BOB, taker=7, lots=-4, asset=-4, position=0, taker_position=6, money=0)])
    seven = fold.positions[7, SHARE]
    assert (seven.quantity, fold.positions[BOB, SHARE].realised) == (6, 70_001 * CENT)


def test_records_lead_to_the_same_once_more() -> None:
    fold = folding(Choices([((who, SHARE), 0, Terms(Method.HIFO, wash_sales=True)) for who in (ALICE, BOB, 7)]))
    back = taken(sequence=10, account=BOB, taker=ALICE, lots=3, asset=3, money=-2, position=7, taker_position=3)
    fold.enter([bought(10), taken(), back])
    assert replay({}, {}, fold.told, fold._instruments) == (fold.positions, fold.marks)


@pytest.mark.parametrize("changes", [{"position": 1}, {"taker_position": 9}])
def test_other_lots_than_the_engines_stop_the_fold(changes: dict[str, int]) -> None:
    fold = folding()
    fold.enter([bought(10)])
    with pytest.raises(Corrupted, match=r"9\.0.*the engine has") as error:
        fold.enter([taken(**changes)])
    assert error.value.code == "position.mismatch"


def test_both_accounts_are_concerned() -> None:
    assert keys_of([taken()]) == ({ALICE, BOB}, {SHARE})


# ----------------------------------------------------------------------------------------- the price of it


@given(
    lots=st.integers(-(10**9), 10**9).filter(bool),
    ticks=st.integers(-(10**9), 10**9),
    multiplier=st.integers(1, 1_000),
    scales=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_what_a_price_makes_leads_back_to_it(lots: int, ticks: int, multiplier: int, scales: tuple[int, int]) -> None:
    of = contract(Form.LINEAR, tick_scale=scales[0], lot_scale=scales[1], multiplier=multiplier)
    assert of.price(lots, of.worth(lots, ticks)) == ticks


def test_a_price_is_the_nearest_even_and_has_63_bits() -> None:
    cents = contract(Form.LINEAR, tick_scale=2)
    assert [cents.price(2, half * CENT) for half in (3, 5, -3, 0)] == [2, 2, -2, 0]
    assert [cents.price(sign, 2**63 * CENT) for sign in (1, -1)] == [I64_MAX, -I64_MAX]
    inverse = contract(Form.INVERSE, multiplier=100)
    assert inverse.price(-5, inverse.worth(-5, 40)) == 40
    assert inverse.price(5, 0) == 0
