"""What the audit costs.

Goal: a chain of 50,000 records is verified in seconds, not minutes; entering a batch takes as many statements for the
audit whether it has ten entries or thousands.
Method: a chain of made-up entries over several days; processor time with a generous bound; statements counted.
"""

import time
from pathlib import Path

from sqlalchemy import Connection, event

from quantumcore.adapters.second_store import FileStore
from quantumcore.contracts.days import DAY_NS
from quantumcore.services.ledger import store
from quantumcore.services.ledger.audit.chain import Chain, Row
from quantumcore.services.ledger.audit.merkle import BLOCK
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.publisher import Auditing, Publisher
from quantumcore.services.ledger.audit.verify import Walker
from tests.support.audits import KEY, NOON, days_of_trading
from tests.support.clocks import ManualClock
from tests.support.ledgers import ledger_tables, post

RECORDS = 50_000
VERIFY_S = 10.0
STATEMENTS = 4  # records, nodes, days, the head


def rows(count: int) -> list[Row]:
    return [
        (n, 0, 0, 1, 10 + n % 7, 200, 20, 200, 1, n + 1, str(n % 9), NOON + n * 4 * DAY_NS // count)
        for n in range(1, count + 1)
    ]


async def test_50_000_records_are_verified_in_seconds(tmp_path: Path) -> None:
    async with ledger_tables(tmp_path) as database:
        made = rows(RECORDS)

        def write(connection: Connection) -> None:
            chain = Chain()
            chain.extend(made, made[-1][-1])
            store.write_entries(connection, made)
            store.write_chain(connection, chain, stood=False)

        await database.write(write)
        publisher = Publisher(database, ManualClock(), Auditing(FileStore(tmp_path / "audit"), KEY))
        await publisher.publish()
        assert publisher.roots == 4

        def verify(connection: Connection) -> float:
            began = time.process_time()
            walker = Walker(connection, Published(FileStore(tmp_path / "audit"), publisher.public_key))
            walker.walk(RECORDS + 1)
            assert walker.done
            assert walker.finding is None
            assert walker.checked == RECORDS
            return time.process_time() - began

        spent = await database.read(verify)
    print(f"{RECORDS / spent:,.0f} records per second of a processor")
    assert spent < VERIFY_S


async def test_a_step_of_a_verification_is_bounded(tmp_path: Path) -> None:
    """Whatever the chain's length, a step ends with the block in which its limit is reached."""
    async with ledger_tables(tmp_path) as database:
        made = rows(20 * BLOCK)

        def write(connection: Connection) -> None:
            chain = Chain()
            chain.extend(made, made[-1][-1])
            store.write_entries(connection, made)
            store.write_chain(connection, chain, stood=False)

        await database.write(write)

        def steps(connection: Connection) -> None:
            for limit in (1, BLOCK, 3 * BLOCK + 1):
                walker = Walker(connection, Published(None, ""))
                walker.walk(limit)
                assert limit <= walker.checked < limit + BLOCK

        await database.read(steps)


async def test_the_audit_of_a_batch_is_a_few_statements_however_large_it_is(tmp_path: Path, seed: int) -> None:
    import random

    _, batches = days_of_trading(random.Random(seed), days=1, orders=900)
    counts: dict[int, int] = {}
    for size in (60, len(batches)):
        async with ledger_tables(tmp_path / str(size)) as database:
            said: list[str] = []
            engine = database._writing
            event.listen(engine, "before_cursor_execute", lambda _c, _k, text, *_, said=said: said.append(text))
            await post(database, batches[:size])
            counts[size] = sum("audit_" in text for text in said if not text.startswith("SELECT"))
    assert all(0 < count <= STATEMENTS for count in counts.values()), counts
