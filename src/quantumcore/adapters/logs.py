"""Logs as JSON lines: time, level, service, event, request id, trace id, context; never a secret.

Both structlog and the standard library's loggers end here. What is removed: values under keys that name secrets,
account numbers (masked), payloads (their size stays), and texts that look like tokens, hashes or passwords in addresses,
wherever they stand, also in the text of an exception.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import IO, Any

import msgspec
import structlog

from quantumcore.adapters.failures import causes
from quantumcore.contracts.errors import QuantumCoreError
from quantumcore.contracts.masking import MASK, mask

MAX_TEXT = 16_384  # a longer text is cut: one line must not fill a disk
MAX_SECRET = 2_048  # a secret that begins before the cut is seen whole
MAX_DEPTH = 6

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|api_?key|authori[sz]ation|cookie|credential|private|signature|(?<!state_)hash$|jwt|otp|salt|seed",
    re.IGNORECASE,
)
_ACCOUNT_KEY = re.compile(r"account(_?(id|number))?s?$|iban|owner$|email$", re.IGNORECASE)
_PAYLOAD_KEY = re.compile(r"payload$|body$|^raw$|^command$", re.IGNORECASE)
_SECRET_TEXT = (
    (re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), MASK),
    (re.compile(r"(?i)\b(bearer|basic|hmac)\s+[\w.~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"\$(argon2\w*|2[aby]|scrypt|pbkdf2[\w-]*)\$[^\s\"']+"), MASK),
    (re.compile(r"(\w://[^\s:/@]{0,200}):[^\s@]{1,200}@"), rf"\1:{MASK}@"),
    (
        re.compile(r"(?i)((?:password|passwd|secret|token|api_?key)[\"']?\s*[:=]\s*[\"']?)[^\s\"',;&)}]+"),
        rf"\1{MASK}",
    ),
)
_encode = msgspec.json.Encoder(enc_hook=str).encode


def configure(service: str, level: str = "INFO", stream: IO[str] | None = None) -> None:
    """Send all logs of this process as JSON lines to `stream` (standard error); replaces what was configured.

    Args:
        service: Shown for lines that do not come from a room; a room's lines carry its own name.
        level: The least that is shown.
        stream: Where to; standard error when not given.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _name_service(service),
        _explain,
        redact,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    set_level(level)


def set_level(level: str) -> None:
    """Show lines of `level` and above from now on."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    for chatty in ("alembic", "uvicorn", "websockets"):  # their INFO tells of themselves, not of the venue
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return `event` without secrets; a processor of structlog."""
    return {key: value if key.startswith("_") else _clean(key, value, 0) for key, value in event.items()}


def scrub(text: str) -> str:
    """Return `text` with everything that looks like a secret masked, cut at MAX_TEXT."""
    length, text = len(text), text[: MAX_TEXT + MAX_SECRET]  # cut first: patterns over megabytes would stall the loop
    for pattern, instead in _SECRET_TEXT:
        text = pattern.sub(instead, text)
    return text if length <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({length} characters)"


def _clean(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_KEY.search(key):
        return MASK
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if _PAYLOAD_KEY.search(key):
        return f"{len(str(value))} characters"
    if isinstance(value, Mapping):
        return MASK if depth >= MAX_DEPTH else {str(k): _clean(str(k), v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return MASK if depth >= MAX_DEPTH else [_clean(key, each, depth + 1) for each in value]
    if _ACCOUNT_KEY.search(key):
        return mask(str(value))
    return value if isinstance(value, int | float) else scrub(str(value))


def _name_service(default: str) -> Any:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        parts = str(event.get("logger", "")).split(".")
        room = parts[2] if parts[:2] == ["quantumcore", "services"] and len(parts) > 2 else default
        event.setdefault("service", room)
        return event

    return add


def _explain(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turn an exception into its chain of causes, outermost first, and one stack."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["chain"] = [_link(each) for each in causes(error)]
        event["stack"] = "".join(traceback.format_exception(error))
    return event


def _link(error: BaseException) -> dict[str, Any]:
    if isinstance(error, QuantumCoreError):
        return {"code": error.code, "detail": error.detail, "context": dict(error.context)}
    return {"code": type(error).__name__, "detail": str(error)}


def _render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    first = {key: event.pop(key) for key in ("time", "level", "service", "event") if key in event}
    return _encode({**first, **event}).decode()
