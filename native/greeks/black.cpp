#include "black.hpp"

#include <algorithm>
#include <cmath>

#include "normal.hpp"

namespace quantumcore::greeks {
namespace {

/// Beyond it n(h) is zero.
constexpr double kFar = 40.0;
/// From here on R(a - t) - R(a + t) comes from the asymptotic series of R.
constexpr double kAsymptotic = 12.0;
/// Below it R(a - t) - R(a + t) comes from the Taylor series in t.
constexpr double kSmall = 0.05;

/// R(-h - t) - R(-h + t) and both, R being the Mills ratio.
struct Ratios {
  double up;
  double down;
  double difference;
};

/// R(u) = sum (-1)^k (2k - 1)!! / u^(2k + 1), the difference term by term: all that is added within
/// a term is positive.
Ratios asymptotic(double a, double t) {
  const double u = a - t, v = a + t;
  const double p = 1.0 / u, q = 1.0 / v;
  const double pp = p * p, qq = q * q;
  double power = 2.0 * t * p * q;  // p^(2k+1) - q^(2k+1)
  const double growth = power * (p + q);
  double below_power = q, factor = 1.0, sum = power;
  for (int k = 1; k < 18; ++k) {
    power = pp * power + growth * below_power;
    below_power *= qq;
    factor *= -(2.0 * k - 1.0);
    sum += factor * power;
  }
  return {mills(u), mills(v), sum};
}

/// R(a - t) and R(a + t) around R(a): the moments M_n = integral of s^n e^(-as - s*s/2) are its
/// derivatives but for the sign, and M_(n+1) = n M_(n-1) - a M_n.
Ratios taylor(double a, double t) {
  double before = mills(a);
  double now = 1.0 - a * before;
  double even = before, odd = t * now, weight = t;
  for (int n = 1; n < 10; ++n) {
    const double next = n * before - a * now;
    before = now;
    now = next;
    weight *= t / (n + 1);
    (n % 2 == 1 ? even : odd) += weight * now;
  }
  return {even + odd, even - odd, 2.0 * odd};
}

struct Parts {
  double price;
  double spot_part;    // S e^(-qT) N(w d1)
  double strike_part;  // K e^(-rT) N(w d2)
  double slope;        // S e^(-qT) n(d1)
};

/// x = 0 without volatility is worth nothing, on either side.
Parts without_volatility(bool call, const Forward& f) {
  if (call ? f.x <= 0.0 : f.x >= 0.0) return {0.0, 0.0, 0.0, 0.0};
  return {discounted_intrinsic(call, f), f.scale * std::exp(f.x / 2), f.scale * std::exp(-f.x / 2),
          0.0};
}

Parts parts_of(bool call, const Forward& f, double s) {
  if (!(s > 0.0)) return without_volatility(call, f);
  const double x = -std::fabs(f.x);
  const Normalised n = normalised(x, s);
  // The side out of the money is the call while the forward is below the strike. Of the put the
  // normalised call is the mirror: `up` is then the strike's part.
  const bool call_is_out = f.x <= 0.0;
  if (call == call_is_out) {
    const double up = f.scale * n.up, down = f.scale * n.down;
    return {f.scale * n.price, call ? up : down, call ? down : up, f.scale * n.slope};
  }
  const double larger = f.scale * std::exp(-x / 2);
  const double up = f.scale * n.up_rest, down = larger - f.scale * n.down;
  const double parity = discounted_intrinsic(call, f);
  return {f.scale * n.price + parity, call ? down : up, call ? up : down, f.scale * n.slope};
}

}  // namespace

Normalised normalised(double x, double s) {
  const double h = x / s, t = 0.5 * s, a = -h;
  if (!(a - t < kFar)) return {0.0, 0.0, 0.0, std::exp(0.5 * x), 0.0};
  const double slope = kInverseSqrtTwoPi * std::exp(-0.5 * (h * h + t * t));
  const double root = std::exp(0.5 * x);
  if (a - t >= kAsymptotic || t < kSmall) {
    const Ratios r = t < kSmall && a < kAsymptotic + kSmall ? taylor(a, t) : asymptotic(a, t);
    const double up = slope * r.up;
    return {slope * r.difference, up, slope * r.down, root - up, slope};
  }
  const double down = a + t < 2.0 * kFar ? slope * mills(a + t) : 0.0;
  if (t <= a) {
    const double ratio = mills(a - t);
    const double up = slope * ratio;
    return {up - down, up, down, root - up, slope};
  }
  const double rest = root * below(a - t);
  const double up = root - rest;
  return {up - down, up, down, rest, slope};
}

Forward forward_of(const Option& o) {
  const double ratio = o.spot / o.strike;
  // Where spot and strike are close their difference is exact, and its logarithm keeps all digits.
  const double moneyness =
      ratio > 0.5 && ratio < 2.0 ? std::log1p((o.spot - o.strike) / o.strike) : std::log(ratio);
  const double x = moneyness + (o.rate - o.yield) * o.years;
  const double scale = std::sqrt(o.spot * o.strike) * std::exp(-0.5 * (o.rate + o.yield) * o.years);
  return {x, scale};
}

double discounted_intrinsic(bool call, const Forward& f) {
  const double e = std::expm1(0.5 * std::fabs(f.x));
  const double size = f.scale * (e + e / (1.0 + e));  // 2 sinh(|x| / 2)
  return call == (f.x >= 0.0) ? size : -size;
}

double european_price(const Option& option) {
  const Forward f = forward_of(option);
  return parts_of(option.call, f, option.volatility * std::sqrt(option.years)).price;
}

Greeks european(const Option& o, double days) {
  const double root = std::sqrt(o.years);
  const double s = o.volatility * root;
  const double w = o.call ? 1.0 : -1.0;
  const Parts p = parts_of(o.call, forward_of(o), s);
  const double decay = s > 0.0 ? p.slope * o.volatility / (2.0 * root) : 0.0;
  return {
      .price = p.price,
      .delta = w * p.spot_part / o.spot,
      .gamma = s > 0.0 ? p.slope / (o.spot * s) / o.spot : 0.0,
      .theta = (-decay + w * (o.yield * p.spot_part - o.rate * p.strike_part)) / days,
      .vega = p.slope * root / 100.0,
      .rho = w * o.years * p.strike_part / 100.0,
  };
}

Greeks intrinsic_greeks(const Option& o) {
  const double w = o.call ? 1.0 : -1.0, worth = w * (o.spot - o.strike);
  return worth > 0.0 ? Greeks{worth, w, 0.0, 0.0, 0.0, 0.0} : Greeks{};
}

}  // namespace quantumcore::greeks
