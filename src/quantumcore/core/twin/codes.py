"""The numbers that commands and events speak in, each with its one name (docs/reference/engine.md, orders.md)."""

# Types of orders.
MARKET, LIMIT, STOP, STOP_LIMIT, MARKET_TO_LIMIT = 1, 2, 3, 4, 5
TRAILING_STOP, TRAILING_STOP_LIMIT, MARKET_IF_TOUCHED, LIMIT_IF_TOUCHED, PEGGED = 6, 7, 8, 9, 10
STOPS = (STOP, STOP_LIMIT)
TOUCHED = (MARKET_IF_TOUCHED, LIMIT_IF_TOUCHED)
TRAILING = (TRAILING_STOP, TRAILING_STOP_LIMIT)
TRIGGERED = (*STOPS, *TOUCHED, *TRAILING)
NEVER_REST = (MARKET, STOP, TRAILING_STOP, MARKET_IF_TOUCHED)  # also after their trigger
DERIVED = (*NEVER_REST, TRAILING_STOP_LIMIT)  # their limit always follows from something else
UNPRICED = (*DERIVED, MARKET_TO_LIMIT)  # a submission names no price
TYPES = (MARKET, LIMIT, MARKET_TO_LIMIT, PEGGED, *TRIGGERED)

# Times in force.
GTC, AT_OPEN, IOC, FOK, DAY, GTD, AT_CLOSE, GTT, GOOD_FOR_AUCTION, AT_CLOSING_PRICE = range(1, 11)
LASTING = (GTC, DAY, GTD, GTT)  # those under which an order may rest, or wait
IMMEDIATE_TIMES = (IOC, FOK)
AUCTION_TIMES = (AT_OPEN, AT_CLOSE, GOOD_FOR_AUCTION, AT_CLOSING_PRICE)
TIMES = (*LASTING, *IMMEDIATE_TIMES, *AUCTION_TIMES)

# Flags of an order.
POST_ONLY, SLIDE, REDUCE_ONLY, HIDDEN, ALL_OR_NONE, CANCEL_ON_DISCONNECT = 1, 2, 4, 8, 16, 32
FLAGS = POST_ONLY | SLIDE | REDUCE_ONLY | HIDDEN | ALL_OR_NONE | CANCEL_ON_DISCONNECT

# Self-trade prevention; 0, the venue's default, is cancel_newest.
CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_BOTH, DECREMENT, NO_PREVENTION = 1, 2, 3, 4, 5

# What a trigger watches; PARENT: an order that was freed.
LAST, QUOTE, MARK, PARENT = 0, 1, 2, 3

# How far a trailing stop stays behind: an amount of the quote currency, a fraction of the watched price, or ticks.
BY_AMOUNT, BY_RATE, BY_TICKS = 1, 2, 3

# Phases of an instrument, and why it came into one.
CONTINUOUS, HALTED, CLOSED, PRE_OPEN = 1, 2, 3, 4
OPENING_CALL, INTRADAY_CALL, VOLATILITY_CALL, CLOSING_CALL = 5, 6, 7, 8
CLOSING_CROSS, PAUSED, POST_CLOSE = 9, 10, 11
CALLS = frozenset({OPENING_CALL, INTRADAY_CALL, VOLATILITY_CALL, CLOSING_CALL})
GATHERING = CALLS | {PRE_OPEN, PAUSED}  # orders are taken and none trades: the book may cross
DAY_IS_OVER = frozenset({CLOSED, POST_CLOSE})
ASKED, BAND, VELOCITY, CALL_OVER = 0, 1, 2, 3

# Why an order was cancelled.
REQUESTED, MASS_CANCELLED, KILL_SWITCH, IMMEDIATE, FILL_OR_KILL, SELF_TRADE = 1, 2, 3, 4, 5, 6
EXPIRED, LINKED, CANCEL_ALL_AFTER, DISCONNECTED, NOTHING_TO_REDUCE, AUCTION_OVER = 7, 8, 9, 10, 11, 12
MINIMUM_NOT_MET, NO_FUNDS, OUT_OF_BOUNDS, AT_THE_BAND = 13, 14, 15, 16

# Why an order was replaced.
ASKED_FOR, DECREMENTED, FOLLOWED, TRIMMED, BY_LINK, CONVERTED, HOLDS_FOR_BOTH = 0, 1, 2, 3, 4, 5, 6

# Why an order waits.
NO_REFERENCE, WAITS_FOR_AUCTION = 1, 2
