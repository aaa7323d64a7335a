"""A preview is what the order does if it comes next, and asking changes nothing.

Goal: whatever the market is like, the twin and the native engine foretell the same, an order that is refused is refused with
the reason and the numbers of its preview, and one that is accepted has its price, quantity and hold, trades and ends as said.
Method: every submission of the seeded markets of the equality tests is asked for before it is sent, with and without its
client id; answers are held against its events. Bounds and bad input by hand.
"""

import random
from collections import Counter

import pytest

from quantumcore.contracts import wire
from quantumcore.contracts.reasons import Reason
from quantumcore.core.twin import preview
from tests.support.engines import FRAMING_ERRORS, NativeEngine, TwinEngine, both_engines, step
from tests.support.fuzz_engine import seeded, started
from tests.support.previews import held_against, is_submission, meets_revocable, unnamed
from tests.support.streams import START_NS, AuctionMarket, Market, setup
from tests.support.streams_margin import MarginMarket

OFFERS, LEVELS = 10_000, 100
SNAPSHOT_EVERY = 50
ACCEPTED = (0, 0, 0, 0, 0)


def foretell(commands: int, seed: int, market: type[Market] = Market, **bounds: int) -> Counter[str]:
    """Ask, then send, every submission of a market; return what became of them."""
    twin, native = started(TwinEngine(**bounds)), started(NativeEngine(**bounds))
    became: Counter[str] = Counter()
    for done, (live, (raw, time_ns)) in enumerate(seeded(commands, seed, market(random.Random(seed)))):
        where = f"seed {seed}, command {done}"
        asked = None
        if is_submission(raw):
            snapshot = native.snapshot() if done % SNAPSHOT_EVERY == 0 else b""
            before = (native.state_hash(), twin.state_hash(), native.sequence, native.time_ns)
            asked = twin.preview(raw, time_ns)
            assert native.preview(raw, time_ns) == asked, where
            assert native.preview(unnamed(raw), time_ns) == twin.preview(unnamed(raw), time_ns), where
            assert (native.state_hash(), twin.state_hash(), native.sequence, native.time_ns) == before, where
            assert not snapshot or native.snapshot() == snapshot, where
            revocable = meets_revocable(twin, raw)
        told = step(twin, raw, time_ns)
        assert step(native, raw, time_ns) == told, where
        if asked is not None:
            became[held_against(asked, wire.decode_events(told), native, revocable=revocable)] += 1
        live.hear(told)
    return became


@pytest.mark.parametrize("seed", [1, 2])
def test_a_market_of_everything_does_what_was_foretold(seed):
    became = foretell(4_000, seed)
    assert became["exact"] > 800
    assert became["further"] < became["exact"] / 10
    for reason in ("NO_FUNDS", "REDUCE_ONLY", "POST_ONLY", "HALTED", "STALE_REF", "DUPLICATE_ID", "repeat"):
        assert became[reason], f"{reason} never came up"


@pytest.mark.parametrize("seed", [5])
def test_calls_bands_and_shared_levels_do_too(seed):
    became = foretell(4_000, seed, AuctionMarket)
    assert became["exact"] > 1_000
    assert became["further"] < became["exact"] / 50
    assert became["PRICE_BAND"]
    assert became["COLLAR"]


def test_accounts_on_margin_do_too():
    became = foretell(2_000, 6, MarginMarket)
    assert became["exact"] > 200
    for reason in ("EXPOSURE", "NO_FUNDS", "STALE_REF", "GREEKS", "AMOUNT_OVERFLOW"):
        assert became[reason], f"{reason} never came up"


@pytest.mark.parametrize(
    "bounds",
    [{"max_orders": 16}, {"max_client_ids": 40}, {"max_balances": 36}, {"max_windows": 4}, {"accounting": False}],
    ids=lambda bounds: "-".join(bounds),
)
def test_full_tables_and_a_book_without_money_do_too(bounds):
    became = foretell(1_500, 77, **bounds)
    assert became["exact"] + became["CAPACITY"] > 200
    assert became["CAPACITY"] > 10 or "accounting" in bounds


# --------------------------------------------------------------------------------------------------- by hand


def order(**changes) -> bytes:
    """A buy of one lot at one tick, 0.25, by the first account in the future."""
    terms = {
        "instrument": 4,
        "account": 1,
        "price": 25,
        "price_scale": 2,
        "quantity": 1,
        "quantity_scale": 0,
        "side": 1,
    }
    plain = {
        "order_type": 2,
        "time_in_force": 1,
        "self_trade_prevention": 0,
        "flags": 0,
        "session": 0,
        "client_id": "a",
    }
    return wire.SubmitOrder(**{**terms, **plain, **changes}).encode()


