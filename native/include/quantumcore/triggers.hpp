#pragma once

#include "quantumcore/events.hpp"
#include "quantumcore/refusal.hpp"
#include "quantumcore/state.hpp"

/// Orders that wait for a price (docs/reference/orders.md section 3).
namespace quantumcore {

inline bool is_trailing(u8 type) { return type == kTrailingStop || type == kTrailingStopLimit; }
inline bool is_touched(u8 type) { return type == kMarketIfTouched || type == kLimitIfTouched; }
/// Whether orders of a type wait for a price.
inline bool is_triggered(u8 type) {
  return type == kStop || type == kStopLimit || is_trailing(type) || is_touched(type);
}
/// Whether the price that orders of a type enter with follows from their stop.
inline bool is_priced_by_stop(u8 type) {
  return type == kStop || type == kMarketIfTouched || is_trailing(type);
}

/// What a trigger watches, ticks; 0: there is none.
i64 watched(const State& state, const Instrument& instrument, bool sell, u8 trigger);
/// The stop that a trailing one has behind `extreme`, ticks.
i64 trailed_stop(const Instrument& instrument, bool sell, const OrderTerms& terms, i64 extreme);
/// The limit that a type without one enters with, ticks.
i64 price_by_stop(const Instrument& instrument, u8 type, bool sell, const OrderTerms& terms);

/// Lets the accepted order of a row wait. Cost: O(log n).
void wait_for_price(State& state, u32 row);
/// The row's order waits no more, fired or not. Cost: O(log n); O(fired) for one that has fired.
void leave_wait(State& state, u32 row);
/// Moves the stop of a waiting order, and `price`, where it enters. Cost: O(log n).
void move_stop(State& state, u32 row, i64 stop);
/// Appends an order whose trigger fired to the queue, when a snapshot is read.
void queue_fired(State& state, u32 row);

/// A trade at `price`.
inline void note_print(RareBook& rare, i64 price) {
  if (rare.waiting_count == 0) return;
  if (rare.printed) {
    rare.prints.add(price);
  } else {
    rare.prints = Seen::at(price);
    rare.printed = true;
  }
}

/// Looks at the triggers of an instrument and makes the first in the queue active; returns whether
/// there was one. Cost: O(log n) for each order that moves or fires.
bool trigger_one(State& state, Instrument& instrument, Teller& teller);

}  // namespace quantumcore
