"""Further types, times and flags at the gateway: every word of the API arrives, every answer shows it, operators are heard.

Goal: nothing that a client may say is lost or changed on its way in, and nothing that an order has is missing on its way out.
Method: scripted rooms that record what they were asked; the gateway's own application in between.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.market import Auction, GetAuction, GetMarketStatus, MarketStatus, Uncrossed
from quantumcore.contracts.matching import Sequence, Sequenced
from quantumcore.contracts.order_queries import (
    GetOrder,
    GetOrderEvents,
    GetQueuePosition,
    OrderHistory,
    OrderUpdate,
    QueuePlace,
)
from quantumcore.contracts.orders import (
    AmendOrder,
    Busted,
    BustTrade,
    CancelAllAfter,
    CancelTimer,
    Fill,
    LinkedResult,
    SubmitLinked,
    SubmitOrder,
)
from quantumcore.contracts.reference import Currency, GetReference, Reference
from quantumcore.contracts.terms import LinkView, OrderTerms, TermsView
from tests.support.scripted_rooms import BEARER, ORDER, PLACED, TOKEN, Rooms, identity, order_view, rooms
from tests.unit.test_orders_views import PLAIN

NOON_NS = 1_798_113_600 * 10**9
NOON = "2026-12-24T12:00:00Z"
ID = "00000000-0000-0000-0001-00000000ffff"


@pytest.fixture
async def gate() -> AsyncIterator[Rooms]:
    async with rooms() as opened:
        yield opened


async def asked(gate: Rooms, **changes: Any) -> SubmitOrder:
    """Submit an order and return what reached the orders room."""
    body = {k: v for k, v in {**ORDER, "client_order_id": "a", **changes}.items() if v is not None}
    answer = await gate.client.post("/v1/orders", json=body, headers=BEARER)
    assert answer.status_code == 200, answer.text
    return next(one for one in reversed(gate.asked) if isinstance(one, SubmitOrder))


@pytest.mark.parametrize(
    "changes, terms",
    [
        ({"type": "stop", "price": None, "stop_price": "5"}, OrderTerms(stop_price="5")),
        ({"type": "stop_limit", "stop_price": "5", "trigger": "mark"}, OrderTerms(stop_price="5", trigger="mark")),
        ({"type": "trailing_stop", "price": None, "trail": {"percent": "1.5"}}, OrderTerms(trail="1.5", trail_unit="percent")),
        ({"type": "trailing_stop", "price": None, "trail": {"amount": "2"}}, OrderTerms(trail="2", trail_unit="amount")),
        (
            {"type": "trailing_stop_limit", "price": None, "trail": {"ticks": 7}, "limit_offset": "0.05"},
            OrderTerms(trail="7", trail_unit="ticks", limit_offset="0.05"),
        ),
        ({"display": "1", "display_range": "0.5", "seed": 9}, OrderTerms(display="1", display_range="0.5", seed=9)),
        ({"min_quantity": "1"}, OrderTerms(min_quantity="1")),
        ({"hidden": True}, OrderTerms(hidden=True)),
        ({"all_or_none": True, "reduce_only": True}, OrderTerms(all_or_none=True, reduce_only=True)),
        ({"type": "pegged", "peg": {"reference": "mid"}}, OrderTerms(peg="mid", peg_offset="0")),
        ({"type": "pegged", "peg": {"reference": "primary", "offset": "-0.01"}}, OrderTerms(peg="primary", peg_offset="-0.01")),
        ({"type": "market", "price": None, "budget": "100"}, OrderTerms(budget="100")),
        ({"time_in_force": "gtt", "expires_at": NOON}, OrderTerms(expires_ns=NOON_NS)),
        ({"time_in_force": "gtd", "expires_at": NOON}, OrderTerms(expires_ns=NOON_NS)),
        ({"time_in_force": "gtd", "expires_at": "2026-12-24"}, OrderTerms(expires_on="2026-12-24")),
        ({"post_only": "slide"}, OrderTerms(slide=True)),
        ({"short_exempt": True}, OrderTerms(short_exempt=True)),
    ],
)  # fmt: skip
async def test_every_term_reaches_the_orders_room(gate: Rooms, changes: dict[str, Any], terms: OrderTerms) -> None:
    command = await asked(gate, **changes)
    assert command.terms == terms
    assert command.type == changes.get("type", "limit")
    assert command.session == 0


@pytest.mark.parametrize("post_only, flag", [(True, True), ("reject", True), (False, False), (None, False)])
async def test_a_plain_order_stays_a_plain_one(gate: Rooms, post_only: object, flag: bool) -> None:
    command = await asked(gate, post_only=post_only)
    assert (command.terms, command.post_only) == (None, flag)


@pytest.mark.parametrize("tif", ["at_open", "at_close", "good_for_auction", "closing_cross", "day"])
async def test_every_time_in_force_is_taken(gate: Rooms, tif: str) -> None:
    assert (await asked(gate, time_in_force=tif)).time_in_force == tif


async def test_an_answer_shows_the_terms_and_what_is_waited_for(gate: Rooms) -> None:
    gate.answer(
        SubmitOrder,
        lambda ask: order_view(
            ask,
            waiting="parent",
            triggered_ns=NOON_NS,
            terms=TermsView(
                stop_price="5.00",
                trigger="last",
                trail="7",
                trail_unit="ticks",
                display="1",
                refills=2,
                peg="mid",
                peg_offset="0.01",
                expires_ns=NOON_NS,
                hidden=True,
                short_exempt=True,
            ),
            link=LinkView("oco", "first", [ID, ID]),
        ),
    )
    body = (await gate.client.post("/v1/orders", json={**ORDER, "hidden": True}, headers=BEARER)).json()
    further = {
        "triggered_at": "2026-12-24T12:00:00.000000000Z",
        "stop_price": "5.00",
        "trigger": "last",
        "trail": {"ticks": 7},
        "display": "1",
        "refills": 2,
        "hidden": True,
        "short_exempt": True,
        "peg": {"reference": "mid", "offset": "0.01", "working_price": None},
        "expires_at": "2026-12-24T12:00:00.000000000Z",
    }
    assert {name: body[name] for name in further} == further
    assert not {"display_range", "limit_offset", "all_or_none", "reduce_only", "slide", "budget"} & body.keys()
    assert body["waiting"] == "parent"
    assert body["link"] == {"kind": "oco", "role": "first", "order_ids": [ID, ID]}


async def test_a_plain_answer_says_nothing_of_terms(gate: Rooms) -> None:
    body = (await gate.client.post("/v1/orders", json=ORDER, headers=BEARER)).json()
    assert not {"waiting", "triggered_at", "stop_price", "display", "hidden", "link"} & body.keys()


async def test_the_history_says_why(gate: Rooms) -> None:
    view = order_view(PLACED)
    fill = Fill("t", ID, "a", "7", "BTC-USD", "buy", "1", "1", "maker", "0", "USD", 3, 0, 0, busted="cancel")
    updates = [
        OrderUpdate(7, 2, 0, 0, "triggered", view, None, "last"),
        OrderUpdate(7, 3, 0, 0, "busted", view, fill, "cancel"),
        OrderUpdate(7, 4, 0, 0, "cancelled", view),
    ]
    gate.answer(GetOrder, view)
    gate.answer(GetOrderEvents, OrderHistory(updates, 4))
    items = (await gate.client.get(f"/v1/orders/{ID}/events", headers=BEARER)).json()["items"]
    assert [(one["kind"], one.get("cause")) for one in items] == [
        ("triggered", "last"),
        ("busted", "cancel"),
        ("cancelled", None),
    ]
    assert items[1]["fill"]["busted"] == "cancel"


async def test_linked_orders_are_one_command_and_an_answer_for_each(gate: Rooms) -> None:
    gate.answer(SubmitLinked, lambda ask: LinkedResult([order_view(one, n + 1) for n, one in enumerate(ask.orders)]))
    orders = [{**ORDER, "client_order_id": "x"}, {**ORDER, "client_order_id": "y", "side": "sell"}]
    answer = await gate.client.post("/v1/orders:linked", json={"link": "oco", "orders": orders}, headers=BEARER)
    assert [one["client_order_id"] for one in answer.json()["items"]] == ["x", "y"]
    (ask,) = (one for one in gate.asked if isinstance(one, SubmitLinked))
    assert (ask.link, [one.side for one in ask.orders]) == ("oco", ["buy", "sell"])


async def test_the_dead_mans_switch_is_armed_and_disarmed(gate: Rooms) -> None:
    gate.answer(CancelAllAfter, lambda ask: CancelTimer(5, NOON_NS if ask.timeout_s else 0))
    armed = await gate.client.post("/v1/orders:cancel-all-after", json={"timeout_s": 60}, headers=BEARER)
    assert armed.json() == {"account_id": "7", "deadline": "2026-12-24T12:00:00.000000000Z", "sequence": 5}
    off = await gate.client.post("/v1/orders:cancel-all-after", json={"timeout_s": 0}, headers=BEARER)
    assert off.json()["deadline"] is None


async def test_an_amendment_may_name_stop_and_display(gate: Rooms) -> None:
    gate.answer(AmendOrder, order_view(PLACED))
    await gate.client.patch(f"/v1/orders/{ID}", json={"stop_price": "5", "display": "2"}, headers=BEARER)
    (ask,) = (one for one in gate.asked if isinstance(one, AmendOrder))
    assert (ask.stop_price, ask.display, ask.price, ask.quantity) == ("5", "2", None, None)


async def test_a_place_in_the_queue_is_shown(gate: Rooms) -> None:
    place = QueuePlace(order_id=ID, sequence=4, price="1.00", position=3, orders_ahead=2, quantity_ahead="0.5")
    gate.answer(GetQueuePosition, place)
    answer = (await gate.client.get(f"/v1/orders/{ID}/queue", headers=BEARER)).json()
    assert (answer["position"], answer["orders_ahead"], answer["quantity_ahead"]) == (3, 2, "0.5")


@pytest.mark.parametrize(
    "body, field, rule",
    [
        ({"trail": {}}, "trail", "range"),
        ({"trail": {"amount": "1", "ticks": 3}}, "trail", "range"),
        ({"trail": {"percent": "one"}}, "trail.percent", "decimal"),
        ({"trail": {"ticks": "3"}}, "trail.ticks", "type"),
        ({"trail": {"ticks": 0}}, "trail.ticks", "range"),
        ({"trail": "1"}, "trail", "type"),
        ({"trail": {"miles": "1"}}, "trail.miles", "unknown_field"),
        ({"peg": {"reference": "best"}}, "peg.reference", "type"),
        ({"peg": {"offset": "1"}}, "peg.reference", "missing"),
        ({"peg": {"reference": "mid", "offset": "x"}}, "peg.offset", "decimal"),
        ({"stop_price": "-0"}, "stop_price", "negative_zero"),
        ({"stop_price": 5}, "stop_price", "type"),
        ({"display": "1e3"}, "display", "decimal"),
        ({"display_range": "NaN"}, "display_range", "decimal"),
        ({"min_quantity": ""}, "min_quantity", "decimal"),
        ({"budget": "9" * 30}, "budget", "overflow"),
        ({"limit_offset": "0." + "1" * 19}, "limit_offset", "places"),
        ({"seed": -1}, "seed", "range"),
        ({"seed": 2**32}, "seed", "range"),
        ({"trigger": "moon"}, "trigger", "type"),
        ({"hidden": "yes"}, "hidden", "type"),
        ({"post_only": "later"}, "post_only", "type"),
        ({"expires_at": "tomorrow", "time_in_force": "gtt"}, "expires_at", "time"),
        ({"expires_at": "2026-12-24", "time_in_force": "gtt"}, "expires_at", "time"),
        ({"expires_at": "1960-01-01T00:00:00Z", "time_in_force": "gtt"}, "expires_at", "range"),
        ({"expires_at": "2500-01-01T00:00:00Z", "time_in_force": "gtt"}, "expires_at", "range"),
    ],
)
async def test_a_term_of_the_wrong_shape_never_leaves_the_gateway(gate: Rooms, body, field, rule) -> None:
    answer = await gate.client.post("/v1/orders", json={**ORDER, **body}, headers=BEARER)
    found = answer.json()
    assert (answer.status_code, found["code"], found["field"]) == (400, f"request.invalid.{rule}", field)
    assert gate.count(SubmitOrder) == 0


@pytest.mark.parametrize(
    "path, body, field",
    [
        ("/v1/orders:linked", {"link": "triangle", "orders": [ORDER, ORDER]}, "link"),
        ("/v1/orders:linked", {"link": "oco", "orders": [ORDER]}, "orders"),
        ("/v1/orders:linked", {"link": "oco", "orders": [ORDER] * 4}, "orders"),
        ("/v1/orders:linked", {"link": "oco", "orders": [ORDER, {**ORDER, "side": "BUY"}]}, "orders[1].side"),
        ("/v1/orders:linked", {"link": "oco", "orders": [ORDER, {**ORDER, "price": None}]}, "orders[1].price"),
        ("/v1/orders:linked", {"link": "oco", "orders": [{**ORDER, "quantity": "0"}, ORDER]}, "orders[0].quantity"),
        ("/v1/orders:linked", {"link": "oco", "orders": [ORDER, {**ORDER, "trail": {}}]}, "orders[1].trail"),
        ("/v1/orders:cancel-all-after", {"timeout_s": -1}, "timeout_s"),
        ("/v1/orders:cancel-all-after", {"timeout_s": 301}, "timeout_s"),
        ("/v1/orders:cancel-all-after", {"timeout_s": "60"}, "timeout_s"),
        ("/v1/orders:cancel-all-after", {"timeout_s": 1.5}, "timeout_s"),
    ],
)
async def test_a_bad_link_or_timer_is_refused_by_name(gate: Rooms, path, body, field) -> None:
    answer = await gate.client.post(path, json=body, headers=BEARER)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert gate.count(SubmitLinked) == gate.count(CancelAllAfter) == 0


# ---------------------------------------------------------------------------------------------------------- operators


def sequenced(gate: Rooms) -> None:
    """Let matching answer every command with one event, and remember the commands."""
    usd, btc = Currency(1, "USD", 2), Currency(2, "BTC", 8)
    gate.answer(GetReference, Reference(1, 0, [usd, btc], [PLAIN]))
    done = wire.CommandDone(1, 0, 77, 0, 0, 0, 9, 0, 0, 0, 0).encode()
    gate.answer(Sequence, lambda _ask: Sequenced(77, 0, done))


def command(gate: Rooms) -> wire.Command:
    return wire.decode_command(next(one for one in reversed(gate.asked) if isinstance(one, Sequence)).command)


@pytest.fixture
def operator(gate: Rooms) -> dict[str, str]:
    gate.tokens[TOKEN] = identity(scopes=["read", "operate"])
    sequenced(gate)
    return BEARER


PHASES = ("continuous", "halted", "closed", "pre_open", "opening_call", "intraday_call", "volatility_call", "closing_call",
          "closing_cross", "paused", "post_close")  # fmt: skip


@pytest.mark.parametrize("number, phase", list(enumerate(PHASES, start=1)))
async def test_an_operator_names_every_phase(gate: Rooms, operator, number: int, phase: str) -> None:
    answer = await gate.client.put("/v1/admin/instruments/BTC-USD/phase", json={"phase": phase}, headers=operator)
    assert answer.status_code == 200, answer.text
    assert command(gate) == wire.SetInstrumentStatus(instrument=1, status=number)
    assert (
        await gate.client.put("/v1/instruments/BTC-USD/status", json={"status": phase}, headers=operator)
    ).is_success


@pytest.mark.parametrize("name, kind", [("mark", wire.SetMark), ("reference", wire.SetReference)])
async def test_an_operator_sets_and_takes_away_a_price(gate: Rooms, operator, name, kind) -> None:
    path = f"/v1/admin/instruments/BTC-USD/{name}"
    answer = await gate.client.put(path, json={"price": "64000.5"}, headers=operator)
    assert answer.json() == {"symbol": "BTC-USD", "price": "64000.50", "sequence": 77}
    assert command(gate) == kind(instrument=1, price=6_400_050)
    assert (await gate.client.put(path, json={"price": None}, headers=operator)).json()["price"] is None
    assert command(gate) == kind(instrument=1, price=0)
    off = await gate.client.put(path, json={"price": "0.005"}, headers=operator)
    assert (off.status_code, off.json()["field"]) == (400, "price")


async def test_an_operator_sets_and_takes_away_the_quote_of_other_markets(gate: Rooms, operator) -> None:
    path = "/v1/admin/instruments/BTC-USD/quote"
    answer = await gate.client.put(path, json={"bid": "64000.5", "ask": "64001"}, headers=operator)
    assert answer.json() == {"symbol": "BTC-USD", "bid": "64000.50", "ask": "64001.00", "sequence": 77}
    assert command(gate) == wire.SetQuote(instrument=1, bid=6_400_050, ask=6_400_100)
    gone = await gate.client.put(path, json={"bid": None, "ask": "64001.00"}, headers=operator)
    assert (gone.json()["bid"], gone.json()["ask"]) == (None, "64001.00")
    assert command(gate) == wire.SetQuote(instrument=1, bid=0, ask=6_400_100)
    for body, field in (
        ({"bid": "0.005", "ask": None}, "bid"),
        ({"bid": None, "ask": "0.005"}, "ask"),
        ({"bid": "1"}, "ask"),
    ):
        off = await gate.client.put(path, json=body, headers=operator)
        assert (off.status_code, off.json()["field"]) == (400, field)


async def test_an_operator_says_how_large_a_market_is(gate: Rooms, operator) -> None:
    path = "/v1/admin/instruments/BTC-USD/size"
    answer = await gate.client.put(path, json={"open_interest": "12.5", "daily_volume": None}, headers=operator)
    assert answer.json() == {"symbol": "BTC-USD", "open_interest": "12.50000", "daily_volume": None, "sequence": 77}
    assert command(gate) == wire.SetMarketSize(instrument=1, open_interest=1_250_000)
    for body, field, limit in (
        ({"open_interest": "0", "daily_volume": None}, "open_interest", "0.00001"),
        ({"open_interest": None, "daily_volume": "-1"}, "daily_volume", "0.00001"),
        ({"open_interest": None, "daily_volume": "90071992547410"}, "daily_volume", "90071992547.40992"),
        ({"open_interest": "0.0000000001", "daily_volume": None}, "open_interest", "0.00001"),
        ({"open_interest": "1"}, "daily_volume", None),
    ):
        off = await gate.client.put(path, json=body, headers=operator)
        assert (off.status_code, off.json()["field"], off.json().get("limit")) == (400, field, limit)


async def test_an_operator_sets_all_rules_at_once(gate: Rooms, operator) -> None:
    rules = {"allocation": "pro_rata", "static_band": "0.1", "dynamic_band": "0.05", "call_ms": 120_000, "velocity": "0.02", "velocity_ms": 500}  # fmt: skip
    answer = await gate.client.put("/v1/admin/instruments/BTC-USD/rules", json=rules, headers=operator)
    assert answer.json()["static_band"] == "0.1"
    assert command(gate) == wire.SetTradingRules(
        instrument=1,
        allocation=1,
        static_band=10_000_000,
        dynamic_band=5_000_000,
        call_ns=120 * 10**9,
        velocity=2_000_000,
        velocity_ns=500 * 10**6,
    )


async def test_an_operator_groups_accounts(gate: Rooms, operator) -> None:
    answer = await gate.client.put("/v1/admin/accounts/42/group", json={"group": 5}, headers=operator)
    assert answer.json() == {"account_id": "42", "group": 5, "sequence": 77}
    assert command(gate) == wire.SetGroup(account=42, group=5)


async def test_an_operator_busts_a_trade(gate: Rooms, operator) -> None:
    done = Busted(
        trade_id=ID, symbol="BTC-USD", action="price", buyer="7", seller="8", price="9.00", quantity="1", paid_back="1.00",
        received_back="1.00", buyer_fee_back="0.00", seller_fee_back="0.00", currency="USD", sequence=78, repeat=False,
    )  # fmt: skip
    gate.answer(BustTrade, done)
    body = {"action": "price", "price": "9.00"}
    answer = await gate.client.post(f"/v1/admin/trades/{ID}/bust", json=body, headers=operator)
    assert (answer.json()["buyer"], answer.json()["repeat"]) == ("7", False)
    (ask,) = (one for one in gate.asked if isinstance(one, BustTrade))
    assert ask == BustTrade(trade_id=ID, action="price", price="9.00")


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("PUT", "/v1/admin/instruments/BTC-USD/phase", {"phase": "halted"}),
        ("PUT", "/v1/admin/instruments/BTC-USD/mark", {"price": None}),
        ("PUT", "/v1/admin/instruments/BTC-USD/reference", {"price": None}),
        ("PUT", "/v1/admin/instruments/BTC-USD/quote", {"bid": None, "ask": None}),
        ("PUT", "/v1/admin/instruments/BTC-USD/size", {"open_interest": None, "daily_volume": None}),
        ("PUT", "/v1/admin/instruments/BTC-USD/rules", {}),
        ("PUT", "/v1/admin/accounts/42/group", {"group": 5}),
        ("POST", f"/v1/admin/trades/{ID}/bust", {"action": "cancel"}),
    ],
)
async def test_nobody_else_does(gate: Rooms, method: str, path: str, body: dict[str, Any]) -> None:
    sequenced(gate)
    answer = await gate.client.request(method, path, json=body, headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
    assert gate.count(Sequence) == gate.count(BustTrade) == 0


async def test_everybody_sees_phase_and_auction(gate: Rooms) -> None:
    gate.answer(
        GetMarketStatus, MarketStatus("BTC-USD", 5, "volatility_call", "band", "upper", "70.00", NOON_NS, NOON_NS)
    )
    last = Uncrossed("65.00", "2", "-1", "opening_call", 4, NOON_NS)
    gate.answer(GetAuction, Auction("BTC-USD", 6, "volatility_call", None, "0", "0", last))
    status = (await gate.client.get("/v1/market/BTC-USD/status")).json()
    assert (status["status"], status["cause"]) == ("volatility_call", "band")
    assert status["limit_state"] == {"side": "upper", "band": "70.00", "until": "2026-12-24T12:00:00.000000000Z"}
    auction = (await gate.client.get("/v1/market/BTC-USD/auction")).json()
    assert (auction["price"], auction["last"]["price"], auction["last"]["imbalance"]) == (None, "65.00", "-1")
