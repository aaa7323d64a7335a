"""What makes an order more than a plain one: from the client's words to the engine's bytes, and from its events back.

Goal: every term arrives number by number, what is missing is named, and an order shows what it waits for at each step.
Method: one order per term against the command decoded from its bytes; lives of orders as events by hand.
"""

import msgspec
import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.errors import Corrupted, InvalidCommand
from quantumcore.contracts.orders import CANCEL_REASONS, REPLACE_REASONS, TIMES_IN_FORCE, TYPES, AmendOrder
from quantumcore.contracts.terms import LinkView, OrderTerms
from quantumcore.contracts.values import NO_SLOT, OrderId
from quantumcore.services.orders import answers, translate
from quantumcore.services.orders.changes import Change, Filled
from quantumcore.services.orders.domain import Order, OrderStatus, opened
from quantumcore.services.orders.folding import Known, fold
from quantumcore.services.orders.views import order_view
from tests.support.orders_room import limit, order
from tests.unit.test_orders_domain import accepted, cancelled, rejected, replaced, trade
from tests.unit.test_orders_views import catalogue

HOUR_NS = 3_600 * 10**9


def sent(kind: str, tif: str = "gtc", price: str | None = None, **terms: object) -> wire.SubmitAdvancedOrder:
    """Return the command of such an order, decoded from its bytes."""
    asked = order(type=kind, time_in_force=tif, price=price, session=9, terms=OrderTerms(**terms))
    command = wire.decode_command(translate.submission(asked, 1).encode())
    assert isinstance(command, wire.SubmitAdvancedOrder)
    return command


@pytest.mark.parametrize(
    "asked, expected",
    [
        (("stop", "gtc", None, {"stop_price": "101.50"}), {"stop_price": 1015, "stop_scale": 1, "order_type": 3}),
        (("stop_limit", "day", "102", {"stop_price": "1", "trigger": "mark"}), {"trigger": 2, "time_in_force": 5, "stop_price": 1}),
        (("market_if_touched", "gtc", None, {"stop_price": "7", "trigger": "quote"}), {"trigger": 1, "order_type": 8, "stop_price": 7}),
        (("trailing_stop", "gtc", None, {"trail": "2.50", "trail_unit": "amount"}), {"trail": 25, "trail_scale": 1, "trail_unit": 1}),
        (("trailing_stop", "gtc", None, {"trail": "1.5", "trail_unit": "percent"}), {"trail": 15, "trail_scale": 3, "trail_unit": 2}),
        (("trailing_stop", "gtc", None, {"trail": "100", "trail_unit": "percent"}), {"trail": 1, "trail_scale": 0, "trail_unit": 2}),
        (("trailing_stop", "gtc", None, {"trail": "40", "trail_unit": "ticks"}), {"trail": 40, "trail_scale": 0, "trail_unit": 3}),
        (
            ("trailing_stop_limit", "gtc", None, {"trail": "1", "trail_unit": "amount", "limit_offset": "0.05"}),
            {"offset": 5, "offset_scale": 2, "order_type": 7, "trail": 1, "trail_unit": 1},
        ),
        (("limit", "gtc", "10", {"display": "0.5", "display_range": "0.25", "seed": 7}), {"display": 50, "display_range": 25, "display_scale": 2, "seed": 7}),
        (("limit", "gtc", "10", {"min_quantity": "0.3"}), {"min_quantity": 3, "min_quantity_scale": 1}),
        (("market", "ioc", None, {"budget": "1000.00"}), {"budget": 1000, "budget_scale": 0}),
        (("limit", "gtt", "10", {"expires_ns": HOUR_NS}), {"expires_ns": HOUR_NS, "time_in_force": 8}),
        (("pegged", "gtc", "10", {"peg": "mid", "peg_offset": "-0.01"}), {"peg": 3, "offset": -1, "offset_scale": 2, "order_type": 10}),
        (("limit", "gtc", "10", {"hidden": True}), {"flags": 8}),
        (("limit", "gtc", "10", {"all_or_none": True, "reduce_only": True}), {"flags": 20}),
        (("limit", "day", "10", {"cancel_on_disconnect": True}), {"flags": 32, "session": 9}),
        (("limit", "gtc", "10", {"slide": True}), {"flags": 2}),
        (("limit", "gtc", "10", {"short_exempt": True}), {"flags": 64}),
    ],
)  # fmt: skip
def test_a_term_arrives_in_the_command_and_everything_else_is_nothing(asked, expected) -> None:
    kind, tif, price, terms = asked
    command = sent(kind, tif, price, **terms)
    plain = translate.submission(limit("buy", "1", "10"), 1)
    own = {"order_type", "time_in_force", "price", "price_scale", "client_id", "session", *expected}
    for name in command.__struct_fields__:
        if name not in own:
            assert getattr(command, name) == getattr(plain, name, 0), name
    assert {name: getattr(command, name) for name in expected} == expected


