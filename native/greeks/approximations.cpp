// The two approximations that others use and that can be asked for; neither is the default.

#include <algorithm>
#include <cmath>

#include "american.hpp"
#include "normal.hpp"

namespace quantumcore::greeks {

double barone_adesi_whaley_put(const Option& put) {
  const double variance = put.volatility * put.volatility, b = put.rate - put.yield;
  const double rt = put.rate * put.years, deviation = put.volatility * std::sqrt(put.years);
  const double n = 2.0 * b / variance - 1.0;
  // 2r / (sigma^2 (1 - e^(-rT))), which has a limit where r is zero.
  const double m = 2.0 / (variance * put.years) * (rt == 0.0 ? 1.0 : rt / -std::expm1(-rt));
  const double q = -0.5 * (n + std::sqrt(n * n + 4.0 * m));
  const double yielded = std::exp(-put.yield * put.years);
  const auto d1 = [&](double s) {
    return (std::log(s / put.strike) + (b + 0.5 * variance) * put.years) / deviation;
  };
  // Seed: between the boundary for ever and that at expiry.
  const double forever = -0.5 * (n + std::sqrt(n * n + 8.0 * put.rate / variance));
  const double lowest = forever < 0.0 ? put.strike * forever / (forever - 1.0) : 0.0;
  const double h = (b * put.years - 2.0 * deviation) * put.strike / (put.strike - lowest);
  double s = lowest + (put.strike - lowest) * std::exp(h);
  for (int step = 0; step < 100; ++step) {
    Option at = put;
    at.spot = s;
    const double d = d1(s), tail = yielded * below(-d);
    const double right = european_price(at) - (1.0 - tail) * s / q;
    const double slope = -tail * (1.0 - 1.0 / q) - (1.0 + yielded * density(d) / deviation) / q;
    const double next = (put.strike - right + slope * s) / (1.0 + slope);
    if (!std::isfinite(next) || next <= 0.0) break;
    const bool done = std::fabs(next - s) <= 1e-13 * put.strike;
    s = next;
    if (done) break;
  }
  if (put.spot <= s) return put.strike - put.spot;
  const double a = -s / q * (1.0 - yielded * below(-d1(s)));
  return european_price(put) + a * std::pow(put.spot / s, q);
}

double bjerksund_stensland_put(const Option& put) {
  // Stated for calls: C(S, K, r, q) = P(K, S, q, r).
  const double spot = put.strike, strike = put.spot, rate = put.yield, b = put.yield - put.rate;
  const double variance = put.volatility * put.volatility, years = put.years;
  const double deviation = put.volatility * std::sqrt(years);
  const double half = b / variance - 0.5;
  const double beta = -half + std::sqrt(half * half + 2.0 * rate / variance);
  const double highest = beta / (beta - 1.0) * strike;
  const double least = std::max(strike, put.rate > 0.0 ? rate / put.rate * strike : strike);
  const double h = -(b * years + 2.0 * deviation) * least / (highest - least);
  const double trigger = least + (highest - least) * -std::expm1(h);
  if (spot >= trigger) return spot - strike;
  const auto phi = [&](double gamma, double limit) {
    const double lambda = (-rate + gamma * b + 0.5 * gamma * (gamma - 1.0) * variance) * years;
    const double d = -(std::log(spot / limit) + (b + (gamma - 0.5) * variance) * years) / deviation;
    const double kappa = 2.0 * b / variance + 2.0 * gamma - 1.0;
    // The powers of the trigger that multiply this are taken in here: each alone can overflow.
    const double ratio = std::log(trigger / spot);
    return std::exp(lambda) *
           (below(d) - std::exp(kappa * ratio) * below(d - 2.0 * ratio / deviation));
  };
  const double scaled = (trigger - strike) * std::pow(spot / trigger, beta);
  return scaled - scaled * phi(beta, trigger) + spot * (phi(1.0, trigger) - phi(1.0, strike)) -
         strike * (phi(0.0, trigger) - phi(0.0, strike));
}

}  // namespace quantumcore::greeks
