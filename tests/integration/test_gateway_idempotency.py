"""A POST that carries an Idempotency-Key is done once, however often it is sent.

Goal: a repeat gets the first answer, another request under the key is a conflict, nothing secret lies in the cache.
Method: the gateway over real rooms; and over scripted rooms that answer late, fail, or are counted.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest

from quantumcore.contracts.auth import ApiKeyView, CreateApiKey, Identity, NewAccount, NewApiKey, NewUser
from quantumcore.contracts.errors import Conflict, NotFound, OutcomeUnknown, Unavailable
from quantumcore.contracts.matching import TakeSnapshot
from quantumcore.contracts.messages import Done
from quantumcore.contracts.orders import SubmitOrder
from quantumcore.services.gateway import idempotency
from quantumcore.services.gateway.idempotency import KEY_MAX
from quantumcore.services.gateway.routes import all_routes
from tests.support.gateway_house import GENEROUS
from tests.support.scripted_rooms import BEARER, ORDER, TOKEN, TRADER, Rooms, identity, rooms

KEY = "idempotency-key"
REPLAYED = "idempotency-replayed"
EVERYTHING = (*TRADER, "risk", "operate", "admin")


@pytest.fixture
async def gate() -> AsyncIterator[Rooms]:
    async with rooms() as opened:
        opened.tokens[TOKEN] = identity(scopes=list(EVERYTHING))
        yield opened


def under(key: str, token: str = TOKEN) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", KEY: key}


def accounts(gate: Rooms) -> None:
    """Let the auth room open an account with the next number each time."""
    gate.answer(NewAccount, lambda _ask: NewUser("u-1", str(10 + gate.count(NewAccount))))


def new_key(secret: str) -> NewApiKey:
    view = ApiKeyView("qc_made", "bot", "hmac-sha256", ["read"], ["7"], [], 0, None, None, False)
    return NewApiKey(view, secret)


async def test_an_account_is_opened_once(venue):
    user = await venue.user()
    first = await user.http.post("/v1/accounts", headers={KEY: "open-1"})
    again = await user.http.post("/v1/accounts", headers={KEY: "open-1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert len((await user.http.get("/v1/accounts")).json()["items"]) == 2
    other = await user.http.post("/v1/accounts", headers={KEY: "open-2"})
    assert other.json() != first.json()


async def test_an_instrument_is_defined_once_in_either_format(venue):
    operator = await venue.admin("operator")
    body = {"code": "SOL", "scale": 9}
    first = await operator.http.post("/v1/currencies", json=body, headers={KEY: "sol"})
    spaced = await operator.http.post(
        "/v1/currencies",
        content=b'{ "scale":9, "code":"SOL" }',
        headers={KEY: "sol", "content-type": "application/json"},
    )
    packed = await operator.http.post(
        "/v1/currencies",
        content=msgspec.msgpack.encode(body),
        headers={KEY: "sol", "content-type": "application/msgpack"},
    )
    assert [one.status_code for one in (first, spaced, packed)] == [201, 201, 201]
    assert [one.headers.get(REPLAYED) for one in (first, spaced, packed)] == [None, "true", "true"]
    other = await operator.http.post("/v1/currencies", json={**body, "scale": 8}, headers={KEY: "sol"})
    assert (other.status_code, other.json()["code"], other.json()["field"]) == (
        409,
        "idempotency.mismatch",
        "Idempotency-Key",
    )


async def test_a_key_names_one_path_of_one_caller(gate):
    accounts(gate)
    gate.answer(TakeSnapshot, Done())
    gate.tokens["a.second.user"] = identity(user_id="u-2", scopes=list(EVERYTHING))
    await gate.client.post("/v1/accounts", headers=under("k"))
    elsewhere = await gate.client.post("/v1/admin/snapshot", headers=under("k"))
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "idempotency.mismatch")
    another = await gate.client.post("/v1/accounts", headers=under("k", "a.second.user"))
    assert (another.status_code, gate.count(NewAccount)) == (201, 2)
    assert REPLAYED not in another.headers
    gate.tokens["a.second.session"] = identity(session_id="s-2", scopes=list(EVERYTHING))
    same = await gate.client.post("/v1/accounts", headers=under("k", "a.second.session"))
    assert (same.headers[REPLAYED], gate.count(NewAccount)) == ("true", 2)


async def test_an_answer_without_a_body_is_kept_too(gate):
    gate.answer(TakeSnapshot, Done())
    answers = [await gate.client.post("/v1/admin/snapshot", headers=under("now")) for _ in range(3)]
    assert [one.status_code for one in answers] == [204] * 3
    assert gate.count(TakeSnapshot) == 1


async def test_of_many_at_once_one_is_done_and_the_others_are_told_to_wait(gate):
    go = asyncio.Event()

    async def late(_ask: NewAccount) -> NewUser:
        await go.wait()
        return NewUser("u-1", "11")

    gate.answer(NewAccount, late)
    tasks = [asyncio.ensure_future(gate.client.post("/v1/accounts", headers=under("k"))) for _ in range(16)]
    waiting, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=5)
    while len(waiting) < 15:
        waiting, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        await asyncio.sleep(0)
    refused = [task.result() for task in waiting]
    assert {(one.status_code, one.json()["code"], one.json()["retryable"]) for one in refused} == {
        (409, "idempotency.running", True)
    }
    assert {one.headers["retry-after"] for one in refused} == {"1"}
    go.set()
    done = [answer for answer in await asyncio.gather(*tasks) if answer.status_code == 201]
    assert (len(done), gate.count(NewAccount)) == (1, 1)
    assert (await gate.client.post("/v1/accounts", headers=under("k"))).json() == {"account_id": "11"}


async def test_two_gateways_that_look_at_once_do_it_once(gate):
    """Both see an empty cache before either has marked the key: only one may spend the mark."""
    accounts(gate)
    cache = gate.gateway.gate.repeats._cache
    real, looked = cache.get, asyncio.Event()

    async def slow_look(key: str) -> bytes | None:
        found = await real(key)
        if looked.is_set():
            return found
        looked.set()
        await asyncio.sleep(0.01)
        return found

    cache.get = slow_look  # type: ignore[method-assign]
    answers = await asyncio.gather(*(gate.client.post("/v1/accounts", headers=under("k")) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert gate.count(NewAccount) == 1


async def test_a_refusal_is_an_answer_like_any_other(gate):
    def full(_ask: NewAccount) -> None:
        raise Conflict("account.too_many", "no more accounts for this user")

    gate.answer(NewAccount, full)
    first = await gate.client.post("/v1/accounts", headers=under("k"))
    accounts(gate)
    again = await gate.client.post("/v1/accounts", headers=under("k"))
    assert (first.status_code, again.status_code, again.content) == (409, 409, first.content)
    assert again.headers["content-type"] == "application/problem+json"


async def test_what_did_not_happen_is_not_remembered(gate):
    def away(_ask: NewAccount) -> None:
        raise Unavailable("unavailable", "the room is away")

    gate.answer(NewAccount, away)
    assert (await gate.client.post("/v1/accounts", headers=under("k"))).status_code == 503
    accounts(gate)
    again = await gate.client.post("/v1/accounts", headers=under("k"))
    assert (again.status_code, REPLAYED in again.headers) == (201, False)


@pytest.mark.parametrize("fail", [OutcomeUnknown("outcome.unknown", "no answer in time"), RuntimeError("a defect")])
async def test_what_ended_unknown_is_not_done_again(gate, fail):
    def unknown(_ask: NewAccount) -> None:
        raise fail

    gate.answer(NewAccount, unknown)
    first = await gate.client.post("/v1/accounts", headers=under("k"))
    assert first.json()["outcome"] == "unknown"
    accounts(gate)
    again = await gate.client.post("/v1/accounts", headers=under("k"))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert gate.count(NewAccount) == 1


async def test_what_never_was_a_request_uses_no_key_up(gate):
    gate.answer(CreateApiKey, new_key(""))
    nobody = {KEY: "k", "authorization": "Bearer x.y.z"}
    assert (await gate.client.post("/v1/auth/keys", json={}, headers=nobody)).status_code == 401
    assert (await gate.client.post("/v1/auth/keys", json={"x": 1}, headers=under("k"))).status_code == 400
    assert (await gate.client.post("/v1/auth/keys", json={"label": "a"}, headers=under("k"))).status_code == 201


async def test_a_secret_is_neither_kept_nor_said_twice(gate):
    gate.answer(CreateApiKey, new_key("a-planted-secret"))
    body = {"label": "bot", "scopes": ["read"]}
    first = await gate.client.post("/v1/auth/keys", json=body, headers=under("k"))
    assert first.json()["secret"] == "a-planted-secret"
    again = await gate.client.post("/v1/auth/keys", json=body, headers=under("k"))
    found = again.json()
    assert (again.status_code, found["code"], found["actual"]) == (409, "idempotency.unsaid", "qc_made")
    assert (found["retryable"], gate.count(CreateApiKey)) == (False, 1)
    values = gate.gateway.gate.repeats._cache._values
    assert values
    assert b"a-planted-secret" not in b"".join(value for value, _ in values.values())
    other = await gate.client.post("/v1/auth/keys", json={**body, "label": "other"}, headers=under("k"))
    assert other.json()["code"] == "idempotency.mismatch"


async def test_a_key_whose_secret_stays_with_the_caller_is_answered_again(gate):
    gate.answer(CreateApiKey, new_key(""))
    body = {"label": "bot", "public_key": "AAAA"}
    first = await gate.client.post("/v1/auth/keys", json=body, headers=under("k"))
    again = await gate.client.post("/v1/auth/keys", json=body, headers=under("k"))
    assert (again.status_code, again.content, again.headers[REPLAYED]) == (201, first.content, "true")


async def test_the_cache_holds_no_key_and_no_body(gate):
    accounts(gate)
    gate.answer(CreateApiKey, new_key(""))
    await gate.client.post("/v1/accounts", headers=under("a-planted-key"))
    await gate.client.post("/v1/auth/keys", json={"label": "a-planted-label"}, headers=under("another-planted"))
    kept = str(gate.gateway.gate.repeats._cache._values) + str(gate.gateway.gate.repeats._cache._windows)
    assert "planted" not in kept


async def test_a_long_answer_is_not_kept(gate):
    async with rooms(replace(GENEROUS, idempotency_bytes=10)) as small:
        accounts(small)
        await small.client.post("/v1/accounts", headers=under("k"))
        again = await small.client.post("/v1/accounts", headers=under("k"))
        assert (again.json()["code"], small.count(NewAccount)) == ("idempotency.unsaid", 1)


async def test_a_key_is_new_again_after_its_time():
    assert GENEROUS.idempotency_s == 24 * 3_600
    async with rooms(replace(GENEROUS, idempotency_s=100.0)) as gate:
        accounts(gate)
        first = (await gate.client.post("/v1/accounts", headers=under("k"))).json()
        await gate.clock.advance(99)
        assert (await gate.client.post("/v1/accounts", headers=under("k"))).json() == first
        await gate.clock.advance(2)
        assert (await gate.client.post("/v1/accounts", headers=under("k"))).json() != first


async def test_a_caller_has_so_many_new_keys_an_hour(monkeypatch):
    assert idempotency.WINDOW_S == 3_600
    monkeypatch.setattr(idempotency, "WINDOW_S", 60.0)
    async with rooms(replace(GENEROUS, idempotency_keys=3)) as gate:
        accounts(gate)
        answers = [await gate.client.post("/v1/accounts", headers=under(f"k-{at}")) for at in range(4)]
        assert [one.status_code for one in answers] == [201, 201, 201, 429]
        assert (answers[3].json()["code"], answers[3].json()["limit"]) == ("rate.limited", "3")
        assert int(answers[3].headers["retry-after"]) <= 60
        assert gate.count(NewAccount) == 3
        assert (await gate.client.post("/v1/accounts", headers=under("k-0"))).headers[REPLAYED] == "true"
        await gate.clock.advance(60)
        assert (await gate.client.post("/v1/accounts", headers=under("k-3"))).status_code == 201


async def test_without_the_cache_nothing_is_done(gate):
    accounts(gate)

    async def gone(*_args: object) -> None:
        raise Unavailable("unavailable", "the cache is away")

    gate.gateway.gate.repeats._cache.get = gone  # type: ignore[method-assign]
    answer = await gate.client.post("/v1/accounts", headers=under("k"))
    assert (answer.status_code, answer.json()["retryable"], gate.count(NewAccount)) == (503, True, 0)


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(gate):
    accounts(gate)
    cache = gate.gateway.gate.repeats._cache
    real = cache.put

    async def only_marks(key: str, value: bytes, ttl_s: float) -> None:
        if ttl_s > 60:
            raise Unavailable("unavailable", "the cache is away")
        await real(key, value, ttl_s)

    cache.put = only_marks  # type: ignore[method-assign]
    assert (await gate.client.post("/v1/accounts", headers=under("k"))).status_code == 201
    again = await gate.client.post("/v1/accounts", headers=under("k"))
    assert (again.json()["code"], gate.count(NewAccount)) == ("idempotency.running", 1)


@pytest.mark.parametrize(
    "key,limit,actual",
    [
        (b"", "128", None),
        (b"a" * (KEY_MAX + 1), "128", "129"),
        (b"a b", "128", "a b"),
        (b"a\tb", "128", "a\\tb"),
        (b"caf\xc3\xa9", "128", "caf\\xc3\\xa9"),
    ],
)
async def test_a_key_of_bad_form_is_refused_by_name(gate, key, limit, actual):
    accounts(gate)
    answer = await gate.client.post(
        "/v1/accounts", headers=[(b"authorization", BEARER["authorization"].encode()), (KEY.encode(), key)]
    )
    found = answer.json()
    assert (answer.status_code, found["code"], found["rule"]) == (
        400,
        "request.invalid.idempotency_key",
        "idempotency_key",
    )
    assert (found["field"], found["limit"], found["actual"]) == ("Idempotency-Key", limit, actual)
    assert gate.count(NewAccount) == 0


async def test_a_key_of_the_longest_form_and_one_in_quotes_are_good(gate):
    accounts(gate)
    for key in ("k" * KEY_MAX, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'):
        assert (await gate.client.post("/v1/accounts", headers=under(key))).status_code == 201


async def test_two_keys_are_none(gate):
    accounts(gate)
    headers = [*under("a").items(), (KEY, "b")]
    answer = await gate.client.post("/v1/accounts", headers=headers)
    assert (answer.json()["code"], answer.json()["limit"], answer.json()["actual"]) == (
        "request.invalid.idempotency_key",
        "1",
        "2",
    )


async def test_an_order_is_safe_to_repeat_by_its_own_id_only(gate):
    refused = await gate.client.post("/v1/orders", json=ORDER, headers=under("k"))
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
        400,
        "request.invalid.missing",
        "client_order_id",
    )
    assert gate.count(SubmitOrder) == 0
    named = {**ORDER, "client_order_id": "a"}
    assert (await gate.client.post("/v1/orders", json=named, headers=under("k"))).status_code == 200
    batch = await gate.client.post("/v1/orders:batch", json={"orders": [ORDER]}, headers=under("k"))
    assert batch.json()["items"][0]["error"]["code"] == "request.invalid.missing"


async def test_a_kill_switch_is_never_answered_from_memory(gate):
    keyed = {route.template for route in all_routes() if route.keyed}
    assert keyed == {
        "/v1/auth/keys",
        "/v1/admin/users/{id}/accounts",
        "/v1/admin/users/{id}/disable",
        "/v1/currencies",
        "/v1/instruments",
        "/v1/admin/ledger/holds/{id}/release",
        "/v1/accounts",
        "/v1/admin/snapshot",
        "/v1/admin/trades/{id}/bust",
    }
    assert {route.method for route in all_routes() if route.keyed} == {"POST"}


async def test_what_needs_no_caller_keeps_nothing(gate):
    def unknown(_ask: object) -> Identity:
        raise NotFound("user.not_found", "user not found")

    answer = await gate.client.post("/v1/auth/login", json={"email": "a@b.c", "password": "x" * 12}, headers={KEY: ""})
    assert answer.status_code == 503, "nobody answers log-ins here: the header was not judged"
    assert gate.gateway.gate.repeats._cache._values == {}
