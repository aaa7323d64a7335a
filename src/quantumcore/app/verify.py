"""`quantumcore verify`: is what this venue recorded whole, and does it say one thing?

journal      every record's checksum, the sequence without gap, the hash chain of the commits
replay       the whole journal through a fresh engine: every invariant holds, every snapshot's hash is met on the way
event log    the events that followers were told equal those of the replay, sequence by sequence
audit        the ledger's hash chain, its days' trees and signed roots (docs/reference/audit.md)
segments     the entries of every published day, in both places, lead to that day's signed root
ledger       its chain equals the one that the replay's events make
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from quantumcore.adapters.event_reader import EventLogReader
from quantumcore.app.verify_ledger import LedgerCheck
from quantumcore.contracts.errors import Corrupted, InvalidCommand, Unavailable
from quantumcore.core import journal
from quantumcore.core._native import Engine, InvariantViolation
from quantumcore.core.shard import REPLAY_BYTES
from quantumcore.core.snapshots import read_snapshot
from quantumcore.ports.sealed import RETENTION_DAYS

MAX_FINDINGS = 20


def verify(
    data_dir: Path,
    *,
    max_orders: int,
    console: Console,
    public_key: str = "",
    retention_days: int = RETENTION_DAYS,
) -> dict[str, Any]:
    """Check the data of a venue, which may be running, and change nothing.

    Args:
        data_dir: The venue's.
        max_orders: Its engine's bound.
        console: Shows progress.
        public_key: Must have signed the audit's roots; in hex.
        retention_days: For how long both places must have the ledger's sealed segments.

    Returns:
        Figures and `findings`; `sound` is whether there are none. At most MAX_FINDINGS findings are listed.

    Raises:
        InvalidCommand: There is no venue in this directory.
    """
    if not (data_dir / "journal").is_dir():
        raise InvalidCommand("verify.nothing", f"{data_dir} holds no venue", field="data_dir")
    walk = journal.verify(data_dir / "journal")
    report: dict[str, Any] = {
        "journal_segments": walk.segments,
        "journal_commands": walk.records,
        "last_sequence": walk.last_sequence,
        "chain_head": walk.chain_head.hex(),
        "unfinished_tail": f"{walk.torn.segment} at {walk.torn.offset}" if walk.torn else "none",
        "findings": [],
    }
    with LedgerCheck(data_dir, report["findings"]) as ledger:
        if walk.damage:
            damage = walk.damage
            report["findings"].append(f"journal: {damage.segment} at byte {damage.offset}: {damage.reason}")
        else:
            _replay(data_dir, walk.last_sequence, max_orders, report, console, ledger)
            ledger.compare(report)
        ledger.audit(public_key, retention_days, report, console)
    report["findings"] = report["findings"][:MAX_FINDINGS]
    report["sound"] = not report["findings"]
    return report


def _replay(
    data_dir: Path, last: int, max_orders: int, report: dict[str, Any], console: Console, ledger: LedgerCheck
) -> None:
    """Drive a fresh engine with the whole journal, stopping at each snapshot to compare its hash."""
    engine = Engine(max_orders=max_orders)
    findings: list[str] = report["findings"]
    hashes = _snapshot_hashes(data_dir / "snapshots", findings)
    told = _Told(data_dir / "events", findings)
    bar = (TextColumn("replay"), BarColumn(), MofNCompleteColumn(), TextColumn("commands"))
    with Progress(*bar, console=console, transient=True) as progress:
        task = progress.add_task("replay", total=last)
        for chunk in _chunks(data_dir / "journal", sorted(hashes)):
            events = engine.replay(chunk)
            told.compare(events, engine.sequence)
            ledger.told(events)
            expected = hashes.pop(engine.sequence, None)
            if expected is not None and expected != engine.state_hash():
                findings.append(f"snapshot of {engine.sequence}: its state hash is not the journal's")
            progress.update(task, completed=engine.sequence)
    told.finish()
    findings.extend(f"snapshot of {sequence}: the journal does not reach it" for sequence in hashes)
    try:
        engine.check()
    except InvariantViolation as error:
        findings.append(f"engine: {error}")
    report["state_hash"] = f"{engine.state_hash():016x}"
    report["events_compared"] = told.compared
    report["snapshots"] = len(list((data_dir / "snapshots").glob("*.qcs"))) if (data_dir / "snapshots").is_dir() else 0


def _chunks(directory: Path, stops: list[int]) -> Iterator[bytes]:
    """Yield the journal's records for replay, cut so that each of `stops` ends a chunk."""
    pending = bytearray()
    following = iter(stops)
    stop = next(following, 0)
    for record in journal.read_records(directory):
        pending += journal.pack(record)
        if record.sequence == stop or len(pending) >= REPLAY_BYTES:
            yield bytes(pending)
            pending.clear()
            while stop and stop <= record.sequence:
                stop = next(following, 0)
    if pending:
        yield bytes(pending)


def _snapshot_hashes(directory: Path, findings: list[str]) -> dict[int, int]:
    hashes: dict[int, int] = {}
    for path in sorted(directory.glob("snapshot-*.qcs")) if directory.is_dir() else []:
        try:
            snapshot = read_snapshot(path)
        except Corrupted as error:
            findings.append(f"snapshot: {error.detail}")
        else:
            hashes[snapshot.sequence] = snapshot.state_hash
    return hashes


class _Told:
    """The event log, read beside the replay."""

    def __init__(self, directory: Path, findings: list[str]) -> None:
        self.compared = 0
        self._findings = findings
        self._pending = b""
        self._after = 0
        self._log: EventLogReader | None = None
        try:
            self._log = EventLogReader(directory)
        except (Corrupted, Unavailable, OSError) as error:
            findings.append(f"event log: {error}")

    def compare(self, events: bytes, last: int) -> None:
        """Compare the next events of the replay, up to sequence `last`; the log may be behind, never different."""
        if self._log is None:
            return
        try:
            while len(self._pending) < len(events) and (batches := self._log.read(self._after)):
                self._pending += b"".join(batch.raw for batch in batches)
                self._after = batches[-1].last
        except Corrupted as error:
            self._findings.append(f"event log: {error.detail}")
            self._log = None
            return
        length = min(len(self._pending), len(events))
        if self._pending[:length] != events[:length]:
            self._findings.append(f"event log: differs from the replay at or before sequence {last}")
            self._log = None
            return
        self.compared = min(last, self._after)
        self._pending = self._pending[len(events) :]

    def finish(self) -> None:
        """See that what the log holds behind the last event is nothing but the end of a write."""
        if self._log is None:
            return
        try:
            self._log.check_end()
        except Corrupted as error:
            self._findings.append(f"event log: {error.detail}")
        finally:
            self._log.close()


def show_report(report: dict[str, Any], console: Console) -> None:
    """Print the report as a table."""
    table = Table(title="sound" if report["sound"] else "NOT SOUND", show_header=False)
    for key, value in report.items():
        if key not in ("findings", "sound"):
            table.add_row(key.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    console.print(table)
    for finding in report["findings"]:
        console.print(f"  {finding}")
