"""What the matching room says of accounts, over a real shard.

Goal: a page of accounts is of one sequence, has everything that the ledger is compared in, and has a limit.
Method: the matching room alone; accounts with holds, collateral, credit and another state.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quantumcore.adapters.clock import SystemClock
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.adapters.event_log import FileEventLog
from quantumcore.contracts import wire
from quantumcore.contracts.errors import InvalidCommand, NotFound
from quantumcore.contracts.matching import (
    MOST_ACCOUNTS,
    EngineAccount,
    EngineBalance,
    GetEngineAccount,
    GetEngineAccounts,
    GetEngineStatus,
    SequenceBatch,
)
from quantumcore.services.matching.service import MatchingService
from tests.support.shards import market, open_shard, order

FUNDS = 10**15
NOBODY = 4711


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[EmbeddedBus]:
    bus, log = EmbeddedBus(), FileEventLog(tmp_path / "events")
    room = MatchingService(bus, log, SystemClock(), lambda told: open_shard(tmp_path, told), market())
    room.attach()
    await room.start()
    yield bus
    await room.stop()
    await bus.close()
    log.close()


async def test_a_page_of_accounts_is_of_one_sequence_and_has_what_is_compared(bus: EmbeddedBus) -> None:
    aside = wire.Leg(debit_account=2, debit_code=0, credit_account=2, credit_code=220, currency=1, amount=70)
    commands = [
        wire.SetCredit(account=1, currency=1, limit=5).encode(),
        wire.PostGroup(account=0, group_id="g", count=1, legs=aside.encode()).encode(),
        wire.SetAccountTerms(account=3, state=2).encode(),
        order(2, price=100, quantity=1),
    ]
    await bus.request(SequenceBatch(commands=commands))
    page = await bus.request(GetEngineAccounts(accounts=[3, 1, 2, NOBODY]))
    assert page.sequence == (await bus.request(GetEngineStatus())).sequence
    assert [(one.account, one.state, one.sequence) for one in page.accounts] == [
        (3, 2, page.sequence),
        (1, 1, page.sequence),
        (2, 1, page.sequence),
        (NOBODY, 0, page.sequence),
    ]
    frozen, lent, holding, nobody = (one.balances for one in page.accounts)
    assert frozen[0] == EngineBalance(1, FUNDS, 0, 0, 0)
    assert lent[0] == EngineBalance(1, FUNDS, 0, 0, 5)
    assert (holding[0].total, holding[0].collateral) == (FUNDS - 70, 70)
    assert sum(one.held for one in holding) > 0
    assert nobody == []
    alone = await bus.request(GetEngineAccount(account=2))
    assert alone == EngineAccount(2, page.sequence, holding, 1)


async def test_more_accounts_than_a_page_has_are_refused(bus: EmbeddedBus) -> None:
    whole = await bus.request(GetEngineAccounts(accounts=[1] * MOST_ACCOUNTS))
    assert len(whole.accounts) == MOST_ACCOUNTS
    with pytest.raises(InvalidCommand) as caught:
        await bus.request(GetEngineAccounts(accounts=[1] * (MOST_ACCOUNTS + 1)))
    refused = caught.value
    assert (refused.field, refused.limit, refused.actual) == ("accounts", "100", "101")


async def test_an_account_that_was_never_opened_is_not_found(bus: EmbeddedBus) -> None:
    with pytest.raises(NotFound) as caught:
        await bus.request(GetEngineAccount(account=NOBODY))
    assert caught.value.code == "account.not_found"
