"""The matching room and holds by clients: it shows them page by page, and wakes when one is over.

Goal: whoever compares sees every open hold once, however many are closed between; a hold ends at its instant without anybody asking.
Method: the real room with its journal and the native engine, a clock that is moved by hand.
"""

from pathlib import Path

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.matching import EngineHold, GetEngineHolds, Sequence
from quantumcore.services.matching import queries
from tests.integration.test_matching_time import House, house

SECOND_NS = 10**9
OWNER, CURRENCY = 900, 900


async def do(venue: House, command: wire.Command) -> wire.Event:
    done = await venue.bus.request(Sequence(command=command.encode()))
    return wire.decode_events(done.events)[-1]


async def with_money(venue: House) -> None:
    await do(venue, wire.DefineCurrency(currency=CURRENCY, code="HELD", scale=2))
    await do(venue, wire.OpenAccount(account=OWNER, owner=1))
    await do(venue, wire.Transfer(account=OWNER, transfer_id="in", transfer_kind=1, amount=1_000, currency=CURRENCY))


async def test_every_open_hold_stands_on_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "HOLDS_LOOKED_AT", 4)
    async with house(tmp_path) as venue:
        await with_money(venue)
        assert (await venue.bus.request(GetEngineHolds())).holds == []
        placed = []
        for number in range(12):
            command = wire.PlaceHold(account=OWNER, hold_id=f"h{number}", amount=1 + number, currency=CURRENCY)
            placed.append((await do(venue, command)).sequence)
        for number in (4, 5, 6, 7, 11):
            await do(venue, wire.ReleaseHold(account=OWNER, hold_id=f"h{number}"))
        pages, first = [], 0
        while True:
            page = await venue.bus.request(GetEngineHolds(first=first))
            pages.append(page.holds)
            first = page.following
            if not first:
                break
        assert [len(page) for page in pages] == [4, 0, 3]
        assert [hold for page in pages for hold in page] == [
            EngineHold(placed[n], OWNER, CURRENCY, 1 + n, 0, 0) for n in (0, 1, 2, 3, 8, 9, 10)
        ]
        assert page.sequence == venue.engine.sequence


async def test_a_hold_ends_at_its_instant_by_itself(tmp_path: Path) -> None:
    async with house(tmp_path) as venue:
        await with_money(venue)
        ends = venue.clock.now() + 5 * SECOND_NS
        command = wire.PlaceHold(account=OWNER, hold_id="h", amount=1_000, currency=CURRENCY, expires_ns=ends)
        venue.engine.next_deadline = venue.engine._engine.next_deadline  # type: ignore[method-assign]  # its own word
        await do(venue, command)
        assert venue.engine.next_deadline() == ends
        await venue.pass_time(4.9)
        assert len((await venue.bus.request(GetEngineHolds())).holds) == 1
        await venue.pass_time(0.2)
        assert (await venue.bus.request(GetEngineHolds())).holds == []
        assert venue.engine.balances(OWNER) == [(CURRENCY, 1_000, 0)]
