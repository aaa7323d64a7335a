#pragma once

#include "quantumcore/layout.hpp"

namespace quantumcore {

inline constexpr u32 kRareLinked = 1U << 8;    // orders are tied to each other
inline constexpr u32 kRareReducing = 1U << 9;  // reduce-only orders work
inline constexpr u32 kRareShared = 1U << 10;   // levels are shared out, not taken by time

/// What an instrument has beyond a plain book. `Instrument::rare` says which parts of it are in
/// use, one bit each; with none of them nobody looks here.
struct RareBook {
  TradingRules rules;
  u32 links;
  u32 reducing;  // reduce-only orders
  bool touched;  // in State::touched
};

}  // namespace quantumcore
