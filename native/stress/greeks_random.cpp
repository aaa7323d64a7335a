// Options drawn at random, the possible and the absurd: every value finite, every price within its
// bounds, every volatility that is found worth its price; and the same again from several threads.
// Usage: greeks_random [options = 20000] [seed = 1]; exit 1 when something is not so.
// arguments of valgrind: 300
// arguments of tsan: 2000

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <thread>
#include <vector>

#include "american.hpp"
#include "random.hpp"
#include "require.hpp"

using namespace quantumcore::greeks;

namespace {

/// From the edges of what the kernel takes, and between them.
class Options {
 public:
  explicit Options(std::uint64_t seed) : random_(seed) {}

  Option next() {
    Option o{};
    o.call = random_.below(2) == 0;
    o.spot = edge(kPriceMin, kPriceMax, true);
    o.strike = random_.below(3) == 0
                   ? edge(kPriceMin, kPriceMax, true)
                   : std::clamp(o.spot * std::exp(between(-3, 3)), kPriceMin, kPriceMax);
    o.years = edge(1e-9, kYearsMax, true);
    const double growth = std::min(kRateMax, kGrowthMax / o.years);
    o.rate = std::clamp(rate(), -growth, growth);
    o.yield = random_.below(8) == 0 ? o.rate : std::clamp(rate(), -growth, growth);
    const double most = std::min(kVolatilityMax, kDeviationMax / std::sqrt(o.years) * (1 - 1e-15));
    o.volatility = random_.below(16) == 0 ? 0.0 : edge(1e-6, most, true);
    return o;
  }
  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(random_.below(1U << 30U)) / (1U << 30U);
  }

 private:
  double edge(double low, double high, bool by_logarithm) {
    switch (random_.below(24)) {
      case 0:
        return low;
      case 1:
        return high;
      default:
        return by_logarithm
                   ? std::clamp(std::exp(between(std::log(low), std::log(high))), low, high)
                   : between(low, high);
    }
  }
  double rate() {
    switch (random_.below(6)) {
      case 0:
        return 0.0;
      case 1:
        return edge(-kRateMax, kRateMax, false);
      default:
        return between(-0.05, 0.2);
    }
  }

  quantumcore::stress::Random random_;
};

bool finite(const Greeks& g) {
  return std::isfinite(g.price) && std::isfinite(g.delta) && std::isfinite(g.gamma) &&
         std::isfinite(g.theta) && std::isfinite(g.vega) && std::isfinite(g.rho);
}

void check_implied(const Option& o, double price) {
  for (const Search search : {Search::Rational, Search::Newton, Search::Bisection, Search::Brent}) {
    const Implied found = implied(o, price, search, {});
    if (found.outcome != Outcome::Found) continue;
    REQUIRE(found.volatility > 0.0 && found.volatility <= kVolatilityMax);
    Option again = o;
    again.volatility = found.volatility;
    // The price again, but for what its last bits and those of its parity hold.
    const double error = std::fabs(european_price(again) - price);
    REQUIRE(error <= 1e-9 * price + 1e-13 * std::max(found.upper, price));
  }
}

void check(const Option& o, bool american_too) {
  if (fault_of(o) != nullptr) return;  // rounded over an edge
  const Greeks g = european(o, 365.0);
  REQUIRE(finite(g));
  REQUIRE(g.price >= 0.0 && g.gamma >= 0.0 && g.vega >= 0.0);
  REQUIRE(g.price == european_price(o));
  if (g.price > 0.0) check_implied(o, g.price);
  check_implied(o, o.spot * 0.3);
  if (!american_too) return;
  for (const Method method :
       {Method::Exact, Method::BaroneAdesiWhaley, Method::BjerksundStensland}) {
    const AmericanPrice price = american_price(o, method);
    REQUIRE(std::isfinite(price.price));
    const double intrinsic = o.call ? o.spot - o.strike : o.strike - o.spot;
    REQUIRE(price.price >= std::max(intrinsic, 0.0) * (1.0 - 1e-13));
    REQUIRE(finite(american(o, method, 252.0).greeks));
  }
  const Implied found = american_implied(o, american_price(o, Method::Exact).price, {});
  REQUIRE(found.outcome != Outcome::Found || found.volatility > 0.0);
}

}  // namespace

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::atol(argv[1]) : 20'000;
  const auto seed = static_cast<std::uint64_t>(argc > 2 ? std::atol(argv[2]) : 1);
  // The rules of quadrature are made by whoever is first: several at once are one of them.
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([t, count, seed] {
      Options own(seed + 100 + t);
      for (long i = 0; i < count / 50; ++i) check(own.next(), i % 10 == 0);
    });
  for (std::thread& thread : threads) thread.join();
  Options options(seed);
  for (long i = 0; i < count; ++i) check(options.next(), i % 20 == 0);
  std::printf("%ld options\n", count);
  return 0;
}
