"""The question `preview`: what a submission would do, as the lines of a case."""

from typing import TYPE_CHECKING

from quantumcore.contracts.reasons import Reason, Scope
from tests.support import case_words as words
from tests.support.case_events import CANCELLED, Shown, plain
from tests.support.previews import unnamed

if TYPE_CHECKING:
    from tests.support.case_market import CaseMarket

UNNAMED = "-"


def preview(market: "CaseMarket", rest: list[str]) -> list[Shown]:
    """Ask for what a submission, spelled as its command, would do; the id `-` is none."""
    command = words.submission(market, rest[0], rest[1:])
    raw = command.encode()
    answer = market.engine.preview(unnamed(raw) if command.client_id == UNNAMED else raw, market.now_ns)
    (reason, scope, decimals, limit, actual), first, placed, trades, (amount, fee, complete) = answer
    if reason:
        numbers = {"limit": plain(limit, decimals), "actual": plain(actual, decimals)}
        return [Shown(f"refused {Reason(reason).name}", {"scope": Scope(scope).name.lower(), **numbers})]
    if first != (0, 0):
        return [Shown(f"known {market.order(*first)}", {})]
    price, quantity, hold, currency, waits, left, cancelled = placed
    number = command.instrument
    quote = market.definition(number)["quote"]
    numbers = {
        "price": market.price(number, price),
        "quantity": market.quantity(number, quantity),
        "hold": market.money(currency, hold) if currency else "none",
        "waits": "yes" if waits else "no",
        "left": market.quantity(number, left),
        "cancelled": CANCELLED.get(cancelled, "none"),
        "amount": market.money(quote, amount),
        "fee": market.money(quote, fee),
        "complete": "yes" if complete else "no",
    }
    fills = [
        Shown(f"trade {market.quantity(number, lots)} @ {market.price(number, ticks)}", {}) for ticks, lots in trades
    ]
    return [Shown("accepted", numbers), *fills]