@pytest.mark.parametrize("kind", sorted(set(TYPES) - {"limit", "market"}))
def test_only_a_plain_order_is_the_plain_command(kind: str) -> None:
    terms = OrderTerms(stop_price="1", trail="1", trail_unit="ticks", limit_offset="0", peg="mid")
    assert type(translate.submission(limit("buy", "1", "10"), 1)) is wire.SubmitOrder
    assert type(translate.submission(order(type=kind, terms=terms), 1)) is wire.SubmitAdvancedOrder
    day = limit("buy", "1", "10", time_in_force="day")
    assert type(translate.submission(day, 1)) is wire.SubmitAdvancedOrder


@pytest.mark.parametrize(
    "changes, field, rule",
    [
        ({"type": "stop", "price": None}, "stop_price", "missing"),
        ({"type": "limit_if_touched"}, "stop_price", "missing"),
        ({"type": "trailing_stop", "price": None}, "trail", "missing"),
        ({"type": "trailing_stop_limit", "price": None, "terms": OrderTerms(trail="1", trail_unit="amount")}, "limit_offset", "missing"),
        ({"type": "pegged"}, "peg", "missing"),
        ({"type": "pegged", "price": None, "terms": OrderTerms(peg="mid")}, "price", "missing"),
        ({"type": "stop_limit", "price": None, "terms": OrderTerms(stop_price="1")}, "price", "missing"),
        ({"time_in_force": "gtt"}, "expires_at", "missing"),
        ({"time_in_force": "gtd", "terms": OrderTerms()}, "expires_at", "missing"),
        ({"terms": OrderTerms(display_range="1")}, "display", "missing"),
        ({"terms": OrderTerms(display="1e2")}, "display", "decimal"),
        ({"terms": OrderTerms(trigger="moon", stop_price="1"), "type": "stop", "price": None}, "trigger", "type"),
        ({"terms": OrderTerms(peg="best"), "type": "pegged"}, "peg.reference", "type"),
        ({"terms": OrderTerms(trail="1", trail_unit="miles"), "type": "trailing_stop", "price": None}, "trail", "type"),
        ({"terms": OrderTerms(trail="0." + "0" * 17 + "1", trail_unit="percent"), "type": "trailing_stop", "price": None}, "trail", "places"),
        ({"terms": OrderTerms(seed=2**32)}, "seed", "overflow"),
        ({"terms": OrderTerms(display="9" * 18, display_range="0.0000000001")}, "display_range", "overflow"),
        ({"terms": OrderTerms(cancel_on_disconnect=True)}, "cancel_on_disconnect", "range"),
    ],
)  # fmt: skip
def test_what_is_missing_or_misshapen_is_named(changes, field, rule) -> None:
    with pytest.raises(InvalidCommand) as refused:
        translate.submission(msgspec.structs.replace(limit("buy", "1", "10"), **changes), 1)
    assert (refused.value.field, refused.value.code) == (field, f"request.invalid.{rule}")


