"""The rolling 24 hours, to the minute and within bounds.

Goal: open, high, low and volume of the window equal what a list of all trades says; memory does not grow with trades.
Method: hand-made trades at the edges; random days against a plain list.
"""

import random

from quantumcore.services.market.ticker import MINUTE_NS, WINDOW_MINUTES, RollingTicker

DAY = WINDOW_MINUTES * MINUTE_NS
START = 1_700_000_000 * 10**9 // MINUTE_NS * MINUTE_NS


def test_before_the_first_trade_there_is_nothing():
    ticker = RollingTicker()
    assert (ticker.last_price, ticker.last_quantity) == (0, 0)
    assert ticker.day(START) == (None, None, None, 0, 0)


def test_one_trade_is_open_high_and_low():
    ticker = RollingTicker()
    ticker.trade(100, 7, START)
    assert ticker.day(START) == (100, 100, 100, 7, 1)


def test_trades_of_one_minute_share_a_bucket():
    ticker = RollingTicker()
    for at, price in enumerate((100, 90, 120, 110)):
        ticker.trade(price, 2, START + at)
    assert len(ticker) == 1
    assert ticker.day(START) == (100, 120, 90, 8, 4)
    assert ticker.last_price == 110


def test_a_trade_leaves_the_window_after_a_day_without_another_trade():
    ticker = RollingTicker()
    ticker.trade(100, 7, START)
    assert ticker.day(START + DAY - 1).volume == 7
    assert ticker.day(START + DAY).volume == 0
    assert ticker.last_price == 100


def test_asking_changes_nothing():
    """A reader with a fast clock takes nothing from one with a right clock."""
    ticker = RollingTicker()
    ticker.trade(100, 7, START)
    ticker.day(START + 5 * DAY)
    assert ticker.day(START).volume == 7


def test_buckets_are_bounded_however_long_it_trades():
    ticker = RollingTicker()
    for minute in range(3 * WINDOW_MINUTES):
        ticker.trade(100 + minute, 1, START + minute * MINUTE_NS)
    assert len(ticker) <= WINDOW_MINUTES


def test_a_ticker_made_from_its_state_goes_on_as_if_it_had_not_stopped():
    ticker = RollingTicker()
    for minute in range(50):
        ticker.trade(100 + minute, 1, START + minute * MINUTE_NS)
    again = RollingTicker(ticker.state())
    for one in (ticker, again):
        one.trade(7, 7, START + 60 * MINUTE_NS)
    assert again.day(START + DAY) == ticker.day(START + DAY)
    assert (again.last_price, len(again)) == (7, len(ticker))


def test_a_random_week_equals_a_list_of_all_trades(rng: random.Random):
    ticker, trades, now = RollingTicker(), [], START
    for _ in range(3_000):
        now += rng.randrange(10 * MINUTE_NS)
        price, lots = rng.randrange(1, 10**6), rng.randrange(1, 10**6)
        ticker.trade(price, lots, now)
        trades.append((now // MINUTE_NS, price, lots))
        seen = [t for t in trades if t[0] > now // MINUTE_NS - WINDOW_MINUTES]
        assert ticker.day(now) == (
            seen[0][1], max(t[1] for t in seen), min(t[1] for t in seen), sum(t[2] for t in seen), len(seen),
        )  # fmt: skip
        trades = seen
