"""Events as the short lines of a case: a head that says what happened to which order, then pairs that say how."""

from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason, Scope
from tests.support import case_guard_events, case_margin_events

REPLACED = {
    0: "asked",
    1: "decremented",
    2: "pegged",
    3: "trimmed",
    4: "follows",
    5: "slid",
    6: "holds_for_both",
    7: "in_turn",
}
CANCELLED = {
    1: "requested", 2: "mass_cancel", 3: "kill_switch", 4: "immediate", 5: "fill_or_kill", 6: "self_trade", 7: "expired",
    8: "linked", 9: "cancel_all_after", 10: "disconnected", 11: "reduce_only", 12: "auction_over", 13: "minimum", 14: "no_funds",
    15: "notional", 16: "band", 20: "adjusted", 21: "protection", 22: "not_admitted", 23: "margin",
}  # fmt: skip
PHASES = {
    1: "continuous", 2: "halted", 3: "closed", 4: "pre_open", 5: "opening_call", 6: "intraday_call", 7: "volatility_call",
    8: "closing_call", 9: "closing_cross", 10: "paused", 11: "post_close",
}  # fmt: skip
CAUSES = {0: "asked", 1: "band", 2: "velocity", 3: "call_over"}
SOURCES = {0: "last", 1: "quote", 2: "mark", 3: "parent"}
WAITS = {1: "no_reference", 2: "phase_over"}
LINKS = {1: "oco", 2: "oto", 3: "bracket"}
VERBS = {
    1: "submit", 2: "replace", 3: "cancel", 4: "mass_cancel", 5: "transfer", 6: "open_account", 7: "define_currency",
    8: "define_instrument", 9: "status", 10: "kill", 11: "time", 12: "limits", 13: "submit", 14: "replace", 15: "link",
    16: "cancel_all_after", 17: "end_session", 18: "mark", 19: "reference", 20: "rules", 21: "group", 22: "bust",
    23: "batch", 24: "post", 25: "account", 26: "credit", 27: "hold", 28: "amend", 29: "release",
    31: "action", 32: "firm", 33: "limit", 34: "money", 35: "size", 36: "share", **case_guard_events.VERBS, **case_margin_events.VERBS,
}  # fmt: skip
NO_SLOT = 0xFFFFFFFF
HELD = {1: "placed", 2: "amended", 3: "captured", 4: "released", 5: "expired", 6: "adjusted"}
ACTIONS = {
    1: "split", 2: "stock_dividend", 3: "cash_dividend", 4: "conversion", 5: "spin_off", 6: "adjustment", 7: "settlement",
    8: "exercise", 9: "funding", 10: "borrow_fee",
}  # fmt: skip
STATES = {1: "open", 2: "frozen", 3: "closed", 4: "reducing"}


class Shown(NamedTuple):
    """What happened (`head`, always all of it), and how (`pairs`, of which a case may leave out any)."""

    head: str
    pairs: dict[str, str]

    def __str__(self) -> str:
        return " ".join([self.head, *(f"{word} {value}" for word, value in self.pairs.items())])

    def fits(self, text: str) -> bool:
        """Tell whether an expected line says nothing but what is so."""
        head, words = self.head.split(), text.split()
        if words[: len(head)] != head:
            return False
        rest = words[len(head) :]
        mentioned = zip(rest[::2], rest[1::2], strict=False)
        return len(rest) % 2 == 0 and all(self.pairs.get(word) == value for word, value in mentioned)


class Scales(Protocol):
    """What an event's numbers mean in the outside world."""

    def price(self, instrument: int, ticks: int) -> str: ...
    def quantity(self, instrument: int, lots: int) -> str: ...
    def money(self, currency: int, minor: int) -> str: ...
    def order(self, sequence: int, slot: int) -> str: ...
    def account(self, number: int) -> str: ...
    def currency(self, number: int) -> str: ...
    def instrument(self, number: int) -> str: ...
    def since(self, time_ns: int) -> str: ...


