// Roots of a function between two points where its signs differ.
#pragma once

#include <cmath>
#include <limits>
#include <utility>

namespace quantumcore::greeks {

struct Bracket {
  double x0, x1;
  double f0, f1;
};

inline constexpr double kNoRoot = std::numeric_limits<double>::quiet_NaN();

/// Halves the bracket until it is no wider than `tolerance`; NaN when `limit` halvings do not do.
template <class Function>
double bisection(const Function& f, Bracket b, double tolerance, int limit, int& count) {
  while (count < limit) {
    const double middle = 0.5 * (b.x0 + b.x1);
    if (b.x1 - b.x0 <= tolerance * std::fmax(middle, 1e-3) || middle == b.x0 || middle == b.x1)
      return middle;
    const double value = f(middle);
    ++count;
    if (value == 0.0) return middle;
    ((value < 0.0) == (b.f0 < 0.0) ? b.x0 : b.x1) = middle;
  }
  return kNoRoot;
}

/// Brent's method (Algorithms for Minimization without Derivatives, 1973, chapter 4): inverse
/// quadratic interpolation, the secant or halving, whichever is safe.
template <class Function>
double brent(const Function& f, Bracket bracket, double tolerance, int limit, int& count) {
  double a = bracket.x0, b = bracket.x1, fa = bracket.f0, fb = bracket.f1;
  double c = a, fc = fa, step = b - a, before = step;
  while (true) {
    if ((fb > 0.0) == (fc > 0.0)) {
      c = a, fc = fa;
      step = before = b - a;
    }
    if (std::fabs(fc) < std::fabs(fb)) {
      a = b, fa = fb;
      b = c, fb = fc;
      c = a, fc = fa;
    }
    const double least = 0.5 * tolerance * std::fmax(std::fabs(b), 1e-3);
    const double half = 0.5 * (c - b);
    if (std::fabs(half) <= least || fb == 0.0) return b;
    if (count >= limit) return kNoRoot;
    if (std::fabs(before) < least || std::fabs(fa) <= std::fabs(fb)) {
      step = before = half;
    } else {
      const double s = fb / fa;
      double p = 2.0 * half * s, q = 1.0 - s;
      if (a != c) {
        const double t = fa / fc, r = fb / fc;
        p = s * (2.0 * half * t * (t - r) - (b - a) * (r - 1.0));
        q = (t - 1.0) * (r - 1.0) * (s - 1.0);
      }
      if (p > 0.0) q = -q;
      p = std::fabs(p);
      const double older = before;
      before = step;
      if (2.0 * p < 3.0 * half * q - std::fabs(least * q) && p < std::fabs(0.5 * older * q)) {
        step = p / q;
      } else {
        step = before = half;
      }
    }
    a = b, fa = fb;
    b += std::fabs(step) > least ? step : (half > 0.0 ? least : -least);
    fb = f(b);
    ++count;
  }
}

}  // namespace quantumcore::greeks
