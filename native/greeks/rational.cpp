// P. Jäckel, Let's be rational, Wilmott 2015; written from its mathematics.

#include <algorithm>
#include <cmath>
#include <limits>

#include "implied.hpp"
#include "normal.hpp"

namespace quantumcore::greeks {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kSqrt3 = 1.73205080756887729353;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr int kSteps = 3;

/// Two points of a function with slopes: Delbourgo and Gregory's rational cubic runs through them.
struct Piece {
  double x0, x1, y0, y1, slope0, slope1;

  double width() const { return x1 - x0; }
  double secant() const { return (y1 - y0) / width(); }

  /// The shape that keeps the piece convex, and monotonic.
  double shape_min() const {
    const double rise = slope1 - slope0, d = secant();
    double least = -1.0 + std::sqrt(kEpsilon);
    if (d - slope0 != 0.0) least = std::max(least, std::fabs(rise / (d - slope0)));
    if (slope1 - d != 0.0) least = std::max(least, std::fabs(rise / (slope1 - d)));
    if (d != 0.0) least = std::max(least, (slope0 + slope1) / d);
    return least;
  }
  double shape_of_left(double second) const {
    return shape((0.5 * width() * second + slope1 - slope0) / (secant() - slope0));
  }
  double shape_of_right(double second) const {
    return shape((0.5 * width() * second + slope1 - slope0) / (slope1 - secant()));
  }
  double at(double x, double shape) const {
    const double h = width(), t = (x - x0) / h, u = 1.0 - t;
    if (!(shape < 1.0 / kEpsilon)) return y0 * u + y1 * t;
    return (y1 * t * t * t + (shape * y1 - h * slope1) * t * t * u +
            (shape * y0 + h * slope0) * t * u * u + y0 * u * u * u) /
           (1.0 + (shape - 3.0) * t * u);
  }

