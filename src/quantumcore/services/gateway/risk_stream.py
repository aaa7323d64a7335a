"""The private channel `risk`: an account's warnings, without gap or repeat from any of them onwards.

As with orders a subscription first reads up what was missed, while what happens meanwhile waits beside it; then it follows live. Its sequence
is the number of the room's row, one message each.
"""

from collections import deque

from quantumcore.contracts.risk import GetRiskUpdates, RiskUpdate, RiskWarning
from quantumcore.ports.bus import Bus
from quantumcore.services.gateway import risk_answers
from quantumcore.services.gateway.frames import Channel, RiskFrame, text
from quantumcore.services.gateway.private import WAITING, PrivateReader

PAGE = 1_000


class RiskSubscription:
    """The channel of one account for one reader.

    Attributes:
        cursor: Everything up to this number was told, or is another account's.
    """

    def __init__(self, channel: Channel, account: int, reader: PrivateReader, bus: Bus) -> None:
        self.channel = channel
        self.account = account
        self.cursor = channel.from_seq or 0
        self._prev = self.cursor
        self._reader = reader
        self._bus = bus
        self._live = False
        self._waiting: deque[RiskUpdate] = deque()
        self._lost = False

    async def find_start(self) -> int:
        """Return the number after which it tells: from_seq, or the newest there is."""
        if self.channel.from_seq is None:
            found = await self._bus.request(GetRiskUpdates(account=self.account))
            self.cursor = self._prev = found.reached
        return self.cursor

    async def replay(self, max_pages: int) -> bool:
        """Tell what was missed, then what came meanwhile, then follow live; False when it is too far behind.

        Raises:
            Unavailable: The risk room does not answer.
        """
        for _ in range(max_pages):
            self._lost = False
            page = await self._bus.request(GetRiskUpdates(account=self.account, after=self.cursor, limit=PAGE))
            for update in page.items:
                await self._reader.keep_pace()
                self._tell(update)
            self.cursor = max(self.cursor, page.reached)
            if not page.items and not self._lost:
                while self._waiting:
                    self._tell(self._waiting.popleft())
                self._live = True
                return True
        return False

    def on_update(self, update: RiskUpdate) -> None:
        """Tell a live update, or let it wait while it replays."""
        if self._live:
            self._tell(update)
        elif len(self._waiting) < WAITING:
            self._waiting.append(update)
        else:  # the replay will find them: it goes on until nothing was left out
            self._waiting.clear()
            self._lost = True

    def lose(self) -> bool:
        """Something was lost on the way here; tell whether it must read it up (a running replay does so anyway)."""
        was_live, self._live, self._lost = self._live, False, True
        return was_live

    def _tell(self, update: RiskUpdate) -> None:
        if update.number <= self.cursor:
            return
        self.cursor = update.number
        frame = RiskFrame(
            account_id=str(self.account),
            symbol=update.limit.symbol if update.limit else None,
            seq=update.number,
            prev_seq=self._prev,
            update=risk_answers.update(update),
        )
        self._prev = update.number
        self._reader.hear_private(text(frame))


class RiskChannels:
    """Who hears of which account, and what the notices of the risk room bring."""

    def __init__(self) -> None:
        self._subscriptions: dict[int, set[RiskSubscription]] = {}
        self._number: int | None = None

    def add(self, subscription: RiskSubscription) -> None:
        """Hand it what happens from now on; it lets that wait until it has replayed."""
        self._subscriptions.setdefault(subscription.account, set()).add(subscription)

    def remove(self, subscription: RiskSubscription) -> None:
        """Hand it nothing any more."""
        known = self._subscriptions.get(subscription.account)
        if known is not None:
            known.discard(subscription)
            if not known:
                del self._subscriptions[subscription.account]

    def on_risk(self, warning: RiskWarning) -> list[RiskSubscription]:
        """Spread one notice; return the subscriptions that must replay because notices before it were lost."""
        lost: list[RiskSubscription] = []
        if self._number is not None and warning.previous > self._number:
            lost = [one for known in self._subscriptions.values() for one in known if one.lose()]
        for update in warning.updates:
            for subscription in tuple(self._subscriptions.get(update.account, ())):
                subscription.on_update(update)
            self._number = max(self._number or 0, update.number)
        return lost
