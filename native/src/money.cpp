#include "quantumcore/money.hpp"

#include "quantumcore/errors.hpp"

namespace quantumcore {

namespace {

/// limbs (high to low) / d in place; returns the remainder.
u64 divide_limbs(u64 (&limbs)[3], u64 d) {
  u64 remainder = limbs[0] % d;
  limbs[0] /= d;
  limbs[1] = divide_narrow(remainder, limbs[1], d, remainder);
  limbs[2] = divide_narrow(remainder, limbs[2], d, remainder);
  return remainder;
}

/// A product of integers over 2^twos × 5^fives, kept in lowest terms.
class Fraction {
 public:
  explicit Fraction(u32 digits) : twos_(digits), fives_(digits) {}

  /// Multiplies by v >= 1; false when the numerator passes 2^63.
  bool times(u64 v) {
    for (; twos_ > 0 && v % 2 == 0; --twos_) v /= 2;
    for (; fives_ > 0 && v % 5 == 0; --fives_) v /= 5;
    u64 product;
    if (__builtin_mul_overflow(numerator_, v, &product) || product >> 63 != 0) return false;
    numerator_ = product;
    return true;
  }
  u64 numerator() const { return numerator_; }
  /// 2^twos × 5^fives; both <= 36, so it fits.
  u128 denominator() const {
    u128 d = u128{1} << twos_;
    for (u32 i = 0; i < fives_; ++i) d *= 5;
    return d;
  }

 private:
  u64 numerator_ = 1;
  u32 twos_;
  u32 fives_;
};

}  // namespace

Quotient multiply_divide_wide(u128 a, u64 num, u64 den, u64 den2) {
  const u128 low = static_cast<u128>(static_cast<u64>(a)) * num;
  const u128 high =
      static_cast<u128>(static_cast<u64>(a >> 64)) * num + static_cast<u64>(low >> 64);
  u64 limbs[3] = {static_cast<u64>(high >> 64), static_cast<u64>(high), static_cast<u64>(low)};
  const u64 first = divide_limbs(limbs, den);
  const u64 second = divide_limbs(limbs, den2);
  if (limbs[0] != 0 || limbs[1] >> 62 != 0) return {kHuge, true};
  return {(static_cast<u128>(limbs[1]) << 64) | limbs[2], first == 0 && second == 0};
}

Quotient multiply_divide_whole(u128 a, u128 num, u128 den) {
  const u128 low_low = static_cast<u128>(static_cast<u64>(a)) * static_cast<u64>(num);
  const u128 low_high = static_cast<u128>(static_cast<u64>(a)) * static_cast<u64>(num >> 64);
  const u128 high_low = static_cast<u128>(static_cast<u64>(a >> 64)) * static_cast<u64>(num);
  const u128 middle = (low_low >> 64) + static_cast<u64>(low_high) + static_cast<u64>(high_low);
  const u128 low = (middle << 64) | static_cast<u64>(low_low);
  u128 rest = static_cast<u128>(static_cast<u64>(a >> 64)) * static_cast<u64>(num >> 64) +
              (low_high >> 64) + (high_low >> 64) + (middle >> 64);
  if (rest >= den || den >= kHuge) return {kHuge, true};
  if (rest == 0)
    return low / den < kHuge ? Quotient{low / den, low % den == 0} : Quotient{kHuge, true};
  u128 quotient = 0;
  for (int bit = 127; bit >= 0; --bit) {
    rest = (rest << 1) | (low >> bit & 1);
    quotient <<= 1;
    if (rest < den) continue;
    rest -= den;
    quotient |= 1;
  }
  return quotient < kHuge ? Quotient{quotient, rest == 0} : Quotient{kHuge, true};
}

i128 round_divide(i128 numerator, i128 denominator, Rounding mode) {
  QC_ASSERT(denominator > 0);
  i128 floor = numerator / denominator;
  if (numerator % denominator < 0) --floor;
  const i128 rest = numerator - floor * denominator;
  if (rest == 0 || mode == Rounding::floor) return floor;
  if (mode == Rounding::ceil) return floor + 1;
  const i128 other = denominator - rest;  // compared without doubling, which could overflow
  if (rest != other) return rest > other ? floor + 1 : floor;
  switch (mode) {
    case Rounding::half_up:
      return numerator >= 0 ? floor + 1 : floor;
    case Rounding::half_down:
      return numerator >= 0 ? floor : floor + 1;
    default:
      return floor % 2 == 0 ? floor : floor + 1;
  }
}

bool make_unit(i64 tick, i64 lot, i64 multiplier, u32 fraction_digits, u32 quote_scale,
               Unit& unit) {
  Fraction fraction(fraction_digits);
  if (!fraction.times(static_cast<u64>(tick)) || !fraction.times(static_cast<u64>(lot)) ||
      !fraction.times(static_cast<u64>(multiplier)) || !fraction.times(kPowersOf10[quote_scale])) {
    return false;
  }
  if (fraction.denominator() > kPowersOf10[18]) return false;
  unit = Unit{fraction.numerator(), static_cast<u64>(fraction.denominator())};
  return true;
}

bool make_asset_per_lot(i64 lot, u32 lot_scale, u32 base_scale, i64& asset) {
  Fraction fraction(lot_scale);
  if (!fraction.times(static_cast<u64>(lot)) || !fraction.times(kPowersOf10[base_scale])) {
    return false;
  }
  if (fraction.denominator() != 1 || fraction.numerator() >> 62 != 0) return false;
  asset = static_cast<i64>(fraction.numerator());
  return true;
}

}  // namespace quantumcore
