"""A million random operations on money, against exact rational arithmetic.

Goal: after any deposits, withdrawals, transfers, groups, reversals, repeats, credit, frozen accounts, orders with fees and
rebates, and busts, every balance, hold and house account is what money.md says, to the last unit; debits equal credits; the
invariants of money.md 2.11 hold; an operation that is refused has changed nothing.
Method: the native engine and the ledger's own projection of its events, beside a model in plain dictionaries and fractions
that shares no code with either (tests/support/exact_ledger.py, exact_orders.py). What the model decides it decides before
the engine is asked. 20,000 operations, a million under `make fuzz`; a failure names its seed and the operation.
"""

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from quantumcore.contracts.reference import Catalogue
from quantumcore.services.ledger import queries, store
from quantumcore.services.ledger.tables import accounts, credit_lines, holds, states
from tests.support.audits import audited
from tests.support.exact_ledger import BANK, COLLATERAL, HOUSE, OPEN, OWN, ROUNDING, Key
from tests.support.exact_play import CUSTOMERS, Play

OPERATIONS = 125_000 if os.environ.get("QC_TEST_PROFILE") == "fuzz" else 2_500
TOGETHER = 250
"""Operations after which everything is compared."""


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(8))
async def test_the_ledger_has_what_exact_rationals_say(tmp_path: Path, seed: int, part: int) -> None:
    play, catalogue = Play(seed), Catalogue()
    async with audited(tmp_path) as books:
        for _ in range(OPERATIONS // TOGETHER):
            for _ in range(TOGETHER):
                play.play()
            batches, play.batches = play.batches, []
            for batch in batches:
                for event in batch.events:
                    catalogue.apply(event)
            await books.database.write(lambda c, told=batches: store.post(c, told, catalogue))
            where = f"seed {seed}, after operation {play.made}"
            await books.database.read(lambda connection, at=where: compare(connection, play, at))
        await books.database.read(lambda connection: check_holds(connection, f"seed {seed}, at the end"))
        await books.publisher.publish()
        assert await books.sound(), f"the audit's chain is not whole (seed {seed})"
    print(f"seed {seed}: {play.made} operations, {play.counts}")
    assert play.counts["fills"] > play.made // 20  # not a market in which nothing happens
    for kind in ("Transfer", "PostGroup", "SetCredit", "SetAccountTerms", "BustTrade"):
        assert play.counts[f"{kind} done"], kind
    assert play.counts["PostGroup INSUFFICIENT"]
    assert play.counts["Transfer repeat"]


def compare(connection: Connection, play: Play, where: str) -> None:
    """Compare every row that says something of money with the model, and the engine's own balances too."""
    found = connection.execute(select(accounts)).all()
    stands: dict[Key, tuple[int, int]] = {}
    held: dict[tuple[int, int], int] = {}
    for owner, currency, code, debits, credits_, on_hold, _ in found:
        key = owner, currency, {210: OWN, 110: BANK}.get(code, code)
        assert key not in stands, f"two accounts for one ({where})"
        stands[key] = int(debits), int(credits_)
        if key[2] == OWN:
            held[owner, currency] = on_hold
    ledger = play.ledger
    expected = {key: (ledger.debits[key], ledger.credits[key]) for key in {**ledger.debits, **ledger.credits}}
    for (_, currency, code), (debits, credits_) in list(expected.items()):
        if code in (OWN, COLLATERAL):  # the control account is the sum of its customers
            control = HOUSE, currency, code
            before = expected.get(control, (0, 0))
            expected[control] = before[0] + debits, before[1] + credits_
    assert _some(stands) == _some(expected), where
    on_hold = dict(ledger.held)
    for (_, currency), amount in ledger.held.items():
        on_hold[HOUSE, currency] = on_hold.get((HOUSE, currency), 0) + amount
    assert _some(held) == _some(on_hold), where

    _compare_holds(connection, play, where)
    limits = {(row.owner, row.currency): row.credit_limit for row in connection.execute(select(credit_lines))}
    assert _some(limits) == _some(ledger.limits), where
    shut = {row.account: row.state for row in connection.execute(select(states)) if row.state != OPEN}
    assert shut == {account: state for account, state in ledger.states.items() if state != OPEN}, where
    assert store.read_cursor(connection) == play.engine.sequence, where
    for account in CUSTOMERS:
        own = {currency: pair for currency, *pair in play.engine.balances(account)}
        ours = {c: [ledger.balance((account, c, OWN)), ledger.held[account, c]] for c in own}
        assert own == ours, where
    assert play.engine.open_orders() == len(play.orders.orders), where
    _invariants(connection, play, stands, where)


def check_holds(connection: Connection, where: str) -> None:
    """See that no hold, of any order that ever was, has a negative part, or something open after its order has ended."""
    for row in connection.execute(select(holds)):
        hold = store.hold_of(row)
        assert min(hold.placed, hold.captured, hold.released, hold.open) >= 0, where
        assert not (hold.done and hold.open), where


def _compare_holds(connection: Connection, play: Play, where: str) -> None:
    """Each open hold is its order's, to the unit; placed = captured + released + open by construction."""
    at_work = [store.hold_of(row) for row in connection.execute(select(holds).where(holds.c.done.is_(False)))]
    working = {hold.name: (hold.account, hold.currency, hold.open) for hold in at_work}
    orders = play.orders.orders
    assert working == {name: (one.account, one.currency, one.hold) for name, one in orders.items()}, where


def _invariants(connection: Connection, play: Play, stands: Mapping[Key, tuple[int, int]], where: str) -> None:
    """money.md 2.11: sum 0 per currency, no account below its rule, rounding >= 0; and the trial balance is balanced."""
    _, trial = queries.trial_rows(connection)
    sums: dict[int, int] = defaultdict(int)
    for key, row in trial.items():
        assert min(row.debits, row.credits) >= 0, where
        sums[key.currency] += row.debits - row.credits
    assert not any(sums.values()), where
    for (owner, currency, code), (debits, credits_) in stands.items():
        if owner != HOUSE and code == OWN:
            below = play.ledger.limits[owner, currency] + play.ledger.below[owner, currency]
            assert credits_ - debits - play.ledger.held[owner, currency] + below >= 0, where
        elif code in (COLLATERAL, ROUNDING):
            assert credits_ >= debits, where
    play.engine.check()


def _some(rows: Mapping) -> dict:
    """Return the rows that are not all zero."""
    return {key: row for key, row in rows.items() if (any(row) if isinstance(row, tuple) else row)}
