"""Reports over REST: sent as they are made, and cut off where everybody sees it.

Goal: a statement reaches its reader whole in each form, or visibly not; what fails before it begins is a problem like any
other; who leaves early holds nothing; the house is for administrators.
Method: a house with the real ledger's reports; parts of a few lines; a real server where the transfer itself is looked at.
"""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.ledger_reports import ExportPart
from quantumcore.services.ledger import exports
from quantumcore.services.ledger.exports import Exports
from tests.support.gateway_house import House, User, house, listening
from tests.support.waiting import eventually

TRANSFERS = 40
PART = 5


@pytest.fixture
async def venue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(exports, "PART_LINES", PART)
    async with house(tmp_path) as opened:
        yield opened


async def customer(venue: House) -> User:
    """Return a user whose account has moved 3 × TRANSFERS times, and once by a trade that he knows of."""
    user, other = await venue.user(), await venue.user()
    for _ in range(TRANSFERS - 1):
        venue.fund(int(user.account_id))
    await other.order(side="sell", quantity="0.5")
    filled = (await user.order(side="buy", quantity="0.5")).json()
    assert filled["status"] == "filled"
    return user


async def test_a_statement_follows_its_readers_own_trade(venue: House) -> None:
    user = await customer(venue)
    answer = await user.http.get(f"/v1/accounts/{user.account_id}/statement")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert set(told) == {"account_id", "from", "to", "as_known", "opening", "lines", "closing", "complete"}
    assert len(told["lines"]) == 3 * TRANSFERS + 3
    assert [line["code"] for line in told["lines"][-3:]] == ["asset", "principal", "taker_fee"]
    assert set(told["lines"][0]) == {
        "sequence", "index", "leg", "time", "code", "reference", "account", "counterparty", "currency", "debit", "credit",
        "balance", "corrects",
    }  # fmt: skip
    fills = (await user.http.get(f"/v1/accounts/{user.account_id}/fills")).json()["items"]
    assert told["lines"][-1]["reference"] == fills[0]["trade_id"]
    assert told["lines"][-1]["time"] == fills[0]["time"]
    assert [one["currency"] for one in told["closing"]] == ["USD", "BTC", "AAPL"]


async def test_a_range_a_currency_and_what_was_known(venue: House) -> None:
    user = await customer(venue)
    path = f"/v1/accounts/{user.account_id}/statement"
    whole = (await user.http.get(path)).json()
    middle = whole["lines"][60]
    usd = (await user.http.get(path, params={"currency": "USD", "from": middle["time"]})).json()
    assert usd["from"] == middle["sequence"]
    assert usd["lines"] == [line for line in whole["lines"][60:] if line["currency"] == "USD"]
    before = (await user.http.get(path, params={"to": middle["sequence"], "as_known": middle["sequence"]})).json()
    assert before["lines"] == [line for line in whole["lines"] if line["sequence"] < middle["sequence"]]
    venue.fund(int(user.account_id))
    again = await user.http.get(path, params={"as_known": whole["as_known"]})
    assert again.json() == whole


async def test_csv_and_parquet_come_as_files(venue: House) -> None:
    user = await customer(venue)
    path = f"/v1/accounts/{user.account_id}/statement"
    told = (await user.http.get(path)).json()
    answer = await user.http.get(path, params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    name = f'attachment; filename="statement-{user.account_id}-{told["from"]}-{told["to"]}.csv"'
    assert answer.headers["content-disposition"] == name
    rows = list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))
    lines = [{k: v for k, v in row.items() if k != "kind"} for row in rows if row["kind"] == "line"]
    assert lines == [{k: str(v) for k, v in line.items()} for line in told["lines"]]
    pq = pytest.importorskip("pyarrow.parquet")
    answer = await user.http.get(path, params={"format": "parquet"})
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    table = pq.read_table(io.BytesIO(answer.content))
    assert table.num_rows == len(rows)
    assert table["balance"].to_pylist() == [row["balance"] for row in rows]
    assert table.schema.metadata[b"account_id"] == user.account_id.encode()


