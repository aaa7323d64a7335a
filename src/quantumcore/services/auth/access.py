"""Who may do what now, from memory: every request asks, and most ask what was asked before."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import Connection

from quantumcore.contracts.auth import AccessChanged
from quantumcore.ports.database import Database
from quantumcore.services.auth import key_store, session_store, store
from quantumcore.services.auth.domain import Grants
from quantumcore.services.auth.keys import ApiKey
from quantumcore.services.auth.sealing import Sealer

T = TypeVar("T")

USERS_MAX = 50_000
SESSIONS_MAX = 100_000
KEYS_MAX = 10_000


class Recent(Generic[T]):
    """At most `limit` values; the least recently used goes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[str, T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str) -> T | None:
        """Return the value and count it as used."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: str, value: T) -> None:
        """Keep the value."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._limit:
            self._values.popitem(last=False)

    def drop(self, key: str) -> None:
        """Forget the value, if there is one."""
        self._values.pop(key, None)

    def drop_where(self, condition: Callable[[T], bool]) -> None:
        """Forget every value that meets the condition."""
        for key in [key for key, value in self._values.items() if condition(value)]:
            del self._values[key]


class Access:
    """Grants, live sessions and keys as the tables have them.

    `forget` follows each commit. A value read before a commit may arrive after it: `_changes` tells, and such a value is
    used once but not kept. What does not exist is never kept, so that inventing ids fills nothing.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._grants: Recent[Grants] = Recent(USERS_MAX)
        self._sessions: Recent[str] = Recent(SESSIONS_MAX)
        self._keys: Recent[ApiKey] = Recent(KEYS_MAX)
        self._changes = 0

    def known_session(self, session_id: str) -> Grants | None:
        """Return the grants behind a live session if both are in memory: no await, no table."""
        user_id = self._sessions.get(session_id)
        return None if user_id is None else self._grants.get(user_id)

    async def user_of_session(self, session_id: str) -> str | None:
        """Return whose live session it is; None when it is unknown or revoked."""
        return await self._look(self._sessions, session_id, lambda tx: session_store.user_of_live(tx, session_id))

    async def grants(self, user_id: str) -> Grants | None:
        """Return what the user may do; None when there is no such user."""
        return await self._look(self._grants, user_id, lambda tx: store.grants_of(tx, user_id))

    async def key(self, key_id: str) -> ApiKey | None:
        """Return an API key; None when there is no such key."""
        return await self._look(self._keys, key_id, lambda tx: key_store.find_key(tx, key_id, self._sealer))

    def forget(self, notice: AccessChanged) -> None:
        """Forget the user, his keys and the sessions that were revoked."""
        self._changes += 1
        self._grants.drop(notice.user_id)
        self._keys.drop_where(lambda key: key.user_id == notice.user_id)
        for session_id in notice.revoked_sessions:
            self._sessions.drop(session_id)

    async def _look(self, recent: Recent[T], name: str, read: Callable[[Connection], T | None]) -> T | None:
        known = recent.get(name)
        if known is not None:
            return known
        changes = self._changes
        found = await self._database.read(read)
        if found is not None and changes == self._changes:
            recent.put(name, found)
        return found