@pytest.mark.parametrize(
    "changes",
    [
        {"terms": OrderTerms(stop_price="5")},  # a stop price on a limit order
        {"type": "stop", "terms": OrderTerms(stop_price="5")},  # a price on a stop
        {"terms": OrderTerms(display="-1")},
        {"time_in_force": "ioc", "terms": OrderTerms(expires_ns=5)},
    ],
)
def test_what_only_does_not_fit_is_the_engines_to_refuse(changes) -> None:
    command = translate.submission(msgspec.structs.replace(limit("buy", "1", "10"), **changes), 1)
    assert isinstance(command, wire.SubmitAdvancedOrder)


def test_an_amendment_may_move_a_stop_and_a_display() -> None:
    order_id = OrderId(0, 77, 3).text()
    both = translate.replacement(AmendOrder(account=1, order_id=order_id, stop_price="5.10", display="7"), 0)
    assert isinstance(both, wire.ReplaceAdvancedOrder)
    assert (both.fields, both.stop_price, both.stop_scale, both.display, both.price) == (12, 51, 1, 7, 0)
    plain = translate.replacement(AmendOrder(account=1, order_id=order_id, price="5"), 0)
    assert type(plain) is wire.ReplaceOrder


def test_linked_orders_are_one_command_with_whole_members() -> None:
    members = [translate.submission(limit("buy", "1", "10"), 4), translate.submission(limit("sell", "1", "12"), 4)]
    command = wire.decode_command(translate.linked(1, members).encode())
    assert isinstance(command, wire.SubmitLinkedOrders)
    assert (command.link, command.count, command.instrument, command.account) == (1, 2, 4, 1)
    first = wire.decode_command(command.first)
    assert isinstance(first, wire.SubmitAdvancedOrder)
    assert (first.side, first.price, first.client_id) == (1, 10, members[0].client_id)
    assert command.third == bytes(160)


@pytest.mark.parametrize("other", [{"account": 2}, {"symbol": "AAPL"}])
def test_linked_orders_are_of_one_account_and_one_symbol(other) -> None:
    numbers = {"BTC-USD": 4, "AAPL": 5}
    pair = [limit("buy", "1", "10"), limit("sell", "1", "12", **other)]
    with pytest.raises(InvalidCommand):
        translate.linked(1, [translate.submission(one, numbers[one.symbol]) for one in pair])


# -------------------------------------------------------------------------------------------------- events of a life


def terms_accepted(
    sequence: int = 5, *, waits: int = 0, dark: int = 0, slot: int = 3, **terms: int
) -> wire.TermsAccepted:
    names = [one for one in wire.TermsAccepted.__struct_fields__ if one not in wire.Event.__struct_fields__]
    values = dict.fromkeys(names, 0) | {"order_sequence": 5, "order_slot": slot, "waits": waits, "dark": dark} | terms
    return wire.TermsAccepted(1, 1, sequence, 1_000, 1, 7, **values)


def event(kind: type[wire.Event], sequence: int, **body: int) -> wire.Event:
    return kind(1, 0, sequence, 4_000, 1, 7, **{"order_sequence": 5, "order_slot": 3, **body})


def triggered(sequence: int, *, source: int = 0, limit: int = 60) -> wire.Event:
    return event(wire.OrderTriggered, sequence, price=55, limit=limit, source=source)


def life(*events: wire.Event, known: Known | None = None) -> list[Change]:
    return fold(events, known or Known({}), catalogue())


def shown(*events: wire.Event):
    return order_view(life(*events)[-1].order, catalogue())


STOP = accepted(order_type=3, price=60)
STOP_TERMS = terms_accepted(waits=1, stop_price=55, trigger=2)


def test_an_order_and_its_terms_are_one_change() -> None:
    (change,) = life(STOP, STOP_TERMS)
    assert (change.kind, change.index) == ("accepted", 0)
    view = change.shown(catalogue()).order
    assert view.terms is not None
    assert (view.status, view.waiting, view.terms.stop_price, view.terms.trigger) == ("new", "trigger", "0.55", "mark")
    assert view.price is None, "the collar that it will enter with is no price of the client's"