def offered(engine, count: int, price_of) -> None:
    """Let two accounts offer single lots, so many."""
    sells = (order(account=2 + at % 2, side=2, client_id=f"s-{at}", price=25 * price_of(at)) for at in range(count))
    step(started(engine), b"".join(sells), START_NS)


@both_engines
def test_a_walk_tells_a_hundred_prices_and_says_that_there_may_be_more(new_engine):
    engine = new_engine()
    offered(engine, LEVELS + 1, lambda at: 1 + at)
    *_, trades, (_, _, complete) = engine.preview(order(price=25 * (LEVELS + 1), quantity=LEVELS), START_NS)
    assert (len(trades), complete) == (LEVELS, 1)
    _, _, placed, trades, (_, _, complete) = engine.preview(
        order(price=25 * (LEVELS + 1), quantity=LEVELS + 1), START_NS
    )
    assert (trades[-1], complete) == ((LEVELS, 1), 0)
    assert placed[5:] == (1, 0), "what is left may trade, rest, or both"
    fok = engine.preview(order(price=25 * (LEVELS + 1), quantity=LEVELS + 1, time_in_force=4), START_NS)
    assert (fok[2][5:], len(fok[3]), fok[4][2]) == ((0, 0), LEVELS, 0), "enough was offered; told is a part"


@pytest.mark.parametrize(("new_engine", "offers"), [(TwinEngine, 60), (NativeEngine, OFFERS)], ids=["twin", "native"])
def test_a_walk_looks_at_so_many_orders_and_says_that_there_may_be_more(new_engine, offers, monkeypatch):
    """Ten thousand; the twin, which would need a minute to take them in, is asked for fewer."""
    assert preview.MOST_OFFERS == OFFERS
    monkeypatch.setattr(preview, "MOST_OFFERS", offers)
    engine = new_engine()
    offered(engine, offers + 1, lambda at: 1)
    *_, trades, (_, _, complete) = engine.preview(order(quantity=offers), START_NS)
    assert (trades, complete) == ([(1, offers)], 1)
    *_, trades, (_, _, complete) = engine.preview(order(quantity=offers + 1), START_NS)
    assert (trades, complete) == ([(1, offers)], 0)
    fok = engine.preview(order(quantity=offers + 1, time_in_force=4), START_NS)
    assert (fok[2][6], fok[4][2]) == (0, 0), "nobody knows whether it would be killed"


@both_engines
def test_it_is_asked_as_of_its_time_and_the_engine_keeps_its_own(new_engine):
    engine = started(new_engine())
    term = {"expires_ns": START_NS + 100, "time_in_force": 8}
    plain = wire.decode_command(order())
    command = wire.SubmitAdvancedOrder(**{**{name: getattr(plain, name) for name in plain.__struct_fields__}, **term})
    assert engine.preview(command.encode(), START_NS + 99)[0] == ACCEPTED
    assert engine.preview(command.encode(), START_NS + 100)[0][0] == Reason.EXPIRED
    assert engine.preview(command.encode(), 0)[0] == ACCEPTED, "time does not go back"
    assert engine.time_ns == START_NS
    assert engine.sequence == len(setup())


@both_engines
@pytest.mark.parametrize(
    "raw",
    [b"", order() + order(), wire.AdvanceTime().encode(), wire.SubmitOrderBatch(account=1, count=0, orders=b"").encode(),
     b"\x08" + bytes(15), order()[:79]],
    ids=["nothing", "two", "time", "a batch", "a short frame", "a cut frame"],
)  # fmt: skip
def test_only_a_single_submission_has_one(new_engine, raw):
    engine = started(new_engine())
    with pytest.raises(FRAMING_ERRORS):
        engine.preview(raw, START_NS)


@both_engines
@pytest.mark.parametrize(
    "raw",
    [order(side=3), order(price_scale=19), order(flags=1 << 15), order(client_id="?"), b"\x30\x00" + order()[2:48]],
    ids=["side", "scale", "flags", "id", "size"],
)
def test_bad_content_is_refused_as_a_command_would_be(new_engine, raw):
    engine = started(new_engine())
    why, first, *_ = engine.preview(raw, START_NS)
    assert (why, first) == ((Reason.BAD_COMMAND, 0, 0, 0, 0), (0, 0))
