"""What options cost.

Goal: one option in microseconds, a thousand in a tenth of a millisecond (docs/performance.md has what was measured).
Method: the best of many short rounds, printed; fails at some five times of what was measured: a machine may be slower.
"""

import pytest

from quantumcore.app.bench.options import options

MOST_US = {
    "price and 5 greeks, floats": 3,
    "price and 5 greeks, Decimals": 30,
    "implied volatility, floats": 3,
    "1,000 options at once, price and 5 greeks": 400,
    "American price": 140,
    "American price and 5 greeks": 1_200,
}


def test_options_cost_microseconds(seed: int) -> None:
    figures = {figure.name: figure for figure in options(seed, 0.2)}
    for name, most in MOST_US.items():
        best = min(figures[name].samples)
        print(f"{name}: {best:.2f} us")
        assert best < most, name


@pytest.mark.parametrize("peer", ["QuantLib", "vollib"])
def test_a_peer_is_measured_or_named_with_the_way_to_get_it(
    seed: int, peer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quantumcore.app.bench import options as bench

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(bench, "import_module", absent)
    rows = [figure for figure in options(seed, 0.05) if figure.name.startswith(peer)]
    assert rows
    assert all(f"pip install {peer}" in figure.note and not figure.samples for figure in rows)
