"""The tables that the migrations make are the tables that the code means."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData

from quantumcore.adapters.migrations import head
from quantumcore.adapters.sql import open_database


async def assert_migrations_make(metadata: MetaData, migrations: Path, file: Path) -> None:
    """Run all migrations into `file`; fail on any difference to `metadata`, and on a head that is not the last file's."""
    database = await open_database(file, migrations)
    try:
        differences = await database.read(
            lambda connection: compare_metadata(
                MigrationContext.configure(connection, opts={"compare_type": True}), metadata
            )
        )
    finally:
        await database.close()
    assert differences == []
    script = ScriptDirectory(str(migrations), version_locations=[str(migrations / "versions")])
    assert script.get_current_head() == head(migrations)
