"""The words of a case's commands, and the commands that they spell."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from quantumcore.contracts import wire
from tests.support.case_events import ACTIONS, LINKS, PHASES, STATES

if TYPE_CHECKING:
    from tests.support.case_market import CaseMarket

NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9}
TYPES = {
    "market": 1, "limit": 2, "stop": 3, "stop_limit": 4, "market_to_limit": 5, "trailing_stop": 6, "trailing_stop_limit": 7,
    "market_if_touched": 8, "limit_if_touched": 9, "pegged": 10,
}  # fmt: skip
TIMES = {
    "gtc": 1, "at_open": 2, "ioc": 3, "fok": 4, "day": 5, "gtd": 6, "at_close": 7, "gtt": 8, "good_for_auction": 9, "closing_cross": 10,
}  # fmt: skip
FLAGS = {
    "post_only": 1,
    "slide": 2,
    "reduce_only": 4,
    "hidden": 8,
    "all_or_none": 16,
    "cancel_on_disconnect": 32,
    "short_exempt": 64,
}
TRIGGERS = {"last": 0, "quote": 1, "mark": 2}
TRAIL_UNITS = {"price": 1, "rate": 2, "ticks": 3}
PEGS = {"primary": 1, "market": 2, "mid": 3}
PREVENTIONS = {"newest": 1, "oldest": 2, "both": 3, "decrement": 4, "none": 5}
SIDES = {"buy": 1, "sell": 2, "buys": 1, "sells": 2}
RATES = ("static_band", "price_collar", "dynamic_band", "velocity")
MARKET_SIZES = {"interest": "open_interest", "volume": "daily_volume"}
QUANTITY_LIMITS = {
    "order": "max_order_lots", "long": "max_long", "short": "max_short", "open": "max_open_orders", "each": "max_open_each",
}  # fmt: skip
MONEY_LIMITS = {"order": "max_order_notional", "open": "max_open_notional", "credit": "credit"}
DECIMALS = {  # word: field, scale field
    "stop": ("stop_price", "stop_scale"),
    "offset": ("offset", "offset_scale"),
    "display": ("display", "display_scale"),
    "min": ("min_quantity", "min_quantity_scale"),
    "budget": ("budget", "budget_scale"),
}


def decimal(text: Any) -> tuple[int, int]:
    """Return mantissa and scale of a decimal, trailing zeros removed."""
    sign, digits, exponent = Decimal(str(text)).as_tuple()
    mantissa = int("".join(map(str, digits))) * (-1 if sign else 1)
    scale = -int(exponent)
    while scale > 0 and mantissa % 10 == 0:
        mantissa, scale = mantissa // 10, scale - 1
    return mantissa * 10 ** max(0, -scale), max(0, scale)


def nanoseconds(text: str) -> int:
    """Return how long `5s`, `300ms`, `2h`, `-1s` or a bare number of nanoseconds is."""
    number = text.rstrip("nusmhd")
    return int(number) * NANOSECONDS[text[len(number) :] or "ns"]


def span(time_ns: int) -> str:
    """Return a time in the largest unit that says it whole: 90s, 2h."""
    for unit in ("d", "h", "m", "s", "ms", "us"):
        if time_ns and time_ns % NANOSECONDS[unit] == 0:
            return f"{time_ns // NANOSECONDS[unit]}{unit}"
    return f"{time_ns}ns" if time_ns else "0s"


def _number(text: str, names: dict[str, int]) -> int:
    """Return what a word stands for; a bare number stands for itself, so that a case can send what no client should."""
    return names[text] if text in names else int(text)


def pairs(rest: list[str]) -> dict[str, str]:
    """Return `word value word value` as a dictionary."""
    return dict(zip(rest[::2], rest[1::2], strict=True))


def instrument_of(market: "CaseMarket", given: dict[str, str]) -> int:
    """Return the instrument that `in` names, else the first."""
    name = given.get("in", "ACME")
    return market.instruments[name] if name in market.instruments else int(name)


def definition(number: int, name: str, fields: dict[str, Any]) -> wire.DefineInstrument:
    """Return the definition of an instrument; tick and lot are decimals, the rest integers as the engine takes them."""
    values = {key: int(value) for key, value in fields.items() if key not in ("tick", "lot", "status")}
    (tick, tick_scale), (lot, lot_scale) = decimal(fields["tick"]), decimal(fields["lot"])
    status = _number(str(fields["status"]), {phase: code for code, phase in PHASES.items()})
    return wire.DefineInstrument(
        instrument=number,
        symbol=name,
        tick=tick,
        tick_scale=tick_scale,
        lot=lot,
        lot_scale=lot_scale,
        status=status,
        **values,
    )


def transfer(market: "CaseMarket", who: str, kind: int, amount: str, code: str) -> wire.Transfer:
    """Return a deposit or withdrawal of whole or broken units of a currency."""
    market.transfers += 1
    mantissa, scale = decimal(amount)
    return wire.Transfer(
        account=market.account_number(who),
        amount=mantissa * 10 ** (market.scales[code] - scale),
        currency=market.currencies[code],
        transfer_kind=kind,
        transfer_id=f"t-{market.transfers}",
    )


def command(market: "CaseMarket", verb: str, rest: list[str], members: list[str]) -> wire.Command:
    """Return the command that a line spells."""
    if verb in ("buy", "sell"):
        return submission(market, verb, rest)
    if verb == "link":
        return _link(market, rest, members)
    if verb == "batch":
        return _batch(market, members)
    if verb == "post":
        return _post(market, rest, members)
    return _COMMANDS[verb](market, rest)


def submission(market: "CaseMarket", verb: str, rest: list[str], *, advanced: bool = False) -> Any:
    """Return a submission: a plain one unless a word asks for more or `advanced` does."""
    who, client_id, quantity, *more = rest
    fields: dict[str, Any] = {"time_in_force": 1, "flags": 0, "session": 0}
    terms: dict[str, Any] = {}
    given: dict[str, str] = {}
    at = 0
    while at < len(more):
        word = more[at]
        at += 1
        if word in TIMES:
            fields["time_in_force"] = TIMES[word]
        elif word in FLAGS:
            fields["flags"] |= FLAGS[word]
        elif word == "touched":
            given["touched"] = word
        else:
            given[word] = more[at]
            at += 1
            if word == "trail" and at < len(more) and more[at] in TRAIL_UNITS:
                given["unit"] = more[at]
                at += 1
    fields["quantity"], fields["quantity_scale"] = decimal(quantity)
    fields["price"], fields["price_scale"] = decimal(given.get("@", 0))
    for word, value in given.items():
        _take(market, word, value, fields, terms)
    fields["order_type"] = _number(given["type"], TYPES) if "type" in given else _type_of(given)
    made = {
        "instrument": instrument_of(market, given),
        "account": market.account_number(who),
        "side": SIDES[verb],
        "client_id": client_id,
    }
    if terms or advanced:
        return wire.SubmitAdvancedOrder(**made, **fields, **terms)
    return wire.SubmitOrder(**made, **fields)


def _take(market: "CaseMarket", word: str, value: str, fields: dict[str, Any], terms: dict[str, Any]) -> None:
    """Write one word of a submission into the field that it means."""
    if word in DECIMALS:
        field, scale = DECIMALS[word]
        terms[field], terms[scale] = decimal(value)
    elif word == "range":
        mantissa, scale_of_range = decimal(value)
        least = max(scale_of_range, terms.get("display_scale", 0))
        terms["display"] = terms.get("display", 0) * 10 ** (least - terms.get("display_scale", 0))
        terms["display_range"], terms["display_scale"] = mantissa * 10 ** (least - scale_of_range), least
    elif word == "trail":
        terms["trail"], terms["trail_scale"] = decimal(value)
        terms.setdefault("trail_unit", 1)
    elif word == "unit":
        terms["trail_unit"] = _number(value, TRAIL_UNITS)
    elif word == "trigger":
        terms["trigger"] = _number(value, TRIGGERS)
    elif word == "peg":
        terms["peg"] = _number(value, PEGS)
    elif word == "seed":
        terms["seed"] = int(value)
    elif word == "until":
        terms["expires_ns"] = market.instant(value)
    elif word == "stp":
        fields["self_trade_prevention"] = _number(value, PREVENTIONS)
    elif word == "session":
        fields["session"] = int(value)
    elif word not in ("@", "in", "type", "touched"):
        raise ValueError(f"no order has a {word!r}")


def _type_of(given: dict[str, str]) -> int:
    """Return the type that the words ask for."""
    with_limit = "@" in given
    if "trail" in given:
        return TYPES["trailing_stop_limit" if "offset" in given else "trailing_stop"]
    if "peg" in given:
        return TYPES["pegged"]
    if "touched" in given:
        return TYPES["limit_if_touched" if with_limit else "market_if_touched"]
    if "stop" in given:
        return TYPES["stop_limit" if with_limit else "stop"]
    return TYPES["limit" if with_limit else "market"]


def _whole(market: "CaseMarket", members: list[str]) -> list[wire.SubmitAdvancedOrder]:
    return [submission(market, text.split()[0], text.split()[1:], advanced=True) for text in members]


def _batch(market: "CaseMarket", members: list[str]) -> wire.SubmitOrderBatch:
    whole = _whole(market, members)
    raw = b"".join(member.encode() for member in whole)
    return wire.SubmitOrderBatch(account=whole[0].account, count=len(whole), orders=raw)


def _side(market: "CaseMarket", text: str) -> tuple[int, int]:
    """Return (account, code): `alice`, `alice/220`, or a code of the house."""
    owner, _, code = text.partition("/")
    return (0, int(owner)) if owner.isdigit() and not code else (market.account_number(owner), int(code or 0))


def _leg(market: "CaseMarket", text: str) -> wire.Leg:
    debit, credit, amount, currency, *more = text.split()
    (debit_account, debit_code), (credit_account, credit_code) = _side(market, debit), _side(market, credit)
    return wire.Leg(
        debit_account=debit_account,
        credit_account=credit_account,
        debit_code=debit_code,
        credit_code=credit_code,
        currency=_currency(market, currency),
        amount=_minor(market, amount, currency),
        hold=market.hold_of(more[1]) if more else 0,
    )


def _currency(market: "CaseMarket", code: str) -> int:
    return market.currencies[code] if code in market.currencies else int(code)


def _minor(market: "CaseMarket", amount: str, code: str) -> int:
    mantissa, scale = decimal(amount)
    return mantissa * 10 ** (market.scales.get(code, 0) - scale)


def _post(market: "CaseMarket", rest: list[str], members: list[str]) -> wire.PostGroup:
    given = pairs([word for word in rest[2:] if word != "signed"])
    return wire.PostGroup(
        account=_owner(market, rest[0]),
        group_id=rest[1],
        code=int(given.get("code", 1)),
        count=int(given.get("count", len(members))),
        flags=int(given.get("flags", "signed" in rest[2:])),
        effective_day=int(given.get("day", 0)),
        user_data=bytes.fromhex(given.get("data", "")).ljust(16, b"\0"),
        reverses=given.get("reverses", ""),
        text=given.get("text", "").encode().ljust(128, b"\0"),
        legs=b"".join(_leg(market, text).encode() for text in members),
    )


def _owner(market: "CaseMarket", name: str) -> int:
    return 0 if name == "house" else market.account_number(name)


def _account(market: "CaseMarket", rest: list[str]) -> wire.Command:
    state = _number(rest[1], {name: code for code, name in STATES.items()})
    return wire.SetAccountTerms(account=_owner(market, rest[0]), state=state)


def _credit(market: "CaseMarket", rest: list[str]) -> wire.Command:
    limit, currency = _minor(market, rest[1], rest[2]), _currency(market, rest[2])
    return wire.SetCredit(account=_owner(market, rest[0]), limit=limit, currency=currency)


def _hold(market: "CaseMarket", rest: list[str]) -> wire.Command:
    given = pairs(rest[4:])
    return wire.PlaceHold(
        account=_owner(market, rest[0]),
        hold_id=rest[1],
        amount=_minor(market, rest[2], rest[3]),
        currency=_currency(market, rest[3]),
        expires_ns=market.instant(given["until"]) if "until" in given else int(given.get("expires_ns", 0)),
    )


def _amend(market: "CaseMarket", rest: list[str]) -> wire.Command:
    return wire.AmendHold(account=_owner(market, rest[0]), hold_id=rest[1], amount=_minor(market, rest[2], rest[3]))


def _release(market: "CaseMarket", rest: list[str]) -> wire.Command:
    amount = 0 if rest[2] == "rest" else _minor(market, rest[2], rest[3])
    return wire.ReleaseHold(account=_owner(market, rest[0]), hold_id=rest[1], amount=amount)


def _link(market: "CaseMarket", rest: list[str], members: list[str]) -> wire.SubmitLinkedOrders:
    whole = _whole(market, members)
    raw = [member.encode() for member in whole] + [bytes(160)] * (3 - len(whole))
    link = _number(rest[0], {name: code for code, name in LINKS.items()})
    return wire.SubmitLinkedOrders(
        instrument=whole[0].instrument,
        account=whole[0].account,
        link=link,
        count=len(whole),
        first=raw[0],
        second=raw[1],
        third=raw[2],
    )


def _replace(market: "CaseMarket", rest: list[str]) -> wire.Command:
    given = pairs(rest[2:])
    fields = sum(bit for word, bit in (("price", 1), ("quantity", 2), ("stop", 4), ("display", 8)) if word in given)
    made: dict[str, Any] = {"account": market.account_number(rest[0]), "client_id": rest[1], "fields": fields}
    made["price"], made["price_scale"] = decimal(given.get("price", 0))
    made["quantity"], made["quantity_scale"] = decimal(given.get("quantity", 0))
    made["session"] = int(given.get("session", 0))
    if not fields & 12:
        return wire.ReplaceOrder(**made)
    made["stop_price"], made["stop_scale"] = decimal(given.get("stop", 0))
    made["display"], made["display_scale"] = decimal(given.get("display", 0))
    return wire.ReplaceAdvancedOrder(**made)


def _cancel(market: "CaseMarket", rest: list[str]) -> wire.Command:
    session = int(pairs(rest[2:]).get("session", 0))
    return wire.CancelOrder(account=market.account_number(rest[0]), client_id=rest[1], session=session)


def _mass_cancel(market: "CaseMarket", rest: list[str]) -> wire.Command:
    who, *more = rest
    side = SIDES[more.pop(0)] if more and more[0] in SIDES else 0
    instrument = instrument_of(market, pairs(more)) if more else 0
    return wire.MassCancel(account=market.account_number(who), instrument=instrument, side=side)


def _status(market: "CaseMarket", rest: list[str]) -> wire.Command:
    status = _number(rest[0], {phase: code for code, phase in PHASES.items()})
    return wire.SetInstrumentStatus(instrument=instrument_of(market, pairs(rest[1:])), status=status)


def ticks(market: "CaseMarket", instrument: int, text: str) -> int:
    if text == "none":
        return 0
    name = next((name for name, number in market.instruments.items() if number == instrument), "ACME")
    return int(Decimal(text) / Decimal(str(market.definitions[name]["tick"])))


def _mark(market: "CaseMarket", rest: list[str]) -> wire.Command:
    instrument = instrument_of(market, pairs(rest[1:]))
    return wire.SetMark(instrument=instrument, price=ticks(market, instrument, rest[0]))


def _reference(market: "CaseMarket", rest: list[str]) -> wire.Command:
    instrument = instrument_of(market, pairs(rest[1:]))
    return wire.SetReference(instrument=instrument, price=ticks(market, instrument, rest[0]))


def _rules(market: "CaseMarket", rest: list[str]) -> wire.Command:
    given = pairs(rest)
    instrument = instrument_of(market, given)
    values = {
        word: int(Decimal(value) * 10**8) if word in RATES else nanoseconds(value)
        for word, value in given.items()
        if word != "in"
    }
    return wire.SetTradingRules(instrument=instrument, **values)


def _kill(market: "CaseMarket", rest: list[str]) -> wire.Command:
    account = 0 if rest[0] == "venue" else market.account_number(rest[0])
    return wire.SetKillSwitch(account=account, engaged=int(rest[1] == "on"))


def _limits(market: "CaseMarket", rest: list[str]) -> wire.Command:
    account = 0 if rest[0] == "default" else market.account_number(rest[0])
    return wire.SetLimits(account=account, max_open_orders=int(rest[1]))


def _whose(market: "CaseMarket", rest: list[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Return whose record it is, and the limits: `venue ...`, `alice [in ACME] ...`, `in ACME ...`, `firm|group 3 ...`."""
    first, *more = rest
    if first == "venue":
        return {"scope": 1}, pairs(more)
    if first in ("firm", "group"):
        return {"scope": {"firm": 5, "group": 6}[first], first: int(more[0])}, pairs(more[1:])
    if first == "in":
        return {"scope": 3, "instrument": instrument_of(market, {"in": more[0]})}, pairs(more[1:])
    names, limits = {"scope": 2, "account": market.account_number(first)}, pairs(more)
    if "in" in limits:
        names["instrument"] = instrument_of(market, {"in": limits.pop("in")})
    return names, limits


