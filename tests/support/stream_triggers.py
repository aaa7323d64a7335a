"""What a random market makes of orders that wait for a price or end by the clock (orders.md section 3)."""

from typing import Any

from quantumcore.contracts import wire

SECOND_NS = 10**9
TRIGGERED = (3, 4, 6, 7, 8, 9)
WITH_LIMIT = (4, 9)
TRAILING = (6, 7)


def waiting(market: Any) -> wire.Command:
    """A stop, a touched order or a trailing stop near the market, a few of them wrong in one term."""
    order_type = market._pick(list(TRIGGERED), [4, 4, 3, 3, 2, 2])
    terms: dict[str, Any] = {"trigger": market._pick([0, 1, 2], [5, 3, 3])}
    instrument = market._instrument()
    if order_type in TRAILING:
        terms["trail_unit"] = market._pick([1, 2, 3, 0], [4, 3, 4, 1])
        terms["trail"], terms["trail_scale"] = _trail(market, instrument, terms["trail_unit"])
        if order_type == 7:
            terms["offset"], terms["offset_scale"] = market._distance(instrument, market._rng.randrange(4))
    else:
        terms["stop_price"], terms["stop_scale"] = market._price(instrument)
    if market._chance(4):
        terms[market._pick(["offset", "stop_price", "trail", "peg", "trigger"], [1] * 5)] = 1
    price = market._price(instrument) if order_type in WITH_LIMIT or market._chance(2) else (0, 0)
    return _submission(market, instrument, order_type, price, terms)


def _trail(market: Any, instrument: int, unit: int) -> tuple[int, int]:
    if unit == 2:
        return market._pick([(1, 2), (5, 2), (30, 2), (12_345_678, 8), (1, 8), (1, 0), (1, 9)], [4, 4, 4, 2, 2, 1, 1])
    if unit == 3:
        return market._rng.randrange(8), 0
    return market._distance(instrument, market._rng.randrange(8))


def timed(market: Any) -> wire.Command:
    """A limit order that ends by the clock, or with its session."""
    instrument = market._instrument()
    return _submission(market, instrument, 2, market._price(instrument), {})


def _submission(market: Any, instrument: int, order_type: int, price: tuple[int, int], terms: dict[str, Any]) -> Any:
    plain = market._submit()
    time_in_force = market._pick([1, 5, 6, 8, 3, 2], [4, 4, 3, 3, 1, 1])
    if time_in_force in (6, 8) or market._chance(2):
        terms["expires_ns"] = market._time_ns + market._pick(
            [0, 1, SECOND_NS, 9 * SECOND_NS, 3_600 * SECOND_NS], [1, 2, 4, 4, 2]
        )
    quantity, quantity_scale = market._quantity(instrument)
    fields = {name: getattr(plain, name) for name in wire.SubmitOrder.LAYOUT.names[2:]} | {
        "instrument": instrument,
        "order_type": order_type,
        "price": price[0],
        "price_scale": price[1],
        "quantity": quantity,
        "quantity_scale": quantity_scale,
        "time_in_force": time_in_force,
        "flags": market._pick([0, 32, 1, 33, 4], [60, 30, 6, 2, 1]),
    }
    command = wire.SubmitAdvancedOrder(**fields, **terms) if terms else wire.SubmitOrder(**fields)
    market._submitted[-1] = command
    return command


def mark(market: Any) -> wire.Command:
    """The mark price, near the market, sometimes none or nonsense."""
    instrument = market._instrument()
    middle = market.middle(instrument)
    price = middle + market._rng.randrange(-8, 9)
    return wire.SetMark(instrument=instrument, price=market._pick([price, 0, -1, 2**63 - 1], [30, 1, 1, 1]))


def heartbeat(market: Any) -> wire.Command:
    """A dead man's switch, or the end of a session."""
    if market._chance(40):
        return wire.EndSession(account=market._account(), session=market._rng.randrange(3))
    timeout = market._pick(
        [0, SECOND_NS, 2 * SECOND_NS, 300 * SECOND_NS, 1, -1, 301 * SECOND_NS], [3, 6, 6, 2, 1, 1, 1]
    )
    return wire.CancelAllAfter(account=market._account(), timeout_ns=timeout)


def move(market: Any) -> wire.Command:
    """A replacement that may move a stop."""
    plain = market._replace()
    fields = market._pick([4, 5, 6, 7, 3, 8, 0, 16], [20, 8, 8, 4, 3, 2, 1, 1])
    found = [order.instrument for order in market._submitted if order.client_id == plain.client_id]
    instrument = found[0] if found else market._instrument()
    values = {name: getattr(plain, name) for name in plain.__struct_fields__} | {"fields": fields}
    if not fields & 1:
        values |= {"price": 0, "price_scale": 0}
    if not fields & 2:
        values |= {"quantity": 0, "quantity_scale": 0}
    stop = market._price(instrument) if fields & 4 or market._chance(2) else (0, 0)
    return wire.ReplaceAdvancedOrder(**values, stop_price=stop[0], stop_scale=stop[1], display=int(fields & 8 > 0))


def tick(market: Any) -> wire.Command:
    """Time goes on, and what is due ends."""
    market._time_ns += market._pick([0, SECOND_NS, 5 * SECOND_NS], [1, 2, 2])
    return wire.AdvanceTime()


MAKERS = ((waiting, 22), (timed, 8), (mark, 6), (heartbeat, 2), (move, 5), (tick, 4))
