"""The auditor of the ledger: verifies in steps, proves, shows roots, and has closed days published."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from prometheus_client.core import Metric
from sqlalchemy import Connection

from quantumcore.contracts.days import DAY_NS
from quantumcore.contracts.errors import NotFound, Unavailable, check_count, invalid
from quantumcore.contracts.ledger_audit import (
    AccountVerdict,
    AuditRoot,
    AuditRootPage,
    ChainFinding,
    ChainVerdict,
    EntryProof,
    GetAuditRoots,
    ProveEntry,
    VerifyAccount,
    VerifyChain,
)
from quantumcore.contracts.reference import Catalogue
from quantumcore.ports.bus import Bus
from quantumcore.ports.clock import Clock
from quantumcore.ports.database import Database
from quantumcore.ports.event_log import EventBatch
from quantumcore.ports.following import Following
from quantumcore.ports.second_store import SecondStore
from quantumcore.ports.telemetry import counter, gauge
from quantumcore.services.ledger.audit import rows
from quantumcore.services.ledger.audit.accounts import account_sums
from quantumcore.services.ledger.audit.chain import NO_DAY
from quantumcore.services.ledger.audit.findings import Finding
from quantumcore.services.ledger.audit.prove import entry_at, position_in, position_of_transfer, prove
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.publisher import Auditing, Publisher
from quantumcore.services.ledger.audit.roots import ROOT_SUFFIX, decode_root
from quantumcore.services.ledger.audit.verify import Walker
from quantumcore.services.ledger.queries import show_position

VERIFY_MAX = 100_000
"""Records in one step of a verification: about half a second of a processor."""
ROOTS_MAX = 1_000


class Auditor:
    """Answers VerifyChain, VerifyAccount, GetAuditRoots, ProveEntry."""

    def __init__(
        self,
        bus: Bus,
        database: Database,
        clock: Clock,
        following: Following,
        auditing: Auditing | None,
        catalogue: Catalogue,
    ) -> None:
        """Take whom to answer and what stands; without `auditing` nothing is published, and so nothing can be proven."""
        self._bus = bus
        self._database = database
        self._following = following
        self._catalogue = catalogue
        self._store = auditing.store if auditing else None
        self._publisher = Publisher(database, clock, auditing) if auditing else None
        self._verifying = asyncio.Lock()
        self._verified = 0
        self._damaged = False
        self._day = NO_DAY

    def attach(self) -> None:
        """Hand the handlers to the bus."""
        self._bus.handle(VerifyChain, self.verify_chain)
        self._bus.handle(VerifyAccount, self.verify_account)
        self._bus.handle(GetAuditRoots, self.roots)
        self._bus.handle(ProveEntry, self.prove)

    def tasks(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Name what publishes, if anything does."""
        return [("audit", self._publisher.run)] if self._publisher else []

    def collect(self) -> Iterable[Metric]:
        """Say for /metrics how the audit stands."""
        publisher = self._publisher
        waiting = publisher.waiting if publisher else 0
        yield counter("qc_ledger_audit_verified", "Records that were verified", self._verified)
        yield gauge("qc_ledger_audit_damaged", "1 when the last verification found a damage", self._damaged)
        yield gauge("qc_ledger_audit_roots", "Signed roots in the second store", publisher.roots if publisher else 0)
        segments = publisher.segments if publisher else 0
        yield gauge("qc_ledger_audit_segments", "Sealed segments of closed days that both places have", segments)
        yield gauge("qc_ledger_audit_waiting", "Closed days that are not published", waiting)
        failed = bool(publisher and publisher.failure)
        yield gauge("qc_ledger_audit_failing", "1 while roots cannot be published", failed)

    def entered(self, batches: Sequence[EventBatch]) -> None:
        """Hear what was entered: the first event of a later day has closed the one before it."""
        day = batches[-1].events[-1].time_ns // DAY_NS
        if day != self._day and self._publisher is not None:
            self._publisher.day_closed()
        self._day = day

    # --------------------------------------------------------------------------------------------- queries

    async def verify_chain(self, query: VerifyChain) -> ChainVerdict:
        """Verify one step of the chain.

        Raises:
            InvalidCommand: limit or cursor.
            Unavailable: `overloaded`: another verification runs.
        """
        check_count(query.limit, VERIFY_MAX)
        after = _number(query.cursor) if query.cursor else 0
        if self._verifying.locked():
            raise Unavailable("overloaded", "another verification runs", retry_after=1)  # seconds
        async with self._verifying:
            work = partial(_verify, store=self._store, public_key=self._key, after=after, limit=query.limit)
            checked, verdict = await self._database.read(work)
        self._verified += checked
        self._damaged = verdict.finding is not None
        return verdict

    async def verify_account(self, query: VerifyAccount) -> AccountVerdict:
        """Compare an account with the sum of its entries, at one sequence.

        Raises:
            NotFound: `account.not_found`.
        """
        await self._following.reached(query.at_least)
        verdict = await self._database.read(partial(account_sums, account=query.account, catalogue=self._catalogue))
        if verdict is None:
            raise NotFound("account.not_found", "account not found", field="account_id")
        return verdict

    async def roots(self, query: GetAuditRoots) -> AuditRootPage:
        """Return published roots, newest first.

        Raises:
            InvalidCommand: limit or cursor.
        """
        check_count(query.limit, ROOTS_MAX)
        if len(query.cursor) > len("2026-11-22"):
            raise invalid("range", "cursor is not one of ours", field="cursor", actual=query.cursor[:64])
        if self._store is None:
            return AuditRootPage([], None, "")
        return await asyncio.to_thread(_page, self._store, query, self._key)

    async def prove(self, query: ProveEntry) -> EntryProof:
        """Return the proof of an entry.

        Raises:
            NotFound, Conflict, InvalidCommand, Corrupted: As contracts/ledger_audit says.
        """
        position = None if query.transfer_id else position_in(query.position)

        def work(connection: Connection) -> EntryProof:
            at = position or position_of_transfer(connection, query.account, query.transfer_id)
            return prove(connection, self._store, entry_at(connection, at, query.account))

        return await self._database.read(work)

    @property
    def _key(self) -> str:
        return self._publisher.public_key if self._publisher else ""


