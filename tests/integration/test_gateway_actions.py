"""What befalls all holders, over HTTP.

Goal: an administrator splits, pays and settles; holders see it at once in balances, positions, lots and their ledger; the same id
answers the same for ever; errors say which field, or whose account; the rooms agree afterwards, and nobody else may.
Method: the gateway with the real ledger and positions behind it, in process; numbers counted by hand.
"""

from typing import Any

import httpx
import pytest

from quantumcore.contracts import wire
from tests.support.gateway_house import House, User
from tests.support.small_venue import RICH, SHARES, USD

ACTIONS = "/v1/admin/actions"


def put(venue: House, user: User, currency: int, amount: int) -> None:
    venue.transfers += 1
    venue.venue.do(
        wire.Transfer(
            account=int(user.account_id),
            amount=amount,
            currency=currency,
            transfer_kind=1,
            transfer_id=f"put-{venue.transfers}",
        )
    )


async def pair(venue: House) -> tuple[User, User]:
    """Return a user who has bought 101 AAPL at 30.00 of another one, who had 150."""
    for account in (1, 2, 3):  # the fortunes of the house would hold too
        venue.venue.do(
            wire.Transfer(account=account, amount=RICH, currency=SHARES, transfer_kind=2, transfer_id="away")
        )
    long, other = await venue.user(rich=False), await venue.user(rich=False)
    put(venue, long, USD, 1_000_000)
    put(venue, other, SHARES, 150)
    put(venue, other, USD, 1_000)
    for user, side in ((other, "sell"), (long, "buy")):
        done = await user.order(symbol="AAPL", side=side, quantity="101", price="30.00")
        assert done.status_code == 200, done.text
    return long, other


async def act(admin: User, action_id: str, kind: str, **fields: Any) -> httpx.Response:
    return await admin.http.post(ACTIONS, json={"action_id": action_id, "kind": kind, "symbol": "AAPL", **fields})


async def fund(admin: User, amount: str, name: str = "fund") -> None:
    entries = [
        {"code": 100, "currency": "USD", "amount": amount},
        {"code": 430, "currency": "USD", "amount": f"-{amount}"},
    ]
    done = await admin.http.post("/v1/admin/ledger/transactions", json={"transaction_id": name, "entries": entries})
    assert done.status_code == 200, done.text


async def balances(user: User) -> dict[str, str]:
    found = (await user.http.get(f"/v1/accounts/{user.account_id}/balances")).json()["balances"]
    return {one["currency"]: one["total"] for one in found}


async def position(user: User) -> dict[str, Any]:
    found = (await user.http.get(f"/v1/accounts/{user.account_id}/positions")).json()["positions"]
    return next(one for one in found if one["symbol"] == "AAPL")


async def last_event(user: User) -> dict[str, Any]:
    path = f"/v1/accounts/{user.account_id}/positions/AAPL/events"
    return (await user.http.get(path)).json()["items"][0]


async def no_breaks(admin: User) -> None:
    found = (await admin.http.get("/v1/admin/ledger/reconciliation", params={"now": True})).json()
    assert found["breaks"] == []
    assert (await admin.http.get("/v1/admin/ledger/trial-balance")).json()["balanced"]


