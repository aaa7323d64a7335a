"""What the ledger is asked: rows of one consistent view, and how they are shown."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, literal_column, select, tuple_

from quantumcore.contracts.errors import invalid
from quantumcore.contracts.ledger import (
    ACCOUNT_STATES,
    TRANSFER_KINDS,
    Balance,
    ClientHoldView,
    Entry,
    HoldView,
    TransferView,
    TrialLine,
)
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.values import I64_MAX, OrderId, packed_id, show
from quantumcore.contracts.wire import TransferPosted
from quantumcore.ports.database import chunks
from quantumcore.services.ledger.audit.chain import Position
from quantumcore.services.ledger.domain import (
    BANK,
    COLLATERAL,
    CUSTODY,
    CUSTOMER_ASSETS,
    CUSTOMER_CASH,
    CUSTOMER_CODES,
    FEE_INCOME,
    HOUSE,
    NAMES,
    NO_CREDIT,
    REBATES_PAID,
    ROUNDING,
    Account,
    AccountKey,
    ClientHold,
    Credit,
    Hold,
)
from quantumcore.services.ledger.postings import ACTION_WHY, BUST_WHY, GROUP_WHY, TAKEN_WHY, TRANSFER_WHY, Why
from quantumcore.services.ledger.store import CLIENT_HOLDS_OF, client_hold_of, hold_of, read_cursor
from quantumcore.services.ledger.tables import (
    accounts,
    client_holds,
    credit_lines,
    entries,
    holds,
    owners,
    states,
    transactions,
    transfers,
)

MAX_PAGE = 1_000
MAX_HOLDS = 10_000
LEG_MAX = 2**15 - 1
_ENGINE_NAMES = {
    BANK: "deposited",
    CUSTODY: "deposited",
    CUSTOMER_CASH: "customers",
    CUSTOMER_ASSETS: "customers",
    FEE_INCOME: "fees",
    REBATES_PAID: "rebates",
    ROUNDING: "rounding",
}
_NAMED = frozenset(TRANSFER_WHY.values()) | GROUP_WHY | ACTION_WHY | TAKEN_WHY
_KINDS = {number: name for name, number in TRANSFER_KINDS.items()}


class OwnerView(NamedTuple):
    """What stands for one account at one sequence.

    Attributes:
        owner: The user's UUID as text; empty when the account is unknown.
        opened: Sequence of its opening.
        credits: By currency.
        state: 1 open, 2 frozen, 3 closed.
    """

    sequence: int
    owner: str
    opened: int
    accounts: dict[AccountKey, Account]
    credits: dict[int, Credit]
    state: int = 1


def owner_view(connection: Connection, account: int) -> OwnerView:
    """Return what stands for `account`."""
    known = connection.execute(select(owners.c.owner, owners.c.sequence).where(owners.c.account == account)).first()
    rows = connection.execute(select(accounts).where(accounts.c.owner == account))
    found = {AccountKey(r[0], r[1], r[2]): Account(int(r[3]), int(r[4]), r[5], r[6]) for r in rows}
    lent = connection.execute(select(credit_lines).where(credit_lines.c.owner == account))
    state = connection.execute(select(states.c.state).where(states.c.account == account)).scalar() or 1
    owner, opened = (known[0], known[1]) if known else ("", 0)
    by_currency = {row[1]: Credit(row[2], row[3], row[4]) for row in lent}
    return OwnerView(read_cursor(connection), owner, opened, found, by_currency, state)


class Stood(NamedTuple):
    """What stands for a customer, to be compared.

    Attributes:
        changed: Sequence of the last event that changed any of it.
    """

    accounts: dict[AccountKey, Account]
    limits: dict[int, int]
    state: int
    changed: int


def stood(connection: Connection, numbers: Sequence[int]) -> dict[int, Stood]:
    """Return what stands for each of some customers, in as many statements as for one."""
    found: dict[int, dict[AccountKey, Account]] = {number: {} for number in numbers}
    limits: dict[int, dict[int, int]] = {number: {} for number in numbers}
    changed = dict.fromkeys(numbers, 0)
    for r in connection.execute(select(accounts).where(accounts.c.owner.in_(numbers))):
        found[r[0]][AccountKey(r[0], r[1], r[2])] = Account(int(r[3]), int(r[4]), r[5], r[6])
        changed[r[0]] = max(changed[r[0]], r[6])
    for r in connection.execute(select(credit_lines).where(credit_lines.c.owner.in_(numbers))):
        limits[r[0]][r[1]] = r[2]
        changed[r[0]] = max(changed[r[0]], r[4])
    standing = dict.fromkeys(numbers, ACCOUNT_STATES["open"])
    for r in connection.execute(select(states).where(states.c.account.in_(numbers))):
        standing[r[0]] = r[1]
        changed[r[0]] = max(changed[r[0]], r[2])
    return {number: Stood(found[number], limits[number], standing[number], changed[number]) for number in numbers}


def opened_at(connection: Connection, account: int) -> int:
    """Return the sequence that opened an account; 0 when it is not entered yet."""
    return connection.execute(select(owners.c.sequence).where(owners.c.account == account)).scalar() or 0


def all_owners(connection: Connection) -> list[int]:
    """Return every account number, ascending."""
    return list(connection.execute(select(owners.c.account).order_by(owners.c.account)).scalars())


def open_holds(connection: Connection, account: int) -> tuple[int, list[Hold], list[ClientHold]]:
    """Return (sequence, the holds of working orders, those of clients), both oldest first, at most MAX_HOLDS of each."""
    rows = connection.execute(
        select(holds)
        .where(holds.c.account == account, holds.c.done.is_(False))
        .order_by(holds.c.order_sequence, holds.c.slot)
        .limit(MAX_HOLDS)
    )
    set_aside = connection.execute(
        select(client_holds)
        .where(client_holds.c.account == account, client_holds.c.done.is_(False))
        .order_by(client_holds.c.sequence)
        .limit(MAX_HOLDS)
    )
    return read_cursor(connection), [hold_of(row) for row in rows], [client_hold_of(row) for row in set_aside]


def client_hold(connection: Connection, account: int, hold_id: str) -> ClientHold | None:
    """Return what `account` has set aside under that id, open or not, or None."""
    c = client_holds.c
    row = connection.execute(select(client_holds).where(c.account == account, c.hold_id == hold_id)).first()
    return None if row is None else client_hold_of(row)


def standing_holds(
    connection: Connection, known: Iterable[int], first: int, last: int, limit: int
) -> dict[int, ClientHold]:
    """Return the holds of clients that are `known`, open or not, and what is open of those placed from `first` to `last`.

    Of the latter at most `limit`, oldest first.
    """
    c = client_holds.c
    rows = select(client_holds).where(c.sequence.between(first, last), c.done.is_(False))
    found = {row[0]: client_hold_of(row) for row in connection.execute(rows.order_by(c.sequence).limit(limit))}
    for some in chunks(set(known) - found.keys()):
        found |= {row[0]: client_hold_of(row) for row in connection.execute(CLIENT_HOLDS_OF, {"some": some})}
    return found


def transfer(connection: Connection, account: int, transfer_id: str) -> Row[Any] | None:
    """Return the posted transfer of that name, or None."""
    c = transfers.c
    return connection.execute(select(transfers).where(c.account == account, c.transfer_id == transfer_id)).first()


def transaction(connection: Connection, account: int, group_id: str) -> Row[Any] | None:
    """Return the posted group of that name, or None."""
    c = transactions.c
    return connection.execute(select(transactions).where(c.account == account, c.group_id == group_id)).first()


def posted_ids(connection: Connection, account: int, names: Sequence[str], upto: int) -> set[str]:
    """Return which of these groups were posted at `upto` or before."""
    c = transactions.c
    found: set[str] = set()
    for some in chunks(names):
        wanted = select(c.group_id).where(c.account == account, c.group_id.in_(some), c.sequence <= upto)
        found.update(connection.execute(wanted).scalars())
    return found


def transaction_legs(connection: Connection, sequence: int) -> list[Row[Any]]:
    """Return the entries of the group that was posted at `sequence`, in their order."""
    rows = select(entries).where(entries.c.sequence == sequence).order_by(entries.c.event_index)
    return list(connection.execute(rows))


def account_entries(
    connection: Connection,
    account: int,
    currency: int,
    after: Position | None,
    limit: int,
    *,
    ascending: bool,
) -> tuple[int, list[Row[Any]]]:
    """Return (sequence, up to `limit` legs that touch `account`, behind the position `after`)."""
    position = tuple_(entries.c.sequence, entries.c.event_index, entries.c.leg)
    order = [column if ascending else column.desc() for column in position.clauses]
    found: dict[Position, Row[Any]] = {}
    for side in ("debit_owner", "credit_owner"):  # one index each; a union would sort all of both
        wanted: list[ColumnElement[bool]] = [entries.c[side] == account, literal_column(side) != literal_column("0")]
        if currency:
            wanted.append(entries.c.currency == currency)
        if after is not None:
            wanted.append(position > after if ascending else position < after)
        for row in connection.execute(select(entries).where(*wanted).order_by(*order).limit(limit)):
            found[row[0], row[1], row[2]] = row
    ordered = sorted(found.items(), reverse=not ascending)
    return read_cursor(connection), [row for _, row in ordered[:limit]]


def trial_rows(connection: Connection) -> tuple[int, dict[AccountKey, Account]]:
    """Return (sequence, the house's own accounts and the control accounts)."""
    view = owner_view(connection, HOUSE)
    return view.sequence, view.accounts


# ------------------------------------------------------------------------------------------------ showing


def show_balances(view: OwnerView, catalogue: Catalogue) -> list[Balance]:
    """Return the balances of one customer, by currency."""
    own = {key.currency: row for key, row in view.accounts.items() if key.code in CUSTOMER_CODES}
    aside = {key.currency: row for key, row in view.accounts.items() if key.code == COLLATERAL}
    shown = []
    for number in sorted(own.keys() | aside.keys() | view.credits.keys()):
        account, currency = own.get(number, Account()), catalogue.currencies[number]
        total, limit = account.balance(CUSTOMER_CASH), view.credits.get(number, NO_CREDIT).limit
        collateral = aside.get(number, Account()).balance(COLLATERAL)
        amounts = (total, account.held, total - account.held + limit, limit, collateral)
        shown.append(Balance(currency.code, *map(currency.show, amounts)))
    return shown


def show_hold(hold: Hold, catalogue: Catalogue) -> HoldView:
    """Return a hold as it is shown."""
    currency = catalogue.currencies[hold.currency]
    amounts = (currency.show(minor) for minor in (hold.open, hold.placed, hold.captured, hold.released))
    return HoldView(OrderId(catalogue.shard, hold.order, hold.slot).text(), currency.code, *amounts)


def show_client_hold(hold: ClientHold, catalogue: Catalogue) -> ClientHoldView:
    """Return a client's hold as it is shown."""
    currency = catalogue.currencies[hold.currency]
    return ClientHoldView(
        hold_id=hold.hold_id,
        account_id=str(hold.account),
        status="open" if hold.open else "closed",
        currency=currency.code,
        open=currency.show(hold.open),
        placed=currency.show(hold.placed),
        captured=currency.show(hold.captured),
        released=currency.show(hold.released),
        expires_ns=hold.expires_ns,
        sequence=hold.changed,
    )


def show_transfer(row: Row[Any] | TransferPosted, catalogue: Catalogue) -> TransferView:
    """Return a posted transfer as it is shown."""
    currency = catalogue.currencies[row.currency]
    return TransferView(
        transfer_id=row.transfer_id,
        kind=_KINDS[row.transfer_kind],
        account_id=str(row.account),
        to_account_id=str(row.to_account) if row.to_account else None,
        currency=currency.code,
        amount=currency.show(row.amount),
        status="posted",
        sequence=row.sequence,
        time_ns=row.time_ns,
    )


def show_entry(row: Row[Any], catalogue: Catalogue) -> Entry:
    """Return a leg as it is shown: customers as account:code, the house's own as code."""
    currency = catalogue.currencies[row.currency]
    return Entry(
        sequence=row.sequence,
        index=row.event_index,
        leg=row.leg,
        code=Why(row.why).text,
        debit=_side(row.debit_owner, row.debit_code),
        credit=_side(row.credit_owner, row.credit_code),
        currency=currency.code,
        amount=currency.show(row.amount),
        reference=reference_of(row.why, row.sequence, row.reference, catalogue.shard),
        time_ns=row.time_ns,
    )


def reference_of(why: int, sequence: int, reference: str, shard: int) -> str:
    """Return what a leg refers to as it is shown: the id of the transfer, transaction or action, the trade's, of a bust that of the busted trade; of a position that was taken over nothing."""
    if why in _NAMED:
        return reference
    if why in BUST_WHY:  # not the sequence that did it
        trade, _, fill = reference.partition(".")
        return packed_id(shard, int(trade), int(fill), 0)
    return packed_id(shard, sequence, int(reference), 0)


def _side(owner: int, code: int) -> str:
    return str(code) if owner == HOUSE else f"{owner}:{code}"


def show_trial(found: dict[AccountKey, Account], catalogue: Catalogue) -> tuple[list[TrialLine], bool]:
    """Return the lines by currency and code, and whether debits equal credits in every currency.

    What was moved by nothing but 0 has no line.
    """
    lines = []
    differences: dict[int, int] = {}
    for key in sorted(key for key, account in found.items() if account.debits or account.credits):
        account, currency = found[key], catalogue.currencies[key.currency]
        differences[key.currency] = differences.get(key.currency, 0) + account.debits - account.credits
        amounts = (
            show(minor, currency.scale) for minor in (account.debits, account.credits, account.balance(key.code))
        )
        lines.append(TrialLine(str(key.code), NAMES[key.code], currency.code, *amounts))
    return lines, not any(differences.values())


def customer_sums(stands: Stood) -> dict[int, dict[str, int]]:
    """Return per currency a customer's total, held, collateral and credit limit."""
    sums: dict[int, dict[str, int]] = {currency: {"limit": limit} for currency, limit in stands.limits.items()}
    for key, account in stands.accounts.items():
        of = sums.setdefault(key.currency, {})
        if key.code in CUSTOMER_CODES:
            of |= {"total": account.balance(key.code), "held": account.held}
        else:
            of["collateral"] = account.balance(key.code)
    return sums


def house_sums(found: dict[AccountKey, Account]) -> dict[int, dict[str, int]]:
    """Return per currency what the engine's totals call customers, held, fees, rebates, rounding and deposited; others by code."""
    sums: dict[int, dict[str, int]] = {}
    for key, account in found.items():
        of = sums.setdefault(key.currency, dict.fromkeys((*_ENGINE_NAMES.values(), "held"), 0))
        name = _ENGINE_NAMES.get(key.code, str(key.code))
        of[name] = of.get(name, 0) + account.balance(key.code)
        if key.code in CUSTOMER_CODES:
            of["held"] += account.held
    return sums


def show_position(position: Position) -> str:
    """Return a position as it is shown: sequence.index.leg."""
    return ".".join(map(str, position))


def parse_position(text: str, field: str = "cursor", detail: str = "cursor is not one of ours") -> Position:
    """Return the position that `text` shows.

    Raises:
        InvalidCommand: It shows none, or one with a number of more than 63 bits.
    """
    parts = text.split(".")
    digits = len(parts) == 3 and all(part.isascii() and part.isdigit() and len(part) <= 19 for part in parts)
    if not digits or any(int(part) > I64_MAX for part in parts):
        raise invalid("range", detail, field=field, actual=text[:64])
    sequence, index, leg = map(int, parts)
    return sequence, index, min(leg, LEG_MAX)
