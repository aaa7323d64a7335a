"""Looking orders up: pages by key, never by offset; an order of another account is as unknown as none."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from quantumcore.contracts.errors import check_count, invalid
from quantumcore.contracts.order_queries import (
    MAX_PAGE,
    FillPage,
    GetAccountOrders,
    GetAccountUpdates,
    GetFills,
    GetOrder,
    GetOrderEvents,
    OrderHistory,
    OrderPage,
    OrderUpdate,
)
from quantumcore.contracts.orders import Fill, OrderView
from quantumcore.contracts.reference import Catalogue
from quantumcore.ports.database import Database
from quantumcore.services.orders import store
from quantumcore.services.orders.changes import Change, Filled
from quantumcore.services.orders.domain import OPEN, Name, Order, OrderStatus
from quantumcore.services.orders.rebuild import FILLS_SHOWN
from quantumcore.services.orders.store import Position
from quantumcore.services.orders.translate import check_account, not_found, one_name, order_named
from quantumcore.services.orders.views import STATUS_NUMBERS, order_view

FILLS_IN_LIST = 100
MAX_HISTORY = 10_000  # changes of one order in one answer; `reached` says where it was cut
MAX_CURSOR = 2**63 - 1


class OrderQueries:
    """Answers from the tables; the caller has waited for what must be in them."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._database = database
        self._catalogue = catalogue

    async def get(self, query: GetOrder) -> OrderView:
        """Return the order with its first FILLS_SHOWN fills.

        Raises:
            NotFound: `order.not_found`.
        """
        one_name(query.order_id, query.client_order_id)
        account = check_account(query.account)
        name = order_named(query.order_id, self._catalogue.shard) if query.order_id else None

        def work(connection: Connection) -> tuple[Order | None, list[Filled]]:
            if name is None:
                order = store.order_by_client_id(connection, account, query.client_order_id)
            else:
                order = store.order_by_sequence(connection, account, name.sequence, name.slot)
            return order, [] if order is None else _fills_of(connection, [order], FILLS_SHOWN)[order.name]

        order, fills = await self._database.read(work)
        if order is None:
            raise not_found()
        return order_view(order, self._catalogue, self._fills(fills))

    async def shown(self, account: int, name: Name) -> OrderView | None:
        """Return the account's order of that name, or None."""

        def work(connection: Connection) -> tuple[Order | None, list[Filled]]:
            order = store.load(connection, (name,)).get(name)
            return order, [] if order is None else _fills_of(connection, [order], FILLS_SHOWN)[name]

        order, fills = await self._database.read(work)
        if order is None or order.account != account:
            return None
        return order_view(order, self._catalogue, self._fills(fills))

    async def orders(self, query: GetAccountOrders) -> OrderPage:
        """Return a page of the account's orders; an unknown account or symbol has none."""
        account, limit = check_account(query.account), query.limit
        check_count(limit, MAX_PAGE)
        statuses = _statuses(query.status)
        after = _name(query.cursor) if query.cursor else None
        known, instrument = self._instrument(query.symbol)

        def work(connection: Connection) -> tuple[int, list[Order], dict[Name, list[Filled]]]:
            found = (
                store.orders_page(
                    connection,
                    account,
                    statuses=statuses,
                    instrument=instrument,
                    after=after,
                    limit=limit + 1,
                    ascending=query.ascending,
                )
                if known
                else []
            )
            return store.read_cursor(connection), found, _fills_of(connection, found[:limit], FILLS_IN_LIST)

        sequence, found, fills = await self._database.read(work)
        page = found[:limit]
        views = [order_view(order, self._catalogue, self._fills(fills[order.name])) for order in page]
        following = ".".join(map(str, page[-1].name)) if len(found) > limit else None
        return OrderPage(views, following, sequence)

    async def fills(self, query: GetFills) -> FillPage:
        """Return a page of the account's fills; an unknown account or symbol has none."""
        account, limit = check_account(query.account), query.limit
        check_count(limit, MAX_PAGE)
        after = Position(*_keys(query.cursor, 3)) if query.cursor else None
        known, instrument = self._instrument(query.symbol)

        def work(connection: Connection) -> tuple[int, list[tuple[Position, Filled]]]:
            found = (
                store.fills_page(
                    connection, account, instrument=instrument, after=after, limit=limit + 1, ascending=query.ascending
                )
                if known
                else []
            )
            return store.read_cursor(connection), found

        sequence, found = await self._database.read(work)
        page = found[:limit]
        following = ".".join(map(str, page[-1][0])) if len(found) > limit else None
        return FillPage(self._fills(fill for _, fill in page), following, sequence)

    async def history(self, query: GetOrderEvents) -> OrderHistory:
        """Return the first MAX_HISTORY changes of one order.

        Raises:
            NotFound: `order.not_found`.
        """
        account, name = check_account(query.account), order_named(query.order_id, self._catalogue.shard)

        def work(connection: Connection) -> tuple[int, Order | None, list[Change]]:
            order = store.order_by_sequence(connection, account, name.sequence, name.slot)
            updates = [] if order is None else store.updates_of_order(connection, order, MAX_HISTORY + 1)
            return store.read_cursor(connection), order, updates

        sequence, order, updates = await self._database.read(work)
        if order is None:
            raise not_found()
        if len(updates) <= MAX_HISTORY:
            return OrderHistory(self._shown(updates), sequence)
        cut = _last_whole(updates, MAX_HISTORY) or MAX_HISTORY
        return OrderHistory(self._shown(updates[:cut]), updates[cut].sequence - 1)

    async def updates(self, query: GetAccountUpdates) -> OrderHistory:
        """Return the changes of the account's orders after a sequence: whole sequences, so that nothing is lost between pages.

        A first sequence that alone has more changes than the limit (a mass cancel) comes whole; the engine bounds it.
        """
        account, limit = check_account(query.account), query.limit
        check_count(limit, MAX_PAGE)
        after = _bounded(query.after_sequence, "after_sequence")

        def work(connection: Connection) -> OrderHistory:
            found = store.updates_of_account(connection, account, after, limit + 1)
            if len(found) <= limit:
                return OrderHistory(self._shown(found), store.read_cursor(connection))
            cut = _last_whole(found, limit)
            if cut:
                return OrderHistory(self._shown(found[:cut]), found[cut].sequence - 1)
            first = found[0].sequence
            whole = store.updates_of_account(connection, account, after, MAX_CURSOR, upto=first)
            return OrderHistory(self._shown(whole), first)

        return await self._database.read(work)

    def _fills(self, fills: Iterable[Filled]) -> list[Fill]:
        return [fill.shown(self._catalogue) for fill in fills]

    def _shown(self, changes: Iterable[Change]) -> list[OrderUpdate]:
        return [change.shown(self._catalogue) for change in changes]

    def _instrument(self, symbol: str) -> tuple[bool, int | None]:
        """Return whether any order can be on `symbol`, and its number; every order is on the empty symbol."""
        found = self._catalogue.symbols.get(symbol)
        return (True, None) if not symbol else (found is not None, found.number if found else None)


