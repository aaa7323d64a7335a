"""What admins send over HTTP: gifts of the house, and decisions about proposals."""

from typing import Any

from tests.support.gateway_house import User

TRANSACTIONS, PROPOSALS = "/v1/admin/ledger/transactions", "/v1/admin/proposals"


def gift(user: User, name: str = "gift", **changes: Any) -> dict[str, Any]:
    """Five dollars of the house for a user."""
    entries = [
        {"code": 900, "currency": "USD", "amount": "5.00"},
        {"account_id": user.account_id, "currency": "USD", "amount": "-5.00"},
    ]
    return {"transaction_id": name, "entries": entries, **changes}


async def dollars(user: User) -> str:
    """Return what a user has, once the ledger knows his account."""
    path = f"/v1/accounts/{user.account_id}/balances"
    answer = await user.http.get(path)
    while answer.status_code == 404:
        answer = await user.http.get(path)
    return next((one["total"] for one in answer.json()["balances"] if one["currency"] == "USD"), "0.00")


def verb(name: str, what: str) -> str:
    """Return the path of a decision about a proposal."""
    return f"{PROPOSALS}/{name}:{what}"
