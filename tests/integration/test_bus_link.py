"""Two buses joined over a socket are one Bus.

Goal: rooms cannot tell whether the one they ask shares their process; what the stream's end means is said, never guessed.
Method: the contract suite over a socket pair; then the link's own: limits, a peer that dies, a peer that does not read.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from quantumcore.adapters import bus_link
from quantumcore.adapters.bus_link import BusLink
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.contracts.errors import OutcomeUnknown, Unavailable
from quantumcore.contracts.messages import Notice, Request
from tests.support.clocks import settle
from tests.support.contracts.bus import BusContract, Echo, Say, Told
from tests.support.waiting import eventually


class Count(Request[Echo], frozen=True, kw_only=True):
    number: int


class _Crumbling(asyncio.Protocol):
    """Hands bytes on through `crumbled`."""

    def __init__(self, link: BusLink, crumbled: Callable[[bytes], None]) -> None:
        self._link = link
        self._crumbled = crumbled

    def data_received(self, data: bytes) -> None:
        self._crumbled(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.connection_lost(exc)


class End(EmbeddedBus):
    """A bus whose publisher waits until the other side has said what it hears, so that the test's order is the events'."""

    link: BusLink
    other: "End"

    async def publish(self, notices: Sequence[Notice]) -> None:
        await eventually(lambda: self.link.wanted >= set(self.other.listened()))
        await super().publish(notices)


@asynccontextmanager
async def joined() -> AsyncIterator[tuple[End, End]]:
    """Two buses with a link between them."""
    loop = asyncio.get_running_loop()
    ends = End(), End()
    for bus, handle in zip(ends, socket.socketpair(), strict=True):
        _, bus.link = await loop.create_unix_connection(lambda bus=bus: BusLink(bus), sock=handle)  # type: ignore[misc]
        bus.join(bus.link)
    ends[0].other, ends[1].other = ends[1], ends[0]
    try:
        yield ends
    finally:
        for bus in ends:
            bus.link.close()
            await bus.close()


@pytest.fixture
async def linked() -> AsyncIterator[tuple[End, End]]:
    async with joined() as ends:
        yield ends


class TestLinkedBuses(BusContract):
    @pytest.fixture
    def ends(self, linked: tuple[End, End]) -> tuple[End, End]:
        return linked


async def test_a_question_never_goes_to_and_fro(linked: tuple[End, End]) -> None:
    """Neither side answers: the other side says so, instead of asking back."""
    with pytest.raises(Unavailable, match="nobody answers Say"):
        await linked[0].request(Say(text="anyone?"), deadline_s=1)
    assert linked[0].link.in_flight == linked[1].link.in_flight == 0


async def test_both_ends_ask_each_other_while_they_answer(linked: tuple[End, End]) -> None:
    here, there = linked

    async def say(request: Say) -> Echo:
        return Echo(f"{request.text}{(await there.request(Count(number=len(request.text)))).text}")

    async def count(request: Count) -> Echo:
        return Echo("!" * request.number)

    there.handle(Say, say)
    here.handle(Count, count)
    answers = await asyncio.gather(*(here.request(Say(text="x" * n)) for n in range(1, 50)))
    assert [answer.text for answer in answers] == ["x" * n + "!" * n for n in range(1, 50)]


async def test_what_was_asked_of_a_side_that_ends_has_an_unknown_outcome_and_the_next_is_unavailable(
    linked: tuple[End, End],
) -> None:
    here, there = linked
    arrived, late = asyncio.Event(), asyncio.Event()

    async def say(_: Say) -> Echo:
        arrived.set()
        await late.wait()
        return Echo("late")

    there.handle(Say, say)
    asked = asyncio.create_task(here.request(Say(text="will you?"), deadline_s=20))
    await arrived.wait()
    there.link._transport.abort()  # as the kernel does for a process that is killed
    with pytest.raises(OutcomeUnknown):
        await asked
    await here.link.ended.wait()
    with pytest.raises(Unavailable):
        await here.request(Say(text="again?"))
    await EmbeddedBus.publish(here, [Told(number=1)])  # nobody hears it, nobody minds
    assert here.link.in_flight == 0
    late.set()  # who ends lets what he answers end


async def test_requests_beyond_the_limit_are_refused_and_those_below_answered(
    linked: tuple[End, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = linked
    monkeypatch.setattr(bus_link, "MAX_IN_FLIGHT", 5)
    gate = asyncio.Event()

    async def say(request: Say) -> Echo:
        await gate.wait()
        return Echo(request.text)

    there.handle(Say, say)
    asked = [asyncio.create_task(here.request(Say(text=str(n)))) for n in range(5)]
    await eventually(lambda: here.link.in_flight == 5)
    with pytest.raises(Unavailable) as refused:
        await here.request(Say(text="one more"))
    assert refused.value.code == "overloaded"
    gate.set()
    assert [(await each).text for each in asked] == list("01234")
    assert here.link.in_flight == 0


async def test_who_gives_up_leaves_nothing_behind(linked: tuple[End, End]) -> None:
    here, there = linked
    finished = asyncio.Event()

    async def say(_: Say) -> Echo:
        await asyncio.sleep(0.05)
        finished.set()
        return Echo("late")

    there.handle(Say, say)
    with pytest.raises(OutcomeUnknown):
        await here.request(Say(text="quick"), deadline_s=0.01)
    await settle()
    assert (here.link.in_flight, finished.is_set()) == (0, False)
    await asyncio.wait_for(finished.wait(), 5)


async def test_a_side_that_does_not_read_costs_a_bounded_memory_and_the_loss_is_counted(
    linked: tuple[End, End], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = linked
    monkeypatch.setattr(bus_link, "BACKLOG_BYTES", 1 << 20)
    heard: list[int] = []

    async def hear(notices: Sequence[Told]) -> None:
        heard.extend(notice.number for notice in notices)

    there.subscribe(Told, hear)
    await eventually(lambda: "Told" in here.link.wanted)
    there.link._transport.pause_reading()
    load = list(range(20_000))
    for number in range(400):
        await here.publish([Told(number=number, items=load)])
        await asyncio.sleep(0)
    assert here.link._transport.get_write_buffer_size() < (1 << 20) + (1 << 18)
    assert here.link.dropped > 0
    there.link._transport.resume_reading()
    await eventually(lambda: len(heard) == 400 - here.link.dropped, 10)
    assert heard == sorted(heard)


async def test_a_length_that_cannot_be_ends_the_link() -> None:
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    bus = EmbeddedBus()
    _, link = await loop.create_unix_connection(lambda: BusLink(bus), sock=ours)
    theirs.sendall(b"\xff\xff\xff\xff")
    await asyncio.wait_for(link.ended.wait(), 5)
    theirs.close()


async def test_frames_cut_anywhere_arrive_whole(linked: tuple[End, End]) -> None:
    """The bytes of 30 requests reach the link in pieces of one to seven bytes."""
    here, there = linked
    asked: list[str] = []

    async def say(request: Say) -> Echo:
        asked.append(request.text)
        return Echo(request.text)

    there.handle(Say, say)
    pieces = there.link.data_received

    def crumbled(data: bytes) -> None:
        at = 0
        while at < len(data):
            size = 1 + at % 7
            pieces(data[at : at + size])
            at += size

    transport: Any = there.link._transport
    transport.set_protocol(_Crumbling(there.link, crumbled))
    answers = await asyncio.gather(*(here.request(Say(text=f"number {n}")) for n in range(30)))
    assert [answer.text for answer in answers] == [f"number {n}" for n in range(30)] == asked
