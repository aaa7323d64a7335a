#include "boundary.hpp"

#include <algorithm>
#include <cmath>

#include "normal.hpp"

namespace quantumcore::greeks {
namespace {

/// r T from which on Newton's step is taken every time.
constexpr double kMuchInterest = 0.3;
/// A squared change that is rounding only.
constexpr double kNothing = 1e-28;

}  // namespace

/// Where integrals and interpolation look: the same places, relative to the time, for all options.
template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
struct Boundary<N, L, P, C>::Places {
  /// M places of integrals over the time from a node back to expiry. In columns, so that the
  /// compiler works on several at once.
  template <std::size_t M>
  struct Rule {
    std::array<double, M> root;    // of the share of the time between them, which is root^2
    std::array<double, M> weight;  // of the quadrature, with the substitution's factor
    std::array<std::array<double, M>, N> interpolation;

    /// Takes a place at y in (-1, 1), for the node whose root of the share of all the time is
    /// `share`. The integrand has a root at either end: of the time to the node, and of the time to
    /// expiry, where the boundary starts. As sine and cosine of one angle both are smooth.
    void put(std::size_t m, const Chebyshev<N>& points, double share, double y, double w) {
      constexpr double kQuarter = 0.78539816339744830962;
      root[m] = std::sin(kQuarter * (1.0 + y));
      const double rest = std::cos(kQuarter * (1.0 + y));
      weight[m] = w * 2.0 * kQuarter * root[m] * rest;
      const auto weights = points.weights(2.0 * share * rest - 1.0);
      for (std::size_t j = 0; j < N; ++j) interpolation[j][m] = weights[j];
    }

    /// ln(top / B) at every place.
    std::array<double, M> below_top(const std::array<double, N + 1>& squared) const {
      std::array<double, M> all{};  // the last node's share is zero
      for (std::size_t j = 0; j < N; ++j)
        for (std::size_t m = 0; m < M; ++m) all[m] += interpolation[j][m] * squared[j];
      for (double& each : all) each = std::sqrt(std::max(each, 0.0));
      return all;
    }
  };
  std::array<double, N + 1> share;  // root of the node's share of all the time
  Rule<N * L> inner;                // those of the first node, of the second, ...
  Rule<P> outer;
  Rule<C> close;

