"""The ledger's sealed segments seen from outside its rooms: checked in both places, restored from either, and the drill of that."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from quantumcore.adapters.second_store import FileStore
from quantumcore.adapters.sql import open_database, read_only
from quantumcore.app.audit import ledger_of, public_key
from quantumcore.app.audit_places import DIRECTORY, places_of
from quantumcore.app.settings import Settings
from quantumcore.contracts.errors import Conflict, Corrupted, InvalidCommand, NotFound
from quantumcore.ports.second_store import SecondStore
from quantumcore.services.ledger.audit import rows, segments
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.restore import Restored, first_difference
from quantumcore.services.ledger.audit.roots import day_number

MIGRATIONS = "quantumcore.services.ledger.migrations"
Tell = Callable[[int, int], None]
"""Hears how many days are done, of how many."""


def sealed_days(
    connection: Connection, published: Published, data_dir: Path, retention_days: int
) -> list[segments.Sealed]:
    """Return the days that must be in both places: closed, within the retention, and not beyond what any place has heard of.

    A day is what its signed root says; where that is gone, what the database says.
    """
    chain = rows.chain_of(connection)
    if chain is None:
        return []
    roots = {day_number(root.day): segments.Sealed.of_root(root) for root in published.roots}
    names = [name for store in places_of(data_dir).values() for name in store.names()]
    known = {day for name in names if (day := segments.day_of(name)) is not None} | roots.keys()
    closed = {day.day: segments.Sealed.of_day(chain.shard, day) for day in rows.closed_days(connection)} | roots
    return [closed[day] for day in sorted(closed) if chain.day - retention_days <= day <= max(known, default=-1)]


def check_places(data_dir: Path, days: Sequence[segments.Sealed], tell: Tell) -> tuple[int, list[str]]:
    """Return (how many segments are in both places as they were sealed, what is wrong: place, file, and how)."""
    sound: list[set[str]] = []
    findings: list[str] = []
    places = places_of(data_dir)
    for at, (place, store) in enumerate(places.items()):
        there: set[str] = set()
        sound.append(there)
        if days and not any(segments.day_of(name) is not None for name in store.names()):
            findings.append(f"segments: {place} has none, of {len(days)} days")
            continue
        for done, day in enumerate(days, at * len(days) + 1):
            try:
                there |= {segment.name for segment in segments.segments_in(store, day)}
            except Corrupted as error:
                findings.append(f"segments: {place}: {error.detail}")
            tell(done, len(places) * len(days))
    return len(set.intersection(*sound)), findings


def restore(settings: Settings, place: str, into: Path) -> dict[str, Any]:
    """Make a ledger's file of the segments of one place; return what it has.

    Raises:
        NotFound: `audit.nothing`: nothing is published yet. InvalidCommand: there is no such place.
        Conflict: `audit.exists`: there is such a file. Corrupted: `audit.segment`: a segment is missing or altered.
    """
    places = places_of(settings.data_dir)
    if place not in places:
        raise InvalidCommand("audit.place", f"a place is one of {', '.join(places)}", field="place", actual=place)
    if into.exists():
        raise Conflict("audit.exists", f"{into} is there already", field="file")
    there = {segments.day_of(name) for name in places[place].names()}
    days = [segments.Sealed.of_root(root) for root in _published(settings).roots]
    begin = next((at for at, day in enumerate(days) if day.day in there), None)
    if begin is None:
        raise NotFound("audit.nothing", f"{place} holds no segment of a published day")
    return asyncio.run(_restore(places[place], days[begin:], into))


def drill(settings: Settings) -> dict[str, Any]:
    """Restore from each place into a ledger that is thrown away, and compare every row with what stands.

    Returns:
        By place: days, entries, and `finding`, "" when all is equal.
    """
    published = _published(settings)
    result: dict[str, Any] = {}
    with ledger_of(settings.data_dir) as live, tempfile.TemporaryDirectory(prefix="quantumcore-drill-") as scratch:
        days = sealed_days(live, published, settings.data_dir, settings.ledger_retention_days)
        if not days:
            raise NotFound("audit.nothing", "no day has been sealed yet")
        for place, store in places_of(settings.data_dir).items():
            file = Path(scratch) / f"{place}.sqlite"
            try:
                found = asyncio.run(_restore(store, days, file))
                with read_only(file) as restored:
                    parts = first_difference(live, restored, days)
                result[place] = {**found, "finding": parts and f"not what stands: {parts}"}
            except Corrupted as error:
                result[place] = {"days": 0, "entries": 0, "finding": error.detail}
    return result


def _published(settings: Settings) -> Published:
    published = Published(FileStore(settings.data_dir / DIRECTORY), public_key(settings))
    if published.damage is not None:
        raise Corrupted("audit.corrupted", f"the second store: {published.damage.detail}")
    return published


async def _restore(store: SecondStore, days: Sequence[segments.Sealed], into: Path) -> dict[str, Any]:
    database = await open_database(into, MIGRATIONS)
    try:
        restored, entries = Restored(days[0]), 0
        for day in days:
            for segment in segments.segments_in(store, day):
                await database.write(partial(restored.enter, segment=segment))
                entries += len(segment.rows)
            await database.write(partial(restored.close, last=day))
    finally:
        await database.close()
    return {"days": len(days), "entries": entries}
