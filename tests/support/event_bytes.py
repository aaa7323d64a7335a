"""Run with filled_pages preloaded: a seeded market, and the digests of its events and of its state, as JSON."""

import ctypes
import hashlib
import json
import random
import sys

from quantumcore.core import _native
from tests.support.streams import START_NS, Market, setup


def main(seed: int, commands: int) -> None:
    """Step the market one command at a time and print what came of it."""
    engine = _native.Engine(
        max_orders=5_000, max_accounts=50, max_client_ids=20_000, max_transfers=20_000, max_balances=500
    )
    market, digest = Market(random.Random(seed)), hashlib.sha256()
    for raw in setup():
        digest.update(engine.step(raw, START_NS))
    for _ in range(commands):
        command = market.next()
        events = engine.step(command.raw, command.time_ns)
        market.hear(events)
        digest.update(events)
    snapshot = hashlib.sha256(engine.snapshot()).hexdigest()
    told = {"events": digest.hexdigest(), "state": engine.state_hash(), "snapshot": snapshot}
    print(json.dumps(told | {"filled": ctypes.CDLL(None).filled_pages()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
