#pragma once

#include "quantumcore/integers.hpp"

namespace quantumcore {

/// Whether `a + b` lots stay within a signed 64-bit total; a, b >= 0.
inline bool lots_fit(i64 a, i64 b) { return a <= kMaxI64 - b; }

/// ticks × lots, exact in 126 bits; both >= 0.
inline u128 ticks_times_lots(i64 ticks, i64 lots) {
  return static_cast<u128>(static_cast<u64>(ticks)) * static_cast<u64>(lots);
}

}  // namespace quantumcore
