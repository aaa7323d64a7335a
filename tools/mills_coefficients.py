"""Derive the polynomial of native/greeks/normal.hpp: prints its coefficients, lowest power first.

(1 + a) R(a), R being the Mills ratio sqrt(pi/2) e^(a*a/2) erfc(a/sqrt 2), is smooth in t = (a - 6) / (a + 6), which maps
a >= 0 to -1 <= t < 1. Its Chebyshev series falls below 1e-17 after 24 terms; written in powers of t, in 60 digits.
"""

import mpmath as mp

DEGREE = 24
CENTRE = 6
POINTS = 96


def mills(a: mp.mpf) -> mp.mpf:
    """Return N(-a) / n(a)."""
    return mp.sqrt(mp.pi / 2) * mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2))


def coefficients() -> list[mp.mpf]:
    """Return the polynomial in t, lowest power first."""
    angles = [mp.pi * (k + mp.mpf(1) / 2) / POINTS for k in range(POINTS)]
    values = []
    for angle in angles:
        t = mp.cos(angle)
        a = CENTRE * (1 + t) / (1 - t)
        values.append((1 + a) * mills(a))
    series = [
        (2 if j else 1) * mp.fsum(v * mp.cos(j * x) for v, x in zip(values, angles, strict=True)) / POINTS
        for j in range(DEGREE + 1)
    ]
    total, before, now = [mp.mpf(0)] * (DEGREE + 1), [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    for term in series:
        for power, c in enumerate(before):
            total[power] += term * c
        following = [mp.mpf(0)] + [2 * c for c in now]
        for power, c in enumerate(before):
            following[power] -= c
        before, now = now, following
    return total


if __name__ == "__main__":
    mp.mp.dps = 60
    for value in coefficients():
        print(f"{float(value)!r},")
