// European options: Black, Scholes and Merton with a continuous dividend yield.
#pragma once

namespace quantumcore::greeks {

/// What a price depends on. All finite; spot, strike > 0; years, volatility >= 0.
struct Option {
  bool call;
  double spot;
  double strike;
  double years;
  double rate;   // continuous, a year
  double yield;  // continuous, a year
  double volatility;
};

/// A price and its derivatives in the units of docs/reference/options.md.
struct Greeks {
  double price;
  double delta;
  double gamma;
  double theta;  // a day
  double vega;   // per 1 %
  double rho;    // per 1 %
};

/// The undiscounted call out of the money, in units of sqrt(F K): x = ln(F / K) <= 0.
struct Normalised {
  double price;    // up - down, without their cancellation
  double up;       // e^(x/2) N(x/s + s/2)
  double down;     // e^(-x/2) N(x/s - s/2)
  double up_rest;  // e^(x/2) N(-x/s - s/2)
  double slope;    // d price / ds
};

/// For x <= 0 and s > 0. Relative error of each part below 1e-13 where it is over 1e-20.
Normalised normalised(double x, double s);

/// x = ln(S / K) + (r - q) T, accurate near zero, and G = sqrt(S e^(-qT) K e^(-rT)).
struct Forward {
  double x;
  double scale;
};

Forward forward_of(const Option& option);

/// S e^(-qT) - K e^(-rT), signed for the option's side: what a certain exercise is worth.
double discounted_intrinsic(bool call, const Forward& forward);

/// The price alone; below no arbitrage bound.
double european_price(const Option& option);

/// Price and greeks; a day is 1 / `days` of a year.
Greeks european(const Option& option, double days);

/// What is left when no time is: the plain intrinsic, delta 1 or -1 in the money, all else 0.
Greeks intrinsic_greeks(const Option& option);

}  // namespace quantumcore::greeks
