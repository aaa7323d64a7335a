"""POST /v1/risk/preview: what an order would do is what it does, and asking leaves nothing behind.

Goal: a client sees the engine's own answer in the words of orders, for his accounts alone; nothing is sent, counted or remembered.
Method: the gateway and the orders room over the readable engine; the real matching room with its journal.
"""

from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.auth import Identity
from quantumcore.contracts.errors import Forbidden, InvalidCommand
from quantumcore.contracts.matching import PreviewSubmission
from quantumcore.services.gateway.identity import Caller
from quantumcore.services.gateway.settings import GatewaySettings
from tests.integration.test_matching_time import house as matching_house
from tests.support.gateway_house import House, User, house

BODY = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "0.5", "price": "64000.00"}
URL = "/v1/risk/preview"


async def asked(user: User, **changes: Any) -> dict[str, Any]:
    body = {k: v for k, v in {**BODY, **changes}.items() if v is not None}
    answer = await user.http.post(URL, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_is_shown_is_what_the_order_then_does(venue: House) -> None:
    alice, bob = await venue.user(), await venue.user()
    await bob.order(side="sell", quantity="0.2", price="63990.00")
    await bob.order(side="sell", quantity="0.1", price="63995.00")
    told = await asked(alice)
    assert told == {
        "account_id": alice.account_id, "symbol": "BTC-USD", "side": "buy", "outcome": "accepted",
        "sequence": venue.venue.engine.sequence, "reason": None, "scope": None, "limit": None, "actual": None, "text": None,
        "order_id": None, "price": "64000.00", "quantity": "0.50000", "hold": "32032.00", "hold_currency": "USD", "waits": False,
        "trades": [{"price": "63990.00", "quantity": "0.20000"}, {"price": "63995.00", "quantity": "0.10000"}],
        "traded": "0.30000", "average_price": "63991.66666667", "worst_price": "63995.00", "amount": "19197.50", "fees": "19.20",
        "currency": "USD", "left": "0.20000", "cancel_reason": None, "complete": True, "margin": None,
    }  # fmt: skip
    order = (await alice.order()).json()
    assert (order["filled"], order["leaves"], order["average_price"], order["fees"], order["filled_value"]) == (
        told["traded"], told["left"], told["average_price"], told["fees"], told["amount"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"type": "market", "price": None}, {"price": "66675.00", "hold": "33370.84", "cancel_reason": "order.cancel.immediate_or_cancel"}),
        ({"time_in_force": "fok"}, {"cancel_reason": "order.cancel.fill_or_kill", "traded": "0.00000", "average_price": None}),
        ({"post_only": True}, {"outcome": "refused", "reason": "order.post_only", "limit": "64000.00", "actual": "64000.00", "scope": "order"}),
        ({"post_only": "slide"}, {"price": "63999.99", "left": "0.50000"}),
        ({"reduce_only": True}, {"outcome": "refused", "reason": "risk.reduce_only", "scope": "account", "price": None, "trades": []}),
        ({"type": "stop", "price": None, "stop_price": "65000"}, {"waits": True, "left": "0.50000", "price": "68250.00"}),
        ({"display": "0.1"}, {"traded": "0.10000", "left": "0.40000"}),
        ({"quantity": "0.000001"}, {"reason": "order.quantity.off_lot", "limit": "0.000010", "actual": "0.000001"}),
        ({"price": "1.001"}, {"reason": "order.price.off_tick", "text": "price 1.001 is no multiple of the tick 0.010"}),
        ({"symbol": "NO-SUCH"}, {"outcome": "refused", "reason": "order.unknown_symbol", "scope": "instrument", "limit": None}),
        ({"quantity": "10000000"}, {"reason": "risk.no_funds", "scope": "account"}),
    ],
    ids=lambda value: "-".join(map(str, value)) if "outcome" not in value else "",
)  # fmt: skip
async def test_every_kind_is_judged_as_an_order_of_it(venue: House, changes, wanted) -> None:
    alice, bob = await venue.user(), await venue.user()
    await bob.order(side="sell", quantity="0.1")
    await bob.order(side="buy", quantity="0.1", price="63000.00")
    told = await asked(alice, **changes)
    assert {name: told[name] for name in wanted} == wanted
    order = (await alice.order(**changes)).json()
    assert (order["status"] == "rejected") == (told["outcome"] == "refused")
    if told["outcome"] == "refused":
        assert {name: order[name] for name in ("reason", "scope", "limit", "actual", "text")} == {
            "reason": told["reason"],
            "scope": told["scope"],
            "limit": order["limit"] if told["limit"] is None else told["limit"],
            "actual": order["actual"] if told["actual"] is None else told["actual"],
            "text": told["text"],
        }


