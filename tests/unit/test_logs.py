"""What a log line shows, and what it never shows.

Goal: one JSON line per event, with service, request and chain of causes; no secret in any place of it.
Method: lines are written through both kinds of loggers and read back.
"""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from quantumcore.adapters.logs import MAX_TEXT, configure
from quantumcore.contracts.errors import Conflict, Unavailable
from quantumcore.contracts.masking import mask


class Log:
    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    log = Log()
    configure("app", "DEBUG", log.stream)
    yield log
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = before
    root.setLevel(level)


def test_mask_shows_at_most_four() -> None:
    assert [mask(text) for text in ("", "1", "1234", "12345", "1234567890")] == [
        "****", "****", "****", "1234****", "1234****",
    ]  # fmt: skip


def test_a_line_has_time_level_service_and_event(log: Log) -> None:
    structlog.get_logger("quantumcore.services.ledger.service").info("caught up", sequence=7)
    logging.getLogger("uvicorn").warning("slow %s", "client")
    first, second = log.lines
    assert list(first)[:4] == ["time", "level", "service", "event"]
    assert first["time"].endswith("Z")
    assert (first["service"], first["event"], first["sequence"], first["level"]) == ("ledger", "caught up", 7, "info")
    assert (second["service"], second["event"], second["level"]) == ("app", "slow client", "warning")


def test_the_request_id_follows_the_context(log: Log) -> None:
    structlog.contextvars.bind_contextvars(request_id="r-1", trace_id="t-1")
    logging.getLogger("x").info("hello")
    assert (log.lines[0]["request_id"], log.lines[0]["trace_id"]) == ("r-1", "t-1")


def test_an_error_is_told_with_its_chain_and_one_stack(log: Log) -> None:
    try:
        try:
            raise KeyError("duplicate key")
        except KeyError as error:
            raise Unavailable("ledger.failed", "ledger write failed", context={"account": "12345678"}) from error
    except Unavailable:
        logging.getLogger("x").exception("batch failed")
    line = log.lines[0]
    assert [link["code"] for link in line["chain"]] == ["ledger.failed", "KeyError"]
    assert line["chain"][0]["context"] == {"account": "1234****"}
    assert line["stack"].count("Traceback") == 2


SECRETS = [
    ("password", "correct horse"),
    ("new_password", "battery staple"),
    ("password_hash", "0a1b2c3d4e5f"),
    ("token", "abcdefghijk"),
    ("refresh_token", "lmnopqrstuv"),
    ("api_key", "qck_live_12345678"),
    ("apiKey", "qck_live_87654321"),
    ("JWT_SECRET", "so very secret"),
    ("Authorization", "Basic dXNlcjpwYXNz"),
    ("cookie", "session=99887766"),
    ("note", "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    ("note", "the token was eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIyIn0.c2lnbmF0dXJl here"),
    ("note", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g"),
    ("note", "postgresql://quantum:hunter2hunter2@localhost/ledger"),
    ("note", 'body {"password": "tr0ub4dor&3"}'),
    ("account", "4711471147"),
    ("account_id", "8150815081"),
    ("payload", "35=D|49=CLIENT|554=fixpassword"),
    ("raw", b"\x00secret bytes\xff"),
    ("email", "alice@example.org"),
]


@pytest.mark.hazard("H5")
@pytest.mark.parametrize(("key", "value"), SECRETS)
def test_no_secret_is_ever_shown(log: Log, key: str, value: Any) -> None:
    """Twenty, each as a field, deep inside, as an extra of the standard logger, and in an error's context."""
    structlog.get_logger("x").debug("field", **{key: value})
    structlog.get_logger("x").debug("deep", context={"list": [{key: value}]})
    logging.getLogger("x").debug("extra", extra={key: value})
    try:
        raise Conflict("conflict", "no", context={key: str(value)})
    except Conflict:
        logging.getLogger("x").exception("error")
    assert len(log.lines) == 4
    text = log.stream.getvalue()
    for part in str(value).replace("Bearer ", "").replace("the token was ", "").split():
        if len(part) > 6:
            assert part.strip('"{}') not in text


@pytest.mark.parametrize("text", [value for key, value in SECRETS if key == "note"])
def test_no_secret_in_the_text_of_a_message_or_an_exception(log: Log, text: str) -> None:
    logging.getLogger("x").info("sent %s", text)
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logging.getLogger("x").exception("failed")
    for secret in ("eyJ", "c2FsdHNhbHQ", "hunter2hunter2", "tr0ub4dor"):
        assert secret not in log.stream.getvalue()


def test_a_huge_text_is_cut(log: Log) -> None:
    logging.getLogger("x").info("x" * 1_000_000)
    assert len(log.lines[0]["event"]) < MAX_TEXT + 100


def test_what_is_no_secret_stays(log: Log) -> None:
    structlog.get_logger("x").info(
        "step", state_hash="0123456789abcdef", sequence=5, symbol="BTC-USD", ok=True, none=None
    )
    line = log.lines[0]
    assert (line["state_hash"], line["sequence"], line["symbol"], line["ok"], line["none"]) == (
        "0123456789abcdef", 5, "BTC-USD", True, None,
    )  # fmt: skip