def test_a_trigger_ends_the_waiting_and_says_when_and_why() -> None:
    changes = life(STOP, STOP_TERMS, triggered(9, source=2))
    update = changes[-1].shown(catalogue())
    assert (update.kind, update.cause, update.order.waiting) == ("triggered", "mark", None)
    assert update.order.triggered_ns == 4_000
    assert update.order.status == "new"


@pytest.mark.parametrize(
    "order_type, tif, waits, waiting",
    [(2, 2, 1, "auction"), (2, 10, 1, "auction"), (10, 1, 1, "reference"), (4, 1, 1, "trigger"), (2, 2, 0, None)],
)
def test_an_order_says_what_it_waits_for(order_type, tif, waits, waiting) -> None:
    terms = terms_accepted(waits=waits, peg=1 if order_type == 10 else 0)
    assert shown(accepted(order_type=order_type, time_in_force=tif), terms).waiting == waiting


def test_an_order_of_an_auction_enters_and_waits_again() -> None:
    begins = (accepted(time_in_force=9), terms_accepted(waits=1))
    entered = event(wire.OrderEntered, 8, price=50, leaves=100, shown=100)
    assert shown(*begins, entered).waiting is None
    assert shown(*begins, entered, event(wire.OrderWaits, 9, cause=2)).waiting == "auction"


def test_a_peg_keeps_its_cap_and_shows_where_it_works() -> None:
    begins = (accepted(order_type=10, price=50), terms_accepted(waits=1, peg=1, offset=-2))
    entered = event(wire.OrderEntered, 8, price=40, leaves=100, shown=100)
    moved = msgspec.structs.replace(replaced(9, 100, 100, price=42), reason=2, priority_kept=0)
    view = shown(*begins, entered, moved)
    assert view.terms is not None
    assert (view.price, view.terms.working_price, view.terms.peg, view.terms.peg_offset) == (
        "0.50",
        "0.42",
        "primary",
        "-0.02",
    )
    less = replaced(10, 80, 80, price=42)  # asked for, at the same cap: it keeps its place
    view = shown(*begins, entered, moved, less)
    assert (view.price, view.quantity) == ("0.50", "0.00080")
    other = msgspec.structs.replace(replaced(10, 100, 100, price=45), priority_kept=0)
    view = shown(*begins, entered, moved, other)
    assert view.terms is not None
    assert (view.price, view.waiting, view.terms.working_price) == ("0.45", "reference", None)
    gone = event(wire.OrderWaits, 11, cause=1)
    view = shown(*begins, entered, gone)
    assert (view.waiting, view.terms.working_price if view.terms else "") == ("reference", None)


def test_a_peg_that_its_parent_freed_waits_for_its_reference_until_it_enters() -> None:
    """The engine tells no OrderWaits of a peg that never was in the book, only the hold that it has now."""
    parent = accepted(order_slot=2, side=2, client_id="p")
    begins = (parent, accepted(order_type=10, price=50), terms_accepted(waits=1, peg=1, offset=-2))
    linked = wire.OrdersLinked(1, 4, 5, 1_000, 1, 7, link=2, count=2, first=2, second=3, third=NO_SLOT)
    freed = event(wire.OrderTriggered, 8, price=0, limit=50, source=3)
    told = msgspec.structs.replace(replaced(8, 100, 100, price=50), reason=4, priority_kept=0)
    view = shown(*begins, linked, freed, told)
    assert (view.price, view.waiting, view.terms.working_price if view.terms else "") == ("0.50", "reference", None)
    view = shown(*begins, linked, freed, told, event(wire.OrderEntered, 8, price=40, leaves=100, shown=100))
    assert (view.price, view.waiting, view.terms.working_price if view.terms else "") == ("0.50", None, "0.40")


def test_a_peg_that_waits_for_its_parent_gets_another_cap_and_goes_on_waiting() -> None:
    parent = accepted(order_slot=2, side=2, client_id="p")
    begins = (parent, accepted(order_type=10, price=50), terms_accepted(waits=1, peg=1, offset=-2))
    linked = wire.OrdersLinked(1, 4, 5, 1_000, 1, 7, link=2, count=2, first=2, second=3, third=NO_SLOT)
    view = shown(*begins, linked, replaced(8, 80, 80, price=45), terms_accepted(8, waits=1, peg=1, offset=-2))
    assert (view.price, view.quantity, view.waiting) == ("0.45", "0.00080", "parent")


