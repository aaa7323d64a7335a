"""How a batch of events gets into the ledger's tables: effects and cursor in one transaction, few statements for many rows."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.wire import Event, TransferPosted
from quantumcore.ports.database import Many, adding, chunks, execute_many, updating
from quantumcore.ports.event_log import EventBatch, events_after
from quantumcore.services.ledger.audit.chain import Chain
from quantumcore.services.ledger.audit.rows import chain_of, head_row
from quantumcore.services.ledger.books import Books, EntryRow, Name, Transaction, needs
from quantumcore.services.ledger.domain import HOUSE, Account, AccountKey, ClientHold, Credit, Hold, Standing
from quantumcore.services.ledger.tables import (
    CHECKPOINT_EVERY,
    accounts,
    audit_blocks,
    audit_days,
    audit_head,
    audit_records,
    checkpoints,
    client_holds,
    codes,
    conversions,
    credit_lines,
    cursor,
    entries,
    holds,
    owners,
    sides,
    states,
    transactions,
    transfers,
)

_ADD_ACCOUNTS, _UPDATE_ACCOUNTS = adding(accounts), updating(accounts)
_ADD_HOLDS, _UPDATE_HOLDS = adding(holds), updating(holds)
_ADD_CLIENT_HOLDS, _UPDATE_CLIENT_HOLDS = adding(client_holds), updating(client_holds)
_ADD_ENTRIES, _ADD_OWNERS, _ADD_TRANSFERS = adding(entries), adding(owners), adding(transfers)
_ADD_CODES, _ADD_SIDES, _ADD_CHECKPOINTS = adding(codes), adding(sides), adding(checkpoints)
_ADD_RECORDS, _ADD_BLOCKS, _ADD_DAYS = adding(audit_records), adding(audit_blocks), adding(audit_days)
_ADD_HEAD, _MOVE_HEAD = adding(audit_head), updating(audit_head)
_ADD_TRANSACTIONS, _ADD_CONVERSIONS = adding(transactions), adding(conversions)
_ADD_CREDITS, _UPDATE_CREDITS = adding(credit_lines), updating(credit_lines)
_ADD_STATES, _UPDATE_STATES = adding(states), updating(states)
_REVERSED = Many(
    update(transactions)
    .where(
        transactions.c.account == bindparam("of_account"),
        transactions.c.group_id == bindparam("of_group_id"),
    )
    .values(reversed_by=bindparam("new_reversed_by")),
    "of_account",
    "of_group_id",
    "new_reversed_by",
)
_CREDITS_OF = select(credit_lines).where(credit_lines.c.owner.in_(bindparam("some", expanding=True)))
_STATES_OF = select(states).where(states.c.account.in_(bindparam("some", expanding=True)))
_READ_CURSOR, _MOVE_CURSOR = select(cursor.c.sequence), update(cursor)
_ACCOUNTS_OF = select(accounts).where(accounts.c.owner.in_(bindparam("some", expanding=True)))
_HOLDS_OF = select(holds).where(holds.c.order_sequence.in_(bindparam("some", expanding=True)))
CLIENT_HOLDS_OF = select(client_holds).where(client_holds.c.sequence.in_(bindparam("some", expanding=True)))
_SIDES, _CODES = select(sides), select(codes)


def read_cursor(connection: Connection) -> int:
    """Return the last sequence that is entered; 0 before the first."""
    return connection.execute(_READ_CURSOR).scalar() or 0


def post(
    connection: Connection, batches: Sequence[EventBatch], catalogue: Catalogue | None = None
) -> tuple[int, list[int]]:
    """Enter what is new in `batches`, all of it or nothing; `catalogue` has the units of what may be traded and of money.

    Returns:
        (what is entered now, customers whose balances or holds have changed).

    Raises:
        Corrupted: A gap, or an event that cannot follow from what stands; the position is named.
    """
    stands = read_cursor(connection)
    events = events_after(batches, stands, "ledger.gap")
    if not events:
        return stands, []
    books = _load(connection, *needs(events))
    if catalogue is not None:
        books.instruments, books.currencies = catalogue.instruments, catalogue.currencies
    checkpoints_passed = _enter(books, events, stands)
    rows = [entry_row(row) for row in books.entries]
    _save(connection, books, rows)
    _record(connection, rows, events[-1].time_ns)
    execute_many(connection, _ADD_CHECKPOINTS, checkpoints_passed)
    upto = events[-1].sequence
    if stands:
        connection.execute(_MOVE_CURSOR, {"sequence": upto})
    else:
        connection.execute(insert(cursor), {"one": 1, "sequence": upto})
    return upto, books.moved


def _enter(books: Books, events: Sequence[Event], stands: int) -> list[tuple[Any, ...]]:
    """Enter `events`; return the rows of the checkpoints that they pass, which are the same however events were cut."""
    found: list[tuple[Any, ...]] = []
    begin = 0
    for at in range(stands - stands % CHECKPOINT_EVERY + CHECKPOINT_EVERY, events[-1].sequence + 1, CHECKPOINT_EVERY):
        end = bisect_right(events, at, lo=begin, key=lambda event: event.sequence)
        books.enter(events[begin:end])
        begin = end
        for key, account in sorted(books.accounts.items()):
            if key.owner == HOUSE and (account.debits or account.credits):
                found.append((at, key.currency, key.code, str(account.debits), str(account.credits)))
    if begin < len(events):
        books.enter(events[begin:])
    return found


def _load(connection: Connection, owner_numbers: set[int], orders: set[Name], placed: set[int]) -> Books:
    found_accounts: dict[AccountKey, Account] = {}
    found_credits: dict[tuple[int, int], Credit] = {}
    found_states: dict[int, Standing] = {}
    for some in chunks(owner_numbers):
        for row in connection.execute(_ACCOUNTS_OF, {"some": some}):
            found_accounts[AccountKey(row[0], row[1], row[2])] = Account(int(row[3]), int(row[4]), row[5], row[6])
        for row in connection.execute(_CREDITS_OF, {"some": some}):
            found_credits[row[0], row[1]] = Credit(row[2], row[3], row[4])
        found_states |= {row[0]: Standing(row[1], row[2]) for row in connection.execute(_STATES_OF, {"some": some})}
    found_holds: dict[Name, Hold] = {}
    for some in chunks({sequence for sequence, _ in orders}):
        for row in connection.execute(_HOLDS_OF, {"some": some}):
            found_holds[row[0], row[1]] = hold_of(row)
    found_client_holds: dict[int, ClientHold] = {}
    for some in chunks(placed):
        found_client_holds |= {
            row[0]: client_hold_of(row) for row in connection.execute(CLIENT_HOLDS_OF, {"some": some})
        }
    both: dict[str, set[int]] = {"base": set(), "quote": set()}
    for row in connection.execute(_SIDES):
        both[row[1]].add(row[0])
    known = {row[0]: row[1] for row in connection.execute(_CODES)}
    return Books(
        found_accounts,
        found_holds,
        known,
        both["base"],
        both["quote"],
        credits=found_credits,
        states=found_states,
        client_holds=found_client_holds,
    )


def hold_of(row: Sequence[Any]) -> Hold:
    """Return the hold of a row of `holds`."""
    order, slot, account, currency, placed, captured, released, done, linked = row
    return Hold(
        order=order,
        slot=slot,
        account=account,
        currency=currency,
        placed=int(placed),
        captured=int(captured),
        released=int(released),
        done=bool(done),
        linked=bool(linked),
    )


def client_hold_of(row: Sequence[Any]) -> ClientHold:
    """Return the hold of a row of `client_holds`."""
    sequence, account, hold_id, currency, placed, captured, released, expires_ns, changed, _ = row
    return ClientHold(
        sequence=sequence,
        account=account,
        hold_id=hold_id,
        currency=currency,
        placed=placed,
        captured=captured,
        released=released,
        expires_ns=expires_ns,
        changed=changed,
    )


def _save(connection: Connection, books: Books, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write what the batch has changed: a few statements, each for many rows; `rows` are its entries."""
    moved: dict[bool, list[tuple[Any, ...]]] = {True: [], False: []}
    for key in sorted(books.touched):
        account = books.accounts[key]
        totals = str(account.debits), str(account.credits), account.held, account.changed
        moved[key in books.stood].append((*key, *totals))
    execute_many(connection, _UPDATE_ACCOUNTS, moved[True])
    execute_many(connection, _ADD_ACCOUNTS, moved[False])
    held: dict[bool, list[tuple[Any, ...]]] = {True: [], False: []}
    for name in sorted(books.touched_holds):
        held[name in books.stood_holds].append(_hold_row(books.holds[name]))
    execute_many(connection, _UPDATE_HOLDS, held[True])
    execute_many(connection, _ADD_HOLDS, held[False])
    set_aside: dict[bool, list[tuple[Any, ...]]] = {True: [], False: []}
    for sequence in sorted(books.touched_client_holds):
        set_aside[sequence in books.stood_client_holds].append(_client_hold_row(books.client_holds[sequence]))
    execute_many(connection, _UPDATE_CLIENT_HOLDS, set_aside[True])
    execute_many(connection, _ADD_CLIENT_HOLDS, set_aside[False])
    execute_many(connection, _ADD_ENTRIES, rows)
    execute_many(connection, _ADD_OWNERS, [(e.account, str(UUID(int=e.owner)), e.sequence) for e in books.opened])
    execute_many(connection, _ADD_TRANSFERS, [_transfer(posted) for posted in books.transfers])
    _save_groups(connection, books)
    execute_many(connection, _ADD_CODES, [(c, books.codes[c]) for c in sorted(books.new_codes)])
    if books.new_sides:
        connection.execute(delete(sides))
        both = [(c, "base") for c in sorted(books.bases)] + [(c, "quote") for c in sorted(books.quotes)]
        execute_many(connection, _ADD_SIDES, both)


