"""The gateway's REST API over real rooms.

Goal: what a client sends becomes what the rooms do, and their answers keep the API's shapes.
Method: users, orders and market data are the real rooms over the readable engine; an httpx client speaks ASGI.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.gateway_house import House, house


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


async def test_register_login_submit_get_cancel(venue):
    user = await venue.user("walk")
    answer = await user.order(client_order_id="first-1")
    assert answer.status_code == 200, answer.text
    order = answer.json()
    assert order["status"] == "new"
    print(order)
    found = await user.http.get("/v1/orders/client:first-1")
    assert found.json()["order_id"] == order["order_id"]
    book = await venue.client.get("/v1/market/BTC-USD/book?level=2&depth=10")
    print(book.json())
    assert book.json()["bids"] == [["64000.00", "0.50000", 1]]
    gone = await user.http.delete(f"/v1/orders/{order['order_id']}")
    assert gone.json()["status"] == "cancelled"
