#include <algorithm>
#include <cmath>
#include <vector>

#include "american.hpp"

namespace quantumcore::greeks {
namespace {

/// Peizer and Pratt's inversion: the probability of a binomial whose distribution function is N(z).
double probability(double z, int steps) {
  const double n = steps;
  const double x = z / (n + 1.0 / 3.0 + 0.1 / (n + 1.0));
  const double inner = 0.25 * -std::expm1(-x * x * (n + 1.0 / 6.0));
  return z < 0.0 ? 0.5 - std::sqrt(inner) : 0.5 + std::sqrt(inner);
}

}  // namespace

Lattice lattice(const Option& o, int steps) {
  const double dt = o.years / steps, deviation = o.volatility * std::sqrt(o.years);
  const double d2 =
      (std::log(o.spot / o.strike) + (o.rate - o.yield) * o.years) / deviation - 0.5 * deviation;
  const double p = probability(d2, steps), share = probability(d2 + deviation, steps);
  const double growth = std::exp((o.rate - o.yield) * dt), discount = std::exp(-o.rate * dt);
  const double up = growth * share / p, down = (growth - p * up) / (1.0 - p);
  const double w = o.call ? 1.0 : -1.0, pu = discount * p, pd = discount * (1.0 - p);
  const auto size = static_cast<std::size_t>(steps) + 1;
  std::vector<double> spot(size), value(size);
  for (std::size_t j = 0; j < size; ++j) {
    const auto ups = static_cast<double>(j), downs = static_cast<double>(steps) - ups;
    spot[j] = o.spot * std::exp(ups * std::log(up) + downs * std::log(down));
    value[j] = std::max(w * (spot[j] - o.strike), 0.0);
  }
  Lattice result{};
  for (auto i = static_cast<std::size_t>(steps); i-- > 0;) {
    for (std::size_t j = 0; j <= i; ++j) {
      spot[j] /= down;
      value[j] = std::max(pu * value[j + 1] + pd * value[j], w * (spot[j] - o.strike));
    }
    if (i == 2) {
      const double low = (value[1] - value[0]) / (spot[1] - spot[0]);
      const double high = (value[2] - value[1]) / (spot[2] - spot[1]);
      result.gamma = 2.0 * (high - low) / (spot[2] - spot[0]);
      // The parabola through the three, at today's spot.
      result.delta = low + 0.5 * result.gamma * (2.0 * o.spot - spot[0] - spot[1]);
    }
  }
  result.price = value[0];
  return result;
}

}  // namespace quantumcore::greeks
