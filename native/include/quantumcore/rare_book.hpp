#pragma once

#include "quantumcore/layout.hpp"

namespace quantumcore {

/// Prices in the order in which they were seen, as far as a look at triggers needs them; ticks.
struct Seen {
  i64 first;
  i64 last;
  i64 low;
  i64 high;

  static Seen at(i64 price) { return {price, price, price, price}; }
  void add(i64 price) {
    last = price;
    if (price < low) low = price;
    if (price > high) high = price;
  }
};

inline constexpr u32 kTriggerSources = 3;

/// The orders of one side that wait for one source of prices: heaps, named by the row of their
/// least order; kNone: nobody.
struct Waiting {
  u32 stops = kNone;     // by stop; fire when the price moves against them
  u32 touched = kNone;   // by stop; fire when it comes to them
  u32 trailing = kNone;  // by stop, like stops
  u32 extremes = kNone;  // the trailing ones again, by the price beyond which they move

  bool nobody() const { return (stops & touched & trailing) == kNone; }
};

/// What an instrument has beyond a plain book. `Instrument::rare` says which parts of it are in
/// use, one bit each; with none of them nobody looks here.
struct RareBook {
  bool touched = false;  // in State::touched

  Waiting waiting[kTriggerSources][2];  // by source, then sell
  u32 waiting_count = 0;                // those that have not fired
  u32 fired_first = kNone;              // a queue: first fired, first served
  u32 fired_last = kNone;
  bool printed = false;  // `prints` says something
  Seen prints{};         // trades since the last look, while somebody waits
  i64 mark = 0;          // ticks; 0: none

  u32 day_first = kNone;  // orders that end with the day

  TradingRules rules{};
  u32 links = 0;
  u32 reducing = 0;  // reduce-only orders
};
static_assert(std::is_trivially_copyable_v<RareBook>);

inline constexpr u32 kRareTriggers = 1;        // somebody waits for a price, fired or not
inline constexpr u32 kRareLinked = 1U << 8;    // orders are tied to each other
inline constexpr u32 kRareReducing = 1U << 9;  // reduce-only orders work
inline constexpr u32 kRareShared = 1U << 10;   // levels are shared out, not taken by time

}  // namespace quantumcore
