#include <algorithm>
#include <cmath>
#include <limits>

#include "implied.hpp"
#include "root.hpp"

namespace quantumcore::greeks {
namespace {

/// From the point of inflection Newton's steps never overshoot (Manaster and Koehler 1982); far out
/// of the money there are many.
double newton(double x, double beta, const Limits& limits, int& iterations) {
  double s = std::max(std::sqrt(2.0 * std::fabs(x)), 1e-8);
  while (iterations < limits.iterations) {
    const Normalised n = normalised(x, s);
    ++iterations;
    const double step = (beta - n.price) / n.slope;
    if (!std::isfinite(step)) break;
    s = std::max(s + step, 0.1 * s);
    if (std::fabs(step) <= limits.tolerance * std::max(s, 1e-3)) return s;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

double stepwise(double x, double beta, Search search, double highest, const Limits& limits,
                int& iterations) {
  iterations = 0;
  if (search == Search::Newton) return newton(x, beta, limits, iterations);
  const auto miss = [&](double s) { return normalised(x, s).price - beta; };
  const Bracket bracket{0.0, highest, -beta, miss(highest)};
  if (bracket.f1 < 0.0) return highest * 2.0;
  return search == Search::Bisection
             ? bisection(miss, bracket, limits.tolerance, limits.iterations, iterations)
             : brent(miss, bracket, limits.tolerance, limits.iterations, iterations);
}

}  // namespace quantumcore::greeks
