"""How the venue is set up, and in which phase its instruments are (docs/reference/engine.md section 3)."""

from quantumcore.contracts.wire.events import Event
from quantumcore.contracts.wire.layout import INSTRUMENT_BODY, RULES_BODY


class AccountOpened(Event, frozen=True, gc=False):
    """owner is the user's UUID as an integer."""

    KIND = 9
    BODY = "owner:owner _:8x"
    owner: int


class CurrencyDefined(Event, frozen=True, gc=False):
    """scale is the number of decimals of a minor unit."""

    KIND = 10
    BODY = "currency:H scale:B _:x code:12s _:8x"
    currency: int
    scale: int
    code: str


class InstrumentDefined(Event, frozen=True, gc=False):
    """The whole definition, as DefineInstrument has it."""

    KIND = 11
    BODY = INSTRUMENT_BODY
    instrument_kind: int
    status: int
    base: int
    quote: int
    tick_scale: int
    lot_scale: int
    tick: int
    lot: int
    multiplier: int
    min_price: int
    max_price: int
    min_quantity: int
    max_quantity: int
    min_notional: int
    max_notional: int
    taker_fee: int
    maker_fee: int
    minimum_fee: int
    collar: int
    symbol: str


class InstrumentStatusChanged(Event, frozen=True, gc=False):
    """status is a phase; cause 0 asked for, 1 a band was left or a limit state lasted, 2 velocity, 3 the call's time is over."""

    KIND = 12
    BODY = "status:B cause:B _:6x"
    status: int
    cause: int = 0


class KillSwitchChanged(Event, frozen=True, gc=False):
    """account 0 is the venue; count is how many orders were cancelled."""

    KIND = 13
    BODY = "engaged:B _:3x count:I"
    engaged: int
    count: int


class LimitsChanged(Event, frozen=True, gc=False):
    """account 0 is the default profile."""

    KIND = 14
    BODY = "max_open_orders:I _:4x"
    max_open_orders: int


class MarkChanged(Event, frozen=True, gc=False):
    """price in ticks; 0: there is none."""

    KIND = 21
    BODY = "price:q"
    price: int


class ReferenceChanged(Event, frozen=True, gc=False):
    """The static reference in ticks; 0: there is none."""

    KIND = 22
    BODY = "price:q"
    price: int


class TradingRulesChanged(Event, frozen=True, gc=False):
    """The whole rules, as SetTradingRules has them."""

    KIND = 23
    BODY = f"{RULES_BODY} _:8x"
    allocation: int
    static_band: int
    price_collar: int
    dynamic_band: int
    limit_state_ns: int
    call_ns: int
    velocity: int
    velocity_ns: int


class GroupChanged(Event, frozen=True, gc=False):
    """The account's group; 0: none."""

    KIND = 24
    BODY = "group:I _:4x"
    group: int


class IndicativeChanged(Event, frozen=True, gc=False):
    """What a call would trade now: price in ticks (0: nothing crosses), lots, and the surplus of buys (negative: sells)."""

    KIND = 25
    BODY = "price:q quantity:q imbalance:q"
    price: int
    quantity: int
    imbalance: int


class AuctionUncrossed(Event, frozen=True, gc=False):
    """The auction's price in ticks (0: nothing crossed), its lots and the surplus that remains; its trades follow."""

    KIND = 26
    BODY = "price:q quantity:q imbalance:q phase:B _:15x"
    price: int
    quantity: int
    imbalance: int
    phase: int


class LimitStateChanged(Event, frozen=True, gc=False):
    """state 0 none, 1 at the upper band, 2 at the lower; band in ticks; without an end by until_ns a volatility call begins."""

    KIND = 27
    BODY = "band:q until_ns:q state:B _:7x"
    band: int
    until_ns: int
    state: int
