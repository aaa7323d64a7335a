"""The gateway's REST API over real rooms.

Goal: what a client sends becomes what the rooms do, and their answers keep the API's shapes.
Method: users, orders and market data are the real rooms over the readable engine; an httpx client speaks ASGI.
"""


async def test_register_login_submit_get_cancel(venue):
    user = await venue.user("walk")
    answer = await user.order(client_order_id="first-1")
    assert answer.status_code == 200, answer.text
    order = answer.json()
    assert order["status"] == "new"
    found = await user.http.get("/v1/orders/client:first-1")
    assert found.json()["order_id"] == order["order_id"]
    book = await venue.client.get("/v1/market/BTC-USD/book?level=2&depth=10")
    assert book.json()["bids"] == [["64000.00", "0.50000", 1]]
    gone = await user.http.delete(f"/v1/orders/{order['order_id']}")
    assert gone.json()["status"] == "cancelled"


ORDER_FIELDS = {
    "order_id", "client_order_id", "account_id", "symbol", "side", "type", "time_in_force", "post_only", "quantity", "price", "status",
    "filled", "leaves", "average_price", "filled_value", "fees", "fills", "sequence", "accepted_at", "updated_at", "reason",
}  # fmt: skip


async def test_an_order_has_the_shape_that_must_not_drift(venue):
    maker, taker = await venue.user(), await venue.user()
    resting = (await maker.order(client_order_id="rests")).json()
    assert set(resting) == ORDER_FIELDS
    assert (resting["status"], resting["average_price"], resting["reason"], resting["fills"]) == ("new", None, None, [])
    assert resting["accepted_at"].endswith("Z")
    assert len(resting["accepted_at"]) == len("2026-11-22T14:00:00.123456789Z")
    filled = (await taker.order(side="sell", quantity="0.2")).json()
    assert (filled["status"], filled["filled"], filled["leaves"]) == ("filled", "0.20000", "0.00000")
    assert filled["average_price"] == "64000.00"
    (fill,) = filled["fills"]
    assert (fill["price"], fill["quantity"], fill["liquidity"]) == ("64000.00", "0.20000", "taker")
    assert len(filled["client_order_id"]) == 32, "a missing id is made and returned"


async def test_a_refused_order_is_an_answer(venue):
    poor = await venue.user(rich=False)
    answer = await poor.order()
    order = answer.json()
    assert answer.status_code == 200
    assert (order["status"], order["reason"], order["scope"]) == ("rejected", "risk.no_funds", "account")
    assert order["limit"] == "0.00"
    assert float(order["actual"]) > 32_000


async def test_off_tick_is_judged_by_the_engine_from_what_was_sent(venue):
    user = await venue.user()
    order = (await user.order(price="64000.005")).json()
    assert (order["status"], order["reason"], order["limit"], order["actual"]) == (
        "rejected",
        "order.price.off_tick",
        "0.010",
        "64000.005",
    )


async def test_an_unknown_symbol_is_a_refused_order(venue):
    user = await venue.user()
    order = (await user.order(symbol="NO-PE")).json()
    assert (order["status"], order["reason"]) == ("rejected", "order.unknown_symbol")


async def test_the_same_id_and_body_is_the_first_answer_another_body_a_conflict(venue):
    user = await venue.user()
    first = (await user.order(client_order_id="once")).json()
    assert (await user.order(client_order_id="once")).json()["order_id"] == first["order_id"]
    other = await user.order(client_order_id="once", quantity="0.6")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.mismatch")


async def test_amend_list_events_and_mass_cancel(venue):
    user = await venue.user()
    made = [(await user.order(client_order_id=f"o-{at}")).json() for at in range(5)]
    amended = await user.http.patch("/v1/orders/client:o-0", json={"quantity": "0.3"})
    assert (amended.status_code, amended.json()["quantity"]) == (200, "0.30000")
    page = (await user.http.get("/v1/orders?status=open&limit=3")).json()
    assert [one["client_order_id"] for one in page["items"]] == ["o-4", "o-3", "o-2"]
    rest = (
        await user.http.get("/v1/orders", params={"status": "open", "limit": 3, "cursor": page["next_cursor"]})
    ).json()
    assert [one["client_order_id"] for one in rest["items"]] == ["o-1", "o-0"]
    events = (await user.http.get("/v1/orders/client:o-0/events")).json()
    assert [one["kind"] for one in events["items"]] == ["accepted", "replaced"]
    gone = (await user.http.delete("/v1/orders?symbol=BTC-USD&side=buy")).json()
    assert gone["order_ids"] == [one["order_id"] for one in made]
    assert (await user.http.get("/v1/orders?status=open")).json()["items"] == []


