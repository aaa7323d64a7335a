"""API keys in tables. Each function is part of one transaction of its caller's."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from quantumcore.contracts.auth import ApiKeyView
from quantumcore.services.auth.domain import account_text
from quantumcore.services.auth.keys import HMAC_SHA256, ApiKey, parse_networks
from quantumcore.services.auth.sealing import Sealer
from quantumcore.services.auth.tables import API_KEYS

VIEWS_MAX = 200


def add_key(tx: Connection, key: ApiKey, sealer: Sealer, *, label: str, addresses: Sequence[str], now_ns: int) -> None:
    """Add a key; an HMAC secret is sealed for this key alone."""
    material = sealer.seal(key.key_id, key.material) if key.algorithm == HMAC_SHA256 else key.material
    tx.execute(
        insert(API_KEYS).values(
            key_id=key.key_id,
            user_id=key.user_id,
            label=label,
            algorithm=key.algorithm,
            material=base64.b64encode(material).decode(),
            scopes=json.dumps(key.scopes),
            accounts=json.dumps(key.accounts),
            addresses=json.dumps(list(addresses)),
            created_ns=now_ns,
            expires_ns=key.expires_ns,
        )
    )


def find_key(tx: Connection, key_id: str, sealer: Sealer) -> ApiKey | None:
    """Return a key with what checks its signatures.

    Raises:
        Corrupted: Its secret does not open.
    """
    row = tx.execute(select(API_KEYS).where(API_KEYS.c.key_id == key_id)).first()
    if row is None:
        return None
    material = base64.b64decode(row.material)
    return ApiKey(
        key_id=row.key_id,
        user_id=row.user_id,
        algorithm=row.algorithm,
        material=sealer.open(key_id, material) if row.algorithm == HMAC_SHA256 else material,
        scopes=tuple(json.loads(row.scopes)),
        accounts=tuple(json.loads(row.accounts)),
        networks=parse_networks(json.loads(row.addresses)),
        expires_ns=row.expires_ns,
        revoked=row.revoked_ns is not None,
    )


def key_views(tx: Connection, user_id: str) -> list[ApiKeyView]:
    """Return a user's keys, those in force first, then revoked ones, newest first, 200 in all."""
    newest = (API_KEYS.c.revoked_ns.is_not(None), API_KEYS.c.created_ns.desc(), API_KEYS.c.key_id)
    rows = tx.execute(select(API_KEYS).where(API_KEYS.c.user_id == user_id).order_by(*newest).limit(VIEWS_MAX))
    return [_view(row) for row in rows]


def key_view(tx: Connection, key_id: str) -> ApiKeyView:
    """Return one key that exists."""
    return _view(tx.execute(select(API_KEYS).where(API_KEYS.c.key_id == key_id)).one())


def count_keys(tx: Connection, user_id: str) -> int:
    """Return how many keys of the user are not revoked."""
    where = and_(API_KEYS.c.user_id == user_id, API_KEYS.c.revoked_ns.is_(None))
    return int(tx.execute(select(func.count()).where(where)).scalar_one())


def revoke_key(tx: Connection, user_id: str, key_id: str, now_ns: int) -> bool:
    """Revoke a user's key; false when it was, is unknown, or is another's."""
    where = and_(API_KEYS.c.key_id == key_id, API_KEYS.c.user_id == user_id, API_KEYS.c.revoked_ns.is_(None))
    return bool(tx.execute(update(API_KEYS).where(where).values(revoked_ns=now_ns)).rowcount)


def revoke_keys(tx: Connection, user_id: str, now_ns: int) -> int:
    """Revoke all keys of a user; return how many."""
    where = and_(API_KEYS.c.user_id == user_id, API_KEYS.c.revoked_ns.is_(None))
    return int(tx.execute(update(API_KEYS).where(where).values(revoked_ns=now_ns)).rowcount)


def save_last_used(tx: Connection, last_used: Mapping[str, int]) -> None:
    """Store when keys were used last; an older time never replaces a newer one."""
    for key_id, used_ns in last_used.items():
        older = or_(API_KEYS.c.last_used_ns.is_(None), API_KEYS.c.last_used_ns < used_ns)
        tx.execute(update(API_KEYS).where(and_(API_KEYS.c.key_id == key_id, older)).values(last_used_ns=used_ns))


def _view(row: Row[Any]) -> ApiKeyView:
    return ApiKeyView(
        key_id=row.key_id,
        label=row.label,
        algorithm=row.algorithm,
        scopes=json.loads(row.scopes),
        account_ids=[account_text(account) for account in json.loads(row.accounts)],
        addresses=json.loads(row.addresses),
        created_ns=row.created_ns,
        expires_ns=row.expires_ns,
        last_used_ns=row.last_used_ns,
        revoked=row.revoked_ns is not None,
    )
