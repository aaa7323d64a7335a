"""The private key of the ledger's audit: the house gives it to the room that signs, and knows nothing else of the audit."""

import os
import secrets
import tempfile
from pathlib import Path

from quantumcore.app.settings import Settings
from quantumcore.contracts.errors import InvalidCommand
from quantumcore.services.ledger.audit.roots import KEY_BYTES

KEY_FILE = "audit_key"


def audit_key(settings: Settings) -> bytes:
    """Return the venue's private key: the one that was set, else its own, made at the first start.

    Raises:
        InvalidCommand: `settings.invalid`: it can be neither read nor made, or is none.
    """
    if settings.audit_key:
        return bytes.fromhex(settings.audit_key)
    path = settings.data_dir / KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
        return _key_in(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidCommand("settings.invalid", f"{path}: {error}", field="audit_key") from error


def _make_key(path: Path) -> None:
    """Write a new key, which its owner alone may read; whoever creates the file first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.token_hex(KEY_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(scratch, path)
        except FileExistsError:
            pass
    finally:
        scratch.unlink()


def _key_in(text: str) -> bytes:
    key = bytes.fromhex(text.strip())
    if len(key) != KEY_BYTES:
        raise ValueError(f"an audit key has {KEY_BYTES} bytes in hex")
    return key
