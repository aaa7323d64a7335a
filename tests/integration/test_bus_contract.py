"""The bus in process is a Bus.

Goal: rooms cannot tell it from a network, but for its speed.
Method: the contract suite; then what is its own: the limits.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from quantumcore.adapters import embedded_bus
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.contracts.errors import Unavailable
from tests.support.clocks import settle
from tests.support.contracts.bus import BusContract, Echo, Say, Told
from tests.support.waiting import eventually


@pytest.fixture
async def bus() -> AsyncIterator[EmbeddedBus]:
    bus = EmbeddedBus()
    yield bus
    await bus.close()


class TestEmbeddedBus(BusContract):
    @pytest.fixture
    def ends(self, bus: EmbeddedBus) -> tuple[EmbeddedBus, EmbeddedBus]:
        return bus, bus


async def test_a_listener_that_sleeps_costs_the_publisher_nothing_and_learns_what_it_lost(bus: EmbeddedBus) -> None:
    """2,000 batches to a sleeping listener: published at once, queue bounded, read + lost = 2,000, the newest are kept."""
    wake = asyncio.Event()
    heard: list[int] = []

    async def hear(notices: Sequence[Told]) -> None:
        await wake.wait()
        heard.extend(notice.number for notice in notices)

    subscription = bus.subscribe(Told, hear)
    await bus.publish([Told(number=0)])
    await settle()
    begun = asyncio.get_running_loop().time()
    for number in range(1, 2_000):
        await bus.publish([Told(number=number)])
    assert asyncio.get_running_loop().time() - begun < 1
    assert subscription.waiting == embedded_bus.QUEUE_BATCHES
    assert subscription.lagged
    wake.set()
    await eventually(lambda: not subscription.lagged)
    assert len(heard) + subscription.dropped == 2_000
    assert heard == [0, *range(2_000 - embedded_bus.QUEUE_BATCHES, 2_000)]


async def test_past_the_limit_of_requests_a_newcomer_is_overloaded(
    bus: EmbeddedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_bus, "MAX_IN_FLIGHT", 3)
    go = asyncio.Event()

    async def say(request: Say) -> Echo:
        await go.wait()
        return Echo(request.text)

    bus.handle(Say, say)
    asked = [asyncio.create_task(bus.request(Say(text=str(n)))) for n in range(3)]
    await settle()
    with pytest.raises(Unavailable) as caught:
        await bus.request(Say(text="one too many"))
    assert caught.value.code == "overloaded"
    go.set()
    assert len(await asyncio.gather(*asked)) == 3
    await bus.request(Say(text="there is room again"))


async def test_close_lets_what_runs_end_and_refuses_the_rest(bus: EmbeddedBus) -> None:
    go = asyncio.Event()

    async def say(request: Say) -> Echo:
        await go.wait()
        return Echo(request.text)

    bus.handle(Say, say)
    asked = asyncio.create_task(bus.request(Say(text="in time")))
    await settle()
    closing = asyncio.create_task(bus.close())
    await settle()
    with pytest.raises(Unavailable):
        await bus.request(Say(text="late"))
    go.set()
    assert (await asked).text == "in time"
    await closing
    assert bus.in_flight == 0