async def test_a_batch_answers_each_order_by_itself(venue):
    user = await venue.user()
    good = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "0.1", "price": "64000.00"}
    bad = [{**good, "side": "BUY"}, {**good, "account_id": "999"}, {**good, "price": "64000.001"}, 7]
    answer = await user.http.post(
        "/v1/orders:batch", json={"orders": [good, *bad, {**good, "client_order_id": "last"}]}
    )
    items = answer.json()["items"]
    assert answer.status_code == 200, answer.text
    assert [one.get("status") for one in items] == ["new", None, None, "rejected", None, "new"]
    assert [one["error"]["code"] for one in items if "error" in one] == [
        "request.invalid.type",
        "account.not_found",
        "request.invalid.type",
    ]
    assert items[5]["client_order_id"] == "last"
    many = await user.http.post("/v1/orders:batch", json={"orders": [good] * 101})
    assert (many.status_code, many.json()["field"]) == (400, "orders")


async def test_an_atomic_batch_is_accepted_or_refused_whole(venue):
    user = await venue.user()
    good = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "0.1", "price": "64000.00"}
    both = await user.http.post("/v1/orders:batch", json={"orders": [good, {**good, "price": "63000"}], "atomic": True})
    assert (both.status_code, [one["status"] for one in both.json()["items"]]) == (200, ["new", "new"])
    off_tick = {**good, "price": "64000.001", "client_order_id": "off"}
    none = await user.http.post("/v1/orders:batch", json={"orders": [good, off_tick], "atomic": True})
    assert (none.status_code, [one["reason"] for one in none.json()["items"]]) == (
        200,
        ["order.linked", "order.price.off_tick"],
    )
    for bad, field in (
        ({**good, "side": "BUY"}, "orders[1].side"),
        (7, "orders[1]"),
        ({**good, "quantity": "-1"}, "orders[1].quantity"),
        ({**good, "unknown": 1}, "orders[1].unknown"),
    ):
        wrong = await user.http.post("/v1/orders:batch", json={"orders": [good, bad], "atomic": True})
        assert (wrong.status_code, wrong.json()["field"]) == (400, field), wrong.text
    assert len((await user.http.get("/v1/orders?status=open")).json()["items"]) == 2


async def test_reads_follow_own_writes(venue):
    user = await venue.user()
    for at in range(20):
        order = (await user.order(client_order_id=f"o-{at}", price="64000.00", quantity="0.01")).json()
        assert (await user.http.get(f"/v1/orders/{order['order_id']}")).json()["status"] == "new"
        book = (await venue.client.get("/v1/market/BTC-USD/book")).json()
        assert book["sequence"] >= order["sequence"]
        assert book["bids"][0][2] == at + 1


async def test_an_order_of_another_is_unknown(venue):
    alice, bob = await venue.user(), await venue.user()
    order = (await alice.order()).json()
    for answer in (
        await bob.http.get(f"/v1/orders/{order['order_id']}"),
        await bob.http.delete(f"/v1/orders/{order['order_id']}"),
        await bob.http.get(f"/v1/orders/{order['order_id']}?account_id={alice.account_id}"),
        await bob.http.get(f"/v1/accounts/{alice.account_id}/fills"),
    ):
        assert answer.status_code == 404
        assert "not found" in answer.json()["detail"]


