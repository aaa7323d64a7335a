"""What goes wrong in the portfolio room says where.

Goal: every error that leaves the room carries the operation, the masked account, the symbol and the request; and the chain of
its causes.
Method: faults of every kind in every room and table that it asks. All `raise` statements of the room are read from its source,
and each must have been reached by one of the faults: whoever adds one adds its fault here.
"""

import ast
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts.errors import Internal, NotFound, OutcomeUnknown, QuantumCoreError, Unavailable
from quantumcore.contracts.ledger import GetBalances
from quantumcore.contracts.market import GetTickers
from quantumcore.contracts.portfolio import (
    GetConversion,
    GetFxSnapshot,
    GetPerformance,
    GetPortfolio,
    GetValuationHistory,
    GivenRate,
    PublishFxSnapshot,
    SetReportingCurrency,
)
from quantumcore.contracts.positions import GetPositions
from quantumcore.contracts.reference import GetReference
from quantumcore.services.portfolio import service
from tests.support.portfolio_room import Room, World, portfolio_room
from tests.support.portfolios import NO_CURRENCY, T0, view

ROOM = Path(service.__file__).parent
ALICE = 100123
MASKED = "1001****"
BIG = str(2**64)


def raises() -> set[tuple[str, int]]:
    """Return where the room raises, but for where it says where."""
    found = set()
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and node.exc is not None and path.name != "where.py":
                found.add((path.name, node.lineno))
    return found


def raised_at(error: BaseException | None) -> Iterator[tuple[str, int]]:
    """Yield where `error` and its causes were raised, as far as it was in the room."""
    while error is not None:
        for frame in traceback.extract_tb(error.__traceback__):
            if Path(frame.filename).parent == ROOM:
                yield Path(frame.filename).name, frame.lineno or 0
        error = error.__cause__ or error.__context__


def small_world() -> World:
    world = World()
    world.hold(ALICE, USD="10.00", AAPL="1")
    world.take(ALICE, view("AAPL", "1", "1", "2.00"))
    return world


def foreign(world: World, **changes: Any) -> None:
    """Give the account a position in euros; `changes` spoil it."""
    world.hold(ALICE, BTC="1.00000000")
    world.take(ALICE, view("BTC-EUR", "1.00000000", "1", "1.00", currency="EUR"))
    known = world.positions[ALICE]["BTC-EUR"]
    world.positions[ALICE]["BTC-EUR"] = type(known)(
        **{**{n: getattr(known, n) for n in known.__struct_fields__}, **changes}
    )


def spoiled(**changes: Any) -> Callable[[World], None]:
    def spoil(world: World) -> None:
        known = world.positions[ALICE]["AAPL"]
        world.positions[ALICE]["AAPL"] = type(known)(
            **{**{n: getattr(known, n) for n in known.__struct_fields__}, **changes}
        )

    return spoil


def failing(kind: type, error: Exception) -> Callable[[World], None]:
    def spoil(world: World) -> None:
        def fault(question: object) -> None:
            if isinstance(question, kind):
                raise error

        world.fault = fault

    return spoil


def never_still(world: World) -> None:
    def fault(question: object) -> None:
        if isinstance(question, GetPositions):
            world.take(ALICE, view("AAPL", "1", "1", "2.00"))

    world.fault = fault


def held(**balances: str) -> Callable[[World], None]:
    return lambda world: world.hold(ALICE, **balances)


def rates(*given: tuple[str, str, str], **changes: Any) -> PublishFxSnapshot:
    values = {"snapshot_id": "next", "source": "s", "time_ns": T0, "request_id": "r-1"}
    return PublishFxSnapshot(
        **{**values, "rates": [GivenRate(base=b, quote=q, rate=r) for b, q, r in given], **changes}
    )


PORTFOLIO = GetPortfolio(account=ALICE, request_id="r-1")
CONVERT = GetConversion(currency="USD", to_currency="EUR", amount="1.00", request_id="r-1")
EUR_USD = ("EUR", "USD", "1.1")
GONE = Unavailable("unavailable", "the room is gone", retry_after=1.0)