def _last_whole(updates: Sequence[Change], limit: int) -> int:
    """Return how many of the first `limit` updates stand before a sequence that goes on beyond them; 0 when it is the first."""
    cut = limit
    while cut and updates[cut - 1].sequence == updates[limit].sequence:
        cut -= 1
    return cut


def _fills_of(connection: Connection, page: Sequence[Order], most: int) -> dict[Name, list[Filled]]:
    """Return the fills to show with each order of `page`; those without a fill are not asked for."""
    found: dict[Name, list[Filled]] = {order.name: [] for order in page}
    return found | store.fills_of(connection, [order.name for order in page if order.fills], most)


def _statuses(status: str) -> tuple[OrderStatus, ...]:
    if not status:
        return ()
    if status == "open":
        return OPEN
    number = STATUS_NUMBERS.get(status)
    if number is None:
        names = ", ".join(("open", *STATUS_NUMBERS))
        raise invalid("range", f"status must be one of {names}", field="status", actual=status[:64])
    return (number,)


def _keys(cursor: str, count: int) -> tuple[int, ...]:
    """Return the numbers of a cursor that we gave out; raise InvalidCommand when it cannot be one."""
    words = cursor.split(".")
    if len(words) != count or not all(word.isascii() and word.isdigit() and len(word) < 20 for word in words):
        raise invalid("range", "cursor is not one of ours", field="cursor", actual=cursor[:64])
    return tuple(_bounded(int(word), "cursor") for word in words)


def _name(cursor: str) -> Name:
    sequence, slot = _keys(cursor, 2)
    return sequence, slot


def _bounded(number: int, field: str) -> int:
    if not 0 <= number <= MAX_CURSOR:
        raise invalid("range", f"{field} is out of range", field=field, actual=str(number)[:64])
    return number
