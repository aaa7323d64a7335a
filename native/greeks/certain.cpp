#include <cmath>

#include "american.hpp"

namespace quantumcore::greeks {

Certain certain(const Option& o) {
  const double w = o.call ? 1.0 : -1.0;
  const auto worth = [&](double t) {
    return w * (o.spot * std::exp(-o.yield * t) - o.strike * std::exp(-o.rate * t));
  };
  Certain best{0.0, 0.0};
  const auto look = [&](double t) {
    const double value = worth(t);
    if (value > best.price) best = {value, t};
  };
  look(0.0);
  look(o.years);
  // Between them the worth has one extremum: q S e^(-qt) = r K e^(-rt).
  const double ratio = o.yield * o.spot / (o.rate * o.strike);
  if (ratio > 0.0 && o.yield != o.rate) {
    const double t = std::log(ratio) / (o.yield - o.rate);
    if (t > 0.0 && t < o.years) look(t);
  }
  return best;
}

}  // namespace quantumcore::greeks