async def test_positions_follow_own_trades(venue):
    """What a client was told of his order is in the position that he reads next; events, lots and the method too."""
    alice, bob = await venue.user(), await venue.user()
    base = f"/v1/accounts/{alice.account_id}/positions"
    assert (await alice.http.get(base)).json()["positions"] == []
    chosen = await alice.http.put(f"{base}/BTC-USD/method", json={"method": "fifo"})
    assert (chosen.status_code, chosen.json()["method"]) == (200, "fifo")
    await bob.order(side="sell", quantity="1.0", price="64000.00")
    for at in range(1, 6):
        order = (await alice.order(quantity="0.1", price="64000.00")).json()
        found = (await alice.http.get(base)).json()
        assert found["sequence"] >= order["sequence"]
        (position,) = found["positions"]
        assert (position["quantity"], position["average"]) == (f"0.{at}0000", "64000.00000000")
        assert (position["method"], position["version"], position["cost"]) == ("fifo", at, f"{at * 6400}.00000000")
    events = (await alice.http.get(f"{base}/BTC-USD/events?order=asc&limit=2")).json()
    assert [one["type"] for one in events["items"]] == ["opened", "increased"]
    assert events["items"][0]["time"].endswith("Z")
    rest = (await alice.http.get(f"{base}/BTC-USD/events?order=asc&cursor={events['next_cursor']}")).json()
    assert (len(rest["items"]), rest["next_cursor"]) == (3, None)
    lots = (await alice.http.get(f"{base}/BTC-USD/lots")).json()["lots"]
    assert [lot["opened_by"] for lot in lots] == [one["trade_id"] for one in (*events["items"], *rest["items"])]
    refused = await alice.http.put(f"{base}/BTC-USD/method", json={"method": "average"})
    assert (refused.status_code, refused.json()["code"]) == (409, "position.open")
    for path in (base, f"{base}/BTC-USD/events", f"{base}/BTC-USD/lots"):
        assert (await bob.http.get(path)).status_code == 404
    assert (await bob.http.put(f"{base}/BTC-USD/method", json={"method": "lifo"})).status_code == 404
    unknown = await alice.http.get(f"{base}/NOPE/events")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "instrument.not_found")


async def test_scopes_are_kept(venue):
    viewer, trader = await venue.admin("viewer"), await venue.user()
    assert (await viewer.order()).json()["code"] == "auth.forbidden"
    deposit = {"transfer_id": "d", "kind": "deposit", "currency": "USD", "amount": "1.00"}
    assert (await trader.http.post("/v1/transfers", json=deposit)).status_code == 403
    assert (await trader.http.get("/v1/admin/engine")).status_code == 403
    assert (await trader.http.post("/v1/risk/kill", json={})).status_code == 403


async def test_an_admin_deposits_and_the_user_sees_it(venue):
    admin, user = await venue.admin(), await venue.user(rich=False)
    body = {
        "transfer_id": "d-1",
        "kind": "deposit",
        "account_id": user.account_id,
        "currency": "USD",
        "amount": "100000.00",
    }
    done = await admin.http.post("/v1/transfers", json=body)
    assert done.status_code == 200, done.text
    assert (done.json()["transfer_id"], done.json()["status"]) == ("d-1", "posted")
    balances = (await user.http.get(f"/v1/accounts/{user.account_id}/balances")).json()
    assert set(balances) == {"account_id", "sequence", "balances"}


async def test_one_more_account_can_be_used_at_once(venue):
    user = await venue.user()
    made = await user.http.post("/v1/accounts")
    assert made.status_code == 201
    accounts = [one["account_id"] for one in (await user.http.get("/v1/accounts")).json()["items"]]
    assert accounts == [user.account_id, made.json()["account_id"]]
    unnamed = await user.order()
    assert (unnamed.status_code, unnamed.json()["field"]) == (400, "account_id")
    venue.fund(int(accounts[1]))
    assert (await user.order(account_id=accounts[1])).json()["status"] == "new"


async def test_the_kill_switch_empties_the_book_and_can_be_lifted(venue):
    officer, user = await venue.admin("risk_officer"), await venue.user()
    await user.order()
    engaged = (await officer.http.post("/v1/risk/kill", json={"account_id": user.account_id})).json()
    assert (engaged["engaged"], engaged["cancelled"]) == (True, 1)
    assert (await user.order()).json()["reason"] == "risk.killed"
    assert (await user.http.get("/v1/orders?status=open")).json()["items"] == []
    lifted = (await officer.http.delete(f"/v1/risk/kill?account_id={user.account_id}")).json()
    assert lifted["engaged"] is False
    assert (await user.order()).json()["status"] == "new"


