"""A drain takes nothing new in, answers what is in flight, and ends sockets with 1001 afterwards or meanwhile.

Method: a room that answers when the test says so; a drain begun while orders wait for it.
"""

import asyncio
from dataclasses import replace

import pytest

from quantumcore.contracts.orders import OrderView, SubmitOrder
from tests.support.asgi_sockets import AsgiSocket
from tests.support.clocks import settle
from tests.support.gateway_house import GENEROUS
from tests.support.scripted_rooms import BEARER, ORDER, order_view, rooms
from tests.support.waiting import eventually


@pytest.mark.hazard("L4")
async def test_every_accepted_request_is_answered_before_the_drain_ends():
    """20 orders wait in the orders room when the drain begins: each is answered 200, later ones 503, sockets see 1001."""
    gate_open = asyncio.Event()

    async def slow(ask: SubmitOrder) -> OrderView:
        await gate_open.wait()
        return order_view(ask)

    async with rooms() as gate:
        gate.answer(SubmitOrder, slow)
        socket = AsgiSocket(gate)
        await socket.say(op="ping")
        orders = [asyncio.ensure_future(gate.client.post("/v1/orders", json=ORDER, headers=BEARER)) for _ in range(20)]
        await eventually(lambda: gate.count(SubmitOrder) == 20)
        drain = asyncio.ensure_future(gate.gateway.drain())
        await eventually(lambda: socket.code == 1001)
        await settle()
        assert not drain.done(), "the drain must wait for what is in flight"
        late = await gate.client.post("/v1/orders", json=ORDER, headers=BEARER)
        assert (late.status_code, late.json()["code"], late.headers["retry-after"]) == (503, "unavailable", "1")
        assert (await gate.client.get("/ready")).status_code == 503
        assert (await gate.client.get("/health")).status_code == 200
        gate_open.set()
        assert [answer.status_code for answer in await asyncio.gather(*orders)] == [200] * 20
        await drain
        assert socket.of("status")[-1]["event"] == "shutting_down"


async def test_a_drain_does_not_wait_for_ever():
    never = asyncio.Event()

    async def stuck(ask: SubmitOrder) -> OrderView:
        await never.wait()
        return order_view(ask)

    async with rooms(replace(GENEROUS, drain_s=0.05)) as gate:
        gate.answer(SubmitOrder, stuck)
        order = asyncio.ensure_future(gate.client.post("/v1/orders", json=ORDER, headers=BEARER))
        await eventually(lambda: gate.count(SubmitOrder) == 1)
        async with asyncio.timeout(2):
            await gate.gateway.drain()
        never.set()
        await order


async def test_beyond_what_may_be_in_flight_the_answer_is_overloaded():
    gate_open = asyncio.Event()

    async def slow(ask: SubmitOrder) -> OrderView:
        await gate_open.wait()
        return order_view(ask)

    async with rooms(replace(GENEROUS, in_flight=5)) as gate:
        gate.answer(SubmitOrder, slow)
        orders = [asyncio.ensure_future(gate.client.post("/v1/orders", json=ORDER, headers=BEARER)) for _ in range(8)]
        await eventually(lambda: sum(order.done() for order in orders) == 3)
        gate_open.set()
        answers = await asyncio.gather(*orders)
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [503] * 3
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert (refused.json()["code"], refused.json()["retryable"]) == ("overloaded", True)
