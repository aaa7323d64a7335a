"""A room's tables with nothing in them: what its migrations make, made once in a process and copied from then on.

That the migrations make what the rooms declare, and what they do to tables with something in them, is held by
test_rooms_tables, test_positions_migrations and test_rooms_upgrades, which run them.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from quantumcore.adapters.sql import SqliteDatabase, open_database

_EMPTY: dict[str, bytes] = {}


async def open_tables(path: Path, migrations: str, *, synchronous: str = "NORMAL") -> SqliteDatabase:
    """Open a room's database as open_database does; one that is not there yet begins as a copy."""
    if migrations not in _EMPTY:
        _EMPTY[migrations] = await _made(migrations)
    _begin(path, _EMPTY[migrations])
    return await open_database(path, migrations, synchronous=synchronous)


async def _made(migrations: str) -> bytes:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "empty.db"
        await (await open_database(file, migrations)).close()
        return file.read_bytes()


def _begin(path: Path, empty: bytes) -> None:
    """Whole or not at all, also where a test kills the process that opens them."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_suffix(".begun")
        with open(begun, "wb") as file:
            file.write(empty)
        os.replace(begun, path)
