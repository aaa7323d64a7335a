"""The price of an auction, against a search that knows nothing but the rule.

Goal: `auction.uncrossing` says what orders.md section 8 says, for any two sides.
Method: random books, thousands of them; the search counts lots at every tick one by one and applies the rule's words in turn.
"""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumcore.core.twin.auction import Uncrossing, uncrossing

BOOKS = 4_000
sides = st.dictionaries(st.integers(1, 30), st.integers(1, 9), max_size=8)


def searched(buys: dict[int, int], sells: dict[int, int], reference: int | None) -> Uncrossing | None:
    """Return the uncrossing by looking at every tick from below the lowest limit to above the highest."""
    if not buys or not sells:
        return None
    limits = [*buys, *sells]
    ticks = range(min(limits), max(limits) + 1)
    bought = {p: sum(lots for limit, lots in buys.items() if limit >= p) for p in ticks}
    sold = {p: sum(lots for limit, lots in sells.items() if limit <= p) for p in ticks}
    most = max(min(bought[p], sold[p]) for p in ticks)
    if most == 0:
        return None
    left = [p for p in ticks if min(bought[p], sold[p]) == most]
    least = min(abs(bought[p] - sold[p]) for p in left)
    left = [p for p in left if abs(bought[p] - sold[p]) == least]
    if all(bought[p] > sold[p] for p in left):
        price = max(left)
    elif all(bought[p] < sold[p] for p in left):
        price = min(left)
    elif reference is None:
        price = (min(left) + max(left)) // 2
    else:
        nearest = min(abs(p - reference) for p in left)
        price = max(p for p in left if abs(p - reference) == nearest)
    return Uncrossing(price, most, bought[price] - sold[price])


def found(buys: dict[int, int], sells: dict[int, int], reference: int | None) -> Uncrossing | None:
    return uncrossing(sorted(buys.items(), reverse=True), sorted(sells.items()), reference)


def test_the_price_is_that_of_a_search_over_every_tick(rng):
    """Books from one level a side to many, narrow and wide, with and without reference: always the same price."""
    crossed = 0
    for _ in range(BOOKS):
        buys, sells = _side(rng), _side(rng)
        reference = rng.choice([None, rng.randrange(1, 40)])
        expected = searched(buys, sells, reference)
        assert found(buys, sells, reference) == expected, (buys, sells, reference)
        crossed += expected is not None
    assert BOOKS // 2 < crossed < BOOKS


def _side(rng: random.Random) -> dict[int, int]:
    width = rng.choice([3, 12, 40])
    return {rng.randrange(1, width): rng.choice([1, 1, 2, 5, rng.randrange(1, 50)]) for _ in range(rng.randrange(8))}


@pytest.mark.fuzz
@given(buys=sides, sells=sides, reference=st.none() | st.integers(1, 40))
def test_the_price_is_that_of_the_search_for_books_that_shrink(buys, sells, reference):
    assert found(buys, sells, reference) == searched(buys, sells, reference)


@given(buys=sides, sells=sides, reference=st.none() | st.integers(1, 40))
def test_no_price_trades_more_and_none_as_much_with_less_left_over(buys, sells, reference):
    """The law in its own words, apart from any tie."""
    result = found(buys, sells, reference)
    for price in range(1, 31):
        bought = sum(lots for limit, lots in buys.items() if limit >= price)
        sold = sum(lots for limit, lots in sells.items() if limit <= price)
        traded = 0 if result is None else result.quantity
        assert min(bought, sold) <= traded
        if result is not None and min(bought, sold) == traded:
            assert abs(bought - sold) >= abs(result.imbalance)


@given(buys=sides, sells=sides, reference=st.integers(1, 40))
def test_buys_and_sells_are_mirror_images(buys, sells, reference):
    """Turned upside down, the market clears at the price upside down, unless a reference or a middle decides."""
    result = found(buys, sells, reference)
    turned = found({50 - p: n for p, n in sells.items()}, {50 - p: n for p, n in buys.items()}, 50 - reference)
    if result is None or turned is None:
        assert result is turned
        return
    assert (turned.price, turned.quantity, turned.imbalance) == (50 - result.price, result.quantity, -result.imbalance)
