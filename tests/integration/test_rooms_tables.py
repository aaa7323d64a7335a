"""The tables a migration makes are the tables the code writes to.

Goal: no column, type of key or index exists on one side only.
Method: a new database brought up by the migrations, compared with the tables as the stores declare them.
"""

import pytest
from sqlalchemy import Connection, MetaData, inspect

from quantumcore.adapters.sql import open_database
from quantumcore.services.market import store as market
from quantumcore.services.orders import tables as orders
from quantumcore.services.portfolio import tables as portfolio
from quantumcore.services.positions import tables as positions
from quantumcore.services.risk import tables as risk


@pytest.mark.parametrize(
    "room, declared",
    [
        ("orders", orders.metadata),
        ("market", market.metadata),
        ("positions", positions.metadata),
        ("portfolio", portfolio.metadata),
        ("risk", risk.metadata),
    ],
)
async def test_migrations_make_what_the_store_declares(tmp_path, room: str, declared: MetaData):
    database = await open_database(tmp_path / "room.db", f"quantumcore.services.{room}.migrations")

    def shape(connection: Connection) -> dict:
        found = inspect(connection)
        return {
            name: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
                found.get_pk_constraint(name)["constrained_columns"],
                sorted((index["name"], index["column_names"]) for index in found.get_indexes(name)),
            )
            for name in found.get_table_names()
            if name != "alembic_version"
        }

    made = await database.read(shape)
    await database.close()
    assert made == {
        table.name: (
            [(column.name, str(column.type), bool(column.nullable)) for column in table.columns],
            [column.name for column in table.primary_key],
            sorted((index.name, [column.name for column in index.columns]) for index in table.indexes),
        )
        for table in declared.tables.values()
    }
