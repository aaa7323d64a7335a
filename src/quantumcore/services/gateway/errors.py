"""Errors as the world sees them: RFC 9457 problem documents with a stable code, and whether the outcome is known.

A broken shape is `request.invalid.<rule>`; `field` says where.
"""

import re
from http import HTTPStatus
from typing import NoReturn

import msgspec

from quantumcore.contracts.errors import Internal, OutcomeUnknown, QuantumCoreError, Refused, invalid
from quantumcore.contracts.orders import ErrorView

PROBLEM_TYPE = b"application/problem+json"


class MethodNotAllowed(Refused):
    """The path exists, but not for this method."""

    status = 405
    default_code = "request.method_not_allowed"


class SlowBody(Refused):
    """The body was not complete in time."""

    status = 408
    default_code = "request.timeout"


class UnsupportedMediaType(Refused):
    """Neither JSON nor MessagePack."""

    status = 415
    default_code = "request.content_type"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error's answer; `outcome` is unknown when the command may have been done.

    Attributes:
        type: URN of the code.
        field: Which field of the request, or null.
        rule: Which rule of shape: malformed, unknown_field, missing, type, range, or null.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None
    rule: str | None
    limit: str | None
    actual: str | None
    retryable: bool
    outcome: str
    request_id: str


def problem(error: QuantumCoreError, request_id: str) -> Problem:
    """Return what a client may know of `error`; a defect shows its request id only."""
    hidden = error.status == 500
    return Problem(
        type=f"urn:quantumcore:error:{error.code}",
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail="an internal error; the request id finds it in the log" if hidden else error.detail,
        code=error.code,
        field=error.field or None,
        rule=_rule(error.code),
        limit=error.limit or None,
        actual=error.actual or None,
        retryable=error.retryable,
        outcome="unknown" if isinstance(error, Internal | OutcomeUnknown) or hidden else "rejected",
        request_id=request_id,
    )


def problem_of_view(view: ErrorView, request_id: str) -> Problem:
    """Return the problem that a room gave as a value inside a batch's answer."""
    status = view.status if view.status in _STATUSES else 500
    hidden = status == 500
    return Problem(
        type=f"urn:quantumcore:error:{view.code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail="an internal error; the request id finds it in the log" if hidden else view.detail,
        code=view.code,
        field=view.field or None,
        rule=_rule(view.code),
        limit=view.limit or None,
        actual=view.actual or None,
        retryable=status in (429, 503, 504),
        outcome="unknown" if status in (500, 504) else "rejected",
        request_id=request_id,
    )


def _rule(code: str) -> str | None:
    family, _, rule = code.partition("request.invalid.")
    return rule if not family and rule else None


_STATUSES = frozenset(int(status) for status in HTTPStatus)
_AT = re.compile(r" - at `(?:key in )?\$(.*)`\Z", re.DOTALL)
_QUOTED = re.compile(r"`(.*)`", re.DOTALL)
_RULES = (("Object contains unknown field", "unknown_field"), ("Object missing required field", "missing"))
FIELD_SHOWN = 64


def refuse_shape(error: Exception, where: str = "body") -> NoReturn:
    """Raise the InvalidCommand that `error` of the decoder means, naming field and rule.

    Raises:
        InvalidCommand: Always.
    """
    text = str(error)
    if isinstance(error, RecursionError):
        text, rule, field = f"the {where} is nested too deeply", "malformed", ""
    elif not isinstance(error, msgspec.ValidationError):
        text, rule, field = f"the {where} cannot be read: {text}", "malformed", ""
    else:
        at = _AT.search(text)
        field = at[1].lstrip(".") if at else ""
        text = text[: at.start()] if at else text
        rule = "range" if "Expected" in text and ("length" in text or ">" in text or "<" in text) else "type"
        for opening, name in _RULES:
            if text.startswith(opening):
                rule = name
                quoted = _QUOTED.search(text)
                field = ".".join(part for part in (field, quoted[1] if quoted else "") if part)
    raise invalid(rule, text[:256], field=field[:FIELD_SHOWN]) from None


def require(condition: object, field: str, detail: str, *, limit: str = "", actual: str = "") -> None:
    """Raise InvalidCommand naming `field` unless `condition` holds."""
    if not condition:
        raise invalid("range", detail, field=field, limit=limit, actual=actual[:FIELD_SHOWN])
