"""What a random market submits as batches: orders of one account, of any kind and instrument, all or none."""

from functools import partial
from typing import Any

from quantumcore.contracts import wire
from tests.support import stream_links, stream_triggers
from tests.support.shown_orders import advanced

_OF_A_MARKET = ("_submit_shown", "_auction_order")  # what only some markets make


def batch(market: Any) -> wire.SubmitOrderBatch:
    """Mostly a few orders of one account, now and then a hundred, one that was sent before, or one that is wrong."""
    if market.batches and market._chance(8):
        again = market._rng.choice(market.batches)
        return market._changed(again) if market._chance(70) else _changed_in_one(market, again)
    count = market._pick([1, 2, 3, 5, market._rng.randrange(1, 12), 100], [10, 30, 20, 20, 20, 1])
    members = [_member(market, at) for at in range(count)]
    if market._chance(97):
        members = [market._changed(member, account=members[0].account) for member in members]
    market._submitted.extend(members)
    raw = b"".join(member.encode() for member in members)
    told = count if market._chance(98) else market._rng.randrange(256)
    made = wire.SubmitOrderBatch(account=members[0].account, count=told, orders=raw)
    market.batches.append(made)
    return made


def _member(market: Any, at: int) -> wire.SubmitAdvancedOrder:
    own = [make for name in _OF_A_MARKET if (make := getattr(market, name, None)) in market._makers]
    makers = [
        (market._submit, 50),
        (partial(stream_links.reduce, market), 15),
        (partial(stream_triggers.waiting, market), 10),
        *((make, 40) for make in own),
    ]
    order = market._pick([make for make, _ in makers], [weight for _, weight in makers])()
    market._submitted.pop()
    name = f"c-{market._made}-{at if market._chance(99) else 0}"
    return advanced(order, client_id=name)


def _changed_in_one(market: Any, again: wire.SubmitOrderBatch) -> wire.SubmitOrderBatch:
    """Return a batch that was sent before with one byte of it changed, which mostly makes it another body."""
    raw = bytearray(again.orders)
    raw[market._rng.randrange(len(raw))] ^= 1
    return market._changed(again, orders=bytes(raw))


MAKERS = ((batch, 4),)
