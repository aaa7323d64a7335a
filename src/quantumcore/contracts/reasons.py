"""Why the engine says no: each native reason, its dotted code, its FIX OrdRejReason (tag 103).

The numbers are part of the engine's layouts (docs/reference/engine.md section 3) and never change meaning.
"""

from enum import IntEnum


class Reason(IntEnum):
    """A reason of refusal as it stands in CommandRefused and OrderRejected (u16)."""

    NONE = 0
    BAD_COMMAND = 1
    UNKNOWN_SYMBOL = 2
    UNKNOWN_ACCOUNT = 3
    DUPLICATE_ID = 4
    KILLED = 5
    HALTED = 6
    BAD_TICK = 7
    BAD_LOT = 8
    BAD_QTY = 9
    BAD_PRICE = 10
    BAD_TYPE = 11
    BAD_TIF = 12
    ORDER_NOT_FOUND = 13
    ORDER_FINAL = 14
    MAX_QTY = 15
    MAX_NOTIONAL = 16
    MIN_NOTIONAL = 17
    STALE_REF = 18
    MAX_OPEN = 19
    NO_FUNDS = 20
    POST_ONLY = 21
    QTY_OVERFLOW = 22
    AMOUNT_OVERFLOW = 23
    REPLACE_BELOW_FILLED = 24
    CAPACITY = 25
    INSUFFICIENT = 26
    ID_ALREADY_FAILED = 27
    UNKNOWN_CURRENCY = 28
    EXISTS_DIFFERENT = 29
    ORDER_FILLED = 30
    BAD_AMOUNT = 31
    BAD_DEFINITION = 32
    BAD_DISPLAY = 33
    EXPIRED = 34
    BAD_STOP = 35
    BAD_TRAIL = 36
    BAD_PEG = 37
    BAD_MIN_QTY = 38
    BAD_BUDGET = 39
    REDUCE_ONLY = 40
    PRICE_BAND = 41
    COLLAR = 42
    LINKED = 43
    BAD_LINK = 44
    BAD_RULES = 45
    BAD_MARK = 46
    ACCOUNT_FROZEN = 47
    ACCOUNT_CLOSED = 48
    ACCOUNT_NOT_EMPTY = 49
    GROUP_NOT_FOUND = 50
    REVERSAL_DIFFERS = 51
    HOLD_NOT_FOUND = 52
    HOLD_CLOSED = 53
    HOLD_EXCEEDED = 54
    BAD_EXPIRY = 55
    BAD_ACTION = 60
    POS_LIMIT = 64
    CREDIT = 65
    NOT_ENTITLED = 72
    RESTRICTED = 73
    THROTTLED = 74
    REPEAT_LIMIT = 75
    DUPLICATE_ORDER = 76
    MMP = 77
    EXPOSURE = 80
    LOSS_LIMIT = 81
    DRAWDOWN = 82
    GREEKS = 83
    NOT_LIQUIDATED = 84