async def test_operators_define_halt_and_change_instruments(venue):
    operator, user = await venue.admin("operator"), await venue.user()
    assert (await operator.http.post("/v1/currencies", json={"code": "SOL", "scale": 9})).status_code == 201
    body = {"symbol": "SOL-USD", "base": "SOL", "quote": "USD", "tick_size": "0.01", "lot_size": "0.1", "max_price": "10000.00",
            "max_quantity": "100000", "max_notional": "1000000.00", "taker_fee": "0.001", "maker_fee": "0.0005"}  # fmt: skip
    made = await operator.http.post("/v1/instruments", json=body)
    assert made.status_code == 201, made.text
    assert (made.json()["taker_fee"], made.json()["lot_size"], made.json()["status"]) == ("0.001", "0.1", "continuous")
    halted = await operator.http.put("/v1/instruments/SOL-USD/status", json={"status": "halted"})
    assert halted.json()["status"] == "halted"
    assert (await user.order(symbol="SOL-USD", price="20.00", quantity="1")).json()["reason"] == "session.halted"
    changed = await operator.http.patch("/v1/instruments/SOL-USD", json={"taker_fee": "0.002"})
    assert (changed.json()["taker_fee"], changed.json()["maker_fee"], changed.json()["status"]) == (
        "0.002",
        "0.0005",
        "halted",
    )
    again = await operator.http.post("/v1/instruments", json={**body, "tick_size": "0.02"})
    assert (again.status_code, again.json()["code"]) == (409, "definition.exists_with_different")
    symbols = [one["symbol"] for one in (await venue.client.get("/v1/instruments")).json()["items"]]
    assert symbols == ["AAPL", "BTC-USD", "SOL-USD"]


async def test_keys_sign_requests_once_and_cannot_make_themselves_stronger(venue):
    import base64
    import hashlib
    import hmac
    import time

    user = await venue.user()
    made = await user.http.post("/v1/auth/keys", json={"label": "bot", "scopes": ["read", "trade"]})
    assert made.status_code == 201, made.text
    key_id, secret = made.json()["key"]["key_id"], made.json()["secret"]

    def sign(method: str, path: str, query: str = "", body: str = "", at: int | None = None) -> dict[str, str]:
        stamp = str(at or time.time_ns() // 1_000_000)
        text = f"{stamp}\n5000\n{method}\n{path}\n{query}\n{body}"
        signature = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
        return {"qc-key": key_id, "qc-timestamp": stamp, "qc-recv-window": "5000", "qc-signature": signature}

    body = '{"symbol":"BTC-USD","side":"buy","type":"limit","quantity":"0.1","price":"64000.00"}'
    headers = {**sign("POST", "/v1/orders", body=body), "content-type": "application/json"}
    assert (await venue.client.post("/v1/orders", content=body, headers=headers)).json()["status"] == "new"
    replayed = await venue.client.post("/v1/orders", content=body, headers=headers)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "auth.unauthenticated")
    stale = sign("GET", "/v1/orders", at=time.time_ns() // 1_000_000 - 10_000)
    assert (await venue.client.get("/v1/orders", headers=stale)).status_code == 401
    altered = {**sign("POST", "/v1/orders", body=body), "content-type": "application/json"}
    assert (
        await venue.client.post("/v1/orders", content=body.replace("0.1", "0.2"), headers=altered)
    ).status_code == 401
    listed = await venue.client.get("/v1/orders?status=open", headers=sign("GET", "/v1/orders", "status=open"))
    assert len(listed.json()["items"]) == 1
    stronger = await venue.client.post("/v1/accounts", headers=sign("POST", "/v1/accounts"))
    assert (stronger.status_code, stronger.json()["code"]) == (403, "auth.forbidden")
    assert (await user.http.delete(f"/v1/auth/keys/{key_id}")).json() == {"revoked": True}
    assert (await venue.client.get("/v1/orders", headers=sign("GET", "/v1/orders"))).status_code == 401


async def test_sessions_refresh_once_and_end_with_the_password(venue):
    user = await venue.user("refresh")
    pair = (await venue.client.post("/v1/auth/refresh", json={"refresh_token": user.tokens["refresh_token"]})).json()
    assert set(pair) == {"access_token", "refresh_token", "token_type", "expires_in"}, pair
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 900)
    me = (await user.http.get("/v1/auth/me")).json()
    assert (me["email"], me["roles"], me["account_ids"]) == ("refresh@example.com", ["trader"], [user.account_id])
    changed = await user.http.post(
        "/v1/auth/password", json={"old_password": "a long enough password", "new_password": "another long password"}
    )
    assert changed.status_code == 204, changed.text
    assert (await user.http.get("/v1/auth/me")).status_code == 401


