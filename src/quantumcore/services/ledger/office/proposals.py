"""The table of proposals. Works inside the office's transactions; no row ever leaves it."""

from typing import Any

from msgspec.structs import astuple
from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, tuple_, update

from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.ledger_approvals import MAX_OPEN
from quantumcore.services.ledger.office.proposal import Proposal, State
from quantumcore.services.ledger.tables import proposals

Place = tuple[int, str]
"""When it was made, and its id."""

c = proposals.c


def keep(tx: Connection, made: Proposal) -> Proposal:
    """Keep a new proposal; the same of the same maker, while that is open, is returned instead.

    Raises:
        Unavailable: `proposal.capacity`.
    """
    still_open = _open(made.made_ns)
    same = tx.execute(
        select(proposals).where(still_open, c.kind == made.kind, c.maker == made.maker, c.what == made.what)
    ).first()
    if same is not None:
        return _proposal(same)
    count = count_open(tx, made.made_ns)
    if count >= MAX_OPEN:
        detail = f"{MAX_OPEN} proposals wait for a decision"
        limit, actual = str(MAX_OPEN), str(count)
        raise Unavailable("proposal.capacity", detail, limit=limit, actual=actual, retry_after=60)  # seconds
    tx.execute(insert(proposals).values(dict(zip(c.keys(), astuple(made), strict=True))))
    return made


def find(tx: Connection, proposal_id: str) -> Proposal | None:
    """Return a proposal, or None."""
    row = tx.execute(select(proposals).where(c.proposal_id == proposal_id)).first()
    return None if row is None else _proposal(row)


def change(tx: Connection, changed: Proposal) -> Proposal:
    """Write down what has become of a proposal."""
    values = dict(zip(c.keys(), astuple(changed), strict=True))
    tx.execute(update(proposals).where(c.proposal_id == changed.proposal_id).values(values))
    return changed


def unfinished(tx: Connection) -> list[Proposal]:
    """Return what is approved and not carried out, in the order of the approvals."""
    rows = tx.execute(select(proposals).where(c.state == State.APPROVED).order_by(c.checked_ns, c.proposal_id))
    return [_proposal(row) for row in rows]


def page(tx: Connection, state: str, now_ns: int, after: Place | None, limit: int) -> list[Proposal]:
    """Return proposals behind `after`, newest first."""
    wanted: list[ColumnElement[bool]] = []
    if state == "proposed":
        wanted.append(_open(now_ns))
    elif state == "expired":
        wanted += [c.state == State.PROPOSED, c.expires_ns < now_ns]
    elif state:
        wanted.append(c.state == State[state.upper()])
    if after is not None:
        wanted.append(tuple_(c.made_ns, c.proposal_id) < after)
    order = c.made_ns.desc(), c.proposal_id.desc()
    return [_proposal(row) for row in tx.execute(select(proposals).where(*wanted).order_by(*order).limit(limit))]


def count_open(tx: Connection, now_ns: int) -> int:
    """Return how many wait for a decision."""
    return tx.execute(select(func.count()).where(_open(now_ns))).scalar() or 0


def _open(now_ns: int) -> ColumnElement[bool]:
    return and_(c.state == State.PROPOSED, c.expires_ns >= now_ns)


def _proposal(row: Any) -> Proposal:
    terms = dict(row._mapping)  # noqa: SLF001  # the public name of a row's fields
    return Proposal(**{**terms, "state": State(terms["state"])})
