"""What many take of one position comes to the whole of it, to the last minor unit, whatever a lot is worth.

Goal: worth at the mark and what the account lacks are shared out without rest, so that the account ends at exactly nothing.
Method: positions, marks and units at random, many on the other side, what the commands move summed with exact integers.
"""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quantumcore.contracts import wire
from quantumcore.contracts.reference import Catalogue
from quantumcore.services.risk.desks.margin.takeovers import MOST_TAKEN, Insurance, TakeOvers
from quantumcore.services.risk.margin import ladder
from quantumcore.services.risk.margin.ladder import Fund, Opposite, Standing
from tests.support.small_venue import SHARE, SHARES, USD, define

GIVER, FUND = 1, 9


def desk(lot_scale: int, tick_scale: int) -> tuple[TakeOvers, Catalogue]:
    """Return the maker of commands over one instrument of these units."""
    commands = (
        wire.DefineCurrency(currency=USD, code="USD", scale=2),
        wire.DefineCurrency(currency=SHARES, code="AAPL", scale=lot_scale),
        define(SHARE, "AAPL", SHARES, lot_scale=lot_scale, tick_scale=tick_scale),
    )
    catalogue = Catalogue.of_definitions(0, b"".join(one.encode() for one in commands))
    rest: dict[str, Any] = dict.fromkeys(("bus", "database", "book", "marks", "log", "reached"))
    definitions: Any = SimpleNamespace(catalogue=catalogue)
    return TakeOvers(definitions=definitions, insurance=Insurance(FUND), **rest), catalogue


@given(
    lots=st.integers(-(10**9), 10**9).filter(bool),
    mark=st.integers(1, 10**7),
    lacking=st.integers(1, 10**10),
    scales=st.tuples(st.integers(0, 6), st.integers(0, 4)),
    others=st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)), max_size=12),
)
def test_what_goes_to_many_comes_to_the_whole_to_the_last_minor_unit(
    lots: int, mark: int, lacking: int, scales: tuple[int, int], others: list[tuple[int, int]]
) -> None:
    taking, catalogue = desk(*scales)
    unit, per = catalogue.instruments[SHARE].unit.as_integer_ratio()
    position = ladder.Position(symbol="AAPL", lots=lots, mark=mark, unit=unit, per=per, margin=1)
    account = ladder.Account(account=GIVER, equity=-lacking, initial=1, maintenance=1, positions=[position])
    sign = -1 if lots > 0 else 1
    opposites = [
        Opposite(account=100 + at, symbol="AAPL", lots=sign * held, profit=1, entry=1, notional=held, equity=equity)
        for at, (held, equity) in enumerate(others)
    ]
    step = ladder.step(account, Standing(), Fund(money=0), opposites)
    sent = taking.commands((GIVER, USD), [position], step.actions, "liq-1-1-1")
    taken = [one for one in sent if isinstance(one, wire.TakeOver)]
    assert sum(one.lots for one in taken) == lots
    assert sum(one.money for one in taken) == lots * mark * unit // per + lacking
    assert all((one.lots > 0) == (lots > 0) for one in taken)
    assert all(abs(one.lots) <= others[one.taker - 100][0] for one in taken if one.taker != FUND)
    cancelled = [(one.account, one.instrument) for one in sent if isinstance(one, wire.MassCancel)]
    assert cancelled == [(one.taker, SHARE) for one in taken if one.taker != FUND]


def test_a_step_takes_so_many_at_most_and_each_pays_its_part() -> None:
    taking, _ = desk(0, 2)
    positions = [ladder.Position(symbol="AAPL", lots=MOST_TAKEN + 7, mark=100, unit=1, margin=1)]
    account = ladder.Account(account=GIVER, equity=-(MOST_TAKEN + 7), initial=1, maintenance=1, positions=positions)
    opposites = [
        Opposite(account=100 + at, symbol="AAPL", lots=-1, profit=1, entry=1, notional=1, equity=1)
        for at in range(MOST_TAKEN + 7)
    ]
    step = ladder.step(account, Standing(), Fund(money=0), opposites)
    sent = taking.commands((GIVER, USD), positions, step.actions, "liq-1-1-1")
    taken = [one for one in sent if isinstance(one, wire.TakeOver)]
    assert [(one.lots, one.money) for one in taken] == [(1, 101)] * MOST_TAKEN
