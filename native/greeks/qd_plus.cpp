#include <algorithm>
#include <cmath>

#include "boundary.hpp"
#include "normal.hpp"

namespace quantumcore::greeks {

double boundary_at_expiry(const Terms& t) {
  return t.yield > t.rate && t.yield > 0.0 ? t.rate / t.yield : 1.0;
}

double boundary_for_ever(const Terms& t) {
  const double variance = t.volatility * t.volatility;
  const double omega = 2.0 * (t.rate - t.yield) / variance - 1.0;
  const double root = std::sqrt(omega * omega + 8.0 * t.rate / variance);
  // omega + root, which cancels where omega is far below zero.
  const double sum = omega >= 0.0 ? omega + root : 8.0 * t.rate / variance / (root - omega);
  const double lambda = -0.5 * sum;
  const double forever = lambda < 0.0 ? lambda / (lambda - 1.0) : 0.0;
  return std::min(forever, boundary_at_expiry(t));
}

double qd_plus(const Terms& terms, double years, double guess) {
  const double variance = terms.volatility * terms.volatility;
  const double deviation = terms.volatility * std::sqrt(years);
  const double rt = terms.rate * years;
  // 2r / (sigma^2 h) with h = 1 - e^(-rT), which has a limit where r is zero.
  const double h = -std::expm1(-rt);
  const double growth = std::fabs(rt) < 1e-12 ? 1.0 : rt / h;
  const double alpha_h = 2.0 * growth / (variance * years);
  const double omega = 2.0 * (terms.rate - terms.yield) / variance - 1.0;
  const double root = std::sqrt(omega * omega + 4.0 * alpha_h);
  const double lambda = -0.5 * (omega + root);
  const double c = (1.0 - h) / root * (alpha_h - alpha_h * alpha_h / (root * root));
  const double discount = 1.0 - h, yielded = std::exp(-terms.yield * years);
  // Zero at the boundary; grows with the spot.
  const auto miss = [&](double logarithm) {
    const double spot = std::exp(logarithm);
    const auto [plus, minus] = distance(logarithm, (terms.rate - terms.yield) * years, deviation);
    const Normal one = normal(-plus), two = normal(-minus);
    const double put = discount * two.below - spot * yielded * one.below;
    const double theta = terms.rate * discount * two.below -
                         terms.yield * spot * yielded * one.below -
                         0.5 * terms.volatility / std::sqrt(years) * spot * yielded * one.density;
    return (1.0 - yielded * one.below) * spot + (lambda + c) * (1.0 - spot - put) -
           2.0 * theta / (variance * root);
  };
  const double top = std::log(boundary_at_expiry(terms));
  const double lowest = std::min(std::log(std::max(boundary_for_ever(terms), 1e-300)), top);
  double x0 = std::log(guess), f0 = miss(x0);
  double x1 = std::clamp(x0 - 0.25 * deviation, lowest, top);
  // The iteration that follows mends what is left here: three digits are plenty.
  for (int step = 0; step < 8 && x1 != x0; ++step) {
    const double f1 = miss(x1);
    const double next = std::clamp(x1 - f1 * (x1 - x0) / (f1 - f0), lowest, top);
    x0 = x1, f0 = f1;
    if (!std::isfinite(next)) break;
    x1 = next;
    if (std::fabs(x1 - x0) < 1e-6 * deviation) break;
  }
  return std::exp(x1);
}

}  // namespace quantumcore::greeks
