#pragma once

#include "quantumcore/integers.hpp"

/// Exact products and quotients. Nothing wraps: what cannot be represented saturates at kHuge,
/// which every caller compares with a far smaller bound.
namespace quantumcore {

/// Saturation value of the wide results: 2^126, above every amount that the engine accepts.
inline constexpr u128 kHuge = u128{1} << 126;

/// 10^0 .. 10^18.
inline constexpr u64 kPowersOf10[19] = {1ULL,
                                        10ULL,
                                        100ULL,
                                        1'000ULL,
                                        10'000ULL,
                                        100'000ULL,
                                        1'000'000ULL,
                                        10'000'000ULL,
                                        100'000'000ULL,
                                        1'000'000'000ULL,
                                        10'000'000'000ULL,
                                        100'000'000'000ULL,
                                        1'000'000'000'000ULL,
                                        10'000'000'000'000ULL,
                                        100'000'000'000'000ULL,
                                        1'000'000'000'000'000ULL,
                                        10'000'000'000'000'000ULL,
                                        100'000'000'000'000'000ULL,
                                        1'000'000'000'000'000'000ULL};

inline constexpr i128 magnitude(i128 v) { return v < 0 ? -v : v; }
inline constexpr bool fits_i64(i128 v) { return magnitude(v) <= kMaxI64; }
inline constexpr bool fits_u64(u128 v) { return static_cast<u64>(v >> 64) == 0; }

/// A quotient and whether something was left over.
struct Quotient {
  u128 floor;
  bool exact;

  u128 ceil() const { return floor + (exact ? 0 : 1); }
};

/// (high:low) / d for high < d, with the hardware's 128 by 64 bit division: the library's generic
/// one costs several times as much.
inline u64 divide_narrow(u64 high, u64 low, u64 d, u64& remainder) {
#if defined(__x86_64__)
  u64 quotient;
  asm("divq %4" : "=a"(quotient), "=d"(remainder) : "0"(low), "1"(high), "r"(d) : "cc");
  return quotient;
#else
  const u128 n = (static_cast<u128>(high) << 64) | low;
  remainder = static_cast<u64>(n % d);
  return static_cast<u64>(n / d);
#endif
}

/// n / d, exact. d > 0.
inline Quotient divide(u128 n, u64 d) {
  if (fits_u64(n)) {
    const u64 v = static_cast<u64>(n);
    return {v / d, v % d == 0};
  }
  u64 high = static_cast<u64>(n >> 64);
  const u64 top = high / d;
  high %= d;
  u64 remainder = 0;
  const u64 bottom = divide_narrow(high, static_cast<u64>(n), d, remainder);
  return {(static_cast<u128>(top) << 64) | bottom, remainder == 0};
}

/// a × num / (den × den2) through a 192-bit product; den, den2 > 0. Saturates at kHuge.
/// Dividing twice is exact: floor(floor(x / p) / q) = floor(x / (p × q)).
Quotient multiply_divide_wide(u128 a, u64 num, u64 den, u64 den2);

/// a × num / den. One multiplication and at most one division while the product fits 128 bits.
inline Quotient multiply_divide(u128 a, u64 num, u64 den) {
  if (fits_u64(a)) [[likely]] {
    const u128 product = static_cast<u128>(static_cast<u64>(a)) * num;
    if (den == 1) {
      return product < kHuge ? Quotient{product, true} : Quotient{kHuge, true};
    }
    const Quotient q = divide(product, den);
    return q.floor < kHuge ? q : Quotient{kHuge, true};
  }
  return multiply_divide_wide(a, num, den, 1);
}

/// a × num / den through a 256-bit product; den > 0. Saturates at kHuge. Cost: where the product
/// passes 128 bits, a division bit by bit.
Quotient multiply_divide_whole(u128 a, u128 num, u128 den);

}  // namespace quantumcore
