"""Closed periods over the bus: what is effective inside was posted before the closing, for ever.

Goal: a closed day takes no posting, whatever races or is killed; corrections go into open days and name the period; the trial balance
as of a closed period's end is one answer for ever.
Method: the ledger beside the readable engine, real files; matching that goes away, answers late or is asked by many at once.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quantumcore.contracts.days import DAY_NS, day_of, shown_day
from quantumcore.contracts.errors import Conflict, Forbidden, InvalidCommand, NotFound, QuantumCoreError, Unavailable
from quantumcore.contracts.ledger import (
    GetTransaction,
    GetTrialBalance,
    Reconcile,
    RecordTransaction,
    ReverseTransaction,
    SignedEntry,
    TransactionView,
    TrialBalance,
)
from quantumcore.contracts.ledger_approvals import ApproveProposal, Propose
from quantumcore.contracts.ledger_periods import ClosePeriod, GetPeriods, PeriodView
from quantumcore.contracts.ledger_reports import CloseExport, GetStatement, OpenExport, ReadExport
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.wire import GroupPosted
from quantumcore.services.ledger.office.closed import ClosedDays
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.settings import LedgerSettings
from tests.support.ledgers import open_ledger
from tests.support.small_venue import ALICE, SmallVenue, small_venue, until

TODAY = day_of("2023-11-14", "today")  # of the clock of tests


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as opened:
        assert opened.clock.now() // DAY_NS == TODAY
        yield opened


@pytest.fixture
async def ledger(venue: SmallVenue) -> LedgerService:
    return await open_ledger(venue)


def gift(name: str, day: int | str = "", amount: str = "1.00", **changes: Any) -> RecordTransaction:
    """A gift of the house to Alice; `day` as a date, or days from today."""
    date = shown_day(TODAY + day) if isinstance(day, int) else day
    entries = [
        SignedEntry(code=900, currency="USD", amount=amount),
        SignedEntry(account=ALICE, currency="USD", amount=f"-{amount}"),
    ]
    return RecordTransaction(transaction_id=name, entries=entries, effective_date=date, **changes)


def close(day: int) -> ClosePeriod:
    return ClosePeriod(end=shown_day(TODAY + day))


async def refused(venue: SmallVenue, request: Any, kind: type[QuantumCoreError], code: str) -> QuantumCoreError:
    with pytest.raises(kind) as error:
        await venue.bus.request(request)
    assert error.value.code == code, error.value
    return error.value


async def equity(venue: SmallVenue, day: int | None = None, as_known: int = 0) -> Fraction:
    """What the house has given, as of a day."""
    as_of = "" if day is None else shown_day(TODAY + day)
    trial = await venue.bus.request(
        GetTrialBalance(as_of=as_of, as_known=as_known, at_least=venue.engine.sequence if not as_known else 0)
    )
    assert trial.balanced
    assert trial.as_of == (as_of or None)
    found = [Fraction(line.balance) for line in trial.lines if line.code == "900"]
    return -sum(found, Fraction())


async def test_a_closed_period_takes_no_effective_date_and_the_next_day_does(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await venue.bus.request(gift("before", -2))
    done = await venue.bus.request(close(-2))
    assert (done.period, done.begin, done.end, done.state) == ("2023-11-12", None, "2023-11-12", "closed")
    assert done.sequence == venue.engine.sequence
    asked = venue.requests
    for day in (-2, -3, -1_000):
        error = await refused(venue, gift("late", day), Conflict, "period.closed")
        assert (error.field, error.limit, error.actual) == ("effective_date", "2023-11-13", shown_day(TODAY + day))
    assert venue.requests == asked
    for number, day in enumerate((-1, 0, 1, "")):
        assert (await venue.bus.request(gift(f"open-{number}", day))).status == "posted"
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_closing_again_answers_the_same_and_later_ones_go_on_where_it_ended(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    first = await venue.bus.request(ClosePeriod(month="2023-09"))
    assert first.period == "2023-09-30"
    assert await venue.bus.request(ClosePeriod(end="2023-09-30")) == first
    second = await venue.bus.request(ClosePeriod(month="2023-10"))
    assert (second.begin, second.end) == ("2023-10-01", "2023-10-31")
    assert second.sequence > first.sequence
    error = await refused(venue, ClosePeriod(end="2023-10-15"), Conflict, "period.closed")
    assert (error.field, error.limit, error.actual) == ("end", "2023-10-31", "2023-10-15")
    assert (await venue.bus.request(GetPeriods())).items == [second, first]
    assert (await venue.bus.request(GetPeriods(limit=1))).items == [second]


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (ClosePeriod(), "request.invalid.range", "end"),
        (ClosePeriod(month="2023-10", end="2023-10-31"), "request.invalid.range", "end"),
        (ClosePeriod(month="2023-13"), "request.invalid.time", "month"),
        (ClosePeriod(month="202310"), "request.invalid.time", "month"),
        (ClosePeriod(end="2023-02-30"), "request.invalid.time", "end"),
        (ClosePeriod(end="20231031"), "request.invalid.time", "end"),
        (ClosePeriod(end="2023-11-14"), "period.open", "end"),
        (ClosePeriod(month="2023-11"), "period.open", "month"),
        (ClosePeriod(end="9999-12-31"), "period.open", "end"),
    ],
)
async def test_what_cannot_be_closed_is_told_by_its_field(
    venue: SmallVenue, ledger: LedgerService, command: ClosePeriod, code: str, field: str
) -> None:
    kind = Conflict if code == "period.open" else InvalidCommand
    assert (await refused(venue, command, kind, code)).field == field
    assert (await venue.bus.request(GetPeriods())).items == []


async def test_a_day_can_be_closed_once_it_is_over_and_not_before(venue: SmallVenue, ledger: LedgerService) -> None:
    midnight = (TODAY + 1) * DAY_NS
    venue.clock.turn((midnight - venue.clock.now()) / 1e9 + 4.0)
    await refused(venue, close(0), Conflict, "period.open")
    venue.clock.turn(2.0)
    assert (await venue.bus.request(close(0))).state == "closed"


async def test_a_correction_names_the_period_and_is_effective_on_an_open_day(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await refused(venue, gift("c", corrects="2023-11-12"), NotFound, "period.not_found")
    await venue.bus.request(gift("wrong", -2))
    await venue.bus.request(close(-2))
    done = await venue.bus.request(gift("c", -1, corrects="2023-11-12", text="more was due"))
    assert (done.corrects, done.effective_date) == ("2023-11-12", "2023-11-13")
    assert await venue.bus.request(GetTransaction(transaction_id="c")) == done
    assert await venue.bus.request(gift("c", -1, corrects="2023-11-12", text="more was due")) == done
    await refused(venue, gift("d", corrects="2023-11-11"), NotFound, "period.not_found")
    for changes in ({"corrects": "2023-11-12", "user_data": "00" * 16}, {"user_data": b"corrects".hex() + "00" * 8}):
        error = await refused(venue, gift("d", **changes), InvalidCommand, "request.invalid.range")
        assert error.field == "user_data"
    back = await venue.bus.request(ReverseTransaction(transaction_id="wrong"))
    assert (back.corrects, back.effective_date, back.reverses) == ("2023-11-12", None, "wrong")
    lines = (await venue.bus.request(GetStatement(account=ALICE, at_least=back.sequence))).lines
    assert {line.reference: line.corrects for line in lines if line.code in ("posted", "reversed")} == {
        "wrong": "",
        "c": "2023-11-12",
        back.transaction_id: "2023-11-12",
    }
    opened = await venue.bus.request(OpenExport(code=900, form="csv"))
    body = (await venue.bus.request(ReadExport(export=opened.export))).body.decode()
    await venue.bus.request(CloseExport(export=opened.export))
    assert body.splitlines()[0].endswith(",balance,corrects")
    assert sum(line.endswith(",2023-11-12") for line in body.splitlines()) == 2


async def test_a_reversal_that_was_posted_before_the_closing_is_answered_after_it_as_it_was(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await venue.bus.request(gift("wrong", -2))
    first = await venue.bus.request(ReverseTransaction(transaction_id="wrong", text="oh"))
    assert first.corrects is None
    await venue.bus.request(close(-2))
    assert await venue.bus.request(ReverseTransaction(transaction_id="wrong", text="oh")) == first


async def test_what_was_posted_before_may_be_asked_for_again_and_another_body_is_named(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    first = await venue.bus.request(gift("early", -2))
    await venue.bus.request(close(-2))
    assert await venue.bus.request(gift("early", -2)) == first
    error = await refused(venue, gift("early", -2, "2.00"), Conflict, "idempotency.mismatch")
    assert "amount" in error.detail


async def test_nothing_reopens_a_period_and_its_ids_are_the_ledgers_own(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await venue.bus.request(close(-2))
    closing = ReverseTransaction(transaction_id="closed-period-2023-11-12")
    await refused(venue, closing, Conflict, "period.closed")
    await refused(venue, gift("closed-period-2023-11-13"), InvalidCommand, "request.invalid.id")
    await venue.bus.request(gift("t"))
    named = ReverseTransaction(transaction_id="t", reversal_id="closed-period-2023-11-13")
    await refused(venue, named, InvalidCommand, "request.invalid.id")


# ----------------------------------------------------------------------------------------- trial balance


async def test_the_trial_balance_of_a_closed_periods_end_never_changes(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await venue.bus.request(gift("a", -3, "1.00"))
    await venue.bus.request(gift("b", -2, "2.00"))
    await venue.bus.request(gift("c", -1, "4.00"))
    await venue.bus.request(gift("d", "", "8.00"))
    assert [await equity(venue, day) for day in (-4, -3, -2, -1, 0)] == [0, 1, 3, 7, 15]
    closed = await venue.bus.request(close(-2))
    asked = [GetTrialBalance(as_of=shown_day(TODAY + day)) for day in (-3, -2)]
    answers = [await venue.bus.request(one) for one in asked]
    assert [one.sequence for one in answers] == [closed.sequence] * 2
    await venue.bus.request(gift("e", -1, "16.00", corrects="2023-11-12"))
    await venue.bus.request(ReverseTransaction(transaction_id="b"))
    assert [await venue.bus.request(one) for one in asked] == answers
    assert [await equity(venue, day) for day in (-2, -1, 0)] == [3, 23, 29]
    assert await equity(venue, -2, closed.sequence - 4) == 1, "before b was known"
    venue.clock.turn(3 * 86_400.0)
    await venue.bus.request(gift("f"))
    await venue.bus.request(close(1))
    assert [await venue.bus.request(one) for one in asked] == answers
    assert await equity(venue, 1) == 29
    error = await refused(venue, GetTrialBalance(as_of="x"), InvalidCommand, "request.invalid.time")
    assert error.field == "as_of"


async def test_sums_by_effective_day_are_those_of_a_list_on_paper(
    venue: SmallVenue, ledger: LedgerService, seed: int
) -> None:
    rng = random.Random(seed)
    paper: list[tuple[int, int, int]] = []
    for number in range(40):
        day, cents = rng.choice((None, rng.randrange(-6, 7))), rng.randrange(1, 1_000)
        done = await venue.bus.request(
            gift(f"t-{number}", "" if day is None else day, f"{cents // 100}.{cents % 100:02d}")
        )
        today = venue.clock.now() // DAY_NS - TODAY
        paper.append((done.sequence, today if day is None else day, cents))
        venue.clock.turn(rng.randrange(20_000))
    for _ in range(40):
        as_of, as_known = rng.randrange(-8, 9), rng.choice((0, rng.choice(paper)[0]))
        expected = sum(c for s, day, c in paper if day <= as_of and (not as_known or s <= as_known))
        assert await equity(venue, as_of, as_known) == Fraction(expected, 100), (as_of, as_known)


# --------------------------------------------------------------------------------------------- races, kills


class Late:
    """Matching that takes its time: each command is held up for a random number of turns, and kept in order."""

    def __init__(self, venue: SmallVenue, rng: random.Random) -> None:
        self._venue, self._rng, self._answer = venue, rng, venue._sequence
        self._turn = asyncio.Lock()

    async def sequence(self, request: Any) -> Any:
        async with self._turn:
            for _ in range(self._rng.randrange(6)):
                await asyncio.sleep(0)
            return await self._answer(request)


async def test_of_a_closing_and_many_postings_at_once_each_posting_is_before_it_or_refused(
    venue: SmallVenue, ledger: LedgerService, seed: int
) -> None:
    rng = random.Random(seed)
    venue.bus._handlers[Sequence] = Late(venue, rng).sequence
    for round_ in range(12):
        day = -30 + round_

        async def one(number: int, day: int = day, round_: int = round_) -> TransactionView:
            for _ in range(rng.randrange(40)):
                await asyncio.sleep(0)
            return await venue.bus.request(gift(f"r-{round_}-{number}", day))

        async def shut(day: int = day) -> PeriodView:
            for _ in range(rng.randrange(40)):
                await asyncio.sleep(0)
            return await venue.bus.request(close(day))

        found = await asyncio.gather(shut(), *map(one, range(12)), shut(), return_exceptions=True)
        closings = [each for each in found if isinstance(each, PeriodView)]
        assert len(closings) == 2
        assert len({each.sequence for each in closings}) == 1
        posted = [each for each in found if isinstance(each, TransactionView)]
        assert all(each.sequence < closings[0].sequence for each in posted)
        assert {each.code for each in found if isinstance(each, QuantumCoreError)} <= {"period.closed"}
        assert len(posted) + sum(isinstance(each, Conflict) for each in found) == 12
        trial = await venue.bus.request(GetTrialBalance(as_of=shown_day(TODAY + day)))
        assert trial.sequence == closings[0].sequence
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_a_closing_waits_for_what_is_on_its_way(tmp_path: Path) -> None:
    """The posting looked before the closing was written down, and its answer has not come."""
    async with small_venue(tmp_path) as venue:
        ledger = await open_ledger(venue)
        closed: ClosedDays = ledger._closed
        await closed.ends()
        with closed.posting(TODAY - 2), closed.posting(TODAY - 1):
            shutting = asyncio.ensure_future(venue.bus.request(close(-2)))
            await until(lambda: closed.covers(TODAY - 2), "it is written down")
            for _ in range(200):
                await asyncio.sleep(0)
            assert not shutting.done()
            await refused(venue, gift("late", -2), Conflict, "period.closed")
            asked = venue.requests
        done = await shutting
        assert (done.state, venue.requests) == ("closed", asked + 1)


async def test_a_posting_that_looks_for_the_first_time_while_a_period_is_closed_sees_it(venue: SmallVenue) -> None:
    ledger = await open_ledger(venue)
    closed = ClosedDays(ledger._office)
    first, second = await asyncio.gather(closed.ends(), closed.ends())
    assert first is second
    await closed.close(TODAY - 2, 0)
    assert closed.covers(TODAY - 2)
    assert not closed.covers(TODAY - 1)


async def test_a_kill_before_the_engine_heard_of_it_leaves_the_period_closed(venue: SmallVenue) -> None:
    first = await open_ledger(venue)
    venue.down = True
    await refused(venue, close(-2), Unavailable, "unavailable")
    venue.down = False
    await refused(venue, gift("late", -2), Conflict, "period.closed")
    (period,) = (await venue.bus.request(GetPeriods())).items
    assert (period.state, period.sequence, period.time_ns) == ("closing", 0, 0)
    steps = venue.requests
    await venue.halt()
    again = LedgerService(venue.bus, venue.log, first._database, venue.clock, office=first._office)
    await venue.run(again, attach=False)
    await until(lambda: venue.requests > steps, "the engine is told by the next start")
    await until(lambda: again._follower.cursor == venue.engine.sequence, "it is entered")
    (period,) = (await again._periods.periods(GetPeriods())).items
    assert (period.state, period.sequence) == ("closed", venue.engine.sequence)
    with pytest.raises(Conflict, match=r"period\.closed"):
        await again._bookkeeper.record(gift("late", -2))


async def test_tables_made_anew_know_the_closing_and_its_answer(venue: SmallVenue, ledger: LedgerService) -> None:
    await venue.bus.request(gift("a", -3))
    done = await venue.bus.request(close(-2))
    before: TrialBalance = await venue.bus.request(GetTrialBalance(as_of=shown_day(TODAY - 2)))
    again = await open_ledger(venue, ledger="again", office="office")
    await until(lambda: again._follower.cursor == venue.engine.sequence, "everything is entered")
    assert (await again._periods.periods(GetPeriods())).items == [done]
    assert await again.trial_balance(GetTrialBalance(as_of=shown_day(TODAY - 2))) == before


async def test_with_four_eyes_a_second_person_closes(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as venue:
        await open_ledger(venue, LedgerSettings(four_eyes=True))
        await refused(venue, close(-2), Forbidden, "approval.required")
        for request, kind in ((close(0), Conflict), (ClosePeriod(), InvalidCommand)):
            with pytest.raises(kind):
                await venue.bus.request(Propose(maker="m", kind="period", what=msgspec.msgpack.encode(request)))
        made = await venue.bus.request(Propose(maker="m", kind="period", what=msgspec.msgpack.encode(close(-2))))
        late = Propose(maker="m", kind="transaction", what=msgspec.msgpack.encode(gift("late", -2)))
        waiting = await venue.bus.request(late)
        done = await venue.bus.request(ApproveProposal(checker="c", proposal_id=made.proposal_id))
        assert (done.state, done.sequence) == ("done", venue.engine.sequence)
        found = await venue.bus.request(ApproveProposal(checker="c", proposal_id=waiting.proposal_id))
        assert (found.state, found.code) == ("refused", "period.closed")
        await refused(venue, Propose(maker="m", kind="transaction", what=late.what), Conflict, "period.closed")


async def test_a_closing_moves_nothing_and_stands_in_the_books(venue: SmallVenue, ledger: LedgerService) -> None:
    before = await venue.bus.request(GetTrialBalance(at_least=venue.engine.sequence))
    done = await venue.bus.request(close(-2))
    after = await venue.bus.request(GetTrialBalance(at_least=done.sequence))
    assert after.lines == before.lines
    posted = [e for b in venue.log.read(done.sequence - 1) for e in b.events if isinstance(e, GroupPosted)]
    assert [one.group_id for one in posted] == ["closed-period-2023-11-12"]
    shown = await venue.bus.request(GetTransaction(transaction_id="closed-period-2023-11-12"))
    assert (shown.text, [leg.amount for leg in shown.legs]) == ("the books are closed up to 2023-11-12", ["0.00"])