def _limit(market: "CaseMarket", rest: list[str]) -> wire.Command:
    names, limits = _whose(market, rest)
    return wire.SetQuantityLimits(**names, **{QUANTITY_LIMITS[word]: int(value) for word, value in limits.items()})


def _size(market: "CaseMarket", rest: list[str]) -> wire.Command:
    given = pairs(rest)
    each = {name: int(given.get(word, 0)) for word, name in MARKET_SIZES.items()}
    return wire.SetMarketSize(instrument=instrument_of(market, given), **each)


def _share(market: "CaseMarket", rest: list[str]) -> wire.Command:
    names, shares = _whose(market, rest)
    return wire.SetMarketShares(**names, **{of: int(Decimal(share) * 10**6) for of, share in shares.items()})


def _money(market: "CaseMarket", rest: list[str]) -> wire.Command:
    names, limits = _whose(market, rest)
    code = limits.pop("of", "USD")
    amounts = {MONEY_LIMITS[word]: _minor(market, value, code) for word, value in limits.items()}
    return wire.SetMoneyLimits(currency=_currency(market, code), **names, **amounts)


def _cancel_all_after(market: "CaseMarket", rest: list[str]) -> wire.Command:
    timeout = 0 if rest[1] == "off" else nanoseconds(rest[1])
    return wire.CancelAllAfter(account=market.account_number(rest[0]), timeout_ns=timeout)


