"""Who may, and how often, in the words of a case: the commands of engine.md section 15."""

from typing import TYPE_CHECKING, Any

from quantumcore.contracts import wire
from tests.support import case_words as words
from tests.support.case_guard_events import CAUSES, MODES

if TYPE_CHECKING:
    from tests.support.case_market import CaseMarket

CLASSES = {"new": 1, "replace": 2, "cancel": 3, "mass": 4}
CLASS_FLAGS = {"locate": 1, "price_test": 2}
_SUBJECTS = {"firm": 5, "group": 6, "session": 7}


def _level(market: "CaseMarket", rest: list[str]) -> tuple[dict[str, int], int, list[str]]:
    """Return what `venue`, `alice`, `ACME`, `firm 3`, `group 3` or `session 7` names, the number, and what follows."""
    who, *more = rest
    if who in _SUBJECTS:
        return {"scope": _SUBJECTS[who]}, int(more[0]), more[1:]
    if who == "venue":
        return {"scope": 1}, 0, more
    if who in market.instruments:
        return {"scope": 3, "instrument": market.instruments[who]}, 0, more
    return {"scope": 2, "account": market.account_number(who)}, 0, more


def _switch(market: "CaseMarket", rest: list[str]) -> wire.Command:
    level, subject, more = _level(market, rest)
    return wire.SetKill(mode=MODES[more[0]], subject=subject, **level)


def _class(market: "CaseMarket", rest: list[str]) -> wire.Command:
    given = words.pairs(rest)
    return wire.SetInstrumentClass(
        instrument=words.instrument_of(market, given),
        underlying=int(given.get("underlying", 0)),
        product=int(given.get("product", 0)),
        class_flags=sum(CLASS_FLAGS[word] for word in given.get("flags", "").split(",") if word),
        outside_ns=words.nanoseconds(given.get("outside", "0ns")),
    )


def _entitle(market: "CaseMarket", rest: list[str]) -> wire.Command:
    given = {word: int(value) for word, value in words.pairs(rest[1:]).items()}
    return wire.SetEntitlements(account=market.account_number(rest[0]), **given)


def _restrict(market: "CaseMarket", rest: list[str]) -> wire.Command:
    level, group, more = _level(market, rest)
    instrument = words.instrument_of(market, words.pairs(more[1:]))
    return wire.SetRestriction(instrument=instrument, group=group, restricted=int(more[0] == "on"), **level)


def _locate(market: "CaseMarket", rest: list[str]) -> wire.Command:
    instrument = words.instrument_of(market, words.pairs(rest[2:]))
    return wire.SetLocate(account=market.account_number(rest[0]), instrument=instrument, lots=int(rest[1]))


def _throttle(market: "CaseMarket", rest: list[str]) -> wire.Command:
    level, session, more = _level(market, rest)
    given = {word: int(value) for word, value in words.pairs(more[1:]).items()}
    return wire.SetThrottle(throttle_class=CLASSES[more[0]], session=session, **given, **level)


def _timed(rest: list[str]) -> dict[str, int]:
    return {word: words.nanoseconds(value) for word, value in words.pairs(rest).items()}


def _resume(market: "CaseMarket", rest: list[str]) -> wire.Command:
    cause = next(number for number, name in CAUSES.items() if name == rest[1])
    return wire.Resume(account=market.account_number(rest[0]), cause=cause, underlying=int(rest[2]) if rest[2:] else 0)


def _quote(market: "CaseMarket", rest: list[str]) -> wire.Command:
    instrument = words.instrument_of(market, words.pairs(rest[2:]))
    bid, ask = (words.ticks(market, instrument, text) for text in rest[:2])
    return wire.SetQuote(instrument=instrument, bid=bid, ask=ask)


COMMANDS: dict[str, Any] = {
    "switch": _switch,
    "class": _class,
    "entitle": _entitle,
    "restrict": _restrict,
    "locate": _locate,
    "throttle": _throttle,
    "patterns": lambda market, rest: wire.SetPatterns(account=market.account_number(rest[0]), **_timed(rest[1:])),
    "protect": lambda market, rest: wire.SetProtection(account=market.account_number(rest[0]), **_timed(rest[1:])),
    "quote": _quote,
    "resume": _resume,
}