 private:
  double shape(double wanted) const {
    return std::isnan(wanted) ? shape_min() : std::max(wanted, shape_min());
  }
};

/// A function of s, and its first two derivatives by the price.
struct Mapped {
  double value, slope, second;
};

/// f(s) = 2 pi |x| / (3 sqrt 3) N(-|x| / (sqrt 3 s))^3, which is close to the price where that is
/// small.
Mapped lower_map(double x, double s) {
  const double ax = std::fabs(x), z = ax / (kSqrt3 * s), ss = s * s;
  const double n = below(-z), d = density(z);
  const double value = 2.0 * kPi * ax / (3.0 * kSqrt3) * n * n * n;
  const double slope = 2.0 * kPi * z * z * n * n * std::exp(z * z + 0.125 * ss);
  const double second = kPi / 6.0 * z * z / (ss * s) * n *
                        (8.0 * kSqrt3 * s * ax + (3.0 * ss * (ss - 8.0) - 8.0 * x * x) * n / d) *
                        std::exp(2.0 * z * z + 0.25 * ss);
  return {value, slope, second};
}

double lower_map_inverse(double x, double f) {
  const double p = kSqrt3 * std::cbrt(f / (2.0 * kPi * std::fabs(x)));
  return std::fabs(x / (kSqrt3 * inverse_below(p)));
}

/// f(s) = N(-s / 2), which is close to a line where the price nears its bound.
Mapped upper_map(double x, double s) {
  const double w = x / s, ww = w * w;
  return {below(-0.5 * s), -0.5 * std::exp(0.5 * ww),
          std::sqrt(kPi / 2.0) * std::exp(ww + 0.125 * s * s) * ww / s};
}

/// Where the three objective functions take over from each other, and the start.
struct Start {
  double s;
  bool low;
  bool high;
};

double lowest(double x, double beta, double bl, double sl) {
  const Mapped f = lower_map(x, sl);
  const Piece piece{0.0, bl, 0.0, f.value, 1.0, f.slope};
  double mapped = piece.at(beta, piece.shape_of_right(f.second));
  // Far out the map itself underflows or the piece leaves it: then by the middle of the interval.
  if (!(mapped > 0.0)) {
    const double t = beta / bl;
    mapped = (f.value * t + bl * (1.0 - t)) * t;
  }
  const double s = lower_map_inverse(x, mapped);
  return s > 0.0 && std::isfinite(s) ? std::min(s, sl) : 0.5 * sl;
}

Start start_of(double x, double beta) {
  const double most = std::exp(0.5 * x);
  const double sc = std::sqrt(2.0 * std::fabs(x));  // the price's point of inflection
  const Normalised c = normalised(x, sc);
  if (beta < c.price) {
    const double sl = sc - c.price / c.slope;
    const Normalised l = normalised(x, sl);
    if (beta < l.price) return {lowest(x, beta, l.price, sl), true, false};
    const Piece piece{l.price, c.price, sl, sc, 1.0 / l.slope, 1.0 / c.slope};
    return {piece.at(beta, piece.shape_of_right(0.0)), false, false};
  }
  const double su = sc + (most - c.price) / c.slope;
  const Normalised u = normalised(x, su);
  if (beta <= u.price) {
    const Piece piece{c.price, u.price, sc, su, 1.0 / c.slope, 1.0 / u.slope};
    return {piece.at(beta, piece.shape_of_left(0.0)), false, beta >= 0.5 * most};
  }
  const Mapped f = upper_map(x, su);
  const Piece piece{u.price, most, f.value, 0.0, f.slope, -0.5};
  double mapped = piece.at(beta, piece.shape_of_left(f.second));
  if (!(mapped > 0.0)) mapped = f.value * (most - beta) / (most - u.price);
  return {-2.0 * inverse_below(std::min(mapped, 0.5)), false, beta >= 0.5 * most};
}

/// One step of Householder's iteration of the third order.
double householder(double newton, double second, double third) {
  return newton * (1.0 + 0.5 * second * newton) / (1.0 + newton * (second + third * newton / 6.0));
}

/// At x = 0 the price is N(s/2) - N(-s/2).
double at_the_money(double beta) {
  return beta < 0.5 ? 2.0 * inverse_below(0.5 + 0.5 * beta)
                    : -2.0 * inverse_below(0.5 - 0.5 * beta);
}

double step_of(const Start& start, double x, double beta, double s) {
  const Normalised n = normalised(x, s);
  const double b = n.price, d = n.slope;
  const double ratio = x * x / (s * s * s) - 0.25 * s;  // b'' / b'
  const double third = ratio * ratio - 3.0 * x * x / (s * s * s * s) - 0.25;
  if (start.low) {  // 1 / ln b
    const double lb = std::log(b), g = d / b, k = 1.0 + 2.0 / lb;
    const double newton = std::log(beta / b) * lb / std::log(beta) / g;
    return householder(
        newton, ratio - g * k,
        third + 2.0 * g * g * (1.0 + 3.0 / lb * (1.0 + 1.0 / lb)) - 3.0 * ratio * g * k);
  }
  if (start.high) {  // ln(most - b)
    const double rest = n.up_rest + n.down, wanted = std::exp(0.5 * x) - beta, g = d / rest;
    return householder(std::log(rest / wanted) / g, ratio + g, third + g * (2.0 * g + 3.0 * ratio));
  }
  return householder((beta - b) / d, ratio, third);
}

}  // namespace

double rational(double x, double beta, int& iterations) {
  iterations = 0;
  if (x == 0.0) return at_the_money(beta);
  const Start start = start_of(x, beta);
  double s = start.s;
  while (iterations < kSteps) {
    const double step = step_of(start, x, beta, s);
    if (!std::isfinite(step)) break;
    ++iterations;
    // A step may not leave the positive half.
    s = std::max(s + step, 0.5 * s);
    // The error after a step is of the order of its fourth power: a small step was the last one.
    if (std::fabs(step) <= 1e-5 * s) break;
  }
  return s;
}

}  // namespace quantumcore::greeks