async def test_registering_twice_is_a_conflict_and_a_wrong_password_nobody(venue):
    await venue.user("twice")
    body = {"email": "twice@example.com", "password": "a long enough password"}
    assert (await venue.client.post("/v1/auth/register", json=body)).json()["code"] == "user.exists"
    wrong = await venue.client.post("/v1/auth/login", json={**body, "password": "not the password"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "auth.unauthenticated")


async def test_admins_manage_users_and_revocation_is_immediate(venue):
    admin, user = await venue.admin(), await venue.user("managed")
    found = (await admin.http.get("/v1/admin/users?email=managed@example.com")).json()["items"]
    assert [one["user_id"] for one in found] == [user.user_id]
    assert (await user.http.get("/v1/accounts")).status_code == 200
    roles = await admin.http.put(f"/v1/admin/users/{user.user_id}/roles", json={"roles": ["viewer"]})
    assert (roles.status_code, roles.json()["roles"]) == (200, ["viewer"])
    assert (await user.http.get("/v1/accounts")).status_code == 401
    assert (await admin.http.post(f"/v1/admin/users/{user.user_id}/disable")).json()["disabled"] is True
    kinds = {one["kind"] for one in (await admin.http.get("/v1/admin/audit")).json()["items"]}
    assert kinds


async def test_messagepack_in_and_out(venue):
    import msgspec

    user = await venue.user()
    body = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "0.1", "price": "64000.00"}
    headers = {"content-type": "application/msgpack", "accept": "application/msgpack"}
    answer = await user.http.post("/v1/orders", content=msgspec.msgpack.encode(body), headers=headers)
    assert answer.headers["content-type"] == "application/msgpack"
    assert msgspec.msgpack.decode(answer.content)["status"] == "new"
    batch = await user.http.post(
        "/v1/orders:batch", content=msgspec.msgpack.encode({"orders": [body]}), headers=headers
    )
    assert msgspec.msgpack.decode(batch.content)["items"][0]["status"] == "new"
    book = await venue.client.get("/v1/market/BTC-USD/book", headers=headers)
    assert msgspec.msgpack.decode(book.content)["bids"][0][1] == "0.20000"


async def test_operations_answer(venue):
    assert (await venue.client.get("/health")).text == "OK"
    assert (await venue.client.get("/ready")).json() == {"ready": True, "reasons": []}
    operator = await venue.admin("operator")
    assert (await operator.http.get("/v1/admin/engine")).json()["sequence"] == venue.venue.engine.sequence
    assert (await operator.http.post("/v1/admin/snapshot")).status_code == 204
    assert "qc_gateway_requests_total" in (await venue.client.get("/metrics")).text


async def test_the_description_names_every_operation_and_resolves(venue):
    api = (await venue.client.get("/openapi.json")).json()
    assert api["openapi"].startswith("3.1")
    assert set(api["paths"]["/v1/orders"]) == {"get", "post", "delete"}
    names = [operation["operationId"] for methods in api["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))
    book = api["paths"]["/v1/market/{symbol}/book"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert [one["$ref"].rpartition("/")[2] for one in book["anyOf"]] == ["Book", "Book3"]
    keyed = api["paths"]["/v1/accounts"]["post"]["parameters"]
    assert [(one["in"], one["name"]) for one in keyed] == [("header", "Idempotency-Key")]
    text = (await venue.client.get("/openapi.json")).text
    import re

    for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert name in api["components"]["schemas"]
    page = await venue.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "//" not in re.sub(r"https?://venue|// ", "", page.text.replace("</", "")) or "src=" not in page.text


async def test_no_origin_may_read_across(venue):
    answer = await venue.client.get("/v1/time", headers={"origin": "https://example.com"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert (await venue.client.options("/v1/orders", headers={"origin": "https://example.com"})).status_code == 405


async def test_the_audit_is_for_admins_and_a_proof_for_whose_entry_it_is(venue):
    admin, user = await venue.admin(), await venue.user()
    for path in ("/v1/admin/audit/verify", "/v1/admin/audit/roots"):
        assert (await user.http.get(path)).status_code == 403
        assert (await venue.client.get(path)).status_code == 401
        assert (await admin.http.get(path)).status_code == 200
    for wrong in ("limit=0", "limit=100001", "limit=x", "since=1"):
        assert (await admin.http.get(f"/v1/admin/audit/verify?{wrong}")).status_code == 400
    answer = await user.http.get(f"/v1/accounts/{user.account_id}/ledger/7.0.0/proof")
    assert (answer.status_code, answer.json()["code"]) == (404, "entry.not_found")
    other = await venue.user()
    assert (await other.http.get(f"/v1/accounts/{user.account_id}/ledger/7.0.0/proof")).status_code == 404
