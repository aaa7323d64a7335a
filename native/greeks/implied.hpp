// The volatility that a European price implies.
#pragma once

#include "black.hpp"
#include "terms.hpp"

namespace quantumcore::greeks {

enum class Search { Rational = 0, Newton = 1, Bisection = 2, Brent = 3 };

enum class Outcome {
  Found = 0,
  OutOfBounds = 1,     // no volatility has this price
  NotRecoverable = 2,  // the price holds too little of its time value; `bound` says how little
  NotConverged = 3,    // the method did not end within its limit
  TooHigh = 4,         // the answer is over kVolatilityMax
};

/// A price whose last bit moves the volatility by more than this holds none.
inline constexpr double kBoundMax = 1e-5;

struct Limits {
  int iterations = 100;
  double tolerance = 1e-12;  // of the volatility, times sqrt(T); the rational method needs none
};

struct Implied {
  Outcome outcome;
  double volatility;
  int iterations;
  double bound;  // 2^-53 price / vega: what rounding the price moves the volatility by
  double lower;  // no price is below it without arbitrage
  double upper;  // nor at or above it
};

/// `option.volatility` is not looked at; years > 0.
///
/// The rational method is Jäckel's of "Let's be rational" (2015): four branches of rational
/// interpolation for the start, and Householder's iteration of the third order on three objective
/// functions; it takes at most three steps. All methods work on the side out of the money.
Implied implied(const Option& option, double price, Search search, const Limits& limits);

/// s with normalised(x, s).price = beta, for x <= 0 and 0 < beta < e^(x/2), by Jäckel's method.
double rational(double x, double beta, int& iterations);

/// The same by a method of steps; NaN when it does not end within its limit.
double stepwise(double x, double beta, Search search, double highest, const Limits& limits,
                int& iterations);

}  // namespace quantumcore::greeks
