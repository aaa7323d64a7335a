#pragma once

#include "quantumcore/layout.hpp"

namespace quantumcore {

/// Bits of Instrument::rare.
inline constexpr u32 kRarePhase = 1;  // not in continuous trading
inline constexpr u32 kRareBands = 2;  // it has trading rules

/// The first trade of a stretch of the velocity's window.
struct Print {
  i64 time_ns;
  i64 price;
};
inline constexpr u32 kPrintStretches = 60;
inline constexpr u32 kPrints = 64;  // a window touches at most two stretches more than it has

/// What a call would do, as last told.
struct Indicative {
  i64 price;
  i64 quantity;
  i64 imbalance;

  bool operator==(const Indicative&) const = default;
};

/// What an instrument has beyond a plain book. `Instrument::rare` says which parts of it are in
/// use, one bit each; with none of them nobody looks here, but for the lists of auction orders and
/// the static reference.
struct RareBook {
  TradingRules rules;
  i64 reference;      // ticks; 0: none
  i64 closing_price;  // of the closing cross at hand, ticks; 0: none
  Indicative indicative;
  i64 limit_edge;    // of the limit state, ticks
  i64 limit_until;   // UTC ns
  i64 call_until;    // when the volatility call at hand ends by itself, UTC ns
  u64 traded_at;     // the command that traded last, if there are rules
  i64 price_before;  // the last trade before that command, ticks; 0: none
  u32 first_call;  // working orders of auctions, and market orders that a call took; by submission
  u32 last_call;
  u32 first_cross[2];  // those that wait in the closing cross: buys, sells; by their coming
  u32 last_cross[2];
  u32 due_place_plus_1;  // in State::due; 0: nothing ends by time
  u8 limit_side;         // kBuy: at the upper edge, kSell: at the lower; 0: no limit state
  bool ends_by_time;     // the volatility call at hand
  bool touched;          // in State::touched
  u32 first_print;       // of a ring
  u32 print_count;
  Print prints[kPrints];
};

}  // namespace quantumcore
