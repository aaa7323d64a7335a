"""The native engine and its readable twin over 10,000,000 commands (`make fuzz`), or 100,000 of them (`make test`).

Method: fifty streams, each of one kind of market and seeded anew in every run; the seed stands in the failure. A market whose
books grow slow in the twin begins again every 10,000 commands.
"""

import os
import random

import pytest

from tests.support.fuzz_engine import run_equality
from tests.support.shown_market import ShownMarket
from tests.support.streams import AuctionMarket, Market
from tests.support.streams_busted import BustedMarket
from tests.support.streams_guarded import GuardedMarket
from tests.support.streams_linked import LinkedMarket
from tests.support.streams_margin import MarginMarket

STREAMS = 50
COMMANDS = 200_000 if os.environ.get("QC_TEST_PROFILE") == "fuzz" else 2_000
MARKETS = {
    "everything": Market,
    "tied": LinkedMarket,
    "auctions": AuctionMarket,
    "shown": ShownMarket,
    "busted": BustedMarket,
    "guarded": GuardedMarket,
    "margin": MarginMarket,
}
LONGEST = {"shown": 10_000}


@pytest.mark.fuzz
@pytest.mark.timeout(0 if COMMANDS > 10_000 else 60)
@pytest.mark.parametrize("stream", range(STREAMS))
def test_they_are_equal_event_by_event_and_hash_by_hash(stream: int, seed: int) -> None:
    """One stream in five of each market has no money, so that both modes are played."""
    kind = list(MARKETS)[stream % len(MARKETS)]
    accounting = stream // len(MARKETS) % 5 != 4
    choices = random.Random(seed)
    left, trades = COMMANDS, 0
    while left > 0:
        commands = min(left, LONGEST.get(kind, COMMANDS))
        told = run_equality(commands, choices.randrange(2**32), market=MARKETS[kind], accounting=accounting)
        left, trades = left - commands, trades + told["TradePrinted"]
    assert trades > COMMANDS // 200, "a market in which nobody trades proves nothing"
