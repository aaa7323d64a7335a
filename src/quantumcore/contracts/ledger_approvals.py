"""Ledger (8008), four eyes: what one person asks for, and another lets happen (money.md 2.9; setting `four_eyes`), here or in another room.

With it on, each request of KINDS is refused as it is (`approval.required`) and kept as a proposal instead, which does nothing. Another user
with the scope approves it: then exactly that request is carried out, once. Or somebody rejects it, or its time is over.
"""

import msgspec

from quantumcore.contracts.ledger import RecordTransaction, ReverseTransaction, SetAccountState, SetCreditLimit
from quantumcore.contracts.ledger_fx import OfferQuotes
from quantumcore.contracts.ledger_holds import CaptureHold
from quantumcore.contracts.ledger_periods import ClosePeriod
from quantumcore.contracts.ledger_tax import ChargeTax, RemitTax, SetTax
from quantumcore.contracts.messages import Request
from quantumcore.contracts.risk_guards import SetGuard
from quantumcore.contracts.risk_kill import LiftKillSwitch
from quantumcore.contracts.risk_limits import SetLimits
from quantumcore.contracts.risk_margin import SetMargin

KINDS: dict[str, type[Request]] = {  # type: ignore[type-arg]  # each has a reply of its own
    "transaction": RecordTransaction,
    "reversal": ReverseTransaction,
    "capture": CaptureHold,
    "account_state": SetAccountState,
    "credit_limit": SetCreditLimit,
    "fx_quotes": OfferQuotes,
    "period": ClosePeriod,
    "tax": SetTax,
    "tax_document": ChargeTax,
    "tax_remittance": RemitTax,
    "kill_switch": LiftKillSwitch,
    "limits": SetLimits,
    "margin": SetMargin,
    "guards": SetGuard,
}
STATES = ("proposed", "approved", "done", "refused", "rejected", "expired")
MAX_OPEN = 1_000
MAX_BODY_BYTES = 1 << 16
MAX_PAGE = 1_000


class ProposalView(msgspec.Struct, frozen=True, kw_only=True):
    """What was proposed, by whom, and what became of it; kept for ever.

    Attributes:
        state: proposed; approved, and about to happen; done; refused: the approved request was refused, `code` says why;
            rejected; expired.
        what: The request as msgpack: a map of its fields.
        maker, checker: User ids; the checker approved or rejected it.
        result: The request's reply as msgpack; empty unless it is done.
        detail: Why it was rejected or refused.
    """

    proposal_id: str
    kind: str
    state: str
    what: bytes
    maker: str
    made_ns: int
    expires_ns: int
    checker: str
    checked_ns: int
    result: bytes
    sequence: int
    code: str
    detail: str


class Propose(Request[ProposalView], frozen=True, kw_only=True):
    """Keep a request until another person decides. The same of the same maker, while it is open, is the same proposal.

    Attributes:
        what: The request of KINDS[kind], as msgpack.

    Raises:
        InvalidCommand, NotFound: The request cannot be; its own field says why.
        Conflict: `approval.off`: the venue asks for no second person.
        Unavailable: `proposal.capacity`: too many are open.
    """

    maker: str
    kind: str
    what: bytes


class ApproveProposal(Request[ProposalView], frozen=True, kw_only=True):
    """Let it happen, once. One that is approved already answers as it stands; unfinished, it is finished first.

    Raises:
        NotFound: `proposal.not_found`.
        Forbidden: `proposal.own`: the maker is no checker.
        Conflict: `proposal.rejected`, `proposal.expired`.
        Unavailable, OutcomeUnknown: It is approved, and not done yet: approve it again, or wait.
    """

    checker: str
    proposal_id: str


class RejectProposal(Request[ProposalView], frozen=True, kw_only=True):
    """Let it never happen. Its maker may do so too: that withdraws it. One that is rejected already answers as it stands.

    Raises:
        NotFound: `proposal.not_found`.
        Conflict: `proposal.approved`, `proposal.expired`.
        InvalidCommand: reason.
    """

    checker: str
    proposal_id: str
    reason: str = ""


class GetProposal(Request[ProposalView], frozen=True, kw_only=True):
    """Unknown: NotFound `proposal.not_found`."""

    proposal_id: str


class ProposalPage(msgspec.Struct, frozen=True):
    """Newest first."""

    items: list[ProposalView]
    next_cursor: str | None


class GetProposals(Request[ProposalPage], frozen=True, kw_only=True):
    """All, or those of a state.

    Raises:
        InvalidCommand: state, limit or cursor.
    """

    state: str = ""
    limit: int = 100
    cursor: str = ""
