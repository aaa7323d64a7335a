"""What befalls all holders of an instrument at once: what it is called, and how it is shown once it was done.

The engine does it (docs/reference/engine.md section 12); the positions room (8005) remembers it.
"""

import msgspec

from quantumcore.contracts.days import shown_day
from quantumcore.contracts.messages import Request
from quantumcore.contracts.reference import RATE_PLACES, Catalogue
from quantumcore.contracts.values import Scaled, show
from quantumcore.contracts.wire import ActionApplied

ACTIONS = {
    1: "split",
    2: "stock_dividend",
    3: "cash_dividend",
    4: "conversion",
    5: "spin_off",
    6: "adjustment",
    7: "settlement",
    8: "exercise",
    9: "funding",
    10: "borrow_fee",
}
ACTION_NUMBERS = {name: number for number, name in ACTIONS.items()}
RIGHTS = {1: "call", 2: "put"}
RIGHT_NUMBERS = {name: number for number, name in RIGHTS.items()}


class ActionView(msgspec.Struct, frozen=True, kw_only=True):
    """An action that was done. What its kind does not use is null.

    Attributes:
        ratio: "3:2": three for two.
        price: In the quote currency: of a part of a lot, the settlement price, the strike, the mark.
        amount: For each unit of the base. rate: A fraction.
        account_id, quantity, seed: Who exercised how much, and what drew the assignment; null: all.
        accounts: How many were touched.
        clearing: What account 430 (of a borrow fee: 330) has given, less what it got; rounding: what 410 has kept of it.
        asset, target_asset: What has come into custody, in the base currency and in the target's.
        sequence: Of the engine's command.
    """

    action_id: str
    kind: str
    symbol: str
    target: str | None
    effective_date: str | None
    ratio: str | None
    price: str | None
    amount: str | None
    rate: str | None
    right: str | None
    account_id: str | None
    quantity: str | None
    seed: str | None
    accounts: int
    currency: str
    clearing: str
    rounding: str
    asset: str
    target_asset: str | None
    sequence: int
    time_ns: int


class GetAction(Request[ActionView], frozen=True, kw_only=True):
    """Which was done under an id. `at_least`: wait, at most a second, until that sequence is applied.

    Raises:
        NotFound: `action.not_found`.
    """

    action_id: str
    at_least: int = 0


def show_action(event: ActionApplied, catalogue: Catalogue) -> ActionView:
    """Return an action as it is shown."""
    instrument = catalogue.instruments[event.instrument]
    target = catalogue.instruments[event.target] if event.target else None
    quote = instrument.quote
    ratio = f"{event.numerator}:{event.denominator or 1}" if event.numerator else None
    one = event.account > 0
    return ActionView(
        action_id=event.action_id,
        kind=ACTIONS[event.action],
        symbol=instrument.symbol,
        target=target.symbol if target else None,
        effective_date=shown_day(event.effective_day) if event.effective_day else None,
        ratio=ratio,
        price=(target or instrument).price(event.price) if event.price or not event.amount else None,
        amount=Scaled(event.amount, event.amount_scale).text() if event.amount else None,
        rate=show(event.rate, RATE_PLACES) if event.rate else None,
        right=RIGHTS.get(event.right),
        account_id=str(event.account) if one else None,
        quantity=instrument.quantity(event.quantity) if one else None,
        seed=str(event.seed) if one else None,
        accounts=event.count,
        currency=quote.code,
        clearing=quote.show(event.clearing),
        rounding=quote.show(event.rounding),
        asset=instrument.base.show(event.asset),
        target_asset=target.base.show(event.target_asset) if target else None,
        sequence=event.sequence,
        time_ns=event.time_ns,
    )
