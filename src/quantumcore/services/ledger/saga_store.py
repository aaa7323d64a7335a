"""Where withdrawals stand: a row each, and what is to be told of them in the same transaction."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.ledger_payouts import SagaStepDone
from quantumcore.ports.database import adding, execute_many, updating
from quantumcore.services.ledger.saga import Saga, Status, Step
from quantumcore.services.ledger.tables import saga_outbox, sagas

TOLD_AT_ONCE = 256
_ADD, _UPDATE = adding(sagas), updating(sagas)


class Standing(NamedTuple):
    """How many withdrawals are under way, and how many of them need a person."""

    under_way: int
    stuck: int


def load(connection: Connection, saga_id: str) -> Saga | None:
    """Return a withdrawal, or None."""
    row = connection.execute(select(sagas).where(sagas.c.saga_id == saga_id)).first()
    return None if row is None else _saga_of(row)


def under_way(connection: Connection, limit: int) -> list[Saga]:
    """Return what has not ended, the oldest first."""
    rows = select(sagas).where(sagas.c.ended.is_(False)).order_by(sagas.c.started_ns, sagas.c.saga_id).limit(limit)
    return [_saga_of(row) for row in connection.execute(rows)]


def due(connection: Connection, now_ns: int, limit: int) -> list[str]:
    """Return the ids of what is to be tried now, the oldest first."""
    c = sagas.c
    rows = select(c.saga_id).where(c.ended.is_(False), c.stuck.is_(False), c.due_ns <= now_ns)
    return list(connection.execute(rows.order_by(c.started_ns, c.saga_id).limit(limit)).scalars())


def standing(connection: Connection) -> Standing:
    """Count what has not ended."""
    rows = connection.execute(
        select(sagas.c.stuck, func.count()).where(sagas.c.ended.is_(False)).group_by(sagas.c.stuck)
    )
    counts = {bool(stuck): int(count) for stuck, count in rows}
    return Standing(sum(counts.values()), counts.get(True, 0))


def begin(connection: Connection, saga: Saga) -> Saga:
    """Add a withdrawal; return what stands under its id, which may have been there before."""
    known = load(connection, saga.saga_id)
    if known is not None:
        return known
    execute_many(connection, _ADD, [_row(saga)])
    return saga


def save(connection: Connection, saga: Saga, told: SagaStepDone | None = None) -> None:
    """Write how a withdrawal stands, and what is to be told of it."""
    execute_many(connection, _UPDATE, [_row(saga)])
    if told is not None:
        last = connection.execute(select(func.max(saga_outbox.c.number))).scalar() or 0
        connection.execute(insert(saga_outbox).values(number=last + 1, body=msgspec.json.encode(told).decode()))


def untold(connection: Connection) -> list[tuple[int, SagaStepDone]]:
    """Return what is to be told, in its order, at most TOLD_AT_ONCE."""
    rows = connection.execute(select(saga_outbox).order_by(saga_outbox.c.number).limit(TOLD_AT_ONCE))
    return [(number, msgspec.json.decode(body, type=SagaStepDone)) for number, body in rows]


def forget(connection: Connection, numbers: Sequence[int]) -> None:
    """Forget what was told."""
    connection.execute(delete(saga_outbox).where(saga_outbox.c.number.in_(numbers)))


def _row(saga: Saga) -> tuple[Any, ...]:
    return (
        saga.saga_id,
        saga.account,
        saga.transfer_id,
        saga.currency,
        saga.amount,
        saga.fee,
        saga.started_ns,
        saga.deadline_ns,
        saga.due_ns,
        int(saga.status),
        int(saga.step),
        ",".join(str(int(step)) for step in saga.undo),
        saga.stuck,
        saga.tries,
        saga.hold_sequence,
        saga.sequence,
        saga.reason[:64],
        saga.attempt,
        saga.is_final,
    )


def _saga_of(row: Any) -> Saga:
    try:
        status, step = Status(row.status), Step(row.step)
        undo = tuple(Step(int(number)) for number in row.undo.split(",") if number)
    except ValueError as error:
        raise Corrupted("corrupted", f"withdrawal {row.saga_id} stands nowhere: {error}") from error
    return Saga(
        saga_id=row.saga_id,
        account=row.account,
        transfer_id=row.transfer_id,
        currency=row.currency,
        amount=row.amount,
        fee=row.fee,
        started_ns=row.started_ns,
        deadline_ns=row.deadline_ns,
        due_ns=row.due_ns,
        status=status,
        step=step,
        undo=undo,
        stuck=row.stuck,
        tries=row.tries,
        hold_sequence=row.hold_sequence,
        sequence=row.sequence,
        reason=row.reason,
        attempt=row.attempt,
    )
