// Options for Python: scalars in, tuples out; arrays in, arrays out. A field outside its bounds is
// a ValueError whose text is the field's name, in a batch followed by its row.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/tuple.h>

#include <array>
#include <cstdint>
#include <string>
#include <tuple>

#include "../american.hpp"
#include "../black.hpp"
#include "../implied.hpp"
#include "../normal.hpp"
#include "../root.hpp"
#include "../terms.hpp"

namespace nb = nanobind;

namespace {

using namespace quantumcore::greeks;

using Numbers = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Flags = nb::ndarray<const bool, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Table = nb::ndarray<nb::numpy, double, nb::ndim<2>>;
using Column = nb::ndarray<nb::numpy, double, nb::ndim<1>>;
using Codes = nb::ndarray<nb::numpy, std::uint8_t, nb::ndim<1>>;
using Six = std::tuple<double, double, double, double, double, double>;

constexpr std::size_t kColumns = 6;

void refuse(const char* field) {
  if (field != nullptr) throw nb::value_error(field);
}

void refuse_row(const char* field, std::size_t row) {
  if (field != nullptr) throw nb::value_error((field + (" " + std::to_string(row))).c_str());
}

void check_days(double days) { refuse(days == 365.0 || days == 252.0 ? nullptr : "days_per_year"); }

/// The number of a method or of a search, in [0, last].
template <class E>
E choice(int number, E last, const char* field) {
  refuse(number >= 0 && number <= static_cast<int>(last) ? nullptr : field);
  return static_cast<E>(number);
}

Method method_of(int number) { return choice(number, Method::BjerksundStensland, "method"); }
Search search_of(int number) { return choice(number, Search::Brent, "method"); }

Limits limits_of(int iterations, double tolerance) {
  refuse(iterations >= 1 && iterations <= 1'000 ? nullptr : "iterations");
  refuse(tolerance >= 1e-15 && tolerance <= 1.0 ? nullptr : "tolerance");
  return {iterations, tolerance};
}

Six six(const Greeks& g) { return {g.price, g.delta, g.gamma, g.theta, g.vega, g.rho}; }

/// An option that has time; fault_of lets none pass, for the kernel knows what it is worth then.
const char* fault_of_living(const Option& option) {
  const char* field = fault_of(option);
  return field == nullptr && !(option.years > 0.0) ? "years" : field;
}

/// With less time than `min_years` an option is worth its intrinsic.
Greeks european_greeks(const Option& option, double days, double min_years) {
  return option.years < min_years ? intrinsic_greeks(option) : european(option, days);
}

American american_greeks(const Option& option, Method method, double days, double min_years) {
  return option.years < min_years ? American{intrinsic_greeks(option), Engine::Intrinsic}
                                  : american(option, method, days);
}

Six european_one(bool call, double spot, double strike, double years, double rate, double yield,
                 double volatility, double days, double min_years) {
  const Option option{call, spot, strike, years, rate, yield, volatility};
  refuse(fault_of_living(option));
  check_days(days);
  return six(european_greeks(option, days, min_years));
}

std::tuple<Six, int> american_one(bool call, double spot, double strike, double years, double rate,
                                  double yield, double volatility, double days, double min_years,
                                  int method) {
  const Option option{call, spot, strike, years, rate, yield, volatility};
  refuse(fault_of_living(option));
  check_days(days);
  const American found = american_greeks(option, method_of(method), days, min_years);
  return {six(found.greeks), static_cast<int>(found.engine)};
}

std::tuple<double, int> american_price_one(bool call, double spot, double strike, double years,
                                           double rate, double yield, double volatility,
                                           int method) {
  const Option option{call, spot, strike, years, rate, yield, volatility};
  refuse(fault_of_living(option));
  const AmericanPrice found = american_price(option, method_of(method));
  return {found.price, static_cast<int>(found.engine)};
}

/// Outcome, volatility, iterations, bound, lower, upper.
using Answer = std::tuple<int, double, int, double, double, double>;

Answer answer(const Implied& i) {
  return {static_cast<int>(i.outcome), i.volatility, i.iterations, i.bound, i.lower, i.upper};
}

const char* fault_of_priced(const Option& option, double price) {
  const char* field = fault_of_living(option);
  return field == nullptr && !(std::fabs(price) <= kPriceMax) ? "option_price" : field;
}

Answer implied_one(bool call, double spot, double strike, double years, double rate, double yield,
                   double price, int method, int iterations, double tolerance) {
  const Option option{call, spot, strike, years, rate, yield, 0.0};
  refuse(fault_of_priced(option, price));
  return answer(implied(option, price, search_of(method), limits_of(iterations, tolerance)));
}

Answer american_implied_one(bool call, double spot, double strike, double years, double rate,
                            double yield, double price, int iterations, double tolerance) {
  const Option option{call, spot, strike, years, rate, yield, 0.0};
  refuse(fault_of_priced(option, price));
  const Limits limits = limits_of(iterations, tolerance);
  const nb::gil_scoped_release unlocked;
  return answer(american_implied(option, price, limits));
}

/// Seven columns of one length; the last is the volatility, or a price.
class Rows {
 public:
  Rows(const Flags& call, const std::array<const Numbers*, kColumns>& numbers)
      : size_(call.size()), call_(call.data()) {
    refuse(size_ <= kBatchMax ? nullptr : "rows");
    for (std::size_t i = 0; i < kColumns; ++i) {
      refuse(numbers[i]->size() == size_ ? nullptr : "rows");
      columns_[i] = numbers[i]->data();
    }
  }

  std::size_t size() const { return size_; }
  double last(std::size_t i) const { return columns_[5][i]; }
  Option option(std::size_t i, bool with_volatility) const {
    return {call_[i],
            columns_[0][i],
            columns_[1][i],
            columns_[2][i],
            columns_[3][i],
            columns_[4][i],
            with_volatility ? last(i) : 0.0};
  }
  void check() const {
    for (std::size_t i = 0; i < size_; ++i) refuse_row(fault_of_living(option(i, true)), i);
  }
  void check_priced() const {
    for (std::size_t i = 0; i < size_; ++i)
      refuse_row(fault_of_priced(option(i, false), last(i)), i);
  }

 private:
  std::size_t size_;
  const bool* call_;
  std::array<const double*, kColumns> columns_{};
};

/// Memory that an array of Python's will own.
template <class T>
struct Owned {
  T* data;
  nb::capsule owner;
  explicit Owned(std::size_t size)
      : data(new T[size]), owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); }) {}
};

