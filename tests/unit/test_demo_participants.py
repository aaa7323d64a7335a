"""The demo's participants: pure, seeded, each with its reason.

Goal: what they want is always a price on the tick and a quantity on the lot, and the same seed wants the same.
Method: views by hand, many draws of seeded generators.
"""

from decimal import Decimal
from random import Random

import pytest

from quantumcore.app.demo.participants import HISTORY, Decision, LargeSeller, MarketMaker, Momentum, Noise, View

LOT = Decimal("0.01")


def view(last: str = "100.00", bid: str | None = "99.95", ask: str | None = "100.05") -> View:
    return View(
        bid=Decimal(bid) if bid else None,
        ask=Decimal(ask) if ask else None,
        last=Decimal(last),
        tick=Decimal("0.05"),
        lot=LOT,
    )


def run(participant: MarketMaker | Noise | Momentum | LargeSeller, seed: int, rounds: int = 200) -> list[Decision]:
    random = Random(seed)
    return [participant.decide(view(), random) for _ in range(rounds)]


@pytest.mark.parametrize("seed", range(5))
def test_every_price_is_on_the_tick_and_every_quantity_on_the_lot(seed: int) -> None:
    cast = [MarketMaker("m", LOT), Noise("n", LOT), Momentum("o", LOT), LargeSeller("s", LOT * 500, LOT * 5)]
    wants = [want for participant in cast for decision in run(participant, seed) for want in decision.orders]
    assert len(wants) > 500
    for want in wants:
        assert want.side in ("buy", "sell")
        assert want.quantity > 0
        assert want.quantity % LOT == 0
        assert want.price is None or (want.price > 0 and want.price % Decimal("0.05") == 0)


def test_the_same_seed_wants_the_same() -> None:
    assert run(MarketMaker("m", LOT), 7) == run(MarketMaker("m", LOT), 7)
    assert run(Noise("n", LOT), 7) != run(Noise("n", LOT), 8)


def test_a_market_maker_quotes_both_sides_around_the_middle_and_never_takes() -> None:
    for decision in run(MarketMaker("m", LOT), 1, 50):
        bids = [want.price for want in decision.orders if want.side == "buy"]
        asks = [want.price for want in decision.orders if want.side == "sell"]
        assert decision.pull
        assert len(bids) == len(asks) == 4
        assert max(bids) < min(asks)
        assert all(want.post_only for want in decision.orders)


def test_momentum_follows_a_rise_and_a_fall_and_nothing_else() -> None:
    for step, side in ((1, "buy"), (-1, "sell"), (0, None)):
        momentum, random = Momentum("o", LOT), Random(3)
        sides = {
            want.side
            for n in range(HISTORY * 4)
            for want in momentum.decide(view(last=str(Decimal(100) + step * n * Decimal("0.05"))), random).orders
        }
        assert sides == ({side} if side else set())


def test_a_large_seller_sells_exactly_what_it_has() -> None:
    seller = LargeSeller("s", LOT * 23, LOT * 5)
    sold = [want.quantity for decision in run(seller, 5, 2000) for want in decision.orders]
    assert sum(sold) == LOT * 23
    assert max(sold) == LOT * 5
    assert seller.remaining == 0


def test_an_empty_book_is_quoted_around_the_last_price() -> None:
    empty = view(last="50.00", bid=None, ask=None)
    assert empty.middle == Decimal("50.00")
    decision = MarketMaker("m", LOT).decide(empty, Random(1))
    assert all(Decimal(48) < want.price < Decimal(52) for want in decision.orders if want.price is not None)
