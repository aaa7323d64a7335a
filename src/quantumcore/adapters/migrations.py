"""Bring a service's tables to the shape its code expects.

A service keeps `migrations/versions/NNNN_what.py` files, whose revision is their number ("0001") and which follow one
another. Alembic is loaded only when there is something to do: its import costs more than opening the database.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from quantumcore.contracts.errors import Corrupted


def directory(migrations: Path | str) -> Path:
    """Return the directory of `migrations`, given as such or as the dotted name of its package."""
    return migrations if isinstance(migrations, Path) else Path(str(files(migrations)))


def head(migrations: Path) -> str:
    """Return the newest revision: the number of the last file."""
    names = sorted(path.name for path in (migrations / "versions").glob("[0-9]*_*.py"))
    if not names:
        raise Corrupted("corrupted", f"no migrations in {migrations}")
    return names[-1].partition("_")[0]


def stored_revision(connection: Connection) -> str | None:
    """Return the revision the database is at; None for a new one."""
    with connection.begin_nested():
        try:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        except DBAPIError:  # no such table: the database is new
            return None
    return str(found) if found is not None else None


def upgrade(connection: Connection, migrations: Path) -> bool:
    """Run what is missing, inside the connection's transaction; tell whether there was anything.

    Raises:
        Corrupted: The database was made by newer code.
    """
    newest, stored = head(migrations), stored_revision(connection)
    if stored == newest:
        return False
    if stored is not None and stored > newest:
        raise Corrupted("corrupted", f"the database is at revision {stored}, this program knows {newest}")
    _run(connection, migrations)
    return True


def _run(connection: Connection, migrations: Path) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(migrations), version_locations=[str(migrations / "versions")])

    def steps(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs("head", revision)  # noqa: SLF001  # what `alembic upgrade` itself calls

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
