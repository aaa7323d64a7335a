"""What may become of a proposal. Pure: no clock, no I/O, no await.

proposed ──approve (another person)──▶ approved ──carried out──▶ done
    ├──reject──▶ rejected                 └──refused──▶ refused
    └──its time is over──▶ expired
"""

from enum import IntEnum

from msgspec import Struct
from msgspec.structs import replace

from quantumcore.contracts.errors import Conflict, Forbidden, Refused
from quantumcore.contracts.values import show_time

DETAIL_MAX = 1_024


class State(IntEnum):
    """Where it stands; the number is stored. That it expired is not stored: time says so."""

    PROPOSED = 1
    APPROVED = 2
    DONE = 3
    REFUSED = 4
    REJECTED = 5


class Proposal(Struct, frozen=True, kw_only=True):
    """A request that waits for a second person, or what became of it.

    Attributes:
        what: The request's bytes, exactly as they will be carried out.
        checker: Who approved or rejected it; empty while nobody has.
        result: The bytes of the reply.
        code, detail: Why it was refused; of a rejection the detail is the reason.
    """

    proposal_id: str
    kind: str
    what: bytes
    maker: str
    made_ns: int
    expires_ns: int
    state: State = State.PROPOSED
    checker: str = ""
    checked_ns: int = 0
    result: bytes = b""
    sequence: int = 0
    code: str = ""
    detail: str = ""

    def shown(self, now_ns: int) -> str:
        """Return the name of its state at a time."""
        return "expired" if self._expired(now_ns) else self.state.name.lower()

    def approve(self, checker: str, now_ns: int) -> "Proposal":
        """Return it as approved; one that is already stays as it is, whoever asks but its maker.

        Raises:
            Forbidden: `proposal.own`.
            Conflict: `proposal.rejected`, `proposal.expired`.
        """
        if checker == self.maker:
            detail = "whoever made it cannot approve it: that is for a second person"
            raise Forbidden("proposal.own", detail, field="proposal_id")
        if self.state is State.REJECTED:
            raise Conflict("proposal.rejected", "it was rejected: make a new one", field="proposal_id")
        if self.state is not State.PROPOSED:
            return self
        self._check_time(now_ns)
        return replace(self, state=State.APPROVED, checker=checker, checked_ns=now_ns)

    def reject(self, checker: str, reason: str, now_ns: int) -> "Proposal":
        """Return it as rejected; one that is already stays as it is.

        Raises:
            Conflict: `proposal.approved`, `proposal.expired`.
        """
        if self.state is State.REJECTED:
            return self
        if self.state is not State.PROPOSED:
            raise Conflict("proposal.approved", "it was approved already", field="proposal_id")
        self._check_time(now_ns)
        return replace(self, state=State.REJECTED, checker=checker, checked_ns=now_ns, detail=reason)

    def done(self, result: bytes, sequence: int) -> "Proposal":
        """Return it as carried out."""
        return replace(self, state=State.DONE, result=result, sequence=sequence)

    def refused(self, error: Refused) -> "Proposal":
        """Return it as refused: what was approved cannot be."""
        return replace(self, state=State.REFUSED, code=error.code, detail=error.detail[:DETAIL_MAX])

    def _expired(self, now_ns: int) -> bool:
        return self.state is State.PROPOSED and now_ns > self.expires_ns

    def _check_time(self, now_ns: int) -> None:
        if self._expired(now_ns):
            limit, actual = show_time(self.expires_ns), show_time(now_ns)
            detail = f"it expired at {limit}: make a new one"
            raise Conflict("proposal.expired", detail, field="proposal_id", limit=limit, actual=actual)
