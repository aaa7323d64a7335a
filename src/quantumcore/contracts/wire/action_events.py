"""What an action has told: each account, then the whole (docs/reference/engine.md section 13)."""

from quantumcore.contracts.wire.events import Event
from quantumcore.contracts.wire.layout import ACTION_BODY


class PositionAdjusted(Event, frozen=True, gc=False):
    """What an action has done to one account: lots before and after in the instrument and in the target, and what moved.

    Attributes:
        asset, collateral: Change of the base currency, of code 0 and of code 220, minor units; target_asset and
            target_collateral of the target's.
        money: Change of the quote currency, minor units: cash in lieu, dividend, settlement, strike, funding or fee.
        numerator, denominator: Lots got for lots held, in lowest terms; 1 and 1 where the action has none.
        price, rate, right: The action's.
    """

    KIND = 40
    BODY = (
        "before:q quantity:q target_before:q target_quantity:q asset:q collateral:q target_asset:q target_collateral:q "
        "money:q numerator:q denominator:q price:q rate:q target:I base:H quote:H target_base:H action:B right:B _:4x"
    )
    before: int
    quantity: int
    target_before: int
    target_quantity: int
    asset: int
    collateral: int
    target_asset: int
    target_collateral: int
    money: int
    numerator: int
    denominator: int
    price: int
    rate: int
    target: int
    base: int
    quote: int
    target_base: int
    action: int
    right: int


class ActionApplied(Event, frozen=True, gc=False):
    """An action was done as a whole: its terms as they were sent, and what the house bore.

    Attributes:
        count: Accounts that it has touched.
        clearing: What account 430 (of a borrow fee: 330) has given, minor units of `quote`; negative: got.
        rounding: What of it account 410 has kept.
        asset, target_asset: What has come into custody, minor units of the base currency and of the target's.
    """

    KIND = 41
    BODY = f"{ACTION_BODY} count:I quote:H _:2x clearing:q rounding:q asset:q target_asset:q"
    action_id: str
    effective_day: int
    action: int
    right: int
    amount_scale: int
    target: int
    numerator: int
    denominator: int
    price: int
    amount: int
    rate: int
    quantity: int
    seed: int
    count: int
    quote: int
    clearing: int
    rounding: int
    asset: int
    target_asset: int
