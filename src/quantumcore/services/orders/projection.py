"""The event log becomes tables: a part of the log, what it changed and the cursor are one transaction."""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.order_queries import OrdersChanged, ToldUpdate
from quantumcore.contracts.orders import CANCEL_REASONS
from quantumcore.contracts.reference import Catalogue
from quantumcore.contracts.wire import Event, OrderAccepted, OrderRejected, TradeBusted
from quantumcore.ports.bus import Bus
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventBatch, EventLog
from quantumcore.ports.progress import parts, without_holes
from quantumcore.services.orders import store
from quantumcore.services.orders.changes import Change, Filled
from quantumcore.services.orders.domain import Name, Order, named
from quantumcore.services.orders.folding import Known, Trade, fold

LIVE_ORDERS = 20_000  # beyond it the order longest untouched is read from the table again
UPDATES_PER_NOTICE = 500  # keeps a notice well below what a server carries in one message
FOLLOWED_ACCOUNTS = 100_000
ENDINGS = frozenset({"cancelled", "expired"})


class LiveOrders:
    """Working orders as the last commit left them; bounded, for the table has them all."""

    def __init__(self, limit: int = LIVE_ORDERS) -> None:
        self._limit = limit
        self._orders: OrderedDict[Name, Order] = OrderedDict()

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, name: Name) -> Order | None:
        """Return the order, or None when it is not kept here."""
        return self._orders.get(name)

    def clear(self) -> None:
        """Forget all; the table is asked again."""
        self._orders.clear()

    def put(self, changes: Sequence[Change]) -> None:
        """Remember what `changes` left working and forget what they ended."""
        orders = self._orders
        for change in changes:
            order = change.order
            name = order.name
            if order.is_final:
                orders.pop(name, None)
            else:
                orders[name] = order
                orders.move_to_end(name)
        while len(orders) > self._limit:
            orders.popitem(last=False)


class Followed:
    """Accounts whose updates somebody reads, known by their having asked; the one that asked longest ago is forgotten first.

    Forgetting harms nobody: whoever is told of a change without its update asks again.
    """

    def __init__(self, limit: int = FOLLOWED_ACCOUNTS) -> None:
        self._limit = limit
        self._accounts: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, account: int) -> bool:
        return account in self._accounts

    def add(self, account: int) -> None:
        """Remember `account` as the last that asked."""
        self._accounts[account] = None
        self._accounts.move_to_end(account)
        if len(self._accounts) > self._limit:
            self._accounts.popitem(last=False)


class Commit(NamedTuple):
    """What one transaction brought: from after `before` up to `upto`, and how it is told."""

    before: int
    upto: int
    changes: list[Change]
    told: list[ToldUpdate]


class OrdersProjection:
    """Applies events to the tables and tells OrdersChanged after each commit.

    Attributes:
        cursor: Last sequence committed, as far as this process knows.
        live: The working orders it need not look up.
        followed: Accounts whose updates are told whole.
        ended: Orders that were cancelled or expired since the start, by the code that says why: there are few.
    """

    def __init__(self, bus: Bus, log: EventLog, database: Database, catalogue: Catalogue) -> None:
        self.cursor = 0
        self.live = LiveOrders()
        self.followed = Followed()
        self.ended: Counter[str] = Counter()
        self._bus = bus
        self._log = log
        self._database = database
        self._catalogue = catalogue
        self._untold: list[OrdersChanged] = []

    async def open(self) -> int:
        """Read where the tables stand and return it.

        Raises:
            Unavailable: The database did not answer.
        """
        self.cursor = await self._database.read(store.read_cursor)
        return self.cursor

    async def apply(self, batches: Sequence[EventBatch]) -> None:
        """Commit what is new in `batches` and tell it; what was seen before changes nothing.

        Raises:
            Unavailable: The database or the bus did not take it; what was committed is told when `batches` come again.
            Corrupted: An event that cannot be; nothing of its part was committed.
        """
        for part in parts(without_holes(batches, self.cursor, self._log)):
            # Folding happens in the database's thread: the loop, which answers submissions, stays free.
            commit = await self._database.write(partial(self._commit, part=part))
            self.live.put(commit.changes)
            self.ended.update(CANCEL_REASONS[one.order.reason] for one in commit.changes if one.kind in ENDINGS)
            self.cursor = commit.upto
            if commit.upto > commit.before:
                self._untold += notices(commit.told, commit.before, commit.upto)
            await self._tell()
        await self._tell()

    async def _tell(self) -> None:
        if self._untold:
            await self._bus.publish(self._untold)
            self._untold = []

    def _commit(self, connection: Connection, part: Sequence[EventBatch]) -> Commit:
        before = store.read_cursor(connection)
        if before != self.cursor:
            self.live.clear()  # a commit whose answer was lost: the table knows more than we do
        upto = part[-1].last
        events = [event for batch in part for event in batch.events if event.sequence > before]
        if not events:
            return Commit(before, before, [], [])
        if events[0].sequence != before + 1:
            raise Corrupted("order.gap", f"orders stand at {before}, the next event is {events[0].sequence}.0")
        changes = fold(events, self._known(connection, events), self._catalogue)
        store.save(connection, changes)
        store.move_cursor(connection, before, upto)
        return Commit(before, upto, changes, [self._told(change) for change in changes])

    def _told(self, change: Change) -> ToldUpdate:
        order = change.order
        if order.account in self.followed:
            return ToldUpdate.of(change.shown(self._catalogue))
        return ToldUpdate(order.account, change.sequence, change.index)

    def _known(self, connection: Connection, events: Sequence[Event]) -> Known:
        """Return the orders that live before `events` and that they name: from memory, else from the table."""
        known: dict[Name, Order] = {}
        missing: set[Name] = set()
        begun: set[Name] = set()
        busted: dict[Trade, list[Filled]] = {}
        for event in events:
            if isinstance(event, OrderAccepted | OrderRejected):
                begun.update(named(event))
                continue
            names = named(event)
            if isinstance(event, TradeBusted):
                trade = event.trade_sequence, event.fill
                sides = store.fills_of_trade(connection, {event.buyer, event.seller}, *trade)
                busted[trade] = sides
                names = tuple(side.name for side in sides)
            for name in names:
                if name in begun or name in known or name in missing:
                    continue
                order = self.live.get(name)
                if order is None:
                    missing.add(name)
                else:
                    known[name] = order
        return Known(known | store.load(connection, missing) if missing else known, busted)


def notices(updates: Sequence[ToldUpdate], before: int, upto: int) -> list[OrdersChanged]:
    """Return what to tell about `updates`, at most UPDATES_PER_NOTICE at a time, cut between sequences where possible."""
    told: list[OrdersChanged] = []
    start, previous = 0, before
    while len(updates) - start > UPDATES_PER_NOTICE:
        end = start + UPDATES_PER_NOTICE
        cut = end
        while cut > start and updates[cut - 1].sequence == updates[cut].sequence:
            cut -= 1
        end = cut if cut > start else end
        # Inside a sequence that is larger than a notice, nothing more is complete than the sequence before it.
        reached = updates[end].sequence - 1
        told.append(OrdersChanged(updates=list(updates[start:end]), sequence=reached, prev_sequence=previous))
        start, previous = end, reached
    told.append(OrdersChanged(updates=list(updates[start:]), sequence=upto, prev_sequence=previous))
    return told
