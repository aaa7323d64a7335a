"""An account against its entries: its totals must be the sums of what moved it."""

from collections import defaultdict

from sqlalchemy import Connection, func, literal_column, select

from quantumcore.contracts.ledger_audit import AccountSum, AccountVerdict
from quantumcore.contracts.reference import Catalogue
from quantumcore.services.ledger.queries import owner_view
from quantumcore.services.ledger.reports import HALVES, whole
from quantumcore.services.ledger.tables import entries

Sums = dict[tuple[int, int], list[int]]
"""(currency, code) -> [debits, credits]"""


def account_sums(connection: Connection, account: int, catalogue: Catalogue) -> AccountVerdict | None:
    """Return where an account is not the sum of its entries, at one sequence; None for one that is unknown."""
    view = owner_view(connection, account)
    if not view.owner:
        return None
    sums, counted = entry_sums(connection, account)
    stands = {(key.currency, key.code): [found.debits, found.credits] for key, found in view.accounts.items()}
    differences = []
    for key in sorted(sums.keys() | stands.keys()):
        currency, code = key
        shown = catalogue.currencies[currency].code if currency in catalogue.currencies else str(currency)
        for what, mine, summed in zip(
            ("debits", "credits"), stands.get(key, [0, 0]), sums.get(key, [0, 0]), strict=True
        ):
            if mine != summed:
                differences.append(AccountSum(shown, code, what, str(mine), str(summed)))
    return AccountVerdict(str(account), view.sequence, counted, differences)


def entry_sums(connection: Connection, account: int) -> tuple[Sums, int]:
    """Return the sums of a customer's entries, exactly, and how many there are. The database sums: one pass over its index."""
    sums: Sums = defaultdict(lambda: [0, 0])
    counted = 0
    for at, side in enumerate(("debit", "credit")):
        owner, code = entries.c[f"{side}_owner"], entries.c[f"{side}_code"]
        customers = owner != literal_column("0")  # so that the index of customers is used
        query = select(entries.c.currency, code, func.count(), *HALVES).where(owner == account, customers)
        for currency, of, rows, high, low in connection.execute(query.group_by(entries.c.currency, code)):
            sums[currency, of][at] += whole(high, low)
            counted += rows
    return sums, counted