void put(double* table, std::size_t rows, std::size_t row, const Greeks& g) {
  const std::array<double, kColumns> values{g.price, g.delta, g.gamma, g.theta, g.vega, g.rho};
  for (std::size_t c = 0; c < kColumns; ++c) table[c * rows + row] = values[c];
}

Table european_rows(const Flags& call, const Numbers& spot, const Numbers& strike,
                    const Numbers& years, const Numbers& rate, const Numbers& yield,
                    const Numbers& volatility, double days, double min_years) {
  const Rows rows(call, {&spot, &strike, &years, &rate, &yield, &volatility});
  check_days(days);
  const Owned<double> out(kColumns * rows.size());
  {
    const nb::gil_scoped_release unlocked;
    rows.check();
    for (std::size_t i = 0; i < rows.size(); ++i)
      put(out.data, rows.size(), i, european_greeks(rows.option(i, true), days, min_years));
  }
  return Table(out.data, {kColumns, rows.size()}, out.owner);
}

std::tuple<Table, Codes> american_rows(const Flags& call, const Numbers& spot,
                                       const Numbers& strike, const Numbers& years,
                                       const Numbers& rate, const Numbers& yield,
                                       const Numbers& volatility, double days, double min_years,
                                       int method) {
  const Rows rows(call, {&spot, &strike, &years, &rate, &yield, &volatility});
  check_days(days);
  const Method chosen = method_of(method);
  const Owned<double> out(kColumns * rows.size());
  const Owned<std::uint8_t> engines(rows.size());
  {
    const nb::gil_scoped_release unlocked;
    rows.check();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const American found = american_greeks(rows.option(i, true), chosen, days, min_years);
      put(out.data, rows.size(), i, found.greeks);
      engines.data[i] = static_cast<std::uint8_t>(found.engine);
    }
  }
  return {Table(out.data, {kColumns, rows.size()}, out.owner),
          Codes(engines.data, {rows.size()}, engines.owner)};
}

