"""Which legs an event of the engine has (money.md 2.4). Pure.

| leg | what | debit -> credit |
| 0 | asset | seller -> buyer |
| 1 | principal: the smaller of paid and received | buyer -> seller |
| 2 | taker fee | taker -> fee income |
| 3 | maker fee, or rebate | maker -> fee income, or rebates paid -> maker |
| 4 | rounding: paid - received | buyer -> rounding, or rounding -> seller |

A bust moves the same legs back, with numbers of its own: what it gives the wrong way round, because a number is negative,
goes the other way. What its sides leave over is the equity's: rounding follows fills alone, since later ones give back of it.

| leg | what | debit -> credit |
| 0 | asset | buyer -> seller |
| 1 | principal: what was received | seller -> buyer |
| 2 | fee of the buyer, or his rebate taken back | fee income -> buyer, or buyer -> fee income |
| 3 | likewise of the seller | fee income -> seller, or seller -> fee income |
| 4 | what is left over: paid - received | equity -> buyer, or buyer -> equity |

A position that is taken over moves two legs, each the other way round where its amount is negative:

| leg | what | debit -> credit |
| 0 | asset, of a short negative | who gave it -> taker |
| 1 | the money for it | taker -> who gave it |

A leg of 0 moves nothing and is not written. Every leg takes from one account what it gives to another of the same
currency, so that a group sums to zero; `check_group` says so all the same.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum

from msgspec import Struct

from quantumcore.contracts.errors import Corrupted
from quantumcore.contracts.reference import Instrument
from quantumcore.contracts.wire import PositionTaken, TradeBusted, TradePrinted, TransferMade, TransferPosted
from quantumcore.services.ledger.domain import (
    BANK,
    CUSTODY,
    EQUITY,
    FEE_INCOME,
    HOUSE,
    OUTSIDE,
    REBATES_PAID,
    ROUNDING,
    AccountKey,
)

BUY = 1


class Why(IntEnum):
    """What a leg is for; the number is stored, the name is shown."""

    ASSET = 0
    PRINCIPAL = 1
    TAKER_FEE = 2
    MAKER_FEE = 3
    ROUNDING = 4
    TAKER_REBATE = 12
    MAKER_REBATE = 13
    DEPOSIT = 21
    WITHDRAWAL = 22
    TRANSFER = 23
    BUSTED_ASSET = 30
    BUSTED_PRINCIPAL = 31
    BUSTED_BUYER_FEE = 32
    BUSTED_SELLER_FEE = 33
    BUSTED_ROUNDING = 34
    TAKEN_ASSET = 36
    TAKEN_MONEY = 37
    POSTED = 40
    REVERSED = 41
    CONVERTED = 42
    ADJUSTED_ASSET = 50
    ADJUSTED_HOLDING = 51
    ADJUSTED_COLLATERAL = 52
    CASH_IN_LIEU = 53
    DIVIDEND = 54
    SETTLEMENT = 55
    STRIKE = 56
    FUNDING = 57
    BORROW_FEE = 58
    ACTION_ROUNDING = 59

    @property
    def text(self) -> str:
        """The name as it is shown."""
        return self.name.lower()


BUST_WHY = frozenset(
    {Why.BUSTED_ASSET, Why.BUSTED_PRINCIPAL, Why.BUSTED_BUYER_FEE, Why.BUSTED_SELLER_FEE, Why.BUSTED_ROUNDING}
)
TAKEN_WHY = frozenset({Why.TAKEN_ASSET, Why.TAKEN_MONEY})
UNDO = 1  # TradeBusted action
GROUP_WHY = frozenset({Why.POSTED, Why.REVERSED, Why.CONVERTED})
ACTION_WHY = frozenset(why for why in Why if why >= Why.ADJUSTED_ASSET)
TRANSFER_WHY = {1: Why.DEPOSIT, 2: Why.WITHDRAWAL, 3: Why.TRANSFER}

CustomerCode = Callable[[int], int]
"""Under which code a currency is kept for customers: 210 for what is only ever bought and sold, else 200."""


class Leg(Struct, frozen=True, gc=False):
    """`amount` minor units from `debit` to `credit`."""

    number: int
    why: Why
    debit: AccountKey
    credit: AccountKey
    amount: int


def fill_legs(trade: TradePrinted, code_of: CustomerCode) -> list[Leg]:
    """Return the legs of one fill."""
    taker, maker = trade.account, trade.maker_account
    buyer, seller = (taker, maker) if trade.taker_side == BUY else (maker, taker)
    base, quote = trade.base, trade.quote
    asset_code, cash_code = code_of(base), code_of(quote)
    buyer_cash, seller_cash = AccountKey(buyer, quote, cash_code), AccountKey(seller, quote, cash_code)
    rounding = AccountKey(HOUSE, quote, ROUNDING)
    paid, received = trade.paid, trade.received
    legs = [
        Leg(0, Why.ASSET, AccountKey(seller, base, asset_code), AccountKey(buyer, base, asset_code), trade.asset),
        Leg(1, Why.PRINCIPAL, buyer_cash, seller_cash, min(paid, received)),
        _fee(2, Why.TAKER_FEE, Why.TAKER_REBATE, AccountKey(taker, quote, cash_code), trade.taker_fee),
        _fee(3, Why.MAKER_FEE, Why.MAKER_REBATE, AccountKey(maker, quote, cash_code), trade.maker_fee),
    ]
    if paid > received:
        legs.append(Leg(4, Why.ROUNDING, buyer_cash, rounding, paid - received))
    elif paid < received:
        legs.append(Leg(4, Why.ROUNDING, rounding, seller_cash, received - paid))
    return [leg for leg in legs if leg.amount]


def _fee(number: int, fee: Why, rebate: Why, payer: AccountKey, amount: int) -> Leg:
    if amount >= 0:
        return Leg(number, fee, payer, AccountKey(HOUSE, payer.currency, FEE_INCOME), amount)
    return Leg(number, rebate, AccountKey(HOUSE, payer.currency, REBATES_PAID), payer, -amount)


def bust_legs(bust: TradeBusted, instrument: Instrument, code_of: CustomerCode) -> list[Leg]:
    """Return the legs of a bust: what it gives back, or to another price the differences alone."""
    quote, base = bust.quote, bust.base
    cash = code_of(quote)
    buyer, seller = AccountKey(bust.buyer, quote, cash), AccountKey(bust.seller, quote, cash)
    equity = AccountKey(HOUSE, quote, EQUITY)
    legs = []
    if bust.action == UNDO:
        asset = code_of(base)
        lots = bust.quantity * instrument.lot * 10**instrument.base.scale // 10**instrument.lot_scale
        legs.append(
            Leg(0, Why.BUSTED_ASSET, AccountKey(bust.buyer, base, asset), AccountKey(bust.seller, base, asset), lots)
        )
    paid, received = bust.paid_back, bust.received_back
    legs += [
        moved(1, Why.BUSTED_PRINCIPAL, seller, buyer, received),
        _fee_back(2, Why.BUSTED_BUYER_FEE, buyer, bust.buyer_fee_back),
        _fee_back(3, Why.BUSTED_SELLER_FEE, seller, bust.seller_fee_back),
        moved(4, Why.BUSTED_ROUNDING, equity, buyer, paid - received),
    ]
    return [leg for leg in legs if leg.amount]


def taken_legs(taken: PositionTaken, code_of: CustomerCode) -> list[Leg]:
    """Return the legs of a position that was taken over."""
    (giver, taker), (giver_cash, taker_cash) = (
        [AccountKey(owner, currency, code_of(currency)) for owner in (taken.account, taken.taker)]
        for currency in (taken.base, taken.quote)
    )
    legs = [
        moved(0, Why.TAKEN_ASSET, giver, taker, taken.asset),
        moved(1, Why.TAKEN_MONEY, taker_cash, giver_cash, taken.money),
    ]
    return [leg for leg in legs if leg.amount]


def moved(number: int, why: Why, debit: AccountKey, credit: AccountKey, amount: int) -> Leg:
    """Return a leg of a signed amount: a negative one goes the other way."""
    return Leg(number, why, debit, credit, amount) if amount >= 0 else Leg(number, why, credit, debit, -amount)


def _fee_back(number: int, why: Why, payer: AccountKey, amount: int) -> Leg:
    """Return what the fee income gives back; a rebate that is taken back goes there too, as the engine counts it."""
    return moved(number, why, AccountKey(HOUSE, payer.currency, FEE_INCOME), payer, amount)


def transfer_legs(posted: TransferPosted, code_of: CustomerCode) -> list[Leg]:
    """Return the one leg of a deposit, a withdrawal or a transfer between accounts."""
    why = TRANSFER_WHY[posted.transfer_kind]
    code = code_of(posted.currency)
    customer = AccountKey(posted.account, posted.currency, code)
    outside = AccountKey(HOUSE, posted.currency, OUTSIDE[code])
    if why is Why.DEPOSIT:
        return [Leg(0, why, outside, customer, posted.amount)]
    if why is Why.WITHDRAWAL:
        return [Leg(0, why, customer, outside, posted.amount)]
    return [Leg(0, why, customer, AccountKey(posted.to_account, posted.currency, code), posted.amount)]


def made_leg(made: TransferMade, why: Why, code_of: CustomerCode) -> Leg:
    """Return the leg of one transfer of a group: each is an event of its own, so its number is 0; it may move nothing."""
    sides = ((made.debit_account, made.debit_code), (made.credit_account, made.credit_code))
    debit, credit = (_side_of(owner, made.currency, code, code_of) for owner, code in sides)
    return Leg(0, why, debit, credit, made.amount)


def _side_of(owner: int, currency: int, code: int, code_of: CustomerCode) -> AccountKey:
    """Return the account that the engine means: bank and custody are one to it, and a customer's balance has code 0."""
    if owner and not code:
        code = code_of(currency)
    elif not owner and code in (BANK, CUSTODY):
        code = OUTSIDE[code_of(currency)]
    return AccountKey(owner, currency, code)


def check_group(legs: Sequence[Leg]) -> None:
    """Raise Corrupted unless every leg stays in its currency and takes more than nothing (of a group: not less), so that each currency sums to zero."""
    for leg in legs:
        least = 0 if leg.why in GROUP_WHY else 1
        if leg.amount < least or leg.debit.currency != leg.credit.currency:
            raise Corrupted(
                "ledger.unbalanced", f"leg {leg.number} ({leg.why.text}) moves {leg.amount}: the group does not balance"
            )
