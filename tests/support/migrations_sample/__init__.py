"""A service's tables and their history, as small as they can be."""

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

metadata = MetaData()
notes = Table(
    "notes",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("text", Text, nullable=False),
    Column("colour", Text),
)
