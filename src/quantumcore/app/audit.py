"""The audit of a venue seen from outside its rooms: its key, and what an operator asks of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from quantumcore.adapters.second_store import FileStore
from quantumcore.adapters.sql import read_only
from quantumcore.app.audit_key import KEY_FILE, audit_key
from quantumcore.app.audit_places import DIRECTORY
from quantumcore.app.settings import Settings
from quantumcore.contracts.errors import InvalidCommand, NotFound
from quantumcore.contracts.ledger_audit import EntryProof
from quantumcore.services.ledger.audit.check import Malformed, Wrong, check
from quantumcore.services.ledger.audit.prove import entry_at, position_in, position_of_transfer, prove
from quantumcore.services.ledger.audit.roots import PUBLIC_KEY, Signer

LEDGER = "quantumcore_ledger.sqlite"


def public_key(settings: Settings) -> str:
    """Return the key with which this venue's roots must be signed, in hex; nothing is made.

    It follows from the private key where that is here; else the second store's own word must do.

    Raises:
        NotFound: `audit.key.missing`: neither is here.
        InvalidCommand: `settings.invalid`: the private key cannot be read.
    """
    if settings.audit_key or (settings.data_dir / KEY_FILE).exists():
        return Signer(audit_key(settings)).public_key
    found = FileStore(settings.data_dir / DIRECTORY).read(PUBLIC_KEY)
    if found is None:
        raise NotFound("audit.key.missing", f"{settings.data_dir} has no audit key yet: start the venue once")
    return found.decode(errors="replace").strip()


def known_public_key(settings: Settings) -> str:
    """Return what public_key() returns, or "" where there is none yet: no root can be there either."""
    try:
        return public_key(settings)
    except NotFound:
        return ""


@contextmanager
def ledger_of(data_dir: Path) -> Iterator[Connection]:
    """Open the ledger's tables for reading, whether the venue runs or not; nothing is changed.

    Raises:
        NotFound: `audit.nothing`: there is no ledger, or one of before the audit.
    """
    path = data_dir / LEDGER
    if not path.is_file():
        raise NotFound("audit.nothing", f"{data_dir} holds no ledger")
    with read_only(path) as connection:
        if not connection.dialect.has_table(connection, "audit_head"):
            raise NotFound("audit.nothing", "this ledger is of before the audit: start the venue once")
        yield connection


def prove_entry(settings: Settings, position: str, account: int, transfer_id: str) -> EntryProof:
    """Return the proof of an entry, by its position or by the transfer that it is of.

    Raises:
        NotFound, Conflict, InvalidCommand, Corrupted: As contracts/ledger_audit says of ProveEntry; `audit.nothing`.
    """
    store = FileStore(settings.data_dir / DIRECTORY)
    with ledger_of(settings.data_dir) as connection:
        at = position_of_transfer(connection, account, transfer_id) if transfer_id else position_in(position)
        return prove(connection, store, entry_at(connection, at, account))


def check_proof(file: Path, key: str) -> dict[str, Any]:
    """Return the entry that the proof in `file` proves under the public key `key`.

    Raises:
        InvalidCommand: `audit.proof.malformed`, `audit.proof.wrong`.
        NotFound: `audit.proof.missing`: the file cannot be read.
    """
    try:
        return check(file.read_bytes(), key)
    except OSError as error:
        raise NotFound("audit.proof.missing", f"{file}: {error.strerror}") from error
    except Malformed as error:
        raise InvalidCommand("audit.proof.malformed", str(error)) from error
    except Wrong as error:
        raise InvalidCommand("audit.proof.wrong", str(error)) from error


def encoded(proof: EntryProof) -> str:
    """Return a proof as it is given away."""
    return msgspec.json.format(msgspec.json.encode(proof), indent=1).decode()
