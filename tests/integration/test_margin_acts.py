"""Orders of one act count for margin one after the other, in every instrument of the currency: both engines say so alike.

Goal: of a batch or of linked orders each is judged as if those before it worked, also where they are in other instruments.
Method: a small market that is all acts: three instruments of one currency, two of them of one underlying, and accounts that
can nearly pay for what they send; one seeded stream steps both engines.
"""

import random
from collections import Counter

import pytest

from quantumcore.contracts import wire
from tests.support.engines import NativeEngine, TwinEngine, check, step
from tests.support.shown_orders import advanced

USD, MIDDLE = 1, 20
INSTRUMENTS = ACCOUNTS = (1, 2, 3)
SIDES = (1, 2)
MANY = 10**7
GATE = {"STALE_REF": 18, "NO_FUNDS": 20, "EXPOSURE": 80, "GREEKS": 83}


def instrument(number: int) -> wire.DefineInstrument:
    ones = dict.fromkeys(("instrument_kind", "status", "tick", "lot", "multiplier", "min_price", "min_quantity"), 1)
    none = dict.fromkeys(("tick_scale", "lot_scale", "min_notional", "taker_fee", "maker_fee", "minimum_fee"), 0)
    most = dict.fromkeys(("max_price", "max_quantity", "max_notional"), MANY)
    bounds = {**ones, **none, **most, "collar": 5_000_000, "symbol": f"I{number}"}
    return wire.DefineInstrument(instrument=number, base=number + 1, quote=USD, **bounds)


def beginning(rng: random.Random) -> list[wire.Command]:
    """Return what defines the market and puts its accounts on margin, one of them by volatility."""
    currencies = [wire.DefineCurrency(currency=USD, scale=2, code="USD")]
    currencies += [wire.DefineCurrency(currency=number + 1, scale=0, code=f"C{number}") for number in INSTRUMENTS]
    commands: list[wire.Command] = [*currencies, *map(instrument, INSTRUMENTS)]
    for number in INSTRUMENTS:
        commands += [
            wire.SetMark(instrument=number, price=MIDDLE),
            wire.SetMarginTerms(instrument=number, initial=300_000, maintenance=150_000),
            wire.SetGreeks(instrument=number, delta=rng.randrange(-(10**7), 10**7), gamma=rng.randrange(10**6)),
            wire.SetInstrumentClass(instrument=number, underlying=number // 2),
        ]
    for account in ACCOUNTS:
        amount = rng.randrange(10_000, 60_000)
        commands += [
            wire.OpenAccount(account=account, owner=account),
            wire.Transfer(account=account, transfer_kind=1, amount=amount, currency=USD, transfer_id=f"t{account}"),
            *(wire.SetCredit(account=account, limit=MANY, currency=currency) for currency in (USD, 2, 3, 4)),
            wire.SetAccountMargin(account=account, currency=USD, profile=(1, 3, 3)[account - 1]),
        ]
    return commands


def order(rng: random.Random, account: int, number: int, name: str, side: int) -> wire.SubmitAdvancedOrder:
    price, quantity = MIDDLE + rng.randint(-2, 2), rng.randint(1, 12)
    limit = wire.SubmitOrder(
        instrument=number,
        account=account,
        price=price,
        quantity=quantity,
        price_scale=0,
        quantity_scale=0,
        side=side,
        order_type=2,
        time_in_force=1,
        client_id=name,
    )
    return advanced(limit)


def act(rng: random.Random, account: int, name: str) -> wire.Command:
    """Return a batch over several instruments, or linked orders."""
    names, number, side = (f"{name}-{at}" for at in range(5)), rng.choice(INSTRUMENTS), rng.choice(SIDES)
    if rng.random() < 0.6:
        orders = [order(rng, account, rng.choice(INSTRUMENTS), each, rng.choice(SIDES)) for each in names]
        raw = b"".join(each.encode() for each in orders)
        return wire.SubmitOrderBatch(account=account, count=len(orders), orders=raw)
    link = rng.choice((1, 2, 3))
    sides = (side, 3 - side, 3 - side) if link == 3 else (side, rng.choice(SIDES))
    orders = [order(rng, account, number, each, at) for each, at in zip(names, sides, strict=False)]
    members = dict(zip(("first", "second", "third"), (each.encode() for each in orders), strict=False))
    return wire.SubmitLinkedOrders(instrument=number, account=account, link=link, count=len(orders), **members)


def change(rng: random.Random, account: int) -> wire.Command:
    """Return what lets orders go, or another limit, array or mark."""
    limits = {"gross": rng.choice((-1, 100_000)), "net": rng.choice((-1, 20_000)), "delta": rng.choice((-1, 10_000))}
    losses = tuple(rng.randrange(-8 * 10**6, 8 * 10**6) for _ in range(wire.SCENARIOS))
    number = rng.choice(INSTRUMENTS)
    return rng.choice(
        (
            wire.MassCancel(account=account, side=0),
            wire.SetRiskLimits(scope=2, account=account, currency=USD, share=rng.choice((0, 600_000)), **limits),
            wire.SetRiskArray(instrument=number, losses=losses, short_minimum=rng.randrange(10**6)),
            wire.SetMark(instrument=number, price=MIDDLE + rng.randint(-5, 5)),
            wire.AssessMargin(account=account, currency=USD),
        )
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_each_of_an_act_finds_those_before_it_working(seed):
    rng, told = random.Random(seed), Counter()
    twin, native = TwinEngine(), NativeEngine()
    stream = beginning(rng)
    for number in range(1_500):
        account = rng.choice(ACCOUNTS)
        stream.append(act(rng, account, f"a{number}") if rng.random() < 0.6 else change(rng, account))
    for time_ns, command in enumerate(stream):
        expected = step(twin, command.encode(), time_ns)
        assert step(native, command.encode(), time_ns) == expected, f"seed {seed}, {command}"
        events = wire.decode_events(expected)
        told.update(event.reason if isinstance(event, wire.OrderRejected) else type(event) for event in events)
    check(native)
    missing = [name for name, reason in GATE.items() if not told[reason]]
    assert missing == []
    assert told[wire.OrderAccepted] > 500
    assert told[wire.TradePrinted] > 100
