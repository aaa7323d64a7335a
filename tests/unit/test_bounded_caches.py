"""Caches forget: they are bounded by their setting, and never answer with what has changed since."""

import pytest

from quantumcore.adapters.cache import EmbeddedCache
from quantumcore.services.gateway.answer_cache import ANY, AnswerCache
from tests.support.clocks import ManualClock

QUESTIONS = 100_000
LIMIT = 10_000


@pytest.mark.hazard("D5")
def test_a_hundred_thousand_questions_keep_ten_thousand_answers():
    """Answers are bounded, the least recently used leaves first, and what is kept is the right one."""
    cache = AnswerCache(ManualClock(), ttl_s=60.0, entries=LIMIT)
    for number in range(QUESTIONS):
        cache.put("BTC-USD", "/book", b"%d" % number, False, cache.version("BTC-USD"), b"answer %d" % number)
        assert cache.get("BTC-USD", "/book", b"0", False) in (b"answer 0", None)  # asked for again and again
        assert len(cache) <= LIMIT
    assert len(cache) == LIMIT
    assert cache.get("BTC-USD", "/book", b"0", False) == b"answer 0"
    assert cache.get("BTC-USD", "/book", b"1", False) is None
    for number in range(QUESTIONS - LIMIT + 1, QUESTIONS):
        assert cache.get("BTC-USD", "/book", b"%d" % number, False) == b"answer %d" % number


@pytest.mark.hazard("D5")
def test_a_changed_price_shows_in_the_next_answer():
    """After an event of its symbol no kept answer is given; nor is one kept whose data were read before the event."""
    clock = ManualClock()
    cache = AnswerCache(clock, ttl_s=1.0, entries=LIMIT)
    for price in range(1_000):
        before = cache.version("BTC-USD")
        cache.put("BTC-USD", "/book", b"", False, before, b"%d" % price)
        cache.put(ANY, "/tickers", b"", False, cache.version(ANY), b"%d" % price)
        assert cache.get("BTC-USD", "/book", b"", False) == b"%d" % price
        cache.moved("BTC-USD")
        assert cache.get("BTC-USD", "/book", b"", False) is None
        assert cache.get(ANY, "/tickers", b"", False) is None
        cache.put("BTC-USD", "/book", b"", False, before, b"late")
        assert cache.get("BTC-USD", "/book", b"", False) is None
    cache.put("BTC-USD", "/book", b"", False, cache.version("BTC-USD"), b"young")
    clock.turn(1.01)
    assert cache.get("BTC-USD", "/book", b"", False) is None
    assert len(cache) <= 2


@pytest.mark.hazard("D5")
async def test_a_hundred_thousand_accounts_keep_ten_thousand_values_and_windows():
    """The cache that limits and sessions share: values and windows are each bounded by its capacity."""
    cache = EmbeddedCache(ManualClock(), capacity=LIMIT)
    for number in range(QUESTIONS):
        await cache.put(f"account {number}", b"%d" % number, 60.0)
        await cache.spend(f"account {number}", 1, 10, 60.0)
        assert len(cache) <= 2 * LIMIT
    assert await cache.get(f"account {QUESTIONS - 1}") == b"%d" % (QUESTIONS - 1)
    assert await cache.get("account 0") is None
