"""The columns of which rooms make their tables: never null, and numbered by nobody but the room; any other is spelled out.

Migrations do not use them: what a migration has made must not change with this file.
"""

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, SmallInteger, String, Text


def big(name: str, *, key: bool = False) -> "Column[int]":
    """A whole number of 64 bits."""
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def small(name: str, *, key: bool = False) -> "Column[int]":
    """A whole number of 16 bits."""
    return Column(name, SmallInteger, primary_key=key, nullable=False, autoincrement=False)


def text(name: str, length: int = 0, *, key: bool = False) -> "Column[str]":
    """Text of at most `length` characters; 0: of any length."""
    return Column(name, String(length) if length else Text, primary_key=key, nullable=False)


def blob(name: str) -> "Column[bytes]":
    """Bytes."""
    return Column(name, LargeBinary, nullable=False)


def flag(name: str) -> "Column[bool]":
    """True or false."""
    return Column(name, Boolean, nullable=False)
