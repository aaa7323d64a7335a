"""Which legs a corporate action, an expiry, an exercise or a funding has (engine.md section 13). Pure.

For each account that it touches:

| leg | what | debit -> credit |
| 0, 1 | asset: what its position got or lost, and what it held besides | custody -> customer, or customer -> custody |
| 2 | likewise of its collateral | |
| 3, 4, 5 | the same three in the target's asset | |
| 6 | money: cash in lieu, dividend, settlement, strike, funding, fee | clearing -> customer, or customer -> clearing |

And once: 0, what the clearing gave beyond what the customers got: clearing -> rounding. Of a borrow fee the clearing is 330.
"""

from collections.abc import Mapping

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.wire import ActionApplied, PositionAdjusted
from quantumcore.services.ledger.domain import CLEARING, COLLATERAL, HOUSE, INTEREST, OUTSIDE, ROUNDING, AccountKey
from quantumcore.services.ledger.postings import CustomerCode, Leg, Why, moved

CASH_DIVIDEND, SETTLEMENT, EXERCISE, FUNDING, BORROW_FEE = 3, 7, 8, 9, 10
MONEY_WHY = {
    CASH_DIVIDEND: Why.DIVIDEND,
    SETTLEMENT: Why.SETTLEMENT,
    EXERCISE: Why.STRIKE,
    FUNDING: Why.FUNDING,
    BORROW_FEE: Why.BORROW_FEE,
}
"""What an account's money is for; of every other action it is cash in lieu."""


def adjusted_legs(event: PositionAdjusted, instruments: Mapping[int, Instrument], code_of: CustomerCode) -> list[Leg]:
    """Return the legs of what an action did to one account.

    Raises:
        Corrupted: An instrument that was never defined.
    """
    lots = event.quantity - event.before
    legs = _asset_legs(
        0,
        event.account,
        event.base,
        code_of,
        event.asset,
        event.collateral,
        _asset(instruments, event.instrument, lots),
    )
    if event.target:
        lots = event.target_quantity - event.target_before
        position = _asset(instruments, event.target, lots)
        legs += _asset_legs(
            3, event.account, event.target_base, code_of, event.target_asset, event.target_collateral, position
        )
    customer = AccountKey(event.account, event.quote, code_of(event.quote))
    why = MONEY_WHY.get(event.action, Why.CASH_IN_LIEU)
    legs.append(moved(6, why, _clearing(event.quote, event.action), customer, event.money))
    return [leg for leg in legs if leg.amount]


def applied_legs(event: ActionApplied) -> list[Leg]:
    """Return the leg of what the rounding keeps, if it keeps anything."""
    if not event.rounding:
        return []
    rounding = AccountKey(HOUSE, event.quote, ROUNDING)
    return [Leg(0, Why.ACTION_ROUNDING, _clearing(event.quote, event.action), rounding, event.rounding)]


def _clearing(quote: int, action: int) -> AccountKey:
    return AccountKey(HOUSE, quote, INTEREST if action == BORROW_FEE else CLEARING)


def _asset(instruments: Mapping[int, Instrument], number: int, lots: int) -> int:
    """Return lots of an instrument in minor units of its base."""
    instrument = instruments.get(number)
    if instrument is None:
        raise Corrupted("ledger.impossible", f"instrument {number} was never defined")
    minor: int = lots * instrument.lot * 10**instrument.base.scale // 10**instrument.lot_scale
    return minor


def _asset_legs(
    first: int, owner: int, currency: int, code_of: CustomerCode, own: int, aside: int, position: int
) -> list[Leg]:
    """Return what changes of an asset, apart what the position has of it: for what was not traded is in no position."""
    code = code_of(currency)
    customer, outside = AccountKey(owner, currency, code), AccountKey(HOUSE, currency, OUTSIDE[code])
    collateral = AccountKey(owner, currency, COLLATERAL)
    return [
        moved(first, Why.ADJUSTED_ASSET, outside, customer, position),
        moved(first + 1, Why.ADJUSTED_HOLDING, outside, customer, own - position),
        moved(first + 2, Why.ADJUSTED_COLLATERAL, outside, collateral, aside),
    ]