async def test_it_is_sent_in_chunks_and_the_connection_goes_on(venue: House) -> None:
    user = await customer(venue)
    async with listening(venue.gateway) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        headers = {"authorization": f"Bearer {user.token}"}
        async with client.stream("GET", f"/v1/accounts/{user.account_id}/statement", headers=headers) as answer:
            assert answer.headers["transfer-encoding"] == "chunked"
            assert "content-length" not in answer.headers
            assert int(answer.headers["ratelimit-limit"]) > 0
            parts = [part async for part in answer.aiter_raw()]
        assert json.loads(b"".join(parts))["complete"] is True
        short = await client.get(f"/v1/accounts/{user.account_id}/statement?to=1", headers=headers)
        assert short.headers["content-length"] == str(len(short.content))
        assert short.json()["lines"] == []
    assert venue.gateway.asgi.in_flight == 0


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_a_part_that_fails_cuts_the_answer_off(
    venue: House, monkeypatch: pytest.MonkeyPatch, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The transfer has no end, the report has no end, and it is counted: three ways to see it."""
    user = await customer(venue)
    read, calls = Exports.read, 0

    async def failing(self: Exports, name: str) -> ExportPart:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise Unavailable("unavailable", "the database is gone")
        return await read(self, name)

    monkeypatch.setattr(Exports, "read", failing)
    got = b""
    async with listening(venue.gateway) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        path = f"/v1/accounts/{user.account_id}/statement?format={form}"
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream("GET", path, headers={"authorization": f"Bearer {user.token}"}) as answer:
                assert answer.status_code == 200
                async for part in answer.aiter_raw():
                    got += part
    assert got
    if form == "json":
        with pytest.raises(ValueError, match=r"Expecting|delimiter"):
            json.loads(got)
    else:
        assert "closing" not in {row["kind"] for row in csv.DictReader(io.StringIO(got.decode(), newline=""))}
    assert b"qc_gateway_cut_off_total 1.0" in venue.gateway.gate.metrics.text()
    assert any("was cut off" in record.getMessage() for record in caplog.records)
    assert venue.gateway.asgi.in_flight == 0


async def test_what_fails_before_the_first_part_is_a_problem(venue: House, monkeypatch: pytest.MonkeyPatch) -> None:
    user = await customer(venue)

    async def failing(_self: Exports, _name: str) -> ExportPart:
        raise Unavailable("unavailable", "the database is gone")

    monkeypatch.setattr(Exports, "read", failing)
    answer = await user.http.get(f"/v1/accounts/{user.account_id}/statement")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_a_reader_who_leaves_holds_nothing(venue: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made for him any more, and his place is free."""
    user = await customer(venue)
    closed: list[str] = []
    close = Exports.close

    def noted(self: Exports, name: str) -> None:
        closed.append(name)
        close(self, name)

    monkeypatch.setattr(Exports, "close", noted)
    monkeypatch.setattr(exports, "PART_LINES", 1)
    async with listening(venue.gateway) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        headers = {"authorization": f"Bearer {user.token}"}
        async with client.stream("GET", f"/v1/accounts/{user.account_id}/statement", headers=headers) as answer:
            async for _ in answer.aiter_raw():
                break
        await eventually(lambda: venue.gateway.asgi.in_flight == 0)
        await eventually(lambda: closed)


async def test_nobody_reads_what_is_not_his(venue: House) -> None:
    user, other = await customer(venue), await venue.user()
    answer = await other.http.get(f"/v1/accounts/{user.account_id}/statement")
    assert (answer.status_code, answer.json()["code"]) == (404, "account.not_found")
    assert (await venue.client.get(f"/v1/accounts/{user.account_id}/statement")).status_code == 401
    for path in HOUSE:
        answer = await user.http.get(f"/v1/admin/ledger/{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden"), path
        assert (await venue.client.get(f"/v1/admin/ledger/{path}")).status_code == 401, path


HOUSE = (
    "trial-balance",
    "general",
    "general/300",
    "income",
    "client-money",
    "reconciliation",
    "reconciliation?now=true",
)


async def test_administrators_see_the_house(venue: House) -> None:
    user = await customer(venue)
    await user.http.get(f"/v1/accounts/{user.account_id}/statement")  # answered when the books have the trade
    admin = await venue.admin()
    told: dict[str, Any] = {}
    for path in HOUSE:
        answer = await admin.http.get(f"/v1/admin/ledger/{path}")
        assert answer.status_code == 200, answer.text
        told[path] = answer.json()
    assert told["trial-balance"]["balanced"]
    fees = next(line for line in told["trial-balance"]["lines"] if line["code"] == "300")
    assert fees["balance"] == told["income"]["lines"][0]["fees"] == told["general/300"]["closing"][0]["balance"]
    assert [line["code"] for line in told["general/300"]["lines"]] == ["taker_fee", "maker_fee"]
    assert told["general/300"]["code"] == "300"
    assert told["client-money"]["reconciled"] is True
    assert told["reconciliation?now=true"]["breaks"] == []
    assert told["reconciliation?now=true"]["trades"] == 2
    assert (told["reconciliation"]["rounds"], told["reconciliation"]["at"]) == (0, None)
    then = told["trial-balance"]["sequence"] - 1
    before = (await admin.http.get("/v1/admin/ledger/trial-balance", params={"as_known": then})).json()
    assert before["sequence"] == then
    one = (await admin.http.get("/v1/admin/ledger/general", params={"code": 300, "to": then})).json()
    assert one["to"] == then
    assert {line["code"] for line in one["lines"]} <= {"300"}


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("from=2999-01-01T00:00:00Z", "statement.range.future", "from"),
        ("to=99999999", "statement.range.future", "to"),
        ("from=3&to=2", "statement.range.reversed", "from"),
        ("from=tomorrow", "request.invalid.time", "from"),
        ("format=pdf", "statement.format.unknown", "format"),
        ("currency=EURO", "currency.not_found", "currency"),
        ("as_known=-1", "request.invalid.range", "as_known"),
        ("as_known=99999999", "statement.range.future", "as_known"),
        ("form=csv", "request.invalid.unknown_field", "form"),
        (f"from={'1' * 41}", "request.invalid.range", "from"),
        ("from=1&from=2", "request.invalid.range", "from"),
    ],
)
async def test_nonsense_is_a_problem_that_names_its_field(venue: House, query: str, code: str, field: str) -> None:
    user = await venue.user()
    answer = await user.http.get(f"/v1/accounts/{user.account_id}/statement?{query}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)


async def test_a_code_that_is_none_is_named(venue: House) -> None:
    admin = await venue.admin()
    for code, expected in (("x", "request.invalid.range"), ("0", "request.invalid.range"), ("999", "code.not_found")):
        answer = await admin.http.get(f"/v1/admin/ledger/general/{code}")
        assert (answer.json()["code"], answer.json()["field"]) == (expected, "code")
