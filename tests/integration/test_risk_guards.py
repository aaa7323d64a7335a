"""What people set of guards is what the engine judges by, in names, decimals and seconds outside and integers inside; nothing asked for is lost.

Goal: each setting is one command of the log, with who and why; each bound of the engine is refused by its field before it; what stands is what
the engine told last; a kill or a lost answer loses no setting, and lifts no pause that nobody decided about.
Method: a small venue over the readable engine, whose own records and refusals are looked at.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Conflict, Forbidden, InvalidCommand, NotFound, Unavailable
from quantumcore.contracts.risk_guards import (
    KINDS,
    CheckGuard,
    Entitlements,
    GetGuardChanges,
    GetGuards,
    GetPauses,
    GuardChange,
    GuardSetting,
    InstrumentClass,
    Locate,
    Patterns,
    Pauses,
    Protection,
    Restriction,
    Resume,
    SetGuard,
    SetGuardByTwo,
    Throttle,
)
from quantumcore.core.twin import restrictions
from quantumcore.services.risk.guards.commands import command_of
from tests.support.margin_room import caught_up
from tests.support.position_rooms import order
from tests.support.risk_room import RiskRoom, risk_room, risk_service
from tests.support.small_venue import ALICE, BOB, CAROL, COIN, SHARE

SIGNED: dict[str, Any] = {"who": "ruth", "reason": "a new maker"}
DAY_NS = 86_400 * 10**9
EVERY = 2**64 - 1
NUMBER = 2**32 - 1
LAST_I64 = 2**63 - 1
NEW, EXECUTIONS, PROTECTED = 1, 1, 2
SETTINGS: list[tuple[GuardSetting, wire.Command, str]] = [
    (
        InstrumentClass(
            symbol="AAPL", underlying="BTC-USD", product=63, needs_locate=True, price_test=True, outside_s="0.5"
        ),
        wire.SetInstrumentClass(instrument=SHARE, underlying=COIN, product=63, class_flags=3, outside_ns=5 * 10**8),
        "AAPL",
    ),
    (
        Entitlements(account=ALICE, products=[0, 63]),
        wire.SetEntitlements(account=ALICE, products=1 | 1 << 63, enabled=1),
        str(ALICE),
    ),
    (
        Entitlements(account=BOB, enabled=False),
        wire.SetEntitlements(account=BOB, products=EVERY, enabled=0),
        str(BOB),
    ),
    (Restriction(symbol="AAPL"), wire.SetRestriction(instrument=SHARE, scope=1, restricted=1), "AAPL"),
    (
        Restriction(symbol="AAPL", account=ALICE),
        wire.SetRestriction(instrument=SHARE, account=ALICE, scope=2, restricted=1),
        str(ALICE),
    ),
    (
        Restriction(symbol="AAPL", group=9),
        wire.SetRestriction(instrument=SHARE, group=9, scope=6, restricted=1),
        "AAPL",
    ),
    (
        Locate(account=ALICE, symbol="BTC-USD", quantity="1.50000"),
        wire.SetLocate(account=ALICE, instrument=COIN, lots=150_000),
        str(ALICE),
    ),
    (
        Throttle(command="new", rate=10**9, burst=10**6),
        wire.SetThrottle(scope=1, throttle_class=1, rate=10**9, burst=10**6),
        "0",
    ),
    (
        Throttle(command="replace", account=ALICE, rate=1, burst=1),
        wire.SetThrottle(scope=2, account=ALICE, throttle_class=2, rate=1, burst=1),
        str(ALICE),
    ),
    (
        Throttle(command="mass_cancel", session=7, rate=3, burst=5),
        wire.SetThrottle(scope=7, session=7, throttle_class=4, rate=3, burst=5),
        "session-7",
    ),
    (
        Patterns(
            account=ALICE,
            ratio=5,
            free_orders=9,
            ratio_s="60",
            executions=256,
            executions_s="0.000000001",
            duplicates=63,
            duplicates_s="86400",
        ),
        wire.SetPatterns(
            account=ALICE,
            ratio=5,
            free_orders=9,
            ratio_ns=60 * 10**9,
            executions=256,
            executions_ns=1,
            duplicates=63,
            duplicates_ns=DAY_NS,
        ),
        str(ALICE),
    ),
    (
        Protection(
            account=ALICE,
            underlying="AAPL",
            window_s="1.5",
            fills=256,
            quantity="40",
            frozen_s="86400",
            delta="5000.5",
            vega="0.000001",
        ),
        wire.SetProtection(
            account=ALICE,
            underlying=SHARE,
            window_ns=1_500_000_000,
            fills=256,
            quantity=40,
            frozen_ns=DAY_NS,
            delta=5_000_500_000,
            vega=1,
        ),
        str(ALICE),
    ),
]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[RiskRoom]:
    async with risk_room(tmp_path) as opened:
        yield opened


async def put(room: RiskRoom, what: GuardSetting, **signed: Any) -> GuardChange:
    return await room.ask(SetGuard(what=what, **{**SIGNED, **signed}))


async def shown(room: RiskRoom, kind: str, **asked: Any) -> list[Any]:
    """Return the records of a kind that stand, after everything that was done."""
    found = await room.ask(GetGuards(kind=kind, at_least=room.venue.engine.sequence, **asked))
    assert found.sequence == room.venue.engine.sequence
    return [one.what for one in found.items]


async def paused(room: RiskRoom, **asked: Any) -> Pauses:
    return await room.ask(GetPauses(at_least=room.venue.engine.sequence, **asked))


# ---------------------------------------------------------------------------------------------- what is set


async def test_each_setting_is_a_command_of_the_log_with_who_and_why(room: RiskRoom) -> None:
    stepped: list[bytes] = []
    step = room.venue.engine.step
    room.venue.engine.step = lambda raw, now: (stepped.append(raw), step(raw, now))[1]
    for at, (what, command, subject) in enumerate(SETTINGS, 1):
        made = await put(room, what)
        assert stepped[-1] == command.encode(), what
        assert (made.number, made.state, made.who, made.reason) == (at, "done", "ruth", SIGNED["reason"])
        assert (made.what, made.sequence) == (what, room.venue.engine.sequence)
        assert (await room.ask(GetGuardChanges(subject=subject, limit=1))).items == [made]
    assert len(stepped) == len(SETTINGS)
    page = await room.ask(GetGuardChanges(limit=3))
    assert ([one.number for one in page.items], page.next_cursor) == ([12, 11, 10], "10")
    assert [one.number for one in (await room.ask(GetGuardChanges(limit=9, cursor="3"))).items] == [2, 1]


async def test_what_stands_is_shown_as_it_was_set_and_what_is_taken_away_is_not(room: RiskRoom) -> None:
    for what, _, _ in SETTINGS:
        await put(room, what)
    assert await shown(room, "class") == [SETTINGS[0][0]]
    assert await shown(room, "entitlements") == [SETTINGS[1][0], SETTINGS[2][0]]
    by_key = [SETTINGS[3][0], SETTINGS[5][0], SETTINGS[4][0]]  # the venue's, the group's, the account's
    assert await shown(room, "restriction") == by_key
    assert await shown(room, "locate") == [SETTINGS[6][0]]
    assert await shown(room, "throttle") == [SETTINGS[7][0], SETTINGS[9][0], SETTINGS[8][0]]
    assert await shown(room, "patterns") == [SETTINGS[10][0]]
    assert await shown(room, "protection") == [SETTINGS[11][0]]
    assert await shown(room, "restriction", account=ALICE) == [SETTINGS[4][0]]
    assert await shown(room, "locate", symbol="AAPL") == []
    assert await shown(room, "locate", symbol="BTC-USD") == [SETTINGS[6][0]]
    assert await shown(room, "protection", symbol="AAPL") == [SETTINGS[11][0]]
    assert await shown(room, "protection", symbol="BTC-USD") == []
    off: list[GuardSetting] = [
        InstrumentClass(symbol="AAPL"),
        *(Entitlements(account=account) for account in (ALICE, BOB)),
        *(structs.replace(one, restricted=False) for one in by_key),  # type: ignore[type-var]
        Locate(account=ALICE, symbol="BTC-USD", quantity="0"),
        *(structs.replace(one[0], rate=0, burst=0) for one in SETTINGS[7:10]),  # type: ignore[type-var]
        Patterns(account=ALICE),
        Protection(account=ALICE, underlying="AAPL"),
    ]
    for what in off:
        assert (await put(room, what)).state == "done"
    for kind in KINDS:
        assert await shown(room, kind) == [], kind


async def test_records_are_paged_each_once_and_in_order(room: RiskRoom) -> None:
    for account in (BOB, ALICE, CAROL):
        for symbol in ("BTC-USD", "AAPL"):
            await put(room, Locate(account=account, symbol=symbol, quantity="3"))
    pages: list[list[tuple[int, str]]] = []
    cursor = ""
    while cursor or not pages:
        page = await room.ask(GetGuards(kind="locate", limit=4, cursor=cursor, at_least=room.venue.engine.sequence))
        pages.append([(one.what.account, one.what.symbol) for one in page.items])  # type: ignore[union-attr]
        assert all(0 < one.sequence <= page.sequence and one.time_ns for one in page.items)
        cursor = page.next_cursor or ""
    every = [(account, symbol) for account in (ALICE, BOB, CAROL) for symbol in ("BTC-USD", "AAPL")]
    assert pages == [every[:4], every[4:]]


@pytest.mark.parametrize(
    "question",
    [
        GetGuards(kind="switch"),
        GetGuards(kind="pause"),
        GetGuards(kind="locate", limit=0),
        GetGuards(kind="locate", limit=1_001),
        GetGuards(kind="locate", account=NUMBER + 1),
        GetGuards(kind="locate", cursor="1.2.3"),
        GetGuards(kind="locate", cursor="1.2.3.-4"),
        GetGuards(kind="locate", cursor="1.2.3.99999999999"),
        GetPauses(cursor="x"),
        GetPauses(limit=1_001),
        GetGuardChanges(cursor="0"),
    ],
)
async def test_a_question_without_an_answer_is_refused(room: RiskRoom, question: Any) -> None:
    with pytest.raises(InvalidCommand):
        await room.ask(question)
    with pytest.raises(NotFound):
        await room.ask(GetGuards(kind="locate", symbol="NONE"))


# -------------------------------------------------------------------------------------------------- bounds

CLASS = InstrumentClass(symbol="AAPL")
BUCKET = Throttle(command="new", rate=1, burst=1)
RATIO = Patterns(account=ALICE, ratio=1, ratio_s="1")
RUN = Patterns(account=ALICE, executions=1, executions_s="1")
SAME = Patterns(account=ALICE, duplicates=1, duplicates_s="1")
FREEZE = Protection(account=ALICE, underlying="AAPL", window_s="1")
SHORT = Locate(account=ALICE, symbol="BTC-USD", quantity="0")
NS = "0.000000001"
MOST_COINS = "92233720368547.75807"
MOST_MONEY = "9223372036854.775807"
INTEGERS: list[tuple[Any, str, int, int]] = [
    (CLASS, "product", 0, 63),
    (BUCKET, "rate", 1, 10**9),
    (BUCKET, "burst", 1, 10**6),
    (RATIO, "ratio", 1, NUMBER),
    (RATIO, "free_orders", 0, NUMBER),
    (RUN, "executions", 1, 256),
    (SAME, "duplicates", 1, 63),
    (FREEZE, "fills", 0, 256),
    (Restriction(symbol="AAPL"), "group", 0, NUMBER),
    (BUCKET, "session", 0, NUMBER),
]
DECIMALS: list[tuple[Any, str, str, str, str, str]] = [
    (CLASS, "outside_s", "0", "86400", f"-{NS}", "86400.000000001"),
    (RATIO, "ratio_s", NS, "86400", "0", "86400.000000001"),
    (RUN, "executions_s", NS, "86400", "0", "86400.000000001"),
    (SAME, "duplicates_s", NS, "86400", "0", "86400.000000001"),
    (FREEZE, "window_s", NS, "86400", f"-{NS}", "86400.000000001"),
    (FREEZE, "frozen_s", "0", "86400", f"-{NS}", "86400.000000001"),
    (FREEZE, "quantity", "0", str(LAST_I64), "-1", ""),
    (FREEZE, "delta", "0", MOST_MONEY, "-0.000001", ""),
    (FREEZE, "vega", "0", MOST_MONEY, "-0.000001", ""),
    (SHORT, "quantity", "0", MOST_COINS, "-0.00001", str(LAST_I64)),
]


def bounds() -> list[Any]:
    """Return (setting, field, whether it is within its bound), at each bound, beside it, and beyond."""
    found: list[Any] = []
    for what, field, least, most in INTEGERS:
        within = {least, least + 1, most - 1, most}
        given = {value: value in within for value in (*within, most + 1, least - 1)}
        off = (field in ("rate", "ratio", "executions", "duplicates"), 0)
        found += [
            (structs.replace(what, **{field: value}), field, fine)
            for value, fine in given.items()
            if (True, value) != off
        ]
    for what, field, least, most, below, beyond in DECIMALS:
        given_texts = {least: True, most: True, below: False} | ({beyond: False} if beyond else {})
        found += [(structs.replace(what, **{field: text}), field, fine) for text, fine in given_texts.items()]
    for product, fine in ((0, True), (63, True), (64, False), (-1, False)):
        found.append((Entitlements(account=ALICE, products=[1, product]), "products[1]", fine))
    found.append((Entitlements(account=ALICE, products=[0] * 64), "products", True))
    found.append((Entitlements(account=ALICE, products=[0] * 65), "products", False))
    return found


@pytest.mark.parametrize("what, field, fine", bounds(), ids=str)
async def test_the_engine_takes_a_number_at_its_bound_and_the_room_none_beyond(
    room: RiskRoom, what: GuardSetting, field: str, fine: bool
) -> None:
    if fine:
        assert (await put(room, what)).state == "done"
        return
    for asked in (SetGuard(what=what, **SIGNED), CheckGuard(asked=SetGuard(what=what, **SIGNED))):
        with pytest.raises(InvalidCommand) as caught:
            await room.ask(asked)  # type: ignore[arg-type]  # requests with other replies
        assert (caught.value.code, caught.value.field) == ("request.invalid.range", field)
        assert caught.value.limit
        assert caught.value.actual
    assert (await room.ask(GetGuardChanges())).items == []


@pytest.mark.parametrize(
    "what, code, field, limit",
    [
        (structs.replace(CLASS, outside_s="0.0000000001"), "places", "outside_s", "9"),
        (structs.replace(CLASS, outside_s="1e3"), "decimal", "outside_s", ""),
        (structs.replace(BUCKET, burst=0), "range", "burst", "1"),
        (structs.replace(BUCKET, rate=0), "range", "burst", "0"),
        (structs.replace(BUCKET, command="amend"), "range", "command", ""),
        (structs.replace(BUCKET, account=ALICE, session=7), "range", "session", "1"),
        (Restriction(symbol="AAPL", account=ALICE, group=7), "range", "group", "1"),
        (Restriction(symbol="AAPL", account=NUMBER + 1), "range", "account_id", str(NUMBER)),
        (Patterns(account=ALICE, free_orders=1), "range", "free_orders", "0"),
        (Patterns(account=ALICE, ratio_s="1"), "range", "ratio_s", "0.000000000"),
        (Patterns(account=ALICE, executions_s=NS), "range", "executions_s", "0.000000000"),
        (Patterns(account=ALICE, duplicates_s=NS), "range", "duplicates_s", "0.000000000"),
        (structs.replace(FREEZE, window_s="0", fills=1), "range", "fills", "0"),
        (structs.replace(FREEZE, window_s="0", quantity="1"), "range", "quantity", "0"),
        (structs.replace(FREEZE, window_s="0", frozen_s=NS), "range", "frozen_s", "0.000000000"),
        (structs.replace(FREEZE, window_s="0", delta="1"), "range", "delta", "0.000000"),
        (structs.replace(FREEZE, window_s="0", vega="0.000001"), "range", "vega", "0.000000"),
        (structs.replace(FREEZE, vega="0.0000001"), "places", "vega", "6"),
        (structs.replace(FREEZE, delta="9223372036854.775808"), "overflow", "delta", str(LAST_I64)),
        (structs.replace(FREEZE, quantity="0.5"), "range", "quantity", ""),
        (structs.replace(FREEZE, quantity=str(LAST_I64 + 1)), "overflow", "quantity", str(LAST_I64)),
        (structs.replace(SHORT, quantity="0.000001"), "range", "quantity", ""),
        (structs.replace(SHORT, quantity="92233720368547.75808"), "overflow", "quantity", str(LAST_I64)),
        (Resume(account=ALICE, cause="ratio"), "range", "cause", ""),
        (Resume(account=ALICE, cause="protection"), "range", "underlying", "protection"),
        (Resume(account=ALICE, cause="executions", underlying="AAPL"), "range", "underlying", "protection"),
        (Resume(account=ALICE, cause="executions", pause=-1), "range", "pause", "0"),
        (Entitlements(account=0), "range", "account_id", "1"),
        (Patterns(account=NUMBER + 1), "range", "account_id", str(NUMBER)),
    ],
    ids=str,
)
async def test_what_does_not_fit_together_is_refused_by_its_field(
    room: RiskRoom, what: GuardSetting, code: str, field: str, limit: str
) -> None:
    with pytest.raises(InvalidCommand) as caught:
        await put(room, what)
    assert (caught.value.code, caught.value.field) == (f"request.invalid.{code}", field)
    assert caught.value.limit == limit
    assert (await room.ask(GetGuardChanges())).items == []


@pytest.mark.parametrize(
    "what, code, field",
    [
        (InstrumentClass(symbol="NONE"), "instrument.not_found", "symbol"),
        (InstrumentClass(symbol="AAPL", underlying="NONE"), "instrument.not_found", "underlying"),
        (Protection(account=ALICE, underlying=""), "instrument.not_found", "underlying"),
        (Protection(account=999, underlying="AAPL"), "account.not_found", "account_id"),
        (Entitlements(account=999), "account.not_found", "account_id"),
        (Throttle(command="new", account=999, rate=1, burst=1), "account.not_found", "account_id"),
        (Restriction(symbol="AAPL", account=999), "account.not_found", "account_id"),
        (Resume(account=999, cause="executions"), "account.not_found", "account_id"),
    ],
    ids=str,
)
async def test_what_does_not_exist_is_refused_by_name(
    room: RiskRoom, what: GuardSetting, code: str, field: str
) -> None:
    with pytest.raises(NotFound) as caught:
        await put(room, what)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert (await room.ask(GetGuardChanges())).items == []


async def test_who_does_not_say_why_sets_nothing(room: RiskRoom) -> None:
    for signed in ({"reason": ""}, {"who": ""}, {"reason": " "}):
        with pytest.raises(InvalidCommand):
            await put(room, CLASS, **signed)


async def test_what_the_engine_refuses_is_told_and_written_down_with_its_code(
    room: RiskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restrictions, "MAX_LOCATES", 1)
    await put(room, Locate(account=ALICE, symbol="AAPL", quantity="5"))
    with pytest.raises(InvalidCommand) as caught:
        await put(room, Locate(account=BOB, symbol="AAPL", quantity="5"))
    assert caught.value.code == "engine.capacity"
    (last, _) = (await room.ask(GetGuardChanges())).items
    assert (last.state, last.code, last.sequence) == ("refused", "engine.capacity", room.venue.engine.sequence)
    assert [one.account for one in await shown(room, "locate")] == [ALICE]


async def test_with_four_eyes_one_person_sets_nothing(tmp_path: Path) -> None:
    async with risk_room(tmp_path, four_eyes=True) as room:
        asked = SetGuard(what=Restriction(symbol="AAPL"), **SIGNED)
        with pytest.raises(Forbidden, match=r"approval\.required"):
            await room.ask(asked)
        await room.ask(CheckGuard(asked=asked))
        assert (await room.ask(GetGuardChanges())).items == []
        assert (await room.ask(SetGuardByTwo(asked=asked))).state == "done"


# ------------------------------------------------------------------------------------------- what is paused


def trip(room: RiskRoom, lots: int = 1) -> None:
    """Let Alice buy shares of Bob."""
    room.trade(lots, 100)


async def frozen(room: RiskRoom, **changes: Any) -> int:
    """Let Alice be frozen in AAPL by her second fill; return the sequence of that."""
    await put(room, InstrumentClass(symbol="AAPL", underlying="AAPL"))
    await put(room, structs.replace(FREEZE, window_s="3600", fills=1, **changes))
    trip(room)
    trip(room)
    (pause,) = (await paused(room)).items
    return pause.sequence


async def test_who_is_paused_is_shown_with_the_cause_until_he_is_resumed(room: RiskRoom) -> None:
    at = await frozen(room)
    await put(room, Patterns(account=BOB, executions=1, executions_s="60"))
    trip_by_other = room.trade(1, 100, account=CAROL)
    found = await paused(room)
    assert [(one.account_id, one.cause, one.underlying, one.until_ns) for one in found.items] == [
        (str(ALICE), "protection", "AAPL", None),
        (str(BOB), "executions", None, None),
    ]
    assert [one.sequence for one in found.items] == [at, trip_by_other]
    assert [one.account_id for one in (await paused(room, account=BOB)).items] == [str(BOB)]
    first = await paused(room, limit=1)
    assert (await paused(room, limit=1, cursor=first.next_cursor)).items == found.items[1:]
    for what in (Resume(account=ALICE, cause="protection", underlying="AAPL"), Resume(account=BOB, cause="executions")):
        refused = room.venue.do(order(SHARE, what.account, 1, 1, 90))[-1]
        assert isinstance(refused, wire.OrderRejected)
        done = await put(room, what)
        assert (done.state, done.sequence) == ("done", room.venue.engine.sequence)
        assert isinstance(done.what, Resume)
        assert done.what.pause in (at, trip_by_other)
        assert isinstance(room.venue.do(order(SHARE, what.account, 1, 1, 90))[0], wire.OrderAccepted)
    assert (await paused(room)).items == []


async def test_a_freeze_of_some_seconds_is_shown_with_its_end_and_not_beyond_it(room: RiskRoom) -> None:
    await frozen(room, frozen_s="5")
    (pause,) = (await paused(room)).items
    assert pause.until_ns == pause.time_ns + 5 * 10**9
    room.venue.clock.turn(6)  # and nobody has told that it is over
    assert (await paused(room)).items == []
    with pytest.raises(Conflict, match=r"risk\.not_paused"):
        await put(room, Resume(account=ALICE, cause="protection", underlying="AAPL"))


async def test_only_a_pause_that_stands_is_lifted_and_if_one_is_meant_only_that_one(room: RiskRoom) -> None:
    what = Resume(account=ALICE, cause="protection", underlying="AAPL")
    for one in (what, Resume(account=ALICE, cause="executions")):
        with pytest.raises(Conflict) as caught:
            await put(room, one)
        assert (caught.value.code, caught.value.field) == ("risk.not_paused", "account_id")
    at = await frozen(room)
    with pytest.raises(Conflict) as caught:
        await put(room, structs.replace(what, pause=at - 1))
    assert (caught.value.field, caught.value.actual) == ("pause", str(at))
    assert len((await paused(room)).items) == 1
    assert (await put(room, structs.replace(what, pause=at))).state == "done"


# ------------------------------------------------------------------------------------------------- kills


async def test_what_is_written_down_is_commanded_by_the_next_process(room: RiskRoom) -> None:
    room.venue.down = True
    with pytest.raises(Unavailable):
        await put(room, Restriction(symbol="AAPL"))
    (waiting,) = (await room.ask(GetGuardChanges())).items
    assert (waiting.state, waiting.sequence) == ("asked", 0)
    await room.venue.halt()
    before = room.venue.engine.sequence
    room.venue.down = False
    after = risk_service(room.venue, room.database, room.own)
    await room.venue.run(after, attach=False)
    await after.guards.look()
    (done,) = (await room.ask(GetGuardChanges())).items
    assert (done.number, done.state, done.sequence) == (waiting.number, "done", before + 1)
    await after.guards.look()
    assert room.venue.engine.sequence == before + 1
    refused = room.venue.do(order(SHARE, ALICE, 1, 1, 90))[-1]
    assert isinstance(refused, wire.OrderRejected)


async def test_a_resume_whose_answer_was_lost_lifts_no_pause_that_came_later(room: RiskRoom) -> None:
    """Killed when the engine had done it, and nobody had written that down."""
    await frozen(room)

    async def killed(*_: Any) -> bool:
        raise Unavailable("unavailable", "killed")

    ended = room.service.guards._ended
    room.service.guards._ended = killed  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await put(room, Resume(account=ALICE, cause="protection", underlying="AAPL"))
    trip(room)
    trip(room)
    (later,) = (await paused(room)).items
    room.service.guards._ended = ended  # type: ignore[method-assign]
    before = room.venue.engine.sequence
    await room.service.guards.look()
    (done, *_) = (await room.ask(GetGuardChanges())).items
    assert (done.state, done.sequence) == ("done", 0)
    assert room.venue.engine.sequence == before
    assert (await paused(room)).items == [later]


async def test_a_resume_that_is_over_already_is_not_sent_again(room: RiskRoom) -> None:
    await frozen(room)
    room.venue.down = True
    with pytest.raises(Unavailable):
        await put(room, Resume(account=ALICE, cause="protection", underlying="AAPL"))
    (over,) = room.venue.do(wire.Resume(account=ALICE, cause=PROTECTED, underlying=SHARE))
    room.venue.down = False
    await room.service.guards.look()
    (done, *_) = (await room.ask(GetGuardChanges())).items
    assert (done.state, done.sequence, room.venue.engine.sequence) == ("done", over.sequence, over.sequence)


async def test_an_underlying_that_is_no_instrument_is_shown_by_its_number(room: RiskRoom) -> None:
    """Set by a program that has the engine in it."""
    room.venue.do(wire.SetProtection(account=ALICE, underlying=77, window_ns=10**9))
    assert [one.underlying for one in await shown(room, "protection")] == ["77"]
    assert await shown(room, "protection", account=BOB) == []


async def test_what_is_shown_can_be_set_as_it_is(room: RiskRoom) -> None:
    for what, _, _ in SETTINGS:
        await put(room, what)
    await caught_up(room)
    for kind in KINDS:
        for one in await shown(room, kind):
            catalogue = room.service.guards._catalogue
            assert command_of(one, catalogue).encode() in [command.encode() for _, command, _ in SETTINGS]
