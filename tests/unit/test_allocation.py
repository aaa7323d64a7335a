"""Who of a level gets what.

Goal: shares conserve lots, nobody gets more than he shows, and they are what the rule says, worked out in the slowest way.
Method: hypothesis invents levels and takers; the rule is done once more lot by lot and with fractions; both engines trade it.
"""

from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantumcore.contracts import wire
from quantumcore.core.twin.allocation import shares
from tests.support.desk import ALICE, BOB, BUY, SELL, SHARE, Desk, instrument, of
from tests.support.engines import both_engines, check

TIME, PRO_RATA, TOP_FIRST = 0, 1, 2
levels = st.lists(st.integers(1, 50) | st.integers(1, 10**6), min_size=1, max_size=8)
some = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def slowly(rule: int, lots: int, shown: list[int]) -> list[int]:
    """Return the shares as the rule is written: each its fraction, rounded down, then lot by lot to the oldest with room."""
    got = [0] * len(shown)
    if rule == TOP_FIRST:
        got[0] = min(lots, shown[0])
        if lots < sum(shown):
            return [got[0], *slowly(PRO_RATA, lots - got[0], shown[1:])] if len(shown) > 1 else got
    if rule == PRO_RATA and lots < sum(shown):
        got = [int(Fraction(lots * own, sum(shown))) for own in shown]
    at = 0
    while sum(got) < min(lots, sum(shown)):
        if rule == PRO_RATA and lots < sum(shown):
            got[at % len(got)] += got[at % len(got)] < shown[at % len(got)]
            at += 1
        else:  # by time: the oldest takes all it can
            first = next(i for i, own in enumerate(shown) if got[i] < own)
            got[first] += min(shown[first] - got[first], lots - sum(got))
    return got


@given(shown=levels, rule=st.sampled_from([TIME, PRO_RATA, TOP_FIRST]), data=st.data())
def test_shares_are_those_of_the_slow_way(shown, rule, data):
    lots = data.draw(st.integers(1, sum(shown) + 10))
    got = shares(rule, lots, shown)
    assert sum(got) == min(lots, sum(shown))
    assert all(0 <= share <= own for share, own in zip(got, shown, strict=True))
    assert got == slowly(rule, lots, shown)


@both_engines
@some
@given(shown=levels, rule=st.sampled_from([TIME, PRO_RATA, TOP_FIRST]), data=st.data())
def test_both_engines_trade_the_shares(new_engine, shown, rule, data):
    desk = Desk(new_engine).rich()
    desk.do(wire.SetTradingRules(instrument=SHARE, allocation=rule))
    for lots in shown:
        desk.rest(ALICE, SELL, str(lots), "1.00")
    wanted = data.draw(st.integers(1, sum(shown) + 10))
    trades = of(wire.TradePrinted, desk.submit(BOB, BUY, str(wanted), "1.00"))
    assert [trade.quantity for trade in trades] == [lots for lots in slowly(rule, wanted, shown) if lots]
    assert [trade.maker_order_sequence for trade in trades] == sorted(trade.maker_order_sequence for trade in trades)
    check(desk.engine)


@both_engines
def test_shares_of_the_largest_quantities_do_not_overflow(new_engine):
    """Lots times what is shown of a level is far beyond 64 bits."""
    most = 2**63 - 1
    terms = {"tick_scale": 18, "max_price": most, "max_quantity": most, "symbol": "BIG", "max_notional": most}
    engine = new_engine()
    desk = Desk(lambda **_: engine)
    big = desk.do(wire.DefineCurrency(currency=5, code="BIG", scale=0))
    huge = desk.do(wire.DefineCurrency(currency=6, code="HUGE", scale=0))
    assert isinstance(big, wire.CurrencyDefined)
    assert isinstance(huge, wire.CurrencyDefined)
    desk.do(instrument(7, base=5, quote=6, **terms))
    for account in (ALICE, BOB):
        desk.fund(account, 6, 10**12)
    desk.fund(ALICE, 5, 2**62)
    desk.do(wire.SetTradingRules(instrument=7, allocation=PRO_RATA))
    for lots in (2**61, 2**60, 2**60):
        desk.rest(ALICE, SELL, str(lots), "0.000000001", instrument=7)
    trades = of(wire.TradePrinted, desk.submit(BOB, BUY, str(2**61 + 1), "0.000000001", instrument=7))
    assert [trade.quantity for trade in trades] == slowly(PRO_RATA, 2**61 + 1, [2**61, 2**60, 2**60])
