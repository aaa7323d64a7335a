#include "normal.hpp"

namespace quantumcore::greeks {

double inverse_below(double p) {
  const double q = p < 0.5 ? p : 1.0 - p;
  // Abramowitz and Stegun 26.2.23, within 4.5e-4; two steps of Halley then cube that twice.
  const double t = std::sqrt(-2.0 * std::log(q));
  double x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  for (int step = 0; step < 2; ++step) {
    const double error = (below(x) - q) / density(x);
    x -= error / (1.0 + 0.5 * x * error);
  }
  return p < 0.5 ? x : -x;
}

}  // namespace quantumcore::greeks
