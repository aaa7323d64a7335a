#pragma once

#include "quantumcore/ladder.hpp"

namespace quantumcore {

// Bits of Instrument::rare.
inline constexpr u32 kRarePhase = 1;     // not in continuous trading
inline constexpr u32 kRareBands = 2;     // it has trading rules
inline constexpr u32 kRareDark = 4;      // orders rest in the dark
inline constexpr u32 kRareIcebergs = 8;  // shown orders have reserves
inline constexpr u32 kRarePegs = 16;     // pegs work, in the book or waiting

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

/// What the pegs of an instrument follow, ticks; 0: none.
struct PegView {
  i64 bid;  // best of orders that are no pegs
  i64 ask;
  i64 best_bid;  // best of all
  i64 best_ask;
  i64 min_price;
  i64 max_price;

  bool operator==(const PegView&) const = default;
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
  bool pegs_at_home;     // each peg is where `pegs_saw` sends it; not told by a snapshot
  u32 first_print;       // of a ring
  u32 print_count;
  Print prints[kPrints];
  Ladder dark[2];  // bids, asks
  u32 dark_orders;
  u32 icebergs;
  u32 first_peg;  // slots, in order of submission
  u32 last_peg;
  PegView pegs_saw;
};

/// Nothing rare. The ladders of instrument `slot` stand behind those of all books.
inline RareBook make_rare_book(u32 slot, u32 max_instruments) {
  RareBook rare{};
  const u32 first = (max_instruments + slot) * 2;
  rare.dark[0] = Ladder(first);
  rare.dark[1] = Ladder(first + 1);
  rare.first_call = rare.last_call = kNone;
  rare.first_peg = rare.last_peg = kNone;
  for (const u32 side : {0U, 1U}) rare.first_cross[side] = rare.last_cross[side] = kNone;
  return rare;
}

}  // namespace quantumcore
