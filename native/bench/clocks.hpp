#pragma once

#include <time.h>

#include <algorithm>
#include <vector>

#include "quantumcore/integers.hpp"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

/// Clocks, and what is read off them.
namespace quantumcore::bench {

inline double read_clock(clockid_t clock) {
  timespec t;
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// Ticks of the finest clock there is; what a tick lasts is measured beside it.
inline u64 ticks() {
#if defined(__x86_64__)
  unsigned processor;
  const u64 now = __rdtscp(&processor);
  _mm_lfence();
  return now;
#else
  return static_cast<u64>(read_clock(CLOCK_MONOTONIC));
#endif
}

/// What that share of the sorted values stays below; 0 without values.
inline double below(const std::vector<u64>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto i = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return static_cast<double>(sorted[std::min(i, sorted.size() - 1)]);
}

}  // namespace quantumcore::bench
