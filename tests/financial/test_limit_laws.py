"""Laws of limits: whatever is tied to whatever, no position passes its limit, and nothing works beyond what may.

Goal: what was judged once keeps its word: waiting orders, pairs, exits, replacements and batches cannot come to more than the
limit says. Method: a random market in which almost everything is tied together, under limits that stand still, on both engines;
after every command the numbers are taken from what the engine answers.
"""

import os
import random
from functools import partial
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from tests.support import stream_batches, stream_links, stream_triggers
from tests.support.engines import NewEngine, both_engines, check, step
from tests.support.fuzz_engine import started
from tests.support.streams import START_NS
from tests.support.streams_linked import LinkedMarket

ACCOUNTS, INSTRUMENTS, USD = (1, 2, 3), (1, 2), 1
LONG, SHORT, EACH, ORDER = 25, 15, 9, 11
OPEN = 500_000
COMMANDS = 40_000 if os.environ.get("QC_TEST_PROFILE") == "fuzz" else 1_200


class TiedMarket(LinkedMarket):
    """The market of `streams_linked` without what moves positions past any limit: busts, and another definition."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        kinds = [
            (self._submit, 30),
            (self._cancel, 5),
            (self._replace, 12),
            (partial(stream_links.reduce, self), 10),
            (partial(stream_links.link, self), 30),
            (partial(stream_batches.batch, self), 8),
            (partial(stream_triggers.waiting, self), 4),
            (partial(stream_triggers.move, self), 6),
            (self._phase, 1),
        ]
        self._makers = [maker for maker, _ in kinds]
        self._weights = [weight for _, weight in kinds]


def limited(engine: Any) -> Any:
    """Return `engine` with the market's setup and limits on everybody."""
    started(engine)
    commands = [
        wire.SetQuantityLimits(
            scope=Scope.VENUE, max_long=LONG, max_short=SHORT, max_open_each=EACH, max_order_lots=ORDER
        ),
        wire.SetMoneyLimits(scope=Scope.VENUE, currency=USD, max_open_notional=OPEN),
    ]
    step(engine, b"".join(command.encode() for command in commands), START_NS)
    return engine


@pytest.mark.fuzz
@both_engines
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_position_passes_its_limit_and_no_more_works_than_may(new_engine: NewEngine, seed: int) -> None:
    """And the limits are met: orders were refused by each of them."""
    engine, market = limited(new_engine()), TiedMarket(random.Random(seed))
    refused: set[int] = set()
    for _ in range(COMMANDS):
        command = market.next()
        told = step(engine, command.raw, command.time_ns)
        market.hear(told)
        refused |= {e.reason for e in wire.iter_events(told) if isinstance(e, wire.OrderRejected | wire.CommandRefused)}
        for account in ACCOUNTS:
            held = dict(engine.positions(account))
            for instrument in INSTRUMENTS:
                lots = held.get(instrument, 0)
                assert -SHORT <= lots <= LONG, f"account {account} has {lots} in {instrument}"
                assert engine.working(account, instrument)[2] <= EACH
    check(engine)
    assert {Reason.POS_LIMIT, Reason.MAX_OPEN, Reason.MAX_QTY} <= refused


@pytest.mark.hazard("F2")
@both_engines
def test_without_limits_sums_beyond_63_bits_are_no_reason(new_engine: NewEngine) -> None:
    """The engine begins wide; the widest limit that can be set is then a limit."""
    engine = started(new_engine())
    big = {"instrument": 6, "account": 1, "side": 1, "order_type": 2, "time_in_force": 1, "price_scale": 18}
    orders = [wire.SubmitOrder(**big, price=at, quantity=2**62, client_id=f"b{at}") for at in range(1, 5)]
    told = step(engine, b"".join(order.encode() for order in orders), START_NS)
    assert all(isinstance(event, wire.OrderAccepted) for event in wire.iter_events(told))
    assert engine.working(1, 6) == (2**64, 0, 4)
    step(engine, wire.SetQuantityLimits(scope=Scope.VENUE, max_long=2**63 - 1).encode(), START_NS)
    told = step(engine, wire.SubmitOrder(**big, price=5, quantity=1, client_id="last").encode(), START_NS)
    (refused,) = wire.iter_events(told)
    assert isinstance(refused, wire.OrderRejected)
    assert (refused.reason, refused.limit, refused.actual) == (Reason.POS_LIMIT, 2**63 - 1, 2**64 + 1)
    check(engine)
