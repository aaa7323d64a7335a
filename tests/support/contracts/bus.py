"""What every Bus does. An adapter inherits BusContract and gives the fixture `ends`."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from quantumcore.contracts.errors import (
    Conflict,
    Corrupted,
    Internal,
    OutcomeUnknown,
    QuantumCoreError,
    Unavailable,
)
from quantumcore.contracts.messages import Notice, Request
from quantumcore.ports.bus import Bus
from tests.support.waiting import eventually


class Echo(msgspec.Struct, frozen=True):
    text: str
    numbers: list[int] = []


class Say(Request[Echo], frozen=True, kw_only=True):
    text: str
    numbers: list[int] = []


class Ask(Request[Echo], frozen=True, kw_only=True):
    depth: int = 0


class Unanswered(Request[Echo], frozen=True, kw_only=True):
    text: str = ""


class Told(Notice, frozen=True, kw_only=True):
    number: int
    items: list[int] = []


class Other(Notice, frozen=True, kw_only=True):
    number: int


class BusContract:
    """The fixture `ends` yields (asking end, answering end); they may be one."""

    async def test_a_request_is_answered_by_its_handler(self, ends: tuple[Bus, Bus]) -> None:
        asking, answering = ends

        async def say(request: Say) -> Echo:
            return Echo(request.text, request.numbers)

        answering.handle(Say, say)
        assert await asking.request(Say(text="käse", numbers=[2**63 - 1, -1])) == Echo("käse", [2**63 - 1, -1])

    async def test_hundred_requests_at_once_get_each_their_own_answer(self, ends: tuple[Bus, Bus]) -> None:
        asking, answering = ends
        gate = asyncio.Event()
        waiting: list[str] = []

        async def say(request: Say) -> Echo:
            waiting.append(request.text)
            if len(waiting) == 100:
                gate.set()
            await gate.wait()
            return Echo(request.text)

        answering.handle(Say, say)
        answers = await asyncio.gather(*(asking.request(Say(text=str(n))) for n in range(100)))
        assert [answer.text for answer in answers] == [str(n) for n in range(100)]

    async def test_a_type_nobody_answers_is_unavailable(self, ends: tuple[Bus, Bus]) -> None:
        with pytest.raises(Unavailable):
            await ends[0].request(Say(text="anyone?"))

    async def test_a_second_handler_of_one_type_is_an_error(self, ends: tuple[Bus, Bus]) -> None:
        async def say(request: Say) -> Echo:
            return Echo(request.text)

        ends[1].handle(Say, say)
        with pytest.raises(ValueError, match="Say"):
            ends[1].handle(Say, say)

    async def test_a_deadline_that_passes_leaves_the_outcome_unknown_and_the_handler_at_work(
        self, ends: tuple[Bus, Bus]
    ) -> None:
        asking, answering = ends
        go, finished = asyncio.Event(), asyncio.Event()

        async def say(request: Say) -> Echo:
            await go.wait()
            finished.set()
            return Echo(request.text)

        answering.handle(Say, say)
        with pytest.raises(OutcomeUnknown):
            await asking.request(Say(text="slow"), deadline_s=0.02)
        assert not finished.is_set()
        go.set()
        await asyncio.wait_for(finished.wait(), 5)

    async def test_a_caller_who_gives_up_does_not_cut_the_handler_short(self, ends: tuple[Bus, Bus]) -> None:
        asking, answering = ends
        begun, go, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def say(request: Say) -> Echo:
            begun.set()
            await go.wait()
            finished.set()
            return Echo(request.text)

        answering.handle(Say, say)
        caller = asyncio.create_task(asking.request(Say(text="never mind")))
        await asyncio.wait_for(begun.wait(), 5)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        go.set()
        await asyncio.wait_for(finished.wait(), 5)

    async def test_who_asks_and_goes_on_gets_what_he_makes_of_the_reply(self, ends: tuple[Bus, Bus]) -> None:
        asking, answering = ends

        async def say(request: Say) -> Echo:
            return Echo(request.text)

        async def later(echo: Echo) -> str:
            await asyncio.sleep(0)
            return f"{echo.text}, after a while"

        answering.handle(Say, say)
        assert await asking.ask(Say(text="at once"), lambda echo: echo.text) == "at once"
        assert await asking.ask(Say(text="whole"), later) == "whole, after a while"

    async def test_who_asks_and_goes_on_hears_every_failure(self, ends: tuple[Bus, Bus]) -> None:
        """The handler's, the deadline's, his own at once, and his own after a while."""
        asking, answering = ends
        go = asyncio.Event()
        told: list[Echo] = []

        async def say(request: Say) -> Echo:
            if request.text == "refuse":
                raise Conflict("transfer.insufficient", "available is less")
            if request.text == "wait":
                await go.wait()
            return Echo(request.text)

        def worse(_: Echo) -> str:
            raise ZeroDivisionError

        async def worse_later(_: Echo) -> str:
            await asyncio.sleep(0)
            raise ZeroDivisionError

        answering.handle(Say, say)
        with pytest.raises(Conflict):
            await asking.ask(Say(text="refuse"), told.append)
        with pytest.raises(OutcomeUnknown, match=r"no answer to Say within 0\.02 s"):
            await asking.ask(Say(text="wait"), told.append, deadline_s=0.02)
        for then in (worse, worse_later):
            with pytest.raises(ZeroDivisionError):
                await asking.ask(Say(text="x"), then)
        go.set()
        with pytest.raises(Unavailable):
            await asking.ask(Unanswered(text="anyone?"), told.append)
        assert told == []

    async def test_a_handler_may_answer_by_asking_on(self, ends: tuple[Bus, Bus]) -> None:
        """Its failure is an answer too; a caller who gives up does not cut it short."""
        asking, answering = ends
        go, finished = asyncio.Event(), asyncio.Event()

        async def say(request: Say) -> Echo:
            await go.wait()
            return Echo(request.text)

        def on(request: Ask) -> "asyncio.Future[Echo]":
            def told(echo: Echo) -> Echo:
                finished.set()
                return Echo(f"{echo.text} {100 // request.depth}")

            return answering.ask(Say(text="about"), told)

        answering.handle(Say, say)
        answering.handle(Ask, on)
        caller = asyncio.create_task(asking.request(Ask(depth=1)))
        await asyncio.sleep(0.05)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        assert not finished.is_set()
        go.set()
        await asyncio.wait_for(finished.wait(), 5)
        assert await asking.request(Ask(depth=50)) == Echo("about 2")
        with pytest.raises(Internal):
            await asking.request(Ask(depth=0))

    async def test_an_error_arrives_as_what_it_was(self, ends: tuple[Bus, Bus]) -> None:
        asking, answering = ends

        async def say(request: Say) -> Echo:
            raise Conflict(
                "transfer.insufficient",
                "available is less",
                field="amount",
                limit="1.00",
                actual="2.00",
                retry_after=1.5,
                context={"operation": "transfer", "account": "4711****"},
            )

        answering.handle(Say, say)
        with pytest.raises(Conflict) as caught:
            await asking.request(Say(text="x"))
        error = caught.value
        assert (error.code, error.detail, error.field, error.limit, error.actual, error.retry_after) == (
            "transfer.insufficient", "available is less", "amount", "1.00", "2.00", 1.5,
        )  # fmt: skip
        assert error.context == {"operation": "transfer", "account": "4711****"}

    @pytest.mark.hazard("C5")
    async def test_four_nested_failures_arrive_as_four_messages_in_order(self, ends: tuple[Bus, Bus]) -> None:
        """Each crosses the bus once more than the one before it: handler calls handler."""
        asking, answering = ends
        story: list[QuantumCoreError] = [
            Internal("settlement.failed", "settlement failed"),
            Unavailable("journal.failed", "journal entry failed"),
            Corrupted("ledger.failed", "ledger write failed"),
            Conflict("key.duplicate", "duplicate key"),
        ]

        async def ask(request: Ask) -> Echo:
            if request.depth == len(story) - 1:
                raise story[-1]
            try:
                return await asking.request(Ask(depth=request.depth + 1))
            except QuantumCoreError as error:
                raise story[request.depth] from error

        answering.handle(Ask, ask)
        with pytest.raises(QuantumCoreError) as caught:
            await asking.request(Ask())
        chain: list[tuple[type, str, str]] = []
        error: BaseException | None = caught.value
        while isinstance(error, QuantumCoreError):
            chain.append((type(error), error.code, error.detail))
            error = error.__cause__
        assert chain == [(type(each), each.code, each.detail) for each in story]

    async def test_a_defect_is_internal_and_its_text_stays_behind(
        self, ends: tuple[Bus, Bus], caplog: pytest.LogCaptureFixture
    ) -> None:
        asking, answering = ends

        async def say(request: Say) -> Echo:
            raise KeyError("a detail of ours")

        answering.handle(Say, say)
        with pytest.raises(Internal) as caught:
            await asking.request(Say(text="x"))
        assert caught.value.code == "internal"
        assert "a detail of ours" not in caught.value.detail
        assert "a detail of ours" in caplog.text

    @pytest.mark.hazard("C3")
    async def test_one_of_ten_that_fails_is_one_internal_and_nine_answers(
        self, ends: tuple[Bus, Bus], caplog: pytest.LogCaptureFixture
    ) -> None:
        asking, answering = ends

        async def say(request: Say) -> Echo:
            await asyncio.sleep(0)
            if request.text == "7":
                raise KeyError("seven")
            return Echo(request.text)

        answering.handle(Say, say)
        asked = (asking.request(Say(text=str(n))) for n in range(10))
        results = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 5)
        assert [r.text if isinstance(r, Echo) else type(r) for r in results] == [*"0123456", Internal, "8", "9"]
        assert caplog.text.count("KeyError: 'seven'") == 1

    async def test_rooms_share_no_memory(self, ends: tuple[Bus, Bus]) -> None:
        asking, answering = ends
        kept: list[list[int]] = []

        async def say(request: Say) -> Echo:
            kept.append(request.numbers)
            return Echo(request.text, request.numbers)

        answering.handle(Say, say)
        mine = [1, 2, 3]
        answer = await asking.request(Say(text="x", numbers=mine))
        mine.append(4)
        answer.numbers.append(5)
        assert kept == [[1, 2, 3]]

    async def test_every_listener_hears_every_notice_in_order(self, ends: tuple[Bus, Bus]) -> None:
        asking, answering = ends
        heard: list[list[int]] = [[], []]

        def listener(at: int):  # type: ignore[no-untyped-def]
            async def hear(notices: Sequence[Told]) -> None:
                heard[at].extend(notice.number for notice in notices)

            return hear

        subscriptions = [answering.subscribe(Told, listener(0)), asking.subscribe(Told, listener(1))]
        for start in range(0, 200, 4):
            await asking.publish([Told(number=n) for n in range(start, start + 4)] + [Other(number=start)])
        await eventually(lambda: all(len(each) == 200 for each in heard))
        assert heard == [list(range(200))] * 2
        for subscription in subscriptions:
            await subscription.close()
            await subscription.close()

    async def test_a_closed_listener_hears_nothing_more(self, ends: tuple[Bus, Bus]) -> None:
        asking, answering = ends
        heard: list[int] = []
        other: list[int] = []

        async def hear(notices: Sequence[Told]) -> None:
            heard.extend(notice.number for notice in notices)

        async def hear_too(notices: Sequence[Told]) -> None:
            other.extend(notice.number for notice in notices)

        subscription = answering.subscribe(Told, hear)
        answering.subscribe(Told, hear_too)
        await asking.publish([Told(number=1)])
        await eventually(lambda: heard and other)
        await subscription.close()
        await asking.publish([Told(number=2)])
        await eventually(lambda: len(other) == 2)
        assert heard == [1]

    async def test_a_listener_that_fails_once_hears_the_next(
        self, ends: tuple[Bus, Bus], caplog: pytest.LogCaptureFixture
    ) -> None:
        asking, answering = ends
        heard: list[int] = []

        async def hear(notices: Sequence[Told]) -> None:
            if notices[0].number == 1:
                raise RuntimeError("bad notice")
            heard.extend(notice.number for notice in notices)

        answering.subscribe(Told, hear)
        await asking.publish([Told(number=1)])
        await asking.publish([Told(number=2)])
        await eventually(lambda: heard == [2])
        assert "bad notice" in caplog.text
