#include "measure.hpp"

#include <time.h>

#include <algorithm>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace quantumcore::bench {

namespace {

constexpr u64 kOverheadSamples = 10'001;

double read_clock(clockid_t clock) {
  timespec t;
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// Ticks of the finest clock there is; what a tick lasts is measured beside it.
u64 ticks() {
#if defined(__x86_64__)
  unsigned processor;
  const u64 now = __rdtscp(&processor);
  _mm_lfence();
  return now;
#else
  return static_cast<u64>(read_clock(CLOCK_MONOTONIC));
#endif
}

/// The size of `count` commands from the head of `rest` on, at most all of it.
std::size_t size_of(std::span<const std::byte> rest, u64 count) {
  std::size_t at = 0;
  for (u64 i = 0; i < count && at + kMinCommandSize <= rest.size(); ++i) {
    u16 size;
    std::memcpy(&size, rest.data() + at, sizeof size);
    at += size;
  }
  return std::min(at, rest.size());
}

std::vector<std::size_t> cut(std::span<const std::byte> commands, u64 per_step) {
  std::vector<std::size_t> sizes;
  for (std::size_t at = 0; at < commands.size(); at += sizes.back()) {
    sizes.push_back(size_of(commands.subspan(at), per_step));
  }
  return sizes;
}

}  // namespace

Pace pace(Engine& engine, EventBuffer& events, std::span<const std::byte> commands, u64 per_step) {
  const u64 count = count_commands(commands);  // bad framing is found before anything is timed
  const std::vector<std::size_t> sizes = cut(commands, per_step);
  const i64 now = engine.time_ns();
  std::size_t at = 0;
  const double cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
  const double wall = read_clock(CLOCK_MONOTONIC);
  for (const std::size_t size : sizes) {
    events.clear();
    engine.step(commands.subspan(at, size), now, events);
    at += size;
  }
  const double each = count == 0 ? 0 : 1 / static_cast<double>(count);
  const double wall_ns = (read_clock(CLOCK_MONOTONIC) - wall) * each;
  return {count, (read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu) * each, wall_ns};
}

Latencies latencies(Engine& engine, EventBuffer& events, std::span<const std::byte> commands) {
  const u64 count = count_commands(commands);
  const std::vector<std::size_t> sizes = cut(commands, 1);
  std::vector<u64> taken(kOverheadSamples);
  for (u64& t : taken) {
    const u64 began = ticks();
    t = ticks() - began;
  }
  std::nth_element(taken.begin(), taken.begin() + kOverheadSamples / 2, taken.end());
  const u64 overhead = taken[kOverheadSamples / 2];
  taken.assign(sizes.size(), 0);
  const i64 now = engine.time_ns();
  std::size_t at = 0;
  const double wall = read_clock(CLOCK_MONOTONIC);
  const u64 first = ticks();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    events.clear();
    const u64 began = ticks();
    engine.step(commands.subspan(at, sizes[i]), now, events);
    taken[i] = ticks() - began;
    at += sizes[i];
  }
  const u64 last = ticks();
  const double ns = (read_clock(CLOCK_MONOTONIC) - wall) / static_cast<double>(last - first);
  std::sort(taken.begin(), taken.end());
  const auto below = [&](double share) {
    if (taken.empty()) return 0.0;
    const auto i = static_cast<std::size_t>(share * static_cast<double>(taken.size()));
    return static_cast<double>(taken[std::min(i, taken.size() - 1)]) * ns;
  };
  return {count,
          below(0.5),
          below(0.99),
          below(0.999),
          below(0.9999),
          below(1),
          static_cast<double>(overhead) * ns};
}

}  // namespace quantumcore::bench