FAULTS: dict[str, tuple[Any, Callable[[World], None], str]] = {
    # (what is asked, what is wrong, the symbol it is about)
    "no such account": (GetPortfolio(account=999999, request_id="r-1"), lambda _: None, "*"),
    "the ledger is gone": (PORTFOLIO, failing(GetBalances, GONE), "*"),
    "the ledger is late": (PORTFOLIO, failing(GetBalances, OutcomeUnknown("outcome.unknown", "late")), "*"),
    "the ledger is broken": (PORTFOLIO, failing(GetBalances, RuntimeError("a defect")), "*"),
    "positions are gone": (PORTFOLIO, failing(GetPositions, GONE), "*"),
    "the market is gone": (PORTFOLIO, lambda w: (w.hold(ALICE, BTC="1.00000000"), failing(GetTickers, GONE)(w)), "*"),
    "nothing stands still": (PORTFOLIO, never_still, "*"),
    "no rate at all": (PORTFOLIO, held(EUR="1.00"), "EUR/USD"),
    "no such rate": (PORTFOLIO, held(EUR="1.00"), "EUR/USD"),
    "an old rate": (PORTFOLIO, held(EUR="1.00"), "EUR/USD"),
    "priced in what has no rate": (PORTFOLIO, foreign, "EUR/USD"),
    "a deposit priced in what has no rate": (
        PORTFOLIO,
        lambda w: (w.hold(ALICE, BTC="1.00000000"), w.last.update({"BTC-EUR": "1.00"})),
        "EUR/USD",
    ),
    "a balance that is none": (PORTFOLIO, held(USD="x"), "USD"),
    "a quantity that is none": (PORTFOLIO, spoiled(quantity="x"), "AAPL"),
    "a cost that is none": (PORTFOLIO, spoiled(cost="x"), "AAPL"),
    "a result in euros of other places": (PORTFOLIO, lambda w: foreign(w, realised="1.0"), "BTC-EUR"),
    "a result in euros that is none": (PORTFOLIO, lambda w: foreign(w, realised="x.00000000"), "BTC-EUR"),
    "a quantity in euros that is none": (PORTFOLIO, lambda w: foreign(w, quantity="x"), "BTC-EUR"),
    "an instrument that nobody knows": (
        PORTFOLIO,
        lambda w: w.take(ALICE, view("NEW-USD", "1", "1", "2.00")),
        "NEW-USD",
    ),
    "a currency that nobody knows": (PORTFOLIO, held(**{NO_CURRENCY: "1.00"}), NO_CURRENCY),
    "no currency of that name": (
        SetReportingCurrency(account=ALICE, currency=NO_CURRENCY, request_id="r-1"),
        lambda _: None,
        NO_CURRENCY,
    ),
    "matching is gone": (
        SetReportingCurrency(account=ALICE, currency=NO_CURRENCY, request_id="r-1"),
        failing(GetReference, GONE),
        "*",
    ),
    "a page of none": (GetValuationHistory(account=ALICE, limit=0, request_id="r-1"), lambda _: None, "*"),
    "a cursor that is none": (GetValuationHistory(account=ALICE, cursor="x", request_id="r-1"), lambda _: None, "*"),
    "a rate of nothing": (GetPerformance(account=ALICE, risk_free="x", request_id="r-1"), lambda _: None, "*"),
    "no snapshot of that name": (GetFxSnapshot(snapshot_id="never", request_id="r-1"), lambda _: None, "*"),
    "nothing to convert at": (CONVERT, lambda _: None, "USD/EUR"),
    "an amount of too many places": (
        GetConversion(currency="USD", to_currency="EUR", amount="0.001", request_id="r-1"),
        lambda _: None,
        "*",
    ),
    "an amount that is too large": (
        GetConversion(currency="BTC", to_currency="EUR", amount="9" * 12, request_id="r-1"),
        lambda _: None,
        "*",
    ),
    "no rates": (rates(), lambda _: None, "*"),
    "a source of nothing": (rates(EUR_USD, source=""), lambda _: None, "*"),
    "a time to come": (rates(EUR_USD, time_ns=T0 * 2), lambda _: None, "*"),
    "a name that is none": (rates(EUR_USD, snapshot_id="a b"), lambda _: None, "*"),
    "a base that is none": (rates(("e", "USD", "1")), lambda _: None, "*"),
    "a pair of one": (rates(("EUR", "EUR", "1")), lambda _: None, "*"),
    "a pair given twice": (rates(EUR_USD, ("USD", "EUR", "0.9")), lambda _: None, "*"),
    "no rate in a rate": (rates(rates=[GivenRate(base="EUR", quote="USD")]), lambda _: None, "*"),
    "a rate that is none": (rates(("EUR", "USD", "x")), lambda _: None, "*"),
    "a rate of zero": (rates(("EUR", "USD", "0")), lambda _: None, "*"),
    "a rate beyond 64 bits": (rates(("EUR", "USD", BIG)), lambda _: None, "*"),
    "a denominator that is none": (
        rates(rates=[GivenRate(base="EUR", quote="USD", numerator="1", denominator="0")]),
        lambda _: None,
        "*",
    ),
    "a triangle that disagrees": (
        rates(EUR_USD, ("USD", "JPY", "100"), ("EUR", "JPY", "120")),
        lambda _: None,
        "JPY/USD",
    ),
    "another of its name": (rates(EUR_USD, snapshot_id="first"), lambda _: None, "*"),
    "an older one": (rates(EUR_USD, time_ns=T0 - 1), lambda _: None, "*"),
}


