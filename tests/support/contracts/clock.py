"""What every Clock does. An adapter inherits ClockContract and gives `clock` and `run` (lets the time of a sleep pass)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from quantumcore.ports.clock import Clock

YEAR_2020_NS = 1_577_836_800_000_000_000


class ClockContract:
    """`run(awaitable, seconds)` awaits it while `seconds` pass."""

    def test_now_is_in_nanoseconds_of_utc(self, clock: Clock) -> None:
        assert isinstance(clock.now(), int)
        assert YEAR_2020_NS < clock.now() < 2 * YEAR_2020_NS

    def test_time_never_goes_back(self, clock: Clock) -> None:
        seen = [clock.monotonic() for _ in range(1000)]
        assert seen == sorted(seen)

    async def test_a_sleep_lasts_as_long_as_asked(
        self, clock: Clock, run: Callable[[Awaitable[None], float], Awaitable[None]]
    ) -> None:
        begun = clock.monotonic()
        await run(clock.sleep(0.02), 0.02)
        assert clock.monotonic() - begun >= 0.0199

    async def test_a_sleep_can_be_cancelled(self, clock: Clock) -> None:
        sleeping = asyncio.ensure_future(clock.sleep(3600))
        await asyncio.sleep(0)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping

    def test_tokens_have_their_length_and_differ(self, clock: Clock) -> None:
        tokens = [clock.token(16) for _ in range(1000)]
        assert {len(token) for token in tokens} == {16}
        assert len(set(tokens)) == 1000