CODES: dict[Reason, str] = {
    Reason.BAD_COMMAND: "request.invalid",
    Reason.UNKNOWN_SYMBOL: "order.unknown_symbol",
    Reason.UNKNOWN_ACCOUNT: "order.unknown_account",
    Reason.DUPLICATE_ID: "idempotency.mismatch",
    Reason.KILLED: "risk.killed",
    Reason.HALTED: "session.halted",
    Reason.BAD_TICK: "order.price.off_tick",
    Reason.BAD_LOT: "order.quantity.off_lot",
    Reason.BAD_QTY: "order.quantity.bad",
    Reason.BAD_PRICE: "order.price.bad",
    Reason.BAD_TYPE: "order.type.bad",
    Reason.BAD_TIF: "order.tif.bad",
    Reason.ORDER_NOT_FOUND: "order.not_found",
    Reason.ORDER_FINAL: "order.already_final",
    Reason.MAX_QTY: "risk.max_quantity",
    Reason.MAX_NOTIONAL: "risk.max_notional",
    Reason.MIN_NOTIONAL: "risk.min_notional",
    Reason.STALE_REF: "risk.stale_reference",
    Reason.MAX_OPEN: "risk.max_open",
    Reason.NO_FUNDS: "risk.no_funds",
    Reason.POST_ONLY: "order.post_only",
    Reason.QTY_OVERFLOW: "order.quantity.overflow",
    Reason.AMOUNT_OVERFLOW: "order.amount.overflow",
    Reason.REPLACE_BELOW_FILLED: "order.replace.below_filled",
    Reason.CAPACITY: "engine.capacity",
    Reason.INSUFFICIENT: "transfer.insufficient",
    Reason.ID_ALREADY_FAILED: "transfer.id_already_failed",
    Reason.UNKNOWN_CURRENCY: "currency.not_found",
    Reason.EXISTS_DIFFERENT: "definition.exists_with_different",
    Reason.ORDER_FILLED: "order.already_filled",
    Reason.BAD_AMOUNT: "transfer.amount.bad",
    Reason.BAD_DEFINITION: "definition.invalid",
    Reason.BAD_DISPLAY: "order.display.bad",
    Reason.EXPIRED: "order.expired",
    Reason.BAD_STOP: "order.stop.bad",
    Reason.BAD_TRAIL: "order.trail.bad",
    Reason.BAD_PEG: "order.peg.bad",
    Reason.BAD_MIN_QTY: "order.min_quantity.bad",
    Reason.BAD_BUDGET: "order.budget.bad",
    Reason.REDUCE_ONLY: "risk.reduce_only",
    Reason.PRICE_BAND: "risk.price_band",
    Reason.COLLAR: "risk.collar",
    Reason.LINKED: "order.linked",
    Reason.BAD_LINK: "order.link.bad",
    Reason.BAD_RULES: "rules.invalid",
    Reason.BAD_MARK: "mark.invalid",
    Reason.ACCOUNT_FROZEN: "account.frozen",
    Reason.ACCOUNT_CLOSED: "account.closed",
    Reason.ACCOUNT_NOT_EMPTY: "account.not_empty",
    Reason.GROUP_NOT_FOUND: "transaction.not_found",
    Reason.REVERSAL_DIFFERS: "transaction.reversal_differs",
    Reason.HOLD_NOT_FOUND: "hold.not_found",
    Reason.HOLD_CLOSED: "hold.closed",
    Reason.HOLD_EXCEEDED: "hold.exceeded",
    Reason.BAD_EXPIRY: "hold.expires_at.bad",
    Reason.BAD_ACTION: "action.invalid",
    Reason.POS_LIMIT: "risk.position",
    Reason.CREDIT: "risk.credit",
    Reason.NOT_ENTITLED: "account.not_entitled",
    Reason.RESTRICTED: "risk.restricted",
    Reason.THROTTLED: "rate.throttled",
    Reason.REPEAT_LIMIT: "risk.repeat",
    Reason.DUPLICATE_ORDER: "risk.duplicate_order",
    Reason.MMP: "risk.mmp",
    Reason.EXPOSURE: "risk.exposure",
    Reason.LOSS_LIMIT: "risk.loss",
    Reason.DRAWDOWN: "risk.drawdown",
    Reason.GREEKS: "risk.greeks",
    Reason.NOT_LIQUIDATED: "risk.not_liquidated",
}

FIX_ORD_REJ_REASON: dict[Reason, int] = {
    Reason.UNKNOWN_SYMBOL: 1,
    Reason.UNKNOWN_ACCOUNT: 15,
    Reason.DUPLICATE_ID: 6,
    Reason.KILLED: 2,
    Reason.HALTED: 2,
    Reason.BAD_TICK: 11,
    Reason.BAD_LOT: 13,
    Reason.BAD_QTY: 13,
    Reason.BAD_PRICE: 11,
    Reason.BAD_TYPE: 11,
    Reason.BAD_TIF: 11,
    Reason.MAX_QTY: 3,
    Reason.MAX_NOTIONAL: 3,
    Reason.MIN_NOTIONAL: 13,
    Reason.STALE_REF: 99,
    Reason.MAX_OPEN: 3,
    Reason.NO_FUNDS: 0,
    Reason.POST_ONLY: 99,
    Reason.QTY_OVERFLOW: 13,
    Reason.AMOUNT_OVERFLOW: 3,
    Reason.CAPACITY: 99,
    Reason.BAD_DISPLAY: 13,
    Reason.EXPIRED: 11,
    Reason.BAD_STOP: 11,
    Reason.BAD_TRAIL: 11,
    Reason.BAD_PEG: 11,
    Reason.BAD_MIN_QTY: 13,
    Reason.BAD_BUDGET: 13,
    Reason.REDUCE_ONLY: 99,
    Reason.PRICE_BAND: 99,
    Reason.COLLAR: 99,
    Reason.LINKED: 99,
    Reason.BAD_LINK: 11,
    Reason.ACCOUNT_FROZEN: 99,
    Reason.ACCOUNT_CLOSED: 99,
    Reason.POS_LIMIT: 3,
    Reason.CREDIT: 0,
    Reason.NOT_ENTITLED: 15,
    Reason.RESTRICTED: 99,
    Reason.THROTTLED: 99,
    Reason.REPEAT_LIMIT: 99,
    Reason.DUPLICATE_ORDER: 6,
    Reason.MMP: 99,
    Reason.EXPOSURE: 3,
    Reason.LOSS_LIMIT: 99,
    Reason.DRAWDOWN: 99,
    Reason.GREEKS: 3,
}


class Scope(IntEnum):
    """Whose limit refused (u8)."""

    NONE = 0
    VENUE = 1
    ACCOUNT = 2
    INSTRUMENT = 3
    ORDER = 4
    FIRM = 5
    GROUP = 6
    SESSION = 7
