"""What is tried in the background until it succeeds: each reason of failing is told to the log once, however often it is met."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from quantumcore.contracts.errors import QuantumCoreError

AGAIN_S = 30.0  # seconds between two attempts


class Attempts:
    """Attempts at one thing.

    Attributes:
        failure: Why the last one failed; empty while it is well.
    """

    def __init__(self, log: logging.Logger, what: str) -> None:
        """Take where to tell of failures, and what they are failures of."""
        self.failure = ""
        self._log = log
        self._what = what

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Run the body; an error of ours ends it, and is kept as the failure."""
        try:
            yield
        except QuantumCoreError as error:
            if self.failure != error.detail:
                self._log.error("%s: %s", self._what, error.detail)  # it is no defect of ours
            self.failure = error.detail
        else:
            self.failure = ""
