"""The private key of the ledger's audit: the house gives it to the room that signs, and knows nothing else of the audit."""

import secrets

from quantumcore.app.settings import Settings, write_secret
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
            write_secret(path, f"{secrets.token_hex(KEY_BYTES)}\n")
        return _key_in(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidCommand("settings.invalid", f"{path}: {error}", field="audit_key") from error


def _key_in(text: str) -> bytes:
    key = bytes.fromhex(text.strip())
    if len(key) != KEY_BYTES:
        raise ValueError(f"an audit key has {KEY_BYTES} bytes in hex")
    return key
