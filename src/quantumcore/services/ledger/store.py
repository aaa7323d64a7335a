"""How a batch of events gets into the ledger's tables: effects and cursor in one transaction, few statements for many rows."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from quantumcore.ports.database import execute_many
from quantumcore.ports.event_log import EventBatch
from quantumcore.services.ledger.books import Books, EntryRow, needs, new_events
from quantumcore.services.ledger.domain import Account, AccountKey, Hold
from quantumcore.services.ledger.tables import accounts, codes, cursor, entries, holds, owners, sides, transfers

KEYS_PER_QUERY = 500


def read_cursor(connection: Connection) -> int:
    """Return the last sequence that is entered; 0 before the first."""
    return connection.execute(select(cursor.c.sequence)).scalar() or 0


def post(connection: Connection, batches: Sequence[EventBatch]) -> tuple[int, list[int]]:
    """Enter what is new in `batches`, all of it or nothing.

    Returns:
        (what is entered now, customers whose balances or holds have changed).

    Raises:
        Corrupted: A gap, or an event that cannot follow from what stands; the position is named.
    """
    stands = read_cursor(connection)
    events = new_events(batches, stands)
    if not events:
        return stands, []
    books = _load(connection, *needs(events))
    books.enter(events)
    _save(connection, books)
    upto = events[-1].sequence
    connection.execute(delete(cursor))
    connection.execute(insert(cursor), {"one": 1, "sequence": upto})
    return upto, books.moved


def _load(connection: Connection, owner_numbers: set[int], orders: set[int]) -> Books:
    found_accounts: dict[AccountKey, Account] = {}
    for some in _chunks(owner_numbers):
        for row in connection.execute(select(accounts).where(accounts.c.owner.in_(some))):
            found_accounts[AccountKey(row[0], row[1], row[2])] = Account(int(row[3]), int(row[4]), row[5], row[6])
    found_holds: dict[int, Hold] = {}
    for some in _chunks(orders):
        for row in connection.execute(select(holds).where(holds.c.order_sequence.in_(some))):
            found_holds[row[0]] = hold_of(row)
    both: dict[str, set[int]] = {"base": set(), "quote": set()}
    for row in connection.execute(select(sides)):
        both[row[1]].add(row[0])
    known = {row[0]: row[1] for row in connection.execute(select(codes))}
    return Books(found_accounts, found_holds, known, both["base"], both["quote"])


def _chunks(keys: Iterable[int]) -> Iterator[list[int]]:
    """Yield `keys` in order, at most KEYS_PER_QUERY at a time: databases limit the parameters of a statement."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), KEYS_PER_QUERY):
        yield ordered[start : start + KEYS_PER_QUERY]


def hold_of(row: Sequence[Any]) -> Hold:
    """Return the hold of a row of `holds`."""
    order, slot, account, currency, placed, captured, released, done = row
    return Hold(
        order=order,
        slot=slot,
        account=account,
        currency=currency,
        placed=int(placed),
        captured=int(captured),
        released=int(released),
        done=bool(done),
    )


def _save(connection: Connection, books: Books) -> None:
    """Write what the batch has changed: a few statements, each for many rows."""
    _save_accounts(connection, books)
    _save_holds(connection, books)
    _add(connection, entries, [_entry(row) for row in books.entries])
    _add(
        connection,
        owners,
        [{"account": e.account, "owner": str(UUID(int=e.owner)), "sequence": e.sequence} for e in books.opened],
    )
    _add(
        connection,
        transfers,
        [
            {
                "account": t.account,
                "transfer_id": t.transfer_id,
                "transfer_kind": t.transfer_kind,
                "to_account": t.to_account,
                "currency": t.currency,
                "amount": t.amount,
                "sequence": t.sequence,
                "time_ns": t.time_ns,
            }
            for t in books.transfers
        ],
    )
    _add(connection, codes, [{"currency": c, "code": books.codes[c]} for c in sorted(books.new_codes)])
    if books.new_sides:
        connection.execute(delete(sides))
        _add(connection, sides, [{"currency": c, "side": "base"} for c in sorted(books.bases)])
        _add(connection, sides, [{"currency": c, "side": "quote"} for c in sorted(books.quotes)])


def _entry(row: EntryRow) -> dict[str, object]:
    leg = row.leg
    return {
        "sequence": row.sequence,
        "event_index": row.event_index,
        "leg": leg.number,
        "why": int(leg.why),
        "debit_owner": leg.debit.owner,
        "debit_code": leg.debit.code,
        "credit_owner": leg.credit.owner,
        "credit_code": leg.credit.code,
        "currency": leg.debit.currency,
        "amount": leg.amount,
        "reference": row.reference,
        "time_ns": row.time_ns,
    }


def _save_accounts(connection: Connection, books: Books) -> None:
    rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for key in sorted(books.touched):
        account = books.accounts[key]
        rows[key in books.stood].append(
            {
                "k_owner": key.owner,
                "k_currency": key.currency,
                "k_code": key.code,
                "debits": str(account.debits),
                "credits": str(account.credits),
                "held": account.held,
                "changed": account.changed,
            }
        )
    _write(connection, accounts, ("owner", "currency", "code"), rows)


def _save_holds(connection: Connection, books: Books) -> None:
    rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for order in sorted(books.touched_holds):
        hold = books.holds[order]
        rows[order in books.stood_holds].append(
            {
                "k_order_sequence": order,
                "slot": hold.slot,
                "account": hold.account,
                "currency": hold.currency,
                "placed": str(hold.placed),
                "captured": str(hold.captured),
                "released": str(hold.released),
                "done": hold.done,
            }
        )
    _write(connection, holds, ("order_sequence",), rows)


def _write(connection: Connection, table: Table, key: Sequence[str], rows: dict[bool, list[dict[str, Any]]]) -> None:
    """Update the rows under True, which stand already, and insert those under False; keys are named k_<column>."""
    if rows[True]:
        statement = update(table)
        for name in key:
            statement = statement.where(table.c[name] == bindparam(f"k_{name}"))
        changed: dict[str, Any] = {name: bindparam(name) for name in rows[True][0] if not name.startswith("k_")}
        execute_many(connection, statement.values(changed), rows[True])
    _add(connection, table, [{name.removeprefix("k_"): value for name, value in row.items()} for row in rows[False]])


def _add(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    execute_many(connection, insert(table), rows)
