#pragma once

#include "quantumcore/ladder.hpp"

namespace quantumcore {

// Bits of Instrument::rare.
inline constexpr u32 kRareDark = 1;      // orders rest in the dark
inline constexpr u32 kRareIcebergs = 2;  // shown orders have reserves
inline constexpr u32 kRarePegs = 4;      // pegs work, in the book or waiting

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
/// use, one bit each; with none of them nobody looks here.
struct RareBook {
  Ladder dark[2];  // bids, asks
  u32 dark_orders;
  u32 icebergs;
  u32 first_peg;  // slots, in order of submission
  u32 last_peg;
  bool touched;       // in State::touched
  bool pegs_at_home;  // each peg is where `pegs_saw` sends it; not told by a snapshot
  PegView pegs_saw;
};

/// The ladders of instrument `slot` stand behind those of all books.
inline RareBook make_rare_book(u32 slot, u32 max_instruments) {
  const u32 first = (max_instruments + slot) * 2;
  return {{Ladder(first), Ladder(first + 1)}, 0, 0, kNone, kNone, false, false, {}};
}

}  // namespace quantumcore