async def test_an_id_that_is_known_is_told_and_one_that_is_asked_for_stays_free(venue: House) -> None:
    alice = await venue.user()
    assert (await asked(alice, client_order_id="mine"))["outcome"] == "accepted"
    order = (await alice.order(client_order_id="mine", quantity="0.7")).json()
    assert order["status"] == "new", "a preview took the id"
    known = await asked(alice, client_order_id="mine", quantity="0.7")
    assert (known["outcome"], known["order_id"], known["price"]) == ("known", order["order_id"], None)
    other = await asked(alice, client_order_id="mine")
    assert (other["outcome"], other["reason"], other["order_id"]) == (
        "refused",
        "idempotency.mismatch",
        order["order_id"],
    )


async def test_asking_sends_nothing_and_spends_no_allowance_of_orders(tmp_path: Path) -> None:
    async with house(
        tmp_path, GatewaySettings(rate_user=10**6, rate_orders=3, rate_peer=10**6, rate_login=10**6)
    ) as venue:
        alice = await venue.user()
        before = (venue.venue.requests, venue.venue.engine.sequence, venue.venue.engine.state_hash())
        for _ in range(10):
            await asked(alice)
        assert (venue.venue.requests, venue.venue.engine.sequence, venue.venue.engine.state_hash()) == before


async def test_an_account_of_somebody_else_is_not_found_and_nobody_asks_without_a_log_in(venue: House) -> None:
    alice, bob = await venue.user(), await venue.user()
    answer = await alice.http.post(URL, json={**BODY, "account_id": bob.account_id})
    assert (answer.status_code, answer.json()["code"]) == (404, "account.not_found")
    assert (await venue.client.post(URL, json=BODY)).status_code == 401


@pytest.mark.parametrize(
    ("scopes", "may"),
    [(("read",), True), (("trade",), True), (("read", "trade"), True), (("ledger",), False), ((), False)],
)
def test_who_may_read_or_trade_may_ask(scopes, may) -> None:
    caller = Caller(
        Identity(user_id="u", session_id="s", scopes=list(scopes), accounts=[7], is_admin=False, expires_ns=0),
        "u",
        by_key=True,
    )
    if may:
        caller.need("read or trade")
    else:
        with pytest.raises(Forbidden) as refused:
            caller.need("read or trade")
        assert refused.value.limit == "read or trade"


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"quantity": "0"}, "quantity", "range"),
        ({"quantity": 1}, "quantity", "type"),
        ({"price": None}, "price", "range"),
        ({"side": "hold"}, "side", "type"),
        ({"link": "oco"}, "link", "unknown_field"),
        ({"orders": []}, "orders", "unknown_field"),
        ({"client_order_id": "a b"}, "client_order_id", "id"),
        ({"type": "stop", "price": None}, "stop_price", "missing"),
        ({"stop_price": "1e3"}, "stop_price", "decimal"),
        ({"cancel_on_disconnect": True}, "cancel_on_disconnect", "range"),
    ],
)
async def test_a_wrong_shape_is_an_error_as_of_an_order(venue: House, changes, field, rule) -> None:
    alice = await venue.user()
    body = {k: v for k, v in {**BODY, **changes}.items() if v is not None}
    answer = await alice.http.post(URL, json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        400,
        f"request.invalid.{rule}",
        field,
    )


async def test_the_real_room_asks_its_engine_between_two_batches_and_writes_nothing(tmp_path: Path) -> None:
    order = wire.SubmitOrder(instrument=1, account=900, side=1, order_type=2, time_in_force=1, self_trade_prevention=0, flags=0,
                             price=1, price_scale=0, quantity=1, quantity_scale=0, session=0, client_id="")  # fmt: skip
    async with matching_house(tmp_path) as venue:
        before = (venue.engine.sequence, venue.engine.state_hash(), venue.engine.snapshot())
        told = await venue.bus.request(PreviewSubmission(command=order.encode()))
        assert (told.reason, told.scope, told.sequence, told.limit) == (3, 2, before[0], "0")
        for bad in (b"", order.encode() * 2, wire.AdvanceTime().encode()):
            with pytest.raises(InvalidCommand) as refused:
                await venue.bus.request(PreviewSubmission(command=bad))
            assert refused.value.code == "request.invalid"
        assert (venue.engine.sequence, venue.engine.state_hash(), venue.engine.snapshot()) == before
