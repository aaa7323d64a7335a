"""Short sales that say they are exempt: the price test lets them pass, and every answer and history says that they were.

Goal: the flag reaches the engine from whoever may set it, changes what the price test says and nothing else, and is never lost on the way back.
Method: a small venue over the readable engine with the price test in force, and a seller on credit who has nothing to sell.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict
from quantumcore.contracts.order_queries import GetOrder, RebuildOrder
from quantumcore.contracts.orders import SubmitBatch
from quantumcore.contracts.orders_preview import PreviewOrder
from quantumcore.contracts.terms import OrderTerms
from tests.support.gateway_house import House
from tests.support.orders_room import Room, limit, orders_room
from tests.support.small_venue import BTC, CAROL, COIN, RICH

EXEMPT = OrderTerms(short_exempt=True)
PRICE_TEST, NEEDS_LOCATE = 2, 1


def without_shares(venue: Any, *, class_flags: int = PRICE_TEST) -> None:
    """Put the price test into force for coins; Carol has none, and may go short on credit."""
    venue.do(wire.SetInstrumentClass(instrument=COIN, class_flags=class_flags))
    venue.do(wire.Transfer(account=CAROL, amount=RICH, currency=BTC, transfer_kind=2, transfer_id="all"))
    venue.do(wire.SetCredit(account=CAROL, limit=RICH, currency=BTC))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with orders_room(tmp_path) as opened:
        without_shares(opened.venue)
        await opened.ask(limit("buy", "1", "64000"))
        yield opened


async def test_the_price_test_lets_an_exempt_sale_pass(room: Room) -> None:
    held = await room.ask(limit("sell", "1", "63999", account=CAROL))
    assert (held.status, held.reason, held.scope, held.limit, held.actual) == (
        "rejected",
        "risk.restricted",
        "instrument",
        "64000.00",
        "63999.00",
    )
    done = await room.ask(limit("sell", "1", "63999", account=CAROL, terms=EXEMPT))
    assert (done.status, done.average_price) == ("filled", "64000.00")
    assert done.terms is not None
    assert done.terms.short_exempt


async def test_it_is_exempt_from_nothing_else(room: Room) -> None:
    room.venue.do(wire.SetInstrumentClass(instrument=COIN, class_flags=PRICE_TEST | NEEDS_LOCATE))
    held = await room.ask(limit("sell", "1", "63999", account=CAROL, terms=EXEMPT))
    assert (held.status, held.reason, held.scope) == ("rejected", "risk.restricted", "account")


async def test_a_preview_says_what_the_order_would_hear(room: Room) -> None:
    plain = await room.ask(PreviewOrder(order=limit("sell", "1", "63999", account=CAROL)))
    exempt = await room.ask(PreviewOrder(order=limit("sell", "1", "63999", account=CAROL, terms=EXEMPT)))
    assert (plain.outcome, plain.reason, exempt.outcome) == ("refused", "risk.restricted", "accepted")


async def test_it_is_in_the_history_and_a_repeat_without_it_is_another_order(room: Room) -> None:
    sent = limit("sell", "1", "65000", account=CAROL, client_order_id="short-1", terms=EXEMPT)
    placed = await room.ask(sent)
    await room.caught_up()
    asked = {"account": CAROL, "order_id": placed.order_id}
    for found in (await room.ask(GetOrder(**asked)), await room.ask(RebuildOrder(**asked)), await room.ask(sent)):
        assert found.terms == placed.terms == type(placed.terms)(short_exempt=True)
    with pytest.raises(Conflict, match=r"idempotency\.mismatch"):
        await room.ask(limit("sell", "1", "65000", account=CAROL, client_order_id="short-1"))


async def test_each_order_of_a_batch_says_it_for_itself(room: Room) -> None:
    orders = [limit("sell", "0.1", "63999", account=CAROL, terms=terms) for terms in (None, EXEMPT)]
    first, second = (await room.ask(SubmitBatch(orders=orders))).items
    assert (first.reason, second.status) == ("risk.restricted", "filled")


async def test_over_http_it_is_a_field_of_the_order(venue: House) -> None:
    buyer, seller = await venue.user(), await venue.user()
    account = int(seller.account_id)
    venue.venue.do(wire.SetInstrumentClass(instrument=COIN, class_flags=PRICE_TEST))
    balance = venue.venue.engine._venue.accounts[account].balances[BTC].total
    venue.venue.do(wire.Transfer(account=account, amount=balance, currency=BTC, transfer_kind=2, transfer_id="all"))
    venue.venue.do(wire.SetCredit(account=account, limit=RICH, currency=BTC))
    await buyer.order(price="64000.00", quantity="1")
    body = {"side": "sell", "price": "63999.00", "quantity": "1"}
    assert (await seller.order(**body)).json()["reason"] == "risk.restricted"
    assert (await seller.order(**body, short_exempt="yes")).status_code == 400
    done = (await seller.order(**body, short_exempt=True)).json()
    assert (done["status"], done["short_exempt"]) == ("filled", True)
    shown = (await seller.http.get(f"/v1/orders/{done['order_id']}")).json()
    assert shown["short_exempt"] is True
    assert "short_exempt" not in (await buyer.order(price="1.00")).json()
