"""Run with filled_pages preloaded: a seeded market with a feed beside it, begun anew again and again, as JSON.

The native side compares the table with the books each time and raises.
"""

import ctypes
import json
import random
import sys

from quantumcore.core import _native
from tests.support.streams import START_NS, Market, setup

PART = 50


def main(seed: int, commands: int) -> None:
    """Let an engine hear what another has done, and print where both stand."""
    bounds = {"max_orders": 5_000, "max_accounts": 50, "max_client_ids": 20_000, "max_balances": 500}
    plain, heard = _native.Engine(**bounds), _native.Engine(**bounds)
    for engine in (plain, heard):
        engine.step(b"".join(setup()), START_NS)
    market = Market(random.Random(seed))
    for _ in range(commands // PART):
        part = [market.next().raw for _ in range(PART)]
        for command in part:
            market.hear(plain.step(command, START_NS))
        _native.pace(heard, b"".join(part), 4, feed_slots=64, readers=1)
    told = {"plain": plain.state_hash(), "heard": heard.state_hash()}
    print(json.dumps(told | {"filled": ctypes.CDLL(None).filled_pages()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
