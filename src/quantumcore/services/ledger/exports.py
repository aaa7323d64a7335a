"""Reports read part by part, in a form: what an open export keeps between two parts is a position, the running balances, and
of Parquet the lines of one row group.

Limits: MAX_EXPORTS are open at once, PER_SUBJECT of one account or code, the next is `overloaded`; one that nobody reads for
IDLE_S is forgotten. A part that fails ends its export: what was read before is no whole report, and shows it.
"""

from sqlalchemy import Connection

from quantumcore.contracts.errors import NotFound, Unavailable
from quantumcore.contracts.ledger_reports import ExportPart, StatementBalance
from quantumcore.contracts.reference import Catalogue
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.services.ledger import statements
from quantumcore.services.ledger.audit.chain import Position
from quantumcore.services.ledger.forms import Form, Head
from quantumcore.services.ledger.ranges import Range
from quantumcore.services.ledger.statements import Balances, Subject

MAX_EXPORTS = 32
PER_SUBJECT = 4
IDLE_S = 60.0  # seconds
PART_LINES = 2_000
TOKEN_BYTES = 16


class Export:
    """One report on its way; read by one thread at a time."""

    def __init__(self, subject: Subject, within: Range, form: Form, catalogue: Catalogue) -> None:
        self.subject = subject
        self.within = within
        self.form = form
        self._catalogue = catalogue
        self._after: Position | None = None
        self._balances: Balances | None = None

    def part(self, connection: Connection) -> ExportPart:
        """Return the next bytes."""
        first = self._balances is None
        page = statements.page(
            connection, self.subject, self.within, self._after, self._balances, PART_LINES, self._catalogue
        )
        parts = [self.form.head(self._head(page.opening))] if first else []
        parts.append(self.form.lines(page.lines))
        self._after, self._balances = page.after, page.closing
        if page.after is None:
            parts.append(self.form.end(self._shown(page.closing)))
        return ExportPart(b"".join(parts), page.after is None)

    def _head(self, opening: Balances) -> Head:
        subject, within = self.subject, self.within
        return Head(
            subject=("account_id", str(subject.account)) if subject.account else ("code", str(subject.code)),
            begin=within.begin,
            end=within.end,
            as_known=within.as_known,
            opening=self._shown(opening),
        )

    def _shown(self, balances: Balances) -> list[StatementBalance]:
        return statements.shown(balances, self.subject, self._catalogue)


class Exports:
    """The open exports of this room; all are lost with its process, and whoever reads one is told."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._open: dict[str, Export] = {}
        self._read: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, export: Export) -> str:
        """Open it; return its name.

        Raises:
            Unavailable: `overloaded`: too many are open.
        """
        self._forget_idle()
        same = sum(one.subject[:2] == export.subject[:2] for one in self._open.values())
        for limit, count, what in ((MAX_EXPORTS, len(self._open), "all"), (PER_SUBJECT, same, "of this account")):
            if count >= limit:
                detail = f"{limit} reports are being read, {what}"
                raise Unavailable("overloaded", detail, limit=str(limit), retry_after=1)
        name = self._clock.token(TOKEN_BYTES).hex()
        self._open[name] = export
        self._read[name] = self._clock.monotonic()
        return name

    async def read(self, name: str) -> ExportPart:
        """Return the next part; the last one closes it, and so does a failure.

        Raises:
            NotFound: `export.not_found`: not open, or another part of it is being read.
            Unavailable: The database did not answer; the export is gone.
        """
        self._forget_idle()
        if self._read.pop(name, None) is None:
            raise NotFound("export.not_found", "export not found: closed, forgotten, or read to its end")
        whole = True
        try:
            part = await self._database.read(self._open[name].part)
            whole = part.last
        finally:
            if whole:
                self._open.pop(name, None)
            elif name in self._open:
                self._read[name] = self._clock.monotonic()
        return part

    def close(self, name: str) -> None:
        """Forget it; unknown does nothing."""
        self._open.pop(name, None)
        self._read.pop(name, None)

    def _forget_idle(self) -> None:
        """Forget what nobody has read for IDLE_S; what is being read is not idle."""
        oldest = self._clock.monotonic() - IDLE_S
        for name in [name for name, at in self._read.items() if at < oldest]:
            self.close(name)
