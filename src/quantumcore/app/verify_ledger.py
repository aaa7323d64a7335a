"""The ledger's part of `quantumcore verify`: its audit, and its chain against the one that the journal makes.

The audit needs nothing but the tables and the second store. The journal is what finds a chain that was made anew to its very
end, in the day that is not published yet.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from sqlalchemy import Connection

from quantumcore.adapters.second_store import FileStore
from quantumcore.adapters.sql import translated
from quantumcore.app.audit import ledger_of
from quantumcore.app.audit_places import DIRECTORY
from quantumcore.app.segments import check_places, sealed_days
from quantumcore.contracts.errors import Corrupted, NotFound, QuantumCoreError
from quantumcore.contracts.wire import decode_events
from quantumcore.services.ledger.audit import rows
from quantumcore.services.ledger.audit.auditor import show_finding
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.rebuild import Rebuilt
from quantumcore.services.ledger.audit.segments import Sealed
from quantumcore.services.ledger.audit.verify import Walker
from quantumcore.services.ledger.store import read_cursor


class LedgerCheck:
    """Looks at a ledger as it stands now: one view of its tables, from the first look to the last. None there, no findings."""

    def __init__(self, data_dir: Path, findings: list[str]) -> None:
        self._data_dir = data_dir
        self._findings = findings
        self._stack = ExitStack()
        self._connection: Connection | None = None
        self._cursor = 0
        self._rebuilt: Rebuilt | None = None

    def __enter__(self) -> Self:
        try:
            self._connection = self._stack.enter_context(ledger_of(self._data_dir))
            with translated():
                self._cursor = read_cursor(self._connection)
            self._rebuilt = Rebuilt()
        except NotFound:
            self._connection = None
        except QuantumCoreError as error:
            self._findings.append(f"ledger: {error.detail}")
            self._connection = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def audit(self, public_key: str, retention_days: int, report: dict[str, Any], console: Console) -> None:
        """Walk the whole chain and every sealed segment, with progress."""
        if self._connection is None:
            return
        try:
            with translated():
                published = Published(FileStore(self._data_dir / DIRECTORY), public_key)
                self._audit(self._connection, published, report, console)
                days = sealed_days(self._connection, published, self._data_dir, retention_days)
                self._segments(days, report, console)
        except QuantumCoreError as error:
            self._findings.append(f"audit: {error.detail}")

    def _segments(self, days: Sequence[Sealed], report: dict[str, Any], console: Console) -> None:
        bar = (TextColumn("segments"), BarColumn(), MofNCompleteColumn(), TextColumn("days"))
        with Progress(*bar, console=console, transient=True) as progress:
            task = progress.add_task("segments")
            tell = partial(_tell, progress, task)
            report["audit_segments"], found = check_places(self._data_dir, days, tell)
        self._findings.extend(found)

    def _audit(self, connection: Connection, published: Published, report: dict[str, Any], console: Console) -> None:
        walker = Walker(connection, published)
        bar = (TextColumn("audit"), BarColumn(), MofNCompleteColumn(), TextColumn("records"))
        with Progress(*bar, console=console, transient=True) as progress:
            task = progress.add_task("audit", total=rows.last_number(connection))
            while not walker.done:
                walker.step()
                progress.update(task, completed=walker.place.number)
        report["audit_records"] = walker.place.number
        report["audit_roots"] = len(published.roots)
        report["audit_head"] = walker.place.hash.hex()
        if walker.finding is not None:
            found = show_finding(walker.finding)
            where = found.position or (f"after {found.after}" if found.after else "the beginning")
            self._findings.append(f"audit: {found.what} {found.kind}: record {found.number} at {where}: {found.detail}")

    def told(self, raw: bytes) -> None:
        """Take the events of the replay, as far as the ledger has entered them."""
        if self._rebuilt is None or self._rebuilt.sequence >= self._cursor:
            return
        events = [event for event in decode_events(raw) if event.sequence <= self._cursor]
        try:
            self._rebuilt.enter(events)
        except Corrupted as error:
            self._findings.append(f"ledger: {error.detail}")
            self._rebuilt = None

    def compare(self, report: dict[str, Any]) -> None:
        """See that the ledger's chain is the one that the journal makes."""
        if self._connection is None or self._rebuilt is None:
            return
        report["ledger_sequence"] = self._cursor
        try:
            with translated():
                stands = rows.chain_of(self._connection)
        except QuantumCoreError as error:
            self._findings.append(f"ledger: {error.detail}")
            return
        made = self._rebuilt.chain
        if self._rebuilt.sequence != self._cursor:
            self._findings.append(
                f"ledger: it is at sequence {self._cursor}, the journal ends at {self._rebuilt.sequence}"
            )
        elif (made.number, made.hash) != ((stands.number, stands.hash) if stands else (0, made.hash)):
            number = stands.number if stands else 0
            self._findings.append(
                f"ledger: at sequence {self._cursor} its chain is at record {number}, that of the journal at"
                f" {made.number}, and they are not the same"
            )


def _tell(progress: Progress, task: TaskID, done: int, total: int) -> None:
    progress.update(task, completed=done, total=total)
