// The normal distribution with full relative precision in its tails.
#pragma once

#include <array>
#include <cmath>

namespace quantumcore::greeks {

inline constexpr double kInverseSqrtTwoPi = 0.3989422804014326779;
inline constexpr double kInverseSqrtTwo = 0.7071067811865475244;

/// (1 + a) times the Mills ratio as a polynomial in (a - 6) / (a + 6), lowest power first: derived
/// by tools/mills_coefficients.py, which says how.
// clang-format off
inline constexpr std::array<double, 25> kMills = {
    1.1366436262780721, -0.21312697721638993, 0.09979244246152494,
    -0.010962454957611351, -0.04046078374028147, 0.056630916732818365,
    -0.04954721570397941, 0.03320496424424095, -0.01769634295790725,
    0.007358597086320905, -0.002178246724712062, 0.0002995163051601742,
    9.473835380456208e-05, -6.605847516975463e-05, 1.10585102421585e-05,
    4.471446252021687e-06, -2.502267554635996e-06, -4.859408978457993e-11,
    3.279497176591732e-07, -5.258992447390868e-08, -3.691824118586619e-08,
    9.670958290541283e-09, 3.657700709503892e-09, -8.55811253068431e-10,
    -2.406361286504724e-10,
};
// clang-format on

/// The density n(x).
inline double density(double x) { return kInverseSqrtTwoPi * std::exp(-0.5 * x * x); }

/// The Mills ratio N(-a) / n(a), for 0 <= a < infinity, within 4 units in the last place. This is
/// erfcx(a / sqrt 2) sqrt(pi / 2): it neither underflows nor cancels.
inline double mills(double a) {
  const double t = (a - 6.0) / (a + 6.0);
  const double t2 = t * t, t4 = t2 * t2, t8 = t4 * t4;
  // Pairs, then pairs of pairs: a chain of 24 products would wait for each.
  const auto pair = [&](std::size_t k) { return kMills[k] + kMills[k + 1] * t; };
  const auto four = [&](std::size_t k) { return pair(k) + pair(k + 2) * t2; };
  const auto eight = [&](std::size_t k) { return four(k) + four(k + 4) * t4; };
  const double high = eight(16) + kMills[24] * t8;
  return (eight(0) + (eight(8) + high * t8) * t8) / (1.0 + a);
}

/// N(x) and n(x) with one exponential.
struct Normal {
  double below;    // N(x)
  double density;  // n(x)
};

inline Normal normal(double x) {
  const double d = density(x);
  const double a = std::fabs(x);
  const double tail = a < 40.0 ? d * mills(a) : 0.0;  // n(40) is zero
  return {x < 0.0 ? tail : 1.0 - tail, d};
}

/// N(x), its lower tail with full relative precision.
inline double below(double x) { return 0.5 * std::erfc(-x * kInverseSqrtTwo); }

/// The x with N(x) = p, for 0 < p < 1, within a few units in the last place.
double inverse_below(double p);

}  // namespace quantumcore::greeks