def _save_groups(connection: Connection, books: Books) -> None:
    execute_many(connection, _ADD_TRANSACTIONS, [_transaction(one) for one in books.transactions])
    back = [(p.account, p.reverses, p.sequence) for p, _ in books.transactions if p.reverses]
    execute_many(connection, _REVERSED, back)
    execute_many(connection, _ADD_CONVERSIONS, books.conversions)
    lent: dict[bool, list[tuple[int, ...]]] = {True: [], False: []}
    for name in sorted(books.touched_credits):
        credit = books.credits[name]
        lent[name in books.stood_credits].append((*name, credit.limit, credit.floor, credit.changed))
    execute_many(connection, _UPDATE_CREDITS, lent[True])
    execute_many(connection, _ADD_CREDITS, lent[False])
    terms: dict[bool, list[tuple[int, ...]]] = {True: [], False: []}
    for account in sorted(books.touched_states):
        terms[account in books.stood_states].append((account, *books.states[account]))
    execute_many(connection, _UPDATE_STATES, terms[True])
    execute_many(connection, _ADD_STATES, terms[False])


def _transaction(one: Transaction) -> tuple[Any, ...]:
    p = one.posted
    what = p.code, p.flags2, p.count, p.effective_day, p.user_data.hex(), one.text, p.reverses
    return (p.account, p.group_id, *what, p.sequence, p.time_ns, 0)


