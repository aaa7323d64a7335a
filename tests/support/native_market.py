"""One share on the native engine, Alice with dollars and Bob with shares, and what tests say of its refusals."""

import random
import struct

from quantumcore.contracts.reasons import Reason
from quantumcore.core import _native
from tests.support.commands import (
    ACME,
    BUY,
    FOK,
    GTC,
    IOC,
    SELL,
    Desk,
    advance_time,
    cancel,
    define_instrument,
    replace,
    submit,
)  # fmt: skip

ALICE, BOB, CAROL = 1, 2, 3
MAX = 2**63 - 1
SMALL = {
    "max_orders": 100,
    "max_accounts": 10,
    "max_client_ids": 1000,
    "max_transfers": 100,
    "max_balances": 50,
    "max_windows": 8,
}


def market(**terms: object) -> Desk:
    """One share, tick 0.05, lot 1; Alice has dollars, Bob has shares; no fees unless asked for."""
    desk = Desk(_native.Engine(**SMALL))
    desk.currencies()
    plain = {"base": ACME, "tick": "0.05", "lot": "1", "symbol": "ACME", "taker_fee": 0, "maker_fee": 0}
    desk.do(define_instrument(1, **(plain | terms)))
    desk.fund(ALICE, USD=10**12)
    desk.fund(BOB, ACME=10**9)
    return desk


def refused(desk: Desk, command: bytes, reason: Reason, scope: int, limit: int = 0, actual: int = 0, decimals: int = 0):
    """The command is refused with exactly these numbers, and leaves money and books alone."""
    before = (
        desk.engine.balances(ALICE),
        desk.engine.balances(BOB),
        desk.engine.orders(1, BUY),
        desk.engine.orders(1, SELL),
    )
    (event,) = desk.do(command)
    assert event.name in ("OrderRejected", "CommandRefused")
    told = (Reason(event.reason), event.scope, event.limit, event.actual, event.decimals)
    assert told == (reason, scope, limit, actual, decimals)
    after = (
        desk.engine.balances(ALICE),
        desk.engine.balances(BOB),
        desk.engine.orders(1, BUY),
        desk.engine.orders(1, SELL),
    )
    assert before == after
    desk.total_is_conserved()
    return event


def tag(slot: int, client_id: str) -> int:
    """The 32-bit tag under which the engine looks for an id of the account in `slot`."""

    def mum(a: int, b: int) -> int:
        product = a * b
        return (product & (2**64 - 1)) ^ (product >> 64)

    w = struct.unpack("<5Q", client_id.encode().ljust(40, b"\0"))
    k0, k1, k2, k3 = 0x9E3779B97F4A7C15, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3
    mixed = mum(w[0] ^ k1, w[1] ^ k2) ^ mum(w[2] ^ k3, w[3] ^ k0)
    h = mum(mixed ^ k1, (w[4] | slot << 32) ^ k2)
    return (h ^ h >> 32) & 0xFFFFFFFF


def colliding(slot: int) -> list[tuple[str, str]]:
    """Pairs of ids of one account with equal tags; two hundred thousand ids have some."""
    seen: dict[int, str] = {}
    pairs = []
    for i in range(200_000):
        name = f"n{i}"
        t = tag(slot, name)
        if t in seen:
            pairs.append((seen[t], name))
        seen[t] = name
    assert pairs
    return pairs


def accepted(desk: Desk, command: bytes):
    event = desk.do(command)[0]
    assert event.name in ("OrderAccepted", "OrderReplaced"), event
    return event


def raw_price(mantissa: int, scale: int = 18):
    """A change of a submission's price to mantissa x 10^-scale, as it would be sent."""
    return lambda command: command[:16] + struct.pack("<q", mantissa) + command[24:32] + bytes([scale]) + command[33:]


VENUE, ACCOUNT, INSTRUMENT, ORDER = 1, 2, 3, 4


def traffic(rng: random.Random, n: int) -> list[bytes]:
    """A busy stream of orders, replaces and cancels of two accounts."""
    made = []
    for i in range(n):
        account, name = rng.choice((ALICE, BOB)), f"x{rng.randrange(1, i + 2)}"
        price = f"{rng.randrange(180, 220) * 0.05:.2f}"
        made.append(
            rng.choice([
                submit(account, f"x{i}", rng.choice((BUY, SELL)), price, rng.randrange(1, 30), tif=rng.choice((GTC, GTC, IOC, FOK)), stp=rng.randrange(6)),
                submit(account, f"x{i}", rng.choice((BUY, SELL)), price, rng.randrange(1, 30)),
                replace(account, client_id=name, price=price, quantity=rng.randrange(1, 30)),
                cancel(account, client_id=name),
                advance_time(),
            ])
        )  # fmt: skip
    return made


def rich() -> Desk:
    desk = market(taker_fee=100_000, maker_fee=-20_000)
    desk.engine = _native.Engine(max_orders=2000, max_accounts=10, max_client_ids=10_000)
    desk.currencies()
    desk.do(define_instrument(1, base=ACME, tick="0.05", lot="1", symbol="ACME", taker_fee=100_000, maker_fee=-20_000))
    desk.fund(ALICE, USD=10**12, ACME=10**9)
    desk.fund(BOB, USD=10**12, ACME=10**9)
    return desk
