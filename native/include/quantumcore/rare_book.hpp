#pragma once

#include "quantumcore/ladder.hpp"
#include "quantumcore/layout_guard_commands.hpp"
#include "quantumcore/layout_limits.hpp"

namespace quantumcore {

// Bits of Instrument::rare.
inline constexpr u32 kRarePhase = 1;           // not in continuous trading
inline constexpr u32 kRareBands = 1U << 1;     // it has trading rules of prices
inline constexpr u32 kRareDark = 1U << 2;      // orders rest in the dark
inline constexpr u32 kRareIcebergs = 1U << 3;  // shown orders have reserves
inline constexpr u32 kRarePegs = 1U << 4;      // pegs work, in the book or waiting
inline constexpr u32 kRareTriggers = 1U << 5;  // somebody waits for a price, fired or not
inline constexpr u32 kRareLinked = 1U << 6;    // orders are tied to each other
inline constexpr u32 kRareReducing = 1U << 7;  // reduce-only orders work
inline constexpr u32 kRareShared = 1U << 8;    // levels are shared out, not taken by time
inline constexpr u32 kRareGuarded = 1U << 10;  // a switch, a list or the rules of short sales

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
/// use, one bit each; with none of them nobody looks here, but for the lists of auction orders, of
/// orders that end with the day, and the static reference.
struct RareBook {
  i128 adjusted = 0;  // lots that actions have added to all positions together
  TradingRules rules{};
  i64 reference = 0;      // ticks; 0: none
  i64 closing_price = 0;  // of the closing cross at hand, ticks; 0: none
  Indicative indicative{};
  i64 limit_edge = 0;      // of the limit state, ticks
  i64 limit_until = 0;     // UTC ns
  i64 call_until = 0;      // when the volatility call at hand ends by itself, UTC ns
  u64 traded_at = 0;       // the command that traded last, if there are rules
  i64 price_before = 0;    // the last trade before that command, ticks; 0: none
  u32 first_call = kNone;  // working orders of auctions, and market orders that a call took; by
  u32 last_call = kNone;   // submission
  u32 first_cross[2] = {kNone, kNone};  // those that wait in the closing cross: buys, sells; by
  u32 last_cross[2] = {kNone, kNone};   // their coming
  u32 due_place_plus_1 = 0;             // in State::due; 0: nothing ends by time
  u8 limit_side = 0;          // kBuy: at the upper edge, kSell: at the lower; 0: no limit state
  bool ends_by_time = false;  // the volatility call at hand
  bool touched = false;       // in State::touched
  bool pegs_at_home = false;  // each peg is where `pegs_saw` sends it; not told by a snapshot
  u32 first_print = 0;        // of a ring
  u32 print_count = 0;
  Print prints[kPrints]{};
  Ladder dark[2];  // bids, asks
  u32 dark_orders = 0;
  u32 icebergs = 0;
  u32 first_peg = kNone;  // slots, in order of submission
  u32 last_peg = kNone;
  PegView pegs_saw{};

  Waiting waiting[kTriggerSources][2];  // by source, then sell
  u32 waiting_count = 0;                // those that have not fired
  u32 fired_first = kNone;              // a queue: first fired, first served
  u32 fired_last = kNone;
  bool printed = false;  // `seen` says something
  Seen seen{};           // trades since the last look, while somebody waits
  i64 mark = 0;          // ticks; 0: none
  i64 marked_at = 0;     // UTC ns
  i64 bid = 0;           // the best of other markets, ticks; 0: none
  i64 ask = 0;
  i64 quoted_at = 0;

  u32 day_first = kNone;  // orders that end with the day

  u32 links = 0;
  u32 reducing = 0;  // reduce-only orders

  MarketSize size{};
  ClassTerms class_terms{};
  u32 restrictions = 0;  // lists that it is on
  u8 switch_mode = 0;
};
static_assert(std::is_trivially_copyable_v<RareBook>);

/// Nothing rare. The ladders of instrument `slot` stand behind those of all books.
inline RareBook make_rare_book(u32 slot, u32 max_instruments) {
  RareBook rare;
  const u32 first = (max_instruments + slot) * 2;
  rare.dark[0] = Ladder(first);
  rare.dark[1] = Ladder(first + 1);
  return rare;
}

}  // namespace quantumcore