def _record(connection: Connection, rows: Sequence[tuple[Any, ...]], upto_ns: int) -> None:
    """Go on with the audit's chain by the entries `rows`; a day ends when an event of a later one has come."""
    stood = chain_of(connection)
    chain = stood or Chain()
    day = chain.day
    chain.extend(rows, upto_ns)
    if stood is None or rows or chain.day != day:
        write_chain(connection, chain, stood=stood is not None)


def write_entries(connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Add entries as they are: for those who have them without events."""
    execute_many(connection, _ADD_ENTRIES, [tuple(row) for row in rows])


def write_chain(connection: Connection, chain: Chain, *, stood: bool) -> None:
    """Write what is new in `chain`, and where it goes on; `stood` tells whether it began earlier."""
    execute_many(connection, _ADD_RECORDS, chain.records)
    execute_many(connection, _ADD_BLOCKS, chain.blocks)
    execute_many(connection, _ADD_DAYS, chain.days)
    execute_many(connection, _MOVE_HEAD if stood else _ADD_HEAD, [head_row(chain)])


def entry_row(row: EntryRow) -> tuple[Any, ...]:
    """Return a leg as a row of `entries`."""
    number, why, debit, credit, amount = row.leg.number, row.leg.why, row.leg.debit, row.leg.credit, row.leg.amount
    sides_of_it = debit.owner, debit.code, credit.owner, credit.code
    return (
        row.sequence,
        row.event_index,
        number,
        int(why),
        *sides_of_it,
        debit.currency,
        amount,
        row.reference,
        row.time_ns,
    )


def _hold_row(hold: Hold) -> tuple[Any, ...]:
    sums = str(hold.placed), str(hold.captured), str(hold.released)
    return (hold.order, hold.slot, hold.account, hold.currency, *sums, hold.done, hold.linked)


def _client_hold_row(hold: ClientHold) -> tuple[Any, ...]:
    parts = hold.placed, hold.captured, hold.released, hold.expires_ns, hold.changed
    return (hold.sequence, hold.account, hold.hold_id, hold.currency, *parts, hold.open == 0)


def _transfer(posted: TransferPosted) -> tuple[Any, ...]:
    what = posted.transfer_kind, posted.to_account, posted.currency, posted.amount
    return (posted.account, posted.transfer_id, *what, posted.sequence, posted.time_ns)
