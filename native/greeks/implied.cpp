#include "implied.hpp"

#include <algorithm>
#include <cmath>

namespace quantumcore::greeks {

Implied implied(const Option& o, double price, Search search, const Limits& limits) {
  const Forward f = forward_of(o);
  const double x = -std::fabs(f.x), root = std::sqrt(o.years);
  const double highest = volatility_max(o.years);
  const double parity = discounted_intrinsic(o.call, f);
  Implied found{Outcome::Found,
                0.0,
                0,
                INFINITY,
                std::max(parity, 0.0),
                f.scale * std::exp(0.5 * (o.call ? f.x : -f.x))};
  const double rounding = 1e-15 * std::max(price, found.lower);
  if (!(price > 0.0) || price < found.lower - rounding || price >= found.upper) {
    found.outcome = Outcome::OutOfBounds;
    return found;
  }
  const double beta = (price - found.lower) / f.scale;
  if (!(beta > 0.0) || !(beta < std::exp(0.5 * x))) {
    found.outcome = Outcome::NotRecoverable;  // all of the price is intrinsic, or all but rounding
    return found;
  }
  const double s = search == Search::Rational
                       ? rational(x, beta, found.iterations)
                       : stepwise(x, beta, search, highest * root, limits, found.iterations);
  if (!(s > 0.0)) {
    found.outcome = Outcome::NotConverged;
    return found;
  }
  found.volatility = s / root;
  found.bound = 0x1p-53 * price / (f.scale * normalised(x, s).slope * root);
  if (!(found.bound <= kBoundMax)) {
    found.outcome = Outcome::NotRecoverable;
  } else if (found.volatility > highest) {
    found.outcome = Outcome::TooHigh;
  }
  return found;
}

}  // namespace quantumcore::greeks
