"""The versions of what people set, and what was told of risk: rows that nothing could rebuild."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from quantumcore.contracts.risk import LimitUse, RiskUpdate
from quantumcore.contracts.risk_margin import MarginView
from quantumcore.contracts.risk_parameters import Parameter
from quantumcore.services.risk.parameters import Setting, shown
from quantumcore.services.risk.tables import parameters, told, warned
from quantumcore.services.risk.valuation.limits import name_of

WARNING, RELIEF, KILLED, LIFTED = "warning", "relief", "killed", "lifted"
SWITCHES = {"all": "kill switch", "reduce_only": "kill switch reduce_only"}
"""Under what name an engaged kill switch is remembered, by its mode, beside the limits whose use is over the line."""
OF_ENGINE = "engine "
"""With what the names begin under which margin of the engine is remembered (margin/told.py)."""

_encode = msgspec.json.Encoder().encode


class Said(msgspec.Struct, frozen=True):
    """The payload of a row of `told`.

    Attributes:
        mode: Of KILLED; rows of before there were modes have none.
    """

    sequence: int
    kind: str
    limit: LimitUse | None = None
    mode: str = "all"
    margin: MarginView | None = None


_decode_said = msgspec.json.Decoder(Said).decode


def in_force(tx: Connection) -> list[tuple[int, Setting]]:
    """Return the newest setting of each kind and subject, in the order of their versions."""
    newest = select(func.max(parameters.c.version)).group_by(parameters.c.kind, parameters.c.subject)
    rows = tx.execute(select(parameters).where(parameters.c.version.in_(newest)).order_by(parameters.c.version))
    return [(row.version, Setting(row.kind, row.subject, msgspec.json.decode(row.payload))) for row in rows]


def keep(tx: Connection, setting: Setting, who: str, reason: str, time_ns: int) -> Parameter:
    """Add a version; the same as stands is a version too, for somebody has decided it again."""
    version = (tx.execute(select(func.max(parameters.c.version))).scalar() or 0) + 1
    row = {
        "version": version,
        "kind": setting.kind,
        "subject": setting.subject,
        "payload": _encode(setting.value).decode(),
        "who": who,
        "reason": reason,
        "time_ns": time_ns,
    }
    tx.execute(insert(parameters), row)
    return shown(version, setting, who, reason, time_ns)


def newest(tx: Connection) -> int:
    """Return the newest version; 0: there is none."""
    return tx.execute(select(func.max(parameters.c.version))).scalar() or 0


def page(tx: Connection, kind: str, subject: str, before: int, limit: int) -> list[Parameter]:
    """Return up to `limit` versions below `before` (0: the newest), newest first; of a kind and a subject, if they are named."""
    wanted = select(parameters).order_by(parameters.c.version.desc()).limit(limit)
    if before:
        wanted = wanted.where(parameters.c.version < before)
    for column, name in ((parameters.c.kind, kind), (parameters.c.subject, subject)):
        if name:
            wanted = wanted.where(column == name)
    return [
        shown(
            row.version,
            Setting(row.kind, row.subject, msgspec.json.decode(row.payload)),
            row.who,
            row.reason,
            row.time_ns,
        )
        for row in tx.execute(wanted)
    ]


# ------------------------------------------------------------------------------------------------ warnings


def standing(tx: Connection, account: int) -> set[str]:
    """Return what an account was told, and not yet that it is over; of margin of the engine nothing."""
    names = tx.execute(select(warned.c.name).where(warned.c.account == account)).scalars()
    return {name for name in names if not name.startswith(OF_ENGINE)}


def tell(tx: Connection, account: int, said: Sequence[Said], time_ns: int) -> list[RiskUpdate]:
    """Add what is told of an account, and remember what that means for the next time; return it with its numbers."""
    updates = [add_update(tx, account, one, time_ns) for one in said]
    for one, update in zip(said, updates, strict=True):
        number = update.number
        names = list(SWITCHES.values()) if one.limit is None else [name_of(one.limit)]
        if one.kind != WARNING:
            tx.execute(delete(warned).where(warned.c.account == account, warned.c.name.in_(names)))
        if one.kind in (WARNING, KILLED):
            name = SWITCHES[one.mode] if one.kind == KILLED else names[0]
            tx.execute(insert(warned), {"account": account, "name": name, "number": number})
    return updates


def add_update(tx: Connection, account: int, said: Said, time_ns: int) -> RiskUpdate:
    """Add what is told of an account; return it with its number."""
    number = last_number(tx) + 1
    row = {"number": number, "account": account, "time_ns": time_ns, "payload": _encode(said).decode()}
    tx.execute(insert(told), row)
    return _told(number, account, time_ns, said)


def last_number(tx: Connection) -> int:
    """Return the number of the newest row; 0: nothing was ever told."""
    return tx.execute(select(func.max(told.c.number))).scalar() or 0


def updates(tx: Connection, account: int, after: int, limit: int) -> tuple[list[RiskUpdate], int]:
    """Return up to `limit` of what was told of an account after a number, and how far that is."""
    wanted = select(told).where(told.c.account == account, told.c.number > after).order_by(told.c.number).limit(limit)
    found = [_update(row) for row in tx.execute(wanted)]
    return found, found[-1].number if len(found) == limit else max(last_number(tx), after)


def newest_updates(tx: Connection, limit: int) -> list[RiskUpdate]:
    """Return the last `limit` rows of all accounts, in order."""
    rows = tx.execute(select(told).order_by(told.c.number.desc()).limit(limit)).all()
    return [_update(row) for row in reversed(rows)]


def _update(row: Sequence[Any]) -> RiskUpdate:
    number, account, time_ns, payload = row
    return _told(number, account, time_ns, _decode_said(payload))


def _told(number: int, account: int, time_ns: int, said: Said) -> RiskUpdate:
    mode = said.mode if said.kind == KILLED else None
    return RiskUpdate(number, account, time_ns, said.sequence, said.kind, said.limit, mode, said.margin)