def test_an_iceberg_counts_its_refills_and_a_trailing_stop_moves() -> None:
    refill = event(wire.OrderRefilled, 8, shown=10, leaves=100, refills=3)
    view = shown(accepted(), terms_accepted(display=10, display_range=4), refill)
    assert view.terms is not None
    assert (view.terms.display, view.terms.display_range, view.terms.refills) == ("0.00010", "0.00004", 3)
    moved = event(wire.StopMoved, 8, stop_price=70, price=75, hold=0, hold_currency=1)
    view = shown(accepted(order_type=7), terms_accepted(waits=1, trail=5, trail_unit=3, stop_price=60), moved)
    assert view.terms is not None
    assert (view.price, view.terms.stop_price, view.terms.trail, view.terms.trail_unit) == (
        "0.75",
        "0.70",
        "5",
        "ticks",
    )


@pytest.mark.parametrize("unit, trail, text", [(1, 250, "2.50"), (2, 1_500_000, "1.5"), (3, 40, "40")])
def test_a_trail_is_shown_as_it_was_given(unit, trail, text) -> None:
    view = shown(accepted(order_type=6), terms_accepted(waits=1, trail=trail, trail_unit=unit, stop_price=60))
    assert view.terms is not None
    assert view.terms.trail == text


def test_flags_are_shown() -> None:
    view = shown(accepted(flags2=1 | 2 | 4 | 8 | 16 | 32 | 64), terms_accepted(dark=1, min_quantity=5, budget=1_000))
    terms = view.terms
    assert terms is not None
    assert terms.slide and terms.reduce_only and terms.hidden and terms.all_or_none and terms.cancel_on_disconnect  # noqa: PT018
    assert (terms.min_quantity, terms.budget, view.post_only, terms.short_exempt) == ("0.00005", "10.00", True, True)


def test_an_expired_order_has_a_status_of_its_own() -> None:
    changes = life(accepted(), cancelled(9, 100, reason=7))
    assert changes[-1].kind == "expired"
    view = changes[-1].shown(catalogue()).order
    assert (view.status, view.reason, view.waiting) == ("expired", "order.cancel.expired", None)
    with pytest.raises(Corrupted):
        changes[-1].order.apply(cancelled(10, 0))


@pytest.mark.parametrize("reason", sorted(CANCEL_REASONS))
def test_every_reason_of_a_cancel_is_shown(reason: int) -> None:
    assert shown(accepted(), cancelled(9, 100, reason=reason)).reason == CANCEL_REASONS[reason]


@pytest.mark.parametrize("reason", sorted(REPLACE_REASONS))
def test_every_reason_of_a_replacement_is_shown(reason: int) -> None:
    changed = msgspec.structs.replace(replaced(9, 80, 80), reason=reason)
    assert life(accepted(), changed)[-1].shown(catalogue()).cause == REPLACE_REASONS[reason]


# ------------------------------------------------------------------------------------------------------ linked orders


def bracket() -> list[wire.Event]:
    """An entry of slot 3 and its exits in slots 4 and 5, all of sequence 5."""
    return [
        accepted(),
        accepted(order_slot=4, side=2, client_id="b"),
        accepted(order_slot=5, side=2, order_type=3, client_id="c"),
        terms_accepted(slot=5, waits=1, stop_price=40),
        wire.OrdersLinked(1, 4, 5, 1_000, 1, 7, link=3, count=3, first=3, second=4, third=5),
    ]