async def test_a_split_is_seen_in_balances_positions_lots_and_the_ledger(venue: House) -> None:
    """Three for two at 25.00: 101 become 151 and a half that is worth 12.50; 49 become 73 and a half likewise."""
    admin = await venue.admin()
    long, other = await pair(venue)
    before = await balances(long)
    await fund(admin, "25.00")
    asked = {"numerator": 3, "denominator": 2, "price": "25.00", "effective_date": "2026-03-31"}
    done = await act(admin, "s-1", "split", **asked)
    assert done.status_code == 200, done.text
    told = done.json()
    assert (told["kind"], told["ratio"], told["price"], told["accounts"]) == ("split", "3:2", "25.00", 2)
    assert (told["clearing"], told["rounding"], told["asset"]) == ("25.00", "0.00", "74")
    assert (told["effective_date"], told["currency"], told["target"]) == ("2026-03-31", "USD", None)

    after = await balances(long)
    assert (after["AAPL"], float(after["USD"]) - float(before["USD"])) == ("151", 12.5)
    assert (await balances(other))["AAPL"] == "73"
    stands = await position(long)
    assert (stands["quantity"], stands["cost"], stands["realised"]) == ("151", "3020.00000000", "2.50000000")
    event = await last_event(long)
    assert (event["type"], event["cause"], event["ratio"], event["trade_id"]) == ("adjusted", "split", "3:2", None)
    assert (event["quantity"], event["quantity_after"], event["realised"]) == ("50", "151", "2.50000000")
    lots = (await long.http.get(f"/v1/accounts/{long.account_id}/positions/AAPL/lots")).json()["lots"]
    assert [(lot["quantity"], lot["cost"]) for lot in lots] == [("151", "3020.00000000")]
    short = await position(other)
    assert (short["quantity"], short["cost"], short["realised"]) == ("-151", "-3020.00000000", "-2.50000000")
    entries = (await other.http.get(f"/v1/accounts/{other.account_id}/ledger")).json()["items"][:3]
    assert {(one["code"], one["amount"], one["reference"]) for one in entries} == {
        ("adjusted_asset", "50", "s-1"),
        ("adjusted_holding", "74", "s-1"),
        ("cash_in_lieu", "12.50", "s-1"),
    }
    await no_breaks(admin)

    assert (await act(admin, "s-1", "split", **asked)).json() == told
    assert (await admin.http.get(f"{ACTIONS}/s-1")).json() == told
    other_body = await act(admin, "s-1", "split", **{**asked, "numerator": 4})
    assert (other_body.status_code, other_body.json()["code"]) == (409, "idempotency.mismatch")


async def test_a_dividend_is_income_and_no_result(venue: House) -> None:
    admin = await venue.admin()
    long, other = await pair(venue)
    refused = await act(admin, "d-1", "cash_dividend", amount="0.25")
    assert (refused.status_code, refused.json()["code"]) == (409, "transfer.insufficient")
    assert (refused.json()["limit"], refused.json()["actual"]) == ("0.00", "37.50")
    await fund(admin, "37.50")
    done = await act(admin, "d-1", "cash_dividend", amount="0.25")
    assert (done.status_code, done.json()["amount"], done.json()["price"]) == (200, "0.25", None)
    stands = await position(long)
    assert (stands["dividends"], stands["funding"], stands["realised"]) == ("25.25000000", "0.00000000", "0.00000000")
    assert (await position(other))["dividends"] == "12.25000000"
    event = await last_event(long)
    assert (event["cause"], event["income"], event["quantity"]) == ("cash_dividend", "25.25000000", "0")
    shown = (await long.http.get(f"/v1/accounts/{long.account_id}/portfolio")).json()
    assert shown["pnl"]["funding"] == "25.25000000"
    await no_breaks(admin)


async def test_an_option_is_settled_at_what_it_is_worth(venue: House) -> None:
    """AAPL stands for a call with a strike of 180.00: at 212.50 it is worth 32.50, above which 101 × 2.50 is made."""
    admin = await venue.admin()
    long, other = await pair(venue)
    await fund(admin, "4875.00")  # all 150 came from outside: nobody is short of them
    asked = {"underlying_price": "212.5", "strike": "180", "right": "call"}
    done = await act(admin, "e-1", "settlement", **asked)
    assert (done.status_code, done.json()["price"], done.json()["right"]) == (200, "32.50", None)
    stands = await position(long)
    assert (stands["quantity"], stands["realised"], stands["average"]) == ("0", "252.50000000", None)
    assert (await position(other))["realised"] == "-252.50000000"
    event = await last_event(long)
    assert (event["type"], event["cause"], event["price"]) == ("closed", "settlement", "32.50")
    assert "AAPL" not in await balances(long) or (await balances(long))["AAPL"] == "0"
    await no_breaks(admin)
    put_done = await act(admin, "e-2", "settlement", underlying_price="170", strike="180", right="put")
    assert (put_done.json()["price"], put_done.json()["accounts"]) == ("10.00", 0)


