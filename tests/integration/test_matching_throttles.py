"""A new venue is told how often each session and account may come, before the first order and only once.

Goal: the settings are in force from the first order on; what was changed by command stays changed over a restart.
Method: the matching room alone over a real shard, started twice on the same journal.
"""

from pathlib import Path

from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.contracts import wire
from quantumcore.contracts.matching import SequenceBatch
from quantumcore.contracts.reasons import Reason, Scope
from quantumcore.services.matching.profile import Profile
from quantumcore.services.matching.service import MatchingService
from tests.support.shards import market, open_shard, order

FEW = Profile(orders=(1, 2), cancels=(1, 4))


async def answers(tmp_path: Path, batches: list[list[bytes]]) -> list[wire.Event]:
    """Start the room, send each batch as one, stop it; return what the commands were told."""
    bus, log = EmbeddedBus(), FileEventLog(tmp_path / "events")
    room = MatchingService(bus, log, SystemClock(), lambda told: open_shard(tmp_path, told), market(), profile=FEW)
    room.attach()
    await room.start()
    told: list[wire.Event] = []
    for batch in batches:
        for outcome in (await bus.request(SequenceBatch(commands=batch))).outcomes:
            told += wire.decode_events(outcome.events)
    await room.stop()
    await bus.close()
    log.close()
    return told


def test_a_class_without_a_rate_has_no_bucket() -> None:
    _, *made = (wire.decode_command(raw) for raw in Profile(orders=(0, 5), cancels=(7, 9)).of_venue())
    throttles = [one for one in made if isinstance(one, wire.SetThrottle)]
    assert len(throttles) == len(made)
    assert [(one.scope, one.throttle_class, one.rate, one.burst) for one in throttles] == [(1, 3, 7, 9), (1, 4, 7, 9)]


async def test_the_third_order_at_once_is_too_many_until_a_command_says_otherwise(tmp_path: Path) -> None:
    three = [order(1, price=100, quantity=1, client_id=f"a-{number}") for number in range(3)]
    told = await answers(tmp_path, [three])
    assert [type(event) for event in told] == [wire.OrderAccepted, wire.OrderAccepted, wire.OrderRejected]
    assert (told[2].reason, told[2].scope, told[2].limit) == (Reason.THROTTLED, Scope.ACCOUNT, 2)
    wide = wire.SetThrottle(scope=Scope.VENUE, throttle_class=1, rate=10**9, burst=10**6).encode()
    more = [order(1, price=100, quantity=1, client_id=f"b-{number}") for number in range(9)]
    told = await answers(tmp_path, [[wide]])
    assert isinstance(told[0], wire.ThrottleChanged)
    told = await answers(tmp_path, [more])
    assert all(isinstance(event, wire.OrderAccepted) for event in told)
