"""Four eyes over the bus: what one person asks for happens once, when another lets it.

Goal: with `four_eyes` nothing that is listed happens by one person; an approval carries out exactly what was proposed, once, however
many approve, whatever is killed in between; who made and who checked is kept.
Method: the ledger beside the readable engine, real files; matching that goes away in the middle.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from quantumcore.contracts.errors import (
    Conflict,
    Forbidden,
    InvalidCommand,
    NotFound,
    QuantumCoreError,
    Unavailable,
)
from quantumcore.contracts.ledger import (
    CreditLimit,
    GetBalances,
    Reconcile,
    RecordTransaction,
    ReverseTransaction,
    SetAccountState,
    SetCreditLimit,
    SignedEntry,
    TransactionView,
)
from quantumcore.contracts.ledger_approvals import (
    KINDS,
    ApproveProposal,
    GetProposal,
    GetProposals,
    ProposalView,
    Propose,
    RejectProposal,
)
from quantumcore.contracts.ledger_fx import GetQuote
from quantumcore.contracts.ledger_holds import CapturedHold, CaptureHold, PlaceHold, Taken
from quantumcore.contracts.matching import Sequence
from quantumcore.contracts.messages import Request
from quantumcore.contracts.reference import GetReference
from quantumcore.contracts.wire import OpenAccount
from quantumcore.services.ledger.office import proposals
from quantumcore.services.ledger.office.proposal import State
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.settings import LedgerSettings
from tests.support.exchange import define_money, offer
from tests.support.ledgers import open_ledger
from tests.support.small_venue import ALICE, SmallVenue, small_venue, until

MAKER, CHECKER, THIRD = "user-maker", "user-checker", "user-third"
POOR = 40
FOUR_EYES = LedgerSettings(four_eyes=True, proposal_s=600)


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as opened:
        define_money(opened)
        opened.do(OpenAccount(account=POOR, owner=POOR))
        yield opened


@pytest.fixture
async def ledger(venue: SmallVenue) -> LedgerService:
    return await open_ledger(venue, FOUR_EYES)


def gift(name: str = "t-1", amount: str = "5.00", to: int = ALICE, **changes: Any) -> RecordTransaction:
    entries = [
        SignedEntry(code=900, currency="USD", amount=amount),
        SignedEntry(account=to, currency="USD", amount=f"-{amount}"),
    ]
    return RecordTransaction(transaction_id=name, entries=entries, **changes)


def taken(hold_id: str) -> CaptureHold:
    """A dollar of a hold of Alice's, for the house's fees."""
    parts = [Taken(code=300, amount="1.00")]
    return CaptureHold(account=ALICE, hold_id=hold_id, transaction_id="c-1", parts=parts)


async def test_a_capture_that_cannot_be_is_no_proposal(venue: SmallVenue, ledger: LedgerService) -> None:
    await refused(venue, proposal_of(taken("h-1")), NotFound, "hold.not_found")
    assert (await venue.bus.request(GetProposals())).items == []


def proposal_of(request: Request[Any], maker: str = MAKER) -> Propose:
    kind = next(name for name, of in KINDS.items() if of is type(request))
    return Propose(maker=maker, kind=kind, what=msgspec.msgpack.encode(request))


async def propose(venue: SmallVenue, request: Request[Any], maker: str = MAKER) -> ProposalView:
    return await venue.bus.request(proposal_of(request, maker))


async def approve(venue: SmallVenue, made: ProposalView, checker: str = CHECKER) -> ProposalView:
    return await venue.bus.request(ApproveProposal(checker=checker, proposal_id=made.proposal_id))


async def look(venue: SmallVenue, made: ProposalView) -> ProposalView:
    return await venue.bus.request(GetProposal(proposal_id=made.proposal_id))


async def refused(venue: SmallVenue, request: Any, kind: type[QuantumCoreError], code: str) -> QuantumCoreError:
    with pytest.raises(kind) as error:
        await venue.bus.request(request)
    assert error.value.code == code, error.value
    return error.value


async def dollars(venue: SmallVenue, account: int) -> str:
    found = await venue.bus.request(GetBalances(account=account, at_least=venue.engine.sequence))
    return next((one.total for one in found.balances if one.currency == "USD"), "0.00")


async def test_nothing_that_needs_a_second_person_happens_by_one(venue: SmallVenue, ledger: LedgerService) -> None:
    asked = venue.requests
    for request in (
        gift(),
        ReverseTransaction(transaction_id="t-1"),
        taken("h-1"),
        SetAccountState(account=ALICE, state="frozen"),
        SetCreditLimit(account=ALICE, currency="USD", limit="1"),
        offer(venue),
    ):
        await refused(venue, request, Forbidden, "approval.required")
        assert type(request) in KINDS.values()
    assert venue.requests == asked


async def test_a_proposal_does_nothing_until_another_person_approves_it(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    before, asked = await dollars(venue, ALICE), venue.requests
    made = await propose(venue, gift(text="welcome"))
    assert (made.state, made.maker, made.checker, made.kind) == ("proposed", MAKER, "", "transaction")
    assert msgspec.msgpack.decode(made.what, type=RecordTransaction) == gift(text="welcome")
    assert made.expires_ns - made.made_ns == 600 * 10**9
    await refused(venue, ApproveProposal(checker=MAKER, proposal_id=made.proposal_id), Forbidden, "proposal.own")
    assert (await dollars(venue, ALICE), venue.requests) == (before, asked)
    done = await approve(venue, made)
    assert (done.state, done.maker, done.checker, done.sequence) == ("done", MAKER, CHECKER, venue.engine.sequence)
    posted = msgspec.msgpack.decode(done.result, type=TransactionView)
    assert (posted.transaction_id, posted.text, posted.status) == ("t-1", "welcome", "posted")
    assert float(await dollars(venue, ALICE)) == float(before) + 5
    assert await look(venue, made) == done


async def test_every_kind_is_carried_out_by_its_approval(venue: SmallVenue, ledger: LedgerService) -> None:
    await approve(venue, await propose(venue, gift()))
    back = await approve(venue, await propose(venue, ReverseTransaction(transaction_id="t-1")))
    assert msgspec.msgpack.decode(back.result, type=TransactionView).reverses == "t-1"
    credit = await approve(venue, await propose(venue, SetCreditLimit(account=POOR, currency="USD", limit="9")))
    assert msgspec.msgpack.decode(credit.result, type=CreditLimit).available == "9.00"
    await venue.bus.request(PlaceHold(account=ALICE, hold_id="h-1", currency="USD", amount="3.00"))
    captured = await approve(venue, await propose(venue, taken("h-1")))
    assert msgspec.msgpack.decode(captured.result, type=CapturedHold).hold.captured == "1.00"
    await approve(venue, await propose(venue, SetAccountState(account=POOR, state="frozen")))
    assert venue.engine.account_state(POOR) == 2
    await approve(venue, await propose(venue, offer(venue)))
    assert (await venue.bus.request(GetQuote(account=ALICE, quote_id="q-1"))).state == "offered"
    page = await venue.bus.request(GetProposals(state="done"))
    assert [one.kind for one in page.items] == [
        "fx_quotes", "account_state", "capture", "credit_limit", "reversal", "transaction",
    ]  # fmt: skip


async def test_two_signatures_let_a_balance_break_its_rule_and_one_does_not(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await approve(venue, await propose(venue, gift(amount="9.00", to=POOR)))
    spent = [
        SignedEntry(account=POOR, currency="USD", amount="4.00"),
        SignedEntry(code=230, currency="USD", amount="-4.00"),
    ]
    await approve(venue, await propose(venue, RecordTransaction(transaction_id="t-2", entries=spent)))
    plain = await approve(venue, await propose(venue, ReverseTransaction(transaction_id="t-1")))
    assert (plain.state, plain.code) == ("refused", "transfer.insufficient")
    assert await dollars(venue, POOR) == "5.00"
    signed = ReverseTransaction(transaction_id="t-1", reversal_id="r-2", two_persons=True)
    await refused(venue, signed, Forbidden, "approval.required")
    made = await propose(venue, signed)
    await refused(venue, ApproveProposal(checker=MAKER, proposal_id=made.proposal_id), Forbidden, "proposal.own")
    assert (await approve(venue, made)).state == "done"
    assert await dollars(venue, POOR) == "-4.00"
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_what_cannot_be_is_refused_when_it_is_proposed(venue: SmallVenue, ledger: LedgerService) -> None:
    lame = RecordTransaction(transaction_id="t-1", entries=[SignedEntry(code=900, currency="USD", amount="1")])
    await refused(venue, proposal_of(lame), InvalidCommand, "ledger.unbalanced")
    never = ReverseTransaction(transaction_id="never")
    await refused(venue, proposal_of(never), NotFound, "transaction.not_found")
    await refused(
        venue, proposal_of(SetAccountState(account=ALICE, state="x")), InvalidCommand, "request.invalid.range"
    )
    late = offer(venue, expires_ns=1)
    await refused(venue, proposal_of(late), InvalidCommand, "request.invalid.range")
    for broken in (
        Propose(maker=MAKER, kind="x", what=b""),
        Propose(maker=MAKER, kind="transaction", what=b"\xff"),
        Propose(maker=MAKER, kind="transaction", what=msgspec.msgpack.encode({"transaction_id": 1})),
        Propose(maker=MAKER, kind="transaction", what=bytes(1 << 17)),
        Propose(maker="", kind="transaction", what=msgspec.msgpack.encode(gift())),
    ):
        with pytest.raises(InvalidCommand):
            await venue.bus.request(broken)
    assert (await venue.bus.request(GetProposals())).items == []


async def test_a_rejected_one_never_happens(venue: SmallVenue, ledger: LedgerService) -> None:
    made = await propose(venue, gift())
    reject = RejectProposal(checker=CHECKER, proposal_id=made.proposal_id, reason="no")
    gone = await venue.bus.request(reject)
    assert (gone.state, gone.checker, gone.detail) == ("rejected", CHECKER, "no")
    assert await venue.bus.request(RejectProposal(checker=THIRD, proposal_id=made.proposal_id)) == gone
    await refused(venue, ApproveProposal(checker=THIRD, proposal_id=made.proposal_id), Conflict, "proposal.rejected")
    withdrawn = await propose(venue, gift())
    assert withdrawn.proposal_id != made.proposal_id
    await venue.bus.request(RejectProposal(checker=MAKER, proposal_id=withdrawn.proposal_id))
    done = await propose(venue, gift())
    await approve(venue, done)
    await refused(venue, RejectProposal(checker=THIRD, proposal_id=done.proposal_id), Conflict, "proposal.approved")
    long = RejectProposal(checker=CHECKER, proposal_id=made.proposal_id, reason="x" * 513)
    await refused(venue, long, InvalidCommand, "request.invalid.range")


async def test_one_that_waited_too_long_has_expired(venue: SmallVenue, ledger: LedgerService) -> None:
    made = await propose(venue, gift())
    venue.clock.turn(600.0)
    assert (await look(venue, made)).state == "proposed"
    venue.clock.turn(1.0)
    assert (await look(venue, made)).state == "expired"
    for request in (
        ApproveProposal(checker=CHECKER, proposal_id=made.proposal_id),
        RejectProposal(checker=CHECKER, proposal_id=made.proposal_id),
    ):
        error = await refused(venue, request, Conflict, "proposal.expired")
        assert error.limit < error.actual
    assert [one.proposal_id for one in (await venue.bus.request(GetProposals(state="expired"))).items] == [
        made.proposal_id
    ]
    assert (await venue.bus.request(GetProposals(state="proposed"))).items == []


async def test_the_same_of_the_same_maker_is_one_proposal_while_it_is_open(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    made = await propose(venue, gift())
    assert await propose(venue, gift()) == made
    others = [await propose(venue, gift(), THIRD), await propose(venue, gift(amount="6.00"))]
    assert len({made.proposal_id, *(one.proposal_id for one in others)}) == 3
    await approve(venue, made)
    twice = await approve(venue, others[0], CHECKER)
    assert twice.result == (await look(venue, made)).result, "its transaction has one id, so it was posted once"
    differs = await approve(venue, others[1])
    assert (differs.state, differs.code) == ("refused", "idempotency.mismatch")
    again = await propose(venue, gift())
    assert again.proposal_id != made.proposal_id


async def test_open_proposals_are_bounded(
    venue: SmallVenue, ledger: LedgerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposals, "MAX_OPEN", 2)
    made = [await propose(venue, gift(f"t-{n}")) for n in range(2)]
    error = await refused(venue, proposal_of(gift("t-2")), Unavailable, "proposal.capacity")
    assert (error.limit, error.actual) == ("2", "2")
    assert await propose(venue, gift("t-0")) == made[0]
    await approve(venue, made[0])
    await propose(venue, gift("t-2"))


async def test_pages_go_on_where_they_ended(venue: SmallVenue, ledger: LedgerService) -> None:
    made = []
    for number in range(5):
        made.append((await propose(venue, gift(f"t-{number}"))).proposal_id)
        venue.clock.turn(0.001 if number % 2 else 0.0)
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await venue.bus.request(GetProposals(limit=2, cursor=cursor))
        found += [one.proposal_id for one in page.items]
        cursor = page.next_cursor
    assert sorted(found) == sorted(made)
    assert len(found) == 5
    for query in (GetProposals(state="x"), GetProposals(cursor="x"), GetProposals(limit=0), GetProposals(limit=1_001)):
        with pytest.raises(InvalidCommand):
            await venue.bus.request(query)
    await refused(venue, GetProposal(proposal_id="0" * 32), NotFound, "proposal.not_found")
    await refused(venue, ApproveProposal(checker=MAKER, proposal_id="x"), NotFound, "proposal.not_found")


async def test_without_four_eyes_nothing_is_proposed(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as venue:
        await open_ledger(venue)
        await refused(venue, proposal_of(gift()), Conflict, "approval.off")
        await venue.bus.request(gift())


# ------------------------------------------------------------------------------------------ races, kills


async def test_many_approvers_at_once_let_it_happen_once(venue: SmallVenue, ledger: LedgerService) -> None:
    before = float(await dollars(venue, ALICE))
    made = [await propose(venue, gift(f"t-{n}", "1.00")) for n in range(4)]
    asked = venue.requests
    found = await asyncio.gather(
        *(approve(venue, one, f"checker-{who}") for one in made for who in range(6)), return_exceptions=True
    )
    views = [one for one in found if isinstance(one, ProposalView)]
    assert len(views) == 24
    assert len({(one.proposal_id, one.checker, one.sequence, one.state) for one in views}) == 4
    assert venue.requests == asked + 4
    assert float(await dollars(venue, ALICE)) == before + 4


async def test_of_an_approval_and_a_rejection_at_once_one_wins(venue: SmallVenue, ledger: LedgerService) -> None:
    for number in range(10):
        before = float(await dollars(venue, ALICE))
        made = await propose(venue, gift(f"t-{number}", "1.00"))
        reject = RejectProposal(checker=THIRD, proposal_id=made.proposal_id)
        both = [approve(venue, made), venue.bus.request(reject)]
        found = await asyncio.gather(*(both if number % 2 else reversed(both)), return_exceptions=True)
        codes = {one.code for one in found if isinstance(one, Conflict)}
        state = (await look(venue, made)).state
        assert codes == {"proposal.approved" if state == "done" else "proposal.rejected"}
        assert float(await dollars(venue, ALICE)) == before + (state == "done")


async def test_an_approval_that_could_not_be_carried_out_is_finished_later_in_its_order(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    """The second approval would be lost if the first were carried out after it: both set one value."""
    first = await propose(venue, SetCreditLimit(account=POOR, currency="USD", limit="100"))
    second = await propose(venue, SetCreditLimit(account=POOR, currency="USD", limit="50"))
    venue.down = True
    await refused(venue, ApproveProposal(checker=CHECKER, proposal_id=first.proposal_id), Unavailable, "unavailable")
    assert (await look(venue, first)).state == "approved"
    await refused(venue, ApproveProposal(checker=CHECKER, proposal_id=second.proposal_id), Unavailable, "unavailable")
    assert (await look(venue, second)).state == "proposed"
    await refused(venue, ApproveProposal(checker=MAKER, proposal_id=first.proposal_id), Unavailable, "unavailable")
    venue.down = False
    await refused(venue, ApproveProposal(checker=MAKER, proposal_id=first.proposal_id), Forbidden, "proposal.own")
    assert (await look(venue, first)).state == "done"
    assert (await approve(venue, second)).state == "done"
    assert [limit for _, limit, _ in venue.engine.credits(POOR)] == [5_000]


async def test_a_kill_between_approval_and_posting_is_finished_by_the_next_start_once(venue: SmallVenue) -> None:
    first = await open_ledger(venue, FOUR_EYES)
    before = float(await dollars(venue, ALICE))
    made = [await propose(venue, gift(f"t-{n}", "1.00")) for n in range(2)]
    venue.down = True
    await refused(venue, ApproveProposal(checker=CHECKER, proposal_id=made[0].proposal_id), Unavailable, "unavailable")
    venue.down = False
    await approve(venue, made[1])  # which finishes the other first
    # Killed after the engine has posted and before that was written down: as if it had only been approved.
    await first._office.write(lambda tx: _forget_what_happened(tx, made[1].proposal_id))
    await venue.halt()
    venue.bus = type(venue.bus)()
    again = await _restarted(venue, first)
    await until(lambda: again._approvals.outcomes["done"] == 1, "what was approved is carried out")
    view = await look(venue, made[1])
    assert (view.state, view.checker) == ("done", CHECKER)
    assert float(await dollars(venue, ALICE)) == before + 2


def _forget_what_happened(tx: Any, proposal_id: str) -> None:
    found = proposals.find(tx, proposal_id)
    assert found is not None
    proposals.change(tx, replace(found, state=State.APPROVED, result=b"", sequence=0))


async def _restarted(venue: SmallVenue, before: LedgerService) -> LedgerService:
    """Run the room anew on the same files, over a bus of its own."""
    venue.bus.handle(Sequence, venue._sequence)
    venue.bus.handle(GetReference, venue._reference)
    service = LedgerService(
        venue.bus, venue.log, before._database, venue.clock, office=before._office, settings=FOUR_EYES
    )
    return await venue.run(service)  # type: ignore[no-any-return]