std::tuple<Column, Codes, Column> implied_rows(const Flags& call, const Numbers& spot,
                                               const Numbers& strike, const Numbers& years,
                                               const Numbers& rate, const Numbers& yield,
                                               const Numbers& price, int method, int iterations,
                                               double tolerance) {
  const Rows rows(call, {&spot, &strike, &years, &rate, &yield, &price});
  const Search search = search_of(method);
  const Limits limits = limits_of(iterations, tolerance);
  const Owned<double> volatility(rows.size()), bound(rows.size());
  const Owned<std::uint8_t> outcomes(rows.size());
  {
    const nb::gil_scoped_release unlocked;
    rows.check_priced();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Implied found = implied(rows.option(i, false), rows.last(i), search, limits);
      // No number stands where there is none.
      volatility.data[i] = found.outcome == Outcome::Found ? found.volatility : kNoRoot;
      bound.data[i] = found.bound;
      outcomes.data[i] = static_cast<std::uint8_t>(found.outcome);
    }
  }
  return {Column(volatility.data, {rows.size()}, volatility.owner),
          Codes(outcomes.data, {rows.size()}, outcomes.owner),
          Column(bound.data, {rows.size()}, bound.owner)};
}

}  // namespace

NB_MODULE(_greeks, m) {
  m.doc() = "Options: prices, greeks, implied volatilities. See docs/reference/options.md.";
  nb::set_leak_warnings(false);
  using nb::arg;
  m.def("european", &european_one, arg("call"), arg("spot"), arg("strike"), arg("years"),
        arg("rate"), arg("dividend_yield"), arg("volatility"), arg("days_per_year"),
        arg("min_years"));
  m.def("american", &american_one, arg("call"), arg("spot"), arg("strike"), arg("years"),
        arg("rate"), arg("dividend_yield"), arg("volatility"), arg("days_per_year"),
        arg("min_years"), arg("method"));
  m.def("american_price", &american_price_one, arg("call"), arg("spot"), arg("strike"),
        arg("years"), arg("rate"), arg("dividend_yield"), arg("volatility"), arg("method"));
  m.def("implied", &implied_one, arg("call"), arg("spot"), arg("strike"), arg("years"), arg("rate"),
        arg("dividend_yield"), arg("option_price"), arg("method"), arg("iterations"),
        arg("tolerance"));
  m.def("american_implied", &american_implied_one, arg("call"), arg("spot"), arg("strike"),
        arg("years"), arg("rate"), arg("dividend_yield"), arg("option_price"), arg("iterations"),
        arg("tolerance"));
  m.def("european_rows", &european_rows, arg("call").noconvert(), arg("spot").noconvert(),
        arg("strike").noconvert(), arg("years").noconvert(), arg("rate").noconvert(),
        arg("dividend_yield").noconvert(), arg("volatility").noconvert(), arg("days_per_year"),
        arg("min_years"));
  m.def("american_rows", &american_rows, arg("call").noconvert(), arg("spot").noconvert(),
        arg("strike").noconvert(), arg("years").noconvert(), arg("rate").noconvert(),
        arg("dividend_yield").noconvert(), arg("volatility").noconvert(), arg("days_per_year"),
        arg("min_years"), arg("method"));
  m.def("implied_rows", &implied_rows, arg("call").noconvert(), arg("spot").noconvert(),
        arg("strike").noconvert(), arg("years").noconvert(), arg("rate").noconvert(),
        arg("dividend_yield").noconvert(), arg("option_price").noconvert(), arg("method"),
        arg("iterations"), arg("tolerance"));
  m.def(
      "mills",
      [](double a) {
        refuse(a >= 0.0 && a <= kPriceMax ? nullptr : "a");
        return mills(a);
      },
      arg("a"));
}
