"""The room's rows. Each function is part of one transaction of its caller's."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from quantumcore.contracts.errors import Conflict, QuantumCoreError
from quantumcore.contracts.positions import PositionView
from quantumcore.ports.database import adding, chunks, execute_many
from quantumcore.services.portfolio import carried as days
from quantumcore.services.portfolio.carried import Carried
from quantumcore.services.portfolio.fx import Rate, Snapshot
from quantumcore.services.portfolio.tables import carried, fx_rates, fx_snapshots, history, reporting

_OF_ACCOUNT = carried.c.account == bindparam("account")
_CARRIED = select(carried).where(_OF_ACCOUNT)
_ADD_CARRIED = adding(carried)
_REPORTING = select(reporting.c.currency).where(reporting.c.account == bindparam("account"))
_AMOUNTS = (
    *("cost", "realised", "fees", "funding"),
    *("base_cost", "base_realised", "base_fees", "base_funding", "fx_realised"),
)


class Standing(NamedTuple):
    """What the room knows of an account.

    Attributes:
        reporting: "" when it never said.
        carried: Of positions that were in another currency when they were last looked at; by symbol.
    """

    reporting: str
    carried: Mapping[str, Carried]


class Point(NamedTuple):
    """One row of the history."""

    account: int
    currency: str
    time_ns: int
    sequence: int
    total: str
    flow: str
    fx_snapshot_id: str


# ---------------------------------------------------------------------------------------------------- rates


def in_force(tx: Connection) -> Snapshot | None:
    """Return the snapshot that is in force."""
    newest = select(func.max(fx_snapshots.c.number)).scalar_subquery()
    return _snapshot(tx, tx.execute(select(fx_snapshots).where(fx_snapshots.c.number == newest)).first())


def snapshot(tx: Connection, snapshot_id: str) -> Snapshot | None:
    """Return the snapshot of this id."""
    return _snapshot(tx, tx.execute(select(fx_snapshots).where(fx_snapshots.c.snapshot_id == snapshot_id)).first())


def publish(tx: Connection, given: Snapshot, kept: int) -> tuple[Snapshot, bool]:
    """Bring `given` into force, and drop the oldest beyond `kept`.

    Returns:
        (the snapshot of its id, whether it is new).

    Raises:
        Conflict: `idempotency.mismatch`: its id stands for another one; `fx.out_of_order`: it is older than the one in force.
    """
    before = snapshot(tx, given.snapshot_id)
    if before is not None:
        if before != given:
            raise Conflict("idempotency.mismatch", "this id stands for another snapshot", field="snapshot_id")
        return before, False
    current = in_force(tx)
    if current is not None and given.time_ns < current.time_ns:
        limit, actual = str(current.time_ns), str(given.time_ns)
        detail = f"snapshot {current.snapshot_id}, which is in force, is younger"
        raise Conflict("fx.out_of_order", detail, field="time", limit=limit, actual=actual)
    number = (tx.execute(select(func.max(fx_snapshots.c.number))).scalar() or 0) + 1
    head = {"number": number, "snapshot_id": given.snapshot_id, "source": given.source, "time_ns": given.time_ns}
    tx.execute(insert(fx_snapshots), head)
    rows = [
        {
            "number": number,
            "base": rate.base,
            "quote": rate.quote,
            "numerator": str(rate.value.numerator),
            "denominator": str(rate.value.denominator),
        }
        for rate in given.rates
    ]
    tx.execute(insert(fx_rates), rows)
    for table in (fx_rates, fx_snapshots):
        tx.execute(delete(table).where(table.c.number <= number - kept))
    return given, True


def _snapshot(tx: Connection, row: Any) -> Snapshot | None:
    if row is None:
        return None
    number, snapshot_id, source, time_ns = row
    found = tx.execute(select(fx_rates).where(fx_rates.c.number == number))
    rates = tuple(sorted(Rate(r.base, r.quote, Fraction(int(r.numerator), int(r.denominator))) for r in found))
    return Snapshot(snapshot_id, source, time_ns, rates)


# ------------------------------------------------------------------------------------------------- accounts


def standing(tx: Connection, account: int) -> Standing:
    """Return what is known of an account."""
    currency = reporting_of(tx, account)
    return Standing(currency, {row[1]: _carried(row) for row in tx.execute(_CARRIED, {"account": account})})


def reporting_of(tx: Connection, account: int) -> str:
    """Return the reporting currency that was set; "" for none."""
    return tx.execute(_REPORTING, {"account": account}).scalar() or ""


def set_reporting(tx: Connection, account: int, currency: str) -> bool:
    """Value the account in `currency` from now on; false when it is so already.

    What was carried in another currency is dropped: results of rates begin anew.
    """
    before = reporting_of(tx, account)
    if before == currency:
        return False
    if before:
        tx.execute(update(reporting).where(reporting.c.account == account).values(currency=currency))
    else:
        tx.execute(insert(reporting), {"account": account, "currency": currency})
    tx.execute(delete(carried).where(carried.c.account == account))
    return True


def carry(
    tx: Connection, account: int, currency: str, seen: Sequence[tuple[PositionView, Fraction]]
) -> Mapping[str, Carried]:
    """Carry positions on, each at its rate into `currency`, from where the rows stand now; return what is carried of them.

    They were read before this transaction: whoever was faster is not undone, for nothing goes back or counts twice.
    """
    rows = {row[1]: (row[2], _carried(row)) for row in tx.execute(_CARRIED, {"account": account})}
    after: dict[str, Carried] = {}
    written: list[tuple[Any, ...]] = []
    for view, rate in seen:
        of, before = rows.get(view.symbol, ("", None))
        try:
            now = days.begin(view, rate) if before is None or of != currency else days.carry(before, view, rate)
        except QuantumCoreError as error:
            error.context.setdefault("symbol", view.symbol)
            raise
        after[view.symbol] = now
        if now is not before:
            written.append((account, view.symbol, currency, now.quantity, *_texts(now), now.sequence))
    for symbols in chunks(row[1] for row in written):
        tx.execute(delete(carried).where(carried.c.account == account, carried.c.symbol.in_(symbols)))
    execute_many(tx, _ADD_CARRIED, written)
    return after


def _carried(row: Sequence[Any]) -> Carried:
    _, _, _, quantity, cost, realised, fees, funding, *base, sequence = row
    base_cost, base_realised, base_fees, base_funding, fx_realised = map(int, base)
    return Carried(
        quantity=quantity,
        cost=int(cost),
        realised=int(realised),
        fees=int(fees),
        funding=int(funding),
        base_cost=base_cost,
        base_realised=base_realised,
        base_fees=base_fees,
        base_funding=base_funding,
        fx_realised=fx_realised,
        sequence=sequence,
    )


def _texts(one: Carried) -> tuple[str, ...]:
    return tuple(str(getattr(one, name)) for name in _AMOUNTS)


# -------------------------------------------------------------------------------------------------- history


def accounts_with_history(tx: Connection, limit: int) -> list[int]:
    """Return up to `limit` accounts that have points."""
    return list(tx.execute(select(history.c.account).distinct().order_by(history.c.account).limit(limit)).scalars())


def newest_point(tx: Connection) -> int:
    """Return the time of the newest point of all; 0 when there is none."""
    return tx.execute(select(func.max(history.c.time_ns))).scalar() or 0


def last_sequences(tx: Connection, wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Return at which sequence each (account, currency) had its newest point, for those that have one."""
    found = {}
    for account, currency in wanted:
        mine = (history.c.account == account, history.c.currency == currency)
        row = tx.execute(select(history.c.sequence).where(*mine).order_by(history.c.time_ns.desc()).limit(1)).first()
        if row is not None:
            found[account, currency] = row[0]
    return found


def add_points(tx: Connection, points: Sequence[Point], oldest_ns: int) -> None:
    """Add points that are not there yet, and drop those of their accounts that are older than `oldest_ns`."""
    for point in points:
        mine = (history.c.account == point.account, history.c.currency == point.currency)
        if tx.execute(select(history.c.time_ns).where(*mine, history.c.time_ns == point.time_ns)).first() is None:
            tx.execute(insert(history), point._asdict())
        tx.execute(delete(history).where(history.c.account == point.account, history.c.time_ns < oldest_ns))


def points(
    tx: Connection, account: int, currency: str, *, from_ns: int, to_ns: int, limit: int, ascending: bool
) -> list[Point]:
    """Return up to `limit` points from `from_ns` to before `to_ns`."""
    at = history.c.time_ns
    mine = (history.c.account == account, history.c.currency == currency, at >= from_ns, at < to_ns)
    rows = tx.execute(select(history).where(*mine).order_by(at if ascending else at.desc()).limit(limit))
    return [Point(*row) for row in rows]