  Places() {
    const Chebyshev<N> points;
    for (std::size_t i = 0; i <= N; ++i) share[i] = 0.5 * (1.0 + points.at[i]);
    const GaussLegendre<L> few;
    for (std::size_t i = 0; i < N; ++i)
      for (std::size_t k = 0; k < L; ++k)
        inner.put(i * L + k, points, share[i], few.at[k], few.weight[k]);
    const GaussLegendre<P> many;
    for (std::size_t k = 0; k < P; ++k) outer.put(k, points, 1.0, many.at[k], many.weight[k]);
    const GaussLegendre<C> most;
    for (std::size_t k = 0; k < C; ++k) close.put(k, points, 1.0, most.at[k], most.weight[k]);
  }
};

template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
const typename Boundary<N, L, P, C>::Places& Boundary<N, L, P, C>::places() {
  static const Places made;
  return made;
}

template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
void Boundary<N, L, P, C>::begin() {
  top_ = boundary_at_expiry(terms_);
  log_top_ = std::log(top_);
  lowest_ = std::log(std::clamp(boundary_for_ever(terms_) / top_, 1e-300, 1.0));
  squared_[N] = 0.0;
  const Places& all = places();
  for (std::size_t i = 0; i < N; ++i) {
    const double years = terms_.years * all.share[i] * all.share[i];
    for (std::size_t m = i * L; m < (i + 1) * L; ++m) {
      const double between = years * all.inner.root[m] * all.inner.root[m];
      const double weight = years * all.inner.weight[m];
      discounted_[m] = {terms_.rate * weight * std::exp(-terms_.rate * between),
                        terms_.yield * weight * std::exp(-terms_.yield * between)};
    }
  }
}

template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
double Boundary<N, L, P, C>::now() const {
  return top_ * std::exp(-std::sqrt(squared_[0]));
}

template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
Boundary<N, L, P, C>::Boundary(const Terms& terms, const Effort& effort) : terms_(terms) {
  begin();
  const Places& p = places();
  double guess = top_;
  for (std::size_t i = N; i-- > 0;) {
    guess = qd_plus(terms_, terms_.years * p.share[i] * p.share[i], guess);
    remember(i, std::log(guess / top_));
  }
  // Where much interest accrues the plain iteration swings, and Newton's creeps.
  const bool slow = terms_.rate * terms_.years > kMuchInterest;
  Vector at_before{}, move_before{};
  while (steps_ < effort.steps) {
    const Vector at = logarithms();
    iterate(slow || steps_ == 0);
    Vector next = logarithms(), move{};
    double largest = 0.0;
    for (std::size_t i = 0; i < N; ++i) {
      move[i] = next[i] - at[i];
      // What a node is wrong by counts less the closer to expiry it is.
      largest = std::max(largest, std::fabs(move[i]) * std::pow(p.share[i], 3));
    }
    // Anderson's acceleration of depth one: the step is made on the line through the last two
    // points, where their moves would cancel best.
    if (steps_ >= 2) {
      double along = 0.0, length = 0.0;
      for (std::size_t i = 0; i < N; ++i) {
        const double change = move[i] - move_before[i];
        along += move[i] * change;
        length += change * change;
      }
      const double share = length > kNothing ? std::clamp(along / length, -2.0, 2.0) : 0.0;
      for (std::size_t i = 0; i < N; ++i)
        remember(i, next[i] - share * (next[i] - at_before[i] - move_before[i]));
    }
    at_before = at;
    move_before = move;
    ++steps_;
    if (largest < effort.tolerance) break;
  }
}

template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
typename Boundary<N, L, P, C>::Vector Boundary<N, L, P, C>::logarithms() const {
  Vector all{};
  for (std::size_t i = 0; i < N; ++i) all[i] = -std::sqrt(squared_[i]);
  return all;
}

template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
void Boundary<N, L, P, C>::remember(std::size_t node, double logarithm) {
  if (!std::isfinite(logarithm)) return;  // numbers too small for a quotient: what was there stays
  logarithm = std::clamp(logarithm, lowest_, 0.0);
  squared_[node] = logarithm * logarithm;
}

/// Equation A of the paper, B = e^(-(r - q)T) above / under, at every node, from the boundary
/// before.
template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
void Boundary<N, L, P, C>::iterate(bool newton) {
  const Places& all = places();
  const double drift = terms_.rate - terms_.yield;
  const auto below_top = all.inner.below_top(squared_);
  const Vector before = logarithms();
  for (std::size_t i = 0; i < N; ++i) {
    const double root = std::sqrt(terms_.years) * all.share[i], years = root * root;
    const double deviation = terms_.volatility * root;
    const double own = before[i];
    double above = 0.0, under = 0.0, above_slope = 0.0, under_slope = 0.0;  // slopes by ln B
    for (std::size_t m = i * L; m < (i + 1) * L; ++m) {
      const double spread = deviation * all.inner.root[m];
      const double between = years * all.inner.root[m] * all.inner.root[m];
      const auto d = distance(own + below_top[m], drift * between, spread);
      const double strike_part = discounted_[m].rate * density(d.minus) / spread;
      above += strike_part;
      above_slope -= d.minus / spread * strike_part;
      if (terms_.yield == 0.0) continue;  // half of all options, and half of the work
      const Normal p = normal(d.plus);
      const double spot_part = discounted_[m].yield * p.density / spread;
      under += spot_part + discounted_[m].yield * p.below;
      under_slope -= d.minus / spread * spot_part;
    }
    // The integrals' factors e^(ru) and e^(qu) are those of the node over those of the time
    // between.
    const double up = std::exp(terms_.rate * years), down = std::exp(terms_.yield * years);
    const auto d = distance(own + log_top_, drift * years, deviation);
    const Normal p = normal(d.plus);
    const double strike_part = density(d.minus) / deviation, spot_part = p.density / deviation;
    above = above * up + strike_part;
    under = under * down + spot_part + p.below;
    const double fixed = std::log(above / under) - drift * years - log_top_;
    if (!newton) {
      remember(i, fixed);
      continue;
    }
    above_slope = above_slope * up - d.minus / deviation * strike_part;
    under_slope = under_slope * down - d.minus / deviation * spot_part;
    const double slope = above_slope / above - under_slope / under;
    remember(i, own + (fixed - own) / (1.0 - slope));
  }
}

template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
double Boundary<N, L, P, C>::distance_of(double spot) const {
  return std::log(spot / now()) / (terms_.volatility * std::sqrt(terms_.years));
}

template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
typename Boundary<N, L, P, C>::Premium Boundary<N, L, P, C>::premium(double spot,
                                                                     bool close) const {
  return close ? sum(places().close, spot) : sum(places().outer, spot);
}

template <std::size_t N, std::size_t L, std::size_t P, std::size_t C>
template <class Rule>
typename Boundary<N, L, P, C>::Premium Boundary<N, L, P, C>::sum(const Rule& rule,
                                                                 double spot) const {
  const double r = terms_.rate, q = terms_.yield, drift = r - q, years = terms_.years;
  const double deviation = terms_.volatility * std::sqrt(years);
  const double over = std::log(spot) - log_top_;
  Premium sum{0.0, 0.0, 0.0};
  const auto below_top = rule.below_top(squared_);
  for (std::size_t m = 0; m < below_top.size(); ++m) {
    const double between = years * rule.root[m] * rule.root[m], spread = deviation * rule.root[m];
    const auto d = distance(over + below_top[m], drift * between, spread);
    const Normal p = normal(-d.plus), minus = normal(-d.minus);
    const double wr = years * rule.weight[m] * std::exp(-r * between);
    const double wq = years * rule.weight[m] * std::exp(-q * between);
    // r / B(u) - q, by which exercise gains at the boundary itself.
    const double gain = r / top_ * std::exp(below_top[m]) - q;
    sum.price += wr * r * minus.below - wq * q * spot * p.below;
    sum.delta -= wq * (q * p.below + gain * p.density / spread);
    sum.gamma += wq * p.density / (spot * spread) * (q + gain * d.plus / spread);
  }
  return sum;
}

template class Boundary<12, 11, 31, 127>;
template class Boundary<20, 60, 200, 400>;

}  // namespace quantumcore::greeks
