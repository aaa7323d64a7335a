#pragma once

#include <string_view>
#include <vector>

#include "quantumcore/engine.hpp"

/// Streams of commands to measure with: the same bytes from the same seed.
namespace quantumcore::bench {

/// What the market of a workload does.
///
/// mix: 9 % new, 3 % immediate-or-cancel, 6 % cancel, 82 % move by a tick, about 1,000 resting.
/// simple: 50 % new near the touch, 40 % cancel, 10 % aggressive, about 10,000 resting.
/// still: as simple, but nothing trades: the book stands.
/// trend: as simple, the middle rises a tick every 20 commands; the oldest are cancelled.
/// swing_25, swing_40: as trend, the middle swings by that share, there and back in 200,000.
/// crash: as simple; every 50,000 commands sells empty the bids, and 5,000 bids come back.
/// cold: nothing but new orders that rest, in a book that begins empty.
/// fresh_ids: as simple, every client id 36 random letters that never come again.
enum class Shape : u8 { mix, simple, still, trend, swing_25, swing_40, crash, cold, fresh_ids };

inline constexpr std::string_view kShapeNames[] = {
    "mix", "simple", "still", "trend", "swing_25", "swing_40", "crash", "cold", "fresh_ids"};

/// A prepared stream, made by playing it against an engine of its own, because moves and cancels
/// name orders as the engine named them.
struct Workload {
  EngineConfig config;
  std::vector<std::byte> setup;     // definitions, accounts, money, the first resting orders
  std::vector<std::byte> commands;  // what is measured
  u64 count = 0;                    // of the measured commands
  u32 submissions = 0;              // of setup and commands
  u32 resting = 0;                  // at most, at any time
  u64 trades = 0;
  u64 refused = 0;
  u64 hash = 0;  // of the engine's state at the end
};

/// Without accounting the same market is played by an engine that is a book only.
Workload make_workload(Shape shape, u64 commands, u64 seed, bool accounting = true);

}  // namespace quantumcore::bench