def plain(mantissa: int, decimals: int) -> str:
    """Return a decimal as one writes it."""
    text = format(Decimal(mantissa).scaleb(-decimals), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def show(e: Any, s: Scales) -> Shown:
    """Return `e` as a case says it."""
    i = e.instrument
    named = s.order(e.order_sequence, e.order_slot) if hasattr(e, "order_sequence") else ""
    match e:
        case wire.OrderAccepted():
            named = s.order(e.sequence, e.order_slot)
            return _of(
                "accepted",
                named,
                price=s.price(i, e.price),
                quantity=s.quantity(i, e.quantity),
                hold=s.money(e.hold_currency, e.hold),
            )
        case wire.TermsAccepted():
            return _terms(e, named, s)
        case wire.OrderRejected():
            return _refusal(f"rejected {e.client_id} {Reason(e.reason).name}", e)
        case wire.CommandRefused():
            order = e.client_id or (named if e.order_sequence else "")
            shown = _refusal(
                " ".join(filter(None, ["refused", VERBS.get(e.command, "unknown"), order, Reason(e.reason).name])), e
            )
            if VERBS.get(e.command) == "post":
                shown.pairs["leg"] = "none" if e.order_slot == NO_SLOT else str(e.order_slot)
            return shown
        case wire.OrderReplaced():
            return _of(
                "replaced",
                f"{named} {REPLACED[e.reason]}",
                price=s.price(i, e.price),
                quantity=s.quantity(i, e.quantity),
                leaves=s.quantity(i, e.leaves),
                hold=s.money(e.hold_currency, e.hold),
                priority="kept" if e.priority_kept else "lost",
            )
        case wire.OrderCancelled():
            head = f"{named} {s.quantity(i, e.quantity)} {CANCELLED[e.reason]}"
            return _of("cancelled", head, released=s.money(e.hold_currency, e.released))
        case wire.TradePrinted():
            return _trade(e, s)
        case wire.OrderTriggered():
            return _of("triggered", named, at=s.price(i, e.price), limit=s.price(i, e.limit), source=SOURCES[e.source])
        case wire.OrderEntered():
            return _of(
                "entered", named, at=s.price(i, e.price), leaves=s.quantity(i, e.leaves), shown=s.quantity(i, e.shown)
            )
        case wire.OrderWaits():
            return _of("set_aside", f"{named} {WAITS[e.cause]}")
        case wire.OrderRefilled():
            return _of(
                "refilled", named, shown=s.quantity(i, e.shown), leaves=s.quantity(i, e.leaves), refills=str(e.refills)
            )
        case wire.StopMoved():
            return _of(
                "moved",
                named,
                stop=s.price(i, e.stop_price),
                price=s.price(i, e.price),
                hold=s.money(e.hold_currency, e.hold),
            )
        case wire.CommandDone():
            if e.outcome:
                named = "" if VERBS[e.command] in ("bust", "post", "hold", "action") else named
                return _of("repeat" if e.outcome == 1 else "already_cancelled", named)
            return _of("done", count=str(e.count))
        case _:
            return _of_the_venue(e, s)


def _of_the_venue(e: Any, s: Scales) -> Shown:
    i = e.instrument
    match e:
        case wire.InstrumentStatusChanged():
            return _of("status", PHASES[e.status], cause=CAUSES[e.cause])
        case wire.MarkChanged():
            return _of("mark", s.price(i, e.price) if e.price else "none")
        case wire.ReferenceChanged():
            return _of("reference", s.price(i, e.price) if e.price else "none")
        case wire.IndicativeChanged() | wire.AuctionUncrossed():
            name = "indicative" if isinstance(e, wire.IndicativeChanged) else "uncrossed"
            shown = _of(
                name,
                price=s.price(i, e.price),
                quantity=s.quantity(i, e.quantity),
                imbalance=s.quantity(i, e.imbalance),
            )
            if isinstance(e, wire.AuctionUncrossed):
                shown.pairs["phase"] = PHASES[e.phase]
            return shown
        case wire.LimitStateChanged():
            state = {0: "none", 1: "upper", 2: "lower"}[e.state]
            return _of("limit_state", state, band=s.price(i, e.band), until=s.since(e.until_ns) if e.until_ns else "0")
        case wire.CancelTimerSet():
            return _of("timer", s.account(e.account), at=s.since(e.deadline_ns) if e.deadline_ns else "off")
        case wire.KillSwitchChanged():
            who = s.account(e.account) if e.account else "venue"
            return _of("kill", f"{who} {'on' if e.engaged else 'off'}", count=str(e.count))
        case wire.LimitsChanged():
            return _of("limits", f"{s.account(e.account) if e.account else 'default'} {e.max_open_orders}")
        case wire.GroupChanged():
            return _of("group", f"{s.account(e.account)} {e.group}")
        case wire.FirmChanged():
            return _of("firm", f"{s.account(e.account)} {e.firm}")
        case wire.QuantityLimitsChanged():
            limits = {"order": e.max_order_lots, "long": e.max_long, "short": e.max_short}
            limits |= {"open": e.max_open_orders, "each": e.max_open_each}
            return _of("limit", _whose(e, s), **{word: str(most) for word, most in limits.items() if most >= 0})
        case wire.MarketSizeChanged():
            return _of("size", interest=str(e.open_interest), volume=str(e.daily_volume))
        case wire.MarketSharesChanged():
            return _of("share", _whose(e, s), interest=str(e.interest), volume=str(e.volume))
        case wire.MoneyLimitsChanged():
            limits = {"order": e.max_order_notional, "open": e.max_open_notional, "credit": e.credit}
            whose = f"{_whose(e, s)} {s.currency(e.currency)}"
            return _of("money", whose, **{w: s.money(e.currency, most) for w, most in limits.items() if most >= 0})
        case wire.TradingRulesChanged():
            return _of("rules", **_fields(e))
        case wire.OrdersLinked():
            slots = [slot for slot in (e.first, e.second, e.third) if slot != NO_SLOT]
            return _of("linked", " ".join([LINKS[e.link], *(s.order(e.sequence, slot) for slot in slots)]))
        case wire.TradeBusted():
            return _of("busted", **_fields(e) | {"buyer": s.account(e.buyer), "seller": s.account(e.seller)})
        case _:
            return _of_money(e, s)


def _whose(e: Any, s: Scales) -> str:
    """Return whose record of limits it is, as a command names it."""
    if e.scope in (5, 6):
        return f"firm {e.firm}" if e.scope == 5 else f"group {e.group}"
    where = f"in {s.instrument(e.instrument)}" if e.instrument else ""
    who = s.account(e.account) if e.account else "" if e.instrument else "venue"
    return f"{who} {where}".strip()


def _of_money(e: Any, s: Scales) -> Shown:
    match e:
        case wire.TransferPosted():
            posted = f"{s.account(e.account)} {s.money(e.currency, e.amount)} {s.currency(e.currency)}"
            return _of("posted", posted, total=s.money(e.currency, e.total), held=s.money(e.currency, e.held))
        case wire.TransferMade():
            return _made(e, s)
        case wire.GroupNoted():
            return _of("noted", e.text.rstrip(b"\0").decode())
        case wire.GroupPosted():
            numbers = {"code": str(e.code), "count": str(e.count), "day": str(e.effective_day), "flags": str(e.flags2)}
            return _of("group", e.group_id, **numbers, reverses=e.reverses or "none", data=e.user_data.hex())
        case wire.OrdersLinked():
            slots = [slot for slot in (e.first, e.second, e.third) if slot != NO_SLOT]
            return _of("linked", " ".join([LINKS[e.link], *(s.order(e.sequence, slot) for slot in slots)]))
        case wire.TradingRulesChanged():
            return _of("rules", **_fields(e))
        case wire.TradeBusted():
            return _of("busted", **_fields(e) | {"buyer": s.account(e.buyer), "seller": s.account(e.seller)})
        case _:
            return _of_an_account(e, s)


def _of_an_account(e: Any, s: Scales) -> Shown:
    match e:
        case wire.AccountTermsChanged():
            return _of("account", f"{s.account(e.account)} {STATES[e.state]}")
        case wire.CreditChanged():
            granted = f"{s.account(e.account)} {s.money(e.currency, e.limit)} {s.currency(e.currency)}"
            return _of("credit", granted, available=s.money(e.currency, e.available))
        case wire.HoldChanged():
            return _hold(e, s)
        case wire.PositionAdjusted():
            return _adjusted(e, s)
        case wire.ActionApplied():
            return _applied(e, s)
        case _ if e.KIND in case_guard_events.OF_GUARDS:
            return case_guard_events.show(e, s, _of)
        case _ if e.KIND in case_margin_events.OF_MARGIN:
            return case_margin_events.show(e, s, _of)
        case _:
            return _of(type(e).__name__, **_fields(e))


def _of(*head: str, **pairs: str) -> Shown:
    return Shown(" ".join(word for word in head if word), pairs)


def _fields(e: Any) -> dict[str, str]:
    return {name: str(getattr(e, name)) for name in e.LAYOUT.names[8:]}


def _refusal(head: str, e: Any) -> Shown:
    scope = Scope(e.scope).name.lower()
    return _of(head, limit=plain(e.limit, e.decimals), actual=plain(e.actual, e.decimals), scope=scope)


def _terms(e: Any, named: str, s: Scales) -> Shown:
    """`waits` it is not in a book yet, `dark` it will never be shown, `terms` neither."""
    i = e.instrument
    word = "waits" if e.waits else "dark" if e.dark else "terms"
    pairs = {
        "stop": s.price(i, e.stop_price),
        "trail": str(e.trail) if e.trail_unit == 2 else s.price(i, e.trail),
        "offset": s.price(i, e.offset),
        "display": s.quantity(i, e.display),
        "range": s.quantity(i, e.display_range),
        "min": s.quantity(i, e.min_quantity),
        "budget": str(e.budget),
        "until": s.since(e.expires_ns) if e.expires_ns else "0",
        "seed": str(e.seed),
        "dark": str(e.dark),
    }
    return Shown(f"{word} {named}", {name: value for name, value in pairs.items() if value != "0"})


def _made(e: Any, s: Scales) -> Shown:
    """`alice` is her balance, `alice/220` her collateral, a bare number an account of the house."""
    sides = [
        (s.account(owner) + (f"/{code}" if code else "")) if owner else str(code)
        for owner, code in ((e.debit_account, e.debit_code), (e.credit_account, e.credit_code))
    ]
    totals = {"debit": s.money(e.currency, e.debit_total), "credit": s.money(e.currency, e.credit_total)}
    head = f"{s.money(e.currency, e.amount)} {s.currency(e.currency)} {' '.join(sides)}"
    return _of("made", head, **totals, leg=str(e.leg), code=str(e.code))


def _hold(e: Any, s: Scales) -> Shown:
    """A hold after one act, and what that moved."""
    parts = {name: s.money(e.currency, getattr(e, name)) for name in ("placed", "captured", "released", "open", "held")}
    head = f"{e.hold_id} {HELD[e.cause]} {s.money(e.currency, e.amount)} {s.currency(e.currency)}"
    return _of("hold", head, **parts, of=s.account(e.account), until=s.since(e.expires_ns) if e.expires_ns else "none")


def _adjusted(e: Any, s: Scales) -> Shown:
    pairs = {
        "before": s.quantity(e.instrument, e.before),
        "after": s.quantity(e.instrument, e.quantity),
        "asset": s.money(e.base, e.asset),
        "collateral": s.money(e.base, e.collateral),
        "money": s.money(e.quote, e.money),
    }
    if e.target:
        pairs |= {
            "target_before": s.quantity(e.target, e.target_before),
            "target_after": s.quantity(e.target, e.target_quantity),
            "target_asset": s.money(e.target_base, e.target_asset),
            "target_collateral": s.money(e.target_base, e.target_collateral),
        }
    return _of("adjusted", f"{s.account(e.account)} {ACTIONS[e.action]}", **pairs)


def _applied(e: Any, s: Scales) -> Shown:
    money = {name: s.money(e.quote, getattr(e, name)) for name in ("clearing", "rounding")}
    assets = {name: str(getattr(e, name)) for name in ("asset", "target_asset")}
    return _of("applied", f"{e.action_id} {ACTIONS[e.action]}", count=str(e.count), **money, **assets)


def _trade(e: Any, s: Scales) -> Shown:
    i = e.instrument
    maker, taker = s.order(e.maker_order_sequence, e.maker_slot), s.order(e.taker_order_sequence, e.taker_slot)
    return _of(
        "trade",
        f"{s.quantity(i, e.quantity)} @ {s.price(i, e.price)}",
        maker=maker,
        taker=taker,
        maker_leaves=s.quantity(i, e.maker_leaves),
        taker_leaves=s.quantity(i, e.taker_leaves),
        paid=s.money(e.quote, e.paid),
        received=s.money(e.quote, e.received),
        maker_fee=s.money(e.quote, e.maker_fee),
        taker_fee=s.money(e.quote, e.taker_fee),
        maker_hold=s.money(e.quote if e.taker_side == 2 else e.base, e.maker_hold),
        taker_hold=s.money(e.quote if e.taker_side == 1 else e.base, e.taker_hold),
        fill=str(e.fill),
    )
