#include "american.hpp"

#include <algorithm>
#include <cmath>

#include "boundary.hpp"
#include "root.hpp"

namespace quantumcore::greeks {
namespace {

constexpr Effort kExact{3e-6, 12};
constexpr Effort kFine{1e-11, 60};
/// Closer to the boundary, in deviations, the premium's integrand is a peak that takes more points;
constexpr double kClose = 0.3;
/// and closer than this theta, which is zero at the boundary, is drawn to there, and gamma follows.
constexpr double kTouching = 0.015;
constexpr int kLatticeSteps = 1001;
/// In deviations.
constexpr double kLatticeReach = 100.0;
/// Less deviation over all the time than this is none: the boundary's exponents leave the floats.
constexpr double kDeviationMin = 1e-5;

/// C(S, K, r, q) = P(K, S, q, r): all is done for puts.
Option as_put(const Option& o) {
  if (!o.call) return o;
  return {false, o.strike, o.spot, o.years, o.yield, o.rate, o.volatility};
}

/// Price, delta and gamma of an option from those of its put: the price is homogeneous in S and K.
Greeks from_put(const Option& o, const Greeks& put) {
  if (!o.call) return put;
  const double ratio = o.strike / o.spot;
  Greeks call = put;
  call.delta = (put.price - o.strike * put.delta) / o.spot;
  call.gamma = ratio * ratio * put.gamma;
  return call;
}

/// The engine that a put needs whatever the method; Exact when the method may choose.
Engine case_of(const Option& put) {
  if (put.volatility * std::sqrt(put.years) < kDeviationMin) return Engine::Certain;
  if (put.rate <= 0.0 && put.rate <= put.yield) return Engine::European;
  if (put.rate >= 0.0) return Engine::Exact;
  // So far from the strike a tree's probabilities are zero and one.
  return std::fabs(forward_of(put).x) < kLatticeReach * put.volatility * std::sqrt(put.years)
             ? Engine::Lattice
             : Engine::Certain;
}

Terms terms_of(const Option& put) { return {put.years, put.rate, put.yield, put.volatility}; }

double intrinsic(const Option& o) {
  return std::max(o.call ? o.spot - o.strike : o.strike - o.spot, 0.0);
}

AmericanPrice floored(double price, const Option& o, Engine engine) {
  const double least = intrinsic(o);
  return price > least ? AmericanPrice{price, engine} : AmericanPrice{least, Engine::Intrinsic};
}

template <class B>
AmericanPrice by_boundary(const Option& put, const Effort& effort, Engine engine) {
  const B boundary(terms_of(put), effort);
  const double spot = put.spot / put.strike;
  if (spot <= boundary.now()) return {put.strike - put.spot, Engine::Intrinsic};
  const bool close = boundary.distance_of(spot) < kClose;
  const double early = std::max(put.strike * boundary.premium(spot, close).price, 0.0);
  // The boundary alone says what is exercised: a price that rounds below the intrinsic is that.
  return {std::max(european_price(put) + early, intrinsic(put)), engine};
}

/// f' by five points around, or from here upwards.
template <class F>
double slope(const F& f, double h, bool upwards) {
  if (upwards)
    return (-25.0 * f(0.0) + 48.0 * f(h) - 36.0 * f(2.0 * h) + 16.0 * f(3.0 * h) -
            3.0 * f(4.0 * h)) /
           (12.0 * h);
  return (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h);
}

/// The pricing equation, solved for theta, a year.
double theta_of(const Option& o, const Greeks& g) {
  const double s = o.spot;
  return o.rate * g.price - (o.rate - o.yield) * s * g.delta -
         0.5 * o.volatility * o.volatility * s * s * g.gamma;
}

/// The same, solved for gamma.
double gamma_of(const Option& o, const Greeks& g, double theta) {
  const double s = o.volatility * o.spot;
  return 2.0 * (o.rate * g.price - (o.rate - o.yield) * o.spot * g.delta - theta) / (s * s);
}

/// Price, delta and gamma of a put over its boundary.
template <class B>
Greeks with_premium(const Option& put, const B& boundary, bool close, double days) {
  Greeks g = european(put, days);
  const auto early = boundary.premium(put.spot / put.strike, close);
  g.price += put.strike * early.price;
  g.delta += early.delta;
  g.gamma += early.gamma / put.strike;
  return g;
}

/// Gamma of a put that all but touches its boundary.
template <class B>
double gamma_at_boundary(const Option& put, const Greeks& g, const B& boundary) {
  const double at = boundary.now() * put.strike;
  Option over = put;
  over.spot = at * std::exp(kTouching * put.volatility * std::sqrt(put.years));
  const double theta = theta_of(over, with_premium(over, boundary, true, 1.0));
  return gamma_of(put, g, theta * (put.spot - at) / (over.spot - at));
}

/// The European greeks, and of the premium for early exercise delta and gamma from its integral,
/// vega and rho by differences.
template <class B>
American greeks_by_boundary(const Option& o, const Option& put, const Effort& effort, Engine engine,
                            double days) {
  const Terms terms = terms_of(put);
  const B boundary(terms, effort);
  const double spot = put.spot / put.strike;
  if (spot <= boundary.now()) return {intrinsic_greeks(o), Engine::Intrinsic};
  const double away = boundary.distance_of(spot);
  const bool close = away < kClose;
  Greeks of_put = with_premium(put, boundary, close, days);
  if (away < kTouching) of_put.gamma = gamma_at_boundary(put, of_put, boundary);
  Greeks g = from_put(o, of_put);
  const auto moved = [&](double Terms::* what) {
    return [&, what](double by) {
      Terms other = terms;
      other.*what += by;
      return B(other, {0.0, boundary.steps()}).premium(spot, close).price;
    };
  };
  const Greeks plain = european(o, days);
  g.vega =
      plain.vega + 0.01 * put.strike * slope(moved(&Terms::volatility), 4e-3 * o.volatility, false);
  // The option's rate is the yield of a call's put; a put's rate may not fall below zero.
  const double step = o.call ? 5e-4 : std::max(std::min(5e-4, 0.02 * put.rate), 1e-5);
  g.rho = plain.rho + 0.01 * put.strike *
                          slope(moved(o.call ? &Terms::yield : &Terms::rate), step,
                                !o.call && put.rate < 2.0 * step);
  g.theta = theta_of(o, g) / days;
  g.price = std::max(g.price, intrinsic(o));
  return {g, engine};
}

/// The greeks of a method that has only prices.
American by_differences(const Option& o, Method method, double days) {
  const AmericanPrice here = american_price(o, method);
  if (here.engine == Engine::Intrinsic) return {intrinsic_greeks(o), here.engine};
  const auto moved = [&](double Option::* what) {
    return [&, what](double by) {
      Option other = o;
      other.*what += by;
      return american_price(other, method).price;
    };
  };
  const auto price = moved(&Option::spot);
  const double h = 2e-3 * o.spot;
  Greeks g{};
  g.price = here.price;
  g.delta = slope(price, h, false);
  g.gamma = (16.0 * (price(h) + price(-h)) - price(2.0 * h) - price(-2.0 * h) - 30.0 * here.price) /
            (12.0 * h * h);
  g.theta = -slope(moved(&Option::years), 2e-3 * o.years, false) / days;
  g.vega = slope(moved(&Option::volatility), 4e-3 * o.volatility, false) / 100.0;
  g.rho = slope(moved(&Option::rate), 1e-5, false) / 100.0;
  return {g, here.engine};
}

American by_lattice(const Option& o, double days) {
  const Lattice tree = lattice(o, kLatticeSteps);
  if (tree.price <= intrinsic(o)) return {intrinsic_greeks(o), Engine::Intrinsic};
  const auto moved = [&](double Option::* what, double by) {
    Option high = o, low = o;
    high.*what += by;
    low.*what -= by;
    return (lattice(high, kLatticeSteps).price - lattice(low, kLatticeSteps).price) / (2.0 * by);
  };
  Greeks g{tree.price, tree.delta, tree.gamma, 0.0, 0.0, 0.0};
  g.theta = theta_of(o, g) / days;
  g.vega = moved(&Option::volatility, 0.01 * o.volatility) / 100.0;
  g.rho = moved(&Option::rate, 1e-4) / 100.0;
  return {g, Engine::Lattice};
}

American by_certainty(const Option& o, double days) {
  const Certain best = certain(o);
  if (best.price <= intrinsic(o) && best.price > 0.0)
    return {intrinsic_greeks(o), Engine::Intrinsic};
  Option until = o;
  until.years = best.years;
  until.volatility = 0.0;
  Greeks g = best.price > 0.0 ? european(until, days) : Greeks{};
  if (best.years < o.years) g.theta = 0.0;  // more time would change nothing
  return {g, Engine::Certain};
}

}  // namespace

AmericanPrice american_price(const Option& o, Method method) {
  const Option put = as_put(o);
  switch (case_of(put)) {
    case Engine::Certain:
      return floored(certain(o).price, o, Engine::Certain);
    case Engine::European:
      return {european_price(o), Engine::European};
    case Engine::Lattice:
      return floored(lattice(o, kLatticeSteps).price, o, Engine::Lattice);
    default:
      break;
  }
  switch (method) {
    case Method::Fine:
      return by_boundary<FineBoundary>(put, kFine, Engine::Fine);
    case Method::BaroneAdesiWhaley:
      return floored(barone_adesi_whaley_put(put), put, Engine::BaroneAdesiWhaley);
    case Method::BjerksundStensland:
      return floored(std::max(bjerksund_stensland_put(put), european_price(put)), put,
                     Engine::BjerksundStensland);
    default:
      return by_boundary<ExactBoundary>(put, kExact, Engine::Exact);
  }
}

American american(const Option& o, Method method, double days) {
  const Option put = as_put(o);
  switch (case_of(put)) {
    case Engine::Certain:
      return by_certainty(o, days);
    case Engine::European:
      return {european(o, days), Engine::European};
    case Engine::Lattice:
      return by_lattice(o, days);
    default:
      break;
  }
  if (method == Method::Exact)
    return greeks_by_boundary<ExactBoundary>(o, put, kExact, Engine::Exact, days);
  if (method == Method::Fine)
    return greeks_by_boundary<FineBoundary>(o, put, kFine, Engine::Fine, days);
  return by_differences(o, method, days);
}

Implied american_implied(const Option& option, double price, const Limits& limits) {
  const Option put = as_put(option);
  const double least = certain(option).price;
  const double highest = volatility_max(option.years);
  const double most = put.strike * std::max(1.0, std::exp(-put.rate * put.years));
  Implied found{Outcome::Found, 0.0, 0, INFINITY, least, most};
  if (!(price > 0.0) || price < least * (1.0 - 1e-15) || price >= most) {
    found.outcome = Outcome::OutOfBounds;
    return found;
  }
  Option at = option;
  const auto miss = [&](double volatility) {
    at.volatility = volatility;
    ++found.iterations;
    return american_price(at, Method::Exact).price - price;
  };
  // The right to exercise early is worth something: the European answer is never too low.
  const Implied start = implied(option, price, Search::Rational, limits);
  double high =
      start.volatility > 0.0 ? std::min(start.volatility * (1.0 + 1e-6), highest) : highest;
  double low = 0.9 * high, above = miss(high), under = miss(low);
  while (under >= 0.0 && low > 1e-4) {
    high = low, above = under;
    low *= 0.5;
    under = miss(low);
  }
  if (under >= 0.0) {
    found.outcome = Outcome::NotRecoverable;
    return found;
  }
  if (above < 0.0) {
    high = highest;
    above = miss(high);
    if (above < 0.0) {
      found.outcome = Outcome::TooHigh;
      return found;
    }
  }
  int count = 0;
  const double root =
      brent(miss, {low, high, under, above}, limits.tolerance, limits.iterations, count);
  if (std::isnan(root)) {
    found.outcome = Outcome::NotConverged;
    return found;
  }
  found.volatility = root;
  const double h = 1e-4 * root;
  found.bound = 0x1p-53 * price * 2.0 * h / (miss(root + h) - miss(root - h));
  if (!(found.bound > 0.0 && found.bound <= kBoundMax)) found.outcome = Outcome::NotRecoverable;
  return found;
}

}  // namespace quantumcore::greeks
