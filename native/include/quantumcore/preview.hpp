#pragma once

#include <utility>
#include <vector>

#include "quantumcore/refusal.hpp"

/// What an order would do if it came now (docs/reference/engine.md section 16).
namespace quantumcore {

/// A walk looks at so many resting orders, and tells so many prices.
inline constexpr u32 kPreviewOffers = 10'000;
inline constexpr u32 kPreviewLevels = 100;

/// How an accepted order would go by its own act.
struct Course {
  std::vector<std::pair<i64, i64>> trades;  // (ticks, lots) by price, as they would be made
  i64 left = 0;                             // lots that would then rest or wait
  u16 cancelled = 0;                        // CancelReason of the others; 0: there are none
  bool complete = true;                     // false: the walk ended at its limits
  i64 amount = 0;  // minor units of the quote that a buyer would pay, a seller receive
  i64 fee = 0;     // minor units of the quote
};

/// Either a refusal, or the first use of its client id, or what it would be and do.
struct Preview {
  Refusal why;  // reason none: it is not refused
  u64 first_sequence = 0;
  u32 first_slot = 0;
  i64 price = 0;     // ticks
  i64 quantity = 0;  // lots
  i64 hold = 0;      // minor units of hold_currency
  u16 hold_currency = 0;
  bool waits = false;  // it would be in no book at first
  Course course;
};

}  // namespace quantumcore