def test_orders_of_one_sequence_are_told_apart_and_know_each_other() -> None:
    orders = {change.order.name: change.order for change in life(*bracket())}
    assert set(orders) == {(5, 3), (5, 4), (5, 5)}
    views = [order_view(orders[name], catalogue()) for name in sorted(orders)]
    ids = [view.order_id for view in views]
    assert len(set(ids)) == 3
    roles = ("entry", "take_profit", "stop_loss")
    assert [view.link for view in views] == [LinkView("bracket", role, ids) for role in roles]
    assert [view.waiting for view in views] == [None, "parent", "parent"]


def test_what_a_parent_frees_may_wait_for_its_own_trigger() -> None:
    freed = [
        msgspec.structs.replace(triggered(9, source=3), order_slot=slot)  # type: ignore[call-arg]
        for slot in (4, 5)
    ]
    orders = {change.order.name: change.order for change in life(*bracket(), *freed)}
    assert [order_view(orders[5, slot], catalogue()).waiting for slot in (4, 5)] == [None, "trigger"]
    assert order_view(orders[5, 4], catalogue()).triggered_ns == 0


def test_every_member_is_answered_also_when_all_are_refused() -> None:
    asked = [order(client_order_id=name) for name in "abc"]
    views = answers.first_answers(bracket(), 5, catalogue(), asked)
    assert [view.client_order_id for view in views] == ["a", "b", "c"]
    refused = [
        msgspec.structs.replace(rejected(), index=at, client_id=name, reason=reason)
        for at, (name, reason) in enumerate((("a", 15), ("b", 43), ("c", 43)))
    ]
    views = answers.first_answers(refused, 5, catalogue(), asked)
    assert [view.reason for view in views] == ["risk.max_quantity", "order.linked", "order.linked"]
    assert len({view.order_id for view in views}) == 3
    assert opened(refused[0]).slot == NO_SLOT


# -------------------------------------------------------------------------------------------------------------- busts


def busted(sequence: int, action: int = 1, fill: int = 0) -> wire.TradeBusted:
    names = [one for one in wire.TradeBusted.__struct_fields__ if one not in wire.Event.__struct_fields__]
    values = dict.fromkeys(names, 0) | {"trade_sequence": 9, "fill": fill, "action": action, "buyer": 7, "seller": 9}
    return wire.TradeBusted(1, 0, sequence, 5_000, 1, 0, **values)


TRADED = (accepted(), accepted(sequence=9, order_slot=4, side=2), trade(9, 40, 60, maker=5, taker=9))


def test_a_bust_marks_both_fills_and_leaves_what_was_filled() -> None:
    changes = life(*TRADED, busted(12))
    told = [change.shown(catalogue()) for change in changes if change.kind == "busted"]
    assert [(one.order.order_id[-12:-4], one.cause, one.sequence) for one in told] == [
        ("00000003", "cancel", 12), ("00000004", "cancel", 12),
    ]  # fmt: skip
    assert all(one.fill is not None and one.fill.busted == "cancel" for one in told)
    assert [one.order.filled for one in told] == ["0.00040", "0.00040"]


def test_a_bust_of_an_old_trade_finds_its_fills_where_they_are_known() -> None:
    orders: dict[tuple[int, int], Order] = {}
    fills: list[Filled] = []
    for change in life(*TRADED):
        orders[change.order.name] = change.order
        fills += [change.filled] if change.filled else []
    found = life(busted(12, action=2), known=Known(orders, {(9, 0): fills}))
    assert [(one.kind, one.leg, one.cause) for one in found] == [("busted", 0, 2), ("busted", 1, 2)]
    assert life(busted(12, fill=1), known=Known(orders)) == [], "nobody had this fill: no order changes"


def test_a_bust_of_an_order_that_is_final_changes_nothing_but_its_fill() -> None:
    whole = (accepted(), accepted(sequence=9, order_slot=4, side=2), trade(9, 100, 0, maker=5, taker=9))
    changes = life(*whole, busted(12))
    assert {change.order.status for change in changes if change.kind == "busted"} == {OrderStatus.FILLED}


def test_every_type_and_time_has_a_number_of_its_own() -> None:
    assert sorted(TYPES.values()) == list(range(1, 11))
    assert sorted(TIMES_IN_FORCE.values()) == list(range(1, 11))