def verdict_of(walker: Walker, published: Published, records: int) -> ChainVerdict:
    """Return what a walker has found so far."""
    place = walker.place
    return ChainVerdict(
        sound=walker.finding is None,
        verified=place.number,
        records=records,
        head=place.hash.hex(),
        published=len(published.roots),
        next_cursor=None if walker.done else str(place.number),
        finding=show_finding(walker.finding) if walker.finding else None,
    )


def show_finding(found: Finding) -> ChainFinding:
    """Return a finding as it is shown."""
    return ChainFinding(
        kind=found.kind,
        what=found.what,
        number=found.number,
        position=show_position(found.position) if found.position else None,
        after=show_position(found.after) if found.after else None,
        detail=found.detail,
    )


def _verify(
    connection: Connection, store: SecondStore | None, public_key: str, after: int, limit: int
) -> tuple[int, ChainVerdict]:
    published = Published(store, public_key)
    walker = Walker(connection, published, after=after)
    walker.walk(limit)
    return walker.checked, verdict_of(walker, published, rows.last_number(connection))


def _page(store: SecondStore, query: GetAuditRoots, public_key: str) -> AuditRootPage:
    days = [name.removesuffix(ROOT_SUFFIX) for name in store.names() if name.endswith(ROOT_SUFFIX)]
    older = [day for day in reversed(days) if not query.cursor or day < query.cursor]
    items: list[AuditRoot] = []
    for day in older[: query.limit]:
        root = decode_root(store.read(f"{day}{ROOT_SUFFIX}") or b"")
        if root is not None:  # a damaged one is for VerifyChain to name
            items.append(root)
    following = older[query.limit - 1] if len(older) > query.limit else None
    return AuditRootPage(items, following, public_key)


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise invalid("range", "cursor is not one of ours", field="cursor", actual=cursor[:64])
    return int(cursor)
