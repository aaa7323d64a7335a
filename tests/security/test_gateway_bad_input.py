"""Whatever is sent, the gateway answers with a typed error and a stable code; a defect is never the client's answer.

Method: a table of bad requests, each with its status, code, field and rule; then seeded mutations of good bodies.
"""

import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from quantumcore.contracts.auth import VerifySignature, VerifyToken
from quantumcore.contracts.errors import Conflict, NotFound, OutcomeUnknown
from quantumcore.contracts.market import GetBook
from quantumcore.contracts.orders import BatchResult, CancelOrder, ErrorView, SubmitBatch, SubmitOrder
from tests.support.gateway_house import GENEROUS
from tests.support.scripted_rooms import BEARER, ORDER, Rooms, rooms

JSON = {"content-type": "application/json"}
PROBLEM_FIELDS = {
    "type", "title", "status", "detail", "code", "field", "rule", "limit", "actual", "retryable", "outcome", "request_id",
}  # fmt: skip


@pytest.fixture
async def gate() -> AsyncIterator[Rooms]:
    async with rooms() as opened:
        yield opened


def order(**changes: object) -> bytes:
    return json.dumps({**ORDER, **changes}).encode()


def raw(field: str, text: str) -> bytes:
    """An order whose `field` is the JSON text `text`, which need not be JSON at all."""
    rest = {key: value for key, value in ORDER.items() if key != field}
    return (json.dumps(rest)[:-1] + f', "{field}": {text}}}').encode()


