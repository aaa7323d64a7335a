// The price below which an American put is exercised, as a function of the time that is left.
//
// L. Andersen, M. Lake and D. Offengenden, High-performance American option pricing, Journal of
// Computational Finance 20(1), 2016: a fixed-point iteration on Chebyshev points, started from QD+
// (M. Li, Analytical approximations for the critical stock prices of American options, 2010).
#pragma once

#include <array>
#include <cstddef>

#include "quadrature.hpp"

namespace quantumcore::greeks {

/// d+ and d- of a ratio whose logarithm is known.
struct Distance {
  double plus, minus;
};

inline Distance distance(double logarithm, double drift, double deviation) {
  const double middle = (logarithm + drift) / deviation;
  return {middle + 0.5 * deviation, middle - 0.5 * deviation};
}

/// A put with strike 1: all that its boundary depends on.
struct Terms {
  double years;
  double rate;
  double yield;
  double volatility;
};

/// The boundary just before expiry: min(1, r / q), in units of the strike.
double boundary_at_expiry(const Terms& terms);

/// The boundary of a put that never expires; 0 when there is none.
double boundary_for_ever(const Terms& terms);

/// Li's QD+ approximation of the boundary with `years` left, searched from `guess`.
double qd_plus(const Terms& terms, double years, double guess);

/// The iteration ends when a step moves the boundary's logarithm by less than the tolerance, or
/// after so many steps.
struct Effort {
  double tolerance;
  int steps;
};

/// The boundary over [0, years]: its Chebyshev points lie in the root of the time.
/// Nodes: of the interpolation. Inner: quadrature of the fixed point. Outer: of the premium, and
/// Close: of that where the spot is close to the boundary.
template <std::size_t Nodes, std::size_t Inner, std::size_t Outer, std::size_t Close>
class Boundary {
 public:
  Boundary(const Terms& terms, const Effort& effort);

  /// How many steps it took.
  int steps() const { return steps_; }

  /// With all of the time left, in units of the strike.
  double now() const;

  struct Premium {
    double price, delta, gamma;
  };
  /// What the right to exercise early adds, at `spot` over now(), in units of the strike.
  Premium premium(double spot, bool close) const;

  /// How many deviations of all the time the spot is over now().
  double distance_of(double spot) const;

 private:
  struct Places;
  static const Places& places();
  using Vector = std::array<double, Nodes>;

  /// ln(boundary / boundary at expiry) at each node but the last, where it is 0.
  Vector logarithms() const;
  void begin();
  template <class Rule>
  Premium sum(const Rule& rule, double spot) const;
  void iterate(bool newton);
  void remember(std::size_t node, double logarithm);

  /// r and q of the fixed point's integrals, each with weight and discount of its place.
  struct Discounted {
    double rate, yield;
  };

  Terms terms_;
  int steps_ = 0;
  double top_;      // boundary_at_expiry
  double log_top_;  // its logarithm
  double lowest_;   // the logarithm of boundary_for_ever / top
  std::array<Discounted, Nodes * Inner> discounted_;
  std::array<double, Nodes + 1> squared_;  // (ln(B / top))^2, which is what is interpolated
};

/// Some 1e-6 of the price, in some tens of microseconds.
using ExactBoundary = Boundary<12, 11, 31, 127>;
/// Beyond what anyone needs; what the exact one is checked against.
using FineBoundary = Boundary<20, 60, 200, 400>;

}  // namespace quantumcore::greeks
