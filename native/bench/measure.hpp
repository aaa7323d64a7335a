#pragma once

#include "quantumcore/engine.hpp"

/// How long steps take, timed where they run.
namespace quantumcore::bench {

/// Nanoseconds per command. CPU time is the calling thread's: what neighbours do is not in it.
struct Pace {
  u64 commands;
  double cpu_ns;
  double wall_ns;
};

/// Steps `commands` in steps of `per_step` commands and times the whole.
Pace pace(Engine& engine, EventBuffer& events, std::span<const std::byte> commands, u64 per_step);

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
