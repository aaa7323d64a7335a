"""What can go wrong, as one tree. Every error carries a stable dotted code; a client never needs the text.

QuantumCoreError
├── Refused                  the request is at fault; nothing happened
│   ├── InvalidCommand       400   wrong shape; `field` says where
│   │   └── TooLarge         413
│   ├── Unauthenticated      401
│   ├── Forbidden            403
│   ├── NotFound             404
│   ├── Conflict             409   state forbids it
│   └── RateLimited          429   with retry_after
├── Unavailable              503   a dependency, a full queue, a stopped shard; with retry_after
├── OutcomeUnknown           504   sent, but the deadline passed; ask again with the same id
├── Internal                 500   a defect; its request id finds the log line
└── Corrupted                      the data cannot be right: the process stops
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class QuantumCoreError(Exception):
    """Base of all errors that cross a boundary.

    Attributes:
        code: Stable dotted code (docs/reference/errors.md).
        detail: One sentence for a person.
        field, limit, actual: What was wrong, by which rule's number, and what was given; empty where they do not apply.
        context: Operation, symbol, request id, masked account: for logs, never for clients.
        retry_after: Seconds after which a retry may help, or None.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal"

    def __init__(
        self,
        code: str = "",
        detail: str = "",
        *,
        field: str = "",
        limit: str = "",
        actual: str = "",
        retry_after: float | None = None,
        context: dict[str, str] | None = None,
    ) -> None:
        self.code = code or self.default_code
        self.detail = detail or self.code
        self.field = field
        self.limit = limit
        self.actual = actual
        self.retry_after = retry_after
        self.context = context or {}
        super().__init__(f"{self.code}: {self.detail}")

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later without any change."""
        return self.status in (429, 503, 504)


class Refused(QuantumCoreError):
    """The request is at fault; nothing happened."""

    status = 400
    default_code = "request.invalid"


class InvalidCommand(Refused):
    """Wrong shape; `field` says where."""


def invalid(rule: str, detail: str, *, field: str = "", limit: str = "", actual: str = "") -> InvalidCommand:
    """Return the refusal of a shape; each rule has a code of its own, `request.invalid.<rule>`.

    Args:
        rule: malformed, unknown_field, missing, type, range, decimal, places, overflow, negative_zero, time or id.
    """
    return InvalidCommand(f"request.invalid.{rule}", detail, field=field, limit=limit, actual=actual)


def check_count(count: int, most: int, field: str = "limit") -> None:
    """See that it is 1 to `most`: a page, or what a request has of something.

    Raises:
        InvalidCommand: It is not, by its field.
    """
    if not 1 <= count <= most:
        raise invalid("range", f"{field} must be 1 to {most}", field=field, limit=str(most), actual=str(count))


@contextmanager
def naming(part: str) -> Iterator[None]:
    """Let a refusal of one part of a request say which part that is."""
    try:
        yield
    except Refused as error:
        error.field = f"{part}.{error.field}" if error.field else part
        raise


class TooLarge(InvalidCommand):
    """The body is over its limit."""

    status = 413
    default_code = "request.too_large"


class Unauthenticated(Refused):
    """Nobody we know; which check failed is in the log only."""

    status = 401
    default_code = "auth.unauthenticated"


class Forbidden(Refused):
    """Known, but the scopes do not allow it."""

    status = 403
    default_code = "auth.forbidden"


def needs_second() -> Forbidden:
    """Return the refusal of what one person asks for and two must want."""
    detail = "this needs a second person: propose it, and let another approve"
    return Forbidden("approval.required", detail, limit="2", actual="1")


class NotFound(Refused):
    """Unknown, or not the caller's."""

    status = 404
    default_code = "not_found"


class Conflict(Refused):
    """State forbids it."""

    status = 409
    default_code = "conflict"


class RateLimited(Refused):
    """Over the allowance; `retry_after` says when it is full again."""

    status = 429
    default_code = "rate.limited"


class Unavailable(QuantumCoreError):
    """A dependency is gone, a queue is full, a shard has stopped; nothing happened."""

    status = 503
    default_code = "unavailable"


class OutcomeUnknown(QuantumCoreError):
    """The deadline passed after the command was handed on: ask again with the same id."""

    status = 504
    default_code = "outcome.unknown"


class Internal(QuantumCoreError):
    """A defect, seen from the other side of a boundary."""


class Corrupted(QuantumCoreError):
    """Recorded data cannot be right; the process that finds this stops."""

    default_code = "corrupted"
