"""What an order would do if it came next. Prices, quantities and money are decimal strings."""

import msgspec

from quantumcore.contracts.messages import Request
from quantumcore.contracts.orders import SubmitOrder

OUTCOMES = ("accepted", "refused", "known")


class PreviewTrade(msgspec.Struct, frozen=True):
    """What would trade at one price."""

    price: str
    quantity: str


class PreviewMargin(msgspec.Struct, frozen=True, kw_only=True):
    """How the account stands on margin in the quote currency, by the engine.

    Attributes:
        equity, initial, maintenance: Before the order; None while a mark or a risk array is too old.
        equity_after, initial_after: With the order counted, where that is what it is refused for; otherwise None: nobody tells.
    """

    currency: str
    profile: str
    equity: str | None
    initial: str | None
    maintenance: str | None
    rung: str
    equity_after: str | None = None
    initial_after: str | None = None


class PreviewView(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the engine's own checks, and of a walk through its book. It promises nothing: others may come first.

    Attributes:
        outcome: accepted; refused, with reason, scope, limit, actual and a sentence (text); known: the client_order_id
            names an order that asked for the same, and sending it again would get the first answer again.
        sequence: The engine's last one when it was asked.
        order_id: The order that has the client_order_id, of known and of idempotency.mismatch.
        price: The limit that it would enter with; of a type without one its collar.
        quantity: What would be accepted: of a reduce_only order perhaps less than was asked for.
        hold: What would be held, in hold_currency.
        waits: It would stand in no book at first; nothing is foreseen of what follows.
        trades: By price, as they would be made at once, by its own act.
        traded, average_price, worst_price: Of these; the prices None without a trade.
        amount, fees: What a buyer would pay, or a seller receive, for these, and the fees on them; in `currency`.
        left: What would then rest or wait.
        cancel_reason: Why what is neither traded nor left would be cancelled at once; None when there is nothing.
        complete: False when the walk ended at its limits: more may trade, and less be left.
        margin: None of an account that is not on margin in the quote currency.
    """

    account_id: str
    symbol: str
    side: str
    outcome: str
    sequence: int
    reason: str | None = None
    scope: str | None = None
    limit: str | None = None
    actual: str | None = None
    text: str | None = None
    order_id: str | None = None
    price: str | None = None
    quantity: str | None = None
    hold: str | None = None
    hold_currency: str | None = None
    waits: bool | None = None
    trades: list[PreviewTrade] = []  # msgspec copies it
    traded: str | None = None
    average_price: str | None = None
    worst_price: str | None = None
    amount: str | None = None
    fees: str | None = None
    currency: str | None = None
    left: str | None = None
    cancel_reason: str | None = None
    complete: bool | None = None
    margin: PreviewMargin | None = None


class PreviewOrder(Request[PreviewView], frozen=True, kw_only=True):
    """One order as it would be submitted, linked to no other; nothing is sent, remembered or counted.

    Attributes:
        order: Its client_order_id may be empty: then none is looked for.

    Raises:
        InvalidCommand: Wrong shape, as SubmitOrder.
    """

    order: SubmitOrder
