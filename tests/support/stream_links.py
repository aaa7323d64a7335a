"""What a random market makes of positions, linked orders, groups, shares and busts (orders.md sections 6 to 9)."""

from typing import Any

from quantumcore.contracts import wire
from tests.support.shown_orders import advanced

REDUCE_ONLY = 4
OCO, OTO, BRACKET = 1, 2, 3
PEGGED = 10
AUCTION_TIMES = (2, 7, 9, 10)


def reduce(market: Any) -> wire.SubmitOrder:
    """An order that may only bring a position nearer to zero; mostly of somebody who has one."""
    plain = market._submit()
    changes: dict[str, int] = {"flags": REDUCE_ONLY | int(market._chance(10))}
    if market._trades and market._chance(80):
        trade = market._rng.choice(list(market._trades)[-8:])
        if trade.instrument == plain.instrument:
            changes |= {"account": trade.maker_account, "side": trade.taker_side}
    command: wire.SubmitOrder = market._changed(plain, **changes)
    if market._chance(20):
        price = market._price(command.instrument)
        command = advanced(
            market._changed(command, order_type=3, price=0, price_scale=0, time_in_force=1),
            stop_price=price[0],
            stop_scale=price[1],
        )
    market._submitted[-1] = command
    return command


def link(market: Any) -> wire.SubmitLinkedOrders:
    """Two or three orders as one act; mostly of one account and instrument, on sides that make sense."""
    kind = market._pick([OCO, OTO, BRACKET, 0], [45, 30, 25, 1])
    count = market._pick([3 if kind == BRACKET else 2, 2, 3], [97, 1, 1])
    first = _member(market, 0)
    members = [first]
    for at in range(1, count):
        sides = {OCO: [60, 40], OTO: [20, 80]}.get(kind, [1, 99])
        changes: dict[str, Any] = {"side": market._pick([first.side, 3 - first.side], sides)}
        if market._chance(97):
            changes |= {"account": first.account, "instrument": first.instrument}
        if market._chance(50):
            changes |= {"quantity": first.quantity, "quantity_scale": first.quantity_scale}
        other = _member(market, at)
        changes |= _kind(market, kind, at, changes.get("instrument", other.instrument))
        members.append(market._changed(other, **changes))
    market._submitted.extend(members)
    raw = [member.encode() for member in members] + [bytes(160)] * (3 - count)
    if market._chance(2):
        raw[2] = raw[0]
    return wire.SubmitLinkedOrders(
        instrument=first.instrument,
        account=first.account,
        link=kind,
        count=count,
        first=raw[0],
        second=raw[1],
        third=raw[2],
    )


def _kind(market: Any, kind: int, at: int, instrument: int) -> dict[str, Any]:
    """Return what makes a member a limit order, a market order, a stop, or a peg; some are for an auction."""
    choices = {OCO: [50, 5, 25, 10, 10, 5], OTO: [60, 10, 20, 10, 2, 15]}.get(
        kind, [95, 1, 2, 1, 1, 1] if at == 1 else [2, 1, 70, 26, 1, 1]
    )
    order_type = market._pick([2, 1, 3, 4, 6, PEGGED], choices)
    price, stop = market._price(instrument), market._price(instrument)
    made: dict[str, Any] = {"order_type": order_type, "price": 0, "price_scale": 0, "time_in_force": 1}
    if order_type in (1, 2) and market._chance(15):
        made["time_in_force"] = market._pick(list(AUCTION_TIMES), [4, 4, 8, 1])
    if order_type in (2, 4, PEGGED):
        made |= {"price": price[0], "price_scale": price[1]}
    if order_type == PEGGED:
        made |= {"peg": market._pick([1, 2, 3], [1, 1, 1]), "flags": 0}
    if order_type in (3, 4):
        made |= {"stop_price": stop[0], "stop_scale": stop[1]}
    if order_type == 6:
        made |= {"trail": market._rng.randrange(1, 6), "trail_unit": 3}
    return made


def _member(market: Any, at: int) -> wire.SubmitAdvancedOrder:
    plain = market._submit()
    market._submitted.pop()
    flags = market._pick([0, REDUCE_ONLY, plain.flags], [80, 10, 10])
    name = f"c-{market._made}-{at if market._chance(98) else 0}"
    return advanced(market._changed(plain, flags=flags, client_id=name))


def group(market: Any) -> wire.Command:
    """Accounts join and leave groups."""
    return wire.SetGroup(account=market._account(), group=market._pick([0, 7, 8], [3, 2, 1]))


def rules(market: Any) -> wire.Command:
    """How levels are shared out; now and then rules that cannot be."""
    bad = {}
    if market._chance(15):
        name = market._pick(["static_band", "call_ns", "velocity", "dynamic_band"], [1] * 4)
        bad = {name: market._pick([-1, 10**8, 1], [1] * 3)}
    return wire.SetTradingRules(
        instrument=market._instrument(), allocation=market._pick([0, 1, 2, 3], [8, 6, 6, 1]), **bad
    )


def bust(market: Any) -> wire.Command:
    """Mostly a trade that was heard, with its own numbers or others."""
    if not market._trades or market._chance(5):
        numbers = [market._rng.randrange(-2, 5) for _ in range(6)]
        who = (market._account(), market._account())
        return _bust(market, market._rng.randrange(1, 9), market._rng.randrange(2), market._instrument(), who, numbers)
    trade = market._rng.choice(list(market._trades))
    who, numbers = _own_numbers(trade)
    if market._chance(20):
        numbers[market._rng.randrange(6)] += market._rng.randrange(-3, 4)
    return _bust(market, trade.sequence, trade.fill, trade.instrument, who, numbers)


def undo(market: Any) -> wire.Command:
    """The last trade that was heard and not undone, by its own numbers; if there is none, a unit of the house's given away."""
    if not market._trades:
        who, numbers = (market._account(), market._account()), [1, 1, 1, 0, 0, 0]
        return _bust(market, market._sequence, 0, market._instrument(), who, numbers, action=2)
    trade = market._trades.pop()
    return _bust(market, trade.sequence, trade.fill, trade.instrument, *_own_numbers(trade), action=1)


def _own_numbers(trade: wire.TradePrinted) -> tuple[tuple[int, int], list[int]]:
    """Return who bought and who sold, and the numbers of the trade as a bust has them."""
    buys = trade.taker_side == 1
    who = (trade.account, trade.maker_account) if buys else (trade.maker_account, trade.account)
    fees = (trade.taker_fee, trade.maker_fee) if buys else (trade.maker_fee, trade.taker_fee)
    return who, [trade.price, trade.quantity, trade.paid, trade.received, *fees]


def _bust(
    market: Any,
    sequence: int,
    fill: int,
    instrument: int,
    who: tuple[int, int],
    numbers: list[int],
    action: int | None = None,
) -> wire.BustTrade:
    price, quantity, paid, received, buyer_fee, seller_fee = numbers
    return wire.BustTrade(
        instrument=instrument,
        trade_sequence=sequence,
        fill=fill,
        action=action or market._pick([1, 2, 3], [10, 4, 1]),
        buyer=who[0],
        seller=who[1],
        price=price,
        quantity=quantity,
        paid_back=paid,
        received_back=received,
        buyer_fee_back=buyer_fee,
        seller_fee_back=seller_fee,
    )


MAKERS = ((reduce, 6), (link, 9), (group, 1), (rules, 1), (bust, 1))
