"""Allowances cannot be bypassed, and a throttled client can still get flat.

Method: small budgets on a clock that stands still; requests at once; headers and spellings that try to make a new key.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from quantumcore.contracts.auth import Login, TokenPair
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.orders import CancelOrder, MassCancel, MassCancelled
from quantumcore.services.gateway.limits import LocalWindows, Peers
from tests.support.clocks import ManualClock
from tests.support.gateway_house import GENEROUS
from tests.support.scripted_rooms import BEARER, ORDER, PLACED, TOKEN, Rooms, identity, order_view, rooms

TIGHT = replace(GENEROUS, rate_user=5, rate_orders=3, rate_cancels=4, rate_peer=6, rate_login=2)


@pytest.fixture
async def gate() -> AsyncIterator[Rooms]:
    async with rooms(TIGHT) as opened:
        yield opened


async def statuses(*requests: object) -> Counter[int]:
    return Counter(answer.status_code for answer in await asyncio.gather(*requests))


@pytest.mark.hazard("H4")
async def test_exactly_the_budget_passes_when_all_come_at_once(gate):
    """32 at once: exactly n pass, the next window has n again."""
    for _ in range(3):
        found = await statuses(*(gate.client.get("/v1/time") for _ in range(32)))
        assert found == {200: TIGHT.rate_peer, 429: 32 - TIGHT.rate_peer}
        await gate.clock.advance(1)


FORGED = [
    {"x-forwarded-for": "10.0.0.{n}"},
    {"x-real-ip": "10.0.0.{n}"},
    {"forwarded": "for=10.0.0.{n}"},
    {"X-Forwarded-For": "10.0.0.{n}, 10.1.0.{n}"},
    {"true-client-ip": "10.0.0.{n}", "cf-connecting-ip": "10.0.0.{n}"},
]


@pytest.mark.hazard("H4")
@pytest.mark.parametrize("headers", FORGED)
async def test_forged_addresses_make_no_new_key(gate, headers):
    requests = [
        gate.client.get("/v1/time", headers={name: value.format(n=n) for name, value in headers.items()})
        for n in range(32)
    ]
    assert (await statuses(*requests))[200] == TIGHT.rate_peer


@pytest.mark.hazard("H4")
@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer x.y.{n}"},
        {"qc-key": "qc_{n}", "qc-timestamp": "1", "qc-signature": "AA=="},
        {"authorization": "Basic {n}"},
    ],
)
async def test_unverified_credentials_make_no_new_key(gate, headers):
    requests = [
        gate.client.get("/v1/time", headers={name: value.format(n=n) for name, value in headers.items()})
        for n in range(32)
    ]
    found = await statuses(*requests)
    assert found == {401: TIGHT.rate_peer, 429: 32 - TIGHT.rate_peer}


@pytest.mark.hazard("H4")
async def test_spellings_of_the_path_make_no_new_key(gate):
    paths = ["/v1/time", "/v1/TIME", "/v1//time", "/v1/time/", "/v1/%74ime", "/V1/time", "/v1/./time", "/v1/time?x=1"]
    found = await statuses(*(gate.client.get(path) for path in paths * 4))
    assert sum(count for status, count in found.items() if status != 429) == TIGHT.rate_peer


@pytest.mark.hazard("H4")
async def test_a_second_token_of_a_user_makes_no_new_key(gate):
    gate.tokens["another.one.x"] = identity(session_id="s-2")
    requests = [
        gate.client.get("/v1/accounts", headers={"authorization": f"Bearer {token}"})
        for token in [TOKEN, "another.one.x"] * 16
    ]
    assert (await statuses(*requests))[200] == TIGHT.rate_user


async def test_a_verified_user_is_not_limited_by_his_address(gate):
    await statuses(*(gate.client.get("/v1/time") for _ in range(32)))
    assert (await gate.client.get("/v1/time")).status_code == 429
    assert (await gate.client.get("/v1/accounts", headers=BEARER)).status_code == 200


async def test_orders_of_an_account_have_their_own_budget(gate):
    found = await statuses(*(gate.client.post("/v1/orders", json=ORDER, headers=BEARER) for _ in range(5)))
    assert found == {200: TIGHT.rate_orders, 429: 2}


async def test_a_batch_weighs_what_it_holds(gate):
    answer = await gate.client.post("/v1/orders:batch", json={"orders": [ORDER] * 4}, headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate.limited")


async def test_a_throttled_client_can_still_get_flat(gate):
    gate.answer(MassCancel, MassCancelled(5, []))
    await statuses(*(gate.client.get("/v1/accounts", headers=BEARER) for _ in range(8)))
    assert (await gate.client.get("/v1/accounts", headers=BEARER)).status_code == 429
    found = await statuses(*(gate.client.delete("/v1/orders", headers=BEARER) for _ in range(6)))
    assert found == {200: TIGHT.rate_cancels, 429: 2}


async def test_log_ins_have_the_tightest_budget(gate):
    gate.answer(Login, TokenPair("a.b.c", "r", "Bearer", 900))
    body = {"email": "a@b.c", "password": "x" * 12}
    found = await statuses(*(gate.client.post("/v1/auth/login", json=body) for _ in range(6)))
    assert found == {200: TIGHT.rate_login, 429: 4}
    assert gate.count(Login) == TIGHT.rate_login


async def test_headers_say_what_is_left_and_when_it_is_full_again(gate):
    first = await gate.client.get("/v1/time")
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("6", "5")
    assert first.headers["ratelimit-reset"] == "1"
    await statuses(*(gate.client.get("/v1/time") for _ in range(10)))
    refused = await gate.client.get("/v1/time")
    assert refused.headers["ratelimit-remaining"] == "0"
    assert refused.headers["retry-after"] == "1"
    body = refused.json()
    assert (body["code"], body["retryable"], body["outcome"], body["limit"]) == ("rate.limited", True, "rejected", "6")


async def test_probes_are_counted_against_nobody(gate):
    found = await statuses(*(gate.client.get(path) for path in ("/health", "/ready", "/metrics") for _ in range(10)))
    assert found == {200: 30}


async def test_without_the_shared_counter_limits_hold_in_this_process(gate):
    async def gone(*_args: object) -> None:
        raise Unavailable("unavailable", "the counter is away")

    gate.gateway.gate.limits._cache.spend = gone
    found = await statuses(*(gate.client.get("/v1/time") for _ in range(32)))
    assert found == {200: TIGHT.rate_peer, 429: 32 - TIGHT.rate_peer}


@pytest.mark.hazard("H4")
async def test_a_hundred_thousand_keys_and_no_more():
    windows = LocalWindows(ManualClock(), 100_000)
    for number in range(150_000):
        windows.spend(f"key-{number}", 1, 10)
    assert len(windows) == 100_000
    assert windows.spend("key-149999", 1, 10)[1] == 8


@pytest.mark.parametrize(
    "host,forwarded,address",
    [
        ("127.0.0.1", None, "127.0.0.1"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("11.0.0.1", "1.2.3.4", "11.0.0.1"),
        ("10.0.0.1", "nonsense", "unknown"),
        ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", None, "2001:db8:1:2::/64"),
        ("", None, "unknown"),
    ],
)
def test_only_a_configured_proxy_is_believed(host, forwarded, address):
    headers = {} if forwarded is None else {b"x-forwarded-for": forwarded.encode()}
    assert Peers(("10.0.0.0/8",)).address(host, headers) == address
    assert forwarded is None or Peers(()).address(host, headers) == Peers(()).address(host, {})


async def test_cancels_do_not_spend_the_account_of_orders(gate):
    gate.answer(CancelOrder, order_view(PLACED, 9, status="cancelled"))
    for _ in range(TIGHT.rate_cancels):
        assert (await gate.client.delete("/v1/orders/client:a", headers=BEARER)).status_code == 200
    assert (await gate.client.post("/v1/orders", json=ORDER, headers=BEARER)).status_code == 200


async def unfinished() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.Event().wait()


async def test_a_signed_body_that_does_not_come_is_counted_against_its_address():
    """Nobody could verify it: what it costs is its address's to pay, or one address keeps all places busy for nothing."""
    async with rooms(replace(TIGHT, body_timeout_s=0.01)) as gate:
        requests = [gate.client.post("/v1/orders", content=unfinished(), headers={"qc-key": "qc_1"}) for _ in range(10)]
        assert await statuses(*requests) == {408: TIGHT.rate_peer, 429: 10 - TIGHT.rate_peer}
        assert (await gate.client.get("/v1/time")).status_code == 429


async def test_bodies_on_their_way_are_bounded_for_each_sender():
    async with rooms(replace(GENEROUS, slow_bodies=2, body_timeout_s=0.05)) as gate:
        gate.keys["qc_1"] = identity(session_id="qc_1")
        requests = [gate.client.post("/v1/orders", content=unfinished(), headers={"qc-key": "qc_1"}) for _ in range(5)]
        assert await statuses(*requests) == {408: 2, 503: 3}
        requests = [gate.client.post("/v1/orders", content=unfinished(), headers=BEARER) for _ in range(3)]
        assert await statuses(*requests) == {408: 2, 503: 1}
        assert len(gate.gateway.asgi._slow_bodies) == 0, "a place that is not given back is lost for good"
        assert (await gate.client.post("/v1/orders", json=ORDER, headers=BEARER)).status_code == 200
