#pragma once

#include "quantumcore/feed.hpp"

/// How long steps take, timed where they run.
namespace quantumcore::bench {

/// Nanoseconds per command. CPU time is the calling thread's: what neighbours do is not in it.
struct Pace {
  u64 commands;
  double cpu_ns;
  double wall_ns;
};

/// Who hears of the events while a pace is taken.
struct Audience {
  u32 slots = 0;    // of a feed's ring; 0: there is no feed
  u32 readers = 0;  // threads that read it without a pause
};

inline constexpr u32 kFeedRows = 1'024;

/// Steps `commands` in steps of `per_step` commands, tells each step to the audience, and times the
/// whole. Throws InvariantViolation when the feed ends with other prices than the books.
Pace pace(Engine& engine, EventBuffer& events, std::span<const std::byte> commands, u64 per_step,
          const Audience& audience = {});

/// What so many of a hundred commands stay below, in wall nanoseconds.
struct Latencies {
  u64 commands;
  double p50;
  double p99;
  double p99_9;
  double p99_99;
  double worst;
  double clock;  // what reading the clock twice costs; it is part of the others
};

/// Steps every command alone and times each.
Latencies latencies(Engine& engine, EventBuffer& events, std::span<const std::byte> commands);

}  // namespace quantumcore::bench
