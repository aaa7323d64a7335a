"""Margin, in the words of a case: the commands of engine.md section 17."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from quantumcore.contracts import wire
from quantumcore.contracts.margin import MarginStanding
from tests.support import case_words as words
from tests.support.case_events import Shown
from tests.support.case_margin_events import AMOUNTS, PROFILES, standing

if TYPE_CHECKING:
    from tests.support.case_market import CaseMarket

MILLIONTHS = 10**6
SLOPES = 10**12


def _in_parts(text: str, parts: int = MILLIONTHS) -> int:
    """Return a decimal in parts of one; it must be whole."""
    scaled = Decimal(text) * parts
    if scaled != int(scaled):
        raise ValueError(f"{text} is finer than a part of {parts}")
    return int(scaled)


def _currency(market: "CaseMarket", code: str) -> int:
    return market.currencies[code] if code in market.currencies else int(code)


def _terms(market: "CaseMarket", rest: list[str]) -> wire.Command:
    given = words.pairs(rest)
    return wire.SetMarginTerms(
        instrument=words.instrument_of(market, given),
        initial=_in_parts(given.get("initial", "0.05")),
        maintenance=_in_parts(given.get("maintenance", "0.025")),
        slope=_in_parts(given.get("slope", "0"), SLOPES),
        mark_ns=words.nanoseconds(given.get("mark", "0ns")),
        array_ns=words.nanoseconds(given.get("array", "0ns")),
        profile=PROFILES[given["profile"]] if "profile" in given else 0,
    )


def _array(market: "CaseMarket", rest: list[str]) -> wire.Command:
    losses, *more = rest
    given = words.pairs(more)
    instrument = words.instrument_of(market, given)
    if losses == "none":
        return wire.SetRiskArray(instrument=instrument, given=0)
    said = [_in_parts(loss) for loss in losses.split(",")]
    whole = tuple((said + [0] * wire.SCENARIOS)[: wire.SCENARIOS])
    return wire.SetRiskArray(instrument=instrument, losses=whole, short_minimum=_in_parts(given.get("least", "0")))


def _margin(market: "CaseMarket", rest: list[str]) -> wire.Command:
    who, code, profile = rest
    number = PROFILES[profile] if profile in PROFILES else int(profile)
    return wire.SetAccountMargin(account=market.account_number(who), currency=_currency(market, code), profile=number)


def _greeks(market: "CaseMarket", rest: list[str]) -> wire.Command:
    given = words.pairs(rest)
    each = {name: _in_parts(given.get(name, "0")) for name in ("delta", "gamma", "vega")}
    return wire.SetGreeks(instrument=words.instrument_of(market, given), **each)


def _risk(market: "CaseMarket", rest: list[str]) -> wire.Command:
    who, *more = rest
    given = words.pairs(more)
    code = given.get("of", "USD")
    level = {"scope": 1} if who == "venue" else {"scope": 2, "account": market.account_number(who)}
    scale = market.scales.get(code, 0)
    amounts = {name: _in_parts(given[name], 10**scale) for name in AMOUNTS if name in given}
    rates = {name: _in_parts(given[name]) for name in ("share", "loss_rate", "drawdown_rate") if name in given}
    return wire.SetRiskLimits(currency=_currency(market, code), **level, **amounts, **rates)


def _of_a_place(kind: type[Any]) -> Any:
    def command(market: "CaseMarket", rest: list[str]) -> wire.Command:
        return kind(account=market.account_number(rest[0]), currency=_currency(market, rest[1]))

    return command


def _take_over(market: "CaseMarket", rest: list[str]) -> wire.Command:
    giver, taker, quantity, *more = rest
    given = words.pairs(more)
    instrument = words.instrument_of(market, given)
    terms = market.definition(instrument) if instrument in market.instruments.values() else {"lot": 1, "quote": 1}
    scale = market.scales[market.currency(int(terms["quote"]))]
    return wire.TakeOver(
        instrument=instrument,
        account=market.account_number(giver),
        taker=market.account_number(taker),
        lots=int(Decimal(quantity) / Decimal(str(terms["lot"]))),
        money=_in_parts(given.get("money", "0"), 10**scale),
    )


def stands(market: "CaseMarket", rest: list[str]) -> list[Shown]:
    """Ask how an account stands in a currency."""
    who, code = rest
    found = MarginStanding(*market.engine.margin(market.account_number(who), market.currencies[code]))
    return [Shown(who, standing(found, market.currencies[code], market))]


COMMANDS: dict[str, Any] = {
    "terms": _terms,
    "array": _array,
    "margin": _margin,
    "greeks": _greeks,
    "risk": _risk,
    "day": _of_a_place(wire.OpenRiskDay),
    "assess": _of_a_place(wire.AssessMargin),
    "take_over": _take_over,
}
