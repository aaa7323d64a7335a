#pragma once

#include "quantumcore/wide.hpp"

namespace quantumcore {

/// Rounding by name (money.md 1.2): floor to -infinity, ceil to +infinity; on a tie half_up goes
/// away from zero, half_down toward zero, half_even to the even digit.
enum class Rounding : u8 { floor = 0, ceil = 1, half_up = 2, half_down = 3, half_even = 4 };

/// numerator / denominator, rounded; denominator > 0 and |numerator| < 2^126.
i128 round_divide(i128 numerator, i128 denominator, Rounding mode);

/// Quote minor units of one tick times one lot, as a fraction in lowest terms.
struct Unit {
  u64 num;
  u64 den;
};

/// Rates are integers of 10^-8.
inline constexpr u64 kRateScale = 100'000'000;

/// n × unit for a sum n of ticks × lots.
inline Quotient units(u128 n, const Unit& unit) { return multiply_divide(n, unit.num, unit.den); }

/// f × unit / 10^8 for a sum f of rate × ticks × lots.
inline Quotient rated_units(u128 f, const Unit& unit) {
  if (fits_u64(f) && unit.den == 1) [[likely]] {
    const u128 product = static_cast<u128>(static_cast<u64>(f)) * unit.num;
    if (fits_u64(product)) {
      const u64 p = static_cast<u64>(product);
      return {p / kRateScale, p % kRateScale == 0};
    }
  }
  return multiply_divide_wide(f, unit.num, unit.den, kRateScale);
}

/// tick × lot × multiplier × 10^quote_scale / 10^(tick_scale + lot_scale) in lowest terms. Returns
/// false when a part does not fit: both < 2^63, den <= 10^18.
bool make_unit(i64 tick, i64 lot, i64 multiplier, u32 fraction_digits, u32 quote_scale, Unit& unit);

/// lot × 10^base_scale / 10^lot_scale. Returns false unless it is whole, >= 1 and < 2^62.
bool make_asset_per_lot(i64 lot, u32 lot_scale, u32 base_scale, i64& asset);

}  // namespace quantumcore