BAD = [
    ("nothing at all", b"", 400, "request.invalid.malformed", None, "malformed"),
    ("cut in the middle", order()[:-7], 400, "request.invalid.malformed", None, "malformed"),
    ("text after the end", order() + b"x", 400, "request.invalid.malformed", None, "malformed"),
    ("no UTF-8", b'{"symbol": "\xff\xfe"}', 400, "request.invalid.malformed", None, "malformed"),
    ("a list", b"[]", 400, "request.invalid.type", None, "type"),
    ("null", b"null", 400, "request.invalid.type", None, "type"),
    ("a bare NaN", b"NaN", 400, "request.invalid.malformed", None, "malformed"),
    ("nested too deeply", b'{"symbol": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "request.invalid.type", None, "type"),
    ("deep and unknown", b'{"x": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, 400, "request.invalid.unknown_field", None, "unknown_field"),
    ("an unknown field", order(foo=1), 400, "request.invalid.unknown_field", "foo", "unknown_field"),
    ("another letter case", order(Symbol="BTC-USD"), 400, "request.invalid.unknown_field", "Symbol", "unknown_field"),
    ("no side", json.dumps({k: v for k, v in ORDER.items() if k != "side"}).encode(), 400, "request.invalid.missing", "side", "missing"),
    ("side in capitals", order(side="BUY"), 400, "request.invalid.type", "side", "type"),
    ("an empty side", order(side=""), 400, "request.invalid.type", "side", "type"),
    ("an empty symbol", order(symbol=""), 400, "request.invalid.range", "symbol", "range"),
    ("a long symbol", order(symbol="A" * 25), 400, "request.invalid.range", "symbol", "range"),
    ("a number for a quantity", order(quantity=0.5), 400, "request.invalid.type", "quantity", "type"),
    ("an integer for a price", order(price=100), 400, "request.invalid.type", "price", "type"),
    ("NaN for a price", raw("price", "NaN"), 400, "request.invalid.malformed", None, "malformed"),
    ("Infinity for a price", raw("price", "-Infinity"), 400, "request.invalid.malformed", None, "malformed"),
    ("1e400 as a number", raw("quantity", "1e400"), 400, "request.invalid.type", "quantity", "type"),
    ("1e400 as text", order(quantity="1e400"), 400, "request.invalid.decimal", "quantity", "decimal"),
    ("NaN as text", order(price="NaN"), 400, "request.invalid.decimal", "price", "decimal"),
    ("an empty price", order(price=""), 400, "request.invalid.decimal", "price", "decimal"),
    ("a blank price", order(price=" 1"), 400, "request.invalid.decimal", "price", "decimal"),
    ("a plus sign", order(price="+1"), 400, "request.invalid.decimal", "price", "decimal"),
    ("Arabic digits", order(price="١٢"), 400, "request.invalid.decimal", "price", "decimal"),
    ("a negative zero", order(price="-0.00"), 400, "request.invalid.negative_zero", "price", "negative_zero"),
    ("a quantity of zero", order(quantity="0.0"), 400, "request.invalid.range", "quantity", "range"),
    ("a negative quantity", order(quantity="-1"), 400, "request.invalid.range", "quantity", "range"),
    ("more than 63 bits", order(quantity="9" * 30), 400, "request.invalid.overflow", "quantity", "overflow"),
    ("19 places", order(price="0." + "1" * 19), 400, "request.invalid.places", "price", "places"),
    ("a limit order without price", order(price=None), 400, "request.invalid.range", "price", "range"),
    ("an order type of later", order(type="iceberg"), 400, "request.invalid.type", "type", "type"),
    ("a time in force of later", order(time_in_force="until_noon"), 400, "request.invalid.type", "time_in_force", "type"),
    ("an id with a blank", order(client_order_id="a b"), 400, "request.invalid.id", "client_order_id", "id"),
    ("an id of 37", order(client_order_id="a" * 37), 400, "request.invalid.range", "client_order_id", "range"),
    ("an id with a line feed", order(client_order_id="a\n"), 400, "request.invalid.id", "client_order_id", "id"),
    ("a number for a flag", order(post_only=1), 400, "request.invalid.type", "post_only", "type"),
    ("a number for an account", order(account_id=7), 400, "request.invalid.type", "account_id", "type"),
    ("an account of another", order(account_id="8"), 404, "account.not_found", "account_id", None),
    ("an account that is none", order(account_id="07"), 404, "account.not_found", "account_id", None),
    ("a stop price as a number", order(type="stop", stop_price=5), 400, "request.invalid.type", "stop_price", "type"),
    ("a trail of two units", order(type="trailing_stop", trail={"amount": "1", "ticks": 1}), 400, "request.invalid.range", "trail", "range"),
    ("a trail that nobody knows", order(trail={"miles": "1"}), 400, "request.invalid.unknown_field", "trail.miles", "unknown_field"),
    ("a peg to nothing", order(type="pegged", peg={}), 400, "request.invalid.missing", "peg.reference", "missing"),
    ("a peg of many lists", order(peg=[[]]), 400, "request.invalid.type", "peg", "type"),
    ("a display of 1e9", order(display="1e9"), 400, "request.invalid.decimal", "display", "decimal"),
    ("a budget of 40 digits", order(budget="9" * 40), 400, "request.invalid.overflow", "budget", "overflow"),
    ("a seed of 33 bits", order(seed=2**32), 400, "request.invalid.range", "seed", "range"),
    ("a post_only of later", order(post_only="maybe"), 400, "request.invalid.type", "post_only", "type"),
    ("an expiry without zone", order(time_in_force="gtt", expires_at="2026-12-24T12:00:00"), 400, "request.invalid.time", "expires_at", "time"),
    ("an expiry in 1901", order(time_in_force="gtt", expires_at="1901-01-01T00:00:00Z"), 400, "request.invalid.range", "expires_at", "range"),
    ("a day that is none", order(time_in_force="gtd", expires_at="24.12.2026"), 400, "request.invalid.time", "expires_at", "time"),
    ("10 MB", b'{"symbol": "' + b"A" * 10_000_000 + b'"}', 413, "request.too_large", None, None),
]  # fmt: skip


@pytest.mark.parametrize("body,status,code,field,rule", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
@pytest.mark.hazard("C1")
async def test_a_bad_order_is_refused_by_name(gate, body, status, code, field, rule):
    answer = await gate.client.post("/v1/orders", content=body, headers={**BEARER, **JSON})
    found = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(found) == PROBLEM_FIELDS
    assert (answer.status_code, found["code"]) == (status, code), found
    assert found["status"] == status
    assert found["outcome"] == "rejected"
    assert found["retryable"] is False
    assert found["request_id"] == answer.headers["x-request-id"]
    if field is not None:
        assert found["field"] == field
    if rule is not None:
        assert found["rule"] == rule
    assert gate.count(SubmitOrder) == 0, "nothing may reach the orders room"


async def test_a_long_body_without_a_length_is_refused_as_it_comes(gate):
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 64:
            sent += 1
            yield b" " * 65_536

    answer = await gate.client.post("/v1/orders", content=body(), headers={**BEARER, **JSON})
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


async def test_a_body_of_exactly_the_limit_is_read(gate):
    text = order()
    body = text + b" " * (GENEROUS.body_bytes - len(text))
    assert (await gate.client.post("/v1/orders", content=body, headers={**BEARER, **JSON})).status_code == 200
    answer = await gate.client.post("/v1/orders", content=body + b" ", headers={**BEARER, **JSON})
    assert answer.status_code == 413


async def test_a_slow_body_is_given_up():
    async with rooms(replace(GENEROUS, body_timeout_s=0.05)) as gate:

        async def body() -> AsyncIterator[bytes]:
            import asyncio

            yield b"{"
            await asyncio.sleep(30)

        answer = await gate.client.post("/v1/orders", content=body(), headers={**BEARER, **JSON})
    assert (answer.status_code, answer.json()["code"]) == (408, "request.timeout")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_another_content_type_is_refused(gate, kind):
    answer = await gate.client.post("/v1/orders", content=order(), headers={**BEARER, "content-type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "request.content_type")


async def test_the_last_of_a_doubled_key_counts(gate):
    body = order()[:-1] + b', "side": "sell"}'
    answer = await gate.client.post("/v1/orders", content=body, headers={**BEARER, **JSON})
    assert answer.json()["side"] == "sell"


@pytest.mark.parametrize(
    "path,status,code,field",
    [
        ("/v1/market/NOPE/book", 404, "instrument.not_found", "symbol"),
        ("/v1/market/btc-usd/book", 404, "instrument.not_found", "symbol"),
        ("/v1/market//book", 404, "instrument.not_found", "symbol"),
        ("/v1/market/%00/book", 404, "instrument.not_found", "symbol"),
        ("/v1/market/BTC-USD/book?depth=0", 400, "request.invalid.range", "depth"),
        ("/v1/market/BTC-USD/book?depth=501", 400, "request.invalid.range", "depth"),
        ("/v1/market/BTC-USD/book?depth=ten", 400, "request.invalid.type", "depth"),
        ("/v1/market/BTC-USD/book?depth=" + "9" * 5000, 400, "request.invalid.type", "depth"),
        ("/v1/market/BTC-USD/book?level=4", 400, "request.invalid.range", "level"),
        ("/v1/market/BTC-USD/book?levels=2", 400, "request.invalid.unknown_field", "levels"),
        ("/v1/market/BTC-USD/book?depth=1&depth=2", 400, "request.invalid.range", "depth"),
        ("/v1/market/BTC-USD/book?depth=%ff", 400, "request.invalid.malformed", None),
        ("/v1/market/BTC-USD/ticker?x=1", 400, "request.invalid.unknown_field", "query"),
        ("/v1/market/BTC-USD/candles", 404, "route.not_found", None),
        ("/v1/Market/BTC-USD/book", 404, "route.not_found", None),
        ("/v1/time/", 404, "route.not_found", None),
        ("/v1//time", 404, "route.not_found", None),
    ],
)
async def test_a_bad_path_or_query_is_refused_by_name(gate, path, status, code, field):
    def nobody(ask: GetBook) -> None:
        raise NotFound("instrument.not_found", "instrument not found", field="symbol")

    gate.answer(GetBook, nobody)
    answer = await gate.client.get(path)
    found = answer.json()
    assert (answer.status_code, found["code"]) == (status, code)
    if field is not None:
        assert found["field"] == field


async def test_another_method_is_405_and_says_which_there_are(gate):
    answer = await gate.client.put("/v1/orders", headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (405, "request.method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET, POST"
    assert (await gate.client.put("/v1/orders/x", headers=BEARER)).headers["allow"] == "DELETE, GET, PATCH"


@pytest.mark.parametrize("name", ["authorization", "content-type", "qc-key", "qc-signature", "host"])
async def test_a_header_that_stands_twice_is_refused(gate, name):
    """Of two, a proxy in front could judge the one and we the other."""
    headers = [("authorization", BEARER["authorization"]), ("content-type", "application/json")]
    headers += [(name, "x"), (name, "y")]
    answer = await gate.client.post("/v1/orders", content=order(), headers=headers)
    found = answer.json()
    assert (answer.status_code, found["code"], found["field"]) == (400, "request.invalid.header", name)
    assert gate.count(SubmitOrder) == 0
    doubled = [("authorization", BEARER["authorization"]), ("x-harmless", "1"), ("x-harmless", "2")]
    assert (await gate.client.post("/v1/orders", json=ORDER, headers=doubled)).status_code == 200


async def test_an_error_inside_a_batch_names_its_rule_too(gate):
    gate.answer(SubmitBatch, BatchResult([ErrorView("request.invalid.range", "too much", 400, "quantity", "1", "2")]))
    answer = await gate.client.post("/v1/orders:batch", json={"orders": [ORDER]}, headers=BEARER)
    (item,) = answer.json()["items"]
    assert (item["error"]["code"], item["error"]["rule"]) == ("request.invalid.range", "range")


@pytest.mark.parametrize("at", ["0431-04-21T02:19:45.42Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
async def test_a_time_beyond_63_bits_of_nanoseconds_is_refused(gate, at):
    answer = await gate.client.post("/v1/auth/keys", json={"expires_at": at}, headers=BEARER)
    found = answer.json()
    assert (answer.status_code, found["code"], found["field"]) == (400, "request.invalid.range", "expires_at")


async def test_a_used_client_order_id_is_a_conflict(gate):
    def reused(_ask: SubmitOrder) -> None:
        raise Conflict("idempotency.mismatch", "the id names another order", field="client_order_id")

    gate.answer(SubmitOrder, reused)
    answer = await gate.client.post("/v1/orders", json={**ORDER, "client_order_id": "a"}, headers=BEARER)
    found = answer.json()
    assert (answer.status_code, found["code"], found["outcome"]) == (409, "idempotency.mismatch", "rejected")


@pytest.mark.parametrize("code", ["order.not_found", "order.already_filled", "order.already_final"])
async def test_a_cancel_that_cannot_be_names_why(gate, code):
    kind = NotFound if code == "order.not_found" else Conflict

    def refuse(_ask: CancelOrder) -> None:
        raise kind(code, "order not found" if kind is NotFound else code)

    gate.answer(CancelOrder, refuse)
    answer = await gate.client.delete("/v1/orders/client:a", headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (kind.status, code)


CREDENTIALS = [
    ("none", {}),
    ("a forged token", {"authorization": "Bearer x.y.z"}),
    ("two parts", {"authorization": "Bearer x.y"}),
    ("an empty token", {"authorization": "Bearer "}),
    ("another scheme", {"authorization": "Basic eDp5"}),
    ("another case", {"authorization": "bearer a.trader.token"}),
    ("two spaces", {"authorization": "Bearer  a.trader.token"}),
    ("a trailing space", {"authorization": "Bearer a.trader.token "}),
    ("a huge token", {"authorization": "Bearer a." + "b" * 40_000 + ".c"}),
    ("a key without signature", {"qc-key": "qc_1"}),
    ("an unknown key", {"qc-key": "qc_1", "qc-timestamp": "1", "qc-signature": "AA=="}),
    ("a huge signature", {"qc-key": "qc_1", "qc-timestamp": "1", "qc-signature": "A" * 600}),
    ("token and key", {"authorization": "Bearer a.trader.token", "qc-key": "qc_1"}),
]


@pytest.mark.parametrize("headers", [row[1] for row in CREDENTIALS], ids=[row[0] for row in CREDENTIALS])
async def test_credentials_that_are_not_good_are_one_answer(gate, headers):
    answer = await gate.client.post("/v1/orders", json=ORDER, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert gate.count(SubmitOrder) == 0


@pytest.mark.parametrize("headers", [BEARER, {"qc-key": "qc_1", "qc-timestamp": "1", "qc-signature": "AA=="}])
async def test_an_order_whose_sender_could_not_be_verified_in_time_did_not_happen(gate, headers):
    def late(_ask: object) -> None:
        raise OutcomeUnknown(detail="no answer within 2 s")

    gate.answer(VerifyToken, late)
    gate.answer(VerifySignature, late)
    answer = await gate.client.post("/v1/orders", json=ORDER, headers=headers)
    found = answer.json()
    assert (answer.status_code, found["code"], found["outcome"]) == (503, "unavailable", "rejected")
    assert (found["retryable"], answer.headers["retry-after"]) == (True, "1")
    assert gate.count(SubmitOrder) == 0


async def test_bad_credentials_are_refused_on_public_routes_too(gate):
    assert (await gate.client.get("/v1/time", headers={"authorization": "Bearer x.y.z"})).status_code == 401


@pytest.mark.hazard("C1")
@pytest.mark.fuzz
async def test_mutated_bodies_end_in_success_or_a_typed_4xx(gate, rng):
    """20,000 mutations of a good body: never a 500, nothing past the dispatcher."""
    seen: dict[int, int] = {}
    templates = [
        ("/v1/orders", order(client_order_id="abc", post_only=False)),
        ("/v1/orders:batch", json.dumps({"orders": [ORDER, ORDER]}).encode()),
        ("/v1/auth/login", b'{"email": "a@b.c", "password": "0123456789ab"}'),
        ("/v1/transfers", b'{"transfer_id": "t", "kind": "withdrawal", "currency": "USD", "amount": "1.00"}'),
    ]
    for _ in range(20_000):
        path, body = rng.choice(templates)
        answer = await ask(gate, path, mutate(rng, body))
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
        # Nobody answers these requests here, so a body that is still good ends in 503; anything else is 2xx or 4xx.
        assert answer.status_code == 503 or 200 <= answer.status_code < 500, (answer.text, body)
        if answer.status_code >= 400:
            assert set(answer.json()) == PROBLEM_FIELDS
    assert seen.get(400, 0) > 1_000


async def ask(gate: Rooms, path: str, body: bytes) -> httpx.Response:
    """POST past httpx's client, which costs more than the gateway does."""
    sent: list[dict[str, object]] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"authorization", BEARER["authorization"].encode()),
        ],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await gate.gateway.asgi(scope, receive, send)
    return httpx.Response(sent[0]["status"], content=sent[1]["body"])


BITS = [
    b"\x00",
    b"\xff",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"null",
    b"1e999",
    b"-0",
    b"NaN",
    b"\\u0000",
    b"\\ud800",
    b"9" * 400,
]


def mutate(rng: random.Random, body: bytes) -> bytes:
    """Return `body` with one to four random edits."""
    data = bytearray(body)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data[at : at + rng.randint(1, 8)] = b""
            case 1:
                data[at:at] = rng.choice(BITS)
            case 2:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 3:
                data[at:at] = data[rng.randrange(len(data) + 1) :][:20]
            case _:
                data[at : at + 3] = rng.choice(BITS)
    return bytes(data)
