"""A service's own port: health, readiness, metrics, and its queries for those who may ask them.

Goal: the port says the truth about the service, asks who calls before it reads, and shows nobody another's account.
Method: the application itself, spoken to by ASGI, over a bus with an auth room of three known tokens and one query.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.app import service_http
from quantumcore.app.service_http import MAX_BODY, service_app
from quantumcore.contracts.auth import Identity, VerifyToken
from quantumcore.contracts.errors import NotFound, Unauthenticated
from quantumcore.contracts.ledger import Balances, GetBalances, GetTrialBalance, TrialBalance
from quantumcore.contracts.order_queries import GetFills

IDENTITIES = {
    "trader": Identity("u1", "s", ["read", "trade"], [1001], False, 2**62),
    "admin": Identity("u2", "s", [], [], True, 2**62),
    "mute": Identity("u3", "s", ["trade"], [1001], False, 2**62),
}


@pytest.fixture
def reasons() -> list[str]:
    """Why the service is not ready."""
    return []


@pytest.fixture
async def port(reasons: list[str]) -> AsyncIterator[httpx.AsyncClient]:
    bus = EmbeddedBus()

    async def verify(request: VerifyToken) -> Identity:
        if request.token not in IDENTITIES:
            raise Unauthenticated(detail="no such token")
        return IDENTITIES[request.token]

    async def balances(request: GetBalances) -> Balances:
        if request.account != 1001:
            raise NotFound("account.not_found", "account not found", field="account")
        return Balances(str(request.account), 5, [])

    async def trial(_: GetTrialBalance) -> TrialBalance:
        raise RuntimeError("the secret of the house")

    bus.handle(VerifyToken, verify)
    bus.handle(GetBalances, balances)
    bus.handle(GetTrialBalance, trial)
    app = service_app(lambda: reasons, bus, (GetBalances, GetTrialBalance))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://venue") as client:
        yield client


def _as(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _ask(port: httpx.AsyncClient, name: str, body: Any, token: str = "trader") -> tuple[int, dict[str, Any]]:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    answer = await port.post(f"/queries/{name}", content=content, headers=_as(token))
    if answer.status_code != 200:
        assert answer.headers["content-type"].startswith("application/problem+json")
    return answer.status_code, answer.json()


async def test_health_is_ok_while_the_loop_turns(port: httpx.AsyncClient) -> None:
    answer = await port.get("/health")
    assert (answer.status_code, answer.text) == (200, "OK")


async def test_ready_says_no_with_the_reasons(port: httpx.AsyncClient, reasons: list[str]) -> None:
    answer = await port.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})
    reasons.append("ledger: 5 behind")
    answer = await port.get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "reasons": ["ledger: 5 behind"]})


async def test_metrics_are_prometheus_text(port: httpx.AsyncClient) -> None:
    answer = await port.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "# HELP" in answer.text


async def test_the_queries_are_listed_with_their_fields(port: httpx.AsyncClient) -> None:
    listed = (await port.get("/queries")).json()
    assert listed == {"GetBalances": ["account", "at_least"], "GetTrialBalance": ["as_of", "as_known", "at_least"]}


async def test_who_holds_read_and_the_account_is_answered(port: httpx.AsyncClient) -> None:
    expected = (200, {"account_id": "1001", "sequence": 5, "balances": []})
    assert await _ask(port, "GetBalances", {"account": 1001}) == expected
    assert await _ask(port, "GetBalances", {"account": 1001}, "admin") == expected


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "trader"}, {"Authorization": "Basic trader"}, {"Authorization": "Bearer "}, _as("x")],
)
async def test_without_a_good_token_nothing_is_read(port: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await port.post("/queries/GetBalances", content=b"not even json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unauthenticated")


async def test_another_account_looks_as_if_it_were_not_there(port: httpx.AsyncClient) -> None:
    foreign, (status, unknown) = (
        await _ask(port, "GetBalances", {"account": 1002}),
        await _ask(port, "GetBalances", {"account": 9999}, "admin"),
    )
    assert foreign[0] == status == 404
    assert foreign[1] == unknown


async def test_what_is_about_the_whole_house_is_for_admins(port: httpx.AsyncClient) -> None:
    assert (await _ask(port, "GetTrialBalance", {}))[0] == 403
    assert (await _ask(port, "GetBalances", {"account": 1001}, "mute"))[0] == 403


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"account": "1001"}',
        b'{"account": 1001.5}',
        b'{"account": 1001, "x": 1}',
        b"{}",
        b'{"account": null}',
        b"\xff",
    ],
)
async def test_a_body_of_the_wrong_shape_is_400(port: httpx.AsyncClient, body: bytes) -> None:
    status, problem = await _ask(port, "GetBalances", body)
    assert (status, problem["code"]) == (400, "request.invalid")


async def test_a_query_of_another_service_is_404(port: httpx.AsyncClient) -> None:
    assert (await _ask(port, GetFills.__name__, {"account": 1001}))[1]["code"] == "query.not_found"


async def test_a_body_that_is_too_long_is_413(port: httpx.AsyncClient) -> None:
    assert (await _ask(port, "GetBalances", b" " * (MAX_BODY + 1)))[0] == 413


async def test_a_body_that_does_not_come_is_given_up(port: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setattr(service_http, "BODY_S", 0.05)
    never = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    scope = {"type": "http", "method": "POST", "path": "/queries/GetBalances", "query_string": b"", "root_path": ""}
    scope["headers"] = [(b"authorization", b"Bearer trader")]
    parts = slow()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": await anext(parts), "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async with asyncio.timeout(10):
        await port._transport.app(scope, receive, send)  # type: ignore[attr-defined]  # httpx reads bodies whole
    assert sent[0]["status"] == 400
    assert b"request.timeout" in sent[1]["body"]
    await parts.aclose()


async def test_a_defect_tells_nothing_of_itself(port: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    status, problem = await _ask(port, "GetTrialBalance", {}, "admin")
    assert (status, problem["code"]) == (500, "internal")
    assert "secret" not in str(problem)
    assert "the secret of the house" in caplog.text