def _bust(market: "CaseMarket", rest: list[str]) -> wire.Command:
    given: dict[str, Any] = {
        "fill": 0,
        "paid_back": 0,
        "received_back": 0,
        "buyer_fee_back": 0,
        "seller_fee_back": 0,
    } | pairs(rest)
    instrument = instrument_of(market, given)
    given.pop("in", None)
    if "trade" in given:
        given["trade_sequence"] = market.sequence_of(given.pop("trade"))
    who = {key: market.account_number(given.pop(key)) for key in ("buyer", "seller")}
    return wire.BustTrade(instrument=instrument, **who, **{key: int(value) for key, value in given.items()})


def _action(market: "CaseMarket", rest: list[str]) -> wire.Command:
    action_id, kind, *more = rest
    given = pairs(more)
    instrument = instrument_of(market, given)
    target = instrument_of(market, {"in": given["target"]}) if "target" in given else 0
    amount, amount_scale = decimal(given.get("amount", 0))
    action = _number(kind, {name: code for code, name in ACTIONS.items()})
    return wire.ApplyAction(
        instrument=instrument,
        account=market.account_number(given.get("by", "0")),
        action_id=action_id,
        effective_day=int(given.get("day", 0)),
        action=action,
        right=_number(given.get("right", "0"), {"call": 1, "put": 2}),
        amount_scale=amount_scale,
        target=target,
        numerator=int(given.get("n", 0)),
        denominator=int(given.get("m", 0)),
        price=ticks(market, target or instrument, given.get("price", "none")),
        amount=amount,
        rate=int(Decimal(given.get("rate", 0)) * 10**8),
        quantity=int(given.get("lots", 0)),
        seed=int(given.get("seed", 0)),
    )


_COMMANDS: dict[str, Any] = {
    "replace": _replace,
    "cancel": _cancel,
    "mass_cancel": _mass_cancel,
    "time": lambda _, __: wire.AdvanceTime(),
    "status": _status,
    "mark": _mark,
    "reference": _reference,
    "rules": _rules,
    "kill": _kill,
    "limits": _limits,
    "size": _size,
    "share": _share,
    "limit": _limit,
    "money": _money,
    "firm": lambda market, rest: wire.SetFirm(account=market.account_number(rest[0]), firm=int(rest[1])),
    "cancel_all_after": _cancel_all_after,
    "end_session": lambda market, rest: wire.EndSession(account=market.account_number(rest[0]), session=int(rest[1])),
    "group": lambda market, rest: wire.SetGroup(account=market.account_number(rest[0]), group=int(rest[1])),
    "deposit": lambda market, rest: transfer(market, rest[0], 1, rest[1], rest[2]),
    "withdraw": lambda market, rest: transfer(market, rest[0], 2, rest[1], rest[2]),
    "bust": _bust,
    "account": _account,
    "credit": _credit,
    "hold": _hold,
    "amend": _amend,
    "release": _release,
    "action": _action,
}
