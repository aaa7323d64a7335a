"""Private channels: an account's orders and fills, without gap or repeat from any sequence onwards.

A subscription first pages through what was missed, while what happens meanwhile waits beside it; then it follows live.
One message holds one whole sequence of the engine, so a client may resume after any message it has seen. When the bus
has lost something on its way here, the notices say so by their numbers, and live subscriptions read it up.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Protocol

from quantumcore.contracts.order_queries import (
    GetAccountOrders,
    GetAccountUpdates,
    OrdersChanged,
    OrderUpdate,
    ToldUpdate,
)
from quantumcore.ports.bus import Bus
from quantumcore.services.gateway import answers
from quantumcore.services.gateway.frames import Channel, FillsFrame, OrdersFrame, text

WAITING = 10_000
PARTIAL = 100_000
PAGE = 1_000


class PrivateReader(Protocol):
    """Who hears a private channel."""

    def hear_private(self, frame: str) -> None:
        """Take one frame; a reader that cannot is disconnected."""

    async def keep_pace(self) -> None:
        """Return once more can be taken."""


class PrivateSubscription:
    """One channel of one account for one reader.

    Attributes:
        cursor: Everything up to this sequence was told or is no news of this channel.
    """

    def __init__(self, channel: Channel, account: int, reader: PrivateReader, bus: Bus) -> None:
        self.channel = channel
        self.account = account
        self.cursor = channel.from_seq or 0
        self._prev = self.cursor
        self._reader = reader
        self._bus = bus
        self._live = False
        self._waiting: deque[tuple[int, list[OrderUpdate]]] = deque()
        self._lost = False

    async def find_start(self) -> int:
        """Return the sequence after which it tells: from_seq, or what the orders room has reached now."""
        if self.channel.from_seq is None:
            page = await self._bus.request(GetAccountOrders(account=self.account, limit=1))
            self.cursor = self._prev = page.sequence
        return self.cursor

    async def replay(self, max_pages: int) -> bool:
        """Tell what was missed, then what came meanwhile, then follow live; False when it is too far behind.

        Raises:
            Unavailable: The orders room does not answer.
        """
        for _ in range(max_pages):
            self._lost = False
            history = await self._bus.request(
                GetAccountUpdates(account=self.account, after_sequence=self.cursor, limit=PAGE)
            )
            for sequence, updates in by_sequence(history.items):
                await self._reader.keep_pace()
                self._tell(sequence, updates)
            self.cursor = max(self.cursor, history.reached)
            if not history.items and not self._lost:
                self._follow()
                return True
        return False

    def on_updates(self, sequence: int, updates: list[OrderUpdate]) -> None:
        """Tell live updates, or let them wait while it replays."""
        if self._live:
            self._tell(sequence, updates)
        elif len(self._waiting) < WAITING:
            self._waiting.append((sequence, updates))
        else:  # the replay will find them: it goes on until nothing was left out
            self._waiting.clear()
            self._lost = True

    def lose(self) -> bool:
        """Something was lost on the way here; tell whether it must read it up (a running replay does so anyway)."""
        was_live, self._live, self._lost = self._live, False, True
        return was_live

    def _follow(self) -> None:
        while self._waiting:
            self._tell(*self._waiting.popleft())
        self._live = True

    def _tell(self, sequence: int, updates: Sequence[OrderUpdate]) -> None:
        if sequence <= self.cursor:
            return
        self.cursor = sequence
        news = [one for one in updates if one.fill is not None] if self.channel.name == "fills" else updates
        if not news:
            return
        frame = self._frame(sequence, news)
        self._prev = sequence
        self._reader.hear_private(frame)

    def _frame(self, sequence: int, news: Sequence[OrderUpdate]) -> str:
        symbols = {one.order.symbol for one in news}
        account, symbol = str(self.account), symbols.pop() if len(symbols) == 1 else None
        if self.channel.name == "fills":
            fills = [answers.account_fill(one.fill) for one in news if one.fill is not None]
            return text(FillsFrame(account_id=account, symbol=symbol, seq=sequence, prev_seq=self._prev, fills=fills))
        updates = [answers.update(one) for one in news]
        return text(OrdersFrame(account_id=account, symbol=symbol, seq=sequence, prev_seq=self._prev, updates=updates))


class PrivateChannels:
    """Who hears which account, and what the notices of the orders room bring."""

    def __init__(self) -> None:
        self._subscriptions: dict[int, set[PrivateSubscription]] = {}
        self._partial: list[ToldUpdate] = []
        self._sequence: int | None = None

    def __len__(self) -> int:
        return sum(map(len, self._subscriptions.values()))

    def add(self, subscription: PrivateSubscription) -> None:
        """Hand it what happens from now on; it lets that wait until it has replayed."""
        self._subscriptions.setdefault(subscription.account, set()).add(subscription)

    def remove(self, subscription: PrivateSubscription) -> None:
        """Hand it nothing any more."""
        known = self._subscriptions.get(subscription.account)
        if known is not None:
            known.discard(subscription)
            if not known:
                del self._subscriptions[subscription.account]

    def on_orders(self, change: OrdersChanged) -> list[PrivateSubscription]:
        """Spread one notice; return the subscriptions that must replay because notices before it were lost."""
        lost: list[PrivateSubscription] = []
        if self._sequence is not None and change.prev_sequence > self._sequence:
            self._partial = []
            lost = [one for known in self._subscriptions.values() for one in known if one.lose()]
        updates = [*self._partial, *change.updates]
        self._partial = [one for one in updates if one.sequence > change.sequence]
        if len(self._partial) > PARTIAL:
            self._partial = []
            lost += [one for known in self._subscriptions.values() for one in known if one.lose()]
        self._sequence = change.sequence
        if not self._subscriptions:
            return lost
        for (account, sequence), group in groupby(
            sorted(
                (one for one in updates if one.sequence <= change.sequence and one.account in self._subscriptions),
                key=lambda one: (one.account, one.sequence),
            ),
            key=lambda one: (one.account, one.sequence),
        ):
            news = list(group)
            known = tuple(self._subscriptions[account])
            if not all(told.payload for told in news):  # the orders room does not know yet that somebody listens
                lost += [one for one in known if one.cursor < sequence and one.lose()]
                continue
            whole = [told.update for told in news]
            for subscription in known:
                subscription.on_updates(sequence, whole)
        return lost


def by_sequence(updates: Sequence[OrderUpdate]) -> Iterator[tuple[int, list[OrderUpdate]]]:
    """Yield whole sequences of `updates`, which are in order."""
    for sequence, group in groupby(updates, key=lambda one: one.sequence):
        yield sequence, list(group)
