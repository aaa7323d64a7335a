"""Signed entries become transfers.

Goal: what the entries say is what the transfers move, in as few as n - 1, and in the order given.
Method: hypothesis invents balanced entries over two currencies; the cases that a clerk would write, by hand.
"""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumcore.contracts.errors import InvalidCommand
from quantumcore.contracts.reference import Currency
from quantumcore.services.ledger.pairing import Line, Side, check_balanced, legs_of

CURRENCIES = {1: Currency(1, "USD", 2), 2: Currency(2, "JPY", 0)}
CASH, EQUITY, ALICE, BOB = Side(0, 100), Side(0, 900), Side(7, 0), Side(8, 0)


def usd(side: Side, amount: int) -> Line:
    return Line(side, 1, amount)


def shown(lines: list[Line]) -> list[tuple[int, int, int, int, int]]:
    legs = legs_of(lines)
    return [(leg.debit_account, leg.debit_code, leg.credit_account, leg.credit_code, leg.amount) for leg in legs]


def test_two_entries_are_one_transfer_from_debit_to_credit():
    assert shown([usd(CASH, 500), usd(ALICE, -500)]) == [(0, 100, 7, 0, 500)]


def test_debits_and_credits_are_paired_in_the_order_given():
    lines = [usd(CASH, 100), usd(ALICE, -60), usd(EQUITY, 10), usd(BOB, -50)]
    assert shown(lines) == [(0, 100, 7, 0, 60), (0, 100, 8, 0, 40), (0, 900, 8, 0, 10)]


def test_an_entry_of_nothing_is_recorded_and_moves_nothing():
    assert shown([usd(CASH, 5), usd(EQUITY, 0), usd(ALICE, -5)]) == [(0, 100, 7, 0, 5), (0, 900, 0, 100, 0)]
    assert shown([usd(ALICE, 0), usd(BOB, 0)]) == [(7, 0, 8, 0, 0)]


@pytest.mark.parametrize("lines", [[], [usd(CASH, 0)], [usd(CASH, 5), usd(ALICE, -4)]], ids=["none", "one", "sum"])
def test_what_does_not_balance_says_so(lines):
    with pytest.raises(InvalidCommand, match="balance") as refused:
        check_balanced(lines, CURRENCIES)
    assert refused.value.code == "ledger.unbalanced"


def test_each_currency_balances_by_itself():
    with pytest.raises(InvalidCommand, match=r"USD sums to 0\.05"):
        check_balanced([usd(CASH, 5), Line(ALICE, 2, -5)], CURRENCIES)
    check_balanced([usd(CASH, 5), usd(ALICE, -5), Line(CASH, 2, 3), Line(BOB, 2, -3)], CURRENCIES)


def test_an_account_does_not_pay_itself():
    with pytest.raises(InvalidCommand, match="debited and credited"):
        legs_of([usd(ALICE, 5), usd(ALICE, -5)])


def test_a_hundred_and_one_transfers_are_too_many():
    credits_of_all = [usd(Side(n, 0), -1) for n in range(1, 102)]
    with pytest.raises(InvalidCommand, match="1 to 100"):
        legs_of([usd(CASH, 101), *credits_of_all])


@st.composite
def balanced(draw):
    """Return entries of up to two currencies, each with a last one that makes it balance; every account once per side."""
    lines = []
    for currency in draw(st.sampled_from([(1,), (2,), (1, 2)])):
        amounts = draw(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=8))
        amounts.append(-sum(amounts))
        lines += [Line(Side(at + 1, 0), currency, amount) for at, amount in enumerate(amounts)]
    return lines


@settings(max_examples=300, deadline=None, derandomize=True)
@given(lines=balanced())
def test_transfers_move_what_the_entries_say_in_at_most_one_fewer(lines):
    legs = legs_of(lines)
    moved: dict[tuple[int, int], int] = defaultdict(int)
    for leg in legs:
        assert leg.amount >= 0
        moved[leg.debit_account, leg.currency] += leg.amount
        moved[leg.credit_account, leg.currency] -= leg.amount
    assert {name: amount for name, amount in moved.items() if amount} == {
        (line.side.account, line.currency): line.amount for line in lines if line.amount
    }
    assert len(legs) <= len(lines) - len({line.currency for line in lines})
