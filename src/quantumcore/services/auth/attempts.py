"""Failed log-ins: five per e-mail and peer in 15 minutes, exact even when all arrive at once."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from quantumcore.contracts.errors import RateLimited, Unavailable

PAIRS_MAX = 100_000
WAITING_MAX = 100


class Attempt:
    """One log-in being judged; it counts as failed only when `failed` was called."""

    def __init__(self) -> None:
        self.has_failed = False

    def failed(self) -> None:
        """Say that the password was wrong."""
        self.has_failed = True


class _Pair:
    """What is known of one (e-mail, peer). Small: an attacker may make us keep 100,000 of them.

    Attributes:
        failures: When it failed, monotonic seconds, oldest first; never more than may fail.
        judging, waiting: How many log-ins are looked at now, and how many wait for their turn.
        moved: Set when one has been judged; made only when somebody waits.
    """

    __slots__ = ("failures", "judging", "moved", "waiting")

    def __init__(self) -> None:
        self.failures: list[float] = []
        self.judging = 0
        self.waiting = 0
        self.moved: asyncio.Event | None = None

    @property
    def is_idle(self) -> bool:
        return not self.judging and not self.waiting

    async def wait(self) -> None:
        if self.moved is None:
            self.moved = asyncio.Event()
        await self.moved.wait()

    def wake(self) -> None:
        if self.moved is not None:
            self.moved.set()
            self.moved = None


class Attempts:
    """Counts failures by pair. At most as many log-ins of a pair are judged at once as may still fail; others wait their turn.

    Without that, a thousand guesses sent together would all be judged before the first had failed. At most 100 wait per
    pair, the next is `overloaded`; at most 100,000 pairs are kept, the longest untouched idle one goes first.
    """

    def __init__(self, monotonic: Callable[[], float], *, failures_max: int, window_s: float) -> None:
        self._monotonic = monotonic
        self._failures_max = failures_max
        self._window_s = window_s
        self._pairs: OrderedDict[tuple[str, str], _Pair] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pairs)

    @asynccontextmanager
    async def judge(self, email: str, peer: str) -> AsyncIterator[Attempt]:
        """Hold a place among the attempts of this pair; a success forgets its failures.

        Raises:
            RateLimited: The pair has used its failures; `retry_after` says when the oldest stops counting.
            Unavailable: `overloaded`: too many log-ins of this pair wait.
        """
        key = (email, peer)
        pair = self._touch(key)
        await self._enter(pair)
        attempt = Attempt()
        ended_well = False
        try:
            yield attempt
            ended_well = True
        finally:
            pair.judging -= 1
            if attempt.has_failed:
                pair.failures.append(self._monotonic())
            elif ended_well:
                pair.failures.clear()
            pair.wake()
            if pair.is_idle and not pair.failures:
                self._pairs.pop(key, None)

    async def _enter(self, pair: _Pair) -> None:
        if pair.waiting >= WAITING_MAX:
            raise Unavailable("overloaded", "too many log-ins at once", limit=str(WAITING_MAX), retry_after=1.0)
        pair.waiting += 1
        try:
            while True:
                self._expire(pair)
                if len(pair.failures) >= self._failures_max:
                    raise self._limited(pair)
                if len(pair.failures) + pair.judging < self._failures_max:
                    break
                await pair.wait()
            pair.judging += 1
        finally:
            pair.waiting -= 1

    def _limited(self, pair: _Pair) -> RateLimited:
        wait_s = max(1.0, pair.failures[0] + self._window_s - self._monotonic())
        return RateLimited(detail="too many failed log-ins", limit=str(self._failures_max), retry_after=wait_s)

    def _expire(self, pair: _Pair) -> None:
        oldest = self._monotonic() - self._window_s
        pair.failures = [at for at in pair.failures if at > oldest]

    def _touch(self, key: tuple[str, str]) -> _Pair:
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = _Pair()
            if len(self._pairs) > PAIRS_MAX:
                self._drop_oldest()
        self._pairs.move_to_end(key)
        return pair

    def _drop_oldest(self) -> None:
        idle = next((key for key, pair in self._pairs.items() if pair.is_idle), None)
        if idle is not None:
            del self._pairs[idle]
