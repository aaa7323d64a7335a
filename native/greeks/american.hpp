// American options: early exercise.
#pragma once

#include "black.hpp"
#include "implied.hpp"

namespace quantumcore::greeks {

/// What is asked for.
enum class Method { Exact = 0, Fine = 1, BaroneAdesiWhaley = 2, BjerksundStensland = 3 };

/// What has answered.
enum class Engine {
  Exact = 0,
  Fine = 1,
  BaroneAdesiWhaley = 2,
  BjerksundStensland = 3,
  European = 4,   // early exercise never pays
  Lattice = 5,    // q < r < 0: there are two boundaries
  Intrinsic = 6,  // it is exercised now: delta is 1 or -1, all else 0
  Certain = 7,    // no volatility or no time: the best of all times to exercise
};

struct American {
  Greeks greeks;
  Engine engine;
};

struct AmericanPrice {
  double price;
  Engine engine;
};

AmericanPrice american_price(const Option& option, Method method);

/// Price and greeks. Exact and Fine: delta and gamma from the integral, theta from the pricing
/// equation, vega and rho by differences of the fourth order. The approximations: by differences.
American american(const Option& option, Method method, double days);

/// The volatility with american_price(option, Exact) = price: a bracketed search that starts at the
/// European answer. `bound` is as of `Implied`.
Implied american_implied(const Option& option, double price, const Limits& limits);

/// Price, delta and gamma of Leisen and Reimer's tree with early exercise; `steps` is odd.
struct Lattice {
  double price, delta, gamma;
};
Lattice lattice(const Option& option, int steps);

/// G. Barone-Adesi and R. Whaley 1987, of a put whose early exercise can pay.
double barone_adesi_whaley_put(const Option& put);

/// P. Bjerksund and G. Stensland 1993, of a put whose early exercise can pay.
double bjerksund_stensland_put(const Option& put);

/// What is certain without volatility: the most that exercise at one time within the years is
/// worth, and when that is.
struct Certain {
  double price, years;
};
Certain certain(const Option& option);

}  // namespace quantumcore::greeks
