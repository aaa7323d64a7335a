#pragma once

#include "quantumcore/wide.hpp"

namespace quantumcore {

/// A decimal as a client sent it: mantissa × 10^-scale, scale 0..18.
struct Decimal {
  i64 mantissa;
  u8 scale;
};

/// The grid of an instrument's prices or quantities: multiples of step × 10^-scale.
struct Grid {
  i64 step;
  u8 scale;
};

/// A decimal measured on a grid. `value` and `step` share `decimals` places; `count` is how many
/// steps `value` is, when `on_grid`.
struct Measured {
  i128 count;
  i128 value;
  i128 step;
  u8 decimals;
  bool on_grid;
};

/// The places in which numbers about `d` on `grid` are told: the grid's, unless `d` needs more.
inline u8 decimals_of(const Decimal& d, const Grid& grid) {
  return d.scale > grid.scale ? d.scale : grid.scale;
}

/// Trailing zeros beyond the grid's places say nothing and would let numbers outgrow 128 bits.
inline Decimal trimmed(Decimal d, const Grid& grid) {
  while (d.scale > grid.scale && d.mantissa % 10 == 0) {
    d.mantissa /= 10;
    --d.scale;
  }
  return d;
}

/// Exact at any scale: |mantissa| × 10^18 < 2^123.
inline Measured measure_wide(Decimal d, const Grid& grid) {
  d = trimmed(d, grid);
  const u8 places = decimals_of(d, grid);
  const i128 value = static_cast<i128>(d.mantissa) * kPowersOf10[places - d.scale];
  const i128 step = static_cast<i128>(grid.step) * kPowersOf10[places - grid.scale];
  return {value / step, value, step, places, value % step == 0};
}

/// The common case without 128-bit division: a positive decimal that needs no more places than the
/// grid has and stays within 64 bits. Returns false when the wide way must decide.
inline bool measure_fast(const Decimal& d, const Grid& grid, i64& count) {
  if (d.scale > grid.scale || d.mantissa <= 0) return false;
  i64 value;
  if (__builtin_mul_overflow(d.mantissa, static_cast<i64>(kPowersOf10[grid.scale - d.scale]),
                             &value)) {
    return false;
  }
  if (grid.step == 1) {
    count = value;
    return true;
  }
  count = value / grid.step;
  return count * grid.step == value;
}

}  // namespace quantumcore
