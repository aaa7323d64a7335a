"""How a batch of events gets into the room's tables, and how they are read: effects and cursor in one transaction.

Writers and readers are plain functions of a Connection, so that who reads a cursor sees every row up to it and none beyond.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import BindParameter, Connection, Table, bindparam, delete, func, insert, select, tuple_, update

from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.marks import TRADE, Mark
from quantumcore.contracts.reasons import Scope
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.wire import Event
from quantumcore.ports.database import Many, adding, chunks, execute_many, updating
from quantumcore.ports.event_log import EventBatch, events_after
from quantumcore.services.risk import guard_store, margin_store
from quantumcore.services.risk.folding import Folding, Touched, touched
from quantumcore.services.risk.levels import Engaged, Level, Limit, LimitKey
from quantumcore.services.risk.margin.book import Key, changed_terms
from quantumcore.services.risk.state import Balance, Holding, Pair, Print, State, Working
from quantumcore.services.risk.tables import (
    accounts,
    balances,
    closes,
    cursor,
    drawn,
    limits,
    marks,
    members,
    orders,
    positions,
    switches,
)

K = TypeVar("K")
V = TypeVar("V")
HOLDERS = 10_000
"""Accounts that hold one instrument, of which the room looks after a price at most at a time."""

_SOME: BindParameter[Any] = bindparam("some", expanding=True)
_BALANCES_OF = select(balances).where(balances.c.account.in_(_SOME))
_POSITIONS_OF = select(positions).where(positions.c.account.in_(_SOME))
_ORDERS_BY_SEQUENCE = select(orders).where(orders.c.sequence.in_(_SOME))
_ORDERS_OF = select(orders).where(orders.c.account == bindparam("account"))
_MARKS_OF = select(marks).where(marks.c.instrument.in_(_SOME))
_CLOSES_OF = select(closes).where(closes.c.instrument.in_(_SOME), closes.c.day >= bindparam("since"))
_LIMITS_OF = select(limits).where(tuple_(limits.c.scope, limits.c.number).in_(_SOME))
_SWITCHES_OF = select(switches).where(tuple_(switches.c.scope, switches.c.number).in_(_SOME))
_MEMBERS_OF = select(members).where(members.c.account.in_(_SOME))
_DRAWN_OF = select(drawn).where(drawn.c.firm.in_(_SOME))
_MEMBER = select(members.c.scope, members.c.number).where(members.c.account == bindparam("account"))
_DROP_CLOSES = delete(closes).where(closes.c.instrument == bindparam("of"), closes.c.day < bindparam("before"))


class Writes(NamedTuple):
    """The statements of a table."""

    add: Many
    change: Many
    table: Table

    @classmethod
    def of(cls, table: Table) -> "Writes":
        """Return those of `table`."""
        return cls(adding(table), updating(table), table)


_BALANCES, _POSITIONS, _ORDERS, _MARKS = map(Writes.of, (balances, positions, orders, marks))
_CLOSES, _LIMITS, _SWITCHES, _ACCOUNTS = map(Writes.of, (closes, limits, switches, accounts))
_MEMBERS, _DRAWN = map(Writes.of, (members, drawn))


class Stand(NamedTuple):
    """Where the tables stand: last sequence applied, 0 before the first, and the time of its events."""

    sequence: int = 0
    time_ns: int = 0


class Applied(NamedTuple):
    """What a batch did.

    Attributes:
        moved: Accounts of which anything changed; EVERYBODY when something changed for all.
        marks: Prices that moved. checks: Orders that were judged, by what came of it.
        margin: The last event of margin of each kind and subject.
        sized: Instruments whose market is larger or smaller.
        prints: The last trade of each instrument that traded. busted: Trades that were busted, by (sequence, fill).
    """

    stand: Stand
    moved: set[int]
    marks: dict[int, Mark]
    checks: Mapping[str, int]
    margin: Mapping[Key, Event] = MappingProxyType({})
    prints: Mapping[int, Print] = MappingProxyType({})
    busted: AbstractSet[tuple[int, int]] = frozenset()
    sized: AbstractSet[int] = frozenset()

    @property
    def priced(self) -> set[int]:
        """Instruments that count otherwise for whoever has them: by a price, by terms or a risk array, by how large their market is."""
        return {*self.marks, *self.sized, *changed_terms(self.margin)}


class Account(NamedTuple):
    """What an account has and wants at one sequence.

    Attributes:
        balances: By currency. positions: By instrument. orders: Those that work, oldest first.
        limits: Those that apply to it: the venue's, its own, the instruments', its firm's and its group's.
        engaged: The switches above it: the venue's, its firm's, its own.
    """

    stand: Stand
    opened: bool
    balances: dict[int, Balance]
    positions: dict[int, Holding]
    orders: list[Working]
    limits: dict[LimitKey, Limit]
    engaged: dict[Level, Engaged]

    @property
    def killed(self) -> int:
        """The strictest switch above it, as of SetKill: 1 all, 2 reduce_only; 0: none is engaged."""
        return min((one.mode for one in self.engaged.values()), default=0)


def read_stand(connection: Connection) -> Stand:
    """Return where the tables stand."""
    row = connection.execute(select(cursor)).first()
    return Stand(*row[1:]) if row else Stand()


def load_marks(connection: Connection) -> dict[int, Mark]:
    """Return the price of every instrument that has one."""
    return {row[0]: _mark(row) for row in connection.execute(select(marks))}


def read_account(connection: Connection, account: int) -> Account:
    """Return what stands of an account."""
    mine = {"some": [account]}
    above = [(int(Scope.VENUE), 0), (int(Scope.ACCOUNT), account)]
    above += [(row[0], row[1]) for row in connection.execute(_MEMBER, {"account": account})]
    working = sorted(connection.execute(_ORDERS_OF, {"account": account}))
    return Account(
        stand=read_stand(connection),
        opened=is_open(connection, account),
        balances={row[1]: _balance(row) for row in connection.execute(_BALANCES_OF, mine)},
        positions={row[1]: _holding(row) for row in connection.execute(_POSITIONS_OF, mine)},
        orders=list(map(working_of, working)),
        limits=read_limits(connection, [*above, (Scope.INSTRUMENT, 0)]),
        engaged={Level(*row[:3]): Engaged(*row[3:]) for row in connection.execute(_SWITCHES_OF, {"some": above})},
    )


class Holdings(NamedTuple):
    """What some accounts have: balances by (account, currency), positions by (account, instrument)."""

    balances: dict[Pair, Balance]
    positions: dict[Pair, Holding]


def read_holdings(connection: Connection, owners: Iterable[int]) -> Holdings:
    """Return what these accounts have."""
    found = Holdings({}, {})
    for some in chunks(owners):
        found.balances.update({(r[0], r[1]): _balance(r) for r in connection.execute(_BALANCES_OF, {"some": some})})
        found.positions.update({(r[0], r[1]): _holding(r) for r in connection.execute(_POSITIONS_OF, {"some": some})})
    return found


def read_closes(connection: Connection, instruments: Iterable[int], since: int) -> dict[Pair, int]:
    """Return the last price of each day from `since` on, of these instruments."""
    return {
        (row[0], row[1]): row[2]
        for some in chunks(instruments)
        for row in connection.execute(_CLOSES_OF, {"some": some, "since": since})
    }


def read_openings(connection: Connection, day: int) -> dict[int, Mark]:
    """Return the last price of each instrument before `day`."""
    last = select(closes.c.instrument, func.max(closes.c.day).label("day")).where(closes.c.day < day)
    of_last = last.group_by(closes.c.instrument).subquery()
    same = (closes.c.instrument == of_last.c.instrument) & (closes.c.day == of_last.c.day)
    wanted = select(closes.c.instrument, closes.c.day, closes.c.price).select_from(closes.join(of_last, same))
    rows = connection.execute(wanted)
    return {row[0]: Mark(row[2], TRADE, 0, (row[1] + 1) * DAY_NS - 1) for row in rows}


def holders(connection: Connection, instruments: Iterable[int]) -> list[int]:
    """Return accounts that hold one of these instruments, HOLDERS at most."""
    found: set[int] = set()
    for some in chunks(instruments):
        wanted = select(positions.c.account).where(positions.c.instrument.in_(some), positions.c.lots != "0")
        found |= set(connection.execute(wanted.distinct().limit(HOLDERS)).scalars())
    return sorted(found)[:HOLDERS]


def is_open(connection: Connection, account: int) -> bool:
    """Tell whether there is such an account."""
    return connection.execute(select(accounts).where(accounts.c.account == account)).first() is not None


def read_limits(connection: Connection, levels: Iterable[tuple[int, int]]) -> dict[LimitKey, Limit]:
    """Return the limits that stand of these scopes and numbers, in every instrument."""
    some = [(int(scope), number) for scope, number in levels]
    return {(*row[:4],): _limit(row) for row in connection.execute(_LIMITS_OF, {"some": some})}


def read_level(connection: Connection, level: Level) -> dict[str, Limit]:
    """Return the limits that stand of one level, by name."""
    c = limits.c
    same = c.scope == int(level.scope), c.number == level.number, c.instrument == level.instrument
    return {row[3]: _limit(row) for row in connection.execute(select(limits).where(*same))}


def read_switches(connection: Connection, most: int) -> dict[Level, Engaged]:
    """Return up to `most` kill switches that are engaged, in the order of their levels."""
    wanted = select(switches).order_by(*switches.primary_key).limit(most)
    return {Level(*row[:3]): Engaged(*row[3:]) for row in connection.execute(wanted)}


def count_engaged(connection: Connection) -> int:
    """Return how many kill switches are engaged."""
    return connection.execute(select(func.count()).select_from(switches)).scalar() or 0


# ------------------------------------------------------------------------------------------------ writing


def apply(
    connection: Connection, batches: Sequence[EventBatch], instruments: Mapping[int, Instrument], kept_days: int
) -> Applied:
    """Apply what is new in `batches`, all of it or nothing.

    Args:
        kept_days: Days of prices that are kept of an instrument.

    Raises:
        Corrupted: A gap, or an event that cannot follow from what stands; the position is named.
    """
    stand = read_stand(connection)
    events = events_after(batches, stand.sequence, "risk.gap")
    if not events:
        return Applied(stand, set(), {}, {})
    before = _load(connection, touched(events))
    folding = Folding(_copy(before), instruments)
    folding.enter(events)
    _save(connection, before, folding.state, kept_days)
    margin = margin_store.enter(connection, events)
    guard_store.enter(connection, events)
    after = Stand(events[-1].sequence, events[-1].time_ns)
    if stand.sequence:
        connection.execute(update(cursor), after._asdict())
    else:
        connection.execute(insert(cursor), {"one": 1, **after._asdict()})
    moved = {number: folding.state.marks[number] for number in folding.priced}
    return Applied(after, folding.moved, moved, folding.checks, margin, folding.prints, folding.busted, folding.sized)


def _load(connection: Connection, wanted: Touched) -> State:
    state = State({}, {}, {}, {}, {}, {}, {}, {}, {}, {})
    state.balances, state.positions = read_holdings(connection, wanted.accounts)
    for some in chunks({name[0] for name in wanted.orders}):
        state.orders |= {(r[0], r[1]): working_of(r) for r in connection.execute(_ORDERS_BY_SEQUENCE, {"some": some})}
    for some in chunks(wanted.marked):
        state.marks |= {row[0]: _mark(row) for row in connection.execute(_MARKS_OF, {"some": some})}
    for some in chunks(wanted.accounts | wanted.joined):
        state.members |= {(r[0], r[1]): r[2] for r in connection.execute(_MEMBERS_OF, {"some": some})}
    firms = {number for (_, scope), number in state.members.items() if scope == Scope.FIRM and number}
    for some in chunks(firms | wanted.firms):
        state.drawn |= {(r[0], r[1]): int(r[2]) for r in connection.execute(_DRAWN_OF, {"some": some})}
    return state


def _copy(state: State) -> State:
    return State(**{name: dict(getattr(state, name)) for name in state.__struct_fields__})


def _save(connection: Connection, before: State, after: State, kept_days: int) -> None:
    """Write what has changed: a few statements, each for many rows."""
    _put(connection, _BALANCES, before.balances, after.balances, _balance_row)
    _put(connection, _POSITIONS, before.positions, after.positions, _holding_row)
    _put(connection, _ORDERS, before.orders, after.orders, _working_row)
    _put(connection, _MARKS, before.marks, after.marks, _mark_row)
    _save_closes(connection, after.closes, kept_days)
    known = _known(connection, limits, after.limits)
    _put(connection, _LIMITS, known, after.limits, lambda key, one: (*key, str(one.value), one.sequence))
    _put(connection, _SWITCHES, _known(connection, switches, after.switches), after.switches, _switch_row)
    _put(connection, _ACCOUNTS, _known(connection, accounts, after.accounts), after.accounts, _account_row)
    _put(connection, _MEMBERS, before.members, after.members, lambda key, number: (*key, number))
    _put(connection, _DRAWN, before.drawn, after.drawn, lambda key, filled: (*key, str(filled)))


def _put(
    connection: Connection,
    writes: Writes,
    before: Mapping[K, object],
    after: Mapping[K, V | None],
    row: Callable[[K, V], tuple[Any, ...]],
) -> None:
    """Add, change and remove rows; what is None is to be gone."""
    added: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    for key, value in after.items():
        if value is None:
            if key in before:
                _remove(connection, writes.table, key)
        elif key not in before:
            added.append(row(key, value))
        elif before[key] is not value:
            changed.append(row(key, value))
    execute_many(connection, writes.change, changed)
    execute_many(connection, writes.add, added)


def _remove(connection: Connection, table: Table, key: Any) -> None:
    parts = key if isinstance(key, tuple) else (key,)
    same = (column == part for column, part in zip(table.primary_key, parts, strict=True))
    connection.execute(delete(table).where(*same))


def _known(connection: Connection, table: Table, wanted: Mapping[Any, object]) -> dict[Any, object]:
    """Return which of these keys, of which there are few, have a row."""
    found: dict[Any, object] = {}
    for key in wanted:
        parts = key if isinstance(key, tuple) else (key,)
        same = (column == part for column, part in zip(table.primary_key, parts, strict=True))
        if connection.execute(select(table).where(*same)).first() is not None:
            found[key] = None
    return found


def _save_closes(connection: Connection, found: Mapping[Pair, int], kept_days: int) -> None:
    known = _known(connection, closes, found)
    _put(connection, _CLOSES, known, found, lambda key, price: (*key, price))
    for instrument, day in found.keys() - known.keys():  # a day begins
        connection.execute(_DROP_CLOSES, {"of": instrument, "before": day - kept_days + 1})


# ------------------------------------------------------------------------------------------------- rows


def _balance(row: Sequence[Any]) -> Balance:
    return Balance(int(row[2]), row[3], int(row[4]), int(row[5]))


def _balance_row(key: Pair, one: Balance) -> tuple[Any, ...]:
    return *key, str(one.total), one.day, str(one.opening), str(one.flow)


def _holding(row: Sequence[Any]) -> Holding:
    return Holding(int(row[2]), int(row[3]) if row[3] else None)


def _holding_row(key: Pair, one: Holding) -> tuple[Any, ...]:
    return *key, str(one.lots), "" if one.cost is None else str(one.cost)


def working_of(row: Sequence[Any]) -> Working:
    """Return the order of a row of orders."""
    account, instrument, side, price, leaves, filled, notional, link, tie, pegged = row[2:]
    return Working(account, instrument, side, price, leaves, filled, int(notional), link, tie, bool(pegged))


def _working_row(name: Pair, one: Working) -> tuple[Any, ...]:
    account, instrument, side, price, leaves, filled, notional, *rest = one
    return *name, account, instrument, side, price, leaves, filled, str(notional), *rest


def _mark(row: Sequence[Any]) -> Mark:
    return Mark(row[1], row[2], row[3], row[4], bool(row[5]))


def _mark_row(instrument: int, one: Mark) -> tuple[Any, ...]:
    return instrument, one.price, one.source, one.sequence, one.time_ns, one.withdrawn


def _limit(row: Sequence[Any]) -> Limit:
    return Limit(int(row[4]), row[5])


def _switch_row(level: Level, one: Engaged) -> tuple[Any, ...]:
    return *level, *one


def _account_row(account: int, sequence: int) -> tuple[Any, ...]:
    return account, sequence
