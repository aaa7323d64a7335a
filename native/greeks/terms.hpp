// What the kernel takes; everything else is refused by name before it computes.
#pragma once

#include <cmath>
#include <cstddef>

#include "black.hpp"

namespace quantumcore::greeks {

inline constexpr double kPriceMin = 1e-15;
inline constexpr double kPriceMax = 1e15;
inline constexpr double kYearsMax = 100.0;
/// 200 % a year, continuous: whoever writes 5 for 5 % is told.
inline constexpr double kRateMax = 2.0;
/// 1,000 %: whoever writes 20 for 20 % is told.
inline constexpr double kVolatilityMax = 10.0;
/// Beyond these no market is, and powers leave the floats: s sqrt(T), and |r| T and |q| T.
inline constexpr double kDeviationMax = 15.0;
inline constexpr double kGrowthMax = 50.0;
/// Of one call.
inline constexpr std::size_t kBatchMax = std::size_t{1} << 20U;

/// The highest volatility over so many years.
inline double volatility_max(double years) {
  return std::fmin(kVolatilityMax, kDeviationMax / std::sqrt(years));
}

/// The first field that is not finite or outside its bounds, by its Python name; null when all are
/// well. A comparison with NaN is false, so that each asks for what must hold.
inline const char* fault_of(const Option& o) {
  if (!(o.spot >= kPriceMin && o.spot <= kPriceMax)) return "spot";
  if (!(o.strike >= kPriceMin && o.strike <= kPriceMax)) return "strike";
  if (!(o.years >= 0.0 && o.years <= kYearsMax)) return "years";
  const auto rate = [&](double r) {
    return std::fabs(r) <= kRateMax && std::fabs(r) * o.years <= kGrowthMax;
  };
  if (!rate(o.rate)) return "rate";
  if (!rate(o.yield)) return "dividend_yield";
  if (!(o.volatility >= 0.0 && o.volatility <= kVolatilityMax)) return "volatility";
  if (!(o.volatility * o.volatility * o.years <= kDeviationMax * kDeviationMax))
    return "volatility";
  return nullptr;
}

}  // namespace quantumcore::greeks
