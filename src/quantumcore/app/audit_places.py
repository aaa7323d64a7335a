"""Where the ledger publishes its audit and keeps what is sealed: the directories of a venue, and nothing of its settings."""

from pathlib import Path

from quantumcore.adapters.second_store import FileStore
from quantumcore.ports.sealed import RETENTION_DAYS
from quantumcore.services.ledger.audit.publisher import Auditing
from quantumcore.services.ledger.audit.sealer import Archive

DIRECTORY = "audit"
FIRST, SECOND = "segments", DIRECTORY


def auditing_of(data_dir: Path, key: bytes, retention_days: int = RETENTION_DAYS) -> Auditing:
    """Return where the ledger publishes and seals, with which key, and for how long it keeps what is sealed."""
    places = places_of(data_dir)
    return Auditing(places[SECOND], key, Archive((places[FIRST], places[SECOND]), retention_days))


def places_of(data_dir: Path) -> dict[str, FileStore]:
    """Return the two places of sealed segments by their names, which are those of their directories."""
    return {name: FileStore(data_dir / name) for name in (FIRST, SECOND)}
