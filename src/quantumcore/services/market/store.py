"""The tables of the market room: its trades, and the books as they stood once, so that a start need not begin with time."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from quantumcore.contracts.market import TradeTick
from quantumcore.ports.database import adding, execute_many
from quantumcore.services.market.state import MarketSnapshot

metadata = MetaData()
trades = Table(
    "trades",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("event_index", BigInteger, primary_key=True, autoincrement=False),
    Column("instrument", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("trades_by_instrument", "instrument", "sequence", "event_index"),
    sqlite_with_rowid=False,
)
books = Table(
    "books",
    metadata,
    Column("instrument", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
)
cursor = Table(
    "cursor",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)

TRADES, BOOKS = "trades", "books"

_ADD_TRADES = adding(trades)
_READ_CURSOR = select(cursor.c.sequence).where(cursor.c.name == bindparam("of"))
_MOVE_CURSOR = update(cursor).where(cursor.c.name == bindparam("of")).values(sequence=bindparam("sequence"))

_encode = msgspec.msgpack.Encoder().encode
_decode_trade = msgspec.msgpack.Decoder(TradeTick).decode
_decode_snapshot = msgspec.msgpack.Decoder(MarketSnapshot).decode


class TradeRow(NamedTuple):
    """A trade and the instrument it belongs to."""

    instrument: int
    trade: TradeTick


class Stored(NamedTuple):
    """What a start finds: trades up to one sequence, books as they stood at another, which is not later."""

    trades_at: int
    books_at: int
    books: dict[int, MarketSnapshot]


def read_cursor(connection: Connection, name: str) -> int:
    """Return where that part of the tables stands; 0 before the first."""
    return connection.execute(_READ_CURSOR, {"of": name}).scalar() or 0


def move_cursor(connection: Connection, name: str, sequence: int) -> None:
    """Set where that part of the tables stands."""
    moved = connection.execute(_MOVE_CURSOR, {"of": name, "sequence": sequence})
    if moved.rowcount == 0:
        connection.execute(insert(cursor).values(name=name, sequence=sequence))


def save_trades(connection: Connection, rows: Sequence[TradeRow], upto: int) -> None:
    """Write the trades that are not here yet, and that everything up to `upto` is."""
    stands = read_cursor(connection, TRADES)
    new = [
        (trade.sequence, trade.index, instrument, _encode(trade))
        for instrument, trade in rows
        if trade.sequence > stands
    ]
    execute_many(connection, _ADD_TRADES, new)
    if upto > stands:
        move_cursor(connection, TRADES, upto)


def save_books(connection: Connection, snapshots: dict[int, MarketSnapshot], sequence: int) -> None:
    """Put these books, as they stand at `sequence`, in the place of those before."""
    connection.execute(delete(books))
    rows = [{"instrument": number, "payload": _encode(snapshot)} for number, snapshot in snapshots.items()]
    if rows:
        connection.execute(insert(books), rows)
    move_cursor(connection, BOOKS, sequence)


def load(connection: Connection) -> Stored:
    """Return what is stored."""
    found = {number: _decode_snapshot(payload) for number, payload in connection.execute(select(books))}
    return Stored(read_cursor(connection, TRADES), read_cursor(connection, BOOKS), found)


def trades_page(connection: Connection, instrument: int, after: tuple[int, int] | None, limit: int) -> list[TradeTick]:
    """Return up to `limit` trades before the position `after`, newest first."""
    c = trades.c
    query = select(c.payload).where(c.instrument == instrument)
    if after is not None:
        sequence, index = after
        query = query.where((c.sequence < sequence) | ((c.sequence == sequence) & (c.event_index < index)))
    query = query.order_by(c.sequence.desc(), c.event_index.desc()).limit(limit)
    return [_decode_trade(payload) for payload in connection.execute(query).scalars()]