async def fail(room: Room, name: str) -> QuantumCoreError:
    """Return the error of a fault, as it leaves the room."""
    asked, spoil, _ = FAULTS[name]
    if name in ("no such rate", "another of its name", "an older one"):
        await room.publish("first", GBP_USD="1.25")
    if name == "an old rate":
        await room.publish(EUR_USD="1.25")
        room.clock.turn(86_402)
    if "in euros" in name:
        await room.publish(EUR_USD="1.25")
    spoil(room.world)
    handler = {
        GetPortfolio: room.service.portfolio,
        SetReportingCurrency: room.service.set_reporting_currency,
        GetValuationHistory: room.service.history,
        GetPerformance: room.service.performance,
        GetFxSnapshot: room.service._desk.get,
        GetConversion: room.service._desk.convert,
        PublishFxSnapshot: room.service._desk.publish,
    }[type(asked)]
    with pytest.raises(QuantumCoreError) as caught:
        await handler(asked)
    return caught.value


@pytest.mark.hazard("C6")
@pytest.mark.parametrize("name", FAULTS)
async def test_an_error_says_operation_account_symbol_and_request(tmp_path: Path, name: str) -> None:
    asked, _, symbol = FAULTS[name]
    async with portfolio_room(tmp_path, small_world(), tries=2) as room:
        error = await fail(room, name)
    account = "*" if not hasattr(asked, "account") else MASKED if asked.account == ALICE else "9999****"
    wanted = {"operation": type(asked).__name__, "account": account, "symbol": symbol, "request_id": "r-1"}
    assert error.context == wanted
    assert isinstance(error.__cause__, QuantumCoreError)


@pytest.mark.hazard("C6")
async def test_every_raise_of_the_room_has_a_fault_that_reaches_it(tmp_path: Path) -> None:
    reached: set[tuple[str, int]] = set()
    for at, name in enumerate(FAULTS):
        async with portfolio_room(tmp_path / str(at), small_world(), tries=2) as room:
            reached |= set(raised_at(await fail(room, name)))
    assert raises() - reached == set()


@pytest.mark.parametrize("when", ["read", "write"])
async def test_a_table_that_fails_is_told_with_its_place_and_nothing_is_half_done(tmp_path: Path, when: str) -> None:
    world = small_world()
    foreign(world)
    async with portfolio_room(tmp_path, world) as room:
        await room.publish(EUR_USD="1.25")

        async def gone(_work: object) -> None:
            raise Unavailable("unavailable", "the database did not take it", retry_after=1.0)

        database = room.service._database
        setattr(database, when, gone)
        with pytest.raises(Unavailable) as caught:
            await room.service.portfolio(PORTFOLIO)
        assert caught.value.context == {
            "operation": "GetPortfolio",
            "account": MASKED,
            "symbol": "*",
            "request_id": "r-1",
        }
        delattr(database, when)
        assert (await room.service.portfolio(PORTFOLIO)).pnl.fx_unrealised == "0.00000000"


async def test_a_question_that_was_not_answered_in_time_has_a_known_outcome(tmp_path: Path) -> None:
    """Nothing was to be done, so nothing is in doubt."""
    async with portfolio_room(tmp_path, small_world()) as room:
        error = await fail(room, "the ledger is late")
    assert (type(error), error.code, error.retryable) == (Unavailable, "unavailable", True)


async def test_all_who_wait_for_one_valuation_hear_of_their_own_request(tmp_path: Path) -> None:
    import asyncio

    async with portfolio_room(tmp_path, small_world()) as room:
        FAULTS["the ledger is gone"][1](room.world)
        asked = [GetPortfolio(account=ALICE, request_id=f"r-{n}") for n in range(5)]
        found = await asyncio.gather(*(room.service.portfolio(one) for one in asked), return_exceptions=True)
    assert [one.context["request_id"] for one in found if isinstance(one, Unavailable)] == [f"r-{n}" for n in range(5)]


async def test_a_defect_of_another_room_keeps_its_chain(tmp_path: Path) -> None:
    async with portfolio_room(tmp_path, small_world()) as room:
        error = await fail(room, "the ledger is broken")
    causes = []
    cause: BaseException | None = error
    while cause is not None:
        causes.append(str(cause))
        cause = cause.__cause__
    assert isinstance(error, Internal)
    assert "RuntimeError: a defect" in causes[-1]
    assert not isinstance(error, NotFound)