@pytest.mark.parametrize(
    ("kind", "fields", "code", "field"),
    [
        ("split", {"numerator": 3, "price": "1.00"}, "request.invalid.missing", "denominator"),
        ("split", {"numerator": 3, "denominator": 2, "price": "1.00", "rate": "0.1"}, "request.invalid.range", "rate"),
        ("split", {"numerator": 0, "denominator": 2, "price": "1.00"}, "request.invalid.range", "numerator"),
        ("split", {"numerator": 3, "denominator": 2, "price": "1.001"}, "request.invalid.range", "price"),
        ("split", {"numerator": 3, "denominator": 2, "price": "-1.00"}, "request.invalid.range", "price"),
        ("split", {"numerator": 3, "denominator": 2, "price": 1}, "request.invalid.type", "price"),
        ("cash_dividend", {"amount": "0"}, "request.invalid.range", "amount"),
        ("cash_dividend", {"amount": "1", "effective_date": "tomorrow"}, "request.invalid.time", "effective_date"),
        ("cash_dividend", {"amount": "1", "effective_date": "2026-W48-1"}, "request.invalid.time", "effective_date"),
        ("cash_dividend", {"amount": "1", "action_id": "no id"}, "request.invalid.id", "action_id"),
        ("settlement", {}, "request.invalid.missing", "price"),
        ("settlement", {"underlying_price": "1", "strike": "2"}, "request.invalid.missing", "price"),
        ("settlement", {"price": "1", "strike": "2"}, "request.invalid.range", "price"),
        ("funding", {"price": "0", "rate": "0.1"}, "request.invalid.range", "price"),
        (
            "exercise",
            {"target": "BTC-USD", "numerator": 1, "strike": "1.00", "right": "call", "account_id": "1"},
            "request.invalid.missing",
            "account_id",
        ),
        (
            "exercise",
            {
                "target": "BTC-USD",
                "numerator": 1,
                "strike": "1.00",
                "right": "call",
                "account_id": "1",
                "quantity": "1",
                "seed": "18446744073709551616",
            },
            "request.invalid.range",
            "seed",
        ),
        ("merger", {}, "request.invalid.type", "kind"),
    ],
)
async def test_what_is_no_action_is_refused_with_its_field(
    venue: House, kind: str, fields: dict[str, Any], code: str, field: str
) -> None:
    admin = await venue.admin()
    answer = await act(admin, fields.pop("action_id", "x-1"), kind, **fields)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, code, field), answer.text
    assert (await admin.http.get(f"{ACTIONS}/x-1")).json()["code"] == "action.not_found"


async def test_what_the_engine_refuses_has_its_status(venue: House) -> None:
    admin = await venue.admin()
    asked = {"numerator": 1, "denominator": 1, "price": "1.00"}
    unknown = await act(admin, "x-1", "conversion", target="NOPE", **asked)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "instrument.not_found")
    itself = await act(admin, "x-1", "conversion", target="AAPL", **asked)
    assert (itself.status_code, itself.json()["code"]) == (400, "action.invalid")
    exercise = {"target": "BTC-USD", "numerator": 1, "strike": "1.00", "right": "call", "quantity": "1", "seed": "7"}
    nobody = await act(admin, "x-1", "exercise", account_id="4000000000", **exercise)
    assert (nobody.status_code, nobody.json()["code"]) == (404, "account.not_found")
    user = await venue.user(rich=False)
    put(venue, user, SHARES, 2**61)
    much = await act(admin, "x-1", "split", numerator=2, denominator=1, price="0.00")
    assert (much.status_code, much.json()["code"]) == (400, "order.amount.overflow")
    assert f"account {user.account_id}" in much.json()["detail"]


async def test_only_administrators_act(venue: House) -> None:
    user = await venue.user()
    for refused in (await act(user, "x-1", "cash_dividend", amount="1"), await user.http.get(f"{ACTIONS}/x-1")):
        assert refused.status_code == 403
