"""What an order would do if it came now. Nothing is sent: it spends no allowance of orders and leaves nothing behind."""

from msgspec.structs import replace

from quantumcore.contracts.orders_preview import PreviewOrder, PreviewView
from quantumcore.services.gateway.areas.orders import command_of
from quantumcore.services.gateway.bodies import OrderBody
from quantumcore.services.gateway.gate import Gate
from quantumcore.services.gateway.request import Call

UNNAMED = "-"


async def preview(gate: Gate, call: Call, body: OrderBody) -> PreviewView:
    """Show what an order would do if it came now, by the engine's own checks; it promises nothing.

    The body is that of an order; without client_order_id none is looked for.
    """
    if body.client_order_id is not None:
        return await gate.bus.request(PreviewOrder(order=command_of(gate, call, body)))
    order = command_of(gate, call, replace(body, client_order_id=UNNAMED))
    return await gate.bus.request(PreviewOrder(order=replace(order, client_order_id="")))
