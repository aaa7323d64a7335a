"""From signed entries to transfers: debits and credits of each currency, paired in the order given. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from quantumcore.contracts.errors import InvalidCommand, invalid
from quantumcore.contracts.reference import Currency
from quantumcore.contracts.wire import Leg

MOST_LEGS = 100


class Side(NamedTuple):
    """An account: whose (0: the house's), and under which code of the chart (a customer's balance: 0)."""

    account: int
    code: int


class Line(NamedTuple):
    """One entry in minor units: a debit is positive, a credit negative."""

    side: Side
    currency: int
    amount: int


def check_balanced(lines: Sequence[Line], currencies: Mapping[int, Currency]) -> None:
    """Raise `ledger.unbalanced` unless there are at least two entries, and each currency sums to nothing."""
    if len(lines) < 2:
        detail = "a transaction needs two entries or more to balance"
        raise InvalidCommand("ledger.unbalanced", detail, field="entries", limit="2", actual=str(len(lines)))
    sums: dict[int, int] = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.amount
    for number, total in sums.items():
        if total:
            currency = currencies[number]
            shown = currency.show(total)
            detail = f"the entries do not balance: {currency.code} sums to {shown}"
            raise InvalidCommand("ledger.unbalanced", detail, field="entries", limit="0", actual=shown)


def legs_of(lines: Sequence[Line]) -> list[Leg]:
    """Return the transfers of balanced entries, currency by currency as they come; n entries give at most n - 1.

    An entry of 0 becomes a transfer of 0 with the first other account of its currency.

    Raises:
        InvalidCommand: More than 100 transfers; none; or one that would leave an account and come back to it.
    """
    legs: list[Leg] = []
    for currency in dict.fromkeys(line.currency for line in lines):
        legs += _paired([line for line in lines if line.currency == currency])
    if not 1 <= len(legs) <= MOST_LEGS:
        detail = f"a transaction is 1 to {MOST_LEGS} transfers between two accounts"
        raise invalid("range", detail, field="entries", limit=str(MOST_LEGS), actual=str(len(legs)))
    return legs


def _paired(lines: list[Line]) -> list[Leg]:
    legs: list[Leg] = []
    debits = [(line.side, line.amount) for line in lines if line.amount > 0]
    credits_left = [(line.side, -line.amount) for line in lines if line.amount < 0]
    while debits:
        (debit, owed), (credit, due) = debits[0], credits_left[0]
        amount = min(owed, due)
        if debit == credit:
            raise invalid("range", "an account is debited and credited for the same", field="entries")
        legs.append(_leg(debit, credit, lines[0].currency, amount))
        debits[0], credits_left[0] = (debit, owed - amount), (credit, due - amount)
        debits, credits_left = _rest(debits), _rest(credits_left)
    return legs + _of_nothing(lines, only=not legs)


def _rest(sides: list[tuple[Side, int]]) -> list[tuple[Side, int]]:
    return sides if sides[0][1] else sides[1:]


def _of_nothing(lines: list[Line], *, only: bool) -> list[Leg]:
    """Return transfers of 0 for entries of 0; where there are no others the last has no partner of its own."""
    legs = []
    empty = [line for line in lines if line.amount == 0]
    for line in empty[: len(empty) - only]:
        other = next((one.side for one in lines if one.side != line.side), None)
        if other is not None:
            legs.append(_leg(line.side, other, line.currency, 0))
    return legs


def _leg(debit: Side, credit: Side, currency: int, amount: int) -> Leg:
    return Leg(
        debit_account=debit.account,
        debit_code=debit.code,
        credit_account=credit.account,
        credit_code=credit.code,
        currency=currency,
        amount=amount,
    )
