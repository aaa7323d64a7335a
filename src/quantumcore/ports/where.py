"""Where something went wrong: every error that leaves a room so says the operation, the account (masked), the symbol and the request."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from quantumcore.contracts.errors import OutcomeUnknown, QuantumCoreError, Unavailable
from quantumcore.contracts.masking import mask

EVERY = "*"
"""The symbol of an error that is about no particular one."""


class Where(NamedTuple):
    """One request of this room.

    Attributes:
        account: As it may be shown; EVERY when the request is about none.
    """

    operation: str
    account: str = EVERY
    request_id: str = ""

    @classmethod
    def of(cls, request: object) -> "Where":
        """Return where `request` is worked on."""
        account = getattr(request, "account", None)
        shown = EVERY if account is None else mask(str(account))
        return cls(type(request).__name__, shown, str(getattr(request, "request_id", "")))

    def tell(self, error: QuantumCoreError) -> QuantumCoreError:
        """Return `error` as it leaves this room; a copy, for others may wait for the same one.

        What another room did not say in time was only asked: the outcome is known, nothing happened.
        """
        context = {"symbol": EVERY, **error.context}
        context |= {"operation": self.operation, "account": self.account, "request_id": self.request_id}
        kind = Unavailable if isinstance(error, OutcomeUnknown) else type(error)
        return kind(
            "unavailable" if isinstance(error, OutcomeUnknown) else error.code,
            error.detail,
            field=error.field,
            limit=error.limit,
            actual=error.actual,
            retry_after=error.retry_after,
            context=context,
        )

    @contextmanager
    def told(self) -> Iterator[None]:
        """Let no error leave the block without saying where it was."""
        try:
            yield
        except QuantumCoreError as error:
            raise self.tell(error) from error
